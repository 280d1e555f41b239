#include "client/importers/monai.h"

#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "client/cpp/writer.h"
#include "client/importers/monai_events.h"
#include "client/importers/monai_git.h"
#include "client/importers/monai_jsonl.h"
#include "client/importers/stream_ids.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

// A refusal that is about this version and says nothing about the next.
bool IsAboutTheVersion(const Status& status) {
  const auto detail = RefusalDetailOf(status);
  if (!detail.has_value()) return false;
  return detail->reason() == v1::SCHEMA || detail->reason() == v1::OVER_LIMIT || detail->reason() == v1::MALFORMED ||
         detail->reason() == v1::ENTITY_TAKEN;
}

// Imports the versions of one bundle into its stream.
class BundleImporter {
 public:
  BundleImporter(LedgerClient& client, const NamedKey& key) : client_(client), key_(key) {}

  Status Import(const BundleVersion& version, std::string_view source, ImportReport& report) {
    // Before mapping, which depends on what is recorded. A bundle that no stream can be named by is the mapper's to
    // tell.
    if (writer_ == nullptr && IsStreamName(MonaiStream(version.bundle))) RETURN_IF_ERROR(Open(version.bundle));
    BundleState state = state_;
    StatusOr<MappedVersion> mapped = MapBundleVersion(version, source, state);
    if (!mapped.ok()) {
      report.unreadable.push_back({version.place, std::string(MessageOf(mapped.status()))});
      return OkStatus();
    }
    std::vector<IdentifiedDraft> lacking;
    for (IdentifiedDraft& event : mapped->events) {
      if (present_.count(event.id) == 0) lacking.push_back(std::move(event));
    }
    const StatusOr<std::vector<Appended>> appended = writer_->Append(lacking);
    if (!appended.ok() && IsAboutTheVersion(appended.status())) {
      report.unreadable.push_back({version.place, std::string(MessageOf(appended.status()))});
      return OkStatus();
    }
    if (!appended.ok()) return WithContext(appended.status(), Text(version.bundle, " ", version.version));
    state_ = std::move(state);
    for (const IdentifiedDraft& event : lacking) {
      present_.insert(event.id);
      ++report.added_by_type[event.draft.header.type()];
    }
    report.events_added += lacking.size();
    report.events_already_there += mapped->events.size() - lacking.size();
    report.weak_digests += mapped->weak_digests;
    report.missing_digests += mapped->missing_digests;
    for (Unreadable& note : mapped->unreadable) report.unreadable.push_back(std::move(note));
    return OkStatus();
  }

 private:
  Status Open(std::string_view bundle) {
    ASSIGN_OR_RETURN(std::unique_ptr<StreamWriter> writer, StreamWriter::Open(client_, key_, MonaiStream(bundle)));
    // A bundle's events are in its stream and nowhere else, so that one read answers for all of them.
    RETURN_IF_ERROR(ReadHeaders(client_, writer->stream(), writer->head(),
                                [this](const EventId& id, const v1::EventHeader& header) {
                                  present_.insert(id);
                                  AddDefined(id, header, state_.defined);
                                }));
    writer_ = std::move(writer);
    return OkStatus();
  }

  LedgerClient& client_;
  const NamedKey& key_;
  std::unique_ptr<StreamWriter> writer_;
  std::set<EventId> present_;
  BundleState state_;
};

}  // namespace

StatusOr<MonaiHistory> ReadMonaiHistory(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status what = std::filesystem::status(path, error);
  if (!std::filesystem::exists(what)) {
    return absl::NotFoundError(Text(path, ": there is nothing; give a Git repository or a .jsonl file"));
  }
  return std::filesystem::is_directory(what) ? ReadMonaiGit(path) : ReadMonaiJsonl(path);
}

StatusOr<ImportReport> ImportHistory(LedgerClient& client, const NamedKey& key, MonaiHistory history,
                                     const ImportProgress& progress) {
  ImportReport report;
  report.versions_read = history.versions.size();
  report.silent_changes = history.silent_changes;
  report.unreadable = std::move(history.unreadable);
  std::map<std::string, BundleImporter> importers;
  for (size_t i = 0; i < history.versions.size(); ++i) {
    const BundleVersion& version = history.versions[i];
    BundleImporter& importer = importers.try_emplace(version.bundle, client, key).first->second;
    RETURN_IF_ERROR(importer.Import(version, history.source, report));
    if (progress) progress(i + 1, history.versions.size());
  }
  report.bundles_read = importers.size();
  return report;
}

StatusOr<ImportReport> ImportMonai(LedgerClient& client, const NamedKey& key, const std::string& path,
                                   const ImportProgress& progress) {
  ASSIGN_OR_RETURN(MonaiHistory history, ReadMonaiHistory(path));
  return ImportHistory(client, key, std::move(history), progress);
}

}  // namespace anamnesis
