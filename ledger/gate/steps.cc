#include "ledger/gate/steps.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/decimal.h"
#include "ledger/event/names.h"
#include "ledger/gate/lineage.h"
#include "ledger/state/configuration.h"
#include "ledger/state/timeline.h"

namespace anamnesis::gate {
namespace {

// What runs where the artifact would run.
struct Running {
  // The adapted artifact there and what it is taken back to, where that is one; empty when nothing adapted runs there.
  std::vector<v1::EntityRef> artifacts;
  std::string unknown_because;
};

StatusOr<Running> RunningOn(Subject& s, const std::string& surface) {
  Running running;
  for (const v1::ConfigurationItem& item : s.configuration.items()) {
    if (item.surface() != surface) continue;
    if (item.confidence() == v1::UNKNOWN) {
      running.unknown_because = Text("what runs on ", surface, " is not certain");
    } else if (item.has_item() && item.item().kind() == "artifact") {
      running.artifacts.push_back(Bare(item.item()));
      ASSIGN_OR_RETURN(const Fact* since, s.facts.At(LeafIndex(item.since().index())));
      const v1::EntityRef* fallback = FindReference(since->header(), "rollback_target");
      if (fallback != nullptr && fallback->kind() == "artifact") running.artifacts.push_back(Bare(*fallback));
    }
  }
  return running;
}

bool IsAmong(const std::vector<v1::EntityRef>& entities, const v1::EntityRef& entity) {
  for (const v1::EntityRef& each : entities) {
    if (SameEntity(each, entity)) return true;
  }
  return false;
}

// The one number that the artifact reports in the dimension.
StepSum StepOf(const v1::EntityRef& name, const v1::ArtifactProduced& artifact, std::string_view dimension,
               std::string_view unit) {
  const auto unknown = [&](std::string_view why) { return StepSum{"", Text(EntityKeyText(name), " ", why)}; };
  StepSum step;
  for (const v1::ArtifactProduced::Parameter& parameter : artifact.parameters()) {
    if (parameter.dimension() != dimension) continue;
    if (!step.value.empty()) return unknown(Text("reports ", dimension, " more than once"));
    if (parameter.value().empty() || !parameter.high().empty()) {
      return unknown(Text("reports no single value of ", dimension));
    }
    if (parameter.unit() != unit) {
      return unknown(Text("reports ", dimension, " in \"", parameter.unit(), "\", the limit is in \"", unit, "\""));
    }
    step.value = parameter.value();
  }
  return step.value.empty() ? unknown(Text("doesn't report ", dimension)) : step;
}

// So many baselines that a unit was put on are looked at.
constexpr size_t kBaselinesMax = 1000;

// Whether something was made for what the unit stands on, and that is the anchor.
bool IsForWhatItStandsOn(const Subject& s, const v1::EntityRef& anchor, std::string_view made_for) {
  return s.baseline != nullptr && SameEntity(s.baseline->item(), anchor) && s.baseline_digest == made_for;
}

bool HasMember(const Fact& established, const v1::EntityRef& member) {
  const auto& refs = established.header().refs();
  return std::any_of(refs.begin(), refs.end(),
                     [&](const v1::EntityRef& ref) { return ref.role() == "member" && SameEntity(Bare(ref), member); });
}

// What establishes the baseline that somebody put the unit on there, if that has this digest and the anchor as a
// member; nullptr otherwise.
StatusOr<const Fact*> EstablishedWith(Facts& facts, const Fact& installed, const v1::EntityRef& anchor,
                                      std::string_view digest) {
  const bool is_service = installed.type() == "device_unit.commissioned" || installed.type() == "device_unit.serviced";
  const v1::EntityRef* baseline = FindReference(installed.header(), "baseline");
  if (!is_service || !installed.counts() || baseline == nullptr) return nullptr;
  ASSIGN_OR_RETURN(const std::vector<const Fact*> established, facts.Definitions(Bare(*baseline)));
  for (const Fact* fact : established) {
    const auto* body = fact->body<v1::BaselineEstablished>();
    if (body == nullptr || body->baseline_digest() != digest || !HasMember(*fact, anchor)) return nullptr;
  }
  return established.empty() ? nullptr : established.back();
}

// Whether the unit stands or stood on a baseline with this digest that has the anchor as a member. Anybody may
// establish a baseline of whatever members with the digest of another, so only those count that whoever may service
// units put this one on.
StatusOr<bool> StoodOnOneWith(Subject& s, const v1::EntityRef& anchor, std::string_view digest, Judgement& j) {
  const auto is_one = [&](LeafIndex leaf) -> StatusOr<bool> {
    ASSIGN_OR_RETURN(const Fact* installed, s.facts.At(leaf));
    ASSIGN_OR_RETURN(const Fact* established, EstablishedWith(s.facts, *installed, anchor, digest));
    if (established == nullptr) return false;
    j.Rest(installed);
    j.Rest(established);
    return true;
  };
  if (s.baseline != nullptr) {
    ASSIGN_OR_RETURN(const bool stands, is_one(LeafIndex(s.baseline->since().index())));
    if (stands) return true;
  }
  const std::string timeline = TimelineId(s.request.unit, kBaselineSurface);
  Timestamp after(kTimestampMin.us - 1);
  for (size_t i = 0; i < kBaselinesMax; ++i) {
    ASSIGN_OR_RETURN(const std::optional<TimelineEntry> next,
                     NextInTimeline(s.facts.rows(), timeline, after, s.facts.size()));
    if (!next.has_value() || next->earliest > s.request.at) break;
    ASSIGN_OR_RETURN(const bool stood, is_one(next->source));
    if (stood) return true;
    after = next->earliest;
  }
  return false;
}

// Why nobody knows how far the beginning of a chain was from the envelope's anchor; empty when it was made from that.
StatusOr<std::string> WhyNotFromAnchor(Subject& s, const EnvelopeInForce& envelope, const Fact& first, Judgement& j) {
  const v1::EntityRef anchor = Bare(*FindReference(envelope.approved->header(), "anchor"));
  ASSIGN_OR_RETURN(const Fact* defined, s.facts.Definition(anchor));
  const auto* baseline = defined == nullptr ? nullptr : defined->body<v1::BaselineEstablished>();
  const std::string& made_for = first.body<v1::ArtifactProduced>()->baseline_digest();
  if (baseline != nullptr) {
    j.Rest(defined);
    if (baseline->baseline_digest() == made_for) return std::string();
  } else if (!made_for.empty()) {
    if (IsForWhatItStandsOn(s, anchor, made_for)) return std::string();
    ASSIGN_OR_RETURN(const bool is_member, StoodOnOneWith(s, anchor, made_for, j));
    if (is_member) return std::string();
  }
  return Text(EntityKeyText(Bare(*FindReference(first.header(), "artifact"))),
              ", with which the steps begin, was not made for ", EntityKeyText(anchor), ", the anchor of ",
              EntityKeyText(Bare(*envelope.ref)), ": what lies between them is not known");
}

}  // namespace

StatusOr<StepSum> SumOfSteps(Subject& s, const EnvelopeInForce& envelope, std::string_view dimension,
                             std::string_view unit, Judgement& j) {
  ASSIGN_OR_RETURN(const Running running, RunningOn(s, s.artifact->surface()));
  if (!running.unknown_because.empty()) return StepSum{"", running.unknown_because};
  bool met = running.artifacts.empty();
  ASSIGN_OR_RETURN(const ParentChain chain, ChainOfParents(s));
  std::string sum = "0";
  for (const Fact* fact : chain.productions) {
    const v1::EntityRef name = Bare(*FindReference(fact->header(), "artifact"));
    j.Rest(fact);
    const StepSum step = StepOf(name, *fact->body<v1::ArtifactProduced>(), dimension, unit);
    if (!step.unknown_because.empty()) return step;
    const bool negative = step.value.starts_with('-');
    ASSIGN_OR_RETURN(sum, SubtractDecimals(sum, negative ? step.value.substr(1) : Text("-", step.value)));
    met = met || IsAmong(running.artifacts, name);
  }
  if (!chain.incomplete_because.empty()) return StepSum{"", chain.incomplete_because};
  ASSIGN_OR_RETURN(const std::string not_from_anchor, WhyNotFromAnchor(s, envelope, *chain.productions.back(), j));
  if (!not_from_anchor.empty()) return StepSum{"", not_from_anchor};
  if (met) return StepSum{sum, ""};
  return StepSum{"", Text(EntityKeyText(running.artifacts.front()), " runs on ", s.artifact->surface(),
                          ", and nothing says that it was made from that: name its parent")};
}

}  // namespace anamnesis::gate
