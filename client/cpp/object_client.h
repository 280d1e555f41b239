#ifndef ANAMNESIS_CLIENT_CPP_OBJECT_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_OBJECT_CLIENT_H_

// Object stores (ledger/objects/object_store.h) as their users see them: those of the nodes of a ledger, over gRPC, or
// one directory in this process. Nodes don't copy each other's objects, so whoever wants one everywhere puts it
// everywhere. Safe for concurrent use. Calls fail with the codes of proto/anamnesis/v1/object.proto, plus UNAVAILABLE
// when a node can't be reached; what fails names the place.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/objects/object_store.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// Where the bytes of an object go, in their order. Used by one thread.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  virtual Status Write(std::string_view bytes) = 0;
  // What was written so far is not wanted: the object's first byte comes next.
  virtual Status Restart() = 0;
};

// A file that is to be an object.
struct HashedFile {
  std::string path;
  Digest digest;
  uint64_t size = 0;
};

// Reads the whole file. INVALID_ARGUMENT naming it when it can't be read.
StatusOr<HashedFile> HashFile(const std::string& path);

class ObjectClient {
 public:
  virtual ~ObjectClient() = default;

  // Where objects are: "HOST:PORT" of each node, or "file:DIR".
  virtual const std::vector<std::string>& places() const = 0;
  // Stores the file at places()[place]; returns when it is there whole, read back and checked, also when it was there
  // before. Goes on after a broken connection from what the place has taken. INVALID_ARGUMENT also when the file is no
  // longer what it was when it was hashed.
  virtual Status Put(size_t place, const HashedFile& file) = 0;
  // Hands over the object from the first place that has it, and checks its digest; goes on after a broken connection
  // from what it has got. Only when this is OK are the bytes right. DATA_LOSS, naming place and digests: it is damaged
  // where it is. Fails with what the sink fails with.
  virtual Status Get(const Digest& digest, ObjectSink& sink) = 0;
  // What places()[place] has of it; of an upload, of one of `size` bytes.
  virtual StatusOr<ObjectState> Stat(size_t place, const Digest& digest, uint64_t size) = 0;
  // Has the place read it back, and returns its size.
  virtual StatusOr<uint64_t> Verify(size_t place, const Digest& digest) = 0;
};

struct ObjectClientOptions {
  // As RemoteClientOptions::tls.
  TlsFiles tls;
  // How long a place is tried again while nothing moves.
  std::chrono::milliseconds within{60'000};
};

// The stores of the nodes at HOST:PORT[,HOST:PORT...]. INVALID_ARGUMENT when an address has not this form, or as
// LoadIdentity fails (channel.h); nothing is connected yet.
StatusOr<std::unique_ptr<ObjectClient>> ConnectObjects(std::string_view addresses, ObjectClientOptions options = {});

// The store in a directory; fails as ObjectStore::Open does.
StatusOr<std::unique_ptr<ObjectClient>> OpenObjects(const std::string& dir);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_OBJECT_CLIENT_H_
