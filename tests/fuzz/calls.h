#ifndef ANAMNESIS_TESTS_FUZZ_CALLS_H_
#define ANAMNESIS_TESTS_FUZZ_CALLS_H_

// Calls on the services of a node as gRPC makes them, without gRPC's threads and network: unary calls by gRPC's own
// test peer, streams by stand-ins that also hold the service to gRPC's rules (one read and one write at a time, nothing
// after the end). Every call must end within a bounded time, with a status that its method documents.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/test/default_reactor_test_peer.h"
#include "ledger/base/check.h"

namespace anamnesis {

inline constexpr std::chrono::seconds kCallSecondsMax(20);

// The request in an input, as gRPC would parse it; nullopt when it would not.
template <typename Request>
std::optional<Request> ParseRequest(const uint8_t* data, size_t size) {
  Request request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return std::nullopt;
  if constexpr (requires { request.mutable_consistency(); }) {
    // A size that isn't there is waited for: longer than an input may take.
    if (request.has_consistency()) {
      request.mutable_consistency()->set_tree_size_min(request.consistency().tree_size_min() % 4);
    }
  }
  return request;
}

// An answer must be readable to who asked: no string in it that isn't UTF-8, for example.
inline void CheckReadable(const google::protobuf::Message& answer) {
  const std::string bytes = answer.SerializeAsString();
  const std::unique_ptr<google::protobuf::Message> read(answer.New());
  CHECK(read->ParseFromString(bytes));
  CHECK(read->SerializeAsString() == bytes);
}

// `status` is OK or one of `documented`, which are what the request can be guilty of: never that the ledger is damaged
// or at a loss.
inline void CheckStatus(const grpc::Status& status, std::initializer_list<grpc::StatusCode> documented) {
  if (status.ok()) return;
  const bool known = std::find(documented.begin(), documented.end(), status.error_code()) != documented.end();
  if (!known) std::fprintf(stderr, "status %d: %s\n", status.error_code(), status.error_message().c_str());
  CHECK(known);
  // Nobody reads why a call was cancelled.
  CHECK(!status.error_message().empty() || status.error_code() == grpc::StatusCode::CANCELLED);
  if (status.error_details().empty()) return;
  google::rpc::Status details;
  CHECK(details.ParseFromString(status.error_details()));
  CHECK(details.code() == static_cast<int>(status.error_code()));
}

// A call whose service brings its own reactor.
class UnaryCall : private grpc::ServerCallbackUnary {
 public:
  // Lets `reactor` run until it finishes.
  grpc::Status Run(grpc::ServerUnaryReactor* reactor) {
    reactor_ = reactor;
    this->BindReactor(reactor);
    {
      std::unique_lock lock(mutex_);
      CHECK(finished_.wait_for(lock, kCallSecondsMax, [this] { return status_.has_value(); }));
    }
    reactor->OnDone();
    return *status_;
  }

 private:
  void Finish(grpc::Status status) override {
    const std::lock_guard lock(mutex_);
    CHECK(!status_.has_value());
    status_ = std::move(status);
    finished_.notify_one();
  }
  void SendInitialMetadata() override {}
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  grpc::ServerUnaryReactor* reactor_ = nullptr;
  std::mutex mutex_;
  std::condition_variable finished_;
  // Guarded by mutex_.
  std::optional<grpc::Status> status_;
};

template <typename Reply>
struct Answer {
  grpc::Status status;
  Reply reply;
};

// One unary call.
template <typename Service, typename Owner, typename Request, typename Reply>
Answer<Reply> Ask(Service& service,
                  grpc::ServerUnaryReactor* (Owner::*method)(grpc::CallbackServerContext*, const Request*, Reply*),
                  const Request& request) {
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  grpc::CallbackServerContext call;
  grpc::testing::DefaultReactorTestPeer peer(&call, [&](const grpc::Status&) {
    const std::lock_guard lock(mutex);
    CHECK(!std::exchange(done, true));
    finished.notify_one();
  });
  Answer<Reply> answer;
  grpc::ServerUnaryReactor* const reactor = (service.*method)(&call, &request, &answer.reply);
  if (reactor != peer.reactor()) {
    answer.status = UnaryCall().Run(reactor);
    if (answer.status.ok()) CheckReadable(answer.reply);
    return answer;
  }
  {
    std::unique_lock lock(mutex);
    CHECK(finished.wait_for(lock, kCallSecondsMax, [&] { return done; }));
  }
  // The peer is called before it is done with the context.
  while (!peer.test_status_set()) std::this_thread::yield();
  answer.status = peer.test_status();
  if (answer.status.ok()) CheckReadable(answer.reply);
  return answer;
}

// What both kinds of streams have: the service's wishes, carried out one after another by the thread that waits for
// the call's end.
template <typename Response>
class StreamEnd {
 public:
  void Write(const Response* message) {
    const std::lock_guard lock(mutex_);
    CHECK(message != nullptr && write_ == nullptr && !status_.has_value());
    write_ = message;
    changed_.notify_one();
  }
  void Finish(grpc::Status status) {
    const std::lock_guard lock(mutex_);
    CHECK(write_ == nullptr && !status_.has_value());
    status_ = std::move(status);
    changed_.notify_one();
  }

 protected:
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  const Response* write_ = nullptr;
  std::optional<grpc::Status> status_;
};

// One call that is answered with a stream.
template <typename Response>
class WriteCall : private grpc::ServerCallbackWriter<Response>, private StreamEnd<Response> {
 public:
  using OnMessage = std::function<bool(const Response&)>;

