#include "client/cpp/outbox.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/cpp/writer.h"
#include "tests/client/fake_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

EventDraft Draft(std::string_view commit) {
  EventDraft draft;
  auto body = std::make_shared<v1::CodeRevisionRecorded>();
  body->set_vcs("git");
  body->set_commit_id(std::string(commit));
  // Two to a run.
  for (int i = 0; i < 3000; ++i) body->add_path_roles(std::string(1000, 'x'));
  draft.body = std::move(body);
  SetOccurred(draft, Timestamp(1), Timestamp(2));
  AddReference(draft, "code", "code_revision", "project", commit);
  return draft;
}

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() { ledger_.Issue(key_, "writer"); }

  StatusOr<std::unique_ptr<StreamWriter>> Open(LedgerClient& ledger) {
    RetryPolicy retry;
    retry.tries = 2;
    retry.wait = [](std::chrono::milliseconds) {};
    return StreamWriter::Open(ledger, key_, "code/project", std::move(retry), dir());
  }

  std::string dir() const { return directory_.path() + "/outbox"; }
  // The only file in the directory.
  std::string File() const { return std::filesystem::directory_iterator(dir())->path().string(); }

  const ScratchDirectory directory_;
  FakeLedger ledger_;
  const NamedKey key_ = TestKey();
};

// At which moment of an append of three runs the power fails.
enum class Moment { kBeforeTheFirst, kAfterTheFirst };

