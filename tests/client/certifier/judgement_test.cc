// Whether a test case's numbers are enough is decided by us, whatever its program says.

#include "client/certifier/judgement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::AcceptanceCriterion Criterion(const std::string& metric, const std::string& comparator, const std::string& value,
                                  const std::string& subgroup = "", const std::string& confidence = "") {
  v1::AcceptanceCriterion criterion;
  criterion.set_metric(metric);
  criterion.set_comparator(comparator);
  criterion.set_value(value);
  criterion.set_subgroup(subgroup);
  criterion.set_confidence(confidence);
  return criterion;
}

AcceptanceCriteria Criteria(const std::vector<v1::AcceptanceCriterion>& list) {
  AcceptanceCriteria criteria;
  for (const v1::AcceptanceCriterion& criterion : list) *criteria.Add() = criterion;
  return criteria;
}

v1::SandboxTestCase Expecting(const std::vector<std::pair<std::string, std::string>>& metrics) {
  v1::SandboxTestCase test_case;
  for (const auto& [name, subgroup] : metrics) {
    auto& expected = *test_case.add_expected_metrics();
    expected.set_name(name);
    expected.set_subgroup(subgroup);
  }
  return test_case;
}

v1::Metric Measured(const std::string& name, const std::string& value, const std::string& subgroup = "") {
  v1::Metric metric;
  metric.set_name(name);
  metric.set_value(value);
  metric.set_subgroup(subgroup);
  metric.set_n(100);
  return metric;
}

CaseVerdict JudgeOf(const std::vector<v1::Metric>& metrics, const AcceptanceCriteria& criteria,
                    const v1::SandboxTestCase& test_case = Expecting({{"sensitivity", ""}})) {
  v1::SandboxTestResult result;
  for (const v1::Metric& metric : metrics) *result.add_metrics() = metric;
  return Judge(test_case, result, criteria);
}

TEST(JudgementTest, NumbersAreHeldAgainstTheCriteriaExactly) {
  const AcceptanceCriteria criteria = Criteria({Criterion("sensitivity", ">=", "0.95")});
  EXPECT_EQ(JudgeOf({Measured("sensitivity", "0.95")}, criteria).result, v1::TestRunCompleted::PASS);
  EXPECT_EQ(JudgeOf({Measured("sensitivity", "9.5e-1")}, criteria).result, v1::TestRunCompleted::PASS);
  // The nearest doubles are the same.
  const CaseVerdict verdict = JudgeOf({Measured("sensitivity", "0.94999999999999999999999")}, criteria);
  EXPECT_EQ(verdict.result, v1::TestRunCompleted::FAIL);
  EXPECT_THAT(verdict.reasons, ElementsAre(HasSubstr("accepted is >= 0.95")));
}

TEST(JudgementTest, EveryComparatorIsKnownAndNoOther) {
  struct Row {
    const char* comparator;
    bool below, equal, above;
  };
  for (const Row& row : {Row{"<", true, false, false}, Row{"<=", true, true, false}, Row{"=", false, true, false},
                         Row{">=", false, true, true}, Row{">", false, false, true}, Row{"!=", false, false, false},
                         Row{"", false, false, false}}) {
    const v1::AcceptanceCriterion criterion = Criterion("m", row.comparator, "1");
    EXPECT_EQ(WhyNotMet(criterion, Measured("m", "0.5")).empty(), row.below) << row.comparator;
    EXPECT_EQ(WhyNotMet(criterion, Measured("m", "1.0")).empty(), row.equal) << row.comparator;
    EXPECT_EQ(WhyNotMet(criterion, Measured("m", "2")).empty(), row.above) << row.comparator;
  }
}

TEST(JudgementTest, ConfidenceAsksForTheUnfavourableEnd) {
  v1::Metric metric = Measured("m", "0.97");
  const v1::AcceptanceCriterion at_least = Criterion("m", ">=", "0.95", "", "95 %");
  EXPECT_THAT(WhyNotMet(at_least, metric), HasSubstr("no lower bound of its interval"));
  metric.set_ci_low("0.94");
  metric.set_ci_high("0.99");
  EXPECT_THAT(WhyNotMet(at_least, metric), HasSubstr("m is 0.94"));
  EXPECT_THAT(WhyNotMet(Criterion("m", "<=", "0.98", "", "95 %"), metric), HasSubstr("m is 0.99"));
  EXPECT_THAT(WhyNotMet(Criterion("m", "=", "0.97", "", "95 %"), metric), HasSubstr("no end of its interval"));
  metric.set_ci_low("0.95");
  EXPECT_EQ(WhyNotMet(at_least, metric), "");
}

