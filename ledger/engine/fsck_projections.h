#ifndef ANAMNESIS_LEDGER_ENGINE_FSCK_PROJECTIONS_H_
#define ANAMNESIS_LEDGER_ENGINE_FSCK_PROJECTIONS_H_

// The projections computed again from the log, and compared with the stored rows.

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ledger/base/bytes.h"
#include "ledger/engine/fsck.h"
#include "ledger/engine/fsck_leaf.h"
#include "ledger/engine/fsck_problems.h"
#include "ledger/state/event_list.h"
#include "ledger/state/project.h"
#include "ledger/store/store.h"

namespace anamnesis {

// What the projections were before an event: rows that are overwritten in place from memory, the others, which have the
// event's index in their keys, from the store. Lists of events grow for a while and stay: from memory until they have
// grown.
class EarlierRows : public RowFinder {
 public:
  explicit EarlierRows(const RowFinder& stored) : stored_(stored) {}

  // Rows of events from here on are not seen.
  void set_first_unseen(uint64_t index) { first_unseen_ = index; }
  // Takes a computed row up; false when it is one that has to be compared with the store now.
  bool Keep(Row& row) {
    if (row.family == Family::kStreamEvents || row.family == Family::kTypeEvents) {
      MapOf(row.family).insert_or_assign(std::move(row.key), std::move(row.value));
      return true;
    }
    if (row.family == Family::kStreams || row.family == Family::kAuthority || row.family == Family::kCorrections ||
        row.family == Family::kEntities) {
      MapOf(row.family).insert_or_assign(std::move(row.key), std::move(row.value));
      return true;
    }
    if (row.family == Family::kEventIds) ids_.insert_or_assign(ToId(row.key), row.value);
    // A surface's first event; the other rows of timelines have a version and are looked for with LastAtOrBefore.
    if (row.family == Family::kTimelines && row.key.starts_with('s')) surfaces_.insert_or_assign(row.key, row.value);
    return false;
  }
  const absl::flat_hash_map<std::string, std::string>& MapOf(Family family) const {
    return overwritten_[static_cast<size_t>(family)];
  }
  // Moves the list rows that events from `next` on don't change to `rows`.
  void TakeGrownLists(LeafIndex next, std::vector<Row>& rows) {
    for (const Family family : {Family::kStreamEvents, Family::kTypeEvents}) {
      absl::erase_if(MapOf(family), [&](auto& entry) {
        if (FirstOfListRow(entry.first).value + kListRowIndexes > next.value) return false;
        rows.push_back({family, entry.first, std::move(entry.second)});
        return true;
      });
    }
  }

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    if (family == Family::kLeaves || family == Family::kBodies) return stored_.Get(family, key);
    if (family == Family::kEventIds) {
      if (key.size() != EventId::kSize) return std::optional<std::string>();
      const auto found = ids_.find(ToId(key));
      return found == ids_.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
    }
    const auto& map = family == Family::kTimelines ? surfaces_ : MapOf(family);
    const auto found = map.find(std::string(key));
    return found == map.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
  }

  // Whatever `key` is, by the rows that are found: they end with their event's index.
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    if (first_unseen_ == 0) return std::optional<Row>();
    const std::string last = LeafKey(LeafIndex(first_unseen_ - 1));
    std::string bound(key);
    while (true) {
      ASSIGN_OR_RETURN(std::optional<Row> row, stored_.LastAtOrBefore(family, prefix, bound));
      const bool has_index = row.has_value() && row->key.size() >= prefix.size() + last.size();
      if (!has_index || std::string_view(row->key).substr(row->key.size() - last.size()) <= last) return row;
      bound = std::move(row->key);
      bound.replace(bound.size() - last.size(), last.size(), last);
    }
  }

 private:
  using Id = std::array<char, EventId::kSize>;
  static Id ToId(std::string_view bytes) {
    Id id{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
    return id;
  }
  absl::flat_hash_map<std::string, std::string>& MapOf(Family family) {
    return overwritten_[static_cast<size_t>(family)];
  }

  const RowFinder& stored_;
  uint64_t first_unseen_ = 0;
  std::array<absl::flat_hash_map<std::string, std::string>, kFamilies> overwritten_;
  absl::flat_hash_map<Id, std::string> ids_;
  absl::flat_hash_map<std::string, std::string> surfaces_;
};

inline constexpr std::array kRowsOfOneEvent = {Family::kEventIds, Family::kStreamEvents, Family::kTypeEvents,
                                               Family::kEdges,    Family::kTimelines,    Family::kFindings};
