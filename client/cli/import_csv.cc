// Spreadsheets: each row an event, as a mapping says.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include "client/cli/event_spec.h"
#include "client/cli/import.h"
#include "client/cpp/corrections.h"
#include "client/cpp/writer.h"
#include "client/importers/spreadsheet.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"
#include "ledger/event/vocabulary.h"

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
  if (!detail.has_value()) return absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status);
  switch (detail->reason()) {
    case v1::SCHEMA:
    case v1::OVER_LIMIT:
    case v1::MALFORMED:
    case v1::RULE_BROKEN:
    case v1::ENTITY_TAKEN:
    case v1::EVENT_ID_TAKEN:
      return true;
    default:
      return false;
  }
}

bool IsIdTaken(const Status& status) {
  const auto detail = RefusalDetailOf(status);
  return detail.has_value() && detail->reason() == v1::EVENT_ID_TAKEN;
}

StatusOr<EventDraft> DraftOfRow(const SheetEvent& event, const std::string& occurred_at) {
  EventSpec spec;
  spec.type = event.type;
  spec.body_json = event.body_json;
  spec.refs = event.refs;
  spec.occurred_at = occurred_at;
  spec.rationale = event.rationale;
  spec.retrospective = true;
  return ToDraft(spec);
}

// --- What is recorded already ---

bool HaveSameReferences(const v1::EventHeader& a, const v1::EventHeader& b) {
  return std::equal(a.refs().begin(), a.refs().end(), b.refs().begin(), b.refs().end(),
                    [](const v1::EntityRef& one, const v1::EntityRef& other) {
                      return one.SerializeAsString() == other.SerializeAsString();
                    });
}

bool HappenedAtOnce(const v1::EventHeader& a, const v1::EventHeader& b) {
  return a.occurred_earliest_us() == b.occurred_earliest_us() && a.occurred_latest_us() == b.occurred_latest_us();
}

// An equal row may have come from a file of another name.
bool GivesReasonOf(const SheetEvent& row, std::string_view rationale) {
  constexpr std::string_view kFrom = "imported from ";
  if (rationale == row.rationale) return true;
  if (!rationale.starts_with(kFrom)) return false;
  return row.note.empty() ? rationale.find(": ") == std::string_view::npos : rationale.ends_with(": " + row.note);
}

// What a recorded event says otherwise than the row, for a person to read; empty when it says the same.
StatusOr<std::string_view> DifferenceFrom(const v1::Event& recorded, const SheetEvent& row, const EventDraft& draft) {
  const v1::EventHeader& header = recorded.header();
  if (header.type() != row.type) return std::string_view("type");
  if (!HaveSameReferences(header, draft.header)) return std::string_view("reference");
  const bool erased = recorded.body_state() == v1::BODY_ERASED;
  if (!erased && recorded.body().content() != draft.body->SerializeAsString()) return std::string_view("body");
  ASSIGN_OR_RETURN(const EventDraft former, DraftOfRow(row, row.former_occurred_at));
  if (!HappenedAtOnce(header, draft.header) && !HappenedAtOnce(header, former.header)) return std::string_view("time");
  return std::string_view(GivesReasonOf(row, header.rationale()) ? "" : "rationale");
}

// The ledger as an import asks it. Corrections are read once, when the first row is there already.
struct Ledger {
  LedgerClient& client;
  std::optional<Corrections> corrections;
};

StatusOr<std::optional<v1::Event>> FindRecorded(LedgerClient& client, const EventId& id) {
  v1::GetEventRequest request;
  request.set_event_id(id.bytes());
  // Another node may have what was recorded a moment ago.
  request.mutable_consistency()->set_linearizable(true);
  StatusOr<v1::Event> event = client.GetEvent(request);
  if (absl::IsNotFound(event.status())) return std::optional<v1::Event>();
  RETURN_IF_ERROR(event.status());
  return std::optional<v1::Event>(*std::move(event));
}

// What took the place of an event is recorded; what was retracted is not, though its id stays taken.
StatusOr<bool> IsRetracted(Ledger& ledger, const v1::Event& event) {
  if (!ledger.corrections.has_value()) ledger.corrections.emplace(ledger.client, event.tree_size());
  ASSIGN_OR_RETURN(const std::vector<Correction>* corrections, ledger.corrections->Of(event.header().event_id()));
  const bool retracted = std::any_of(corrections->begin(), corrections->end(), [](const Correction& one) {
    return one.counts && one.kind == v1::RecordCorrected::RETRACTED;
  });
  if (!retracted) return false;
  ASSIGN_OR_RETURN(const bool counts, ledger.corrections->Counts(event));
  return !counts;
}

