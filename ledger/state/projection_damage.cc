#include "ledger/state/projection_damage.h"

#include <algorithm>

#include "absl/strings/cord.h"

namespace anamnesis {
namespace {

constexpr char kMark[] = "anamnesis/projection-damage";

}  // namespace

bool IsProjection(Family family) {
  return std::find(kProjectionFamilies.begin(), kProjectionFamilies.end(), family) != kProjectionFamilies.end();
}

Status ProjectionDamage(std::string_view what) {
  Status status = absl::DataLossError(Text(what, "; rebuild the projections"));
  status.SetPayload(kMark, absl::Cord());
  return status;
}

bool IsProjectionDamage(const Status& status) { return status.GetPayload(kMark).has_value(); }

}  // namespace anamnesis
