#ifndef ANAMNESIS_LEDGER_STATE_REMEMBERED_ROWS_H_
#define ANAMNESIS_LEDGER_STATE_REMEMBERED_ROWS_H_

// What a finder said, kept for who asks again. Whoever folds many events asks for the same few rows with each: the
// writer's roles, policies, definitions, and corrections that are not there. Pure; not for concurrent use, though its
// methods are const.

#include <array>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "ledger/state/rows.h"

namespace anamnesis {

class RememberedRows : public RowFinder {
 public:
  // `rows` must outlive it, and no row that is asked for may change while it lives.
  explicit RememberedRows(const RowFinder& rows) : rows_(rows) {}

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    return rows_.LastAtOrBefore(family, prefix, key);
  }

 private:
  struct Known {
    std::string key;
    std::optional<std::string> value;
  };

  const RowFinder& rows_;
  mutable std::deque<Known> known_;
  // Borrows the keys.
  mutable std::array<absl::flat_hash_map<std::string_view, const Known*>, kFamilies> of_family_;
  mutable size_t bytes_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_REMEMBERED_ROWS_H_
