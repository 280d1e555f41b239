#include "client/cli/fsck_repair.h"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>

#include "client/cli/fsck_text.h"
#include "ledger/engine/repair.h"

namespace anamnesis::cli {
namespace {

// What one call asks for: as many leaves as a tile has hashes of.
constexpr uint64_t kEventsMax = 256;
constexpr size_t kBytesMax = 8u << 20;

// A node's events, by the calls that any reader has.
class LedgerSource : public RepairSource {
 public:
  LedgerSource(std::string name, std::unique_ptr<LedgerClient> client)
      : name_(std::move(name)), client_(std::move(client)) {}

  std::string name() const override { return name_; }

  StatusOr<internal::CopyChunk> Read(LeafIndex first, TreeSize limit) override {
    v1::ReadRequest request;
    request.set_from(first.value);
    request.set_limit(std::min(limit.value - first.value, kEventsMax));
    request.set_include_bodies(true);
    internal::CopyChunk chunk;
    chunk.set_first_index(first.value);
    size_t bytes = 0;
    const Status read = client_->Read(request, [&](const v1::ReadResponse& response) {
      if (!response.has_event()) return true;
      const v1::Event& event = response.event();
      internal::CopiedEvent& copied = *chunk.add_events();
      copied.set_leaf(event.leaf());
      if (event.body_state() == v1::BODY_PRESENT) copied.set_body(event.body().nonce() + event.body().content());
      bytes += event.ByteSizeLong();
      return bytes < kBytesMax;
    });
    if (chunk.events_size() > 0) return chunk;
    RETURN_IF_ERROR(read);
    return absl::UnavailableError(Text("it has no leaf ", first.value));
  }

 private:
  const std::string name_;
  const std::unique_ptr<LedgerClient> client_;
};

void PrintJson(const RepairReport& report) {
  std::cout << "{\"mended\": " << (report.after.ok() ? "true" : "false")
            << ", \"wasSound\": " << (report.before.ok() ? "true" : "false")
            << ", \"treeSize\": " << report.after.size.value << ", \"root\": \"" << report.after.root.hex()
            << "\", \"projectionsRebuilt\": " << (report.rebuilt ? "true" : "false")
            << ", \"madeAnew\": " << (report.made_anew ? "true" : "false") << ", \"damage\": [";
  std::string_view separator;
  for (const Damage& damage : report.damage) {
    std::cout << separator << "{";
    if (damage.leaf.has_value()) std::cout << "\"leaf\": " << damage.leaf->value << ", ";
    std::cout << "\"what\": " << Quoted(damage.what) << ", \"mended\": " << (damage.mended ? "true" : "false")
              << ", \"outcome\": " << Quoted(damage.outcome) << "}";
    separator = ", ";
  }
  std::cout << "], \"problems\": [";
  separator = "";
  for (const FsckProblem& problem : report.after.problems) {
    std::cout << separator << Quoted(problem.what);
    separator = ", ";
  }
  std::cout << "]}\n";
}

void Print(const std::string& dir, const RepairReport& report, double seconds) {
  for (const Damage& damage : report.damage) {
    std::cout << (damage.mended ? Good("mended ") : Bad("STAYS ")) << damage.what
              << Dim(Text("  [", damage.outcome, "]")) << "\n";
  }
  if (report.rebuilt) std::cout << Good("mended ") << "projections" << Dim("  [computed again from the log]") << "\n";
  if (report.before.ok()) std::cout << "nothing was wrong\n";
  PrintFsckReport(dir, report.after, seconds, false);
}

StatusOr<std::optional<Checkpoint>> ReadCheckpoint(const RepairArguments& arguments) {
  if (arguments.checkpoint.empty()) return std::optional<Checkpoint>();
  ASSIGN_OR_RETURN(const std::string note, ReadFile(arguments.checkpoint));
  ASSIGN_OR_RETURN(const Trust trust, ReadTrust(arguments.trust));
  StatusOr<Checkpoint> checkpoint =
      trust.policy.has_value() ? trust.policy->Open(note) : OpenCheckpoint(note, trust.keys);
  if (!checkpoint.ok()) return WithContext(checkpoint.status(), Text("--checkpoint: ", arguments.checkpoint));
  return std::optional<Checkpoint>(*std::move(checkpoint));
}

}  // namespace

StatusOr<ExitStatus> RepairAndPrint(const RepairArguments& arguments) {
  RepairOptions options;
  options.fsck = FsckShowingProgress();
  ASSIGN_OR_RETURN(options.checkpoint, ReadCheckpoint(arguments));
  ASSIGN_OR_RETURN(std::unique_ptr<LedgerClient> client, Connect(arguments.peer));
  LedgerSource source(arguments.peer.ledger, std::move(client));
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(const RepairReport report, Repair(arguments.dir, source, options));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (arguments.peer.json) {
    PrintJson(report);
  } else {
    Print(arguments.dir, report, seconds);
  }
  return report.after.ok() ? kDone : kAnswerIsNo;
}

}  // namespace anamnesis::cli
