#include "client/cli/receipt_requests.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <utility>

#include "client/cli/embedded_client.h"
#include "client/cli/event_name.h"
#include "client/cli/key_history.h"
#include "client/cli/receipts.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/engine/files.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis::cli {
namespace {

class EmbeddedReceipts : public ReceiptClient {
 public:
  explicit EmbeddedReceipts(std::unique_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}

  // All that is acknowledged is here, so that nothing has to be waited for.
  StatusOr<v1::GetReceiptsResponse> GetReceipts(const v1::GetReceiptsRequest& request) override {
    const uint64_t size = ledger_->tree_size();
    if (size < request.consistency().tree_size_min()) {
      return absl::UnavailableError(
          Text("there are ", size, " events here, ", request.consistency().tree_size_min(), " are asked for"));
    }
    return ledger_->GetReceipts(request);
  }

 private:
  const std::unique_ptr<Ledger> ledger_;
};

// What is left to verify of a receipt that was verified when it was kept.
struct OldReceipt {
  std::string file;
  std::string leaf;
  CheckedReceipt checked;
};

// What the ledger gives in its place.
struct Renewal {
  std::string leaf;
  // In the old one's form.
  std::string bytes;
  std::string checkpoint_note;
  // That this checkpoint continues the old one.
  std::vector<Digest> hashes;
};

bool IsCose(const std::string& file) { return FormOf(file) == ReceiptForm::kCose; }

StatusOr<OldReceipt> ReadOld(const std::string& file, const Trust& trust) {
  StatusOr<CheckedReceipt> checked = CheckReceipt(file, trust);
  if (!checked.ok()) return WithContext(checked.status(), file);
  ASSIGN_OR_RETURN(std::string leaf, ReadFile(LeafPathOf(file)));
  return OldReceipt{file, std::move(leaf), *std::move(checked)};
}

StatusOr<std::vector<Digest>> HashesOf(const google::protobuf::RepeatedPtrField<std::string>& bytes) {
  std::vector<Digest> hashes;
  for (const std::string& hash : bytes) {
    ASSIGN_OR_RETURN(hashes.emplace_back(), Digest::FromBytes(hash, "hashes"));
  }
  return hashes;
}

// Those of others than the log itself.
StatusOr<std::vector<NoteSignature>> CosignaturesOf(const std::string& checkpoint_note) {
  std::vector<NoteSignature> cosignatures;
  if (checkpoint_note.empty()) return cosignatures;
  ASSIGN_OR_RETURN(SignedNote note, ParseSignedNote(checkpoint_note));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  for (NoteSignature& signature : note.signatures) {
    if (signature.name != checkpoint.origin) cosignatures.push_back(std::move(signature));
  }
  return cosignatures;
}

Status CheckContinues(const OldReceipt& old, const std::vector<Digest>& hashes, const Checkpoint& checkpoint) {
  const Checkpoint& from = old.checked.checkpoint;
  if (checkpoint.origin != from.origin) {
    return absl::UnauthenticatedError(Text("is of \"", from.origin, "\", the ledger is \"", checkpoint.origin, "\""));
  }
  const Status consistent = VerifyConsistency(from.size, checkpoint.size, hashes, from.root, checkpoint.root);
  if (consistent.ok()) return OkStatus();
  return absl::UnauthenticatedError(
      Text("the ledger's checkpoint over ", checkpoint.size.value, " events, root ", checkpoint.root.hex(),
           ", is not shown to continue the receipt's over ", from.size.value, ", root ", from.root.hex(), ": ",
           MessageOf(consistent), ". Nothing was replaced; keep the receipt, it and that checkpoint are evidence"));
}

// What witnesses have cosigned isn't given up for what only the log has signed. A policy's quorum says itself whose
// cosignatures are enough; without one, those that were there.
Status CheckKeepsCosignatures(const OldReceipt& old, const std::string& checkpoint_note, const Trust& trust) {
  if (trust.policy.has_value() && trust.policy->quorum().has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<NoteSignature> before, CosignaturesOf(old.checked.checkpoint_note));
  ASSIGN_OR_RETURN(const std::vector<NoteSignature> now, CosignaturesOf(checkpoint_note));
  for (const NoteSignature& cosignature : before) {
    const auto is_same = [&](const NoteSignature& other) {
      return other.name == cosignature.name && other.key_id == cosignature.key_id;
    };
    if (std::any_of(now.begin(), now.end(), is_same)) continue;
    return absl::FailedPreconditionError(
        Text("the receipt is cosigned by ", cosignature.name,
             ", the new checkpoint is not. Nothing was replaced; give the --policy by which it is to be witnessed"));
  }
  return OkStatus();
}

// That the renewal is of the same leaf and proves it under the checkpoint that it is said to be under, which continues
// the old one.
StatusOr<TreeSize> CheckRenewal(const OldReceipt& old, const Renewal& renewal, const Trust& trust) {
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, trust.Open(renewal.checkpoint_note));
  RETURN_IF_ERROR(CheckContinues(old, renewal.hashes, checkpoint));
  if (renewal.leaf != old.leaf) {
    return absl::UnauthenticatedError(
        Text("the ledger has another leaf ", old.checked.index.value, " than ", LeafPathOf(old.file)));
  }
  ASSIGN_OR_RETURN(const CheckedReceipt checked,
                   CheckReceipt(FormOf(old.file), renewal.bytes, old.leaf, std::nullopt, trust));
  if (checked.index != old.checked.index || checked.checkpoint != checkpoint) {
    return absl::UnauthenticatedError("the new receipt is for another leaf or checkpoint than was asked for");
  }
  if (!IsCose(old.file)) RETURN_IF_ERROR(CheckKeepsCosignatures(old, checked.checkpoint_note, trust));
  return checkpoint.size;
}

