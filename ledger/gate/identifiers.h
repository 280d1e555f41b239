#ifndef ANAMNESIS_LEDGER_GATE_IDENTIFIERS_H_
#define ANAMNESIS_LEDGER_GATE_IDENTIFIERS_H_

// Whose an identifier of the unit or of its model is: that of the first version that began to run under it. Private to
// the room.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// Whether an identifier was assigned for a release that the artifact doesn't run with, or for another envelope.
StatusOr<bool> IsOfSomethingElse(Subject& s, const Fact& assigned);

// What was activated on the artifact's surface by the time of the decision, read once for all identifiers and only as
// far back as is asked. Activations that were taken back count: the unit ran what it said that it ran. They stand where
// PlaceInTime has them, whatever the unit's clock says.
class SurfaceActivations {
 public:
  // `s` must outlive it, and must have an artifact.
  explicit SurfaceActivations(Subject& s) : s_(s) {}

  // Reads all that were recorded at `from` or since; false when they are too many.
  StatusOr<bool> ReadBackTo(Timestamp from);

  // The activation of another version that the identifier is spent by; nullptr when it is free, or this version's.
  // What was assigned with the identifier or since must have been read.
  StatusOr<const Fact*> OtherThatSpent(const Fact& assigned);

 private:
  StatusOr<bool> Spends(const Fact& activated, const Fact& assigned);
  StatusOr<bool> RanBefore(const v1::EntityRef& artifact, Timestamp from);

  Subject& s_;
  // Of the unit, newest first, and how many of them were read.
  std::vector<LeafIndex> indexes_;
  size_t asked_ = 0;
  size_t read_ = 0;
  // When the last that was looked at was recorded.
  Timestamp oldest_read_ = kTimestampLimit;
  // Those on the surface, newest first.
  std::vector<const Fact*> here_;
};

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_IDENTIFIERS_H_
