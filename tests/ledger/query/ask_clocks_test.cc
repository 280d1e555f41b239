// Reporting clocks against the shipped policy document.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"

namespace anamnesis {
namespace {

Timestamp Time(std::string_view text) { return ParseTime(text).value(); }

constexpr std::string_view kAware = "2026-03-06T10:00:00Z";

// An incident with what triggers its clocks.
class Incident {
 public:
  explicit Incident(v1::IncidentRecorded::Harm harm, bool with_policy = true) {
    if (with_policy) AdoptShipped(history_, v1::PolicyAdopted::REPORTING_CLOCK, "reporting_clocks");
    Record(harm);
  }

  LeafIndex Record(v1::IncidentRecorded::Harm harm, std::optional<Timestamp> at = std::nullopt) {
    v1::IncidentRecorded body;
    body.set_harm(harm);
    body.set_description("wrong alert");
    EventDraft draft = DraftWith(std::move(body), {"incident=incident:INC-7"});
    if (at.has_value()) SetOccurred(draft, *at, *at);
    return history_.Add(draft);
  }

  LeafIndex Aware(std::string_view at = kAware, bool remedial = false, bool deterioration = false) {
    v1::IncidentAwarenessEstablished body;
    body.set_aware_at_us(Time(at).us);
    body.set_who("vigilance desk");
    body.set_remedial_action(remedial);
    body.set_unanticipated_deterioration(deterioration);
    return history_.Add(DraftWith(std::move(body), {"incident=incident:INC-7"}));
  }

  LeafIndex Report(v1::VigilanceReported::Kind kind, std::string_view jurisdiction, std::string_view at,
                   std::string_view regime = "", const std::vector<std::string>& actions = {}) {
    v1::VigilanceReported body;
    body.set_regime(std::string(regime));
    body.set_kind(kind);
    body.set_jurisdiction(std::string(jurisdiction));
    body.set_submitted_at_us(Time(at).us);
    body.set_reference("MIR-1");
    std::vector<std::string> refs = {"incident=incident:INC-7"};
    for (const std::string& action : actions) refs.push_back("field_action=field_action:" + action);
    return history_.Add(DraftWith(std::move(body), refs));
  }

  LeafIndex Act(std::string_view jurisdiction, std::string_view at, const std::string& id = "FA-1") {
    v1::FieldActionInitiated body;
    body.set_kind(v1::FieldActionInitiated::RECALL);
    body.set_jurisdiction(std::string(jurisdiction));
    body.set_scope_text("all units");
    body.set_initiated_at_us(Time(at).us);
    EventDraft draft = DraftWith(
        std::move(body), {"field_action=field_action:" + id, "incident=incident:INC-7", "scope=device_model:vent"});
    draft.header.set_rationale("wrong alerts");
    return history_.Add(draft);
  }

  v1::Answer Ask(std::string_view at, int32_t offset_minutes = 0) const {
    v1::Question question;
    SetEntity(*question.mutable_clocks()->mutable_incident(), "incident", "INC-7");
    *question.mutable_clocks()->mutable_at() = ToProtoTime(Time(at));
    question.mutable_clocks()->set_utc_offset_minutes(offset_minutes);
    return AskOf(history_, question);
  }

  ProjectedHistory& history() { return history_; }

