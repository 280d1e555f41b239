// The trace matrix, chains, orphans and dependent controls, and random histories against a plain fold.

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

using Trace = v1::TraceAnswer;

v1::Question TraceQuestion(const std::string& kind, const std::string& id, v1::SoftwareSafetyClass safety_class) {
  v1::Question question;
  SetEntity(*question.mutable_trace()->mutable_subject(), kind, id);
  question.mutable_trace()->set_safety_class(safety_class);
  return question;
}

Trace TraceOf(const ProjectedHistory& history, v1::SoftwareSafetyClass safety_class = v1::SOFTWARE_SAFETY_CLASS_C,
              uint64_t known_size = 0) {
  v1::Question question = TraceQuestion("software_item", "X", safety_class);
  question.set_known_size(known_size);
  return AskOf(history, question).trace();
}

// The state of an element's cell, by the element's id.
Trace::State CellOf(const Trace& trace, const std::string& kind, const std::string& id, const std::string& to) {
  for (const Trace::Cell& cell : trace.cells()) {
    const v1::EntityRef& entity = trace.elements(static_cast<int>(cell.element())).entity();
    if (entity.kind() == kind && entity.id() == id && cell.to_column() == to) return cell.state();
  }
  return Trace::STATE_UNSPECIFIED;
}

// An item of class C with every link.
struct WholeTrace {
  ProjectedHistory history;
  LeafIndex implementation;

  WholeTrace() {
    AdoptProfile(history);
    history.Add(Item("X"));
    history.Add(Hazard("H", "X"));
    history.Add(Situation("S", "H", "X"));
    history.Add(Cause("K", "S", "X"));
    history.Add(Requirement("R", "1", "X", v1::RequirementContent::RISK_CONTROL));
    history.Add(Control("RC", {"cause=software_cause:K", "requirement=requirement:R@1", "depends_on=software_item:X"}));
    history.Add(Architecture("arch", "X"));
    history.Add(Design("des", "X"));
    history.Add(Code("c1", "X"));
    history.Add(Link("architecture:arch@1", v1::SATISFIES, "requirement:R@1"));
    history.Add(Link("design:des@1", v1::SATISFIES, "architecture:arch@1"));
    history.Add(Link("code_revision:X-code@c1", v1::IMPLEMENTS, "design:des@1"));
    history.Add(TestCase("T", v1::SYSTEM, "X", {"requirement=requirement:R@1"}));
    history.Add(TestRunOf("run", "T", v1::SYSTEM, "X"));
    implementation = history.Add(Verified("RC", v1::RiskControlVerified::IMPLEMENTATION));
    history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS));
  }
};

TEST(AskTrace, A55AWholeMatrixIsCompleteBothWays) {
  const WholeTrace whole;
  const Trace trace = TraceOf(whole.history);
  EXPECT_TRUE(trace.complete()) << trace.DebugString();
  EXPECT_EQ(trace.orphans_size(), 0);
  EXPECT_EQ(CellOf(trace, "requirement", "R", "architecture"), Trace::LINKED);
  EXPECT_EQ(CellOf(trace, "requirement", "R", "code"), Trace::LINKED);
  EXPECT_EQ(CellOf(trace, "requirement", "R", "test"), Trace::LINKED);
  EXPECT_EQ(CellOf(trace, "test_case", "T", "result"), Trace::LINKED);
  EXPECT_EQ(CellOf(trace, "risk_control", "RC", "result"), Trace::LINKED);
  const v1::Answer of_hazard = AskOf(whole.history, TraceQuestion("hazard", "H", v1::SOFTWARE_SAFETY_CLASS_C));
  EXPECT_GT(of_hazard.trace().chains_size(), 0);
  EXPECT_EQ(of_hazard.trace().chains(0).missing_hop(), "");
}

TEST(AskTrace, A55AWithdrawnLinkIsAGapByClauseForCAndByPolicyForB) {
  WholeTrace whole;
  const TreeSize before = whole.history.size();
  whole.history.Add(Unlink("design:des@1", v1::SATISFIES, "architecture:arch@1"));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "architecture", "arch", "design"), Trace::MISSING_BY_CLAUSE);
  EXPECT_FALSE(TraceOf(whole.history).complete());
  const Trace of_b = TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_B);
  EXPECT_EQ(CellOf(of_b, "architecture", "arch", "design"), Trace::MISSING_BY_POLICY);
  EXPECT_TRUE(of_b.complete());
  EXPECT_EQ(CellOf(TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_A), "architecture", "arch", "design"),
            Trace::STATE_UNSPECIFIED);
  EXPECT_TRUE(TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_C, before.value).complete());
}

