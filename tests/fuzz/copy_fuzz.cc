// A node that catches up from another that lies: the manifest and the events of a ledger, changed as the input says, in
// steps of four bytes (what, where in two bytes, value). Only what is the giver's ledger becomes the receiver's; all
// else is refused as wrong, never as damage of the receiver's own disk, and can be abandoned.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/internal/copy.pb.h"
#include "ledger/base/check.h"
#include "ledger/engine/copy_in.h"
#include "ledger/engine/copy_out.h"
#include "ledger/engine/ledger.h"
#include "ledger/store/store.h"
#include "tests/fuzz/copied_ledger.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

struct Given {
  internal::CopyManifest manifest;
  internal::CopyChunk events;
};

// What an honest node gives of the ledger that all targets have.
const Given& HonestlyGiven() {
  static const Given given = [] {
    const std::unique_ptr<Store> store = OpenCopyOfSharedLedger("given");
    const CopyOut out(*store);
    Given made;
    made.manifest = out.Manifest().value();
    made.events = out.Chunk(LeafIndex(0), TreeSize(made.manifest.applied().tree_size()), 64u << 20).value();
    return made;
  }();
  return given;
}

void Change(std::string& bytes, size_t where, uint8_t value) {
  if (!bytes.empty()) bytes[where % bytes.size()] = static_cast<char>(bytes[where % bytes.size()] ^ value);
}

void ChangeManifest(internal::CopyManifest& manifest, size_t where, uint8_t value) {
  std::string bytes = manifest.SerializeAsString();
  Change(bytes, where, value);
  internal::CopyManifest changed;
  if (changed.ParseFromString(bytes)) manifest = std::move(changed);
}

void ChangeEvents(internal::CopyChunk& chunk, uint8_t what, size_t where, uint8_t value) {
  auto& events = *chunk.mutable_events();
  const int count = events.size();
  if (count == 0) return;
  const int at = static_cast<int>(where) % count;
  switch (what) {
    case 0:
      return Change(*events[at].mutable_leaf(), where / 7, value);
    case 1:
      return Change(*events[at].mutable_body(), where / 7, value);
    case 2:
      return events[at].clear_body();
    case 3:
      return events.DeleteSubrange(at, std::min(count - at, 1 + value % 8));
    case 4:
      return events.SwapElements(at, value % count);
    case 5:
      *events.Add() = events[at];
      return;
    case 6:
      return chunk.set_first_index(chunk.first_index() + value);
    default:
      events[at].mutable_leaf()->append(static_cast<size_t>(value), 'x');
  }
}

Given Changed(const uint8_t* data, size_t size) {
  Given given = HonestlyGiven();
  for (size_t at = 0; at + 4 <= size && at < 64; at += 4) {
    const size_t where = data[at + 1] * size_t{256} + data[at + 2];
    if (data[at] % 9 == 8) {
      ChangeManifest(given.manifest, where, data[at + 3]);
    } else {
      ChangeEvents(given.events, data[at] % 9, where, data[at + 3]);
    }
  }
  return given;
}

Status Receive(CopyIn& copy, const Given& given) {
  RETURN_IF_ERROR(copy.Begin(given.manifest));
  RETURN_IF_ERROR(copy.Add(given.events));
  return copy.Finish();
}

void Fuzz(const Given& given) {
  static const std::string dir = SharedLedger().dir() + "/received";
  // A copy that is refused leaves the place as it was.
  static bool empty = false;
  if (!std::exchange(empty, true)) {
    std::filesystem::remove_all(dir);
    CHECK(JoinLedger(dir, kTestOrigin).ok());
  }
  CopyOptions options;
  options.threads = 1;
  options.cache_bytes = 1u << 20;
  const std::unique_ptr<CopyIn> copy = CopyIn::Open(dir, options).value();
  const Status status = Receive(*copy, given);
  if (status.ok()) {
    empty = false;
    const internal::CopyManifest& honest = HonestlyGiven().manifest;
    CHECK(copy->size().value == honest.applied().tree_size());
    CHECK(given.manifest.applied().root() == honest.applied().root());
    CHECK(given.manifest.applied().last_recorded_us() == honest.applied().last_recorded_us());
    return;
  }
  if (!absl::IsInvalidArgument(status) && !absl::IsFailedPrecondition(status)) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    CHECK(false);
  }
  CHECK(copy->Abandon().ok());
  CHECK(copy->size().value == 0);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::Fuzz(anamnesis::Changed(data, size));
  return 0;
}
