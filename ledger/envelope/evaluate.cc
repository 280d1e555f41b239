#include <algorithm>
#include <set>

#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"
#include "ledger/envelope/kinds.h"

namespace anamnesis {
namespace {

using Dimension = v1::EnvelopeTerms::Dimension;
using Parameter = v1::ArtifactProduced::Parameter;

std::string Range(const Dimension& dimension) { return RangeText(dimension.low(), dimension.high(), dimension.unit()); }

// What a parameter has that means nothing to the kind; empty when it has no such thing.
std::string UnreadPart(const DimensionKind& kind, const Parameter& parameter) {
  const bool value = !parameter.value().empty() || !parameter.unit().empty();
  if (value && !ReadsValue(kind)) return "a value";
  if (!parameter.high().empty() && !ReadsRange(kind)) return "a range";
  if (!parameter.symbols().empty() && !ReadsSymbols(kind)) return "symbols";
  if (!parameter.norm().empty() && !ReadsNorm(kind)) return "a norm";
  return "";
}

// Why the symbols are not all among the dimension's; empty when they are.
std::string WhyNotAmong(const Dimension& dimension, const Parameter& parameter) {
  for (const std::string& symbol : parameter.symbols()) {
    const bool allowed =
        std::find(dimension.symbols().begin(), dimension.symbols().end(), symbol) != dimension.symbols().end();
    if (!allowed) return Text("\"", symbol, "\" is not allowed");
  }
  return "";
}

std::string WrongUnit(const Parameter& parameter, std::string_view unit) {
  return Text("is in \"", parameter.unit(), "\", the bound in \"", unit, "\"");
}

class Evaluation {
 public:
  explicit Evaluation(const ReportedArtifact& artifact) : artifact_(artifact) {}

  // Why the artifact is outside in this dimension, which is well formed; empty when it is inside.
  StatusOr<std::string> Why(const Dimension& dimension) const {
    const DimensionKind& kind = *FindKind(dimension.kind());
    if (kind.metric != Part::kForbidden) return OfMetric(dimension);
    if (kind.period != Part::kForbidden) return OfRate(dimension);
    const Parameter* parameter = nullptr;
    for (const Parameter& each : artifact_.produced->parameters()) {
      if (each.dimension() != dimension.name()) continue;
      if (parameter != nullptr) return std::string("is reported more than once");
      parameter = &each;
    }
    if (parameter != nullptr) {
      const std::string unread = UnreadPart(kind, *parameter);
      if (!unread.empty())
        return Text("it reports ", unread, ", which means nothing in a dimension of kind ", kind.name);
    }
    if (kind.name == "data") return OfData(dimension, parameter);
    if (kind.name == "cumulative") return OfDistance(dimension, parameter);
    if (parameter == nullptr) return std::string("is not reported by the artifact");
    return OfParameter(dimension, *parameter);
  }

 private:
  static StatusOr<std::string> OfParameter(const Dimension& dimension, const Parameter& parameter) {
    const std::string& kind = dimension.kind();
    if (kind == "set" || kind == "structure") {
      if (parameter.symbols().empty() && kind == "set") return std::string("no symbols are reported");
      return WhyNotAmong(dimension, parameter);
    }
    if (kind == "domain") return OfDomain(dimension, parameter);
    if (parameter.norm() != dimension.norm()) {
      return Text("is measured by the norm \"", parameter.norm(), "\", the envelope's is \"", dimension.norm(), "\"");
    }
    if (kind == "norm_delta") {
      // A distance has no sign: one below zero says nothing of how far it is.
      ASSIGN_OR_RETURN(const bool distance, Meets(parameter.value(), ">=", "0"));
      if (!distance) return Text(parameter.value(), " is no distance");
    }
    return WhyNotWithin(parameter, dimension.low(), dimension.high(), dimension.unit());
  }

  static StatusOr<std::string> OfDomain(const Dimension& dimension, const Parameter& parameter) {
    if (!dimension.low().empty() || !dimension.high().empty()) {
      ASSIGN_OR_RETURN(const std::string why,
                       WhyNotWithin(parameter, dimension.low(), dimension.high(), dimension.unit()));
      if (!why.empty()) return why;
    }
    if (dimension.symbols().empty()) return std::string();
    if (parameter.symbols().empty()) return std::string("no symbols are reported");
    return WhyNotAmong(dimension, parameter);
  }

