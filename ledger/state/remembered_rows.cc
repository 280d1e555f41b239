#include "ledger/state/remembered_rows.h"

namespace anamnesis {
namespace {

// When there is more, all is forgotten: what is asked for often is soon known again.
constexpr size_t kBytesMax = 16u << 20;
// About what an entry takes besides its strings.
constexpr size_t kEntryBytes = 80;

}  // namespace

StatusOr<std::optional<std::string>> RememberedRows::Get(Family family, std::string_view key) const {
  auto& of_family = of_family_[static_cast<size_t>(family)];
  if (const auto found = of_family.find(key); found != of_family.end()) return found->second->value;
  ASSIGN_OR_RETURN(std::optional<std::string> value, rows_.Get(family, key));
  if (bytes_ > kBytesMax) {
    for (auto& each : of_family_) each.clear();
    known_.clear();
    bytes_ = 0;
  }
  bytes_ += kEntryBytes + key.size() + (value.has_value() ? value->size() : 0);
  const Known& kept = known_.emplace_back(Known{std::string(key), value});
  of_family.emplace(kept.key, &kept);
  return value;
}

}  // namespace anamnesis