TEST(AskTrace, A24WhatNoPathLeadsToARequirementFromIsAnOrphan) {
  WholeTrace whole;
  whole.history.Add(Design("loose", "X"));
  whole.history.Add(TestCase("TL", v1::UNIT, "X"));
  v1::ArtifactProduced adapted;
  adapted.set_kind(v1::ArtifactProduced::DELTA);
  adapted.set_mode(v1::ArtifactProduced::CANDIDATE);
  adapted.set_surface("alert_threshold");
  adapted.add_files()->set_path("w");
  for (const char* artifact : {"artifact=artifact:made@1", "artifact=artifact:of-nothing@1"}) {
    whole.history.Add(DraftWith(adapted, {artifact, "item=software_item:X"}));
  }
  whole.history.Add(Link("artifact:made@1", v1::IMPLEMENTS, "design:des@1"));
  const Trace trace = TraceOf(whole.history);
  std::set<std::string> orphans;
  for (const uint32_t orphan : trace.orphans()) orphans.insert(trace.elements(static_cast<int>(orphan)).entity().id());
  EXPECT_EQ(orphans, (std::set<std::string>{"loose", "of-nothing", "TL"}));
}

TEST(AskTrace, A32EachRequirementThatNoTestCoversIsListed) {
  WholeTrace whole;
  whole.history.Add(Requirement("R2", "1", "X"));
  whole.history.Add(Requirement("R3", "1", "X"));
  const auto uncovered = [&] {
    const Trace trace = TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_A);
    std::set<std::string> found;
    for (const Trace::Cell& cell : trace.cells()) {
      const v1::EntityRef& entity = trace.elements(static_cast<int>(cell.element())).entity();
      if (entity.kind() == "requirement" && cell.to_column() == "test" && cell.state() == Trace::MISSING_BY_CLAUSE) {
        found.insert(entity.id());
      }
    }
    EXPECT_EQ(trace.complete(), found.empty());
    return found;
  };
  EXPECT_EQ(uncovered(), (std::set<std::string>{"R2", "R3"}));
  whole.history.Add(TestCase("T2", v1::SYSTEM, "X", {"requirement=requirement:R2@1"}));
  whole.history.Add(TestRunOf("run2", "T2", v1::SYSTEM, "X"));
  EXPECT_EQ(uncovered(), (std::set<std::string>{"R3"}));
  whole.history.Add(Rationale(DraftWith(v1::RequirementRetired(), {"requirement=requirement:R3@1"})));
  EXPECT_EQ(uncovered(), std::set<std::string>());
}

TEST(AskTrace, WhatWasMadeForARetiredRequirementIsNoOrphan) {
  WholeTrace whole;
  whole.history.Add(Requirement("old", "1", "X"));
  whole.history.Add(Design("old-des", "X"));
  whole.history.Add(Link("design:old-des@1", v1::SATISFIES, "requirement:old@1"));
  whole.history.Add(Code("c2", "X"));
  whole.history.Add(Link("code_revision:X-code@c2", v1::IMPLEMENTS, "design:des@1"));
  whole.history.Add(TestCase("T-old", v1::SYSTEM, "X", {"requirement=requirement:old@1"}));
  for (const char* test : {"T", "T-old"}) whole.history.Add(TestRunOf(Text("run-", test), test, v1::SYSTEM, "X"));
  for (const auto aspect : {v1::RiskControlVerified::IMPLEMENTATION, v1::RiskControlVerified::EFFECTIVENESS}) {
    whole.history.Add(Verified("RC", aspect));
  }
  whole.history.Add(Link("code_revision:X-code@c2", v1::IMPLEMENTS, "design:old-des@1"));
  EXPECT_FALSE(TraceOf(whole.history).complete()) << "no architecture";
  const LeafIndex retired =
      whole.history.Add(Rationale(DraftWith(v1::RequirementRetired(), {"requirement=requirement:old@1"})));
  EXPECT_EQ(TraceOf(whole.history).orphans_size(), 0);
  EXPECT_TRUE(TraceOf(whole.history).complete()) << TraceOf(whole.history).DebugString();
  // Once the link is withdrawn the design is of nothing; the code still satisfies another.
  whole.history.Add(Unlink("design:old-des@1", v1::SATISFIES, "requirement:old@1"));
  whole.history.Add(Unlink("code_revision:X-code@c2", v1::IMPLEMENTS, "design:old-des@1"));
  ASSERT_EQ(TraceOf(whole.history).orphans_size(), 1);
  EXPECT_FALSE(TraceOf(whole.history).complete());
  whole.history.Retract(retired);
  EXPECT_EQ(TraceOf(whole.history).orphans_size(), 1);
}

