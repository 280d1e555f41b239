#include "client/cpp/append_progress.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

constexpr auto kUnknown = absl::StatusCode::kUnknown;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kRefused = absl::StatusCode::kInvalidArgument;

v1::RunResult At(uint64_t index) {
  v1::RunResult result;
  result.add_indexes(index);
  return result;
}

v1::RunResult Without(absl::StatusCode code) {
  v1::RunResult result;
  result.mutable_refused()->set_code(static_cast<int>(code));
  result.mutable_refused()->set_message("because");
  return result;
}

v1::AppendResponse Response(const std::vector<v1::RunResult>& results, uint64_t tree_size = 0) {
  v1::AppendResponse response;
  for (const v1::RunResult& result : results) *response.add_results() = result;
  response.set_tree_size(tree_size);
  return response;
}

class AppendProgressTest : public testing::Test {
 protected:
  static v1::AppendRequest ThreeRuns() {
    v1::AppendRequest request;
    for (int i = 0; i < 3; ++i) request.add_runs()->add_headers(Text("run ", i));
    return request;
  }
  std::vector<int> Codes(const v1::AppendResponse& response) {
    std::vector<int> codes;
    for (const v1::RunResult& result : response.results()) codes.push_back(result.refused().code());
    return codes;
  }
  static int Code(absl::StatusCode code) { return static_cast<int>(code); }

  const v1::AppendRequest request_ = ThreeRuns();
  AppendProgress progress_{request_};
};

TEST_F(AppendProgressTest, OneAnswerCanDecideAll) {
  EXPECT_EQ(progress_.rest().runs_size(), 3);
  ASSERT_TRUE(progress_.Answered(Response({At(5), Without(kRefused), At(6)}, 7)).ok());
  EXPECT_TRUE(progress_.decided());
  const auto outcome = progress_.Outcome();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->results(0).indexes(0), 5u);
  EXPECT_EQ(outcome->results(1).refused().code(), Code(kRefused));
  EXPECT_EQ(outcome->results(2).indexes(0), 6u);
  EXPECT_EQ(outcome->tree_size(), 7u);
}

TEST_F(AppendProgressTest, WhatHasNoVerdictIsSentAgainWithAllThatFollows) {
  ASSERT_TRUE(progress_.Answered(Response({At(5), Without(kUnknown), Without(kRefused)})).ok());
  EXPECT_FALSE(progress_.decided());
  EXPECT_TRUE(progress_.may_be_recorded());
  ASSERT_EQ(progress_.rest().runs_size(), 2);
  EXPECT_EQ(progress_.rest().runs(0).headers(0), "run 1");
  // The third was refused because the second was not there then.
  ASSERT_TRUE(progress_.Answered(Response({At(6), At(7)}, 8)).ok());
  const auto outcome = progress_.Outcome();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->results(2).indexes(0), 7u);
}

TEST_F(AppendProgressTest, APlaceIsKeptWhateverComesAfter) {
  ASSERT_TRUE(progress_.Answered(Response({Without(kUnavailable), At(5), At(6)})).ok());
  ASSERT_TRUE(progress_.Answered(Response({At(9), Without(kUnknown), Without(kRefused)})).ok());
  EXPECT_TRUE(progress_.decided());
  const auto outcome = progress_.Outcome();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->results(1).indexes(0), 5u);
  EXPECT_EQ(outcome->results(2).indexes(0), 6u);
}

TEST_F(AppendProgressTest, ARefusalSaysNothingOnceTheRunWasSentAgainWithoutAnAnswer) {
  // The second is refused because the first was not there then.
  ASSERT_TRUE(progress_.Answered(Response({Without(kUnavailable), Without(kRefused), At(9)})).ok());
  ASSERT_EQ(progress_.rest().runs_size(), 3);
  // All may be recorded now, and the answer is lost.
  progress_.Lost(absl::UnavailableError("broken"));
  EXPECT_FALSE(progress_.decided());
  const auto outcome = progress_.Outcome();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(Codes(*outcome), std::vector<int>({Code(kUnknown), Code(kUnknown), 0}));
  EXPECT_EQ(outcome->results(2).indexes(0), 9u) << "what has a place keeps it";
}

