// A member file: whatever opens is scanned and proven from without a crash, and what a whole scan accepts is in order
// and proves each of its members.

#include <google/protobuf/stubs/logging.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/dataset/member_file.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/dataset/verify.h"

namespace anamnesis {
namespace {

void CheckFile(const std::string& path) {
  const StatusOr<std::unique_ptr<MemberFile>> file = MemberFile::Open(path);
  if (!file.ok()) return;
  const DatasetCommitment& commitment = (*file)->commitment();
  std::vector<std::string> ids;
  uint64_t seen = 0;
  const Status scanned =
      (*file)->Scan([&](uint64_t index, const MemberLeaf&, const std::optional<MemberOpening>& opening) {
        CHECK(index == seen++);
        if (opening.has_value() && ids.size() < 16) ids.push_back(opening->member.record_id);
        return OkStatus();
      });
  for (const std::string& id : ids) {
    const StatusOr<v1::DatasetProof> proof = ProveRecord(**file, id);
    if (scanned.ok()) CHECK(proof.ok() && proof->has_membership());
  }
  const StatusOr<v1::DatasetProof> absence = ProveRecord(**file, "foreign");
  // One that is handed out holds against the file's own root.
  if (absence.ok()) CHECK(VerifyDatasetProof(*absence, commitment).ok());
  if (scanned.ok()) CHECK(seen == commitment.records);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int file = [] {
    google::protobuf::SetLogHandler(nullptr);
    return memfd_create("members", MFD_CLOEXEC);
  }();
  // With the digest that its header should have, so that there is something beyond it.
  std::string bytes(reinterpret_cast<const char*>(data), size);
  constexpr size_t kDigested = anamnesis::kMemberFileHeaderBytes - anamnesis::Digest::kSize;
  if (size >= anamnesis::kMemberFileHeaderBytes) {
    const anamnesis::Digest digest = anamnesis::Sha256(std::string_view(bytes).substr(0, kDigested));
    bytes.replace(kDigested, anamnesis::Digest::kSize, digest.view());
  }
  CHECK(ftruncate(file, 0) == 0);
  CHECK(pwrite(file, bytes.data(), size, 0) == static_cast<ssize_t>(size));
  anamnesis::CheckFile(anamnesis::Text("/proc/self/fd/", file));
  return 0;
}
