#ifndef ANAMNESIS_LEDGER_GATE_STALE_CERTIFICATIONS_H_
#define ANAMNESIS_LEDGER_GATE_STALE_CERTIFICATIONS_H_

// Which certifications a change of SOUP leaves to be done again (A72): those for a substrate with a version of some
// SOUP that soup.version_changed says was followed by another. What is certified and doesn't run is among them; what
// runs comes first. Found from the changes, by substrate. Private to the room.

#include <string>
#include <vector>

#include "ledger/query/facts.h"

namespace anamnesis::gate {

struct StaleCertification {
  // With its version.
  v1::EntityRef artifact;
  LeafIndex issued;
  // The soup.version_changed.
  LeafIndex changed;
  // For a person to read.
  std::string why;
  // A unit that the artifact runs on; empty when none is known.
  std::string runs_on;
};

inline constexpr size_t kStaleCertificationsMax = 1000;

struct StaleCertifications {
  // At most so many; those that run first, else in the order of the log.
  std::vector<StaleCertification> list;
  // There may be others.
  bool more = false;
};

// Those that hold as of `now`, each until the artifact is certified on a substrate that has no such SOUP. At most
// `max`, of as many as can be looked at.
StatusOr<StaleCertifications> FindStaleCertifications(Facts& facts, Timestamp now,
                                                      size_t max = kStaleCertificationsMax);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_STALE_CERTIFICATIONS_H_
