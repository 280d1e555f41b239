#ifndef ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_H_
#define ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "client/dataset/file.h"
#include "client/dataset/member_file_layout.h"
#include "ledger/base/status.h"
#include "ledger/dataset/prove.h"
#include "ledger/merkle/tiles.h"

namespace anamnesis {

// A member file that is read (its bytes: member_file_layout.h). Proofs come from a few reads; whatever goes through all
// members goes through Scan, which finds everything that is damaged, so that no list of members is ever a wrong one
// with exit status 0. One thread at a time; the file must not be changed meanwhile, and isn't by this room: it is only
// ever replaced.
class MemberFile : public MemberTable, private TileReader {
 public:
  // INVALID_ARGUMENT when it can't be opened or is no member file; DATA_LOSS when its header is damaged or the file is
  // shorter or longer than the header says.
  static StatusOr<std::unique_ptr<MemberFile>> Open(const std::string& path);
  MemberFile(const MemberFile&) = delete;
  MemberFile& operator=(const MemberFile&) = delete;

  const std::string& path() const { return file_.path(); }
  const File& file() const { return file_; }
  const MemberFileHeader& header() const { return header_; }

  // Called with each member in the order of leaves: `opening` is nothing for an erased one. An error ends the scan.
  using OnScanned =
      std::function<Status(uint64_t index, const MemberLeaf& leaf, const std::optional<MemberOpening>& opening)>;
  // Reads the whole file and verifies it against its own root: order of leaves, every commitment that can be opened,
  // tiles, counts. DATA_LOSS naming the first member that is wrong. What was handed over before is right only when all
  // of it is OK.
  Status Scan(const OnScanned& on_scanned) const;

  // MemberTable. DATA_LOSS when what is read is damaged.
  const DatasetCommitment& commitment() const override { return header_.commitment; }
  StatusOr<MemberLeaf> Leaf(uint64_t index) const override;
  StatusOr<std::optional<MemberOpening>> Opening(uint64_t index) const override;
  const NodeReader& nodes() const override { return nodes_; }

 private:
  MemberFile(File file, const MemberFileHeader& header)
      : file_(std::move(file)), header_(header), contents_(ContentsOffset(header.commitment.records)), nodes_(*this) {}

  StatusOr<std::string> Tile(TileId id) const override;
  StatusOr<MemberFileLeaf> ReadLeaf(uint64_t index) const;
  Status Damaged(uint64_t index, std::string_view what) const;

  File file_;
  MemberFileHeader header_;
  // Where contents begin.
  uint64_t contents_;
  TileNodeReader nodes_;
};

// Verifies a whole file against what a sealed dataset says, and its number of subjects by counting them again;
// temporary files go beside it. DATA_LOSS when the file is damaged; UNAUTHENTICATED when it is whole and not that
// dataset's.
Status VerifyMemberFile(const MemberFile& file, const DatasetCommitment& commitment, size_t memory_bytes);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_H_
