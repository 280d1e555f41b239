#include "client/dataset/build.h"

#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "client/dataset/external_sort.h"
#include "client/dataset/manifest.h"
#include "client/dataset/member_file_writer.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/keys/random.h"

namespace anamnesis {
namespace {

constexpr uint64_t kMembersBetweenProgress = 4096;

// Randomness in larger pieces than a nonce, wiped at the end.
class RandomBytes {
 public:
  explicit RandomBytes(const BuildOptions& options) : fill_(options.fill_random) {
    if (!fill_) fill_ = FillRandom;
  }
  RandomBytes(const RandomBytes&) = delete;
  RandomBytes& operator=(const RandomBytes&) = delete;
  ~RandomBytes() { WipeMemory(bytes_.data(), bytes_.size()); }

  // 32 bytes, borrowed until the next call.
  std::string_view Next() {
    if (at_ == bytes_.size()) {
      fill_(bytes_);
      at_ = 0;
    }
    at_ += Digest::kSize;
    return {reinterpret_cast<const char*>(bytes_.data()) + at_ - Digest::kSize, Digest::kSize};
  }

 private:
  std::function<void(std::span<uint8_t>)> fill_;
  std::array<uint8_t, 128 * Digest::kSize> bytes_;
  size_t at_ = bytes_.size();
};

// Members by sort key, and their subjects. A member is sorted as
//   sort key || be64 line || nonce || member bytes
class Sorted {
 public:
  Sorted(const std::string& out, const BuildOptions& options)
      : options_(options),
        random_(options),
        members_(DirectoryOf(out), options.memory_bytes / 4 * 3),
        subjects_(DirectoryOf(out), options.memory_bytes / 4) {}

  Status Read(const std::string& manifest) {
    ASSIGN_OR_RETURN(salt_, Digest::FromBytes(random_.Next(), "salt"));
    RETURN_IF_ERROR(ReadManifest(manifest, [this](uint64_t line, const Member& member) { return Add(line, member); }));
    RETURN_IF_ERROR(members_.Finish());
    return subjects_.Finish();
  }

  Status Write(MemberFileWriter& writer) {
    std::string last_key;
    uint64_t last_line = 0;
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<std::string_view> record, members_.Next());
      if (!record.has_value()) return OkStatus();
      ByteReader reader(*record);
      ASSIGN_OR_RETURN(const std::string_view sort_key, reader.Take(Digest::kSize));
      ASSIGN_OR_RETURN(const uint64_t line, reader.BigEndian64());
      ASSIGN_OR_RETURN(const std::string_view nonce, reader.Take(kMemberNonceBytes));
      if (sort_key == last_key) return Twice(reader.rest(), last_line, line);
      MemberLeaf leaf;
      ASSIGN_OR_RETURN(leaf.sort_key, Digest::FromBytes(sort_key));
      leaf.commitment = MemberCommitment(nonce, reader.rest());
      RETURN_IF_ERROR(writer.Append(leaf, nonce, reader.rest()));
      last_key = sort_key;
      last_line = line;
    }
  }

  uint64_t records() const { return members_.count(); }
  const Digest& salt() const { return salt_; }
  StatusOr<uint64_t> CountSubjects() { return CountDistinct(subjects_); }

 private:
  Status Add(uint64_t line, const Member& member) {
    std::string record = MemberSortKey(salt_, member.record_id).bytes();
    AppendBigEndian64(record, line);
    record.append(random_.Next());
    record.append(EncodeMember(member));
    RETURN_IF_ERROR(members_.Add(record));
    if (!member.subject_id.empty()) RETURN_IF_ERROR(subjects_.Add(member.subject_id));
    if (options_.on_progress && records() % kMembersBetweenProgress == 0) options_.on_progress(records());
    return OkStatus();
  }

  static Status Twice(std::string_view member_bytes, uint64_t first_line, uint64_t second_line) {
    ASSIGN_OR_RETURN(const Member member, ParseMember(member_bytes));
    return absl::InvalidArgumentError(Text("record_id: \"", member.record_id, "\" is there twice, in lines ",
                                           first_line, " and ", second_line,
                                           "; a record is a member once: remove one"));
  }

  const BuildOptions& options_;
  RandomBytes random_;
  Digest salt_;
  ExternalSort members_;
  ExternalSort subjects_;
};

}  // namespace

StatusOr<MemberFileHeader> BuildMemberFile(const std::string& manifest, const std::string& out,
                                           const BuildOptions& options) {
  // Said before an hour of sorting; PutInPlace says it again.
  if (::access(out.c_str(), F_OK) == 0) {
    return absl::AlreadyExistsError(Text(out, ": is there already; a member file is never overwritten"));
  }
  Sorted sorted(out, options);
  RETURN_IF_ERROR(sorted.Read(manifest));
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFileWriter> writer,
                   MemberFileWriter::Make(out, sorted.records(), sorted.salt()));
  const Status written = sorted.Write(*writer);
  if (!written.ok()) return WithContext(written, manifest == "-" ? "standard input" : manifest);
  ASSIGN_OR_RETURN(const uint64_t subjects, sorted.CountSubjects());
  ASSIGN_OR_RETURN(const MemberFileHeader header, writer->Finish(subjects));
  RETURN_IF_ERROR(writer->file().PutInPlace());
  return header;
}

}  // namespace anamnesis
