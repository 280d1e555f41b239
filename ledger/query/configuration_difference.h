#ifndef ANAMNESIS_LEDGER_QUERY_CONFIGURATION_DIFFERENCE_H_
#define ANAMNESIS_LEDGER_QUERY_CONFIGURATION_DIFFERENCE_H_

// What differs between two views of a unit, and which events make the difference. Private to the room. Pure.

#include <optional>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// What a view is of: the unit at a time, knowing the first so many leaves.
struct ViewPoint {
  Timestamp at;
  TreeSize known;
  // When these leaves are those that were known at a time.
  std::optional<Timestamp> known_at;
};

// Fills `answer.differences` from its two views, which are of these points.
Status AddDifferences(const RowReader& rows, const ViewPoint& then, const ViewPoint& now,
                      v1::ConfigurationAnswer& answer);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CONFIGURATION_DIFFERENCE_H_
