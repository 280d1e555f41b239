// The files of a release, model or artifact, or of all that a unit ran, from the ledger and the object store alone
// (IEC 62304 5.8.5, 8.1.1): each one is written only when its bytes have the digest that was recorded.

#include <iostream>
#include <map>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/cli/json_text.h"
#include "client/cli/objects.h"
#include "client/cli/question.h"
#include "client/cpp/file_tree.h"
#include "client/cpp/writer.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "ledger/query/item_history.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kUnitKind = "device_unit";

struct Options {
  Common common;
  std::string objects;
  std::string entity;
  std::string to;
  std::string at;
};

using Files = google::protobuf::RepeatedPtrField<v1::FileRecord>;

// What is to be written, by its path below --to, and what can't be.
struct Plan {
  std::map<std::string, v1::FileRecord> files;
  std::vector<std::string> problems;
};

// --- What the ledger says ---

// The event that defined the entity and still counts. NOT_FOUND: none did.
StatusOr<v1::Event> DefiningEvent(LedgerClient& client, const v1::EntityRef& entity) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = entity;
  question.mutable_status()->set_limit(1);
  ASSIGN_OR_RETURN(const v1::Answer answer, client.Ask(question));
  const v1::LeafReference* defined = nullptr;
  std::string versions;
  int count = 0;
  for (const v1::StatusAnswer::Version& version : answer.status().versions()) {
    if (!version.has_defined()) continue;
    defined = &version.defined();
    versions += (count++ == 0 ? "" : ", ") + version.version();
  }
  if (defined == nullptr) return absl::NotFoundError(Text(EntityKeyText(entity), ": no event defines it"));
  if (count > 1) {
    return absl::InvalidArgumentError(
        Text("ENTITY: ", EntityKeyText(entity), " has the versions ", versions, "; say which"));
  }
  v1::GetEventRequest request;
  request.set_index(defined->index());
  return client.GetEvent(request);
}

StatusOr<Files> FilesOf(const v1::Event& event) {
  if (event.body_state() == v1::BODY_ERASED) {
    return absl::NotFoundError(Text("leaf ", event.index(), " ", event.header().type(), ": its body is erased"));
  }
  v1::ReleaseApproved release;
  v1::ArtifactProduced artifact;
  v1::ModelRegistered model;
  if (event.content().UnpackTo(&release)) return release.archive();
  if (event.content().UnpackTo(&artifact)) return artifact.files();
  if (event.content().UnpackTo(&model)) return model.files();
  return absl::InvalidArgumentError(Text("ENTITY: leaf ", event.index(), " ", event.header().type(),
                                         " lists no files; a release, model or artifact has files"));
}

void AddFile(const v1::FileRecord& file, const std::string& prefix, Plan& plan) {
  const std::string path = prefix + file.path();
  const auto problem = [&](const auto&... why) { plan.problems.push_back(Text(path, ": ", why...)); };
  if (const Status safe = CheckRelativePath(path); !safe.ok()) return problem("refused: ", MessageOf(safe));
  if (!file.has_digest()) return problem("no digest was recorded, so nothing shows which bytes it had");
  if (file.digest().algorithm() != v1::SHA256) {
    return problem("recorded by ", DigestText(file.digest()), " and not by SHA-256, so no object is known to be it");
  }
  if (file.digest().value().size() != Digest::kSize) return problem("its SHA-256 hasn't 32 bytes");
  const auto [place, added] = plan.files.emplace(path, file);
  if (!added && place->second.digest().value() != file.digest().value()) {
    problem("recorded twice with different digests: ", DigestText(place->second.digest()), " and ",
            DigestText(file.digest()));
  }
}

Status PlanEntity(LedgerClient& client, const v1::EntityRef& entity, const std::string& prefix, Plan& plan) {
  ASSIGN_OR_RETURN(const v1::Event event, DefiningEvent(client, entity));
  ASSIGN_OR_RETURN(const Files files, FilesOf(event));
  if (files.empty()) plan.problems.push_back(Text(EntityKeyText(entity), ": its record lists no files"));
  for (const v1::FileRecord& file : files) AddFile(file, prefix, plan);
  return OkStatus();
}

