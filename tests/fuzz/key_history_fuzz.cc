// A key history: whatever can be parsed is written with the same bytes, and judging it ends, whatever it says; without
// a trusted key nothing is taken.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/custody/custody.h"
#include "ledger/custody/key_history.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {
namespace {

void CheckHistory(std::string_view bytes) {
  const StatusOr<KeyHistory> history = ParseKeyHistory(bytes);
  if (!history.ok()) return;
  CHECK(FormatKeyHistory(*history) == bytes);
  CHECK(!KeyCustody::Judge(*history, {}).ok());
  // The last key of the golden vectors, so that what is changed in a good history is judged to its end.
  static const StatusOr<VerifierKey> trusted =
      VerifierKey::Parse("acme-cardio.example/ledger+794167fc+AbzhJegDeEIOBQFn3a7zyHkLMnyp5cxBOEKAUu+1jwHv");
  CHECK(trusted.ok());
  const StatusOr<KeyCustody> custody = KeyCustody::Judge(*history, {&*trusted, 1});
  if (!custody.ok()) return;
  for (const VerifierKey& key : custody->LogKeys()) (void)custody->CheckCounts(key, custody->checkpoint());
  const StatusOr<SignedNote> note = ParseSignedNote(history->checkpoint_note);
  CHECK(note.ok());
  CHECK(custody->Open(*note, nullptr).ok());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckHistory({reinterpret_cast<const char*>(data), size});
  return 0;
}
