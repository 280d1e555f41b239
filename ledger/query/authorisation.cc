#include "ledger/query/authorisation.h"

#include <algorithm>
#include <set>
#include <utility>

namespace anamnesis {
namespace {

using Entry = AuthorisationEntry;
using State = AuthorisationState;

// By when they have effect, then as recorded.
bool IsLater(const Entry& entry, const Entry* than) {
  return than == nullptr || std::pair(entry.from, entry.leaf) > std::pair(than->from, than->leaf);
}

}  // namespace

AuthorisationState AuthorisationAt(const std::vector<AuthorisationEntry>& entries, Timestamp at) {
  const Entry& granted = entries.front();
  const Entry* terms = nullptr;
  const Entry* suspension = nullptr;
  const Entry* withdrawal = nullptr;
  for (const Entry& entry : entries) {
    if (&entry == &granted || entry.from > at) continue;
    const bool of_terms = entry.kind == Entry::Kind::kTerms && entry.terms != nullptr && entry.from >= granted.from;
    if (of_terms && IsLater(entry, terms)) terms = &entry;
    const bool of_state = entry.kind == Entry::Kind::kSuspended || entry.kind == Entry::Kind::kReinstated;
    if (of_state && IsLater(entry, suspension)) suspension = &entry;
    if (entry.kind == Entry::Kind::kWithdrawn && IsLater(entry, withdrawal)) withdrawal = &entry;
  }
  State state;
  state.terms = terms == nullptr ? &granted : terms;
  const auto end = [&](State::Kind kind, const Entry* because) {
    state.kind = kind;
    state.because = because;
  };
  if (suspension != nullptr && suspension->kind == Entry::Kind::kSuspended) end(State::Kind::kSuspended, suspension);
  if (withdrawal != nullptr) end(State::Kind::kWithdrawn, withdrawal);
  if (granted.from > at) end(State::Kind::kGrantedLater, &granted);
  const v1::AuthorisationTerms* words = state.terms->terms;
  if (words == nullptr) return state;
  if (Timestamp(words->valid_from_us()) > at) end(State::Kind::kValidLater, state.because);
  if (words->valid_until_us() != 0 && Timestamp(words->valid_until_us()) <= at)
    end(State::Kind::kExpired, state.because);
  return state;
}

std::vector<Timestamp> TurningPointsOf(const std::vector<AuthorisationEntry>& entries) {
  std::set<Timestamp> times;
  for (const Entry& entry : entries) {
    times.insert(entry.from);
    if (entry.terms == nullptr) continue;
    times.insert(Timestamp(entry.terms->valid_from_us()));
    if (entry.terms->valid_until_us() != 0) times.insert(Timestamp(entry.terms->valid_until_us()));
  }
  return {times.begin(), times.end()};
}

}  // namespace anamnesis
