#include "ledger/event/seal.h"

#include <vector>

#include "ledger/base/limits.h"
#include "ledger/crypto/pae.h"
#include "ledger/event/refusal.h"
#include "ledger/merkle/tree_hash.h"

namespace anamnesis {
namespace {

Status Invalid(std::string_view field, std::string_view message) {
  return Refuse(v1::SEAL_INVALID, Text("seal.", field), message);
}

}  // namespace

Digest RunRoot(std::span<const std::string_view> headers) {
  std::vector<Digest> hashes;
  hashes.reserve(headers.size());
  for (std::string_view header : headers) hashes.push_back(LeafHash(header));
  return RootOfLeafHashes(hashes);
}

StatusOr<ParsedSeal> ParseSealStatement(std::string_view statement) {
  if (statement.size() > limits::kSealStatementBytesMax) {
    return RefuseOverLimit("seal.statement", limits::kSealStatementBytesMax, statement.size());
  }
  ParsedSeal seal;
  v1::SealStatement& fields = seal.statement;
  if (!fields.ParseFromArray(statement.data(), static_cast<int>(statement.size())) ||
      !fields.GetReflection()->GetUnknownFields(fields).empty()) {
    return Invalid("statement", "is not a protobuf SealStatement of this version");
  }
  StatusOr<Digest> root = Digest::FromBytes(fields.run_root());
  if (!root.ok()) return Invalid("run_root", "a SHA-256 digest has 32 bytes");
  seal.run_root = *root;
  StatusOr<PublicKey> key = PublicKey::FromBytes(fields.key_id());
  if (!key.ok()) return Invalid("key_id", "an Ed25519 public key has 32 bytes");
  seal.key = *key;
  return seal;
}

StatusOr<ParsedSeal> VerifySeal(const SealView& seal) {
  ASSIGN_OR_RETURN(ParsedSeal parsed, ParseSealStatement(seal.statement));
  if (seal.signature.size() != kSignatureBytes) return Invalid("signature", "an Ed25519 signature has 64 bytes");
  const Status verified = VerifyEd25519(parsed.key, DssePae(kSealPayloadType, seal.statement), seal.signature);
  if (!verified.ok()) {
    return Invalid("signature", Text("does not verify with key ", parsed.key.hex()));
  }
  return parsed;
}

Status CheckSealFitsRun(const ParsedSeal& seal, std::string_view origin, std::string_view stream,
                        uint64_t first_position, std::span<const std::string_view> headers) {
  const v1::SealStatement& statement = seal.statement;
  if (statement.origin() != origin) {
    return Invalid("origin", Text("is for ledger \"", statement.origin(), "\", not for \"", origin, "\""));
  }
  if (statement.stream() != stream) {
    return Invalid("stream", Text("is for stream \"", statement.stream(), "\", not for \"", stream, "\""));
  }
  if (statement.first_position() != first_position || statement.count() != headers.size()) {
    return Invalid("first_position",
                   Text("covers ", statement.count(), " events from position ", statement.first_position(),
                        ", the run has ", headers.size(), " from ", first_position));
  }
  if (seal.run_root != RunRoot(headers)) return Invalid("run_root", "is not the tree hash of the run's headers");
  return OkStatus();
}

v1::Seal MakeSeal(const PrivateKey& key, std::string_view origin, std::string_view stream, uint64_t first_position,
                  std::span<const std::string_view> headers, Timestamp sealed_at) {
  v1::SealStatement statement;
  statement.set_origin(std::string(origin));
  statement.set_stream(std::string(stream));
  statement.set_first_position(first_position);
  statement.set_count(static_cast<uint32_t>(headers.size()));
  statement.set_run_root(RunRoot(headers).bytes());
  statement.set_key_id(std::string(key.public_key().view()));
  statement.set_sealed_at_us(sealed_at.us);
  v1::Seal seal;
  seal.set_statement(statement.SerializeAsString());
  const auto signature = key.Sign(DssePae(kSealPayloadType, seal.statement()));
  seal.set_signature(std::string(signature.view()));
  return seal;
}

}  // namespace anamnesis
