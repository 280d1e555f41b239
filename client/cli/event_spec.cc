#include "client/cli/event_spec.h"

#include <map>

#include "client/cpp/writer.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/base/bytes.h"
#include "ledger/event/vocabulary.h"

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
  ASSIGN_OR_RETURN(const Timestamp earliest, ParseTime(text.substr(0, slash)));
  Timestamp latest = earliest;
  if (slash != std::string::npos) {
    ASSIGN_OR_RETURN(latest, ParseTime(text.substr(slash + 1)));
  }
  SetOccurred(draft, earliest, latest);
  return OkStatus();
}

StatusOr<std::string> ToText(const google::protobuf::Value& value, std::string_view field) {
  if (value.kind_case() == google::protobuf::Value::kStringValue) return value.string_value();
  return absl::InvalidArgumentError(Text(field, ": must be a string"));
}

StatusOr<std::vector<std::string>> ToTexts(const google::protobuf::Value& value, std::string_view field) {
  std::vector<std::string> texts;
  if (value.kind_case() != google::protobuf::Value::kListValue) {
    return absl::InvalidArgumentError(Text(field, ": must be a list of strings"));
  }
  for (const auto& element : value.list_value().values()) {
    ASSIGN_OR_RETURN(texts.emplace_back(), ToText(element, field));
  }
  return texts;
}

Status SetMember(const std::string& name, const google::protobuf::Value& value, EventSpec& spec) {
  const std::map<std::string_view, std::string*> texts = {{"stream", &spec.stream},
                                                          {"type", &spec.type},
                                                          {"occurred_at", &spec.occurred_at},
                                                          {"rationale", &spec.rationale},
                                                          {"late_reason", &spec.late_reason},
                                                          {"corrects", &spec.corrects},
                                                          {"on_behalf_of", &spec.on_behalf_of}};
  if (const auto text = texts.find(name); text != texts.end()) {
    ASSIGN_OR_RETURN(*text->second, ToText(value, name));
  } else if (name == "refs") {
    ASSIGN_OR_RETURN(spec.refs, ToTexts(value, name));
  } else if (name == "causes") {
    ASSIGN_OR_RETURN(spec.causes, ToTexts(value, name));
  } else if (name == "retrospective") {
    spec.retrospective = value.bool_value();
  } else if (name == "body") {
    const auto status = google::protobuf::util::MessageToJsonString(value, &spec.body_json);
    if (!status.ok()) return absl::InvalidArgumentError(Text("body: ", status.ToString()));
  } else {
    return absl::InvalidArgumentError(
        Text("\"", name,
             "\" is not a member of an event; one of: stream, type, body, "
             "refs, occurred_at, rationale, late_reason, on_behalf_of, corrects, causes, retrospective"));
  }
  return OkStatus();
}

}  // namespace

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

StatusOr<EventSpec> ParseSpecLine(const std::string& line) {
  google::protobuf::Struct object;
  const auto parsed = google::protobuf::util::JsonStringToMessage(line, &object);
  if (!parsed.ok()) return absl::InvalidArgumentError(Text("not a JSON object: ", std::string(parsed.message())));
  EventSpec spec;
  for (const auto& [name, value] : object.fields()) RETURN_IF_ERROR(SetMember(name, value, spec));
  return spec;
}

}  // namespace anamnesis::cli
