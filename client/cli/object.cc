// The object store: bytes by their SHA-256, and the record that they are stored.

#include <filesystem>
#include <iostream>
#include <limits>
#include <set>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "client/cli/json_text.h"
#include "client/cli/objects.h"
#include "client/cli/option_checks.h"
#include "client/cli/verb_of.h"
#include "client/cli/write.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kObjectKind = "object";
constexpr std::string_view kStoredType = "object.stored";

struct Options : WriteOptions {
  std::string objects;
  std::vector<std::string> names;
  std::string to;
};

// --- put ---

StatusOr<bool> IsRecorded(LedgerClient& client, const Digest& digest) {
  v1::Question question;
  v1::StatusQuestion& status = *question.mutable_status();
  status.mutable_entity()->set_kind(std::string(kObjectKind));
  status.mutable_entity()->set_id(digest.hex());
  status.set_limit(1);
  const StatusOr<v1::Answer> answer = client.Ask(question);
  if (absl::IsNotFound(answer.status())) return false;
  RETURN_IF_ERROR(answer.status());
  for (const v1::StatusAnswer::Count& count : answer->status().counts()) {
    if (count.type() == kStoredType && count.events() > count.void_events()) return true;
  }
  return false;
}

EventDraft StoredDraft(const HashedFile& file, const std::string& location) {
  v1::ObjectStored body;
  body.set_sha256(file.digest.bytes());
  body.set_size_bytes(file.size);
  body.set_location(location);
  EventDraft draft = DraftOf(std::move(body));
  AddReference(draft, "object", kObjectKind, file.digest.hex());
  return draft;
}

StatusOr<ExitStatus> Record(const Options& options, const std::vector<HashedFile>& files, const std::string& location) {
  std::vector<EventDraft> drafts;
  std::set<Digest> seen;
  {
    // Closed before the events are appended, which opens an embedded ledger again.
    Common common = options.common;
    // Another node may have what was recorded a moment ago.
    common.consistency.set_linearizable(true);
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
    for (const HashedFile& file : files) {
      if (!seen.insert(file.digest).second) continue;
      ASSIGN_OR_RETURN(const bool recorded, IsRecorded(*client, file.digest));
      if (!recorded) drafts.push_back(StoredDraft(file, location));
    }
  }
  if (drafts.empty()) {
    std::cout << (options.common.json ? "{}" : "recorded already: nothing is appended") << "\n";
    return kDone;
  }
  return AppendAndPrint(options, std::move(drafts));
}

StatusOr<ExitStatus> Put(const Options& options) {
  std::vector<HashedFile> files;
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectClient> store, ConnectObjectStore(options.common, options.objects));
  std::string location;
  for (const std::string& place : store->places()) location += (location.empty() ? "" : ",") + place;
  for (const std::string& path : options.names) {
    ASSIGN_OR_RETURN(const HashedFile file, HashFile(path));
    for (size_t place = 0; place < store->places().size(); ++place) {
      const Status put = store->Put(place, file);
      if (!put.ok()) return WithContext(put, Text(path, " at ", store->places()[place]));
    }
    if (!options.common.json) {
      std::cout << file.digest.hex() << "  " << file.size << "  " << path << "  stored at " << location << "\n";
    }
    files.push_back(file);
  }
  if (options.common.key_file.empty()) return kDone;
  return Record(options, files, location);
}

// --- get, stat, verify ---

StatusOr<ExitStatus> Get(const Options& options) {
  ASSIGN_OR_RETURN(const Digest digest, ParseObjectName(options.names.front()));
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectClient> store, ConnectObjectStore(options.common, options.objects));
  const std::filesystem::path to(options.to);
  const std::string dir = to.has_parent_path() ? to.parent_path().string() : ".";
  RETURN_IF_ERROR(FetchObject(*store, digest, dir, to.filename().string()));
  if (options.common.json) {
    std::cout << "{\"object\": \"" << digest.hex() << "\", \"file\": " << Quoted(options.to) << "}\n";
  }
  return kDone;
}

StatusOr<ExitStatus> Stat(const Options& options) {
  ASSIGN_OR_RETURN(const Digest digest, ParseObjectName(options.names.front()));
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectClient> store, ConnectObjectStore(options.common, options.objects));
  bool found = false;
  std::string json;
  for (size_t place = 0; place < store->places().size(); ++place) {
    ASSIGN_OR_RETURN(const ObjectState state, store->Stat(place, digest, 0));
    found |= state.stored;
    if (options.common.json) {
      json += Text(json.empty() ? "" : ", ", "{\"place\": ", Quoted(store->places()[place]),
                   ", \"stored\": ", JsonBool(state.stored), ", \"bytes\": ", state.bytes, "}");
      continue;
    }
    std::cout << store->places()[place] << "  "
              << (state.stored ? Text("stored, ", state.bytes, " bytes") : std::string("not stored")) << "\n";
  }
  if (options.common.json) std::cout << "{\"object\": \"" << digest.hex() << "\", \"places\": [" << json << "]}\n";
  return found ? kDone : kAnswerIsNo;
}

