#ifndef ANAMNESIS_TESTS_CLIENT_DATASET_DATASET_FIXTURE_H_
#define ANAMNESIS_TESTS_CLIENT_DATASET_DATASET_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/dataset/build.h"
#include "client/dataset/member_file.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {

// A directory of its own for each test.
class DatasetTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) const { return Text(home_.path(), "/", name); }
  std::string Write(std::string_view name, std::string_view bytes) const {
    std::ofstream(Path(name), std::ios::binary | std::ios::trunc) << bytes;
    return Path(name);
  }
  std::string Content(std::string_view name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // The names in the directory, so that a test sees what is left behind.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(home_.path())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // A manifest of the records [first, last): record i is of subject i / 2.
  static std::string Manifest(size_t first, size_t last, std::string_view content = "content ") {
    std::string csv = "record_id,subject_id,sha256\n";
    for (size_t i = first; i < last; ++i) {
      csv += Text("record ", i, ",subject ", i / 2, ",", Sha256(Text(content, i)).hex(), "\n");
    }
    return csv;
  }

  StatusOr<MemberFileHeader> Build(std::string_view manifest, std::string_view name,
                                   size_t memory_bytes = kDatasetMemoryBytes) const {
    BuildOptions options;
    options.memory_bytes = memory_bytes;
    return BuildMemberFile(Write("manifest", manifest), Path(name), options);
  }
  // Builds and opens.
  std::unique_ptr<MemberFile> Made(std::string_view manifest, std::string_view name) const {
    const StatusOr<MemberFileHeader> built = Build(manifest, name);
    EXPECT_TRUE(built.ok()) << built.status();
    return Opened(name);
  }
  std::unique_ptr<MemberFile> Opened(std::string_view name) const {
    StatusOr<std::unique_ptr<MemberFile>> file = MemberFile::Open(Path(name));
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  // The members that are left, in the file's order.
  static std::vector<Member> MembersOf(const MemberFile& file) {
    std::vector<Member> members;
    const Status scanned = file.Scan([&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) {
      if (opening.has_value()) members.push_back(opening->member);
      return OkStatus();
    });
    EXPECT_TRUE(scanned.ok()) << scanned;
    return members;
  }

  ScratchDirectory home_{ScratchDirectory::Where::kDisk};
};

inline Status ScanAll(const MemberFile& file) {
  return file.Scan([](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>&) { return OkStatus(); });
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_CLIENT_DATASET_DATASET_FIXTURE_H_