TEST_F(AppendProgressTest, WhatWasLostIsUnknownHoweverItGoesOn) {
  progress_.Lost(absl::UnavailableError("broken"));
  progress_.NotSent(absl::UnavailableError("nobody there"));
  ASSERT_TRUE(progress_.Answered(Response({Without(kUnavailable), Without(kExhausted), Without(kUnavailable)})).ok());
  EXPECT_FALSE(progress_.decided());
  const Status outcome = progress_.Outcome().status();
  EXPECT_TRUE(absl::IsUnknown(outcome)) << outcome;
  EXPECT_THAT(std::string(MessageOf(outcome)), HasSubstr("send the same run again"));
}

TEST_F(AppendProgressTest, WhatWasNeverSentIsAFailure) {
  progress_.NotSent(absl::UnavailableError("nobody there"));
  EXPECT_FALSE(progress_.may_be_recorded());
  const Status outcome = progress_.Outcome().status();
  EXPECT_TRUE(absl::IsUnavailable(outcome)) << outcome;
  EXPECT_THAT(std::string(MessageOf(outcome)), HasSubstr("nobody there"));
}

TEST_F(AppendProgressTest, VerdictsAreGivenBesideWhatIsOpen) {
  ASSERT_TRUE(progress_.Answered(Response({At(5), Without(kUnavailable), Without(kUnknown)}, 6)).ok());
  const auto outcome = progress_.Outcome();
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(Codes(*outcome), std::vector<int>({0, Code(kUnavailable), Code(kUnknown)}));
}

TEST_F(AppendProgressTest, ARefusalNamesTheRunInTheRequestThatWasMade) {
  EXPECT_FALSE(progress_.has_verdicts());
  ASSERT_TRUE(progress_.Answered(Response({At(5), Without(kUnavailable), Without(kUnavailable)})).ok());
  EXPECT_TRUE(progress_.has_verdicts());
  ASSERT_EQ(progress_.rest().runs_size(), 2);
  // The node got two runs and refuses the second event of its second one.
  v1::RunResult refused;
  *refused.mutable_refused() = ToRpcStatus(AtPlace(Refuse(v1::NOT_THE_WRITER, "header.actor", "no"), 1, 1));
  ASSERT_TRUE(progress_.Answered(Response({At(6), refused})).ok());
  const auto outcome = progress_.Outcome();
  ASSERT_TRUE(outcome.ok());
  const auto detail = RefusalDetailOf(FromRpcStatus(outcome->results(2).refused()));
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->run_index(), 2u);
  EXPECT_EQ(detail->event_index(), 1u);
}

TEST_F(AppendProgressTest, TooBusyIsAVerdictOfWhatWasNotSentBefore) {
  ASSERT_TRUE(progress_.Answered(Response({Without(kExhausted), Without(kExhausted), Without(kExhausted)})).ok());
  EXPECT_TRUE(progress_.decided());
}

TEST_F(AppendProgressTest, AnAnswerWithoutAResultForEachRunIsWrong) {
  EXPECT_EQ(progress_.Answered(Response({At(5)})).code(), absl::StatusCode::kInternal);
}

TEST_F(AppendProgressTest, ThatItMayNotBeHandedInAnyMoreSaysNothingOfWhatWasSent) {
  const v1::RunResult door = [] {
    v1::RunResult result;
    *result.mutable_refused() = ToRpcStatus(Refuse(v1::NOT_THE_WRITER, "seal.key_id", "is another's key"));
    return result;
  }();
  ASSERT_TRUE(progress_.Answered(Response({At(5), At(6), door})).ok());
  EXPECT_TRUE(progress_.decided()) << "sent once, it is refused";

  AppendProgress again{request_};
  again.Lost(absl::UnavailableError("a broken connection"));
  ASSERT_TRUE(again.Answered(Response({At(5), At(6), door})).ok());
  EXPECT_FALSE(again.decided());
  const auto outcome = again.Outcome();
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->results(2).refused().code(), Code(kUnknown));
}

}  // namespace
}  // namespace anamnesis
