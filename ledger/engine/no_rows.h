#ifndef ANAMNESIS_LEDGER_ENGINE_NO_ROWS_H_
#define ANAMNESIS_LEDGER_ENGINE_NO_ROWS_H_

// What has no rows below it: the base of an overlay that begins with an empty log.

#include <optional>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

class NoRows : public RowFinder {
 public:
  StatusOr<std::optional<std::string>> Get(Family /*family*/, std::string_view /*key*/) const override {
    return std::optional<std::string>();
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family /*family*/, std::string_view /*prefix*/,
                                              std::string_view /*key*/) const override {
    return std::optional<Row>();
  }
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_NO_ROWS_H_
