#ifndef ANAMNESIS_CLIENT_CERTIFIER_EVENTS_H_
#define ANAMNESIS_CLIENT_CERTIFIER_EVENTS_H_

// The events that record a certification. They are made in one thread, from what Certify found.

#include <string>
#include <vector>

#include "client/certifier/certify.h"

namespace anamnesis {

// What Certify read of the ledger.
struct CertificationFacts {
  Recorded<v1::SandboxProtocolApproved> protocol;
  Recorded<v1::ArtifactProduced> artifact;
  VersionedName envelope;
  // May be empty.
  VersionedName risk_control_set;
  v1::CertifiedState state;
};

std::vector<EventDraft> MakeEvents(const CertificationRequest& request, const CertificationFacts& facts,
                                   const Certification& certification);

// A fresh id: a UUIDv7's text.
std::string NewRunId();

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CERTIFIER_EVENTS_H_
