#ifndef ANAMNESIS_LEDGER_MERKLE_TREE_HASH_H_
#define ANAMNESIS_LEDGER_MERKLE_TREE_HASH_H_

// The hashes of RFC 6962 section 2.1. The prefixes keep a leaf from ever being read as an inner node. Pure, nothing
// fails, safe from any thread.

#include <span>
#include <string_view>

#include "ledger/base/digest.h"

namespace anamnesis {

// The root of the tree without leaves: SHA-256 of nothing.
Digest EmptyRoot();
// SHA-256(0x00 || leaf).
Digest LeafHash(std::string_view leaf);
// SHA-256(0x01 || left || right).
Digest NodeHash(const Digest& left, const Digest& right);
// The root over leaves given by their leaf hashes, in order. Costs one node hash per leaf and a copy of the span.
Digest RootOfLeafHashes(std::span<const Digest> leaf_hashes);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_MERKLE_TREE_HASH_H_
