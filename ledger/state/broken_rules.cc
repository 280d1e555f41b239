#include "ledger/state/broken_rules.h"

#include <algorithm>
#include <string_view>

#include "anamnesis/v1/vocabulary_software.pb.h"
#include "ledger/state/entities.h"
#include "ledger/state/place_in_time.h"
#include "ledger/state/policies.h"
#include "ledger/state/projection_damage.h"
#include "ledger/state/software_items.h"
#include "ledger/state/special_rules.h"

namespace anamnesis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string EntityName(const v1::EntityRef& ref) {
  return Text(ref.kind(), " \"", ref.id(), ref.version().empty() ? "" : "@", ref.version(), "\"");
}

// Works through the annotations of one event.
class Evaluation {
 public:
  Evaluation(const RecordedEvent& event, const RowFinder& rows) : event_(event), rows_(rows) {}

  StatusOr<std::vector<BrokenRule>> Run() {
    for (const v1::ReferenceRule& rule : options().refs()) {
      for (int i = 0; i < header().refs_size(); ++i) {
        if (header().refs(i).role() != rule.role()) continue;
        CheckVersion(i);
        if (rule.defines()) RETURN_IF_ERROR(CheckUnique(rule, i));
        if (rule.unrecorded() != v1::CONSEQUENCE_UNSPECIFIED) RETURN_IF_ERROR(CheckExists(rule, i));
      }
    }
    for (const v1::Precondition& rule : options().preconditions()) RETURN_IF_ERROR(CheckPrecondition(rule));
    for (const v1::AnyOf& rule : options().any_of()) RETURN_IF_ERROR(CheckAnyOf(rule));
    if (event_.body != nullptr) RETURN_IF_ERROR(CheckFields(*event_.body, ""));
    RETURN_IF_ERROR(CheckSpecialRules(event_, rows_, broken_));
    for (BrokenRule& broken : broken_) RETURN_IF_ERROR(Settle(broken));
    std::erase_if(broken_, [](const BrokenRule& b) { return b.consequence == v1::CONSEQUENCE_UNSPECIFIED; });
    return std::move(broken_);
  }

 private:
  const v1::EventTypeOptions& options() const { return *event_.type->options; }
  const v1::EventHeader& header() const { return event_.header->fields; }

  BrokenRule& Add(std::string rule, std::string field, v1::Consequence consequence) {
    BrokenRule& broken = broken_.emplace_back();
    broken.finding.set_rule(std::move(rule));
    broken.finding.set_field(std::move(field));
    broken.consequence = consequence;
    return broken;
  }

  // What becomes of the event for it.
  Status Settle(BrokenRule& broken) {
    // What contradicts the record stays refused whatever a profile says.
    const bool contradictory = broken.reason == v1::ENTITY_TAKEN && !options().observation();
    if (contradictory || broken.firmness == BrokenRule::Firmness::kAlways) return OkStatus();
    ASSIGN_OR_RETURN(broken.consequence, ConsequenceInForce(rows_, broken.finding.rule(), broken.consequence));
    if (broken.consequence != v1::REFUSED) return OkStatus();
    // What happened, and what is honestly told afterwards, is recorded even when it should have been otherwise.
    bool must_record = options().observation() || options().ledger_decided();
    if (!must_record && header().retrospective()) {
      ASSIGN_OR_RETURN(must_record, TellsWhatWas(broken));
    }
    if (must_record) broken.consequence = v1::FINDING;
    return OkStatus();
  }

  // Whether the event, told afterwards, says of a time that the ledger hasn't got in its order.
  StatusOr<bool> TellsWhatWas(const BrokenRule& broken) const {
    if (broken.firmness != BrokenRule::Firmness::kUsual) return false;
    if (!broken.since.has_value()) return true;
    ASSIGN_OR_RETURN(const std::optional<Placed> since, PlaceOf(rows_, *broken.since));
    if (!since.has_value() || since->told_afterwards) return true;
    return PlaceInTime(event_, Timestamp(header().occurred_latest_us())) < since->place;
  }

  StatusOr<bool> Applies(v1::SafetyClass from) {
    if (from == v1::SAFETY_CLASS_ALL) return true;
    if (!class_.has_value()) {
      ASSIGN_OR_RETURN(class_, ClassOfEvent(rows_, header()));
    }
    return AppliesFrom(from, *class_);
  }

  // One without versions is named without: nobody can know what the writer meant to tell apart. But a baseline is of
  // items in their versions (IEC 62304 8.1.3): there the version says what is in it, and look-ups find the item.
  void CheckVersion(int i) {
    const v1::EntityRef& ref = header().refs(i);
    if (ref.version().empty() || !VersionOf(ref).empty()) return;
    const bool in_baseline = event_.type->body == v1::BaselineEstablished::descriptor() && ref.role() == "member";
    if (in_baseline && ref.kind() == "software_item") return;
    BrokenRule& broken = Add(Text("VERSION/", ref.role()), Text("header.refs[", i, "].version"), v1::REFUSED);
    broken.finding.set_clause("IEC 62304 8.1.1");
    broken.finding.set_message(Text(EntityName(ref), " names a version, and a ", ref.kind(), " has none"));
    broken.finding.set_remedy(Text("name it ", ref.kind(), ":", ref.id()));
  }

