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

size_t KindOfKey(std::string_view key) { return key.empty() ? 0 : static_cast<unsigned char>(key.front()); }

}  // namespace

void RowOverlay::Put(Family family, std::string key, std::string value) {
  const size_t place = rows_.size();
  Row& row = rows_.emplace_back(Row{family, std::move(key), std::move(value)});
  if (IsFoundWhenAsked(family)) {
    not_yet_found_[static_cast<size_t>(family)].set(KindOfKey(row.key));
    return;
  }
  const auto [found, is_new] = pending_[static_cast<size_t>(family)].try_emplace(row.key, place);
  if (!is_new) {
    Changing(found->second) = std::move(row.value);
    rows_.pop_back();
  } else if (family == Family::kTimelines) {
    pending_timelines_.emplace(row.key, &row);
  }
}

StatusOr<std::string*> RowOverlay::Edit(Family family, std::string key) {
  if (const std::optional<size_t> place = Find(family, key); place.has_value()) return &Changing(*place);
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
  CHECK(!marked_.has_value() && !when_asked_);
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
  for (; rows_.size() > *marked_; rows_.pop_back()) ForgetLast();
  edges_sorted_ = std::min(edges_sorted_, rows_.size());
  Keep();
}

std::optional<size_t> RowOverlay::Find(Family family, std::string_view key) const {
  if (not_yet_found_[static_cast<size_t>(family)].test(KindOfKey(key))) {
    for (; found_ < rows_.size(); ++found_) {
      const Row& row = rows_[found_];
      if (!IsFoundWhenAsked(row.family)) continue;
      pending_[static_cast<size_t>(row.family)].insert_or_assign(row.key, found_);
    }
    not_yet_found_.fill({});
  }
  const auto& pending = pending_[static_cast<size_t>(family)];
  const auto found = pending.find(key);
  return found == pending.end() ? std::nullopt : std::optional<size_t>(found->second);
}

std::string& RowOverlay::Changing(size_t place) {
  Row& row = rows_[place];
  if (marked_.has_value() && place < *marked_) before_.try_emplace(&row, row.value);
  return row.value;
}

// Rows that were put unread are in no map, and another of the same key may be.
void RowOverlay::ForgetLast() {
  const Row& row = rows_.back();
  auto& pending = pending_[static_cast<size_t>(row.family)];
  const auto found = pending.find(row.key);
  if (found != pending.end() && found->second == rows_.size() - 1) pending.erase(found);
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
  found_ = 0;
  not_yet_found_.fill({});
  return std::exchange(rows_, {});
}

StatusOr<std::optional<std::string>> RowOverlay::Get(Family family, std::string_view key) const {
  if (const std::optional<size_t> place = Find(family, key); place.has_value()) {
    return std::optional<std::string>(rows_[*place].value);
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
