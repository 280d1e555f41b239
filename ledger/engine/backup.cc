#include "ledger/engine/backup.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "anamnesis/internal/backup.pb.h"
#include "ledger/engine/files.h"
#include "ledger/engine/handovers.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/purger.h"
#include "ledger/engine/stored_state.h"
#include "ledger/keys/key_file.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/objects/file_io.h"
#include "ledger/query/events.h"
#include "ledger/state/authority.h"
#include "ledger/state/erasures.h"
#include "ledger/store/backups.h"

namespace anamnesis {
namespace {

constexpr int kErasedIndexesMax = 100;
constexpr size_t kLookCacheBytes = 8u << 20;

// In a directory of backups.
// Absolute, as whoever opens a generation where it is must name it.
std::string GenerationsPath(const std::string& dir) {
  std::error_code ignored;
  return (std::filesystem::absolute(dir, ignored) / "generations").lexically_normal().string();
}
std::string LockPath(const std::string& dir) { return dir + "/lock"; }

// --- The directory ---

StatusOr<Descriptor> Lock(const std::string& dir) {
  const std::string path = LockPath(dir);
  StatusOr<Descriptor> file = OpenFile(path, O_RDWR);
  if (absl::IsNotFound(file.status())) return absl::NotFoundError(Text("no backups in ", dir));
  RETURN_IF_ERROR(file.status());
  if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(
        Text("a backup is being made, checked or removed in ", dir, "; try again when that is done"));
  }
  return file;
}

StatusOr<std::string> ReadKey(const std::string& path) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(path));
  return FormatPrivateKey(key);
}

