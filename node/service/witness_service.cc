#include "node/service/witness_service.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "ledger/engine/receipt.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kWaitMax(30);

std::chrono::steady_clock::time_point DeadlineOf(const grpc::CallbackServerContext& call, bool wait) {
  const auto now = std::chrono::steady_clock::now();
  return wait ? std::min(WaitDeadline(call), now + kWaitMax) : now;
}

}  // namespace

// gRPC keeps request and reply until the reactor is finished.

grpc::ServerUnaryReactor* WitnessService::GetWitnessedCheckpoint(grpc::CallbackServerContext* call,
                                                                 const v1::GetWitnessedCheckpointRequest* request,
                                                                 v1::Checkpoint* reply) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  const auto ready = [this, reactor, reply](const StatusOr<PublishedCheckpoint>& answer) {
    if (answer.ok()) {
      reply->set_note(answer->note);
      reply->set_tree_size(answer->checkpoint.size.value);
    }
    reactor->Finish(context_.failures.Answer("GetWitnessedCheckpoint", answer.status()));
  };
  publisher_.AwaitWitnessed(TreeSize(request->tree_size_min()), DeadlineOf(*call, request->wait()), ready);
  return reactor;
}

grpc::ServerUnaryReactor* WitnessService::GetWitnessedReceipt(grpc::CallbackServerContext* call,
                                                              const v1::GetWitnessedReceiptRequest* request,
                                                              v1::Receipt* reply) {
  constexpr std::string_view kMethod = "GetWitnessedReceipt";
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  const LeafIndex index(request->index());
  if (const uint64_t size = context_.ledger.tree_size(); index.value >= size) {
    const Status none = absl::NotFoundError(Text("index: no event ", index.value, "; the ledger has ", size));
    reactor->Finish(context_.failures.Answer(kMethod, none));
    return reactor;
  }
  const auto make = [this, reactor, reply, index, kMethod](const std::string& note) {
    StatusOr<v1::Receipt> receipt = MakeReceipt(*context_.ledger.View(), index, note);
    if (receipt.ok()) *reply = *std::move(receipt);
    reactor->Finish(context_.failures.Answer(kMethod, receipt.status()));
  };
  const auto ready = [this, reactor, make, kMethod](const StatusOr<PublishedCheckpoint>& answer) {
    Status status = answer.status();
    if (status.ok() && !context_.workers.TrySubmit([make, note = answer->note] { make(note); })) status = TooBusy();
    if (!status.ok()) reactor->Finish(context_.failures.Answer(kMethod, status));
  };
  publisher_.AwaitWitnessed(TreeSize(index.value + 1), DeadlineOf(*call, request->wait()), ready);
  return reactor;
}

grpc::ServerUnaryReactor* WitnessService::GetWitnessStatus(grpc::CallbackServerContext* call,
                                                           const v1::GetWitnessStatusRequest* /*request*/,
                                                           v1::WitnessStatus* reply) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  *reply = publisher_.GetStatus();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace anamnesis
