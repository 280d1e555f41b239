#include "ledger/base/status.h"

namespace anamnesis {

Status WithContext(const Status& status, std::string_view context) {
  if (status.ok()) return status;
  Status result(status.code(), Text(context, ": ", MessageOf(status)));
  status.ForEachPayload(
      [&result](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

}  // namespace anamnesis
