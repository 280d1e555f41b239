#ifndef ANAMNESIS_CLIENT_CPP_OUTBOX_H_
#define ANAMNESIS_CLIENT_CPP_OUTBOX_H_

// The runs of one stream that were sealed and have no answer yet, on the disk. Whatever ends the process or the machine
// between a run and its answer, the same bytes can be sent again, and their event ids make the ledger answer with the
// places that they have already, or record them now. A file of its owner only, since bodies and nonces are in it:
//
//   DIR/NAME.outbox   what follows in bytes (8, big-endian) || its SHA-256 (32) || an AppendRequest; or empty
//
// NAME is made from the ledger's origin and the stream's name, so that one directory serves several ledgers. A file
// that was cut off holds runs of which none was sent, since they are sent only when all is on the disk: it counts as
// empty. Not safe for concurrent use.

#include <memory>
#include <string>
#include <string_view>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"
#include "ledger/objects/file_io.h"

namespace anamnesis {

class Outbox {
 public:
  // Makes the directory when it isn't there; its parent must be. FAILED_PRECONDITION: another process has it open.
  // DATA_LOSS: it is no outbox of this program's.
  static StatusOr<std::unique_ptr<Outbox>> Open(const std::string& dir, std::string_view origin,
                                                std::string_view stream);

  // In the order in which they are to be sent.
  const v1::AppendRequest& unanswered() const { return unanswered_; }
  bool empty() const { return unanswered_.runs().empty(); }

  // Takes `runs` in; it must be empty. When this returns OK they are on the disk; otherwise it is empty as before.
  Status Put(v1::AppendRequest runs);
  // All are answered. A file that can't be emptied, or isn't when the power fails, is harmless: its runs are sent
  // again, and it takes no others before.
  void Clear();
  // Sending them again is of no use: moves the file out of the way, for a person to look at, and is empty. Returns the
  // file's new path.
  StatusOr<std::string> SetAside();

 private:
  explicit Outbox(std::string path) : path_(std::move(path)) {}
  Status OpenFileLocked();
  Status Read();
  Status Truncate();

  const std::string path_;
  Descriptor file_;
  v1::AppendRequest unanswered_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_OUTBOX_H_
