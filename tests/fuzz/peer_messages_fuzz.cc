// What a member of the cluster sends to another, which is authenticated and may be corrupt: a list of PeerMessage, each
// after its length in two bytes. A node takes what it can use, and goes on; what it keeps of another's batches has the
// digest that it was announced with, and parses.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "anamnesis/internal/peer.pb.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/engine/staging.h"
#include "ledger/store/store.h"
#include "node/cluster/cluster_sequencer.h"
#include "node/replication/replica.h"
#include "tests/fuzz/ledgers_receiver.h"
#include "tests/node/cluster/simulated_parts.h"

namespace anamnesis {
namespace {

// Node a of a, b and c; b sends.
class Receiving {
 public:
  Receiving() {
    ClusterOptions options;
    options.node = "a";
    ClusterParts parts;
    parts.make_order = [this](const ClusterOptions&, Order::Driver driver) {
      Members members;
      members.revision = Revision(1);
      for (const char* node : {"a", "b", "c"}) members.voters.push_back({node, "", "", ""});
      auto order =
          std::make_unique<SimulatedOrder>(EtcdSnapshot{Revision(1), {SessionId(1)}, members}, std::move(driver));
      order_ = order.get();
      return order;
    };
    parts.start_peers = [this](const ClusterOptions&, Peers::OnMessage on_message,
                               grpc::Service*) -> StatusOr<std::unique_ptr<Peers>> {
      auto peers = std::make_unique<SimulatedPeers>(std::move(on_message));
      peers_ = peers.get();
      return std::unique_ptr<Peers>(std::move(peers));
    };
    sequencer_ = MakeClusterSequencer(options, staging_, std::move(parts));
    Sequencer::Receiver receiver;
    receiver.ordered = [](const Ordered&) { return OkStatus(); };
    receiver.settled = [](Revision) {};
    receiver.dropped = [](const std::shared_ptr<const Payload>&, const Status&) {};
    receiver.parse = LedgersReceiver().parse;
    CHECK(sequencer_->Start(Revision(0), std::move(receiver)).ok());
  }
  ~Receiving() { sequencer_->Stop(); }

  void Take(internal::PeerMessage message) { peers_->Receive("b", std::move(message)); }
  void Check() {
    Arrivals<int> passed;
    order_->Tell([&passed](Replica&) { passed.Add(0); });
    CHECK(passed.Await([](int) { return true; }).has_value());
    sequencer_->Stop();
    const auto listed = staging_.List();
    for (const Staging::Staged& staged : *listed) {
      const auto bytes = staging_.Get(staged.name);
      CHECK(bytes.ok() && bytes->has_value() && Sha256({**bytes}) == staged.digest);
      CHECK(LedgersReceiver().parse(**bytes).ok());
    }
  }

 private:
  const std::unique_ptr<Store> store_ = MakeMemoryStore();
  Staging staging_{*store_};
  SimulatedOrder* order_ = nullptr;
  SimulatedPeers* peers_ = nullptr;
  std::unique_ptr<Sequencer> sequencer_;
};

void CheckMessages(std::string_view input) {
  Receiving node;
  while (input.size() >= 2) {
    const size_t length = size_t{static_cast<uint8_t>(input[0])} << 8 | static_cast<uint8_t>(input[1]);
    input.remove_prefix(2);
    internal::PeerMessage message;
    if (!message.ParseFromString(std::string(input.substr(0, length)))) break;
    // As a sender that knows its digests would.
    if (message.has_store() && message.store().record().digest().empty()) {
      message.mutable_store()->mutable_record()->set_digest(Sha256({message.store().batch()}).bytes());
      message.mutable_store()->mutable_record()->set_size_bytes(message.store().batch().size());
    }
    node.Take(std::move(message));
    input.remove_prefix(std::min(length, input.size()));
  }
  node.Check();
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckMessages({reinterpret_cast<const char*>(data), size});
  return 0;
}