TEST(AskTrace, A24AnOrphanThatAClauseAsksToBeLinkedIsAGap) {
  WholeTrace whole;
  whole.history.Add(Design("loose", "X"));
  EXPECT_FALSE(TraceOf(whole.history).complete());
  EXPECT_TRUE(TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_A).complete()) << "only C asks for designs";
  whole.history.Add(TestCase("TL", v1::UNIT, "X"));
  whole.history.Add(TestRunOf("run-l", "TL", v1::UNIT, "X"));
  EXPECT_FALSE(TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_A).complete());
}

TEST(AskTrace, A55OfWhatNothingBeginsWithTheTraceIsNotComplete) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(Hazard("H", "X"));
  for (const auto& [kind, id, note] :
       {std::tuple("software_item", "X", "no requirement of the item is recorded, so there is nothing to trace from"),
        std::tuple("hazard", "H",
                   "no hazardous situation of the hazard is recorded, so there is nothing to trace from")}) {
    const v1::Answer answer = AskOf(history, TraceQuestion(kind, id, v1::SOFTWARE_SAFETY_CLASS_A));
    EXPECT_FALSE(answer.trace().complete()) << kind;
    ASSERT_EQ(answer.notes_size(), 1) << kind;
    EXPECT_EQ(answer.notes(0), note);
  }
}

TEST(AskTrace, A55AVerificationOfOlderSoftwareOrAnOlderRequirementIsStale) {
  WholeTrace whole;
  whole.history.Add(Code("c2", "X"));
  Trace trace = TraceOf(whole.history);
  EXPECT_EQ(CellOf(trace, "test_case", "T", "result"), Trace::STALE);
  EXPECT_EQ(CellOf(trace, "risk_control", "RC", "result"), Trace::STALE);
  EXPECT_NE(trace.chains(0).missing_hop().find("IMPLEMENTATION"), std::string::npos);
  whole.history.Add(TestRunOf("run2", "T", v1::SYSTEM, "X"));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "test_case", "T", "result"), Trace::LINKED);
  whole.history.Add(Requirement("R", "2", "X", v1::RequirementContent::RISK_CONTROL));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "requirement", "R", "test"), Trace::STALE);
}

TEST(AskTrace, A32AFailedLastResultIsNotComplete) {
  WholeTrace whole;
  whole.history.Add(TestRunOf("run2", "T", v1::SYSTEM, "X", v1::TestRunCompleted::FAIL));
  EXPECT_FALSE(TraceOf(whole.history).complete());
}

TEST(AskTrace, A56A57AChainNamesItsMissingHop) {
  ProjectedHistory history;
  AdoptProfile(history);
  const auto hop = [&] { return TraceOf(history).chains(0).missing_hop(); };
  history.Add(Item("X"));
  history.Add(Hazard("H", "X"));
  history.Add(Situation("S", "H", "X"));
  EXPECT_EQ(hop(), "no software cause is recorded");
  history.Add(Cause("K", "S", "X"));
  EXPECT_EQ(hop(), "no risk control is defined for the cause");
  history.Add(Control("RC", {"cause=software_cause:K"}));
  EXPECT_EQ(hop(), "the control's IMPLEMENTATION is not verified");
  history.Add(Verified("RC", v1::RiskControlVerified::IMPLEMENTATION));
  EXPECT_EQ(hop(), "the control's EFFECTIVENESS is not verified");
  history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS, v1::RiskControlVerified::FAIL));
  EXPECT_EQ(hop(), "the verification of EFFECTIVENESS failed");
  const LeafIndex passed = history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS));
  EXPECT_EQ(hop(), "");
  history.Retract(passed);
  EXPECT_EQ(hop(), "the verification of EFFECTIVENESS failed");
}

