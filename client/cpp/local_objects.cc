#include <thread>
#include <utility>

#include "client/cpp/backoff.h"
#include "client/cpp/object_client.h"
#include "client/cpp/object_transfer.h"

namespace anamnesis {
namespace {

class LocalObjects : public ObjectClient {
 public:
  explicit LocalObjects(std::unique_ptr<ObjectStore> store)
      : store_(std::move(store)), places_({"file:" + store_->dir()}) {}

  const std::vector<std::string>& places() const override { return places_; }

  Status Put(size_t, const HashedFile& file) override {
    ASSIGN_OR_RETURN(const ObjectSource source, ObjectSource::Open(file));
    // A part that is there may be of an upload of other bytes: it is removed by then, so once more is enough.
    const Status put = PutOnce(source, file);
    return absl::IsInvalidArgument(put) ? PutOnce(source, file) : put;
  }

  Status Get(const Digest& digest, ObjectSink& sink) override {
    ObjectDownload download(digest, sink);
    RETURN_IF_ERROR(download.From(places_.front()));
    while (true) {
      ASSIGN_OR_RETURN(const std::string bytes, store_->Read(digest, download.offset(), kObjectChunkBytesMax));
      if (bytes.empty()) return download.Check();
      RETURN_IF_ERROR(download.Take(bytes));
    }
  }

  StatusOr<ObjectState> Stat(size_t, const Digest& digest, uint64_t size) override {
    return store_->Stat(digest, size);
  }
  StatusOr<uint64_t> Verify(size_t, const Digest& digest) override { return store_->Verify(digest); }

 private:
  Status PutOnce(const ObjectSource& source, const HashedFile& file) {
    const Backoff backoff;
    int tries = 1;
    ObjectState state;
    std::string chunk;
    while (true) {
      const StatusOr<ObjectState> added = store_->Append(file.digest, file.size, state.bytes, chunk);
      chunk.clear();
      if (absl::IsAborted(added.status())) {
        // Another process, which is at work.
        std::this_thread::sleep_for(backoff.WaitBeforeTry(++tries));
        continue;
      }
      RETURN_IF_ERROR(added.status());
      state = *added;
      if (state.stored) return OkStatus();
      tries = 1;
      ASSIGN_OR_RETURN(chunk, source.ChunkAt(state.bytes));
    }
  }

  const std::unique_ptr<ObjectStore> store_;
  const std::vector<std::string> places_;
};

}  // namespace

StatusOr<std::unique_ptr<ObjectClient>> OpenObjects(const std::string& dir) {
  ASSIGN_OR_RETURN(std::unique_ptr<ObjectStore> store, ObjectStore::Open(dir));
  return std::unique_ptr<ObjectClient>(std::make_unique<LocalObjects>(std::move(store)));
}

}  // namespace anamnesis