// All of them under the ledger's newest checkpoint.
Status RenewUnderNewest(const Common& common, ReceiptClient& client, const std::vector<const OldReceipt*>& olds,
                        std::map<const OldReceipt*, Renewal>& renewals) {
  if (olds.empty()) return OkStatus();
  v1::GetReceiptsRequest request;
  *request.mutable_consistency() = common.consistency;
  uint64_t size_min = common.consistency.tree_size_min();
  for (const OldReceipt* const old : olds) {
    const uint64_t size = old->checked.checkpoint.size.value;
    size_min = std::max(size_min, size);
    request.add_indexes(old->checked.index.value);
    request.add_older_sizes(size);
    if (IsCose(old->file)) request.set_include_cose(true);
  }
  request.mutable_consistency()->set_tree_size_min(size_min);
  ASSIGN_OR_RETURN(const v1::GetReceiptsResponse answer, client.GetReceipts(request));
  if (answer.receipts_size() != static_cast<int>(olds.size()) || answer.older_size() != answer.receipts_size()) {
    return absl::InternalError("the ledger answered with another number of receipts than was asked for");
  }
  for (size_t i = 0; i < olds.size(); ++i) {
    const v1::ReceiptForms& forms = answer.receipts(static_cast<int>(i));
    Renewal& renewal = renewals[olds[i]];
    renewal.leaf = forms.receipt().leaf();
    renewal.bytes = IsCose(olds[i]->file) ? forms.cose() : forms.receipt().tlog_proof();
    renewal.checkpoint_note = answer.checkpoint();
    ASSIGN_OR_RETURN(renewal.hashes, HashesOf(answer.older(static_cast<int>(i)).hashes()));
  }
  return OkStatus();
}

// Each under the newest checkpoint that is witnessed.
Status RenewWitnessed(const Common& common, std::chrono::seconds within, const std::vector<const OldReceipt*>& olds,
                      std::map<const OldReceipt*, Renewal>& renewals) {
  if (olds.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(common));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> ledger, Connect(common));
  for (const OldReceipt* const old : olds) {
    const TreeSize from = old->checked.checkpoint.size;
    const uint64_t size_min = std::max(from.value, common.consistency.tree_size_min());
    RETURN_IF_ERROR(witnesses->GetCheckpoint(size_min, within).status());
    ASSIGN_OR_RETURN(const v1::Receipt receipt, witnesses->GetReceipt(old->checked.index.value, within));
    ASSIGN_OR_RETURN(const TlogProof proof, ParseTlogProof(receipt.tlog_proof()));
    ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(proof.checkpoint_note));
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
    if (checkpoint.size < from) {
      return absl::UnavailableError(Text(old->file, ": is under ", from.value, " events, this node's newest witnessed ",
                                         "checkpoint over ", checkpoint.size.value, "; retry later, or with --wait"));
    }
    Renewal& renewal = renewals[old];
    renewal.leaf = receipt.leaf();
    renewal.bytes = receipt.tlog_proof();
    renewal.checkpoint_note = proof.checkpoint_note;
    if (checkpoint.size == from) continue;
    v1::GetConsistencyProofRequest request;
    request.set_from_size(from.value);
    request.set_to_size(checkpoint.size.value);
    ASSIGN_OR_RETURN(const v1::ConsistencyProof consistency, ledger->GetConsistencyProof(request));
    ASSIGN_OR_RETURN(renewal.hashes, HashesOf(consistency.hashes()));
  }
  return OkStatus();
}

