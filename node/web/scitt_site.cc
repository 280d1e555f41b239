#include "node/web/scitt_site.h"

#include <optional>

#include "absl/strings/escaping.h"
#include "anamnesis/v1/receipt.pb.h"
#include "ledger/base/ids.h"
#include "ledger/cose/cbor.h"
#include "ledger/cose/cose_key.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

// What is shown here is what this call shows.
constexpr std::string_view kReceiptsMethod = "/anamnesis.v1.ReceiptService/GetReceipts";
constexpr std::string_view kKeysPath = "/.well-known/scitt-keys";
constexpr std::string_view kEntriesPath = "/entries";
constexpr std::string_view kReads = "GET, HEAD";
// Checkpoints are published about every second.
constexpr int kPublishedInSeconds = 1;

// The rest of a target below `path`; nullopt when it isn't below.
std::optional<std::string_view> Below(std::string_view target, std::string_view path) {
  if (!target.starts_with(path) || target.size() == path.size() || target[path.size()] != '/') return std::nullopt;
  return target.substr(path.size() + 1);
}

// RFC 9290: title (-1) and detail (-2). Both are ours or a Status's, so they are UTF-8.
WebAnswer Problem(int status, std::string_view title, std::string_view detail) {
  WebAnswer answer;
  answer.status = status;
  answer.content_type = "application/concise-problem-details+cbor";
  answer.body = CborHead(CborKind::kMap, 2) + CborHead(CborKind::kNegative, 0) + CborText(title) +
                CborHead(CborKind::kNegative, 1) + CborText(detail);
  return answer;
}

WebAnswer NotYet(std::string_view detail) {
  WebAnswer answer = Problem(503, "Not Yet", detail);
  answer.retry_after_seconds = kPublishedInSeconds;
  return answer;
}

WebAnswer NotAllowed(std::string_view allowed, std::string_view title, std::string_view detail) {
  WebAnswer answer = Problem(405, title, detail);
  answer.allow = std::string(allowed);
  return answer;
}

WebAnswer Found(std::string_view content_type, std::string body) {
  WebAnswer answer;
  answer.content_type = std::string(content_type);
  // A later receipt of the same event is another one, and keys change.
  answer.cache_control = "no-cache";
  answer.body = std::move(body);
  return answer;
}

// The one event that is asked for. INVALID_ARGUMENT: it is neither an index nor an event id.
StatusOr<v1::GetReceiptsRequest> RequestFor(std::string_view entry) {
  v1::GetReceiptsRequest request;
  request.set_include_cose(true);
  if (const StatusOr<uint64_t> index = ParseDecimal(entry, "entry"); index.ok()) {
    request.add_indexes(*index);
    return request;
  }
  ASSIGN_OR_RETURN(const EventId id, EventId::FromText(entry));
  request.add_event_ids(id.bytes());
  return request;
}

// What goes by without anybody mending what is stored here: this node hasn't so many leaves, none of its keys may sign
// just now, or what was published last is by a key that it no longer knows.
bool IsForLater(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsFailedPrecondition(status) || absl::IsUnauthenticated(status);
}

// Whether the ledger has the event, published or not.
bool IsThere(const Ledger& ledger, const v1::GetReceiptsRequest& request) {
  v1::GetEventRequest event;
  if (request.indexes_size() > 0) {
    event.set_index(request.indexes(0));
  } else {
    event.set_event_id(request.event_ids(0));
  }
  return ledger.GetEvent(event).ok();
}

}  // namespace

bool ScittSite::Serves(std::string_view target) {
  for (const std::string_view path : {kKeysPath, kEntriesPath}) {
    if (target == path || Below(target, path).has_value()) return true;
  }
  return false;
}

WebAnswer ScittSite::Answer(const WebRequest& request) {
  if (request.target == kEntriesPath) {
    return NotAllowed("", "Registration Is Over gRPC",
                      "An event is sealed by its writer together with its place in the writer's stream and handed in "
                      "over anamnesis.v1.AppendService; COSE signed statements are not registered here");
  }
  if (!request.reads()) return NotAllowed(kReads, "Method Not Allowed", "Only GET and HEAD");
  if (const Status allowed = access_.MayRead(request, kReceiptsMethod); !allowed.ok()) {
    return Problem(HttpStatusOfRefusal(allowed), "Refused", MessageOf(allowed));
  }
  if (request.target == kKeysPath) return AnswerKeys();
  if (const auto key_id = Below(request.target, kKeysPath); key_id.has_value()) return AnswerKey(*key_id);
  if (const auto entry = Below(request.target, kEntriesPath); entry.has_value()) return AnswerEntry(*entry);
  return Problem(404, "Not Found", "Nothing is served here");
}

StatusOr<std::vector<VerifierKey>> ScittSite::Keys() const {
  ASSIGN_OR_RETURN(const VerifierKey signing, VerifierKey::Parse(ledger_.GetStatus().verifier_key()));
  // A receipt outlives the key that signed it.
  return LogKeys(*ledger_.View(), signing.name(), {&signing, 1}, LogKeyUse::kTrusted);
}

WebAnswer ScittSite::AnswerKeys() const {
  const StatusOr<std::vector<VerifierKey>> keys = Keys();
  if (!keys.ok()) return Problem(500, "Internal Error", "The keys can't be read");
  return Found("application/cbor", FormatCoseKeySet(*keys));
}

WebAnswer ScittSite::AnswerKey(std::string_view key_id) const {
  const StatusOr<std::vector<VerifierKey>> keys = Keys();
  if (!keys.ok()) return Problem(500, "Internal Error", "The keys can't be read");
  for (const VerifierKey& key : *keys) {
    if (absl::WebSafeBase64Escape(CoseKeyId(key)) == key_id) return Found("application/cbor", FormatCoseKey(key));
  }
  return Problem(404, "No such key", "No key could be found for this kid value; give it in base64url, without padding");
}

WebAnswer ScittSite::AnswerEntry(std::string_view entry) {
  const StatusOr<v1::GetReceiptsRequest> request = RequestFor(entry);
  if (!request.ok()) {
    return Problem(400, "Invalid locator", "An entry is named by its event id (a UUID) or by its leaf's index");
  }
  const std::optional<PublishedCheckpoint> newest = publisher_.Newest();
  if (!newest.has_value()) return NotYet("No checkpoint is published yet");
  const StatusOr<v1::GetReceiptsResponse> answer = ledger_.GetReceiptsUnder(newest->note, *request);
  if (answer.ok()) return Found("application/cose", answer->receipts(0).cose());
  if (IsForLater(answer.status())) return Problem(503, "No Receipt", MessageOf(answer.status()));
  if (!absl::IsNotFound(answer.status())) return Problem(500, "No Receipt", "The receipt can't be made");
  if (IsThere(ledger_, *request)) return NotYet("The event is recorded, and no published checkpoint is over it yet");
  return Problem(404, "Not Found", "No such entry is known to this ledger");
}

}  // namespace anamnesis
