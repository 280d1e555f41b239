#include "ledger/engine/handovers.h"

#include <string_view>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/engine/files.h"
#include "ledger/engine/layout.h"

namespace anamnesis {
namespace {

constexpr size_t kHandoversBytesMax = 512 * 1024;

}  // namespace

StatusOr<std::vector<std::string>> ReadHandovers(const std::string& dir) {
  std::vector<std::string> notes;
  const StatusOr<std::string> lines = ReadSmallFile(HandoversPath(dir));
  if (absl::IsNotFound(lines.status())) return notes;
  RETURN_IF_ERROR(lines.status());
  std::string_view rest = *lines;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    StatusOr<std::string> note = Base64Decode(rest.substr(0, end));
    if (!note.ok()) return WithContext(note.status(), HandoversPath(dir));
    notes.push_back(*std::move(note));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return notes;
}

Status WriteHandovers(const std::string& dir, const std::vector<std::string>& notes) {
  const std::string path = HandoversPath(dir);
  if (notes.empty()) return RemoveSmallFile(path);
  std::string lines;
  for (const std::string& note : notes) lines += Text(Base64Encode(note), '\n');
  if (lines.size() > kHandoversBytesMax) {
    return absl::FailedPreconditionError(Text(path, ": holds too many handovers; keep it elsewhere and remove it"));
  }
  return WriteSmallFile(path, lines);
}

}  // namespace anamnesis
