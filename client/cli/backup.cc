// Backups: of a ledger that a node serves, by the node; of one in a directory, in this process.

#include "client/cli/backup.h"

#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>

#include "client/cli/embedded_client.h"
#include "client/cli/event_text.h"
#include "client/cli/fsck_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/verb_of.h"
#include "client/cpp/backup_client.h"
#include "ledger/base/bytes.h"
#include "ledger/engine/backup.h"
#include "ledger/engine/layout.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options {
  Common common;
  // The directory of backups.
  std::string dir;
  std::string to;
  uint32_t keep = 0;
  uint32_t generation = 0;
  std::vector<uint32_t> generations;
  bool holding_erased = false;
};

// A ledger opened in this process, and a directory for its backups.
class EmbeddedBackups : public BackupClient {
 public:
  EmbeddedBackups(std::unique_ptr<Ledger> ledger, std::string dir) : ledger_(std::move(ledger)), dir_(std::move(dir)) {}

  StatusOr<v1::CreateBackupResponse> Create(const v1::CreateBackupRequest& request) override {
    return ledger_->CreateBackup(dir_, request, [] { return true; });
  }
  StatusOr<v1::BackupList> List() override { return ledger_->ListBackups(dir_); }
  StatusOr<v1::BackupList> Drop(const v1::DropBackupsRequest& request) override {
    return ledger_->DropBackups(dir_, request);
  }

 private:
  const std::unique_ptr<Ledger> ledger_;
  const std::string dir_;
};

// A directory of backups alone: they can be listed and removed by what they know of themselves.
class BackupDirectory : public BackupClient {
 public:
  explicit BackupDirectory(std::string dir) : dir_(std::move(dir)) {}

  StatusOr<v1::CreateBackupResponse> Create(const v1::CreateBackupRequest&) override {
    return absl::InvalidArgumentError(
        "--backups: a node writes to the directory that it was started with, leave it out; in this process only a "
        "ledger named --ledger file:DIR is backed up");
  }
  StatusOr<v1::BackupList> List() override { return ListBackups(dir_, std::nullopt); }
  StatusOr<v1::BackupList> Drop(const v1::DropBackupsRequest& request) override {
    return DropBackups(dir_, request, std::nullopt);
  }

 private:
  const std::string dir_;
};

StatusOr<std::unique_ptr<BackupClient>> ConnectToBackups(const Options& options) {
  const Common& common = options.common;
  if (common.ledger.starts_with(kFilePrefix)) {
    if (options.dir.empty()) return absl::InvalidArgumentError("--backups: is required with a file: ledger");
    LedgerOptions ledger_options;
    ledger_options.log = [](std::string_view line) { std::cerr << line << "\n"; };
    StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(common.ledger.substr(kFilePrefix.size()), ledger_options);
    if (absl::IsFailedPrecondition(ledger.status())) {
      return absl::UnavailableError(Text(
          MessageOf(ledger.status()),
          "; when a node serves it, have the node make the backup: --ledger HOST:PORT (anamnesisd --backups DIR)"));
    }
    if (!ledger.ok()) return NotOpened(ledger.status());
    return std::unique_ptr<BackupClient>(std::make_unique<EmbeddedBackups>(*std::move(ledger), options.dir));
  }
  if (!options.dir.empty()) return std::unique_ptr<BackupClient>(std::make_unique<BackupDirectory>(options.dir));
  if (common.ledger.empty()) return absl::InvalidArgumentError("--ledger or --backups: one is required");
  return ConnectBackups(common.ledger, common.tls);
}

// --- Printing ---

std::string SizeText(uint64_t bytes) {
  std::ostringstream text;
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  text << std::fixed << std::setprecision(1) << mebibytes << " MiB";
  return text.str();
}

void PrintErased(const v1::BackupGeneration& generation) {
  std::cout << Bad(Text("    still holds ", generation.erased_bodies(), " erased bodies")) << ": leaves";
  for (const uint64_t index : generation.erased_indexes()) std::cout << " " << index;
  if (static_cast<uint64_t>(generation.erased_indexes_size()) < generation.erased_bodies()) std::cout << " …";
  std::cout << "\n";
}

