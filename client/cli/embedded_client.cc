#include "client/cli/embedded_client.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "ledger/base/limits.h"

namespace anamnesis {
namespace {

// Bounds what a channel has under way, as the node's flow control does.
constexpr uint64_t kChannelRunsMax = 1024;

class EmbeddedChannel : public AppendChannel {
 public:
  EmbeddedChannel(Ledger& ledger, OnResult on_result) : ledger_(ledger), on_result_(std::move(on_result)) {}
  ~EmbeddedChannel() override { (void)Finish(); }

  Status Submit(uint64_t sequence, v1::Run run) override {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return under_way_ < kChannelRunsMax; });
      ++under_way_;
    }
    ledger_.AppendAsync(std::move(run), [this, sequence](v1::RunResult result, uint64_t) {
      on_result_(sequence, std::move(result));
      const std::lock_guard lock(mutex_);
      --under_way_;
      changed_.notify_all();
    });
    return OkStatus();
  }

  Status Finish() override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_ == 0; });
    return OkStatus();
  }

 private:
  Ledger& ledger_;
  const OnResult on_result_;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t under_way_ = 0;
};

class EmbeddedClient : public LedgerClient {
 public:
  EmbeddedClient(std::unique_ptr<Ledger> ledger, const v1::Consistency& consistency)
      : ledger_(std::move(ledger)), consistency_(consistency) {}

  StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) override { return ledger_->Append(request); }
  StatusOr<std::unique_ptr<AppendChannel>> OpenAppendChannel(AppendChannel::OnResult on_result) override {
    return std::unique_ptr<AppendChannel>(std::make_unique<EmbeddedChannel>(*ledger_, std::move(on_result)));
  }
  // An embedded ledger has no other writers, so following it ends when it is caught up.
  Status Read(const v1::ReadRequest& request, const OnRead& on_read) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->Read(request, [&](const v1::ReadResponse& response) { return on_read(response); });
  }
  StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->GetEvent(request);
  }
  StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest& request) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->GetStreamHead(request);
  }
  StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->GetCredential(request);
  }
  StatusOr<v1::LedgerStatus> GetStatus() override {
    RETURN_IF_ERROR(Check({}));
    return ledger_->GetStatus();
  }
  StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest& request) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->GetConfiguration(request);
  }
  StatusOr<v1::Answer> Ask(const v1::Question& question) override {
    RETURN_IF_ERROR(Check(question.consistency()));
    if (!question.has_gate() || question.gate().has_at()) return ledger_->Ask(question);
    // Nothing was recorded elsewhere, so that all is known until now.
    v1::Question complete = question;
    complete.mutable_consistency()->set_linearizable(true);
    return ledger_->Ask(complete);
  }
  StatusOr<v1::Checkpoint> GetCheckpoint() override {
    RETURN_IF_ERROR(Check({}));
    return ledger_->GetCheckpoint();
  }
  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->GetReceipt(request);
  }
  StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest& request) override {
    RETURN_IF_ERROR(Check(request.consistency()));
    return ledger_->GetConsistencyProof(request);
  }

 private:
  Status Check(const v1::Consistency& asked) const {
    const uint64_t size = ledger_->tree_size();
    const uint64_t size_min = std::max(asked.tree_size_min(), consistency_.tree_size_min());
    if (size >= size_min) return OkStatus();
    return absl::UnavailableError(Text("there are ", size, " events here, ", size_min, " are asked for"));
  }

  const std::unique_ptr<Ledger> ledger_;
  const v1::Consistency consistency_;
};

}  // namespace

StatusOr<std::unique_ptr<LedgerClient>> OpenEmbedded(const std::string& dir, const LedgerOptions& options,
                                                     const v1::Consistency& consistency) {
  ASSIGN_OR_RETURN(std::unique_ptr<Ledger> ledger, Ledger::Open(dir, options));
  return std::unique_ptr<LedgerClient>(std::make_unique<EmbeddedClient>(std::move(ledger), consistency));
}

}  // namespace anamnesis
