#include "client/cli/receipt_requests.h"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <utility>

#include "client/cli/embedded_client.h"
#include "client/cli/receipts.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/engine/files.h"
#include "ledger/merkle/verify.h"

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

bool IsCose(const std::string& file) { return FormOf(file) == ReceiptForm::kCose; }

StatusOr<OldReceipt> ReadOld(const std::string& file, const Trust& trust) {
  StatusOr<CheckedReceipt> checked = CheckReceipt(file, trust);
  if (!checked.ok()) return WithContext(checked.status(), file);
  ASSIGN_OR_RETURN(std::string leaf, ReadFile(LeafPathOf(file)));
  return OldReceipt{file, std::move(leaf), *std::move(checked)};
}

Status CheckContinues(const OldReceipt& old, const v1::OlderCheckpoint& older, const Checkpoint& checkpoint) {
  const Checkpoint& from = old.checked.checkpoint;
  if (checkpoint.origin != from.origin) {
    return absl::UnauthenticatedError(Text("is of \"", from.origin, "\", the ledger is \"", checkpoint.origin, "\""));
  }
  std::vector<Digest> hashes;
  for (const std::string& bytes : older.hashes()) {
    ASSIGN_OR_RETURN(hashes.emplace_back(), Digest::FromBytes(bytes, "older.hashes"));
  }
  const Status consistent = VerifyConsistency(from.size, checkpoint.size, hashes, from.root, checkpoint.root);
  if (consistent.ok()) return OkStatus();
  return absl::UnauthenticatedError(
      Text("the ledger's checkpoint over ", checkpoint.size.value, " events, root ", checkpoint.root.hex(),
           ", is not shown to continue the receipt's over ", from.size.value, ", root ", from.root.hex(), ": ",
           MessageOf(consistent), ". Nothing was replaced; keep the receipt, it and that checkpoint are evidence"));
}

// That the new receipt is of the same leaf and under `checkpoint`; its bytes.
StatusOr<std::string> CheckNew(const OldReceipt& old, const v1::ReceiptForms& forms, const Checkpoint& checkpoint,
                               const Trust& trust) {
  if (forms.receipt().leaf() != old.leaf) {
    return absl::UnauthenticatedError(
        Text("the ledger has another leaf ", old.checked.index.value, " than ", LeafPathOf(old.file)));
  }
  const std::string& bytes = IsCose(old.file) ? forms.cose() : forms.receipt().tlog_proof();
  ASSIGN_OR_RETURN(const CheckedReceipt checked, CheckReceipt(FormOf(old.file), bytes, old.leaf, std::nullopt, trust));
  if (checked.index != old.checked.index || checked.checkpoint != checkpoint) {
    return absl::UnauthenticatedError("the new receipt is for another leaf or checkpoint than was asked for");
  }
  return bytes;
}

StatusOr<Trust> TrustOrNamedByLedger(const TrustOptions& options, ReceiptClient& client) {
  if (!options.keys.empty() || !options.policy_file.empty()) return ReadTrust(options);
  ASSIGN_OR_RETURN(const v1::GetReceiptsResponse answer, client.GetReceipts({}));
  return ReadTrust({{answer.verifier_key()}, ""});
}

}  // namespace

StatusOr<std::unique_ptr<ReceiptClient>> ConnectReceipts(const Common& common) {
  if (!common.ledger.starts_with(kFilePrefix)) return anamnesis::ConnectReceipts(common.ledger, common.tls);
  LedgerOptions options;
  options.log = [](std::string_view line) { std::cerr << line << "\n"; };
  StatusOr<std::unique_ptr<Ledger>> ledger = Ledger::Open(common.ledger.substr(kFilePrefix.size()), options);
  // Whatever the reason, the ledger could not be reached: that is not a "no" to the question asked.
  if (!ledger.ok()) return absl::UnavailableError(Text(MessageOf(ledger.status())));
  return std::unique_ptr<ReceiptClient>(std::make_unique<EmbeddedReceipts>(*std::move(ledger)));
}

StatusOr<v1::GetReceiptsRequest> RequestReceipts(const Common& common, const std::vector<std::string>& leaves,
                                                 bool cose) {
  v1::GetReceiptsRequest request;
  request.set_include_cose(cose);
  *request.mutable_consistency() = common.consistency;
  for (const std::string& leaf : leaves) {
    uint64_t index = 0;
    const auto [end, error] = std::from_chars(leaf.data(), leaf.data() + leaf.size(), index);
    if (error == std::errc() && end == leaf.data() + leaf.size()) {
      request.add_indexes(index);
    } else if (const StatusOr<EventId> id = EventId::FromText(leaf); id.ok()) {
      request.add_event_ids(id->bytes());
    } else {
      return absl::InvalidArgumentError(Text("INDEX: \"", leaf, "\" is neither a leaf's index nor an event id"));
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
                                                 const TrustOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ReceiptClient> client, ConnectReceipts(common));
  ASSIGN_OR_RETURN(const Trust trust, TrustOrNamedByLedger(options, *client));
  std::vector<OldReceipt> old;
  v1::GetReceiptsRequest request;
  *request.mutable_consistency() = common.consistency;
  uint64_t size_min = common.consistency.tree_size_min();
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(old.emplace_back(), ReadOld(file, trust));
    const uint64_t size = old.back().checked.checkpoint.size.value;
    size_min = std::max(size_min, size);
    request.add_indexes(old.back().checked.index.value);
    request.add_older_sizes(size);
    if (IsCose(file)) request.set_include_cose(true);
  }
  request.mutable_consistency()->set_tree_size_min(size_min);
  ASSIGN_OR_RETURN(const v1::GetReceiptsResponse answer, client->GetReceipts(request));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, trust.Open(answer.checkpoint()));
  if (answer.receipts_size() != static_cast<int>(files.size()) || answer.older_size() != answer.receipts_size()) {
    return absl::InternalError("the ledger answered with another number of receipts than was asked for");
  }
  std::vector<std::string> renewed;
  for (size_t i = 0; i < old.size(); ++i) {
    const int place = static_cast<int>(i);
    const Status continues = CheckContinues(old[i], answer.older(place), checkpoint);
    if (!continues.ok()) return WithContext(continues, old[i].file);
    StatusOr<std::string> bytes = CheckNew(old[i], answer.receipts(place), checkpoint, trust);
    if (!bytes.ok()) return WithContext(bytes.status(), old[i].file);
    renewed.push_back(*std::move(bytes));
  }
  std::vector<Refreshed> refreshed;
  for (size_t i = 0; i < old.size(); ++i) {
    RETURN_IF_ERROR(WriteSmallFile(old[i].file, renewed[i]));
    refreshed.push_back({old[i].file, old[i].checked.index, old[i].checked.checkpoint.size, checkpoint.size});
  }
  return refreshed;
}

StatusOr<Continued> WriteConsistencyReceipt(const Common& common, const std::string& old_file, const std::string& out,
                                            const TrustOptions& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ReceiptClient> client, ConnectReceipts(common));
  ASSIGN_OR_RETURN(const Trust trust, TrustOrNamedByLedger(options, *client));
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
