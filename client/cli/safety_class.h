#ifndef ANAMNESIS_CLIENT_CLI_SAFETY_CLASS_H_
#define ANAMNESIS_CLIENT_CLI_SAFETY_CLASS_H_

// Safety classes on the command line.

#include <string>
#include <string_view>

#include "anamnesis/v1/signature.pb.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// "A", "B" or "C"; empty is unspecified. INVALID_ARGUMENT naming `option` for anything else.
StatusOr<v1::SoftwareSafetyClass> ParseSafetyClass(std::string_view option, std::string_view text);
// The letter, or "any".
std::string ClassText(v1::SoftwareSafetyClass safety_class);
// "B (level II)": with what the profile calls it.
std::string ClassText(v1::SoftwareSafetyClass safety_class,
                      const google::protobuf::RepeatedPtrField<std::string>& levels);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_SAFETY_CLASS_H_
