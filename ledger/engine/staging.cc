#include "ledger/engine/staging.h"

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

std::string StagedKey(const BatchId& id) {
  std::string key = Text(id.session, '\0');
  AppendBigEndian64(key, id.number);
  return key;
}

StatusOr<Staging::Staged> ParseStaged(std::string_view key, std::string_view value) {
  if (key.size() < 9 || key[key.size() - 9] != '\0' || value.size() < Digest::kSize) {
    return absl::DataLossError("a staged batch is damaged");
  }
  ByteReader number(key.substr(key.size() - 8));
  return Staging::Staged{{std::string(key.substr(0, key.size() - 9)), *number.BigEndian64()},
                         *Digest::FromBytes(value.substr(0, Digest::kSize)),
                         value.size() - Digest::kSize};
}

}  // namespace

Status Staging::Put(const BatchId& id, std::string_view batch) {
  return store_.Write({{Family::kStaged, StagedKey(id), Text(Sha256({batch}).view(), batch)}}, true);
}

StatusOr<std::optional<std::string>> Staging::Get(const BatchId& id) const {
  ASSIGN_OR_RETURN(std::optional<std::string> value, store_.Get(Family::kStaged, StagedKey(id)));
  if (!value.has_value()) return value;
  ASSIGN_OR_RETURN(const Staged staged, ParseStaged(StagedKey(id), *value));
  value->erase(0, Digest::kSize);
  if (Sha256({*value}) != staged.digest) return absl::DataLossError("a staged batch is damaged");
  return value;
}

Status Staging::Remove(const std::vector<BatchId>& ids) {
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const BatchId& id : ids) keys.push_back(StagedKey(id));
  return store_.Remove(Family::kStaged, keys);
}

StatusOr<std::vector<Staging::Staged>> Staging::List() const {
  std::vector<Staged> all;
  Status damaged;
  RETURN_IF_ERROR(store_.Scan(Family::kStaged, "", "", [&](std::string_view key, std::string_view value) {
    StatusOr<Staged> staged = ParseStaged(key, value);
    damaged = staged.status();
    if (staged.ok()) all.push_back(*std::move(staged));
    return damaged.ok();
  }));
  RETURN_IF_ERROR(damaged);
  return all;
}

StatusOr<std::vector<BatchId>> Staging::LastApplied() const {
  std::vector<BatchId> last;
  Status damaged;
  const auto visit = [&](std::string_view key, std::string_view value) {
    ByteReader reader(value);
    const StatusOr<uint64_t> number = reader.BigEndian64();
    damaged = number.status();
    if (number.ok()) last.push_back({std::string(key.substr(kAppliedBatchPrefix.size())), *number});
    return damaged.ok();
  };
  RETURN_IF_ERROR(store_.Scan(Family::kMeta, kAppliedBatchPrefix, kAppliedBatchPrefix, visit));
  RETURN_IF_ERROR(WithContext(damaged, "which batches were applied is damaged"));
  return last;
}

}  // namespace anamnesis
