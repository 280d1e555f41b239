#ifndef ANAMNESIS_LEDGER_ENVELOPE_KINDS_H_
#define ANAMNESIS_LEDGER_ENVELOPE_KINDS_H_

// What the kinds of dimension are made of. Private to the room.

#include <string_view>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"

namespace anamnesis {

// What a field of a dimension is to its kind.
enum class Part { kForbidden, kOptional, kRequired };

struct DimensionKind {
  std::string_view name;
  Part low = Part::kForbidden;
  Part high = Part::kForbidden;
  Part symbols = Part::kForbidden;
  Part norm = Part::kForbidden;
  Part of = Part::kForbidden;
  Part period = Part::kForbidden;
  // `minimum` and `age_max_s`.
  Part records = Part::kForbidden;
  // `subgroup` and `confidence`: it is about a metric.
  Part metric = Part::kForbidden;
};

// nullptr when there is no such kind.
const DimensionKind* FindKind(std::string_view name);

// What of a parameter that an artifact reports its kind reads: nothing where the dimension is about a metric or a rate.
inline bool ReadsValue(const DimensionKind& kind) {
  const bool bounds = kind.low != Part::kForbidden || kind.high != Part::kForbidden;
  return bounds && kind.metric == Part::kForbidden && kind.period == Part::kForbidden;
}
inline bool ReadsSymbols(const DimensionKind& kind) { return kind.symbols != Part::kForbidden; }
// A range [value, high] too; a distance is one number.
inline bool ReadsRange(const DimensionKind& kind) { return ReadsValue(kind) && kind.of == Part::kForbidden; }
inline bool ReadsNorm(const DimensionKind& kind) { return kind.norm != Part::kForbidden; }

inline bool RequiresSymbols(const v1::EnvelopeTerms::Dimension& dimension) {
  const DimensionKind* kind = FindKind(dimension.kind());
  return kind != nullptr && kind->symbols == Part::kRequired;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENVELOPE_KINDS_H_
