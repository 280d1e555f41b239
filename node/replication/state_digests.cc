#include "node/replication/state_digests.h"

#include <algorithm>

#include "ledger/base/status.h"

namespace anamnesis {

std::string StateDifference::ToText() const {
  const std::string where =
      agreed.has_value()
          ? Text("since revision ", agreed->value, " it has applied something else: they differ at ", differs.value,
                 ", leaves [", from.value, ", ", to.value, ")")
          : Text("they differ at revision ", differs.value, " and before, within leaves [0, ", to.value, ")");
  return Text("this node's state is not that of node ", with, ": ", where, "; ",
              logs_differ ? "the logs differ" : "the logs are the same and the projections differ");
}

void StateDigests::OnOwn(const StateDigest& state) {
  if (!own_.empty() && state.revision <= own_.rbegin()->first) return;
  own_[state.revision] = state;
  if (own_.size() > kRememberedMax) own_.erase(own_.begin());
  for (auto& [node, peer] : peers_) {
    while (!peer.ahead.empty() && peer.ahead.begin()->first <= state.revision) {
      const StateDigest reached = peer.ahead.begin()->second;
      peer.ahead.erase(peer.ahead.begin());
      Compare(peer, reached);
    }
  }
}

void StateDigests::OnPeer(const NodeId& node, const StateDigest& state) {
  if (!members_.IsMember(node) || node == self_) return;
  Peer& peer = peers_[node];
  if (own_.empty() || state.revision > own_.rbegin()->first) {
    peer.ahead[state.revision] = state;
    if (peer.ahead.size() > kRememberedMax) peer.ahead.erase(std::prev(peer.ahead.end()));
    return;
  }
  Compare(peer, state);
}

// `state` is not ahead of this node.
void StateDigests::Compare(Peer& peer, const StateDigest& state) {
  if (state.revision < own_.begin()->first || state.revision <= peer.agrees) return;
  // Where this node's state didn't change at all, the peer's should not have.
  const auto own = own_.find(state.revision);
  if (own == own_.end() || own->second != state) {
    if (!peer.differs.has_value()) peer.differs = state.revision;
    return;
  }
  peer.agrees = state.revision;
  // It has been mended since.
  if (peer.differs.has_value() && *peer.differs < state.revision) {
    peer.differs.reset();
    peer.located.reset();
  }
}

void StateDigests::OnPeerHistory(const NodeId& node, const std::vector<StateDigest>& history) {
  if (!members_.IsMember(node) || node == self_ || own_.empty()) return;
  States theirs;
  for (const StateDigest& state : history) theirs[state.revision] = state;
  if (theirs.empty()) return;
  Peer& peer = peers_[node];
  // Both remember what lies between.
  const Revision from = std::max(own_.begin()->first, theirs.begin()->first);
  const Revision to = std::min(own_.rbegin()->first, theirs.rbegin()->first);
  StateDifference difference;
  difference.with = node;
  auto own = own_.lower_bound(from);
  auto their = theirs.lower_bound(from);
  while (own != own_.end() && their != theirs.end() && *own == *their && own->first <= to) {
    difference.agreed = own->first;
    difference.from = own->second.size;
    ++own, ++their;
  }
  if (own == own_.end() || their == theirs.end() || std::min(own->first, their->first) > to) return;
  difference.differs = std::min(own->first, their->first);
  difference.to = own->second.size;
  difference.logs_differ = own->first != their->first || own->second.root != their->second.root;
  if (!peer.differs.has_value()) peer.differs = difference.differs;
  peer.located = difference;
}

bool StateDigests::Differs(const NodeId& node) const {
  const auto found = peers_.find(node);
  return members_.IsMember(node) && found != peers_.end() && found->second.differs.has_value();
}

StateDigests::Verdict StateDigests::verdict() const {
  size_t differing = 0;
  std::optional<Revision> first;
  for (const Member& voter : members_.voters) {
    if (!Differs(voter.node)) continue;
    ++differing;
    const Revision differs = *peers_.at(voter.node).differs;
    first = first.has_value() ? std::min(*first, differs) : differs;
  }
  if (differing == 0) return Verdict::kAgrees;
  const size_t majority = members_.voters.size() / 2 + 1;
  if (differing >= majority) return Verdict::kOutvoted;
  size_t agreeing = members_.IsVoter(self_) ? 1 : 0;
  for (const Member& voter : members_.voters) {
    const auto found = peers_.find(voter.node);
    if (found == peers_.end() || found->second.differs.has_value()) continue;
    if (found->second.agrees >= *first) ++agreeing;
  }
  return agreeing >= majority ? Verdict::kAgrees : Verdict::kUndecided;
}

std::optional<StateDifference> StateDigests::difference() const {
  std::optional<StateDifference> found;
  for (const auto& [node, peer] : peers_) {
    if (!peer.located.has_value() || !Differs(node)) continue;
    if (!found.has_value() || members_.IsVoter(node)) found = peer.located;
  }
  return found;
}

std::vector<StateDigest> StateDigests::History() const {
  std::vector<StateDigest> history;
  history.reserve(own_.size());
  for (const auto& [revision, state] : own_) history.push_back(state);
  return history;
}

std::optional<StateDigest> StateDigests::latest() const {
  if (own_.empty()) return std::nullopt;
  return own_.rbegin()->second;
}

}  // namespace anamnesis