TEST(AskTrace, A58ChangingAnItemListsExactlyTheControlsThatRelyOnIt) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Item("Y", {"depends_on=software_item:X"}));
  history.Add(Item("Z"));
  history.Add(Control("direct", {"depends_on=software_item:X"}));
  history.Add(Control("over-Y", {"depends_on=software_item:Y"}));
  history.Add(Control("of-Z", {"depends_on=software_item:Z"}));
  history.Add(Control("was-X", {"depends_on=software_item:X"}));
  history.Add(RevisedControl("was-X", {"depends_on=software_item:Z"}));
  std::map<std::string, int> controls;
  const auto trace = TraceOf(history);
  for (const Trace::DependentControl& control : trace.dependent_controls()) {
    controls[control.control().id()] = control.path_size();
  }
  EXPECT_EQ(controls, (std::map<std::string, int>{{"direct", 1}, {"over-Y", 2}}));
}

// Each dependent control with the path from it to the item.
std::map<std::string, std::string> DependentControls(const ProjectedHistory& history, const std::string& item) {
  std::map<std::string, std::string> controls;
  const Trace trace =
      AskOf(history, TraceQuestion("software_item", item, v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED)).trace();
  for (const Trace::DependentControl& control : trace.dependent_controls()) {
    std::string& path = controls[control.control().id()];
    for (const v1::EntityRef& step : control.path()) path += (path.empty() ? "" : " ") + step.id();
  }
  return controls;
}

TEST(AskTrace, A58PartsByDecompositionAreFollowedBothWays) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Item("U"));
  history.Add(Item("other"));
  const LeafIndex decomposed =
      history.Add(DraftWith(v1::SoftwareItemDecomposed(), {"item=software_item:X", "part=software_item:U"}));
  history.Add(Control("of-X", {"depends_on=software_item:X"}));
  history.Add(Control("of-U", {"depends_on=software_item:U"}));
  history.Add(Control("of-other", {"depends_on=software_item:other"}));
  using Controls = std::map<std::string, std::string>;
  EXPECT_EQ(DependentControls(history, "U"), (Controls{{"of-U", "U"}, {"of-X", "X U"}}));
  EXPECT_EQ(DependentControls(history, "X"), (Controls{{"of-X", "X"}, {"of-U", "U X"}}));
  history.Retract(decomposed);
  EXPECT_EQ(DependentControls(history, "U"), (Controls{{"of-U", "U"}}));
}

TEST(AskTrace, A58ControlsRelyOverRequirementsAndSoupToo) {
  ProjectedHistory history;
  history.Add(Item("X"));
  history.Add(Requirement("R", "1", "X"));
  history.Add(Control("over-R", {"requirement=requirement:R@1"}));
  v1::SoupIdentified soup;
  soup.mutable_soup()->set_title("onnxruntime");
  soup.mutable_soup()->set_manufacturer("ONNX");
  soup.mutable_soup()->set_designator("1");
  history.Add(DraftWith(std::move(soup), {"soup=soup:onnx@1", "item=software_item:X"}));
  history.Add(Control("over-soup", {"depends_on=soup:onnx@1"}));
  using Controls = std::map<std::string, std::string>;
  EXPECT_EQ(DependentControls(history, "X"), (Controls{{"over-R", "R X"}, {"over-soup", "onnx X"}}));
  history.Add(Requirement("R", "2", "other"));
  EXPECT_EQ(DependentControls(history, "X"), (Controls{{"over-soup", "onnx X"}}));
}

TEST(AskTrace, A55ARevisedControlIsNotVerifiedAnyLonger) {
  WholeTrace whole;
  const LeafIndex revised = whole.history.Add(
      RevisedControl("RC", {"cause=software_cause:K", "requirement=requirement:R@1", "depends_on=software_item:X"}));
  const Trace trace = TraceOf(whole.history);
  EXPECT_FALSE(trace.complete());
  EXPECT_EQ(CellOf(trace, "risk_control", "RC", "result"), Trace::STALE);
  EXPECT_EQ(trace.chains(0).missing_hop(), Text("the control's IMPLEMENTATION is not verified any longer: leaf ",
                                                revised.value, " risk_control.revised changed the control since"));
  EXPECT_EQ(trace.chains(0).implementation_verified_size(), 0);
  whole.history.Add(Verified("RC", v1::RiskControlVerified::IMPLEMENTATION));
  whole.history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS));
  EXPECT_TRUE(TraceOf(whole.history).complete()) << TraceOf(whole.history).DebugString();
}

TEST(AskTrace, A55AControlIsNotVerifiedAnyLongerOnceWhatItReliesOnChanged) {
  WholeTrace whole;
  whole.history.Add(Item("other"));
  const TreeSize before = whole.history.size();
  whole.history.Add(Item("X", {"depends_on=software_item:other"}));
  const Trace trace = TraceOf(whole.history);
  EXPECT_EQ(CellOf(trace, "risk_control", "RC", "result"), Trace::STALE);
  EXPECT_NE(trace.chains(0).missing_hop().find("changed what the control relies on since"), std::string::npos);
  EXPECT_TRUE(TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_C, before.value).complete());
}

