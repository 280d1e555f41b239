#ifndef ANAMNESIS_TESTS_LEDGER_ENGINE_STORED_LEDGER_H_
#define ANAMNESIS_TESTS_LEDGER_ENGINE_STORED_LEDGER_H_

// A ledger on disk as its rows and files, to be damaged and written out again.

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ledger/base/check.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/ledger.h"
#include "ledger/store/store.h"
#include "tests/support/test_run.h"

namespace anamnesis {

// A clock that goes on by a millisecond each time it is asked, and can be set back.
class SteppingClock : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(kTestStart.us + (now_ += 1000)); }
  int64_t MonotonicUs() const override { return monotonic_ += 1000; }
  void StepBack(int64_t us) { now_ -= us; }

 private:
  mutable std::atomic<int64_t> now_ = 0;
  mutable std::atomic<int64_t> monotonic_ = 0;
};

// A clock that stands still where it was set.
class SetClock : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(now_us_.load()); }
  int64_t MonotonicUs() const override { return now_us_.load(); }
  void Set(Timestamp now) { now_us_ = now.us; }

 private:
  std::atomic<int64_t> now_us_ = kTestStart.us;
};

struct StoredLedger {
  using Key = std::pair<Family, std::string>;
  std::map<Key, std::string> rows;
  // Small files beside the database, by name.
  std::map<std::string, std::string> files;

  static StoredLedger Read(const std::string& dir) {
    StoredLedger ledger;
    StoreOptions options;
    options.read_only = true;
    const auto store = OpenRocksStore(DatabasePath(dir), options);
    CHECK(store.ok());
    for (auto& [family, key, value] : AllRows(**store)) ledger.rows[{family, key}] = value;
    for (const char* name : {"checkpoint", "checkpoint.key"}) {
      ledger.files[name] = ReadSmallFile(dir + "/" + name).value();
    }
    return ledger;
  }

  void Write(const std::string& dir) const {
    for (const auto& [name, bytes] : files) {
      CHECK(WriteSmallFile(dir + "/" + name, bytes).ok());
      std::filesystem::permissions(dir + "/" + name,
                                   std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    StoreOptions options;
    options.create_if_missing = true;
    const auto store = OpenRocksStore(DatabasePath(dir), options);
    CHECK(store.ok());
    Rows all;
    for (const auto& [key, value] : rows) all.push_back({key.first, key.second, value});
    CHECK((*store)->Write(all, false).ok());
  }

  std::vector<Key> KeysOf(Family family) const {
    std::vector<Key> keys;
    for (const auto& [key, value] : rows) {
      if (key.first == family) keys.push_back(key);
    }
    return keys;
  }
};

// Writes a ledger of a few streams, with corrections, device units and an event of the ledger itself.
class LedgerMaker {
 public:
  explicit LedgerMaker(const std::string& dir) : dir_(dir) {
    options_.clock = &clock_;
    const NamedKey founder{"founder", KeyOfSeed(1)};
    CHECK(CreateLedger(dir, kTestOrigin, founder, options_).ok());
    Open();
    Append(admin_.Write(
        {EnrolPerson("q"), IssueKey("person", "q", quality_.key().public_key()), GrantRole("q", v1::QUALITY_OFFICER)}));
    for (const TestWriter& unit : units_) {
      Append(admin_.Write({IssueKey("device_unit", unit.agent().id(), unit.key().public_key())}));
    }
  }

  void Open() {
    auto opened = Ledger::Open(dir_, options_);
    if (!opened.ok()) std::fprintf(stderr, "%s\n", opened.status().ToString().c_str());
    CHECK(opened.ok());
    ledger_ = *std::move(opened);
  }
  void Close() { ledger_.reset(); }
  Ledger& ledger() { return *ledger_; }
  SteppingClock& clock() { return clock_; }
  TestWriter& admin() { return admin_; }

  void Append(v1::Run run) {
    v1::AppendRequest request;
    *request.add_runs() = std::move(run);
    const auto response = ledger_->Append(std::move(request));
    CHECK(response.ok());
    if (response->results(0).has_refused()) {
      std::fprintf(stderr, "%s\n", response->results(0).refused().DebugString().c_str());
    }
    CHECK(!response->results(0).has_refused());
  }

  // Adds events until there are at least `size`, and a checkpoint.
  void GrowTo(uint64_t size) {
    for (uint64_t i = 0; ledger_->tree_size() < size; ++i, ++round_) {
      TestWriter& unit = units_[round_ % units_.size()];
      const std::string id = unit.agent().id();
      if (round_ < units_.size()) {
        Append(unit.Write({Commission(id)}));
      }
      std::vector<EventDraft> drafts;
      for (uint64_t n = 0; n <= round_ % 5; ++n) {
        EventDraft draft = Activate(id, n % 2 == 0 ? "threshold" : "rhythm", "m");
        SetOccurred(draft, Timestamp(kTestStart.us + static_cast<int64_t>(round_ * 7 % 11)),
                    Timestamp(kTestStart.us + static_cast<int64_t>(round_ * 7 % 11 + n)));
        drafts.push_back(std::move(draft));
      }
      drafts.push_back(Deactivate(id, "rhythm"));
      Append(unit.Write(drafts));
      if (round_ % 3 == 1) {
        Append(admin_.Write({ReferToDocument("d1"), Correct(unit.LastId(), v1::RecordCorrected::RETRACTED)}));
      }
      if (round_ % 4 == 2) clock_.StepBack(10000000);
      if (round_ % 4 == 3) Append(admin_.Write({EnrolPerson(Text("p", round_))}));
    }
    CHECK(ledger_->GetCheckpoint().ok());
  }

 private:
  const std::string dir_;
  SteppingClock clock_;
  LedgerOptions options_;
  TestWriter admin_{"person", "founder", 1, kTestOrigin, "person/founder/desk"};
  TestWriter quality_{"person", "q", 2};
  std::vector<TestWriter> units_ = MakeUnits();
  static std::vector<TestWriter> MakeUnits() {
    std::vector<TestWriter> units;
    for (uint64_t i = 0; i < 3; ++i) units.emplace_back("device_unit", Text("ICU-", i), 10 + i);
    return units;
  }
  uint64_t round_ = 0;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_ENGINE_STORED_LEDGER_H_
