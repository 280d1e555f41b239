#include "ledger/gate/seal_key.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/leaf.h"
#include "ledger/gate/subject.h"
#include "ledger/query/item_scope.h"

namespace anamnesis::gate {

StatusOr<std::string> SealKeyOf(Facts& facts, LeafIndex index) {
  // The seal is in the run's last leaf.
  for (uint64_t i = index.value; i < index.value + limits::kRunEventsMax; ++i) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, facts.rows().Get(Family::kLeaves, LeafKey(LeafIndex(i))));
    if (!bytes.has_value()) return std::string();
    ASSIGN_OR_RETURN(const LeafView leaf, ParseLeaf(*bytes));
    if (!leaf.seal.has_value()) continue;
    // Whoever is to decide the same without the log needs this leaf too.
    if (i < facts.size().value) RETURN_IF_ERROR(facts.At(LeafIndex(i)).status());
    v1::SealStatement statement;
    if (!statement.ParseFromArray(leaf.seal->statement.data(), static_cast<int>(leaf.seal->statement.size()))) {
      return absl::DataLossError(Text("the seal in leaf ", i, " doesn't parse; run fsck"));
    }
    return statement.key_id();
  }
  return std::string();
}

namespace {

// What ended keys of whoever recorded an event.
struct Ends {
  std::vector<const Fact*> revoked;
  std::vector<const Fact*> lost;

  bool none() const { return revoked.empty() && lost.empty(); }
};

StatusOr<Ends> EndsOfKeys(Facts& facts, const Fact& fact) {
  const v1::EntityRef holder = ToEntity({fact.header().actor().kind(), fact.header().actor().id()});
  Ends ends;
  ASSIGN_OR_RETURN(ends.revoked, facts.Typed(holder, "credential.revoked"));
  ASSIGN_OR_RETURN(ends.lost, facts.Typed(holder, "credential.reported_lost"));
  return ends;
}

// Calls `visit` with each revocation or report of loss of the key that sealed `fact` and since when it has effect.
Status VisitEnds(Facts& facts, const Fact& fact,
                 const std::function<void(std::string_view what, const Fact& end, Timestamp from)>& visit) {
  ASSIGN_OR_RETURN(const Ends ends, EndsOfKeys(facts, fact));
  if (ends.none()) return OkStatus();
  ASSIGN_OR_RETURN(const std::string key, SealKeyOf(facts, fact.event.index));
  // Of an agent that has keys, an unknown one may be any of them.
  const auto may_be = [&](const std::string& ended) { return key.empty() || key == ended; };
  for (const Fact* end : ends.revoked) {
    const auto* body = end->body<v1::CredentialRevoked>();
    if (may_be(body->public_key())) visit("was revoked", *end, EffectiveFrom(*end, body->effective_from_us()));
  }
  for (const Fact* end : ends.lost) {
    const auto* body = end->body<v1::CredentialReportedLost>();
    if (may_be(body->public_key())) visit("was reported lost", *end, EffectiveFrom(*end, body->lost_since_us()));
  }
  return OkStatus();
}

}  // namespace

StatusOr<bool> HasEndedKeys(Facts& facts, const Fact& fact) {
  ASSIGN_OR_RETURN(const Ends ends, EndsOfKeys(facts, fact));
  return !ends.none();
}

StatusOr<std::string> WhyKeyIsDoubtful(Facts& facts, const Fact& fact, Timestamp at, const Fact** because) {
  std::string why;
  RETURN_IF_ERROR(VisitEnds(facts, fact, [&](std::string_view what, const Fact& end, Timestamp from) {
    if (from > at || from > fact.event.recorded) return;
    why = Text(what, " as of before it sealed leaf ", fact.event.index.value, " (leaf ", end.event.index.value, ")");
    *because = &end;
  }));
  return why;
}

StatusOr<std::string> WhyKeyIsNotInForce(Facts& facts, const Fact& fact, Timestamp at, const Fact** because) {
  std::string why;
  RETURN_IF_ERROR(VisitEnds(facts, fact, [&](std::string_view what, const Fact& end, Timestamp from) {
    if (from > at) return;
    why = Text(what, " (leaf ", end.event.index.value, ")");
    *because = &end;
  }));
  return why;
}

}  // namespace anamnesis::gate
