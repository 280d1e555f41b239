#include "client/importers/monai_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/importers/monai_jsonl.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

BundleVersion Version(std::string_view number = "0.1.0") {
  BundleVersion version;
  version.place = "line 7";
  version.bundle = "spleen";
  version.version = std::string(number);
  version.commit = std::string(40, 'c');
  version.tree = std::string(40, 'a');
  version.author_date = "2022-05-17T23:09:06+01:00";
  version.commit_date = "2022-05-18T00:00:00+02:00";
  version.task = "segmentation";
  version.data_source = "somewhere";
  version.data_type = "dicom";
  version.eval_metrics = {{"mean_dice", "0.90"}};
  version.packages = {{"monai", "0.9.0"}};
  version.weights = {{"models/model.pt", "https://example.com/m", "md5", std::string(32, '1'), std::nullopt}};
  version.files = {{"configs/metadata.json", std::string(40, 'b'), 100}};
  version.releases = {
      {std::string(40, 'd'), "https://example.com/x/spleen_v0.1.0.zip?a=b", "2022-07-20T07:03:51+08:00", "feed"}};
  return version;
}

MappedVersion Map(const BundleVersion& version, BundleState& state) {
  auto mapped = MapBundleVersion(version, "history.jsonl", state);
  EXPECT_TRUE(mapped.ok()) << mapped.status();
  // Everything that the mapper makes must satisfy the vocabulary.
  RunBuilder builder(
      "test.example/ledger", MonaiStream(version.bundle),
      [] {
        v1::Agent agent;
        agent.set_kind("software");
        agent.set_id("importer");
        return agent;
      }(),
      StreamPosition(), Digest());
  for (const IdentifiedDraft& event : mapped->events) {
    const Status added = builder.Add(event.draft, event.id, std::string(32, 'n'));
    EXPECT_TRUE(added.ok()) << event.draft.header.type() << ": " << added;
  }
  return *std::move(mapped);
}

MappedVersion MapFirst(const BundleVersion& version) {
  BundleState state;
  return Map(version, state);
}

std::vector<std::string> Types(const MappedVersion& mapped) {
  std::vector<std::string> types;
  for (const IdentifiedDraft& event : mapped.events) types.push_back(event.draft.header.type());
  return types;
}

const EventDraft& Find(const MappedVersion& mapped, std::string_view type) {
  for (const IdentifiedDraft& event : mapped.events) {
    if (event.draft.header.type() == type) return event.draft;
  }
  ADD_FAILURE() << "no " << type;
  static const EventDraft none;
  return none;
}

template <typename Body>
const Body& BodyOf(const MappedVersion& mapped, std::string_view type) {
  const auto* body = dynamic_cast<const Body*>(Find(mapped, type).body.get());
  EXPECT_NE(body, nullptr);
  static const Body none;
  return body == nullptr ? none : *body;
}

const v1::EntityRef& Ref(const EventDraft& draft, std::string_view role) {
  for (const v1::EntityRef& ref : draft.header.refs()) {
    if (ref.role() == role) return ref;
  }
  ADD_FAILURE() << "no reference " << role;
  static const v1::EntityRef none;
  return none;
}

TEST(MapBundleVersionTest, AFirstVersionIsSevenEvents) {
  const MappedVersion mapped = MapFirst(Version());
  EXPECT_THAT(Types(mapped),
              ElementsAre("dataset.curated", "code.revision_recorded", "training_run.started", "training_run.completed",
                          "model.registered", "evaluation.completed", "release.approved"));
  for (const IdentifiedDraft& event : mapped.events) {
    EXPECT_TRUE(event.draft.header.retrospective());
    EXPECT_THAT(event.draft.header.late_reason(), HasSubstr("imported from history.jsonl, commit cccc"));
  }
  EXPECT_TRUE(mapped.unreadable.empty());
  // The archive's SHA-1 and the weights' MD5.
  EXPECT_EQ(mapped.weak_digests, 2u);
  EXPECT_EQ(mapped.missing_digests, 0u);
}

TEST(MapBundleVersionTest, OccurredIsTheIntervalOfBothDatesInOrder) {
  // The committer's clock is the earlier one: 22:00:00Z against 22:09:06Z.
  const MappedVersion mapped = MapFirst(Version());
  const v1::EventHeader& header = Find(mapped, "model.registered").header;
  EXPECT_EQ(FormatTime(Timestamp(header.occurred_earliest_us())), "2022-05-17T22:00:00Z");
  EXPECT_EQ(FormatTime(Timestamp(header.occurred_latest_us())), "2022-05-17T22:09:06Z");
  const v1::EventHeader& release = Find(mapped, "release.approved").header;
  EXPECT_EQ(FormatTime(Timestamp(release.occurred_earliest_us())), "2022-07-19T23:03:51Z");
  EXPECT_EQ(release.occurred_latest_us(), release.occurred_earliest_us());
}

