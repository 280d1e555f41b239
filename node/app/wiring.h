#ifndef ANAMNESIS_NODE_APP_WIRING_H_
#define ANAMNESIS_NODE_APP_WIRING_H_

// Puts a node together: the only place that names the concrete parts. A node of a cluster that has missed too much, or
// is new, is taken apart, copies the ledger from another and is put together again, all in one process; meanwhile its
// address says that it isn't available.

#include <memory>

#include "ledger/base/status.h"
#include "node/app/options.h"

namespace anamnesis {

class Node {
 public:
  // Opens the ledger, serves it, prints the address to stdout and writes it to the port file. When the ledger has to be
  // copied first, it goes on with that by itself. Fails with what Ledger::Open or NodeServer::Start fail with, or with
  // what writing the port file does.
  static StatusOr<std::unique_ptr<Node>> Start(const NodeOptions& options);
  // Stops serving or copying, finishes what was submitted, closes the ledger.
  ~Node();

 private:
  class Supervisor;
  explicit Node(std::unique_ptr<Supervisor> supervisor);
  std::unique_ptr<Supervisor> supervisor_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_WIRING_H_
