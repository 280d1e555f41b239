#include "ledger/query/forks.h"

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

constexpr size_t kFoundMax = 1000;

// Empty: the log.
std::string StreamOf(const Fact& fact) {
  const auto* fork = fact.body<v1::ForkDetected>();
  return fork == nullptr ? "" : fork->stream();
}

}  // namespace

std::string StreamOfUnit(std::string_view unit) { return Text("device_unit/", unit); }

StatusOr<Forks> ForksOf(Facts& facts, const std::set<std::string>& streams, size_t looked_at_max) {
  std::vector<LeafIndex> recorded;
  RETURN_IF_ERROR(VisitList(facts.rows(), Family::kTypeEvents, "fork.detected", LeafIndex(0), false, facts.size(),
                            [&](LeafIndex index) {
                              recorded.push_back(index);
                              return recorded.size() <= looked_at_max;
                            }));
  Forks forks;
  if (recorded.size() > looked_at_max) {
    forks.cut_off = true;
    for (const LeafIndex index : recorded) RETURN_IF_ERROR(facts.At(index).status());
    recorded.pop_back();
  }
  Facts of_any_stream(facts.rows(), facts.size());
  for (const LeafIndex index : recorded) {
    ASSIGN_OR_RETURN(const Fact* each, of_any_stream.At(index));
    const std::string stream = StreamOf(*each);
    if (!each->counts() || (!stream.empty() && streams.count(stream) == 0)) continue;
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (forks.found.size() == kFoundMax) {
      forks.cut_off = true;
      break;
    }
    forks.found.push_back(fact);
  }
  return forks;
}

std::string ForkedText(const Fact& fork) {
  const std::string stream = StreamOf(fork);
  return stream.empty() ? "the log" : Text("stream ", stream);
}

}  // namespace anamnesis
