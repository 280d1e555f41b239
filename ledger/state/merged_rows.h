#ifndef ANAMNESIS_LEDGER_STATE_MERGED_ROWS_H_
#define ANAMNESIS_LEDGER_STATE_MERGED_ROWS_H_

// Rows that are pending in front of rows that are stored, walked as one. Sorts what is pending once, so it is for the
// few events whose effect depends on ranges of rows. Pure; not for concurrent use.

#include <array>
#include <map>
#include <string_view>

#include "ledger/state/rows.h"

namespace anamnesis {

class MergedRows : public RowReader {
 public:
  // Both must outlive it and not change while it lives. `pending` is in front of rows of which `stored` has all.
  MergedRows(const RowOverlay& pending, const RowReader& stored);

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override;
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override;
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override;

 private:
  using Pending = std::map<std::string_view, std::string_view>;
  const Pending& of(Family family) const { return pending_[static_cast<size_t>(family)]; }

  const RowReader& stored_;
  std::array<Pending, kFamilies> pending_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_MERGED_ROWS_H_
