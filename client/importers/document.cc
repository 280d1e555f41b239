#include "client/importers/document.h"

#include <yaml.h>

#include <nlohmann/json.hpp>

namespace anamnesis {
namespace {

using Json = nlohmann::json;

// Builds the tree from a parser's events. Pointers to open containers stay valid: a container does not grow while a
// child of it is open.
class TreeBuilder {
 public:
  explicit TreeBuilder(size_t values_max) : values_max_(values_max) {}

  Status Scalar(Document::Kind kind, std::string text) {
    ASSIGN_OR_RETURN(Document* const place, NewPlace());
    place->kind = kind;
    place->text = std::move(text);
    return OkStatus();
  }

  Status Open(Document::Kind kind) {
    ASSIGN_OR_RETURN(Document* const place, NewPlace());
    if (open_.size() >= kDocumentDepthMax) {
      return absl::InvalidArgumentError(Text("is nested deeper than ", kDocumentDepthMax, " levels"));
    }
    place->kind = kind;
    open_.push_back(place);
    return OkStatus();
  }

  void Close() { open_.pop_back(); }
  void Name(std::string name) { name_ = std::move(name); }

  bool in_map() const { return !open_.empty() && open_.back()->kind == Document::Kind::kMap; }
  bool empty() const { return open_.empty(); }
  Document TakeRoot() { return std::move(root_); }

 private:
  StatusOr<Document*> NewPlace() {
    if (++values_ > values_max_) {
      return absl::InvalidArgumentError(Text("holds more than ", values_max_, " values"));
    }
    if (open_.empty()) return &root_;
    Document& parent = *open_.back();
    if (parent.kind == Document::Kind::kList) return &parent.items.emplace_back();
    parent.members.push_back({std::move(name_), Document()});
    return &parent.members.back().value;
  }

  const size_t values_max_;
  Document root_;
  std::vector<Document*> open_;
  std::string name_;
  size_t values_ = 0;
};

// nlohmann's parser calls these; false stops it.
class JsonEvents final : public Json::json_sax_t {
 public:
  explicit JsonEvents(size_t values_max) : tree_(values_max) {}

