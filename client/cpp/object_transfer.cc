#include "client/cpp/object_transfer.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace anamnesis {
namespace {

StatusOr<Descriptor> OpenToRead(const std::string& path) {
  StatusOr<Descriptor> file = OpenFile(path, O_RDONLY);
  if (!file.ok()) return absl::InvalidArgumentError(Text(MessageOf(file.status())));
  return file;
}

}  // namespace

StatusOr<HashedFile> HashFile(const std::string& path) {
  ASSIGN_OR_RETURN(const Descriptor file, OpenToRead(path));
  HashedFile hashed{path, {}, 0};
  Sha256Hasher hasher;
  while (true) {
    const StatusOr<std::string> bytes = ReadAt(file.get(), path, hashed.size, kObjectChunkBytesMax);
    if (!bytes.ok()) return absl::InvalidArgumentError(Text(MessageOf(bytes.status())));
    if (bytes->empty()) break;
    hasher.Update(*bytes);
    hashed.size += bytes->size();
  }
  hashed.digest = hasher.Finish();
  return hashed;
}

StatusOr<ObjectSource> ObjectSource::Open(const HashedFile& file) {
  ASSIGN_OR_RETURN(Descriptor descriptor, OpenToRead(file.path));
  return ObjectSource(file, std::move(descriptor));
}

StatusOr<std::string> ObjectSource::ChunkAt(uint64_t offset) const {
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kObjectChunkBytesMax, file_->size - offset));
  ASSIGN_OR_RETURN(std::string bytes, ReadAt(descriptor_.get(), file_->path, offset, wanted));
  if (bytes.size() == wanted) return bytes;
  return absl::InvalidArgumentError(Text(file_->path, ": shorter than when it was hashed; put it again"));
}

Status ObjectDownload::From(const std::string& place) {
  if (place_ == place) return OkStatus();
  if (place_.has_value()) sink_status_ = sink_.Restart();
  place_ = place;
  hasher_ = Sha256Hasher();
  offset_ = 0;
  return sink_status_;
}

Status ObjectDownload::Take(std::string_view bytes) {
  sink_status_ = sink_.Write(bytes);
  RETURN_IF_ERROR(sink_status_);
  hasher_.Update(bytes);
  offset_ += bytes.size();
  return OkStatus();
}

Status ObjectDownload::Check() {
  const Digest found = hasher_.Finish();
  if (found == digest_) return OkStatus();
  // Nothing more is to be added to this.
  const std::string place = *std::exchange(place_, std::string());
  return absl::DataLossError(Text("object ", digest_.hex(), ": what ", place, " has of it has the SHA-256 ",
                                  found.hex(), "; let it be verified there and put it again"));
}

}  // namespace anamnesis