TEST(MapBundleVersionTest, EventsReferToEachOther) {
  const MappedVersion mapped = MapFirst(Version());
  const EventDraft& model = Find(mapped, "model.registered");
  EXPECT_EQ(Ref(model, "model").id(), "spleen");
  EXPECT_EQ(Ref(model, "model").version(), "0.1.0");
  EXPECT_EQ(Ref(model, "model").digest().algorithm(), v1::GIT_SHA1);
  EXPECT_EQ(HexEncode(Ref(model, "model").digest().value()), std::string(40, 'a'));
  EXPECT_EQ(Ref(model, "dataset").version(), "0.1.0");
  EXPECT_EQ(Ref(model, "code").version(), std::string(40, 'c'));
  EXPECT_EQ(Ref(model, "training_run").version(), "0.1.0");
  // The tree's digest finds the model and nothing else.
  EXPECT_FALSE(Ref(model, "code").has_digest());
  EXPECT_FALSE(Ref(Find(mapped, "code.revision_recorded"), "code").has_digest());
  EXPECT_EQ(model.header.causes(0), mapped.events[3].id.bytes());
  EXPECT_EQ(Find(mapped, "release.approved").header.causes_size(), 2);
}

TEST(MapBundleVersionTest, BodiesHoldTheFacts) {
  const MappedVersion mapped = MapFirst(Version());
  EXPECT_EQ(BodyOf<v1::DatasetCurated>(mapped, "dataset.curated").source(), "somewhere");
  const auto& code = BodyOf<v1::CodeRevisionRecorded>(mapped, "code.revision_recorded");
  EXPECT_EQ(code.vcs(), "git");
  EXPECT_EQ(code.tree_digest().algorithm(), v1::GIT_SHA1);
  ASSERT_EQ(code.files_size(), 1);
  EXPECT_EQ(code.files(0).size_bytes(), 100u);
  const auto& started = BodyOf<v1::TrainingRunStarted>(mapped, "training_run.started");
  EXPECT_EQ(started.purpose(), v1::TrainingRunStarted::NOT_RECORDED);
  EXPECT_EQ(started.environment(0).name(), "monai");
  EXPECT_THAT(started.missing(), Contains("hyperparameters"));
  const auto& model = BodyOf<v1::ModelRegistered>(mapped, "model.registered");
  ASSERT_EQ(model.files_size(), 1);
  EXPECT_EQ(model.files(0).digest().algorithm(), v1::MD5);
  EXPECT_EQ(model.files(0).locator(), "https://example.com/m");
  EXPECT_EQ(model.missing_size(), 0);
  EXPECT_EQ(model.change_text(), "");
  const auto& evaluation = BodyOf<v1::EvaluationCompleted>(mapped, "evaluation.completed");
  ASSERT_EQ(evaluation.metrics_size(), 1);
  EXPECT_EQ(evaluation.metrics(0).value(), "0.90");
  EXPECT_EQ(evaluation.result(), v1::EvaluationCompleted::NO_THRESHOLD);
  const auto& release = BodyOf<v1::ReleaseApproved>(mapped, "release.approved");
  ASSERT_EQ(release.archive_size(), 1);
  EXPECT_EQ(release.archive(0).path(), "spleen_v0.1.0.zip");
  EXPECT_EQ(release.archive(0).digest().algorithm(), v1::SHA1);
}

TEST(MapBundleVersionTest, WhatTheSourceLacksIsNamed) {
  BundleVersion version = Version();
  version.task = std::nullopt;
  version.data_source = "";
  version.data_type = std::nullopt;
  version.eval_metrics.clear();
  version.packages.clear();
  version.weights[0].hash_val = "";
  version.weights[0].hash_type = "";
  version.releases[0].checksum = "";
  const MappedVersion mapped = MapFirst(version);
  EXPECT_THAT(BodyOf<v1::DatasetCurated>(mapped, "dataset.curated").missing(),
              testing::IsSupersetOf({"data_source", "data_type", "selection_criteria", "annotators"}));
  EXPECT_THAT(BodyOf<v1::TrainingRunStarted>(mapped, "training_run.started").missing(), Contains("packages"));
  const auto& model = BodyOf<v1::ModelRegistered>(mapped, "model.registered");
  EXPECT_THAT(model.missing(), ElementsAre("weights_digest", "task", "data_source"));
  EXPECT_TRUE(model.files(0).missing_digest());
  EXPECT_THAT(BodyOf<v1::EvaluationCompleted>(mapped, "evaluation.completed").missing(), Contains("metrics"));
  EXPECT_THAT(BodyOf<v1::ReleaseApproved>(mapped, "release.approved").missing(), Contains("archive_digest"));
  EXPECT_EQ(mapped.missing_digests, 2u);
  EXPECT_EQ(mapped.weak_digests, 0u);
}

