#include "tests/support/shipped_policy.h"

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "ledger/base/check.h"
#include "tests/support/places.h"

namespace anamnesis {

v1::PolicyDocument ReadPolicy(std::string_view file) {
  const std::string path = SourcePath(Text("deploy/policies/", file, ".json"));
  std::ifstream stream(path);
  std::stringstream json;
  json << stream.rdbuf();
  v1::PolicyDocument document;
  const auto parsed = google::protobuf::util::JsonStringToMessage(json.str(), &document);
  if (!parsed.ok()) std::fprintf(stderr, "%s: %s\n", path.c_str(), std::string(parsed.message()).c_str());
  CHECK(parsed.ok());
  return document;
}

EventDraft Adopt(v1::PolicyAdopted::Kind kind, const v1::PolicyDocument& document, std::string_view version) {
  v1::PolicyAdopted body;
  body.set_kind(kind);
  *body.mutable_document() = document;
  body.set_title("policy");
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "policy", "policy", v1::PolicyAdopted::Kind_Name(kind), version);
  return draft;
}

}  // namespace anamnesis