// In place of one that may be there.
Status WriteKey(const std::string& dir, const std::string& path, const std::string& key) {
  const std::string unfinished = path + ".new";
  {
    ASSIGN_OR_RETURN(const Descriptor file, OpenFile(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    RETURN_IF_ERROR(WriteAll(file.get(), unfinished, key + "\n"));
    RETURN_IF_ERROR(SyncFile(file.get(), unfinished));
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return SystemError(path, "replacing");
  return SyncDirectory(dir);
}

// The key that signs, and the one beside it while it is being rotated.
struct LogKeys {
  std::string key;
  std::optional<std::string> next;
};

StatusOr<std::optional<std::string>> ReadNextKey(const std::string& dir) {
  StatusOr<std::string> next = ReadKey(NextCheckpointKeyPath(dir));
  if (absl::IsNotFound(next.status())) return std::optional<std::string>();
  RETURN_IF_ERROR(next.status());
  return std::optional<std::string>(*std::move(next));
}

// Both as they were at one moment: a node that is running renames the next one to the key when it takes over.
StatusOr<LogKeys> ReadLogKeys(const std::string& dir) {
  constexpr int kTries = 10;
  LogKeys keys;
  ASSIGN_OR_RETURN(keys.next, ReadNextKey(dir));
  for (int i = 0; i < kTries; ++i) {
    ASSIGN_OR_RETURN(keys.key, ReadKey(CheckpointKeyPath(dir)));
    ASSIGN_OR_RETURN(std::optional<std::string> next, ReadNextKey(dir));
    if (next == keys.next) return keys;
    keys.next = std::move(next);
  }
  return absl::UnavailableError(Text("the checkpoint keys in ", dir, " change all the time; retry later"));
}

Status WriteLogKeys(const std::string& dir, const LogKeys& keys) {
  // The next one first: with the machine down in between, both are there.
  const std::string path = NextCheckpointKeyPath(dir);
  if (keys.next.has_value()) RETURN_IF_ERROR(WriteKey(dir, path, *keys.next));
  RETURN_IF_ERROR(WriteKey(dir, CheckpointKeyPath(dir), keys.key));
  return keys.next.has_value() ? OkStatus() : RemoveSmallFile(path);
}

// Those over `size` leaves at most: what a ledger of so many doesn't hold it can't be shown to continue.
Status CopyHandovers(const std::string& from, const std::string& to, TreeSize size) {
  ASSIGN_OR_RETURN(std::vector<std::string> notes, ReadHandovers(from));
  Status failed;
  std::erase_if(notes, [&](const std::string& text) {
    const StatusOr<SignedNote> note = ParseSignedNote(text);
    const StatusOr<Checkpoint> checkpoint = note.ok() ? ParseCheckpointText(note->text) : note.status();
    if (!checkpoint.ok()) failed = WithContext(checkpoint.status(), HandoversPath(from));
    return checkpoint.ok() && checkpoint->size > size;
  });
  RETURN_IF_ERROR(failed);
  return WriteHandovers(to, notes);
}

// For its owner only, like the secrets and the bodies in it.
Status MakePrivateDirectory(const std::string& dir) {
  RETURN_IF_ERROR(MakeDirectory(dir));
  if (::chmod(dir.c_str(), 0700) != 0) return SystemError(dir, "making it its owner's only");
  return OkStatus();
}

// Whether the ledger's own events ended this key of its log.
StatusOr<bool> WasRotated(const Store& store, const std::string& key) {
  ASSIGN_OR_RETURN(const NamedKey parsed, ParsePrivateKey(key));
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential,
                   FindCredential(store, parsed.key.public_key().view()));
  return credential.has_value() && credential->purpose() == v1::CredentialIssued::CHECKPOINT &&
         credential->has_revoked_index();
}

bool IsEmptyDirectory(const std::string& dir) {
  std::error_code failed;
  const std::filesystem::directory_iterator entries(dir, failed);
  return !failed && entries == std::filesystem::directory_iterator();
}

// Makes the directory for backups of the ledger in `source`, or sees that it is one.
StatusOr<Descriptor> PrepareDirectory(const BackupSource& source, const std::string& dir) {
  ASSIGN_OR_RETURN(const LogKeys keys, ReadLogKeys(source.dir));
  std::error_code ignored;
  if (!std::filesystem::exists(LockPath(dir), ignored)) {
    RETURN_IF_ERROR(MakeDirectory(dir));
    if (!IsEmptyDirectory(dir)) {
      return absl::FailedPreconditionError(Text(dir, " holds something else than backups; name a new directory"));
    }
    RETURN_IF_ERROR(MakePrivateDirectory(dir));
    ASSIGN_OR_RETURN(const Descriptor made, OpenFile(LockPath(dir), O_RDWR | O_CREAT, 0600));
    RETURN_IF_ERROR(SyncDirectory(dir));
  }
  ASSIGN_OR_RETURN(Descriptor lock, Lock(dir));
  const std::string path = CheckpointKeyPath(dir);
  StatusOr<std::string> held = ReadKey(path);
  bool write = absl::IsNotFound(held.status());
  if (!write) {
    RETURN_IF_ERROR(held.status());
    write = *held == keys.key;
  }
  if (!write) {
    ASSIGN_OR_RETURN(write, WasRotated(source.store, *held));
  }
  if (write) {
    RETURN_IF_ERROR(WriteLogKeys(dir, keys));
    return lock;
  }
  return absl::FailedPreconditionError(
      Text(dir, " holds backups of another ledger, or of another node of it; name a directory of its own"));
}

// --- What is there ---

StatusOr<internal::BackupNote> ParseNote(const StoreBackup& backup) {
  internal::BackupNote note;
  if (!backup.problem.empty()) return absl::DataLossError(backup.problem);
  if (!note.ParseFromString(backup.note)) return absl::DataLossError("what it says of itself is damaged");
  return note;
}

// A generation that is open for reading.
struct Opened {
  StoreBackup backup;
  internal::BackupNote note;
  std::unique_ptr<Store> store;
};

StatusOr<Opened> OpenGeneration(const Backups& backups, const StoreBackup& backup, size_t cache_bytes) {
  Opened opened;
  opened.backup = backup;
  ASSIGN_OR_RETURN(opened.note, ParseNote(backup));
  ASSIGN_OR_RETURN(opened.store, backups.OpenStore(backup.generation, cache_bytes));
  return opened;
}

StatusOr<TreeSize> Describe(const Opened& opened, v1::BackupGeneration& described) {
  ASSIGN_OR_RETURN(const LedgerState state, LoadState(*opened.store, opened.note.origin()));
  described.set_tree_size(state.size().value);
  described.set_root(state.frontier.Root().bytes());
  return state.size();
}

// Which bodies a generation holds though they were erased since: those erased by events after its purge.
Status AddErased(const KnownErasures& known, uint64_t purged, TreeSize size, v1::BackupGeneration& described) {
  return ScanErasures(known.rows, [&](LeafIndex erased, LeafIndex by) {
    if (by.value >= known.size.value || by.value < purged || erased.value >= size.value) return;
    described.set_erased_bodies(described.erased_bodies() + 1);
    if (described.erased_indexes_size() < kErasedIndexesMax) described.add_erased_indexes(erased.value);
  });
}

v1::BackupGeneration DescribeGeneration(const Backups& backups, const StoreBackup& backup, const KnownErasures* known) {
  v1::BackupGeneration described;
  described.set_generation(backup.generation);
  *described.mutable_created() = ToProtoTime(backup.created);
  described.set_bytes(backup.bytes);
  const auto look = [&]() -> Status {
    ASSIGN_OR_RETURN(const Opened opened, OpenGeneration(backups, backup, kLookCacheBytes));
    ASSIGN_OR_RETURN(const TreeSize size, Describe(opened, described));
    return known == nullptr ? OkStatus() : AddErased(*known, opened.note.purged(), size, described);
  };
  if (const Status looked = look(); !looked.ok()) described.set_problem(std::string(MessageOf(looked)));
  return described;
}

// The erasures that the newest generation which can be read knows of.
class NewestErasures {
 public:
  explicit NewestErasures(const Backups& backups) {
    std::vector<StoreBackup> there = backups.List();
    for (auto backup = there.rbegin(); backup != there.rend() && !known_.has_value(); ++backup) {
      StatusOr<Opened> opened = OpenGeneration(backups, *backup, kLookCacheBytes);
      if (!opened.ok()) continue;
      opened_ = *std::move(opened);
      v1::BackupGeneration described;
      const StatusOr<TreeSize> size = Describe(opened_, described);
      if (size.ok()) known_.emplace(KnownErasures{*opened_.store, *size});
    }
  }
  const KnownErasures* known() const { return known_.has_value() ? &*known_ : nullptr; }

 private:
  Opened opened_;
  std::optional<KnownErasures> known_;
};

StatusOr<v1::BackupList> ListLocked(const std::string& dir, const std::optional<KnownErasures>& given) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Backups> backups, Backups::Open(GenerationsPath(dir)));
  std::optional<NewestErasures> newest;
  if (!given.has_value()) newest.emplace(*backups);
  const KnownErasures* known = given.has_value() ? &*given : newest->known();
  v1::BackupList list;
  list.set_directory(dir);
  if (known != nullptr) list.set_erasures_known_to(known->size.value);
  for (const StoreBackup& backup : backups->List()) {
    *list.add_generations() = DescribeGeneration(*backups, backup, known);
  }
  return list;
}

