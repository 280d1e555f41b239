// How long records are kept, and what was erased of persons' data.

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

EventDraft At(std::string_view time, EventDraft draft) {
  SetOccurred(draft, ParseTime(time).value(), ParseTime(time).value());
  return draft;
}

EventDraft Placed(const std::string& unit, const std::string& jurisdiction, std::string_view at) {
  v1::DeviceUnitCommissioned body;
  body.set_serial_number(unit);
  body.set_jurisdiction(jurisdiction);
  return At(at, DraftWith(std::move(body), {"unit=device_unit:" + unit, "device_model=device_model:monitor"}));
}

EventDraft TakenOut(const std::string& unit, std::string_view at) {
  return At(at, Rationale(DraftWith(v1::DeviceUnitDecommissioned(), {"unit=device_unit:" + unit})));
}

v1::RetentionAnswer RetentionOf(const ProjectedHistory& history, std::string_view at) {
  v1::Question question;
  SetEntity(*question.mutable_retention()->mutable_device_model(), "device_model", "monitor");
  *question.mutable_retention()->mutable_at() = ToProtoTime(ParseTime(at).value());
  return AskOf(history, question).retention();
}

std::string KeepUntil(const google::protobuf::Timestamp& time) {
  return FormatTime(Timestamp(time.seconds() * 1'000'000)).substr(0, 10);
}

TEST(AskRetention, TheLongestPeriodOfAllPlacesCountsFromTheLastPlacement) {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::RETENTION, "retention");
  history.Add(Placed("u1", "US", "2020-05-01T08:00:00Z"));
  EXPECT_EQ(KeepUntil(RetentionOf(history, "2021-01-01T00:00:00Z").keep_until()), "2022-05-02");
  history.Add(Placed("u2", "DE", "2020-03-01T08:00:00Z"));
  const v1::RetentionAnswer in_use = RetentionOf(history, "2031-01-01T00:00:00Z");
  EXPECT_EQ(KeepUntil(in_use.keep_until()), "2030-05-02");
  EXPECT_FALSE(in_use.due());
  EXPECT_EQ(in_use.units_in_service(), 2u);
  for (const char* unit : {"u1", "u2"}) history.Add(TakenOut(unit, "2028-01-01T00:00:00Z"));
  EXPECT_FALSE(RetentionOf(history, "2030-05-01T23:59:59Z").due());
  EXPECT_TRUE(RetentionOf(history, "2030-05-02T00:00:00Z").due());
}

// 21 CFR 803.18(c): two years from the event, where that was later.
TEST(AskRetention, AnEventFileIsKeptFromTheLastEventWhereThatWasLater) {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::RETENTION, "retention");
  history.Add(Placed("u1", "US", "2026-05-01T08:00:00Z"));
  const auto incident = [&](const std::string& id, std::string_view at) {
    v1::IncidentRecorded body;
    body.set_harm(v1::IncidentRecorded::SERIOUS);
    body.set_description("wrong alert");
    return history.Add(At(at, DraftWith(std::move(body), {"incident=incident:" + id, "unit=device_unit:u1"})));
  };
  incident("before", "2026-04-01T08:00:00Z");
  const LeafIndex last = incident("last", "2031-03-01T08:00:00Z");
  incident("told-late", "2030-01-01T08:00:00Z");
  history.Add(TakenOut("u1", "2031-03-02T08:00:00Z"));
  const v1::RetentionAnswer retention = RetentionOf(history, "2032-01-01T00:00:00Z");
  EXPECT_EQ(KeepUntil(retention.keep_until()), "2033-03-02");
  EXPECT_FALSE(retention.due());
  for (const v1::RetentionAnswer::Period& period : retention.periods()) {
    const bool event_file = period.source().starts_with("21 CFR 803.18(c)");
    EXPECT_EQ(period.decisive(), event_file) << period.source();
    EXPECT_EQ(period.start().index(), event_file ? last.value : 1u) << period.source();
  }
  history.Retract(last);
  EXPECT_EQ(KeepUntil(RetentionOf(history, "2032-01-01T00:00:00Z").keep_until()), "2032-01-02") << "the one told late";
}

