#ifndef ANAMNESIS_LEDGER_QUERY_DEVICE_MODEL_AT_H_
#define ANAMNESIS_LEDGER_QUERY_DEVICE_MODEL_AT_H_

// What a device model was at a time: as registered, last revised, and with the identifiers assigned to it. Pure.

#include <string>
#include <vector>

#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Borrowed from the facts.
struct DeviceModelAt {
  struct Identifier {
    std::string value;
    // What says so; null while there is none.
    const Fact* by = nullptr;
  };

  // nullptr when nothing registers it; the rest is empty then.
  const Fact* registered = nullptr;
  // The revisions that had happened by then, the earliest first.
  std::vector<const Fact*> revised;
  std::string name;
  // The registration or revision that gave it.
  const Fact* named_by = nullptr;
  std::string intended_purpose;
  Identifier basic_udi_di;
  Identifier udi_di;
};

StatusOr<DeviceModelAt> DeviceModelAsOf(Facts& facts, const v1::EntityRef& device_model, Timestamp at);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_DEVICE_MODEL_AT_H_
