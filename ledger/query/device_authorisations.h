#ifndef ANAMNESIS_LEDGER_QUERY_DEVICE_AUTHORISATIONS_H_
#define ANAMNESIS_LEDGER_QUERY_DEVICE_AUTHORISATIONS_H_

// What authorities allowed of a device model at a time. Pure.

#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Borrowed from the facts.
struct DeviceAuthorisation {
  const Fact* granted = nullptr;
  // As last supplemented or restricted by the time.
  const v1::AuthorisationTerms* terms = nullptr;
  const Fact* terms_from = nullptr;
  // Why it isn't in force at the time, for a person to read after its number; empty when it is.
  std::string inactive_because;
  // What ended or suspended it, where something did.
  const Fact* inactive_fact = nullptr;
  // What had suspended, reinstated or withdrawn it last by the time, whether it is in force or not.
  const Fact* changed_by = nullptr;
  // By the time it had not been granted.
  bool granted_later = false;
};

// Those for one of the jurisdictions, in the order in which they were recorded.
StatusOr<std::vector<DeviceAuthorisation>> AuthorisationsOf(Facts& facts, const v1::EntityRef& device_model,
                                                            const std::vector<std::string>& jurisdictions,
                                                            Timestamp at);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_DEVICE_AUTHORISATIONS_H_
