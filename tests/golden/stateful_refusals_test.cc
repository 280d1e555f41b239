// What each annotation of each event type does to an event in a ledger: the type's example is recorded where everything
// is there that it asks for, and without that one thing it is refused, or recorded with a finding, by the rule, clause
// and remedy that the annotation states. Made from the annotations by reflection, so that a new type or rule can't be
// forgotten.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/golden/prepared_ledger.h"
#include "tests/ledger/rules/refusals.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Annotations that can't be tried by leaving out one thing, with the reason. The list is exact: one that is exercised
// or that the vocabulary no longer has must leave it, and a new one fails the test until somebody has thought about it.
const std::map<std::string, std::string>& NotExercised() {
  static const auto* reasons = new std::map<std::string, std::string>{};
  return *reasons;
}

// --- Values for what an example leaves out ---

void FillField(Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
  const std::string text = rule.format() == v1::DECIMAL ? "1" : "a";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const bool digest = rule.format() == v1::SHA256_BYTES || rule.format() == v1::PUBLIC_KEY;
      const std::string value = digest ? std::string(32, 'a') : text;
      field.is_repeated() ? reflection.AddString(&message, &field, value)
                          : reflection.SetString(&message, &field, value);
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Message& inner = *(field.is_repeated() ? reflection.AddMessage(&message, &field)
                                             : reflection.MutableMessage(&message, &field));
      for (int i = 0; i < inner.GetDescriptor()->field_count(); ++i) {
        const FieldDescriptor& part = *inner.GetDescriptor()->field(i);
        if (part.options().GetExtension(v1::rule).required()) FillField(inner, part);
      }
      if (auto* digest = dynamic_cast<v1::ContentDigest*>(&inner)) {
        digest->set_algorithm(v1::SHA256);
        digest->set_value(std::string(32, 'a'));
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      field.is_repeated() ? reflection.AddEnumValue(&message, &field, 1) : reflection.SetEnumValue(&message, &field, 1);
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(&message, &field, true);
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection.SetInt64(&message, &field, kTestStart.us);
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      reflection.SetUInt64(&message, &field, 1);
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      reflection.SetUInt32(&message, &field, 1);
      return;
    default:
      FAIL() << "no value for " << field.full_name();
  }
}

bool IsThere(const Message& message, const FieldDescriptor& field) {
  return field.is_repeated() ? message.GetReflection()->FieldSize(message, &field) > 0
                             : message.GetReflection()->HasField(message, &field);
}

// Fields with a rule about absence, here and in messages inside, by path.
void VisitAbsent(Message& message, const std::string& path,
                 const std::function<void(Message&, const FieldDescriptor&, const std::string&)>& visit) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (field.options().GetExtension(v1::rule).absent() != v1::CONSEQUENCE_UNSPECIFIED) {
      visit(message, field, path + field.name());
    }
    const bool inside = !field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                        message.GetReflection()->HasField(message, &field);
    if (inside)
      VisitAbsent(*message.GetReflection()->MutableMessage(&message, &field), path + field.name() + ".", visit);
  }
}

// The type's example with every role that a rule is about and every field that a class expects.
EventDraft CompleteExample(const EventType& type) {
  EventDraft draft = ExampleOf(type);
  for (const v1::ReferenceRule& rule : type.options->refs()) {
    if (FindReference(draft.header, rule.role()) != nullptr) continue;
    AddReference(draft, rule.role(), rule.kinds(0), Text("example-", rule.role()),
                 rule.version_required() ? "1.0" : "");
  }
  const std::shared_ptr<Message> body = CopyOfBody(draft);
  VisitAbsent(*body, "", [](Message& message, const FieldDescriptor& field, const std::string&) {
    if (!IsThere(message, field)) FillField(message, field);
  });
  draft.body = body;
  return draft;
}

