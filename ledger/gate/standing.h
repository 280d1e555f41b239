#ifndef ANAMNESIS_LEDGER_GATE_STANDING_H_
#define ANAMNESIS_LEDGER_GATE_STANDING_H_

// What runs on a unit, held against the gate as of now. Private to the room; shared by the question and by the check
// that the ledger does itself.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/gate/decide.h"
#include "ledger/query/facts.h"

namespace anamnesis::gate {

struct RunningArtifact {
  std::string unit;
  std::string surface;
  // With its version.
  v1::EntityRef artifact;
  // The event that put it there, and the decision that this cites; null when it cites none that is recorded.
  const Fact* since = nullptr;
  const Fact* decided = nullptr;
  // What runs again when it is taken back: what the activation named, or else the unit's baseline.
  std::optional<v1::EntityRef> fallback;
  // The newest certification of it, whatever that certifies.
  std::optional<v1::EntityRef> certification;
  std::optional<v1::EntityRef> policy;
  // The software item that it is for; empty when that is not recorded.
  std::string item;
  v1::GateDecided now;
  // Of the rules that fail, those that could not be evaluated.
  std::set<std::string> not_evaluated;
  bool automatic_deactivation = false;

  bool denied() const { return now.verdict() != v1::GateDecided::ALLOW; }
};

// Ascending by surface.
StatusOr<std::vector<RunningArtifact>> ArtifactsRunningOn(Facts& facts, const std::string& unit, Timestamp now);

// What the gate would decide at the time of the decision that its activation cites, by all that is recorded by now.
StatusOr<v1::GateDecided> DecideAsKnownNow(Facts& facts, const RunningArtifact& running);

// Whether what runs again when it is taken back passes the gate itself (A80). What is no adapted artifact is the unit's
// safe state, of which only G20 asks something.
StatusOr<bool> FallbackPasses(Facts& facts, const RunningArtifact& running, Timestamp now);

// From when on the fact has effect: its field effective_from_us, or when it happened.
Timestamp EffectOf(const Fact& fact);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_STANDING_H_
