#include "ledger/query/message_fields.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/options.pb.h"
#include "anamnesis/v1/signature.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/query/item_history.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What identifies an element of a list, the first that it has.
constexpr std::array kKeys = {"id",      "name",   "path", "topic", "dimension",
                              "rule_id", "metric", "text", "role",  "surface"};
constexpr size_t kKeyBytesMax = 80;

// The start of a key, cut where a character begins.
std::string Shortened(const std::string& text) {
  size_t end = std::min(text.size(), kKeyBytesMax);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

class Collector {
 public:
  // `key` is left out: it is in the prefix.
  void AddMessage(const std::string& prefix, const Message& message, const FieldDescriptor* key = nullptr) {
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (field == key || field->options().GetExtension(v1::rule).personal_data()) continue;
      if (field->message_type() == v1::ElectronicSignature::descriptor()) continue;
      const std::string name = Text(prefix, prefix.empty() ? "" : ".", NameOf(*field));
      if (!field->is_repeated()) {
        AddValue(name, message, *field, -1);
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        AddValue(Text(name, "[", KeyOf(message, *field, i), "]"), message, *field, i);
      }
    }
  }

  FieldTexts Take() { return std::move(fields_); }

 private:
  // Without the unit of a time that is told as text.
  static std::string_view NameOf(const FieldDescriptor& field) {
    const std::string_view name = field.name();
    const bool time = field.options().GetExtension(v1::rule).format() == v1::TIME_US;
    return time && name.ends_with("_us") ? name.substr(0, name.size() - 3) : name;
  }

  // What names element `i` of a list.
  std::string KeyOf(const Message& message, const FieldDescriptor& field, int i) {
    const Reflection& reflection = *message.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && field.type() != FieldDescriptor::TYPE_BYTES) {
      return Shortened(reflection.GetRepeatedString(message, &field, i));
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return std::to_string(i + 1);
    const Message& element = reflection.GetRepeatedMessage(message, &field, i);
    const FieldDescriptor* key = KeyFieldOf(element);
    if (key == nullptr) return std::to_string(i + 1);
    const FieldDescriptor* subgroup = element.GetDescriptor()->FindFieldByName("subgroup");
    const std::string group = subgroup == nullptr ? "" : ValueOf(element, *subgroup, -1).value_or("");
    return Text(Shortened(*ValueOf(element, *key, -1)), group.empty() ? "" : ", ", group);
  }

  // The field that identifies an element of a list, or nullptr.
  static const FieldDescriptor* KeyFieldOf(const Message& element) {
    for (const char* name : kKeys) {
      const FieldDescriptor* field = element.GetDescriptor()->FindFieldByName(name);
      if (field == nullptr || field->is_repeated()) continue;
      if (!ValueOf(element, *field, -1).value_or("").empty()) return field;
    }
    return nullptr;
  }

  void AddValue(const std::string& name, const Message& message, const FieldDescriptor& field, int i) {
    if (const std::optional<std::string> value = ValueOf(message, field, i); value.has_value()) {
      AddText(name, *value);
      return;
    }
    const Reflection& reflection = *message.GetReflection();
    const Message& element =
        i < 0 ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, i);
    if (i < 0) return AddMessage(name, element);
    // A key that was cut off is told in full.
    const FieldDescriptor* key = KeyFieldOf(element);
    const bool whole = key != nullptr && ValueOf(element, *key, -1)->size() <= kKeyBytesMax;
    const std::string unique = Unique(name, elements_);
    const size_t before = fields_.size();
    AddMessage(unique, element, whole ? key : nullptr);
    // It says nothing but its key.
    if (fields_.size() == before && key != nullptr) AddText(unique, *ValueOf(element, *key, -1));
  }

  // nullopt for a message that is no value by itself.
  static std::optional<std::string> ValueOf(const Message& message, const FieldDescriptor& field, int i) {
    const Reflection& reflection = *message.GetReflection();
    const v1::FieldRule& rule = field.options().GetExtension(v1::rule);
    const bool list = i >= 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING: {
        std::string text =
            list ? reflection.GetRepeatedString(message, &field, i) : reflection.GetString(message, &field);
        if (field.type() != FieldDescriptor::TYPE_BYTES) return text;
        return Text(rule.format() == v1::SHA256_BYTES ? "sha256:" : "", HexEncode(text));
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        const int64_t value =
            list ? reflection.GetRepeatedInt64(message, &field, i) : reflection.GetInt64(message, &field);
        return rule.format() == v1::TIME_US ? FormatTime(Timestamp(value)) : std::to_string(value);
      }
      case FieldDescriptor::CPPTYPE_UINT64:
        return std::to_string(list ? reflection.GetRepeatedUInt64(message, &field, i)
                                   : reflection.GetUInt64(message, &field));
      case FieldDescriptor::CPPTYPE_INT32:
        return std::to_string(list ? reflection.GetRepeatedInt32(message, &field, i)
                                   : reflection.GetInt32(message, &field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return std::to_string(list ? reflection.GetRepeatedUInt32(message, &field, i)
                                   : reflection.GetUInt32(message, &field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return (list ? reflection.GetRepeatedBool(message, &field, i) : reflection.GetBool(message, &field)) ? "true"
                                                                                                             : "false";
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number =
            list ? reflection.GetRepeatedEnumValue(message, &field, i) : reflection.GetEnumValue(message, &field);
        const auto* value = field.enum_type()->FindValueByNumber(number);
        return value == nullptr ? std::to_string(number) : value->name();
      }
      case FieldDescriptor::CPPTYPE_MESSAGE: {
        const Message& value =
            list ? reflection.GetRepeatedMessage(message, &field, i) : reflection.GetMessage(message, &field);
        if (value.GetDescriptor() == v1::ContentDigest::descriptor()) {
          return DigestText(static_cast<const v1::ContentDigest&>(value));
        }
        if (value.GetDescriptor() == v1::NamedValue::descriptor()) {
          return static_cast<const v1::NamedValue&>(value).value();
        }
        return std::nullopt;
      }
      default:
        // Floating point is not allowed in anything signed.
        return std::nullopt;
    }
  }

  static std::string Unique(const std::string& name, std::map<std::string, int>& used) {
    const int number = ++used[name];
    return number == 1 ? name : Text(name, "#", number);
  }

  void AddText(const std::string& name, const std::string& value) { fields_.emplace_back(Unique(name, names_), value); }

  FieldTexts fields_;
  std::map<std::string, int> names_;
  std::map<std::string, int> elements_;
};

}  // namespace

FieldTexts FieldTextsOf(const Message& message) {
  Collector collector;
  collector.AddMessage("", message);
  return collector.Take();
}

}  // namespace anamnesis
