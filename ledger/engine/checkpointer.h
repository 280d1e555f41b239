#ifndef ANAMNESIS_LEDGER_ENGINE_CHECKPOINTER_H_
#define ANAMNESIS_LEDGER_ENGINE_CHECKPOINTER_H_

// Signs checkpoints, and only over bytes that were read back from the store and hashed again, off the commit path: a
// transparency log was once retired because a stored leaf differed from the one that had been hashed.

#include <mutex>
#include <string>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/frontier.h"
#include "ledger/note/checkpoint.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Safe for concurrent use.
class Checkpointer {
 public:
  // `store` must outlive it. `file` is where the newest note is kept beside the database. `key.name` is the origin.
  Checkpointer(Store& store, NamedKey key, std::string file);

  // Takes up the newest checkpoint kept in the file, if any: leaves below it were read back before it was signed.
  // DATA_LOSS: the ledger of `size` leaves doesn't hold what the checkpoint says, so it was cut off or changed.
  Status Load(TreeSize size);

  // A note over the first `size` leaves, at least as many as in any note before. Reads the leaves since the last one.
  // OUT_OF_RANGE: the ledger is empty. DATA_LOSS: a stored leaf is not the one that was hashed.
  StatusOr<std::string> Sign(TreeSize size);

  VerifierKey verifier_key() const { return VerifierKeyOf(key_); }

 private:
  Status ReadBack(TreeSize size);
  Status Keep(const std::string& note) const;

  Store& store_;
  const NamedKey key_;
  const std::string file_;
  std::mutex mutex_;
  // Guarded by mutex_: the leaves read back, and the note over them.
  Frontier verified_;
  std::string note_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_CHECKPOINTER_H_
