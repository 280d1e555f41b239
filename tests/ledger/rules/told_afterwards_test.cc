// What gives way to its being told afterwards, or to a process profile, and what doesn't.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/state/erasures.h"
#include "tests/ledger/rules/small_world.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::IsEmpty;

class ToldAfterwardsTest : public SmallWorld {
 protected:
  static EventDraft Because(EventDraft draft) {
    draft.header.set_rationale("because");
    return draft;
  }
  // As told afterwards, of right now.
  EventDraft ToldNow(EventDraft draft) const {
    SetOccurred(draft, ledger_.next_proposed(), ledger_.next_proposed());
    draft.header.set_retrospective(true);
    return draft;
  }
  static EventDraft Erase(const std::vector<uint64_t>& indexes) {
    v1::SubjectDataErased body;
    body.set_basis("Art. 17(1)(b)");
    body.set_authorised_by("dpo");
    for (const uint64_t index : indexes) body.add_erased_indexes(index);
    return Because(Draft(body));
  }
  static EventDraft Report(const std::string& problem) {
    v1::ProblemReported body;
    body.set_criticality(v1::ProblemReported::SAFETY);
    body.set_description("froze");
    body.set_configuration_unknown_because("offline");
    return DraftWith(body, {"problem=problem:" + problem});
  }
  static EventDraft Close(const std::string& problem) {
    return Because(DraftWith(v1::ProblemClosed(), {"problem=problem:" + problem}));
  }
  // A profile in which each of the rules is a finding.
  void Tolerate(const std::vector<std::string>& rules) {
    v1::PolicyAdopted body;
    body.set_kind(v1::PolicyAdopted::PROCESS_PROFILE);
    body.set_title("lenient");
    v1::ProcessProfile& profile = *body.mutable_document()->mutable_process_profile();
    profile.set_standard("IEC 62304:2006+A1:2015");
    auto& level = *profile.add_levels();
    level.set_name("A");
    level.add_classes(v1::SOFTWARE_SAFETY_CLASS_A);
    auto& evidence = *profile.add_evidence();
    evidence.set_clause("5.1.1");
    evidence.set_title("plan");
    evidence.add_classes(v1::SOFTWARE_SAFETY_CLASS_A);
    for (const std::string& rule : rules) {
      auto& change = *profile.add_overrides();
      change.set_rule_id(rule);
      change.set_consequence(v1::FINDING);
    }
    Accept(admin_.Write({DraftWith(body, {"policy=policy:profile@1"})}));
  }
  // How many events eve wrote.
  uint64_t written_ = 0;
  // When what she signs happened, where not as she signs it.
  std::optional<Timestamp> occurred_;
  bool HasBody(uint64_t index) { return ledger_.rows().Get(Family::kBodies, LeafKey(LeafIndex(index)))->has_value(); }
};

// What is erased is gone: no word and no profile makes that a finding.
TEST_F(ToldAfterwardsTest, OnlyPersonalDataThatIsThereIsErased) {
  const auto all_refused = [&] {
    // A key, a role, and what is not recorded yet.
    for (const uint64_t index : {uint64_t{1}, uint64_t{2}, ledger_.size().value, ledger_.size().value + 1}) {
      EXPECT_EQ(RuleBroken(Erase({index})), "ERASABLE") << index;
      EXPECT_EQ(RuleBroken(ToldNow(Erase({index}))), "ERASABLE") << index;
      EXPECT_EQ(RuleBroken(ToldLate(Erase({0, index}), 900)), "ERASABLE") << index;
    }
  };
  all_refused();
  Tolerate({"ERASABLE"});
  all_refused();
  for (const uint64_t index : {0, 1, 2}) EXPECT_TRUE(HasBody(index));
  (void)Record(ToldNow(Erase({0})));
  EXPECT_FALSE(HasBody(0));
  EXPECT_TRUE(HasBody(1));
}

// Older versions recorded such events: what came after them was not gone before it was there.
TEST(ErasedByTest, NothingThatComesLater) {
  ProjectedHistory history;
  (void)history.Add(EnrolPerson("jo"));
  v1::SubjectDataErased body;
  body.set_basis("Art. 17(1)(b)");
  body.set_authorised_by("dpo");
  for (const uint64_t index : {0, 1, 2}) body.add_erased_indexes(index);
  EventDraft erase = Draft(body);
  erase.header.set_rationale("asked for");
  (void)history.Add(erase);
  (void)history.Add(EnrolPerson("kim"));
  EXPECT_EQ(*FindErasure(history.rows(), LeafIndex(0)), LeafIndex(1));
  EXPECT_EQ(*FindErasure(history.rows(), LeafIndex(1)), std::nullopt);
  EXPECT_EQ(*FindErasure(history.rows(), LeafIndex(2)), std::nullopt);
}

TEST_F(ToldAfterwardsTest, WhatHasNoMeaningIsRefusedWheneverItIsTold) {
  v1::PolicyAdopted policy;
  policy.set_kind(v1::PolicyAdopted::RETENTION);
  policy.set_title("times");
  policy.mutable_document()->mutable_contemporaneity()->set_burst_events(1);
  policy.mutable_document()->mutable_contemporaneity()->set_burst_ratio(1);
  policy.mutable_document()->mutable_contemporaneity()->add_thresholds()->set_seconds(1);
  v1::ObjectStored object;
  object.set_sha256(std::string(32, 'x'));
  object.set_location("here");
  v1::SubstrateDefined substrate;
  substrate.set_substrate_digest(std::string(32, 'x'));
  Tolerate({"POLICY-KIND", "OBJECT-ID", "SUBSTRATE-DIGEST"});
  EXPECT_EQ(RuleBroken(ToldLate(DraftWith(policy, {"policy=policy:p@1"}), 900)), "POLICY-KIND");
  EXPECT_EQ(RuleBroken(ToldLate(DraftWith(object, {"object=object:o"}), 900)), "OBJECT-ID");
  EXPECT_EQ(RuleBroken(ToldLate(DraftWith(substrate, {"substrate=substrate:s@1"}), 900)), "SUBSTRATE-DIGEST");
}

