// What was verified and on which data: G08, G09, G18.

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <map>
#include <set>

#include "ledger/event/names.h"
#include "ledger/gate/decisions.h"
#include "ledger/gate/lineage.h"
#include "ledger/gate/measured.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/runs_with.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/any_version.h"
#include "ledger/query/event_pattern.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/test_results.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

// The last evaluation of an anomaly; nullptr when there is none.
StatusOr<const Fact*> EvaluationOf(Subject& s, const v1::EntityRef& anomaly) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluated, TypedOfEither(s.facts, anomaly, "anomaly.evaluated"));
  const auto newest = std::max_element(evaluated.begin(), evaluated.end(), StandsEarlier);
  return newest == evaluated.end() ? nullptr : *newest;
}

// The last event of some types about an entity; nullptr when there is none.
StatusOr<const Fact*> LastOf(Facts& facts, const v1::EntityRef& entity, std::initializer_list<std::string_view> types) {
  const Fact* last = nullptr;
  for (const std::string_view type : types) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(entity, type));
    for (const Fact* fact : found) {
      if (last == nullptr || StandsEarlier(last, fact)) last = fact;
    }
  }
  return last;
}

// What says last that the problem concerns safety: the report, if it does, that it was opened again, or an
// investigation; nullptr when nothing does.
StatusOr<const Fact*> SaysSafety(Subject& s, const Fact& reported) {
  const v1::EntityRef problem = Bare(*FindReference(reported.header(), "problem"));
  ASSIGN_OR_RETURN(std::vector<const Fact*> investigated, s.facts.Typed(problem, "problem.investigated"));
  std::erase_if(investigated,
                [](const Fact* fact) { return !fact->body<v1::ProblemInvestigated>()->safety_relevant(); });
  const bool from_the_start = reported.body<v1::ProblemReported>()->criticality() == v1::ProblemReported::SAFETY;
  if (!from_the_start && investigated.empty()) return nullptr;
  ASSIGN_OR_RETURN(const Fact* last, LastOf(s.facts, problem, {"problem.reported", "problem.reopened"}));
  for (const Fact* fact : investigated) {
    if (StandsEarlier(last, fact)) last = fact;
  }
  return last;
}

// Fails when the problem stands against running the artifact.
Status JudgeProblem(Subject& s, const Fact& reported, Judgement& j) {
  ASSIGN_OR_RETURN(const Fact* begun, SaysSafety(s, reported));
  if (begun == nullptr) return OkStatus();
  const v1::EntityRef problem = Bare(*FindReference(reported.header(), "problem"));
  ASSIGN_OR_RETURN(const Fact* ended, LastOf(s.facts, problem, {"problem.closed", "problem.no_action_decided"}));
  if (ended != nullptr && StandsEarlier(begun, ended)) {
    j.Rest(ended);
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const Fact* permitted,
                   LastDecisionFor(s.facts, {problem}, s.item == nullptr ? "" : s.item->id(), kOperationPermitted,
                                   DecisionsAbout::kEntity, begun->event.index));
  j.Rest(permitted);
  if (permitted != nullptr) return OkStatus();
  j.Rest(begun);
  j.Fail(Text(EntityKeyText(problem), " concerns safety and is open (leaf ", begun->event.index.value,
              "); a decision.recorded about it since with the choice ", kOperationPermitted,
              ", by somebody who answers for it, would let it run"));
  return OkStatus();
}

// The anomalies of what the artifact would run with, or the problems; in log order.
StatusOr<std::vector<const Fact*>> AboutAny(Subject& s, const std::vector<v1::EntityRef>& entities,
                                            std::string_view type) {
  std::map<uint64_t, const Fact*> all;
  for (const v1::EntityRef& entity : entities) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, TypedOfEither(s.facts, entity, type));
    for (const Fact* fact : found) {
      // A problem on the unit that says what it affects is no problem of the rest.
      const bool of_unit = entity.kind() == "device_unit" && FindReference(fact->header(), "affected") != nullptr;
      if (!of_unit) all.emplace(fact->event.index.value, fact);
    }
  }
  std::vector<const Fact*> facts;
  for (const auto& [leaf, fact] : all) facts.push_back(fact);
  return facts;
}

