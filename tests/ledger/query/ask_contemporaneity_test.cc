// Recorded minus occurred: judgements, bursts and conflicts, and random histories against a plain fold.

#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

using Judged = v1::ContemporaneityAnswer;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

Timestamp After(int64_t us) { return Timestamp(kTestStart.us + us); }

EventDraft At(EventDraft draft, int64_t earliest, int64_t latest) {
  SetOccurred(draft, After(earliest), After(latest));
  return draft;
}

v1::Answer AskAll(const ProjectedHistory& history, uint64_t known_size = 0) {
  v1::Question question;
  question.mutable_contemporaneity()->set_all(true);
  question.set_known_size(known_size);
  return AskOf(history, question);
}

Judged::Judgement JudgementOf(const v1::Answer& answer, LeafIndex leaf) {
  for (const Judged::OfEvent& event : answer.contemporaneity().events()) {
    if (event.leaf().index() == leaf.value) return event.judgement();
  }
  return Judged::JUDGEMENT_UNSPECIFIED;
}

class Contemporaneity : public testing::Test {
 protected:
  Contemporaneity() { AdoptShipped(history_, v1::PolicyAdopted::CONTEMPORANEITY, "contemporaneity"); }
  ProjectedHistory history_;
};

// Golden scenario 1: recorded that day, and the same in June.
TEST_F(Contemporaneity, A103D1TheHospitalRecordIsOnTimeThatDayAndDeclaredInJune) {
  v1::DatasetCurated body;
  body.set_source("Hospital A");
  const EventDraft curated = DraftWith(std::move(body), {"dataset=dataset:spleen@2.2"});
  const LeafIndex same_day = history_.Add(curated, After(6 * kHour));
  EventDraft imported = curated;
  imported.header.set_retrospective(true);
  const LeafIndex in_june = history_.Add(imported, After(90 * kDay));
  EventDraft undeclared = curated;
  undeclared.header.set_late_reason("found in a drawer");
  const LeafIndex late = history_.Add(undeclared, After(90 * kDay));
  const v1::Answer answer = AskAll(history_);
  EXPECT_EQ(JudgementOf(answer, same_day), Judged::ON_TIME);
  EXPECT_EQ(JudgementOf(answer, in_june), Judged::DECLARED_RETROSPECTIVE);
  EXPECT_EQ(JudgementOf(answer, late), Judged::LATE);
  EXPECT_EQ(answer.contemporaneity().events(3).late_reason(), "found in a drawer");
}

TEST_F(Contemporaneity, A103ThresholdsAreThoseOfTheTypeAndIntervalsCanLeaveItOpen) {
  const LeafIndex runtime_on_time = history_.Add(At(Activate("u", "s", "m"), 0, 0), After(60 * kSecond));
  const LeafIndex runtime_late = history_.Add(At(Activate("u", "s", "m"), 0, 0), After(60 * kSecond + 1));
  const LeafIndex human = history_.Add(At(ReferToDocument("d"), 0, 0), After(kDay));
  const LeafIndex open = history_.Add(At(ReferToDocument("d"), -5 * kDay, 0), After(kHour));
  const LeafIndex future = history_.Add(At(ReferToDocument("d"), kDay, kDay), After(0));
  const LeafIndex open_future = history_.Add(At(ReferToDocument("d"), 0, kDay), After(kHour));
  const v1::Answer answer = AskAll(history_);
  EXPECT_EQ(JudgementOf(answer, runtime_on_time), Judged::ON_TIME);
  EXPECT_EQ(JudgementOf(answer, runtime_late), Judged::LATE);
  EXPECT_EQ(JudgementOf(answer, human), Judged::ON_TIME);
  EXPECT_EQ(JudgementOf(answer, open), Judged::BOUNDED_ONLY);
  EXPECT_EQ(JudgementOf(answer, future), Judged::FUTURE_DATED);
  EXPECT_EQ(JudgementOf(answer, open_future), Judged::BOUNDED_ONLY);
}

