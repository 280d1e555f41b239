#ifndef ANAMNESIS_CLIENT_EXPORTS_PERMISSIONS_H_
#define ANAMNESIS_CLIENT_EXPORTS_PERMISSIONS_H_

// Authorisations, change plans and envelopes as terms that are in force for a time: what a record allowed then it need
// not allow now.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "client/exports/sections.h"
#include "ledger/base/time.h"

namespace anamnesis::exports {

// One version of an authorisation, a change plan or an envelope.
struct Permission {
  // From this time on it is in this state.
  struct Change {
    Timestamp from;
    bool in_force = false;
    // "suspended", "replaced by version 2".
    std::string text;
    uint64_t leaf = 0;
    // Nothing that comes later changes it: withdrawn, retired, replaced.
    bool final = false;
  };

  v1::EntityRef entity;
  uint64_t granted = 0;
  // What it allows, in words, from a time on; in order of time.
  struct Terms {
    Timestamp from;
    std::string text;
  };
  std::vector<Terms> terms;
  // Of a change plan, and of an envelope; absent where the body is erased.
  std::optional<v1::ChangePlanTerms> plan;
  std::optional<v1::EnvelopeTerms> envelope;
  // By which an envelope lets artifacts be certified.
  std::vector<v1::EntityRef> protocols;
  // In order of time.
  std::vector<Change> changes;

  bool InForceAt(Timestamp time) const;
  // Bad where it was not in force.
  Cell StateCell(Timestamp time) const;
  // Before the first terms: those; empty where the body is erased.
  std::string TermsAt(Timestamp time) const;
};

// Of the records that count: all versions that were granted, authorised or approved, in log order, each with what ended
// it; of authorisations as the gate judges them. A change plan is in force only as long as its authorisation, and not
// while none is recorded.
StatusOr<std::vector<Permission>> PermissionsIn(const LedgerView& view, const std::map<uint64_t, Cited>& records);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_PERMISSIONS_H_
