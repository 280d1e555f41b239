#ifndef ANAMNESIS_CLIENT_CPP_WITNESS_STATUS_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_WITNESS_STATUS_CLIENT_H_

// Witnessed checkpoints and receipts: proto/anamnesis/v1/witness.proto as C++ calls, with the codes stated there, plus
// UNAVAILABLE when no node can be reached. Safe for concurrent use.

#include <chrono>
#include <memory>
#include <string_view>

#include "anamnesis/v1/witness.pb.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

class WitnessStatusClient {
 public:
  virtual ~WitnessStatusClient() = default;

  // Both ask one node after another, again and again while they answer UNAVAILABLE, until `within` has passed. 0: each
  // node once.
  virtual StatusOr<v1::Checkpoint> GetCheckpoint(uint64_t tree_size_min, std::chrono::seconds within) = 0;
  virtual StatusOr<v1::Receipt> GetReceipt(uint64_t index, std::chrono::seconds within) = 0;
  // What the first node that answers says of itself.
  virtual StatusOr<v1::WitnessStatus> GetStatus() = 0;
};

// `addresses` is HOST:PORT[,HOST:PORT...]. INVALID_ARGUMENT when one has not this form, or as LoadIdentity fails
// (channel.h); nothing is connected yet.
StatusOr<std::unique_ptr<WitnessStatusClient>> ConnectWitnessStatus(std::string_view addresses,
                                                                    const TlsFiles& tls = {});

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_WITNESS_STATUS_CLIENT_H_
