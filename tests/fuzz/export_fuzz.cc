// export.json of an export that anybody may have written: whatever is read is written with the same bytes and can be
// shown as a page, which says the same.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/exports/compare.h"
#include "client/exports/content.h"
#include "client/exports/html.h"
#include "client/exports/json.h"
#include "ledger/base/check.h"

namespace anamnesis::exports {
namespace {

void CheckJson(std::string_view json) {
  const StatusOr<Document> document = ReadJson(json);
  if (!document.ok()) return;
  CHECK(WriteJson(*document) == json);
  CHECK(Compare(*document, *document).same());
  const StatusOr<Digest> shown = ContentDigestOfHtml(WriteHtml(*document));
  Document clean = *document;
  CleanTexts(clean);
  // A page can't hold other characters.
  if (WriteJson(clean) == json) CHECK(shown.ok() && *shown == ContentDigestOf(*document));
}

}  // namespace
}  // namespace anamnesis::exports

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  anamnesis::exports::CheckJson(input);
  return 0;
}