TEST(AskTrace, A56ALateRecordOfAnOldResultIsNotTheLast) {
  WholeTrace whole;
  const auto after = [](int64_t seconds) { return Timestamp(kTestStart.us + seconds * 1'000'000); };
  whole.history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS, v1::RiskControlVerified::FAIL), after(3));
  EventDraft passed = Verified("RC", v1::RiskControlVerified::EFFECTIVENESS);
  SetOccurred(passed, after(1), after(1));
  passed.header.set_retrospective(true);
  whole.history.Add(passed, after(5));
  EXPECT_EQ(TraceOf(whole.history).chains(0).missing_hop(), "the verification of EFFECTIVENESS failed");
}

TEST(AskTrace, A55ALateRecordOfAnOldRevisionDoesNotEndAVerification) {
  WholeTrace whole;
  whole.history.Add(LongAgo(RevisedControl("RC", {"cause=software_cause:K"})));
  EXPECT_TRUE(TraceOf(whole.history).complete());
}

TEST(AskTrace, A55WithoutAProfileThereIsNoVerdict) {
  ProjectedHistory history;
  history.Add(Item("X"));
  v1::Question question = TraceQuestion("software_item", "X", v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED);
  const v1::Answer answer = AskOf(history, question);
  EXPECT_FALSE(answer.trace().complete());
  ASSERT_EQ(answer.notes_size(), 1);
  EXPECT_NE(answer.notes(0).find("PROCESS_PROFILE"), std::string::npos);
}

TEST(AskTrace, ATraceLinkIsOfTheVersionsThatItNames) {
  WholeTrace whole;
  whole.history.Add(TestCase("T2", v1::SYSTEM, "X"));
  whole.history.Add(TestRunOf("run2", "T2", v1::SYSTEM, "X"));
  whole.history.Add(Requirement("R2", "1", "X"));
  whole.history.Add(Link("test_case:T2@1", v1::VERIFIES, "requirement:R2@1"));
  whole.history.Add(Link("architecture:arch@1", v1::SATISFIES, "requirement:R2@1"));
  EXPECT_TRUE(TraceOf(whole.history).complete()) << TraceOf(whole.history).DebugString();
  whole.history.Add(Requirement("R2", "2", "X"));
  const Trace trace = TraceOf(whole.history);
  EXPECT_EQ(CellOf(trace, "requirement", "R2", "test"), Trace::STALE);
  EXPECT_FALSE(trace.complete());
  bool said = false;
  for (const Trace::Link& link : trace.links()) {
    said = said || link.why_stale() == "made for requirement:R2@1, which is at 2 now";
  }
  EXPECT_TRUE(said);
  whole.history.Add(Link("test_case:T2@1", v1::VERIFIES, "requirement:R2@2"));
  whole.history.Add(Link("architecture:arch@1", v1::SATISFIES, "requirement:R2@2"));
  // What is said of an older version besides takes nothing away.
  whole.history.Add(Link("test_case:T2@1", v1::VERIFIES, "requirement:R2@1"));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "requirement", "R2", "test"), Trace::LINKED);
  EXPECT_TRUE(TraceOf(whole.history).complete());
}

TEST(AskTrace, AReferenceWithoutAVersionMeansTheOneInForceThen) {
  WholeTrace whole;
  whole.history.Add(TestCase("T2", v1::SYSTEM, "X", {"requirement=requirement:R2"}));
  whole.history.Add(TestRunOf("run2", "T2", v1::SYSTEM, "X"));
  whole.history.Add(Requirement("R2", "1", "X"));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "requirement", "R2", "test"), Trace::LINKED) << "it was named before it";
  whole.history.Add(Requirement("R2", "2", "X"));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "requirement", "R2", "test"), Trace::STALE);
  whole.history.Add(TestCase("T2", v1::SYSTEM, "X", {"requirement=requirement:R2"}));
  EXPECT_EQ(CellOf(TraceOf(whole.history), "requirement", "R2", "test"), Trace::LINKED);
}

EventDraft Model(const std::string& version) {
  return DraftWith(v1::ModelRegistered(), {"model=model:m@" + version, "training_run=training_run:t",
                                           "dataset=dataset:d@1", "code=code_revision:c@1", "item=software_item:X"});
}

