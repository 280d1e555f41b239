#include "ledger/state/adaptation_rules.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/envelope/envelope.h"
#include "ledger/event/names.h"
#include "ledger/state/configuration.h"
#include "ledger/state/corrections.h"
#include "ledger/state/edges.h"
#include "ledger/state/entities.h"
#include "ledger/state/last_counting.h"
#include "ledger/state/policies.h"
#include "ledger/state/rule_case.h"
#include "ledger/state/stream.h"
#include "ledger/state/timeline.h"

namespace anamnesis {
namespace {

std::string SurfaceKey(std::string_view surface) { return Text('f', surface); }

constexpr size_t kIndexBytes = 8;
// Of the events that identify a surface so many are kept, the last ones: whoever takes one back has the others.
constexpr size_t kIdentifiedMax = 16;
// So many activations back a roll-back finds the one of what it takes back, when that was restored itself.
constexpr size_t kActivationsLookedAtMax = 64;
// Of the events of one type that put a unit somewhere so many are compared, the last ones.
constexpr size_t kMovesMax = 64;

StatusOr<bool> IsAdaptationSurface(const RowFinder& rows, std::string_view surface) {
  ASSIGN_OR_RETURN(const std::optional<std::string> identified, rows.Get(Family::kEntities, SurfaceKey(surface)));
  ByteReader reader(identified.has_value() ? std::string_view(*identified) : std::string_view());
  while (!reader.empty()) {
    ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
    ASSIGN_OR_RETURN(const bool counts, StillCounts(rows, LeafIndex(index)));
    if (counts) return true;
  }
  return false;
}

// What put a unit where it is, and from when on.
using Move = std::tuple<LeafIndex, Timestamp, Timestamp>;

// Those that had begun at `at`, as known below `size`.
StatusOr<std::vector<Move>> MovesOf(const RowFinder& rows, const v1::EntityRef& unit, Timestamp at, TreeSize size) {
  std::vector<Move> moves;
  for (const std::string_view type : {"device_unit.commissioned", "device_unit.relocated"}) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     AllCounting(rows, TypedEdgesPrefix(unit, type), size, kMovesMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const LoadedEvent event, LoadWithoutBody(rows, index));
      ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event.view(), size));
      if (standing.earliest <= at) moves.emplace_back(index, standing.earliest, standing.latest);
    }
  }
  return moves;
}

// What the envelope was approved as before: where the event takes the place of another, before that one.
StatusOr<std::optional<LeafIndex>> ApprovedBefore(const RuleCase& at) {
  const v1::EntityRef& envelope = *FindReference(at.header(), "envelope");
  ASSIGN_OR_RETURN(const std::vector<LoadedEvent> replaced, CorrectedChain(at.rows, at.event));
  if (!replaced.empty()) return FindDefinitionBefore(at.rows, envelope, replaced.back().index);
  v1::EntityRef any_version = envelope;
  any_version.clear_version();
  return FindDefinition(at.rows, any_version);
}

Status CheckTerms(const RuleCase& at, const v1::EnvelopeTerms& terms) {
  if (const Status checked = CheckEnvelope(terms); !checked.ok()) {
    AddBroken(at.broken, {"ENVELOPE-TERMS", "body.terms.dimensions", v1::REFUSED, "IEC 62304 5.2.2", MessageOf(checked),
                          "say in each dimension what its kind asks for"})
        .firmness = BrokenRule::Firmness::kAlways;
    return OkStatus();
  }
  if (terms.declared_change() == v1::EnvelopeTerms::CHANGE_CLASS_UNSPECIFIED) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> before, ApprovedBefore(at));
  if (!before.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const LoadedEvent approved, LoadEvent(at.rows, *before));
  const auto* body = BodyAs<v1::EnvelopeApproved>(approved.body.get());
  if (body == nullptr) return OkStatus();
  const v1::EnvelopeTerms::ChangeClass computed = ChangeBetween(body->terms(), terms);
  if (computed == terms.declared_change()) return OkStatus();
  AddBroken(at.broken,
            {"ENVELOPE-CHANGE", "body.terms.declared_change", v1::REFUSED, "IEC 62304 8.2.1",
             Text("is ", v1::EnvelopeTerms::ChangeClass_Name(terms.declared_change()), ", against the version at leaf ",
                  before->value, " it is ", v1::EnvelopeTerms::ChangeClass_Name(computed)),
             "declare what it is, or change the terms"});
  return OkStatus();
}

