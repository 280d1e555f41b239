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

inline bool RequiresSymbols(const v1::EnvelopeTerms::Dimension& dimension) {
  const DimensionKind* kind = FindKind(dimension.kind());
  return kind != nullptr && kind->symbols == Part::kRequired;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENVELOPE_KINDS_H_