// In a process of its own, which ends as if the power had failed: only what is in files is left. What the ledger got is
// handed over in one of them.
void AppendUntilKilled(const std::string& received, Moment moment, const std::function<void(FakeLedger&)>& append) {
  class KillingLedger : public FakeLedger {
   public:
    KillingLedger(const std::string& path, Moment when) : path_(path), when_(when) {}
    StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) override {
      if (when_ == Moment::kAfterTheFirst) std::ofstream(path_, std::ios::binary) << request.SerializeAsString();
      ::raise(SIGKILL);
      return absl::InternalError("unreachable");
    }

   private:
    const std::string path_;
    const Moment when_;
  };
  const pid_t process = ::fork();
  if (process == 0) {
    KillingLedger ledger(received, moment);
    append(ledger);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

class KilledTest : public OutboxTest, public testing::WithParamInterface<Moment> {};

TEST_P(KilledTest, WhatHadNoAnswerIsSentAgainWithTheSameIds) {
  const std::string received = directory_.path() + "/received";
  const EventId id = NewEventId();
  AppendUntilKilled(received, GetParam(), [&](FakeLedger& ledger) {
    ledger.Issue(key_, "writer");
    (void)(*Open(ledger))->Append({{Draft("a"), id}, {Draft("b"), {}}, {Draft("c"), {}}});
  });
  // The ledger may have recorded the first run, and nobody heard of it.
  if (GetParam() == Moment::kAfterTheFirst) {
    v1::AppendRequest request;
    std::ifstream file(received, std::ios::binary);
    ASSERT_TRUE(request.ParseFromIstream(&file));
    ASSERT_TRUE(ledger_.Append(request).ok());
    ASSERT_EQ(ledger_.events().size(), 2u);
  }
  const auto writer = Open(ledger_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_EQ((*writer)->sent_before().size(), 3u);
  EXPECT_EQ((*writer)->sent_before()[0].id, id);
  EXPECT_EQ((*writer)->sent_before()[2].index, LeafIndex(2));
  EXPECT_EQ(ledger_.events().size(), 3u);
  EXPECT_EQ(ledger_.events().front().header.event_id(), id.bytes());
  EXPECT_EQ(std::filesystem::file_size(File()), 0u);
  ASSERT_TRUE((*writer)->AppendOne(Draft("d")).ok());
  EXPECT_EQ(ledger_.events().back().header.stream_position(), 4u);
}

INSTANTIATE_TEST_SUITE_P(Moments, KilledTest, testing::Values(Moment::kBeforeTheFirst, Moment::kAfterTheFirst));

TEST_F(OutboxTest, WhatCantBeSentIsKeptAndSentFirst) {
  const auto writer = Open(ledger_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ledger_.faults.assign(2, {absl::UnavailableError("nobody there"), false});
  const auto kept = (*writer)->AppendOne(Draft("a"));
  EXPECT_TRUE(absl::IsUnknown(kept.status())) << kept.status();
  EXPECT_THAT(std::string(MessageOf(kept.status())), HasSubstr("outbox"));
  // Of this one nothing is kept.
  ledger_.faults.assign(2, {absl::UnavailableError("nobody there"), false});
  EXPECT_TRUE(absl::IsUnavailable((*writer)->AppendOne(Draft("b")).status()));
  ASSERT_TRUE((*writer)->AppendOne(Draft("c")).ok());
  ASSERT_EQ((*writer)->sent_before().size(), 1u);
  ASSERT_EQ(ledger_.events().size(), 2u);
  EXPECT_EQ(ledger_.events()[0].header.refs(0).version(), "a");
  EXPECT_EQ(ledger_.events()[1].header.refs(0).version(), "c");
}

TEST_F(OutboxTest, ARefusalIsAnAnswer) {
  const auto writer = Open(ledger_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ledger_.faults = {{Refuse(v1::ROLE_MISSING, "header.type", "needs a role"), false}};
  EXPECT_TRUE(RefusalDetailOf((*writer)->AppendOne(Draft("a")).status()).has_value());
  EXPECT_EQ(std::filesystem::file_size(File()), 0u);
  ASSERT_TRUE((*writer)->AppendOne(Draft("b")).ok());
  EXPECT_EQ(ledger_.events().size(), 1u);
}

// A node that lets this caller hand nothing in has not looked whether it is recorded.
TEST_F(OutboxTest, WhatMayNotBeHandedInAnyMoreIsKept) {
  const Status door = Refuse(v1::NOT_THE_WRITER, "seal.key_id", "is another's key");
  const auto writer = Open(ledger_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ledger_.faults = {{absl::UnknownError("broken"), true}, {door, false}};
  EXPECT_TRUE(absl::IsUnknown((*writer)->AppendOne(Draft("a")).status()));
  ledger_.faults = {{door, false}};
  EXPECT_TRUE(absl::IsUnavailable((*writer)->AppendOne(Draft("b")).status()));
  EXPECT_GT(std::filesystem::file_size(File()), 0u);
  ASSERT_TRUE((*writer)->AppendOne(Draft("c")).ok());
  EXPECT_EQ((*writer)->sent_before().size(), 1u);
  EXPECT_EQ(ledger_.events().size(), 2u);
  // What was never sent before is not kept.
  ledger_.faults = {{door, false}};
  EXPECT_TRUE(RefusalDetailOf((*writer)->AppendOne(Draft("d")).status()).has_value());
  EXPECT_EQ(std::filesystem::file_size(File()), 0u);
}

TEST_F(OutboxTest, WhatIsRefusedWhenItIsSentAgainIsSetAside) {
  {
    const auto writer = Open(ledger_);
    ASSERT_TRUE(writer.ok()) << writer.status();
    ledger_.faults.assign(2, {absl::UnavailableError("nobody there"), false});
    EXPECT_FALSE((*writer)->AppendOne(Draft("a")).ok());
  }
  // Another has gone on with the stream.
  ASSERT_TRUE((*StreamWriter::Open(ledger_, key_, "code/project"))->AppendOne(Draft("b")).ok());
  const Status refused = Open(ledger_).status();
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr(".refused-1")) << refused;
  const auto writer = Open(ledger_);
  ASSERT_TRUE(writer.ok()) << writer.status();
  EXPECT_TRUE((*writer)->sent_before().empty());
}

TEST_F(OutboxTest, WhatWasCutOffCountsAsNothing) {
  v1::AppendRequest runs;
  runs.add_runs()->add_headers(std::string(100, 'h'));
  ASSERT_TRUE((*Outbox::Open(dir(), "ledger", "a"))->Put(runs).ok());
  const uint64_t size = std::filesystem::file_size(File());
  ASSERT_EQ((*Outbox::Open(dir(), "ledger", "a"))->unanswered().runs_size(), 1);
  for (uint64_t left = 0; left < size; ++left) {
    std::filesystem::resize_file(File(), left);
    // What the disk has of a file whose size came first.
    if (left % 2 == 1) std::filesystem::resize_file(File(), size);
    const auto outbox = Outbox::Open(dir(), "ledger", "a");
    ASSERT_TRUE(outbox.ok()) << outbox.status();
    EXPECT_TRUE((*outbox)->empty()) << left;
    ASSERT_TRUE((*outbox)->Put(runs).ok());
  }
  EXPECT_EQ((*Outbox::Open(dir(), "ledger", "a"))->unanswered().runs(0).headers(0), std::string(100, 'h'));
}

// What follows the new runs would make them count as cut off, though they were sent.
TEST_F(OutboxTest, WhatCantBeEmptiedTakesNothing) {
  ASSERT_TRUE(Outbox::Open(dir(), "ledger", "a").ok());
  const std::string path = File();
  // A file that can be made not to shrink.
  const int file = ::memfd_create("outbox", MFD_ALLOW_SEALING);
  ASSERT_TRUE(file >= 0 && std::filesystem::remove(path));
  std::filesystem::create_symlink(Text("/proc/self/fd/", file), path);
  const auto outbox = Outbox::Open(dir(), "ledger", "a");
  ASSERT_TRUE(outbox.ok()) << outbox.status();
  v1::AppendRequest runs;
  runs.add_runs()->add_headers(std::string(100, 'h'));
  ASSERT_TRUE((*outbox)->Put(runs).ok());
  ASSERT_EQ(::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK), 0);
  (*outbox)->Clear();
  runs.mutable_runs(0)->set_headers(0, "h");
  EXPECT_FALSE((*outbox)->Put(runs).ok());
  EXPECT_TRUE((*outbox)->empty());
  ::close(file);
}

// Runs of one ledger sent to another are refused there, and would be set aside.
TEST_F(OutboxTest, EachLedgerHasItsOwn) {
  v1::AppendRequest runs;
  runs.add_runs()->add_headers("h");
  ASSERT_TRUE((*Outbox::Open(dir(), "ledger", "a"))->Put(runs).ok());
  EXPECT_TRUE((*Outbox::Open(dir(), "other", "a"))->empty());
  EXPECT_FALSE((*Outbox::Open(dir(), "ledger", "a"))->empty());
}

TEST_F(OutboxTest, OneProcessHasItAndOnlyItsOwnerReadsIt) {
  const auto outbox = Outbox::Open(dir(), "ledger", "a");
  ASSERT_TRUE(outbox.ok()) << outbox.status();
  EXPECT_TRUE(absl::IsFailedPrecondition(Outbox::Open(dir(), "ledger", "a").status()));
  EXPECT_TRUE(Outbox::Open(dir(), "ledger", "b").ok());
  struct stat found {};
  for (const auto& path : {dir(), File()}) {
    ASSERT_EQ(::stat(path.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & (S_IRWXG | S_IRWXO), 0u) << path;
  }
}

}  // namespace
}  // namespace anamnesis
