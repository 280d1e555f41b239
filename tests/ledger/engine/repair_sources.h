#ifndef ANAMNESIS_TESTS_LEDGER_ENGINE_REPAIR_SOURCES_H_
#define ANAMNESIS_TESTS_LEDGER_ENGINE_REPAIR_SOURCES_H_

// Peers to repair from: one that gives what is in a directory, and one that lies.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "ledger/base/check.h"
#include "ledger/engine/copy_out.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/repair_source.h"
#include "ledger/store/store.h"

namespace anamnesis {

class DirectorySource : public RepairSource {
 public:
  explicit DirectorySource(const std::string& dir) {
    StoreOptions options;
    options.read_only = true;
    auto store = OpenRocksStore(DatabasePath(dir), options);
    CHECK(store.ok());
    store_ = *std::move(store);
  }

  std::string name() const override { return "the peer"; }
  StatusOr<internal::CopyChunk> Read(LeafIndex first, TreeSize limit) override {
    ++calls;
    return CopyOut(*store_).Chunk(first, limit, 20000);
  }

  int calls = 0;

 private:
  std::unique_ptr<Store> store_;
};

// Changes what another gives.
class LyingSource : public RepairSource {
 public:
  using Lie = std::function<StatusOr<internal::CopyChunk>(internal::CopyChunk)>;
  LyingSource(RepairSource& source, Lie lie) : source_(source), lie_(std::move(lie)) {}

  std::string name() const override { return "the liar"; }
  StatusOr<internal::CopyChunk> Read(LeafIndex first, TreeSize limit) override {
    ASSIGN_OR_RETURN(internal::CopyChunk chunk, source_.Read(first, limit));
    return lie_(std::move(chunk));
  }

 private:
  RepairSource& source_;
  const Lie lie_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_ENGINE_REPAIR_SOURCES_H_
