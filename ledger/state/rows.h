#ifndef ANAMNESIS_LEDGER_STATE_ROWS_H_
#define ANAMNESIS_LEDGER_STATE_ROWS_H_

// All state beyond a few numbers lives in rows: ordered keys and values in families. The folds read rows through
// RowReader and answer with rows to write; where rows are kept (RocksDB, memory) is the store's business. So the folds
// stay pure and run the same in commit, rebuild and fsck. Keys are big-endian where they hold numbers, so that order on
// disk is order in the log.

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "ledger/base/status.h"

namespace anamnesis {

// A column family on disk. The numbers are not on disk, the names (FamilyName) are: never change a name.
enum class Family : uint8_t {
  kMeta,          // name -> value: format version, origin, applied state, newest checkpoint
  kLeaves,        // be64 index -> leaf
  kBodies,        // be64 index -> 32-byte nonce || body; absent when erased, and an empty value erases it
  kTiles,         // be32 level || be64 tile index -> hashes, 32 bytes each
  kEventIds,      // event id -> be64 index
  kStreams,       // stream name -> StreamHead
  kStreamEvents,  // see event_list.h
  kTypeEvents,    // see event_list.h
  kEdges,         // see edges.h
  kAuthority,     // see authority.h
  kCorrections,   // see corrections.h
  kTimelines,     // see timeline_node.h
  kStaged,        // see engine/staging.h; not of the log and not derived from it
  kEntities,      // see entities.h and software_items.h
  kFindings,      // see findings.h
};
inline constexpr size_t kFamilies = 15;
// The log itself; everything else is derived from it and can be dropped and rebuilt.
inline constexpr std::array kLogFamilies = {Family::kMeta, Family::kLeaves, Family::kBodies, Family::kTiles};
inline constexpr std::array kProjectionFamilies = {
    Family::kEventIds,  Family::kStreams,     Family::kStreamEvents, Family::kTypeEvents, Family::kEdges,
    Family::kAuthority, Family::kCorrections, Family::kTimelines,    Family::kEntities,   Family::kFindings};

std::string_view FamilyName(Family family);

struct Row {
  Family family;
  std::string key;
  std::string value;
};
// Whether writing the row removes what is there: bodies are never empty, since each begins with its nonce.
inline bool Erases(const Row& row) { return row.family == Family::kBodies && row.value.empty(); }
// A deque, so that a row stays where it is while others are added.
using Rows = std::deque<Row>;

// Finds single rows: all that the folds need. Implementations are safe for concurrent use unless they say otherwise.
// Every method can fail with DATA_LOSS (stored bytes are wrong) or INTERNAL (the storage failed).
class RowFinder {
 public:
  virtual ~RowFinder() = default;
  virtual StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const = 0;
  // The greatest row whose key starts with `prefix` and is <= `key`.
  virtual StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                                      std::string_view key) const = 0;
};

// Finds single rows and walks ranges of them: what queries need. Fails as RowFinder does.
class RowReader : public RowFinder {
 public:
  // Called with each row of a scan; returns false to stop. The views live only during the call.
  using Visitor = std::function<bool(std::string_view key, std::string_view value)>;

  // The rows whose key starts with `prefix`, from the first >= `from`, ascending.
  virtual Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const = 0;
  // The rows whose key starts with `prefix`, from the last <= `from`, descending.
  virtual Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                               const Visitor& visit) const = 0;
};

// Rows written but not stored yet, in front of a finder. Of the rows of kTimelines that share a prefix, pending ones
// have later versions than stored ones. Const methods are safe for concurrent use, but
// LastAtOrBefore, which only one thread may call at a time, and none while another puts rows.
class RowOverlay : public RowFinder {
 public:
  enum class Found : uint8_t {
    kAlways,
    // Event ids and entities are made findable when one of their kind is asked for: where hardly any ever is, that is
    // cheaper. Get is called by one thread at a time, there is no Mark, and rows() may have more than one row of a key,
    // of which the last counts.
    kWhenAsked,
  };
  // `base` must outlive the overlay.
  explicit RowOverlay(const RowFinder& base, Found found = Found::kAlways)
      : base_(&base), when_asked_(found == Found::kWhenAsked) {}
  RowOverlay(const RowOverlay&) = delete;
  RowOverlay& operator=(const RowOverlay&) = delete;

  // Puts a row that later reads through this overlay see.
  void Put(Family family, std::string key, std::string value);
  // The value of a row, to be changed in place; empty when there is no such row. Lives until the next call.
  StatusOr<std::string*> Edit(Family family, std::string key);
  // Puts a row that nobody reads with Get before it is stored: cheaper.
  void PutUnread(Family family, std::string key, std::string value);
  // Makes room for about as many rows as `other` has.
  void ReserveAsIn(const RowOverlay& other);
  // From here on what rows were is kept, until Keep or TakeBack; one at a time.
  void Mark();
  // What was put since Mark stays.
  void Keep();
  // All is as it was at Mark.
  void TakeBack();
  // From now on what is not pending is read from `base`, which must outlive the overlay or be replaced again before the
  // next read.
  void Rebase(const RowFinder& base) { base_ = &base; }
  // All pending rows, in the order in which their keys were first put, so the same on every replica.
  const Rows& rows() const { return rows_; }
  // The same; the overlay is empty afterwards.
  Rows Take();

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override;
  // Sees pending rows of kTimelines and kEdges only; the folds ask for no others.
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override;

 private:
  bool IsFoundWhenAsked(Family family) const {
    return when_asked_ && (family == Family::kEventIds || family == Family::kEntities);
  }
  // The place of the pending row in `rows_`.
  std::optional<size_t> Find(Family family, std::string_view key) const;
  // The value of the row at a place, about to be changed.
  std::string& Changing(size_t place);
  // Of the last row.
  void ForgetLast();

  const RowFinder* base_;
  const bool when_asked_;
  // The maps below borrow the keys.
  Rows rows_;
  // Their places. Of what is found when asked, those among the first `found_`.
  mutable std::array<absl::flat_hash_map<std::string_view, size_t>, kFamilies> pending_;
  mutable size_t found_ = 0;
  // By the first byte of the key, which tells kinds of rows apart: whether such a row comes after those.
  mutable std::array<std::bitset<256>, kFamilies> not_yet_found_;
  // How many rows there were at Mark, and what those were then that have changed since.
  std::optional<size_t> marked_;
  absl::flat_hash_map<Row*, std::string> before_;
  absl::btree_map<std::string_view, Row*> pending_timelines_;
  // Those of kEdges among the first `edges_sorted_` rows. Brought up to date when it is asked for: each event puts
  // several, and only after a correction does somebody look for them.
  mutable absl::btree_map<std::string_view, const Row*> pending_edges_;
  mutable size_t edges_sorted_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_ROWS_H_
