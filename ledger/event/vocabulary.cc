#include "ledger/event/vocabulary.h"

#include <algorithm>
#include <array>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/check.h"
#include "ledger/base/decimal.h"
#include "ledger/base/time.h"
#include "ledger/event/field_path.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

Status SchemaError(std::string_view field, std::string_view message) { return Refuse(v1::SCHEMA, field, message); }
Status SchemaError(const FieldPath& field, std::string_view message) { return SchemaError(field.text(), message); }

// What the vocabulary asks for is not there.
Status Lacks(std::string_view rule, std::string_view field, std::string_view clause, std::string_view message,
             std::string_view remedy) {
  v1::Finding finding;
  finding.set_rule(std::string(rule));
  finding.set_field(std::string(field));
  finding.set_clause(std::string(clause));
  finding.set_message(std::string(message));
  finding.set_remedy(std::string(remedy));
  return RefuseByRule(v1::SCHEMA, finding, std::nullopt);
}

// `clause`: of the type, for fields that have none of their own.
Status LacksField(const FieldPath& path, const v1::FieldRule& rule, std::string_view clause, std::string_view message) {
  const std::string text = path.text();
  return Lacks(Text("REQUIRED/", std::string_view(text).substr(text.find('.') + 1)), text,
               rule.clause().empty() ? clause : rule.clause(), message, Text("give ", text));
}

bool IsSymbol(std::string_view text) {
  const auto letter_or_digit = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && letter_or_digit(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter_or_digit(c) || c == '_' || c == '.' || c == '-';
  });
}

Status CheckBytesFormat(const FieldPath& path, const v1::FieldRule& rule, std::string_view value) {
  if (rule.max_bytes() != 0 && value.size() > rule.max_bytes())
    return RefuseOverLimit(path.text(), rule.max_bytes(), value.size());
  switch (rule.format()) {
    case v1::DECIMAL:
      if (!IsDecimal(value)) return SchemaError(path, "is not a decimal number, for example -0.25 or 1e-3");
      break;
    case v1::SYMBOL:
      if (!IsSymbol(value))
        return SchemaError(path, "is not a symbol of a-z, 0-9, _ . - that starts with a letter or digit");
      break;
    case v1::PUBLIC_KEY:
      if (value.size() != 32) return SchemaError(path, "an Ed25519 public key has 32 bytes");
      break;
    case v1::SHA256_BYTES:
      if (value.size() != 32) return SchemaError(path, "a SHA-256 digest has 32 bytes");
      break;
    default:
      break;
  }
  return OkStatus();
}

Status CheckTime(const FieldPath& path, int64_t us) {
  if (us >= kTimestampMin.us && us < kTimestampLimit.us) return OkStatus();
  return SchemaError(path, "lies outside the years 1900 to 2199");
}

Status ValidateMessage(const Message& message, std::string_view clause, const FieldPath& path);

Status ValidateElement(const Message& message, const FieldDescriptor& field, const v1::FieldRule& rule,
                       std::string_view clause, const FieldPath& path) {
  const int index = path.index;
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ValidateMessage(
          index < 0 ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index),
          clause, path);
    case FieldDescriptor::CPPTYPE_STRING:
      return CheckBytesFormat(path, rule,
                              index < 0 ? reflection.GetStringReference(message, &field, &scratch)
                                        : reflection.GetRepeatedStringReference(message, &field, index, &scratch));
    case FieldDescriptor::CPPTYPE_INT64:
      if (rule.format() != v1::TIME_US || index >= 0) return OkStatus();
      return CheckTime(path, reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = index < 0 ? reflection.GetEnumValue(message, &field)
                                   : reflection.GetRepeatedEnumValue(message, &field, index);
      if (field.enum_type()->FindValueByNumber(number) != nullptr) return OkStatus();
      return SchemaError(path, Text(number, " is not a value of ", field.enum_type()->name()));
    }
    default:
      return OkStatus();
  }
}

