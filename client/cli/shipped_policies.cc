#include "client/cli/shipped_policies.h"

#include <string>

#include "google/protobuf/util/json_util.h"
#include "ledger/event/vocabulary.h"
#include "ledger/state/policies.h"

namespace anamnesis::cli {

StatusOr<v1::PolicyDocument> ParsePolicyDocument(std::string_view source, std::string_view json) {
  v1::PolicyDocument document;
  const auto parsed = google::protobuf::util::JsonStringToMessage(std::string(json), &document);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        Text(source, ": is no policy document in protobuf's JSON mapping: ", std::string(parsed.message())));
  }
  const Status valid = ValidateBody(document);
  return valid.ok() ? StatusOr<v1::PolicyDocument>(std::move(document))
                    : absl::InvalidArgumentError(Text(source, ": ", MessageOf(valid)));
}

StatusOr<v1::PolicyAdopted::Kind> KindOfDocument(std::string_view source, const v1::PolicyDocument& document) {
  v1::PolicyAdopted adopted;
  *adopted.mutable_document() = document;
  for (int kind = v1::PolicyAdopted::Kind_MIN + 1; kind <= v1::PolicyAdopted::Kind_MAX; ++kind) {
    adopted.set_kind(static_cast<v1::PolicyAdopted::Kind>(kind));
    if (IsDocumentOfKind(adopted)) return adopted.kind();
  }
  return absl::InvalidArgumentError(
      Text(source, ": must hold exactly one of gate, retention, contemporaneity, processProfile, clauseMap and ",
           "reportingClocks"));
}

}  // namespace anamnesis::cli
