#ifndef ANAMNESIS_LEDGER_ENVELOPE_METRICS_H_
#define ANAMNESIS_LEDGER_ENVELOPE_METRICS_H_

// What of a metric is held against a limit, whoever sets it: a dimension of an envelope, a change plan, a protocol.
// Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_model.pb.h"

namespace anamnesis {

struct MeasuredMetric {
  MeasuredMetric(const v1::Metric* measured, bool for_what_is_asked = true)
      : metric(measured), counts(for_what_is_asked) {}

  const v1::Metric* metric;
  // Without it, it can show that what is asked about is not good enough, and never that it is: it was measured before
  // that was recorded as it is.
  bool counts;
};
using MeasuredMetrics = std::vector<MeasuredMetric>;

// The value, or an end of its interval.
enum class MetricEnd { kValue, kLower, kUpper };

struct HeldNumber {
  std::string number;
  // Why the metric has none to hold against the limit, for a person to read after its name; empty when it has.
  std::string missing_because;
};

// The number of the metric that a limit in `unit` is held against; `whose` limit that is: "the envelope". None where
// the metric is in another unit, or lies outside its own interval: one that contradicts itself says nothing of either.
HeldNumber NumberHeld(const v1::Metric& metric, MetricEnd end, std::string_view unit, std::string_view whose);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENVELOPE_METRICS_H_
