#ifndef ANAMNESIS_CLIENT_DATASET_EXTERNAL_SORT_H_
#define ANAMNESIS_CLIENT_DATASET_EXTERNAL_SORT_H_

// Sorts any number of records by their bytes in bounded memory: what does not fit goes to a temporary file without a
// name, in sorted runs that are merged at the end. A caller who sorts by a key writes it first, in a form of which none
// is another's front. One thread at a time. Fails with what the temporary file fails with, and then is of no more use.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/dataset/file.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kSortRecordBytesMax = 64 * 1024;

class ExternalSort {
 public:
  // At least 1 MiB of memory is taken. `directory` holds the temporary file, if one is needed.
  ExternalSort(std::string directory, size_t memory_bytes);
  ~ExternalSort();

  // `record` has at most kSortRecordBytesMax bytes (checked).
  Status Add(std::string_view record);
  uint64_t count() const { return count_; }

  // Ends adding. Called once, before Next.
  Status Finish();
  // The next record in ascending order, equal ones one after the other, borrowed until the next call; nothing after the
  // last.
  StatusOr<std::optional<std::string_view>> Next();

 private:
  // A sorted run in the temporary file.
  struct Run {
    uint64_t begin;
    uint64_t end;
  };
  // Where a record lies in arena_.
  struct Entry {
    uint32_t offset;
    uint32_t size;
  };
  class Merge;

  std::string_view Record(Entry entry) const { return std::string_view(arena_).substr(entry.offset, entry.size); }
  void SortEntries();
  Status Spill();
  Status MergeRunsUntilFew();

  const std::string directory_;
  const size_t arena_bytes_;
  const size_t entries_max_;
  std::string arena_;
  std::vector<Entry> entries_;
  size_t next_entry_ = 0;
  std::optional<File> file_;
  uint64_t file_end_ = 0;
  std::vector<Run> runs_;
  std::unique_ptr<Merge> merge_;
  uint64_t count_ = 0;
};

// How many different records there are, read to the end. `sort` is finished.
StatusOr<uint64_t> CountDistinct(ExternalSort& sort);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_EXTERNAL_SORT_H_
