#include "client/cli/key_rotation.h"

#include <iostream>
#include <optional>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "client/cli/context.h"
#include "client/cli/embedded_client.h"
#include "client/cli/key_history.h"
#include "client/cli/option_checks.h"
#include "client/cli/plain_text.h"
#include "client/cli/write.h"
#include "ledger/engine/files.h"
#include "ledger/engine/handovers.h"
#include "ledger/engine/layout.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::cli {
namespace {

constexpr int64_t kMicrosecondsPerDay = int64_t{86'400} * 1'000'000;

struct Options : WriteOptions {
  std::string dir;
  std::string key;
  std::string from;
  int64_t overlap_days = 30;
  std::vector<std::string> files;
  std::string out;
};

// The credential of a key; nullopt when no event names it.
StatusOr<std::optional<v1::Credential>> FindCredentialOf(const Options& options, const PublicKey& key) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  v1::GetCredentialRequest request;
  request.set_public_key(key.bytes());
  StatusOr<v1::Credential> credential = client->GetCredential(request);
  if (absl::IsNotFound(credential.status())) return std::optional<v1::Credential>();
  RETURN_IF_ERROR(credential.status());
  return std::optional(*std::move(credential));
}

// A key is held by the node of its name (ledger/event/checkpoint_key_name.h).
EventDraft Name(const NamedKey& key) {
  v1::CredentialIssued body;
  body.set_public_key(key.key.public_key().bytes());
  body.set_purpose(v1::CredentialIssued::CHECKPOINT);
  EventDraft draft = DraftOf(std::move(body));
  AddReference(draft, "holder", "node", key.name);
  return draft;
}

// The key that takes over: made now, or by a try before this one that didn't get as far as its event. One that ended
// before it took over makes way.
StatusOr<NamedKey> MakeNext(const Options& options, const std::string& origin) {
  const std::string path = NextCheckpointKeyPath(options.dir);
  StatusOr<NamedKey> next = ReadKeyFile(path);
  if (absl::IsNotFound(next.status())) return NewKeyFile(path, origin);
  RETURN_IF_ERROR(next.status());
  ASSIGN_OR_RETURN(const std::optional<v1::Credential> named, FindCredentialOf(options, next->key.public_key()));
  if (!named.has_value()) return next;
  if (named->has_revoked_index()) {
    RETURN_IF_ERROR(RemoveSmallFile(path));
    return NewKeyFile(path, origin);
  }
  return absl::FailedPreconditionError(Text("a rotation is under way: ", path, " is named by leaf ",
                                            named->issued_index(),
                                            " and takes over when the old key has ended; wait, or revoke the old key"));
}

// Without its holder.
EventDraft Rotation(const Options& options, const NamedKey& old, const NamedKey& next) {
  v1::CredentialRotated body;
  body.set_old_public_key(old.key.public_key().bytes());
  body.set_new_public_key(next.key.public_key().bytes());
  if (options.overlap_days > 0) {
    body.set_old_key_until_us(WallClockNow().us + options.overlap_days * kMicrosecondsPerDay);
  }
  return DraftOf(std::move(body));
}

StatusOr<ExitStatus> Rotate(const Options& options) {
  ASSIGN_OR_RETURN(const NamedKey old, ReadKeyFile(CheckpointKeyPath(options.dir)));
  ASSIGN_OR_RETURN(const std::optional<v1::Credential> named, FindCredentialOf(options, old.key.public_key()));
  ASSIGN_OR_RETURN(const NamedKey next, MakeNext(options, old.name));
  std::vector<EventDraft> drafts;
  if (named.has_value() && named->has_revoked_index()) {
    // There is nothing to rotate: the old key ended already.
    drafts.push_back(Name(next));
  } else {
    // One that no event names yet, of a node that joined, would never end.
    if (!named.has_value()) drafts.push_back(Name(old));
    const std::string holder_kind = named.has_value() ? named->holder().kind() : "node";
    drafts.push_back(Rotation(options, old, next));
    AddReference(drafts.back(), "holder", holder_kind, named.has_value() ? named->holder().id() : old.name);
  }
  ASSIGN_OR_RETURN(const ExitStatus appended, AppendAndPrint(options, std::move(drafts)));
  std::cerr << "for policies: log " << VerifierKeyOf(next).Format() << "\n";
  return appended;
}

void AddRotate(CLI::App& key) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *key.add_subcommand("rotate", "a new key for the checkpoints that this node signs as the log");
  verb.footer(
      "Example: anamnesis key rotate --dir ledger --overlap-days 90 --as ada.key\n"
      "Run it where the node runs, for each node: the new private key is made there and never leaves. The node signs "
      "with\nit from the checkpoint that covers the event on, and with the old one too until the overlap is over; it "
      "need not be\nrestarted. After a revocation it makes the key that signs from then on.");
  verb.add_option("--dir", options->dir, "the node's directory")->required()->check(IsDirectoryToRead());
  verb.add_option("--overlap-days", options->overlap_days, "how long both keys sign; 0: the old one ends at once")
      ->check(CLI::Range(int64_t{0}, int64_t{3650}))
      ->capture_default_str();
  AddWriteOptions(verb, *options);
  SetAction(verb, [options] { return Rotate(*options); });
}

