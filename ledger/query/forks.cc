#include "ledger/query/forks.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/state/edges.h"

namespace anamnesis {
namespace {

constexpr size_t kFoundMax = 1000;

constexpr std::string_view kTheLog;

std::string StreamOf(const Fact& fact) {
  const auto* fork = fact.body<v1::ForkDetected>();
  return fork == nullptr ? std::string(kTheLog) : fork->stream();
}

}  // namespace

StatusOr<Forks> ForksOf(Facts& facts, const std::set<std::string>& streams, size_t looked_at_max) {
  std::set<std::string> forked = streams;
  forked.insert(std::string(kTheLog));
  std::vector<LeafIndex> recorded;
  for (const std::string& stream : forked) {
    if (recorded.size() > looked_at_max) break;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> of_it,
                     ForksRecordedOf(facts.rows(), stream, facts.size(), looked_at_max + 1 - recorded.size()));
    recorded.insert(recorded.end(), of_it.begin(), of_it.end());
  }
  Forks forks;
  forks.cut_off = recorded.size() > looked_at_max;
  std::sort(recorded.begin(), recorded.end());
  for (const LeafIndex index : recorded) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (!fact->counts()) continue;
    if (forks.found.size() == kFoundMax) {
      forks.cut_off = true;
    } else {
      forks.found.push_back(fact);
    }
  }
  return forks;
}

std::string ForkedText(const Fact& fork) {
  const std::string stream = StreamOf(fork);
  return stream == kTheLog ? "the log" : Text("stream ", stream);
}

}  // namespace anamnesis
