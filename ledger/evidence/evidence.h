#ifndef ANAMNESIS_LEDGER_EVIDENCE_EVIDENCE_H_
#define ANAMNESIS_LEDGER_EVIDENCE_EVIDENCE_H_

// Evidence that somebody signed two things that can't both be true: one text file, readable by a person, with all that
// a third party needs but the keys that it trusts (deploy/decisions/0023-equivocation.md). What a file claims means
// nothing until it was judged (judge.h). Pure; safe from any thread and for any input.
//
//     anamnesis-evidence@v1
//     split-view
//     # One log, one size, two roots.
//     key acme-cardio.example/ledger+34af482e+ARdF...
//     note
//     | acme-cardio.example/ledger
//     | 12
//     ...
//
// A line of a signed note is written after "| ", an empty one as "|", so that a file holds whole notes and no line of
// one can be taken for a line of the file. There is one spelling for each file.

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kEvidenceBytesMax = size_t{4} * 1024 * 1024;

// A signed note, byte for byte, and the verifier key, as text, of the log that signed it.
struct SignedTree {
  std::string key;
  std::string note;
  friend bool operator==(const SignedTree&, const SignedTree&) = default;
};

// Two trees of one size with different roots.
struct SplitView {
  SignedTree one;
  SignedTree other;
  friend bool operator==(const SplitView&, const SplitView&) = default;
};

// Two trees of different sizes, of which the smaller is no prefix of the larger. A consistency proof that fails says
// nothing, since anybody can make a bad one. This one holds, in the larger tree, and shows what root its first leaves
// have: another than the one that was signed.
struct RewrittenHistory {
  SignedTree older;
  SignedTree newer;
  // RFC 6962 consistency from the older size to the newer, in the newer tree. It begins with the node that both roots
  // are rebuilt from, also where RFC 6962 leaves that out because it is the whole older tree.
  std::vector<Digest> proof;
  friend bool operator==(const RewrittenHistory&, const RewrittenHistory&) = default;
};

// A leaf under a signed tree.
struct ProvenLeaf {
  SignedTree tree;
  // The whole leaf; empty when only its hash is known.
  std::string leaf;
  Digest leaf_hash;
  // The audit path.
  std::vector<Digest> path;
  friend bool operator==(const ProvenLeaf&, const ProvenLeaf&) = default;
};

// Two trees with different leaves at one index: a receipt whose leaf was dropped or replaced, or two histories.
struct ReplacedLeaf {
  LeafIndex index;
  ProvenLeaf one;
  ProvenLeaf other;
  friend bool operator==(const ReplacedLeaf&, const ReplacedLeaf&) = default;
};

// A header that is under a writer's seal.
struct SealedHeader {
  std::string header;
  // Its place in the run, from 0, and the audit path to the run's root.
  LeafIndex place;
  std::vector<Digest> path;
  std::string statement;
  std::string signature;
  friend bool operator==(const SealedHeader&, const SealedHeader&) = default;
};

// Two events that one writer's key sealed for one place of its stream. What is sealed says the rest; it is repeated
// here for readers, and must agree.
struct ForkedStream {
  std::string origin;
  std::string stream;
  StreamPosition position;
  // The public key, in hexadecimal.
  std::string key;
  SealedHeader one;
  SealedHeader other;
  friend bool operator==(const ForkedStream&, const ForkedStream&) = default;
};

using Evidence = std::variant<SplitView, RewrittenHistory, ReplacedLeaf, ForkedStream>;

// "split-view", "rewritten-history", "replaced-leaf" or "forked-stream".
std::string_view EvidenceKind(const Evidence& evidence);

std::string FormatEvidence(const Evidence& evidence);
// INVALID_ARGUMENT, naming the line, unless `bytes` is exactly what FormatEvidence writes, within kEvidenceBytesMax.
// Verifies nothing.
StatusOr<Evidence> ParseEvidence(std::string_view bytes);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVIDENCE_EVIDENCE_H_
