#include "ledger/state/recorded_event.h"

#include "ledger/base/bytes.h"
#include "ledger/event/leaf.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

Status Damaged(LeafIndex index, std::string_view why) {
  return absl::DataLossError(Text("leaf ", index.value, ": ", why, "; run fsck"));
}

}  // namespace

std::string LeafKey(LeafIndex index) {
  std::string key;
  AppendBigEndian64(key, index.value);
  return key;
}

StatusOr<LoadedEvent> ParseStoredEvent(LeafIndex index, std::string_view leaf, std::string_view stored_body) {
  StatusOr<LoadedEvent> event = LoadedEvent();
  RETURN_IF_ERROR(ParseStoredEvent(index, leaf, stored_body, *event));
  return event;
}

Status ParseStoredEvent(LeafIndex index, std::string_view leaf, std::string_view stored_body, LoadedEvent& event) {
  const StatusOr<LeafView> view = ParseLeaf(leaf);
  if (!view.ok()) return Damaged(index, MessageOf(view.status()));
  if (const Status parsed = ParseHeader(view->header, event.header); !parsed.ok()) {
    return Damaged(index, MessageOf(parsed));
  }
  event.index = index;
  event.recorded = view->recorded;
  event.body.reset();
  event.type = Vocabulary::Get().Find(event.header.fields.type(), event.header.fields.schema_version());
  if (event.type == nullptr) {
    return absl::DataLossError(Text("leaf ", index.value, " has type \"", event.header.fields.type(), "\" version ",
                                    event.header.fields.schema_version(),
                                    ", which this program doesn't know; upgrade it"));
  }
  // The folds rely on the references that admission required.
  if (const Status valid = ValidateHeader(*event.type, event.header.fields); !valid.ok()) {
    return Damaged(index, MessageOf(valid));
  }
  return stored_body.empty() ? OkStatus() : ParseStoredBody(stored_body, event);
}

Status ParseStoredBody(std::string_view stored_body, LoadedEvent& event) {
  if (stored_body.size() < kNonceBytes) return Damaged(event.index, "its body is truncated");
  StatusOr<std::unique_ptr<google::protobuf::Message>> body = ParseBody(*event.type, stored_body.substr(kNonceBytes));
  if (!body.ok()) return Damaged(event.index, MessageOf(body.status()));
  event.body = *std::move(body);
  return OkStatus();
}

StatusOr<LoadedEvent> LoadEvent(const RowFinder& rows, LeafIndex index) {
  const std::string key = LeafKey(index);
  ASSIGN_OR_RETURN(std::optional<std::string> leaf, rows.Get(Family::kLeaves, key));
  if (!leaf.has_value()) return absl::NotFoundError(Text("no leaf ", index.value));
  ASSIGN_OR_RETURN(std::optional<std::string> body, rows.Get(Family::kBodies, key));
  return ParseStoredEvent(index, *leaf, body.value_or(""));
}

StatusOr<LoadedEvent> LoadWithoutBody(const RowFinder& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(index)));
  if (!leaf.has_value()) return absl::DataLossError(Text("leaf ", index.value, " is missing; run fsck"));
  return ParseStoredEvent(index, *leaf, "");
}

StatusOr<std::optional<LeafIndex>> FindEvent(const RowFinder& rows, std::string_view event_id) {
  ASSIGN_OR_RETURN(std::optional<std::string> value, rows.Get(Family::kEventIds, event_id));
  if (!value.has_value()) return std::optional<LeafIndex>();
  ByteReader reader(*value);
  StatusOr<uint64_t> index = reader.BigEndian64();
  if (!index.ok()) return ProjectionDamage("an event id row is truncated");
  return std::optional<LeafIndex>(LeafIndex(*index));
}

}  // namespace anamnesis
