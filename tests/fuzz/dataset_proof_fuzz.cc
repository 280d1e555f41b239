// A proof about a record of a known dataset of eight members: what is accepted is true, and no other bytes prove it.

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/dataset/verify.h"
#include "ledger/merkle/tree_hash.h"

namespace anamnesis {
namespace {

// The tree of eight members of tests/golden/vectors/dataset.json.
const DatasetCommitment& Eight() {
  static const DatasetCommitment commitment = [] {
    google::protobuf::SetLogHandler(nullptr);
    DatasetCommitment eight;
    eight.records = 8;
    eight.root =
        Digest::FromBytes(HexDecode("b69a5c105298df74bce8f3d46407a44361949ce1927ba7551930b0c717063305").value())
            .value();
    eight.salt = Sha256("golden dataset random 0");
    return eight;
  }();
  return commitment;
}

bool IsMember(const std::string& record_id) {
  static const std::set<std::string> members = {"aufnähme-0000", "img-0001", "img-0002", "img-0003",
                                                "img-0004",      "img-0005", "img-0006", "aufnähme-0007"};
  return members.contains(record_id);
}

void CheckProof(std::string_view bytes) {
  const DatasetCommitment& eight = Eight();
  const StatusOr<v1::DatasetProof> proof = ParseDatasetProof(bytes);
  if (!proof.ok()) return;
  CHECK(FormatDatasetProof(*proof) == bytes);
  const StatusOr<ProvenRecord> proven = VerifyDatasetProof(*proof, eight);
  if (proven.ok()) {
    CHECK(proven->member.has_value() == IsMember(proven->record_id));
    CHECK(!proven->member.has_value() || proven->member->record_id == proven->record_id);
  }
  // Any numbers are safe, and a dataset without members has none.
  for (const uint64_t records : {uint64_t{0}, uint64_t{1}, uint64_t{7}, UINT64_MAX}) {
    DatasetCommitment other = eight;
    other.records = records;
    const StatusOr<ProvenRecord> by_other = VerifyDatasetProof(*proof, other);
    CHECK(!by_other.ok() || by_other->member.has_value() == IsMember(by_other->record_id));
  }
  DatasetCommitment none = eight;
  none.records = 0;
  none.root = EmptyRoot();
  const StatusOr<ProvenRecord> by_none = VerifyDatasetProof(*proof, none);
  CHECK(!by_none.ok() || !by_none->member.has_value());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckProof({reinterpret_cast<const char*>(data), size});
  return 0;
}
