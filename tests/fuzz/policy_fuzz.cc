// A policy file: whatever can be parsed means the same after it was written and parsed again, and holds what its header
// promises.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/note/policy.h"

namespace anamnesis {
namespace {

void CheckPolicy(std::string_view bytes) {
  const StatusOr<Policy> policy = Policy::Parse(bytes);
  if (!policy.ok()) return;
  const std::string text = policy->Format();
  const StatusOr<Policy> again = Policy::Parse(text);
  CHECK(again.ok());
  CHECK(*again == *policy);
  CHECK(again->Format() == text);
  for (const Policy::Group& group : policy->groups()) {
    CHECK(group.threshold >= 1 && group.threshold <= group.members.size());
  }
  // A checkpoint that nobody signed is below every policy.
  CHECK(!policy->Check({"o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", {}}).ok());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckPolicy({reinterpret_cast<const char*>(data), size});
  return 0;
}