Status CheckSubstrate(const RuleCase& at, const v1::SubstrateDefined& body) {
  std::vector<const v1::EntityRef*> soup;
  for (const v1::EntityRef& ref : at.header().refs()) {
    if (ref.role() == "soup") soup.push_back(&ref);
  }
  const auto by_name = [](const v1::EntityRef* a, const v1::EntityRef* b) {
    return std::tie(a->id(), a->version()) < std::tie(b->id(), b->version());
  };
  std::sort(soup.begin(), soup.end(), by_name);
  std::vector<const v1::NamedValue*> runtime;
  for (const v1::NamedValue& entry : body.runtime()) runtime.push_back(&entry);
  std::sort(runtime.begin(), runtime.end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
  Sha256Hasher hasher;
  const auto add = [&](std::string_view field) {
    hasher.Update(field);
    hasher.Update(std::string_view("\0", 1));
  };
  for (const v1::EntityRef* ref : soup) {
    add("soup");
    add(ref->id());
    add(ref->version());
    add(ref->digest().algorithm() == v1::SHA256 ? Text("sha256:", HexEncode(ref->digest().value())) : std::string());
  }
  for (const v1::NamedValue* entry : runtime) {
    add("runtime");
    add(entry->name());
    add(entry->value());
  }
  const std::string digest = hasher.Finish().bytes();
  if (digest == body.substrate_digest()) return OkStatus();
  AddBroken(at.broken, {"SUBSTRATE-DIGEST", "body.substrate_digest", v1::REFUSED, "IEC 62304 8.1.2",
                        Text("is not the digest of the SOUP and runtime given, which is ", HexEncode(digest)),
                        "compute it as vocabulary_device.proto says"})
      .firmness = BrokenRule::Firmness::kAlways;
  return OkStatus();
}

Status CheckObject(const RuleCase& at, const v1::ObjectStored& body) {
  const std::string& id = FindReference(at.header(), "object")->id();
  if (id == HexEncode(body.sha256())) return OkStatus();
  AddBroken(at.broken, {"OBJECT-ID", "header.refs", v1::REFUSED, "IEC 62304 8.1.1",
                        Text("the object is called ", id, ", its digest is ", HexEncode(body.sha256())),
                        "name the object by its digest in lower-case hexadecimal"})
      .firmness = BrokenRule::Firmness::kAlways;
  return OkStatus();
}

// A decision that the event cites, or that stands behind what it takes back.
struct Decided {
  LeafIndex index;
  v1::EventHeader header;
  v1::GateDecided decision;
};

bool SameVersion(const v1::EntityRef& a, const v1::EntityRef& b) {
  return a.kind() == b.kind() && a.id() == b.id() && a.version() == b.version();
}

// Holds what a unit says that it runs from now on against the decisions of the gate.
class ActivationCheck {
 public:
  ActivationCheck(const RuleCase& at, std::string_view surface)
      : at_(at), surface_(surface), unit_(*FindReference(at.header(), "unit")) {}

  Status CheckActivated(const v1::ArtifactActivated& body) {
    const v1::EntityRef& artifact = *FindReference(at_.header(), "artifact");
    ASSIGN_OR_RETURN(const bool decided_on, IsDecidedOn(artifact));
    if (!decided_on) return OkStatus();
    ASSIGN_OR_RETURN(const std::optional<Decided> decided, CitedBy(at_.header(), true));
    if (!decided.has_value()) {
      CheckUndecidedWriter();
      return OkStatus();
    }
    RETURN_IF_ERROR(CheckDecision(*decided, artifact));
    const bool in_place = CheckPlace(*decided);
    CheckConfiguration(*decided, body.previous_configuration_digest());
    return in_place ? CheckGround(*decided) : OkStatus();
  }

  // What the allow decision on what is taken back named as its fallback was looked at then (G20). Anything else that is
  // restored needs a decision of its own.
  Status CheckRolledBack() {
    const v1::EntityRef& restored = *FindReference(at_.header(), "restored");
    ASSIGN_OR_RETURN(const bool decided_on, IsDecidedOn(restored));
    if (!decided_on) return OkStatus();
    ASSIGN_OR_RETURN(const std::optional<LoadedEvent> put, PutWhatIsTakenBack());
    std::optional<Decided> before;
    if (put.has_value()) {
      ASSIGN_OR_RETURN(before, DecidedOn(*put));
    }
    if (before.has_value() && NamesFallback(*before, restored)) {
      CheckWriter();
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::optional<Decided> cited, CitedBy(at_.header(), before.has_value()));
    if (!cited.has_value()) {
      CheckUndecidedWriter();
      if (!put.has_value()) {
        Nonconforming("header.refs", Text("takes back ", EntityKeyText(*FindReference(at_.header(), "artifact")),
                                          ", which did not run on ", surface_, ", and cites no decision on ",
                                          EntityKeyText(restored)));
      } else if (!before.has_value()) {
        Nonconforming("header.refs",
                      Text("restores ", EntityKeyText(restored), ", which no decision of the gate names"));
      }
      return OkStatus();
    }
    if (NamesFallback(*cited, restored)) {
      CheckWriter();
      return OkStatus();
    }
    RETURN_IF_ERROR(CheckDecision(*cited, restored));
    return CheckPlace(*cited) ? CheckGround(*cited) : OkStatus();
  }

 private:
  // Whether the gate has to have its say. It decides about artifacts; what else is put on a surface that is adapted
  // runs without its leave.
  StatusOr<bool> IsDecidedOn(const v1::EntityRef& runs) {
    if (runs.kind() == "artifact") return true;
    ASSIGN_OR_RETURN(const bool adapted, IsAdaptationSurface(at_.rows, surface_));
    if (adapted) {
      Nonconforming("header.refs", Text("puts ", EntityKeyText(runs), " on ", surface_,
                                        ", an adaptation surface, where the gate decides about artifacts"));
    }
    return false;
  }

  // nullopt, with a finding where that is asked for: it cites none that is recorded.
  StatusOr<std::optional<Decided>> CitedBy(const v1::EventHeader& header, bool wanted) {
    const v1::EntityRef* named = FindReference(header, "decision");
    if (named == nullptr) {
      if (wanted) Nonconforming("header.refs", "cites no decision of the gate");
      return std::optional<Decided>();
    }
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(at_.rows, *named));
    if (!index.has_value()) {
      if (wanted) Nonconforming("header.refs", Text("cites gate_decision:", named->id(), ", which is not recorded"));
      return std::optional<Decided>();
    }
    ASSIGN_OR_RETURN(const LoadedEvent decided, LoadEvent(at_.rows, *index));
    const auto* decision = BodyAs<v1::GateDecided>(decided.body.get());
    if (decision == nullptr) return absl::DataLossError(Text("leaf ", index->value, " is no decision; run fsck"));
    return std::optional<Decided>(Decided{*index, decided.header.fields, *decision});
  }

  // The event that put what is taken back where it is taken from; nullopt when it did not run there, when the roll-back
  // happened, by what is known of that. Where times are uncertain it may have.
  StatusOr<std::optional<LoadedEvent>> PutWhatIsTakenBack() {
    const v1::EntityRef& taken_back = *FindReference(at_.header(), "artifact");
    const TreeSize before(at_.event.index.value);
    const Timestamp at(at_.header().occurred_latest_us());
    ASSIGN_OR_RETURN(const TimelineAnswer whole, AskTimeline(at_.rows, TimelineId(unit_.id(), kWholeUnit), at, before));
    ASSIGN_OR_RETURN(const TimelineAnswer part, AskTimeline(at_.rows, TimelineId(unit_.id(), surface_), at, before));
    const TimelineAnswer ran = MergeAnswers(whole, part);
    for (auto entry = ran.candidates.rbegin(); entry != ran.candidates.rend(); ++entry) {
      if (entry->effect != Effect::kSet) continue;
      ASSIGN_OR_RETURN(LoadedEvent put, LoadEvent(at_.rows, entry->source));
      const v1::EntityRef* runs = ItemSetBy(put.header.fields, surface_);
      if (runs != nullptr && SameVersion(*runs, taken_back)) return std::optional<LoadedEvent>(std::move(put));
    }
    return std::optional<LoadedEvent>();
  }

  // The decision on which what is taken back runs; nullopt when there is none. What was restored itself runs on the one
  // on which it was last activated before that.
  StatusOr<std::optional<Decided>> DecidedOn(const LoadedEvent& put) {
    if (BodyAs<v1::ArtifactActivated>(put.body.get()) != nullptr) return CitedBy(put.header.fields, false);
    const v1::EntityRef& taken_back = *FindReference(at_.header(), "artifact");
    const std::string prefix = TypedEdgesPrefix(unit_, "artifact.activated");
    const auto is_it = [&](const LoadedEvent& event) {
      const auto* body = BodyAs<v1::ArtifactActivated>(event.body.get());
      const v1::EntityRef* artifact = FindReference(event.header.fields, "artifact");
      return body != nullptr && body->surface() == surface_ && artifact != nullptr &&
             SameVersion(*artifact, taken_back);
    };
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index,
                     LastCounting(at_.rows, prefix, Text(prefix, LeafKey(put.index)), TreeSize(at_.event.index.value),
                                  is_it, kActivationsLookedAtMax));
    if (!index.has_value()) return std::optional<Decided>();
    ASSIGN_OR_RETURN(const LoadedEvent activated, LoadEvent(at_.rows, *index));
    return CitedBy(activated.header.fields, false);
  }

  // Whether it allowed what is taken back, on this unit, with this to fall back on.
  bool NamesFallback(const Decided& decided, const v1::EntityRef& restored) const {
    const v1::EntityRef* fallback = FindReference(decided.header, "rollback_target");
    return decided.decision.verdict() == v1::GateDecided::ALLOW && fallback != nullptr &&
           SameVersion(*fallback, restored) && IsAbout(decided, "unit", unit_) &&
           IsAbout(decided, "artifact", *FindReference(at_.header(), "artifact"));
  }

  static bool IsAbout(const Decided& decided, std::string_view role, const v1::EntityRef& entity) {
    const v1::EntityRef& there = *FindReference(decided.header, role);
    return there.id() == entity.id() && there.version() == entity.version();
  }

  Status CheckDecision(const Decided& decided, const v1::EntityRef& artifact) {
    const v1::GateDecided& decision = decided.decision;
    const uint64_t leaf = decided.index.value;
    if (decision.verdict() != v1::GateDecided::ALLOW) {
      Nonconforming("header.refs", Text("the gate denied it (leaf ", leaf, ")"));
    }
    for (const auto& [role, entity] : {std::pair{"artifact", &artifact}, std::pair{"unit", &unit_}}) {
      if (!IsAbout(decided, role, *entity)) {
        Nonconforming("header.refs", Text("the decision of leaf ", leaf, " is about another ", role));
      }
    }
    const v1::ContentDigest& digest = artifact.digest();
    if (artifact.has_digest() && (digest.algorithm() != v1::SHA256 || digest.value() != decision.artifact_digest())) {
      Nonconforming("header.refs", Text("the decision of leaf ", leaf, " is about other bytes"));
    }
    const int64_t until_us = decision.at_us() + static_cast<int64_t>(decision.time_to_live_s()) * 1'000'000;
    if (at_.header().occurred_latest_us() > until_us || at_.header().occurred_latest_us() < decision.at_us()) {
      Nonconforming("header.occurred_latest_us", Text("the decision of leaf ", leaf, " held for ",
                                                      decision.time_to_live_s(), " s from when it was made"));
    }
    return CheckSurface(artifact);
  }

  // A decision is about an artifact, and that about one surface.
  Status CheckSurface(const v1::EntityRef& artifact) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(at_.rows, artifact));
    if (!index.has_value()) return OkStatus();
    ASSIGN_OR_RETURN(const LoadedEvent produced, LoadEvent(at_.rows, *index));
    const auto* body = BodyAs<v1::ArtifactProduced>(produced.body.get());
    if (body == nullptr || body->surface() == surface_) return OkStatus();
    Nonconforming("body.surface", Text("is ", surface_, "; the artifact that was decided on is for ", body->surface()));
    return OkStatus();
  }

  bool CheckWriter() {
    const v1::Agent& actor = at_.header().actor();
    if (actor.kind() == "device_unit" && actor.id() == unit_.id() &&
        at_.header().stream() == StreamOfUnit(unit_.id())) {
      return true;
    }
    AddBroken(at_.broken, {"ACTIVATION-WRITER", "header.actor", v1::FINDING, "21 CFR 11.10(h)",
                           Text("is ", AgentText(actor), " in stream ", at_.header().stream(),
                                "; a unit says itself, in its own stream, what it activated"),
                           "let the unit seal its activations"});
    return false;
  }

  // Who says so of a unit matters most when nothing else speaks for it. What was recorded after the fact, from other
  // records, no unit says itself.
  void CheckUndecidedWriter() {
    if (!at_.header().retrospective()) CheckWriter();
  }

  // Whether nothing came between in the unit's own stream.
  bool CheckPlace(const Decided& decided) {
    if (!CheckWriter()) return false;
    if (at_.header().stream_position() == decided.decision.unit_stream_position() + 1) return true;
    AddBroken(at_.broken, {"ACTIVATION-CHANGED", "header.stream_position", v1::FINDING, "IEC 62304 8.2.1",
                           Text("is ", at_.header().stream_position(), "; the decision of leaf ", decided.index.value,
                                " was made at ", decided.decision.unit_stream_position()),
                           "ask the gate again after anything that the unit records"});
    return false;
  }

  // What the unit is, others record too, in streams of their own: the one that activates need not have heard of it.
  Status CheckGround(const Decided& decided) {
    const TreeSize known_then(decided.decision.tree_size());
    const TreeSize known_now(at_.event.index.value);
    const Timestamp then(decided.decision.at_us());
    const Timestamp now(std::max(at_.header().occurred_latest_us(), then.us));
    for (const std::string_view surface :
         {kWholeUnit, kBaselineSurface, kSubstrateSurface, std::string_view(surface_)}) {
      const std::string timeline = TimelineId(unit_.id(), surface);
      ASSIGN_OR_RETURN(const TimelineAnswer before, AskTimeline(at_.rows, timeline, then, known_then));
      ASSIGN_OR_RETURN(const TimelineAnswer after, AskTimeline(at_.rows, timeline, now, known_now));
      if (before.candidates == after.candidates) continue;
      Changed(decided, surface == kWholeUnit ? Text("device_unit:", unit_.id()) : Text("its ", surface));
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::vector<Move> before, MovesOf(at_.rows, unit_, then, known_then));
    ASSIGN_OR_RETURN(const std::vector<Move> after, MovesOf(at_.rows, unit_, now, known_now));
    if (before != after) Changed(decided, "where it is");
    return OkStatus();
  }

  void Changed(const Decided& decided, std::string_view what) {
    AddBroken(at_.broken, {"ACTIVATION-CHANGED", "header.refs", v1::FINDING, "IEC 62304 8.2.1",
                           Text(what, " changed after the decision of leaf ", decided.index.value),
                           "ask the gate again after whatever is recorded of the unit"});
  }

  void CheckConfiguration(const Decided& decided, std::string_view previous) {
    const std::string& configuration = decided.decision.configuration_digest();
    if (previous == configuration && !configuration.empty()) return;
    AddBroken(at_.broken,
              {"ACTIVATION-CHANGED", "body.previous_configuration_digest", v1::FINDING, "IEC 62304 8.2.1",
               Text("is not the configuration that the decision of leaf ", decided.index.value, " was made for"),
               "activate in the configuration that was decided on, or ask the gate again"});
  }

  void Nonconforming(std::string_view field, std::string_view message) {
    AddBroken(at_.broken, {"ACTIVATION-DECISION", field, v1::FINDING, "IEC 62304 8.2.1", message,
                           "ask the gate first (anamnesis gate request), and activate only what it allows"});
  }

  const RuleCase& at_;
  const std::string surface_;
  const v1::EntityRef& unit_;
};

}  // namespace

