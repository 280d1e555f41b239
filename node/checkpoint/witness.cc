#include "node/checkpoint/witness.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/crypto/sha256.h"
#include "ledger/engine/files.h"
#include "ledger/evidence/make.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {
namespace {

constexpr int64_t kMicrosecondsPerSecond = 1'000'000;
// For so long a log only sends what is smaller than what it had cosigned before that is said: longer than its nodes are
// apart.
constexpr int64_t kStaysBehindUs = 10 * 60 * kMicrosecondsPerSecond;

// Once and for all forms: a name that is safe as a file's, whatever the origin is.
std::string FileName(std::string_view origin) { return HexEncode(Sha256(origin).view().substr(0, 8)); }

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// From size 0 there is nothing to prove, which the witness protocol writes as an empty proof; here and nowhere else.
Status CheckExtends(const Checkpoint& last, const AddCheckpointRequest& request, const Checkpoint& next) {
  if (last.size.value > 0) return VerifyConsistency(last.size, next.size, request.proof, last.root, next.root);
  if (!request.proof.empty()) return absl::InvalidArgumentError("from size 0 the proof is empty");
  if (next.size.value == 0 && next.root != EmptyRoot()) {
    return absl::UnauthenticatedError("the root of size 0 is not that of the empty tree");
  }
  return OkStatus();
}

// The log's signatures, one of each key and so many that ours can stand beside them; not those of others.
std::vector<NoteSignature> SignaturesBy(std::span<const VerifierKey> keys, const SignedNote& note) {
  std::vector<NoteSignature> kept;
  for (const VerifierKey& key : keys) {
    const auto is_by_key = [&](const NoteSignature& signature) {
      return signature.name == key.name() && signature.key_id == key.key_id();
    };
    const auto found = std::find_if(note.signatures.begin(), note.signatures.end(), is_by_key);
    if (found != note.signatures.end() && kept.size() + 1 < limits::kNoteSignaturesMax) kept.push_back(*found);
  }
  return kept;
}

// Whether the note that is kept has signatures by the same keys, before ours.
bool IsSignedAlike(std::span<const NoteSignature> signatures, const std::string& kept) {
  const StatusOr<SignedNote> note = ParseSignedNote(kept);
  if (!note.ok() || note->signatures.size() != signatures.size() + 1) return false;
  return std::equal(signatures.begin(), signatures.end(), note->signatures.begin(),
                    [](const NoteSignature& one, const NoteSignature& other) {
                      return one.name == other.name && one.key_id == other.key_id;
                    });
}

AddCheckpointAnswer Say(int status, std::string_view why) { return {status, "text/plain", Text(why, '\n')}; }

}  // namespace

// --- What is kept ---

StatusOr<std::unique_ptr<Witness>> Witness::Open(WitnessOptions options) {
  std::error_code failed;
  std::filesystem::create_directories(options.dir, failed);
  if (failed) return absl::InternalError(Text(options.dir, ": can't be made: ", failed.message()));
  auto witness = std::unique_ptr<Witness>(new Witness(std::move(options)));
  for (const WitnessedLog& one : witness->options_.logs) {
    Log log;
    log.options = one;
    log.file = Text(witness->options_.dir, "/", FileName(one.origin));
    RETURN_IF_ERROR(witness->Load(log));
    if (!witness->logs_.emplace(one.origin, std::move(log)).second) {
      return absl::InvalidArgumentError(Text("the log ", one.origin, " is named twice"));
    }
  }
  return witness;
}

Status Witness::Load(Log& log) const {
  if (Exists(log.file + ".fork")) log.fork_evidence = log.file + ".fork";
  if (Exists(log.file + ".rollback")) log.rollback_evidence = log.file + ".rollback";
  log.last = {log.options.origin, TreeSize(0), EmptyRoot()};
  StatusOr<std::string> bytes = ReadSmallFile(log.file);
  if (absl::IsNotFound(bytes.status())) return OkStatus();
  RETURN_IF_ERROR(bytes.status());
  // Ours is the signature that counts: the log's keys may have changed since.
  const VerifierKey own = verifier_key();
  const StatusOr<SignedNote> note = ParseSignedNote(*bytes);
  Status status = note.ok() ? VerifyNote(*note, {&own, 1}).status() : note.status();
  if (status.ok()) {
    StatusOr<Checkpoint> checkpoint = ParseCheckpointText(note->text);
    status = checkpoint.status();
    if (status.ok() && checkpoint->origin != log.options.origin) status = absl::DataLossError("it is of another log");
    if (status.ok()) log.last = *std::move(checkpoint);
  }
  if (!status.ok()) {
    return absl::DataLossError(Text(log.file, ": is not a checkpoint of ", log.options.origin, " that ",
                                    options_.key.name, " cosigned: ", MessageOf(status),
                                    "; give the node a new cosigner.key before you remove the file"));
  }
  log.note = *std::move(bytes);
  log.cosigned = true;
  return OkStatus();
}

StatusOr<Witness::Keys> Witness::KeysOf(const Log& log) {
  if (!log.options.keys_now) return log.options.keys;
  return log.options.keys_now();
}

