#include "ledger/query/item_evidence.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/test_results.h"

namespace anamnesis {
namespace {

bool Passed(const Fact& fact) {
  if (const auto* run = fact.body<v1::TestRunCompleted>()) return run->result() == v1::TestRunCompleted::PASS;
  const auto* evaluation = fact.body<v1::EvaluationCompleted>();
  return evaluation != nullptr && evaluation->result() == v1::EvaluationCompleted::PASS;
}

// A result holds since it is certain to have happened and is recorded.
Timestamp KnownFrom(const Fact& fact) { return std::max(fact.latest(), fact.event.recorded); }

}  // namespace

bool ItemEvidence::Evidence::IsFor(const Ground& ground) const {
  return state == nullptr ||
         (state->baseline_digest() == ground.baseline && state->substrate_digest() == ground.substrate);
}

bool ItemEvidence::Evidence::Holds(Timestamp at, const Ground& ground) const {
  return from <= at && at < until && IsKnown(at) && IsFor(ground);
}

StatusOr<ItemEvidence> ItemEvidence::Of(Facts& facts, const v1::EntityRef& item) {
  ItemEvidence found;
  std::vector<const Fact*> tests;
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts.About(item, "", kQuestionEventsMax));
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (!fact->counts()) continue;
    RETURN_IF_ERROR(found.AddCertificate(facts, *fact, item));
    const std::optional<bool> passed = ResultFor(*fact, item);
    if (!passed.has_value()) continue;
    tests.push_back(fact);
    if (!*passed) continue;
    Evidence& evidence = found.evidence_.emplace_back();
    evidence.from = fact->latest();
    evidence.fact = fact;
  }
  found.AddResults(std::move(tests));
  found.Sort();
  return found;
}

// From when it is valid until it expires or is withdrawn.
Status ItemEvidence::AddCertificate(Facts& facts, const Fact& fact, const v1::EntityRef& item) {
  const auto* issued = fact.body<v1::CertificationIssued>();
  const v1::EntityRef* artifact = FindReference(fact.header(), "artifact");
  const bool is_of_it = issued != nullptr && artifact != nullptr && NameOf(*artifact) == NameOf(item) &&
                        artifact->version() == item.version();
  if (!is_of_it) return OkStatus();
  const std::string name = Text("the certification of leaf ", fact.event.index.value);
  Evidence evidence;
  evidence.fact = &fact;
  evidence.state = &issued->state();
  evidence.from = std::max(fact.latest(), Timestamp(issued->valid_from_us()));
  if (issued->valid_until_us() != 0) {
    evidence.until = Timestamp(issued->valid_until_us());
    evidence.ended_by = Text(name, " had expired");
  }
  const v1::EntityRef* certification = FindReference(fact.header(), "certification");
  std::vector<const Fact*> withdrawn;
  if (certification != nullptr) {
    ASSIGN_OR_RETURN(withdrawn,
                     facts.OfType(*certification, "certification", "certification.withdrawn", kQuestionEventsMax));
  }
  for (const Fact* end : withdrawn) {
    const auto* body = end->body<v1::CertificationWithdrawn>();
    const bool given = body != nullptr && body->effective_from_us() != 0;
    const Timestamp from = given ? Timestamp(body->effective_from_us()) : end->earliest();
    if (from >= evidence.until) continue;
    evidence.until = from;
    evidence.ended_by = Text(name, " was withdrawn (leaf ", end->event.index.value, ")");
  }
  evidence_.push_back(std::move(evidence));
  return OkStatus();
}

void ItemEvidence::AddResults(std::vector<const Fact*> tests) {
  std::sort(tests.begin(), tests.end(), [](const Fact* a, const Fact* b) {
    return std::pair(KnownFrom(*a), a->event.index) < std::pair(KnownFrom(*b), b->event.index);
  });
  std::map<std::string, const Fact*> last;
  std::set<const Fact*, decltype(&StandsEarlier)> passed(StandsEarlier);
  std::set<const Fact*, decltype(&StandsEarlier)> failed(StandsEarlier);
  for (const Fact* test : tests) {
    const Fact*& newest = last[TestOf(*test)];
    // An older result that is only recorded now changes nothing.
    if (newest != nullptr && StandsEarlier(test, newest)) continue;
    if (newest != nullptr) (Passed(*newest) ? passed : failed).erase(newest);
    newest = test;
    (Passed(*test) ? passed : failed).insert(test);
    results_.push_back(
        {KnownFrom(*test), passed.empty() ? nullptr : *passed.begin(), failed.empty() ? nullptr : *failed.rbegin()});
  }
}

void ItemEvidence::Sort() {
  std::sort(evidence_.begin(), evidence_.end(), [](const Evidence& a, const Evidence& b) {
    return std::pair(a.from, a.fact->event.index) < std::pair(b.from, b.fact->event.index);
  });
  std::set<Timestamp> times;
  for (const Evidence& one : evidence_) times.insert({one.from, one.until, one.fact->event.recorded});
  for (const Results& results : results_) times.insert(results.from);
  times_.assign(times.begin(), times.end());
}

bool ItemEvidence::IsCertified(Timestamp at) const {
  return std::any_of(evidence_.begin(), evidence_.end(),
                     [&](const Evidence& one) { return one.state != nullptr && one.IsKnown(at); });
}

const ItemEvidence::Results* ItemEvidence::ResultsAt(Timestamp at) const {
  const auto next = std::upper_bound(results_.begin(), results_.end(), at,
                                     [](Timestamp time, const Results& results) { return time < results.from; });
  return next == results_.begin() ? nullptr : &*std::prev(next);
}

Verification ItemEvidence::At(Timestamp at, const Ground& ground) const {
  const Results* results = ResultsAt(at);
  const Fact* failed = results == nullptr ? nullptr : results->failed;
  if (!IsCertified(at)) {
    const bool verified = results != nullptr && results->passed != nullptr && failed == nullptr;
    return verified ? Verification{results->passed->event.index, false} : Verification{};
  }
  for (const Evidence& one : evidence_) {
    if (one.state == nullptr || !one.Holds(at, ground)) continue;
    if (failed == nullptr || StandsEarlier(failed, one.fact)) return {one.fact->event.index, true};
  }
  return {};
}

std::string ItemEvidence::WhyNot(Timestamp at, const Ground& ground) const {
  const Results* results = ResultsAt(at);
  const Fact* failed = results == nullptr ? nullptr : results->failed;
  const bool certified = IsCertified(at);
  if (failed != nullptr && !certified) return FailureText(*failed);
  std::string later;
  // The last to begin comes first.
  for (auto place = evidence_.rbegin(); place != evidence_.rend(); ++place) {
    const Evidence& one = *place;
    if (one.state == nullptr && certified) continue;
    if (one.from > at) {
      later = "verified only later";
    } else if (one.until <= at) {
      return one.ended_by;
    } else if (!one.IsFor(ground)) {
      return Text("the certification of leaf ", one.fact->event.index.value, " is for another baseline or substrate");
    } else if (one.IsKnown(at)) {
      return failed == nullptr ? "" : FailureText(*failed);
    } else {
      return Text("verified by then, but recorded only later (leaf ", one.fact->event.index.value, ")");
    }
  }
  return later;
}

}  // namespace anamnesis
