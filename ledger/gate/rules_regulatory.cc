// Where and when it may run: G13, G17, G19.

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/gate/holds.h"
#include "ledger/gate/identifiers.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/runs_with.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/forks.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/stream.h"

namespace anamnesis::gate {

namespace {

// Fails where a key that has to be good still isn't, and rests on what ended it.
Status FindEndOfKey(Subject& s, const Fact& sealed, std::string_view whose, Judgement& j) {
  const Fact* end = nullptr;
  ASSIGN_OR_RETURN(const std::string why, WhyKeyIsNotInForce(s.facts, sealed, s.request.at, &end));
  if (!why.empty()) j.Fail(Text(whose, why));
  j.Rest(end);
  return OkStatus();
}

}  // namespace

Status JudgeNoHold(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<v1::EntityRef> entities, RestsOn(s));
  for (const v1::EntityRef& entity : entities) RETURN_IF_ERROR(FindHolds(s, entity, j));
  RETURN_IF_ERROR(FindRevocations(s, Bare(s.request.artifact), j));
  RETURN_IF_ERROR(FindHoldsOnParents(s, j));
  if (s.produced != nullptr) RETURN_IF_ERROR(FindHoldsOnKey(s, *s.produced, j));
  if (s.certified == nullptr) return OkStatus();
  // Whoever certified, and the person who let them.
  RETURN_IF_ERROR(FindHoldsOnKey(s, *s.certified, j));
  RETURN_IF_ERROR(FindEndOfKey(s, *s.certified, "the certifier's key ", j));
  const v1::EntityRef* delegation = FindReference(s.certified->header(), "delegation");
  if (delegation == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* delegated, s.facts.Definition(Bare(*delegation)));
  if (delegated == nullptr) return OkStatus();
  RETURN_IF_ERROR(FindHoldsOnKey(s, *delegated, j));
  return FindEndOfKey(s, *delegated, "the key of who delegated to the certifier ", j);
}

namespace {

// The streams that the other rules rest on, and the unit's, in which its own events have to be all there are.
StatusOr<std::set<std::string>> StreamsReliedOn(Subject& s) {
  std::set<std::string> streams = {StreamOfUnit(s.request.unit)};
  for (const uint64_t leaf : s.relied_on) {
    ASSIGN_OR_RETURN(const Fact* fact, s.facts.At(LeafIndex(leaf)));
    streams.insert(fact->header().stream());
  }
  return streams;
}

// What a stream holds is in doubt while somebody has seen two histories of it, or of the log, and nobody took that
// back.
Status FindForks(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const std::set<std::string> streams, StreamsReliedOn(s));
  ASSIGN_OR_RETURN(const Forks forks, ForksOf(s.facts, streams));
  for (const Fact* fork : forks.found) {
    j.Rest(fork);
    j.Fail(Text(ForkedText(*fork), " has two histories (leaf ", fork->event.index.value, ")"));
  }
  if (!forks.cut_off) return OkStatus();
  constexpr std::string_view kWhy = "more forks of streams relied on are recorded than are looked at";
  // None that counts was found, and nobody knows of the others: that is no reason to take back what runs.
  if (j.failed()) {
    j.Mention(kWhy);
  } else {
    j.FailToEvaluate(kWhy);
  }
  return OkStatus();
}

}  // namespace

Status JudgeFreshness(Subject& s, Judgement& j) {
  if (!s.limits.has_value() || s.limits->freshness_s() == 0) {
    j.Fail(Text("the policy has no limit of freshness for ", v1::SoftwareSafetyClass_Name(s.item_class.safety_class)));
    return OkStatus();
  }
  const int64_t behind_us = s.request.at.us - s.request.known_until.us;
  if (behind_us > static_cast<int64_t>(s.limits->freshness_s()) * 1'000'000) {
    j.Fail(Text("what was recorded in the last ", behind_us / 1'000'000, " s is not known here; at most ",
                s.limits->freshness_s(), " s are allowed"));
  }
  return FindForks(s, j);
}

