// The artifact and the unit: G01 to G04, G20.

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/event/leaf.h"
#include "ledger/event/names.h"
#include "ledger/gate/decide.h"
#include "ledger/gate/fallback.h"
#include "ledger/gate/holds.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/seal_key.h"
#include "ledger/state/configuration.h"

namespace anamnesis::gate {

Status JudgeKnown(Subject& s, Judgement& j) {
  if (s.produced == nullptr) {
    j.Fail(Text(EntityKeyText(s.request.artifact), " is not recorded"));
  } else {
    j.Rest(s.produced);
    if (s.artifact->mode() != v1::ArtifactProduced::CANDIDATE)
      j.Fail("the artifact is in shadow mode: never to be activated");
    if (s.item_identified == nullptr) j.Fail("the artifact names no recorded software item");
  }
  j.Rest(s.item_identified);
  if (s.place.commissioned == nullptr) {
    j.Fail(Text("unit ", s.request.unit, " was not commissioned by then"));
    return OkStatus();
  }
  j.Rest(s.place.commissioned);
  j.Rest(s.place.placed);
  if (s.configuration.unit_state() != v1::UNIT_IN_SERVICE) j.Fail("the unit is not known to be in service");
  if (s.place.jurisdiction != s.request.jurisdiction) {
    j.Fail(Text("the unit is in ", s.place.jurisdiction, " (leaf ", s.place.placed->event.index.value, "), not in ",
                s.request.jurisdiction));
  }
  return OkStatus();
}

Status JudgeIntegrity(Subject& s, Judgement& j) {
  if (s.produced == nullptr) {
    j.Fail("the artifact is not recorded");
    return OkStatus();
  }
  j.Rest(s.produced);
  if (s.produced_otherwise != nullptr) {
    j.Rest(s.produced_otherwise);
    j.Fail(Text("leaf ", s.produced_otherwise->event.index.value, " says something else of ",
                EntityKeyText(s.request.artifact), " than leaf ", s.produced->event.index.value));
  }
  if (s.artifact_digest.empty()) {
    j.Fail(
        "nothing recorded says by one SHA-256 which bytes the artifact is: that of its reference is that of one of its "
        "files, or its only file's");
  } else if (s.artifact_digest != s.request.artifact_digest) {
    j.Fail(Text("the bytes presented have sha256:", HexEncode(s.request.artifact_digest),
                ", those recorded sha256:", HexEncode(s.artifact_digest)));
  }
  const Fact* ended = nullptr;
  ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s.facts, *s.produced, s.request.at, &ended));
  if (!why.empty()) j.Fail(Text("the producer's key ", why));
  j.Rest(ended);
  ASSIGN_OR_RETURN(const Fact* stored, StoredObject(s.facts, s.artifact_digest));
  if (stored == nullptr) j.Fail("nothing says that its bytes are kept where they can be retrieved");
  j.Rest(stored);
  return OkStatus();
}

Status JudgeBaseline(Subject& s, Judgement& j) {
  if (s.baseline_digest.empty()) j.Fail("the unit's baseline is not certain, or has no digest");
  if (s.artifact == nullptr || s.artifact->baseline_digest().empty()) {
    j.Fail("the artifact doesn't say which baseline it was made for");
  } else if (!s.baseline_digest.empty() && s.artifact->baseline_digest() != s.baseline_digest) {
    j.Fail(Text("the artifact was made for baseline sha256:", HexEncode(s.artifact->baseline_digest()),
                ", the unit has sha256:", HexEncode(s.baseline_digest)));
  }
  j.Rest(s.produced);
  j.Rest(s.baseline_fact);
  if (s.baseline != nullptr) j.RestOn(s.baseline->since().index());
  return OkStatus();
}

