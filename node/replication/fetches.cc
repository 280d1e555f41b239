#include "node/replication/fetches.h"

namespace anamnesis {
namespace {

// So many, because a holder may be away for a moment, and copying the whole state costs far more than waiting.
constexpr int kRoundsUntilHopeless = 3;

}  // namespace

void Fetches::Begin(const OrderRecord& batch, int64_t now_us, std::vector<Fetch>& ask) {
  Rounds& rounds = fetches_[batch.id];
  rounds.batch = batch;
  BeginRound(rounds, now_us, ask);
}

void Fetches::Failed(const BatchId& id, const NodeId& from, bool gone, int64_t now_us, std::vector<Fetch>& ask) {
  const auto found = fetches_.find(id);
  if (found == fetches_.end()) return;
  Rounds& rounds = found->second;
  if (rounds.at == rounds.holders.size() || rounds.holders[rounds.at] != from) return;
  rounds.gone |= gone;
  ++rounds.at;
  GoOn(rounds, now_us, ask);
}

void Fetches::Tick(int64_t now_us, std::vector<Fetch>& ask) {
  for (auto& [id, rounds] : fetches_) {
    if (now_us - rounds.asked_us < again_us_) continue;
    if (rounds.at == rounds.holders.size()) {
      BeginRound(rounds, now_us, ask);
    } else {
      ++rounds.at;
      GoOn(rounds, now_us, ask);
    }
  }
}

void Fetches::BeginRound(Rounds& rounds, int64_t now_us, std::vector<Fetch>& ask) {
  rounds.holders = holders_of_(rounds.batch);
  rounds.at = 0;
  GoOn(rounds, now_us, ask);
}

void Fetches::GoOn(Rounds& rounds, int64_t now_us, std::vector<Fetch>& ask) {
  rounds.asked_us = now_us;
  if (rounds.at < rounds.holders.size()) {
    ask.push_back({rounds.holders[rounds.at], rounds.batch});
    return;
  }
  if (rounds.gone && ++rounds.rounds_gone == kRoundsUntilHopeless) hopeless_ = true;
  rounds.gone = false;
}

}  // namespace anamnesis
