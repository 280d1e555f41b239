#ifndef ANAMNESIS_TESTS_FUZZ_LEDGERS_RECEIVER_H_
#define ANAMNESIS_TESTS_FUZZ_LEDGERS_RECEIVER_H_

// How a ledger takes batches of other nodes apart.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "ledger/base/check.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/staging.h"
#include "ledger/sequencer/sequencer.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {

// Gives away how the ledger parses batches, and orders nothing.
class ParserOnly : public Sequencer {
 public:
  explicit ParserOnly(Receiver& receiver) : receiver_(receiver) {}
  Status Start(Revision, Receiver receiver) override {
    receiver_ = std::move(receiver);
    return OkStatus();
  }
  Status Submit(std::shared_ptr<const Payload>) override { return absl::UnavailableError("nothing is ordered"); }
  void Applied(Revision, const StateDigest&) override {}
  bool order_is_final() const override { return true; }
  void Barrier(std::function<void(const Status&)>) override {}
  std::string refusing() const override { return ""; }
  void Stop() override {}

 private:
  Receiver& receiver_;
};

// The receiver of a ledger of its own, for as long as the process runs.
inline const Sequencer::Receiver& LedgersReceiver() {
  static Sequencer::Receiver receiver;
  static const std::unique_ptr<Ledger> ledger = [] {
    const std::string dir = SharedLedger().dir() + "/peer";
    CHECK(CreateLedger(dir, kTestOrigin, {"founder", SmallLedger::founder_key()}, {}).ok());
    LedgerOptions options;
    options.make_sequencer = [](const std::string&, Staging&) -> StatusOr<std::unique_ptr<Sequencer>> {
      return std::unique_ptr<Sequencer>(std::make_unique<ParserOnly>(receiver));
    };
    return Ledger::Open(dir, options).value();
  }();
  return receiver;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FUZZ_LEDGERS_RECEIVER_H_