  Status CheckUnique(const v1::ReferenceRule& rule, int i) {
    const v1::EntityRef& ref = header().refs(i);
    if (VersionOf(ref).empty() && rule.redefined_without_version()) return OkStatus();
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> existing, FindDefinition(rows_, ref));
    if (!existing.has_value()) return OkStatus();
    ASSIGN_OR_RETURN(const LoadedEvent earlier, LoadEvent(rows_, *existing));
    if (header().corrects() == earlier.header.event_id.view()) return OkStatus();
    // Defined as a whole, and now in a version, or the other way round: not the same thing, of what has versions.
    const auto& refs = earlier.header.fields.refs();
    const bool same_name = std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& other) {
      return other.kind() == ref.kind() && other.id() == ref.id() && VersionOf(other) == VersionOf(ref);
    });
    if (!same_name) return OkStatus();
    ASSIGN_OR_RETURN(const bool same, SaysSameAs(earlier));
    if (same) return OkStatus();
    BrokenRule& broken = Add(Text("UNIQUE/", rule.role()), Text("header.refs[", i, "]"), v1::REFUSED);
    broken.reason = v1::ENTITY_TAKEN;
    broken.existing = *existing;
    broken.finding.set_clause("IEC 62304 8.1.1");
    broken.finding.set_message(
        Text(EntityName(ref), " is recorded already at leaf ", existing->value, ", with other content"));
    broken.finding.set_remedy("use a new version, or correct that event");
    return OkStatus();
  }

  StatusOr<bool> SaysSameAs(const LoadedEvent& earlier) const {
    // What can be erased must not decide anything: the answer would be another one afterwards.
    if (options().retention() == v1::PERSONAL_DATA) return false;
    if (event_.body != nullptr) return SaySame(event_, earlier);
    // Rebuilding: the folds were not given the body, since hardly any event of this type needs it.
    ASSIGN_OR_RETURN(const LoadedEvent whole, LoadEvent(rows_, event_.index));
    return SaySame(whole.view(), earlier);
  }

  Status CheckExists(const v1::ReferenceRule& rule, int i) {
    const v1::EntityRef& ref = header().refs(i);
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> definition, FindDefinition(rows_, ref));
    if (definition.has_value()) return OkStatus();
    BrokenRule& broken = Add(Text("EXISTS/", rule.role()), Text("header.refs[", i, "]"), rule.unrecorded());
    broken.finding.set_clause("IEC 62304 8.1.1");
    broken.finding.set_message(Text("no event before this one records ", EntityName(ref)));
    broken.finding.set_remedy("append the event that defines it first");
    return OkStatus();
  }

  Status CheckPrecondition(const v1::Precondition& rule) {
    if (!rule.when().empty() && !BodyHas(event_.body, rule.when())) return OkStatus();
    ASSIGN_OR_RETURN(const bool applies, Applies(rule.from()));
    if (!applies) return OkStatus();
    const std::string& role = rule.as().empty() ? rule.role() : rule.as();
    for (int i = 0; i < header().refs_size(); ++i) {
      const v1::EntityRef& ref = header().refs(i);
      if (ref.role() != rule.role()) continue;
      bool found = false;
      for (const std::string& what : rule.events()) {
        ASSIGN_OR_RETURN(const std::optional<LeafIndex> naming, FindNaming(rows_, what, role, ref, rule.any_version()));
        found = found || naming.has_value();
      }
      if (found) continue;
      std::string wanted;
      for (const std::string& what : rule.events()) wanted += (wanted.empty() ? "" : " or ") + what;
      BrokenRule& broken = Add(rule.rule(), Text("header.refs[", i, "]"), rule.consequence());
      broken.finding.set_clause(rule.clause());
      broken.finding.set_message(Text("no ", wanted, " about ", EntityName(ref), " is recorded before this event"));
      broken.finding.set_remedy(rule.remedy());
      if (!header().retrospective()) continue;
      ASSIGN_OR_RETURN(broken.since, FindDefinition(rows_, ref));
    }
    return OkStatus();
  }

  bool Has(std::string_view name) const {
    if (name.starts_with("refs.")) return FindReference(header(), name.substr(5)) != nullptr;
    if (event_.body == nullptr) return true;
    const FieldDescriptor* field = event_.body->GetDescriptor()->FindFieldByName(std::string(name));
    if (field == nullptr) return false;
    const google::protobuf::Reflection& reflection = *event_.body->GetReflection();
    return field->is_repeated() ? reflection.FieldSize(*event_.body, field) > 0
                                : reflection.HasField(*event_.body, field);
  }

  Status CheckAnyOf(const v1::AnyOf& rule) {
    if (std::any_of(rule.of().begin(), rule.of().end(), [&](const std::string& name) { return Has(name); })) {
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const bool applies, Applies(rule.from()));
    if (!applies) return OkStatus();
    std::string wanted;
    for (const std::string& name : rule.of()) wanted += (wanted.empty() ? "" : " or ") + name;
    BrokenRule& broken = Add(rule.rule(), rule.of(0).starts_with("refs.") ? "header.refs" : Text("body.", rule.of(0)),
                             rule.consequence());
    broken.finding.set_clause(rule.clause());
    broken.finding.set_message(Text("lacks ", wanted));
    broken.finding.set_remedy(rule.remedy());
    return OkStatus();
  }

  Status CheckFields(const Message& message, const std::string& path) {
    const Descriptor& descriptor = *message.GetDescriptor();
    const google::protobuf::Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor& field = *descriptor.field(i);
      const bool there =
          field.is_repeated() ? reflection.FieldSize(message, &field) > 0 : reflection.HasField(message, &field);
      const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
      if (!there && rule.absent() != v1::CONSEQUENCE_UNSPECIFIED) RETURN_IF_ERROR(AddAbsent(rule, path + field.name()));
      const bool descend = there && !field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
      if (descend) RETURN_IF_ERROR(CheckFields(reflection.GetMessage(message, &field), path + field.name() + "."));
    }
    return OkStatus();
  }

  Status AddAbsent(const v1::FieldRule& rule, const std::string& name) {
    ASSIGN_OR_RETURN(const bool applies, Applies(rule.expected_from()));
    if (!applies) return OkStatus();
    BrokenRule& broken = Add(Text("FIELD/", name), "body." + name, rule.absent());
    broken.finding.set_clause(rule.clause().empty() ? std::string(FirstClause(*event_.type)) : rule.clause());
    broken.finding.set_message(Text(event_.type->name(), " lacks ", name));
    broken.finding.set_remedy(Text("give body.", name));
    return OkStatus();
  }

  const RecordedEvent& event_;
  const RowFinder& rows_;
  std::optional<v1::SoftwareSafetyClass> class_;
  std::vector<BrokenRule> broken_;
};

