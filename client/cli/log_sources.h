#ifndef ANAMNESIS_CLIENT_CLI_LOG_SOURCES_H_
#define ANAMNESIS_CLIENT_CLI_LOG_SOURCES_H_

// What `anamnesis evidence compare` compares: a log where it can be read, or what somebody kept of it. Not safe for
// concurrent use.

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "client/cli/context.h"
#include "ledger/base/status.h"
#include "ledger/evidence/compare.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis::cli {

// One of the things that are compared. Exactly one of `log`, `note`, `receipt` and `leaf` is set.
struct KeptOrServed {
  // As the user named it.
  std::string name;
  std::unique_ptr<LogSource> log;
  // A saved checkpoint.
  std::optional<std::string> note;
  // NAME.tlog-proof with NAME.leaf.
  std::optional<ProvenLeaf> receipt;
  LeafIndex receipt_index;
  // NAME.leaf, whose seal is over a run of one.
  std::optional<SealedHeader> leaf;
};

// HOST:PORT, file:DIR, tiles:DIR (what a node serves over HTTP, saved), or a file. INVALID_ARGUMENT when it is none of
// them or the file is none that can be compared; UNAVAILABLE when a ledger can't be opened.
StatusOr<KeptOrServed> OpenKeptOrServed(const std::string& name, const Common& common);

struct Compared {
  LogComparison found;
  // Why nothing at all was compared; empty when something was.
  std::string why_not;
};

// Compares two of them, with the log's keys. Fails when what one of them says is not signed with these, or not proven
// (UNAUTHENTICATED), or when they can't be of one log or stream (INVALID_ARGUMENT).
StatusOr<Compared> Compare(KeptOrServed& one, KeptOrServed& other, std::span<const VerifierKey> keys);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_LOG_SOURCES_H_