// What is older than the newest `keep` generations that can be read.
std::vector<uint32_t> SurplusOf(const Backups& backups, uint32_t keep) {
  std::vector<uint32_t> surplus;
  const std::vector<StoreBackup> there = backups.List();
  for (auto backup = there.rbegin(); backup != there.rend(); ++backup) {
    if (keep == 0) {
      surplus.push_back(backup->generation);
    } else if (DescribeGeneration(backups, *backup, nullptr).problem().empty()) {
      --keep;
    }
  }
  return surplus;
}

StatusOr<Opened> FindGeneration(const Backups& backups, const std::string& dir, uint32_t generation,
                                size_t cache_bytes) {
  for (const StoreBackup& backup : backups.List()) {
    if (backup.generation == generation) return OpenGeneration(backups, backup, cache_bytes);
  }
  return absl::NotFoundError(Text("generation: ", dir, " has none with number ", generation));
}

StatusOr<uint32_t> NewestOf(const Backups& backups, const std::string& dir) {
  const std::vector<StoreBackup> there = backups.List();
  if (there.empty()) return absl::NotFoundError(Text("no backups in ", dir));
  return there.back().generation;
}

// --- Restoring ---

// Where a directory is to be, so that its parent_path() is the directory that holds it, however it was written: with a
// slash at the end a path would be its own child's.
StatusOr<std::filesystem::path> PlaceOf(const std::string& dir) {
  std::error_code failed;
  const std::filesystem::path whole = std::filesystem::absolute(dir, failed).lexically_normal();
  if (failed) return absl::InternalError(Text(dir, ": can't be placed: ", failed.message()));
  return whole.has_filename() ? whole : whole.parent_path();
}

