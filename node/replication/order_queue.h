#ifndef ANAMNESIS_NODE_REPLICATION_ORDER_QUEUE_H_
#define ANAMNESIS_NODE_REPLICATION_ORDER_QUEUE_H_

// What the watch has shown and is not durably applied yet, in order of revision: first what was delivered, then what
// was not. A part of Replica.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <variant>

#include "absl/container/btree_map.h"
#include "ledger/base/ids.h"
#include "node/replication/batch.h"
#include "node/replication/members.h"

namespace anamnesis {

struct QueuedProgress {};

struct QueueEntry {
  Revision revision;
  std::variant<OrderRecord, Members, QueuedProgress> what;
};

class OrderQueue {
 public:
  void Push(QueueEntry entry);
  // The next to deliver; null when there is none.
  const QueueEntry* Next() const { return At(0); }
  // The next but `ahead`; null when there is none.
  const QueueEntry* At(size_t ahead) const;
  // Next was delivered.
  void Delivered();
  // The delivered record of `id`, and whatever was delivered after it, is to be delivered again. False when there is no
  // such record.
  bool Undeliver(const BatchId& id);
  // Takes out the first if it was delivered and its revision is not above `revision`.
  bool PopThrough(Revision revision, QueueEntry& popped);

  // The undelivered record of `id`; null when there is none. Lives until the next call that changes anything.
  const OrderRecord* FindUndelivered(const BatchId& id) const;

  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }
  const QueueEntry& front() const { return entries_.front(); }
  size_t delivered() const { return delivered_; }
  uint64_t delivered_bytes() const { return delivered_bytes_; }

 private:
  static uint64_t BytesOf(const QueueEntry& entry);

  std::deque<QueueEntry> entries_;
  size_t delivered_ = 0;
  uint64_t delivered_bytes_ = 0;
  absl::btree_map<BatchId, OrderRecord> undelivered_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_REPLICATION_ORDER_QUEUE_H_
