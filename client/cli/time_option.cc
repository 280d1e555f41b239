#include "client/cli/time_option.h"

#include "client/cpp/writer.h"
#include "ledger/base/time.h"
#include "ledger/query/events.h"

namespace anamnesis::cli {

StatusOr<google::protobuf::Timestamp> TimeOrNow(std::string_view argument, const std::string& text) {
  if (text.empty()) return ToProtoTime(WallClockNow());
  const StatusOr<Timestamp> time = ParseTime(text);
  if (!time.ok()) return WithContext(time.status(), argument);
  return ToProtoTime(*time);
}

}  // namespace anamnesis::cli
