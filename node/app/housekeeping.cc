#include "node/app/housekeeping.h"

#include <chrono>
#include <utility>

#include "node/app/log.h"

namespace anamnesis {

std::vector<ExpiringCertificate> ExpiringOf(const std::vector<std::shared_ptr<TlsIdentity>>& identities) {
  std::vector<ExpiringCertificate> certificates;
  for (const std::shared_ptr<TlsIdentity>& identity : identities) {
    if (identity == nullptr) continue;
    std::vector<ExpiringCertificate> own = identity->Expiring();
    certificates.insert(certificates.end(), own.begin(), own.end());
  }
  return certificates;
}

Housekeeping::Housekeeping(Ledger& ledger, NodeServer& server, std::vector<std::shared_ptr<TlsIdentity>> identities)
    : ledger_(ledger), server_(server), identities_(std::move(identities)), thread_([this] { Run(); }) {}

Housekeeping::~Housekeeping() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Housekeeping::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    PublishCheckpoint();
    server_.UpdateHealth();
    server_.EndRefusedStreams();
    RaiseExpiryAlarms();
    lock.lock();
    wake_.wait_for(lock, std::chrono::seconds(1), [this] { return stopping_; });
  }
}

void Housekeeping::RaiseExpiryAlarms() {
  for (const std::string& line : expiry_alarm_.Due(ExpiringOf(identities_), SystemClock().Now())) {
    LogLine(LogLevel::kWarning, line);
  }
}

void Housekeeping::PublishCheckpoint() {
  const uint64_t size = ledger_.tree_size();
  if (size == published_size_) return;
  const StatusOr<v1::Checkpoint> checkpoint = ledger_.GetCheckpoint();
  if (checkpoint.ok()) published_size_ = size;
  // Said once; it is tried again every second.
  const bool failed_before = std::exchange(failing_, !checkpoint.ok());
  if (failing_ == failed_before) return;
  if (failing_) LogLine(LogLevel::kError, Text("no checkpoint: ", checkpoint.status().ToString()));
  if (!failing_) LogLine(LogLevel::kInfo, "checkpoints are made again");
}

}  // namespace anamnesis