TEST_F(ToldAfterwardsTest, NoProfileLetsAVersionMove) {
  v1::SoupIdentified soup;
  soup.mutable_soup()->set_title("zlib");
  soup.mutable_soup()->set_manufacturer("the zlib project");
  soup.mutable_soup()->set_designator("1");
  const auto identify = [&] { return DraftWith(soup, {"soup=soup:zlib@1"}); };
  (void)Record(identify());
  soup.mutable_soup()->set_title("another");
  Tolerate({"UNIQUE/soup"});
  EXPECT_EQ(RuleBroken(identify()), "UNIQUE/soup");
}

// What the ledger has had since it happened goes on in its order, whatever is said to be told afterwards.
TEST_F(ToldAfterwardsTest, WhatIsRecordedAsItHappensIsNotEndedByAWord) {
  (void)Record(Report("p"));
  EXPECT_EQ(RuleBroken(Close("p")), "CLOSE-VERIFIED");
  EXPECT_EQ(RuleBroken(ToldNow(Close("p"))), "CLOSE-VERIFIED");
  // An import says how it was: before the report, which it doesn't end.
  EXPECT_THAT(Record(ToldLate(Close("p"), 10)), Contains("CLOSE-VERIFIED"));
  // In its order it may be told afterwards too.
  Accept(admin_.Write({GrantRole("admin", v1::VERIFIER)}));
  v1::ProblemResolved resolved;
  resolved.set_summary("watchdog");
  (void)Record(ToldNow(DraftWith(resolved, {"problem=problem:p"})));
  v1::ProblemVerified verified;
  verified.set_resolved(true);
  (void)Record(ToldNow(DraftWith(verified, {"problem=problem:p"})));
  EXPECT_THAT(Record(ToldNow(Close("p"))), IsEmpty());
}

TEST_F(ToldAfterwardsTest, AnImportedHistoryIsRecordedAsItWas) {
  (void)Record(ToldLate(Report("p"), 20));
  EXPECT_THAT(Record(ToldLate(Close("p"), 10)), Contains("CLOSE-VERIFIED"));
  // Once it was said to be void, nothing of it keeps its order.
  (void)Record(Report("q"));
  (void)Record(Correct(admin_.LastId(), v1::RecordCorrected::RETRACTED));
  (void)Record(ToldLate(Report("q"), 20));
  EXPECT_THAT(Record(ToldLate(Close("q"), 10)), Contains("CLOSE-VERIFIED"));
}

// 21 CFR 11.200(a)(1): the period of access is not only what the signer says of it.
TEST_F(ToldAfterwardsTest, ASessionEndsByTheLedgersTimeToo) {
  uint32_t version = 0;
  const auto sign = [&](uint32_t ordinal, Timestamp signed_at, Timestamp recorded) {
    v1::PlanApproved body;
    body.mutable_content()->set_kind(v1::PlanContent::DEVELOPMENT);
    body.mutable_content()->add_sections()->set_topic("scope");
    v1::ElectronicSignature& signature = *body.mutable_signature();
    signature.set_meaning(v1::ElectronicSignature::APPROVAL);
    signature.set_signed_at_us(signed_at.us);
    signature.set_session_id(std::string(16, 's'));
    signature.set_ordinal(ordinal);
    signature.add_components(v1::ElectronicSignature::KEY);
    if (ordinal == 1) signature.add_components(v1::ElectronicSignature::PASSPHRASE);
    EventDraft draft = DraftWith(body, {"plan=plan:p@" + std::to_string(++version)});
    SetOccurred(draft, occurred_.value_or(signed_at), occurred_.value_or(signed_at));
    draft.header.set_retrospective(ordinal > 2);
    const uint64_t before = written_;
    const Status status = ledger_.AppendAt(recorded, eve_.Write({draft})).status();
    status.ok() ? void(++written_) : eve_.RewindTo(before);
    return DetailOf(status).reason() == v1::SIGNATURE_INCOMPLETE ? std::string(MessageOf(status)) : std::string();
  };
  const Timestamp now = ledger_.next_proposed();
  const auto later = [&](int minutes) { return Timestamp(now.us + int64_t{minutes} * 60'000'000); };
  EXPECT_EQ(sign(1, now, now), "");
  EXPECT_THAT(sign(2, later(-1), later(1)), testing::HasSubstr("before the session's last signature"));
  EXPECT_EQ(sign(2, later(20), later(20)), "");
  EXPECT_EQ(sign(3, later(45), later(49)), "");
  EXPECT_THAT(sign(4, later(80), later(80)), testing::HasSubstr("half an hour"));
  EXPECT_THAT(sign(4, later(60), later(80)), testing::HasSubstr("half an hour")) << "as it says it was signed";
  // Nor does what is told afterwards say that it was signed before it happened, or in time to come.
  occurred_ = later(80);
  EXPECT_THAT(sign(4, later(76), later(82)), testing::HasSubstr("before the event occurred"));
  EXPECT_THAT(sign(4, later(90), later(84)), testing::HasSubstr("after it was recorded"));
}

}  // namespace
}  // namespace anamnesis
