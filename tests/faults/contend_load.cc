// Load for the fault tests: appends to a stream to which other processes append too, one event at a time, each where
// the stream was seen to end, so that of several that were sent at once one is acknowledged and the others are refused.
// Beside it two threads a node ask that node for its status again and again, one of them linearizably.
//
//   contend_load HOST:PORT[,HOST:PORT...] KEY-FILE STREAM PAUSE-US
//
// Lines on stdout: history_lines.h. SIGTERM: ends when the outcome of the last append is known, exits 0. Exit status 1:
// a refusal that is no lost race, or answers that contradict each other.

#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
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

EventDraft Draft(uint64_t number) {
  auto document = std::make_shared<v1::DocumentReferenced>();
  document->set_title("contended");
  document->set_locator("https://faults.example/contended");
  EventDraft draft;
  draft.body = document;
  const Timestamp now = WallClockNow();
  SetOccurred(draft, now, now);
  AddReference(draft, "document", "document", Text("contended-", number));
  return draft;
}

// Another was there first.
bool IsLostRace(const Status& status) {
  const auto detail = RefusalDetailOf(status);
  return detail.has_value() && detail->reason() == v1::CHAIN_BROKEN;
}

Status Contend(const std::string& ledger, const NamedKey& key, const std::string& stream,
               std::chrono::microseconds pause) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, ConnectAsEnvironmentSays(ledger));
  RetryPolicy until_known;
  until_known.tries = std::numeric_limits<int>::max();
  // However long a busy machine takes over a fault.
  until_known.within = std::chrono::minutes(15);
  until_known.backoff.first_wait = std::chrono::milliseconds(50);
  until_known.backoff.longest_wait = std::chrono::milliseconds(500);
  until_known.wait = [](std::chrono::milliseconds wait) {
    PutRetry(absl::UnavailableError("the outcome is unknown"));
    std::this_thread::sleep_for(wait);
  };
  for (uint64_t number = 0; !stop_asked; ++number) {
    // Every time anew: the others move the stream's end.
    StatusOr<std::unique_ptr<StreamWriter>> writer = StreamWriter::Open(*client, key, stream, until_known);
    if (!writer.ok()) {
      if (!IsTemporary(writer.status())) return writer.status();
      PutRetry(writer.status());
      std::this_thread::sleep_for(until_known.backoff.first_wait);
      continue;
    }
    const EventId id = NewEventId();
    const uint64_t position = (*writer)->head().value + 1;
    PutCall(id, position);
    const StatusOr<std::vector<Appended>> appended = (*writer)->Append({{Draft(number), id}});
    if (appended.ok()) {
      PutAcknowledged(id, position, appended->front().index.value, appended->front().recorded.us);
    } else if (IsLostRace(appended.status())) {
      PutRefused(id, position, appended.status());
    } else {
      return appended.status();
    }
    std::this_thread::sleep_for(pause);
  }
  return OkStatus();
}

void AskForStatus(const std::string& node, bool linearizable, std::chrono::microseconds pause) {
  RemoteClientOptions options;
  options.consistency.set_linearizable(linearizable);
  const StatusOr<std::unique_ptr<LedgerClient>> client = ConnectAsEnvironmentSays(node, std::move(options));
  while (client.ok() && !stop_asked) {
    const uint64_t called = MonotonicNs();
    const StatusOr<v1::LedgerStatus> status = (*client)->GetStatus();
    // A node that has just started says so by showing nothing.
    if (status.ok() && status->tree_size() > 0) PutRead(linearizable, called, node, *status);
    std::this_thread::sleep_for(pause);
  }
}

Status Main(const std::string& ledger, const std::string& key_file, const std::string& stream,
            std::chrono::microseconds pause) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(key_file));
  std::vector<std::thread> readers;
  std::istringstream list(ledger);
  for (std::string node; std::getline(list, node, ',');) {
    for (const bool linearizable : {false, true}) readers.emplace_back(AskForStatus, node, linearizable, pause);
  }
  const Status ended = Contend(ledger, key, stream, pause);
  stop_asked = true;
  for (std::thread& reader : readers) reader.join();
  return ended;
}

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "contend_load LEDGER KEY-FILE STREAM PAUSE-US\n";
    return 2;
  }
  signal(SIGTERM, [](int) { anamnesis::stop_asked = true; });
  const anamnesis::Status status =
      anamnesis::Main(argv[1], argv[2], argv[3], std::chrono::microseconds(std::stol(argv[4])));
  if (status.ok()) return 0;
  std::cerr << "contend_load: " << status.ToString() << "\n";
  return 1;
}
