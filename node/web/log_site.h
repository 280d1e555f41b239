#ifndef ANAMNESIS_NODE_WEB_LOG_SITE_H_
#define ANAMNESIS_NODE_WEB_LOG_SITE_H_

// What a node serves over HTTP, path by path: the ledger as a tlog-tiles log (https://c2sp.org/tlog-tiles) and the
// witness (https://c2sp.org/tlog-witness).
//
//   GET  /checkpoint                       the newest that satisfies the node's policy; never cached
//   GET  /tile/<L>/<N>[.p/<W>]             hashes; full tiles never change
//   GET  /tile/entries/<N>[.p/<W>]         leaves
//   POST /add-checkpoint                   see witness.h
//
// Nothing beyond the size of the checkpoint that is served is shown. Leaves hold headers, which are business data:
// whoever may read events over gRPC may read them here, and others only when reading is public. A request for a
// cosignature carries its log's signature, so who brings it doesn't matter.
//
// Safe for concurrent use and for any request; a call waits for the disk.

#include <string_view>
#include <utility>

#include "ledger/engine/ledger.h"
#include "node/checkpoint/publisher.h"
#include "node/checkpoint/witness.h"
#include "node/web/web_call.h"

namespace anamnesis {

class LogSite {
 public:
  // All of them outlive it.
  LogSite(const Ledger& ledger, const Publisher& publisher, Witness& witness, WebAccess access)
      : ledger_(ledger), publisher_(publisher), witness_(witness), access_(std::move(access)) {}

  WebAnswer Answer(const WebRequest& request);

 private:
  WebAnswer AnswerRead(const WebRequest& request);
  WebAnswer AnswerTile(std::string_view path);

  const Ledger& ledger_;
  const Publisher& publisher_;
  Witness& witness_;
  const WebAccess access_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_WEB_LOG_SITE_H_