TEST(JudgementTest, AnIntervalThatDoesNotHoldItsValueIsMalformed) {
  const AcceptanceCriteria criteria = Criteria({Criterion("sensitivity", ">=", "0.90", "", "95 %")});
  v1::Metric metric = Measured("sensitivity", "0.80");
  const auto judged = [&](const char* low, const char* high) {
    metric.set_ci_low(low);
    metric.set_ci_high(high);
    return JudgeOf({metric}, criteria);
  };
  for (const auto& [low, high] : {std::pair("0.91", "0.72"), {"0.91", "0.95"}, {"0.91", ""}, {"0.91", "0.91"}}) {
    const CaseVerdict verdict = judged(low, high);
    EXPECT_EQ(verdict.result, v1::TestRunCompleted::FAIL) << low << " " << high;
    EXPECT_THAT(verdict.reasons, testing::Contains(HasSubstr("does not hold its value 0.80")));
    EXPECT_THAT(verdict.metrics, IsEmpty());
  }
  metric.set_value("0.95");
  EXPECT_EQ(judged("0.9", "0.950").result, v1::TestRunCompleted::PASS) << "the ends are inside";
}

TEST(JudgementTest, AnotherUnitIsNoNumber) {
  v1::Metric percent = Measured("m", "97");
  percent.set_unit("%");
  EXPECT_THAT(WhyNotMet(Criterion("m", ">=", "0.95"), percent), HasSubstr("is in \"%\""));
}

TEST(JudgementTest, SubgroupsAreJudgedByTheirOwnCriteria) {
  const AcceptanceCriteria criteria =
      Criteria({Criterion("sensitivity", ">=", "0.9"), Criterion("sensitivity", ">=", "0.9", "women")});
  const v1::SandboxTestCase both = Expecting({{"sensitivity", ""}, {"sensitivity", "women"}});
  EXPECT_THAT(
      JudgeOf({Measured("sensitivity", "0.95"), Measured("sensitivity", "0.8", "women")}, criteria, both).reasons,
      ElementsAre(HasSubstr("sensitivity of women is 0.8 (n=100)")));
  EXPECT_THAT(JudgeOf({Measured("sensitivity", "0.95")}, criteria, both).reasons,
              ElementsAre("sensitivity of women is not reported"));
}

TEST(JudgementTest, WhatIsMissingDoubleOrMalformedFails) {
  const AcceptanceCriteria criteria = Criteria({Criterion("sensitivity", ">=", "0.9")});
  EXPECT_THAT(JudgeOf({}, criteria).reasons, ElementsAre("sensitivity is not reported"));
  EXPECT_THAT(JudgeOf({Measured("sensitivity", "0.95"), Measured("sensitivity", "0.96")}, criteria).reasons,
              ElementsAre("sensitivity is reported twice"));
  for (const char* value : {"", "nan", "inf", "0x1", "1,0", " 1", "1e99999999999", "-"}) {
    const CaseVerdict verdict = JudgeOf({Measured("sensitivity", value)}, criteria);
    EXPECT_EQ(verdict.result, v1::TestRunCompleted::FAIL) << value;
    EXPECT_THAT(verdict.metrics, IsEmpty()) << value;
  }
  const CaseVerdict named = JudgeOf({Measured("sensitivity", "0.95"), Measured("a\nb", "1"), Measured("", "1"),
                                     Measured("m", "1", std::string(300, 'x'))},
                                    criteria);
  EXPECT_EQ(named.reasons.size(), 3u);
  EXPECT_EQ(named.metrics.size(), 1u);
  EXPECT_EQ(JudgeOf(std::vector<v1::Metric>(1001, Measured("x", "1")), criteria).reasons.size(), 1u);
}

TEST(JudgementTest, AnAnomalyFailsWhateverTheNumbersAre) {
  v1::SandboxTestResult result;
  *result.add_metrics() = Measured("sensitivity", "1");
  result.add_anomalies("alarm\x01 stuck");
  EXPECT_THAT(Judge(Expecting({{"sensitivity", ""}}), result, {}).reasons, ElementsAre("anomaly: alarm? stuck"));
}

TEST(JudgementTest, AResultIsStrictJson) {
  EXPECT_EQ(ParseResult(R"({"metrics": [{"name": "m", "value": "1", "n": "3"}]})")->metrics(0).n(), 3u);
  for (const char* json : {"", "[]", "{", R"({"passed": true})", R"({"metrics": [{"n": -1}]})", "\xff", "null null"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseResult(json).status())) << json;
  }
}

TEST(JudgementTest, ClassCHasToMeasureEverything) {
  const AcceptanceCriteria criteria =
      Criteria({Criterion("sensitivity", ">=", "0.9"), Criterion("specificity", ">=", "0.9")});
  const std::vector<v1::SandboxTestCase> suite = {Expecting({{"sensitivity", ""}})};
  const std::vector<CaseVerdict> verdicts = {JudgeOf({Measured("sensitivity", "1")}, criteria)};
  EXPECT_THAT(Unmeasured(criteria, v1::SOFTWARE_SAFETY_CLASS_A, suite, verdicts), IsEmpty());
  EXPECT_THAT(Unmeasured(criteria, v1::SOFTWARE_SAFETY_CLASS_C, suite, verdicts),
              ElementsAre(HasSubstr("no test case measured specificity")));
  // What the suite is there to measure is asked for in every class.
  EXPECT_THAT(Unmeasured(criteria, v1::SOFTWARE_SAFETY_CLASS_A, suite, {}),
              ElementsAre(HasSubstr("no test case measured sensitivity")));
}

}  // namespace
}  // namespace anamnesis