// Changes what the body says, and nothing that decides whether it is valid; false where it says nothing freely.
bool SayOtherwise(Message& message) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const auto& reflection = *message.GetReflection();
    const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
    if (field.name() == "signature") continue;
    if (field.is_repeated()) {
      const bool holds_message =
          field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && reflection.FieldSize(message, &field) > 0;
      if (holds_message && SayOtherwise(*reflection.MutableRepeatedMessage(&message, &field, 0))) return true;
      if (field.type() != FieldDescriptor::TYPE_STRING || rule.format() != v1::FIELD_FORMAT_UNSPECIFIED) continue;
      reflection.AddString(&message, &field, "otherwise");
      return true;
    }
    if (field.type() == FieldDescriptor::TYPE_STRING && rule.format() == v1::FIELD_FORMAT_UNSPECIFIED) {
      reflection.SetString(&message, &field, "otherwise");
      return true;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
      reflection.SetUInt64(&message, &field, reflection.GetUInt64(message, &field) + 1);
      return true;
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      reflection.SetInt64(&message, &field, reflection.GetInt64(message, &field) + 1);
      return true;
    }
    if (field.type() == FieldDescriptor::TYPE_BYTES && rule.format() == v1::SHA256_BYTES) {
      reflection.SetString(&message, &field, std::string(32, 'o'));
      return true;
    }
    const bool inside = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && reflection.HasField(message, &field);
    if (inside && SayOtherwise(*reflection.MutableMessage(&message, &field))) return true;
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
      const int next = reflection.GetEnumValue(message, &field) + 1;
      const bool valid = field.enum_type()->FindValueByNumber(next) != nullptr;
      reflection.SetEnumValue(&message, &field, valid ? next : 1);
      return true;
    }
  }
  return false;
}

// --- Trying one annotation ---

// What is expected of the event that breaks it.
struct Expected {
  v1::Consequence consequence;
  std::string rule;
  std::string clause;
  // Empty: any that says something.
  std::string remedy;
  v1::RefusalReason reason = v1::RULE_BROKEN;
};

class Trial {
 public:
  Trial(const EventType& type, std::string name) : type_(type), name_(std::move(name)), draft_(CompleteExample(type)) {}

  EventDraft& draft() { return draft_; }
  PreparedLedger& ledger() { return *ledger_; }
  void Prepare(std::string_view but_rule = "") {
    ledger_ = std::make_unique<PreparedLedger>();
    ledger_->Prepare(type_, draft_, but_rule);
  }

  // In a ledger that has all that it asks for the example is recorded, and breaks `rule` in no way.
  void ExpectValid(const std::string& rule) {
    EventDraft draft = draft_;
    PreparedLedger ledger;
    ledger.Prepare(type_, draft);
    const StatusOr<RunVerdict> verdict = ledger.Append(draft);
    ASSERT_TRUE(verdict.ok()) << name_ << ": " << verdict.status();
    for (const v1::EventFinding& finding : verdict->findings) EXPECT_NE(finding.finding().rule(), rule) << name_;
  }

  void ExpectBroken(const EventDraft& spoiled, const Expected& expected) {
    const StatusOr<RunVerdict> verdict = ledger_->Append(spoiled);
    const bool refused = expected.consequence == v1::REFUSED && !type_.options->observation();
    if (refused) {
      const v1::RefusalDetail detail = DetailOf(verdict.status());
      EXPECT_EQ(v1::RefusalReason_Name(detail.reason()), v1::RefusalReason_Name(expected.reason))
          << name_ << ": " << verdict.status();
      EXPECT_EQ(detail.rule(), expected.rule) << name_ << ": " << verdict.status();
      EXPECT_EQ(detail.clause(), expected.clause) << name_;
      ExpectRemedy(detail.remedy(), expected);
      return;
    }
    ASSERT_TRUE(verdict.ok()) << name_ << ": " << verdict.status();
    const auto found =
        std::find_if(verdict->findings.begin(), verdict->findings.end(),
                     [&](const v1::EventFinding& finding) { return finding.finding().rule() == expected.rule; });
    ASSERT_NE(found, verdict->findings.end()) << name_ << ": no finding " << expected.rule;
    EXPECT_EQ(found->finding().clause(), expected.clause) << name_;
    EXPECT_FALSE(found->finding().message().empty()) << name_;
    ExpectRemedy(found->finding().remedy(), expected);
  }

