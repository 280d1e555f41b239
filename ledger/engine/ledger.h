#ifndef ANAMNESIS_LEDGER_ENGINE_LEDGER_H_
#define ANAMNESIS_LEDGER_ENGINE_LEDGER_H_

// The ledger as a library: open a directory, append sealed runs, ask questions, prove answers. No server, no network. A
// node is this class behind gRPC; the command line on `file:DIR` is this class in its process.
//
// On disk: DIR/db (RocksDB, see state/rows.h), DIR/checkpoint.key (the key that signs checkpoints), DIR/checkpoint (the
// newest checkpoint, a C2SP signed note: a ledger that holds less than it says was cut off).
//
// All methods are safe for concurrent use. Reads answer from synced state only. A write that fails for lack of space is
// refused and service goes on; any other failed write, or damaged bytes found while applying, stops appends until the
// ledger is opened again, while reads go on.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "anamnesis/v1/backup.pb.h"
#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/question.pb.h"
#include "anamnesis/v1/receipt.pb.h"
#include "ledger/base/status.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/staging.h"
#include "ledger/keys/key_file.h"
#include "ledger/sequencer/sequencer.h"
#include "ledger/state/authority.h"
#include "ledger/state/rows.h"

namespace anamnesis::v1 {
class GetReceiptsRequest;
class GetReceiptsResponse;
}  // namespace anamnesis::v1

namespace anamnesis {

struct LedgerOptions {
  // Must outlive the ledger.
  const Clock* clock = &SystemClock();
  // Threads that check runs before they are ordered; 0 means one for each processor.
  size_t admission_threads = 0;
  // Appends are refused while less than this is free, so that what was acknowledged can always be written out.
  uint64_t disk_reserve_bytes = 64u << 20;
  // What the store takes at most, about: half of it to keep what was read, half for what is not in files yet.
  size_t store_memory_bytes = 512u << 20;
  // Who orders batches, for a ledger that is one of several: see sequencer.h and staging.h, which outlives what is
  // made. Not set: the ledger itself.
  std::function<StatusOr<std::unique_ptr<Sequencer>>(const std::string& origin, Staging&)> make_sequencer;
  // Gets one line for each thing an operator should know; may be called from any thread.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

// Makes a new ledger in `dir` (created if needed) with its founding run: the founder's enrolment, key and administrator
// role, and the key that signs checkpoints. INVALID_ARGUMENT: bad origin or key name; ALREADY_EXISTS: there is a
// ledger; anything that writing files fails with.
Status CreateLedger(const std::string& dir, std::string_view origin, const NamedKey& founder,
                    const LedgerOptions& options);

// INVALID_ARGUMENT, with its numbers, when the request is over limits::kRequestRunsMax or kRequestBytesMax.
Status CheckAppendRequest(const v1::AppendRequest& request);

class Ledger {
 public:
  // Opens the ledger in `dir`, replays what the storage's own log holds, checks tree and identity, and rebuilds
  // projections that are missing or were found damaged. NOT_FOUND: no ledger there. FAILED_PRECONDITION: another
  // process has it, its format is newer than this program, or it is a copy that isn't finished (copy_in.h). DATA_LOSS:
  // its bytes are wrong; run fsck.
  static StatusOr<std::unique_ptr<Ledger>> Open(const std::string& dir, const LedgerOptions& options);
  ~Ledger();

  // Called once with the verdict, from any thread; must not block. `tree_size` includes the run.
  using AppendCallback = std::function<void(v1::RunResult result, uint64_t tree_size)>;

  // Appends a run; the callback gets its verdict when it is synced and settled. Never blocks on the disk. Runs of one
  // caller are applied in the order of their calls. A Status in `refused` is a refusal (errors.proto),
  // RESOURCE_EXHAUSTED (too much queued, or the disk is full: nothing was written, retry later), UNAVAILABLE (not
  // serving: not written) or UNKNOWN (it was written, or will be, or not: append the same run again).
  void AppendAsync(v1::Run run, AppendCallback callback);
  // The same for several runs, waiting for all. INVALID_ARGUMENT when the request is over a limit.
  StatusOr<v1::AppendResponse> Append(v1::AppendRequest request);

