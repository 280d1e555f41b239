#ifndef ANAMNESIS_LEDGER_GATE_IDENTIFIERS_H_
#define ANAMNESIS_LEDGER_GATE_IDENTIFIERS_H_

// Whose an identifier of the unit or of its model is: that of the first version that began to run under it. Private to
// the room.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/gate/subject.h"
#include "ledger/query/place_in_time.h"

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

  // The activation of another version that the identifier is spent by: the first that took it. nullptr when nothing
  // took it, or this version did. What was assigned with the identifier or since must have been read.
  StatusOr<const Fact*> OtherThatSpent(const Fact& assigned);

 private:
  // Under what and with what an artifact ran.
  struct RanAs {
    std::vector<v1::EntityRef> envelopes;
    std::vector<v1::EntityRef> with;
  };

  void Add(const Fact& activated);
  StatusOr<bool> Spends(const Fact& activated, const Fact& assigned);
  StatusOr<bool> WasOfSomethingElse(const Fact& activated, const Fact& assigned);
  // nullptr when nobody can evaluate it, or too many were evaluated already.
  StatusOr<const RanAs*> RanAsOf(const Fact& activated);
  StatusOr<RanAs> Evaluate(const Fact& activated);
  StatusOr<bool> RanBefore(const v1::EntityRef& artifact, const Fact& assigned);

  Subject& s_;
  // Of the unit, newest first, and how many of them were read.
  std::vector<LeafIndex> indexes_;
  size_t asked_ = 0;
  size_t read_ = 0;
  // When the last that was looked at was recorded.
  Timestamp oldest_read_ = kTimestampLimit;
  // Those on the surface, and of each artifact among them the first.
  std::map<Place, const Fact*> here_;
  std::map<std::string, Place> first_runs_;
  // What is asked for each identifier again: by activation, and by artifact, which is made for one baseline and names
  // one envelope.
  std::map<uint64_t, std::set<uint64_t>> decided_on_;
  std::map<std::string, std::optional<RanAs>> ran_as_;
};

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_IDENTIFIERS_H_
