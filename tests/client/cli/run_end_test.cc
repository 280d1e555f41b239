#include "client/cli/run_end.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "client/cli/event_spec.h"
#include "client/cpp/writer.h"
#include "gtest/gtest.h"
#include "ledger/event/vocabulary.h"
#include "ledger/keys/key_file.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis::cli {
namespace {

std::string Written(const ScratchDirectory& directory, const std::string& name, const std::string& text) {
  std::string path = Text(directory.path(), "/", name);
  std::ofstream(path) << text;
  return path;
}

TEST(Metrics, AreWhatIsANumberAsItWasWritten) {
  Metrics metrics;
  AddMetrics("m.json", R"({"dice": 0.90, "loss": 1e-3, "notes": "text", "n": 3, "more": {"a": 1}})", metrics);
  ASSERT_EQ(metrics.values.size(), 3U);
  EXPECT_EQ(metrics.values[0].value(), "0.90");
  EXPECT_EQ(metrics.values[1].value(), "1e-3");
  EXPECT_TRUE(metrics.left_out.empty());
}

// As Python's json.dump writes them.
TEST(Metrics, ThatAreNoNumbersAreNamedAndLoseNothingElse) {
  Metrics metrics;
  AddMetrics("m.json", R"({"loss": NaN, "worst": -Infinity, "best": Infinity, "dice": 0.9, "note": "NaN, \"NaN"})",
             metrics);
  ASSERT_EQ(metrics.values.size(), 1U);
  EXPECT_EQ(metrics.values[0].name(), "dice");
  ASSERT_EQ(metrics.left_out.size(), 3U);
  EXPECT_EQ(metrics.left_out[0], "metric loss is NaN");
  EXPECT_EQ(metrics.left_out[1], "metric worst is -Infinity");
}

TEST(Metrics, ThatNoEventTakesAreNamed) {
  Metrics metrics;
  AddMetrics("m.json", "{\"\": 1, \"long\": 0." + std::string(100, '3') + ", \"dice\": 1}", metrics);
  EXPECT_EQ(metrics.values.size(), 1U);
  EXPECT_EQ(metrics.left_out.size(), 2U);
}

TEST(Metrics, OfAFileThatIsNoObjectAreNamedWithIt) {
  Metrics metrics;
  AddMetrics("a.json", "[1, 2]", metrics);
  AddMetrics("b.json", "{\"dice\": ", metrics);
  EXPECT_TRUE(metrics.values.empty());
  ASSERT_EQ(metrics.left_out.size(), 2U);
  EXPECT_NE(metrics.left_out[0].find("a.json"), std::string::npos);
  EXPECT_NE(metrics.left_out[1].find("b.json"), std::string::npos);
  EXPECT_EQ(ReadMetrics({"/nowhere/m.json"}).left_out.size(), 1U);
}

// Whatever comes of the run, its end can be recorded.
TEST(RunEnd, IsAnEventThatTheVocabularyTakes) {
  const ScratchDirectory directory;
  const std::string metrics = Written(directory, "m.json", "{\"loss\": NaN, \"dice\": 0.5}");
  const std::string output = Written(directory, "m.pt", "weights");
  const std::vector<RunEnd> ends = {{{0, 0}, 0, 7}, {{3, 0}, 0, 7}, {{0, 15}, 15, 7}, {{0, 0}, 15, 7}};
  for (const RunEnd& end : ends) {
    std::vector<std::string> missing;
    const EventDraft draft = EndDraft("r1", {{output, "/nowhere/m.pt"}, {metrics}}, end, missing);
    EXPECT_TRUE(ValidateBody(*draft.body).ok());
    ASSERT_EQ(missing.size(), 2U);
    EXPECT_NE(missing[0].find("loss is NaN"), std::string::npos);
    EXPECT_NE(missing[1].find("/nowhere/m.pt"), std::string::npos);
    const auto* completed = dynamic_cast<const v1::TrainingRunCompleted*>(draft.body.get());
    const auto* failed = dynamic_cast<const v1::TrainingRunFailed*>(draft.body.get());
    EXPECT_EQ(completed != nullptr, end.ended.well());
    const std::string& reason = completed != nullptr ? completed->stop_reason() : failed->reason();
    EXPECT_NE(reason.find("loss is NaN"), std::string::npos) << reason;
    EXPECT_EQ(reason.find("signal 15") != std::string::npos, end.stopped_by == 15) << reason;
    if (completed != nullptr) {
      EXPECT_EQ(completed->missing(0), "metrics");
    }
  }
}