// Whether the row is recorded, in whatever stream. ALREADY_EXISTS: its id, which anybody can compute, is another
// event's, or that of one that was retracted: whether the row holds again, a person must decide.
StatusOr<bool> IsRecorded(Ledger& ledger, const SheetEvent& row, const EventDraft& draft) {
  for (const EventId& id : {row.id, row.former_id}) {
    ASSIGN_OR_RETURN(const std::optional<v1::Event> recorded, FindRecorded(ledger.client, id));
    if (!recorded.has_value()) continue;
    ASSIGN_OR_RETURN(const std::string_view difference, DifferenceFrom(*recorded, row, draft));
    if (difference.empty()) {
      ASSIGN_OR_RETURN(const bool retracted, IsRetracted(ledger, *recorded));
      if (!retracted) return true;
      return absl::AlreadyExistsError(
          Text("leaf ", recorded->index(), " was retracted, which recorded this row; append it by hand if it holds"));
    }
    // Rows that differ had the same id once.
    if (id == row.former_id) continue;
    return absl::AlreadyExistsError(Text("leaf ", recorded->index(), " has this row's event id and another ",
                                         difference, ", so the row is not recorded; append it by hand"));
  }
  return false;
}

void PrintFindings(uint64_t line, const Appended& appended) {
  for (const v1::Finding& finding : appended.findings) {
    std::cerr << "finding at line " << line << ", leaf " << appended.index.value << ": " << finding.rule() << ": "
              << finding.message() << "; " << finding.remedy() << "\n";
  }
}

// A type that there isn't is wrong in the mapping, not in each row.
Status CheckTypes(const Sheet& sheet) {
  const auto is_known = [](const SheetEvent& event) { return Vocabulary::Get().FindNewest(event.type) != nullptr; };
  if (sheet.events.empty() || std::any_of(sheet.events.begin(), sheet.events.end(), is_known)) return OkStatus();
  return absl::InvalidArgumentError(
      Text("type: \"", sheet.events.front().type, "\" is not an event type; see `anamnesis types`"));
}

// Each row a run of its own: one that is refused keeps none of the others out.
StatusOr<bool> ImportRow(Ledger& ledger, StreamWriter& writer, const SheetEvent& row) {
  ASSIGN_OR_RETURN(const EventDraft draft, DraftOfRow(row, row.occurred_at));
  ASSIGN_OR_RETURN(const bool there, IsRecorded(ledger, row, draft));
  if (there) return false;
  const StatusOr<std::vector<Appended>> places = writer.Append({{draft, row.id}});
  if (IsIdTaken(places.status())) {
    // Somebody was faster.
    ASSIGN_OR_RETURN(const bool there_now, IsRecorded(ledger, row, draft));
    if (there_now) return false;
  }
  RETURN_IF_ERROR(places.status());
  PrintFindings(row.line, places->front());
  return true;
}

Status ImportRows(LedgerClient& client, const NamedKey& key, const Options& options, const Sheet& sheet,
                  Imported& done) {
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(client, key, options.stream));
  Ledger ledger{client, std::nullopt};
  for (const SheetEvent& row : sheet.events) {
    const StatusOr<bool> added = ImportRow(ledger, *writer, row);
    if (added.ok()) {
      ++(*added ? done.added : done.there);
    } else if (IsAboutTheRow(added.status())) {
      done.refused.push_back({Text("line ", row.line), std::string(MessageOf(added.status()))});
    } else {
      return WithContext(added.status(), Text("line ", row.line));
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
  if (!sheet.ok()) {
    const bool of_mapping = MessageOf(sheet.status()).starts_with(kMappingContext);
    return WithContext(sheet.status(), of_mapping ? options.mapping : options.csv);
  }
  if (const Status types = CheckTypes(*sheet); !types.ok()) return WithContext(types, options.mapping);
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  Imported done;
  done.rows = sheet->events.size() + sheet->unreadable.size();
  done.refused = sheet->unreadable;
  RETURN_IF_ERROR(ImportRows(*client, key, options, *sheet, done));
  // In the order of the lines, which all are "line" and a number.
  std::stable_sort(done.refused.begin(), done.refused.end(), [](const Unreadable& a, const Unreadable& b) {
    return std::pair(a.place.size(), a.place) < std::pair(b.place.size(), b.place);
  });
  Print(done, options.common.json);
  return done.refused.empty() ? kDone : kAnswerIsNo;
}

}  // namespace

void AddImportCsv(CLI::App& import) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *import.add_subcommand("csv", "a spreadsheet, exported as CSV: each row an event");
  verb.footer(
      "Example: anamnesis import csv datasets.csv --mapping datasets.json --as ada.key\n"
      "  datasets.json: {\"type\": \"dataset.curated\", \"occurred_at\": \"{Date}\",\n"
      "    \"refs\": [\"dataset=dataset:{Dataset}@{Version}\"],\n"
      "    \"body\": {\"source\": \"{Source}\", \"inclusion\": [\"{Criteria}\"], \"recordsOut\": \"{Records}\"}}\n"
      "{COLUMN} stands for the row's cell; what is made of empty cells alone is left out. The events are marked\n"
      "retrospective and happened when the row says: a day, a time, or FROM/UNTIL. \"utc_offset\":\n"
      "\"+02:00\" says where a day is one; without it a day is as long as it is anywhere. Importing again adds "
      "nothing,\n"
      "nor does an equal row of another file; a row whose reason was changed is another row.\n"
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
