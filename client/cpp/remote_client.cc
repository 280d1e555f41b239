#include "client/cpp/remote_client.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "anamnesis/v1/question.grpc.pb.h"
#include "client/cpp/append_progress.h"
#include "client/cpp/backoff.h"
#include "client/cpp/channel.h"
#include "client/cpp/deadline.h"
#include "client/cpp/read_progress.h"
#include "client/cpp/read_rounds.h"
#include "client/cpp/remote_append_channel.h"
#include "client/cpp/unary_call.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/limits.h"

namespace anamnesis {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For one sending of an append.
constexpr std::chrono::seconds kAppendDeadline(10);
// For a read the first time round, when there are several nodes: long enough for one that lags a little, short enough
// when it hangs.
constexpr std::chrono::seconds kFirstReadDeadline(3);
// Before a broken read goes on, so that a node that stops has gone.
constexpr milliseconds kResumePause(100);

struct Endpoint {
  explicit Endpoint(std::string name, std::shared_ptr<grpc::Channel> c)
      : address(std::move(name)),
        channel(std::move(c)),
        append(v1::AppendService::NewStub(channel)),
        read(v1::ReadService::NewStub(channel)),
        query(v1::QueryService::NewStub(channel)),
        question(v1::QuestionService::NewStub(channel)),
        proof(v1::ProofService::NewStub(channel)) {}

  std::string address;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::AppendService::Stub> append;
  std::unique_ptr<v1::ReadService::Stub> read;
  std::unique_ptr<v1::QueryService::Stub> query;
  std::unique_ptr<v1::QuestionService::Stub> question;
  std::unique_ptr<v1::ProofService::Stub> proof;
};

// Whether the channel has a connection, or gets one at the first attempt. What is not sent without one is certainly not
// done, which can't be said of a call that fails.
bool Connects(grpc::Channel& channel, milliseconds within) {
  const gpr_timespec deadline = DeadlineIn(within);
  for (grpc_connectivity_state state = channel.GetState(true); state != GRPC_CHANNEL_READY;
       state = channel.GetState(true)) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel.WaitForStateChange(state, deadline)) return false;
  }
  return true;
}

Status Unreachable(const Endpoint& endpoint, const Status& status) {
  return absl::UnavailableError(Text(endpoint.address, ": ", MessageOf(status)));
}

// The largest size that a client was told of. Channels outlive the client that opened them.
class ToldSize {
 public:
  uint64_t size() const { return size_; }
  void Add(uint64_t size) {
    uint64_t before = size_;
    while (before < size && !size_.compare_exchange_weak(before, size)) continue;
  }

 private:
  std::atomic<uint64_t> size_ = 0;
};

// False for what is asked at a stated size and answered with nothing else: a receipt, whose checkpoint proves the size.
template <typename Request>
bool TellsSize(const Request& request) {
  if constexpr (requires { request.tree_size(); }) {
    return request.tree_size() == 0;
  } else {
    return true;
  }
}

// How large the ledger was when this was answered: not what an answer about the past was computed over.
template <typename Reply>
uint64_t SizeTold(const Reply& reply) {
  if constexpr (requires { reply.ledger_size(); }) {
    return reply.ledger_size();
  } else {
    return reply.tree_size();
  }
}

class RemoteClient : public LedgerClient {
 public:
  RemoteClient(const std::vector<std::string>& addresses, ClientIdentity identity, RemoteClientOptions options)
      : identity_(std::move(identity)), options_(std::move(options)) {
    for (const std::string& address : addresses) endpoints_.emplace_back(address, MakeChannel(address, identity_));
  }

  StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) override;

  StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) override {
    return Ask<v1::Event>(&Endpoint::read, &v1::ReadService::Stub::GetEvent, request);
  }
  StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest& request) override {
    return Ask<v1::StreamHead>(&Endpoint::read, &v1::ReadService::Stub::GetStreamHead, request);
  }
  StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) override {
    return Ask<v1::Credential>(&Endpoint::read, &v1::ReadService::Stub::GetCredential, request);
  }
  StatusOr<v1::LedgerStatus> GetStatus() override {
    return Ask<v1::LedgerStatus>(&Endpoint::read, &v1::ReadService::Stub::GetStatus, v1::GetStatusRequest());
  }
  StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest& request) override {
    return Ask<v1::ConfigurationAnswer>(&Endpoint::query, &v1::QueryService::Stub::GetConfiguration, request);
  }
  StatusOr<v1::Answer> Ask(const v1::Question& question) override {
    return Ask<v1::Answer>(&Endpoint::question, &v1::QuestionService::Stub::Ask, question);
  }
  StatusOr<v1::Checkpoint> GetCheckpoint() override {
    return Ask<v1::Checkpoint>(&Endpoint::proof, &v1::ProofService::Stub::GetCheckpoint, v1::GetCheckpointRequest());
  }
  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request) override {
    return Ask<v1::Receipt>(&Endpoint::proof, &v1::ProofService::Stub::GetReceipt, request);
  }
  StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest& request) override {
    return Ask<v1::ConsistencyProof>(&Endpoint::proof, &v1::ProofService::Stub::GetConsistencyProof, request);
  }

  StatusOr<std::unique_ptr<AppendChannel>> OpenAppendChannel(AppendChannel::OnResult on_result) override;
  Status Read(const v1::ReadRequest& request, const OnRead& on_read) override;

 private:
  // Calls `method` on one endpoint after another until one answers, at a size that fits what is asked.
  template <typename Reply, typename Stub, typename Request>
  StatusOr<Reply> Ask(std::unique_ptr<Stub> Endpoint::*stub,
                      grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*), Request request) {
    ReadRounds rounds(endpoints_.size(), options_.read_within);
    while (true) {
      const size_t place = current_;
      const Endpoint& endpoint = endpoints_[place];
      Demand(*request.mutable_consistency());
      grpc::ClientContext context;
      const bool hurries = endpoints_.size() > 1 && rounds.in_first();
      context.set_deadline(DeadlineIn(hurries ? std::min<milliseconds>(kFirstReadDeadline, options_.read_within)
                                              : options_.read_within));
      Reply reply;
      Status status = FromGrpcStatus(((*(endpoint.*stub)).*method)(&context, request, &reply));
      const bool tells = TellsSize(request);
      if (status.ok() && tells) status = CheckSize(SizeTold(reply), request.consistency());
      if (status.ok()) {
        if (tells) told_->Add(SizeTold(reply));
        return reply;
      }
      if (!Unanswered(status)) return status;
      PassOver(place);
      if (!rounds.GoOn(status, *endpoint.channel)) return Unreachable(endpoint, status);
    }
  }

  Status SendOnce(const Endpoint& endpoint, steady_clock::time_point give_up, AppendProgress& progress);
  Status ReadFrom(const Endpoint& endpoint, ReadProgress& progress, const OnRead& on_read, bool& delivered);

  // Adds what this client demands of every read.
  void Demand(v1::Consistency& consistency) const {
    const uint64_t told = options_.monotone_reads ? told_->size() : 0;
    consistency.set_tree_size_min(std::max({consistency.tree_size_min(), options_.consistency.tree_size_min(), told}));
    if (options_.consistency.linearizable()) consistency.set_linearizable(true);
  }

  // A node can't be let answer with less, whatever the reason.
  static Status CheckSize(uint64_t tree_size, const v1::Consistency& demanded) {
    if (tree_size >= demanded.tree_size_min()) return OkStatus();
    return absl::UnavailableError(
        Text("answered at size ", tree_size, ", ", demanded.tree_size_min(), " was asked for"));
  }

  // Later calls start with the endpoint after `place`, unless another thread found that out already.
  void PassOver(size_t place) { current_.compare_exchange_strong(place, (place + 1) % endpoints_.size()); }

  // Outlives the channels; null without TLS.
  const ClientIdentity identity_;
  const RemoteClientOptions options_;
  std::vector<Endpoint> endpoints_;
  // The endpoint that answered last.
  std::atomic<size_t> current_ = 0;
  const std::shared_ptr<ToldSize> told_ = std::make_shared<ToldSize>();
};

// --- Appending ---

StatusOr<v1::AppendResponse> RemoteClient::Append(const v1::AppendRequest& request) {
  const auto give_up = steady_clock::now() + options_.append_within;
  AppendProgress progress(request);
  Backoff backoff;
  for (size_t tries = 1; true; ++tries) {
    const size_t place = current_;
    const Status sent = SendOnce(endpoints_[place], give_up, progress);
    if (!sent.ok()) {
      // What one node recorded is recorded, or may be, whatever the next one says to the rest.
      if (!progress.has_verdicts() && !progress.may_be_recorded()) return sent;
      if (!progress.may_be_recorded()) progress.NotSent(sent);
      break;
    }
    if (progress.decided()) break;
    PassOver(place);
    // Every node once without waiting.
    const size_t rounds = tries / endpoints_.size();
    const auto wait =
        tries % endpoints_.size() == 0 ? backoff.WaitBeforeTry(static_cast<int>(rounds) + 1) : milliseconds(0);
    if (steady_clock::now() + wait >= give_up) break;
    std::this_thread::sleep_for(wait);
  }
  StatusOr<v1::AppendResponse> outcome = progress.Outcome();
  if (outcome.ok()) told_->Add(outcome->tree_size());
  return outcome;
}

