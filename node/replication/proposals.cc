#include "node/replication/proposals.h"

#include <utility>

namespace anamnesis {

Proposal& Proposals::Add(OrderRecord record, int64_t now_us) {
  bytes_ += record.size_bytes;
  const BatchId id = record.id;
  Proposal& proposal = proposals_[id];
  proposal.record = std::move(record);
  proposal.sent_us = now_us;
  return proposal;
}

Proposal* Proposals::Find(const BatchId& id) {
  const auto found = proposals_.find(id);
  return found == proposals_.end() ? nullptr : &found->second;
}

Proposal* Proposals::Next(SessionId session) {
  for (auto at = proposals_.lower_bound(BatchId{session, BatchNumber(0)}); at != proposals_.end(); ++at) {
    if (!at->second.ordered) return &at->second;
  }
  return nullptr;
}

void Proposals::Remove(const BatchId& id) {
  const auto found = proposals_.find(id);
  if (found == proposals_.end()) return;
  bytes_ -= found->second.record.size_bytes;
  proposals_.erase(found);
}

std::vector<Dropped> Proposals::Drop(bool all) {
  std::vector<Dropped> dropped;
  for (auto at = proposals_.begin(); at != proposals_.end();) {
    const Proposal& proposal = at->second;
    if (proposal.ordered && !all) {
      ++at;
      continue;
    }
    const bool unknown = proposal.ordered || proposal.asked || proposal.may_be_ordered;
    dropped.push_back({at->first, unknown ? Dropped::Fate::kUnknown : Dropped::Fate::kNotOrdered});
    bytes_ -= proposal.record.size_bytes;
    at = proposals_.erase(at);
  }
  return dropped;
}

}  // namespace anamnesis