 private:
  void ExpectRemedy(const std::string& remedy, const Expected& expected) const {
    if (expected.remedy.empty()) {
      EXPECT_FALSE(remedy.empty()) << name_;
    } else {
      EXPECT_EQ(remedy, expected.remedy) << name_;
    }
  }

  const EventType& type_;
  const std::string name_;
  EventDraft draft_;
  std::unique_ptr<PreparedLedger> ledger_;
};

void TryUnrecorded(const EventType& type, const v1::ReferenceRule& rule, const std::string& name) {
  Trial trial(type, name);
  const std::string id = "EXISTS/" + rule.role();
  trial.ExpectValid(id);
  trial.Prepare();
  EventDraft spoiled = trial.draft();
  for (v1::EntityRef& ref : *spoiled.header.mutable_refs()) {
    if (ref.role() == rule.role()) ref.set_id("never-recorded");
  }
  trial.ExpectBroken(spoiled, {rule.unrecorded(), id, "IEC 62304 8.1.1", ""});
}

void TryUnique(const EventType& type, const v1::ReferenceRule& rule, const std::string& name) {
  Trial trial(type, name);
  trial.Prepare();
  const StatusOr<RunVerdict> first = trial.ledger().Append(trial.draft());
  ASSERT_TRUE(first.ok()) << name << ": " << first.status();
  EventDraft other = trial.draft();
  const std::shared_ptr<Message> body = CopyOfBody(other);
  ASSERT_TRUE(SayOtherwise(*body)) << name;
  other.body = body;
  trial.ledger().FitToLedger(type, other);
  trial.ExpectBroken(other, {v1::REFUSED, "UNIQUE/" + rule.role(), "IEC 62304 8.1.1", "", v1::ENTITY_TAKEN});
}

void TryPrecondition(const EventType& type, const v1::Precondition& rule, const std::string& name) {
  Trial trial(type, name);
  if (!rule.when().empty()) {
    const std::shared_ptr<Message> body = CopyOfBody(trial.draft());
    SetCondition(*body, rule.when());
    trial.draft().body = body;
  }
  trial.ExpectValid(rule.rule());
  trial.Prepare(rule.rule());
  trial.ExpectBroken(trial.draft(), {rule.consequence(), rule.rule(), rule.clause(), rule.remedy()});
}

void TryAnyOf(const EventType& type, const v1::AnyOf& rule, const std::string& name) {
  Trial trial(type, name);
  trial.ExpectValid(rule.rule());
  trial.Prepare();
  EventDraft spoiled = trial.draft();
  const std::shared_ptr<Message> body = CopyOfBody(spoiled);
  for (const std::string& of : rule.of()) {
    if (!of.starts_with("refs.")) {
      const FieldDescriptor* field = body->GetDescriptor()->FindFieldByName(of);
      ASSERT_NE(field, nullptr) << name;
      body->GetReflection()->ClearField(body.get(), field);
      continue;
    }
    v1::EventHeader without = spoiled.header;
    without.clear_refs();
    for (const v1::EntityRef& ref : spoiled.header.refs()) {
      if (ref.role() != of.substr(5)) *without.add_refs() = ref;
    }
    spoiled.header = without;
  }
  spoiled.body = body;
  trial.ExpectBroken(spoiled, {rule.consequence(), rule.rule(), rule.clause(), rule.remedy()});
}