Status RestoreTo(const Backups& backups, const Opened& opened, const std::string& dir, const std::string& to) {
  RETURN_IF_ERROR(MakePrivateDirectory(to));
  ASSIGN_OR_RETURN(const LogKeys keys, ReadLogKeys(dir));
  RETURN_IF_ERROR(WriteLogKeys(to, keys));
  v1::BackupGeneration described;
  ASSIGN_OR_RETURN(const TreeSize size, Describe(opened, described));
  RETURN_IF_ERROR(CopyHandovers(dir, to, size));
  if (!opened.note.checkpoint().empty()) {
    RETURN_IF_ERROR(WriteSmallFile(CheckpointPath(to), opened.note.checkpoint()));
  }
  if (opened.note.projections_damaged()) RETURN_IF_ERROR(WriteSmallFile(DamagedProjectionsPath(to), ""));
  RETURN_IF_ERROR(backups.Restore(opened.backup.generation, DatabasePath(to)));
  RETURN_IF_ERROR(SyncDirectory(DatabasePath(to)));
  return SyncDirectory(to);
}

}  // namespace

StatusOr<v1::CreateBackupResponse> CreateBackup(const BackupSource& source, const std::string& dir, uint32_t keep,
                                                const std::function<bool()>& go_on) {
  ASSIGN_OR_RETURN(const Descriptor lock, PrepareDirectory(source, dir));
  internal::BackupNote note;
  ASSIGN_OR_RETURN(*note.mutable_origin(), ReadOrigin(source.store, source.dir));
  // All three from before the copy: it then holds at least the checkpoint's leaves, and nothing purged up to here.
  ASSIGN_OR_RETURN(const Erasing erasing, ReadErasing(source.store));
  note.set_purged(erasing.purged);
  StatusOr<std::string> checkpoint = ReadSmallFile(CheckpointPath(source.dir));
  if (checkpoint.ok()) note.set_checkpoint(*std::move(checkpoint));
  // After the checkpoint, since what it continues is written before it. Restoring leaves out what comes later.
  RETURN_IF_ERROR(CopyHandovers(source.dir, dir, TreeSize(UINT64_MAX)));
  std::error_code ignored;
  note.set_projections_damaged(std::filesystem::exists(DamagedProjectionsPath(source.dir), ignored));
  v1::CreateBackupResponse response;
  ASSIGN_OR_RETURN(const uint32_t generation,
                   source.store.BackUp(GenerationsPath(dir), note.SerializeAsString(), go_on));
  response.set_generation(generation);
  if (keep > 0) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Backups> backups, Backups::Open(GenerationsPath(dir)));
    const std::vector<uint32_t> surplus = SurplusOf(*backups, keep);
    if (!surplus.empty()) RETURN_IF_ERROR(RemoveBackups(GenerationsPath(dir), surplus));
  }
  ASSIGN_OR_RETURN(*response.mutable_backups(), ListLocked(dir, KnownErasures{source.store, source.size}));
  return response;
}

StatusOr<v1::BackupList> ListBackups(const std::string& dir, const std::optional<KnownErasures>& known) {
  ASSIGN_OR_RETURN(const Descriptor lock, Lock(dir));
  return ListLocked(dir, known);
}

