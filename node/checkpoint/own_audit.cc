#include "node/checkpoint/own_audit.h"

#include <memory>

namespace anamnesis {
namespace {

// Leaves that a request for a cosignature waits for.
constexpr uint64_t kLeavesWhileAsked = 8192;

}  // namespace

Status OwnAudit::Resume(const RowReader& rows) {
  if (!cosigned_.has_value()) return OkStatus();
  const uint64_t size = ledger_.tree_size();
  if (size < cosigned_->size.value) {
    return absl::UnavailableError(Text("this node has ", size, " leaves, and has cosigned a checkpoint over ",
                                       cosigned_->size.value, ": it was cut off, or has not caught up yet"));
  }
  RETURN_IF_ERROR(audit_.Resume(rows, *cosigned_));
  cosigned_.reset();
  return OkStatus();
}

Status OwnAudit::Advance(uint64_t leaves_max) {
  const std::lock_guard lock(mutex_);
  const TreeSize size(ledger_.tree_size());
  const std::unique_ptr<RowReader> rows = ledger_.View();
  RETURN_IF_ERROR(Resume(*rows));
  return audit_.ReadTo(*rows, size, leaves_max);
}

StatusOr<AuditedRoot> OwnAudit::RootAt(TreeSize size) {
  const std::lock_guard lock(mutex_);
  const uint64_t present = ledger_.tree_size();
  if (present < size.value) {
    return absl::UnavailableError(Text("this node has ", present, " leaves, not yet ", size.value));
  }
  const std::unique_ptr<RowReader> rows = ledger_.View();
  RETURN_IF_ERROR(Resume(*rows));
  RETURN_IF_ERROR(audit_.ReadTo(*rows, size, kLeavesWhileAsked));
  return audit_.RootAt(*rows, size);
}

TreeSize OwnAudit::size() const {
  const std::lock_guard lock(mutex_);
  return audit_.size();
}

}  // namespace anamnesis
