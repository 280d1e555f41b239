#include "ledger/query/events.h"

#include <algorithm>

#include "ledger/base/limits.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/query/citation.h"
#include "ledger/state/event_list.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {
namespace {

constexpr int64_t kUsPerSecond = 1000000;

StatusOr<std::string> LeafBytes(const RowReader& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(index)));
  if (!leaf.has_value()) return absl::NotFoundError(Text("no leaf ", index.value));
  return *std::move(leaf);
}

Status DamagedLeaf(LeafIndex index) {
  return absl::DataLossError(Text("leaf ", index.value, " is missing or doesn't parse; run fsck"));
}

// Calls `visit` with the events that the request asks for, in its direction, until it returns false.
Status VisitRequested(const RowReader& rows, TreeSize size, const v1::ReadRequest& request, LeafIndex from,
                      const std::function<bool(LeafIndex)>& visit) {
  const bool backwards = request.direction() == v1::ReadRequest::BACKWARDS;
  if (!request.stream().empty()) {
    return VisitList(rows, Family::kStreamEvents, request.stream(), from, backwards, size, visit);
  }
  if (!request.type().empty()) {
    return VisitList(rows, Family::kTypeEvents, request.type(), from, backwards, size, visit);
  }
  if (size.value == 0) return OkStatus();
  uint64_t index = from.value;
  if (backwards) index = std::min(index, size.value - 1);
  // Descending, the index after 0 is beyond any size.
  while (index < size.value && visit(LeafIndex(index))) index = backwards ? index - 1 : index + 1;
  return OkStatus();
}

}  // namespace

google::protobuf::Timestamp ToProtoTime(Timestamp time) {
  int64_t seconds = time.us / kUsPerSecond;
  int64_t rest = time.us % kUsPerSecond;
  if (rest < 0) {
    rest += kUsPerSecond;
    --seconds;
  }
  google::protobuf::Timestamp proto;
  proto.set_seconds(seconds);
  proto.set_nanos(static_cast<int32_t>(rest * 1000));
  return proto;
}

StatusOr<Timestamp> FromProtoTime(const google::protobuf::Timestamp& proto, std::string_view field) {
  const bool in_range = proto.seconds() >= kTimestampMin.us / kUsPerSecond &&
                        proto.seconds() < kTimestampLimit.us / kUsPerSecond && proto.nanos() >= 0 &&
                        proto.nanos() < 1000000000;
  if (!in_range) return absl::InvalidArgumentError(Text(field, ": lies outside the years 1900 to 2199"));
  return Timestamp(proto.seconds() * kUsPerSecond + proto.nanos() / 1000);
}

StatusOr<v1::Event> ReadEvent(const RowReader& rows, LeafIndex index, bool include_body) {
  ASSIGN_OR_RETURN(std::string leaf, LeafBytes(rows, index));
  const StatusOr<LeafView> view = ParseLeaf(leaf);
  v1::Event event;
  if (!view.ok() ||
      !event.mutable_header()->ParseFromArray(view->header.data(), static_cast<int>(view->header.size()))) {
    return DamagedLeaf(index);
  }
  event.set_index(index.value);
  *event.mutable_recorded() = ToProtoTime(view->recorded);
  if (view->seal.has_value()) {
    StatusOr<ParsedSeal> seal = ParseSealStatement(view->seal->statement);
    if (!seal.ok()) return DamagedLeaf(index);
    *event.mutable_seal() = std::move(seal->statement);
  }
  event.set_body_state(v1::BODY_NOT_INCLUDED);
  if (include_body) {
    ASSIGN_OR_RETURN(const std::optional<std::string> body, rows.Get(Family::kBodies, LeafKey(index)));
    event.set_body_state(body.has_value() ? v1::BODY_PRESENT : v1::BODY_ERASED);
    if (body.has_value() && body->size() >= kNonceBytes) {
      event.mutable_body()->set_nonce(body->substr(0, kNonceBytes));
      event.mutable_body()->set_content(body->substr(kNonceBytes));
      const EventType* type = Vocabulary::Get().Find(event.header().type(), event.header().schema_version());
      if (type != nullptr) {
        event.mutable_content()->set_type_url(Text("type.googleapis.com/", type->body->full_name()));
        event.mutable_content()->set_value(event.body().content());
      }
    }
  }
  event.set_leaf(std::move(leaf));
  return event;
}

StatusOr<v1::LeafReference> CiteEvent(const RowReader& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const v1::Event event, ReadEvent(rows, index, false));
  return CitationOf(event);
}

Status ReadEvents(const RowReader& rows, TreeSize size, const v1::ReadRequest& request,
                  const std::function<bool(v1::ReadResponse)>& on_read) {
  if (!request.stream().empty() && !request.type().empty()) {
    return absl::InvalidArgumentError("stream, type: at most one of them can be given");
  }
  const bool backwards = request.direction() == v1::ReadRequest::BACKWARDS;
  if (backwards && request.follow()) return absl::InvalidArgumentError("follow: only forwards");
  if (request.has_from() && (backwards ? request.from() >= size.value : request.from() > size.value)) {
    return absl::OutOfRangeError(Text("from: ", request.from(), " is beyond the ledger's ", size.value, " events"));
  }
  const uint64_t default_from = backwards && size.value > 0 ? size.value - 1 : 0;
  const LeafIndex from(request.has_from() ? request.from() : default_from);
  uint64_t left = request.limit() != 0 ? request.limit() : request.follow() ? UINT64_MAX : limits::kReadEventsDefault;
  Status status;
  bool ended = false;
  const auto visit = [&](LeafIndex index) {
    StatusOr<v1::Event> event = ReadEvent(rows, index, request.include_bodies());
    if (!event.ok()) {
      // What is below the size was there.
      status = absl::IsNotFound(event.status()) ? DamagedLeaf(index) : event.status();
      return false;
    }
    v1::ReadResponse response;
    *response.mutable_event() = *std::move(event);
    response.mutable_event()->set_tree_size(size.value);
    ended = !on_read(std::move(response));
    return !ended && --left > 0;
  };
  RETURN_IF_ERROR(VisitRequested(rows, size, request, from, visit));
  RETURN_IF_ERROR(status);
  if (ended || left == 0) return OkStatus();
  v1::ReadResponse caught_up;
  caught_up.mutable_caught_up()->set_tree_size(size.value);
  on_read(std::move(caught_up));
  return OkStatus();
}

StatusOr<Timestamp> RecordedAt(const RowReader& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const std::string leaf, LeafBytes(rows, index));
  const StatusOr<LeafView> view = ParseLeaf(leaf);
  if (!view.ok()) return DamagedLeaf(index);
  return view->recorded;
}

StatusOr<TreeSize> SizeKnownAt(const RowReader& rows, TreeSize size, Timestamp time) {
  // Recorded times strictly increase, so this is a binary search for the first leaf after `time`.
  uint64_t low = 0;
  uint64_t high = size.value;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const Timestamp recorded, RecordedAt(rows, LeafIndex(middle)));
    if (recorded <= time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return TreeSize(low);
}

}  // namespace anamnesis
