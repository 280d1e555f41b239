#ifndef ANAMNESIS_LEDGER_ENGINE_REPAIR_SOURCE_H_
#define ANAMNESIS_LEDGER_ENGINE_REPAIR_SOURCE_H_

// Where good bytes come from: another replica of the ledger. Nothing that it gives is taken on trust.

#include <cstdint>
#include <functional>
#include <string>

#include "anamnesis/internal/copy.pb.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Used by one thread at a time.
class RepairSource {
 public:
  virtual ~RepairSource() = default;

  // Who it is, for messages.
  virtual std::string name() const = 0;
  // Events from `first` on as it holds them, in the order of the log: at least one, below `limit`, which is above
  // `first`. Bodies that it doesn't hold are absent. UNAVAILABLE: it can't be asked now, or doesn't hold them.
  virtual StatusOr<internal::CopyChunk> Read(LeafIndex first, TreeSize limit) = 0;
};

// Hands each event of [first, limit) to `take`, in order, asking as often as it takes; ends with what `take` fails
// with. DATA_LOSS: what came are not the events that were asked for. Otherwise fails as the source does, which is
// named.
Status ReadAll(RepairSource& source, LeafIndex first, TreeSize limit,
               const std::function<Status(uint64_t index, internal::CopiedEvent event)>& take);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_REPAIR_SOURCE_H_
