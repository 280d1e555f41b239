#ifndef ANAMNESIS_LEDGER_OBJECTS_OBJECT_STORE_H_
#define ANAMNESIS_LEDGER_OBJECTS_OBJECT_STORE_H_

// Bytes by their SHA-256, in a directory: what events give digests of. An object is there whole and right, or not at
// all, whenever the process or the machine ends; it never changes. What was taken of an unfinished upload stays, so
// that it can go on later. Several threads, and several processes, may use one directory at once. On the disk:
//
//   DIR/ab/abcd…64                an object: 64 hexadecimal digits below the first two of them
//   DIR/partial/abcd…64.SIZE      what is there of an upload of SIZE bytes
//   DIR/damaged/abcd…64           an object that was found to have other bytes, for a person to look at
//
// Calls fail with INTERNAL, naming the file, when the disk fails.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/objects/file_io.h"

namespace anamnesis {

// The most that is written or read in one piece.
inline constexpr size_t kObjectChunkBytesMax = 1u << 20;

struct ObjectStoreOptions {
  uint64_t object_bytes_max = uint64_t{64} << 30;
  // Unfinished uploads: how many, and their announced sizes together.
  size_t partials_max = 256;
  uint64_t partial_bytes_max = uint64_t{256} << 30;
  // An upload that nothing was added to for so long makes room for others when there are too many.
  std::chrono::hours partial_kept{24 * 7};
  // What stays free on the disk, for the ledger beside it.
  uint64_t reserve_bytes = uint64_t{512} << 20;
};

// What is there of an object.
struct ObjectState {
  bool stored = false;
  // Of the object when it is stored, else of the unfinished upload.
  uint64_t bytes = 0;
};

// 64 lower-case hexadecimal digits. INVALID_ARGUMENT for anything else.
StatusOr<Digest> ParseObjectName(std::string_view text);

class ObjectStore {
 public:
  // Makes the directory when it isn't there; its parent must be.
  static StatusOr<std::unique_ptr<ObjectStore>> Open(const std::string& dir, const ObjectStoreOptions& options = {});

  // What is there; of an upload, of one of `size` bytes.
  StatusOr<ObjectState> Stat(const Digest& digest, uint64_t size = 0) const;

  // Adds `bytes`, at most kObjectChunkBytesMax, to the upload of an object of `size` bytes; the first call, which may
  // be of no bytes, begins it. With the last byte the object is synced, read back from the disk, checked and stored,
  // which takes as long as reading it. Writes nothing when the object is stored already, or when `offset` is not what
  // is there: the state that is returned says from where to go on.
  //
  // INVALID_ARGUMENT: too large, bytes beyond `size`, or the whole has not this digest, in which case the upload is
  // removed and both digests are named. ABORTED: another upload of the same object is being written now.
  // RESOURCE_EXHAUSTED: no space, or too many uploads; what was there before stays.
  StatusOr<ObjectState> Append(const Digest& digest, uint64_t size, uint64_t offset, std::string_view bytes);

  // At most `count` bytes, and at most kObjectChunkBytesMax, from `offset` on; none at the end. They are not checked.
  // NOT_FOUND: it isn't stored. OUT_OF_RANGE: `offset` is beyond its end.
  StatusOr<std::string> Read(const Digest& digest, uint64_t offset, size_t count) const;

  // Reads the object back from the disk and returns its size. NOT_FOUND: it isn't stored. DATA_LOSS, naming both
  // digests: it has other bytes; it is set aside, so that it is no longer stored and can be added again. CANCELLED:
  // `cancelled`, which is asked again and again while it reads, says so.
  StatusOr<uint64_t> Verify(const Digest& digest, const std::function<bool()>& cancelled = nullptr);

  const std::string& dir() const { return dir_; }

 private:
  ObjectStore(const std::string& dir, const ObjectStoreOptions& options) : dir_(dir), options_(options) {}

  std::string ShardPath(const Digest& digest) const;
  std::string ObjectPath(const Digest& digest) const;
  std::string PartialPath(const Digest& digest, uint64_t size) const;
  std::string PartialsDirectory() const { return dir_ + "/partial"; }
  std::string DamagedDirectory() const { return dir_ + "/damaged"; }

  // Space for `more` bytes besides what stays free.
  Status CheckSpace(uint64_t more) const;
  // Room for one more upload of `size` bytes; removes abandoned ones when there is none.
  Status CheckPartials(uint64_t size) const;
  // The upload's file, locked; one without a descriptor when the object was stored meanwhile.
  StatusOr<Descriptor> LockPartial(const Digest& digest, uint64_t size);
  Status WriteChunk(const Descriptor& file, const std::string& path, uint64_t offset, std::string_view bytes) const;
  // The locked upload becomes the object.
  Status Publish(const Descriptor& file, const Digest& digest, uint64_t size);

  const std::string dir_;
  const ObjectStoreOptions options_;
  // Held while an upload begins, so that this process's uploads together keep the limits.
  std::mutex begin_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_OBJECTS_OBJECT_STORE_H_
