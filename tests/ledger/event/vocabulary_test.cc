#include "ledger/event/vocabulary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "anamnesis/v1/vocabulary.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "ledger/base/time.h"
#include "ledger/event/refusal.h"
#include "ledger/state/project.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// --- The vocabulary as a whole ---------------------------------------------------------------------------------------

// Every message that a body can hold, nested ones included.
void Collect(const Descriptor& message, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&message).second) return;
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->message_type() != nullptr) Collect(*message.field(i)->message_type(), seen);
  }
}

std::set<const Descriptor*> AllMessages() {
  std::set<const Descriptor*> messages;
  for (const EventType* type : Vocabulary::Get().All()) Collect(*type->body, messages);
  Collect(*v1::EventHeader::descriptor(), messages);
  Collect(*v1::SealStatement::descriptor(), messages);
  return messages;
}

TEST(VocabularyTest, NothingSignedHoldsFloatsMapsGroupsOrExtensions) {
  const std::set<const Descriptor*> messages = AllMessages();
  EXPECT_GT(messages.size(), 30u);
  for (const Descriptor* message : messages) {
    EXPECT_FALSE(message->options().map_entry()) << message->full_name();
    EXPECT_EQ(message->extension_range_count(), 0) << message->full_name();
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor& field = *message->field(i);
      EXPECT_NE(field.type(), FieldDescriptor::TYPE_FLOAT) << field.full_name();
      EXPECT_NE(field.type(), FieldDescriptor::TYPE_DOUBLE) << field.full_name();
      EXPECT_NE(field.type(), FieldDescriptor::TYPE_GROUP) << field.full_name();
      EXPECT_FALSE(field.is_map()) << field.full_name();
    }
  }
}

// What the gate reads and permits something asks its writer for a role. These don't, each for its reason: a new one
// fails the test until somebody has thought about it.
TEST(VocabularyTest, WhatTheGateRestsOnAsksItsWriterForARole) {
  const std::map<std::string, std::set<std::string>> open = {
      {"forbids, or counts against something: anybody may raise it",
       {"anomaly.recorded", "artifact.revoked", "authority.withdrawn", "change.implemented", "change.rejected",
        "change.requested", "dataset.record_withdrawn", "device_unit.decommissioned", "envelope.retired",
        "field_action.initiated", "fork.detected", "hold.placed", "problem.investigated", "problem.reopened",
        "problem.reported", "risk_control.defined", "soup.version_changed"}},
      {"says what there is, and is permitted by what is certified, approved and authorised about it",
       {"dataset.sealed", "device_model.registered", "evaluation.completed", "object.stored", "release.approved",
        "software_item.identified", "split.defined", "substrate.defined"}},
      {"the gate asks for the role when it permits", {"decision.recorded"}},
      {"is held against the unit's own stream and the decision that it names", {"artifact.activated"}},
  };
  std::set<std::string> expected;
  for (const auto& [reason, types] : open) expected.insert(types.begin(), types.end());
  std::set<std::string> found;
  for (const EventType* type : Vocabulary::Get().All()) {
    const v1::EventTypeOptions& options = *type->options;
    const bool asks_nobody = options.gate_input() && !options.ledger_decided() && options.writer_roles().empty();
    if (asks_nobody) found.insert(type->name());
  }
  EXPECT_EQ(found, expected);
}

TEST(VocabularyTest, RulesFitTheirFields) {
  for (const Descriptor* message : AllMessages()) {
    for (int i = 0; i < message->field_count(); ++i) {
      const FieldDescriptor& field = *message->field(i);
      const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
      switch (rule.format()) {
        case v1::DECIMAL:
        case v1::SYMBOL:
          EXPECT_EQ(field.type(), FieldDescriptor::TYPE_STRING) << field.full_name();
          break;
        case v1::PUBLIC_KEY:
        case v1::SHA256_BYTES:
          EXPECT_EQ(field.type(), FieldDescriptor::TYPE_BYTES) << field.full_name();
          break;
        case v1::TIME_US:
          EXPECT_EQ(field.type(), FieldDescriptor::TYPE_INT64) << field.full_name();
          EXPECT_TRUE(field.name().ends_with("_us")) << field.full_name();
          break;
        default:
          break;
      }
      EXPECT_TRUE(rule.max_bytes() == 0 || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) << field.full_name();
    }
  }
}