TEST(AskTrace, AResultOfAnOlderVersionOfWhatItVerifiedIsStale) {
  WholeTrace whole;
  whole.history.Add(Model("1"));
  whole.history.Add(Model("2"));
  whole.history.Add(Link("model:m@2", v1::IMPLEMENTS, "design:des@1"));
  for (const std::string version : {"1", "2"}) {
    const std::string verified = "verified=model:m@" + version;
    whole.history.Add(WithRefs(TestRunOf("run" + version, "T", v1::SYSTEM, "X"), {verified}));
    for (const auto aspect : {v1::RiskControlVerified::IMPLEMENTATION, v1::RiskControlVerified::EFFECTIVENESS}) {
      whole.history.Add(Verified("RC", aspect, v1::RiskControlVerified::PASS, {verified}));
    }
    const Trace trace = TraceOf(whole.history);
    const bool newest = version == "2";
    EXPECT_EQ(CellOf(trace, "test_case", "T", "result"), newest ? Trace::LINKED : Trace::STALE);
    EXPECT_EQ(CellOf(trace, "risk_control", "RC", "result"), newest ? Trace::LINKED : Trace::STALE);
    EXPECT_EQ(trace.complete(), newest);
    if (newest) continue;
    EXPECT_NE(trace.chains(0).missing_hop().find("of model:m@1, which is at 2 now"), std::string::npos);
  }
  // That the older one passes now says nothing of the newer, which fails.
  whole.history.Add(
      WithRefs(TestRunOf("run3", "T", v1::SYSTEM, "X", v1::TestRunCompleted::FAIL), {"verified=model:m@2"}));
  whole.history.Add(WithRefs(TestRunOf("run4", "T", v1::SYSTEM, "X"), {"verified=model:m@1"}));
  EXPECT_FALSE(TraceOf(whole.history).complete());
}

// Two items of which X holds P, each way to say so, and a test of each.
struct OfParts {
  ProjectedHistory history;

  explicit OfParts(bool by_decomposition) {
    AdoptProfile(history);
    history.Add(Item("X"));
    history.Add(
        Item("P", by_decomposition ? std::vector<std::string>{} : std::vector<std::string>{"parent=software_item:X"}));
    if (by_decomposition) {
      history.Add(DraftWith(v1::SoftwareItemDecomposed(), {"item=software_item:X", "part=software_item:P"}));
    }
    for (const std::string item : {"X", "P"}) {
      history.Add(Requirement("R" + item, "1", item));
      history.Add(TestCase("T" + item, v1::UNIT, item, {"requirement=requirement:R" + item + "@1"}));
      Run(item);
    }
  }

  void Run(const std::string& item) {
    history.Add(TestRunOf(Text("run", history.size().value), "T" + item, v1::UNIT, item));
  }
};

TEST(AskTrace, AChangeOfAPartIsOneOfTheWholeAndTheOtherWayRound) {
  for (const bool by_decomposition : {true, false}) {
    OfParts items(by_decomposition);
    const auto state = [&](const std::string& test, const std::string& of) {
      const v1::Question question = TraceQuestion("software_item", of, v1::SOFTWARE_SAFETY_CLASS_A);
      return CellOf(AskOf(items.history, question).trace(), "test_case", test, "result");
    };
    EXPECT_EQ(state("TX", "X"), Trace::LINKED);
    items.history.Add(Code("p1", "P"));
    EXPECT_EQ(state("TX", "X"), Trace::STALE) << by_decomposition;
    EXPECT_EQ(state("TP", "X"), Trace::STALE);
    items.Run("X");
    items.Run("P");
    EXPECT_EQ(state("TX", "X"), Trace::LINKED);
    items.history.Add(Code("x1", "X"));
    EXPECT_EQ(state("TP", "X"), Trace::STALE) << by_decomposition;
    EXPECT_EQ(state("TP", "P"), Trace::STALE) << "whatever is asked about";
    items.Run("P");
    items.history.Add(Code("y1", "Y"));
    EXPECT_EQ(state("TP", "P"), Trace::LINKED);
  }
}

