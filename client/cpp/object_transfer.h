#ifndef ANAMNESIS_CLIENT_CPP_OBJECT_TRANSFER_H_
#define ANAMNESIS_CLIENT_CPP_OBJECT_TRANSFER_H_

// What uploads and downloads share, whatever is at the other end.

#include <optional>
#include <string>
#include <string_view>

#include "client/cpp/object_client.h"
#include "ledger/crypto/sha256.h"
#include "ledger/objects/file_io.h"

namespace anamnesis {

// The bytes of a file that is put. Used by one thread.
class ObjectSource {
 public:
  // `file` outlives it. INVALID_ARGUMENT when it can't be read.
  static StatusOr<ObjectSource> Open(const HashedFile& file);
  // The next chunk at `offset`; empty at the end. INVALID_ARGUMENT: the file is no longer as long as it was.
  StatusOr<std::string> ChunkAt(uint64_t offset) const;

 private:
  ObjectSource(const HashedFile& file, Descriptor descriptor) : file_(&file), descriptor_(std::move(descriptor)) {}
  const HashedFile* file_;
  Descriptor descriptor_;
};

// How far the download of an object has come. Used by one thread.
class ObjectDownload {
 public:
  // `sink` outlives it.
  ObjectDownload(const Digest& digest, ObjectSink& sink) : digest_(digest), sink_(sink) {}

  const Digest& digest() const { return digest_; }
  // What comes next is from `place`: goes on at offset() when what is there is from it too, and else from the start.
  Status From(const std::string& place);
  Status Take(std::string_view bytes);
  // That what was taken is the whole object. DATA_LOSS, naming place and digests, when it is not.
  Status Check();
  uint64_t offset() const { return offset_; }
  // What the sink failed with.
  const Status& sink_status() const { return sink_status_; }

 private:
  const Digest digest_;
  ObjectSink& sink_;
  std::optional<std::string> place_;
  Sha256Hasher hasher_;
  uint64_t offset_ = 0;
  Status sink_status_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_OBJECT_TRANSFER_H_