StatusOr<v1::BackupList> DropBackups(const std::string& dir, const v1::DropBackupsRequest& request,
                                     const std::optional<KnownErasures>& known) {
  ASSIGN_OR_RETURN(const Descriptor lock, Lock(dir));
  std::set<uint32_t> dropped(request.generations().begin(), request.generations().end());
  ASSIGN_OR_RETURN(const v1::BackupList there, ListLocked(dir, known));
  for (const uint32_t number : dropped) {
    const bool found = std::any_of(there.generations().begin(), there.generations().end(),
                                   [&](const auto& generation) { return generation.generation() == number; });
    if (!found) return absl::NotFoundError(Text("generations: ", dir, " has none with number ", number));
  }
  bool left = false;
  for (const v1::BackupGeneration& generation : there.generations()) {
    // What can't be read may hold them.
    const bool holding = generation.erased_bodies() > 0 || !generation.problem().empty();
    if (request.holding_erased_bodies() && holding) dropped.insert(generation.generation());
    left = left || (generation.problem().empty() && dropped.count(generation.generation()) == 0);
  }
  if (dropped.empty()) return there;
  if (!left) return absl::InvalidArgumentError("generations: no backup would be left; make a new one first");
  RETURN_IF_ERROR(RemoveBackups(GenerationsPath(dir), std::vector<uint32_t>(dropped.begin(), dropped.end())));
  return ListLocked(dir, known);
}

StatusOr<CheckedBackup> CheckBackup(const std::string& dir, uint32_t generation, const FsckOptions& options) {
  ASSIGN_OR_RETURN(const Descriptor lock, Lock(dir));
  ASSIGN_OR_RETURN(const std::unique_ptr<Backups> backups, Backups::Open(GenerationsPath(dir)));
  CheckedBackup checked;
  checked.generation = generation;
  if (generation == 0) {
    ASSIGN_OR_RETURN(checked.generation, NewestOf(*backups, dir));
  }
  ASSIGN_OR_RETURN(Opened opened, FindGeneration(*backups, dir, checked.generation, options.cache_bytes));
  RETURN_IF_ERROR(backups->CheckFiles(checked.generation));
  StatusOr<std::string> checkpoint = absl::NotFoundError("it had none yet");
  if (!opened.note.checkpoint().empty()) checkpoint = opened.note.checkpoint();
  ASSIGN_OR_RETURN(checked.report,
                   Fsck({Text(dir, " generation ", checked.generation), std::move(opened.store), CheckpointKeyPath(dir),
                         std::move(checkpoint), opened.note.projections_damaged()},
                        options));
  return checked;
}

StatusOr<CheckedBackup> RestoreBackup(const std::string& dir, uint32_t generation, const std::string& to,
                                      const FsckOptions& options) {
  ASSIGN_OR_RETURN(const Descriptor lock, Lock(dir));
  std::error_code ignored;
  if (std::filesystem::exists(to, ignored) && !IsEmptyDirectory(to)) {
    return absl::AlreadyExistsError(Text(to, " is not empty: a backup is restored into a new directory only"));
  }
  ASSIGN_OR_RETURN(const std::filesystem::path place, PlaceOf(to));
  const std::string unfinished = place.string() + ".restoring";
  if (std::filesystem::exists(unfinished, ignored)) {
    return absl::AlreadyExistsError(Text(unfinished, " is left from a restore that didn't finish: remove it first"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Backups> backups, Backups::Open(GenerationsPath(dir)));
  CheckedBackup checked;
  checked.generation = generation;
  if (generation == 0) {
    ASSIGN_OR_RETURN(checked.generation, NewestOf(*backups, dir));
  }
  ASSIGN_OR_RETURN(Opened opened, FindGeneration(*backups, dir, checked.generation, kLookCacheBytes));
  if (const NewestErasures newest(*backups); newest.known() != nullptr) {
    v1::BackupGeneration described;
    ASSIGN_OR_RETURN(const TreeSize size, Describe(opened, described));
    RETURN_IF_ERROR(AddErased(*newest.known(), opened.note.purged(), size, described));
    checked.erased_bodies = described.erased_bodies();
  }
  const auto make = [&]() -> Status {
    RETURN_IF_ERROR(RestoreTo(*backups, opened, dir, unfinished));
    ASSIGN_OR_RETURN(checked.report, Fsck(unfinished, options));
    return OkStatus();
  };
  const Status made = make();
  if (!made.ok() || !checked.report.ok()) {
    std::filesystem::remove_all(unfinished, ignored);
    RETURN_IF_ERROR(made);
    return checked;
  }
  if (::rename(unfinished.c_str(), place.c_str()) != 0) return SystemError(to, "putting the restored ledger there");
  RETURN_IF_ERROR(SyncDirectory(place.parent_path().string()));
  return checked;
}

}  // namespace anamnesis
