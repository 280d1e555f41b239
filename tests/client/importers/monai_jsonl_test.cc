#include "client/importers/monai_jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/places.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

constexpr char kIdentity[] =
    R"("bundle": "b", "version": "0.1.0", "commit": "aa", "commit_date": "2022-05-17T23:09:06+01:00")";

BundleVersion Parse(const std::string& members, std::vector<Unreadable>* unreadable = nullptr) {
  std::vector<Unreadable> notes;
  const auto version = ParseMonaiLine(Text("{", kIdentity, members, "}"), "line 1", notes);
  EXPECT_TRUE(version.ok()) << version.status();
  if (unreadable != nullptr) {
    *unreadable = notes;
  } else {
    EXPECT_TRUE(notes.empty()) << notes.front().reason;
  }
  return version.ok() ? *version : BundleVersion();
}

TEST(ParseMonaiLineTest, IdentityIsEnough) {
  const BundleVersion version = Parse("");
  EXPECT_EQ(version.bundle, "b");
  EXPECT_EQ(version.author_date, version.commit_date);
  EXPECT_EQ(version.prev_version, std::nullopt);
  EXPECT_EQ(version.data_source, std::nullopt);
  EXPECT_TRUE(version.eval_metrics.empty());
  EXPECT_TRUE(version.releases.empty());
}

TEST(ParseMonaiLineTest, WithoutIdentityAVersionIsUnreadable) {
  std::vector<Unreadable> notes;
  for (const char* line : {"{}", "[]", "null", "{\"bundle\": \"b\"}", "{\"bundle\": {}, \"version\": \"1\"}",
                           "{\"bundle\": \"b\", \"version\": null, \"commit\": \"aa\", \"commit_date\": \"x\"}"}) {
    EXPECT_EQ(ParseMonaiLine(line, "line 1", notes).status().code(), absl::StatusCode::kInvalidArgument) << line;
  }
  EXPECT_TRUE(notes.empty());
}

TEST(ParseMonaiLineTest, MetricsOfEveryShape) {
  using testing::ElementsAre;
  const auto names = [](const BundleVersion& version) {
    std::vector<std::string> texts;
    for (const MetricFact& metric : version.eval_metrics) {
      texts.push_back(Text(metric.name, "=", metric.value.value_or("none")));
    }
    return texts;
  };
  EXPECT_THAT(names(Parse(R"(, "eval_metrics": null)")), ElementsAre());
  EXPECT_THAT(names(Parse(R"(, "eval_metrics": {})")), ElementsAre());
  EXPECT_THAT(names(Parse(R"(, "eval_metrics": {"accuracy": 0, "froc": 0.680})")),
              ElementsAre("accuracy=0", "froc=0.680"));
  EXPECT_THAT(names(Parse(R"(, "eval_metrics": {"mean_dice": {"central gland": 0.88, "peripheral zone": 0.75}})")),
              ElementsAre("mean_dice.central gland=0.88", "mean_dice.peripheral zone=0.75"));
  EXPECT_THAT(names(Parse(R"(, "eval_metrics": {"dice": [1.0, null], "empty": {}, "text": "0.5"})")),
              ElementsAre("dice.0=1.0", "dice.1=none", "text=0.5"));
  std::vector<Unreadable> notes;
  EXPECT_THAT(names(Parse(R"(, "eval_metrics": 0.9)", &notes)), ElementsAre());
  EXPECT_EQ(notes.size(), 1u);
}

TEST(ParseMonaiLineTest, WeightsWithAndWithoutHashes) {
  std::vector<Unreadable> notes;
  const BundleVersion version = Parse(
      R"(, "weights": [{"path": "a.pt", "url": "u", "hash_val": "00", "hash_type": "md5"},
                       {"path": "b.pt", "url": "u", "hash_val": "", "hash_type": ""},
                       {"path": "c.pt"}, {"url": "no path"}, 7])",
      &notes);
  ASSERT_EQ(version.weights.size(), 3u);
  EXPECT_EQ(version.weights[0].hash_type, "md5");
  EXPECT_EQ(version.weights[1].hash_val, "");
  EXPECT_EQ(version.weights[2].url, "");
  EXPECT_EQ(notes.size(), 2u);
}

TEST(ParseMonaiLineTest, PackagesLoseTheirSuffix) {
  const BundleVersion version = Parse(
      R"(, "packages": {"monai_version": "0.9.0", "numpy_version": 1.2, "optional_packages_version": {"nibabel":
                        "3.2.1"}, "required_packages_version": {"fire": "0.4"}})");
  std::vector<std::string> packages;
  for (const PackageFact& package : version.packages) packages.push_back(Text(package.name, " ", package.version));
  EXPECT_THAT(packages, testing::ElementsAre("monai 0.9.0", "numpy 1.2", "nibabel 3.2.1", "fire 0.4"));
}

TEST(ParseMonaiLineTest, WrongShapesAreToldOfAndTheRestIsRead) {
  std::vector<Unreadable> notes;
  const BundleVersion version =
      Parse(R"(, "task": ["a"], "data_type": "dicom", "files": [{"path": "p", "blob": "b", "size": -1}, {"path": "q",
               "blob": "b", "size": 3}], "released": {"checksum": "no date"},
               "packages": {"optional_packages_version": 3})",
            &notes);
  EXPECT_EQ(version.data_type, "dicom");
  EXPECT_EQ(version.task, std::nullopt);
  ASSERT_EQ(version.files.size(), 1u);
  EXPECT_EQ(version.files[0].size_bytes, 3u);
  EXPECT_TRUE(version.releases.empty());
  ASSERT_EQ(notes.size(), 4u);
  for (const Unreadable& note : notes) EXPECT_EQ(note.place, "line 1");
}

TEST(ReadMonaiJsonlTest, ABadLineDoesNotStopTheRest) {
  const ScratchDirectory directory;
  const std::string path = directory.path() + "/bad_lines.jsonl";
  std::ofstream(path) << "{" << kIdentity << "}\n\nnot json\n{" << kIdentity << "}\r\n"
                      << std::string(kDocumentBytesMax + 10, 'x') << "\n{" << kIdentity << "}";
  const auto history = ReadMonaiJsonl(path);
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(history->source, "bad_lines.jsonl");
  EXPECT_EQ(history->versions.size(), 3u);
  EXPECT_EQ(history->versions.back().place, "line 6");
  ASSERT_EQ(history->unreadable.size(), 2u);
  EXPECT_EQ(history->unreadable[0].place, "line 3");
  EXPECT_EQ(history->unreadable[1].place, "line 5");
}

TEST(ReadMonaiJsonlTest, TheSampleIsReadWhole) {
  const auto history = ReadMonaiJsonl(SourcePath("tests/data/monai_sample.jsonl"));
  ASSERT_TRUE(history.ok()) << history.status();
  EXPECT_EQ(history->versions.size(), 17u);
  EXPECT_TRUE(history->unreadable.empty());
}

TEST(ReadMonaiJsonlTest, AMissingFileIsNotFound) {
  EXPECT_EQ(ReadMonaiJsonl("/nonexistent.jsonl").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anamnesis
