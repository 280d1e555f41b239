#ifndef ANAMNESIS_LEDGER_ENGINE_LOG_PIECE_H_
#define ANAMNESIS_LEDGER_ENGINE_LOG_PIECE_H_

// One piece of a stored log (trusted_tree.h), held against what it must hash to, and mended: the leaves, the tile of
// their hashes, and their bodies. What is whole is not touched, and what is written was verified: a leaf by the piece's
// hash, a body by its leaf.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/repair_source.h"
#include "ledger/engine/trusted_tree.h"
#include "ledger/event/header.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Something that was found wrong, and what became of it.
struct Damage {
  // The leaf that is wrong, or whose body is.
  std::optional<LeafIndex> leaf;
  std::string what;
  bool mended = false;
  // How it was mended, or why it wasn't.
  std::string outcome;

  std::string Line() const { return Text(what, mended ? ": mended: " : ": NOT mended: ", outcome); }
};

// Used by one thread. Memory: the leaves, and one body.
class LogPiece {
 public:
  // Whether the body of a leaf was erased; nullopt when that isn't known yet.
  using Erased = std::function<StatusOr<std::optional<bool>>(LeafIndex)>;
  // Writes rows, all or none, synced.
  using Write = std::function<Status(const Rows& rows)>;

  // `rows` and `tree` outlive it.
  LogPiece(const RowReader& rows, const TrustedTree& tree, uint64_t number);

  // Reads all and finds what is wrong. Fails as `erased` does.
  Status Check(const Erased& erased);
  // Fetches what is wrong and writes it. `source` is null for none. Rows that the storage can't read stay as they are,
  // unless `unreadable_too`: written over, they would still be in the file that can't be read. What can't be mended is
  // said in damage(); fails as `write` and `erased` do, and CANCELLED as the source does.
  Status Mend(RepairSource* source, const Erased& erased, bool unreadable_too, const Write& write);

  const std::vector<Damage>& damage() const { return damage_; }
  // Whether a row couldn't be read at all.
  bool unreadable() const { return unreadable_; }
  uint64_t bytes_read() const { return bytes_read_; }
  // Leaves without a body or with a wrong one, of which it isn't known whether they were erased.
  bool undecided() const { return undecided_; }
  // Leaf hashes as the root vouches for them; empty when neither leaves nor tile have them.
  const std::vector<Digest>& hashes() const { return hashes_; }
  // The bytes of a leaf, by its place in the piece; nullptr when it is wrong.
  const std::string* leaf(uint32_t place) const;
  // Those whose header names this type.
  std::vector<LeafIndex> OfType(std::string_view type) const;

 private:
  struct Leaf {
    std::optional<std::string> bytes;
    // Why there are none.
    std::string missing;
    bool unreadable = false;
    Digest hash;
    bool right = false;
    std::optional<ParsedHeader> header;
    bool erasable = false;
    // Places in damage_.
    std::optional<size_t> damage;
    std::optional<size_t> body_damage;
    bool body_unreadable = false;
    bool erase = false;
  };

  uint64_t Index(uint32_t place) const { return first_ + place; }
  size_t AddDamage(std::optional<uint64_t> leaf, std::string what);
  void ReadLeaves();
  void ReadLeaf(uint32_t place);
  void FindHashes();
  void SetRight(Leaf& leaf);
  Status CheckBody(uint32_t place, const Erased& erased);
  Status MendLeaves(RepairSource* source, bool unreadable_too, const Write& write);
  Status FetchLeaves(RepairSource& source, std::vector<std::optional<std::string>>& fetched);
  Status MendBody(uint32_t place, RepairSource* source, bool unreadable_too, const Write& write);
  void SetOutcome(const std::optional<size_t>& damage, bool mended, std::string_view outcome);

  const RowReader& rows_;
  const uint64_t number_;
  const uint64_t first_;
  const Digest expected_;
  std::vector<Leaf> leaves_;
  std::vector<Digest> hashes_;
  std::optional<size_t> tile_damage_;
  bool tile_unreadable_ = false;
  std::vector<Damage> damage_;
  bool unreadable_ = false;
  bool undecided_ = false;
  uint64_t bytes_read_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_LOG_PIECE_H_
