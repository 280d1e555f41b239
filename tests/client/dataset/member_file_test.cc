// Member files: built from a manifest, verified, proven from, redacted; damage is found and named.

#include "client/dataset/member_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <random>

#include "client/dataset/redact.h"
#include "ledger/dataset/verify.h"
#include "tests/client/dataset/dataset_fixture.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MemberFileTest : public DatasetTest {
 protected:
  void Poke(size_t at, char byte) const {
    std::fstream file(Path("members"), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at)).put(byte);
  }
};

bool IsMember(const MemberFile& file, std::string_view record_id) {
  const StatusOr<v1::DatasetProof> proof = ProveRecord(file, record_id);
  EXPECT_TRUE(proof.ok()) << proof.status();
  const StatusOr<ProvenRecord> proven = VerifyDatasetProof(*proof, file.commitment());
  EXPECT_TRUE(proven.ok()) << proven.status();
  return proven->member.has_value();
}

TEST_F(MemberFileTest, A02EveryMemberOfTheManifestAndNoOther) {
  for (const size_t count : {0, 1, 2, 347, 256, 257, 5000}) {
    const std::string name = Text("members", count);
    const std::unique_ptr<MemberFile> file = Made(Manifest(0, count), name);
    EXPECT_EQ(file->header().commitment.records, count);
    EXPECT_EQ(file->header().subjects, (count + 1) / 2);
    EXPECT_EQ(file->header().erased, 0u);
    std::vector<Member> members = MembersOf(*file);
    ASSERT_EQ(members.size(), count);
    std::set<std::string> ids;
    for (const Member& member : members) {
      ids.insert(member.record_id);
      const size_t number = std::stoul(member.record_id.substr(7));
      EXPECT_EQ(member.subject_id, Text("subject ", number / 2));
      EXPECT_EQ(member.content, Sha256(Text("content ", number)));
    }
    EXPECT_EQ(ids.size(), count);
    EXPECT_TRUE(VerifyMemberFile(*file, file->commitment(), kDatasetMemoryBytes).ok());
  }
}

TEST_F(MemberFileTest, A03ProvesFromTheFile) {
  for (const size_t count : {0, 1, 3, 256, 257, 1000, 70000}) {
    const std::string name = Text("members", count);
    const std::unique_ptr<MemberFile> file = Made(Manifest(0, count), name);
    for (size_t i = 0; i < 50; ++i) {
      EXPECT_FALSE(IsMember(*file, Text("foreign ", i)));
      if (count == 0) continue;
      EXPECT_TRUE(IsMember(*file, Text("record ", i * 1009 % count)));
    }
  }
}

TEST_F(MemberFileTest, SmallMemoryGivesTheSameMembers) {
  const StatusOr<MemberFileHeader> built = Build(Manifest(0, 60000), "members", 2 << 20);
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_EQ(built->subjects, 30000u);
  EXPECT_EQ(MembersOf(*Opened("members")).size(), 60000u);
}

TEST_F(MemberFileTest, TwoBuildsShareNothingThatATreeShows) {
  const std::unique_ptr<MemberFile> one = Made(Manifest(0, 10), "one");
  const std::unique_ptr<MemberFile> two = Made(Manifest(0, 10), "two");
  EXPECT_NE(one->commitment().salt, two->commitment().salt);
  EXPECT_NE(one->commitment().root, two->commitment().root);
}

TEST_F(MemberFileTest, ARecordThatIsThereTwiceIsNamedWithItsLines) {
  const Status status = Build(Manifest(0, 300) + "record 12,,\n", "members").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("\"record 12\" is there twice, in lines 14 and 302"));
  EXPECT_THAT(Names(), ElementsAre("manifest")) << "nothing is left behind";
}

TEST_F(MemberFileTest, NothingIsLeftOfABadManifest) {
  EXPECT_FALSE(Build("record_id\ngood\n\"bad\n", "members").ok());
  EXPECT_THAT(Names(), ElementsAre("manifest"));
}

TEST_F(MemberFileTest, NeverTakesThePlaceOfAnotherFile) {
  Write("members", "precious");
  EXPECT_TRUE(absl::IsAlreadyExists(Build(Manifest(0, 3), "members").status()));
  EXPECT_EQ(Content("members"), "precious");
  EXPECT_FALSE(Build(Manifest(0, 3), "nowhere/members").ok());
}

