// Every event type's example, with one thing wrong at a time: what each annotation refuses. Made from the annotations,
// so that a new type or rule can't be forgotten.

#include "tests/ledger/rules/refusals.h"

#include <gtest/gtest.h>

#include "google/protobuf/util/json_util.h"
#include "ledger/event/vocabulary.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::json;

struct GoldenEvent {
  const EventType* type;
  v1::EventHeader header;
  std::unique_ptr<Message> body;
};

std::vector<GoldenEvent> GoldenEvents() {
  std::vector<GoldenEvent> events;
  for (const json& item : ReadGolden("event_types.json")) {
    GoldenEvent& event = events.emplace_back();
    event.type = Vocabulary::Get().Find(item["name"].get<std::string>(), item["schema_version"].get<uint32_t>());
    EXPECT_NE(event.type, nullptr) << item["name"];
    EXPECT_TRUE(event.header.ParseFromString(Bytes(item["header_bytes"])));
    StatusOr<std::unique_ptr<Message>> body = ParseBody(*event.type, Bytes(item["body_bytes"]));
    EXPECT_TRUE(body.ok()) << body.status();
    event.body = *std::move(body);
  }
  return events;
}

void ExpectSchema(const Status& status, const std::string& field) {
  ExpectRefused(status, v1::SCHEMA, field, absl::StatusCode::kInvalidArgument);
}

// Says what rule that is, which clause asks for it, and what to do.
void ExpectLacks(const Status& status, const std::string& field, const std::string& rule) {
  ExpectSchema(status, field);
  const v1::RefusalDetail detail = DetailOf(status);
  EXPECT_EQ(detail.rule(), rule);
  EXPECT_FALSE(detail.clause().empty());
  EXPECT_FALSE(detail.remedy().empty());
  for (const std::string& said : {detail.rule(), detail.clause(), detail.remedy()}) {
    EXPECT_NE(MessageOf(status).find(said), std::string::npos) << status;
  }
}

TEST(GoldenRefusalsTest, ARequiredFieldThatIsMissing) {
  size_t checked = 0;
  for (const GoldenEvent& event : GoldenEvents()) {
    SCOPED_TRACE(event.type->name());
    for (int i = 0; i < event.type->body->field_count(); ++i) {
      const FieldDescriptor& field = *event.type->body->field(i);
      if (!field.options().GetExtension(v1::rule).required()) continue;
      std::unique_ptr<Message> without(event.body->New());
      without->CopyFrom(*event.body);
      without->GetReflection()->ClearField(without.get(), &field);
      ExpectLacks(ValidateBody(*without), "body." + field.name(), "REQUIRED/" + field.name());
      ++checked;
    }
  }
  EXPECT_GT(checked, 200u);
}

TEST(GoldenRefusalsTest, AnEnumThatIsNone) {
  size_t checked = 0;
  for (const GoldenEvent& event : GoldenEvents()) {
    SCOPED_TRACE(event.type->name());
    for (int i = 0; i < event.type->body->field_count(); ++i) {
      const FieldDescriptor& field = *event.type->body->field(i);
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM || field.is_repeated()) continue;
      std::unique_ptr<Message> wrong(event.body->New());
      wrong->CopyFrom(*event.body);
      wrong->GetReflection()->SetEnumValue(wrong.get(), &field, 9999);
      ExpectSchema(ValidateBody(*wrong), "body." + field.name());
      ++checked;
    }
  }
  EXPECT_GT(checked, 30u);
}

TEST(GoldenRefusalsTest, References) {
  size_t checked = 0;
  for (const GoldenEvent& event : GoldenEvents()) {
    SCOPED_TRACE(event.type->name());
    ASSERT_TRUE(ValidateHeader(*event.type, event.header).ok());
    for (const v1::ReferenceRule& rule : event.type->options->refs()) {
      const auto with_role = [&](int i) { return event.header.refs(i).role() == rule.role(); };
      v1::EventHeader without = event.header;
      without.clear_refs();
      for (int i = 0; i < event.header.refs_size(); ++i) {
        if (!with_role(i)) *without.add_refs() = event.header.refs(i);
      }
      const std::string name = "REFERENCE/" + rule.role();
      if (rule.min() > 0) ExpectLacks(ValidateHeader(*event.type, without), "header.refs", name);
      for (int i = 0; i < event.header.refs_size(); ++i) {
        if (!with_role(i)) continue;
        v1::EventHeader wrong_kind = event.header;
        wrong_kind.mutable_refs(i)->set_kind("starship");
        ExpectLacks(ValidateHeader(*event.type, wrong_kind), Text("header.refs[", i, "].kind"), name);
        if (rule.version_required()) {
          v1::EventHeader versionless = event.header;
          versionless.mutable_refs(i)->clear_version();
          ExpectLacks(ValidateHeader(*event.type, versionless), Text("header.refs[", i, "].version"), name);
        }
        if (rule.max() > 0) {
          v1::EventHeader many = event.header;
          for (uint32_t n = 0; n < rule.max(); ++n) *many.add_refs() = event.header.refs(i);
          ExpectLacks(ValidateHeader(*event.type, many), "header.refs", name);
        }
        ++checked;
      }
    }
    v1::EventHeader stranger = event.header;
    *stranger.add_refs() = v1::EntityRef();
    stranger.mutable_refs()->rbegin()->set_role("no_such_role");
    stranger.mutable_refs()->rbegin()->set_kind("model");
    stranger.mutable_refs()->rbegin()->set_id("x");
    ExpectSchema(ValidateHeader(*event.type, stranger), Text("header.refs[", event.header.refs_size(), "].role"));
  }
  EXPECT_GT(checked, 250u);
}

TEST(GoldenRefusalsTest, ARationaleThatIsMissing) {
  size_t checked = 0;
  for (const GoldenEvent& event : GoldenEvents()) {
    if (!event.type->options->rationale_required()) continue;
    SCOPED_TRACE(event.type->name());
    v1::EventHeader without = event.header;
    without.clear_rationale();
    ExpectLacks(ValidateHeader(*event.type, without), "header.rationale", "RATIONALE");
    ++checked;
  }
  EXPECT_GT(checked, 30u);
}

}  // namespace
}  // namespace anamnesis
