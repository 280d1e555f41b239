#include "client/cpp/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "anamnesis/v1/vocabulary_software.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"
#include "tests/client/fake_ledger.h"

namespace anamnesis {
namespace {

EventDraft Draft(std::string_view commit = "abc", size_t padding = 0) {
  EventDraft draft;
  auto body = std::make_shared<v1::CodeRevisionRecorded>();
  body->set_vcs("git");
  body->set_commit_id(std::string(commit));
  for (size_t left = padding; left > 0; left -= std::min<size_t>(left, 1000)) {
    body->add_path_roles(std::string(std::min<size_t>(left, 1000), 'x'));
  }
  draft.body = std::move(body);
  SetOccurred(draft, Timestamp(1), Timestamp(2));
  AddReference(draft, "code", "code_revision", "project", commit);
  return draft;
}

class StreamWriterTest : public testing::Test {
 protected:
  StreamWriterTest() { ledger_.Issue(key_, "writer"); }

  std::unique_ptr<StreamWriter> Open(RetryPolicy retry = {}) {
    if (!retry.wait) {
      retry.wait = [this](std::chrono::milliseconds wait) { waits_.push_back(wait); };
    }
    auto writer = StreamWriter::Open(ledger_, key_, "code/project", std::move(retry));
    EXPECT_TRUE(writer.ok()) << writer.status();
    return *std::move(writer);
  }

