#include "ledger/gate/identifiers.h"

#include <algorithm>
#include <set>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/runs_with.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

constexpr size_t kFirstStep = 64;

v1::EntityRef ArtifactOf(const Fact& activated) { return Bare(*FindReference(activated.header(), "artifact")); }

// Whether it stands after that time.
bool IsSince(const Fact& activated, Timestamp from) { return PlaceInTime(activated).first > from; }

// The identifiers that the decision on which something was activated rests on, by their leaves; empty when it cites
// none, or one that rests on no identifier.
StatusOr<std::set<uint64_t>> IdentifiersDecidedOn(Facts& facts, const Fact& activated) {
  std::set<uint64_t> leaves;
  const v1::EntityRef* cited = FindReference(activated.header(), "decision");
  if (cited == nullptr) return leaves;
  // Decisions have no versions, whatever is written where one is cited.
  ASSIGN_OR_RETURN(const Fact* decided, facts.Definition(Bare(*cited, true)));
  const auto* decision = decided == nullptr ? nullptr : decided->body<v1::GateDecided>();
  if (decision == nullptr) return leaves;
  const v1::EntityRef* artifact = FindReference(decided->header(), "artifact");
  if (artifact == nullptr || !SameEntity(Bare(*artifact), ArtifactOf(activated))) return leaves;
  for (const Result& result : decision->results()) {
    if (result.rule_id() != "G19") continue;
    for (const uint64_t leaf : result.evidence()) {
      if (leaf >= facts.size().value) continue;
      ASSIGN_OR_RETURN(const Fact* fact, facts.At(LeafIndex(leaf)));
      if (fact->type() == "udi.assigned") leaves.insert(leaf);
    }
  }
  return leaves;
}

// Whether an identifier was assigned for something else than what was activated, as of then.
StatusOr<bool> WasOfSomethingElse(Subject& s, const Fact& activated, const Fact& assigned) {
  const v1::EventHeader& header = assigned.header();
  if (FindReference(header, "envelope") == nullptr && FindReference(header, "release") == nullptr) return false;
  GateRequest request;
  request.artifact = ArtifactOf(activated);
  request.unit = s.request.unit;
  request.at = PlaceInTime(activated).first;
  request.known_until = s.request.known_until;
  Subject other(s.facts, request);
  const Status loaded = LoadSubject(other);
  if (loaded.ok()) return IsOfSomethingElse(other, assigned);
  // What nobody can evaluate may have run under it.
  if (IsOfWhatWasRecorded(loaded)) return false;
  return loaded;
}

}  // namespace

StatusOr<bool> IsOfSomethingElse(Subject& s, const Fact& assigned) {
  const v1::EntityRef* envelope = FindReference(assigned.header(), "envelope");
  if (envelope != nullptr && std::none_of(s.envelopes.begin(), s.envelopes.end(),
                                          [&](const auto& each) { return MayBeSame(*each.ref, *envelope); })) {
    return true;
  }
  const v1::EntityRef* release = FindReference(assigned.header(), "release");
  if (release == nullptr) return false;
  ASSIGN_OR_RETURN(const std::vector<v1::EntityRef> with, RunsWith(s));
  return std::none_of(with.begin(), with.end(), [&](const v1::EntityRef& each) { return MayBeSame(each, *release); });
}

StatusOr<bool> SurfaceActivations::ReadBackTo(Timestamp from) {
  const v1::EntityRef unit = ToEntity({"device_unit", s_.request.unit});
  while (oldest_read_ >= from) {
    for (; read_ < indexes_.size(); ++read_) {
      ASSIGN_OR_RETURN(const Fact* fact, s_.facts.At(indexes_[read_]));
      // Nothing is recorded before it happens.
      oldest_read_ = fact->event.recorded;
      if (oldest_read_ < from) return true;
      const auto* body = fact->body<v1::ArtifactActivated>();
      const bool here = body != nullptr && body->surface() == s_.artifact->surface();
      if (here && HappenedBy(*fact, s_.request.at)) here_.push_back(fact);
    }
    // That is all there are.
    if (indexes_.size() < asked_) return true;
    if (asked_ == kTypedEventsMax) return false;
    asked_ = asked_ == 0 ? kFirstStep : std::min(asked_ * 4, kTypedEventsMax);
    ASSIGN_OR_RETURN(indexes_,
                     EventsOfType(s_.facts.rows(), unit, "artifact.activated", s_.facts.size(), asked_, true));
  }
  return true;
}

StatusOr<const Fact*> SurfaceActivations::OtherThatSpent(const Fact& assigned) {
  std::vector<const Fact*> since;
  for (const Fact* fact : here_) {
    if (IsSince(*fact, assigned.earliest())) since.push_back(fact);
  }
  std::sort(since.begin(), since.end(), StandsEarlier);
  for (const Fact* fact : since) {
    if (SameEntity(ArtifactOf(*fact), Bare(s_.request.artifact))) return nullptr;
    ASSIGN_OR_RETURN(const bool spends, Spends(*fact, assigned));
    if (spends) return fact;
  }
  return nullptr;
}

// A version that goes back to an identifier of its own, or that ran already without this one, leaves it to others.
StatusOr<bool> SurfaceActivations::Spends(const Fact& activated, const Fact& assigned) {
  ASSIGN_OR_RETURN(const std::set<uint64_t> decided_on, IdentifiersDecidedOn(s_.facts, activated));
  if (!decided_on.empty()) return decided_on.count(assigned.event.index.value) > 0;
  ASSIGN_OR_RETURN(const bool of_something_else, WasOfSomethingElse(s_, activated, assigned));
  if (of_something_else) return false;
  ASSIGN_OR_RETURN(const bool ran_before, RanBefore(ArtifactOf(activated), assigned.earliest()));
  return !ran_before;
}

StatusOr<bool> SurfaceActivations::RanBefore(const v1::EntityRef& artifact, Timestamp from) {
  ASSIGN_OR_RETURN(const Fact* produced, s_.facts.Definition(artifact));
  // Nothing runs before it is made, and what nobody recorded may have been made at any time.
  if (produced == nullptr) return false;
  // Where they are too many, nobody knows that it did unless one of those that were read says so.
  RETURN_IF_ERROR(ReadBackTo(produced->earliest()).status());
  return std::any_of(here_.begin(), here_.end(), [&](const Fact* fact) {
    return !IsSince(*fact, from) && SameEntity(ArtifactOf(*fact), artifact);
  });
}

}  // namespace anamnesis::gate