inline constexpr std::array kRowsOverwritten = {Family::kStreams, Family::kAuthority, Family::kCorrections,
                                                Family::kEntities};

class ProjectionCheck {
 public:
  ProjectionCheck(const Store& stored, Problems& problems)
      : stored_(stored), view_(stored.View()), problems_(problems), earlier_(*view_), rows_(earlier_) {}

  // From here on nothing is computed: it would be derived from what is wrong.
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  const RowFinder& rows() const { return rows_; }

  void Add(const CheckedLeaf& leaf) {
    if (stopped_) return;
    const Status status = Project(leaf.event(), rows_);
    if (status.ok()) return;
    problems_.OfProjection(Family::kTimelines,
                           Text("can't be computed from leaf ", leaf.index, " on: ", MessageOf(status)));
    Stop();
  }

  // The rows of the events added since the last call that are to be compared with the store.
  std::vector<Row> TakeRows(uint64_t next_index) {
    Rows written = rows_.Take();
    if (stopped_) return {};
    std::vector<Row> rows;
    for (Row& row : written) {
      if (!earlier_.Keep(row)) rows.push_back(std::move(row));
    }
    earlier_.TakeGrownLists(LeafIndex(next_index), rows);
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return std::tie(a.family, a.key) < std::tie(b.family, b.key); });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [](const Row& a, const Row& b) { return a.family == b.family && a.key == b.key; }),
               rows.end());
    for (const Row& row : rows) ++computed_[static_cast<size_t>(row.family)];
    earlier_.set_first_unseen(next_index);
    return rows;
  }

  // Safe from any thread.
  void Compare(const Row& row) const {
    const StatusOr<std::optional<std::string>> stored = stored_.Get(row.family, row.key);
    if (stored.ok() && *stored == row.value) return;
    problems_.OfProjection(row.family, Text("row ", HexEncode(row.key), " ",
                                            !stored.ok()           ? MessageOf(stored.status())
                                            : !stored->has_value() ? std::string_view("is missing")
                                                                   : std::string_view("is not what the log says")));
  }

  // What can only be said at the end: rows that are overwritten, and rows that nothing wrote.
  void Finish(FsckReport& report) {
    if (stopped_) return;
    std::vector<Row> last_lists;
    earlier_.TakeGrownLists(LeafIndex(UINT64_MAX), last_lists);
    for (const Row& row : last_lists) {
      ++computed_[static_cast<size_t>(row.family)];
      Compare(row);
    }
    for (Family family : kRowsOverwritten) CompareAll(family, report);
    for (Family family : kRowsOfOneEvent) {
      uint64_t count = 0;
      const Status scanned = stored_.Scan(family, "", "", [&](std::string_view, std::string_view) {
        ++count;
        return true;
      });
      const uint64_t computed = computed_[static_cast<size_t>(family)];
      report.index_rows += count;
      if (!scanned.ok()) {
        problems_.OfProjection(family, Text("can't be read: ", MessageOf(scanned)));
      } else if (count != computed) {
        problems_.OfProjection(family, Text("has ", count, " rows, the log makes ", computed));
      }
    }
  }

 private:
  void CompareAll(Family family, FsckReport& report) {
    const absl::flat_hash_map<std::string, std::string>& computed = std::as_const(earlier_).MapOf(family);
    uint64_t good = 0;
    const Status scanned = stored_.Scan(family, "", "", [&](std::string_view key, std::string_view value) {
      ++report.index_rows;
      const auto found = computed.find(std::string(key));
      if (found == computed.end()) {
        problems_.OfProjection(family, Text("row ", HexEncode(key), " is not in the log"));
      } else if (found->second != value) {
        problems_.OfProjection(family, Text("row ", HexEncode(key), " is not what the log says"));
        ++good;
      } else {
        ++good;
      }
      return true;
    });
    if (!scanned.ok()) {
      problems_.OfProjection(family, Text("can't be read: ", MessageOf(scanned)));
    } else if (good != computed.size()) {
      problems_.OfProjection(family, Text("has ", computed.size() - good, " rows too few"));
    }
  }

  const Store& stored_;
  // For reads one after the other.
  const std::unique_ptr<RowReader> view_;
  Problems& problems_;
  EarlierRows earlier_;
  RowOverlay rows_;
  std::array<uint64_t, kFamilies> computed_{};
  bool stopped_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FSCK_PROJECTIONS_H_
