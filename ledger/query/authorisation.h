#ifndef ANAMNESIS_LEDGER_QUERY_AUTHORISATION_H_
#define ANAMNESIS_LEDGER_QUERY_AUTHORISATION_H_

// Whether an authority allowed something at a time: the gate decides by it, and exports tell it. Pure.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// What is recorded of one version of an authorisation.
struct AuthorisationEntry {
  enum class Kind { kGranted, kTerms, kSuspended, kReinstated, kWithdrawn };

  Kind kind = Kind::kGranted;
  // When it has effect from.
  Timestamp from;
  uint64_t leaf = 0;
  // Of the grant, and of what supplements or restricts it; nullptr where the body is erased: a grant without is taken
  // to have no end, and the others to change nothing. Borrowed.
  const v1::AuthorisationTerms* terms = nullptr;
};

// What an event says of the authorisation that it is about; nullopt when it is of another type than these are. Borrows
// from the fact.
std::optional<AuthorisationEntry> AuthorisationEntryOf(const Fact& fact);
// The types of events that say something of an authorisation which was granted.
std::vector<std::string_view> TypesAfterGrant();

struct AuthorisationState {
  enum class Kind { kInForce, kGrantedLater, kValidLater, kExpired, kSuspended, kWithdrawn };

  Kind kind = Kind::kInForce;
  // Whose terms are in effect.
  const AuthorisationEntry* terms = nullptr;
  // What suspended it last, or withdrew it, also where another reason comes before that one; else nullptr. Of one that
  // was granted later only: the grant.
  const AuthorisationEntry* because = nullptr;
  // What had suspended, reinstated or withdrawn it last, whatever its state; nullptr when nothing had.
  const AuthorisationEntry* changed_by = nullptr;
};

// The state at `at`. Of the entries one is the grant, the first one; the others may be in any order. What supplements
// or restricts it holds from its own time on, so that an end which was moved later did end it in between, and a
// reinstatement revives nothing that has expired. What is withdrawn stays so. The result borrows from `entries`.
AuthorisationState AuthorisationAt(const std::vector<AuthorisationEntry>& entries, Timestamp at);

// The times at which the state may become another one, ascending, each once.
std::vector<Timestamp> TurningPointsOf(const std::vector<AuthorisationEntry>& entries);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_AUTHORISATION_H_
