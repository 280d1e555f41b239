#ifndef ANAMNESIS_CLIENT_CLI_PLAIN_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_PLAIN_TEXT_H_

// What people read on a terminal. The ledger's writers chose most of it, so nothing in it may be taken for a command to
// the terminal, nor for a line that is ours.

#include <memory>
#include <streambuf>
#include <string>
#include <string_view>

namespace anamnesis::cli {

// As one line without anything that a terminal would take for more than text.
std::string OneLine(std::string_view text);

// While it stands, what goes to standard output is text for people: characters that act on a terminal are replaced, but
// for line feeds, tabs and, on a terminal, the colours that we use. One at a time.
class PlainOutput {
 public:
  PlainOutput();
  ~PlainOutput();
  PlainOutput(const PlainOutput&) = delete;
  PlainOutput& operator=(const PlainOutput&) = delete;

 private:
  std::unique_ptr<std::streambuf> filter_;
  std::streambuf* const below_;
};

// From here on what goes to standard output is for programs, which get every byte.
void WriteRawOutput();

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_PLAIN_TEXT_H_
