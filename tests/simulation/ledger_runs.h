#ifndef ANAMNESIS_TESTS_SIMULATION_LEDGER_RUNS_H_
#define ANAMNESIS_TESTS_SIMULATION_LEDGER_RUNS_H_

// Batches of signed runs, so that what is replicated can be applied by the real ledger (TestLedger).

#include <cstdint>
#include <vector>

#include "absl/container/btree_map.h"
#include "ledger/base/digest.h"
#include "ledger/commit/apply.h"
#include "tests/support/test_run.h"

namespace anamnesis {

class LedgerRuns {
 public:
  LedgerRuns();
  // Makes the batch of this number: number 1 founds the ledger, others hold the next run of one of a few writers. What
  // of it is accepted depends on the order, as it should.
  Digest MakeBatch(uint64_t number);
  const Batch& Find(const Digest& digest) const { return batches_.at(digest); }

 private:
  std::vector<TestWriter> writers_;
  absl::btree_map<Digest, Batch> batches_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SIMULATION_LEDGER_RUNS_H_