  StatusOr<std::string> OfMetric(const Dimension& dimension) const {
    const std::string of = dimension.subgroup().empty() ? "" : Text(" of subgroup \"", dimension.subgroup(), "\"");
    bool reported = false;
    for (const MeasuredMetric& measured : artifact_.metrics) {
      const v1::Metric& metric = *measured.metric;
      if (metric.name() != dimension.name() || metric.subgroup() != dimension.subgroup()) continue;
      reported |= measured.counts;
      ASSIGN_OR_RETURN(std::string why, WhyMetricOutside(dimension, metric, of));
      if (!why.empty()) return why;
    }
    return reported ? std::string() : Text("no evaluation reports it", of);
  }

  static StatusOr<std::string> WhyMetricOutside(const Dimension& dimension, const v1::Metric& metric,
                                                std::string_view of) {
    const MetricEnd end = dimension.confidence() == "lower"   ? MetricEnd::kLower
                          : dimension.confidence() == "upper" ? MetricEnd::kUpper
                                                              : MetricEnd::kValue;
    const HeldNumber held = NumberHeld(metric, end, dimension.unit(), "the envelope");
    if (!held.missing_because.empty()) return Text(held.missing_because, of);
    ASSIGN_OR_RETURN(const bool within, IsWithin(held.number, dimension.low(), dimension.high()));
    return within ? std::string() : Text(held.number, of, " is not ", Range(dimension));
  }

  StatusOr<std::string> OfRate(const Dimension& dimension) const {
    ASSIGN_OR_RETURN(const Decimal limit, Decimal::Parse(dimension.high()));
    // Decimals have no upper end; more than this are not counted.
    constexpr uint64_t kCountedMax = 100'000;
    ASSIGN_OR_RETURN(const uint64_t before, artifact_.activations(dimension.per_period_s(), kCountedMax));
    ASSIGN_OR_RETURN(const Decimal with_this, Decimal::Parse(Text(before + 1)));
    if (before < kCountedMax && with_this <= limit) return std::string();
    return Text("this would be activation ", before + 1, " in ", dimension.per_period_s(), " s; at most ",
                dimension.high(), " are allowed");
  }

  StatusOr<std::string> OfData(const Dimension& dimension, const Parameter* parameter) const {
    const v1::ArtifactProduced& produced = *artifact_.produced;
    if (produced.local_data_commitment().empty()) return std::string("no local data is committed to");
    if (produced.local_data_records() < dimension.minimum()) {
      return Text(produced.local_data_records(), " records are fewer than ", dimension.minimum());
    }
    const int64_t until_us = produced.local_data_until_us();
    if (until_us > artifact_.at.us) return std::string("the data is said to be from after the time of the decision");
    if (dimension.age_max_s() > 0) {
      if (until_us == 0) return std::string("nothing says until when the data was taken");
      const uint64_t age_s = static_cast<uint64_t>(artifact_.at.us - until_us) / 1'000'000;
      if (age_s > dimension.age_max_s()) {
        return Text("the data is ", age_s, " s old; at most ", dimension.age_max_s(), " s are allowed");
      }
    }
    if (dimension.symbols().empty()) return std::string();
    if (parameter == nullptr || parameter->symbols().empty()) return std::string("its source is not reported");
    return WhyNotAmong(dimension, *parameter);
  }

  StatusOr<std::string> OfDistance(const Dimension& dimension, const Parameter* reported) const {
    std::string distance = reported == nullptr ? "" : reported->value();
    if (reported != nullptr && reported->unit() != dimension.unit()) return WrongUnit(*reported, dimension.unit());
    if (!dimension.of().empty()) {
      ASSIGN_OR_RETURN(const StepSum sum, artifact_.sum_of_steps(dimension.of(), dimension.unit()));
      if (!sum.unknown_because.empty()) return sum.unknown_because;
      if (reported != nullptr) {
        ASSIGN_OR_RETURN(const bool same, Meets(distance, "=", sum.value));
        if (!same) return Text(distance, " is reported, the steps add up to ", sum.value);
      }
      distance = sum.value;
    }
    if (distance.empty()) return std::string("is not reported by the artifact");
    if (distance.starts_with('-')) distance.erase(0, 1);
    ASSIGN_OR_RETURN(const bool within, IsWithin(distance, "", dimension.high()));
    return within ? std::string() : Text("the distance from the anchor is ", distance, ", not ", Range(dimension));
  }

