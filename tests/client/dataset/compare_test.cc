// Differences and overlaps (A50): equal to sets in memory, also after erasures.

#include "client/dataset/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "client/dataset/redact.h"
#include "tests/client/dataset/dataset_fixture.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;

class CompareTest : public DatasetTest {
 protected:
  using Changes = std::vector<std::pair<MemberChange, std::string>>;

  MemberDifference Diff(std::string_view before, std::string_view after, Changes* changes = nullptr) const {
    const StatusOr<MemberDifference> difference =
        DiffMemberFiles(*Opened(before), *Opened(after), kDatasetMemoryBytes, [&](MemberChange change, auto id) {
          if (changes != nullptr) changes->emplace_back(change, id);
        });
    EXPECT_TRUE(difference.ok()) << difference.status();
    return difference.value_or(MemberDifference());
  }

  // "r:x", "s:x" or "c:x" with the files that share it.
  MemberOverlap Overlap(const std::vector<std::string>& names, std::map<std::string, std::vector<size_t>>& shared) {
    std::vector<std::unique_ptr<MemberFile>> files;
    std::vector<const MemberFile*> pointers;
    for (const std::string& name : names) {
      files.push_back(Opened(name));
      pointers.push_back(files.back().get());
    }
    shared.clear();
    StatusOr<MemberOverlap> overlap = OverlapOfMemberFiles(
        pointers, kDatasetMemoryBytes, [&](SharedKind kind, std::string_view id, std::span<const size_t> holders) {
          constexpr const char* kKinds[] = {"r:", "s:", "c:"};
          shared[Text(kKinds[static_cast<size_t>(kind)], id)] = {holders.begin(), holders.end()};
        });
    EXPECT_TRUE(overlap.ok()) << overlap.status();
    return overlap.ok() ? *std::move(overlap) : MemberOverlap();
  }

  void Erase(std::string_view name, std::string_view record) const {
    ASSERT_TRUE(RedactMemberFile(Path(name), {{std::string(record)}, {}}).ok());
  }
};

TEST_F(CompareTest, DiffNamesAddedRemovedAndChanged) {
  Made("record_id,subject_id,sha256\na,s,\nb,s,\nc,s,\nd,,\n", "before");
  Made(Text("record_id,subject_id,sha256\nb,t,\nc,s,\nd,,", Sha256("d").hex(), "\ne,s,\n"), "after");
  Changes changes;
  const MemberDifference difference = Diff("before", "after", &changes);
  EXPECT_EQ(difference.added, 1u);
  EXPECT_EQ(difference.removed, 1u);
  EXPECT_EQ(difference.changed, 2u);
  EXPECT_EQ(difference.common, 3u);
  EXPECT_THAT(changes, ElementsAre(std::pair(MemberChange::kRemoved, "a"), std::pair(MemberChange::kChanged, "b"),
                                   std::pair(MemberChange::kChanged, "d"), std::pair(MemberChange::kAdded, "e")));
}

TEST_F(CompareTest, DiffOfAFileWithItselfIsNothing) {
  Made(Manifest(0, 100), "one");
  Made(Manifest(0, 100), "two");
  for (const std::string_view other : {"one", "two"}) {
    const MemberDifference difference = Diff("one", other);
    EXPECT_EQ(difference.added + difference.removed + difference.changed, 0u);
    EXPECT_EQ(difference.common, 100u);
  }
}

TEST_F(CompareTest, DiffKnowsErasedMembersThatTheOtherSideStillNames) {
  Made(Manifest(0, 10), "before");
  Made(Manifest(1, 11), "after");
  Erase("before", "record 0");  // Not in `after`: nobody can say whether it was removed.
  Erase("before", "record 5");
  Erase("after", "record 6");
  Erase("before", "record 7");  // Erased in both.
  Erase("after", "record 7");
  Changes changes;
  const MemberDifference difference = Diff("before", "after", &changes);
  EXPECT_THAT(changes, ElementsAre(std::pair(MemberChange::kAdded, "record 10")));
  EXPECT_EQ(difference.common, 8u);
  EXPECT_EQ(difference.not_comparable, 2u);
  EXPECT_EQ(difference.unmatched_erased_before, 2u);
  EXPECT_EQ(difference.unmatched_erased_after, 1u);
}