TEST(VocabularyTest, TypesAreWellFormed) {
  EXPECT_GE(Vocabulary::Get().All().size(), 24u);
  for (const EventType* type : Vocabulary::Get().All()) {
    SCOPED_TRACE(type->name());
    EXPECT_EQ(Vocabulary::Get().Find(type->name(), type->options->schema_version()), type);
    EXPECT_GE(type->options->schema_version(), 1u);
    EXPECT_NE(type->options->retention(), v1::RETENTION_CLASS_UNSPECIFIED);
    EXPECT_GT(type->options->clauses_size(), 0);
    EXPECT_NE(type->name().find('.'), std::string::npos);
    std::set<std::string> roles;
    for (const v1::ReferenceRule& rule : type->options->refs()) {
      EXPECT_TRUE(roles.insert(rule.role()).second) << rule.role() << " has two rules";
      EXPECT_GT(rule.kinds_size(), 0) << rule.role();
      EXPECT_TRUE(rule.max() == 0 || rule.min() <= rule.max()) << rule.role();
    }
  }
}

// A body whose retention is PERSONAL_DATA can be erased, so no state may depend on it.
TEST(VocabularyTest, NoFoldReadsABodyThatCanBeErased) {
  size_t read = 0;
  for (const EventType* type : Vocabulary::Get().All()) {
    if (!FoldsReadBody(*type)) continue;
    ++read;
    EXPECT_NE(type->options->retention(), v1::PERSONAL_DATA) << type->name();
  }
  EXPECT_GT(read, 60u);
}

// Rules are found by name, in refusals, findings and policies.
TEST(VocabularyTest, RulesAreNamedOnceAndCanBeBroken) {
  std::set<std::string> rules;
  const auto check = [&](const EventType& type, const std::string& rule, v1::Consequence consequence,
                         const std::string& clause, const std::string& remedy) {
    EXPECT_TRUE(rules.insert(rule).second) << type.name() << ": " << rule << " stands twice";
    EXPECT_NE(consequence, v1::CONSEQUENCE_UNSPECIFIED) << rule;
    EXPECT_FALSE(clause.empty()) << rule;
    EXPECT_FALSE(remedy.empty()) << rule;
  };
  for (const EventType* type : Vocabulary::Get().All()) {
    SCOPED_TRACE(type->name());
    const auto has_role = [&](const std::string& role) {
      return std::any_of(type->options->refs().begin(), type->options->refs().end(),
                         [&](const v1::ReferenceRule& rule) { return rule.role() == role; });
    };
    for (const v1::Precondition& rule : type->options->preconditions()) {
      check(*type, rule.rule(), rule.consequence(), rule.clause(), rule.remedy());
      EXPECT_TRUE(has_role(rule.role())) << rule.rule();
      EXPECT_GT(rule.events_size(), 0) << rule.rule();
      for (const std::string& what : rule.events()) {
        const EventType* other = Vocabulary::Get().FindNewest(what.substr(0, what.find('?')));
        ASSERT_NE(other, nullptr) << rule.rule() << ": no event type " << what;
        const std::string& as = rule.as().empty() ? rule.role() : rule.as();
        EXPECT_TRUE(std::any_of(other->options->refs().begin(), other->options->refs().end(),
                                [&](const v1::ReferenceRule& ref) { return ref.role() == as; }))
            << rule.rule() << ": " << what << " has no role " << as;
      }
    }
    for (const v1::AnyOf& rule : type->options->any_of()) {
      check(*type, rule.rule(), rule.consequence(), rule.clause(), rule.remedy());
      for (const std::string& name : rule.of()) {
        EXPECT_TRUE(name.starts_with("refs.") ? has_role(name.substr(5)) : type->body->FindFieldByName(name) != nullptr)
            << rule.rule() << ": " << name;
      }
    }
    if (type->options->signature_required()) {
      const FieldDescriptor* field = type->body->FindFieldByName("signature");
      ASSERT_NE(field, nullptr);
      EXPECT_EQ(field->message_type(), v1::ElectronicSignature::descriptor());
    }
  }
  EXPECT_GT(rules.size(), 20u);
}

// Fields about persons stand only in bodies that can be erased.
TEST(VocabularyTest, PersonalDataIsErasable) {
  for (const EventType* type : Vocabulary::Get().All()) {
    std::set<const Descriptor*> messages;
    Collect(*type->body, messages);
    for (const Descriptor* message : messages) {
      for (int i = 0; i < message->field_count(); ++i) {
        if (!message->field(i)->options().GetExtension(v1::rule).personal_data()) continue;
        EXPECT_EQ(type->options->retention(), v1::PERSONAL_DATA) << message->field(i)->full_name();
      }
    }
  }
}

