// The system clock set back or forward under a running ledger, and over a restart: recorded times go on increasing and
// the step is on record.

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/ledger.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kHour = 3600 * kSecond;
constexpr int64_t kDay = 24 * kHour;

class FakeClock : public Clock {
 public:
  Timestamp Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  int64_t MonotonicUs() const override {
    const std::lock_guard lock(mutex_);
    return monotonic_us_;
  }
  // Lets time pass; the system clock gains `slew_us` on it meanwhile.
  void Pass(int64_t us, int64_t slew_us = 0) {
    const std::lock_guard lock(mutex_);
    now_ = Timestamp(now_.us + us + slew_us);
    monotonic_us_ += us;
  }
  // Sets the system clock.
  void Step(int64_t us) {
    const std::lock_guard lock(mutex_);
    now_ = Timestamp(now_.us + us);
  }
  // As after the machine was started again.
  void RestartMonotonic() {
    const std::lock_guard lock(mutex_);
    monotonic_us_ = 5 * kSecond;
  }

 private:
  mutable std::mutex mutex_;
  Timestamp now_ = kTestStart;
  int64_t monotonic_us_ = 1000 * kSecond;
};

class ClockStepTest : public testing::Test {
 protected:
  ClockStepTest() {
    options_.clock = &clock_;
    options_.log = [this](std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      log_.emplace_back(line);
    };
    const NamedKey founder{"ada", KeyOfSeed(1)};
    EXPECT_TRUE(CreateLedger(dir(), kTestOrigin, founder, options_).ok());
    Open();
    writer_.emplace("person", "ada", 1, kTestOrigin, "person/ada/notes");
  }

  std::string dir() const { return root_.path() + "/ledger"; }

  void Open() {
    ledger_.reset();
    auto opened = Ledger::Open(dir(), options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
  }

  void Append() {
    v1::AppendRequest request;
    *request.add_runs() = writer_->Write({ReferToDocument(Text("note-", ++written_))});
    const auto response = ledger_->Append(std::move(request));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_FALSE(response->results(0).has_refused()) << response->results(0).ShortDebugString();
  }

  std::vector<v1::Event> Events(const std::string& stream = "") {
    v1::ReadRequest request;
    request.set_stream(stream);
    request.set_include_bodies(true);
    std::vector<v1::Event> events;
    const Status read = ledger_->Read(request, [&](const v1::ReadResponse& item) {
      if (item.has_event()) events.push_back(item.event());
      return true;
    });
    EXPECT_TRUE(read.ok()) << read;
    return events;
  }

  // The steps on record in the ledger's own stream.
  std::vector<int64_t> Steps() {
    std::vector<int64_t> steps;
    for (const v1::Event& event : Events("ledger")) {
      if (event.header().type() != "clock.anomaly_detected") continue;
      v1::ClockAnomalyDetected content;
      EXPECT_TRUE(content.ParseFromString(event.body().content()));
      steps.push_back(content.step_us());
    }
    return steps;
  }

  void ExpectStrictlyIncreasing() {
    int64_t last = 0;
    for (const v1::Event& event : Events()) {
      const int64_t recorded = event.recorded().seconds() * kSecond + event.recorded().nanos() / 1000;
      EXPECT_GT(recorded, last) << "index " << event.index();
      last = recorded;
    }
  }

  std::vector<std::string> StepLines() {
    const std::lock_guard lock(log_mutex_);
    std::vector<std::string> lines;
    for (const std::string& line : log_) {
      if (line.find("clock stepped") != std::string::npos) lines.push_back(line);
    }
    return lines;
  }

  FakeClock clock_;
  LedgerOptions options_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
  ScratchDirectory root_;
  std::unique_ptr<Ledger> ledger_;
  std::optional<TestWriter> writer_;
  int written_ = 0;
};

TEST_F(ClockStepTest, SteppedBackAnHour) {
  Append();
  clock_.Pass(kSecond);
  clock_.Step(-kHour);
  Append();
  clock_.Pass(kSecond);
  Append();
  EXPECT_THAT(Steps(), ElementsAre(-kHour));
  EXPECT_THAT(StepLines(), ElementsAre(HasSubstr("-3600000000")));
  ExpectStrictlyIncreasing();
}

TEST_F(ClockStepTest, SteppedForwardADay) {
  Append();
  clock_.Pass(kSecond);
  clock_.Step(kDay);
  Append();
  clock_.Pass(kSecond);
  Append();
  EXPECT_THAT(Steps(), ElementsAre(kDay));
  EXPECT_THAT(StepLines(), ElementsAre(HasSubstr("86400000000")));
  ExpectStrictlyIncreasing();
}

TEST_F(ClockStepTest, ForwardAndBackAgainAreTwoSteps) {
  Append();
  clock_.Step(kDay);
  Append();
  clock_.Step(-kDay);
  Append();
  EXPECT_THAT(Steps(), ElementsAre(kDay, -kDay));
  ExpectStrictlyIncreasing();
}

TEST_F(ClockStepTest, TimeThatPassesIsNoStep) {
  for (const int64_t pause : {int64_t{1}, kSecond, kHour, kDay, 400 * kDay}) {
    Append();
    clock_.Pass(pause);
  }
  Append();
  EXPECT_THAT(Steps(), IsEmpty());
  EXPECT_THAT(StepLines(), IsEmpty());
  ExpectStrictlyIncreasing();
}

TEST_F(ClockStepTest, SlewIsNoStep) {
  for (int hour = 0; hour < 8; ++hour) {
    Append();
    // 0.05 % one way, then the other.
    clock_.Pass(kHour, hour < 4 ? kHour / 2000 : -kHour / 2000);
  }
  Append();
  EXPECT_THAT(Steps(), IsEmpty());
  EXPECT_THAT(StepLines(), IsEmpty());
}

TEST_F(ClockStepTest, RestartWithAClockBehindTheLog) {
  clock_.Pass(kDay);
  Append();
  clock_.RestartMonotonic();
  clock_.Step(-kHour);
  Open();
  Append();
  ASSERT_EQ(Steps().size(), 1u);
  EXPECT_NEAR(static_cast<double>(Steps()[0]), static_cast<double>(-kHour), 1e6);
  EXPECT_EQ(StepLines().size(), 1u);
  ExpectStrictlyIncreasing();
}

TEST_F(ClockStepTest, RestartLaterIsNoStep) {
  Append();
  clock_.RestartMonotonic();
  clock_.Step(30 * kDay);
  Open();
  Append();
  EXPECT_THAT(Steps(), IsEmpty());
  ExpectStrictlyIncreasing();
}

TEST_F(ClockStepTest, AStreamGoesOnAfterTheLedgersOwnEvent) {
  Append();
  clock_.Step(-kHour);
  Append();
  clock_.Step(-kHour);
  Append();
  const std::vector<v1::Event> own = Events("ledger");
  ASSERT_EQ(own.size(), 2u);
  EXPECT_EQ(own[0].header().stream_position(), 1u);
  EXPECT_EQ(own[1].header().stream_position(), 2u);
  EXPECT_EQ(Events("person/ada/notes").size(), 3u);
}

}  // namespace
}  // namespace anamnesis