// Regulation (EU) 2024/1689 Art. 19(1): at least six months.
TEST(AskRetention, LogsAreKeptSixMonthsFromTheLastUse) {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::RETENTION, "retention");
  history.Add(Placed("u1", "DE", "2026-05-01T08:00:00Z"));
  history.Add(TakenOut("u1", "2036-01-31T08:00:00Z"));
  const v1::RetentionAnswer retention = RetentionOf(history, "2036-06-01T00:00:00Z");
  EXPECT_EQ(KeepUntil(retention.keep_until()), "2036-08-01");
  EXPECT_FALSE(retention.due());
  EXPECT_TRUE(RetentionOf(history, "2036-08-01T00:00:00Z").due());
}

TEST(AskRetention, APlaceWithoutAPeriodOfItsOwnIsNamed) {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::RETENTION, "retention");
  const auto places = [&](const std::string& unit, const std::string& jurisdiction) {
    v1::DeviceUnitCommissioned body;
    body.set_serial_number(unit);
    body.set_jurisdiction(jurisdiction);
    history.Add(DraftWith(std::move(body), {"unit=device_unit:" + unit, "device_model=device_model:monitor"}));
    v1::Question question;
    SetEntity(*question.mutable_retention()->mutable_device_model(), "device_model", "monitor");
    *question.mutable_retention()->mutable_at() = ToProtoTime(kTestStart);
    const v1::Answer answer = AskOf(history, question);
    std::string named;
    for (const std::string& note : answer.notes()) {
      if (note.starts_with("the policy has no period of ")) named += note.substr(28, 2);
    }
    return named;
  };
  EXPECT_EQ(places("u1", "DE"), "");
  EXPECT_EQ(places("u2", "US"), "");
  EXPECT_EQ(places("u3", "JP"), "JP");
  EXPECT_EQ(places("u4", "GB"), "GBJP");
}

TEST(AskRetention, APeriodWhoseStartIsNotRecordedIsNamed) {
  ProjectedHistory history;
  AdoptShipped(history, v1::PolicyAdopted::RETENTION, "retention");
  history.Add(Placed("u1", "US", "2026-05-01T08:00:00Z"));
  const auto named = [&] {
    v1::Question question;
    SetEntity(*question.mutable_retention()->mutable_device_model(), "device_model", "monitor");
    *question.mutable_retention()->mutable_at() = ToProtoTime(ParseTime("2027-01-01T00:00:00Z").value());
    const v1::Answer answer = AskOf(history, question);
    std::vector<std::string> notes;
    for (const std::string& note : answer.notes()) {
      if (note.starts_with("no incident.recorded about a unit is recorded: ")) notes.push_back(note);
    }
    return notes;
  };
  ASSERT_THAT(named(), SizeIs(1));
  EXPECT_THAT(named().front(), ::testing::HasSubstr("the period of 21 CFR 803.18(c)"));
  v1::IncidentRecorded body;
  body.set_harm(v1::IncidentRecorded::SERIOUS);
  body.set_description("wrong alert");
  history.Add(At("2026-06-01T08:00:00Z", DraftWith(std::move(body), {"incident=incident:i", "unit=device_unit:u1"})));
  EXPECT_THAT(named(), IsEmpty());
}

v1::ErasureReportAnswer ErasuresOf(const ProjectedHistory& history, const std::string& kind, const std::string& id) {
  v1::Question question;
  question.mutable_erasure_report();
  if (!id.empty()) SetEntity(*question.mutable_erasure_report()->mutable_about(), kind, id);
  return AskOf(history, question).erasure_report();
}

