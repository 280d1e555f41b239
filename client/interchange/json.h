#ifndef ANAMNESIS_CLIENT_INTERCHANGE_JSON_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_JSON_H_

// JSON as this room writes it: members in the order in which they were set, so that the same facts give the same bytes.
// A reference to a member holds only until another member is added beside it. Private to the room. Pure.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace anamnesis::interchange {

using Json = nlohmann::ordered_json;

// A whole document with its newline, or on one line without. What is not UTF-8 in a string becomes U+FFFD.
inline std::string DocumentText(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}
inline std::string CompactText(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Sets a member unless there is nothing to say.
inline void SetText(Json& object, std::string_view name, std::string_view value) {
  if (!value.empty()) object[std::string(name)] = std::string(value);
}

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_JSON_H_