Status ValidateField(const Message& message, const FieldDescriptor& field, std::string_view clause,
                     const FieldPath& parent) {
  const Reflection& reflection = *message.GetReflection();
  const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
  FieldPath path = {field.name(), &parent};
  if (field.is_repeated()) {
    const int size = reflection.FieldSize(message, &field);
    if (rule.required() && size == 0) return LacksField(path, rule, clause, "is required and empty");
    for (path.index = 0; path.index < size; ++path.index) {
      RETURN_IF_ERROR(ValidateElement(message, field, rule, clause, path));
    }
    return OkStatus();
  }
  if (!reflection.HasField(message, &field)) {
    return rule.required() ? LacksField(path, rule, clause, "is required and missing") : OkStatus();
  }
  return ValidateElement(message, field, rule, clause, path);
}

Status ValidateMessage(const Message& message, std::string_view clause, const FieldPath& path) {
  if (!message.GetReflection()->GetUnknownFields(message).empty()) {
    return SchemaError(path, "holds a field that this schema version doesn't know");
  }
  const Descriptor& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    RETURN_IF_ERROR(ValidateField(message, *descriptor.field(i), clause, path));
  }
  return OkStatus();
}

Status CheckReferenceRule(const EventType& type, const v1::ReferenceRule& rule, const v1::EventHeader& header) {
  uint32_t count = 0;
  const auto lacks = [&](std::string_view field, std::string_view message, std::string_view remedy) {
    return Lacks(Text("REFERENCE/", rule.role()), field, FirstClause(type), message, remedy);
  };
  for (int i = 0; i < header.refs_size(); ++i) {
    const v1::EntityRef& ref = header.refs(i);
    if (ref.role() != rule.role()) continue;
    ++count;
    if (std::find(rule.kinds().begin(), rule.kinds().end(), ref.kind()) == rule.kinds().end()) {
      std::string kinds;
      for (const std::string& kind : rule.kinds()) kinds += (kinds.empty() ? "" : ", ") + kind;
      return lacks(Text("header.refs[", i, "].kind"), Text("\"", ref.kind(), "\" can't be \"", rule.role(), "\""),
                   Text("name one of: ", kinds));
    }
    if (rule.version_required() && ref.version().empty()) {
      return lacks(Text("header.refs[", i, "].version"), Text("is required for \"", rule.role(), "\""),
                   Text("name it ", ref.kind(), ":", ref.id(), "@VERSION"));
    }
  }
  if (count < rule.min()) {
    return lacks("header.refs", Text("a reference with role \"", rule.role(), "\" is required and missing"),
                 Text("give ", rule.role(), "=", rule.kinds_size() > 0 ? rule.kinds(0) : "KIND", ":ID"));
  }
  if (rule.max() != 0 && count > rule.max()) {
    return lacks("header.refs", Text(count, " references with role \"", rule.role(), "\""),
                 Text("give at most ", rule.max()));
  }
  return OkStatus();
}

}  // namespace

Vocabulary::Vocabulary() {
  // vocabulary.proto imports the vocabulary files and defines nothing, so it is found by name in the generated pool. No
  // symbol of it is needed either, so without this use of its descriptor table the linker leaves it out of the program.
  [[maybe_unused]] const void* volatile linked_in = &descriptor_table_anamnesis_2fv1_2fvocabulary_2eproto;
  const FileDescriptor* list =
      google::protobuf::DescriptorPool::generated_pool()->FindFileByName("anamnesis/v1/vocabulary.proto");
  CHECK(list != nullptr);
  for (int f = 0; f < list->dependency_count(); ++f) {
    const FileDescriptor& file = *list->dependency(f);
    for (int m = 0; m < file.message_type_count(); ++m) {
      const Descriptor& message = *file.message_type(m);
      if (!message.options().HasExtension(v1::event)) continue;
      const v1::EventTypeOptions& options = message.options().GetExtension(v1::event);
      const bool inserted =
          types_[options.type()].emplace(options.schema_version(), EventType{&options, &message}).second;
      CHECK(inserted);
    }
  }
}

const Vocabulary& Vocabulary::Get() {
  static const Vocabulary* vocabulary = new Vocabulary();
  return *vocabulary;
}