// Fails when sending again is of no use.
Status RemoteClient::SendOnce(const Endpoint& endpoint, steady_clock::time_point give_up, AppendProgress& progress) {
  const auto left = [give_up] { return std::chrono::duration_cast<milliseconds>(give_up - steady_clock::now()); };
  if (!Connects(*endpoint.channel, std::min(kConnectDeadline, left()))) {
    progress.NotSent(absl::UnavailableError(Text(endpoint.address, ": no connection")));
    return OkStatus();
  }
  grpc::ClientContext context;
  context.set_deadline(DeadlineIn(std::min<milliseconds>(kAppendDeadline, left())));
  v1::AppendResponse response;
  const Status status = FromGrpcStatus(endpoint.append->Append(&context, progress.rest(), &response));
  if (status.ok()) {
    const Status understood = progress.Answered(std::move(response));
    // Whatever it was meant to say.
    if (!understood.ok()) progress.Lost(understood);
    return understood;
  }
  if (!MayBeDone(status) && !progress.may_be_recorded()) return status;
  // Also what this node refuses, when another may have recorded it.
  progress.Lost(absl::UnavailableError(Text(endpoint.address, ": ", MessageOf(status))));
  return OkStatus();
}

StatusOr<std::unique_ptr<AppendChannel>> RemoteClient::OpenAppendChannel(AppendChannel::OnResult on_result) {
  const auto told = [told = told_, on_result = std::move(on_result)](uint64_t sequence,
                                                                     const StatusOr<v1::RunResult>& result) {
    // A run that has places is included in the size after the last of them.
    if (result.ok() && result->indexes_size() > 0) told->Add(result->indexes(result->indexes_size() - 1) + 1);
    on_result(sequence, result);
  };
  const size_t first = current_;
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    const size_t place = (first + i) % endpoints_.size();
    const Endpoint& endpoint = endpoints_[place];
    if (!endpoint.channel->WaitForConnected(DeadlineIn(kConnectDeadline))) continue;
    current_ = place;
    return std::unique_ptr<AppendChannel>(std::make_unique<RemoteAppendChannel>(endpoint.channel, told));
  }
  return absl::UnavailableError(Text(endpoints_[first].address, ": no connection in two seconds"));
}

// --- Reading ---

Status RemoteClient::Read(const v1::ReadRequest& request, const OnRead& on_read) {
  ReadProgress progress(request);
  ReadRounds rounds(endpoints_.size(), options_.read_within);
  while (true) {
    const size_t place = current_;
    const Endpoint& endpoint = endpoints_[place];
    bool delivered = false;
    const Status status = ReadFrom(endpoint, progress, on_read, delivered);
    if (!Unanswered(status) || !progress.resumable()) return status;
    PassOver(place);
    if (delivered) {
      rounds = ReadRounds(endpoints_.size(), options_.read_within);
      std::this_thread::sleep_for(kResumePause);
    } else if (!rounds.GoOn(status, *endpoint.channel)) {
      return Unreachable(endpoint, status);
    }
  }
}

Status RemoteClient::ReadFrom(const Endpoint& endpoint, ReadProgress& progress, const OnRead& on_read,
                              bool& delivered) {
  v1::ReadRequest request = progress.rest();
  Demand(*request.mutable_consistency());
  grpc::ClientContext context;
  const auto reader = endpoint.read->Read(&context, request);
  v1::ReadResponse item;
  std::optional<Status> stopped;
  while (reader->Read(&item)) {
    if (stopped.has_value()) continue;
    const uint64_t size = item.has_event() ? item.event().tree_size() : item.caught_up().tree_size();
    const Status fits = CheckSize(size, request.consistency());
    if (fits.ok()) {
      told_->Add(size);
      if (!progress.Take(item)) continue;
      delivered = true;
      if (on_read(item)) continue;
    }
    stopped = fits;
    context.TryCancel();
  }
  const Status ended = FromGrpcStatus(reader->Finish());
  return stopped.value_or(ended);
}

}  // namespace

StatusOr<std::unique_ptr<LedgerClient>> ConnectRemote(std::string_view addresses, RemoteClientOptions options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> split, SplitAddresses(addresses));
  ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(options.tls));
  return std::unique_ptr<LedgerClient>(std::make_unique<RemoteClient>(split, std::move(identity), std::move(options)));
}

}  // namespace anamnesis
