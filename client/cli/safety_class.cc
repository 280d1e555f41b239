#include "client/cli/safety_class.h"

#include "absl/strings/str_join.h"

namespace anamnesis::cli {

StatusOr<v1::SoftwareSafetyClass> ParseSafetyClass(std::string_view option, std::string_view text) {
  if (text.empty()) return v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  if (text == "A" || text == "a") return v1::SOFTWARE_SAFETY_CLASS_A;
  if (text == "B" || text == "b") return v1::SOFTWARE_SAFETY_CLASS_B;
  if (text == "C" || text == "c") return v1::SOFTWARE_SAFETY_CLASS_C;
  return absl::InvalidArgumentError(Text(option, ": \"", text, "\" is none of A, B and C"));
}

std::string ClassText(v1::SoftwareSafetyClass safety_class) {
  switch (safety_class) {
    case v1::SOFTWARE_SAFETY_CLASS_A:
      return "A";
    case v1::SOFTWARE_SAFETY_CLASS_B:
      return "B";
    case v1::SOFTWARE_SAFETY_CLASS_C:
      return "C";
    default:
      return "any";
  }
}

std::string ClassText(v1::SoftwareSafetyClass safety_class,
                      const google::protobuf::RepeatedPtrField<std::string>& levels) {
  std::string text = ClassText(safety_class);
  if (!levels.empty()) text += Text(" (level ", absl::StrJoin(levels, ", "), ")");
  return text;
}

}  // namespace anamnesis::cli
