#include "node/replication/order_queue.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "ledger/base/check.h"

namespace anamnesis {

void OrderQueue::Push(QueueEntry entry) {
  CHECK(entries_.empty() || entries_.back().revision < entry.revision);
  if (const auto* record = std::get_if<OrderRecord>(&entry.what)) undelivered_[record->id] = *record;
  entries_.push_back(std::move(entry));
}

const QueueEntry* OrderQueue::At(size_t ahead) const {
  return delivered_ + ahead < entries_.size() ? &entries_[delivered_ + ahead] : nullptr;
}

void OrderQueue::Delivered() {
  const QueueEntry& entry = entries_[delivered_++];
  delivered_bytes_ += BytesOf(entry);
  if (const auto* record = std::get_if<OrderRecord>(&entry.what)) undelivered_.erase(record->id);
}

bool OrderQueue::Undeliver(const BatchId& id) {
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(delivered_);
  const auto first = std::find_if(entries_.begin(), end, [&](const QueueEntry& entry) {
    const auto* record = std::get_if<OrderRecord>(&entry.what);
    return record != nullptr && record->id == id;
  });
  if (first == end) return false;
  for (auto at = first; at != end; ++at) {
    --delivered_;
    delivered_bytes_ -= BytesOf(*at);
    if (const auto* record = std::get_if<OrderRecord>(&at->what)) undelivered_[record->id] = *record;
  }
  return true;
}

bool OrderQueue::PopThrough(Revision revision, QueueEntry& popped) {
  if (delivered_ == 0 || entries_.front().revision > revision) return false;
  popped = std::move(entries_.front());
  entries_.pop_front();
  --delivered_;
  delivered_bytes_ -= BytesOf(popped);
  return true;
}

const OrderRecord* OrderQueue::FindUndelivered(const BatchId& id) const {
  const auto found = undelivered_.find(id);
  return found == undelivered_.end() ? nullptr : &found->second;
}

uint64_t OrderQueue::BytesOf(const QueueEntry& entry) {
  const auto* record = std::get_if<OrderRecord>(&entry.what);
  return record == nullptr ? 0 : record->size_bytes;
}

}  // namespace anamnesis
