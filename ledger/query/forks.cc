#include "ledger/query/forks.h"

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

constexpr size_t kForksMax = 1000;

// Empty: the log.
std::string StreamOf(const Fact& fact) {
  const auto* fork = fact.body<v1::ForkDetected>();
  return fork == nullptr ? "" : fork->stream();
}

}  // namespace

std::string StreamOfUnit(std::string_view unit) { return Text("device_unit/", unit); }

StatusOr<std::vector<const Fact*>> ForksOf(Facts& facts, const std::set<std::string>& streams) {
  std::vector<LeafIndex> recorded;
  RETURN_IF_ERROR(VisitList(facts.rows(), Family::kTypeEvents, "fork.detected", LeafIndex(0), false, facts.size(),
                            [&](LeafIndex index) {
                              recorded.push_back(index);
                              return recorded.size() <= kForksMax;
                            }));
  if (recorded.size() > kForksMax) {
    return absl::ResourceExhaustedError(Text("more than ", kForksMax, " forks are recorded"));
  }
  std::vector<const Fact*> found;
  for (const LeafIndex index : recorded) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    const std::string stream = StreamOf(*fact);
    if (fact->counts() && (stream.empty() || streams.count(stream) > 0)) found.push_back(fact);
  }
  return found;
}

std::string ForkedText(const Fact& fork) {
  const std::string stream = StreamOf(fork);
  return stream.empty() ? "the log" : Text("stream ", stream);
}

}  // namespace anamnesis
