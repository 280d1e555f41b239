#include "node/etcd/watch.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "grpcpp/grpcpp.h"
#include "node/etcd/connection.h"
#include "node/etcd/keys.h"
#include "node/etcd/outcome.h"

namespace anamnesis {

// What outlives single streams: where the watch stands, and what waits for the reader.
class EtcdWatch::State : public std::enable_shared_from_this<State> {
 public:
  State(std::shared_ptr<EtcdConnection> connection, std::string prefix, size_t hidden_bytes, int64_t from_revision)
      : connection_(std::move(connection)),
        prefix_(std::move(prefix)),
        hidden_bytes_(hidden_bytes),
        next_revision_(from_revision) {}

  // Starts a stream, or arranges that one is started when there is an endpoint for it.
  void Open();
  void OpenAfter(BootClock::duration delay) {
    connection_->timers().After(delay, [self = shared_from_this()] { self->Open(); });
  }

  StatusOr<EtcdWatchBatch> Next(std::chrono::milliseconds timeout);
  void End(const Status& why);
  int64_t compact_revision() const {
    const std::lock_guard lock(mutex_);
    return compact_revision_;
  }
  bool stands() const {
    const std::lock_guard lock(mutex_);
    return stream_ != nullptr && stands_;
  }

  // From the stream. Returns true when it may read on; otherwise Resume tells it to when there is room.
  bool TakeResponse(Stream& stream, etcdserverpb::WatchResponse& response);
  // The stream is over for `status`; `answered` if it had delivered anything.
  void TakeStreamEnd(Stream& stream, const Endpoint& endpoint, const grpc::Status& status, bool answered);

  const std::shared_ptr<EtcdConnection>& connection() const { return connection_; }

 private:
  etcdserverpb::WatchRequest CreateRequest() const;
  // Whether these go on from what was delivered, as far as can be told by now.
  bool GoOn(const std::vector<mvccpb::Event>& events);
  void TakeEvents(std::vector<mvccpb::Event> events);
  void TakeProgress(int64_t revision);
  void Queue(EtcdWatchBatch batch, size_t bytes);
  void TakeFailure(const CallFailure& failure, const std::string& token, bool answered);

  const std::shared_ptr<EtcdConnection> connection_;
  const std::string prefix_;
  const size_t hidden_bytes_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All below are guarded by mutex_. The first revision that was not queued yet.
  int64_t next_revision_;
  std::deque<std::pair<EtcdWatchBatch, size_t>> queue_;
  size_t queue_bytes_ = 0;
  // The last put that was queued, if there was one and it isn't compacted.
  std::optional<mvccpb::KeyValue> shown_;
  // Why nothing more will be queued.
  Status end_;
  int64_t compact_revision_ = 0;
  std::shared_ptr<Stream> stream_;
  // Of the stream: that shown_ has yet to come again, the fragments so far, what etcd said when it cancelled the watch,
  // that it waits for room.
  bool shows_again_ = false;
  std::vector<mvccpb::Event> fragments_;
  CallFailure cancelled_;
  bool was_cancelled_ = false;
  bool stands_ = false;
  bool paused_ = false;
  int token_renewals_ = 0;
};

// One stream of one endpoint, with one watch. gRPC holds it until OnDone.
class EtcdWatch::Stream : public grpc::ClientBidiReactor<etcdserverpb::WatchRequest, etcdserverpb::WatchResponse>,
                          public InFlight,
                          public std::enable_shared_from_this<Stream> {
 public:
  Stream(std::shared_ptr<State> state, Endpoint& endpoint)
      : endpoint_(endpoint), token_(state->connection()->Token()), state_(std::move(state)) {
    state_->connection()->Dress(context_, token_);
  }

  void Start(etcdserverpb::WatchRequest request) {
    self_ = shared_from_this();
    request_ = std::move(request);
    endpoint_.watch->async()->Watch(&context_, this);
    // Given back when the reads have ended: until then operations may be started from outside.
    AddHold();
    StartWrite(&request_);
    StartRead(&response_);
    StartCall();
  }

  const std::string& token() const { return token_; }
  const std::string& address() const { return endpoint_.address; }

  // Before Start too. A stream ends only when it is read to its end.
  void Cancel() override {
    context_.TryCancel();
    Resume();
  }
  void OnEndpointDown(const Endpoint& endpoint) override {
    if (&endpoint == &endpoint_) Cancel();
  }

  // Reads on, if it is paused or is about to be.
  void Resume() {
    {
      const std::lock_guard lock(mutex_);
      if (!std::exchange(paused_, false)) {
        resume_wanted_ = true;
        return;
      }
    }
    StartRead(&response_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      answered_ = true;
      const bool pause = !state_->TakeResponse(*this, response_);
      {
        const std::lock_guard lock(mutex_);
        paused_ = !std::exchange(resume_wanted_, false) && pause;
        if (paused_) return;
      }
      return StartRead(&response_);
    }
    RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<Stream> last = std::move(self_);
    const std::shared_ptr<EtcdConnection> connection = state_->connection();
    state_->TakeStreamEnd(*this, endpoint_, status, answered_);
    connection->Remove(last);
  }

 private:
  Endpoint& endpoint_;
  const std::string token_;
  const std::shared_ptr<State> state_;
  std::shared_ptr<Stream> self_;
  grpc::ClientContext context_;
  // Belong to the write, or the read, that goes on.
  etcdserverpb::WatchRequest request_;
  etcdserverpb::WatchResponse response_;
  bool answered_ = false;

  std::mutex mutex_;
  // Guarded by mutex_.
  bool paused_ = false;
  bool resume_wanted_ = false;
};

void EtcdWatch::State::Open() {
  {
    const std::lock_guard lock(mutex_);
    if (!end_.ok()) return;
  }
  Endpoint* const endpoint = connection_->Choose();
  if (endpoint == nullptr) return OpenAfter(std::chrono::milliseconds(20));
  if (connection_->WantsToken() && connection_->Token().empty()) {
    return TakeFailure({absl::UnauthenticatedError("no token yet"), false, true}, "", true);
  }
  const auto stream = std::make_shared<Stream>(shared_from_this(), *endpoint);
  if (!connection_->Add(stream)) return End(absl::CancelledError("the etcd client is closed"));
  etcdserverpb::WatchRequest request;
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    ended = !end_.ok();
    if (!ended) stream_ = stream;
    fragments_.clear();
    was_cancelled_ = false;
    stands_ = false;
    paused_ = false;
    shows_again_ = shown_.has_value();
    request = CreateRequest();
  }
  if (ended) return connection_->Remove(stream);
  stream->Start(std::move(request));
}

