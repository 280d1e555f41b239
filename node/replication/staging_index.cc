#include "node/replication/staging_index.h"

#include <utility>

namespace anamnesis {

void StagingIndex::Add(const StagedBatch& batch) {
  Entry& entry = entries_[batch.id];
  entry.digest = batch.digest;
  entry.size_bytes = batch.size_bytes;
  entry.durable = true;
}

void StagingIndex::Begin(const OrderRecord& batch, const NodeId& acknowledge) {
  Entry entry;
  entry.digest = batch.digest;
  entry.size_bytes = batch.size_bytes;
  entry.acknowledge = acknowledge;
  entries_[batch.id] = std::move(entry);
}

StagingIndex::Entry* StagingIndex::Done(const BatchId& id) {
  Entry* const entry = Find(id);
  if (entry != nullptr) entry->durable = true;
  return entry;
}

void StagingIndex::Failed(const BatchId& id) { entries_.erase(id); }

StagingIndex::Entry* StagingIndex::Find(const BatchId& id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

bool StagingIndex::Has(const BatchId& id, const Digest& digest, bool durable) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.digest == digest && (found->second.durable || !durable);
}

std::vector<SessionId> StagingIndex::Sessions() const {
  std::vector<SessionId> sessions;
  for (const auto& [id, entry] : entries_) {
    if (sessions.empty() || sessions.back() != id.session) sessions.push_back(id.session);
  }
  return sessions;
}

void StagingIndex::MarkApplied(const BatchId& id, Revision revision) {
  Entry* const entry = Find(id);
  if (entry == nullptr || entry->applied) return;
  entry->applied = true;
  applied_.push_back({revision, id, entry->size_bytes});
  applied_bytes_ += entry->size_bytes;
}

std::vector<BatchId> StagingIndex::TakeApplied(Revision revision, size_t count_max, uint64_t bytes_max) {
  std::vector<BatchId> taken;
  while (!applied_.empty() &&
         (applied_.front().revision <= revision || applied_.size() > count_max || applied_bytes_ > bytes_max)) {
    const Applied& oldest = applied_.front();
    applied_bytes_ -= oldest.size_bytes;
    entries_.erase(oldest.id);
    taken.push_back(oldest.id);
    applied_.pop_front();
  }
  return taken;
}

std::vector<BatchId> StagingIndex::TakeNotApplied(SessionId session) {
  std::vector<BatchId> taken;
  for (auto at = entries_.lower_bound(BatchId{session, BatchNumber(0)});
       at != entries_.end() && at->first.session == session;) {
    if (at->second.applied) {
      ++at;
      continue;
    }
    taken.push_back(at->first);
    at = entries_.erase(at);
  }
  return taken;
}

}  // namespace anamnesis
