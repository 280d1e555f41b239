// ReadService.GetStreamHead: where the last event of that stream is, or position 0 when it has none.

#include <cstddef>
#include <cstdint>

#include "ledger/crypto/sha256.h"
#include "ledger/event/leaf.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

void Fuzz(const v1::GetStreamHeadRequest& request) {
  SmallLedger& ledger = SharedLedger();
  const auto answer = Ask(ledger.read(), &ReadService::GetStreamHead, request);
  CheckStatus(answer.status, {});
  uint64_t position = 0;
  std::string digest(32, '\0');
  for (const v1::Event& event : ledger.events()) {
    if (event.header().stream() != request.stream()) continue;
    position = event.header().stream_position();
    digest = Sha256(ParseLeaf(event.leaf()).value().header).bytes();
  }
  CHECK(answer.reply.stream() == request.stream());
  CHECK(answer.reply.position() == position);
  CHECK(answer.reply.digest() == digest);
  CHECK(answer.reply.has_writer() == (position > 0));
  CHECK(answer.reply.tree_size() == ledger.events().size());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto request = anamnesis::ParseRequest<anamnesis::v1::GetStreamHeadRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*request);
  return 0;
}
