#include "ledger/query/unit_changes.h"

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/configuration.h"

namespace anamnesis {
namespace {

// More are refused rather than answered slowly.
constexpr size_t kTimesMax = 20'000;

}  // namespace

StatusOr<std::set<Timestamp>> TimesOfChange(Facts& facts, const std::string& unit, Timestamp from, Timestamp until,
                                            std::string_view field) {
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                   facts.About(ToEntity({"device_unit", unit}), "unit", kQuestionEventsMax + 1));
  if (indexes.empty()) return absl::NotFoundError(Text(field, ": nothing is recorded of ", unit));
  std::set<Timestamp> times;
  const auto add = [&](Timestamp time) {
    if (time > from && time < until) times.insert(time);
  };
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (!fact->counts() || EffectsOf(fact->event.view()).empty()) continue;
    add(fact->earliest());
    add(fact->latest());
    // An interval's last instant still belongs to it.
    add(Timestamp(fact->latest().us + 1));
    if (const auto* attested = fact->body<v1::ConfigurationAttested>()) {
      add(Timestamp(attested->covered_from_us()));
      add(Timestamp(attested->covered_until_us()));
    }
    if (times.size() > kTimesMax) {
      return absl::ResourceExhaustedError(
          Text("the unit's configuration changes more than ", kTimesMax, " times in it; ask for a shorter time"));
    }
  }
  return times;
}

}  // namespace anamnesis
