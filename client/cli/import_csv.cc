// Spreadsheets: each row an event, as a mapping says.

#include <filesystem>
#include <iostream>
#include <set>

#include "client/cli/event_spec.h"
#include "client/cli/import.h"
#include "client/cpp/writer.h"
#include "client/importers/spreadsheet.h"
#include "client/importers/stream_ids.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"

namespace anamnesis::cli {
namespace {

struct Options {
  std::string csv;
  std::string mapping;
  std::string stream;
  Common common;
};

struct Imported {
  uint64_t rows = 0;
  uint64_t added = 0;
  uint64_t there = 0;
  std::vector<Unreadable> refused;
};

// A refusal that is about this row and says nothing about the next.
bool IsAboutTheRow(const Status& status) {
  const auto detail = RefusalDetailOf(status);
  if (!detail.has_value()) return absl::IsInvalidArgument(status);
  switch (detail->reason()) {
    case v1::SCHEMA:
    case v1::OVER_LIMIT:
    case v1::MALFORMED:
    case v1::RULE_BROKEN:
    case v1::ENTITY_TAKEN:
      return true;
    default:
      return false;
  }
}

StatusOr<EventDraft> DraftOfRow(const SheetEvent& event) {
  EventSpec spec;
  spec.type = event.type;
  spec.body_json = event.body_json;
  spec.refs = event.refs;
  spec.occurred_at = event.occurred_at;
  spec.rationale = event.rationale;
  spec.retrospective = true;
  return ToDraft(spec);
}

// Each row a run of its own: one that is refused keeps none of the others out.
Status ImportRows(LedgerClient& client, const NamedKey& key, const Options& options, const Sheet& sheet,
                  Imported& done) {
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(client, key, options.stream));
  ASSIGN_OR_RETURN(std::set<EventId> there, IdsInStream(client, writer->stream(), writer->head()));
  for (const SheetEvent& event : sheet.events) {
    if (there.contains(event.id)) {
      ++done.there;
      continue;
    }
    const StatusOr<EventDraft> draft = DraftOfRow(event);
    const Status appended = draft.ok() ? writer->Append({{*draft, event.id}}).status() : draft.status();
    if (appended.ok()) {
      there.insert(event.id);
      ++done.added;
    } else if (IsAboutTheRow(appended)) {
      done.refused.push_back({Text("line ", event.line), std::string(MessageOf(appended))});
    } else {
      return WithContext(appended, Text("line ", event.line));
    }
  }
  return OkStatus();
}

void Print(const Imported& done, bool json) {
  if (!json) {
    std::cout << "read " << done.rows << " rows: added " << done.added << " events, " << done.there
              << " were there already\n";
    for (const Unreadable& row : done.refused)
      std::cout << Bad("not imported ") << row.place << ": " << row.reason << "\n";
    return;
  }
  std::cout << "{\"rows\": " << done.rows << ", \"eventsAdded\": " << done.added
            << ", \"eventsAlreadyThere\": " << done.there << ", \"notImported\": [";
  std::string_view separator;
  for (const Unreadable& row : done.refused) {
    std::cout << separator << "{\"place\": " << Quoted(row.place) << ", \"reason\": " << Quoted(row.reason) << "}";
    separator = ", ";
  }
  std::cout << "]}\n";
}

StatusOr<ExitStatus> Import(const Options& given) {
  Options options = given;
  ASSIGN_OR_RETURN(const std::string csv, ReadFile(options.csv));
  ASSIGN_OR_RETURN(const std::string mapping, ReadFile(options.mapping));
  const std::string name = std::filesystem::path(options.csv).filename().string();
  if (options.stream.empty()) {
    options.stream = "import/csv/" + name;
    for (char& c : options.stream) {
      if (!IsStreamName(std::string_view(&c, 1))) c = '-';
    }
  }
  StatusOr<Sheet> sheet = ReadSheet(name, csv, mapping);
  if (!sheet.ok()) return WithContext(sheet.status(), options.csv);
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  Imported done;
  done.rows = sheet->events.size() + sheet->unreadable.size();
  done.refused = sheet->unreadable;
  RETURN_IF_ERROR(ImportRows(*client, key, options, *sheet, done));
  Print(done, options.common.json);
  return done.refused.empty() ? kDone : kAnswerIsNo;
}

}  // namespace

void AddImportCsv(CLI::App& import) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *import.add_subcommand("csv", "a spreadsheet, exported as CSV: each row an event");
  verb.footer(
      "Example: anamnesis import csv datasets.csv --mapping datasets.json --as ada.key --ledger file:ledger\n"
      "  datasets.json: {\"type\": \"dataset.curated\", \"occurred_at\": \"{Date}\",\n"
      "    \"refs\": [\"dataset=dataset:{Dataset}@{Version}\"],\n"
      "    \"body\": {\"source\": \"{Source}\", \"inclusion\": [\"{Criteria}\"], \"recordsOut\": \"{Records}\"}}\n"
      "{COLUMN} stands for the row's cell; what is made of empty cells alone is left out. The events are marked\n"
      "retrospective and happened when the row says: a day, a time, or FROM/UNTIL. \"utc_offset\":\n"
      "\"+02:00\" says where a day is one; without it a day is as long as it is anywhere. Importing again adds "
      "nothing.\n"
      "Exit status 1 when a row was not imported: each is named, with why.");
  verb.add_option("FILE", options->csv, "CSV with a header; separated by , ; or tab")->required();
  verb.add_option("--mapping", options->mapping, "how a row becomes an event, in JSON")->required();
  verb.add_option("--stream", options->stream, "the writer's stream; default: import/csv/FILE");
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Import(*options); });
}

}  // namespace anamnesis::cli