// Whether only a witnessed checkpoint can take the place of the receipt's.
StatusOr<bool> NeedsWitnesses(const OldReceipt& old, const Trust& trust) {
  if (IsCose(old.file)) return false;
  if (trust.policy.has_value() && trust.policy->quorum().has_value()) return true;
  ASSIGN_OR_RETURN(const std::vector<NoteSignature> cosignatures, CosignaturesOf(old.checked.checkpoint_note));
  return !cosignatures.empty();
}

// The keys that a ledger had before the one that it signs with now, as its own events name them.
StatusOr<std::shared_ptr<const KeyCustody>> CustodyByLedger(LedgerClient& client) {
  ASSIGN_OR_RETURN(const KeyHistory history, GatherKeyHistory(client, {}));
  ASSIGN_OR_RETURN(KeyCustody custody, JudgeAsGathered(client, history));
  return std::make_shared<const KeyCustody>(std::move(custody));
}

// Before there is another client of the same ledger, which may be embedded.
StatusOr<Trust> TrustOrNamedByLedger(const TrustOptions& options, const Common& common) {
  if (!options.keys.empty() || !options.policy_file.empty()) return ReadTrust(options);
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
  ASSIGN_OR_RETURN(Trust trust, ReadTrust({{status.verifier_key()}, "", options.history_file}));
  if (trust.custody != nullptr) return trust;
  StatusOr<std::shared_ptr<const KeyCustody>> custody = CustodyByLedger(*client);
  // Who may not read those events knows the one key.
  if (custody.ok()) trust.custody = *std::move(custody);
  return trust;
}

}  // namespace

StatusOr<std::unique_ptr<ReceiptClient>> ConnectReceipts(const Common& common) {
  if (!common.ledger.starts_with(kFilePrefix)) return anamnesis::ConnectReceipts(common.ledger, common.tls);
  LedgerOptions options;
  options.log = [](std::string_view line) { std::cerr << line << "\n"; };
  StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(common.ledger.substr(kFilePrefix.size()), options);
  if (!ledger.ok()) return NotOpened(ledger.status());
  return std::unique_ptr<ReceiptClient>(std::make_unique<EmbeddedReceipts>(*std::move(ledger)));
}

StatusOr<v1::GetReceiptsRequest> RequestReceipts(const Common& common, const std::vector<std::string>& leaves,
                                                 bool cose) {
  v1::GetReceiptsRequest request;
  request.set_include_cose(cose);
  *request.mutable_consistency() = common.consistency;
  for (const std::string& leaf : leaves) {
    ASSIGN_OR_RETURN(const v1::GetEventRequest named, ParseEventName("INDEX", leaf));
    if (named.has_index()) {
      request.add_indexes(named.index());
    } else {
      request.add_event_ids(named.event_id());
    }
  }
  return request;
}

StatusOr<std::string> WriteForms(const v1::ReceiptForms& forms, const std::string& name) {
  const v1::Receipt& receipt = forms.receipt();
  RETURN_IF_ERROR(WriteLeafAndBody(receipt, name));
  const bool cose = !forms.cose().empty();
  const std::string path = Text(name, cose ? kCoseEnding : kProofEnding);
  RETURN_IF_ERROR(WriteFile(path, cose ? forms.cose() : receipt.tlog_proof()));
  return path;
}