void Witness::Keep(std::string& file, const std::string& path, std::string_view content, std::string_view what) {
  const StatusOr<std::string> before = ReadSmallFile(path);
  if (before.ok() && *before == content) return;
  const Status kept = WriteSmallFile(path, content);
  if (kept.ok()) file = path;
  options_.log(Text(what, kept.ok() ? Text("; both signed notes are in ", path)
                                    : Text("; they could not be kept: ", MessageOf(kept))));
}

void Witness::KeepNotes(Log& log, std::string& file, std::string_view ending, const std::string& note,
                        std::string_view what) {
  Keep(file, Text(log.file, ending), Text(what, "\n\n--- cosigned here\n", log.note, "--- asked for later\n", note),
       what);
}

void Witness::KeepFork(Log& log, const StatusOr<Evidence>& evidence, const std::string& note, std::string_view what) {
  const std::string path = Text(log.file, ".fork");
  if (evidence.ok()) return Keep(log.fork_evidence, path, FormatEvidence(*evidence), what);
  // What proves a fork is not given up for what doesn't.
  const StatusOr<std::string> before = ReadSmallFile(path);
  if (before.ok() && ParseEvidence(*before).ok()) return;
  KeepNotes(log, log.fork_evidence, ".fork", note, what);
}

// --- Judging ---

AddCheckpointAnswer Witness::Add(std::string_view bytes) {
  const StatusOr<AddCheckpointRequest> request = ParseAddCheckpoint(bytes);
  if (!request.ok()) return Say(400, MessageOf(request.status()));
  // Both were parsed above.
  const SignedNote note = *ParseSignedNote(request->note);
  const Checkpoint checkpoint = *ParseCheckpointText(note.text);
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(checkpoint.origin);
  if (found == logs_.end()) return Say(404, Text("no log ", checkpoint.origin, " is witnessed here"));
  Log& log = found->second;
  const StatusOr<Keys> keys = KeysOf(log);
  if (!keys.ok()) return Say(503, "the log's keys can't be read");
  if (const StatusOr<Keys> signed_by = VerifyNote(note, *keys); !signed_by.ok()) {
    return Say(403, MessageOf(signed_by.status()));
  }
  if (request->old_size > checkpoint.size) return Say(400, "the old size is larger than the checkpoint's");
  const Verdict verdict = Judge(log, *keys, *request, note, checkpoint);
  switch (verdict.refusal) {
    case Refusal::kNone:
      return {200, "text/plain", FormatSignatureLine(verdict.signature)};
    case Refusal::kConflict:
      return {409, std::string(kTreeSizeContentType), Text(log.last.size.value, '\n')};
    case Refusal::kBadProof:
      return Say(422, verdict.why);
    case Refusal::kNotYet:
      return Say(503, verdict.why);
    case Refusal::kNotWritten:
      break;
  }
  return Say(500, verdict.why);
}

Witness::Verdict Witness::Refuse(Log& log, Refusal refusal, std::string why) {
  log.refused = why;
  return {refusal, std::move(why), {}};
}

Witness::Verdict Witness::Judge(Log& log, const Keys& keys, const AddCheckpointRequest& request, const SignedNote& note,
                                const Checkpoint& checkpoint) {
  if (checkpoint.size == log.last.size && checkpoint.root != log.last.root) {
    const std::string what = Text(log.options.origin, " signed two trees of size ", checkpoint.size.value);
    if (log.cosigned) KeepFork(log, MakeSplitView(log.note, request.note, keys), request.note, what);
    return Refuse(log, Refusal::kConflict, what);
  }
  if (checkpoint.size < log.last.size) return JudgeSmaller(log, request.note, checkpoint);
  if (request.old_size != log.last.size) {
    return {Refusal::kConflict, "the request is not about the size that was cosigned last", {}};
  }
  const Status extends = CheckExtends(log.last, request, checkpoint);
  if (!extends.ok()) {
    // Anybody can send a bad proof. This one may hold in the new tree, and then shows that it begins otherwise.
    const StatusOr<Evidence> evidence = MakeRewrittenHistory(log.note, request.note, request.proof, keys);
    if (!evidence.ok()) return Refuse(log, Refusal::kBadProof, Text("the proof: ", MessageOf(extends)));
    const std::string what = Text(log.options.origin, " signed a tree of size ", checkpoint.size.value,
                                  " that doesn't begin with the one of size ", log.last.size.value);
    KeepFork(log, evidence, request.note, what);
    return Refuse(log, Refusal::kBadProof, what);
  }
  const Verdict own = CompareWithOwn(log, request.note, checkpoint);
  return own.refusal == Refusal::kNone ? Cosigned(log, keys, note, checkpoint) : own;
}

