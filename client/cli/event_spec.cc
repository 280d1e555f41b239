#include "client/cli/event_spec.h"

#include <limits>
#include <map>
#include <set>

#include "client/cli/context.h"
#include "client/cli/event_name.h"
#include "client/cpp/corrections.h"
#include "client/importers/document.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/base/bytes.h"
#include "ledger/base/ids.h"
#include "ledger/base/time.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"

namespace anamnesis::cli {
namespace {

StatusOr<v1::ContentDigest> ParseDigest(std::string_view text) {
  static const std::map<std::string_view, v1::DigestAlgorithm> kAlgorithms = {
      {"sha256", v1::SHA256}, {"sha512", v1::SHA512}, {"git-sha1", v1::GIT_SHA1}, {"sha1", v1::SHA1}, {"md5", v1::MD5}};
  const size_t colon = text.find(':');
  const auto algorithm = kAlgorithms.find(text.substr(0, colon));
  const StatusOr<std::string> value =
      colon == std::string_view::npos ? absl::InvalidArgumentError("") : HexDecode(text.substr(colon + 1));
  if (algorithm == kAlgorithms.end() || !value.ok()) {
    return absl::InvalidArgumentError(
        Text("--ref: \"", text, "\" is not a digest like sha256:<hex> (sha256, sha512, git-sha1, sha1, md5)"));
  }
  v1::ContentDigest digest;
  digest.set_algorithm(algorithm->second);
  digest.set_value(*value);
  return digest;
}

Status AddReferenceText(std::string_view text, EventDraft& draft) {
  const size_t equals = text.find('=');
  const size_t colon = text.find(':', equals == std::string_view::npos ? 0 : equals);
  if (equals == std::string_view::npos || colon == std::string_view::npos) {
    return absl::InvalidArgumentError(Text("--ref: \"", text, "\" is not ROLE=KIND:ID@VERSION#DIGEST"));
  }
  std::string_view rest = text.substr(colon + 1);
  v1::ContentDigest digest;
  const size_t hash = rest.rfind('#');
  if (hash != std::string_view::npos) {
    ASSIGN_OR_RETURN(digest, ParseDigest(rest.substr(hash + 1)));
    rest = rest.substr(0, hash);
  }
  std::string_view version;
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    version = rest.substr(at + 1);
    rest = rest.substr(0, at);
  }
  AddReference(draft, text.substr(0, equals), text.substr(equals + 1, colon - equals - 1), rest, version,
               hash == std::string_view::npos ? nullptr : &digest);
  return OkStatus();
}

Status SetOccurredText(const std::string& text, EventDraft& draft) {
  if (text.empty()) {
    const Timestamp now = WallClockNow();
    SetOccurred(draft, now, now);
    return OkStatus();
  }
  const size_t slash = text.find('/');
  const StatusOr<Timestamp> earliest = ParseTime(text.substr(0, slash));
  if (!earliest.ok()) return WithContext(earliest.status(), "--occurred-at");
  const StatusOr<Timestamp> latest = slash == std::string::npos ? earliest : ParseTime(text.substr(slash + 1));
  if (!latest.ok()) return WithContext(latest.status(), "--occurred-at");
  SetOccurred(draft, *earliest, *latest);
  return OkStatus();
}

StatusOr<std::string> ToText(const Document& value, std::string_view field) {
  if (value.kind == Document::Kind::kString) return value.text;
  return absl::InvalidArgumentError(Text(field, ": must be a string"));
}

StatusOr<std::vector<std::string>> ToTexts(const Document& value, std::string_view field) {
  std::vector<std::string> texts;
  if (value.kind != Document::Kind::kList) {
    return absl::InvalidArgumentError(Text(field, ": must be a list of strings"));
  }
  for (const Document& element : value.items) {
    ASSIGN_OR_RETURN(texts.emplace_back(), ToText(element, field));
  }
  return texts;
}

// Of two values of one name, one would be dropped without a word.
Status CheckNamesDiffer(const Document& value) {
  for (const Document& item : value.items) RETURN_IF_ERROR(CheckNamesDiffer(item));
  std::set<std::string_view> names;
  for (const Document::Member& member : value.members) {
    if (!names.insert(member.name).second) {
      return absl::InvalidArgumentError(Text(Quoted(member.name), " is given twice"));
    }
    RETURN_IF_ERROR(CheckNamesDiffer(member.value));
  }
  return OkStatus();
}

Status SetMember(const std::string& name, const Document& value, EventSpec& spec) {
  const std::map<std::string_view, std::string*> texts = {
      {"stream", &spec.stream},           {"type", &spec.type},
      {"occurred_at", &spec.occurred_at}, {"rationale", &spec.rationale},
      {"late_reason", &spec.late_reason}, {"corrects", &spec.corrects},
      {"event_id", &spec.event_id},       {"on_behalf_of", &spec.on_behalf_of}};
  if (const auto text = texts.find(name); text != texts.end()) {
    ASSIGN_OR_RETURN(*text->second, ToText(value, name));
  } else if (name == "refs") {
    ASSIGN_OR_RETURN(spec.refs, ToTexts(value, name));
  } else if (name == "causes") {
    ASSIGN_OR_RETURN(spec.causes, ToTexts(value, name));
  } else if (name == "retrospective") {
    if (value.kind != Document::Kind::kBool) {
      return absl::InvalidArgumentError("retrospective: must be true or false, without quotes");
    }
    spec.retrospective = value.text == "true";
  } else if (name == "body") {
    if (value.kind != Document::Kind::kMap) return absl::InvalidArgumentError("body: must be an object");
    // Numbers as they were written: a binary fraction can't hold every 64-bit integer.
    spec.body_json = FormatJson(value);
  } else {
    return absl::InvalidArgumentError(
        Text("\"", name,
             "\" is not a member of an event; one of: stream, type, body, "
             "refs, occurred_at, rationale, late_reason, on_behalf_of, corrects, causes, retrospective, event_id"));
  }
  return OkStatus();
}

// The event that an option names.
StatusOr<v1::Event> FindNamed(LedgerClient& client, std::string_view option, std::string_view name) {
  ASSIGN_OR_RETURN(const v1::GetEventRequest request, ParseEventName(option, name));
  StatusOr<v1::Event> event = client.GetEvent(request);
  if (!absl::IsNotFound(event.status())) return event;
  return absl::InvalidArgumentError(Text(option, ": the ledger has no event ", name));
}

bool IsLeaf(std::string_view name) {
  const StatusOr<v1::GetEventRequest> request = ParseEventName("", name);
  return request.ok() && request->has_index();
}

StatusOr<std::string> IdOf(const v1::Event& event) {
  ASSIGN_OR_RETURN(const EventId id, EventId::FromBytes(event.header().event_id()));
  return id.text();
}

}  // namespace