TEST(MapBundleVersionTest, AMetricThatIsNoNumberIsNamedAndTheOthersStay) {
  BundleVersion version = Version();
  version.eval_metrics = {{"Mean Dice", std::nullopt}, {"froc", "about 0.9"}, {"accuracy", "0"}};
  const MappedVersion mapped = MapFirst(version);
  const auto& evaluation = BodyOf<v1::EvaluationCompleted>(mapped, "evaluation.completed");
  ASSERT_EQ(evaluation.metrics_size(), 1);
  EXPECT_EQ(evaluation.metrics(0).name(), "accuracy");
  EXPECT_THAT(evaluation.missing(), testing::IsSupersetOf({"metrics.mean_dice", "metrics.froc"}));
  EXPECT_EQ(mapped.unreadable.size(), 2u);
}

TEST(MapBundleVersionTest, ADigestThatDoesNotFitItsTypeIsMissing) {
  for (const auto& [type, value] : std::vector<std::pair<std::string, std::string>>{{"md5", "11"},
                                                                                    {"crc32", std::string(32, '1')},
                                                                                    {"md5", std::string(32, 'x')},
                                                                                    {"sha256", std::string(32, '1')}}) {
    BundleVersion version = Version();
    version.weights[0].hash_type = type;
    version.weights[0].hash_val = value;
    const MappedVersion mapped = MapFirst(version);
    EXPECT_TRUE(BodyOf<v1::ModelRegistered>(mapped, "model.registered").files(0).missing_digest()) << type;
    EXPECT_EQ(mapped.unreadable.size(), 1u);
    EXPECT_EQ(mapped.missing_digests, 1u);
  }
  BundleVersion version = Version();
  version.weights[0].hash_type = "SHA256";
  version.weights[0].hash_val = std::string(64, '1');
  EXPECT_EQ(BodyOf<v1::ModelRegistered>(MapFirst(version), "model.registered").files(0).digest().algorithm(),
            v1::SHA256);
}

TEST(MapBundleVersionTest, WeightsInGitHaveGitsDigestButPointersHaveNone) {
  BundleVersion version = Version();
  version.weights.clear();
  version.files.push_back({"models/model.pt", std::string(40, 'e'), 1272514});
  version.files.push_back({"models/model.ts", std::string(40, 'f'), 134});
  const MappedVersion mapped = MapFirst(version);
  const auto& model = BodyOf<v1::ModelRegistered>(mapped, "model.registered");
  ASSERT_EQ(model.files_size(), 2);
  EXPECT_EQ(model.files(0).digest().algorithm(), v1::GIT_SHA1);
  EXPECT_EQ(model.files(0).size_bytes(), 1272514u);
  EXPECT_TRUE(model.files(1).missing_digest());
  EXPECT_EQ(model.files(1).size_bytes(), 0u);
  EXPECT_EQ(mapped.missing_digests, 1u);
  EXPECT_THAT(model.missing(), ElementsAre("weights_digest"));
  // The pointer itself is a file of the revision.
  EXPECT_EQ(BodyOf<v1::CodeRevisionRecorded>(mapped, "code.revision_recorded").files_size(), 3);
}

TEST(MapBundleVersionTest, WithoutWeightsThatIsMissing) {
  BundleVersion version = Version();
  version.weights.clear();
  EXPECT_THAT(BodyOf<v1::ModelRegistered>(MapFirst(version), "model.registered").missing(), Contains("weights"));
}