void AddRecord(CLI::App& key) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *key.add_subcommand("record", "names a node's key in the ledger: one that cosigns, or of a node that joined");
  verb.footer(
      "Example: anamnesis key record ledger/cosigner.key --as ada.key\n"
      "A key whose name is the ledger's origin signs as the log, any other cosigns.");
  verb.add_option("FILE", options->key, "the node's checkpoint.key or cosigner.key")->required()->check(IsFileToRead());
  AddWriteOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey named, ReadKeyFile(options->key));
    return AppendAndPrint(*options, {Name(named)});
  });
}

void AddRevoke(CLI::App& key) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *key.add_subcommand("revoke", "a key of checkpoints that may be in other hands");
  verb.footer(
      "Example: anamnesis key revoke \"acme/ledger+34af482e+ARdF...\" --from 2031-05-01T00:00:00Z \\\n"
      "           --rationale \"the node's disk was stolen\" --as ada.key\n"
      "The node that holds it signs with it no more; what it signed counts only as far as a key history shows that it\n"
      "is of this ledger, and from before. `key rotate` makes the next one.");
  verb.add_option("KEY", options->key, "its verifier key, or key file")->required();
  verb.add_option("--from", options->from, "since when it may be (RFC 3339); default: now");
  AddWriteOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::string bytes, PublicKeyOf("KEY", options->key));
    ASSIGN_OR_RETURN(const PublicKey public_key, PublicKey::FromBytes(bytes));
    ASSIGN_OR_RETURN(const std::optional<v1::Credential> named, FindCredentialOf(*options, public_key));
    if (!named.has_value()) {
      return absl::NotFoundError(Text("no event names the key ", public_key.hex(), "; record it first: key record"));
    }
    v1::CredentialRevoked body;
    body.set_public_key(bytes);
    ASSIGN_OR_RETURN(const int64_t from, TimeOption("--from", options->from));
    body.set_effective_from_us(from);
    EventDraft draft = DraftOf(std::move(body));
    AddReference(draft, "holder", named->holder().kind(), named->holder().id());
    return AppendAndPrint(*options, {std::move(draft)});
  });
}

void PrintKeys(const KeyCustody& custody) {
  std::cout << Bold(custody.origin()) << "  the first " << custody.checkpoint().size.value << " events\n";
  for (const KeyCustody::Key& key : custody.keys()) {
    std::cout << "  " << key.key.Format() << "\n    "
              << (key.key.type() == KeyType::kEd25519 ? "signs as the log" : "cosigns") << ", named by leaf "
              << key.named_at.value;
    if (key.end.has_value()) {
      std::cout << (key.end->revoked ? Bad("; revoked") : "; rotated out") << " from " << FormatTime(key.end->from)
                << " on (leaf " << key.end->leaf.value << "): counts up to " << key.end->size.value << " events";
    }
    std::cout << "\n";
  }
}

