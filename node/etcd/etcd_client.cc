#include "node/etcd/etcd_client.h"

#include <future>
#include <utility>

#include "node/etcd/call.h"
#include "node/etcd/connection.h"
#include "node/etcd/keys.h"

namespace anamnesis {
namespace {

// Starts a unary call through `Method` of the stub that `service` of an endpoint is.
#define ANAMNESIS_ETCD_START(service, Method)                                                           \
  [](Endpoint& endpoint, grpc::ClientContext* context, const auto* sent, auto* answer, auto finished) { \
    endpoint.service->async()->Method(context, sent, answer, std::move(finished));                      \
  }

// Waits for the result that `start(done)` gives to `done`.
template <typename Result, typename StartCall>
StatusOr<Result> Await(StartCall start) {
  std::promise<StatusOr<Result>> promise;
  start([&promise](StatusOr<Result> result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

template <typename Response, typename Request, typename StartCall>
StatusOr<Response> Ask(const std::shared_ptr<EtcdConnection>& connection, StartCall start, Request request) {
  return Await<Response>([&](auto done) {
    EtcdCall<Request, Response>::Run(connection, CallKind::kRead, CallTimeOf(connection->options()), start,
                                     std::move(request), std::move(done));
  });
}

EtcdTxnResult TakeTxn(etcdserverpb::TxnResponse& response, const std::vector<std::string>& asked, size_t hidden_bytes) {
  EtcdTxnResult result;
  result.succeeded = response.succeeded();
  result.revision = response.header().revision();
  if (result.succeeded) return result;
  for (size_t i = 0; i < asked.size() && i < static_cast<size_t>(response.responses_size()); ++i) {
    auto& found = *response.mutable_responses(static_cast<int>(i))->mutable_response_range();
    EtcdKeyValue item;
    item.key = asked[i];
    if (found.kvs_size() > 0) item = TakeKeyValue(*found.mutable_kvs(0), hidden_bytes);
    result.found.push_back(std::move(item));
  }
  return result;
}

}  // namespace

StatusOr<std::unique_ptr<EtcdClient>> EtcdClient::Connect(EtcdOptions options) {
  ASSIGN_OR_RETURN(std::shared_ptr<EtcdConnection> connection, EtcdConnection::Open(std::move(options)));
  return std::unique_ptr<EtcdClient>(new EtcdClient(std::move(connection)));
}

EtcdClient::EtcdClient(std::shared_ptr<EtcdConnection> connection) : connection_(std::move(connection)) {}

EtcdClient::~EtcdClient() { connection_->Close(); }

std::string EtcdClient::Whole(std::string_view key) const { return Text(connection_->options().prefix, key); }

StatusOr<EtcdKeyValue> EtcdClient::Get(std::string_view key, EtcdConsistency consistency) {
  etcdserverpb::RangeRequest request;
  request.set_key(Whole(key));
  request.set_serializable(consistency == EtcdConsistency::kSerializable);
  ASSIGN_OR_RETURN(etcdserverpb::RangeResponse response,
                   Ask<etcdserverpb::RangeResponse>(connection_, ANAMNESIS_ETCD_START(kv, Range), std::move(request)));
  if (response.kvs_size() == 0) return absl::NotFoundError(Text("etcd has no key '", key, "'"));
  return TakeKeyValue(*response.mutable_kvs(0), connection_->options().prefix.size());
}

StatusOr<EtcdRangeResult> EtcdClient::Range(const EtcdRangeQuery& query) {
  return Await<EtcdRangeResult>([&](auto done) { RangeAsync(query, std::move(done)); });
}

void EtcdClient::RangeAsync(const EtcdRangeQuery& query, OnRange done) {
  const std::string prefix = Whole(query.prefix);
  etcdserverpb::RangeRequest request;
  // The least key after another one is that with a zero byte more.
  request.set_key(query.after.empty() ? prefix : std::max(prefix, Whole(query.after) + '\0'));
  request.set_range_end(EndOfPrefix(prefix));
  request.set_limit(query.limit);
  request.set_revision(query.revision);
  request.set_serializable(query.consistency == EtcdConsistency::kSerializable);
  request.set_keys_only(query.keys_only);
  request.set_min_mod_revision(query.changed_since);
  EtcdCall<etcdserverpb::RangeRequest, etcdserverpb::RangeResponse>::Run(
      connection_, CallKind::kRead, CallTimeOf(connection_->options()), ANAMNESIS_ETCD_START(kv, Range),
      std::move(request), [done = std::move(done), hidden_bytes = connection_->options().prefix.size()](auto response) {
        if (!response.ok()) return done(response.status());
        EtcdRangeResult result;
        result.revision = response->header().revision();
        result.more = response->more();
        for (mvccpb::KeyValue& kv : *response->mutable_kvs()) result.items.push_back(TakeKeyValue(kv, hidden_bytes));
        done(std::move(result));
      });
}

StatusOr<EtcdTxnResult> EtcdClient::Txn(const EtcdTxn& txn) {
  return Await<EtcdTxnResult>([&](auto done) { TxnAsync(txn, std::move(done)); });
}

void EtcdClient::TxnAsync(const EtcdTxn& txn, OnTxn done) {
  etcdserverpb::TxnRequest request = txn.request_;
  for (etcdserverpb::Compare& compare : *request.mutable_compare()) compare.set_key(Whole(compare.key()));
  for (etcdserverpb::RequestOp& op : *request.mutable_success()) {
    if (op.has_request_put()) {
      op.mutable_request_put()->set_key(Whole(op.request_put().key()));
    } else {
      etcdserverpb::DeleteRangeRequest& range = *op.mutable_request_delete_range();
      range.set_key(Whole(range.key()));
      if (!range.range_end().empty()) range.set_range_end(Whole(range.range_end()));
    }
  }
  std::vector<std::string> asked;
  for (etcdserverpb::RequestOp& op : *request.mutable_failure()) {
    asked.push_back(op.request_range().key());
    op.mutable_request_range()->set_key(Whole(asked.back()));
  }
  const EtcdOptions& options = connection_->options();
  const size_t bytes = request.ByteSizeLong();
  if (bytes > options.transaction_bytes_max) {
    return done(absl::InvalidArgumentError(
        Text("etcd transaction: ", bytes, " bytes; at most ", options.transaction_bytes_max)));
  }
  EtcdCall<etcdserverpb::TxnRequest, etcdserverpb::TxnResponse>::Run(
      connection_, CallKind::kWrite, {options.call_timeout, options.write_timeout}, ANAMNESIS_ETCD_START(kv, Txn),
      std::move(request),
      [done = std::move(done), asked = std::move(asked),
       hidden_bytes = connection_->options().prefix.size()](auto response) {
        if (!response.ok()) return done(response.status());
        done(TakeTxn(*response, asked, hidden_bytes));
      });
}

Status EtcdClient::Compact(int64_t revision) {
  etcdserverpb::CompactionRequest request;
  request.set_revision(revision);
  const Status status =
      Ask<etcdserverpb::CompactionResponse>(connection_, ANAMNESIS_ETCD_START(kv, Compact), std::move(request))
          .status();
  return absl::IsOutOfRange(status) ? OkStatus() : status;
}

StatusOr<EtcdLease> EtcdClient::GrantLease(std::chrono::seconds ttl) {
  if (ttl < std::chrono::seconds(1)) return absl::InvalidArgumentError("etcd lease: lives at least a second");
  etcdserverpb::LeaseGrantRequest request;
  request.set_ttl(ttl.count());
  ASSIGN_OR_RETURN(
      const etcdserverpb::LeaseGrantResponse response,
      Ask<etcdserverpb::LeaseGrantResponse>(connection_, ANAMNESIS_ETCD_START(lease, LeaseGrant), std::move(request)));
  if (!response.error().empty()) return absl::UnavailableError(Text("etcd lease: ", response.error()));
  return EtcdLease{response.id(), response.ttl()};
}

StatusOr<std::unique_ptr<LeaseKeeper>> EtcdClient::KeepLease(std::chrono::seconds ttl, LeaseKeeper::OnLost on_lost) {
  const BootClock::time_point sent = BootClock::now();
  ASSIGN_OR_RETURN(const EtcdLease lease, GrantLease(ttl));
  return std::make_unique<LeaseKeeper>(connection_, lease, sent, std::move(on_lost));
}

Status EtcdClient::RevokeLease(int64_t lease_id) {
  etcdserverpb::LeaseRevokeRequest request;
  request.set_id(lease_id);
  const Status status =
      Ask<etcdserverpb::LeaseRevokeResponse>(connection_, ANAMNESIS_ETCD_START(lease, LeaseRevoke), std::move(request))
          .status();
  return absl::IsNotFound(status) ? OkStatus() : status;
}

StatusOr<std::unique_ptr<EtcdWatch>> EtcdClient::Watch(std::string_view prefix, int64_t from_revision) {
  if (from_revision < 1) {
    return absl::InvalidArgumentError(Text("etcd watch: from revision ", from_revision, "; the first one is 1"));
  }
  return std::make_unique<EtcdWatch>(connection_, Whole(prefix), connection_->options().prefix.size(), from_revision);
}

std::vector<EtcdEndpointHealth> EtcdClient::Health() const { return connection_->Health(); }

StatusOr<EtcdClient::Alarms> EtcdClient::AskAlarms() {
  ASSIGN_OR_RETURN(const etcdserverpb::AlarmResponse response,
                   Ask<etcdserverpb::AlarmResponse>(connection_, ANAMNESIS_ETCD_START(maintenance, Alarm),
                                                    etcdserverpb::AlarmRequest()));
  Alarms alarms;
  for (const etcdserverpb::AlarmMember& member : response.alarms()) {
    alarms.no_space = alarms.no_space || member.alarm() == etcdserverpb::NOSPACE;
    alarms.corrupt = alarms.corrupt || member.alarm() == etcdserverpb::CORRUPT;
  }
  return alarms;
}

}  // namespace anamnesis
