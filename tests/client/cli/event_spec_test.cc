#include "client/cli/event_spec.h"

#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "client/cli/context.h"
#include "client/cli/event_name.h"
#include "client/cli/option_checks.h"
#include "client/cpp/writer.h"
#include "gtest/gtest.h"
#include "tests/client/fake_ledger.h"

namespace anamnesis::cli {
namespace {

// A ledger with one event, of 2024.
class Corrected : public ::testing::Test {
 protected:
  Corrected() : key_(TestKey()) {
    ledger_.Issue(key_, "writer-1");
    event_.stream = "software/writer-1";
    event_.type = "document.referenced";
    event_.body_json = R"({"title": "a report"})";
    event_.refs = {"document=document:report-1"};
    event_.occurred_at = "2024-03-05T10:00:00Z/2024-03-05T11:00:00.000001Z";
    const auto writer = StreamWriter::Open(ledger_, key_, event_.stream);
    const StatusOr<IdentifiedDraft> draft = ToIdentifiedDraft(event_);
    id_ = draft->id;
    EXPECT_TRUE((*writer)->Append({*draft}).ok());
  }

  NamedKey key_;
  FakeLedger ledger_;
  EventSpec event_;
  EventId id_;
};

TEST_F(Corrected, ReplacementHappenedWhenTheReplacedDid) {
  EventSpec spec = event_;
  spec.occurred_at.clear();
  spec.corrects = id_.text();
  ASSERT_TRUE(ResolveNames(ledger_, spec).ok());
  EXPECT_EQ(spec.occurred_at, event_.occurred_at);
  spec.occurred_at = "2024-03-06T00:00:00Z";
  ASSERT_TRUE(ResolveNames(ledger_, spec).ok());
  EXPECT_EQ(spec.occurred_at, "2024-03-06T00:00:00Z");
}

TEST_F(Corrected, LeavesAreNamesToo) {
  EventSpec spec = event_;
  spec.occurred_at.clear();
  spec.corrects = "0";
  spec.causes = {"0", id_.text()};
  ASSERT_TRUE(ResolveNames(ledger_, spec).ok());
  EXPECT_EQ(spec.corrects, id_.text());
  EXPECT_EQ(spec.causes, (std::vector<std::string>{id_.text(), id_.text()}));
  EXPECT_EQ(spec.occurred_at, event_.occurred_at);
}

TEST_F(Corrected, ACorrectionOfAnotherTypeIsOfNow) {
  EventSpec spec;
  spec.type = "record.corrected";
  spec.corrects = "0";
  ASSERT_TRUE(ResolveNames(ledger_, spec).ok());
  EXPECT_EQ(spec.corrects, id_.text());
  EXPECT_TRUE(spec.occurred_at.empty());
}

TEST_F(Corrected, WhatIsNotThereIsWrongInput) {
  for (const std::string& name : {std::string("7"), NewEventId().text(), std::string("seven"), std::string("-1")}) {
    EventSpec spec = event_;
    spec.occurred_at.clear();
    spec.corrects = name;
    const Status refused = ResolveNames(ledger_, spec);
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
    EXPECT_NE(refused.message().find("--corrects"), std::string::npos) << refused;
    EXPECT_NE(refused.message().find(name), std::string::npos) << refused;
  }
}

TEST(EventSpec, HasItsOwnIdWhenItIsGivenOne) {
  const EventId id = NewEventId();
  const StatusOr<EventSpec> spec = ParseSpecLine(
      Text(R"({"stream": "person/ada", "type": "document.referenced", "body": {"title": "t"}, "event_id": ")",
           id.text(), R"("})"));
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(ToIdentifiedDraft(*spec)->id, id);
  EventSpec other = *spec;
  other.event_id = "x";
  EXPECT_TRUE(absl::IsInvalidArgument(ToIdentifiedDraft(other).status()));
}

TEST(EventSpec, NumbersAreRecordedAsTheyWereWritten) {
  const StatusOr<EventSpec> spec = ParseSpecLine(
      R"({"stream": "s", "type": "object.stored", "body": {"sizeBytes": 9007199254740993, "location": "a\n\"b"}})");
  ASSERT_TRUE(spec.ok()) << spec.status();
  const StatusOr<EventDraft> draft = ToDraft(*spec);
  ASSERT_TRUE(draft.ok()) << draft.status();
  const auto& body = dynamic_cast<const v1::ObjectStored&>(*draft->body);
  EXPECT_EQ(body.size_bytes(), 9007199254740993u);
  EXPECT_EQ(body.location(), "a\n\"b");
}

TEST(EventSpec, WhatIsNoMemberOfTheRightKindIsRefused) {
  EXPECT_TRUE(ParseSpecLine(R"({"stream": "s", "retrospective": true, "refs": [], "body": {}})")->retrospective);
  for (const char* line : {R"({"retrospective": "true"})", R"({"retrospective": 1})", R"({"body": "text"})",
                           R"({"body": null})", R"({"stream": 1})", R"({"refs": "a=b:c"})", R"({"causes": [1]})",
                           R"({"stream": "a", "stream": "b"})", R"({"body": {"list": [{"a": 1, "a": 2}]}})",
                           R"({"other": 1})", R"(["stream"])", R"({"stream": "s")", "{'stream': 's'}"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseSpecLine(line).status())) << line;
  }
}

TEST(ReadFile, StopsAtItsBound) {
  const StatusOr<std::string> endless = ReadFile("/dev/zero", 100'000);
  EXPECT_TRUE(absl::IsInvalidArgument(endless.status())) << endless.status();
  EXPECT_NE(endless.status().message().find("/dev/zero"), std::string::npos);
  EXPECT_EQ(ReadFile("/dev/null", 10)->size(), 0U);
}

TEST(OptionChecks, NameWhatIsWrong) {
  EXPECT_EQ(IsFileToRead()("/dev/null"), "");
  EXPECT_NE(IsFileToRead()("/nowhere/x").find("No such file"), std::string::npos);
  EXPECT_NE(IsFileToRead()("/").find("directory"), std::string::npos);
  EXPECT_NE(IsDirectoryToRead()("/dev/null"), "");
  EXPECT_EQ(IsFileToMake()("/new"), "");
  EXPECT_NE(IsFileToMake()("/nowhere/x"), "");
  EXPECT_EQ(IsCountryCode()("DE"), "");
  for (const char* code : {"Germany", "de", "", "D1"}) EXPECT_NE(IsCountryCode()(code), "");
}

TEST(ExitStatus, OfWhatCanNotBeOpened) {
  EXPECT_EQ(ExitStatusOf(NotReached(absl::NotFoundError("none"))), kNotReached);
  EXPECT_EQ(ExitStatusOf(NotOpened(absl::NotFoundError("none"))), kBadUsage);
  EXPECT_EQ(ExitStatusOf(NotOpened(absl::FailedPreconditionError("locked"))), kNotReached);
}

// As answers name it, too: as an id it would be that of a unit that nobody recorded.
TEST(UnitOption, IsAnIdWithItsKindOrWithout) {
  const auto parse = [](const std::string& text) {
    CLI::App app;
    std::string unit;
    app.add_option("UNIT", unit)->transform(UnitId())->required();
    app.parse(std::vector<std::string>{text});
    return unit;
  };
  EXPECT_EQ(parse("device_unit:ICU-7"), "ICU-7");
  EXPECT_EQ(parse("ICU-7"), "ICU-7");
  EXPECT_THROW(parse("device_unit:"), CLI::ValidationError);
}

}  // namespace
}  // namespace anamnesis::cli
