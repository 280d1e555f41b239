#include "ledger/engine/authority_rows.h"

#include <utility>

namespace anamnesis {

AuthorityRows::Answer AuthorityRows::Find(const std::string& question, uint64_t changes) const {
  const std::lock_guard lock(mutex_);
  if (answers_of_ != changes) return nullptr;
  const auto found = answers_.find(question);
  return found == answers_.end() ? nullptr : found->second;
}

void AuthorityRows::Keep(std::string question, uint64_t changes, Answer answer) const {
  const std::lock_guard lock(mutex_);
  // Another has read what was written meanwhile.
  if (changes < answers_of_) return;
  if (changes > answers_of_ || answers_.size() >= kAnswersMax) answers_.clear();
  answers_of_ = changes;
  answers_[std::move(question)] = std::move(answer);
}

StatusOr<std::optional<std::string>> AuthorityRows::Get(Family family, std::string_view key) const {
  if (family != Family::kAuthority) return store_.Get(family, key);
  // Counted before the store is read: a change in between makes the answer one of before.
  const uint64_t changes = changes_.load(std::memory_order_acquire);
  std::string question = Text("=", key);
  if (const Answer kept = Find(question, changes)) return std::optional<std::string>(kept->front().value);
  ASSIGN_OR_RETURN(std::optional<std::string> value, store_.Get(family, key));
  // A key that was never issued isn't kept: anybody can think up as many as they like.
  if (value.has_value()) Keep(std::move(question), changes, std::make_shared<Rows>(Rows{{family, "", *value}}));
  return value;
}

StatusOr<std::optional<Row>> AuthorityRows::LastAtOrBefore(Family family, std::string_view prefix,
                                                           std::string_view key) const {
  return store_.LastAtOrBefore(family, prefix, key);
}

Status AuthorityRows::Visit(ReadRows read, char question, std::string_view prefix, std::string_view from,
                            const Visitor& visit) const {
  const uint64_t changes = changes_.load(std::memory_order_acquire);
  std::string asked = Text(question, prefix.size(), ' ', prefix, from);
  Answer answer = Find(asked, changes);
  if (answer == nullptr) {
    auto rows = std::make_shared<Rows>();
    bool all = true;
    RETURN_IF_ERROR((store_.*read)(Family::kAuthority, prefix, from, [&](std::string_view key, std::string_view value) {
      all = rows->size() < kScanRowsMax;
      if (all) rows->push_back({Family::kAuthority, std::string(key), std::string(value)});
      return all;
    }));
    if (!all) return (store_.*read)(Family::kAuthority, prefix, from, visit);
    answer = rows;
    Keep(std::move(asked), changes, answer);
  }
  for (const Row& row : *answer) {
    if (!visit(row.key, row.value)) break;
  }
  return OkStatus();
}

Status AuthorityRows::Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const {
  if (family != Family::kAuthority) return store_.Scan(family, prefix, from, visit);
  return Visit(&RowReader::Scan, '>', prefix, from, visit);
}

Status AuthorityRows::ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                                    const Visitor& visit) const {
  if (family != Family::kAuthority) return store_.ScanBackwards(family, prefix, from, visit);
  return Visit(&RowReader::ScanBackwards, '<', prefix, from, visit);
}

}  // namespace anamnesis
