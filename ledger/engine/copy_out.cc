#include "ledger/engine/copy_out.h"

#include <string>
#include <string_view>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/staging.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {
namespace {

// Of the first `limit` events leaves the first, and those after it that fit with it.
void CutTo(int limit, size_t bytes_max, internal::CopyChunk& chunk) {
  size_t bytes = 0;
  int whole = 0;
  for (; whole < limit; ++whole) {
    const internal::CopiedEvent& event = chunk.events(whole);
    bytes += event.leaf().size() + event.body().size();
    if (whole > 0 && bytes > bytes_max) break;
  }
  chunk.mutable_events()->DeleteSubrange(whole, chunk.events_size() - whole);
}

}  // namespace

StatusOr<internal::CopyManifest> CopyOut::Manifest() const {
  internal::CopyManifest manifest;
  Status damaged;
  // In one scan, which sees the rows of one moment: a batch writes them together.
  RETURN_IF_ERROR(store_.Scan(Family::kMeta, "", "", [&](std::string_view key, std::string_view value) {
    if (key == kIdentityKey) {
      internal::LedgerIdentity identity;
      if (!identity.ParseFromString(std::string(value))) damaged = absl::DataLossError("the identity is damaged");
      manifest.set_origin(identity.origin());
    } else if (key == kAppliedKey) {
      if (!manifest.mutable_applied()->ParseFromString(std::string(value))) {
        damaged = absl::DataLossError("the applied state is damaged; run fsck");
      }
    } else if (key == kNoteKey) {
      manifest.set_note(std::string(value));
    } else if (key.starts_with(kAppliedBatchPrefix)) {
      const StatusOr<BatchName> name = ParseAppliedBatch(key, value);
      damaged = name.status();
      if (name.ok()) {
        internal::CopyManifest::AppliedBatch* const batch = manifest.add_applied_batches();
        batch->set_session(name->session);
        batch->set_number(name->number);
      }
    }
    return damaged.ok();
  }));
  RETURN_IF_ERROR(damaged);
  if (manifest.applied().tree_size() == 0) return absl::FailedPreconditionError("this ledger is empty");
  return manifest;
}

StatusOr<internal::CopyChunk> CopyOut::Chunk(LeafIndex first, TreeSize limit, size_t bytes_max) const {
  internal::CopyChunk chunk;
  chunk.set_first_index(first.value);
  const std::string first_key = LeafKey(first);
  size_t leaf_bytes = 0;
  uint64_t next = first.value;
  RETURN_IF_ERROR(store_.Scan(Family::kLeaves, "", first_key, [&](std::string_view key, std::string_view leaf) {
    if (key != LeafKey(LeafIndex(next)) || (next != first.value && leaf_bytes + leaf.size() > bytes_max)) return false;
    chunk.add_events()->set_leaf(std::string(leaf));
    leaf_bytes += leaf.size();
    return ++next < limit.value;
  }));
  if (next == first.value) return absl::DataLossError(Text("leaf ", first.value, " is missing; run fsck"));
  // As many bodies as fit by themselves, so that those of all events that fit as a whole are among them. The event
  // after them lacks its body.
  int with_bodies = chunk.events_size();
  size_t body_bytes = 0;
  RETURN_IF_ERROR(store_.Scan(Family::kBodies, "", first_key, [&](std::string_view key, std::string_view body) {
    ByteReader reader(key);
    const StatusOr<uint64_t> index = reader.BigEndian64();
    if (!index.ok() || *index >= next) return false;
    const auto place = static_cast<int>(*index - first.value);
    body_bytes += body.size();
    if (place > 0 && body_bytes > bytes_max) {
      with_bodies = place;
      return false;
    }
    chunk.mutable_events(place)->set_body(std::string(body));
    return true;
  }));
  CutTo(with_bodies, bytes_max, chunk);
  return chunk;
}

}  // namespace anamnesis
