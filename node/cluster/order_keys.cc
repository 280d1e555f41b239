#include "node/cluster/order_keys.h"

#include <algorithm>
#include <optional>
#include <string>

#include "node/cluster/wire.h"

namespace anamnesis {
namespace {

// After the keys of every possible batch of a session.
constexpr char kAfterNumbers[] = "~";

// Keys that are read at a time.
constexpr int64_t kPage = 1000;

}  // namespace

// One question a session: of each only the first key is read.
StatusOr<std::vector<SessionId>> OrderKeys::Sessions() const {
  std::vector<SessionId> found;
  EtcdRangeQuery query;
  query.prefix = std::string(kOrdersPrefix);
  query.limit = 1;
  query.revision = at_;
  query.keys_only = true;
  while (true) {
    ASSIGN_OR_RETURN(const EtcdRangeResult first, client_.Range(query));
    if (first.items.empty()) return found;
    const std::string& key = first.items.front().key;
    const std::optional<SessionId> session = SessionOfOrderKey(key);
    if (session.has_value()) found.push_back(*session);
    // What is no order key is passed over by itself.
    query.after = session.has_value() ? Text(OrderKeysOf(*session), kAfterNumbers) : key;
  }
}

StatusOr<std::optional<Revision>> OrderKeys::Trimmed() const {
  EtcdRangeQuery query;
  query.prefix = std::string(kTrimmedPrefix);
  query.revision = at_;
  query.keys_only = true;
  ASSIGN_OR_RETURN(const EtcdRangeResult found, client_.Range(query));
  std::optional<Revision> through;
  for (const EtcdKeyValue& item : found.items) through = std::max(through, RevisionOfTrimmedKey(item.key));
  return through;
}

StatusOr<Missed> OrderKeys::OrderedAfter(Revision seen) const {
  ASSIGN_OR_RETURN(const std::optional<Revision> trimmed, Trimmed());
  // Nothing said may mean that nothing was ever trimmed, or that nobody noted it.
  const Revision lost = trimmed.value_or(Revision(base_ + static_cast<uint64_t>(at_)));
  if (lost > seen) return Missed{lost};
  Missed missed;
  EtcdRangeQuery query;
  query.prefix = std::string(kOrdersPrefix);
  query.changed_since = seen.value < base_ ? 0 : static_cast<int64_t>(seen.value - base_) + 1;
  query.limit = kPage;
  query.revision = at_;
  while (true) {
    ASSIGN_OR_RETURN(const EtcdRangeResult page, client_.Range(query));
    for (const EtcdKeyValue& item : page.items) {
      ASSIGN_OR_RETURN(const OrderRecord record, ParseOrderRecord(item.value));
      missed.records.emplace_back(Revision(base_ + static_cast<uint64_t>(item.mod_revision)), record);
    }
    if (!page.more || page.items.empty()) break;
    query.after = page.items.back().key;
  }
  std::sort(missed.records.begin(), missed.records.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  return missed;
}

Status OrderKeys::CheckApplied(absl::Span<const SessionId> sessions, Revision applied,
                               const AppliedNumbers& numbers) const {
  for (const SessionId session : sessions) {
    const auto last = numbers.find(session);
    RETURN_IF_ERROR(CheckSession(session, applied, last == numbers.end() ? BatchNumber(0) : last->second));
  }
  return OkStatus();
}

// The last that was applied stands where it was, and the next above all that was applied.
Status OrderKeys::CheckSession(SessionId session, Revision applied, BatchNumber last) const {
  EtcdRangeQuery query;
  query.prefix = OrderKeysOf(session);
  if (last.value > 1) query.after = OrderKey({session, BatchNumber(last.value - 1)});
  query.limit = 2;
  query.revision = at_;
  query.keys_only = true;
  ASSIGN_OR_RETURN(const EtcdRangeResult found, client_.Range(query));
  const auto& items = found.items;
  const size_t next = last.value > 0 ? 1 : 0;
  const auto was_applied = [&](const EtcdKeyValue& item) {
    return base_ + static_cast<uint64_t>(item.mod_revision) <= applied.value;
  };
  const bool has_last =
      next == 0 || (!items.empty() && items[0].key == OrderKey({session, last}) && was_applied(items[0]));
  if (has_last && (items.size() <= next || !was_applied(items[next]))) return OkStatus();
  return absl::FailedPreconditionError(Text("etcd's order is not the one that this node has applied up to revision ",
                                            applied.value, ": of session ", session.value, " that has ", last.value,
                                            " batches; etcd has lost history; recover the cluster"));
}

}  // namespace anamnesis
