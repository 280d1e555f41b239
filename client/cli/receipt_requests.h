#ifndef ANAMNESIS_CLIENT_CLI_RECEIPT_REQUESTS_H_
#define ANAMNESIS_CLIENT_CLI_RECEIPT_REQUESTS_H_

// ReceiptService for the verb `receipt`: how it is reached, and receipts taken from it as files (receipts.h).

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/cli/context.h"
#include "client/cli/trust.h"
#include "client/cpp/receipt_client.h"

namespace anamnesis::cli {

// Of the nodes that `common` names, or of a ledger opened in this process.
StatusOr<std::unique_ptr<ReceiptClient>> ConnectReceipts(const Common& common);

// A request for leaves by their indexes or event ids. INVALID_ARGUMENT for anything else.
StatusOr<v1::GetReceiptsRequest> RequestReceipts(const Common& common, const std::vector<std::string>& leaves,
                                                 bool cose);

// Writes one receipt of an answer: NAME.cose where there is one, else NAME.tlog-proof; NAME.leaf and, if it is there,
// NAME.body. Returns the receipt's path.
StatusOr<std::string> WriteForms(const v1::ReceiptForms& forms, const std::string& name);

// A receipt that was replaced by one under a newer checkpoint.
struct Refreshed {
  std::string file;
  LeafIndex index;
  TreeSize from;
  TreeSize to;
};

// --witnessed and --wait.
struct WitnessedOptions {
  bool witnessed = false;
  int64_t wait_seconds = 0;

  std::chrono::seconds within() const { return std::chrono::seconds(wait_seconds); }
};

// Replaces receipts (NAME.tlog-proof or NAME.cose) by ones of the same leaves under the ledger's newest checkpoint.
// First everything is verified, and only then is anything written: the old receipts, that the new checkpoint continues
// the old ones, and the new receipts. `trust` without keys and policy stands for the key that the ledger names.
// UNAUTHENTICATED, naming the file: something of this does not hold; keep the old receipts, which are evidence then.
// UNAVAILABLE also when the ledger has fewer events than an old receipt's checkpoint. A receipt whose checkpoint has
// cosignatures, or that a policy wants them of, gets the newest witnessed checkpoint; FAILED_PRECONDITION, naming the
// file, when that lacks one that was there and no policy's quorum says what is enough.
StatusOr<std::vector<Refreshed>> RefreshReceipts(const Common& common, const std::vector<std::string>& files,
                                                 const TrustOptions& trust, const WitnessedOptions& witnessed);

// Asks for a COSE receipt that the ledger's newest checkpoint continues the one in `old_file`, verifies all of it, and
// writes it to NAME.cose, `out`, with the older checkpoint as NAME.older beside it. `trust` as above. UNAUTHENTICATED:
// it is not shown to continue it, and both are evidence then. NOT_FOUND: the ledger has nothing newer.
// FAILED_PRECONDITION: the policy asks for cosignatures.
struct Continued {
  std::string file;
  CheckedConsistency checkpoints;
};
StatusOr<Continued> WriteConsistencyReceipt(const Common& common, const std::string& old_file, const std::string& out,
                                            const TrustOptions& trust);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_RECEIPT_REQUESTS_H_
