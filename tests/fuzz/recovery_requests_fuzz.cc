// What the operators ask of a node that is fenced while its ledger is taken to a new etcd, and a node that copies the
// ledger from it: RecoveryService and CatchUpService. The input is a list of requests, each after one byte that says
// what it is and its length in two bytes. Nothing is ordered here, so no plan comes to its end, and there is no etcd.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/internal/catch_up.grpc.pb.h"
#include "anamnesis/v1/recovery.pb.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/engine/staging.h"
#include "ledger/store/store.h"
#include "node/cluster/catch_up_server.h"
#include "node/cluster/recovery_sequencer.h"
#include "node/replication/members.h"
#include "node/service/recovery_service.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/copied_ledger.h"
#include "tests/fuzz/ledgers_receiver.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

using grpc::StatusCode;

// Node a, fenced.
class Fenced {
 public:
  Fenced() {
    ClusterOptions options;
    options.node = "a";
    options.origin = kTestOrigin;
    options.peer_address = "127.0.0.1:0";
    RecoveryCallbacks callbacks;
    callbacks.catch_up = [](Revision) {};
    callbacks.finished = [] { return OkStatus(); };
    sequencer_ = MakeRecoverySequencer(std::move(options), staging_, control_, std::move(callbacks));
    Sequencer::Receiver receiver;
    receiver.ordered = [](const Ordered&) { return absl::UnavailableError("nothing is applied"); };
    receiver.settled = [](Revision) { CHECK(false); };
    receiver.dropped = [](const std::shared_ptr<const Payload>&, const Status&) {};
    receiver.parse = LedgersReceiver().parse;
    CHECK(sequencer_->Start(Revision(0), std::move(receiver)).ok());
  }
  ~Fenced() { sequencer_->Stop(); }

  RecoveryService& service() { return service_; }

  // What is staged is what was said to be put, and is not there for the next input.
  void CheckAndForget() {
    std::vector<BatchName> names;
    const auto listed = staging_.List();
    CHECK(listed.ok());
    for (const Staging::Staged& staged : *listed) {
      const auto bytes = staging_.Get(staged.name);
      CHECK(bytes.ok() && bytes->has_value() && Sha256({**bytes}) == staged.digest);
      CHECK(LedgersReceiver().parse(**bytes).ok());
      names.push_back(staged.name);
    }
    CHECK(staging_.Remove(names).ok());
  }

 private:
  const std::unique_ptr<Store> store_ = MakeMemoryStore();
  Staging staging_{*store_};
  const std::shared_ptr<RecoveryControl> control_ = std::make_shared<RecoveryControl>();
  std::unique_ptr<Sequencer> sequencer_;
  RecoveryService service_{*control_, SharedLedger().context()};
};

Fenced& SharedFenced() {
  static Fenced fenced;
  return fenced;
}

// A node from which members a and b may copy, without the network.
class Giver {
 public:
  Giver() {
    Members members;
    for (const char* node : {"a", "b"}) members.voters.push_back({node, "", "", ""});
    service_.SetMembers(members);
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    CHECK(server_ != nullptr);
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kCatchUpMessageBytesMax);
    stub_ = internal::CatchUpService::NewStub(server_->InProcessChannel(arguments));
  }
  ~Giver() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  // What is answered to a caller that may copy is the rest of the ledger.
  void Ask(const internal::CatchUpRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallSecondsMax);
    const auto reader = stub_->CatchUp(&context, request);
    internal::CatchUpResponse response;
    uint64_t size = 0;
    uint64_t next = request.tree_size();
    while (reader->Read(&response)) {
      CheckReadable(response);
      CHECK(response.has_manifest() == (size == 0));
      if (response.has_manifest()) {
        size = response.manifest().applied().tree_size();
        continue;
      }
      CHECK(response.chunk().first_index() == next);
      next += static_cast<uint64_t>(response.chunk().events_size());
    }
    const grpc::Status status = reader->Finish();
    CheckStatus(status, {StatusCode::FAILED_PRECONDITION, StatusCode::PERMISSION_DENIED});
    CHECK(!status.ok() || (size == SharedLedger().events().size() && next == size));
  }

 private:
  const std::unique_ptr<Store> store_ = OpenCopyOfSharedLedger("giver");
  CatchUpServer service_{std::string(kTestOrigin), *store_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<internal::CatchUpService::Stub> stub_;
};

template <typename Request, typename Reply>
void Call(grpc::ServerUnaryReactor* (RecoveryService::*method)(grpc::CallbackServerContext*, const Request*, Reply*),
          std::string_view bytes, std::initializer_list<StatusCode> documented) {
  Request request;
  if (!request.ParseFromString(std::string(bytes))) return;
  CheckStatus(Ask(SharedFenced().service(), method, request).status, documented);
}

void CopyFromHere(std::string_view bytes) {
  internal::CatchUpRequest request;
  if (!request.ParseFromString(std::string(bytes))) return;
  static Giver giver;
  giver.Ask(request);
}

void Fuzz(char what, std::string_view bytes) {
  using Service = RecoveryService;
  switch (what) {
    case 'r':
      return Call<v1::GetReportRequest>(&Service::GetReport, bytes, {});
    case 'm':
      // What was asked for is looked at before it is found that no etcd is named.
      return Call<v1::MakePlanRequest>(&Service::MakePlan, bytes, {StatusCode::INVALID_ARGUMENT});
    case 'c':
      return Call<v1::RecoveryCatchUpRequest>(&Service::CatchUp, bytes, {});
    case 'g':
      return Call<v1::GetStagedRequest>(&Service::GetStaged, bytes, {StatusCode::NOT_FOUND});
    case 'p':
      return Call<v1::PutStagedRequest>(&Service::PutStaged, bytes, {StatusCode::INVALID_ARGUMENT});
    case 'f':
      return Call<v1::FollowPlanRequest>(
          &Service::FollowPlan, bytes,
          {StatusCode::INVALID_ARGUMENT, StatusCode::FAILED_PRECONDITION, StatusCode::UNAVAILABLE});
    case 'e':
      return Call<v1::FoundEtcdRequest>(&Service::FoundEtcd, bytes,
                                        {StatusCode::INVALID_ARGUMENT, StatusCode::FAILED_PRECONDITION});
    case 'd':
      return Call<v1::FinishRecoveryRequest>(&Service::Finish, bytes, {StatusCode::INVALID_ARGUMENT});
    case 'u':
      return CopyFromHere(bytes);
    default:
      return;
  }
}

void FuzzAll(std::string_view input) {
  while (input.size() >= 3) {
    const char what = input[0];
    const size_t length = size_t{static_cast<uint8_t>(input[1])} << 8 | static_cast<uint8_t>(input[2]);
    input.remove_prefix(3);
    Fuzz(what, input.substr(0, length));
    input.remove_prefix(std::min(length, input.size()));
  }
  SharedFenced().CheckAndForget();
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::FuzzAll({reinterpret_cast<const char*>(data), size});
  return 0;
}
