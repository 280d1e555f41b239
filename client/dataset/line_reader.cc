#include "client/dataset/line_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace anamnesis {
namespace {

constexpr size_t kBufferBytes = 1 << 16;

}  // namespace

LineReader::LineReader(File file, size_t line_bytes_max)
    : file_(std::move(file)), line_bytes_max_(line_bytes_max), buffer_(kBufferBytes) {}

StatusOr<std::optional<LineReader::Line>> LineReader::Next() {
  line_.clear();
  bool any = false;
  for (bool ended = false; !ended;) {
    if (begin_ == end_) {
      ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) break;
    }
    any = true;
    const char* from = buffer_.data() + begin_;
    const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_));
    ended = newline != nullptr;
    const size_t length = ended ? static_cast<size_t>(newline - from) : end_ - begin_;
    const size_t room = line_bytes_max_ + 1 - std::min(line_.size(), line_bytes_max_ + 1);
    line_.append(from, std::min(length, room));
    begin_ += length + (ended ? 1 : 0);
  }
  if (!any) return std::nullopt;
  if (line_.ends_with('\r')) line_.pop_back();
  return Line{++number_, line_, line_.size() > line_bytes_max_};
}

StatusOr<bool> LineReader::Fill() {
  begin_ = 0;
  end_ = 0;
  ASSIGN_OR_RETURN(end_, file_.Read(buffer_.data(), buffer_.size()));
  return end_ > 0;
}

}  // namespace anamnesis
