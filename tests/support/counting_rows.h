#ifndef ANAMNESIS_TESTS_SUPPORT_COUNTING_ROWS_H_
#define ANAMNESIS_TESTS_SUPPORT_COUNTING_ROWS_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/state/rows.h"

namespace anamnesis {

// Counts every row that is read, and can fail to walk some ranges.
class CountingRows : public RowReader {
 public:
  // `rows` must outlive it.
  explicit CountingRows(const RowReader& rows) : rows_(rows) {}

  // From now on walks of this prefix fail so: as one does that finds more than is looked at.
  void Fail(std::string prefix, Status status) {
    failing_ = std::move(prefix);
    failure_ = std::move(status);
  }

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    ++count_;
    return rows_.Get(family, key);
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    ++count_;
    return rows_.LastAtOrBefore(family, prefix, key);
  }
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    if (prefix == failing_) return failure_;
    return rows_.Scan(family, prefix, from, Counted(visit));
  }
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    if (prefix == failing_) return failure_;
    return rows_.ScanBackwards(family, prefix, from, Counted(visit));
  }

  size_t count() const { return count_; }

 private:
  Visitor Counted(const Visitor& visit) const {
    return [this, &visit](std::string_view key, std::string_view value) {
      ++count_;
      return visit(key, value);
    };
  }

  const RowReader& rows_;
  std::optional<std::string> failing_;
  Status failure_;
  mutable size_t count_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_COUNTING_ROWS_H_
