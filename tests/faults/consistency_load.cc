// Writers and readers for the fault tests that hold what readers see against what writers were told.
//
//   consistency_load LEDGER KEY-FILE STREAM-PREFIX WRITERS READERS
//
// A writer appends events one by one, beginning with another node each, and reads each that was acknowledged at once
// through another node. A reader asks one node after the other for its size, linearizably, and then for the newest
// event through the list. Lines on stdout, each one write:
//   ack INDEX EVENT-ID STREAM      acknowledged
//   failed EVENT-ID MESSAGE        reported as certainly not recorded
//   unknown EVENT-ID MESSAGE
//   stale MESSAGE                  a read that shows less than it must
//   counts READ UNAVAILABLE        linearizable reads answered and not, about once a second
// SIGTERM: ends when what goes on is answered, exits 0.

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
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
#include "ledger/event/run_builder.h"
#include "ledger/keys/key_file.h"
#include "tests/faults/load_client.h"

namespace anamnesis {
namespace {

std::atomic<bool> stop_asked = false;
// Sizes that include everything that was acknowledged to a writer of this process.
std::atomic<uint64_t> acknowledged_size = 0;
std::atomic<uint64_t> reads_answered = 0;
std::atomic<uint64_t> reads_unavailable = 0;

void PutLine(std::string line) {
  line.push_back('\n');
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

void RaiseTo(std::atomic<uint64_t>& most, uint64_t value) {
  uint64_t before = most;
  while (before < value && !most.compare_exchange_weak(before, value)) continue;
}

std::vector<std::string> Split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) parts.push_back(part);
  return parts;
}

// The list, beginning with its n-th address.
std::string Rotated(const std::vector<std::string>& addresses, size_t n) {
  std::string list;
  for (size_t i = 0; i < addresses.size(); ++i) {
    list += (i == 0 ? "" : ",") + addresses[(n + i) % addresses.size()];
  }
  return list;
}

std::unique_ptr<LedgerClient> ClientOf(const std::string& addresses, RemoteClientOptions options = {}) {
  auto client = ConnectAsEnvironmentSays(addresses, std::move(options));
  if (!client.ok()) std::abort();
  return *std::move(client);
}

EventDraft Draft(uint64_t number) {
  auto document = std::make_shared<v1::DocumentReferenced>();
  document->set_title("consistency");
  EventDraft draft;
  draft.body = document;
  const Timestamp now = WallClockNow();
  SetOccurred(draft, now, now);
  AddReference(draft, "document", "document", Text("document-", number));
  return draft;
}

// Reads your writes: through a client that was told the size of the append by the application only.
void ReadBack(LedgerClient& other, uint64_t index) {
  v1::GetEventRequest request;
  request.set_index(index);
  request.mutable_consistency()->set_tree_size_min(index + 1);
  const auto event = other.GetEvent(request);
  if (absl::IsNotFound(event.status())) PutLine(Text("stale own event ", index, ": ", MessageOf(event.status())));
}

void Write(const std::vector<std::string>& addresses, const NamedKey& key, const std::string& stream, size_t n) {
  const auto client = ClientOf(Rotated(addresses, n));
  const auto other = ClientOf(Rotated(addresses, n + 1));
  std::unique_ptr<StreamWriter> writer;
  for (uint64_t number = 0; !stop_asked; ++number) {
    if (writer == nullptr) {
      auto opened = StreamWriter::Open(*client, key, stream);
      if (opened.ok()) writer = *std::move(opened);
      if (writer == nullptr) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        continue;
      }
    }
    const EventId id = NewEventId();
    const auto appended = writer->Append({{Draft(number), id}});
    if (appended.ok()) {
      const uint64_t index = appended->front().index.value;
      RaiseTo(acknowledged_size, index + 1);
      PutLine(Text("ack ", index, " ", id.text(), " ", stream));
      ReadBack(*other, index);
    } else {
      PutLine(Text(absl::IsUnknown(appended.status()) ? "unknown " : "failed ", id.text(), " ",
                   appended.status().ToString()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void ReadLinearizably(LedgerClient& node, const std::string& address, const std::atomic<uint64_t>& most_read) {
  const uint64_t before = std::max(acknowledged_size.load(), most_read.load());
  const auto status = node.GetStatus();
  if (!status.ok()) {
    ++reads_unavailable;
    return;
  }
  ++reads_answered;
  if (status->tree_size() < before) {
    PutLine(Text("stale linearizable read at ", address, ": ", status->tree_size(), " events, ", before, " before"));
  }
}

void Read(const std::vector<std::string>& addresses, size_t n) {
  // What each node is asked for is not what this client was told elsewhere, but what holds for all.
  RemoteClientOptions linearizable;
  linearizable.monotone_reads = false;
  linearizable.consistency.set_linearizable(true);
  std::vector<std::unique_ptr<LedgerClient>> nodes;
  for (const std::string& address : addresses) nodes.push_back(ClientOf(address, linearizable));
  const auto any = ClientOf(Rotated(addresses, n));
  std::atomic<uint64_t> most_read = 0;
  for (size_t i = n; !stop_asked; ++i) {
    ReadLinearizably(*nodes[i % nodes.size()], addresses[i % nodes.size()], most_read);
    const auto status = any->GetStatus();
    if (!status.ok()) continue;
    if (status->tree_size() < most_read) {
      PutLine(Text("stale read: ", status->tree_size(), " events, ", most_read.load(), " before"));
    }
    RaiseTo(most_read, status->tree_size());
  }
}

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  using anamnesis::Text;
  if (argc != 6) {
    std::cerr << "consistency_load LEDGER KEY-FILE STREAM-PREFIX WRITERS READERS\n";
    return 2;
  }
  signal(SIGTERM, [](int) { anamnesis::stop_asked = true; });
  const std::vector<std::string> addresses = anamnesis::Split(argv[1]);
  const auto key = anamnesis::ReadKeyFile(argv[2]);
  if (!key.ok()) return 2;
  std::vector<std::thread> threads;
  for (size_t n = 0; n < std::stoul(argv[4]); ++n) {
    threads.emplace_back([&, n] { anamnesis::Write(addresses, *key, Text(argv[3], "/", n), n); });
  }
  for (size_t n = 0; n < std::stoul(argv[5]); ++n) {
    threads.emplace_back([&, n] { anamnesis::Read(addresses, n); });
  }
  while (!anamnesis::stop_asked) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    anamnesis::PutLine(Text("counts ", anamnesis::reads_answered.load(), " ", anamnesis::reads_unavailable.load()));
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