  bool null() override { return Take(tree_.Scalar(Document::Kind::kNull, "")); }
  bool boolean(bool value) override { return Take(tree_.Scalar(Document::Kind::kBool, value ? "true" : "false")); }
  bool number_integer(number_integer_t value) override { return Number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return Number(written); }
  bool string(string_t& value) override { return Take(tree_.Scalar(Document::Kind::kString, std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return Take(tree_.Open(Document::Kind::kMap)); }
  bool key(string_t& name) override {
    tree_.Name(std::move(name));
    return true;
  }
  bool end_object() override { return Closed(); }
  bool start_array(size_t) override { return Take(tree_.Open(Document::Kind::kList)); }
  bool end_array() override { return Closed(); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return Take(absl::InvalidArgumentError(Text("is not JSON at byte ", position)));
  }

  const Status& status() const { return status_; }
  Document TakeRoot() { return tree_.TakeRoot(); }

 private:
  bool Number(std::string text) { return Take(tree_.Scalar(Document::Kind::kNumber, std::move(text))); }
  bool Closed() {
    tree_.Close();
    return true;
  }
  bool Take(Status status) {
    status_ = std::move(status);
    return status_.ok();
  }

  TreeBuilder tree_;
  Status status_;
};

Status CheckSize(std::string_view text, size_t bytes_max = kDocumentBytesMax) {
  if (text.size() <= bytes_max) return OkStatus();
  return absl::InvalidArgumentError(Text("has ", text.size(), " bytes; at most ", bytes_max, " are read"));
}

std::string BytesOf(const yaml_char_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

class YamlReader {
 public:
  explicit YamlReader(std::string_view text) {
    ready_ = yaml_parser_initialize(&parser_) != 0;
    if (!ready_) return;
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~YamlReader() {
    if (ready_) yaml_parser_delete(&parser_);
  }
  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;

  StatusOr<Document> Read() {
    if (!ready_) return absl::ResourceExhaustedError("no memory for a YAML parser");
    for (;;) {
      yaml_event_t event;
      if (yaml_parser_parse(&parser_, &event) == 0) return Failed(parser_.problem == nullptr ? "" : parser_.problem);
      const yaml_event_type_t type = event.type;
      const Status taken = Take(event);
      yaml_event_delete(&event);
      if (!taken.ok()) return Failed(MessageOf(taken));
      if (type == YAML_DOCUMENT_END_EVENT || type == YAML_STREAM_END_EVENT) return tree_.TakeRoot();
    }
  }

 private:
  Status Failed(std::string_view why) const {
    const size_t line = parser_.problem != nullptr ? parser_.problem_mark.line : parser_.mark.line;
    return absl::InvalidArgumentError(Text("is not YAML that is read here, line ", line + 1, ": ", why));
  }

  // In a map, scalars are names and values by turns.
  bool ExpectsName() const { return tree_.in_map() && !named_; }

  Status Take(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return TakeScalar(event);
      case YAML_SEQUENCE_START_EVENT:
        return Open(Document::Kind::kList);
      case YAML_MAPPING_START_EVENT:
        return Open(Document::Kind::kMap);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        tree_.Close();
        named_ = false;
        return OkStatus();
      case YAML_ALIAS_EVENT:
        return absl::InvalidArgumentError("an alias");
      default:
        return OkStatus();
    }
  }

  Status TakeScalar(const yaml_event_t& event) {
    std::string text = BytesOf(event.data.scalar.value, event.data.scalar.length);
    if (ExpectsName()) {
      tree_.Name(std::move(text));
      named_ = true;
      return OkStatus();
    }
    named_ = false;
    const bool plain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const bool null = plain && (text.empty() || text == "~" || text == "null");
    return tree_.Scalar(null ? Document::Kind::kNull : Document::Kind::kString, null ? "" : std::move(text));
  }

  Status Open(Document::Kind kind) {
    if (ExpectsName()) return absl::InvalidArgumentError("a name that is no scalar");
    named_ = false;
    return tree_.Open(kind);
  }

  yaml_parser_t parser_;
  bool ready_ = false;
  // A name of the innermost map was read and its value was not.
  bool named_ = false;
  TreeBuilder tree_{kDocumentValuesMax};
};

// The length of the well-formed UTF-8 sequence at the front of `text` (RFC 3629), 0 when there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first != 0 && first < 0x80) return 1;
  size_t length = 0;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  return length;
}

}  // namespace

const Document* Document::Find(std::string_view name) const {
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->name == name) return &member->value;
  }
  return nullptr;
}

StatusOr<Document> ParseJson(std::string_view text, const DocumentBounds& bounds) {
  RETURN_IF_ERROR(CheckSize(text, bounds.bytes_max));
  JsonEvents events(bounds.values_max);
  const bool complete = Json::sax_parse(text.begin(), text.end(), &events);
  RETURN_IF_ERROR(events.status());
  if (!complete) return absl::InvalidArgumentError("is not JSON");
  return events.TakeRoot();
}

std::string FormatJson(const Document& value) {
  const auto quoted = [](const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  const auto separator = [](const std::string& json) { return json.size() > 1 ? "," : ""; };
  std::string json;
  switch (value.kind) {
    case Document::Kind::kNull:
      return "null";
    case Document::Kind::kBool:
    case Document::Kind::kNumber:
      return value.text;
    case Document::Kind::kString:
      return quoted(value.text);
    case Document::Kind::kList:
      json = "[";
      for (const Document& item : value.items) json += Text(separator(json), FormatJson(item));
      return json + "]";
    case Document::Kind::kMap:
      json = "{";
      for (const Document::Member& member : value.members) {
        json += Text(separator(json), quoted(member.name), ":", FormatJson(member.value));
      }
      return json + "}";
  }
  return json;
}

StatusOr<Document> ParseYaml(std::string_view text) {
  RETURN_IF_ERROR(CheckSize(text));
  // libyaml stops the process on a null pointer, which an empty view may hold.
  if (text.empty()) return Document();
  return YamlReader(text).Read();
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace anamnesis
