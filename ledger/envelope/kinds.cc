#include "ledger/envelope/kinds.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"

namespace anamnesis {
namespace {

using Dimension = v1::EnvelopeTerms::Dimension;

constexpr Part kMay = Part::kOptional;
constexpr Part kMust = Part::kRequired;

constexpr std::array<DimensionKind, 10> kKinds = {{
    {.name = "interval", .low = kMay, .high = kMay},
    {.name = "set", .symbols = kMust},
    {.name = "floor", .low = kMust, .metric = kMay},
    {.name = "ceiling", .high = kMust, .metric = kMay},
    {.name = "norm_delta", .high = kMust, .norm = kMust},
    {.name = "structure", .symbols = kMust},
    {.name = "domain", .low = kMay, .high = kMay, .symbols = kMay},
    {.name = "rate", .high = kMust, .period = kMust},
    {.name = "cumulative", .high = kMust, .of = kMay},
    {.name = "data", .symbols = kMay, .records = kMay},
}};

Status Wrong(const Dimension& dimension, std::string_view field, std::string_view why) {
  return absl::InvalidArgumentError(Text("dimension \"", dimension.name(), "\", ", field, ": ", why));
}

Status CheckPart(const Dimension& dimension, Part part, std::string_view field, bool there) {
  if (part == Part::kRequired && !there) {
    return Wrong(dimension, field, Text("a dimension of kind ", dimension.kind(), " needs it"));
  }
  if (part == Part::kForbidden && there) {
    return Wrong(dimension, field, Text("means nothing in a dimension of kind ", dimension.kind()));
  }
  return OkStatus();
}

Status CheckBounds(const Dimension& dimension) {
  if (dimension.kind() == "interval" && dimension.low().empty() && dimension.high().empty()) {
    return Wrong(dimension, "low", "an interval needs low or high");
  }
  if (dimension.kind() == "domain" && dimension.low().empty() && dimension.high().empty() &&
      dimension.symbols().empty()) {
    return Wrong(dimension, "low", "a domain needs low, high or symbols");
  }
  if (dimension.kind() == "data" && dimension.minimum() == 0 && dimension.age_max_s() == 0 &&
      dimension.symbols().empty()) {
    return Wrong(dimension, "minimum", "a data dimension needs symbols, minimum or age_max_s");
  }
  for (const auto& [field, text] : {std::pair{"low", &dimension.low()}, std::pair{"high", &dimension.high()}}) {
    if (!text->empty() && !Decimal::Parse(*text).ok()) return Wrong(dimension, field, "is no decimal number");
  }
  if (dimension.low().empty() || dimension.high().empty()) return OkStatus();
  if (*Decimal::Parse(dimension.high()) < *Decimal::Parse(dimension.low())) {
    return Wrong(dimension, "high", "is less than low, so that nothing would be inside");
  }
  return OkStatus();
}

Status CheckDimension(const Dimension& dimension) {
  const DimensionKind* kind = FindKind(dimension.kind());
  if (kind == nullptr) {
    std::string known;
    for (const DimensionKind& each : kKinds) known += Text(known.empty() ? "" : ", ", each.name);
    return Wrong(dimension, "kind", Text("\"", dimension.kind(), "\" is none of ", known));
  }
  RETURN_IF_ERROR(CheckPart(dimension, kind->low, "low", !dimension.low().empty()));
  RETURN_IF_ERROR(CheckPart(dimension, kind->high, "high", !dimension.high().empty()));
  RETURN_IF_ERROR(CheckPart(dimension, kind->symbols, "symbols", !dimension.symbols().empty()));
  RETURN_IF_ERROR(CheckPart(dimension, kind->norm, "norm", !dimension.norm().empty()));
  RETURN_IF_ERROR(CheckPart(dimension, kind->of, "of", !dimension.of().empty()));
  RETURN_IF_ERROR(CheckPart(dimension, kind->period, "per_period_s", dimension.per_period_s() > 0));
  const bool records = dimension.minimum() > 0 || dimension.age_max_s() > 0;
  RETURN_IF_ERROR(CheckPart(dimension, kind->records, "minimum", records));
  RETURN_IF_ERROR(CheckPart(dimension, kind->metric, "subgroup", !dimension.subgroup().empty()));
  RETURN_IF_ERROR(CheckPart(dimension, kind->metric, "confidence", !dimension.confidence().empty()));
  if (!dimension.confidence().empty() && dimension.confidence() != "lower" && dimension.confidence() != "upper") {
    return Wrong(dimension, "confidence", "must be \"lower\", \"upper\" or nothing");
  }
  return CheckBounds(dimension);
}

}  // namespace

const DimensionKind* FindKind(std::string_view name) {
  const auto* found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const DimensionKind& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

Status CheckEnvelope(const v1::EnvelopeTerms& terms) {
  std::set<std::pair<std::string, std::string>> names;
  for (const Dimension& dimension : terms.dimensions()) {
    RETURN_IF_ERROR(CheckDimension(dimension));
    if (!names.emplace(dimension.name(), dimension.subgroup()).second) {
      return Wrong(dimension, "name", "is there twice; one dimension says all of a name and subgroup");
    }
  }
  return OkStatus();
}

}  // namespace anamnesis
