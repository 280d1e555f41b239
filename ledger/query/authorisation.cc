#include "ledger/query/authorisation.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ledger/query/typed_facts.h"

namespace anamnesis {
namespace {

using Entry = AuthorisationEntry;
using State = AuthorisationState;

constexpr std::string_view kGranted = "authorisation.granted";
constexpr std::pair<std::string_view, Entry::Kind> kAfterGrant[] = {
    {"authorisation.supplemented", Entry::Kind::kTerms},  {"authorisation.restricted", Entry::Kind::kTerms},
    {"authorisation.suspended", Entry::Kind::kSuspended}, {"authorisation.reinstated", Entry::Kind::kReinstated},
    {"authorisation.withdrawn", Entry::Kind::kWithdrawn},
};

const v1::AuthorisationTerms* TermsBy(const Fact& fact) {
  if (const auto* granted = fact.body<v1::AuthorisationGranted>()) return &granted->terms();
  if (const auto* supplemented = fact.body<v1::AuthorisationSupplemented>()) return &supplemented->terms();
  const auto* restricted = fact.body<v1::AuthorisationRestricted>();
  return restricted == nullptr ? nullptr : &restricted->terms();
}

// By when they have effect, then as recorded.
bool IsLater(const Entry& entry, const Entry* than) {
  return than == nullptr || std::pair(entry.from, entry.leaf) > std::pair(than->from, than->leaf);
}

}  // namespace

std::optional<AuthorisationEntry> AuthorisationEntryOf(const Fact& fact) {
  const uint64_t leaf = fact.event.index.value;
  // What was recorded happened, whatever the writer's clock says.
  if (fact.type() == kGranted)
    return Entry{Entry::Kind::kGranted, std::min(fact.earliest(), fact.event.recorded), leaf, TermsBy(fact)};
  for (const auto& [type, kind] : kAfterGrant) {
    if (fact.type() == type) return Entry{kind, EffectiveFrom(fact), leaf, TermsBy(fact)};
  }
  return std::nullopt;
}

std::vector<std::string_view> TypesAfterGrant() {
  std::vector<std::string_view> types;
  for (const auto& [type, kind] : kAfterGrant) types.push_back(type);
  return types;
}

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
  state.changed_by = withdrawal == nullptr ? suspension : withdrawal;
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
