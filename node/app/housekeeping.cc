#include "node/app/housekeeping.h"

#include <chrono>
#include <utility>

#include "ledger/engine/clock.h"
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

Housekeeping::Housekeeping(NodeServer& server, Ledger& ledger, std::vector<std::shared_ptr<TlsIdentity>> identities)
    : server_(server), ledger_(ledger), identities_(std::move(identities)), thread_([this] { Run(); }) {}

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
    server_.UpdateHealth();
    server_.EndRefusedStreams();
    ledger_.LookAtTime();
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

}  // namespace anamnesis
