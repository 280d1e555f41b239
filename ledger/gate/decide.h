#ifndef ANAMNESIS_LEDGER_GATE_DECIDE_H_
#define ANAMNESIS_LEDGER_GATE_DECIDE_H_

// The activation gate: whether an artifact may run on a unit, as a pure function of what was recorded, the adopted
// policy and the request (domain.md C.5). The same function decides while a batch is applied, on every replica; answers
// a dry run; recomputes a decision years later over the leaves that it was made from; and runs on a device against
// the leaves that it was given. Every rule that the policy names is evaluated, so that a refusal lists all its causes;
// what is unknown or missing fails. No clock, no I/O.
//
// An evidence leaf of a rule that passes is one without which it would not pass, as long as nothing else recorded can
// take its place; or one that only narrows (an envelope's overlay for a jurisdiction or a site), which was heeded, and
// without which it passes all the more; or an anomaly that was recorded, which is listed.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

struct GateRequest {
  // An artifact with its version.
  v1::EntityRef artifact;
  std::string unit;
  // ISO 3166-1 alpha-2.
  std::string jurisdiction;
  // SHA-256 of the bytes that would be activated: 32 bytes.
  std::string artifact_digest;
  // What runs again when the artifact is taken back.
  std::optional<v1::EntityRef> rollback_target;
  // The time of the decision.
  Timestamp at;
  // Until when all that was recorded is known to be among the facts.
  Timestamp known_until;
  // For what runs already: the leaf that put it there, which is not counted against a rate.
  std::optional<LeafIndex> activated = std::nullopt;
  // It would be restored, which no rate counts.
  bool restores = false;
};

// What a rule asks, in a word or two, for a person to read: "known"; empty for an id that is none.
std::string_view TitleOfRule(std::string_view id);

// What a gate.requested event that was recorded then asks.
GateRequest RequestOf(const v1::EventHeader& header, const v1::GateRequested& body, Timestamp recorded);

// What a recorded decision was asked.
GateRequest RequestOfDecision(const v1::EventHeader& header, const v1::GateDecided& decision);

// The ids of rules that deny what is asked, and are no reason to take back what runs already; and what of the evidence
// no rule rests on.
struct Reservations {
  // They could not be evaluated.
  std::set<std::string> not_evaluated;
  // They deny for tests that failed, and for nothing else.
  std::set<std::string> failed_tests;
  // By the id of a rule, the leaves among its evidence that it only lists.
  std::map<std::string, std::set<uint64_t>> listed;

  bool Has(const std::string& rule) const { return not_evaluated.count(rule) > 0 || failed_tests.count(rule) > 0; }
};

// Decides over facts.size() leaves. The decision's leaves are cited in `facts`. Fails only as reading rows does.
// `reservations` are filled where they are given.
StatusOr<v1::GateDecided> Decide(Facts& facts, const GateRequest& request, Reservations* reservations = nullptr);

// The references of a gate.decided event about it; `id` names the decision. `policy` may be null.
std::vector<v1::EntityRef> DecisionReferences(const std::string& id, const GateRequest& request,
                                              const v1::EntityRef* policy);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_GATE_DECIDE_H_