namespace {

// Of a rule for identifiers; what is no such rule comes before all, since nobody knows what it asks for.
int StrictnessOf(std::string_view udi_rule) {
  constexpr std::array<std::string_view, 4> kMildestFirst = {"", "none", "new_pi", "new_di"};
  return static_cast<int>(std::find(kMildestFirst.begin(), kMildestFirst.end(), udi_rule) - kMildestFirst.begin());
}

}  // namespace

Status JudgeIdentification(Subject& s, Judgement& j) {
  if (s.envelopes.empty()) {
    j.Fail("no envelope in force says what a change means for the UDI");
    return OkStatus();
  }
  // What is asked for anywhere is asked for: an overlay can ask for more than others do, and not for less.
  std::string rule = s.envelopes.front().terms->udi_rule();
  const Fact* from = s.envelopes.front().approved;
  for (const EnvelopeInForce& each : s.envelopes) {
    if (StrictnessOf(each.terms->udi_rule()) <= StrictnessOf(rule)) continue;
    rule = each.terms->udi_rule();
    from = each.approved;
  }
  j.Rest(from);
  if (rule.empty()) {
    const auto& required = s.policy->body->document().gate().udi_rule_required_in();
    const bool needed = std::any_of(required.begin(), required.end(),
                                    [&](const std::string& each) { return IsAmong(s.jurisdictions, each); });
    if (needed) {
      j.Fail("the envelope doesn't say what a change inside it means for the UDI (udi_rule: none, new_pi or new_di)");
    } else {
      j.NotApplicable("no rule is asked for here");
    }
    return OkStatus();
  }
  if (rule == "none") return OkStatus();
  if (rule != "new_pi" && rule != "new_di") {
    j.Fail(Text("udi_rule \"", rule, "\" is none of none, new_pi, new_di"));
    return OkStatus();
  }
  const bool new_pi = rule == "new_pi";
  const v1::EntityRef subject = new_pi
                                    ? ToEntity({"device_unit", s.request.unit})
                                    : (s.place.device_model == nullptr ? v1::EntityRef() : Bare(*s.place.device_model));
  ASSIGN_OR_RETURN(const std::vector<const Fact*> assigned, TypedOfEither(s.facts, subject, "udi.assigned"));
  std::vector<const Fact*> fitting;
  for (const Fact* fact : assigned) {
    const bool kind =
        fact->body<v1::UdiAssigned>()->kind() == (new_pi ? v1::UdiAssigned::UDI_PI : v1::UdiAssigned::UDI_DI);
    // By when both happened: neither names the other, so that they may be recorded in any order.
    const bool since = s.produced != nullptr && s.produced->latest() <= fact->earliest();
    if (!kind || !since || fact->earliest() > s.request.at) continue;
    ASSIGN_OR_RETURN(const bool of_something_else, IsOfSomethingElse(s, *fact));
    if (!of_something_else) fitting.push_back(fact);
  }
  const std::string what =
      Text("the envelope asks for a new ", new_pi ? "UDI-PI of the unit" : "UDI-DI of the device model");
  if (fitting.empty()) {
    j.Fail(Text(what, " and none was assigned for it since the artifact was produced"));
    return OkStatus();
  }
  SurfaceActivations activations(s);
  const Fact* spent = nullptr;
  for (const Fact* fact : fitting) {
    ASSIGN_OR_RETURN(const bool all_read, activations.ReadBackTo(fact->earliest()));
    // A later one may have few enough since.
    if (!all_read) continue;
    ASSIGN_OR_RETURN(const Fact* other, activations.OtherThatSpent(*fact));
    if (other == nullptr) {
      j.Rest(fact);
      return OkStatus();
    }
    spent = other;
  }
  if (spent == nullptr) {
    j.Rest(fitting.back());
    j.Fail(Text(what, ", and of the one that was assigned (leaf ", fitting.back()->event.index.value,
                ") nobody can tell whose it is: the unit recorded more than ", kTypedEventsMax,
                " activations since; assign another"));
    return OkStatus();
  }
  j.Rest(spent);
  j.Fail(Text(what, ", and the one that was assigned since the artifact was produced is that of ",
              EntityKeyText(Bare(*FindReference(spent->header(), "artifact"))), ", which was activated first (leaf ",
              spent->event.index.value, ")"));
  return OkStatus();
}

}  // namespace anamnesis::gate
