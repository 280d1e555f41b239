#include "ledger/engine/fsck_leaf.h"

#include "anamnesis/v1/options.pb.h"
#include "ledger/commit/apply.h"
#include "ledger/event/body_check.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/authority.h"

namespace anamnesis {
namespace {

void CheckBody(const RowFinder& rows, CheckedLeaf& leaf) {
  const StatusOr<std::optional<std::string>> row = rows.Get(Family::kBodies, LeafKey(LeafIndex(leaf.index)));
  if (!row.ok()) {
    leaf.body_defect = Text("its body can't be read: ", MessageOf(row.status()));
    return;
  }
  leaf.body_present = row->has_value();
  if (!leaf.body_present) {
    if (leaf.type->options->retention() != v1::PERSONAL_DATA) {
      leaf.body_defect = Text("its body is missing, and a ", leaf.type->name(), " can't be erased");
    }
    return;
  }
  leaf.nonce = (*row)->substr(0, kNonceBytes);
  leaf.body_defect = WhyBodyIsWrong(*leaf.header, **row);
  if (!leaf.body_defect.empty()) return;
  StatusOr<std::unique_ptr<google::protobuf::Message>> body =
      ParseBody(*leaf.type, std::string_view(**row).substr(kNonceBytes));
  if (!body.ok()) {
    leaf.body_defect = Text("its body: ", MessageOf(body.status()));
    return;
  }
  leaf.body = *std::move(body);
}

std::string DefectOf(CheckedLeaf& leaf) {
  const StatusOr<LeafView> view = ParseLeaf(leaf.leaf);
  if (!view.ok()) return std::string(MessageOf(view.status()));
  leaf.view = *view;
  StatusOr<ParsedHeader> header = ParseHeader(view->header);
  if (!header.ok()) return Text("its header: ", MessageOf(header.status()));
  leaf.header = *std::move(header);
  const v1::EventHeader& fields = leaf.header->fields;
  leaf.type = Vocabulary::Get().Find(fields.type(), fields.schema_version());
  if (leaf.type == nullptr) {
    return Text("this program doesn't know its type \"", fields.type(), "\" version ", fields.schema_version());
  }
  // The folds rely on the references that a type asks for.
  if (const Status fits = ValidateHeader(*leaf.type, fields); !fits.ok()) {
    return Text("its header: ", MessageOf(fits));
  }
  if (!view->seal.has_value()) return "";
  StatusOr<ParsedSeal> seal = VerifySeal(*view->seal);
  if (!seal.ok()) return Text("its seal: ", MessageOf(seal.status()));
  leaf.seal = *std::move(seal);
  return "";
}

// Whether `key` may seal a run whose first event was recorded then.
Status CheckSealingKey(const RowFinder& rows, const PublicKey& key, Timestamp recorded) {
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential, FindCredential(rows, key.view()));
  if (!credential.has_value()) {
    return absl::DataLossError(Text("no credential was issued for the sealing key ", key.hex()));
  }
  const std::string why = WhyCannotSeal(*credential, recorded);
  if (!why.empty()) return absl::DataLossError(Text("the sealing key ", key.hex(), " ", why));
  return OkStatus();
}

}  // namespace

std::unique_ptr<CheckedLeaf> CheckLeaf(const RowFinder& rows, uint64_t index) {
  auto leaf = std::make_unique<CheckedLeaf>();
  leaf->index = index;
  StatusOr<std::optional<std::string>> row = rows.Get(Family::kLeaves, LeafKey(LeafIndex(index)));
  if (!row.ok()) {
    leaf->unreadable = Text("can't be read: ", MessageOf(row.status()));
    return leaf;
  }
  if (!row->has_value()) {
    leaf->unreadable = "is missing";
    return leaf;
  }
  leaf->leaf = **std::move(row);
  leaf->hash = LeafHash(leaf->leaf);
  leaf->defect = DefectOf(*leaf);
  if (leaf->header.has_value() && leaf->type != nullptr) CheckBody(rows, *leaf);
  return leaf;
}

Status CheckDerived(const CheckedLeaf& leaf, std::string_view origin) {
  if (leaf.view.seal.has_value()) return absl::DataLossError("an event of the ledger itself has a seal");
  const EventId id = LedgerEventId(origin, LeafIndex(leaf.index));
  if (leaf.header->event_id != id) return absl::DataLossError("its event id is not the one that the ledger derives");
  if (leaf.body_present && leaf.nonce != LedgerEventNonce(id)) {
    return absl::DataLossError("its nonce is not the one that the ledger derives");
  }
  return OkStatus();
}

Status CheckSealOfRun(const ParsedSeal& seal, std::string_view origin, const RunInLog& run, const RowFinder* before) {
  RETURN_IF_ERROR(CheckSealFitsRun(seal, origin, run.stream, run.first_position, run.headers));
  if (before == nullptr || run.first_leaf == 0) return OkStatus();
  return CheckSealingKey(*before, seal.key, run.first_recorded);
}

}  // namespace anamnesis
