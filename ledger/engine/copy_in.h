#ifndef ANAMNESIS_LEDGER_ENGINE_COPY_IN_H_
#define ANAMNESIS_LEDGER_ENGINE_COPY_IN_H_

// The receiving side of a copy: brings the ledger in a directory, which holds a beginning of the same log or nothing of
// it yet, to the state of another node's (copy_out.h). The giver's word is taken only as far as it can be checked:
// every event is verified as fsck does, seals included, and all of them together must have the manifest's root. What
// the manifest says of the order (revision, batches, members) nothing here can check.
//
// Nothing of the ledger changes until everything is here and verified: events that are copied lie beyond its size.
// A marker in the store says that they do. While it is there the directory is no ledger that can be opened
// (Ledger::Open), so nothing is applied to half a copy; the next CopyIn goes on with it. Batches that are staged stay:
// this node may be one of the majority that keeps them.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/internal/copy.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Makes `dir` (created if needed) the place for a copy of the ledger `origin`, with a checkpoint key of its own and
// nothing else; does nothing when it is one already, or holds that ledger. INVALID_ARGUMENT: bad origin;
// ALREADY_EXISTS: it holds another ledger; anything that writing files fails with.
Status JoinLedger(const std::string& dir, std::string_view origin);

// Whether a copy was begun in a directory, which no process has open, and isn't finished. Fails as OpenRocksStore does.
StatusOr<bool> CopyIsUnfinished(const std::string& dir);

struct CopyOptions {
  // Threads that verify; 0 means one for each processor.
  size_t threads = 0;
  size_t cache_bytes = 256u << 20;
  // Nothing is written while less is free than this and what is to be written.
  uint64_t disk_reserve_bytes = 64u << 20;
  // Asked now and then, from the calling thread; true ends the call with CANCELLED.
  std::function<bool()> cancelled = [] { return false; };
  // Gets one line for each thing an operator should know.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

// One copy; used by one thread, and by nobody else at the same time. After a failure only Abandon may be called, or it
// is destroyed, which leaves what was received for the next. DATA_LOSS from any method: the bytes on this disk are
// wrong. RESOURCE_EXHAUSTED: the disk is full.
class CopyIn {
 public:
  // Opens the directory, and verifies again what an earlier copy left there. Fails as Ledger::Open does.
  static StatusOr<std::unique_ptr<CopyIn>> Open(const std::string& dir, const CopyOptions& options);
  virtual ~CopyIn() = default;

  virtual const std::string& origin() const = 0;
  // Applied before the copy.
  virtual Revision revision() const = 0;
  // The events that are here, applied or copied: what comes next.
  virtual TreeSize size() const = 0;
  // The note on the state before the copy (Ordered::note).
  virtual const std::optional<std::string>& note() const = 0;

  // Says what will be received. INVALID_ARGUMENT: it can't be. FAILED_PRECONDITION: it is another ledger, has less than
  // is here, or lacks batches that were applied here; nothing was begun.
  virtual Status Begin(const internal::CopyManifest& manifest) = 0;
  // Takes the next events. INVALID_ARGUMENT, naming the leaf: they are not what they should be.
  virtual Status Add(const internal::CopyChunk& chunk) = 0;
  // When all are here: makes the directory the ledger that the manifest says, in one write. INVALID_ARGUMENT: the
  // events are not those of the manifest. FAILED_PRECONDITION: not all are here; or one came without its body, which no
  // event of the manifest erased. One that came later may have, while this was sent, so what was copied is worth
  // keeping for a newer manifest; under that it is INVALID_ARGUMENT.
  virtual Status Finish() = 0;

  // Removes what was copied, so that the directory holds what it did before. To be called after INVALID_ARGUMENT,
  // because what is wrong may be what was copied earlier.
  virtual Status Abandon() = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_COPY_IN_H_
