#ifndef ANAMNESIS_LEDGER_ENVELOPE_ENVELOPE_H_
#define ANAMNESIS_LEDGER_ENVELOPE_ENVELOPE_H_

// The algebra of adaptation envelopes (domain.md C.4). An envelope is a conjunction over named dimensions; each is a
// product of parts, and a part is a bound, a set, or a name that must be the same:
//
//   interval    the value lies in [low, high]; an absent end is open
//   set         the symbols are among those allowed
//   floor       a metric, of a subgroup where one is named, is at least low
//   ceiling     the same, at most high
//   norm_delta  a distance by the norm named, of no sign, is at most high
//   structure   the parts that change (e.g. tensors) are among the symbols
//   domain      the inputs lie in [low, high] and are among the symbols
//   rate        at most high activations on a unit in any per_period_s
//   cumulative  the distance from the anchor is at most high: the sum of the steps in dimension `of` along the chain of
//               parents, or, without `of`, what the artifact reports
//   data        made from local data of at least `minimum` records, not older than age_max_s
//
// What an artifact moves and the envelope doesn't name is outside, and so is what the envelope names and the artifact
// doesn't report: unknown is never inside, nor is what is reported twice or by a part that means nothing to the
// dimension's kind. Of a range [value, high] both ends count. `confidence` of a floor or ceiling says what of a metric
// is held against it: "lower" or "upper" bound of its interval, or nothing for the value itself. Units are compared as
// text. Pure; any thread.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/envelope/metrics.h"

namespace anamnesis {

// OK when every dimension is of a known kind, has the parts that its kind asks for and no others, and is named once.
// INVALID_ARGUMENT, naming dimension and field, otherwise.
Status CheckEnvelope(const v1::EnvelopeTerms& terms);

// How what `after` allows relates to what `before` allows.
enum class Comparison { kEqual, kNarrower, kWider, kIncomparable };
Comparison Compare(const v1::EnvelopeTerms::Dimension& before, const v1::EnvelopeTerms::Dimension& after);

// CONTRACTION: everything is equal or narrower, something is narrower or was added. EXPANSION: something is wider,
// incomparable or gone, or it is an overlay for somewhere else. NONE: all equal. Both must pass CheckEnvelope.
v1::EnvelopeTerms::ChangeClass ChangeBetween(const v1::EnvelopeTerms& before, const v1::EnvelopeTerms& after);

// "[0, 1] mV", "at most 1 mV": for a person to read.
std::string RangeText(std::string_view low, std::string_view high, std::string_view of_unit);

// Whether `value` lies in [low, high] where these are given. INVALID_ARGUMENT when one is no decimal number.
StatusOr<bool> IsWithin(std::string_view value, std::string_view low, std::string_view high);

// The sum of the steps in one dimension along the chain of parents back to the anchor, the artifact's own included.
struct StepSum {
  std::string value;
  // Why nobody can say, for a person to read; empty when `value` holds.
  std::string unknown_because;
};

// What is known of an artifact that is to be held against envelopes.
struct ReportedArtifact {
  const v1::ArtifactProduced* produced = nullptr;
  // The metrics of its evaluations. Of several for one name and subgroup all have to be inside.
  MeasuredMetrics metrics;
  Timestamp at;
  // How many activations the unit had in the last so many seconds before `at`, not counting the one to come. May stop
  // counting at `enough`.
  std::function<StatusOr<uint64_t>(uint64_t period_s, uint64_t enough)> activations;
  std::function<StatusOr<StepSum>(std::string_view dimension, std::string_view unit)> sum_of_steps;
};

// Why what a parameter reports is not within [low, high] of `unit`: a value, or both ends of a range. Empty when it is.
// INVALID_ARGUMENT when something is no decimal number.
StatusOr<std::string> WhyNotWithin(const v1::ArtifactProduced::Parameter& parameter, std::string_view low,
                                   std::string_view high, std::string_view unit);

// Whether `a` compares with `b` by "<", "<=", "=", ">=" or ">"; by no other comparator. INVALID_ARGUMENT as above.
StatusOr<bool> Meets(std::string_view a, std::string_view comparator, std::string_view b);

// Why the artifact is outside, one line a reason; empty when it is inside.
StatusOr<std::vector<std::string>> WhyOutside(const v1::EnvelopeTerms& terms, const ReportedArtifact& artifact);

// The dimensions that the artifact moves and that none of the envelopes names, other than as a metric or a rate, of
// which artifacts report nothing.
std::vector<std::string> Unnamed(const std::vector<const v1::EnvelopeTerms*>& envelopes,
                                 const v1::ArtifactProduced& produced);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENVELOPE_ENVELOPE_H_
