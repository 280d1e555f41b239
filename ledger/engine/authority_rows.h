#ifndef ANAMNESIS_LEDGER_ENGINE_AUTHORITY_ROWS_H_
#define ANAMNESIS_LEDGER_ENGINE_AUTHORITY_ROWS_H_

// The rows of keys and roles (kAuthority) as they were read, kept in memory: every call and every run that is handed in
// asks for some. Rows are kept and no verdicts, so that times of validity are looked at each time. All that is kept is
// dropped when a row of the family may have changed, so a revocation holds from the next question on.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Safe for concurrent use. Reads of other families go to the store.
class AuthorityRows : public RowReader {
 public:
  // How many rows one scan may keep, and how many answers are kept; beyond that the store is asked again.
  static constexpr size_t kScanRowsMax = 64;
  static constexpr size_t kAnswersMax = 4096;

  // `store` must outlive it.
  explicit AuthorityRows(const RowReader& store) : store_(store) {}

  // Rows of the family may have been written. Called when reads of the store see them, and before anybody is told that
  // they were written.
  void Changed() { changes_.fetch_add(1, std::memory_order_acq_rel); }

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override;
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override;
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override;

 private:
  // What the store answered: the rows in the order of the scan; for Get the one that is there.
  using Answer = std::shared_ptr<const Rows>;
  using ReadRows = Status (RowReader::*)(Family, std::string_view, std::string_view, const Visitor&) const;

  // Null when it isn't kept, or was read before the change that `changes` counts.
  Answer Find(const std::string& question, uint64_t changes) const;
  void Keep(std::string question, uint64_t changes, Answer answer) const;
  Status Visit(ReadRows read, char question, std::string_view prefix, std::string_view from,
               const Visitor& visit) const;

  const RowReader& store_;
  std::atomic<uint64_t> changes_ = 0;
  mutable std::mutex mutex_;
  // Guarded by mutex_: what was asked, with what was read after the change that is counted here and before the next.
  mutable absl::flat_hash_map<std::string, Answer> answers_;
  mutable uint64_t answers_of_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_AUTHORITY_ROWS_H_
