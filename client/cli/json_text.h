#ifndef ANAMNESIS_CLIENT_CLI_JSON_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_JSON_TEXT_H_

// Parts of the few reports in JSON that are no protobuf message.

#include <string>

#include "client/cli/context.h"

namespace anamnesis::cli {

// Any range of texts.
template <typename Texts>
std::string JsonList(const Texts& texts) {
  std::string list;
  for (const std::string& text : texts) list += Text(list.empty() ? "" : ", ", Quoted(text));
  return Text("[", list, "]");
}

inline std::string JsonBool(bool value) { return value ? "true" : "false"; }

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_JSON_TEXT_H_
