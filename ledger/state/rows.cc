#include "ledger/state/rows.h"

#include <algorithm>
#include <utility>

#include "ledger/base/check.h"

namespace anamnesis {

std::string_view FamilyName(Family family) {
  constexpr std::array<std::string_view, kFamilies> kNames = {
      "meta",  "leaves",    "bodies",      "tiles",     "event_ids", "streams",  "stream_events", "type_events",
      "edges", "authority", "corrections", "timelines", "staged",    "entities", "findings"};
  const auto number = static_cast<size_t>(family);
  CHECK(number < kNames.size());
  return kNames[number];
}

namespace {

// The greatest of the rows whose key starts with `prefix` and is <= `key`.
template <typename Map>
std::optional<Row> Last(const Map& rows, std::string_view prefix, std::string_view key) {
  const auto after = rows.upper_bound(key);
  if (after == rows.begin()) return std::nullopt;
  const Row& row = *std::prev(after)->second;
  return std::string_view(row.key).starts_with(prefix) ? std::optional<Row>(row) : std::nullopt;
}

}  // namespace

void RowOverlay::Put(Family family, std::string key, std::string value) {
  const size_t place = rows_.size();
  Row& row = rows_.emplace_back(Row{family, std::move(key), std::move(value)});
  const auto [found, is_new] = pending_[static_cast<size_t>(family)].try_emplace(row.key, Pending{&row, place});
  if (!is_new) {
    Changing(found->second) = std::move(row.value);
    rows_.pop_back();
  } else if (family == Family::kTimelines) {
    pending_timelines_.emplace(row.key, &row);
  }
}

StatusOr<std::string*> RowOverlay::Edit(Family family, std::string key) {
  const auto& pending = pending_[static_cast<size_t>(family)];
  if (const auto found = pending.find(key); found != pending.end()) return &Changing(found->second);
  ASSIGN_OR_RETURN(std::optional<std::string> stored, base_->Get(family, key));
  Put(family, std::move(key), stored.has_value() ? *std::move(stored) : std::string());
  return &rows_.back().value;
}

void RowOverlay::ReserveAsIn(const RowOverlay& other) {
  for (size_t i = 0; i < kFamilies; ++i) pending_[i].reserve(other.pending_[i].size());
}

void RowOverlay::PutUnread(Family family, std::string key, std::string value) {
  rows_.push_back({family, std::move(key), std::move(value)});
}

void RowOverlay::Mark() {
  CHECK(!marked_.has_value());
  marked_ = rows_.size();
}

void RowOverlay::Keep() {
  CHECK(marked_.has_value());
  marked_.reset();
  before_.clear();
}

void RowOverlay::TakeBack() {
  CHECK(marked_.has_value());
  for (auto& [row, value] : before_) row->value = std::move(value);
  for (; rows_.size() > *marked_; rows_.pop_back()) Forget(rows_.back());
  edges_sorted_ = std::min(edges_sorted_, rows_.size());
  Keep();
}

std::string& RowOverlay::Changing(const Pending& pending) {
  if (marked_.has_value() && pending.place < *marked_) before_.try_emplace(pending.row, pending.row->value);
  return pending.row->value;
}

// Rows that were put unread are in no map, and another of the same key may be.
void RowOverlay::Forget(const Row& row) {
  auto& pending = pending_[static_cast<size_t>(row.family)];
  const auto found = pending.find(row.key);
  if (found != pending.end() && found->second.row == &row) pending.erase(found);
  const auto forget = [&row](auto& sorted) {
    const auto at = sorted.find(row.key);
    if (at != sorted.end() && at->second == &row) sorted.erase(at);
  };
  if (row.family == Family::kTimelines) forget(pending_timelines_);
  if (row.family == Family::kEdges) forget(pending_edges_);
}

Rows RowOverlay::Take() {
  for (auto& pending : pending_) pending.clear();
  marked_.reset();
  before_.clear();
  pending_timelines_.clear();
  pending_edges_.clear();
  edges_sorted_ = 0;
  return std::exchange(rows_, {});
}

StatusOr<std::optional<std::string>> RowOverlay::Get(Family family, std::string_view key) const {
  const auto& pending = pending_[static_cast<size_t>(family)];
  if (const auto found = pending.find(key); found != pending.end()) {
    return std::optional<std::string>(found->second.row->value);
  }
  return base_->Get(family, key);
}

StatusOr<std::optional<Row>> RowOverlay::LastAtOrBefore(Family family, std::string_view prefix,
                                                        std::string_view key) const {
  if (family == Family::kTimelines) {
    std::optional<Row> found = Last(pending_timelines_, prefix, key);
    return found.has_value() ? found : base_->LastAtOrBefore(family, prefix, key);
  }
  ASSIGN_OR_RETURN(std::optional<Row> stored, base_->LastAtOrBefore(family, prefix, key));
  if (family != Family::kEdges) return stored;
  for (; edges_sorted_ < rows_.size(); ++edges_sorted_) {
    const Row& row = rows_[edges_sorted_];
    if (row.family == Family::kEdges) pending_edges_.emplace(row.key, &row);
  }
  // Between a prefix and the index there may be a version and a role: a stored row can come after a pending one.
  std::optional<Row> pending = Last(pending_edges_, prefix, key);
  const bool is_pending = pending.has_value() && (!stored.has_value() || pending->key > stored->key);
  return is_pending ? pending : stored;
}

}  // namespace anamnesis
