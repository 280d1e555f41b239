// What was allowed, and when, is told as the gate judges it: in whatever order it was recorded, and however the records
// of it were made anew.

#include "client/exports/permissions.h"

#include <map>
#include <set>
#include <string>

#include "anamnesis/v1/vocabulary.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/exports/item_records.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::exports {
namespace {

using testing::StartsWith;

EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

EventDraft Anew(EventDraft draft, LeafIndex corrected) {
  draft.header.set_corrects(ProjectedHistory::IdOf(corrected));
  return Because(std::move(draft));
}

EventDraft InVersion(EventDraft draft, const std::string& version) {
  draft.header.mutable_refs(0)->set_version(version);
  return draft;
}

EventDraft ToldLate(EventDraft draft) {
  draft.header.set_retrospective(true);
  return draft;
}

template <typename Body>
EventDraft From(Body body, int64_t hour, const std::string& ref) {
  body.set_effective_from_us(Hour(hour).us);
  return AtHour(Because(DraftWith(std::move(body), {ref})), hour);
}

// What an export says at an hour of each permission of this kind, by its version.
std::map<std::string, std::string> StatesAt(const ProjectedHistory& history, std::string_view kind, int64_t hour) {
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  std::set<uint64_t> leaves;
  for (uint64_t leaf = 0; leaf < history.size().value; ++leaf) leaves.insert(leaf);
  StatusOr<std::map<uint64_t, Cited>> records = ReadLeaves(view, leaves);
  EXPECT_TRUE(records.ok()) << records.status();
  const StatusOr<std::vector<Permission>> found = PermissionsIn(view, *records);
  EXPECT_TRUE(found.ok()) << found.status();
  std::map<std::string, std::string> states;
  for (const Permission& one : *found) {
    if (one.entity.kind() == kind) states[one.entity.version()] = one.StateCell(Hour(hour)).text;
  }
  return states;
}

std::string FromHour(std::string_view state, int64_t hour) { return Text(state, " from ", FormatTime(Hour(hour))); }

TEST(Permissions, ASuspensionOutlivesTheRecordOfTheGrant) {
  ProjectedHistory history;
  const LeafIndex granted = history.Add(AtHour(Granted(), 0));
  history.Add(From(v1::AuthorisationSuspended(), 2, "authorisation=authorisation:a@1"));
  EXPECT_EQ(StatesAt(history, "authorisation", 5)["1"], FromHour("suspended", 2));
  history.Add(Anew(AtHour(Granted(), 0), granted), Hour(3));
  EXPECT_EQ(StatesAt(history, "authorisation", 5)["1"], FromHour("suspended", 2));
  history.Add(From(v1::AuthorisationReinstated(), 4, "authorisation=authorisation:a@1"));
  EXPECT_EQ(StatesAt(history, "authorisation", 5)["1"], FromHour("reinstated", 4));
}

TEST(Permissions, ASuspensionIsOfEveryGrantOfTheVersion) {
  ProjectedHistory history;
  history.Add(AtHour(Granted(), 0));
  history.Add(AtHour(Granted(), 0), Hour(1));
  history.Add(From(v1::AuthorisationSuspended(), 2, "authorisation=authorisation:a@1"));
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  const auto found = PermissionsIn(view, ReadLeaves(view, {0, 1, 2}).value());
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->size(), 2U);
  for (const Permission& one : *found) EXPECT_FALSE(one.InForceAt(Hour(3))) << one.granted;
}

TEST(Permissions, WhatEndsAPlanOrAnEnvelopeOutlivesItsRecord) {
  ProjectedHistory history;
  history.Add(AtHour(Granted(), 0));
  const LeafIndex plan = history.Add(AtHour(Planned(), 1));
  const LeafIndex envelope = history.Add(AtHour(Envelope("1", "0.1"), 1));
  history.Add(From(v1::ChangePlanWithdrawn(), 2, "change_plan=change_plan:p@1"));
  history.Add(From(v1::EnvelopeRetired(), 2, "envelope=envelope:e@1"));
  history.Add(Anew(AtHour(Planned(), 1), plan), Hour(3));
  history.Add(Anew(AtHour(Envelope("1", "0.2"), 1), envelope), Hour(3));
  EXPECT_EQ(StatesAt(history, "change_plan", 5)["1"], FromHour("withdrawn", 2));
  EXPECT_EQ(StatesAt(history, "envelope", 5)["1"], FromHour("retired", 2));
}

TEST(Permissions, AnOlderVersionThatIsToldLateIsNotTheNewestOne) {
  ProjectedHistory history;
  history.Add(AtHour(Granted(), 0));
  history.Add(AtHour(InVersion(Planned(), "2"), 6));
  history.Add(AtHour(Envelope("2", "0.2"), 6));
  history.Add(ToldLate(AtHour(Planned(), 2)), Hour(8));
  history.Add(ToldLate(AtHour(Envelope("1", "0.1"), 2)), Hour(8));
  for (const char* kind : {"change_plan", "envelope"}) {
    auto states = StatesAt(history, kind, 9);
    EXPECT_EQ(states["1"], FromHour("replaced by version 2", 6)) << kind;
    EXPECT_EQ(states["2"], FromHour("in force", 6)) << kind;
    states = StatesAt(history, kind, 4);
    EXPECT_EQ(states["1"], FromHour("in force", 2)) << kind;
    EXPECT_THAT(states["2"], StartsWith("not in force yet")) << kind;
  }
}

TEST(Permissions, AVersionGoesOnUntilTheNextOneWhenOneInBetweenIsToldLate) {
  ProjectedHistory history;
  history.Add(AtHour(Envelope("1", "0.1"), 1));
  history.Add(AtHour(Envelope("3", "0.3"), 6));
  history.Add(ToldLate(AtHour(Envelope("2", "0.2"), 4)), Hour(8));
  auto states = StatesAt(history, "envelope", 9);
  EXPECT_EQ(states["1"], FromHour("replaced by version 2", 4));
  EXPECT_EQ(states["2"], FromHour("replaced by version 3", 6));
  EXPECT_EQ(states["3"], FromHour("in force", 6));
}

TEST(Permissions, AGrantBeginsWhenItMayHaveHappened) {
  ProjectedHistory history;
  history.Add(AtHour(Granted(), 1, 9), Hour(3));
  history.Add(AtHour(InVersion(Granted(), "2"), 7, 8), Hour(4));
  auto states = StatesAt(history, "authorisation", 9);
  EXPECT_EQ(states["1"], FromHour("in force", 1));
  EXPECT_EQ(states["2"], FromHour("in force", 4)) << "what is recorded happened";
}

}  // namespace
}  // namespace anamnesis::exports
