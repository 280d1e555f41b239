#include "client/certifier/judgement.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "google/protobuf/util/json_util.h"
#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"
#include "ledger/envelope/metrics.h"

namespace anamnesis {
namespace {

constexpr size_t kMetricsMax = 1000;
constexpr size_t kNameBytesMax = 255;
constexpr size_t kNumberBytesMax = 64;
constexpr size_t kReasonBytesMax = 1024;

using MetricKey = std::pair<std::string, std::string>;

std::string KeyText(std::string_view name, std::string_view subgroup) {
  return subgroup.empty() ? std::string(name) : Text(name, " of ", subgroup);
}

bool IsName(std::string_view text, size_t bytes_max) { return text.size() <= bytes_max && Recordable(text) == text; }

bool IsNumber(const std::string& text, bool may_be_empty) {
  if (text.empty()) return may_be_empty;
  return text.size() <= kNumberBytesMax && IsDecimal(text) && Decimal::Parse(text).ok();
}

std::string WhyMalformed(const v1::Metric& metric) {
  if (metric.name().empty() || !IsName(metric.name(), kNameBytesMax)) return "a name of printable ASCII is needed";
  if (!IsName(metric.subgroup(), kNameBytesMax)) return "its subgroup is not printable ASCII";
  if (!IsName(metric.unit(), 32)) return "its unit is not printable ASCII of at most 32 bytes";
  if (!IsNumber(metric.value(), false)) return "its value is no decimal number";
  if (!IsNumber(metric.ci_low(), true) || !IsNumber(metric.ci_high(), true)) return "its interval is not of decimals";
  // With its ends the wrong way round, the unfavourable one would be the better.
  if (!IsWithin(metric.value(), metric.ci_low(), metric.ci_high()).value_or(false)) {
    return Text("its interval, ", metric.ci_low(), " to ", metric.ci_high(), ", does not hold its value ",
                metric.value());
  }
  return "";
}

// What of the metric the criterion looks at; nullopt where its comparator has no unfavourable end.
std::optional<MetricEnd> EndAsked(const v1::AcceptanceCriterion& criterion) {
  if (criterion.confidence().empty()) return MetricEnd::kValue;
  if (criterion.comparator().starts_with('>')) return MetricEnd::kLower;
  if (criterion.comparator().starts_with('<')) return MetricEnd::kUpper;
  return std::nullopt;
}

bool IsAbout(const v1::AcceptanceCriterion& criterion, std::string_view name, std::string_view subgroup) {
  return criterion.metric() == name && criterion.subgroup() == subgroup;
}

bool Expects(const v1::SandboxTestCase& test_case, const v1::AcceptanceCriterion& criterion) {
  return std::any_of(test_case.expected_metrics().begin(), test_case.expected_metrics().end(),
                     [&](const auto& expected) { return IsAbout(criterion, expected.name(), expected.subgroup()); });
}

}  // namespace

std::string Recordable(std::string_view text) {
  std::string clean(text.substr(0, kReasonBytesMax));
  for (char& c : clean) {
    if (c < ' ' || c > '~') c = '?';
  }
  return clean;
}

StatusOr<v1::SandboxTestResult> ParseResult(const std::string& json) {
  v1::SandboxTestResult result;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &result);
  if (parsed.ok()) return result;
  return absl::InvalidArgumentError(Recordable(Text("result.json: ", std::string(parsed.message()))));
}

std::string WhyNotMet(const v1::AcceptanceCriterion& criterion, const v1::Metric& metric) {
  const std::string name = KeyText(metric.name(), metric.subgroup());
  const std::string wanted = Text(" ", criterion.comparator(), " ", criterion.value(),
                                  criterion.confidence().empty() ? "" : Text(" (", criterion.confidence(), ")"));
  const std::optional<MetricEnd> end = EndAsked(criterion);
  if (!end.has_value()) return Text(name, " has no end of its interval to hold against", wanted);
  const HeldNumber held = NumberHeld(metric, *end, criterion.unit(), "the criterion");
  if (!held.missing_because.empty()) return Text(name, ": ", held.missing_because, "; accepted is", wanted);
  const StatusOr<bool> met = Meets(held.number, criterion.comparator(), criterion.value());
  if (!met.ok()) return Text(name, " can't be compared with", wanted);
  if (*met) return "";
  return Text(name, " is ", held.number, " (n=", metric.n(), "), accepted is", wanted);
}

CaseVerdict Judge(const v1::SandboxTestCase& test_case, const v1::SandboxTestResult& result,
                  const AcceptanceCriteria& criteria) {
  CaseVerdict verdict;
  std::set<MetricKey> reported;
  const auto fail = [&](const std::string& reason) { verdict.reasons.push_back(Recordable(reason)); };
  if (static_cast<size_t>(result.metrics_size()) > kMetricsMax) {
    fail(Text("reported ", result.metrics_size(), " metrics; at most ", kMetricsMax));
    return verdict;
  }
  for (const v1::Metric& metric : result.metrics()) {
    const std::string name = KeyText(metric.name(), metric.subgroup());
    if (const std::string why = WhyMalformed(metric); !why.empty()) {
      fail(Text("metric \"", name, "\": ", why));
      continue;
    }
    if (!reported.insert({metric.name(), metric.subgroup()}).second) fail(Text(name, " is reported twice"));
    verdict.metrics.push_back(metric);
    for (const v1::AcceptanceCriterion& criterion : criteria) {
      if (!IsAbout(criterion, metric.name(), metric.subgroup())) continue;
      if (const std::string why = WhyNotMet(criterion, metric); !why.empty()) fail(why);
    }
  }
  for (const auto& expected : test_case.expected_metrics()) {
    if (reported.count({expected.name(), expected.subgroup()}) == 0) {
      fail(Text(KeyText(expected.name(), expected.subgroup()), " is not reported"));
    }
  }
  for (const std::string& anomaly : result.anomalies()) fail(Text("anomaly: ", anomaly));
  if (verdict.reasons.empty()) verdict.result = v1::TestRunCompleted::PASS;
  return verdict;
}

std::vector<std::string> Unmeasured(const AcceptanceCriteria& criteria, v1::SoftwareSafetyClass safety_class,
                                    const std::vector<v1::SandboxTestCase>& suite,
                                    const std::vector<CaseVerdict>& verdicts) {
  std::vector<std::string> missing;
  for (const v1::AcceptanceCriterion& criterion : criteria) {
    const bool asked =
        safety_class == v1::SOFTWARE_SAFETY_CLASS_C ||
        std::any_of(suite.begin(), suite.end(), [&](const auto& each) { return Expects(each, criterion); });
    const bool measured = std::any_of(verdicts.begin(), verdicts.end(), [&](const CaseVerdict& verdict) {
      return std::any_of(verdict.metrics.begin(), verdict.metrics.end(), [&](const v1::Metric& metric) {
        return IsAbout(criterion, metric.name(), metric.subgroup());
      });
    });
    if (asked && !measured) {
      missing.push_back(
          Recordable(Text("no test case measured ", KeyText(criterion.metric(), criterion.subgroup()),
                          ", which the protocol accepts ", criterion.comparator(), " ", criterion.value())));
    }
  }
  return missing;
}

}  // namespace anamnesis
