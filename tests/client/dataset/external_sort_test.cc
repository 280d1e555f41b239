// Sorting in bounded memory gives what sorting in memory gives, however many runs it takes.

#include "client/dataset/external_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/client/dataset/dataset_fixture.h"

namespace anamnesis {
namespace {

using ExternalSortTest = DatasetTest;

std::vector<std::string> Sorted(ExternalSort& sort) {
  EXPECT_TRUE(sort.Finish().ok());
  std::vector<std::string> records;
  while (true) {
    const StatusOr<std::optional<std::string_view>> record = sort.Next();
    EXPECT_TRUE(record.ok()) << record.status();
    if (!record.ok() || !record->has_value()) return records;
    records.emplace_back(**record);
  }
}

TEST_F(ExternalSortTest, EqualsASortInMemory) {
  std::mt19937_64 random(7);
  // None, all in memory, some runs, and more runs (of 1 MiB) than are merged at once.
  for (const size_t count : {0, 1, 1000, 60000, 120000}) {
    const size_t length_max = count > 100000 ? 1200 : 200;
    ExternalSort sort(home_.path(), 1 << 20);
    std::vector<std::string> expected;
    for (size_t i = 0; i < count; ++i) {
      std::string record(random() % length_max, '\0');
      for (size_t at = 0; at < std::min<size_t>(record.size(), 12); ++at) record[at] = static_cast<char>(random());
      ASSERT_TRUE(sort.Add(record).ok());
      expected.push_back(std::move(record));
    }
    EXPECT_EQ(sort.count(), count);
    std::sort(expected.begin(), expected.end());
    EXPECT_TRUE(Sorted(sort) == expected) << count;
    EXPECT_TRUE(Names().empty()) << "temporary files have no name";
  }
}

TEST_F(ExternalSortTest, CountsDistinctOnes) {
  ExternalSort sort(home_.path(), 1 << 20);
  for (int i = 0; i < 100000; ++i) ASSERT_TRUE(sort.Add(Text("subject ", i % 777)).ok());
  ASSERT_TRUE(sort.Finish().ok());
  EXPECT_EQ(*CountDistinct(sort), 777u);
}

TEST_F(ExternalSortTest, SaysWhereItCannotWrite) {
  ExternalSort sort(Path("nowhere"), 1 << 20);
  Status status;
  for (int i = 0; i < 1000000 && status.ok(); ++i) status = sort.Add(std::string(100, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(MessageOf(status).find("nowhere"), std::string_view::npos);
}

}  // namespace
}  // namespace anamnesis
