#include <filesystem>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/copy_in.h"
#include "ledger/engine/copying_marker.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/ledger.h"
#include "ledger/engine/stored_state.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"
#include "ledger/event/run_builder.h"
#include "ledger/keys/random.h"
#include "ledger/objects/file_io.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

StatusOr<std::unique_ptr<Store>> MakeStore(const std::string& dir) {
  RETURN_IF_ERROR(MakeDirectoryAndParents(dir));
  // Whoever made the ledger's directory may have let others read it.
  RETURN_IF_ERROR(MakeDirectory(DatabasePath(dir)));
  StoreOptions options;
  options.create_if_missing = true;
  return OpenRocksStore(DatabasePath(dir), options);
}

Row IdentityRow(std::string_view origin) {
  internal::LedgerIdentity identity;
  identity.set_format_version(kFormatVersion);
  identity.set_origin(std::string(origin));
  return {Family::kMeta, std::string(kIdentityKey), identity.SerializeAsString()};
}

// Writes who the ledger is, durably, into an empty store.
Status WriteIdentity(const std::string& dir, std::string_view origin) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, MakeStore(dir));
  ASSIGN_OR_RETURN(const std::optional<std::string> existing, store->Get(Family::kMeta, kIdentityKey));
  if (existing.has_value()) return absl::AlreadyExistsError(Text("there is a ledger in ", dir, " already"));
  return store->Write({IdentityRow(origin)}, true);
}

Status CheckOrigin(std::string_view origin) {
  if (IsOrigin(origin)) return OkStatus();
  return absl::InvalidArgumentError(Text("origin: \"", origin,
                                         "\" must be 1 to 255 visible ASCII characters without "
                                         "\"+\", for example acme-cardio.example/ledger"));
}

class FoundingRun {
 public:
  FoundingRun(std::string_view origin, const NamedKey& founder, Timestamp now)
      : founder_(founder), now_(now), builder_(std::string(origin), Text("person/", founder.name), Actor(), {}, {}) {}

  StatusOr<v1::Run> Build(const PublicKey& checkpoint_key) {
    auto person = std::make_shared<v1::PersonEnrolled>();
    person->set_printed_name(founder_.name);
    person->set_identity_check(v1::PersonEnrolled::SELF_DECLARED);
    RETURN_IF_ERROR(Add(person, "person", "person", founder_.name));
    RETURN_IF_ERROR(AddCredential(founder_.key.public_key(), v1::CredentialIssued::SEAL, "person", founder_.name));
    auto role = std::make_shared<v1::RoleGranted>();
    role->set_role(v1::ADMINISTRATOR);
    RETURN_IF_ERROR(Add(role, "holder", "person", founder_.name));
    RETURN_IF_ERROR(AddCredential(checkpoint_key, v1::CredentialIssued::CHECKPOINT, "node", "founding-node"));
    return builder_.Seal(founder_.key, now_);
  }

 private:
  v1::Agent Actor() const {
    v1::Agent agent;
    agent.set_kind("person");
    agent.set_id(founder_.name);
    return agent;
  }

  Status Add(std::shared_ptr<const google::protobuf::Message> body, std::string_view role, std::string_view kind,
             std::string_view id) {
    EventDraft draft;
    draft.body = std::move(body);
    SetOccurred(draft, now_, now_);
    AddReference(draft, role, kind, id);
    std::array<uint8_t, 10> random;
    FillRandom(random);
    std::array<uint8_t, 32> nonce;
    FillRandom(nonce);
    return builder_.Add(draft, EventId::MakeVersion7(static_cast<uint64_t>(now_.us / 1000), random),
                        {reinterpret_cast<const char*>(nonce.data()), nonce.size()});
  }

  Status AddCredential(const PublicKey& key, v1::CredentialIssued::Purpose purpose, std::string_view kind,
                       std::string_view id) {
    auto credential = std::make_shared<v1::CredentialIssued>();
    credential->set_public_key(std::string(key.view()));
    credential->set_purpose(purpose);
    return Add(credential, "holder", kind, id);
  }

  const NamedKey& founder_;
  const Timestamp now_;
  RunBuilder builder_;
};

}  // namespace

Status CreateLedger(const std::string& dir, std::string_view origin, const NamedKey& founder,
                    const LedgerOptions& options) {
  RETURN_IF_ERROR(CheckOrigin(origin));
  if (!IsStreamName(Text("person/", founder.name))) {
    return absl::InvalidArgumentError(
        Text("key: its name \"", founder.name, "\" can't name a stream; use A-Z a-z 0-9 . _ / @ : -"));
  }
  if (std::filesystem::exists(CheckpointKeyPath(dir))) {
    return absl::AlreadyExistsError(Text("there is a ledger in ", dir, " already"));
  }
  RETURN_IF_ERROR(WriteIdentity(dir, origin));
  ASSIGN_OR_RETURN(const NamedKey checkpoint_key, NewKeyFile(CheckpointKeyPath(dir), origin));
  ASSIGN_OR_RETURN(const std::unique_ptr<Ledger> ledger, Ledger::Open(dir, options));
  v1::AppendRequest request;
  ASSIGN_OR_RETURN(*request.add_runs(),
                   FoundingRun(origin, founder, options.clock->Now()).Build(checkpoint_key.key.public_key()));
  ASSIGN_OR_RETURN(const v1::AppendResponse response, ledger->Append(std::move(request)));
  RETURN_IF_ERROR(FromRpcStatus(response.results(0).refused()));
  return ledger->GetCheckpoint().status();
}

Status JoinLedger(const std::string& dir, std::string_view origin) {
  RETURN_IF_ERROR(CheckOrigin(origin));
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, MakeStore(dir));
    ASSIGN_OR_RETURN(const std::optional<std::string> existing, store->Get(Family::kMeta, kIdentityKey));
    if (!existing.has_value()) {
      RETURN_IF_ERROR(store->Write({IdentityRow(origin), CopyingMarker(true)}, true));
    } else {
      ASSIGN_OR_RETURN(const std::string other, ReadOrigin(*store, dir));
      if (other != origin) return absl::AlreadyExistsError(Text(dir, " holds the ledger ", other, " already"));
    }
  }
  if (std::filesystem::exists(CheckpointKeyPath(dir))) return OkStatus();
  return NewKeyFile(CheckpointKeyPath(dir), origin).status();
}

}  // namespace anamnesis