TEST(AskErasureReport, WhatWasErasedForWhomAndWhatWasRefused) {
  ProjectedHistory history;
  EXPECT_THAT(ErasuresOf(history, "", "").erasures(), IsEmpty());
  v1::FeedbackReceived letter;
  letter.set_source("patient");
  letter.set_channel("letter");
  letter.set_text("a letter");
  std::vector<LeafIndex> letters;
  for (const char* id : {"F-1", "F-2", "F-3"}) {
    letters.push_back(history.Add(DraftWith(letter, {std::string("feedback=feedback:") + id})));
  }
  const auto erase = [&](const std::string& subject, const std::vector<LeafIndex>& leaves) {
    v1::SubjectDataErased body;
    for (const LeafIndex leaf : leaves) body.add_erased_indexes(leaf.value);
    body.set_basis("Art. 17(1)(b)");
    body.set_authorised_by("quality officer");
    return history.Add(Rationale(DraftWith(std::move(body), {"subject=subject:" + subject, "dataset=dataset:d@1"})));
  };
  const LeafIndex first = erase("s1", {letters[0], letters[1]});
  const LeafIndex second = erase("s2", {letters[1], letters[2]});
  v1::ErasureRefused body;
  body.set_ground(v1::ErasureRefused::LEGAL_OBLIGATION);
  body.set_review_at_us(kTestStart.us + 1);
  const LeafIndex refused = history.Add(Rationale(DraftWith(std::move(body), {"subject=subject:s1"})));
  history.Retract(second);

  const v1::ErasureReportAnswer all = ErasuresOf(history, "", "");
  ASSERT_THAT(all.erasures(), SizeIs(2));
  EXPECT_EQ(all.erasures(0).leaf().index(), first.value);
  EXPECT_EQ(all.erasures(0).subject().id(), "s1");
  EXPECT_EQ(all.erasures(0).about(0).id(), "d");
  EXPECT_EQ(all.erasures(0).basis(), "Art. 17(1)(b)");
  EXPECT_FALSE(all.erasures(0).void_effect());
  EXPECT_TRUE(all.erasures(1).void_effect());
  ASSERT_THAT(all.erasures(0).bodies(), SizeIs(2));
  EXPECT_EQ(all.erasures(0).bodies(0).leaf().index(), letters[0].value);
  EXPECT_EQ(all.erasures(0).bodies(0).retention(), v1::PERSONAL_DATA);
  EXPECT_EQ(all.erasures(0).bodies(0).commitment().size(), 32u);
  ASSERT_THAT(all.refusals(), SizeIs(1));
  EXPECT_EQ(all.refusals(0).leaf().index(), refused.value);
  EXPECT_EQ(all.refusals(0).ground(), v1::ErasureRefused::LEGAL_OBLIGATION);
  EXPECT_EQ(FromProtoTime(all.refusals(0).review_at(), "review_at")->us, kTestStart.us + 1);
  std::vector<std::string> counts;
  for (const v1::ErasureReportAnswer::Count& count : all.counts()) {
    counts.push_back(Text(v1::RetentionClass_Name(count.retention()), " ", count.subject().id(), " ", count.bodies()));
  }
  EXPECT_THAT(counts, ElementsAre("PERSONAL_DATA s1 2", "PERSONAL_DATA s2 1")) << "a body is gone once";

  EXPECT_THAT(ErasuresOf(history, "subject", "s1").erasures(), SizeIs(1));
  EXPECT_THAT(ErasuresOf(history, "subject", "s1").refusals(), SizeIs(1));
  EXPECT_THAT(ErasuresOf(history, "subject", "s2").refusals(), IsEmpty());
  EXPECT_THAT(ErasuresOf(history, "dataset", "d").erasures(), SizeIs(2));
}

TEST(AskErasureReport, PagesTogetherAreAll) {
  ProjectedHistory history;
  std::vector<uint64_t> acts;
  for (int i = 0; i < 5; ++i) {
    EventDraft draft;
    if (i % 2 == 0) {
      v1::ErasureRefused body;
      body.set_ground(v1::ErasureRefused::LEGAL_CLAIMS);
      body.set_review_at_us(kTestStart.us);
      draft = DraftWith(std::move(body), {"subject=subject:s"});
    } else {
      v1::SubjectDataErased body;
      body.set_basis("Art. 17(1)(b)");
      body.set_authorised_by("quality officer");
      draft = DraftWith(std::move(body), {"subject=subject:s"});
    }
    acts.push_back(history.Add(Rationale(std::move(draft))).value);
    history.Add(ReferToDocument("between"));
  }
  for (const bool about : {false, true}) {
    std::vector<uint64_t> found;
    v1::Question question;
    v1::ErasureReportQuestion& asked = *question.mutable_erasure_report();
    asked.set_limit(2);
    if (about) SetEntity(*asked.mutable_about(), "subject", "s");
    do {
      const v1::ErasureReportAnswer page = AskOf(history, question).erasure_report();
      std::vector<uint64_t> listed;
      for (const auto& act : page.erasures()) listed.push_back(act.leaf().index());
      for (const auto& act : page.refusals()) listed.push_back(act.leaf().index());
      EXPECT_LE(listed.size(), 2u);
      found.insert(found.end(), listed.begin(), listed.end());
      asked.set_from(page.next());
    } while (asked.from() > 0);
    std::sort(found.begin(), found.end());
    EXPECT_EQ(found, acts);
  }
}