// Each item that the unit ran goes below the name of its surface.
Status PlanUnit(LedgerClient& client, const Options& options, const std::string& unit, Plan& plan) {
  v1::GetConfigurationRequest request;
  request.set_unit(unit);
  Timestamp at = WallClockNow();
  if (!options.at.empty()) {
    const StatusOr<Timestamp> parsed = ParseTime(options.at);
    if (!parsed.ok()) return WithContext(parsed.status(), "--at");
    at = *parsed;
  }
  *request.mutable_at() = ToProtoTime(at);
  ASSIGN_OR_RETURN(const v1::ConfigurationAnswer answer, client.GetConfiguration(request));
  if (answer.now_known().items().empty()) {
    return absl::NotFoundError(Text("nothing is recorded that unit ", unit, " ran at that time"));
  }
  for (const v1::ConfigurationItem& item : answer.now_known().items()) {
    if (item.empty()) continue;
    if (!item.has_item() || item.confidence() == v1::UNKNOWN || item.item().kind().empty()) {
      plan.problems.push_back(Text(item.surface(), ": not certain what ran there: ", item.unknown_because()));
      continue;
    }
    v1::EntityRef entity;
    entity.set_kind(item.item().kind());
    entity.set_id(item.item().id());
    entity.set_version(item.item().version());
    const Status planned = PlanEntity(client, entity, item.surface() + "/", plan);
    if (absl::IsUnavailable(planned)) return planned;
    if (!planned.ok()) plan.problems.push_back(Text(item.surface(), ": ", MessageOf(planned)));
  }
  return OkStatus();
}

// --- What the store has ---

// Writes the files; what can't be becomes a problem, unless the store can't be reached.
Status Write(const Options& options, Plan& plan) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectClient> store, ConnectObjectStore(options.common, options.objects));
  for (const auto& [path, file] : plan.files) {
    ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(file.digest().value()));
    const Status fetched = FetchObject(*store, digest, options.to, path);
    if (absl::IsUnavailable(fetched)) return fetched;
    if (!fetched.ok()) {
      plan.problems.push_back(Text(path, ": ", MessageOf(fetched)));
    } else if (!options.common.json) {
      std::cout << digest.hex() << "  " << path << "\n";
    }
  }
  return OkStatus();
}

void Print(const Options& options, size_t written, const std::vector<std::string>& problems) {
  if (!options.common.json) {
    for (const std::string& problem : problems) std::cerr << "missing: " << problem << "\n";
    std::cout << written << " files below " << options.to << ", " << problems.size() << " missing\n";
    return;
  }
  std::cout << "{\"files\": " << written << ", \"missing\": " << JsonList(problems) << "}\n";
}

StatusOr<ExitStatus> Materialise(const Options& options) {
  ASSIGN_OR_RETURN(const v1::EntityRef entity, ParseEntity("ENTITY", options.entity, "release"));
  Plan plan;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
    RETURN_IF_ERROR(entity.kind() == kUnitKind ? PlanUnit(*client, options, entity.id(), plan)
                                               : PlanEntity(*client, entity, "", plan));
  }
  const size_t planned_problems = plan.problems.size();
  RETURN_IF_ERROR(Write(options, plan));
  const size_t failed = plan.problems.size() - planned_problems;
  Print(options, plan.files.size() - failed, plan.problems);
  return plan.problems.empty() ? kDone : kAnswerIsNo;
}

}  // namespace

void AddMaterialise(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand(
      "materialise", "writes the files of a release, model, artifact or unit, byte for byte as they were recorded");
  verb.footer(
      "Examples: anamnesis materialise release:spleen@1.0 --to release/\n"
      "          anamnesis materialise device_unit:ICU-7 --at 2026-11-21T14:03:07Z --to icu7/   # SURFACE/PATH\n"
      "Exit status 1, with their names, when files are missing, damaged, recorded without a SHA-256, or would leave "
      "--to.");
  verb.add_option("ENTITY", options->entity, "KIND:ID[@VERSION]; without a kind, a release")->required();
  verb.add_option("--to", options->to, "the directory; files that are there are replaced")->required();
  verb.add_option("--at", options->at, "of a unit: when (RFC 3339 with zone); default: now");
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  AddObjectsOptions(verb, options->common, options->objects);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Materialise(*options); });
}

}  // namespace anamnesis::cli
