// Who may write what: streams by their names, what a device unit says of itself, and grants of a role beside others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anamnesis/internal/state.pb.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/authority.h"
#include "ledger/state/stream.h"
#include "tests/ledger/rules/small_world.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class WritersTest : public SmallWorld {
 protected:
  Status TryIn(std::string_view stream) {
    TestWriter writer("person", "eve", 2, kTestOrigin, stream);
    return Try(writer, ReferToDocument("d"));
  }
  // The writer's event, continuing the stream as the ledger has it.
  Status Continue(const TestWriter& writer, const std::string& stream, uint64_t number) {
    const auto head = FindStreamHead(ledger_.rows(), stream).value();
    RunBuilder builder(std::string(kTestOrigin), stream, writer.agent(), StreamPosition(head.position()),
                       Digest::FromBytes(head.digest()).value());
    EXPECT_TRUE(builder.Add(ReferToDocument("d"), DerivedId(stream, number), DerivedNonce(stream, number)).ok());
    return ledger_.Append(builder.Seal(writer.key(), kTestStart)).status();
  }
};

TEST_F(WritersTest, AStreamNamedAfterAnAgentIsThatAgents) {
  for (const char* stream : {"device_unit/ICU-3", "device_unit/ICU-7/b", "person/evelyn", "software/eve", "site/berlin",
                             "node/n1", "organisation/acme", "person/"}) {
    const Status status = TryIn(stream);
    ExpectRefused(status, v1::NOT_THE_WRITER, "header.stream", StatusCode::kPermissionDenied);
    EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("\"person/eve\"")) << stream;
  }
  EXPECT_THAT(std::string(MessageOf(TryIn("device_unit/ICU-7/b"))), HasSubstr("is the stream of device_unit:ICU-7"));
  for (const char* stream : {"person/eve", "person/eve/notes", "import/csv/a", "notes", "persons/eve", "device_unit"}) {
    EXPECT_TRUE(TryIn(stream).ok()) << stream;
  }
  // Nobody else goes on with what is another's by being first.
  TestWriter other("person", "admin", 1, kTestOrigin, "notes");
  EXPECT_EQ(DetailOf(Continue(other, "notes", 1)).reason(), v1::NOT_THE_WRITER);
}

// Names were not looked at once: whoever wrote first had a stream for good.
TEST_F(WritersTest, WhoTookAStreamGivesWayToTheAgentOfItsName) {
  internal::StreamHead taken;
  taken.set_position(1);
  taken.set_digest(Sha256("what eve wrote").bytes());
  *taken.mutable_writer() = eve_.agent();
  const std::string stream = "device_unit/ICU-7";
  ASSERT_TRUE(ledger_.rows().Write({{Family::kStreams, stream, taken.SerializeAsString()}}, true).ok());
  EXPECT_EQ(DetailOf(Continue(eve_, stream, 1)).reason(), v1::NOT_THE_WRITER);
  EXPECT_TRUE(Continue(unit_, stream, 2).ok());
  EXPECT_TRUE(Continue(unit_, stream, 3).ok());
  EXPECT_EQ(DetailOf(Continue(eve_, stream, 4)).reason(), v1::NOT_THE_WRITER);
}