void TryAbsent(const EventType& type, const std::string& path, const std::string& name) {
  Trial trial(type, name);
  trial.ExpectValid("FIELD/" + path);
  trial.Prepare();
  EventDraft spoiled = trial.draft();
  const std::shared_ptr<Message> body = CopyOfBody(spoiled);
  v1::FieldRule rule;
  VisitAbsent(*body, "", [&](Message& message, const FieldDescriptor& field, const std::string& its_path) {
    if (its_path != path) return;
    rule = field.options().GetExtension(v1::rule);
    message.GetReflection()->ClearField(&message, &field);
  });
  spoiled.body = body;
  const std::string clause = !rule.clause().empty()              ? rule.clause()
                             : type.options->clauses_size() == 0 ? ""
                                                                 : type.options->clauses(0);
  trial.ExpectBroken(spoiled, {rule.absent(), "FIELD/" + path, clause, "give body." + path});
}

void TryRoles(const EventType& type, const std::string& name) {
  Trial trial(type, name);
  trial.ExpectValid("");
  trial.Prepare();
  // Nor under the delegation that the example names.
  v1::EventHeader own = trial.draft().header;
  own.clear_refs();
  for (const v1::EntityRef& ref : trial.draft().header.refs()) {
    if (ref.role() != "delegation") *own.add_refs() = ref;
  }
  trial.draft().header = own;
  const StatusOr<RunVerdict> verdict = trial.ledger().AppendWithoutRoles(trial.draft());
  EXPECT_FALSE(verdict.ok()) << name;
  const v1::RefusalDetail detail = DetailOf(verdict.status());
  EXPECT_EQ(v1::RefusalReason_Name(detail.reason()), "ROLE_MISSING") << name << ": " << verdict.status();
  EXPECT_EQ(detail.field(), "header.actor") << name;
  for (const int role : type.options->writer_roles()) {
    EXPECT_THAT(std::string(verdict.status().message()),
                testing::HasSubstr(v1::Role_Name(static_cast<v1::Role>(role))));
  }
}

void TrySignature(const EventType& type, const std::string& name) {
  Trial trial(type, name);
  trial.ExpectValid("");
  trial.Prepare();
  EventDraft spoiled = trial.draft();
  const FieldDescriptor* field = type.body->FindFieldByName("signature");
  ASSERT_NE(field, nullptr) << name;
  const auto refused = [&](const std::function<void(Message&)>& change) {
    const std::shared_ptr<Message> body = CopyOfBody(trial.draft());
    change(*body);
    spoiled.body = body;
    const v1::RefusalDetail detail = DetailOf(trial.ledger().Append(spoiled).status());
    EXPECT_EQ(detail.field(), "body.signature") << name;
    return v1::RefusalReason_Name(detail.reason());
  };
  const bool in_schema = field->options().GetExtension(v1::rule).required();
  EXPECT_EQ(refused([&](Message& body) { body.GetReflection()->ClearField(&body, field); }),
            in_schema ? "SCHEMA" : "SIGNATURE_INCOMPLETE")
      << name;
  // One that belongs to no session.
  EXPECT_EQ(refused([&](Message& body) {
              auto& signature =
                  static_cast<v1::ElectronicSignature&>(*body.GetReflection()->MutableMessage(&body, field));
              signature.set_ordinal(7);
            }),
            "SIGNATURE_INCOMPLETE")
      << name;
}

void TryRationale(const EventType& type, const std::string& name) {
  Trial trial(type, name);
  trial.ExpectValid("");
  trial.Prepare();
  v1::Run run = trial.ledger().Write(trial.draft());
  ChangeHeader(run, 0, [](v1::EventHeader& header) { header.clear_rationale(); });
  Reseal(run, trial.ledger().writer().key());
  SCOPED_TRACE(name);
  ExpectRefused(trial.ledger().AppendRun(run).status(), v1::SCHEMA, "header.rationale",
                absl::StatusCode::kInvalidArgument);
}

