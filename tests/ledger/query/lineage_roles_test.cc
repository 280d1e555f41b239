// What the references of every event type are to each other: lineage_roles.txt beside this file says it of each type,
// and a type that is new or has a new role fails here until somebody has decided. A reviewed change is written by
//
//   ANAMNESIS_WRITE_EXPECTED=1 test_ledger_query --gtest_filter=LineageRoles.*

#include "ledger/query/lineage_roles.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/support/places.h"

namespace anamnesis {
namespace {

using ::testing::Contains;
using ::testing::IsSupersetOf;
using ::testing::Not;

bool AllEnd(const v1::ReferenceRule& rule) {
  return std::all_of(rule.kinds().begin(), rule.kinds().end(), EndsLineage);
}

// "TYPE: PRODUCT <- INPUT (INPUT)"; paths end at what stands in brackets.
std::string RolesText(const EventType& type, bool defining) {
  v1::EventHeader header;
  for (const v1::ReferenceRule& rule : type.options->refs()) {
    if (!defining && rule.defines() && rule.min() == 0) continue;
    v1::EntityRef& ref = *header.add_refs();
    ref.set_role(rule.role());
    ref.set_kind(rule.kinds(0));
    ref.set_id("x");
  }
  const LineageRoles roles = LineageRolesOf(type, header);
  std::string text = Text(type.name(), ":");
  for (const v1::EntityRef* product : roles.products) text += Text(" ", product->role());
  text += roles.inputs.empty() ? "" : " <-";
  for (const LineageInput& input : roles.inputs) {
    const auto& rules = type.options->refs();
    const auto rule = std::find_if(rules.begin(), rules.end(),
                                   [&](const v1::ReferenceRule& one) { return one.role() == input.ref->role(); });
    const bool end = input.end || AllEnd(*rule);
    text += end ? Text(" (", input.ref->role(), ")") : Text(" ", input.ref->role());
  }
  return text;
}

std::string AllRoles() {
  std::string text;
  for (const EventType* type : Vocabulary::Get().All()) {
    const std::string defining = RolesText(*type, true);
    text += defining + "\n";
    if (const std::string otherwise = RolesText(*type, false); otherwise != defining) text += otherwise + "\n";
  }
  return text;
}

TEST(LineageRoles, AreDecidedForEveryType) {
  const std::string path = SourcePath("tests/ledger/query/lineage_roles.txt");
  if (std::getenv("ANAMNESIS_WRITE_EXPECTED") != nullptr) std::ofstream(path) << AllRoles();
  std::stringstream expected;
  expected << std::ifstream(path).rdbuf();
  EXPECT_EQ(AllRoles(), expected.str());
}

std::vector<std::string> Reached(const ProjectedHistory& history, v1::LineageQuestion::Direction direction,
                                 const v1::EntityRef& entity) {
  v1::Question question;
  *question.mutable_lineage()->mutable_entity() = entity;
  question.mutable_lineage()->set_direction(direction);
  std::vector<std::string> names;
  const v1::Answer answer = AskOf(history, question);
  for (const v1::EntityRef& ref : answer.lineage().reached()) {
    names.push_back(Text(ref.kind(), ":", ref.id(), ref.version().empty() ? "" : "@", ref.version()));
  }
  return names;
}

v1::EntityRef Artifact(std::string_view version) {
  v1::EntityRef entity;
  SetEntity(entity, "artifact", "shift", version);
  return entity;
}

// Two artifacts that were asked for, decided on and run on the same units have nothing else in common.
TEST(LineageRoles, A49WhatRanOnTheSameUnitWasNotMadeOfEachOther) {
  ProjectedHistory history;
  for (const char* version : {"1", "2"}) {
    const std::string artifact = Text("artifact=artifact:shift@", version);
    const std::string decision = Text("decision=gate_decision:d", version);
    EventDraft produced = ProduceArtifact("shift", version);
    AddReference(produced, "model", "model", "base", version);
    AddReference(produced, "producer", "device_unit", "ICU-2");
    history.Add(produced);
    v1::GateRequested requested;
    requested.set_jurisdiction("US");
    requested.set_artifact_digest(kTestDigest);
    history.Add(DraftWith(std::move(requested), {artifact, "unit=device_unit:ICU-2"}));
    v1::GateDecided decided;
    decided.set_jurisdiction("US");
    decided.set_at_us(kTestStart.us);
    decided.set_verdict(v1::GateDecided::DENY);
    decided.set_tree_size(1);
    decided.add_results()->set_rule_id("G01");
    decided.mutable_results(0)->set_outcome(v1::GateDecided::RuleResult::FAIL);
    history.Add(DraftWith(std::move(decided), {decision, artifact, "unit=device_unit:ICU-2", "policy=policy:gate@1"}));
    history.Add(WithRefs(ActivateItem("ICU-2", "threshold", "artifact", "shift", version), {decision}));
    history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS, v1::RiskControlVerified::PASS,
                         {Text("verified=artifact:shift@", version)}));
  }
  history.Add(
      Rationale(DraftWith(v1::ArtifactSuperseded(), {"artifact=artifact:shift@1", "successor=artifact:shift@2"})));
  history.Add(RecordIncident("INC-1", "ICU-2"));
  const std::vector<std::string> up = Reached(history, v1::LineageQuestion::UP, Artifact("1"));
  EXPECT_THAT(up, Contains("model:base@1"));
  for (const char* other : {"artifact:shift@2", "model:base@2", "gate_decision:d1", "policy:gate@1"}) {
    EXPECT_THAT(up, Not(Contains(other)));
  }
  // From what happened to the unit the way leads to all that ran there, and from what ran to where it runs.
  v1::EntityRef incident;
  SetEntity(incident, "incident", "INC-1");
  EXPECT_THAT(Reached(history, v1::LineageQuestion::UP, incident),
              IsSupersetOf({"device_unit:ICU-2", "artifact:shift@1", "artifact:shift@2", "model:base@2"}));
  EXPECT_THAT(Reached(history, v1::LineageQuestion::DOWN, Artifact("1")),
              IsSupersetOf({"device_unit:ICU-2", "incident:INC-1"}));
}

}  // namespace
}  // namespace anamnesis