TEST_F(CompareTest, A50OverlapAtRecordAndAtSubjectLevel) {
  Made("record_id,subject_id\na,s1\nb,s2\nc,s3\n", "train");
  Made("record_id,subject_id\nd,s4\ne,s5\n", "validate");
  Made("record_id,subject_id\nf,s2\nc,s3\ng,\n", "test");
  std::map<std::string, std::vector<size_t>> shared;
  const MemberOverlap overlap = Overlap({"train", "validate", "test"}, shared);
  EXPECT_EQ(overlap.shared_records, 1u);
  EXPECT_EQ(overlap.shared_subjects, 2u) << "the same patient in another record is leakage too";
  ASSERT_EQ(overlap.pairs.size(), 3u);
  EXPECT_EQ(overlap.pairs[1].first, 0u);
  EXPECT_EQ(overlap.pairs[1].second, 2u);
  EXPECT_EQ(overlap.pairs[1].records, 1u);
  EXPECT_EQ(overlap.pairs[1].subjects, 2u);
  EXPECT_EQ(overlap.pairs[0].records + overlap.pairs[0].subjects + overlap.pairs[2].subjects, 0u);
  EXPECT_EQ(shared, (std::map<std::string, std::vector<size_t>>{{"r:c", {0, 2}}, {"s:s2", {0, 2}}, {"s:s3", {0, 2}}}));
  EXPECT_THAT(overlap.without_subject, ElementsAre(0, 0, 1));
}

TEST_F(CompareTest, TheSameContentUnderOtherIdsOverlaps) {
  const auto row = [](std::string_view record, std::string_view content) {
    return Text(record, ",s-", record, ",", Sha256(content).hex(), "\n");
  };
  const std::string header = "record_id,subject_id,sha256\n";
  Made(Text(header, row("a", "1"), row("b", "2"), row("c", "3"), "d,s-d,\n"), "train");
  Made(Text(header, row("a", "1"), row("x", "2"), row("y", "4"), "e,s-e,\n"), "validate");
  Made(Text(header, row("f", "5"), row("c", "3"), row("g", "3")), "test");
  std::map<std::string, std::vector<size_t>> shared;
  const MemberOverlap overlap = Overlap({"train", "validate", "test"}, shared);
  EXPECT_EQ(overlap.shared_contents, 2u);
  EXPECT_EQ(overlap.pairs[0].contents, 1u) << "a is one record in both";
  EXPECT_EQ(overlap.pairs[1].contents, 1u) << "c is in both, and in the other under g too";
  EXPECT_EQ(overlap.pairs[2].contents, 0u);
  EXPECT_EQ(shared[Text("c:", Sha256("2").hex())], (std::vector<size_t>{0, 1}));
  EXPECT_EQ(shared[Text("c:", Sha256("3").hex())], (std::vector<size_t>{0, 2}));
  EXPECT_EQ(shared.count(Text("c:", Sha256("1").hex())), 0u);
}

TEST_F(CompareTest, A50AnErasedRecordStillOverlapsWhereItIsNamed) {
  Made(Manifest(0, 10), "train");
  Made(Manifest(9, 20), "test");
  Erase("train", "record 9");
  std::map<std::string, std::vector<size_t>> shared;
  const MemberOverlap overlap = Overlap({"train", "test"}, shared);
  EXPECT_EQ(overlap.shared_records, 1u);
  EXPECT_EQ(shared.count("r:record 9"), 1u);
}

TEST_F(CompareTest, A50OverlapEqualsSetsInMemory) {
  std::mt19937_64 random(50);
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> names;
    std::map<std::string, std::set<size_t>> expected;
    for (size_t file = 0; file < 4; ++file) {
      std::string csv = "record_id,subject_id\n";
      std::set<uint64_t> records;
      while (records.size() < 40) records.insert(random() % 200);
      for (const uint64_t record : records) {
        csv += Text("r", record, ",s", record / 3, "\n");
        expected[Text("r:r", record)].insert(file);
        expected[Text("s:s", record / 3)].insert(file);
      }
      names.push_back(Text("file", round, "_", file));
      Made(csv, names.back());
    }
    std::erase_if(expected, [](const auto& entry) { return entry.second.size() < 2; });
    std::map<std::string, std::vector<size_t>> shared;
    const MemberOverlap overlap = Overlap(names, shared);
    ASSERT_EQ(shared.size(), expected.size());
    for (const auto& [id, holders] : expected) {
      EXPECT_EQ(shared[id], std::vector<size_t>(holders.begin(), holders.end())) << id;
    }
    for (const MemberOverlap::Pair& pair : overlap.pairs) {
      uint64_t records = 0;
      uint64_t subjects = 0;
      for (const auto& [id, holders] : expected) {
        if (holders.count(pair.first) + holders.count(pair.second) == 2) ++(id[0] == 'r' ? records : subjects);
      }
      EXPECT_EQ(pair.records, records);
      EXPECT_EQ(pair.subjects, subjects);
    }
  }
}

TEST_F(CompareTest, DamageIsNoDifference) {
  Made(Manifest(0, 10), "before");
  Made(Manifest(0, 10), "after");
  std::string bytes = Content("after");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Write("after", bytes);
  EXPECT_TRUE(absl::IsDataLoss(
      DiffMemberFiles(*Opened("before"), *Opened("after"), kDatasetMemoryBytes, [](MemberChange, std::string_view) {
      }).status()));
}

}  // namespace
}  // namespace anamnesis
