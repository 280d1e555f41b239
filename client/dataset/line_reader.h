#ifndef ANAMNESIS_CLIENT_DATASET_LINE_READER_H_
#define ANAMNESIS_CLIENT_DATASET_LINE_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/dataset/file.h"
#include "ledger/base/status.h"

namespace anamnesis {

// The lines of a file, "\n" or "\r\n" at their ends, in bounded memory. Owns the file. One thread at a time.
class LineReader {
 public:
  LineReader(File file, size_t line_bytes_max);

  struct Line {
    // From 1.
    uint64_t number;
    // Borrowed until the next call; cut off when `too_long`.
    std::string_view text;
    bool too_long;
  };
  // Nothing after the last line. What reading fails with.
  StatusOr<std::optional<Line>> Next();

 private:
  // Fills buffer_ again; false at the file's end.
  StatusOr<bool> Fill();

  File file_;
  const size_t line_bytes_max_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::string line_;
  uint64_t number_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_LINE_READER_H_
