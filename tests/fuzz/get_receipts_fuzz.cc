// ReceiptService.GetReceipts: receipts of just the events that were asked for, in both forms, that verify with the
// ledger's key alone and are all under one checkpoint, which older ones are shown to lead to; or why not.

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "ledger/cose/cose_receipt.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"
#include "node/service/receipt_service.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

constexpr size_t kAtOnce = 256;

void CheckReceipt(const v1::ReceiptForms& forms, const Checkpoint& checkpoint, std::span<const VerifierKey> keys,
                  const v1::GetReceiptsRequest& request) {
  const v1::Event& event = SharedLedger().events()[forms.receipt().index()];
  CHECK(forms.receipt().leaf() == event.leaf());
  CHECK(forms.receipt().has_body() == (request.include_bodies() && event.has_body()));
  CHECK(forms.cose().empty() != request.include_cose());
  const StatusOr<TlogProof> proof = ParseTlogProof(forms.receipt().tlog_proof());
  CHECK(proof.ok() && VerifyTlogProof(*proof, event.leaf(), keys).value() == checkpoint);
  if (!request.include_cose()) return;
  const StatusOr<CoseReceipt> cose = ParseCoseReceipt(forms.cose());
  CHECK(cose.ok());
  const std::string subject = SubjectOfEvent(EventId::FromBytes(event.header().event_id()).value());
  CHECK(VerifyCoseInclusion(*cose, event.leaf(), subject, keys).value() == checkpoint);
}

void CheckOlder(const v1::OlderCheckpoint& older, const Checkpoint& checkpoint, std::span<const VerifierKey> keys,
                bool include_cose) {
  const Checkpoint from{checkpoint.origin, TreeSize(older.size()), SharedLedger().RootAt(older.size())};
  std::vector<Digest> hashes;
  for (const std::string& hash : older.hashes()) hashes.push_back(Digest::FromBytes(hash).value());
  CHECK(VerifyConsistency(from.size, checkpoint.size, hashes, from.root, checkpoint.root).ok());
  CHECK(older.cose().empty() == (!include_cose || from == checkpoint));
  if (older.cose().empty()) return;
  const StatusOr<CoseReceipt> cose = ParseCoseReceipt(older.cose());
  CHECK(cose.ok() && VerifyCoseConsistency(*cose, from, keys).value() == checkpoint);
}

void Fuzz(const v1::GetReceiptsRequest& request) {
  SmallLedger& ledger = SharedLedger();
  static ReceiptService service(ledger.context());
  const auto answer = Ask(service, &ReceiptService::GetReceipts, request);
  CheckStatus(answer.status, {grpc::StatusCode::NOT_FOUND, grpc::StatusCode::OUT_OF_RANGE,
                              grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::RESOURCE_EXHAUSTED});
  const size_t events = static_cast<size_t>(request.indexes_size()) + static_cast<size_t>(request.event_ids_size());
  const size_t older = static_cast<size_t>(request.older_sizes_size());
  CHECK(!answer.status.ok() || (events <= kAtOnce && older <= kAtOnce));
  if (!answer.status.ok()) return;
  const v1::GetReceiptsResponse& reply = answer.reply;
  const std::vector<VerifierKey> keys = {VerifierKey::Parse(ledger.ledger().GetStatus().verifier_key()).value()};
  const Checkpoint checkpoint = OpenCheckpoint(reply.checkpoint(), keys).value();
  CHECK(checkpoint.size.value == ledger.events().size() && reply.tree_size() == checkpoint.size.value);
  CHECK(static_cast<size_t>(reply.receipts_size()) == events && static_cast<size_t>(reply.older_size()) == older);
  for (int i = 0; i < reply.receipts_size(); ++i) {
    const v1::ReceiptForms& forms = reply.receipts(i);
    const int by_id = i - request.indexes_size();
    CHECK(by_id < 0 ? forms.receipt().index() == request.indexes(i)
                    : ledger.events()[forms.receipt().index()].header().event_id() == request.event_ids(by_id));
    CheckReceipt(forms, checkpoint, keys, request);
  }
  for (int i = 0; i < reply.older_size(); ++i) {
    CHECK(reply.older(i).size() == request.older_sizes(i));
    CheckOlder(reply.older(i), checkpoint, keys, request.include_cose());
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetReceiptsRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