TEST(VocabularyTest, FindsVersions) {
  EXPECT_EQ(Vocabulary::Get().Find("artifact.activated", 0), nullptr);
  EXPECT_EQ(Vocabulary::Get().Find("artifact.activated", 99), nullptr);
  EXPECT_EQ(Vocabulary::Get().Find("", 1), nullptr);
  EXPECT_EQ(Vocabulary::Get().FindNewest("artifact.activated"), Vocabulary::Get().Find("artifact.activated", 1));
  EXPECT_EQ(Vocabulary::Get().FindNewest("nothing"), nullptr);
}

// --- Fields ----------------------------------------------------------------------------------------------------------

void ExpectSchema(const Status& status, const std::string& field) {
  ExpectRefused(status, v1::SCHEMA, field, StatusCode::kInvalidArgument);
}

TEST(ValidateBodyTest, Required) {
  v1::PersonEnrolled body;
  body.set_identity_check(v1::PersonEnrolled::VOUCHED);
  ExpectSchema(ValidateBody(body), "body.printed_name");
  body.set_printed_name("n");
  EXPECT_TRUE(ValidateBody(body).ok());
  body.clear_identity_check();
  ExpectSchema(ValidateBody(body), "body.identity_check");

  v1::ConfigurationAttested attested;
  attested.set_method("m");
  ExpectSchema(ValidateBody(attested), "body.measured");
  v1::MeasuredItem& item = *attested.add_measured();
  ExpectSchema(ValidateBody(attested), "body.measured[0].surface");
  item.set_surface("s");
  ExpectSchema(ValidateBody(attested), "body.measured[0].digest");
  item.mutable_digest()->set_algorithm(v1::SHA256);
  item.mutable_digest()->set_value(std::string(32, 'd'));
  EXPECT_TRUE(ValidateBody(attested).ok());
  attested.add_measured();
  ExpectSchema(ValidateBody(attested), "body.measured[1].surface");
}

TEST(ValidateBodyTest, MaxBytes) {
  v1::PersonEnrolled body;
  body.set_identity_check(v1::PersonEnrolled::VOUCHED);
  body.set_printed_name(std::string(255, 'n'));
  EXPECT_TRUE(ValidateBody(body).ok());
  body.add_qualifications("q");
  body.add_qualifications(std::string(256, 'q'));
  const Status status = ValidateBody(body);
  ExpectRefused(status, v1::OVER_LIMIT, "body.qualifications[1]", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(status).limit(), 255u);
  EXPECT_EQ(DetailOf(status).value(), 256u);
}

TEST(ValidateBodyTest, Decimals) {
  v1::EvaluationCompleted body;
  body.set_result(v1::EvaluationCompleted::PASS);
  v1::Metric& metric = *body.add_metrics();
  metric.set_name("dice");
  for (const char* good : {"0", "-0", "1", "-1.5", "0.25", "1e-3", "1E+10", "-12.50e7", "007"}) {
    metric.set_value(good);
    EXPECT_TRUE(ValidateBody(body).ok()) << good << " " << ValidateBody(body);
  }
  for (const char* bad : {"+1", ".5", "5.", "1e", "1e+", "0x1", "NaN", "inf", "1,5", " 1", "1 ", "--1", "-", "1.5.2"}) {
    metric.set_value(bad);
    ExpectSchema(ValidateBody(body), "body.metrics[0].value");
  }
}

TEST(ValidateBodyTest, Symbols) {
  v1::ArtifactActivated body;
  for (const char* good : {"a", "alert_threshold", "7x", "a.b-c_9"}) {
    body.set_surface(good);
    EXPECT_TRUE(ValidateBody(body).ok()) << good;
  }
  for (const char* bad : {"A", "_a", ".a", "-a", "a b", "a#", "#measured", "\xc3\xa4", "a\n"}) {
    body.set_surface(bad);
    ExpectSchema(ValidateBody(body), "body.surface");
  }
}