TEST(MapBundleVersionTest, ADatasetIsRecordedOnceForItsSourceAndType) {
  BundleState state;
  Map(Version("0.1.0"), state);
  BundleVersion second = Version("0.2.0");
  second.prev_version = "0.1.0";
  const MappedVersion same = Map(second, state);
  EXPECT_THAT(Types(same), Not(Contains("dataset.curated")));
  EXPECT_EQ(Ref(Find(same, "model.registered"), "dataset").version(), "0.1.0");
  BundleVersion third = Version("0.3.0");
  third.data_type = "nibabel";
  EXPECT_EQ(Ref(Find(Map(third, state), "dataset.curated"), "dataset").version(), "0.3.0");
  // Back to the first.
  EXPECT_EQ(Ref(Find(Map(Version("0.4.0"), state), "model.registered"), "dataset").version(), "0.1.0");
  // A version that comes back with other data must not share the dataset's version.
  BundleVersion again = Version("0.1.0");
  again.data_source = "elsewhere";
  again.commit = std::string(40, 'd');
  EXPECT_EQ(Ref(Find(Map(again, state), "dataset.curated"), "dataset").version(), "0.1.0+dddddddddddd");
}

TEST(MapBundleVersionTest, AVersionNamesWhatChanged) {
  BundleState state;
  Map(Version("0.1.0"), state);
  BundleVersion next = Version("0.2.0");
  next.prev_version = "0.1.0";
  next.tree = std::string(40, '9');
  next.eval_metrics = {{"mean_dice", "0.62"}};
  next.packages = {{"monai", "1.0.0"}, {"fire", "0.4"}};
  next.files[0].blob = std::string(40, '8');
  next.files.push_back({"LICENSE", std::string(40, '7'), 5});
  const MappedVersion mapped = Map(next, state);
  EXPECT_EQ(BodyOf<v1::ModelRegistered>(mapped, "model.registered").change_text(),
            "against 0.1.0: weights unchanged; metrics changed; packages: fire 0.4 added, monai 0.9.0 to 1.0.0; "
            "files: 1 changed, 1 added, 0 removed");
  // It must not read as if there had been a training of its own.
  EXPECT_EQ(BodyOf<v1::TrainingRunCompleted>(mapped, "training_run.completed").stop_reason(),
            "no training recorded for this version: its weights are those of 0.1.0");
  const v1::EntityRef& previous = Ref(Find(mapped, "model.registered"), "previous_model");
  EXPECT_EQ(previous.version(), "0.1.0");
  EXPECT_EQ(HexEncode(previous.digest().value()), std::string(40, 'a'));
}

TEST(MapBundleVersionTest, APreviousVersionThatWasNotReadIsNamedOnly) {
  BundleState state;
  Map(Version("0.1.0"), state);
  BundleVersion next = Version("0.3.0");
  next.prev_version = "0.2.0";
  const MappedVersion mapped = Map(next, state);
  EXPECT_EQ(Ref(Find(mapped, "model.registered"), "previous_model").version(), "0.2.0");
  EXPECT_FALSE(Ref(Find(mapped, "model.registered"), "previous_model").has_digest());
  EXPECT_EQ(BodyOf<v1::ModelRegistered>(mapped, "model.registered").change_text(), "");
}

TEST(MapBundleVersionTest, AReplacedArchiveIsAnotherRelease) {
  BundleVersion version = Version();
  version.releases.push_back({std::string(40, 'e'), version.releases[0].source, "2022-08-01T00:00:00Z", "beef"});
  const MappedVersion mapped = MapFirst(version);
  ASSERT_EQ(mapped.events.size(), 8u);
  EXPECT_NE(mapped.events[6].id, mapped.events[7].id);
  EXPECT_EQ(Ref(mapped.events[6].draft, "release").version(), "0.1.0");
  EXPECT_EQ(Ref(mapped.events[7].draft, "release").version(), "0.1.0+beef");
  version.releases.clear();
  EXPECT_EQ(MapFirst(version).events.size(), 6u);
}

TEST(MapBundleVersionTest, AVersionThatComesBackIsAnother) {
  BundleState state;
  Map(Version("0.1.0"), state);
  BundleVersion back = Version("0.1.0");
  back.commit = std::string(40, 'd');
  back.prev_version = "0.1.0";
  back.releases.clear();
  const MappedVersion mapped = Map(back, state);
  const EventDraft& model = Find(mapped, "model.registered");
  EXPECT_EQ(Ref(model, "model").version(), "0.1.0+dddddddddddd");
  EXPECT_EQ(Ref(model, "training_run").version(), "0.1.0+dddddddddddd");
  EXPECT_EQ(Ref(model, "previous_model").version(), "0.1.0");
  EXPECT_EQ(Ref(Find(mapped, "evaluation.completed"), "model").version(), "0.1.0+dddddddddddd");
  // What comes after it comes after that one.
  BundleVersion next = Version("0.2.0");
  next.prev_version = "0.1.0";
  EXPECT_EQ(Ref(Find(Map(next, state), "model.registered"), "previous_model").version(), "0.1.0+dddddddddddd");
  // The same line again, with another archive, is the same version.
  BundleVersion same = Version("0.1.0");
  same.releases[0].checksum = std::string(40, 'e');
  const MappedVersion once_more = Map(same, state);
  EXPECT_EQ(Ref(Find(once_more, "model.registered"), "model").version(), "0.1.0");
  EXPECT_EQ(Ref(Find(once_more, "release.approved"), "release").version(), "0.1.0+feed");
}

