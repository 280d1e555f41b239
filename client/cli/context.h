#ifndef ANAMNESIS_CLIENT_CLI_CONTEXT_H_
#define ANAMNESIS_CLIENT_CLI_CONTEXT_H_

// What all verbs share: the options common to them, how a ledger is reached, how results are printed and how a Status
// becomes an exit status (0 done; 1 the answer is no; 2 bad usage or input; 3 the ledger can't be reached or refuses;
// 4 what was sent may have been recorded or not; 5 done, but its result can't be had).

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/cpp/ledger_client.h"
#include "google/protobuf/message.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis::cli {

enum ExitStatus {
  kDone = 0,
  kAnswerIsNo = 1,
  kBadUsage = 2,
  kNotReached = 3,
  kOutcomeUnknown = 4,
  // What was asked for was done, or recorded, and must not be done again; what was to come of it is missing: its
  // answer could not be written, or it is not witnessed.
  kResultLost = 5
};

// The options of one verb that many have.
struct Common {
  std::string ledger;
  std::string key_file;
  TlsFiles tls;
  bool json = false;
  // What reads must include: --linearizable, --tree-size-min.
  v1::Consistency consistency;
  // How long appends are tried again while their outcome isn't known; --within.
  std::chrono::seconds append_within{60};
  // How long a read is tried again while no node answers.
  std::chrono::seconds read_within{10};
  // The verb has used the ledger before: when it isn't in its directory any more, it can't be reached.
  bool was_there = false;
};

// Adds --ledger (default: the environment's ANAMNESIS_LEDGER) with --tls-certificate, --tls-key and --tls-ca (defaults:
// ANAMNESIS_TLS_CERTIFICATE, _KEY and _CA), --as, and --json. `common` must be this verb's alone: CLI11 writes what the
// environment says also where options of other verbs go that were not called.
void AddLedgerOption(CLI::App& verb, Common& common);
// The TLS ones of these alone.
void AddTlsOptions(CLI::App& verb, Common& common);
void AddKeyOption(CLI::App& verb, Common& common);
void AddJsonOption(CLI::App& verb, Common& common);
// Adds --linearizable and --tree-size-min, for verbs that read.
void AddConsistencyOptions(CLI::App& verb, Common& common);
// Adds --within, for verbs that append.
void AddWithinOption(CLI::App& verb, Common& common);

// Opens `file:DIR` in this process or connects to HOST:PORT[,HOST:PORT...].
StatusOr<std::unique_ptr<LedgerClient>> Connect(const Common& common);

// Makes `run` the verb's action: its Status is printed as one line on stderr and becomes the exit status.
void SetAction(CLI::App& verb, std::function<StatusOr<ExitStatus>()> run);
// The exit status of the verb that ran.
int LastExitStatus();
// Whether that verb was given a writer's key, so that it may have recorded something.
bool LastVerbHadKey();

ExitStatus ExitStatusOf(const Status& status);

// Why a ledger could not be opened, whatever the reason, as UNAVAILABLE: that is not a "no" to the question asked.
Status NotReached(const Status& why);
// Why the ledger could not be opened whose directory the verb was given: wrong input when there is none in it, which
// names `anamnesis init`, else as NotReached.
Status NotOpened(const Status& why);

// One JSON document of a message, in protobuf's JSON mapping, on stdout.
Status PrintJson(const google::protobuf::Message& message);
StatusOr<std::string> ToJson(const google::protobuf::Message& message, bool indent);

// `text` as a JSON string. For the few reports that are no protobuf message.
std::string Quoted(std::string_view text);

// Whether stdout is a terminal that may be coloured.
bool Coloured();
std::string Bold(std::string_view text);
std::string Dim(std::string_view text);
std::string Good(std::string_view text);
std::string Bad(std::string_view text);

// The whole file; "-" is stdin. INVALID_ARGUMENT naming it when it can't be read or has more than `bytes_max`.
inline constexpr size_t kInputBytesMax = size_t{1} << 30;
StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max = kInputBytesMax);
// Writes a file, replacing it. For its owner only: what would undo an erasure in others' hands.
enum class ReadableBy { kAll, kOwner };
Status WriteFile(const std::string& path, std::string_view bytes, ReadableBy readers = ReadableBy::kAll);

// Every verb: one file each.
void AddKey(CLI::App& app);
void AddInit(CLI::App& app);
void AddPki(CLI::App& app);
void AddAppend(CLI::App& app);
void AddImport(CLI::App& app);
void AddShow(CLI::App& app);
void AddLog(CLI::App& app);
void AddConfig(CLI::App& app);
void AddStatus(CLI::App& app);
void AddCheckpoint(CLI::App& app);
void AddReceipt(CLI::App& app);
void AddVerify(CLI::App& app);
void AddFsck(CLI::App& app);
void AddRebuild(CLI::App& app);
void AddTypes(CLI::App& app);
void AddFindings(CLI::App& app);
void AddEnrol(CLI::App& app);
void AddRole(CLI::App& app);
void AddCredential(CLI::App& app);
void AddDelegate(CLI::App& app);
void AddErase(CLI::App& app);
void AddPolicy(CLI::App& app);
void AddTrace(CLI::App& app);
void AddCompleteness(CLI::App& app);
void AddClauseIndex(CLI::App& app);
void AddContemporaneity(CLI::App& app);
void AddClocks(CLI::App& app);
void AddSpecificity(CLI::App& app);
void AddSequencing(CLI::App& app);
void AddClosureAudit(CLI::App& app);
void AddCoverage(CLI::App& app);
void AddRetention(CLI::App& app);
void AddErasureReport(CLI::App& app);
void AddWhoKnew(CLI::App& app);
void AddTrainingRuns(CLI::App& app);
void AddMonitoring(CLI::App& app);
void AddExplain(CLI::App& app);
void AddLineage(CLI::App& app);
void AddDiff(CLI::App& app);
void AddWhere(CLI::App& app);
void AddLint(CLI::App& app);
// gate, recertification and adoption: gate.cc.
void AddGate(CLI::App& app);
void AddRecertification(CLI::App& app);
void AddAdoption(CLI::App& app);
void AddCluster(CLI::App& app);
// A verb of `cluster`.
void AddRecover(CLI::App& cluster);
void AddDataset(CLI::App& app);
void AddCertify(CLI::App& app);
void AddBench(CLI::App& app);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_CONTEXT_H_
