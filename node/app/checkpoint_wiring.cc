#include "node/app/checkpoint_wiring.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/files.h"
#include "ledger/engine/layout.h"
#include "ledger/state/authority.h"
#include "ledger/state/checkpoint_keys.h"
#include "node/app/log.h"
#include "node/app/node_id.h"
#include "node/auth/authorizer.h"
#include "node/auth/principal.h"
#include "node/web/http_post.h"

namespace anamnesis {
namespace {

void Warn(std::string_view line) { LogLine(LogLevel::kWarning, line); }

StatusOr<std::optional<Policy>> ReadPolicy(const std::string& file, std::string_view option) {
  if (file.empty()) return std::optional<Policy>();
  StatusOr<std::string> text = ReadSmallFile(file);
  if (!text.ok()) return WithContext(text.status(), option);
  StatusOr<Policy> policy = Policy::Parse(*text);
  if (!policy.ok()) return WithContext(policy.status(), Text(option, ": ", file));
  return std::optional<Policy>(*std::move(policy));
}

StatusOr<NamedKey> ReadOrMakeCosignerKey(const std::string& dir, const std::string& origin) {
  StatusOr<NamedKey> key = ReadKeyFile(CosignerKeyPath(dir));
  if (!absl::IsNotFound(key.status())) return key;
  ASSIGN_OR_RETURN(const std::string id, ReadOrMakeNodeId(dir));
  return NewKeyFile(CosignerKeyPath(dir), Text(origin, "/node/", id));
}

// The keys with which this node signs as the log; a rotation may have left it two.
StatusOr<std::vector<VerifierKey>> OwnKeys(const std::string& dir) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(CheckpointKeyPath(dir)));
  std::vector<VerifierKey> keys = {VerifierKeyOf(key)};
  const StatusOr<NamedKey> next = ReadKeyFile(NextCheckpointKeyPath(dir));
  if (!next.ok() && !absl::IsNotFound(next.status())) return next.status();
  if (next.ok()) keys.push_back(VerifierKeyOf(*next));
  return keys;
}

// Whether the ledger's events let a key cosign. One that they don't name does as it did before there were such events.
Status MayCosign(const Ledger& ledger, const PublicKey& key) {
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential,
                   FindCredential(*ledger.View(), key.view()));
  if (!credential.has_value()) return OkStatus();
  const std::string why = WhyCannotSignCheckpoint(*credential, TreeSize(ledger.tree_size()), SystemClock().Now());
  if (why.empty()) return OkStatus();
  return absl::FailedPreconditionError(Text("this node's cosigner key, ", key.hex(), ", ", why));
}

WitnessedLog& LogOf(std::vector<WitnessedLog>& logs, const std::string& origin) {
  for (WitnessedLog& log : logs) {
    if (log.origin == origin) return log;
  }
  return logs.emplace_back(WitnessedLog{.origin = origin, .keys = {}});
}

void AddKey(WitnessedLog& log, const VerifierKey& key) {
  for (const VerifierKey& known : log.keys) {
    if (known == key) return;
  }
  log.keys.push_back(key);
}

// The own ledger, whose other nodes may sign with keys of their own that the policy names, and those of --witness-for.
StatusOr<std::vector<WitnessedLog>> LogsOf(const Ledger& ledger, const std::optional<Policy>& own_policy,
                                           const std::optional<Policy>& others) {
  const v1::LedgerStatus status = ledger.GetStatus();
  std::vector<WitnessedLog> logs;
  ASSIGN_OR_RETURN(const VerifierKey own, VerifierKey::Parse(status.verifier_key()));
  AddKey(LogOf(logs, status.origin()), own);
  if (own_policy.has_value()) {
    for (const Policy::Log& log : own_policy->logs()) {
      if (log.key.name() == status.origin()) AddKey(logs.front(), log.key);
    }
  }
  if (others.has_value()) {
    for (const Policy::Log& log : others->logs()) AddKey(LogOf(logs, log.key.name()), log.key);
  }
  return logs;
}

