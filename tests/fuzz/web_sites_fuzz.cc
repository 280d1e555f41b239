// What a node serves over HTTP, for any method, target and body: an answer with a status that is documented, tiles and
// receipts that verify, and nothing that can't be a header. The input is "METHOD TARGET\n", then the body.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "ledger/base/check.h"
#include "ledger/cose/cbor.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/merkle/tiles.h"
#include "ledger/note/verifier_key.h"
#include "node/checkpoint/own_audit.h"
#include "node/checkpoint/publisher.h"
#include "node/checkpoint/witness.h"
#include "node/web/log_site.h"
#include "node/web/scitt_site.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

// The sites of a ledger whose checkpoint is published, and that cosigns it.
class Sites {
 public:
  Sites() {
    Ledger& ledger = SharedLedger().ledger();
    WitnessOptions witness{SharedLedger().dir() + "/witness", {"test.example/node", KeyOfSeed(9)}};
    witness.logs.push_back({std::string(kTestOrigin), {key_}, [this](TreeSize size) { return audit_->RootAt(size); }});
    witness_ = Witness::Open(std::move(witness)).value();
    audit_ = std::make_unique<OwnAudit>(ledger, std::string(kTestOrigin), std::nullopt);
    PublisherOptions options;
    options.log_keys = [this](LogKeyUse) { return StatusOr<std::vector<VerifierKey>>({key_}); };
    options.witness = witness_.get();
    options.audit = audit_.get();
    publisher_ = Publisher::Start(ledger, std::move(options)).value();
    while (!witness_->LastCosigned(kTestOrigin).has_value()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    log_ = std::make_unique<LogSite>(ledger, *publisher_, *witness_, WebAccess{true, nullptr});
    scitt_ = std::make_unique<ScittSite>(ledger, *publisher_, WebAccess{true, nullptr});
  }

  const VerifierKey& key() const { return key_; }
  WebAnswer Answer(const WebRequest& request) {
    return ScittSite::Serves(request.target) ? scitt_->Answer(request) : log_->Answer(request);
  }

 private:
  const VerifierKey key_ = VerifierKey::Parse(SharedLedger().ledger().GetStatus().verifier_key()).value();
  std::unique_ptr<Witness> witness_;
  std::unique_ptr<OwnAudit> audit_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<LogSite> log_;
  std::unique_ptr<ScittSite> scitt_;
};

bool IsHeaderValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void CheckReceipt(std::string_view body, const VerifierKey& key) {
  const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(body);
  CHECK(receipt.ok());
  const v1::Event& event = SharedLedger().events()[std::get<CoseInclusion>(receipt->proof).index.value];
  const std::string subject = SubjectOfEvent(EventId::FromBytes(event.header().event_id()).value());
  CHECK(VerifyCoseInclusion(*receipt, event.leaf(), subject, {&key, 1}).ok());
}

void CheckProblem(std::string_view body) {
  CborReader reader(body);
  CHECK(reader.Expect(CborKind::kMap, 2, "problem").ok());
  for (const uint64_t label : {0, 1}) {
    CHECK(reader.Expect(CborKind::kNegative, label, "label").ok() && reader.TextString("text").ok());
  }
  CHECK(reader.End("problem").ok());
}

void Fuzz(std::string_view input) {
  // Ends before the ledger that it begins with: its threads read that.
  static Sites sites;
  const std::string_view line = input.substr(0, input.find('\n'));
  const size_t blank = std::min(line.find(' '), line.size());
  WebRequest request;
  request.method = line.substr(0, blank);
  request.target = line.substr(std::min(blank + 1, line.size()));
  request.body = input.substr(std::min(line.size() + 1, input.size()));
  const WebAnswer answer = sites.Answer(request);
  const int known[] = {200, 400, 403, 404, 405, 409, 422};
  CHECK(std::find(std::begin(known), std::end(known), answer.status) != std::end(known));
  CHECK(IsHeaderValue(answer.content_type) && IsHeaderValue(answer.cache_control));
  CHECK(answer.allow.has_value() == (answer.status == 405) && IsHeaderValue(answer.allow.value_or("")));
  CHECK(answer.status == 200 || answer.cache_control == "no-store");
  CHECK(answer.status == 405 || answer.status != 200 || request.reads() || request.target == "/add-checkpoint");
  if (answer.content_type == "application/cose") CheckReceipt(answer.body, sites.key());
  if (answer.content_type == "application/concise-problem-details+cbor") CheckProblem(answer.body);
  if (answer.content_type == "application/octet-stream") {
    const TilePathParts tile = ParseTilePath(request.target.substr(1)).value();
    CHECK(tile.entries || answer.body.size() == tile.width * Digest::kSize);
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
