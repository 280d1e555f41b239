// A seal: a signature of 64 bytes, then the statement. Without the key, no input is a seal of the run that it names.

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/event/seal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace anamnesis;
  google::protobuf::SetLogHandler(nullptr);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const SealView view{bytes.substr(std::min<size_t>(size, 64)), bytes.substr(0, 64)};
  const StatusOr<ParsedSeal> parsed = ParseSealStatement(view.statement);
  const StatusOr<ParsedSeal> verified = VerifySeal(view);
  CHECK(parsed.ok() || !verified.ok());
  if (!parsed.ok()) return 0;
  // Headers that nobody sealed. A statement that names them can be made up; then its signature is wrong.
  const std::string_view headers[] = {"nobody sealed this"};
  const Status fits = CheckSealFitsRun(*parsed, parsed->statement.origin(), parsed->statement.stream(),
                                       parsed->statement.first_position(), headers);
  CHECK(!fits.ok() || !verified.ok());
  return 0;
}
