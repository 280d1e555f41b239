#include "ledger/engine/copied_log.h"

#include <string_view>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/event/seal.h"
#include "ledger/state/authority.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

Status Wrong(const CheckedLeaf& leaf, std::string_view why) {
  return absl::InvalidArgumentError(Text("leaf ", leaf.index, ": ", why));
}

}  // namespace

CopiedLog::CopiedLog(const LedgerState& state, const RowFinder& rows)
    : origin_(state.origin),
      rows_(rows),
      authority_(rows),
      frontier_(state.frontier),
      last_recorded_(state.last_recorded) {}

StatusOr<CopiedLog::Head*> CopiedLog::HeadOf(const std::string& stream) {
  const auto [found, added] = heads_.try_emplace(stream);
  if (added) {
    ASSIGN_OR_RETURN(const internal::StreamHead head, FindStreamHead(rows_, stream));
    found->second = {head.position(), head.digest()};
  }
  return &found->second;
}

Status CopiedLog::CheckPlace(const CheckedLeaf& leaf) {
  if (leaf.index != size().value) return Wrong(leaf, Text("comes where leaf ", size().value, " belongs"));
  if (leaf.view.recorded <= last_recorded_ && leaf.index > 0) {
    return Wrong(leaf, Text("recorded at ", leaf.view.recorded.us, " us, not after the leaf before it"));
  }
  ASSIGN_OR_RETURN(Head* const head, HeadOf(leaf.stream()));
  const uint64_t position = leaf.header->position().value;
  if (position != head->position + 1 || leaf.header->previous_digest.view() != head->digest) {
    return Wrong(leaf, Text("stream \"", leaf.stream(), "\" position ", position, " doesn't follow position ",
                            head->position, " of that stream"));
  }
  *head = {position, leaf.header->digest.bytes()};
  last_recorded_ = leaf.view.recorded;
  return OkStatus();
}

Status CopiedLog::CheckSeal() const {
  const CheckedLeaf& first = *run_.front();
  const CheckedLeaf& last = *run_.back();
  std::vector<std::string_view> headers;
  headers.reserve(run_.size());
  for (const auto& leaf : run_) headers.push_back(leaf->view.header);
  const RunInLog run{last.stream(), first.index, first.header->position().value, first.view.recorded, headers};
  const Status sealed = CheckSealOfRun(*last.seal, origin_, run, &authority_);
  return sealed.ok() ? sealed : Wrong(last, Text("seal of the run: ", MessageOf(sealed)));
}

Status CopiedLog::Check(const CheckedLeaf& leaf) {
  for (const std::string* why : {&leaf.unreadable, &leaf.defect, &leaf.body_defect}) {
    if (!why->empty()) return Wrong(leaf, *why);
  }
  RETURN_IF_ERROR(CheckPlace(leaf));
  const bool of_ledger = leaf.stream() == kLedgerStream;
  if (!run_.empty() && (of_ledger || run_.back()->stream() != leaf.stream() || run_.size() == limits::kRunEventsMax)) {
    return Wrong(leaf, Text("the run from leaf ", run_.front()->index, " is not sealed"));
  }
  if (!of_ledger) return OkStatus();
  const Status derived = CheckDerived(leaf, origin_);
  return derived.ok() ? derived : Wrong(leaf, MessageOf(derived));
}

Status CopiedLog::Add(std::unique_ptr<CheckedLeaf> leaf) {
  RETURN_IF_ERROR(Check(*leaf));
  frontier_.Append(leaf->hash);
  const bool ends_run = leaf->seal.has_value() || leaf->stream() == kLedgerStream;
  const bool sealed = leaf->seal.has_value();
  run_.push_back(std::move(leaf));
  if (!ends_run) return OkStatus();
  if (sealed) RETURN_IF_ERROR(CheckSeal());
  for (const auto& event : run_) RETURN_IF_ERROR(FoldAuthority(event->event(), authority_));
  run_.clear();
  return OkStatus();
}

Status CopiedLog::CheckEnd() const {
  if (run_.empty()) return OkStatus();
  return Wrong(*run_.back(), Text("the run from leaf ", run_.front()->index, " is not sealed"));
}

}  // namespace anamnesis