Witness::Verdict Witness::JudgeSmaller(Log& log, const std::string& note, const Checkpoint& checkpoint) {
  // Nodes of one ledger publish each at its own moment: a smaller checkpoint of the same tree is nothing unusual.
  const std::string what = Text(log.options.origin, " asked to cosign size ", checkpoint.size.value, " after ",
                                log.last.size.value, " was cosigned");
  const Verdict conflict{Refusal::kConflict, what, {}};
  if (log.options.own_root) {
    const StatusOr<AuditedRoot> own = log.options.own_root(checkpoint.size);
    if (!own.ok() || own->root == checkpoint.root) return conflict;
    const std::string forked = Text(what, ", of a tree that is no prefix of that one");
    KeepFork(log, absl::FailedPreconditionError("no proof"), note, forked);
    return Refuse(log, Refusal::kConflict, forked);
  }
  const int64_t now_us = options_.clock->MonotonicUs();
  if (!log.behind_since_us.has_value()) log.behind_since_us = now_us;
  if (now_us - *log.behind_since_us < kStaysBehindUs) return conflict;
  // The next one not before as much time again has passed, however many are sent.
  log.behind_since_us = now_us;
  KeepNotes(log, log.rollback_evidence, ".rollback", note, what);
  return Refuse(log, Refusal::kConflict, what);
}

Witness::Verdict Witness::CompareWithOwn(Log& log, const std::string& note, const Checkpoint& checkpoint) {
  if (!log.options.own_root) return {};
  const StatusOr<AuditedRoot> own = log.options.own_root(checkpoint.size);
  if (absl::IsOutOfRange(own.status()) || absl::IsUnavailable(own.status())) {
    return {Refusal::kNotYet, std::string(MessageOf(own.status())), {}};
  }
  if (!own.ok()) return Refuse(log, Refusal::kNotYet, std::string(MessageOf(own.status())));
  if (own->root == checkpoint.root && own->ends_run) return {};
  // Whoever asked for a receipt of that size has such a note, and the log did nothing wrong: no alarm.
  if (own->root == checkpoint.root) {
    return {Refusal::kNotYet, Text("size ", checkpoint.size.value, " is inside a run, whose seal comes after it"), {}};
  }
  const std::string what = Text(log.options.origin, " signed another tree of size ", checkpoint.size.value,
                                " than this node holds, whose root is ", own->root.hex());
  KeepFork(log, absl::FailedPreconditionError("no proof"), note, what);
  return Refuse(log, Refusal::kBadProof, what);
}

Witness::Verdict Witness::Cosigned(Log& log, const Keys& keys, const SignedNote& note, const Checkpoint& checkpoint) {
  if (const Status may = options_.may_cosign(); !may.ok()) {
    return Refuse(log, Refusal::kNotYet, std::string(MessageOf(may)));
  }
  const int64_t seconds = options_.clock->Now().us / kMicrosecondsPerSecond;
  Verdict verdict;
  verdict.signature =
      Cosign(note.text, options_.key.name, options_.key.key, static_cast<uint64_t>(std::max<int64_t>(seconds, 0)));
  SignedNote kept{note.text, SignaturesBy(keys, note)};
  // Anybody has the newest note and can send it again: that is no sign of the log, and nothing more to keep.
  if (log.cosigned && checkpoint == log.last && IsSignedAlike(kept.signatures, log.note)) {
    log.refused.clear();
    return verdict;
  }
  kept.signatures.push_back(verdict.signature);
  std::string bytes = FormatSignedNote(kept);
  // What couldn't be read again would keep the node from starting.
  Status written = ParseSignedNote(bytes).status();
  if (written.ok()) written = WriteSmallFile(log.file, bytes);
  if (!written.ok()) return Refuse(log, Refusal::kNotWritten, std::string(MessageOf(written)));
  log.note = std::move(bytes);
  log.last = checkpoint;
  log.cosigned = true;
  log.refused.clear();
  log.behind_since_us.reset();
  return verdict;
}

StatusOr<NoteSignature> Witness::CosignOwn(std::string_view origin, const std::string& bytes) {
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(bytes));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(origin);
  if (found == logs_.end() || !found->second.options.own_root) {
    return absl::FailedPreconditionError(Text("this node doesn't hold ", origin));
  }
  Log& log = found->second;
  if (checkpoint.size < log.last.size) {
    return absl::AlreadyExistsError(Text("a checkpoint over ", log.last.size.value, " was cosigned already"));
  }
  RETURN_IF_ERROR(log.options.own_root(checkpoint.size).status());
  ASSIGN_OR_RETURN(const Keys keys, KeysOf(log));
  // What was audited goes on from what was cosigned last, so its root is the proof.
  const Verdict own = CompareWithOwn(log, bytes, checkpoint);
  const Verdict verdict = own.refusal == Refusal::kNone ? Cosigned(log, keys, note, checkpoint) : own;
  if (verdict.refusal == Refusal::kNone) return verdict.signature;
  return absl::FailedPreconditionError(verdict.why);
}

std::vector<Witness::LogState> Witness::State() const {
  const std::lock_guard lock(mutex_);
  std::vector<LogState> states;
  for (const auto& [origin, log] : logs_) {
    states.push_back({origin, log.last.size, log.fork_evidence, log.rollback_evidence, log.refused});
  }
  return states;
}

std::optional<Checkpoint> Witness::LastCosigned(std::string_view origin) const {
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find(origin);
  if (found == logs_.end() || !found->second.cosigned) return std::nullopt;
  return found->second.last;
}

}  // namespace anamnesis