bool FieldsHaveRules(const Descriptor& message, int depth) {
  if (depth > 8) return false;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (field.options().GetExtension(v1::rule).absent() != v1::CONSEQUENCE_UNSPECIFIED) return true;
    const bool descend = !field.is_repeated() && field.message_type() != nullptr;
    if (descend && FieldsHaveRules(*field.message_type(), depth + 1)) return true;
  }
  return false;
}

}  // namespace

bool SaySame(const RecordedEvent& event, const LoadedEvent& earlier) {
  if (event.type->body != earlier.type->body) return false;
  if (event.body == nullptr || earlier.body == nullptr) return false;
  if (event.body->SerializeAsString() != earlier.body->SerializeAsString()) return false;
  const auto& ours = event.header->fields.refs();
  const auto& theirs = earlier.header.fields.refs();
  return std::equal(
      ours.begin(), ours.end(), theirs.begin(), theirs.end(),
      [](const v1::EntityRef& a, const v1::EntityRef& b) { return a.SerializeAsString() == b.SerializeAsString(); });
}

BrokenRule& AddBroken(std::vector<BrokenRule>& broken, const BrokenRuleText& text) {
  BrokenRule& rule = broken.emplace_back();
  rule.finding.set_rule(std::string(text.rule));
  rule.finding.set_field(std::string(text.field));
  rule.finding.set_clause(std::string(text.clause));
  rule.finding.set_message(std::string(text.message));
  rule.finding.set_remedy(std::string(text.remedy));
  rule.consequence = text.consequence;
  return rule;
}

StatusOr<std::vector<BrokenRule>> BrokenRules(const RecordedEvent& event, const RowFinder& rows) {
  if (event.type->options->retention() != v1::PERSONAL_DATA) return Evaluation(event, rows).Run();
  RecordedEvent without_body = event;
  without_body.body = nullptr;
  return Evaluation(without_body, rows).Run();
}

bool RulesReadBody(const EventType& type) {
  const v1::EventTypeOptions& options = *type.options;
  const bool conditional = std::any_of(options.preconditions().begin(), options.preconditions().end(),
                                       [](const v1::Precondition& rule) { return !rule.when().empty(); });
  const bool any_of = std::any_of(options.any_of().begin(), options.any_of().end(), [](const v1::AnyOf& rule) {
    return std::any_of(rule.of().begin(), rule.of().end(),
                       [](const std::string& name) { return !name.starts_with("refs."); });
  });
  return conditional || any_of || FieldsHaveRules(*type.body, 0) || SpecialRulesReadBody(type);
}

void PutFindings(LeafIndex index, const std::vector<BrokenRule>& broken, RowOverlay& rows) {
  if (broken.empty()) return;
  internal::Findings findings;
  for (const BrokenRule& rule : broken) *findings.add_findings() = rule.finding;
  rows.PutUnread(Family::kFindings, LeafKey(index), findings.SerializeAsString());
}

StatusOr<std::vector<v1::Finding>> FindingsOf(const RowFinder& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kFindings, LeafKey(index)));
  if (!value.has_value()) return std::vector<v1::Finding>();
  internal::Findings findings;
  if (!findings.ParseFromString(*value)) {
    return ProjectionDamage("a findings row is damaged");
  }
  return std::vector<v1::Finding>(findings.findings().begin(), findings.findings().end());
}

}  // namespace anamnesis