Status JudgeAnomaly(Subject& s, const Fact& recorded, Judgement& j) {
  const v1::EntityRef& anomaly = *FindReference(recorded.header(), "anomaly");
  ASSIGN_OR_RETURN(const Fact* evaluated, EvaluationOf(s, anomaly));
  const auto* body = evaluated == nullptr ? nullptr : evaluated->body<v1::AnomalyEvaluated>();
  // Those of class A, which nobody has to evaluate, are listed all the same. To record one is no good to whoever wants
  // it to pass, so that nothing rests on who did.
  j.List(recorded);
  if (body == nullptr) {
    const std::string text = Text(EntityKeyText(anomaly), " is not evaluated (leaf ", recorded.event.index.value, ")");
    if (s.class_b_or_c()) {
      j.Rest(&recorded);
      j.Fail(text);
    } else {
      j.Mention(text);
    }
    return OkStatus();
  }
  j.Rest(evaluated);
  if (body->unacceptable_risk()) {
    j.Rest(&recorded);
    j.Fail(Text(EntityKeyText(anomaly), " has an unacceptable risk (leaf ", evaluated->event.index.value, ")"));
  }
  return OkStatus();
}

// What a dataset was made from: the one that it is a version of, or that it was curated from.
bool IsOrigin(const v1::EntityRef& ref) {
  return ref.kind() == "dataset" && (ref.role() == "parent" || ref.role() == "source");
}

// What a seal commits to; empty when its body was erased.
std::string ManifestRootOf(const Fact& sealed) {
  const auto* body = sealed.body<v1::DatasetSealed>();
  return body == nullptr ? std::string() : body->manifest_root();
}

// The seals of exactly this dataset that count, in log order: those of what was made from it name it too.
StatusOr<std::vector<const Fact*>> SealsOf(Subject& s, const v1::EntityRef& dataset) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> seals, s.facts.Typed(dataset, "dataset.sealed"));
  std::erase_if(
      seals, [&](const Fact* fact) { return !SameEntity(Bare(*FindReference(fact->header(), "dataset")), dataset); });
  return seals;
}

// The same, and those that no longer count: who takes a seal back and seals this version again has changed nothing in
// it. Manifest roots tell nothing here: the same members have another one with other salts.
StatusOr<std::vector<const Fact*>> SealsEver(Subject& s, const v1::EntityRef& dataset) {
  // SealsOf failed where there are more.
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                   EventsOfType(s.facts.rows(), dataset, "dataset.sealed", s.facts.size(), kTypedEventsMax));
  std::vector<const Fact*> seals;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, s.facts.At(index));
    if (SameEntity(Bare(*FindReference(fact->header(), "dataset")), dataset)) seals.push_back(fact);
  }
  return seals;
}

// Of seals that commit to the same members one by a key that is good is enough; the first where none is.
StatusOr<const Fact*> SealToRestOn(Subject& s, const std::vector<const Fact*>& seals) {
  for (const Fact* fact : seals) {
    if (ManifestRootOf(*fact) != ManifestRootOf(*seals.front())) continue;
    const Fact* because = nullptr;
    ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s.facts, *fact, s.request.at, &because));
    if (why.empty()) return fact;
  }
  return seals.front();
}

// What of an origin was withdrawn or erased before the dataset was sealed, that need not hold. Sealed again it holds
// what it held at first.
bool MayHold(const std::vector<const Fact*>& seals, const Fact& withdrawn) {
  return std::any_of(seals.begin(), seals.end(), [&](const Fact* sealed) {
    return !RecordedEarlier(&withdrawn, sealed) || withdrawn.earliest() > sealed->earliest();
  });
}

