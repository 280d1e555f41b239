#include "ledger/envelope/metrics.h"

#include "ledger/base/status.h"
#include "ledger/envelope/envelope.h"

namespace anamnesis {

HeldNumber NumberHeld(const v1::Metric& metric, MetricEnd end, std::string_view unit, std::string_view whose) {
  const auto missing = [](std::string why) { return HeldNumber{"", std::move(why)}; };
  if (metric.unit() != unit) return missing(Text("is in \"", metric.unit(), "\", ", whose, " in \"", unit, "\""));
  if (!IsWithin(metric.value(), metric.ci_low(), metric.ci_high()).value_or(false)) {
    return missing(
        Text(metric.value(), " is not in its own interval, ", RangeText(metric.ci_low(), metric.ci_high(), "")));
  }
  const std::string& number = end == MetricEnd::kLower   ? metric.ci_low()
                              : end == MetricEnd::kUpper ? metric.ci_high()
                                                         : metric.value();
  if (!number.empty()) return {number, ""};
  return missing(Text("no ", end == MetricEnd::kLower ? "lower" : "upper", " bound of its interval is reported"));
}

}  // namespace anamnesis
