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

std::string QuantityText(std::string_view value, std::string_view unit) {
  if (unit.empty() || unit == "1") return std::string(value);
  return Text(value, unit == "%" ? "" : " ", unit);
}

std::string IntervalText(Timestamp earliest, Timestamp latest) {
  return earliest == latest ? FormatTime(earliest) : Text(FormatTime(earliest), " .. ", FormatTime(latest));
}

std::string UnitStateText(v1::UnitState state) {
  switch (state) {
    case v1::UNIT_IN_SERVICE:
      return "in service";
    case v1::UNIT_DECOMMISSIONED:
      return "decommissioned";
    case v1::UNIT_UNCERTAIN:
      return "uncertain: records overlap in time";
    default:
      return "not known to be in service at that time";
  }
}

}  // namespace anamnesis
