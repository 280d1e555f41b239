#ifndef ANAMNESIS_LEDGER_ENGINE_FSCK_H_
#define ANAMNESIS_LEDGER_ENGINE_FSCK_H_

// Checks a whole ledger from its bytes: every leaf, chain, seal, body, tile, the signed checkpoint and every projection
// row are computed again and compared. It believes nothing but the signatures, changes nothing, and goes on after what
// it finds wrong.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/store/store.h"

namespace anamnesis {

struct FsckOptions {
  // Threads that read, hash and verify; 0 means one for each processor.
  size_t threads = 0;
  size_t cache_bytes = 256u << 20;
  // Called now and then, from the calling thread, with the leaves done and their number.
  std::function<void(uint64_t done, uint64_t total)> progress = [](uint64_t, uint64_t) {};
};

struct FsckProblem {
  // The leaf that is wrong, or whose body is; none when it is something else: a tile, the checkpoint, a projection.
  std::optional<LeafIndex> leaf;
  std::string what;
};

struct FsckReport {
  std::string origin;
  TreeSize size;
  // The root over the leaves; where a leaf is wrong, over the hash that the tree committed to, as far as it is known.
  Digest root;
  uint64_t events = 0;
  uint64_t seals = 0;
  uint64_t bodies = 0;
  uint64_t erased_bodies = 0;
  uint64_t index_rows = 0;
  // At most 100; those of leaves first, ascending.
  std::vector<FsckProblem> problems;
  bool problems_cut_off = false;
  std::optional<LeafIndex> first_wrong_leaf;

  bool ok() const { return problems.empty(); }
};

// Checks the ledger in `dir`, which no process may be writing. NOT_FOUND: no ledger there. FAILED_PRECONDITION: its
// format is newer than this program, or it is a copy that isn't finished. DATA_LOSS or INTERNAL: the storage can't be
// opened at all. What is wrong with a ledger that can be opened is in the report.
StatusOr<FsckReport> Fsck(const std::string& dir, const FsckOptions& options);

// A ledger wherever its parts are.
struct FsckSubject {
  // For messages.
  std::string name;
  // Which nobody writes.
  std::unique_ptr<Store> store;
  std::string key_path;
  // The newest checkpoint, or why there is none.
  StatusOr<std::string> checkpoint;
  // Projection rows are known to be damaged.
  bool projections_damaged = false;
};

// The same of a ledger whose storage is open.
StatusOr<FsckReport> Fsck(FsckSubject subject, const FsckOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FSCK_H_
