// The bytes of members, and the tree over them.

#include "ledger/dataset/member.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/crypto/sha256.h"
#include "ledger/dataset/member_tree.h"
#include "ledger/merkle/tree_hash.h"
#include "tests/ledger/dataset/memory_members.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

Member Full() { return {"r-12", "s-7", Sha256("content")}; }

TEST(MemberTest, EncodesAsWrittenDown) {
  EXPECT_EQ(EncodeMember({"r", "", std::nullopt}), std::string("\x00\x01r\x00", 4));
  EXPECT_EQ(EncodeMember(Full()), std::string("\x00\x04r-12\x03s-7", 10) + Sha256("content").bytes());
}

TEST(MemberTest, ParsesWhatItEncodes) {
  for (const Member& member :
       {Full(), Member{"r", "", std::nullopt}, Member{"r", "s", std::nullopt},
        Member{std::string(255, 'r'), std::string(255, 's'), Sha256("")}, Member{"Größe", "患者", std::nullopt}}) {
    const std::string bytes = EncodeMember(member);
    EXPECT_LE(bytes.size(), kMemberBytesMax);
    const StatusOr<Member> parsed = ParseMember(bytes);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, member);
  }
}

TEST(MemberTest, NoOtherBytesAreAMember) {
  const std::string good = EncodeMember(Full());
  for (size_t length = 0; length < good.size(); ++length) {
    // The digest is optional, so its absence is another member.
    if (length == good.size() - Digest::kSize) continue;
    EXPECT_FALSE(ParseMember(good.substr(0, length)).ok()) << length;
  }
  EXPECT_FALSE(ParseMember(good + "x").ok());
  EXPECT_FALSE(ParseMember("\x01" + good.substr(1)).ok());
}

TEST(MemberTest, BadIdsAreNamed) {
  EXPECT_THAT(MessageOf(CheckMember({"", "s", {}})), HasSubstr("record_id: is empty"));
  EXPECT_THAT(MessageOf(CheckMember({std::string(256, 'x'), "", {}})), HasSubstr("record_id: has 256 bytes; at most"));
  EXPECT_THAT(MessageOf(CheckMember({"r", std::string(256, 'x'), {}})), HasSubstr("subject_id: has 256 bytes"));
  for (const std::string_view bad : {"a\nb", "a\tb", "\x7f", "\xff", "\xc0\x80", "\xed\xa0\x80"}) {
    EXPECT_THAT(MessageOf(CheckMember({std::string(bad), "", {}})), HasSubstr("record_id: is not UTF-8"));
    EXPECT_THAT(MessageOf(CheckMember({"r", std::string(bad), {}})), HasSubstr("subject_id: is not UTF-8"));
  }
  EXPECT_FALSE(CheckMember({std::string("a\0b", 3), "", {}}).ok());
}

TEST(MemberTest, HashesAreApartFromEachOtherAndFromTheTrees) {
  const Digest salt = Sha256("salt");
  EXPECT_EQ(MemberSortKey(salt, "r"), Sha256({"\x03", salt.view(), "r"}));
  EXPECT_EQ(MemberCommitment(salt.view(), "m"), Sha256({"\x02", salt.view(), "m"}));
  const MemberLeaf leaf{Sha256("a"), Sha256("b")};
  EXPECT_EQ(MemberLeafHash(leaf), LeafHash("\x04" + leaf.sort_key.bytes() + leaf.commitment.bytes()));
  EXPECT_NE(MemberLeafHash(leaf), NodeHash(leaf.sort_key, leaf.commitment));
}

TEST(MemberTreeTest, RootIsThatOfTheDefinition) {
  for (const size_t count : {0, 1, 2, 3, 255, 256, 257, 1000, 347}) {
    const MemoryMembers members(NumberedMembers(count), NumberedSalt(1));
    MemberTree tree;
    for (uint64_t i = 0; i < count; ++i) ASSERT_TRUE(tree.Append(*members.Leaf(i)).ok());
    EXPECT_EQ(tree.Root(), members.commitment().root) << count;
    EXPECT_EQ(tree.size(), TreeSize(count));
  }
}

TEST(MemberTreeTest, RefusesLeavesOutOfOrderAndDoubled) {
  const MemoryMembers members(NumberedMembers(3), NumberedSalt(1));
  MemberTree tree;
  ASSERT_TRUE(tree.Append(*members.Leaf(1)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(tree.Append(*members.Leaf(1))));
  EXPECT_TRUE(absl::IsInvalidArgument(tree.Append(*members.Leaf(0))));
  ASSERT_TRUE(tree.Append(*members.Leaf(2)).ok());
  EXPECT_EQ(tree.size(), TreeSize(2));
}

TEST(MemberTreeTest, KeepsEveryUpperTileWheneverItIsAsked) {
  // More leaves than wait in the frontier, and tiles that stay partial while others fill.
  constexpr uint64_t kLeaves = 300 * kTileWidth + 3;
  MemberTree asked_once;
  MemberTree asked_often;
  for (uint64_t i = 0; i < kLeaves; ++i) {
    MemberLeaf leaf;
    for (int byte = 0; byte < 8; ++byte) leaf.sort_key.data()[byte] = static_cast<uint8_t>(i >> (56 - 8 * byte));
    ASSERT_TRUE(asked_once.Append(leaf).ok());
    ASSERT_TRUE(asked_often.Append(leaf).ok());
    if (i % 1000 == 0) asked_often.UpperTiles();
  }
  const auto& tiles = asked_once.UpperTiles();
  EXPECT_EQ(tiles, asked_often.UpperTiles());
  for (uint32_t level = 1; level < kTileLevels; ++level) {
    for (uint64_t index = 0;; ++index) {
      const uint32_t width = TileWidthAt({level, index}, TreeSize(kLeaves));
      const auto found = tiles.find({level, index});
      ASSERT_EQ(found == tiles.end(), width == 0) << level << " " << index;
      if (width == 0) break;
      EXPECT_EQ(found->second.size(), width * Digest::kSize);
    }
  }
}

}  // namespace
}  // namespace anamnesis