Status ResolveNames(LedgerClient& client, EventSpec& spec) {
  for (std::string& cause : spec.causes) {
    if (!IsLeaf(cause)) continue;
    ASSIGN_OR_RETURN(const v1::Event event, FindNamed(client, "--cause", cause));
    ASSIGN_OR_RETURN(cause, IdOf(event));
  }
  if (spec.corrects.empty() || (!IsLeaf(spec.corrects) && !spec.occurred_at.empty())) return OkStatus();
  ASSIGN_OR_RETURN(const v1::Event corrected, FindNamed(client, "--corrects", spec.corrects));
  ASSIGN_OR_RETURN(spec.corrects, IdOf(corrected));
  const v1::EventHeader& header = corrected.header();
  // A record.corrected is an act of its own, of now.
  if (!spec.occurred_at.empty() || spec.type != header.type()) return OkStatus();
  Timestamp earliest(header.occurred_earliest_us());
  Timestamp latest(header.occurred_latest_us());
  Corrections corrections(client, corrected.tree_size());
  // Which may have been moved since.
  ASSIGN_OR_RETURN(const auto entry, corrections.HistoryEntry(corrected));
  if (entry.has_value()) {
    ASSIGN_OR_RETURN(earliest, FromProtoTime(entry->leaf().occurred_earliest(), "occurred_earliest"));
    ASSIGN_OR_RETURN(latest, FromProtoTime(entry->leaf().occurred_latest(), "occurred_latest"));
  }
  spec.occurred_at = Text(FormatTime(earliest), "/", FormatTime(latest));
  return OkStatus();
}

StatusOr<EventDraft> ToDraft(const EventSpec& spec) {
  EventDraft draft;
  const EventType* type = Vocabulary::Get().FindNewest(spec.type);
  if (type == nullptr) {
    return absl::InvalidArgumentError(Text("--type: \"", spec.type, "\" is not an event type; see `anamnesis types`"));
  }
  std::shared_ptr<google::protobuf::Message> body = NewBody(*type);
  if (!spec.body_json.empty()) {
    const auto parsed = google::protobuf::util::JsonStringToMessage(spec.body_json, body.get());
    if (!parsed.ok()) return absl::InvalidArgumentError(Text("--body: ", std::string(parsed.message())));
  }
  draft.body = body;
  for (const std::string& ref : spec.refs) RETURN_IF_ERROR(AddReferenceText(ref, draft));
  RETURN_IF_ERROR(SetOccurredText(spec.occurred_at, draft));
  draft.header.set_rationale(spec.rationale);
  draft.header.set_late_reason(spec.late_reason);
  draft.header.set_retrospective(spec.retrospective);
  if (!spec.on_behalf_of.empty()) {
    const size_t colon = spec.on_behalf_of.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == spec.on_behalf_of.size()) {
      return absl::InvalidArgumentError(
          Text("on_behalf_of: \"", spec.on_behalf_of, "\" is not KIND:ID, for example person:eve"));
    }
    draft.header.mutable_on_behalf_of()->set_kind(spec.on_behalf_of.substr(0, colon));
    draft.header.mutable_on_behalf_of()->set_id(spec.on_behalf_of.substr(colon + 1));
  }
  if (!spec.corrects.empty()) {
    ASSIGN_OR_RETURN(const EventId corrects, EventId::FromText(spec.corrects));
    draft.header.set_corrects(corrects.bytes());
  }
  for (const std::string& cause : spec.causes) {
    ASSIGN_OR_RETURN(const EventId id, EventId::FromText(cause));
    draft.header.add_causes(id.bytes());
  }
  return draft;
}

StatusOr<IdentifiedDraft> ToIdentifiedDraft(const EventSpec& spec) {
  IdentifiedDraft identified;
  ASSIGN_OR_RETURN(identified.draft, ToDraft(spec));
  identified.id = NewEventId();
  if (!spec.event_id.empty()) {
    ASSIGN_OR_RETURN(identified.id, EventId::FromText(spec.event_id));
  }
  return identified;
}

StatusOr<EventSpec> ParseSpecLine(const std::string& line) {
  // The writer's own file, of which all is in memory already.
  const StatusOr<Document> object = ParseJson(line, {line.size(), std::numeric_limits<size_t>::max()});
  if (!object.ok()) return absl::InvalidArgumentError(Text("not a JSON object: ", MessageOf(object.status())));
  if (object->kind != Document::Kind::kMap) return absl::InvalidArgumentError("not a JSON object");
  RETURN_IF_ERROR(CheckNamesDiffer(*object));
  EventSpec spec;
  for (const auto& [name, value] : object->members) RETURN_IF_ERROR(SetMember(name, value, spec));
  return spec;
}

}  // namespace anamnesis::cli
