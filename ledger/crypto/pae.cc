#include "ledger/crypto/pae.h"

#include "ledger/base/status.h"

namespace anamnesis {

std::string DssePae(std::string_view payload_type, std::string_view payload) {
  return Text("DSSEv1 ", payload_type.size(), ' ', payload_type, ' ', payload.size(), ' ', payload);
}

}  // namespace anamnesis
