#include "ledger/gate/identifiers.h"

#include <algorithm>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/runs_with.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

constexpr size_t kFirstStep = 64;
// Of so many artifacts it is found out under and with what they ran.
constexpr size_t kEvaluatedMax = 64;

v1::EntityRef ArtifactOf(const Fact& activated) { return Bare(*FindReference(activated.header(), "artifact")); }

// What is activated at the time of an identifier stands after it when it was recorded after it.
Place PlaceOfIdentifier(const Fact& assigned) { return {assigned.earliest(), assigned.event.index}; }

bool NoneMayBe(const std::vector<v1::EntityRef>& entities, const v1::EntityRef& named) {
  return std::none_of(entities.begin(), entities.end(),
                      [&](const v1::EntityRef& each) { return MayBeSame(each, named); });
}

std::vector<v1::EntityRef> EnvelopesOf(const Subject& s) {
  std::vector<v1::EntityRef> envelopes;
  for (const EnvelopeInForce& each : s.envelopes) envelopes.push_back(Bare(*each.ref));
  return envelopes;
}

// The identifiers that the decision on which something was activated rests on, by their leaves; empty when it cites
// none, one about another artifact or unit, or one that rests on no identifier.
StatusOr<std::set<uint64_t>> IdentifiersDecidedOn(Facts& facts, const std::string& unit, const Fact& activated) {
  std::set<uint64_t> leaves;
  const v1::EntityRef* cited = FindReference(activated.header(), "decision");
  if (cited == nullptr) return leaves;
  // Decisions have no versions, whatever is written where one is cited.
  ASSIGN_OR_RETURN(const Fact* decided, facts.Definition(Bare(*cited, true)));
  const auto* decision = decided == nullptr ? nullptr : decided->body<v1::GateDecided>();
  if (decision == nullptr) return leaves;
  const v1::EntityRef* artifact = FindReference(decided->header(), "artifact");
  if (artifact == nullptr || !SameEntity(Bare(*artifact), ArtifactOf(activated))) return leaves;
  const v1::EntityRef* decided_for = FindReference(decided->header(), "unit");
  if (decided_for == nullptr || decided_for->id() != unit) return leaves;
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

}  // namespace

StatusOr<bool> IsOfSomethingElse(Subject& s, const Fact& assigned) {
  const v1::EntityRef* envelope = FindReference(assigned.header(), "envelope");
  if (envelope != nullptr && NoneMayBe(EnvelopesOf(s), *envelope)) return true;
  const v1::EntityRef* release = FindReference(assigned.header(), "release");
  if (release == nullptr) return false;
  ASSIGN_OR_RETURN(const std::vector<v1::EntityRef> with, RunsWith(s));
  return NoneMayBe(with, *release);
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
      if (here && HappenedBy(*fact, s_.request.at)) Add(*fact);
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

void SurfaceActivations::Add(const Fact& activated) {
  const Place place = PlaceInTime(activated);
  here_.emplace(place, &activated);
  const auto [first, is_first] = first_runs_.emplace(EntityKeyText(ArtifactOf(activated)), place);
  if (!is_first) first->second = std::min(first->second, place);
}

StatusOr<const Fact*> SurfaceActivations::OtherThatSpent(const Fact& assigned) {
  // To find out whether something ran before reads more of them.
  const Place from = PlaceOfIdentifier(assigned);
  for (auto each = here_.upper_bound(from); each != here_.end(); each = here_.upper_bound(each->first)) {
    const Fact& activated = *each->second;
    ASSIGN_OR_RETURN(const bool spends, Spends(activated, assigned));
    if (!spends) continue;
    return SameEntity(ArtifactOf(activated), Bare(s_.request.artifact)) ? nullptr : &activated;
  }
  return nullptr;
}

// A version that goes back to an identifier of its own, or that ran already without this one, leaves it to others.
StatusOr<bool> SurfaceActivations::Spends(const Fact& activated, const Fact& assigned) {
  const uint64_t leaf = activated.event.index.value;
  auto decided_on = decided_on_.find(leaf);
  if (decided_on == decided_on_.end()) {
    ASSIGN_OR_RETURN(std::set<uint64_t> identifiers, IdentifiersDecidedOn(s_.facts, s_.request.unit, activated));
    decided_on = decided_on_.emplace(leaf, std::move(identifiers)).first;
  }
  if (!decided_on->second.empty()) return decided_on->second.count(assigned.event.index.value) > 0;
  ASSIGN_OR_RETURN(const bool of_something_else, WasOfSomethingElse(activated, assigned));
  if (of_something_else) return false;
  ASSIGN_OR_RETURN(const bool ran_before, RanBefore(ArtifactOf(activated), assigned));
  return !ran_before;
}

// Whether the identifier was assigned for something else than what was activated.
StatusOr<bool> SurfaceActivations::WasOfSomethingElse(const Fact& activated, const Fact& assigned) {
  const v1::EntityRef* envelope = FindReference(assigned.header(), "envelope");
  const v1::EntityRef* release = FindReference(assigned.header(), "release");
  if (envelope == nullptr && release == nullptr) return false;
  ASSIGN_OR_RETURN(const RanAs* as, RanAsOf(activated));
  // What nobody can evaluate may have run under it.
  if (as == nullptr) return false;
  return (envelope != nullptr && NoneMayBe(as->envelopes, *envelope)) ||
         (release != nullptr && NoneMayBe(as->with, *release));
}

StatusOr<const SurfaceActivations::RanAs*> SurfaceActivations::RanAsOf(const Fact& activated) {
  const std::string key = EntityKeyText(ArtifactOf(activated));
  auto known = ran_as_.find(key);
  if (known == ran_as_.end()) {
    if (ran_as_.size() == kEvaluatedMax) return nullptr;
    known = ran_as_.emplace(key, std::nullopt).first;
    StatusOr<RanAs> as = Evaluate(activated);
    if (as.ok()) {
      known->second = *std::move(as);
    } else if (!IsOfWhatWasRecorded(as.status())) {
      return as.status();
    }
  }
  return known->second.has_value() ? &*known->second : nullptr;
}

StatusOr<SurfaceActivations::RanAs> SurfaceActivations::Evaluate(const Fact& activated) {
  GateRequest request;
  request.artifact = ArtifactOf(activated);
  request.unit = s_.request.unit;
  request.jurisdiction = s_.request.jurisdiction;
  request.at = PlaceInTime(activated).first;
  request.known_until = s_.request.known_until;
  Subject other(s_.facts, request);
  RETURN_IF_ERROR(LoadSubject(other));
  RanAs as;
  as.envelopes = EnvelopesOf(other);
  ASSIGN_OR_RETURN(as.with, RunsWith(other));
  return as;
}

StatusOr<bool> SurfaceActivations::RanBefore(const v1::EntityRef& artifact, const Fact& assigned) {
  ASSIGN_OR_RETURN(const Fact* produced, s_.facts.Definition(artifact));
  // Nothing runs before it is made, and what nobody recorded may have been made at any time.
  if (produced == nullptr) return false;
  // Where they are too many, nobody knows that it did unless one of those that were read says so.
  RETURN_IF_ERROR(ReadBackTo(produced->earliest()).status());
  const auto first = first_runs_.find(EntityKeyText(artifact));
  return first != first_runs_.end() && first->second <= PlaceOfIdentifier(assigned);
}

}  // namespace anamnesis::gate