TEST(RunEnd, OutputsThatCanNotBeRecordedAreFoundBefore) {
  EXPECT_TRUE(CheckEndDraft("r1", {{"model.pt", "out/größe.pt"}, {}}).ok());
  for (const std::string& output : {std::string("m\xff.pt"), std::string(), std::string(2000, 'x')}) {
    const Status found = CheckEndDraft("r1", {{output}, {}});
    EXPECT_TRUE(absl::IsInvalidArgument(found)) << found;
    EXPECT_EQ(found.message().find("--output"), 0U) << found;
  }
}

// What is kept of an end is the same event.
TEST(RunEnd, IsTheSameWhenAppendReadsItsLine) {
  std::vector<std::string> missing;
  EventDraft end = EndDraft("r \"1\"", {{"/nowhere/m.pt"}, {}}, {{0, 9}, 0, 7}, missing);
  SetOccurred(end, Timestamp(1700000000000001), Timestamp(1700000000000001));
  end.header.set_rationale("because");
  const IdentifiedDraft identified{end, NewEventId()};
  const StatusOr<std::string> line = SpecLine("person/ada", identified);
  ASSERT_TRUE(line.ok()) << line.status();
  const StatusOr<EventSpec> spec = ParseSpecLine(*line);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->stream, "person/ada");
  EXPECT_FALSE(spec->late_reason.empty());
  const StatusOr<IdentifiedDraft> read = ToIdentifiedDraft(*spec);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->id, identified.id);
  EXPECT_EQ(read->draft.body->SerializeAsString(), end.body->SerializeAsString());
  v1::EventHeader header = read->draft.header;
  header.clear_late_reason();
  EXPECT_EQ(header.SerializeAsString(), end.header.SerializeAsString());
}

TEST(StopSignals, ReachTheProgramAndNotThisProcess) {
  if (kThreadSanitized) GTEST_SKIP() << "ThreadSanitizer runs a handler only when waitid has returned";
  const StopSignals signals;
  std::thread stopper([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(::getpid(), SIGTERM);
  });
  const StatusOr<Ended> ended = signals.Run({"sleep", "10"}, false);
  stopper.join();
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->signal, SIGTERM);
  EXPECT_EQ(signals.last(), SIGTERM);
  EXPECT_EQ(signals.count(), 1);
}

TEST(StopSignals, LeaveAProgramItsOwnEnd) {
  const StopSignals signals;
  const StatusOr<Ended> ended = signals.Run({"sh", "-c", "exit 3"}, false);
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->exit_status, 3);
  EXPECT_EQ(signals.last(), 0);
  EXPECT_TRUE(absl::IsNotFound(signals.Run({"/nowhere/program"}, false).status()));
}

// Takes connections and never says a word, as a node that hangs.
class SilentNode {
 public:
  SilentNode() {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 16), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = Text("127.0.0.1:", ntohs(address.sin_port));
  }
  ~SilentNode() { ::close(socket_); }
  const std::string& address() const { return address_; }

 private:
  const int socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string address_;
};

// Works in a directory while it exists.
class WorkingIn {
 public:
  explicit WorkingIn(const std::string& directory) { std::filesystem::current_path(directory); }
  ~WorkingIn() { std::filesystem::current_path(before_); }

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
};

// The signal that ended the run does not end its record, and the end is kept before it is tried; the next one does,
// also when it comes during a try.
TEST(RecordEnd, EndsWithASignalThatComesDuringATry) {
  if (kThreadSanitized) GTEST_SKIP() << "ThreadSanitizer runs a handler only when the thread returns from a call";
  const ScratchDirectory directory;
  const WorkingIn here(directory.path());
  const SilentNode node;
  WriteOptions options;
  options.common.ledger = node.address();
  options.common.key_file = directory.path() + "/ada.key";
  options.common.append_within = std::chrono::seconds(30);
  ASSERT_TRUE(NewKeyFile(options.common.key_file, "ada").ok());
  std::vector<std::string> missing;
  const IdentifiedDraft end{EndDraft("r1", {}, {{0, 15}, 15, 7}, missing), NewEventId()};
  const auto kept = [&] {
    size_t files = 0;
    for (const auto& each : std::filesystem::directory_iterator(directory.path())) {
      if (each.path().filename().string().starts_with("anamnesis-run-r1-")) ++files;
    }
    return files;
  };
  const StopSignals signals;
  ::kill(::getpid(), SIGTERM);
  size_t kept_during_first_try = 0;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    kept_during_first_try = kept();
    ::kill(::getpid(), SIGTERM);
  });
  const auto begun = std::chrono::steady_clock::now();
  v1::RunResult all;
  const Status recorded = RecordEnd(options, "r1", end, signals, all);
  stopper.join();
  EXPECT_FALSE(recorded.ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(9)) << "it went on after its first try";
  EXPECT_EQ(kept_during_first_try, 1U);
  EXPECT_EQ(kept(), 1U);
}

}  // namespace
}  // namespace anamnesis::cli
