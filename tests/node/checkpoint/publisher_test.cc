#include "node/checkpoint/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "ledger/engine/files.h"
#include "ledger/note/signed_note.h"
#include "tests/node/checkpoint/witnessed_ledger.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using Line = WitnessedLedger::Line;

class PublisherTest : public testing::Test {
 protected:
  Publisher& publisher() { return log_.publisher(); }
  uint64_t size() { return log_.ledger().tree_size(); }
  void Grow() { log_.maker().GrowTo(size() + 1); }

  // What AwaitWitnessed calls back with.
  StatusOr<PublishedCheckpoint> Await(uint64_t size, std::chrono::milliseconds within) {
    std::promise<StatusOr<PublishedCheckpoint>> answered;
    publisher().AwaitWitnessed(TreeSize(size), std::chrono::steady_clock::now() + within,
                               [&](const StatusOr<PublishedCheckpoint>& answer) { answered.set_value(answer); });
    return answered.get_future().get();
  }
  StatusOr<PublishedCheckpoint> Await() { return Await(size(), std::chrono::seconds(60)); }

  // The policy that `quorum`, of witnesses that were added, is enough.
  std::string PolicyOf(std::initializer_list<const char*> witnesses, std::string_view rest) {
    std::string policy = log_.log_line();
    for (const char* name : witnesses) policy += log_.LineOf(name);
    return policy + std::string(rest);
  }
  std::string FailingOf(int witness) { return publisher().GetStatus().witnesses(witness).failing(); }

  WitnessedLedger log_{20};
};

TEST_F(PublisherTest, WithoutAPolicyTheNewestIsPublishedAndNothingIsWitnessed) {
  ASSERT_TRUE(log_.Publish().ok());
  ASSERT_TRUE(log_.Reaches(size()));
  Grow();
  ASSERT_TRUE(log_.Reaches(size()));
  const PublishedCheckpoint newest = *publisher().Newest();
  const VerifierKey key = log_.log_key();
  EXPECT_EQ(OpenCheckpoint(newest.note, {&key, 1}).value(), newest.checkpoint);
  EXPECT_TRUE(absl::IsFailedPrecondition(Await().status()));
  EXPECT_FALSE(publisher().GetStatus().has_witnessed_size());
}

TEST_F(PublisherTest, WithACosignerOfItsOwnWhatIsPublishedIsCosigned) {
  ASSERT_TRUE(log_.Publish("", /*cosigns=*/true).ok());
  ASSERT_TRUE(WitnessedLedger::Holds([&] {
    const auto newest = publisher().Newest();
    return newest.has_value() && ParseSignedNote(newest->note)->signatures.size() == 2;
  }));
  EXPECT_EQ(publisher().GetStatus().verified_size(), size());
  EXPECT_EQ(publisher().Alarm(), "");
}

TEST_F(PublisherTest, AQuorumOfWitnessesMakesACheckpointWitnessedAndItOutlivesTheProcess) {
  log_.AddWitness("a");
  log_.AddWitness("b");
  const std::string policy = PolicyOf({"a", "b"}, "group g all a b\nquorum g\n");
  ASSERT_TRUE(log_.Publish(policy).ok());
  const StatusOr<PublishedCheckpoint> witnessed = Await();
  ASSERT_TRUE(witnessed.ok()) << witnessed.status();
  EXPECT_EQ(Policy::Parse(policy)->Open(witnessed->note).value(), witnessed->checkpoint);
  EXPECT_EQ(publisher().Newest()->note, witnessed->note);
  EXPECT_EQ(publisher().GetStatus().witnessed_size(), size());
  // Once more, with nobody to ask.
  log_.Set("a", Line::kDown);
  log_.Set("b", Line::kDown);
  ASSERT_TRUE(log_.Publish(policy).ok());
  EXPECT_EQ(publisher().Newest()->checkpoint, witnessed->checkpoint);
  EXPECT_TRUE(Await(size(), std::chrono::milliseconds(0)).ok());
}

TEST_F(PublisherTest, BelowTheQuorumNothingIsWitnessedUntilTheOtherIsBack) {
  log_.AddWitness("a");
  log_.AddWitness("b");
  log_.Set("b", Line::kDown);
  ASSERT_TRUE(log_.Publish(PolicyOf({"a", "b"}, "group g all a b\nquorum g\n")).ok());
  const Status late = Await(size(), std::chrono::milliseconds(300)).status();
  EXPECT_TRUE(absl::IsUnavailable(late)) << late;
  EXPECT_THAT(late.ToString(), HasSubstr("not yet"));
  EXPECT_FALSE(publisher().Newest().has_value());
  EXPECT_TRUE(WitnessedLedger::Holds([&] { return FailingOf(1).find("nobody is there") != std::string::npos; }));
  EXPECT_EQ(FailingOf(0), "");
  log_.Set("b", Line::kUp);
  EXPECT_TRUE(Await().ok());
  EXPECT_TRUE(WitnessedLedger::Holds([&] { return FailingOf(1).empty(); }));
  EXPECT_THAT(log_.said(), HasSubstr("witness b cosigns again"));
}