TEST_F(Contemporaneity, A104ABackFilledHistoryIsABurstAndADevicesBatchIsNone) {
  for (int i = 0; i < 12; ++i) {
    history_.Add(At(ReferToDocument("log"), i * 7 * kDay, i * 7 * kDay), After(100 * kDay + i * kSecond), "eve");
  }
  for (int i = 0; i < 12; ++i) {
    history_.Add(At(Activate("u", "s", "m"), i * kSecond, i * kSecond), After(30 * kSecond), "unit");
  }
  for (int i = 0; i < 12; ++i) {
    history_.Add(At(ReferToDocument("diary"), i * kDay, i * kDay), After(i * kDay + kHour), "ada");
  }
  const v1::Answer answer = AskAll(history_);
  ASSERT_EQ(answer.contemporaneity().bursts_size(), 1);
  const Judged::Burst& burst = answer.contemporaneity().bursts(0);
  EXPECT_EQ(burst.actor().id(), "eve");
  EXPECT_EQ(burst.events(), 12u);
  EXPECT_EQ(burst.first_leaf(), 1u);
  EXPECT_EQ(burst.last_leaf(), 12u);
}

TEST_F(Contemporaneity, ARecordInPlaceOfALateOneIsLate) {
  const LeafIndex late = history_.Add(At(ReferToDocument("d"), 0, 0), After(9 * kDay));
  EventDraft again = At(ReferToDocument("d"), 10 * kDay, 10 * kDay);
  again.header.set_corrects(ProjectedHistory::IdOf(late));
  const LeafIndex replacing = history_.Add(again, After(10 * kDay));
  const v1::Answer answer = AskAll(history_);
  EXPECT_EQ(JudgementOf(answer, replacing), Judged::LATE);
  EXPECT_TRUE(Cites(answer, late));
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("replaces"), std::string::npos);
}

TEST_F(Contemporaneity, A104ACorrectedTimeMakesNoLateRecordContemporaneous) {
  const LeafIndex late = history_.Add(At(ReferToDocument("d"), 0, 0), After(9 * kDay));
  const LeafIndex early = history_.Add(At(ReferToDocument("e"), 10 * kDay, 10 * kDay), After(10 * kDay));
  const auto move = [&](LeafIndex leaf, int64_t to) {
    history_.Add(MoveInTime(DerivedId("projected", leaf.value), After(to), After(to)), After(20 * kDay));
  };
  move(late, 9 * kDay - 1);
  // Still on time, and not what was written.
  move(early, 10 * kDay - kHour);
  v1::Question question;
  question.mutable_contemporaneity();
  const v1::Answer answer = AskOf(history_, question);
  EXPECT_EQ(JudgementOf(answer, late), Judged::LATE);
  EXPECT_EQ(JudgementOf(answer, early), Judged::ON_TIME);
  for (const Judged::OfEvent& event : answer.contemporaneity().events()) {
    EXPECT_EQ(event.corrected(), event.leaf().index() == late.value || event.leaf().index() == early.value);
  }
  for (const Judged::OfType& type : answer.contemporaneity().types()) {
    if (type.type() != "document.referenced") continue;
    EXPECT_EQ(type.histogram(5), 1u) << "up to 30 days";
    EXPECT_EQ(type.histogram(0), 0u);
  }
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("the worse of both times"), std::string::npos);
  // And what was back-filled stays a burst, wherever its events are moved to.
  ProjectedHistory moved;
  AdoptShipped(moved, v1::PolicyAdopted::CONTEMPORANEITY, "contemporaneity");
  for (int i = 0; i < 12; ++i) {
    const LeafIndex leaf =
        moved.Add(At(ReferToDocument("log"), i * 7 * kDay, i * 7 * kDay), After(100 * kDay + i * kSecond), "eve");
    moved.Add(MoveInTime(DerivedId("projected", leaf.value), After(100 * kDay), After(100 * kDay)),
              After(100 * kDay + i * kSecond));
  }
  ASSERT_EQ(AskAll(moved).contemporaneity().bursts_size(), 1);
}

