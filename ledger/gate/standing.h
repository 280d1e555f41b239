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
  // The event that put it there, and the decision on this artifact that it cites; null when it cites none that is
  // recorded. A roll-back may cite the one on what it took back instead: that is not about this.
  const Fact* since = nullptr;
  const Fact* decided = nullptr;
  // What runs again when it is taken back: what the activation named, or else the unit's baseline.
  std::optional<v1::EntityRef> fallback;
  // The certification that it runs on: the newest for the ground that the unit stands on, whether it still holds or
  // not; where there is none, the one that the decision rested on; or else the newest.
  std::optional<v1::EntityRef> certification;
  std::optional<v1::EntityRef> policy;
  // The software item that it is for; empty when that is not recorded.
  std::string item;
  v1::GateDecided now;
  // Of the rules that fail, those for which alone nothing is taken back.
  Reservations reservations;
  bool automatic_deactivation = false;
  // Until when it ran as far as is known.
  Timestamp until;

  bool denied() const { return now.verdict() != v1::GateDecided::ALLOW; }
};

// Ascending by surface.
StatusOr<std::vector<RunningArtifact>> ArtifactsRunningOn(Facts& facts, const std::string& unit, Timestamp now);

// What ran on the unit, what still does among it, newest first: by its last kRanMax activations, of those that were
// recorded from `from` on. Not held against the gate: what is about now is left out.
inline constexpr size_t kRanMax = 64;
StatusOr<std::vector<RunningArtifact>> ArtifactsThatRan(Facts& facts, const std::string& unit, Timestamp from,
                                                        Timestamp now);

// What the gate would decide at the time of the decision that its activation cites, by all that is recorded by now.
StatusOr<v1::GateDecided> DecideAsKnownNow(Facts& facts, const RunningArtifact& ran);

// Whether what runs again when it is taken back passes the gate itself (A80). What is no adapted artifact is the unit's
// safe state, of which only G20 asks something.
StatusOr<bool> FallbackPasses(Facts& facts, const RunningArtifact& running, Timestamp now);

// From when on the fact has effect: what it says itself (that it is effective, a key was lost, a field action was
// begun), or when it happened; a correction as if it had always been.
Timestamp EffectOf(const Fact& fact);

// What was recorded only after an activation, and has effect on it.
struct LateKnowledge {
  std::set<uint64_t> leaves;
  bool corrects = false;
  // From when on the artifact ran although the first of it had effect.
  Timestamp from;
};
// Of `leaves`, those that are recorded after the activation and have effect by `by`. None where the activation did not
// conform: that was never lawful, whatever became known later.
StatusOr<LateKnowledge> KnownLate(Facts& facts, const Fact& activation, const std::set<uint64_t>& leaves, Timestamp by);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_STANDING_H_
