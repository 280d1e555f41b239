#include "ledger/query/event_pattern.h"

#include <algorithm>

#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// A scalar as a policy document writes it. `place` is -1 for a field that isn't repeated.
std::string ScalarText(const Message& message, const FieldDescriptor& field, int place) {
  const Reflection& values = *message.GetReflection();
  const bool one = place < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_ENUM:
      return one ? values.GetEnum(message, &field)->name() : values.GetRepeatedEnum(message, &field, place)->name();
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? values.GetBool(message, &field) : values.GetRepeatedBool(message, &field, place)) ? "true"
                                                                                                      : "false";
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? values.GetString(message, &field) : values.GetRepeatedString(message, &field, place);
    case FieldDescriptor::CPPTYPE_INT32:
      return Text(one ? values.GetInt32(message, &field) : values.GetRepeatedInt32(message, &field, place));
    case FieldDescriptor::CPPTYPE_INT64:
      return Text(one ? values.GetInt64(message, &field) : values.GetRepeatedInt64(message, &field, place));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Text(one ? values.GetUInt32(message, &field) : values.GetRepeatedUInt32(message, &field, place));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Text(one ? values.GetUInt64(message, &field) : values.GetRepeatedUInt64(message, &field, place));
    default:
      return "";
  }
}

// Whether the field's value (one of them, where it is repeated) is the one.
bool ScalarHas(const Message& message, const FieldDescriptor& field, const std::optional<std::string>& value) {
  const Reflection& values = *message.GetReflection();
  if (!field.is_repeated()) {
    return value.has_value() ? ScalarText(message, field, -1) == *value : values.HasField(message, &field);
  }
  const int count = values.FieldSize(message, &field);
  if (!value.has_value()) return count > 0;
  for (int i = 0; i < count; ++i) {
    if (ScalarText(message, field, i) == *value) return true;
  }
  return false;
}

}  // namespace

EventPattern ParsePattern(std::string_view text) {
  EventPattern pattern;
  const size_t mark = text.find('?');
  pattern.type = std::string(text.substr(0, mark));
  if (mark == std::string_view::npos) return pattern;
  std::string_view rest = text.substr(mark + 1);
  while (!rest.empty()) {
    const size_t end = rest.find('&');
    const std::string_view condition = rest.substr(0, end);
    const size_t equals = condition.find('=');
    EventPattern::Condition parsed{std::string(condition.substr(0, equals)), std::nullopt};
    if (equals != std::string_view::npos) parsed.value = std::string(condition.substr(equals + 1));
    pattern.conditions.push_back(std::move(parsed));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return pattern;
}

bool HasValue(const Message& message, std::string_view path, const std::optional<std::string>& value) {
  const size_t dot = path.find('.');
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
  if (field == nullptr) return false;
  const Reflection& values = *message.GetReflection();
  const bool last = dot == std::string_view::npos;
  if (field->message_type() == nullptr) return last && ScalarHas(message, *field, value);
  if (last) {
    return !value.has_value() &&
           (field->is_repeated() ? values.FieldSize(message, field) > 0 : values.HasField(message, field));
  }
  if (!field->is_repeated()) {
    return values.HasField(message, field) && HasValue(values.GetMessage(message, field), path.substr(dot + 1), value);
  }
  for (int i = 0; i < values.FieldSize(message, field); ++i) {
    if (HasValue(values.GetRepeatedMessage(message, field, i), path.substr(dot + 1), value)) return true;
  }
  return false;
}

bool Matches(const EventPattern& pattern, const Fact& fact) {
  if (pattern.type != fact.type()) return false;
  if (pattern.conditions.empty()) return true;
  if (fact.event.body == nullptr) return false;
  return std::all_of(pattern.conditions.begin(), pattern.conditions.end(),
                     [&](const EventPattern::Condition& condition) {
                       return HasValue(*fact.event.body, condition.path, condition.value);
                     });
}

StatusOr<std::vector<const Fact*>> FirstMatching(Facts& facts, const EventPattern& pattern, size_t count,
                                                 const std::function<bool(const Fact&)>& filter) {
  constexpr size_t kAtOnce = 256;
  std::vector<const Fact*> found;
  LeafIndex from(0);
  while (true) {
    std::vector<LeafIndex> indexes;
    RETURN_IF_ERROR(
        VisitList(facts.rows(), Family::kTypeEvents, pattern.type, from, false, facts.size(), [&](LeafIndex index) {
          indexes.push_back(index);
          return indexes.size() < kAtOnce;
        }));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
      if (fact->counts() && Matches(pattern, *fact) && filter(*fact)) found.push_back(fact);
      if (found.size() == count) return found;
    }
    if (indexes.size() < kAtOnce) return found;
    from = LeafIndex(indexes.back().value + 1);
  }
}

bool EventPatterns::Match(const Fact& fact) const {
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const EventPattern& pattern) { return Matches(pattern, fact); });
}

}  // namespace anamnesis
