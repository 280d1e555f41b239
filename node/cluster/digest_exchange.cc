#include "node/cluster/digest_exchange.h"

#include <utility>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {
namespace {

constexpr int64_t kTellAgainAfterUs = 1000000;
// How long a node that is outvoted waits to learn where.
constexpr int64_t kLocateWithinUs = 3000000;

void ToProto(const StateDigest& state, internal::StateDigest* proto) {
  proto->set_revision(state.revision.value);
  proto->set_digest(state.digest.bytes());
  proto->set_tree_size(state.size.value);
  proto->set_root(state.root.bytes());
}

StatusOr<StateDigest> FromProto(const internal::StateDigest& proto) {
  StateDigest state;
  state.revision = Revision(proto.revision());
  state.size = TreeSize(proto.tree_size());
  ASSIGN_OR_RETURN(state.digest, Digest::FromBytes(proto.digest()));
  ASSIGN_OR_RETURN(state.root, Digest::FromBytes(proto.root(), "root"));
  return state;
}

}  // namespace

void DigestExchange::AddTo(internal::PeerMessage::Applied& applied) const {
  if (const std::optional<StateDigest> latest = digests_.latest()) ToProto(*latest, applied.mutable_state());
}

void DigestExchange::OnPeer(const NodeId& from, const internal::PeerMessage::Applied& applied, int64_t now_us) {
  const StatusOr<StateDigest> state = FromProto(applied.state());
  if (!applied.has_state() || !state.ok()) return;
  digests_.OnPeer(from, *state);
  if (!digests_.Differs(from)) {
    told_us_.erase(from);
    return;
  }
  // It differs for the peer too, which tells its own.
  const auto told = told_us_.find(from);
  if (told != told_us_.end() && now_us - told->second < kTellAgainAfterUs) return;
  told_us_[from] = now_us;
  auto message = std::make_shared<internal::PeerMessage>();
  for (const StateDigest& own : digests_.History()) ToProto(own, message->mutable_digest_history()->add_states());
  send_(from, message);
}

void DigestExchange::OnHistory(const NodeId& from, const internal::PeerMessage::DigestHistory& history) {
  if (static_cast<size_t>(history.states_size()) > StateDigests::kRememberedMax) return;
  std::vector<StateDigest> states;
  for (const internal::StateDigest& proto : history.states()) {
    const StatusOr<StateDigest> state = FromProto(proto);
    if (!state.ok()) return;
    states.push_back(*state);
  }
  digests_.OnPeerHistory(from, states);
}

std::string DigestExchange::refusing() const {
  switch (digests_.verdict()) {
    case StateDigests::Verdict::kAgrees:
      return "";
    case StateDigests::Verdict::kUndecided:
    case StateDigests::Verdict::kOutvoted:
      break;
  }
  const std::optional<StateDifference> difference = digests_.difference();
  return Text("nodes have come to different states, and no majority is known to agree with this one",
              difference.has_value() ? Text(": ", difference->ToText()) : "");
}

std::optional<std::string> DigestExchange::Outvoted(int64_t now_us) {
  if (digests_.verdict() != StateDigests::Verdict::kOutvoted) {
    outvoted_since_us_.reset();
    return std::nullopt;
  }
  if (!outvoted_since_us_.has_value()) outvoted_since_us_ = now_us;
  const std::optional<StateDifference> difference = digests_.difference();
  if (!difference.has_value() && now_us - *outvoted_since_us_ < kLocateWithinUs) return std::nullopt;
  return Text("a majority of the voters has another state than this node, which stops serving: ",
              difference.has_value() ? difference->ToText() : "where they parted isn't known");
}

}  // namespace anamnesis