TEST_F(MemberFileTest, OnlyItsOwnerReadsIt) {
  Made(Manifest(0, 3), "members");
  struct stat info;
  ASSERT_EQ(::stat(Path("members").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// Whatever byte is changed: the file no longer opens, or a scan names the damage; and a proof from it is right or none.
TEST_F(MemberFileTest, EveryFlippedByteIsFound) {
  const DatasetCommitment sealed = Made(Manifest(0, 300), "members")->commitment();
  const std::string good = Content("members");
  for (size_t at = 0; at < good.size(); at += at < 400 ? 1 : (3 + at % 13) * (kSanitized ? 10 : 1)) {
    Poke(at, static_cast<char>(good[at] ^ 0x40));
    const StatusOr<std::unique_ptr<MemberFile>> file = MemberFile::Open(Path("members"));
    Poke(at, good[at]);
    if (!file.ok()) continue;
    Poke(at, static_cast<char>(good[at] ^ 0x40));
    EXPECT_TRUE(absl::IsDataLoss(ScanAll(**file))) << at;
    for (const std::string_view record : {"record 7", "foreign 7"}) {
      const StatusOr<v1::DatasetProof> proof = ProveRecord(**file, record);
      EXPECT_TRUE(!proof.ok() || VerifyDatasetProof(*proof, sealed).ok()) << at;
    }
    Poke(at, good[at]);
  }
}

TEST_F(MemberFileTest, EveryOtherLengthIsFound) {
  Made(Manifest(0, 20), "members");
  const std::string good = Content("members");
  for (size_t length = good.size(); length-- > 0;) {
    std::filesystem::resize_file(Path("members"), length);
    EXPECT_FALSE(MemberFile::Open(Path("members")).ok()) << length;
  }
  Write("members", good + "x");
  EXPECT_TRUE(absl::IsDataLoss(MemberFile::Open(Path("members")).status()));
  Write("members", "record_id\nr\n");
  EXPECT_TRUE(absl::IsInvalidArgument(MemberFile::Open(Path("members")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MemberFile::Open(Path("absent")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(MemberFile::Open(home_.path()).status()));
}

TEST_F(MemberFileTest, VerifiesAgainstItsOwnDatasetOnly) {
  const std::unique_ptr<MemberFile> file = Made(Manifest(0, 20), "members");
  const std::unique_ptr<MemberFile> other = Made(Manifest(0, 20), "other");
  EXPECT_TRUE(absl::IsUnauthenticated(VerifyMemberFile(*file, other->commitment(), kDatasetMemoryBytes)));
}

TEST_F(MemberFileTest, AFileMadeToHideAMemberIsFound) {
  // Two leaves swapped, with the tree made anew over them: proofs of neighbours could then lie. Only the order tells.
  Made(Manifest(0, 2), "members");
  std::string bytes = Content("members");
  const std::string first = bytes.substr(LeafOffset(0), kMemberFileLeafBytes);
  bytes.replace(LeafOffset(0), kMemberFileLeafBytes, bytes.substr(LeafOffset(1), kMemberFileLeafBytes));
  bytes.replace(LeafOffset(1), kMemberFileLeafBytes, first);
  MemberFileHeader header = ParseMemberFileHeader(bytes.substr(0, kMemberFileHeaderBytes)).value();
  header.commitment.root = Sha256("whatever");
  bytes.replace(0, kMemberFileHeaderBytes, EncodeMemberFileHeader(header));
  Write("members", bytes);
  const Status scanned = ScanAll(*Opened("members"));
  EXPECT_TRUE(absl::IsDataLoss(scanned));
}

class RedactTest : public DatasetTest {
 protected:
  StatusOr<Redacted> Redact(std::set<std::string, std::less<>> records,
                            std::set<std::string, std::less<>> subjects = {}) const {
    return RedactMemberFile(Path("members"), {std::move(records), std::move(subjects)});
  }
};

TEST_F(RedactTest, ASubjectIsGoneAndTheRootStands) {
  const DatasetCommitment sealed = Made(Manifest(0, 347), "members")->commitment();
  const StatusOr<Redacted> redacted = Redact({}, {"subject 6"});
  ASSERT_TRUE(redacted.ok()) << redacted.status();
  EXPECT_EQ(redacted->erased, 2u);
  const std::unique_ptr<MemberFile> file = Opened("members");
  EXPECT_EQ(file->commitment(), sealed);
  EXPECT_EQ(file->header().erased, 2u);
  EXPECT_TRUE(VerifyMemberFile(*file, sealed, kDatasetMemoryBytes).ok());
  EXPECT_EQ(MembersOf(*file).size(), 345u);
  EXPECT_EQ(Content("members").find("\tsubject 6"), std::string::npos);
  EXPECT_TRUE(absl::IsNotFound(ProveRecord(*file, "record 12").status()));
  EXPECT_TRUE(absl::IsNotFound(ProveRecord(*file, "record 13").status()));
  EXPECT_TRUE(IsMember(*file, "record 11"));
  EXPECT_FALSE(IsMember(*file, "foreign 11"));
  EXPECT_THAT(Names(), ElementsAre("manifest", "members"));
}

TEST_F(RedactTest, NoByteOfTheOldOpeningIsLeftInEitherFile) {
  Made(Manifest(0, 20), "members");
  const StatusOr<std::optional<MemberOpening>> opening = [&] {
    const std::unique_ptr<MemberFile> file = Opened("members");
    return file->Opening(FindMember(*file, MemberSortKey(file->commitment().salt, "record 12"))->index);
  }();
  ASSERT_TRUE(opening.ok() && opening->has_value());
  // Held open, as a process that reads it would.
  const StatusOr<File> old = File::Open(Path("members"));
  const uint64_t old_size = *old->Size();
  ASSERT_TRUE(Redact({"record 12"}).ok());
  for (const std::string& bytes : {Content("members"), old->ReadAt(0, old_size).value()}) {
    EXPECT_EQ(bytes.find((*opening)->nonce), std::string::npos);
    EXPECT_EQ(bytes.find("record 12"), std::string::npos);
    EXPECT_EQ(bytes.find((*opening)->member.content->bytes()), std::string::npos);
  }
}

TEST_F(RedactTest, AgainIsNothingAndAnUnknownOneIsRefused) {
  Made(Manifest(0, 20), "members");
  ASSERT_TRUE(Redact({"record 12"}).ok());
  const std::string once = Content("members");
  const StatusOr<Redacted> again = Redact({"record 12"});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->erased, 0u);
  EXPECT_EQ(again->erased_before, 1u);
  EXPECT_TRUE(absl::IsNotFound(Redact({"record 3", "foreign"}).status()));
  EXPECT_TRUE(absl::IsNotFound(Redact({"record 3"}, {"nobody"}).status()));
  EXPECT_EQ(Content("members"), once) << "nothing is erased when not all can be";
}

TEST_F(RedactTest, ASecondNameIsNotDestroyed) {
  Made(Manifest(0, 20), "members");
  std::filesystem::create_hard_link(Path("members"), Path("copy"));
  const Status status = Redact({"record 3"}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_TRUE(ScanAll(*Opened("copy")).ok());
}

TEST_F(RedactTest, ALinkAndWhatItLeadsToAreLeftAsTheyAre) {
  Made(Manifest(0, 20), "members");
  const std::string bytes = Content("members");
  std::filesystem::create_symlink(Path("members"), Path("link"));
  const Status status = RedactMemberFile(Path("link"), {{"record 3"}, {}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("symbolic link"));
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link")));
  EXPECT_EQ(Content("members"), bytes);
}

TEST_F(RedactTest, NobodysIdIsNoId) {
  Made("record_id,subject_id\nr1,\nr2,s\n", "members");
  const std::string bytes = Content("members");
  EXPECT_TRUE(absl::IsInvalidArgument(Redact({}, {""}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Redact({""}, {"s"}).status()));
  EXPECT_EQ(Content("members"), bytes);
}

// Ended after the new file took the old one's place.
TEST_F(RedactTest, WhatABrokenOffRedactionLeftIsOverwritten) {
  Made(Manifest(0, 20), "members");
  std::filesystem::copy_file(Path("members"), Path("members.erasing"));
  const StatusOr<File> old = File::Open(Path("members.erasing"));
  ASSERT_TRUE(RedactMemberFile(Path("members"), {{"record 12"}, {}}).ok());
  EXPECT_THAT(Names(), ElementsAre("manifest", "members"));
  EXPECT_EQ(old->ReadAt(0, *old->Size())->find("record 12"), std::string::npos);
  // Also when nothing is left to erase, and what is left lacks some of its bytes.
  const std::string redacted = Content("members");
  Write("members.erasing", redacted.substr(0, 400) + std::string(redacted.size() - 400, '\0'));
  EXPECT_TRUE(absl::IsNotFound(Redact({"record 3"}, {"nobody"}).status()));
  EXPECT_THAT(Names(), ElementsAre("manifest", "members"));
  EXPECT_EQ(Content("members"), redacted);
}

TEST_F(RedactTest, ARedactionThatEndedBeforeItReplacedIsDoneAgain) {
  Made(Manifest(0, 20), "members");
  std::filesystem::create_hard_link(Path("members"), Path("members.erasing"));
  EXPECT_EQ(Redact({"record 12"})->erased, 1u);
  EXPECT_THAT(Names(), ElementsAre("manifest", "members"));
  EXPECT_TRUE(ScanAll(*Opened("members")).ok());
}

TEST_F(RedactTest, AFileOfAnothersIsNotOverwritten) {
  Made(Manifest(0, 20), "members");
  const std::string bytes = Content("members");
  Made(Manifest(0, 20), "members.erasing");
  const std::string another = Content("members.erasing");
  for (const std::string& content : {another, std::string("notes")}) {
    Write("members.erasing", content);
    EXPECT_TRUE(absl::IsFailedPrecondition(Redact({"record 3"}).status()));
    EXPECT_EQ(Content("members.erasing"), content);
    EXPECT_EQ(Content("members"), bytes);
  }
}

TEST_F(RedactTest, ADamagedFileIsLeftAsItIs) {
  Made(Manifest(0, 20), "members");
  std::string bytes = Content("members");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Write("members", bytes);
  EXPECT_TRUE(absl::IsDataLoss(Redact({"record 3"}).status()));
  EXPECT_EQ(Content("members"), bytes);
}

}  // namespace
}  // namespace anamnesis