void PrintList(const v1::BackupList& list) {
  std::string holding;
  std::cout << list.generations_size() << " generations in " << list.directory() << "\n";
  for (const v1::BackupGeneration& generation : list.generations()) {
    if (!generation.problem().empty()) {
      std::cout << "  " << generation.generation() << "  " << Bad(generation.problem()) << "\n";
      continue;
    }
    std::cout << "  " << generation.generation() << "  " << TimeText(generation.created()) << "  "
              << generation.tree_size() << " events, root " << HexEncode(generation.root()).substr(0, 16) << "…, "
              << SizeText(generation.bytes()) << "\n";
    if (generation.erased_bodies() == 0) continue;
    PrintErased(generation);
    holding += Text(" ", generation.generation());
  }
  if (!holding.empty()) {
    std::cout << "erased bodies are still in generations" << holding
              << ": remove them with anamnesis backup drop --holding-erased\n";
  }
}

StatusOr<ExitStatus> Show(const Options& options, const v1::BackupList& list) {
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(list));
  } else {
    PrintList(list);
  }
  return kDone;
}

// Objects are files of their own; whoever relies on a backup must not find that out too late.
void WarnOfObjects(const Options& options) {
  if (!options.common.ledger.starts_with(kFilePrefix)) {
    std::cerr
        << "objects are not part of a backup: copy the node's object directory as well (its files never change)\n";
    return;
  }
  const std::string objects = ObjectsPath(options.common.ledger.substr(kFilePrefix.size()));
  std::error_code ignored;
  if (!std::filesystem::exists(objects, ignored)) return;
  std::cerr << "objects are not part of a backup: copy " << objects << " as well (its files never change)\n";
}

// --- Verbs ---

StatusOr<ExitStatus> Create(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupClient> backups, ConnectToBackups(options));
  v1::CreateBackupRequest request;
  request.set_keep(options.keep);
  ASSIGN_OR_RETURN(const v1::CreateBackupResponse made, backups->Create(request));
  WarnOfObjects(options);
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(made));
    return kDone;
  }
  std::cout << "made generation " << made.generation() << "\n";
  PrintList(made.backups());
  return kDone;
}

StatusOr<ExitStatus> List(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupClient> backups, ConnectToBackups(options));
  ASSIGN_OR_RETURN(const v1::BackupList list, backups->List());
  return Show(options, list);
}

StatusOr<ExitStatus> Drop(const Options& options) {
  if (options.generations.empty() && !options.holding_erased) {
    return absl::InvalidArgumentError("GENERATION or --holding-erased: one is required");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupClient> backups, ConnectToBackups(options));
  v1::DropBackupsRequest request;
  for (const uint32_t generation : options.generations) request.add_generations(generation);
  request.set_holding_erased_bodies(options.holding_erased);
  ASSIGN_OR_RETURN(const v1::BackupList left, backups->Drop(request));
  return Show(options, left);
}

template <typename Check>
StatusOr<ExitStatus> CheckAndPrint(const Options& options, const std::string& what, Check check) {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(const CheckedBackup checked, check());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  PrintFsckReport(Text(what, " generation ", checked.generation, " of ", options.dir), checked.report, seconds,
                  options.common.json);
  return checked.report.ok() ? kDone : kAnswerIsNo;
}

StatusOr<ExitStatus> Verify(const Options& options) {
  return CheckAndPrint(options, "",
                       [&] { return CheckBackup(options.dir, options.generation, FsckShowingProgress()); });
}