// What the ledger says is stored.
StatusOr<std::vector<Digest>> RecordedObjects(const Common& common) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  std::set<Digest> recorded;
  v1::ReadRequest request;
  request.set_type(std::string(kStoredType));
  request.set_limit(std::numeric_limits<uint64_t>::max());
  RETURN_IF_ERROR(client->Read(request, [&](const v1::ReadResponse& item) {
    for (const v1::EntityRef& ref : item.event().header().refs()) {
      const StatusOr<Digest> digest = ParseObjectName(ref.id());
      if (ref.kind() == kObjectKind && digest.ok()) recorded.insert(*digest);
    }
    return true;
  }));
  return std::vector<Digest>(recorded.begin(), recorded.end());
}

// What came of one object at all places.
struct Verified {
  bool found = false;
  bool damaged = false;
  // The places where it is damaged, for a person.
  std::vector<std::string> damage;

  bool right() const { return found && !damaged; }
};

// Has every place verify the object.
StatusOr<Verified> VerifyEverywhere(ObjectClient& store, const Digest& digest, bool json) {
  Verified verified;
  for (size_t place = 0; place < store.places().size(); ++place) {
    const StatusOr<uint64_t> size = store.Verify(place, digest);
    if (absl::IsNotFound(size.status())) continue;
    if (!size.ok() && !absl::IsDataLoss(size.status())) return size.status();
    verified.damaged |= !size.ok();
    verified.found |= size.ok();
    if (!size.ok()) verified.damage.emplace_back(MessageOf(size.status()));
    if (json) continue;
    if (size.ok()) {
      std::cout << Good("sound  ") << "  " << digest.hex() << "  " << *size << " bytes at " << store.places()[place]
                << "\n";
    } else {
      std::cout << Bad("DAMAGED") << "  " << MessageOf(size.status()) << "\n";
    }
  }
  if (!json && !verified.found && !verified.damaged) {
    std::cout << Bad("MISSING") << "  " << digest.hex() << " is stored nowhere\n";
  }
  return verified;
}

StatusOr<ExitStatus> Verify(const Options& options) {
  std::vector<Digest> digests;
  for (const std::string& name : options.names) {
    ASSIGN_OR_RETURN(const Digest digest, ParseObjectName(name));
    digests.push_back(digest);
  }
  if (digests.empty()) {
    ASSIGN_OR_RETURN(digests, RecordedObjects(options.common));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectClient> store, ConnectObjectStore(options.common, options.objects));
  size_t wrong = 0;
  std::string json;
  for (const Digest& digest : digests) {
    ASSIGN_OR_RETURN(const Verified verified, VerifyEverywhere(*store, digest, options.common.json));
    if (!verified.right()) ++wrong;
    json += Text(json.empty() ? "" : ", ", "{\"object\": \"", digest.hex(),
                 "\", \"stored\": ", JsonBool(verified.found), ", \"damage\": ", JsonList(verified.damage), "}");
  }
  if (options.common.json) {
    std::cout << "{\"wrong\": " << wrong << ", \"objects\": [" << json << "]}\n";
    return wrong == 0 ? kDone : kAnswerIsNo;
  }
  std::cout << digests.size() << " objects, " << wrong << " missing or damaged\n";
  return wrong == 0 ? kDone : kAnswerIsNo;
}

// --- Verbs ---

using Action = StatusOr<ExitStatus> (*)(const Options&);
using Verb = VerbOf<Options>;

Verb AddVerb(CLI::App& object, const std::string& name, const std::string& what, const std::string& footer,
             Action action) {
  const Verb verb = AddVerbOf(object, name, what, footer, action);
  AddLedgerOption(verb.app, verb.options.common);
  AddObjectsOptions(verb.app, verb.options.common, verb.options.objects);
  AddJsonOption(verb.app, verb.options.common);
  return verb;
}

CLI::Option& AddName(const Verb& verb) {
  return *verb.app.add_option("SHA256", verb.options.names, "64 lower-case hexadecimal digits");
}

}  // namespace

void AddObject(CLI::App& app) {
  CLI::App& object = *app.add_subcommand("object", "files by their SHA-256, in the stores beside the ledger");
  object.require_subcommand(1);

  const Verb put = AddVerb(object, "put", "stores files at every node named, and records it",
                           "Example: anamnesis object put weights.pt --as ada.key\n"
                           "With --as, one object.stored event is appended for each file that has none yet.",
                           Put);
  put.app.add_option("FILE", put.options.names, "the files")->required();
  put.app.add_option("--as", put.options.common.key_file, "the writer's key file; without it nothing is recorded")
      ->check(IsFileToRead());
  put.app.add_option("--stream", put.options.stream, "the writer's stream; default: KIND/ID of the key's holder");
  put.app.add_option("--rationale", put.options.rationale, "why");

  const Verb get = AddVerb(object, "get", "fetches an object and checks its digest",
                           "Example: anamnesis object get ba7816bf…15ad --to weights.pt\n"
                           "The file is written whole or not at all.",
                           Get);
  AddName(get).required()->expected(1);
  get.app.add_option("--to", get.options.to, "the file to write; one that is there is replaced")->required();
  AddName(AddVerb(object, "stat", "whether an object is stored, and how large",
                  "Example: anamnesis object stat ba7816bf…15ad", Stat))
      .required()
      ->expected(1);
  AddName(AddVerb(
      object, "verify", "has the stores read objects back and check them",
      "Example: anamnesis object verify\n"
      "Without SHA256: every object that the ledger says is stored. Exit status 1 when one is damaged, or stored "
      "nowhere.",
      Verify));
}

}  // namespace anamnesis::cli
