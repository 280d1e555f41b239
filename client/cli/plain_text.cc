#include "client/cli/plain_text.h"

#include <algorithm>
#include <iostream>

#include "client/cli/context.h"
#include "client/exports/content.h"

namespace anamnesis::cli {
namespace {

constexpr char kEscape = '\x1b';
// What Bold, Dim, Good and Bad write.
constexpr std::string_view kStyles[] = {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31;1m"};

bool raw_output = false;

// Whoever writes one of our colours into a text colours it, and does nothing else.
std::string Plain(std::string_view text, bool coloured) {
  std::string plain;
  while (!text.empty()) {
    const auto* const style = std::find_if(std::begin(kStyles), std::end(kStyles),
                                           [&](std::string_view one) { return coloured && text.starts_with(one); });
    const size_t size = style != std::end(kStyles) ? style->size() : std::min(text.find(kEscape, 1), text.size());
    const std::string_view part = text.substr(0, size);
    plain += style != std::end(kStyles) ? std::string(part) : exports::CleanText(part);
    text.remove_prefix(size);
  }
  return plain;
}

// Keeps nothing back: each insertion is a whole text.
class PlainBuffer : public std::streambuf {
 public:
  explicit PlainBuffer(std::streambuf& below) : below_(below) {}

 protected:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (raw_output) return below_.sputn(text, size);
    const std::string plain = Plain(std::string_view(text, static_cast<size_t>(size)), Coloured());
    const auto plain_size = static_cast<std::streamsize>(plain.size());
    return below_.sputn(plain.data(), plain_size) == plain_size ? size : 0;
  }
  int_type overflow(int_type character) override {
    if (traits_type::eq_int_type(character, traits_type::eof())) return traits_type::not_eof(character);
    const char one = traits_type::to_char_type(character);
    return xsputn(&one, 1) == 1 ? character : traits_type::eof();
  }
  int sync() override { return below_.pubsync(); }

 private:
  std::streambuf& below_;
};

}  // namespace

std::string OneLine(std::string_view text) {
  std::string line = exports::CleanText(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return line;
}

PlainOutput::PlainOutput()
    : filter_(std::make_unique<PlainBuffer>(*std::cout.rdbuf())), below_(std::cout.rdbuf(filter_.get())) {}

PlainOutput::~PlainOutput() { std::cout.rdbuf(below_); }

void WriteRawOutput() { raw_output = true; }

}  // namespace anamnesis::cli