StatusOr<ExitStatus> Restore(const Options& options) {
  uint64_t erased_bodies = 0;
  const auto restore = [&]() -> StatusOr<CheckedBackup> {
    ASSIGN_OR_RETURN(CheckedBackup restored,
                     RestoreBackup(options.dir, options.generation, options.to, FsckShowingProgress()));
    erased_bodies = restored.erased_bodies;
    return restored;
  };
  ASSIGN_OR_RETURN(const ExitStatus status, CheckAndPrint(options, Text(options.to, ", restored from"), restore));
  if (status == kDone && erased_bodies > 0) {
    std::cerr << erased_bodies
              << " bodies in it were erased since: record their erasure again, or restore a later one\n";
  }
  if (status != kDone) std::cerr << "nothing was restored\n";
  return status;
}

using Action = StatusOr<ExitStatus> (*)(const Options&);
using Verb = VerbOf<Options>;

Verb AddVerb(CLI::App& to, const std::string& name, const std::string& what, const std::string& footer, Action action) {
  const Verb verb = AddVerbOf(to, name, what, footer, action);
  AddJsonOption(verb.app, verb.options.common);
  return verb;
}

void AddPlace(const Verb& verb) {
  AddLedgerOption(verb.app, verb.options.common);
  verb.app.get_option("--ledger")->required(false);
  verb.app.add_option("--backups", verb.options.dir, "the directory of backups; a node has its own");
}

}  // namespace

void AddBackup(CLI::App& app) {
  CLI::App& backup = *app.add_subcommand("backup", "generations of a ledger, made while it is served");
  backup.require_subcommand(1);
  const Verb create =
      AddVerb(backup, "create", "adds a generation",
              "Example: anamnesis backup create --keep 7     (the node writes to its --backups)\n"
              "         anamnesis backup create --backups /backup/ledger --ledger file:ledger\n"
              "Only what changed since the last generation is copied. A directory of backups holds the key that signs\n"
              "checkpoints: keep it as safe as the ledger. Objects are not part of it, nor is a node's identity.",
              Create);
  AddPlace(create);
  create.app.add_option("--keep", create.options.keep,
                        "then remove the oldest until so many are left; default: none is removed");

  AddPlace(AddVerb(backup, "list", "what there is, and which generations still hold erased bodies",
                   "Example: anamnesis backup list\n"
                   "         anamnesis backup list --backups /backup/ledger     (by what its newest generation knows)",
                   List));

  const Verb drop = AddVerb(backup, "drop", "removes generations for good",
                            "Example: anamnesis backup drop 3 4 --backups /backup/ledger\n"
                            "         anamnesis backup drop --holding-erased\n"
                            "At least one generation is left: after an erasure, make a new one first.",
                            Drop);
  AddPlace(drop);
  drop.app.add_option("GENERATION", drop.options.generations, "by number; repeatable");
  drop.app.add_flag("--holding-erased", drop.options.holding_erased, "all that hold bodies which were erased since");

  const Verb verify = AddVerb(backup, "verify", "recomputes a generation from its bytes, as fsck does",
                              "Example: anamnesis backup verify --backups /backup/ledger\n"
                              "Exit status 1 when anything is wrong. Changes nothing.",
                              Verify);
  verify.app.add_option("GENERATION", verify.options.generation, "by number; default: the newest");
  verify.app.add_option("--backups", verify.options.dir, "the directory of backups")
      ->required()
      ->check(IsDirectoryToRead());
}

void AddRestore(CLI::App& app) {
  const Verb verb = AddVerb(
      app, "restore", "makes a ledger of a backup, in a new directory",
      "Example: anamnesis restore /backup/ledger --to ledger --generation 7\n"
      "The ledger is checked as fsck does before it is there; exit status 1, and nothing there, when anything is\n"
      "wrong. In a cluster it is a new node. What was recorded after the backup is not in it: nodes and devices that\n"
      "have it must send it again, and receipts from after it don't verify against it.",
      Restore);
  verb.app.add_option("BACKUPS", verb.options.dir, "the directory of backups")->required()->check(IsDirectoryToRead());
  verb.app.add_option("--to", verb.options.to, "the ledger's new directory; never one that holds anything")->required();
  verb.app.add_option("--generation", verb.options.generation, "by number; default: the newest");
}

}  // namespace anamnesis::cli
