#include "tests/simulation/ledger_runs.h"

#include <utility>

#include "ledger/base/check.h"
#include "ledger/base/status.h"
#include "ledger/crypto/sha256.h"
#include "ledger/rules/admit.h"

namespace anamnesis {

LedgerRuns::LedgerRuns() {
  writers_.emplace_back("person", "ada", 1);
  writers_.emplace_back("person", "ada", 1, kTestOrigin, "person/ada/north");
  writers_.emplace_back("person", "ada", 1, kTestOrigin, "person/ada/south");
}

Digest LedgerRuns::MakeBatch(uint64_t number) {
  TestWriter& writer = writers_[number % writers_.size()];
  v1::Run run = number == 1 ? writers_[0].Write(FoundingDrafts(writers_[0]))
                            : writer.Write({ReferToDocument(Text("document-", number))});
  StatusOr<AdmittedRun> admitted = AdmitRun(std::move(run), kTestOrigin);
  CHECK(admitted.ok());
  Batch batch;
  batch.proposed = Timestamp(kTestStart.us + static_cast<int64_t>(number));
  batch.runs.push_back(std::make_shared<const AdmittedRun>(*std::move(admitted)));
  const Digest digest = Sha256(Text("ledger batch ", number));
  batches_.emplace(digest, std::move(batch));
  return digest;
}

}  // namespace anamnesis