etcdserverpb::WatchRequest EtcdWatch::State::CreateRequest() const {
  etcdserverpb::WatchRequest request;
  etcdserverpb::WatchCreateRequest& create = *request.mutable_create_request();
  create.set_key(prefix_);
  create.set_range_end(EndOfPrefix(prefix_));
  create.set_start_revision(shown_.has_value() ? shown_->mod_revision() : next_revision_);
  create.set_progress_notify(true);
  create.set_fragment(true);
  return request;
}

bool EtcdWatch::State::TakeResponse(Stream& stream, etcdserverpb::WatchResponse& response) {
  const Status same = connection_->CheckCluster(response.header());
  const std::lock_guard lock(mutex_);
  if (stream_.get() != &stream || !end_.ok()) return true;
  if (!same.ok()) {
    end_ = same;
    changed_.notify_all();
    return true;
  }
  if (response.canceled()) {
    // The stream is of no more use; gRPC must not be called under the lock.
    was_cancelled_ = true;
    stands_ = false;
    cancelled_ = JudgeWatchCancel(response.cancel_reason(), stream.address());
    if (shown_.has_value() && response.compact_revision() != 0 && response.compact_revision() <= next_revision_) {
      // Only what was delivered is gone, and need not be shown again.
      shown_.reset();
      cancelled_ = {absl::UnavailableError("compacted up to what was delivered"), true, false};
    } else if (response.compact_revision() != 0) {
      compact_revision_ = response.compact_revision();
      cancelled_ = {absl::OutOfRangeError(
                        Text("etcd revision ", next_revision_, " is compacted; the oldest one is ", compact_revision_)),
                    false, false};
    }
    connection_->timers().After({}, [held = stream_] { held->Cancel(); });
    return true;
  }
  if (response.created()) {
    token_renewals_ = 0;
    stands_ = true;
  }
  for (mvccpb::Event& event : *response.mutable_events()) fragments_.push_back(std::move(event));
  if (response.fragment()) return true;
  if (!fragments_.empty()) {
    TakeEvents(std::exchange(fragments_, {}));
  } else if (!response.created()) {
    TakeProgress(response.header().revision());
  }
  paused_ = queue_bytes_ >= connection_->options().watch_queue_bytes_max;
  return !paused_;
}

bool EtcdWatch::State::GoOn(const std::vector<mvccpb::Event>& events) {
  if (!shows_again_) return true;
  const std::string shown = shown_->SerializeAsString();
  for (const mvccpb::Event& event : events) {
    if (event.kv().SerializeAsString() != shown) continue;
    shows_again_ = false;
    return true;
  }
  // All of a revision comes together.
  return events.back().kv().mod_revision() < shown_->mod_revision();
}

void EtcdWatch::State::TakeEvents(std::vector<mvccpb::Event> events) {
  if (!GoOn(events)) {
    end_ = absl::DataLossError(Text("etcd has gone back: what it shows at revision ", shown_->mod_revision(),
                                    " is not what it showed before"));
    changed_.notify_all();
    return;
  }
  EtcdWatchBatch batch;
  size_t bytes = 0;
  for (mvccpb::Event& event : events) {
    mvccpb::KeyValue& kv = *event.mutable_kv();
    // Before what was asked for: not ours, or delivered before the stream broke.
    if (kv.mod_revision() < next_revision_) continue;
    bytes += event.ByteSizeLong();
    if (event.type() == mvccpb::Event::PUT) shown_ = kv;
    EtcdEvent& taken = batch.events.emplace_back();
    taken.deleted = event.type() == mvccpb::Event::DELETE;
    taken.item = TakeKeyValue(kv, hidden_bytes_);
    batch.revision = kv.mod_revision();
  }
  if (batch.events.empty()) return;
  Queue(std::move(batch), bytes);
}