 private:
  ProjectedHistory history_;
};

v1::ClocksAnswer::Clock ClockOf(const v1::Answer& answer, std::string_view source) {
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
    if (clock.source() == source) return clock;
  }
  ADD_FAILURE() << "no clock of " << source;
  return {};
}

bool HasNote(const v1::Answer& answer, std::string_view part) {
  return std::any_of(answer.notes().begin(), answer.notes().end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

constexpr std::string_view k87_3 = "Regulation (EU) 2017/745 Art. 87(3)";
constexpr std::string_view k87_4 = "Regulation (EU) 2017/745 Art. 87(4)";
constexpr std::string_view k87_5 = "Regulation (EU) 2017/745 Art. 87(5)";

// Golden scenario 13: awareness on Friday 2026-03-06 at 10:00.
TEST(AskClocks, A97D13SeriousIncidentIs15DaysInTheEuAnd30InTheUs) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  const LeafIndex aware = incident.Aware(kAware, true);
  const v1::Answer answer = incident.Ask("2026-03-07T00:00:00Z");
  EXPECT_EQ(ClockOf(answer, k87_3).due_day(), "2026-03-21");
  EXPECT_EQ(ClockOf(answer, k87_3).state(), v1::ClocksAnswer::OPEN);
  EXPECT_EQ(ClockOf(answer, k87_4).state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_EQ(ClockOf(answer, k87_5).state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_EQ(ClockOf(answer, "21 CFR 803.50").due_day(), "2026-04-05");
  EXPECT_EQ(ClockOf(answer, "21 CFR 803.53").due_day(), "2026-03-13");
  EXPECT_TRUE(ClockOf(answer, "21 CFR 803.53").decisive());
  EXPECT_TRUE(Cites(answer, aware));
}

TEST(AskClocks, A97D13DeathIs10DaysAndPublicHealthThreat2) {
  Incident death(v1::IncidentRecorded::DEATH);
  death.Aware();
  const v1::Answer of_death = death.Ask("2026-03-07T00:00:00Z");
  EXPECT_EQ(ClockOf(of_death, k87_5).due_day(), "2026-03-16");
  EXPECT_TRUE(ClockOf(of_death, k87_5).decisive());
  EXPECT_FALSE(ClockOf(of_death, k87_3).decisive());

  Incident threat(v1::IncidentRecorded::PUBLIC_HEALTH);
  threat.Aware();
  EXPECT_EQ(ClockOf(threat.Ask("2026-03-07T00:00:00Z"), k87_4).due_day(), "2026-03-08");

  Incident worse(v1::IncidentRecorded::NON_SERIOUS);
  worse.Aware(kAware, false, true);
  EXPECT_EQ(ClockOf(worse.Ask("2026-03-07T00:00:00Z"), k87_5).due_day(), "2026-03-16");
}

TEST(AskClocks, A97EveryJurisdictionHasADueDayForEachSeriousHarm) {
  for (const auto harm :
       {v1::IncidentRecorded::SERIOUS, v1::IncidentRecorded::DEATH, v1::IncidentRecorded::PUBLIC_HEALTH}) {
    Incident incident(harm);
    incident.Aware();
    const v1::Answer answer = incident.Ask("2026-03-07T00:00:00Z");
    std::set<std::string> jurisdictions;
    std::map<std::string, std::string> first_due;
    for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
      jurisdictions.insert(clock.jurisdiction());
      if (!clock.has_due()) continue;
      std::string& due = first_due.try_emplace(clock.jurisdiction(), clock.due_day()).first->second;
      due = std::min(due, clock.due_day());
    }
    for (const std::string& jurisdiction : jurisdictions) {
      EXPECT_TRUE(first_due.contains(jurisdiction)) << jurisdiction << " " << v1::IncidentRecorded::Harm_Name(harm);
    }
    EXPECT_EQ(first_due["CA"], "2026-03-16");
    if (harm != v1::IncidentRecorded::PUBLIC_HEALTH) {
      EXPECT_EQ(first_due["AU"], "2026-03-16");
    }
  }
}

TEST(AskClocks, A97WhatMightHaveBeenSeriousIsReportedInTheEuToo) {
  // A malfunction needs no harm: it might have led to some (MDR 2(65)), or would if it recurred (21 CFR 803.50(a)(2)).
  for (const auto harm :
       {v1::IncidentRecorded::NO_HARM, v1::IncidentRecorded::NEAR_MISS, v1::IncidentRecorded::NON_SERIOUS}) {
    Incident incident(harm);
    incident.Aware();
    const v1::Answer answer = incident.Ask("2026-03-07T00:00:00Z");
    const auto clock = ClockOf(answer, "Regulation (EU) 2017/745 Art. 2(65), 87(3)");
    EXPECT_EQ(clock.due_day(), "2026-03-21");
    EXPECT_EQ(clock.state(), v1::ClocksAnswer::OPEN);
    int open = 0;
    for (const v1::ClocksAnswer::Clock& one : answer.clocks().clocks()) {
      const bool could_recur = one.trigger() == v1::ReportingClocks::COULD_RECUR;
      EXPECT_EQ(one.state(), could_recur ? v1::ClocksAnswer::OPEN : v1::ClocksAnswer::NOT_TRIGGERED) << one.source();
      open += could_recur ? 1 : 0;
    }
    EXPECT_EQ(open, 4) << "EU, US, Canada and Australia";
  }
}

TEST(AskClocks, A97OfUnknownHarmTheStrictestClockRuns) {
  Incident incident(v1::IncidentRecorded::NO_HARM);
  incident.Aware();
  incident.history().Retract(LeafIndex(1));
  const v1::Answer answer = incident.Ask("2026-03-07T00:00:00Z");
  EXPECT_EQ(ClockOf(answer, k87_4).due_day(), "2026-03-08");
  EXPECT_TRUE(ClockOf(answer, k87_4).decisive());
  EXPECT_EQ(ClockOf(answer, k87_4).state(), v1::ClocksAnswer::OPEN);
  EXPECT_NE(ClockOf(answer, k87_4).text().find("no record says which harm"), std::string::npos);
  EXPECT_EQ(ClockOf(answer, "21 CFR 803.53").state(), v1::ClocksAnswer::NOT_TRIGGERED) << "not a matter of harm";
  EXPECT_TRUE(HasNote(answer, "no incident.recorded says how serious it was"));
  EXPECT_EQ(incident.Ask("2026-03-09T00:00:00Z").clocks().overdue(), 2u) << "the EU's and Australia's";
}

TEST(AskClocks, OfRecordsThatDifferOnTheHarmEachCounts) {
  Incident incident(v1::IncidentRecorded::DEATH);
  incident.Aware();
  const LeafIndex milder = incident.Record(v1::IncidentRecorded::NON_SERIOUS, Time("2026-03-07T10:00:00Z"));
  const v1::Answer answer = incident.Ask("2026-03-08T00:00:00Z");
  EXPECT_EQ(ClockOf(answer, k87_5).state(), v1::ClocksAnswer::OPEN);
  EXPECT_EQ(ClockOf(answer, k87_5).text(), "harm DEATH");
  EXPECT_EQ(ClockOf(answer, k87_3).state(), v1::ClocksAnswer::OPEN);
  EXPECT_EQ(ClockOf(answer, "Regulation (EU) 2017/745 Art. 2(65), 87(3)").state(), v1::ClocksAnswer::OPEN);
  EXPECT_EQ(ClockOf(answer, k87_4).state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_TRUE(HasNote(answer, Text("differ on the harm, DEATH (leaf 1), NON_SERIOUS (leaf ", milder.value, ")")));
  EXPECT_TRUE(Cites(answer, LeafIndex(1)));

  // Whoever takes back what is wrong decides.
  incident.history().Retract(LeafIndex(1));
  const v1::Answer settled = incident.Ask("2026-03-08T00:00:00Z");
  EXPECT_EQ(ClockOf(settled, k87_5).state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_FALSE(HasNote(settled, "differ on the harm"));
}

TEST(AskClocks, ADeteriorationIsCountedFromWhenTheIncidentBecameKnown) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  const LeafIndex first = incident.Aware();
  incident.Aware("2026-03-14T10:00:00Z", true, true);
  const v1::Answer answer = incident.Ask("2026-03-17T00:00:00Z");
  EXPECT_EQ(ClockOf(answer, k87_5).due_day(), "2026-03-16");
  EXPECT_EQ(ClockOf(answer, k87_5).state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_EQ(ClockOf(answer, k87_5).start().index(), first.value);
  EXPECT_NE(ClockOf(answer, k87_5).text().find("counted from when the incident became known"), std::string::npos);
  EXPECT_EQ(ClockOf(answer, "21 CFR 803.53").due_day(), "2026-03-20") << "the need for remedial action came later";
}

constexpr std::string_view kFieldAction = "Regulation (EU) 2017/745 Art. 87(1)(b), 87(8)";

TEST(AskClocks, A97AFieldActionInAMemberStateStartsTheClockOfTheUnion) {
  Incident incident(v1::IncidentRecorded::NO_HARM);
  const LeafIndex action = incident.Act("DE", "2026-03-06T10:00:00Z");
  // Without the retention policy's regions nothing says that it is part of the EU.
  const v1::Answer alone = incident.Ask("2026-03-07T00:00:00Z");
  EXPECT_EQ(ClockOf(alone, kFieldAction).state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_TRUE(HasNote(alone, Text("field_action.initiated of leaf ", action.value, " is for \"DE\"")));

  const LeafIndex regions = AdoptShipped(incident.history(), v1::PolicyAdopted::RETENTION, "retention");
  const v1::Answer within = incident.Ask("2026-03-07T00:00:00Z");
  EXPECT_EQ(ClockOf(within, kFieldAction).state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_EQ(ClockOf(within, "21 CFR 806.10").state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_FALSE(HasNote(within, "is for"));
  EXPECT_TRUE(Cites(within, regions));

  incident.Report(v1::VigilanceReported::FIELD_SAFETY_CORRECTIVE_ACTION, "FR", "2026-03-06T09:00:00Z", "EU MDR");
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-07T00:00:00Z"), kFieldAction).state(), v1::ClocksAnswer::REPORTED);
  const LeafIndex report = incident.Report(v1::VigilanceReported::INITIAL, "BR", "2026-03-06T09:00:00Z");
  EXPECT_TRUE(HasNote(incident.Ask("2026-03-07T00:00:00Z"),
                      Text("vigilance.reported of leaf ", report.value, " is for \"BR\"")));
}

std::vector<v1::ClocksAnswer::Clock> ClocksOf(const v1::Answer& answer, std::string_view source) {
  std::vector<v1::ClocksAnswer::Clock> found;
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
    if (clock.source() == source) found.push_back(clock);
  }
  return found;
}

TEST(AskClocks, EveryFieldActionHasToBeReported) {
  Incident incident(v1::IncidentRecorded::NO_HARM);
  incident.Act("US", "2026-03-05T10:00:00Z", "FA-1");
  const LeafIndex report =
      incident.Report(v1::VigilanceReported::FIELD_SAFETY_CORRECTIVE_ACTION, "US", "2026-03-06T10:00:00Z");
  const LeafIndex second = incident.Act("US", "2026-03-20T10:00:00Z", "FA-2");
  const v1::Answer answer = incident.Ask("2026-04-20T00:00:00Z");
  const auto clocks = ClocksOf(answer, "21 CFR 806.10");
  ASSERT_EQ(clocks.size(), 2u);
  EXPECT_EQ(clocks[0].state(), v1::ClocksAnswer::REPORTED);
  EXPECT_EQ(clocks[0].text(), "field_action:FA-1 was initiated");
  EXPECT_EQ(clocks[1].state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_EQ(clocks[1].start().index(), second.value);
  EXPECT_EQ(answer.clocks().overdue(), 1u);
  EXPECT_TRUE(HasNote(answer, Text("the report at leaf ", report.value, " does not say of which")));

  incident.Report(v1::VigilanceReported::FIELD_SAFETY_CORRECTIVE_ACTION, "US", "2026-03-21T10:00:00Z", "", {"FA-2"});
  const auto named = ClocksOf(incident.Ask("2026-04-20T00:00:00Z"), "21 CFR 806.10");
  EXPECT_EQ(named[0].report().index(), report.value);
  EXPECT_EQ(named[1].state(), v1::ClocksAnswer::REPORTED);
}

TEST(AskClocks, AReportThatNamesNoneOfSeveralFieldActionsStopsNoClock) {
  Incident incident(v1::IncidentRecorded::NO_HARM);
  incident.Act("EU", "2026-03-05T10:00:00Z", "FA-1");
  incident.Act("EU", "2026-03-06T10:00:00Z", "FA-2");
  const LeafIndex report =
      incident.Report(v1::VigilanceReported::FIELD_SAFETY_CORRECTIVE_ACTION, "EU", "2026-03-07T10:00:00Z", "EU MDR");
  const v1::Answer answer = incident.Ask("2026-03-08T00:00:00Z");
  for (const auto& clock : ClocksOf(answer, kFieldAction)) EXPECT_EQ(clock.state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_TRUE(HasNote(answer, Text("the report at leaf ", report.value, " does not say of which of several field ",
                                   "actions it is, so it stops the clock of none")));
  // In advance, as the regulation asks, and of both.
  incident.Report(v1::VigilanceReported::FIELD_SAFETY_CORRECTIVE_ACTION, "EU", "2026-03-05T09:00:00Z", "EU MDR",
                  {"FA-1", "FA-2"});
  for (const auto& clock : ClocksOf(incident.Ask("2026-03-08T00:00:00Z"), kFieldAction)) {
    EXPECT_EQ(clock.state(), v1::ClocksAnswer::REPORTED);
  }
}

TEST(AskClocks, A97OverdueFromTheDayAfterAndReportedInTimeOrLate) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  incident.Aware();
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-21T23:59:59Z"), k87_3).state(), v1::ClocksAnswer::OPEN);
  const v1::Answer overdue = incident.Ask("2026-03-22T00:00:00Z");
  EXPECT_EQ(ClockOf(overdue, k87_3).state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_EQ(ClockOf(overdue, "21 CFR 803.50").state(), v1::ClocksAnswer::OPEN);
  // The medical device regulation's, and those of ten days in Canada and Australia.
  EXPECT_EQ(overdue.clocks().overdue(), 3u);

  incident.Report(v1::VigilanceReported::INITIAL, "EU", "2026-03-22T08:00:00Z", "EU MDR");
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-22T09:00:00Z"), k87_3).state(), v1::ClocksAnswer::REPORTED_LATE);
  // As of before the report it still isn't there.
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-22T07:00:00Z"), k87_3).state(), v1::ClocksAnswer::OVERDUE);

  const LeafIndex report = incident.Report(v1::VigilanceReported::INITIAL, "EU", "2026-03-20T08:00:00Z", "EU MDR");
  const v1::Answer in_time = incident.Ask("2026-03-22T09:00:00Z");
  EXPECT_EQ(ClockOf(in_time, k87_3).state(), v1::ClocksAnswer::REPORTED);
  EXPECT_EQ(ClockOf(in_time, k87_3).report().index(), report.value);
  // A report to one authority is none to another.
  EXPECT_EQ(ClockOf(in_time, "21 CFR 803.50").state(), v1::ClocksAnswer::OPEN);
}

constexpr std::string_view kAiAct = "Regulation (EU) 2024/1689 Art. 73(2)";

TEST(AskClocks, A97ALawStartsNoClockBeforeItApplies) {
  Incident incident(v1::IncidentRecorded::DEATH);
  incident.Aware("2028-08-01T10:00:00Z");
  const v1::Answer before = incident.Ask("2028-09-01T00:00:00Z", 60);
  EXPECT_EQ(ClockOf(before, kAiAct).state(), v1::ClocksAnswer::NOT_TRIGGERED);
  EXPECT_EQ(ClockOf(before, kAiAct).text(), "harm DEATH, but before 2028-08-02, from when on the law applies");
  EXPECT_EQ(ClockOf(before, k87_5).state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_TRUE(HasNote(before, "EU AI Act applies from 2028-08-02 on"));
  EXPECT_FALSE(HasNote(before, "Art. 73(10)"));
  // Whoever reports to the EU without saying under which law meant the only one there was.
  incident.Report(v1::VigilanceReported::INITIAL, "EU", "2028-08-03T08:00:00Z");
  EXPECT_EQ(ClockOf(incident.Ask("2028-09-01T00:00:00Z", 60), k87_5).state(), v1::ClocksAnswer::REPORTED);

  Incident later(v1::IncidentRecorded::PUBLIC_HEALTH);
  later.Aware("2028-08-02T10:00:00Z");
  const v1::Answer after = later.Ask("2028-08-03T00:00:00Z", 60);
  EXPECT_EQ(ClockOf(after, kAiAct).state(), v1::ClocksAnswer::OPEN);
  EXPECT_EQ(ClockOf(after, "Regulation (EU) 2024/1689 Art. 73(3)").state(), v1::ClocksAnswer::NOT_TRIGGERED)
      << "a threat to public health is no widespread infringement";
  EXPECT_TRUE(HasNote(after, "Art. 73(10) leaves only infringements of fundamental rights"));
}

TEST(AskClocks, A97AReportUnderOneLawStopsNoClockOfAnother) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  incident.Aware("2030-03-06T10:00:00Z");
  incident.Report(v1::VigilanceReported::INITIAL, "EU", "2030-03-20T08:00:00Z", "EU MDR");
  const v1::Answer one = incident.Ask("2030-03-22T09:00:00Z", 60);
  EXPECT_EQ(ClockOf(one, k87_3).state(), v1::ClocksAnswer::REPORTED);
  EXPECT_EQ(ClockOf(one, kAiAct).state(), v1::ClocksAnswer::OVERDUE);
  // Beside those of Canada and Australia.
  EXPECT_EQ(one.clocks().overdue(), 3u);
  EXPECT_EQ(one.notes_size(), 1) << "Art. 73(10)";
  const LeafIndex second = incident.Report(v1::VigilanceReported::INITIAL, "EU", "2030-03-21T08:00:00Z", "EU AI Act");
  const v1::Answer both = incident.Ask("2030-03-22T09:00:00Z", 60);
  EXPECT_EQ(ClockOf(both, kAiAct).report().index(), second.value);
  EXPECT_EQ(both.clocks().overdue(), 2u);
}

TEST(AskClocks, A97AReportThatDoesNotSayUnderWhichLawStopsNoneOfSeveral) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  incident.Aware("2030-03-06T10:00:00Z");
  const LeafIndex eu = incident.Report(v1::VigilanceReported::INITIAL, "EU", "2030-03-20T08:00:00Z");
  incident.Report(v1::VigilanceReported::INITIAL, "US", "2030-03-20T08:00:00Z");
  const v1::Answer answer = incident.Ask("2030-03-22T09:00:00Z", 60);
  EXPECT_EQ(ClockOf(answer, k87_3).state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_EQ(ClockOf(answer, kAiAct).state(), v1::ClocksAnswer::OVERDUE);
  // There is only one law that such a report to the US can be under.
  EXPECT_EQ(ClockOf(answer, "21 CFR 803.50").state(), v1::ClocksAnswer::REPORTED);
  EXPECT_TRUE(HasNote(answer, Text("the report at leaf ", eu.value, " does not say")));
  // Nor does one under a law that the policy doesn't know.
  const LeafIndex misspelt = incident.Report(v1::VigilanceReported::INITIAL, "EU", "2030-03-20T09:00:00Z", "EU-MDR");
  const v1::Answer both = incident.Ask("2030-03-22T09:00:00Z", 60);
  EXPECT_EQ(ClockOf(both, k87_3).state(), v1::ClocksAnswer::OVERDUE);
  EXPECT_TRUE(HasNote(both, Text("the report at leaf ", misspelt.value, " was made under \"EU-MDR\"")));
}

TEST(AskClocks, A97WorkDaysLeaveOutHolidaysAndWeekends) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  // Wednesday before Thanksgiving: 27 Nov, 30 Nov, 1, 2 and 3 Dec.
  incident.Aware("2026-11-25T10:00:00Z", true);
  EXPECT_EQ(ClockOf(incident.Ask("2026-11-26T00:00:00Z"), "21 CFR 803.53").due_day(), "2026-12-03");
}

TEST(AskClocks, A97ACountIntoAYearWithoutHolidaysSaysSo) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  incident.Aware("2027-12-29T10:00:00Z", true);
  EXPECT_TRUE(HasNote(incident.Ask("2027-12-30T00:00:00Z"), "no holidays of US in 2028"));
  Incident before(v1::IncidentRecorded::SERIOUS);
  before.Aware("2027-12-01T10:00:00Z", true);
  EXPECT_FALSE(HasNote(before.Ask("2027-12-02T00:00:00Z"), "no holidays"));
}

TEST(AskClocks, A97WithoutAnOffsetTheAnswerSaysWhoseDaysTheyAre) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  // Friday evening in Boston.
  incident.Aware("2026-03-07T01:00:00Z");
  const v1::Answer utc = incident.Ask("2026-03-07T12:00:00Z");
  EXPECT_EQ(ClockOf(utc, "21 CFR 803.50").due_day(), "2026-04-06");
  EXPECT_TRUE(HasNote(utc, "days are those of UTC"));
  const v1::Answer boston = incident.Ask("2026-03-07T12:00:00Z", -300);
  EXPECT_EQ(ClockOf(boston, "21 CFR 803.50").due_day(), "2026-04-05");
  EXPECT_FALSE(HasNote(boston, "days are those of UTC"));
}

TEST(AskClocks, A97DaysAreThoseOfTheOffset) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  incident.Aware("2026-03-06T23:30:00Z");
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-07T00:00:00Z"), k87_3).due_day(), "2026-03-21");
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-07T00:00:00Z", 60), k87_3).due_day(), "2026-03-22");
}

TEST(AskClocks, A97NumbersFromOneSourceAreNotConfirmedAndHoursAreExact) {
  Incident incident(v1::IncidentRecorded::PUBLIC_HEALTH);
  incident.Aware();
  const v1::Answer answer = incident.Ask("2026-03-08T10:00:00Z");
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
    const bool secondary = clock.jurisdiction() == "CA" || clock.jurisdiction() == "AU" || clock.jurisdiction() == "JP";
    EXPECT_TRUE(!secondary || !clock.confirmed()) << clock.source();
    if (clock.unit() != v1::ReportingClocks::HOURS) continue;
    EXPECT_EQ(clock.due().seconds(), Time("2026-03-08T10:00:00Z").us / 1'000'000);
    EXPECT_EQ(clock.state(), v1::ClocksAnswer::OVERDUE);
  }
}

TEST(AskClocks, A97WithoutAwarenessOrPolicyItSaysSo) {
  const Incident silent(v1::IncidentRecorded::SERIOUS);
  EXPECT_EQ(ClockOf(silent.Ask("2026-03-07T00:00:00Z"), k87_3).state(), v1::ClocksAnswer::NOT_STARTED);

  Incident unregulated(v1::IncidentRecorded::SERIOUS, false);
  unregulated.Aware();
  const v1::Answer answer = unregulated.Ask("2026-03-07T00:00:00Z");
  EXPECT_EQ(answer.clocks().clocks_size(), 0);
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("REPORTING_CLOCK"), std::string::npos);
}

TEST(AskClocks, A97ARetractedAwarenessStartsNoClockAndIsStillKnownThen) {
  Incident incident(v1::IncidentRecorded::SERIOUS);
  const LeafIndex early = incident.Aware("2026-03-01T10:00:00Z");
  incident.Aware();
  const TreeSize before = incident.history().size();
  incident.history().Retract(early);
  EXPECT_EQ(ClockOf(incident.Ask("2026-03-07T00:00:00Z"), k87_3).due_day(), "2026-03-21");
  v1::Question question;
  SetEntity(*question.mutable_clocks()->mutable_incident(), "incident", "INC-7");
  *question.mutable_clocks()->mutable_at() = ToProtoTime(Time("2026-03-07T00:00:00Z"));
  question.set_known_size(before.value);
  EXPECT_EQ(ClockOf(AskOf(incident.history(), question), k87_3).due_day(), "2026-03-16");
}

}  // namespace
}  // namespace anamnesis
