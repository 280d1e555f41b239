#ifndef ANAMNESIS_TESTS_NODE_CHECKPOINT_WITNESSED_LEDGER_H_
#define ANAMNESIS_TESTS_NODE_CHECKPOINT_WITNESSED_LEDGER_H_

// A ledger on disk, its publisher, and witnesses with state of their own that are reached without a network.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "ledger/note/policy.h"
#include "node/checkpoint/own_audit.h"
#include "node/checkpoint/publisher.h"
#include "node/checkpoint/witness.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {

class WitnessedLedger {
 public:
  // What comes of a request to a witness.
  enum class Line { kUp, kDown, kSilent, kLying };

  explicit WitnessedLedger(uint64_t size) { maker_.GrowTo(size); }
  ~WitnessedLedger() { StopPublishing(); }

  LedgerMaker& maker() { return maker_; }
  Ledger& ledger() { return maker_.ledger(); }
  std::string file() const { return directory_.path() + "/witnessed"; }
  VerifierKey log_key() { return VerifierKey::Parse(ledger().GetStatus().verifier_key()).value(); }
  std::string log_line() { return Text("log ", log_key().Format(), "\n"); }

  // An outside witness at http://NAME that cosigns checkpoints of this ledger; what it answered last outlives it.
  Witness& AddWitness(const std::string& name) {
    std::unique_ptr<Witness> witness = OpenWitness(name, {});
    const std::lock_guard lock(mutex_);
    lines_[name] = Line::kUp;
    return *(outside_[name] = std::move(witness));
  }
  std::string LineOf(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return Text("witness ", name, " ", outside_.at(name)->verifier_key().Format(), " http://", name, "\n");
  }
  void Set(const std::string& name, Line line) {
    {
      const std::lock_guard lock(mutex_);
      lines_[name] = line;
    }
    changed_.notify_all();
  }

  PublisherOptions Options(std::string_view policy = "") {
    PublisherOptions options;
    options.interval = std::chrono::milliseconds(10);
    options.file = file();
    options.log_keys = [own = VerifierKey::Parse(ledger().GetStatus().verifier_key()).value()](LogKeyUse) {
      return StatusOr<std::vector<VerifierKey>>({own});
    };
    if (!policy.empty()) options.policy = Policy::Parse(policy).value();
    options.post = [this](const std::string& url, const std::string& body, const std::atomic<bool>& cancelled) {
      return Post(url, body, cancelled);
    };
    options.log = [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      said_ += Text(line, "\n");
    };
    return options;
  }

  // With a cosigner of its own when `cosigns`.
  Status Publish(std::string_view policy = "", bool cosigns = false) {
    StopPublishing();
    PublisherOptions options = Options(policy);
    if (cosigns) {
      own_ = OpenWitness("own", [this](TreeSize size) { return audit_->RootAt(size); });
      audit_ = std::make_unique<OwnAudit>(ledger(), std::string(kTestOrigin), own_->LastCosigned(kTestOrigin));
      options.witness = own_.get();
      options.audit = audit_.get();
    }
    ASSIGN_OR_RETURN(publisher_, Publisher::Start(ledger(), std::move(options)));
    return OkStatus();
  }
  void StopPublishing() {
    publisher_.reset();
    audit_.reset();
    own_.reset();
  }
  Publisher& publisher() { return *publisher_; }
  // Null unless it cosigns.
  Witness* own_witness() { return own_.get(); }

  // Whether Newest reaches `size` in time.
  bool Reaches(uint64_t size) {
    return Holds([&] {
      const auto newest = publisher_->Newest();
      return newest.has_value() && newest->checkpoint.size.value >= size;
    });
  }
  // Whether something becomes true in time.
  template <typename Condition>
  static bool Holds(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  int requests(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return requests_[name];
  }

 private:
  std::unique_ptr<Witness> OpenWitness(const std::string& name,
                                       std::function<StatusOr<AuditedRoot>(TreeSize)> own_root) {
    NamedKey key{Text(name, ".example/w"), KeyOfSeed(1000 + static_cast<unsigned char>(name[0]))};
    WitnessOptions options{Text(directory_.path(), "/", name), std::move(key)};
    options.logs.push_back({std::string(kTestOrigin), {log_key()}, std::move(own_root)});
    return Witness::Open(std::move(options)).value();
  }

  StatusOr<AddCheckpointAnswer> Post(const std::string& url, const std::string& body,
                                     const std::atomic<bool>& cancelled) {
    const std::string name = url.substr(7, url.find('/', 7) - 7);
    std::unique_lock lock(mutex_);
    ++requests_[name];
    while (lines_.at(name) == Line::kSilent && !cancelled) {
      changed_.wait_for(lock, std::chrono::milliseconds(10));
    }
    if (lines_.at(name) == Line::kLying) return AddCheckpointAnswer{409, "text/x.tlog.size", "9999999999999\n"};
    if (lines_.at(name) != Line::kUp) return absl::UnavailableError(Text(url, ": nobody is there"));
    Witness& witness = *outside_.at(name);
    lock.unlock();
    return witness.Add(body);
  }

  ScratchDirectory directory_;
  LedgerMaker maker_{directory_.path() + "/ledger"};
  std::unique_ptr<Witness> own_;
  std::unique_ptr<OwnAudit> audit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::map<std::string, std::unique_ptr<Witness>> outside_;
  std::map<std::string, Line> lines_;
  std::map<std::string, int> requests_;
  std::string said_;
  // Last, so that it ends first.
  std::unique_ptr<Publisher> publisher_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_NODE_CHECKPOINT_WITNESSED_LEDGER_H_