// Two readings of a history can disagree in which archive came first.
TEST(MapBundleVersionTest, WhatIsRecordedKeepsItsVersion) {
  const MappedVersion recorded = MapFirst(Version());
  BundleState state;
  for (const IdentifiedDraft& event : recorded.events) {
    v1::EventHeader header = event.draft.header;
    header.set_schema_version(1);
    AddDefined(event.id, header, state.defined);
  }
  BundleState same = state;
  EXPECT_EQ(Ref(Find(Map(Version(), same), "release.approved"), "release").version(), "0.1.0");
  BundleVersion other = Version();
  other.releases[0].commit = "cafe";
  const MappedVersion mapped = Map(other, state);
  EXPECT_EQ(Ref(Find(mapped, "release.approved"), "release").version(), "0.1.0+cafe");
  EXPECT_EQ(Ref(Find(mapped, "release.approved"), "model").version(), "0.1.0");
}

TEST(MapBundleVersionTest, IdsComeFromTheFactsThatIdentify) {
  const MappedVersion mapped = MapFirst(Version());
  const MappedVersion again = MapFirst(Version());
  for (size_t i = 0; i < mapped.events.size(); ++i) {
    EXPECT_EQ(mapped.events[i].id, again.events[i].id);
    EXPECT_EQ(mapped.events[i].id.version(), 7);
    EXPECT_TRUE(mapped.events[i].id.standard_variant());
  }
  BundleVersion other = Version();
  other.commit = std::string(40, 'e');
  EXPECT_NE(MapFirst(other).events[0].id, mapped.events[0].id);
  // Pinned, and computed by an independent Python program too: with other ids every import would add everything again.
  EXPECT_EQ(mapped.events[0].id.text().substr(0, 15), "0180d408-fb00-7");
  std::string ids;
  for (const IdentifiedDraft& event : mapped.events) ids += event.id.bytes();
  EXPECT_EQ(Sha256(ids).hex().substr(0, 16), "d74a164a1e67d812");
}

TEST(MapBundleVersionTest, IdsOfTimesBefore1970AreClamped) {
  BundleVersion version = Version();
  version.author_date = version.commit_date = "1950-01-01T00:00:00Z";
  EXPECT_EQ(MapFirst(version).events[0].id.text().substr(0, 15), "00000000-0000-7");
}

TEST(MapBundleVersionTest, ADateThatIsNoneMakesTheVersionUnreadable) {
  BundleState state;
  BundleVersion version = Version();
  version.commit_date = "yesterday";
  EXPECT_EQ(MapBundleVersion(version, "x", state).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(state.previous.has_value());
  EXPECT_TRUE(state.datasets.empty());
  // A release's date concerns the release only.
  version = Version();
  version.releases[0].date = "2022-07-20";
  const MappedVersion mapped = MapFirst(version);
  EXPECT_EQ(mapped.events.size(), 6u);
  EXPECT_EQ(mapped.unreadable.size(), 1u);
}

TEST(MapBundleVersionTest, NoTextOfTheSourceReachesAHeader) {
  BundleVersion version = Version();
  version.data_source = "kindly made available by Dr. A. Person";
  version.task = "Dr. A. Person's task";
  for (const IdentifiedDraft& event : MapFirst(version).events) {
    EXPECT_THAT(event.draft.header.SerializeAsString(), Not(HasSubstr("Person")));
  }
}

TEST(MonaiStreamTest, NamesAreStreamsAndDiffer) {
  EXPECT_EQ(MonaiStream("spleen_ct"), "import/monai/spleen_ct");
  EXPECT_EQ(MonaiStream("annotation/deepedit"), "import/monai/annotation/deepedit");
  EXPECT_EQ(MonaiStream("a b"), "import/monai/a:20b");
  EXPECT_EQ(MonaiStream("a:20b"), "import/monai/a:3a20b");
  BundleState state;
  BundleVersion version = Version();
  version.bundle = std::string(300, 'b');
  EXPECT_FALSE(MapBundleVersion(version, "x", state).ok());
}

}  // namespace
}  // namespace anamnesis