// What was taken out of `of`, which the dataset is or was made from, needs a decision that what was made from it may be
// used all the same.
Status JudgeWithdrawn(Subject& s, const v1::EntityRef& of, const v1::EntityRef& dataset,
                      const std::vector<const Fact*>& seals, Judgement& j) {
  const bool is_origin = !SameEntity(Bare(of), Bare(dataset));
  const Fact* last = nullptr;
  for (const std::string_view type : {"dataset.record_withdrawn", "subject_data.erased"}) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, TypedOfAny(s.facts, of, type));
    for (const Fact* fact : found) {
      if (is_origin && !MayHold(seals, *fact)) continue;
      if (last == nullptr || RecordedEarlier(last, fact)) last = fact;
    }
  }
  if (last == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* permitted, LastDecisionFor(s.facts, {dataset, of}, s.item == nullptr ? "" : s.item->id(),
                                                          kUsePermitted, DecisionsAbout::kEntity, last->event.index));
  j.Rest(permitted);
  if (permitted != nullptr) return OkStatus();
  j.Rest(last);
  j.Fail(Text("records of ", EntityKeyText(of),
              is_origin ? Text(", which ", EntityKeyText(dataset), " was made from,") : "", " were ",
              last->type() == "subject_data.erased" ? "erased" : "withdrawn", " (leaf ", last->event.index.value,
              ") and nothing recorded since permits its use: a decision.recorded about it with "
              "the choice ",
              kUsePermitted, ", by somebody who answers for it, would"));
  return OkStatus();
}

// The dataset itself, what it was made from, and so on.
Status JudgeAllWithdrawn(Subject& s, const v1::EntityRef& dataset, const std::vector<const Fact*>& seals,
                         Judgement& j) {
  std::set<std::string> seen = {EntityKeyText(Bare(dataset))};
  std::deque<v1::EntityRef> waiting = {Bare(dataset)};
  while (!waiting.empty()) {
    const v1::EntityRef next = std::move(waiting.front());
    waiting.pop_front();
    RETURN_IF_ERROR(JudgeWithdrawn(s, next, dataset, seals, j));
    ASSIGN_OR_RETURN(std::vector<const Fact*> told, s.facts.Typed(next, "dataset.sealed"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> defined, s.facts.Definitions(next));
    told.insert(told.end(), defined.begin(), defined.end());
    for (const Fact* fact : told) {
      const v1::EntityRef* made = FindReference(fact->header(), "dataset");
      if (made == nullptr || !SameEntity(Bare(*made), next)) continue;
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (IsOrigin(ref) && seen.insert(EntityKeyText(Bare(ref))).second) waiting.push_back(Bare(ref));
      }
    }
    if (seen.size() > kParentsMax) {
      j.Fail(Text("more than ", kParentsMax, " datasets are behind ", EntityKeyText(dataset)));
      return OkStatus();
    }
  }
  return OkStatus();
}

Status JudgeDataset(Subject& s, const v1::EntityRef& dataset, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> seals, SealsOf(s, Bare(dataset)));
  if (seals.empty()) {
    j.Fail(Text(EntityKeyText(dataset), " is not sealed"));
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const Fact* sealed, SealToRestOn(s, seals));
  j.Rest(sealed);
  ASSIGN_OR_RETURN(const std::vector<const Fact*> splits, s.facts.Typed(Bare(dataset), "split.defined"));
  if (splits.empty()) {
    j.Fail(Text("no split of ", EntityKeyText(dataset), " is defined, so nobody knows whether its parts overlap"));
  }
  for (const Fact* fact : splits) {
    j.Rest(fact);
    const auto* body = fact->body<v1::SplitDefined>();
    if (body->overlapping_records() > 0 || body->overlapping_subjects() > 0) {
      j.Fail(Text("parts of ", EntityKeyText(dataset), " overlap (leaf ", fact->event.index.value, ")"));
    } else if (!body->overlap_computed()) {
      j.Fail(Text("nobody computed whether parts of ", EntityKeyText(dataset), " overlap (leaf ",
                  fact->event.index.value, ")"));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> sealed_ever, SealsEver(s, Bare(dataset)));
  return JudgeAllWithdrawn(s, dataset, sealed_ever, j);
}