TEST_F(Contemporaneity, A103AnEffectBeforeItsCauseIsAConflict) {
  const LeafIndex cause = history_.Add(At(ReferToDocument("d"), kHour, kHour), After(kHour));
  EventDraft before = At(ReferToDocument("e"), 0, kHour - 1);
  before.header.add_causes(ProjectedHistory::IdOf(cause));
  const LeafIndex effect = history_.Add(before, After(2 * kHour));
  EventDraft possible = At(ReferToDocument("f"), 0, kHour);
  possible.header.add_causes(ProjectedHistory::IdOf(cause));
  history_.Add(possible, After(2 * kHour));
  const v1::Answer answer = AskAll(history_);
  ASSERT_EQ(answer.contemporaneity().conflicts_size(), 1);
  EXPECT_EQ(answer.contemporaneity().conflicts(0).effect().index(), effect.value);
  EXPECT_EQ(answer.contemporaneity().conflicts(0).cause().index(), cause.value);
}

TEST_F(Contemporaneity, A103ScopesAndPagesNameWhatTheyHold) {
  for (int i = 0; i < 5; ++i) history_.Add(ReferToDocument(Text("d", i % 2)), Timestamp(0), i < 3 ? "ada" : "bob");
  v1::Question question;
  SetEntity(*question.mutable_contemporaneity()->mutable_entity(), "document", "d1");
  EXPECT_EQ(AskOf(history_, question).contemporaneity().events_looked_at(), 2u);
  question.mutable_contemporaneity()->clear_entity();
  question.mutable_contemporaneity()->set_stream("person/bob");
  EXPECT_EQ(AskOf(history_, question).contemporaneity().events_looked_at(), 2u);
  question.mutable_contemporaneity()->clear_stream();
  question.mutable_contemporaneity()->set_limit(4);
  const v1::Answer first = AskOf(history_, question);
  EXPECT_EQ(first.contemporaneity().events_looked_at(), 4u);
  EXPECT_EQ(first.contemporaneity().next(), 4u);
  question.mutable_contemporaneity()->set_from(4);
  const v1::Answer rest = AskOf(history_, question);
  EXPECT_EQ(rest.contemporaneity().events_looked_at(), history_.size().value - 4);
  EXPECT_EQ(rest.contemporaneity().next(), 0u);
}

TEST(ContemporaneityWithoutPolicy, A103NothingIsLateAndTheAnswerSaysWhy) {
  ProjectedHistory history;
  const LeafIndex leaf = history.Add(ReferToDocument("d"), After(90 * kDay));
  const v1::Answer answer = AskAll(history);
  EXPECT_EQ(JudgementOf(answer, leaf), Judged::NO_THRESHOLD);
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("CONTEMPORANEITY"), std::string::npos);
}

// --- Random histories against a plain fold ---------------------------------------------------------------------------

struct Happened {
  std::string type;
  int64_t earliest;
  int64_t latest;
  int64_t recorded;
  bool retrospective = false;
  // For corrections: of which event, and to when; a retraction has no time.
  int corrects = -1;
  std::optional<std::pair<int64_t, int64_t>> moved_to = std::nullopt;
};

// Whether the event was retracted by one below `size` that was not itself.
bool IsVoid(const std::vector<Happened>& events, int place, int size);

// The last correction of the event that still counts; -1: none.
int DeciderOf(const std::vector<Happened>& events, int place, int size) {
  for (int c = size - 1; c > place; --c) {
    if (events[c].corrects == place && !IsVoid(events, c, size)) return c;
  }
  return -1;
}

bool IsVoid(const std::vector<Happened>& events, int place, int size) {
  const int decider = DeciderOf(events, place, size);
  return decider >= 0 && !events[decider].moved_to.has_value();
}

// By the definition, of an event that happened in [earliest, latest].
Judged::Judgement JudgementIn(const Happened& event, int64_t earliest, int64_t latest) {
  const int64_t tolerance = 300 * kSecond;
  if (earliest - event.recorded > tolerance) return Judged::FUTURE_DATED;
  const int64_t threshold = event.type == "artifact.activated" ? 60 * kSecond : kDay;
  if (event.recorded - latest > threshold) return Judged::LATE;
  if (latest - event.recorded > tolerance || event.recorded - earliest > threshold) return Judged::BOUNDED_ONLY;
  return Judged::ON_TIME;
}