TEST(AskTrace, ASituationThatACauseInTheItemNamesBelongsToItsTrace) {
  ProjectedHistory history;
  AdoptProfile(history);
  history.Add(Item("X"));
  history.Add(Item("system"));
  v1::HazardIdentified hazard;
  hazard.set_description("wrong dose");
  history.Add(DraftWith(std::move(hazard), {"hazard=hazard:H"}));
  for (const std::string& id : {"S", "elsewhere"}) {
    v1::HazardousSituationIdentified situation;
    situation.set_description("missed alert");
    history.Add(DraftWith(std::move(situation), {"hazardous_situation=hazardous_situation:" + id, "hazard=hazard:H"}));
  }
  history.Add(Situation("of-system", "H", "system"));
  history.Add(Cause("K", "S", "X"));
  history.Add(Cause("K2", "of-system", "X"));
  history.Add(Control("RC", {"cause=software_cause:K", "cause=software_cause:K2"}));
  history.Add(Verified("RC", v1::RiskControlVerified::IMPLEMENTATION));
  const Trace trace = TraceOf(history);
  ASSERT_EQ(trace.chains_size(), 2);
  for (const Trace::Chain& chain : trace.chains()) {
    EXPECT_NE(chain.hazardous_situation().id(), "elsewhere");
    EXPECT_EQ(chain.missing_hop(), "the control's EFFECTIVENESS is not verified");
  }
  EXPECT_EQ(CellOf(trace, "hazard", "H", "hazardous_situation"), Trace::LINKED);
  EXPECT_FALSE(trace.complete());
}

TEST(AskTrace, OfAControlsAspectsEachIsJudgedByItsLastVerification) {
  WholeTrace whole;
  whole.history.Add(Verified("RC", v1::RiskControlVerified::EFFECTIVENESS, v1::RiskControlVerified::FAIL));
  whole.history.Add(Verified("RC", v1::RiskControlVerified::IMPLEMENTATION));
  for (const auto& [kind, id] : {std::pair("software_item", "X"), std::pair("hazard", "H")}) {
    const Trace trace = AskOf(whole.history, TraceQuestion(kind, id, v1::SOFTWARE_SAFETY_CLASS_C)).trace();
    EXPECT_FALSE(trace.complete());
    bool said = false;
    for (const Trace::Cell& cell : trace.cells()) said = said || cell.text() == "the last result is FAIL";
    EXPECT_TRUE(said) << kind;
  }
}

TEST(AskTrace, AHazardWithoutASituationIsAGap) {
  WholeTrace whole;
  whole.history.Add(Hazard("H2", "X"));
  const Trace trace = TraceOf(whole.history);
  EXPECT_EQ(CellOf(trace, "hazard", "H2", "hazardous_situation"), Trace::MISSING_BY_CLAUSE);
  EXPECT_FALSE(trace.complete());
  EXPECT_TRUE(TraceOf(whole.history, v1::SOFTWARE_SAFETY_CLASS_A).complete());
}

TEST(AskTrace, AHazardIsOfTheHighestClassOfTheItemsThatItConcerns) {
  WholeTrace whole;
  whole.history.Add(Item("H"));
  whole.history.Add(Class("H", v1::SOFTWARE_SAFETY_CLASS_A));
  const auto safety_class = [&] {
    const auto question = TraceQuestion("hazard", "H", v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED);
    return AskOf(whole.history, question).trace().safety_class();
  };
  EXPECT_EQ(safety_class(), v1::SOFTWARE_SAFETY_CLASS_C) << "X has no class, and the item H is no hazard";
  whole.history.Add(Class("X", v1::SOFTWARE_SAFETY_CLASS_A));
  EXPECT_EQ(safety_class(), v1::SOFTWARE_SAFETY_CLASS_A);
  whole.history.Add(Item("Y"));
  whole.history.Add(Class("Y", v1::SOFTWARE_SAFETY_CLASS_B));
  whole.history.Add(Cause("K2", "S", "Y"));
  EXPECT_EQ(safety_class(), v1::SOFTWARE_SAFETY_CLASS_B);
}

// --- Random histories against a plain fold ---------------------------------------------------------------------------

enum class Kind { kRequirement, kCase, kRun, kCode, kLink, kUnlink, kRetract, kOther };

struct Happened {
  Kind kind = Kind::kOther;
  // Requirement or test case.
  std::string id;
  // A requirement's version, or that which a case names.
  std::string version;
  // The requirement that a case or link names; the case that a run is of.
  std::string of;
  // What a retraction takes away.
  int retracts = -1;
};

using Cells = std::map<std::pair<std::string, std::string>, Trace::State>;