// The ids of the dataset and of all that it was made from, in whatever versions: from one to the next most records
// stay.
StatusOr<std::set<std::string>> WithParents(Subject& s, const v1::EntityRef& dataset) {
  std::set<std::string> seen = {dataset.id()};
  std::deque<std::string> waiting = {dataset.id()};
  while (!waiting.empty() && seen.size() <= kParentsMax) {
    const v1::EntityRef next = ToEntity({"dataset", waiting.front()});
    waiting.pop_front();
    ASSIGN_OR_RETURN(std::vector<const Fact*> told, DefinitionsOfAnyVersion(s.facts, next));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> sealed, TypedOfAnyVersion(s.facts, next, "dataset.sealed"));
    told.insert(told.end(), sealed.begin(), sealed.end());
    for (const Fact* fact : told) {
      const v1::EntityRef* child = FindReference(fact->header(), "dataset");
      if (child == nullptr || child->id() != next.id()) continue;
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (IsOrigin(ref) && seen.insert(ref.id()).second) waiting.push_back(ref.id());
      }
    }
  }
  return seen;
}

// Whether two datasets may have records in common, as far as what they were made from tells: one is a version of the
// other, or was made from one.
StatusOr<bool> MayShareRecords(Subject& s, const v1::EntityRef& one, const v1::EntityRef& other) {
  ASSIGN_OR_RETURN(const std::set<std::string> above_one, WithParents(s, one));
  ASSIGN_OR_RETURN(const std::set<std::string> above_other, WithParents(s, other));
  return above_one.count(other.id()) > 0 || above_other.count(one.id()) > 0;
}

// What the split that an evaluation names is recorded as; nullptr when it names none, or one that is not recorded.
StatusOr<const Fact*> SplitOf(Subject& s, const Fact& evaluation) {
  const v1::EntityRef* split = FindReference(evaluation.header(), "split");
  if (split == nullptr) return nullptr;
  ASSIGN_OR_RETURN(const Fact* defined, s.facts.Definition(Bare(*split)));
  return defined == nullptr || defined->body<v1::SplitDefined>() == nullptr ? nullptr : defined;
}

// Whether the split is of this dataset and has a part to measure on: one that is not for training.
bool HasPartToMeasureOn(const Fact* split, const v1::EntityRef& dataset) {
  if (split == nullptr || !MayBeSame(dataset, *FindReference(split->header(), "dataset"))) return false;
  const auto& parts = split->body<v1::SplitDefined>()->parts();
  return std::any_of(parts.begin(), parts.end(),
                     [](const auto& part) { return part.role() != v1::SplitDefined::TRAINING; });
}

// What was measured on the data that it was made from shows how well these are remembered.
Status JudgeEvaluation(Subject& s, const Fact& evaluation, const std::vector<v1::EntityRef>& made_from, Judgement& j) {
  if (made_from.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* split, SplitOf(s, evaluation));
  std::vector<v1::EntityRef> measured_on;
  for (const v1::EntityRef& ref : evaluation.header().refs()) {
    if (ref.role() == "dataset") measured_on.push_back(ref);
  }
  if (split != nullptr) measured_on.push_back(*FindReference(split->header(), "dataset"));
  if (measured_on.empty()) {
    j.Rest(&evaluation);
    j.Fail(Text("an evaluation says neither on which dataset it was made nor on which recorded split (leaf ",
                evaluation.event.index.value, "), so nobody knows whether that was what the artifact was made from"));
  }
  std::set<std::string> said;
  for (const v1::EntityRef& dataset : measured_on) {
    for (const v1::EntityRef& from : made_from) {
      ASSIGN_OR_RETURN(const bool shared, MayShareRecords(s, dataset, from));
      if (!shared) continue;
      j.Rest(&evaluation);
      j.Rest(split);
      const std::string name = EntityKeyText(Bare(dataset));
      if (HasPartToMeasureOn(split, from) || !said.insert(name).second) continue;
      const std::string other =
          MayBeSame(dataset, from) ? "" : Text(", which may share records with ", EntityKeyText(Bare(from)));
      j.Fail(Text("it was evaluated on ", name, other, ", which it was made from (leaf ", evaluation.event.index.value,
                  "), and no split of ", EntityKeyText(Bare(from)), " with a part that is not for training is named"));
    }
  }
  return OkStatus();
}

}  // namespace

