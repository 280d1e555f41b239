#ifndef ANAMNESIS_LEDGER_EVENT_SEAL_H_
#define ANAMNESIS_LEDGER_EVENT_SEAL_H_

// The seal: the writer's one signature over a run (format.md section 3). Pure; safe from any thread.

#include <span>
#include <string>
#include <string_view>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/event/leaf.h"

namespace anamnesis {

inline constexpr std::string_view kSealPayloadType = "application/vnd.anamnesis.seal.v1+protobuf";

struct ParsedSeal {
  v1::SealStatement statement;
  Digest run_root;
  PublicKey key;
};

// The RFC 6962 tree hash over the run's header bytes.
Digest RunRoot(std::span<const std::string_view> headers);

// Parses a statement strictly and checks its signature against the key that it names. SEAL_INVALID refusal when either
// is wrong. What the statement says is compared with a run by CheckSealFitsRun.
StatusOr<ParsedSeal> VerifySeal(const SealView& seal);

// The same without the signature, for readers that trust the ledger's own admission.
StatusOr<ParsedSeal> ParseSealStatement(std::string_view statement);

// SEAL_INVALID refusal unless the statement is about exactly this origin, stream, positions and headers.
Status CheckSealFitsRun(const ParsedSeal& seal, std::string_view origin, std::string_view stream,
                        uint64_t first_position, std::span<const std::string_view> headers);

// Seals a run: what a writer does. `headers` are consecutive in `stream` from `first_position`; at least one.
v1::Seal MakeSeal(const PrivateKey& key, std::string_view origin, std::string_view stream, uint64_t first_position,
                  std::span<const std::string_view> headers, Timestamp sealed_at);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_SEAL_H_