// The requirement and test cells by their definitions, over the first `size` events.
Cells PlainCells(const std::vector<Happened>& events, int size) {
  std::set<int> retracted;
  for (int i = 0; i < size; ++i) retracted.insert(events[i].retracts);
  std::map<std::string, std::string> requirements;
  std::map<std::string, const Happened*> cases;
  std::map<std::pair<std::string, std::string>, bool> links;
  std::map<std::string, std::vector<int>> runs;
  int last_code = -1;
  for (int i = 0; i < size; ++i) {
    const Happened& event = events[i];
    if (retracted.count(i) > 0) continue;
    if (event.kind == Kind::kRequirement) requirements[event.id] = event.version;
    if (event.kind == Kind::kCase) cases[event.id] = &event;
    if (event.kind == Kind::kRun) runs[event.of].push_back(i);
    if (event.kind == Kind::kCode) last_code = i;
    if (event.kind == Kind::kLink) links[{event.id, event.of}] = true;
    if (event.kind == Kind::kUnlink) links[{event.id, event.of}] = false;
  }
  const auto state = [](int linked, int holding) {
    if (linked == 0) return Trace::MISSING_BY_CLAUSE;
    return holding > 0 ? Trace::LINKED : Trace::STALE;
  };
  Cells cells;
  for (const auto& [requirement, version] : requirements) {
    int linked = 0;
    int holding = 0;
    for (const auto& [id, test_case] : cases) {
      const bool named = test_case->of == requirement;
      const bool by_link = links.count({id, requirement}) > 0 && links.at({id, requirement});
      linked += named || by_link;
      // Cases have one version, and links are of a requirement's first.
      holding += (by_link && version == "1") || (named && test_case->version == version);
    }
    cells[{requirement, "test"}] = state(linked, holding);
  }
  for (const auto& [id, test_case] : cases) {
    int holding = 0;
    for (const int run : runs[id]) holding += run > last_code;
    cells[{id, "result"}] = state(static_cast<int>(runs[id].size()), holding);
  }
  return cells;
}

TEST(TraceProperty, A55IndexAnswersEqualThePlainFoldOnRandomHistories) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<uint64_t>(limit)); };
    ProjectedHistory history;
    AdoptProfile(history);
    history.Add(Item("X"));
    std::vector<Happened> events(2);
    for (int i = 2; i < 70; ++i) {
      Happened event;
      EventDraft draft;
      const std::string requirement = Text("R", below(3));
      const std::string test_case = Text("T", below(3));
      const std::string version = Text(1 + below(2));
      switch (below(7)) {
        case 0:
          event = {Kind::kRequirement, requirement, version, ""};
          draft = Requirement(requirement, version, "X");
          break;
        case 1:
          event = {Kind::kCase, test_case, version, requirement};
          draft = TestCase(test_case, v1::SYSTEM, "X", {"requirement=requirement:" + requirement + "@" + version});
          break;
        case 2:
          event = {Kind::kRun, Text("run", i), "", test_case};
          draft = TestRunOf(event.id, test_case, v1::SYSTEM, "X");
          break;
        case 3:
          event = {Kind::kCode, "", "", ""};
          draft = Code(Text("c", i), "X");
          break;
        case 4:
        case 5: {
          const bool linked = below(2) == 0;
          event = {linked ? Kind::kLink : Kind::kUnlink, test_case, "", requirement};
          const std::string from = "test_case:" + test_case + "@1";
          const std::string to = "requirement:" + requirement + "@1";
          draft = linked ? Link(from, v1::VERIFIES, to) : Unlink(from, v1::VERIFIES, to);
          break;
        }
        default:
          event = {Kind::kRetract, "", "", ""};
          event.retracts = 2 + below(i - 1);
          if (event.retracts >= i || events[event.retracts].kind == Kind::kRetract) {
            event = {Kind::kCode, "", "", ""};
            draft = Code(Text("c", i), "X");
          } else {
            draft =
                Correct(DerivedId("projected", static_cast<uint64_t>(event.retracts)), v1::RecordCorrected::RETRACTED);
          }
      }
      history.Add(draft);
      events.push_back(event);
    }
    for (int size = 3; size <= static_cast<int>(events.size()); size += 9) {
      const Trace trace = TraceOf(history, v1::SOFTWARE_SAFETY_CLASS_A, static_cast<uint64_t>(size));
      Cells found;
      for (const Trace::Cell& cell : trace.cells()) {
        found[{trace.elements(static_cast<int>(cell.element())).entity().id(), cell.to_column()}] = cell.state();
      }
      EXPECT_EQ(found, PlainCells(events, size)) << "seed " << seed << " size " << size;
    }
  }
}

}  // namespace
}  // namespace anamnesis
