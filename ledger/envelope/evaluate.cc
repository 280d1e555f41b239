#include <algorithm>
#include <set>

#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"

namespace anamnesis {
namespace {

using Dimension = v1::EnvelopeTerms::Dimension;
using Parameter = v1::ArtifactProduced::Parameter;

std::string Range(const Dimension& dimension) {
  const std::string unit = dimension.unit().empty() ? "" : Text(" ", dimension.unit());
  if (dimension.low().empty()) return Text("at most ", dimension.high(), unit);
  if (dimension.high().empty()) return Text("at least ", dimension.low(), unit);
  return Text("[", dimension.low(), ", ", dimension.high(), "]", unit);
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

class Evaluation {
 public:
  explicit Evaluation(const ReportedArtifact& artifact) : artifact_(artifact) {}

  // Why the artifact is outside in this dimension; empty when it is inside.
  StatusOr<std::string> Why(const Dimension& dimension) const {
    const std::string& kind = dimension.kind();
    if (kind == "floor" || kind == "ceiling") return OfMetric(dimension);
    if (kind == "rate") return OfRate(dimension);
    if (kind == "data") return OfData(dimension);
    if (kind == "cumulative") return OfDistance(dimension);
    const Parameter* parameter = Find(dimension.name());
    if (parameter == nullptr) return std::string("is not reported by the artifact");
    if (kind == "set" || kind == "structure") {
      if (parameter->symbols().empty() && kind == "set") return std::string("no symbols are reported");
      return WhyNotAmong(dimension, *parameter);
    }
    if (kind == "domain") return OfDomain(dimension, *parameter);
    if (kind == "norm_delta" && parameter->norm() != dimension.norm()) {
      return Text("is measured by the norm \"", parameter->norm(), "\", the envelope's is \"", dimension.norm(), "\"");
    }
    return OfValue(dimension, *parameter);
  }

 private:
  const Parameter* Find(std::string_view name) const {
    for (const Parameter& parameter : artifact_.produced->parameters()) {
      if (parameter.dimension() == name) return &parameter;
    }
    return nullptr;
  }

  static StatusOr<std::string> OfValue(const Dimension& dimension, const Parameter& parameter) {
    if (parameter.value().empty()) return std::string("no value is reported");
    if (parameter.unit() != dimension.unit()) {
      return Text("is in \"", parameter.unit(), "\", the envelope in \"", dimension.unit(), "\"");
    }
    ASSIGN_OR_RETURN(const bool within, IsWithin(parameter.value(), dimension.low(), dimension.high()));
    return within ? std::string() : Text(parameter.value(), " is not ", Range(dimension));
  }

  static StatusOr<std::string> OfDomain(const Dimension& dimension, const Parameter& parameter) {
    const bool bounded = !dimension.low().empty() || !dimension.high().empty();
    if (bounded) {
      ASSIGN_OR_RETURN(const std::string why, OfValue(dimension, parameter));
      if (!why.empty()) return why;
      if (!parameter.high().empty()) {
        ASSIGN_OR_RETURN(const bool within, IsWithin(parameter.high(), dimension.low(), dimension.high()));
        if (!within) return Text(parameter.high(), " is not ", Range(dimension));
      }
    }
    if (dimension.symbols().empty()) return std::string();
    if (parameter.symbols().empty()) return std::string("no symbols are reported");
    return WhyNotAmong(dimension, parameter);
  }

  StatusOr<std::string> OfMetric(const Dimension& dimension) const {
    const v1::Metric* found = nullptr;
    for (const v1::Metric* metric : artifact_.metrics) {
      if (metric->name() == dimension.name() && metric->subgroup() == dimension.subgroup()) found = metric;
    }
    const std::string of = dimension.subgroup().empty() ? "" : Text(" of subgroup \"", dimension.subgroup(), "\"");
    if (found == nullptr) return Text("no evaluation reports it", of);
    if (found->unit() != dimension.unit()) {
      return Text("is in \"", found->unit(), "\", the envelope in \"", dimension.unit(), "\"");
    }
    const std::string& value = dimension.confidence() == "lower"   ? found->ci_low()
                               : dimension.confidence() == "upper" ? found->ci_high()
                                                                   : found->value();
    if (value.empty()) return Text("no ", dimension.confidence(), " bound of its interval is reported", of);
    ASSIGN_OR_RETURN(const bool within, IsWithin(value, dimension.low(), dimension.high()));
    return within ? std::string() : Text(value, of, " is not ", Range(dimension));
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

  StatusOr<std::string> OfData(const Dimension& dimension) const {
    const v1::ArtifactProduced& produced = *artifact_.produced;
    if (produced.local_data_commitment().empty()) return std::string("no local data is committed to");
    if (produced.local_data_records() < dimension.minimum()) {
      return Text(produced.local_data_records(), " records are fewer than ", dimension.minimum());
    }
    if (dimension.age_max_s() > 0) {
      if (produced.local_data_until_us() == 0) return std::string("nothing says until when the data was taken");
      const int64_t age_s = (artifact_.at.us - produced.local_data_until_us()) / 1'000'000;
      if (age_s > 0 && static_cast<uint64_t>(age_s) > dimension.age_max_s()) {
        return Text("the data is ", age_s, " s old; at most ", dimension.age_max_s(), " s are allowed");
      }
    }
    if (dimension.symbols().empty()) return std::string();
    const Parameter* parameter = Find(dimension.name());
    if (parameter == nullptr || parameter->symbols().empty()) return std::string("its source is not reported");
    return WhyNotAmong(dimension, *parameter);
  }

  StatusOr<std::string> OfDistance(const Dimension& dimension) const {
    const Parameter* reported = Find(dimension.name());
    std::string distance = reported == nullptr ? "" : reported->value();
    if (!dimension.of().empty()) {
      ASSIGN_OR_RETURN(const std::optional<std::string> sum, artifact_.sum_of_steps(dimension.of()));
      if (!sum.has_value()) return Text("the chain of parents back to the anchor is not complete");
      if (reported != nullptr) {
        ASSIGN_OR_RETURN(const Decimal own, Decimal::Parse(distance));
        ASSIGN_OR_RETURN(const Decimal computed, Decimal::Parse(*sum));
        if (own != computed) return Text(distance, " is reported, the steps add up to ", *sum);
      }
      distance = *sum;
    }
    if (distance.empty()) return std::string("is not reported by the artifact");
    if (distance.starts_with('-')) distance.erase(0, 1);
    ASSIGN_OR_RETURN(const bool within, IsWithin(distance, "", dimension.high()));
    return within ? std::string() : Text("the distance from the anchor is ", distance, ", not ", Range(dimension));
  }

  const ReportedArtifact& artifact_;
};

}  // namespace

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
    for (const Dimension& dimension : terms->dimensions()) named.insert(dimension.name());
  }
  std::vector<std::string> unnamed;
  for (const Parameter& parameter : produced.parameters()) {
    if (named.count(parameter.dimension()) == 0) unnamed.push_back(parameter.dimension());
  }
  return unnamed;
}

}  // namespace anamnesis
