// The lines of a manifest, as CSV below its first line and as JSON: what is read is a member that can be committed to.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "client/dataset/manifest.h"
#include "ledger/base/check.h"
#include "ledger/dataset/member.h"

namespace anamnesis {
namespace {

void CheckMemberOf(const StatusOr<Member>& member) {
  if (!member.ok()) return;
  CHECK(ParseMember(EncodeMember(*member)).value() == *member);
}

void CheckLines(std::string_view text) {
  StatusOr<ManifestColumns> columns = ParseManifestHeader(text.substr(0, text.find('\n')));
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    CheckMemberOf(ParseManifestJson(line));
    if (columns.ok()) CheckMemberOf(ParseManifestCsv(line, *columns));
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckLines({reinterpret_cast<const char*>(data), size});
  return 0;
}