TEST_F(PublisherTest, OneThatNeverAnswersKeepsNobodyWaiting) {
  log_.AddWitness("a");
  log_.AddWitness("b");
  log_.Set("b", Line::kSilent);
  ASSERT_TRUE(log_.Publish(PolicyOf({"a", "b"}, "group g any a b\nquorum g\n")).ok());
  ASSERT_TRUE(WitnessedLedger::Holds([&] { return log_.requests("b") > 0; }));
  for (int i = 0; i < 3; ++i) {
    Grow();
    EXPECT_TRUE(Await().ok());
  }
  // It was asked once, and is let go when the publisher ends.
  EXPECT_EQ(log_.requests("b"), 1);
  log_.StopPublishing();
}

TEST_F(PublisherTest, WhatAWitnessHasAlreadyIsLearntFromItsRefusal) {
  log_.AddWitness("a");
  const std::string policy = PolicyOf({"a"}, "quorum a\n");
  ASSERT_TRUE(log_.Publish(policy).ok());
  ASSERT_TRUE(Await().ok());
  log_.StopPublishing();
  Grow();
  // This one doesn't know what the witness has cosigned: from 0 it is told 409, then sends a proof.
  ASSERT_TRUE(std::filesystem::remove(log_.file()));
  const int before = log_.requests("a");
  ASSERT_TRUE(log_.Publish(policy).ok());
  EXPECT_TRUE(Await().ok());
  EXPECT_EQ(log_.requests("a"), before + 2);
}

TEST_F(PublisherTest, AWitnessThatHasALargerCheckpointIsAskedAgainWhenThereIsMore) {
  Witness& witness = log_.AddWitness("a");
  const std::string policy = PolicyOf({"a"}, "quorum a\n");
  log_.Set("a", Line::kSilent);
  ASSERT_TRUE(log_.Publish(policy).ok());
  ASSERT_TRUE(WitnessedLedger::Holds([&] { return log_.requests("a") > 0; }));
  const uint64_t offered = size();
  // Another node of the ledger is faster.
  Grow();
  const std::string larger = log_.ledger().GetCheckpoint()->note();
  ASSERT_EQ(witness.Add(FormatAddCheckpoint({TreeSize(0), {}, larger})).status, 200);
  log_.Set("a", Line::kUp);
  const StatusOr<PublishedCheckpoint> witnessed = Await();
  ASSERT_TRUE(witnessed.ok()) << witnessed.status();
  EXPECT_GT(witnessed->checkpoint.size.value, offered);
}

// A witness that claims to be ahead, at every round and at once, doesn't end rounds that two slower ones can complete.
TEST_F(PublisherTest, AWitnessThatClaimsToBeAheadEndsNoRoundThatOthersCanComplete) {
  for (const char* name : {"a", "b", "liar"}) log_.AddWitness(name);
  log_.Set("liar", Line::kLying);
  log_.Set("b", Line::kSilent);
  ASSERT_TRUE(log_.Publish(PolicyOf({"a", "b", "liar"}, "group g 2 a b liar\nquorum g\n")).ok());
  const uint64_t offered = size();
  ASSERT_TRUE(WitnessedLedger::Holds([&] { return FailingOf(2).find("9999999999999") != std::string::npos; }));
  // The ledger grows, and the round that b is slow in goes on.
  Grow();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(publisher().GetStatus().published_size(), offered);
  log_.Set("b", Line::kUp);
  const StatusOr<PublishedCheckpoint> witnessed = Await(offered, std::chrono::seconds(60));
  ASSERT_TRUE(witnessed.ok()) << witnessed.status();
  EXPECT_GE(witnessed->checkpoint.size, TreeSize(offered));
  EXPECT_TRUE(Await().ok());
  // Once it tells the truth it cosigns again.
  log_.Set("liar", Line::kUp);
  Grow();
  EXPECT_TRUE(Await().ok());
  EXPECT_TRUE(WitnessedLedger::Holds([&] { return FailingOf(2).empty(); }));
}