Status JudgeSubstrate(Subject& s, Judgement& j) {
  if (s.substrate_digest.empty()) j.Fail("the substrate that the unit runs on is not certain");
  if (s.artifact == nullptr || s.artifact->substrate_digest().empty()) {
    j.Fail("the artifact doesn't say which substrate it was made for");
  } else if (!s.substrate_digest.empty() && s.artifact->substrate_digest() != s.substrate_digest) {
    j.Fail(Text("the artifact was made for another substrate than ", EntityKeyText(s.substrate->item()),
                ", which the unit has"));
  }
  if (s.certified == nullptr) {
    j.Fail(s.no_certification_because);
  } else if (!s.substrate_digest.empty() && s.certification->state().substrate_digest() != s.substrate_digest) {
    j.Fail(Text("the certification is for another substrate than ", EntityKeyText(s.substrate->item())));
  }
  j.Rest(s.produced);
  j.Rest(s.substrate_fact);
  j.Rest(s.certified);
  if (s.substrate != nullptr) j.RestOn(s.substrate->since().index());
  return OkStatus();
}

namespace {

// Where the bytes of what an event defines are said to be.
bool HasLocation(const Fact& defined) {
  const auto located = [](const auto& files) {
    return std::any_of(files.begin(), files.end(), [](const v1::FileRecord& file) { return !file.locator().empty(); });
  };
  if (const auto* release = defined.body<v1::ReleaseApproved>()) return located(release->archive());
  if (const auto* model = defined.body<v1::ModelRegistered>()) return located(model->files());
  return false;
}

// An adapted artifact that is restored has to be allowed itself.
Status JudgeRestored(Subject& s, const v1::EntityRef& target, Judgement& j) {
  Reservations reservations;
  ASSIGN_OR_RETURN(const v1::GateDecided decision, DecideOnFallback(s.facts, target, s.request.unit, s.request.at,
                                                                    s.request.known_until, &reservations));
  const Result* first = nullptr;
  std::string others;
  bool evaluated = true;
  bool by_tests_alone = true;
  for (const Result& result : decision.results()) {
    const std::set<uint64_t>& listed = reservations.listed[result.rule_id()];
    for (const uint64_t leaf : result.evidence()) {
      if (listed.count(leaf) > 0) {
        j.ListLeaf(leaf);
      } else {
        j.RestOn(leaf);
      }
    }
    if (result.outcome() != Result::FAIL) continue;
    evaluated = evaluated && reservations.not_evaluated.count(result.rule_id()) == 0;
    by_tests_alone = by_tests_alone && reservations.failed_tests.count(result.rule_id()) > 0;
    if (first == nullptr) {
      first = &result;
    } else {
      others += Text(others.empty() ? "; and by " : ", ", result.rule_id());
    }
  }
  if (first == nullptr) return OkStatus();
  const std::string why =
      Text(EntityKeyText(target), " is denied itself: by ", first->rule_id(), ", ", first->note(), others);
  if (!evaluated) {
    j.FailToEvaluate(why);
  } else if (by_tests_alone) {
    j.FailByTest(why);
  } else {
    j.Fail(why);
  }
  return OkStatus();
}

}  // namespace

Status JudgeFallback(Subject& s, Judgement& j) {
  if (!s.request.rollback_target.has_value()) {
    j.Fail("no rollback target is named");
    return OkStatus();
  }
  const v1::EntityRef target = Bare(*s.request.rollback_target);
  if (SameEntity(target, Bare(s.request.artifact))) {
    j.Fail(Text(EntityKeyText(target), " is no fallback for itself"));
    return OkStatus();
  }
  RETURN_IF_ERROR(FindHolds(s, target, j));
  RETURN_IF_ERROR(FindRevocations(s, target, j));
  if (target.kind() == "artifact") return JudgeRestored(s, target, j);
  // The unit has what runs on it.
  for (const v1::ConfigurationItem& item : s.configuration.items()) {
    if (item.has_item() && item.confidence() != v1::UNKNOWN && SameEntity(item.item(), target)) {
      j.RestOn(item.since().index());
      return OkStatus();
    }
  }
  ASSIGN_OR_RETURN(const Fact* defined, s.facts.Definition(target));
  if (defined == nullptr) {
    j.Fail(Text(EntityKeyText(target), " is not recorded"));
    return OkStatus();
  }
  j.Rest(defined);
  if (!HasLocation(*defined)) {
    j.Fail(Text("nothing says where the bytes of ", EntityKeyText(target), " can be retrieved"));
  }
  return OkStatus();
}

}  // namespace anamnesis::gate