  // Calls `ready` with OK once a read that begins then includes what `consistency` asks for; at once, from within this
  // call, or from any thread, and it must not block. UNAVAILABLE: that isn't so by `deadline`, or in half a minute, or
  // can't be found out, or too many wait. Returns what CancelAwait takes; 0 when `ready` was called.
  using Ready = std::function<void(const Status&)>;
  uint64_t AwaitConsistency(const v1::Consistency& consistency, std::chrono::steady_clock::time_point deadline,
                            Ready ready);
  // `ready` is called with CANCELLED soon, unless it was or is about to be called anyway.
  void CancelAwait(uint64_t token);
  // Those that wait now get UNAVAILABLE.
  void EndWaiting();

  // The services of ledger.proto, with its errors, as of now: a request's `consistency` is for AwaitConsistency.
  // `on_read` returns false to stop. Read does not follow: a caller that wants to waits for growth and reads on. All
  // but GetStatus are UNAVAILABLE while nothing may be shown: in a node of a cluster that has just started.
  Status Read(const v1::ReadRequest& request, const std::function<bool(v1::ReadResponse)>& on_read) const;
  StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) const;
  StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest& request) const;
  StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) const;
  v1::LedgerStatus GetStatus() const;
  StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest& request) const;
  // Waits until what was erased is gone from this ledger's files, as far as purger.h reaches. UNAVAILABLE: it is in
  // batches that wait for members. INTERNAL: it isn't, and why. Either is tried again by itself.
  Status FinishErasures();
  // Backups of this ledger in `dir`, which is made if needed, with the errors of BackupService; see backup.h. `go_on`
  // is called now and then and returns false to give it up.
  StatusOr<v1::CreateBackupResponse> CreateBackup(const std::string& dir, const v1::CreateBackupRequest& request,
                                                  const std::function<bool()>& go_on);
  StatusOr<v1::BackupList> ListBackups(const std::string& dir) const;
  StatusOr<v1::BackupList> DropBackups(const std::string& dir, const v1::DropBackupsRequest& request);
  // Fails as QuestionService.Ask says.
  StatusOr<v1::Answer> Ask(const v1::Question& question) const;
  StatusOr<v1::Checkpoint> GetCheckpoint();
  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request);
  StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest& request) const;
  // ReceiptService's (receipt.proto).
  StatusOr<v1::GetReceiptsResponse> GetReceipts(const v1::GetReceiptsRequest& request);
  // The same under a checkpoint that this ledger's key has signed before, whoever cosigned it since. UNAVAILABLE also
  // when it is over more than may be shown now. UNAUTHENTICATED or INVALID_ARGUMENT: it is no such checkpoint.
  StatusOr<v1::GetReceiptsResponse> GetReceiptsUnder(const std::string& checkpoint_note,
                                                     const v1::GetReceiptsRequest& request) const;

  // The stored rows as of now, for tiles, receipts and audits (tiles_out.h, receipt.h, log_audit.h): cheaper than the
  // ledger for many reads in a row. One thread at a time; must not outlive the ledger. Rows of leaves that tree_size()
  // doesn't count are not to be shown.
  std::unique_ptr<RowReader> View() const;

  // Writes rows that mend damage to the log on this disk (scrubber.h), synced, between two batches: whoever calls has
  // verified them against the root. Bodies that were erased by now are left out. RESOURCE_EXHAUSTED: the disk is full.
  // UNAVAILABLE: appends have stopped. Any other failure stops them.
  Status Mend(const Rows& rows);

  // What `agent` may be trusted with now: by the machine's clock, or the last recorded time where that is later.
  StatusOr<AgentStanding> FindStanding(const v1::Agent& agent) const;

  // The durable tree size.
  uint64_t tree_size() const;
  // Called with every new durable size, from any thread, by one at a time; must not block. Returns a token for
  // RemoveListener, after which the listener is not called any more.
  uint64_t AddListener(std::function<void(uint64_t tree_size)> listener);
  void RemoveListener(uint64_t token);

  // Has the ledger hold what runs against the gate when a time came by which that changes (gate/standing_check.h) and
  // nothing else is appended; and refuse what waits to be ordered while nothing can be. Whoever keeps a ledger open
  // calls it now and then, about once a second; without it the next append does the first. Never blocks on the disk.
  void LookAtTime();

  // Finishes what was submitted, then refuses appends. Reads go on, linearizable ones only in a ledger that is the only
  // one. Idempotent; the destructor calls it.
  void StopAppends();

 private:
  class Impl;
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_LEDGER_H_
