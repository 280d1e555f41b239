#include "ledger/query/wording.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "ledger/base/status.h"
#include "ledger/query/events.h"

namespace anamnesis {

std::string Words(std::string_view enum_name) {
  std::string words(enum_name);
  absl::AsciiStrToLower(&words);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  const StatusOr<Timestamp> parsed = FromProtoTime(time, "time");
  return parsed.ok() ? FormatTime(*parsed) : "-";
}

std::string IntervalText(Timestamp earliest, Timestamp latest) {
  return earliest == latest ? FormatTime(earliest) : Text(FormatTime(earliest), " .. ", FormatTime(latest));
}

}  // namespace anamnesis