void PrintKeysAsJson(const KeyCustody& custody) {
  std::cout << "{\"origin\": " << Quoted(custody.origin()) << ", \"tree_size\": \"" << custody.checkpoint().size.value
            << "\", \"keys\": [";
  const char* separator = "";
  for (const KeyCustody::Key& key : custody.keys()) {
    std::cout << separator << "{\"verifier_key\": " << Quoted(key.key.Format())
              << ", \"log\": " << (key.key.type() == KeyType::kEd25519 ? "true" : "false") << ", \"named_by\": \""
              << key.named_at.value << "\"";
    if (key.end.has_value()) {
      std::cout << ", \"ended_by\": \"" << key.end->leaf.value
                << "\", \"ended_from\": " << Quoted(FormatTime(key.end->from))
                << ", \"revoked\": " << (key.end->revoked ? "true" : "false") << ", \"counts_up_to\": \""
                << key.end->size.value << "\"";
    }
    std::cout << "}";
    separator = ", ";
  }
  std::cout << "]}\n";
}

void AddList(CLI::App& key) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *key.add_subcommand("list", "the keys of checkpoints that the ledger's events name, and how far each counts");
  verb.footer("Example: anamnesis key list");
  AddLedgerOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const KeyHistory history, GatherKeyHistory(*client, {}));
    ASSIGN_OR_RETURN(const KeyCustody custody, JudgeAsGathered(*client, history));
    if (options->common.json) {
      PrintKeysAsJson(custody);
    } else {
      PrintKeys(custody);
    }
    return kDone;
  });
}

void AddHistory(CLI::App& key) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *key.add_subcommand("history", "the chain of custody of those keys in one file, which verifies offline");
  verb.footer(
      "Example: anamnesis key history --dir ledger --for 2026.tlog-proof --out keys.history\n"
      "         anamnesis verify 2026.tlog-proof --policy policy.txt --key-history keys.history\n"
      "Who trusts an old key can follow it when it holds a checkpoint by that key: the handovers in the node's "
      "directory,\nor one of --for. A receipt by a key that was revoked counts when it was named with --for.");
  verb.add_option("--dir", options->dir, "the node's directory, for its handovers; default: that of file:DIR");
  verb.add_option("--for", options->files, "receipts (tlog-proof) or checkpoints that are to be proven; repeatable");
  verb.add_option("--out", options->out, "the file to write; default: stdout");
  AddLedgerOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    const std::string& ledger = options->common.ledger;
    if (options->dir.empty() && ledger.starts_with(kFilePrefix)) options->dir = ledger.substr(kFilePrefix.size());
    std::vector<std::string> notes;
    if (!options->dir.empty()) {
      ASSIGN_OR_RETURN(notes, ReadHandovers(options->dir));
    }
    for (const std::string& file : options->files) {
      ASSIGN_OR_RETURN(notes.emplace_back(), ReadNoteOf(file));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const KeyHistory history, GatherKeyHistory(*client, notes));
    const StatusOr<KeyCustody> custody = JudgeAsGathered(*client, history);
    if (!custody.ok()) return WithContext(custody.status(), "the key history would be of no use");
    const std::string bytes = FormatKeyHistory(history);
    if (!options->out.empty()) {
      RETURN_IF_ERROR(WriteFile(options->out, bytes));
      std::cout << options->out << "\n";
    } else {
      WriteRawOutput();
      std::cout << bytes;
    }
    return kDone;
  });
}

}  // namespace

void AddCheckpointKeyVerbs(CLI::App& key) {
  AddRotate(key);
  AddRecord(key);
  AddRevoke(key);
  AddList(key);
  AddHistory(key);
}

}  // namespace anamnesis::cli