Status CheckAdaptationRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken) {
  const RuleCase at{event, rows, broken};
  if (const auto* body = BodyAs<v1::EnvelopeProposed>(event.body)) return CheckTerms(at, body->terms());
  if (const auto* body = BodyAs<v1::EnvelopeApproved>(event.body)) return CheckTerms(at, body->terms());
  if (const auto* body = BodyAs<v1::SubstrateDefined>(event.body)) return CheckSubstrate(at, *body);
  if (const auto* body = BodyAs<v1::ObjectStored>(event.body)) return CheckObject(at, *body);
  const auto* activated = BodyAs<v1::ArtifactActivated>(event.body);
  const auto* rolled_back = BodyAs<v1::ArtifactRolledBack>(event.body);
  if (activated == nullptr && rolled_back == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(const bool has_gate, HasPolicy(rows, v1::PolicyAdopted::GATE));
  if (!has_gate) return OkStatus();
  if (activated != nullptr) return ActivationCheck(at, activated->surface()).CheckActivated(*activated);
  return ActivationCheck(at, rolled_back->surface()).CheckRolledBack();
}

Status FoldAdaptationSurfaces(const RecordedEvent& event, RowOverlay& rows) {
  const auto* body = BodyAs<v1::AdaptationSurfaceIdentified>(event.body);
  if (body == nullptr) return OkStatus();
  const std::string key = SurfaceKey(body->surface());
  ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(Family::kEntities, key));
  std::string identified = Text(before.value_or(""), LeafKey(event.index));
  if (identified.size() > kIdentifiedMax * kIndexBytes) identified.erase(0, kIndexBytes);
  rows.Put(Family::kEntities, key, std::move(identified));
  return OkStatus();
}

bool AdaptationRulesReadBody(const EventType& type) {
  return type.body == v1::EnvelopeProposed::descriptor() || type.body == v1::EnvelopeApproved::descriptor() ||
         type.body == v1::SubstrateDefined::descriptor() || type.body == v1::ObjectStored::descriptor() ||
         type.body == v1::ArtifactActivated::descriptor() || type.body == v1::ArtifactRolledBack::descriptor() ||
         type.body == v1::AdaptationSurfaceIdentified::descriptor();
}

}  // namespace anamnesis
