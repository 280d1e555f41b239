#ifndef ANAMNESIS_CLIENT_EXPORTS_VERIFY_H_
#define ANAMNESIS_CLIENT_EXPORTS_VERIFY_H_

// An export checked offline, from its files and the ledger's verifier key alone: nothing is missing and nothing is
// there that doesn't belong, every byte is the one that was signed, whoever signed held a key of the ledger, both forms
// say the same, and every record is in the ledger and is what is cited.

#include <cstdint>
#include <set>
#include <string>

#include "client/cpp/receipt_check.h"
#include "client/exports/document.h"
#include "client/exports/manifest.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// More than any export has in one of the files that are read whole.
inline constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

struct VerifiedExport {
  Manifest manifest;
  Document document;
  Checkpoint checkpoint;
  // Who signed: "kind:id" of the key's holder in the ledger, or the name of a key that the verifier trusts by itself.
  // Whether the ledger ended the key since can't be told from an export.
  std::string signer;
  // Records whose fields are named otherwise than by this version, or not told by it or by the version that made the
  // export, so that they are the signer's words; where both tell them the values are the same.
  size_t told_otherwise = 0;
  // Records that the export has no body of, without a record of an erasure that names them: it may be that whoever
  // signed left the body out. What was erased after the export's last event is among them.
  std::set<uint64_t> bodies_not_shown_erased;
  // Records of which the export doesn't show that their writer sealed them: sealed in a run with others, with a key
  // that none of the records names, or with one that had ended. What the ledger decided by itself has no seal and isn't
  // here.
  std::set<uint64_t> seals_not_shown;
};

// A directory. INVALID_ARGUMENT: a file is missing, superfluous or malformed; UNAUTHENTICATED: something does not hold;
// FAILED_PRECONDITION below the policy's quorum.
StatusOr<VerifiedExport> VerifyDirectory(const std::string& dir, const Trust& trust);

// A directory or an archive of one, which is unpacked into a temporary directory for as long as this takes.
StatusOr<VerifiedExport> VerifyExport(const std::string& path, const Trust& trust);

// Whether this is something that VerifyExport is for.
bool LooksLikeExport(const std::string& path);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_VERIFY_H_