TEST(ValidateBodyTest, KeysDigestsAndTimes) {
  v1::CredentialIssued issued;
  issued.set_purpose(v1::CredentialIssued::SEAL);
  for (size_t size : {31u, 33u}) {
    issued.set_public_key(std::string(size, 'k'));
    ExpectSchema(ValidateBody(issued), "body.public_key");
  }
  issued.set_public_key(std::string(32, 'k'));
  EXPECT_TRUE(ValidateBody(issued).ok());
  for (const int64_t us : {kTimestampMin.us - 1, kTimestampLimit.us, INT64_MIN, INT64_MAX}) {
    issued.set_valid_until_us(us);
    ExpectSchema(ValidateBody(issued), "body.valid_until_us");
  }
  for (const int64_t us : {kTimestampMin.us, kTimestampLimit.us - 1}) {
    issued.set_valid_until_us(us);
    EXPECT_TRUE(ValidateBody(issued).ok()) << us;
  }
  v1::ArtifactActivated activated;
  activated.set_surface("s");
  activated.set_previous_configuration_digest("short");
  ExpectSchema(ValidateBody(activated), "body.previous_configuration_digest");
  activated.set_previous_configuration_digest(std::string(32, 'd'));
  EXPECT_TRUE(ValidateBody(activated).ok());
}

TEST(ValidateBodyTest, UnknownEnumValuesAndFields) {
  v1::RoleGranted role;
  role.set_role(static_cast<v1::Role>(99));
  ExpectSchema(ValidateBody(role), "body.role");
  role.set_role(v1::AUTHOR);
  role.GetReflection()->MutableUnknownFields(&role)->AddVarint(99, 1);
  ExpectSchema(ValidateBody(role), "body");

  v1::RecordCorrected corrected;
  corrected.set_kind(v1::RecordCorrected::ANNOTATED);
  v1::RecordCorrected::FieldChange& change = *corrected.add_changes();
  change.set_field("f");
  change.GetReflection()->MutableUnknownFields(&change)->AddLengthDelimited(12, "x");
  ExpectSchema(ValidateBody(corrected), "body.changes[0]");
}

TEST(ParseBodyTest, OnlyItsOwnBytes) {
  google::protobuf::SetLogHandler(nullptr);
  const EventType& type = *Vocabulary::Get().Find("role.granted", 1);
  v1::RoleGranted role;
  role.set_role(v1::AUTHOR);
  const auto body = ParseBody(type, role.SerializeAsString());
  ASSERT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(BodyAs<v1::RoleGranted>(body->get())->role(), v1::AUTHOR);
  EXPECT_EQ(BodyAs<v1::RoleWithdrawn>(body->get()), nullptr);
  EXPECT_EQ(BodyAs<v1::RoleGranted>(nullptr), nullptr);
  ExpectSchema(ParseBody(type, "\x08").status(), "body");
  // Text that isn't UTF-8.
  ExpectSchema(ParseBody(*Vocabulary::Get().Find("document.referenced", 1), "\x0a\x02\xff\xfe").status(), "body");
}

// --- References ------------------------------------------------------------------------------------------------------

class ValidateHeaderTest : public ::testing::Test {
 protected:
  static Status Check(const EventDraft& draft) {
    const auto& options = draft.body->GetDescriptor()->options().GetExtension(v1::event);
    return ValidateHeader(*Vocabulary::Get().Find(options.type(), options.schema_version()), draft.header);
  }
};

TEST_F(ValidateHeaderTest, ReferenceRoles) {
  EventDraft draft = Activate("ICU-7", "s", "m");
  EXPECT_TRUE(Check(draft).ok());
  AddReference(draft, "rollback_target", "model", "m", "0");
  EXPECT_TRUE(Check(draft).ok());
  AddReference(draft, "rollback_target", "model", "m", "00");
  ExpectSchema(Check(draft), "header.refs");
  draft = Activate("ICU-7", "s", "m");
  AddReference(draft, "friend", "model", "m");
  ExpectSchema(Check(draft), "header.refs[2].role");
  draft = Activate("ICU-7", "s", "m");
  draft.header.mutable_refs(1)->set_kind("person");
  ExpectSchema(Check(draft), "header.refs[1].kind");
  draft.header.mutable_refs()->RemoveLast();
  ExpectSchema(Check(draft), "header.refs");
}

TEST_F(ValidateHeaderTest, VersionsWhereATypeAsksForThem) {
  v1::EvaluationCompleted body;
  body.set_result(v1::EvaluationCompleted::PASS);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "model", "model", "m");
  ExpectSchema(Check(draft), "header.refs[0].version");
  draft.header.mutable_refs(0)->set_version("1");
  EXPECT_TRUE(Check(draft).ok());
}

TEST_F(ValidateHeaderTest, RationaleWhereRequired) {
  EventDraft draft = Deactivate("ICU-7", "s");
  EXPECT_TRUE(Check(draft).ok());
  draft.header.clear_rationale();
  ExpectSchema(Check(draft), "header.rationale");
}

}  // namespace
}  // namespace anamnesis