const EventType* Vocabulary::Find(std::string_view name, uint32_t schema_version) const {
  const auto versions = types_.find(name);
  if (versions == types_.end()) return nullptr;
  const auto found = versions->second.find(schema_version);
  return found == versions->second.end() ? nullptr : &found->second;
}

const EventType* Vocabulary::FindNewest(std::string_view name) const {
  const auto versions = types_.find(name);
  return versions == types_.end() ? nullptr : &versions->second.rbegin()->second;
}

std::vector<const EventType*> Vocabulary::All() const {
  std::vector<const EventType*> all;
  for (const auto& [name, versions] : types_) {
    for (const auto& [version, type] : versions) all.push_back(&type);
  }
  return all;
}

bool Vocabulary::HasVersions(std::string_view kind) const {
  // Agents and places, what is in a risk file or is reported, and what people give, take and decide. What makes
  // something (a training run, an evaluation, a build) is named as its makers do, with a version or without one.
  static constexpr std::array<std::string_view, 24> kWithout = {"adaptation_surface",
                                                                "anomaly",
                                                                "certification",
                                                                "change_request",
                                                                "decision",
                                                                "delegation",
                                                                "device_model",
                                                                "device_unit",
                                                                "field_action",
                                                                "gate_decision",
                                                                "hazard",
                                                                "hazardous_situation",
                                                                "hold",
                                                                "incident",
                                                                "node",
                                                                "organisation",
                                                                "person",
                                                                "problem",
                                                                "risk_control",
                                                                "site",
                                                                "software",
                                                                "software_cause",
                                                                "software_item",
                                                                "standing_hold"};
  return std::find(kWithout.begin(), kWithout.end(), kind) == kWithout.end();
}

std::unique_ptr<Message> NewBody(const EventType& type) {
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type.body)->New());
}

StatusOr<std::unique_ptr<Message>> ParseBody(const EventType& type, std::string_view content) {
  std::unique_ptr<Message> body = NewBody(type);
  if (!body->ParseFromArray(content.data(), static_cast<int>(content.size()))) {
    return SchemaError("body", Text("is not a protobuf ", type.body->name()));
  }
  RETURN_IF_ERROR(ValidateBody(*body));
  return body;
}

Status ValidateBody(const Message& body) {
  const v1::EventTypeOptions& options = body.GetDescriptor()->options().GetExtension(v1::event);
  return ValidateMessage(body, FirstClause({&options, body.GetDescriptor()}), {"body"});
}

Status ValidateHeader(const EventType& type, const v1::EventHeader& header) {
  for (const v1::ReferenceRule& rule : type.options->refs()) RETURN_IF_ERROR(CheckReferenceRule(type, rule, header));
  for (int i = 0; i < header.refs_size(); ++i) {
    const auto has_role = [&](const v1::ReferenceRule& rule) { return rule.role() == header.refs(i).role(); };
    if (!std::any_of(type.options->refs().begin(), type.options->refs().end(), has_role)) {
      return SchemaError(Text("header.refs[", i, "].role"),
                         Text("\"", header.refs(i).role(), "\" is not a role of ", type.name()));
    }
  }
  if (type.options->rationale_required() && header.rationale().empty()) {
    return Lacks("RATIONALE", "header.rationale", FirstClause(type), Text("is required for ", type.name()),
                 "say why it was done");
  }
  return OkStatus();
}

std::string_view FirstClause(const EventType& type) {
  return type.options->clauses_size() == 0 ? std::string_view() : type.options->clauses(0);
}

std::string_view VersionOf(const v1::EntityRef& entity) {
  if (entity.version().empty() || !Vocabulary::Get().HasVersions(entity.kind())) return {};
  return entity.version();
}

const v1::EntityRef* FindReference(const v1::EventHeader& header, std::string_view role) {
  for (const v1::EntityRef& ref : header.refs()) {
    if (ref.role() == role) return &ref;
  }
  return nullptr;
}

}  // namespace anamnesis
