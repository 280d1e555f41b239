#ifndef ANAMNESIS_NODE_WEB_SCITT_SITE_H_
#define ANAMNESIS_NODE_WEB_SCITT_SITE_H_

// The ledger's receipts as a SCITT transparency service serves them (draft-ietf-scitt-scrapi), for programs that read
// COSE and not C2SP's formats:
//
//   GET  /.well-known/scitt-keys           the keys that this node's receipts verify with, a COSE_KeySet
//   GET  /.well-known/scitt-keys/<kid>     one of them, a COSE_Key; <kid> in base64url
//   GET  /entries/<event id or leaf index> the event's receipt (RFC 9942), over the checkpoint that /checkpoint gives
//   POST /entries                          405: events are registered over gRPC
//
// What a receipt proves is in the log is the whole leaf, which /tile/entries has. What can't be answered is said as
// concise problem details (RFC 9290). Nothing beyond the published checkpoint is shown; an event that is in the ledger
// and not under it yet gets 503 with Retry-After. Keys that were revoked are not shown, also while no other signs.
//
// Who may ask ReceiptService over gRPC may ask here, and everybody when reading is public. Safe for concurrent use and
// for any request; a call waits for the disk.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"
#include "ledger/note/verifier_key.h"
#include "node/checkpoint/publisher.h"
#include "node/web/web_call.h"

namespace anamnesis {

class ScittSite {
 public:
  // Both outlive it.
  ScittSite(Ledger& ledger, const Publisher& publisher, WebAccess access)
      : ledger_(ledger), publisher_(publisher), access_(std::move(access)) {}

  // Whether a request for this target is for Answer.
  static bool Serves(std::string_view target);
  WebAnswer Answer(const WebRequest& request);

 private:
  StatusOr<std::vector<VerifierKey>> Keys() const;
  WebAnswer AnswerKeys() const;
  WebAnswer AnswerKey(std::string_view key_id) const;
  WebAnswer AnswerEntry(std::string_view entry);

  Ledger& ledger_;
  const Publisher& publisher_;
  const WebAccess access_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_WEB_SCITT_SITE_H_