TEST_F(WritersTest, AUnitSaysItselfWhatHappenedToItAndStrangersDoNot) {
  EXPECT_EQ(DetailOf(Try(eve_, Commission("ICU-7"))).reason(), v1::ROLE_MISSING);
  EXPECT_EQ(DetailOf(Try(unit_, Commission("ICU-8"))).reason(), v1::ROLE_MISSING);
  EXPECT_TRUE(Try(unit_, Commission("ICU-7")).ok());
  v1::DeviceUnitRelocated moved;
  moved.set_jurisdiction("US");
  const EventDraft relocated = DraftWith(moved, {"unit=device_unit:ICU-7"});
  EXPECT_EQ(DetailOf(Try(eve_, relocated)).reason(), v1::ROLE_MISSING);
  EXPECT_TRUE(Try(unit_, relocated).ok());
  // Its own word it may take back, and a stranger may not.
  const EventDraft retracted = Correct(unit_.LastId(), v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(DetailOf(Try(eve_, retracted)).reason(), v1::ROLE_MISSING);
  EXPECT_TRUE(Try(unit_, retracted).ok());
  Accept(admin_.Write({GrantRole("eve", v1::SERVICE_ENGINEER)}));
  EXPECT_TRUE(Try(eve_, relocated).ok());
  // What is no observation of itself it asks a role for, as everybody.
  v1::UdiAssigned udi;
  udi.set_kind(v1::UdiAssigned::UDI_PI);
  udi.set_value("(10)1");
  EXPECT_EQ(DetailOf(Try(unit_, DraftWith(udi, {"unit=device_unit:ICU-7"}))).reason(), v1::ROLE_MISSING);
}

TEST_F(WritersTest, AGrantTakesNothingFromThoseBeforeIt) {
  const auto grant = [&](v1::Role role, const std::string& jurisdiction, int64_t from_us = 0, int64_t until_us = 0) {
    v1::RoleGranted body;
    body.set_role(role);
    if (!jurisdiction.empty()) body.mutable_scope()->add_jurisdictions(jurisdiction);
    body.set_valid_from_us(from_us);
    body.set_valid_until_us(until_us);
    return Record(DraftWith(body, {"holder=person:eve"}));
  };
  const auto places = [&](v1::Role role) {
    std::vector<std::string> names;
    const auto scopes = ScopesOfRole(ledger_.rows(), eve_.agent(), role, ledger_.next_proposed()).value();
    for (const v1::Scope& scope : scopes) {
      names.push_back(scope.jurisdictions().empty() ? "all" : scope.jurisdictions(0));
    }
    return names;
  };
  (void)grant(v1::SERVICE_ENGINEER, "US");
  (void)grant(v1::SERVICE_ENGINEER, "DE");
  (void)grant(v1::SERVICE_ENGINEER, "DE");
  EXPECT_EQ(places(v1::SERVICE_ENGINEER), (std::vector<std::string>{"DE", "US"}));
  // Not as two roles in one: each act needs one grant that covers it.
  const auto move = [&](const std::string& jurisdiction) {
    v1::DeviceUnitRelocated moved;
    moved.set_jurisdiction(jurisdiction);
    return Try(eve_, DraftWith(moved, {"unit=device_unit:ICU-7"}));
  };
  EXPECT_TRUE(move("US").ok());
  EXPECT_TRUE(move("DE").ok());
  EXPECT_EQ(DetailOf(move("JP")).reason(), v1::OUT_OF_SCOPE);
  // One from a time to come takes nothing from today's, and one that is over nothing either.
  (void)grant(v1::SERVICE_ENGINEER, "JP", ledger_.next_proposed().us + 1'000'000'000);
  EXPECT_TRUE(move("US").ok());
  EXPECT_EQ(DetailOf(move("JP")).reason(), v1::OUT_OF_SCOPE);
  EXPECT_THAT(grant(v1::SERVICE_ENGINEER, "", 0, kTestStart.us), Contains("ALREADY-OVER"));
  EXPECT_EQ(places(v1::SERVICE_ENGINEER), (std::vector<std::string>{"DE", "US"}));
  EXPECT_THAT(FindStanding(ledger_.rows(), eve_.agent(), ledger_.next_proposed())->roles, IsEmpty());
  (void)grant(v1::SERVICE_ENGINEER, "");
  (void)grant(v1::SERVICE_ENGINEER, "FR");
  EXPECT_THAT(FindStanding(ledger_.rows(), eve_.agent(), ledger_.next_proposed())->roles,
              testing::ElementsAre(v1::SERVICE_ENGINEER));
  // A withdrawal ends them all, those to come too; and a later grant stands alone.
  (void)Record(WithdrawRole("eve", v1::SERVICE_ENGINEER));
  EXPECT_THAT(places(v1::SERVICE_ENGINEER), IsEmpty());
  (void)grant(v1::SERVICE_ENGINEER, "FR");
  EXPECT_EQ(places(v1::SERVICE_ENGINEER), std::vector<std::string>{"FR"});
}

TEST_F(WritersTest, ARoleOfNobodyIsFound) {
  EXPECT_THAT(Record(GrantRole("nobody", v1::AUTHOR)), Contains("HOLDER-ENROLLED"));
  EXPECT_THAT(Record(GrantRole("eve", v1::AUTHOR)), IsEmpty());
}

}  // namespace
}  // namespace anamnesis