  const ReportedArtifact& artifact_;
};

}  // namespace

std::string RangeText(std::string_view low, std::string_view high, std::string_view of_unit) {
  const std::string unit = of_unit.empty() ? "" : Text(" ", of_unit);
  if (low.empty()) return Text("at most ", high, unit);
  if (high.empty()) return Text("at least ", low, unit);
  return Text("[", low, ", ", high, "]", unit);
}

StatusOr<bool> IsWithin(std::string_view value, std::string_view low, std::string_view high) {
  ASSIGN_OR_RETURN(const Decimal number, Decimal::Parse(value));
  if (!low.empty()) {
    ASSIGN_OR_RETURN(const Decimal bound, Decimal::Parse(low));
    if (number < bound) return false;
  }
  if (!high.empty()) {
    ASSIGN_OR_RETURN(const Decimal bound, Decimal::Parse(high));
    if (bound < number) return false;
  }
  return true;
}

StatusOr<std::string> WhyNotWithin(const Parameter& parameter, std::string_view low, std::string_view high,
                                   std::string_view unit) {
  if (parameter.value().empty()) return std::string("no value is reported");
  if (parameter.unit() != unit) return WrongUnit(parameter, unit);
  if (!parameter.high().empty()) {
    ASSIGN_OR_RETURN(const bool ordered, Meets(parameter.value(), "<=", parameter.high()));
    if (!ordered) return Text("[", parameter.value(), ", ", parameter.high(), "] is no range");
  }
  for (const std::string* end : {&parameter.value(), &parameter.high()}) {
    if (end->empty()) continue;
    ASSIGN_OR_RETURN(const bool within, IsWithin(*end, low, high));
    if (!within) return Text(*end, " is not ", RangeText(low, high, unit));
  }
  return std::string();
}

StatusOr<bool> Meets(std::string_view a, std::string_view comparator, std::string_view b) {
  ASSIGN_OR_RETURN(const Decimal left, Decimal::Parse(a));
  ASSIGN_OR_RETURN(const Decimal right, Decimal::Parse(b));
  if (comparator == "<") return left < right;
  if (comparator == "<=") return left <= right;
  if (comparator == "=") return left == right;
  if (comparator == ">=") return left >= right;
  return comparator == ">" && left > right;
}

StatusOr<std::vector<std::string>> WhyOutside(const v1::EnvelopeTerms& terms, const ReportedArtifact& artifact) {
  // One that was taken over from elsewhere may say what nobody can evaluate.
  if (const Status checked = CheckEnvelope(terms); !checked.ok()) {
    return std::vector<std::string>{Text("it is not well formed: ", MessageOf(checked))};
  }
  const Evaluation evaluation(artifact);
  std::vector<std::string> reasons;
  for (const Dimension& dimension : terms.dimensions()) {
    ASSIGN_OR_RETURN(const std::string why, evaluation.Why(dimension));
    if (!why.empty()) reasons.push_back(Text(dimension.name(), ": ", why));
  }
  return reasons;
}

std::vector<std::string> Unnamed(const std::vector<const v1::EnvelopeTerms*>& envelopes,
                                 const v1::ArtifactProduced& produced) {
  std::set<std::string> named;
  for (const v1::EnvelopeTerms* terms : envelopes) {
    for (const Dimension& dimension : terms->dimensions()) {
      const DimensionKind* kind = FindKind(dimension.kind());
      if (kind != nullptr && (ReadsValue(*kind) || ReadsSymbols(*kind))) named.insert(dimension.name());
    }
  }
  std::vector<std::string> unnamed;
  for (const Parameter& parameter : produced.parameters()) {
    if (named.count(parameter.dimension()) == 0) unnamed.push_back(parameter.dimension());
  }
  return unnamed;
}

}  // namespace anamnesis
