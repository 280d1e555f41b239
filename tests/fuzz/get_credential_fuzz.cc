// ReadService.GetCredential: who holds the key, and the events that issued and revoked it; NOT_FOUND for any other key.

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

void Fuzz(const v1::GetCredentialRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.read(), &ReadService::GetCredential, request);
  CheckStatus(answer.status, {grpc::StatusCode::NOT_FOUND});
  bool issued = false;
  for (const v1::Event& event : ledger.events()) {
    v1::CredentialIssued body;
    if (event.header().type() != "credential.issued" || !body.ParseFromString(event.body().content())) continue;
    if (body.public_key() != request.public_key()) continue;
    issued = true;
    CHECK(answer.reply.issued_index() == event.index());
  }
  CHECK(answer.status.ok() == issued);
  if (!issued) return;
  CHECK(answer.reply.public_key() == request.public_key());
  CHECK(answer.reply.has_holder());
  const bool revoked = request.public_key() == KeyOfSeed(SmallLedger::kRevokedSeed).public_key().bytes();
  CHECK(answer.reply.has_revoked_index() == revoked);
  if (revoked) CHECK(ledger.events().at(answer.reply.revoked_index()).header().type() == "credential.revoked");
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetCredentialRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
