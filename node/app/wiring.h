#ifndef ANAMNESIS_NODE_APP_WIRING_H_
#define ANAMNESIS_NODE_APP_WIRING_H_

// Puts a node together: the only place that names the concrete parts.

#include <memory>

#include "ledger/base/status.h"
#include "node/app/options.h"

namespace anamnesis {

class Node {
 public:
  // Opens the ledger, serves it, prints the address to stdout and writes it to the port file. Fails with what
  // Ledger::Open or NodeServer::Start fail with, or with what writing the port file does.
  static StatusOr<std::unique_ptr<Node>> Start(const NodeOptions& options);
  // Stops serving, finishes what was submitted, closes the ledger.
  ~Node();

 private:
  class Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_WIRING_H_
