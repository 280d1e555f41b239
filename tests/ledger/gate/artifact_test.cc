// What an artifact is and how it stands.

#include <gmock/gmock.h>

#include "ledger/crypto/sha256.h"
#include "ledger/gate/ask_gate.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

StatusOr<v1::ArtifactAnswer> TryToShow(GateWorld& world, const std::string& version) {
  Facts facts(world.ledger().rows(), world.ledger().size());
  v1::Question question;
  v1::EntityRef& artifact = *question.mutable_artifact()->mutable_artifact();
  artifact.set_kind("artifact");
  artifact.set_id("shift");
  artifact.set_version(version);
  v1::Answer answer;
  const std::optional<Status> status = AskGate(facts, question, answer);
  EXPECT_TRUE(status.has_value());
  RETURN_IF_ERROR(*status);
  return answer.artifact();
}

v1::ArtifactAnswer Show(GateWorld& world) {
  const StatusOr<v1::ArtifactAnswer> shown = TryToShow(world, "1");
  EXPECT_TRUE(shown.ok()) << shown.status();
  return shown.ok() ? *shown : v1::ArtifactAnswer();
}

TEST(Artifact, A63IdentityIntegrityAndVerificationAreFromEvents) {
  GateWorld world(GateStory());
  world.Record("1");
  world.Record("1", "ICU-2", "DE");
  const v1::ArtifactAnswer shown = Show(world);
  EXPECT_EQ(shown.produced().index(), world.LeafOf("produced").value);
  EXPECT_EQ(shown.sha256(), ArtifactBytesDigest("1"));
  EXPECT_EQ(shown.content().baseline_digest(), BaselineDigest());
  EXPECT_EQ(shown.content().substrate_digest(), SubstrateDigest("7.2"));
  EXPECT_EQ(shown.seal_key().size(), 32u);
  EXPECT_EQ(shown.seal_doubtful_because(), "");
  EXPECT_TRUE(shown.has_stored());
  EXPECT_FALSE(shown.has_revoked());
  EXPECT_EQ(shown.verification(), v1::ArtifactAnswer::CERTIFIED);
  ASSERT_EQ(shown.certifications_size(), 1);
  EXPECT_EQ(shown.certifications(0).leaf().index(), world.LeafOf("certified").value);
  EXPECT_EQ(shown.certifications(0).sandbox_run().index(), world.LeafOf("sandbox").value);
  EXPECT_THAT(shown.certifications(0).controls(), ElementsAre("low_confidence"));
  ASSERT_EQ(shown.certifications(0).test_runs_size(), 3);
  EXPECT_EQ(shown.certifications(0).test_runs(2).test_case(), "system@1");
  EXPECT_TRUE(shown.certifications(0).test_runs(2).passed());
  ASSERT_EQ(shown.decisions_size(), 2);
  EXPECT_TRUE(shown.decisions(0).allowed());
  EXPECT_EQ(shown.decisions(1).unit(), "ICU-2");
}

TEST(Artifact, A63WhatWasTakenBackIsShown) {
  GateWorld world(GateStory());
  const auto because = [](EventDraft draft) {
    draft.header.set_rationale("found to be wrong");
    return draft;
  };
  ASSERT_TRUE(world
                  .Do({"withdrawn", "carl",
                       because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:cert-1"}))})
                  .ok());
  v1::CredentialReportedLost lost;
  const v1::ArtifactAnswer before = Show(world);
  lost.set_public_key(before.seal_key());
  lost.set_lost_since_us(kTestStart.us);
  ASSERT_TRUE(world.Do({"lost", "ada", because(DraftWith(lost, {"holder=software:tuner"}))}).ok());
  ASSERT_TRUE(
      world.Do({"revoked", "ada", because(DraftWith(v1::ArtifactRevoked(), {"artifact=artifact:shift@1"}))}).ok());
  const v1::ArtifactAnswer shown = Show(world);
  EXPECT_EQ(shown.verification(), v1::ArtifactAnswer::NO_LONGER_CERTIFIED);
  EXPECT_THAT(shown.certifications(0).inactive_because(), HasSubstr("was withdrawn"));
  EXPECT_THAT(shown.seal_doubtful_because(), HasSubstr("lost"));
  EXPECT_EQ(shown.revoked().index(), world.LeafOf("revoked").value);
}

TEST(Artifact, A63OneThatNothingRecordsIsNotFound) {
  GateWorld world(Without(GateStory(), {"certified"}));
  EXPECT_EQ(TryToShow(world, "9").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(TryToShow(world, "").status().code(), absl::StatusCode::kInvalidArgument);
  const v1::ArtifactAnswer shown = Show(world);
  EXPECT_EQ(shown.verification(), v1::ArtifactAnswer::NOT_CERTIFIED);
}

}  // namespace
}  // namespace anamnesis