  FakeLedger ledger_;
  const NamedKey key_ = TestKey();
  std::vector<std::chrono::milliseconds> waits_;
};

TEST_F(StreamWriterTest, AppendsAndContinuesTheStream) {
  const auto writer = Open();
  EXPECT_EQ(writer->actor().id(), "writer");
  const auto first = writer->Append({{Draft("a"), {}}, {Draft("b"), {}}});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ((*first)[1].index, LeafIndex(1));
  EXPECT_NE((*first)[0].id, (*first)[1].id);
  EXPECT_EQ((*first)[0].id.version(), 7);
  ASSERT_TRUE(writer->AppendOne(Draft("c")).ok());
  EXPECT_EQ(ledger_.runs_written, 2u);
  // A writer that comes later goes on where the stream stands.
  ASSERT_TRUE(Open()->AppendOne(Draft("d")).ok());
  EXPECT_EQ(ledger_.events().back().header.stream_position(), 4u);
}

TEST_F(StreamWriterTest, NothingToAppendSendsNothing) {
  const auto places = Open()->Append({});
  ASSERT_TRUE(places.ok());
  EXPECT_TRUE(places->empty());
  EXPECT_EQ(ledger_.append_calls, 0u);
}

TEST_F(StreamWriterTest, AKeyWithoutCredentialIsToldOf) {
  const NamedKey stranger = TestKey('s');
  const auto writer = StreamWriter::Open(ledger_, stranger, "code/project");
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(MessageOf(writer.status())), testing::HasSubstr(stranger.key.public_key().hex()));
}

TEST_F(StreamWriterTest, ALostAnswerIsAskedForAgainWithTheSameBytes) {
  const auto writer = Open();
  ledger_.faults = {{absl::UnknownError("broken"), true}, {absl::UnavailableError("nobody there"), false}};
  const auto place = writer->AppendOne(Draft());
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(ledger_.append_calls, 3u);
  // Written once: other bytes would have been another event, or refused.
  EXPECT_EQ(ledger_.events().size(), 1u);
  EXPECT_EQ(waits_.size(), 2u);
  ASSERT_TRUE(writer->AppendOne(Draft("next")).ok());
}

TEST_F(StreamWriterTest, TriesAndWaitsAreBounded) {
  RetryPolicy retry;
  retry.tries = 7;
  retry.backoff.first_wait = std::chrono::milliseconds(100);
  retry.backoff.longest_wait = std::chrono::milliseconds(400);
  const auto writer = Open(retry);
  ledger_.faults.assign(7, {absl::UnavailableError("broken"), false});
  EXPECT_EQ(writer->AppendOne(Draft()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ledger_.append_calls, 7u);
  const std::vector<int> longest = {100, 200, 400, 400, 400, 400};
  ASSERT_EQ(waits_.size(), longest.size());
  for (size_t i = 0; i < longest.size(); ++i) {
    EXPECT_LE(waits_[i].count(), longest[i]);
    EXPECT_GE(waits_[i].count(), longest[i] / 2);
  }
}

TEST_F(StreamWriterTest, AfterAnUnknownOutcomeTheNextCallAsksWhereTheStreamStands) {
  RetryPolicy retry;
  retry.tries = 1;
  const auto writer = Open(retry);
  ledger_.faults = {{absl::UnknownError("broken"), true}};
  EXPECT_TRUE(absl::IsUnknown(writer->AppendOne(Draft("a")).status()));
  ASSERT_TRUE(writer->AppendOne(Draft("b")).ok());
  EXPECT_EQ(ledger_.events().size(), 2u);
}

TEST_F(StreamWriterTest, AnUnknownOutcomeStaysUnknownWhenItCantBeSentAgain) {
  RetryPolicy retry;
  retry.tries = 3;
  const auto writer = Open(retry);
  ledger_.faults = {{absl::UnknownError("broken"), true},
                    {absl::UnavailableError("nobody there"), false},
                    {absl::ResourceExhaustedError("busy"), false}};
  EXPECT_TRUE(absl::IsUnknown(writer->AppendOne(Draft("a")).status()));
  EXPECT_EQ(ledger_.events().size(), 1u);
  // What was never written is a failure.
  ledger_.faults.assign(3, {absl::UnavailableError("nobody there"), false});
  EXPECT_TRUE(absl::IsUnavailable(writer->AppendOne(Draft("b")).status()));
}

TEST_F(StreamWriterTest, ThatItMayNotBeHandedInAnyMoreSaysNothingOfWhatWasSent) {
  const Status door = Refuse(v1::NOT_THE_WRITER, "seal.key_id", "is another's key");
  const auto writer = Open();
  ledger_.faults = {{absl::UnknownError("broken"), true}, {door, false}};
  EXPECT_TRUE(absl::IsUnknown(writer->AppendOne(Draft("a")).status()));
  EXPECT_EQ(ledger_.events().size(), 1u);
  // Sent once, it is refused.
  ledger_.faults = {{door, false}};
  EXPECT_TRUE(RefusalDetailOf(writer->AppendOne(Draft("b")).status()).has_value());
}

TEST_F(StreamWriterTest, NoTryBeginsAfterTheTimeIsOver) {
  RetryPolicy retry;
  retry.within = std::chrono::milliseconds(0);
  const auto writer = Open(retry);
  ledger_.faults.assign(5, {absl::UnknownError("broken"), false});
  EXPECT_TRUE(absl::IsUnknown(writer->AppendOne(Draft()).status()));
  EXPECT_EQ(ledger_.append_calls, 1u);
}

TEST_F(StreamWriterTest, ARefusalIsNotRetriedAndKeepsItsDetail) {
  const auto writer = Open();
  const auto other = Open();
  ASSERT_TRUE(other->AppendOne(Draft("a")).ok());
  const auto refused = writer->AppendOne(Draft("b"));
  ASSERT_TRUE(RefusalDetailOf(refused.status()).has_value()) << refused.status();
  EXPECT_EQ(RefusalDetailOf(refused.status())->reason(), v1::CHAIN_BROKEN);
  EXPECT_EQ(ledger_.append_calls, 2u);
  // It has learnt where the stream stands.
  EXPECT_TRUE(writer->AppendOne(Draft("b")).ok());
}

TEST_F(StreamWriterTest, AMistakeInALateDraftLeavesNothingHalfWritten) {
  std::vector<IdentifiedDraft> drafts(limits::kRunEventsMax + 2, {Draft(), {}});
  drafts.back().draft.header.clear_refs();
  const auto refused = Open()->Append(drafts);
  ASSERT_TRUE(RefusalDetailOf(refused.status()).has_value()) << refused.status();
  EXPECT_EQ(RefusalDetailOf(refused.status())->reason(), v1::SCHEMA);
  EXPECT_EQ(RefusalDetailOf(refused.status())->event_index(), drafts.size() - 1);
  EXPECT_EQ(ledger_.append_calls, 0u);
}

TEST_F(StreamWriterTest, SplitsWhereALimitOfARunIsReached) {
  const std::vector<IdentifiedDraft> large(5, {Draft("large", 3000000), {}});
  const auto places = Open()->Append(large);
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_EQ(places->size(), 5u);
  // Two bodies of 3 MB fit into a run of 8 MiB.
  EXPECT_EQ(ledger_.runs_written, 3u);
  EXPECT_EQ(places->back().index, LeafIndex(4));
}

TEST_F(StreamWriterTest, WhatAPersonSignsIsARunOfItsOwn) {
  const auto signed_draft = [](std::string_view version) {
    EventDraft draft;
    auto body = std::make_shared<v1::PlanApproved>();
    body->mutable_content()->set_kind(v1::PlanContent::DEVELOPMENT);
    body->mutable_content()->add_sections()->set_topic("scope");
    body->mutable_signature()->set_meaning(v1::ElectronicSignature::APPROVAL);
    body->mutable_signature()->set_signed_at_us(1);
    body->mutable_signature()->set_session_id(std::string(16, 's'));
    body->mutable_signature()->set_ordinal(1);
    body->mutable_signature()->add_components(v1::ElectronicSignature::KEY);
    draft.body = std::move(body);
    SetOccurred(draft, Timestamp(1), Timestamp(2));
    AddReference(draft, "plan", "plan", "p", version);
    return draft;
  };
  std::vector<size_t> runs;
  const auto places = Open()->Append({{Draft("a"), {}},
                                      {Draft("b"), {}},
                                      {signed_draft("1"), {}},
                                      {signed_draft("2"), {}},
                                      {Draft("c"), {}},
                                      {Draft("d"), {}}},
                                     [&](const std::vector<Appended>& recorded) { runs.push_back(recorded.size()); });
  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_EQ(places->size(), 6u);
  EXPECT_THAT(runs, testing::ElementsAre(2, 1, 1, 2));
}

TEST_F(StreamWriterTest, WhatIsRecordedIsToldWhateverBecomesOfTheRest) {
  // Two to a run.
  const std::vector<IdentifiedDraft> large(5, {Draft("large", 3000000), {}});
  std::vector<Appended> recorded;
  const auto refused = Open()->Append(large, [&](const std::vector<Appended>& places) {
    recorded.insert(recorded.end(), places.begin(), places.end());
    const Status refusal = Refuse(v1::ROLE_MISSING, "header.type", "needs a role");
    ledger_.faults = {{AtPlace(refusal, 0, 1), false}};
  });
  ASSERT_EQ(recorded.size(), 2u);
  EXPECT_EQ(recorded.back().index, LeafIndex(1));
  ASSERT_TRUE(RefusalDetailOf(refused.status()).has_value()) << refused.status();
  // The second event of the second run.
  EXPECT_EQ(RefusalDetailOf(refused.status())->event_index(), 3u);
}

// Answers what it does with something else.
class GarblingLedger : public FakeLedger {
 public:
  using Garble = void (*)(v1::AppendResponse&);
  // Each Append takes the next of these.
  std::vector<Garble> garbles;

  StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) override {
    StatusOr<v1::AppendResponse> response = FakeLedger::Append(request);
    if (!response.ok() || garbles.empty()) return response;
    garbles.front()(*response);
    garbles.erase(garbles.begin());
    return response;
  }
};

TEST(StreamWriterAnswersTest, WhatIsNotUnderstoodMayBeRecorded) {
  const NamedKey key = TestKey();
  GarblingLedger ledger;
  ledger.Issue(key, "writer");
  RetryPolicy retry;
  retry.tries = 2;
  retry.wait = [](std::chrono::milliseconds) {};
  const auto writer = *StreamWriter::Open(ledger, key, "code/project", retry);
  const std::vector<GarblingLedger::Garble> garbles = {
      [](v1::AppendResponse& response) { response.clear_results(); },
      [](v1::AppendResponse& response) { response.mutable_results(0)->clear_indexes(); },
      [](v1::AppendResponse& response) { response.mutable_results(0)->mutable_refused()->set_message("because"); },
  };
  for (size_t i = 0; i < garbles.size(); ++i) {
    ledger.garbles.assign(2, garbles[i]);
    const Status unknown = writer->AppendOne(Draft()).status();
    EXPECT_TRUE(absl::IsUnknown(unknown)) << unknown;
    EXPECT_EQ(ledger.events().size(), 2 * i + 1);
    // The next time it is.
    ledger.garbles = {garbles[i]};
    EXPECT_TRUE(writer->AppendOne(Draft()).ok());
    EXPECT_EQ(ledger.events().size(), 2 * i + 2);
  }
}

TEST_F(StreamWriterTest, GivenIdsAreKept) {
  const EventId id = NewEventId();
  const auto places = Open()->Append({{Draft(), id}});
  ASSERT_TRUE(places.ok());
  EXPECT_EQ(places->front().id, id);
  EXPECT_EQ(ledger_.events().front().header.event_id(), id.bytes());
}

TEST(WriterRandomnessTest, NoncesDiffer) {
  std::set<std::string> nonces;
  for (int i = 0; i < 100; ++i) nonces.insert(NewNonce());
  EXPECT_EQ(nonces.size(), 100u);
  EXPECT_EQ(nonces.begin()->size(), 32u);
}

}  // namespace
}  // namespace anamnesis