// One that the quorum needs does: the next round may be one that it cosigns.
TEST_F(PublisherTest, AWitnessThatTheQuorumNeedsAndThatIsAheadEndsTheRound) {
  for (const char* name : {"a", "liar"}) log_.AddWitness(name);
  log_.Set("liar", Line::kLying);
  log_.Set("a", Line::kSilent);
  ASSERT_TRUE(log_.Publish(PolicyOf({"a", "liar"}, "group g all a liar\nquorum g\n")).ok());
  ASSERT_TRUE(WitnessedLedger::Holds([&] { return !FailingOf(1).empty(); }));
  const uint64_t begun = size();
  Grow();
  EXPECT_TRUE(WitnessedLedger::Holds([&] { return publisher().GetStatus().published_size() > begun; }));
  log_.Set("liar", Line::kUp);
  log_.Set("a", Line::kUp);
  Grow();
  EXPECT_TRUE(Await().ok());
}

TEST_F(PublisherTest, ACosignatureByAKeyThatThePolicyDoesNotNameIsWorthNothing) {
  log_.AddWitness("a");
  log_.AddWitness("b");
  // At a's address is b, whose key the policy no longer names.
  std::string policy = PolicyOf({"a"}, "quorum a\n");
  policy.replace(policy.find("http://a"), 8, "http://b");
  ASSERT_TRUE(log_.Publish(policy).ok());
  EXPECT_TRUE(WitnessedLedger::Holds([&] { return !FailingOf(0).empty(); }));
  EXPECT_THAT(FailingOf(0), HasSubstr("no cosignature by the key"));
  EXPECT_FALSE(Await(size(), std::chrono::milliseconds(100)).ok());
  EXPECT_FALSE(publisher().Newest().has_value());
}

TEST_F(PublisherTest, AWitnessOfAnotherTreeOfThisSizeIsNamed) {
  Witness& witness = log_.AddWitness("a");
  const NamedKey key =
      ReadKeyFile(Text(log_.file().substr(0, log_.file().rfind('/')), "/ledger/checkpoint.key")).value();
  SignedNote forged{FormatCheckpointText({std::string(kTestOrigin), TreeSize(size()), Digest()}), {}};
  forged.signatures.push_back(SignNote(forged.text, kTestOrigin, key.key));
  ASSERT_EQ(witness.Add(FormatAddCheckpoint({TreeSize(0), {}, FormatSignedNote(forged)})).status, 200);
  ASSERT_TRUE(log_.Publish(PolicyOf({"a"}, "quorum a\n")).ok());
  EXPECT_TRUE(WitnessedLedger::Holds([&] { return FailingOf(0).find("ANOTHER tree") != std::string::npos; }))
      << FailingOf(0);
  EXPECT_FALSE(publisher().Newest().has_value());
}

TEST_F(PublisherTest, ThoseThatWaitAreToldWhenItEnds) {
  log_.AddWitness("a");
  log_.Set("a", Line::kDown);
  ASSERT_TRUE(log_.Publish(PolicyOf({"a"}, "quorum a\n")).ok());
  std::promise<Status> answered;
  publisher().AwaitWitnessed(TreeSize(size()), std::chrono::steady_clock::now() + std::chrono::seconds(600),
                             [&](const StatusOr<PublishedCheckpoint>& answer) { answered.set_value(answer.status()); });
  publisher().EndWaiting();
  EXPECT_TRUE(absl::IsUnavailable(answered.get_future().get()));
  EXPECT_TRUE(absl::IsUnavailable(Await().status()));
}

TEST_F(PublisherTest, BadPoliciesAndForeignFilesAreRefused) {
  log_.AddWitness("a");
  const std::string other = VerifierKey::Make("other.example", KeyType::kEd25519, KeyOfSeed(5).public_key())->Format();
  Status refused = log_.Publish(Text("log ", other, "\nquorum none\n"));
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(refused.ToString(), HasSubstr(log_.log_key().Format()));
  std::string policy = PolicyOf({"a"}, "quorum a\n");
  policy.replace(policy.find("http://a"), 8, "gopher:/");
  refused = log_.Publish(policy);
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
  EXPECT_THAT(refused.ToString(), HasSubstr("http://"));

  // A kept note of another ledger that the policy also names; then one below the quorum.
  SignedNote foreign{FormatCheckpointText({"other.example", TreeSize(3), Digest()}), {}};
  foreign.signatures.push_back(SignNote(foreign.text, "other.example", KeyOfSeed(5)));
  ASSERT_TRUE(WriteSmallFile(log_.file(), FormatSignedNote(foreign)).ok());
  refused = log_.Publish(Text(log_.log_line(), "log ", other, "\nquorum none\n"));
  EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
  log_.Set("a", Line::kDown);
  ASSERT_TRUE(WriteSmallFile(log_.file(), log_.ledger().GetCheckpoint()->note()).ok());
  ASSERT_TRUE(log_.Publish(PolicyOf({"a"}, "quorum a\n")).ok());
  EXPECT_FALSE(publisher().Newest().has_value());
  EXPECT_THAT(log_.said(), HasSubstr("does not satisfy the policy"));
}

}  // namespace
}  // namespace anamnesis
