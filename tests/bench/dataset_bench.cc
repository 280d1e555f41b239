// Member files at size: build, scan, prove, compare. `peak_rss_mib` is the process's so far; run one at a time
// (--benchmark_filter) to know a single one's. ANAMNESIS_BENCH_MEMBERS (default 1,000,000) members, beside which their
// files go into ANAMNESIS_BENCH_DIR (default: the temporary directory).

#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/dataset/build.h"
#include "client/dataset/compare.h"
#include "client/dataset/member_file.h"
#include "ledger/base/check.h"
#include "ledger/base/status.h"
#include "ledger/crypto/sha256.h"
#include "ledger/dataset/prove.h"

namespace anamnesis {
namespace {

uint64_t MembersWanted() {
  const char* text = ::getenv("ANAMNESIS_BENCH_MEMBERS");
  return text == nullptr ? 1000000 : std::stoull(text);
}

// Manifests and member files, made once and removed at the end. Two versions: the second lacks the first thousandth of
// the first's records and has as many new ones.
class Files {
 public:
  Files() {
    const char* where = ::getenv("ANAMNESIS_BENCH_DIR");
    std::string pattern = (where == nullptr ? std::filesystem::temp_directory_path() : std::filesystem::path(where)) /
                          "dataset_bench_XXXXXX";
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    home_ = pattern;
    WriteManifest("one.csv", 0);
    WriteManifest("two.csv", MembersWanted() / 1000);
  }
  ~Files() { std::filesystem::remove_all(home_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  std::string Path(std::string_view name) const { return Text(home_, "/", name); }
  void Build(const std::string& name) const {
    const StatusOr<MemberFileHeader> built = BuildMemberFile(Path(name + ".csv"), Path(name + ".members"), {});
    CHECK(built.ok() && built->commitment.records == MembersWanted());
  }
  std::unique_ptr<MemberFile> Open(const std::string& name) const {
    if (!std::filesystem::exists(Path(name + ".members"))) Build(name);
    return MemberFile::Open(Path(name + ".members")).value();
  }

 private:
  // Ids and digests as long as real ones: a pseudonym of 16 hexadecimal digits, four records a subject.
  void WriteManifest(std::string_view name, uint64_t first) const {
    std::ofstream csv(Path(name));
    csv << "record_id,subject_id,sha256\n";
    for (uint64_t i = first; i < first + MembersWanted(); ++i) {
      const std::string digest = Sha256(Text("content ", i)).hex();
      csv << digest.substr(0, 12) << i << "," << Sha256(Text("subject ", i / 4)).hex().substr(0, 12) << "," << digest
          << "\n";
    }
    CHECK(csv.good());
  }

  std::string home_;
};

const Files& TheFiles() {
  static const Files files;
  return files;
}

void Report(benchmark::State& state) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  state.counters["peak_rss_mib"] = static_cast<double>(usage.ru_maxrss) / 1024;
  state.counters["members"] = static_cast<double>(MembersWanted());
}

void BM_Build(benchmark::State& state) {
  const Files& files = TheFiles();
  for (auto _ : state) {
    std::filesystem::remove(files.Path("one.members"));
    files.Build("one");
  }
  state.counters["file_mib"] = static_cast<double>(std::filesystem::file_size(files.Path("one.members"))) / (1 << 20);
  Report(state);
}
BENCHMARK(BM_Build)->Unit(benchmark::kSecond)->Iterations(1);

void BM_Scan(benchmark::State& state) {
  const std::unique_ptr<MemberFile> file = TheFiles().Open("one");
  for (auto _ : state) {
    CHECK(file->Scan([](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>&) { return OkStatus(); }).ok());
  }
  Report(state);
}
BENCHMARK(BM_Scan)->Unit(benchmark::kSecond)->Iterations(1);

// With the file opened anew each time, as the command line does.
void BM_Prove(benchmark::State& state) {
  TheFiles().Open("one");
  uint64_t number = 0;
  for (auto _ : state) {
    CHECK(ProveRecord(*TheFiles().Open("one"), Text("foreign ", number++)).ok());
  }
  Report(state);
}
BENCHMARK(BM_Prove)->Unit(benchmark::kMicrosecond);

void BM_Diff(benchmark::State& state) {
  const std::unique_ptr<MemberFile> one = TheFiles().Open("one");
  const std::unique_ptr<MemberFile> two = TheFiles().Open("two");
  for (auto _ : state) {
    const StatusOr<MemberDifference> difference =
        DiffMemberFiles(*one, *two, kDatasetMemoryBytes, [](MemberChange, std::string_view) {});
    CHECK(difference.ok() && difference->added == MembersWanted() / 1000 && difference->changed == 0);
  }
  Report(state);
}
BENCHMARK(BM_Diff)->Unit(benchmark::kSecond)->Iterations(1);

void BM_Overlap(benchmark::State& state) {
  const std::unique_ptr<MemberFile> one = TheFiles().Open("one");
  const std::unique_ptr<MemberFile> two = TheFiles().Open("two");
  const std::vector<const MemberFile*> files = {one.get(), two.get()};
  for (auto _ : state) {
    const StatusOr<MemberOverlap> overlap =
        OverlapOfMemberFiles(files, kDatasetMemoryBytes, [](SharedKind, std::string_view, std::span<const size_t>) {});
    CHECK(overlap.ok() && overlap->shared_records == MembersWanted() - MembersWanted() / 1000);
  }
  Report(state);
}
BENCHMARK(BM_Overlap)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace anamnesis
