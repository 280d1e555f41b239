#include "ledger/event/run_builder.h"

#include <gtest/gtest.h>

#include <string>

#include "ledger/base/limits.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/seal.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

class RunBuilderTest : public ::testing::Test {
 protected:
  Status Add(const EventDraft& draft) {
    ++made_;
    return builder_.Add(draft, DerivedId("b", made_), DerivedNonce("b", made_));
  }

  RunBuilder builder_{"o.example/l", "person/p", MakeAgent("person", "p"), StreamPosition(4),
                      Digest::FromBytes(std::string(32, 'h')).value()};
  PrivateKey key_ = KeyOfSeed(5);
  uint64_t made_ = 0;
};

TEST_F(RunBuilderTest, ContinuesTheStreamAcrossRuns) {
  ASSERT_TRUE(Add(ReferToDocument("a")).ok());
  ASSERT_TRUE(Add(ReferToDocument("b")).ok());
  EXPECT_EQ(builder_.event_count(), 2u);
  EXPECT_EQ(builder_.head(), StreamPosition(6));
  const v1::Run first = builder_.Seal(key_, kTestStart);
  EXPECT_EQ(builder_.event_count(), 0u);
  EXPECT_EQ(builder_.bytes(), 0u);
  ASSERT_TRUE(Add(ReferToDocument("c")).ok());
  const v1::Run second = builder_.Seal(key_, kTestStart);

  std::string previous(32, 'h');
  uint64_t position = 5;
  for (const v1::Run* run : {&first, &second}) {
    const uint64_t first_position = position;
    for (const std::string& bytes : run->headers()) {
      const StatusOr<ParsedHeader> header = ParseHeader(bytes);
      ASSERT_TRUE(header.ok()) << header.status();
      EXPECT_EQ(header->fields.stream(), "person/p");
      EXPECT_EQ(header->fields.stream_position(), position++);
      EXPECT_EQ(header->fields.previous_header_digest(), previous);
      EXPECT_EQ(header->fields.type(), "document.referenced");
      EXPECT_EQ(header->fields.schema_version(), 1u);
      EXPECT_EQ(header->fields.actor().id(), "p");
      previous = Sha256(bytes).bytes();
    }
    const StatusOr<ParsedSeal> seal = VerifySeal({run->seal().statement(), run->seal().signature()});
    ASSERT_TRUE(seal.ok()) << seal.status();
    const std::vector<std::string_view> headers(run->headers().begin(), run->headers().end());
    EXPECT_TRUE(CheckSealFitsRun(*seal, "o.example/l", "person/p", first_position, headers).ok());
  }
}

// A mistake is found before anything is sent, and leaves the builder as it was.
TEST_F(RunBuilderTest, RefusesWhatTheLedgerWouldRefuse) {
  ASSERT_TRUE(Add(ReferToDocument("a")).ok());
  const size_t bytes = builder_.bytes();
  const auto refused = [&](const EventDraft& draft, v1::RefusalReason reason, const std::string& field) {
    ExpectRefused(Add(draft), reason, field, StatusCode::kInvalidArgument);
    EXPECT_EQ(builder_.event_count(), 1u);
    EXPECT_EQ(builder_.head(), StreamPosition(5));
    EXPECT_EQ(builder_.bytes(), bytes);
  };
  refused(EventDraft(), v1::SCHEMA, "body");
  EventDraft draft = ReferToDocument("b");
  draft.header.clear_refs();
  refused(draft, v1::SCHEMA, "header.refs");
  draft = ReferToDocument("b");
  draft.body = std::make_shared<v1::DocumentReferenced>();
  refused(draft, v1::SCHEMA, "body.title");
  draft = ReferToDocument("b");
  draft.header.set_type("artifact.activated");
  refused(draft, v1::UNKNOWN_TYPE, "header.type");
  draft = ReferToDocument("b");
  draft.body = std::make_shared<v1::Agent>();
  refused(draft, v1::UNKNOWN_TYPE, "header.type");
  draft = ReferToDocument("b");
  draft.header.set_rationale(std::string(5000, 'r'));
  refused(draft, v1::OVER_LIMIT, "header.rationale");
  draft = ReferToDocument("b");
  draft.header.set_occurred_latest_us(1);
  refused(draft, v1::MALFORMED, "header.occurred_latest_us");

  ASSERT_TRUE(Add(ReferToDocument("b")).ok());
  const v1::Run run = builder_.Seal(key_, kTestStart);
  EXPECT_EQ(ParseHeader(run.headers(1))->previous_digest, Sha256(run.headers(0)));
}

TEST_F(RunBuilderTest, RefusesANonceThatTheLedgerWouldRefuse) {
  ExpectRefused(builder_.Add(ReferToDocument("a"), DerivedId("b", 1), std::string(31, 'n')), v1::MALFORMED,
                "body.nonce", StatusCode::kInvalidArgument);
  EXPECT_EQ(builder_.event_count(), 0u);
}

TEST_F(RunBuilderTest, RefusesMoreThanARunHolds) {
  for (size_t i = 0; i < limits::kRunEventsMax; ++i) ASSERT_TRUE(Add(ReferToDocument("a")).ok());
  const Status status = Add(ReferToDocument("a"));
  ExpectRefused(status, v1::OVER_LIMIT, "run.headers", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(status).limit(), limits::kRunEventsMax);
  EXPECT_EQ(DetailOf(status).value(), limits::kRunEventsMax + 1);
}

TEST_F(RunBuilderTest, RefusesABodyOverTheLimit) {
  v1::RecordCorrected body;
  body.set_kind(v1::RecordCorrected::ANNOTATED);
  for (int i = 0; i < 1100; ++i) {
    v1::RecordCorrected::FieldChange& change = *body.add_changes();
    change.set_field("f");
    change.set_was(std::string(4000, 'w'));
  }
  EventDraft draft = Draft(std::move(body));
  draft.header.set_corrects(DerivedId("x", 1).bytes());
  draft.header.set_rationale("long");
  ExpectRefused(Add(draft), v1::OVER_LIMIT, "header.body_size", StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace anamnesis
