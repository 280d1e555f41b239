#ifndef ANAMNESIS_LEDGER_ENGINE_FSCK_PROBLEMS_H_
#define ANAMNESIS_LEDGER_ENGINE_FSCK_PROBLEMS_H_

// What a check finds, in the order in which it is told.

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/engine/fsck.h"
#include "ledger/state/rows.h"

namespace anamnesis {

class Problems {
 public:
  static constexpr size_t kMax = 100;
  static constexpr size_t kOfAFamilyMax = 8;
  void OfLeaf(uint64_t index, std::string_view what) {
    first_wrong_ = std::min(first_wrong_, index);
    Add({LeafIndex(index), Text("leaf ", index, ": ", what)});
  }
  void Add(std::string what) { Add(FsckProblem{std::nullopt, std::move(what)}); }

  // Safe from any thread.
  void OfProjection(Family family, std::string_view what) {
    const std::lock_guard lock(mutex_);
    if (++of_family_[static_cast<size_t>(family)] > kOfAFamilyMax) {
      cut_off_ = true;
      return;
    }
    AddLocked({std::nullopt, Text("projection ", FamilyName(family), " ", what, "; run `anamnesis rebuild`")});
  }

  bool empty() const { return list_.empty(); }
  bool has_wrong_leaf() const { return first_wrong_ != UINT64_MAX; }
  void Report(FsckReport& report) {
    std::stable_sort(list_.begin(), list_.end(), [](const FsckProblem& a, const FsckProblem& b) {
      if (a.leaf.has_value() != b.leaf.has_value()) return a.leaf.has_value();
      return a.leaf < b.leaf;
    });
    if (first_wrong_ != UINT64_MAX) report.first_wrong_leaf = LeafIndex(first_wrong_);
    report.problems = std::move(list_);
    report.problems_cut_off = cut_off_;
  }

 private:
  void Add(FsckProblem problem) {
    const std::lock_guard lock(mutex_);
    AddLocked(std::move(problem));
  }
  void AddLocked(FsckProblem problem) {
    if (list_.size() < kMax) {
      list_.push_back(std::move(problem));
    } else {
      cut_off_ = true;
    }
  }

  std::mutex mutex_;
  std::vector<FsckProblem> list_;
  bool cut_off_ = false;
  uint64_t first_wrong_ = UINT64_MAX;
  std::array<size_t, kFamilies> of_family_{};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FSCK_PROBLEMS_H_