// Only the ledger itself writes these.
void TryLedgerDecided(const EventType& type, const std::string& name) {
  PreparedLedger ledger;
  v1::Run run = ledger.Write(ReferToDocument("d"));
  ChangeHeader(run, 0, [&](v1::EventHeader& header) {
    header.set_type(type.name());
    header.set_schema_version(type.options->schema_version());
  });
  Reseal(run, ledger.writer().key());
  SCOPED_TRACE(name);
  ExpectRefused(ledger.AppendRun(run).status(), v1::UNKNOWN_TYPE, "header.type", absl::StatusCode::kInvalidArgument);
}

// --- All of them ---

using Try = std::function<void(const std::string& name)>;

std::map<std::string, Try> Annotations(const EventType& type) {
  std::map<std::string, Try> all;
  const v1::EventTypeOptions& options = *type.options;
  const auto add = [&](const std::string& what, const Try& trial) { all[Text(type.name(), " ", what)] = trial; };
  if (options.ledger_decided()) {
    add("ledger_decided", [&](const std::string& name) { TryLedgerDecided(type, name); });
    return all;
  }
  for (const v1::ReferenceRule& rule : options.refs()) {
    // Who names a delegation to act under is refused before: tests/ledger/rules/check_roles_test.cc.
    const bool acts_under = rule.role() == "delegation" && type.body != v1::AuthorityWithdrawn::descriptor();
    if (rule.unrecorded() != v1::CONSEQUENCE_UNSPECIFIED && !acts_under) {
      add("unrecorded " + rule.role(), [&](const std::string& name) { TryUnrecorded(type, rule, name); });
    }
    if (rule.defines()) add("defines " + rule.role(), [&](const std::string& name) { TryUnique(type, rule, name); });
  }
  for (const v1::Precondition& rule : options.preconditions()) {
    add("precondition " + rule.rule(), [&](const std::string& name) { TryPrecondition(type, rule, name); });
  }
  for (const v1::AnyOf& rule : options.any_of()) {
    add("any_of " + rule.rule(), [&](const std::string& name) { TryAnyOf(type, rule, name); });
  }
  const std::shared_ptr<Message> body = CopyOfBody(CompleteExample(type));
  VisitAbsent(*body, "", [&](Message&, const FieldDescriptor&, const std::string& path) {
    add("absent " + path, [&type, path](const std::string& name) { TryAbsent(type, path, name); });
  });
  if (options.writer_roles_size() > 0) add("writer_roles", [&](const std::string& name) { TryRoles(type, name); });
  if (options.signature_required()) {
    add("signature_required", [&](const std::string& name) { TrySignature(type, name); });
  }
  if (options.rationale_required()) {
    add("rationale_required", [&](const std::string& name) { TryRationale(type, name); });
  }
  return all;
}

TEST(StatefulRefusalsTest, EveryExampleIsRecordedWhereWhatItAsksForIs) {
  for (const EventType* type : Vocabulary::Get().All()) {
    if (type->options->ledger_decided()) continue;
    PreparedLedger ledger;
    EventDraft draft = CompleteExample(*type);
    ledger.Prepare(*type, draft);
    const StatusOr<RunVerdict> verdict = ledger.Append(draft);
    EXPECT_TRUE(verdict.ok()) << type->name() << ": " << verdict.status();
  }
}

TEST(StatefulRefusalsTest, EveryAnnotationDoesWhatItSays) {
  size_t exercised = 0;
  std::set<std::string> known;
  for (const EventType* type : Vocabulary::Get().All()) {
    for (const auto& [name, trial] : Annotations(*type)) {
      known.insert(name);
      if (NotExercised().contains(name)) continue;
      trial(name);
      ++exercised;
    }
  }
  for (const auto& [name, reason] : NotExercised()) {
    EXPECT_TRUE(known.contains(name)) << name << " is no annotation of the vocabulary any more";
    EXPECT_FALSE(reason.empty()) << name;
  }
  EXPECT_GT(exercised, 330u);
}

}  // namespace
}  // namespace anamnesis