Status StartWitness(Ledger& ledger, const NodeOptions& options, const std::optional<Policy>& policy,
                    CheckpointParts& parts) {
  const std::string origin = ledger.GetStatus().origin();
  ASSIGN_OR_RETURN(const std::optional<Policy> others, ReadPolicy(options.checkpoints.witness_for, "--witness-for"));
  ASSIGN_OR_RETURN(NamedKey key, ReadOrMakeCosignerKey(options.dir, origin));
  WitnessOptions witness{WitnessPath(options.dir), std::move(key)};
  ASSIGN_OR_RETURN(witness.logs, LogsOf(ledger, policy, others));
  witness.log = Warn;
  witness.may_cosign = [&ledger, public_key = witness.key.key.public_key()] { return MayCosign(ledger, public_key); };
  witness.logs.front().keys_now = [&ledger, origin, keys = witness.logs.front().keys] {
    return LogKeys(*ledger.View(), origin, keys, LogKeyUse::kTrusted);
  };
  // Made after the witness, which knows where it has to begin; asked only when both are there.
  witness.logs.front().own_root = [&audit = parts.audit](TreeSize size) { return audit->RootAt(size); };
  ASSIGN_OR_RETURN(parts.witness, Witness::Open(std::move(witness)));
  parts.audit = std::make_unique<OwnAudit>(ledger, origin, parts.witness->LastCosigned(origin));
  LogLine(LogLevel::kInfo, Text("cosigns checkpoints as ", parts.witness->verifier_key().Format()));
  return OkStatus();
}

Status StartWeb(Ledger& ledger, const NodeOptions& options, const std::shared_ptr<TlsIdentity>& tls,
                const Access::IsMember& is_member, CheckpointParts& parts) {
  parts.access = std::make_unique<Access>(ledger, tls != nullptr, is_member);
  WebAccess readers;
  readers.everybody_reads = tls == nullptr || options.checkpoints.http_public;
  readers.may_call = [access = parts.access.get()](const std::vector<std::string>& uris,
                                                   std::string_view method) -> Status {
    ASSIGN_OR_RETURN(const v1::Agent agent, PrincipalOfUris(uris, access->origin()));
    ASSIGN_OR_RETURN(const Caller caller, access->Find(agent));
    return Authorize(caller, method);
  };
  parts.site = std::make_unique<LogSite>(ledger, *parts.publisher, *parts.witness, readers);
  parts.scitt = std::make_unique<ScittSite>(ledger, *parts.publisher, std::move(readers));
  WebServerOptions web;
  web.address = options.checkpoints.http_listen;
  web.tls = tls;
  web.files = options.tls;
  web.certificate_needed = !options.checkpoints.http_public;
  web.body_bytes_max = kAddCheckpointBytesMax;
  web.log = Warn;
  const auto answer = [site = parts.site.get(), scitt = parts.scitt.get()](const WebRequest& request) {
    return ScittSite::Serves(request.target) ? scitt->Answer(request) : site->Answer(request);
  };
  ASSIGN_OR_RETURN(parts.web, WebServer::Start(answer, std::move(web)));
  return OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<CheckpointParts>> StartCheckpoints(Ledger& ledger, const NodeOptions& options,
                                                            const std::shared_ptr<TlsIdentity>& tls,
                                                            const Access::IsMember& is_member) {
  auto parts = std::make_unique<CheckpointParts>();
  PublisherOptions publisher;
  ASSIGN_OR_RETURN(publisher.policy, ReadPolicy(options.checkpoints.witness_policy, "--witness-policy"));
  const bool serves = !options.checkpoints.http_listen.empty();
  if (serves || publisher.policy.has_value()) {
    RETURN_IF_ERROR(StartWitness(ledger, options, publisher.policy, *parts));
  }
  publisher.interval = std::chrono::milliseconds(static_cast<int64_t>(options.checkpoints.interval_seconds * 1000));
  publisher.log_keys = [&ledger, dir = options.dir,
                        origin = ledger.GetStatus().origin()](LogKeyUse use) -> StatusOr<std::vector<VerifierKey>> {
    ASSIGN_OR_RETURN(const std::vector<VerifierKey> own, OwnKeys(dir));
    return LogKeys(*ledger.View(), origin, own, use);
  };
  publisher.file = WitnessedCheckpointPath(options.dir);
  publisher.witness = parts->witness.get();
  publisher.audit = parts->audit.get();
  publisher.post = MakeHttpPost(options.tls);
  publisher.log = Warn;
  ASSIGN_OR_RETURN(parts->publisher, Publisher::Start(ledger, std::move(publisher)));
  if (serves) RETURN_IF_ERROR(StartWeb(ledger, options, tls, is_member, *parts));
  return parts;
}

}  // namespace anamnesis