Status JudgeClassEvidence(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> profile,
                   PolicyInForceAt(s.facts.rows(), v1::PolicyAdopted::PROCESS_PROFILE, s.facts.size()));
  if (!profile.has_value()) {
    j.Fail("no process profile is in force: anamnesis policy adopt");
    return OkStatus();
  }
  RETURN_IF_ERROR(s.facts.At(profile->index).status());
  j.RestOn(profile->index.value);
  if (s.candidate.empty()) {
    j.Fail("the candidate configuration is not certain");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> runs, s.facts.Typed(Bare(s.request.artifact), "test_run.completed"));
  std::string missing;
  for (const v1::ProcessProfile::Evidence& line : profile->body->document().process_profile().evidence()) {
    const EventPatterns patterns(line.events());
    const bool about_tests = std::any_of(patterns.all().begin(), patterns.all().end(), [](const EventPattern& pattern) {
      return pattern.type == "test_run.completed";
    });
    const bool holds =
        std::find(line.classes().begin(), line.classes().end(), s.item_class.safety_class) != line.classes().end();
    // Lines with a condition are about what happened to the item, not about a candidate.
    if (!about_tests || !holds || !line.when().empty()) continue;
    const Fact* found = nullptr;
    for (const Fact* run : runs) {
      const auto* body = run->body<v1::TestRunCompleted>();
      const bool counts = body->configuration_digest() == s.candidate && body->result() == v1::TestRunCompleted::PASS;
      if (counts && CountsFor(s, *run) && patterns.Match(*run)) found = run;
    }
    if (found == nullptr) missing += Text(missing.empty() ? "" : ", ", line.clause(), " (", line.title(), ")");
    j.Rest(found);
  }
  if (!missing.empty()) j.Fail(Text("no test run that passed on the candidate configuration shows ", missing));
  // Whatever passed before: of each test the last result decides.
  ASSIGN_OR_RETURN(const std::vector<const Fact*> failed, FailedTests(s));
  for (const Fact* fact : failed) {
    j.Rest(fact);
    j.FailByTest(FailureText(*fact));
  }
  return OkStatus();
}

Status JudgeAnomalies(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<v1::EntityRef> about, RunsWith(s));
  ASSIGN_OR_RETURN(const std::vector<const Fact*> anomalies, AboutAny(s, about, "anomaly.recorded"));
  for (const Fact* fact : anomalies) RETURN_IF_ERROR(JudgeAnomaly(s, *fact, j));
  ASSIGN_OR_RETURN(const std::vector<const Fact*> problems, AboutAny(s, about, "problem.reported"));
  for (const Fact* fact : problems) RETURN_IF_ERROR(JudgeProblem(s, *fact, j));
  return OkStatus();
}

Status JudgeDataLineage(Subject& s, Judgement& j) {
  if (s.produced == nullptr) {
    j.Fail("the artifact is not recorded");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<v1::EntityRef> datasets, DatasetsBehind(s, j));
  std::set<std::string> judged;
  for (const v1::EntityRef& dataset : datasets) {
    if (judged.insert(EntityKeyText(dataset)).second) RETURN_IF_ERROR(JudgeDataset(s, dataset, j));
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluations, EvaluationsOf(s));
  for (const Fact* fact : evaluations) RETURN_IF_ERROR(JudgeEvaluation(s, *fact, datasets, j));
  return OkStatus();
}

}  // namespace anamnesis::gate
