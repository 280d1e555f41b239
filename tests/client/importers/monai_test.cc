#include "client/importers/monai.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "ledger/event/refusal.h"
#include "tests/client/fake_ledger.h"
#include "tests/support/places.h"

namespace anamnesis {
namespace {

std::string SamplePath() { return SourcePath("tests/data/monai_sample.jsonl"); }

class ImportTest : public testing::Test {
 protected:
  ImportTest() { ledger_.Issue(key_, "monai-importer"); }

  ImportReport Import(const MonaiHistory& history) {
    const auto report = ImportHistory(ledger_, key_, history, nullptr);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? *report : ImportReport();
  }

  static MonaiHistory Sample() { return *ReadMonaiHistory(SamplePath()); }

  // Under which versions events of a type define something.
  std::vector<std::string> Defined(std::string_view type, std::string_view role) const {
    std::vector<std::string> versions;
    for (const FakeLedger::Stored* event : ledger_.OfType(type)) {
      versions.push_back(FindReference(event->header, role)->version());
    }
    return versions;
  }

  FakeLedger ledger_;
  const NamedKey key_ = TestKey();
};

TEST_F(ImportTest, TheSampleIsImported) {
  uint64_t done = 0;
  const auto report = ImportMonai(ledger_, key_, SamplePath(), [&](uint64_t versions_done, uint64_t versions) {
    EXPECT_EQ(versions_done, ++done);
    EXPECT_EQ(versions, 17u);
  });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(done, 17u);
  EXPECT_EQ(report->versions_read, 17u);
  EXPECT_EQ(report->bundles_read, 10u);
  EXPECT_EQ(report->events_added, ledger_.events().size());
  EXPECT_EQ(report->events_already_there, 0u);
  EXPECT_EQ(report->added_by_type, (std::map<std::string, uint64_t>{{"code.revision_recorded", 17},
                                                                    {"dataset.curated", 11},
                                                                    {"evaluation.completed", 17},
                                                                    {"model.registered", 17},
                                                                    {"release.approved", 14},
                                                                    {"training_run.completed", 17},
                                                                    {"training_run.started", 17}}));
  EXPECT_TRUE(report->unreadable.empty());
  EXPECT_EQ(ledger_.runs_written, 17u);
}

TEST_F(ImportTest, OldestFirst) {
  Import(Sample());
  int64_t last = 0;
  for (const auto* event : ledger_.OfType("model.registered")) {
    EXPECT_GE(event->header.occurred_latest_us(), last);
    last = event->header.occurred_latest_us();
  }
}

TEST_F(ImportTest, ASecondImportAddsNothing) {
  const ImportReport first = Import(Sample());
  const size_t appends = ledger_.append_calls;
  ledger_.read_limit = 3;  // More than one page a stream.
  const ImportReport second = Import(Sample());
  EXPECT_EQ(second.events_added, 0u);
  EXPECT_TRUE(second.added_by_type.empty());
  EXPECT_EQ(second.events_already_there, first.events_added);
  EXPECT_EQ(second.weak_digests, first.weak_digests);
  EXPECT_EQ(ledger_.append_calls, appends);
}

TEST_F(ImportTest, AFreshLedgerIsNotAskedForEvents) {
  Import(Sample());
  EXPECT_EQ(ledger_.read_calls, 0u);
}

TEST_F(ImportTest, ALongerHistoryAddsOnlyWhatIsNew) {
  const MonaiHistory whole = Sample();
  uint64_t added = 0;
  for (const size_t length : {0u, 1u, 8u, 8u, 12u, 17u}) {
    MonaiHistory history = whole;
    history.versions.resize(length);
    const ImportReport report = Import(history);
    EXPECT_EQ(report.events_already_there, added);
    added += report.events_added;
  }
  FakeLedger at_once;
  at_once.Issue(key_, "monai-importer");
  ASSERT_TRUE(ImportHistory(at_once, key_, whole, nullptr).ok());
  ASSERT_EQ(ledger_.events().size(), at_once.events().size());
  for (size_t i = 0; i < at_once.events().size(); ++i) {
    EXPECT_EQ(ledger_.events()[i].header.event_id(), at_once.events()[i].header.event_id());
  }
}

TEST_F(ImportTest, AReleaseThatCameLaterIsAddedToItsVersion) {
  const MonaiHistory whole = Sample();
  MonaiHistory before = whole;
  for (BundleVersion& version : before.versions) version.releases.clear();
  Import(before);
  const ImportReport report = Import(whole);
  EXPECT_EQ(report.added_by_type, (std::map<std::string, uint64_t>{{"release.approved", 14}}));
}

TEST_F(ImportTest, AnImportThatBrokeOffIsFinishedByTheNext) {
  MonaiHistory half = Sample();
  half.versions.resize(9);
  const uint64_t done = Import(half).events_added;
  ledger_.faults = {{absl::DataLossError("the disk is gone"), false}};
  const auto broken = ImportHistory(ledger_, key_, Sample(), nullptr);
  EXPECT_EQ(broken.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(MessageOf(broken.status())), testing::HasSubstr("prostate_mri_anatomy 0.1.0"));
  const ImportReport report = Import(Sample());
  EXPECT_EQ(report.events_already_there, done);
  EXPECT_EQ(report.events_added + done, ledger_.events().size());
}

TEST_F(ImportTest, AVersionThatBreaksARuleIsToldOfAndTheRestGoesOn) {
  MonaiHistory history = Sample();
  history.versions[3].version = std::string(200, '1');  // spleen_ct_segmentation, the first of five.
  history.versions[4].commit_date = "never";
  const ImportReport report = Import(history);
  ASSERT_EQ(report.unreadable.size(), 2u);
  EXPECT_EQ(report.unreadable[0].place, "line 4");
  EXPECT_THAT(report.unreadable[0].reason, testing::HasSubstr("version"));
  EXPECT_EQ(report.unreadable[1].place, "line 5");
  EXPECT_EQ(report.added_by_type.at("model.registered"), 15u);
  // The dataset that the refused version would have recorded is recorded by the next.
  EXPECT_EQ(report.added_by_type.at("dataset.curated"), 10u);
}

TEST_F(ImportTest, AReplacedArchiveAndAVersionThatComesBackAreRecorded) {
  const auto archive = [](char digit) {
    return ReleaseFact{std::string(40, digit), "https://x/y.zip", "2023-01-01T00:00:00Z", std::string(40, digit)};
  };
  MonaiHistory history = Sample();
  history.versions.resize(1);
  history.versions[0].version = "0.1.0";
  history.versions[0].releases = {archive('1')};
  Import(history);
  history.versions[0].releases.push_back(archive('2'));
  history.versions.push_back(history.versions[0]);
  history.versions[1].commit = std::string(40, 'c');
  history.versions[1].releases = {archive('3')};
  const ImportReport report = Import(history);
  EXPECT_TRUE(report.unreadable.empty());
  EXPECT_EQ(report.added_by_type.at("release.approved"), 2u);
  EXPECT_THAT(Defined("release.approved", "release"),
              testing::ElementsAre("0.1.0", "0.1.0+222222222222", "0.1.0+333333333333"));
  EXPECT_THAT(Defined("model.registered", "model"), testing::ElementsAre("0.1.0", "0.1.0+cccccccccccc"));
  EXPECT_THAT(Defined("training_run.started", "training_run"), testing::ElementsAre("0.1.0", "0.1.0+cccccccccccc"));
  EXPECT_EQ(Import(history).events_added, 0u);
}

TEST_F(ImportTest, AVersionThatAnotherStreamHasIsToldOfAndTheRestGoesOn) {
  ledger_.faults = {{Refuse(v1::ENTITY_TAKEN, "header.refs[0]", "is recorded already"), false}};
  const ImportReport report = Import(Sample());
  ASSERT_EQ(report.unreadable.size(), 1u);
  EXPECT_THAT(report.unreadable[0].reason, testing::HasSubstr("is recorded already"));
  EXPECT_EQ(report.added_by_type.at("model.registered"), 16u);
}

TEST_F(ImportTest, AWriterWithoutCredentialIsTold) {
  const auto report = ImportHistory(ledger_, TestKey('s'), Sample(), nullptr);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ImportTest, AnotherWritersImportIsNotContinued) {
  MonaiHistory history = Sample();
  history.versions.resize(1);
  Import(history);
  const NamedKey other = TestKey('o');
  ledger_.Issue(other, "somebody-else");
  history = Sample();
  history.versions[0].commit = std::string(40, 'f');
  const auto report = ImportHistory(ledger_, other, history, nullptr);
  ASSERT_TRUE(RefusalDetailOf(report.status()).has_value()) << report.status();
  EXPECT_EQ(RefusalDetailOf(report.status())->reason(), v1::NOT_THE_WRITER);
}

TEST_F(ImportTest, NobodysNameReachesAHeader) {
  Import(Sample());
  bool in_a_body = false;
  for (const FakeLedger::Stored& event : ledger_.events()) {
    EXPECT_THAT(event.header.SerializeAsString(), testing::Not(testing::HasSubstr("Erickson")));
    in_a_body = in_a_body || event.body.content().find("Erickson") != std::string::npos;
  }
  EXPECT_TRUE(in_a_body);
}

TEST_F(ImportTest, NothingAtThePathIsNotFound) {
  EXPECT_EQ(ReadMonaiHistory("/nonexistent").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ImportTest, TheWholeHistory) {
  const std::string path = SharedPath("data/monai_history.jsonl");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const MonaiHistory history = *ReadMonaiHistory(path);
  const ImportReport report = Import(history);
  EXPECT_EQ(report.versions_read, 241u);
  EXPECT_EQ(report.bundles_read, 23u);
  for (const Unreadable& note : report.unreadable) ADD_FAILURE() << note.place << ": " << note.reason;
  EXPECT_EQ(report.added_by_type, (std::map<std::string, uint64_t>{{"code.revision_recorded", 241},
                                                                   {"dataset.curated", 24},
                                                                   {"evaluation.completed", 241},
                                                                   {"model.registered", 241},
                                                                   {"release.approved", 238},
                                                                   {"training_run.completed", 241},
                                                                   {"training_run.started", 241}}));
  EXPECT_EQ(report.events_added, 1467u);
  EXPECT_EQ(report.weak_digests, 671u);
  EXPECT_EQ(report.missing_digests, 65u);
  EXPECT_EQ(Import(history).events_added, 0u);
}

}  // namespace
}  // namespace anamnesis
