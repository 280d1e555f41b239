#include "ledger/state/adaptation_rules.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/envelope/envelope.h"
#include "ledger/event/names.h"
#include "ledger/state/entities.h"
#include "ledger/state/policies.h"

namespace anamnesis {
namespace {

struct Case {
  const RecordedEvent& event;
  const RowFinder& rows;
  std::vector<BrokenRule>& broken;

  const v1::EventHeader& header() const { return event.header->fields; }
};

Status CheckTerms(const Case& at, const v1::EnvelopeTerms& terms) {
  if (const Status checked = CheckEnvelope(terms); !checked.ok()) {
    AddBroken(at.broken, {"ENVELOPE-TERMS", "body.terms.dimensions", v1::REFUSED, "IEC 62304 5.2.2", MessageOf(checked),
                          "say in each dimension what its kind asks for"});
    return OkStatus();
  }
  if (terms.declared_change() == v1::EnvelopeTerms::CHANGE_CLASS_UNSPECIFIED) return OkStatus();
  v1::EntityRef any_version = *FindReference(at.header(), "envelope");
  any_version.clear_version();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> before, FindDefinition(at.rows, any_version));
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

Status CheckSubstrate(const Case& at, const v1::SubstrateDefined& body) {
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
                        "compute it as vocabulary_device.proto says"});
  return OkStatus();
}

Status CheckObject(const Case& at, const v1::ObjectStored& body) {
  const std::string& id = FindReference(at.header(), "object")->id();
  if (id == HexEncode(body.sha256())) return OkStatus();
  AddBroken(at.broken, {"OBJECT-ID", "header.refs", v1::REFUSED, "IEC 62304 8.1.1",
                        Text("the object is called ", id, ", its digest is ", HexEncode(body.sha256())),
                        "name the object by its digest in lower-case hexadecimal"});
  return OkStatus();
}

class ActivationCheck {
 public:
  explicit ActivationCheck(const Case& at, const v1::ArtifactActivated& body) : at_(at), body_(body) {}

  Status Check() {
    const v1::EntityRef* named = FindReference(at_.header(), "decision");
    if (named == nullptr) {
      Nonconforming("header.refs", "cites no decision of the gate");
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(at_.rows, *named));
    if (!index.has_value()) {
      Nonconforming("header.refs", Text("cites gate_decision:", named->id(), ", which is not recorded"));
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const LoadedEvent decided, LoadEvent(at_.rows, *index));
    const auto* decision = BodyAs<v1::GateDecided>(decided.body.get());
    if (decision == nullptr) return absl::DataLossError(Text("leaf ", index->value, " is no decision; run fsck"));
    CheckDecision(*index, decided.header.fields, *decision);
    CheckUnchanged(*index, *decision);
    return OkStatus();
  }

 private:
  void CheckDecision(LeafIndex index, const v1::EventHeader& header, const v1::GateDecided& decision) {
    if (decision.verdict() != v1::GateDecided::ALLOW) {
      Nonconforming("header.refs", Text("the gate denied it (leaf ", index.value, ")"));
    }
    for (const std::string_view role : {"artifact", "unit"}) {
      const v1::EntityRef& here = *FindReference(at_.header(), role);
      const v1::EntityRef& there = *FindReference(header, role);
      if (here.id() != there.id() || here.version() != there.version()) {
        Nonconforming("header.refs", Text("the decision of leaf ", index.value, " is about another ", role));
      }
    }
    const int64_t until_us = decision.at_us() + static_cast<int64_t>(decision.time_to_live_s()) * 1'000'000;
    if (at_.header().occurred_latest_us() > until_us || at_.header().occurred_latest_us() < decision.at_us()) {
      Nonconforming("header.occurred_latest_us", Text("the decision of leaf ", index.value, " held for ",
                                                      decision.time_to_live_s(), " s from when it was made"));
    }
  }

  void CheckUnchanged(LeafIndex index, const v1::GateDecided& decision) {
    const v1::EntityRef& unit = *FindReference(at_.header(), "unit");
    const v1::Agent& actor = at_.header().actor();
    if (actor.kind() != "device_unit" || actor.id() != unit.id() ||
        at_.header().stream() != Text("device_unit/", unit.id())) {
      AddBroken(at_.broken, {"ACTIVATION-WRITER", "header.actor", v1::FINDING, "21 CFR 11.10(h)",
                             Text("is ", AgentText(actor), " in stream ", at_.header().stream(),
                                  "; a unit says itself, in its own stream, what it activated"),
                             "let the unit seal its activations"});
    } else if (at_.header().stream_position() != decision.unit_stream_position() + 1) {
      AddBroken(at_.broken, {"ACTIVATION-CHANGED", "header.stream_position", v1::FINDING, "IEC 62304 8.2.1",
                             Text("is ", at_.header().stream_position(), "; the decision of leaf ", index.value,
                                  " was made at ", decision.unit_stream_position()),
                             "ask the gate again after anything that the unit records"});
    }
    if (body_.previous_configuration_digest() != decision.configuration_digest() ||
        decision.configuration_digest().empty()) {
      AddBroken(at_.broken, {"ACTIVATION-CHANGED", "body.previous_configuration_digest", v1::FINDING, "IEC 62304 8.2.1",
                             Text("is not the configuration that the decision of leaf ", index.value, " was made for"),
                             "activate in the configuration that was decided on, or ask the gate again"});
    }
  }

  void Nonconforming(std::string_view field, std::string_view message) {
    AddBroken(at_.broken, {"ACTIVATION-DECISION", field, v1::FINDING, "IEC 62304 8.2.1", message,
                           "ask the gate first (anamnesis gate request), and activate only what it allows"});
  }

  const Case& at_;
  const v1::ArtifactActivated& body_;
};

}  // namespace

Status CheckAdaptationRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken) {
  const Case at{event, rows, broken};
  if (const auto* body = BodyAs<v1::EnvelopeProposed>(event.body)) return CheckTerms(at, body->terms());
  if (const auto* body = BodyAs<v1::EnvelopeApproved>(event.body)) return CheckTerms(at, body->terms());
  if (const auto* body = BodyAs<v1::SubstrateDefined>(event.body)) return CheckSubstrate(at, *body);
  if (const auto* body = BodyAs<v1::ObjectStored>(event.body)) return CheckObject(at, *body);
  const auto* body = BodyAs<v1::ArtifactActivated>(event.body);
  if (body == nullptr || FindReference(at.header(), "artifact")->kind() != "artifact") return OkStatus();
  ASSIGN_OR_RETURN(const bool has_gate, HasPolicy(rows, v1::PolicyAdopted::GATE));
  return has_gate ? ActivationCheck(at, *body).Check() : OkStatus();
}

bool AdaptationRulesReadBody(const EventType& type) {
  return type.body == v1::EnvelopeProposed::descriptor() || type.body == v1::EnvelopeApproved::descriptor() ||
         type.body == v1::SubstrateDefined::descriptor() || type.body == v1::ObjectStored::descriptor() ||
         type.body == v1::ArtifactActivated::descriptor();
}

}  // namespace anamnesis