// The judgement by the definition, or nullopt for what doesn't count: the worse one, where the time was corrected.
std::optional<Judged::Judgement> PlainJudgement(const std::vector<Happened>& events, int place, int size) {
  const Happened& event = events[place];
  const int decider = DeciderOf(events, place, size);
  if (decider >= 0 && !events[decider].moved_to.has_value()) return std::nullopt;
  if (event.retrospective) return Judged::DECLARED_RETROSPECTIVE;
  std::set<Judged::Judgement> judgements = {JudgementIn(event, event.earliest, event.latest)};
  if (decider >= 0) {
    judgements.insert(JudgementIn(event, events[decider].moved_to->first, events[decider].moved_to->second));
  }
  for (const auto worst : {Judged::FUTURE_DATED, Judged::LATE, Judged::BOUNDED_ONLY}) {
    if (judgements.contains(worst)) return worst;
  }
  return Judged::ON_TIME;
}

TEST(ContemporaneityProperty, A103IndexAnswersEqualThePlainFoldOnRandomHistories) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](int64_t limit) { return static_cast<int64_t>(random() % static_cast<uint64_t>(limit)); };
    ProjectedHistory history;
    std::vector<Happened> events = {{"policy.adopted", 0, 0, 0}};
    AdoptShipped(history, v1::PolicyAdopted::CONTEMPORANEITY, "contemporaneity");
    int64_t now = 0;
    for (int i = 1; i < 60; ++i) {
      now += below(3 * kDay);
      const int64_t latest = now - below(2 * kDay) + below(kDay) / 2;
      Happened event{"document.referenced", latest - below(2) * below(2 * kDay), latest, now};
      EventDraft draft = ReferToDocument("d");
      const int kind = static_cast<int>(below(6));
      if (kind == 0) {
        event.type = "artifact.activated";
        draft = Activate("u", "s", "m");
      } else if (kind == 1) {
        event.retrospective = true;
        draft.header.set_retrospective(true);
      } else if (kind >= 4 && i > 3) {
        // An event of the first level, or (to be retracted) a correction of one.
        event.corrects = static_cast<int>(1 + below(i - 1));
        const bool of_correction = events[event.corrects].corrects >= 0;
        event.type = "record.corrected";
        const EventId corrected = DerivedId("projected", static_cast<uint64_t>(event.corrects));
        if (kind == 4 || of_correction) {
          draft = Correct(corrected, v1::RecordCorrected::RETRACTED);
        } else {
          event.moved_to = {now - 5 * kDay, now - below(5 * kDay)};
          draft = MoveInTime(corrected, After(event.moved_to->first), After(event.moved_to->second));
        }
      }
      SetOccurred(draft, After(event.earliest), After(event.latest));
      history.Add(draft, After(event.recorded));
      events.push_back(event);
    }
    for (int size = 1; size <= static_cast<int>(events.size()); size += 7) {
      const v1::Answer answer = AskAll(history, static_cast<uint64_t>(size));
      std::map<uint64_t, Judged::Judgement> expected;
      std::map<std::pair<std::string, int>, uint64_t> counts;
      for (int place = 0; place < size; ++place) {
        const std::optional<Judged::Judgement> judgement = PlainJudgement(events, place, size);
        if (!judgement.has_value()) continue;
        expected[static_cast<uint64_t>(place)] = *judgement;
        ++counts[{events[place].type, *judgement}];
      }
      std::map<uint64_t, Judged::Judgement> found;
      for (const Judged::OfEvent& event : answer.contemporaneity().events()) {
        found[event.leaf().index()] = event.judgement();
      }
      EXPECT_EQ(found, expected) << "seed " << seed << " size " << size;
      std::map<std::pair<std::string, int>, uint64_t> counted;
      for (const Judged::OfType& type : answer.contemporaneity().types()) {
        for (const Judged::Count& count : type.counts()) counted[{type.type(), count.judgement()}] = count.events();
      }
      EXPECT_EQ(counted, counts) << "seed " << seed << " size " << size;
      EXPECT_EQ(answer.contemporaneity().events_without_effect(), static_cast<uint64_t>(size) - expected.size());
    }
  }
}

}  // namespace
}  // namespace anamnesis
