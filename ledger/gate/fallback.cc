#include "ledger/gate/fallback.h"

#include "ledger/gate/subject.h"

namespace anamnesis::gate {

StatusOr<v1::GateDecided> DecideOnFallback(Facts& facts, const v1::EntityRef& fallback, const std::string& unit,
                                           Timestamp at, Timestamp known_until, Reservations* reservations) {
  GateRequest request;
  request.artifact = fallback;
  request.unit = unit;
  request.at = at;
  request.known_until = known_until;
  request.restores = true;
  Subject subject(facts, request);
  RETURN_IF_ERROR(LoadSubject(subject));
  request.jurisdiction = subject.place.jurisdiction;
  request.artifact_digest = subject.artifact_digest;
  if (subject.baseline != nullptr) request.rollback_target = Bare(subject.baseline->item());
  return anamnesis::Decide(facts, request, reservations);
}

}  // namespace anamnesis::gate
