#include "ledger/engine/staging.h"

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/engine/space.h"

namespace anamnesis {
namespace {

std::string StagedKey(const BatchName& name) {
  std::string key;
  AppendBigEndian64(key, name.session);
  AppendBigEndian64(key, name.number);
  return key;
}

StatusOr<Staging::Staged> ParseStaged(std::string_view key, std::string_view value) {
  ByteReader reader(key);
  const StatusOr<uint64_t> session = reader.BigEndian64();
  const StatusOr<uint64_t> number = reader.BigEndian64();
  if (key.size() != 16 || !session.ok() || !number.ok() || value.size() < Digest::kSize) {
    return absl::DataLossError("a staged batch is damaged");
  }
  return Staging::Staged{
      {*session, *number}, *Digest::FromBytes(value.substr(0, Digest::kSize)), value.size() - Digest::kSize};
}

// Every row whose key starts with `prefix`, parsed.
template <typename Result, typename Parse>
StatusOr<std::vector<Result>> ParseAll(const Store& store, Family family, std::string_view prefix, Parse parse) {
  std::vector<Result> all;
  Status damaged;
  RETURN_IF_ERROR(store.Scan(family, prefix, prefix, [&](std::string_view key, std::string_view value) {
    StatusOr<Result> parsed = parse(key, value);
    damaged = parsed.status();
    if (parsed.ok()) all.push_back(*std::move(parsed));
    return damaged.ok();
  }));
  RETURN_IF_ERROR(damaged);
  return all;
}

}  // namespace

StatusOr<BatchName> ParseAppliedBatch(std::string_view key, std::string_view value) {
  ByteReader session_reader(key.substr(kAppliedBatchPrefix.size()));
  ByteReader number_reader(value);
  const StatusOr<uint64_t> session = session_reader.BigEndian64();
  const StatusOr<uint64_t> number = number_reader.BigEndian64();
  if (!session.ok() || !number.ok()) return absl::DataLossError("which batches were applied is damaged");
  return BatchName{*session, *number};
}

Status Staging::Put(const std::vector<Batch>& batches) {
  Rows rows;
  for (const auto& [name, digest, bytes] : batches) {
    rows.push_back({Family::kStaged, StagedKey(name), Text(digest.view(), bytes)});
  }
  RETURN_IF_ERROR(CheckSpace(store_, reserve_bytes_));
  const Status written = store_.Write(rows, true);
  // There may be space again since a write failed; nobody else finds out while nothing is ordered.
  if (absl::IsResourceExhausted(written) && store_.TryResume().ok()) return store_.Write(rows, true);
  return written;
}

StatusOr<std::optional<std::string>> Staging::Get(const BatchName& name) const {
  const std::string key = StagedKey(name);
  ASSIGN_OR_RETURN(std::optional<std::string> value, store_.Get(Family::kStaged, key));
  if (!value.has_value()) return value;
  ASSIGN_OR_RETURN(const Staged staged, ParseStaged(key, *value));
  value->erase(0, Digest::kSize);
  if (Sha256({*value}) != staged.digest) return absl::DataLossError("a staged batch is damaged");
  return value;
}

Status Staging::Remove(const std::vector<BatchName>& names) {
  std::vector<std::string> keys;
  keys.reserve(names.size());
  for (const BatchName& name : names) keys.push_back(StagedKey(name));
  return store_.Remove(Family::kStaged, keys);
}

StatusOr<std::vector<Staging::Staged>> Staging::List() const {
  return ParseAll<Staged>(store_, Family::kStaged, "", ParseStaged);
}

StatusOr<std::vector<BatchName>> Staging::LastApplied() const {
  return ParseAll<BatchName>(store_, Family::kMeta, kAppliedBatchPrefix, ParseAppliedBatch);
}

StatusOr<bool> Staging::IsApplied(const BatchName& name) const {
  const std::string key = AppliedBatchKey(name.session);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, store_.Get(Family::kMeta, key));
  if (!value.has_value()) return false;
  ASSIGN_OR_RETURN(const BatchName last, ParseAppliedBatch(key, *value));
  return name.number <= last.number;
}

StatusOr<std::optional<std::string>> Staging::Note() const { return store_.Get(Family::kMeta, kNoteKey); }

}  // namespace anamnesis
