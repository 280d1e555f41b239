#include "client/dataset/external_sort.h"

#include <algorithm>
#include <span>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"

namespace anamnesis {
namespace {

constexpr size_t kMemoryBytesMin = 1 << 20;
// How many runs are merged at once; each has a buffer.
constexpr size_t kFanInMax = 64;
// More read ahead of a run gains nothing.
constexpr size_t kReadBytesMax = 1 << 20;
constexpr size_t kLengthBytes = 4;

Status AppendRecord(SequentialWriter& out, std::string_view record) {
  std::string length;
  AppendBigEndian32(length, static_cast<uint32_t>(record.size()));
  RETURN_IF_ERROR(out.Append(length));
  return out.Append(record);
}

}  // namespace

// Several runs of one file as one.
class ExternalSort::Merge {
  struct Input {
    SequentialReader reader;
    std::string_view record;
  };

  // The order of a heap whose front is the smallest record.
  auto After() const {
    return [this](size_t a, size_t b) { return inputs_[a].record > inputs_[b].record; };
  }

 public:
  Merge(const File& file, std::span<const Run> runs, size_t memory_bytes) {
    for (const Run& run : runs) {
      inputs_.push_back(
          {SequentialReader(file, run.begin, run.end, std::min(memory_bytes / runs.size(), kReadBytesMax)), {}});
    }
  }

  Status Start() {
    for (size_t input = 0; input < inputs_.size(); ++input) RETURN_IF_ERROR(Advance(input));
    return OkStatus();
  }

  StatusOr<std::optional<std::string_view>> Next() {
    if (last_.has_value()) RETURN_IF_ERROR(Advance(*std::exchange(last_, std::nullopt)));
    if (heap_.empty()) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), After());
    last_ = heap_.back();
    heap_.pop_back();
    return inputs_[*last_].record;
  }

 private:
  // Puts the input's next record on the heap, if it has one.
  Status Advance(size_t number) {
    Input& input = inputs_[number];
    if (input.reader.AtEnd()) return OkStatus();
    ASSIGN_OR_RETURN(const std::string_view bytes, input.reader.Take(kLengthBytes));
    ASSIGN_OR_RETURN(const uint32_t length, ByteReader(bytes).BigEndian32());
    ASSIGN_OR_RETURN(input.record, input.reader.Take(length));
    heap_.push_back(number);
    std::push_heap(heap_.begin(), heap_.end(), After());
    return OkStatus();
  }

  std::vector<Input> inputs_;
  std::vector<size_t> heap_;
  // The input whose record was given out and is still lent.
  std::optional<size_t> last_;
};

ExternalSort::ExternalSort(std::string directory, size_t memory_bytes)
    : directory_(std::move(directory)),
      arena_bytes_(std::max(memory_bytes, kMemoryBytesMin) / 4 * 3),
      entries_max_(std::max(memory_bytes, kMemoryBytesMin) / 4 / sizeof(Entry)) {}

ExternalSort::~ExternalSort() = default;

Status ExternalSort::Add(std::string_view record) {
  CHECK(record.size() <= kSortRecordBytesMax);
  CHECK(merge_ == nullptr);
  if (arena_.size() + record.size() > arena_bytes_ || entries_.size() == entries_max_) RETURN_IF_ERROR(Spill());
  if (entries_.empty()) {
    // At once, so that growing never holds two copies.
    arena_.reserve(arena_bytes_);
    entries_.reserve(entries_max_);
  }
  entries_.push_back({static_cast<uint32_t>(arena_.size()), static_cast<uint32_t>(record.size())});
  arena_.append(record);
  ++count_;
  return OkStatus();
}

Status ExternalSort::Finish() {
  if (runs_.empty()) {
    SortEntries();
    return OkStatus();
  }
  RETURN_IF_ERROR(Spill());
  arena_ = std::string();
  entries_ = std::vector<Entry>();
  RETURN_IF_ERROR(MergeRunsUntilFew());
  merge_ = std::make_unique<Merge>(*file_, runs_, arena_bytes_);
  return merge_->Start();
}

StatusOr<std::optional<std::string_view>> ExternalSort::Next() {
  if (merge_ != nullptr) return merge_->Next();
  if (next_entry_ == entries_.size()) return std::nullopt;
  return Record(entries_[next_entry_++]);
}

void ExternalSort::SortEntries() {
  std::sort(entries_.begin(), entries_.end(), [this](Entry a, Entry b) { return Record(a) < Record(b); });
}

Status ExternalSort::Spill() {
  if (entries_.empty()) return OkStatus();
  SortEntries();
  if (!file_.has_value()) {
    ASSIGN_OR_RETURN(file_, File::OpenNameless(directory_));
  }
  SequentialWriter out(*file_, file_end_, kMemoryBytesMin);
  for (const Entry entry : entries_) RETURN_IF_ERROR(AppendRecord(out, Record(entry)));
  RETURN_IF_ERROR(out.Flush());
  runs_.push_back({file_end_, out.position()});
  file_end_ = out.position();
  arena_.clear();
  entries_.clear();
  return OkStatus();
}

Status ExternalSort::MergeRunsUntilFew() {
  while (runs_.size() > kFanInMax) {
    ASSIGN_OR_RETURN(File merged, File::OpenNameless(directory_));
    SequentialWriter out(merged, 0, kMemoryBytesMin);
    std::vector<Run> longer;
    for (size_t first = 0; first < runs_.size(); first += kFanInMax) {
      const size_t count = std::min(kFanInMax, runs_.size() - first);
      Merge merge(*file_, std::span<const Run>(runs_).subspan(first, count), arena_bytes_);
      RETURN_IF_ERROR(merge.Start());
      const uint64_t begin = out.position();
      while (true) {
        ASSIGN_OR_RETURN(const std::optional<std::string_view> record, merge.Next());
        if (!record.has_value()) break;
        RETURN_IF_ERROR(AppendRecord(out, *record));
      }
      longer.push_back({begin, out.position()});
    }
    RETURN_IF_ERROR(out.Flush());
    file_ = std::move(merged);
    runs_ = std::move(longer);
  }
  return OkStatus();
}

StatusOr<uint64_t> CountDistinct(ExternalSort& sort) {
  uint64_t count = 0;
  std::optional<std::string> last;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string_view> record, sort.Next());
    if (!record.has_value()) return count;
    if (last == *record) continue;
    last = *record;
    ++count;
  }
}

}  // namespace anamnesis