EventDraft Erase(const std::vector<LeafIndex>& leaves, const std::string& ref = "subject=subject:s") {
  v1::SubjectDataErased body;
  for (const LeafIndex leaf : leaves) body.add_erased_indexes(leaf.value);
  body.set_basis("Art. 17(1)(b)");
  body.set_authorised_by("quality officer");
  return Rationale(DraftWith(std::move(body), {ref}));
}

std::vector<LeafIndex> AddLetters(ProjectedHistory& history, size_t count) {
  v1::FeedbackReceived letter;
  letter.set_source("patient");
  letter.set_channel("letter");
  letter.set_text("a letter");
  std::vector<LeafIndex> letters;
  for (size_t i = 0; i < count; ++i) letters.push_back(history.Add(DraftWith(letter, {"feedback=feedback:F"})));
  return letters;
}

TEST(AskErasureReport, AnActBehindMoreReferencesThanAreReadIsOnALaterPage) {
  ProjectedHistory history;
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("Art. 17(1)(b)");
  for (int i = 0; i < 10; ++i) {
    history.Add(Rationale(DraftWith(withdrawn, {"dataset=dataset:d@1", "record=record:" + std::to_string(i)})));
  }
  const LeafIndex act = history.Add(Erase({}, "dataset=dataset:d@1"));
  v1::ErasureReportQuestion question;
  SetEntity(*question.mutable_about(), "dataset", "d");
  std::vector<uint64_t> found;
  int pages = 0;
  do {
    Facts facts(history.rows(), history.size(), /*events_max=*/4);
    v1::Answer answer;
    ASSERT_TRUE(AnswerErasureReport(facts, question, answer).ok());
    for (const auto& erasure : answer.erasure_report().erasures()) found.push_back(erasure.leaf().index());
    ASSERT_TRUE(answer.erasure_report().next() == 0 || answer.erasure_report().next() > question.from());
    question.set_from(answer.erasure_report().next());
    ++pages;
  } while (question.from() > 0);
  EXPECT_THAT(found, ElementsAre(act.value));
  EXPECT_EQ(pages, 3);
}

TEST(AskErasureReport, ABodyThatAnActNamesTwiceIsListedOnce) {
  ProjectedHistory history;
  const LeafIndex letter = AddLetters(history, 1)[0];
  history.Add(Erase({letter, letter}));
  const v1::ErasureReportAnswer answer = ErasuresOf(history, "", "");
  ASSERT_THAT(answer.erasures(), SizeIs(1));
  EXPECT_THAT(answer.erasures(0).bodies(), SizeIs(1));
}

TEST(AskErasureReport, APageEndsBeforeItsBodiesAreTooMany) {
  constexpr size_t kOnAPage = 5000;
  ProjectedHistory history;
  const std::vector<LeafIndex> letters = AddLetters(history, kOnAPage + 1);
  const LeafIndex small = history.Add(Erase({letters[0]}));
  const LeafIndex large = history.Add(Erase(letters));
  const LeafIndex last = history.Add(Erase({letters[1]}));
  v1::Question question;
  question.mutable_erasure_report();
  std::vector<uint64_t> acts;
  std::vector<int> bodies;
  std::vector<std::string> notes;
  do {
    const v1::Answer answer = AskOf(history, question);
    for (const auto& erasure : answer.erasure_report().erasures()) {
      acts.push_back(erasure.leaf().index());
      bodies.push_back(erasure.bodies_size());
    }
    notes.insert(notes.end(), answer.notes().begin(), answer.notes().end());
    question.mutable_erasure_report()->set_from(answer.erasure_report().next());
  } while (question.erasure_report().from() > 0);
  EXPECT_THAT(acts, ElementsAre(small.value, large.value, last.value));
  EXPECT_THAT(bodies, ElementsAre(1, 5000, 1));
  EXPECT_THAT(notes, ElementsAre(Text("leaf ", large.value,
                                      " erased 5001 bodies; the first 5000 are listed and counted "
                                      "here, and the event itself names them all")));
}

}  // namespace
}  // namespace anamnesis
