// Load for the fault tests: appends to one stream without pause, many runs in flight, and writes one line for every
// acknowledged event. Whatever happens to the node, the same bytes are sent again until they are acknowledged.
//
//   append_load LEDGER KEY-FILE STREAM IN-FLIGHT PAUSE-US BODY-BYTES
//
// LEDGER is HOST:PORT[,HOST:PORT...]; when one node breaks a channel or answers nothing for a while, the next is used.
// Lines on stdout: history_lines.h. SIGTERM: makes no more runs, sends on until all are acknowledged, exits 0. Exit
// status 1: a run was refused for good, or the answers were wrong.

#include <signal.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/cpp/ledger_client.h"
#include "client/cpp/remote_client.h"
#include "client/cpp/writer.h"
#include "ledger/base/status.h"
#include "ledger/event/refusal.h"
#include "ledger/event/run_builder.h"
#include "ledger/keys/key_file.h"
#include "tests/faults/history_lines.h"
#include "tests/faults/load_client.h"

namespace anamnesis {
namespace {

std::atomic<bool> stop_asked = false;

struct Options {
  std::string ledger;
  std::string key_file;
  std::string stream;
  size_t in_flight = 1;
  std::chrono::microseconds pause{0};
  size_t body_bytes = 0;
};

struct SentRun {
  v1::Run run;
  std::vector<EventId> ids;
  uint64_t first_position = 0;
};

class RunSource {
 public:
  static StatusOr<std::unique_ptr<RunSource>> Open(const Options& options, const NamedKey& key, LedgerClient& client) {
    ASSIGN_OR_RETURN(const auto writer, StreamWriter::Open(client, key, options.stream));
    if (writer->head().value != 0) return absl::FailedPreconditionError("the stream must be new");
    return std::unique_ptr<RunSource>(
        new RunSource(options, key, RunBuilder(writer->origin(), options.stream, writer->actor(), {}, {})));
  }

  // A run of one to three events.
  StatusOr<SentRun> Next() {
    SentRun sent;
    sent.first_position = builder_.head().value + 1;
    const uint64_t events = 1 + count_ % 3;
    for (uint64_t i = 0; i < events; ++i) {
      sent.ids.push_back(NewEventId());
      RETURN_IF_ERROR(builder_.Add(Draft(), sent.ids.back(), NewNonce()));
    }
    sent.run = builder_.Seal(key_.key, WallClockNow());
    return sent;
  }

 private:
  RunSource(const Options& options, const NamedKey& key, RunBuilder builder)
      : body_bytes_(options.body_bytes), key_(key), builder_(std::move(builder)) {}

  EventDraft Draft() {
    auto document = std::make_shared<v1::DocumentReferenced>();
    document->set_title("load");
    document->set_locator(std::string(body_bytes_ + 1, 'x'));
    EventDraft draft;
    draft.body = document;
    const Timestamp now = WallClockNow();
    SetOccurred(draft, now, now);
    AddReference(draft, "document", "document", Text("load-", ++count_));
    return draft;
  }

  size_t body_bytes_;
  const NamedKey& key_;
  RunBuilder builder_;
  uint64_t count_ = 0;
};

// The nodes, each behind a client of its own, so that this program chooses where it sends.
class Nodes {
 public:
  static StatusOr<std::unique_ptr<Nodes>> Connect(const std::string& addresses) {
    auto nodes = std::make_unique<Nodes>();
    std::istringstream list(addresses);
    for (std::string address; std::getline(list, address, ',');) {
      ASSIGN_OR_RETURN(std::unique_ptr<LedgerClient> client, ConnectAsEnvironmentSays(address));
      nodes->clients_.push_back(std::move(client));
    }
    if (nodes->clients_.empty()) return absl::InvalidArgumentError("no address is given");
    return nodes;
  }

  LedgerClient& current() { return *clients_[current_]; }
  void Next() { current_ = (current_ + 1) % clients_.size(); }

 private:
  std::vector<std::unique_ptr<LedgerClient>> clients_;
  size_t current_ = 0;
};

// The runs that are not acknowledged yet, oldest first, and one channel at a time to send them through.
class Load {
 public:
  Load(const Options& options, Nodes& nodes, RunSource& source) : options_(options), nodes_(nodes), source_(source) {}