  // Lets `reactor` run until it finishes. `on_message` gets each message, and returns false to go away as a client that
  // hangs up does.
  grpc::Status Run(grpc::ServerWriteReactor<Response>* reactor, const OnMessage& on_message) {
    reactor_ = reactor;
    this->BindReactor(reactor);
    bool left = false;
    while (true) {
      std::unique_lock lock(this->mutex_);
      CHECK(this->changed_.wait_for(lock, kCallSecondsMax,
                                    [this] { return this->write_ != nullptr || this->status_.has_value(); }));
      if (this->status_.has_value()) break;
      const Response& message = *std::exchange(this->write_, nullptr);
      lock.unlock();
      CheckReadable(message);
      const bool leaves = !left && !on_message(message);
      if (leaves) {
        left = true;
        reactor->OnCancel();
      }
      reactor->OnWriteDone(!left);
    }
    reactor->OnDone();
    return *this->status_;
  }

 private:
  void Finish(grpc::Status status) override { StreamEnd<Response>::Finish(std::move(status)); }
  void SendInitialMetadata() override {}
  void Write(const Response* message, grpc::WriteOptions) override { StreamEnd<Response>::Write(message); }
  void WriteAndFinish(const Response*, grpc::WriteOptions, grpc::Status) override { CHECK(false); }
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  grpc::ServerWriteReactor<Response>* reactor_ = nullptr;
};

// One call to which a stream is sent, and which is answered once.
template <typename Request>
class ReadCall : private grpc::ServerCallbackReader<Request> {
 public:
  // Sends `requests`, then hangs up, and returns how the call ended.
  grpc::Status Run(grpc::ServerReadReactor<Request>* reactor, const std::vector<Request>& requests) {
    reactor_ = reactor;
    this->BindReactor(reactor);
    size_t sent = 0;
    while (true) {
      std::unique_lock lock(mutex_);
      CHECK(changed_.wait_for(lock, kCallSecondsMax, [this] { return read_ != nullptr || status_.has_value(); }));
      if (status_.has_value()) break;
      Request& request = *std::exchange(read_, nullptr);
      lock.unlock();
      const bool more = sent < requests.size();
      if (more) request = requests[sent++];
      reactor->OnReadDone(more);
    }
    reactor->OnDone();
    return *status_;
  }

 private:
  void Finish(grpc::Status status) override {
    const std::lock_guard lock(mutex_);
    CHECK(!status_.has_value());
    status_ = std::move(status);
    changed_.notify_one();
  }
  void SendInitialMetadata() override {}
  void Read(Request* message) override {
    const std::lock_guard lock(mutex_);
    CHECK(message != nullptr && read_ == nullptr && !status_.has_value());
    read_ = message;
    changed_.notify_one();
  }
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  grpc::ServerReadReactor<Request>* reactor_ = nullptr;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  Request* read_ = nullptr;
  std::optional<grpc::Status> status_;
};

// One call with a stream each way.
template <typename Request, typename Response>
class ExchangeCall : private grpc::ServerCallbackReaderWriter<Request, Response>, private StreamEnd<Response> {
 public:
  // A client that takes answers as they come, or only when it has sent everything.
  enum class Reader { kPrompt, kLast };

  // Sends `requests`, hangs up in order, and returns how the call ended, with all answers in `responses`.
  grpc::Status Run(grpc::ServerBidiReactor<Request, Response>* reactor, const std::vector<Request>& requests,
                   Reader reader, std::vector<Response>& responses) {
    reactor_ = reactor;
    this->BindReactor(reactor);
    size_t sent = 0;
    bool hung_up = false;
    while (true) {
      std::unique_lock lock(this->mutex_);
      const auto may_take = [&] { return this->write_ != nullptr && (reader == Reader::kPrompt || hung_up); };
      CHECK(this->changed_.wait_for(lock, kCallSecondsMax,
                                    [&] { return read_ != nullptr || may_take() || this->status_.has_value(); }));
      if (may_take()) {
        responses.push_back(*std::exchange(this->write_, nullptr));
        lock.unlock();
        CheckReadable(responses.back());
        reactor->OnWriteDone(true);
      } else if (read_ != nullptr) {
        Request& request = *std::exchange(read_, nullptr);
        lock.unlock();
        hung_up = sent == requests.size();
        if (!hung_up) request = requests[sent++];
        reactor->OnReadDone(!hung_up);
      } else {
        break;
      }
    }
    reactor->OnDone();
    return *this->status_;
  }

 private:
  void Finish(grpc::Status status) override { StreamEnd<Response>::Finish(std::move(status)); }
  void SendInitialMetadata() override {}
  void Read(Request* message) override {
    const std::lock_guard lock(this->mutex_);
    CHECK(message != nullptr && read_ == nullptr && !this->status_.has_value());
    read_ = message;
    this->changed_.notify_one();
  }
  void Write(const Response* message, grpc::WriteOptions) override { StreamEnd<Response>::Write(message); }
  void WriteAndFinish(const Response*, grpc::WriteOptions, grpc::Status) override { CHECK(false); }
  grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  grpc::ServerBidiReactor<Request, Response>* reactor_ = nullptr;
  // Guarded by mutex_.
  Request* read_ = nullptr;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FUZZ_CALLS_H_