void EtcdWatch::State::TakeProgress(int64_t revision) {
  // A member that lags behind the one that served the stream before can name an older revision.
  if (revision < next_revision_ || shows_again_) return;
  // One notification says as much as two.
  if (!queue_.empty() && queue_.back().first.events.empty()) {
    queue_.back().first.revision = revision;
    next_revision_ = revision + 1;
    return;
  }
  EtcdWatchBatch batch;
  batch.revision = revision;
  Queue(std::move(batch), 0);
}

void EtcdWatch::State::Queue(EtcdWatchBatch batch, size_t bytes) {
  next_revision_ = batch.revision + 1;
  queue_bytes_ += bytes;
  queue_.emplace_back(std::move(batch), bytes);
  changed_.notify_all();
}

void EtcdWatch::State::TakeStreamEnd(Stream& stream, const Endpoint& endpoint, const grpc::Status& status,
                                     bool answered) {
  CallFailure failure = JudgeRead(status, endpoint.address);
  {
    const std::lock_guard lock(mutex_);
    if (stream_.get() == &stream) stream_ = nullptr;
    fragments_.clear();
    if (!end_.ok()) return;
    if (was_cancelled_) failure = cancelled_;
  }
  const bool final = absl::IsOutOfRange(failure.status) || absl::IsPermissionDenied(failure.status) ||
                     (absl::IsUnauthenticated(failure.status) && !connection_->WantsToken());
  if (!final && !failure.token_refused) connection_->MoveOnFrom(endpoint);
  if (final) return End(failure.status);
  TakeFailure(failure, stream.token(), answered);
}

void EtcdWatch::State::TakeFailure(const CallFailure& failure, const std::string& token, bool answered) {
  static constexpr BootClock::duration kPause = std::chrono::milliseconds(100);
  constexpr BootClock::duration kShortPause = std::chrono::milliseconds(20);
  constexpr int kTokenRenewalsMax = 3;
  if (!failure.token_refused) return OpenAfter(answered ? kShortPause : kPause);
  {
    const std::lock_guard lock(mutex_);
    if (++token_renewals_ > kTokenRenewalsMax) {
      end_ = failure.status;
      changed_.notify_all();
      return;
    }
  }
  connection_->RenewToken(token, [self = shared_from_this()](const Status& status) {
    if (status.ok()) return self->Open();
    if (!absl::IsUnavailable(status)) return self->End(WithContext(status, "no token from etcd"));
    {
      const std::lock_guard lock(self->mutex_);
      self->token_renewals_ = 0;
    }
    self->OpenAfter(kPause);
  });
}

StatusOr<EtcdWatchBatch> EtcdWatch::State::Next(std::chrono::milliseconds timeout) {
  std::shared_ptr<Stream> reader;
  EtcdWatchBatch batch;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, timeout, [this] { return !queue_.empty() || !end_.ok(); });
    if (queue_.empty() && !end_.ok()) return end_;
    if (queue_.empty()) return absl::DeadlineExceededError("nothing new from etcd in time");
    batch = std::move(queue_.front().first);
    queue_bytes_ -= queue_.front().second;
    queue_.pop_front();
    if (paused_ && queue_bytes_ <= connection_->options().watch_queue_bytes_max / 2) {
      paused_ = false;
      reader = stream_;
    }
  }
  if (reader) reader->Resume();
  return batch;
}

void EtcdWatch::State::End(const Status& why) {
  std::shared_ptr<Stream> stream;
  {
    const std::lock_guard lock(mutex_);
    if (end_.ok()) end_ = why;
    stream = stream_;
  }
  changed_.notify_all();
  if (stream) stream->Cancel();
}

EtcdWatch::EtcdWatch(std::shared_ptr<EtcdConnection> connection, std::string prefix, size_t hidden_bytes,
                     int64_t from_revision)
    : state_(std::make_shared<State>(std::move(connection), std::move(prefix), hidden_bytes, from_revision)) {
  state_->Open();
}

EtcdWatch::~EtcdWatch() { Cancel(); }

StatusOr<EtcdWatchBatch> EtcdWatch::Next(std::chrono::milliseconds timeout) { return state_->Next(timeout); }
void EtcdWatch::Cancel() { state_->End(absl::CancelledError("the watch was cancelled")); }
bool EtcdWatch::stands() const { return state_->stands(); }
int64_t EtcdWatch::compact_revision() const { return state_->compact_revision(); }

}  // namespace anamnesis