  Status Run() {
    while (!stop_asked || !pending_.empty()) {
      RETURN_IF_ERROR(UseOneChannel());
      if (broken_.ok()) continue;
      PutRetry(broken_);
      if (!IsTemporary(broken_)) return broken_;
      nodes_.Next();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return OkStatus();
  }

 private:
  // Sends what is pending again, then new runs, until something fails, which broken_ says, or the end. Fails when going
  // on is pointless.
  Status UseOneChannel() {
    broken_ = OkStatus();
    answered_ = 0;
    auto channel = nodes_.current().OpenAppendChannel(
        [this](uint64_t sequence, const StatusOr<v1::RunResult>& result) { OnResult(sequence, result); });
    if (!channel.ok()) {
      broken_ = channel.status();
      return OkStatus();
    }
    const Status sent = SendAll(**channel);
    // A channel that is not finished is broken, and has no callbacks any more once it is gone.
    if (sent.ok() && !Broken()) (void)(*channel)->Finish();
    channel->reset();
    RETURN_IF_ERROR(sent);
    // Acknowledged runs are a prefix, since later ones continue the stream of earlier ones.
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(answered_));
    return OkStatus();
  }

  bool Broken() {
    const std::lock_guard lock(mutex_);
    return !broken_.ok();
  }

  Status SendAll(AppendChannel& channel) {
    for (size_t next = 0;; ++next) {
      if (!WaitUntilAnswered(next < options_.in_flight ? 0 : next - options_.in_flight + 1)) return OkStatus();
      if (next == pending_.size()) {
        // Whoever waits for the last answers gives up as any other does.
        if (stop_asked || next >= kRunsAChannel) return WaitUntilAnswered(next), OkStatus();
        ASSIGN_OR_RETURN(SentRun made, source_.Next());
        for (size_t i = 0; i < made.ids.size(); ++i) PutCall(made.ids[i], made.first_position + i);
        // The channel's callback looks at pending_ while it grows.
        const std::lock_guard lock(mutex_);
        pending_.push_back(std::move(made));
      }
      if (!channel.Submit(next, pending_[next].run).ok()) return OkStatus();
      std::this_thread::sleep_for(options_.pause);
    }
  }

  // Waits until so many runs of this channel are answered; false when the channel is broken or answers nothing.
  bool WaitUntilAnswered(size_t runs) {
    std::unique_lock lock(mutex_);
    while (broken_.ok() && answered_ < runs) {
      const size_t before = answered_;
      if (room_.wait_for(lock, kAnswerWithin) == std::cv_status::timeout && answered_ == before && broken_.ok()) {
        broken_ = absl::DeadlineExceededError("nothing was answered for five seconds");
      }
    }
    return broken_.ok();
  }

  void OnResult(uint64_t sequence, const StatusOr<v1::RunResult>& result) {
    const std::lock_guard lock(mutex_);
    room_.notify_one();
    if (!broken_.ok()) return;
    broken_ = result.ok() ? FromRpcStatus(result->refused()) : result.status();
    if (!broken_.ok()) return;
    const SentRun& sent = pending_[sequence];
    if (static_cast<size_t>(result->indexes_size()) != sent.ids.size() || sequence != answered_) {
      broken_ = absl::InternalError("an answer doesn't fit its run");
      return;
    }
    for (size_t i = 0; i < sent.ids.size(); ++i) {
      PutAcknowledged(sent.ids[i], sent.first_position + i, result->indexes(static_cast<int>(i)),
                      result->recorded_us(static_cast<int>(i)));
    }
    ++answered_;
  }

  // Bounds what is kept in memory; then another channel is opened.
  static constexpr size_t kRunsAChannel = 20000;
  static constexpr std::chrono::seconds kAnswerWithin{5};

  const Options options_;
  Nodes& nodes_;
  RunSource& source_;
  std::mutex mutex_;
  std::condition_variable room_;
  // All below are guarded by mutex_ while a channel is open; only the sending thread adds to pending_.
  std::deque<SentRun> pending_;
  size_t answered_ = 0;
  Status broken_;
};

Status Main(const Options& options) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<Nodes> nodes, Nodes::Connect(options.ledger));
  StatusOr<std::unique_ptr<RunSource>> source = RunSource::Open(options, key, nodes->current());
  while (!source.ok() && IsTemporary(source.status()) && !stop_asked) {
    PutRetry(source.status());
    nodes->Next();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    source = RunSource::Open(options, key, nodes->current());
  }
  RETURN_IF_ERROR(source.status());
  return Load(options, *nodes, **source).Run();
}

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  if (argc != 7) {
    std::cerr << "append_load LEDGER KEY-FILE STREAM IN-FLIGHT PAUSE-US BODY-BYTES\n";
    return 2;
  }
  signal(SIGTERM, [](int) { anamnesis::stop_asked = true; });
  const anamnesis::Options options{argv[1],
                                   argv[2],
                                   argv[3],
                                   std::stoul(argv[4]),
                                   std::chrono::microseconds(std::stol(argv[5])),
                                   std::stoul(argv[6])};
  const anamnesis::Status status = anamnesis::Main(options);
  if (status.ok()) return 0;
  std::cerr << "append_load: " << status.ToString() << "\n";
  return 1;
}
