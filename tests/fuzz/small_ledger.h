#ifndef ANAMNESIS_TESTS_FUZZ_SMALL_LEDGER_H_
#define ANAMNESIS_TESTS_FUZZ_SMALL_LEDGER_H_

// A small ledger in a temporary directory, with a founder, a revoked key, two units whose history overlaps and is
// corrected, and enough plain events for several chunks of a read; the services of a node on it, without the network;
// and what was put in, so that a fuzz target can hold an answer against it.

#include <google/protobuf/stubs/logging.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/check.h"
#include "ledger/engine/ledger.h"
#include "ledger/event/refusal.h"
#include "ledger/merkle/tree_hash.h"
#include "node/service/append_service.h"
#include "node/service/proof_service.h"
#include "node/service/query_service.h"
#include "node/service/read_service.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {

// Advances by a millisecond whenever it is asked, so that recorded times depend on the requests alone.
class CountingClock : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(kTestStart.us + 1000 * ++asked_); }
  int64_t MonotonicUs() const override { return 1000 * asked_; }

 private:
  mutable std::atomic<int64_t> asked_ = 0;
};

class SmallLedger {
 public:
  static constexpr uint64_t kFounderSeed = 1;
  static constexpr uint64_t kRevokedSeed = 2;
  static constexpr int kDocuments = 70;

  SmallLedger() {
    // Protobuf says of every string that is not UTF-8 that it is not.
    google::protobuf::SetLogHandler(nullptr);
    LedgerOptions options;
    options.clock = &clock_;
    options.admission_threads = 1;
    options.store_memory_bytes = 16u << 20;
    Must(CreateLedger(dir() + "/ledger", kTestOrigin, {"ada", founder_key()}, options));
    StatusOr<std::unique_ptr<Ledger>> opened = Ledger::Open(dir() + "/ledger", options);
    Must(opened.status());
    ledger_ = *std::move(opened);
    Fill();
    ReadBack();
    services_ = std::make_unique<Services>(*ledger_);
  }

  static PrivateKey founder_key() { return KeyOfSeed(kFounderSeed); }

  Ledger& ledger() { return *ledger_; }
  // What belongs to it lies below.
  const std::string& dir() const { return dir_.path(); }
  const ServiceContext& context() const { return services_->context; }
  AppendService& append() { return services_->append; }
  ReadService& read() { return services_->read; }
  QueryService& query() { return services_->query; }
  ProofService& proof() { return services_->proof; }

  // The events that it began with, by index.
  const std::vector<v1::Event>& events() const { return events_; }
  // The root over the first `size` of them.
  Digest RootAt(uint64_t size) const { return RootOfLeafHashes({leaf_hashes_.data(), static_cast<size_t>(size)}); }

 private:
  struct Services {
    explicit Services(Ledger& ledger)
        : failures([](std::string_view) {}),
          workers(1, 16),
          access(ledger, /*over_tls=*/false, [](std::string_view) { return false; }),
          context{ledger, workers, failures, access},
          append(context),
          read(context),
          query(context),
          proof(context) {}
    // The ledger's growth may have left work that refers to `read`.
    ~Services() { workers.Stop(); }

    Failures failures;
    WorkerPool workers;
    const Access access;
    const ServiceContext context;
    AppendService append;
    ReadService read;
    QueryService query;
    ProofService proof;
  };

  static void Must(const Status& status) {
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
    CHECK(status.ok());
  }

  void Append(v1::Run run) {
    v1::AppendRequest request;
    *request.add_runs() = std::move(run);
    const StatusOr<v1::AppendResponse> response = ledger_->Append(std::move(request));
    Must(response.status());
    Must(FromRpcStatus(response->results(0).refused()));
  }

  static EventDraft At(EventDraft draft, int64_t earliest_s, int64_t latest_s) {
    SetOccurred(draft, Timestamp(kTestStart.us + earliest_s * 1000000), Timestamp(kTestStart.us + latest_s * 1000000));
    return draft;
  }

  static EventDraft Attest(std::string_view unit) {
    v1::ConfigurationAttested body;
    body.set_method("read back");
    v1::MeasuredItem& item = *body.add_measured();
    item.set_surface("rhythm");
    item.mutable_digest()->set_algorithm(v1::SHA256);
    item.mutable_digest()->set_value(std::string(32, 'm'));
    EventDraft draft = Draft(std::move(body));
    AddReference(draft, "unit", "device_unit", unit);
    return draft;
  }

  void Fill() {
    TestWriter people("person", "ada", kFounderSeed, kTestOrigin, "people");
    const PublicKey revoked = KeyOfSeed(kRevokedSeed).public_key();
    Append(people.Write({EnrolPerson("bob"), IssueKey("person", "bob", revoked)}));
    Append(people.Write({RevokeKey("person", "bob", revoked)}));

    TestWriter units("person", "ada", kFounderSeed, kTestOrigin, "units");
    Append(units.Write({At(Commission("ICU-1"), -90, -90), At(Activate("ICU-1", "threshold", "m"), -80, -80),
                        At(Activate("ICU-1", "rhythm", "r"), -70, -50), At(Activate("ICU-1", "rhythm", "s"), -60, -40),
                        At(Attest("ICU-1"), -30, -30), At(Commission("ICU-2"), -20, -20),
                        At(Activate("ICU-2", "threshold", "m"), -15, -15)}));
    Append(units.Write(
        {At(Deactivate("ICU-1", "threshold"), -10, -10),
         MoveInTime(units.IdAt(3), Timestamp(kTestStart.us - 75000000), Timestamp(kTestStart.us - 72000000)),
         Correct(units.IdAt(7), v1::RecordCorrected::RETRACTED)}));

    TestWriter documents("person", "ada", kFounderSeed, kTestOrigin, "documents");
    std::vector<EventDraft> drafts;
    for (int i = 0; i < kDocuments; ++i) drafts.push_back(ReferToDocument(Text("document-", i)));
    Append(documents.Write(drafts));
  }

  void ReadBack() {
    v1::ReadRequest request;
    request.set_include_bodies(true);
    Must(ledger_->Read(request, [this](v1::ReadResponse item) {
      if (!item.has_event()) return true;
      leaf_hashes_.push_back(LeafHash(item.event().leaf()));
      events_.push_back(std::move(*item.mutable_event()));
      return true;
    }));
    CHECK(events_.size() == ledger_->tree_size());
    CHECK(RootAt(events_.size()).view() == ledger_->GetStatus().root());
  }

  CountingClock clock_;
  ScratchDirectory dir_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Services> services_;
  std::vector<v1::Event> events_;
  std::vector<Digest> leaf_hashes_;
};

// The ledger that all inputs of a process that only read share.
inline SmallLedger& SharedLedger() {
  static SmallLedger ledger;
  return ledger;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FUZZ_SMALL_LEDGER_H_
