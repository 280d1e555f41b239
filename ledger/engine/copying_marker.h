#ifndef ANAMNESIS_LEDGER_ENGINE_COPYING_MARKER_H_
#define ANAMNESIS_LEDGER_ENGINE_COPYING_MARKER_H_

// The row of kMeta that says that a copy is being received (copy_in.h): events beyond the ledger's size may be there.

#include <optional>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

inline constexpr std::string_view kCopyingKey = "copying";

inline Row CopyingMarker(bool copying) { return {Family::kMeta, std::string(kCopyingKey), copying ? "1" : "0"}; }

inline StatusOr<bool> CopyIsUnfinished(const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<std::string> marker, rows.Get(Family::kMeta, kCopyingKey));
  return marker == "1";
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_COPYING_MARKER_H_