StatusOr<std::vector<Refreshed>> RefreshReceipts(const Common& common, const std::vector<std::string>& files,
                                                 const TrustOptions& options, const WitnessedOptions& witnessed) {
  ASSIGN_OR_RETURN(const Trust trust, TrustOrNamedByLedger(options, common));
  ASSIGN_OR_RETURN(const std::unique_ptr<ReceiptClient> client, ConnectReceipts(common));
  std::vector<OldReceipt> olds;
  for (const std::string& file : files) {
    if (witnessed.witnessed && IsCose(file)) {
      return absl::InvalidArgumentError(Text("--witnessed: ", file, ": COSE has no cosignatures"));
    }
    ASSIGN_OR_RETURN(olds.emplace_back(), ReadOld(file, trust));
  }
  std::vector<const OldReceipt*> plain;
  std::vector<const OldReceipt*> to_witness;
  for (const OldReceipt& old : olds) {
    ASSIGN_OR_RETURN(const bool needs, NeedsWitnesses(old, trust));
    (needs || witnessed.witnessed ? to_witness : plain).push_back(&old);
  }
  std::map<const OldReceipt*, Renewal> renewals;
  RETURN_IF_ERROR(RenewUnderNewest(common, *client, plain, renewals));
  RETURN_IF_ERROR(RenewWitnessed(common, witnessed.within(), to_witness, renewals));
  std::vector<Refreshed> refreshed;
  for (const OldReceipt& old : olds) {
    const StatusOr<TreeSize> size = CheckRenewal(old, renewals[&old], trust);
    if (!size.ok()) return WithContext(size.status(), old.file);
    refreshed.push_back({old.file, old.checked.index, old.checked.checkpoint.size, *size});
  }
  for (const OldReceipt& old : olds) RETURN_IF_ERROR(WriteSmallFile(old.file, renewals[&old].bytes));
  return refreshed;
}

StatusOr<Continued> WriteConsistencyReceipt(const Common& common, const std::string& old_file, const std::string& out,
                                            const TrustOptions& options) {
  ASSIGN_OR_RETURN(const Trust trust, TrustOrNamedByLedger(options, common));
  ASSIGN_OR_RETURN(const std::unique_ptr<ReceiptClient> client, ConnectReceipts(common));
  ASSIGN_OR_RETURN(const std::string note, ReadFile(old_file));
  Continued continued;
  StatusOr<Checkpoint> older = trust.Open(note);
  if (!older.ok()) return WithContext(older.status(), old_file);
  continued.checkpoints.older = *std::move(older);
  const uint64_t size = continued.checkpoints.older.size.value;
  v1::GetReceiptsRequest request;
  *request.mutable_consistency() = common.consistency;
  request.mutable_consistency()->set_tree_size_min(std::max(size, common.consistency.tree_size_min()));
  request.add_older_sizes(size);
  request.set_include_cose(true);
  ASSIGN_OR_RETURN(const v1::GetReceiptsResponse answer, client->GetReceipts(request));
  ASSIGN_OR_RETURN(const Checkpoint newest, trust.Open(answer.checkpoint()));
  if (newest == continued.checkpoints.older) {
    return absl::NotFoundError(Text(old_file, ": is the newest checkpoint, over ", size, " events"));
  }
  if (answer.older_size() != 1) return absl::InternalError("the ledger answered without a receipt of consistency");
  const std::string& bytes = answer.older(0).cose();
  const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(bytes);
  const StatusOr<Checkpoint> newer =
      receipt.ok() ? trust.Check(*receipt, continued.checkpoints.older) : receipt.status();
  if (absl::IsFailedPrecondition(newer.status())) return newer.status();
  if (!newer.ok() || *newer != newest) {
    return absl::UnauthenticatedError(Text("the ledger's checkpoint over ", newest.size.value, " events, root ",
                                           newest.root.hex(), ", is not shown to continue ", old_file, ": ",
                                           newer.ok() ? "the receipt is for another" : MessageOf(newer.status()),
                                           ". Nothing was written; keep both checkpoints, they are evidence"));
  }
  continued.checkpoints.newer = newest;
  continued.file = out.ends_with(kCoseEnding) ? out : Text(out, kCoseEnding);
  RETURN_IF_ERROR(WriteFile(OlderPathOf(continued.file), note));
  RETURN_IF_ERROR(WriteFile(continued.file, bytes));
  return continued;
}

}  // namespace anamnesis::cli
