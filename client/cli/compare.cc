#include "client/exports/compare.h"

#include <iostream>

#include "client/cli/exports.h"
#include "client/cli/json_text.h"
#include "client/cli/plain_text.h"
#include "client/exports/directory.h"
#include "client/exports/json.h"
#include "client/exports/verify.h"

namespace anamnesis::cli {
namespace {

struct Options {
  std::string before;
  std::string after;
  bool json = false;
};

StatusOr<exports::Document> ReadExport(const std::string& dir) {
  const std::string path = dir + "/export.json";
  ASSIGN_OR_RETURN(const std::string json, exports::ReadWhole(path, exports::kFileBytesMax));
  StatusOr<exports::Document> document = exports::ReadJson(json);
  if (!document.ok()) return WithContext(document.status(), path);
  return document;
}

std::string ListOf(const std::vector<exports::Record>& records) {
  std::string list;
  for (const exports::Record& record : records) {
    list += Text(list.empty() ? "" : ", ", "{\"leaf\": ", record.leaf, ", \"type\": ", Quoted(record.type), "}");
  }
  return "[" + list + "]";
}

void PrintLines(std::string_view what, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) std::cout << what << "  " << OneLine(line) << "\n";
}

void PrintRecords(std::string_view what, const std::vector<exports::Record>& records) {
  for (const exports::Record& record : records) {
    std::cout << what << "  leaf " << record.leaf << " " << OneLine(record.type) << "  recorded "
              << OneLine(record.recorded) << "\n";
  }
}

StatusOr<ExitStatus> CompareExports(const Options& options) {
  ASSIGN_OR_RETURN(const exports::Document before, ReadExport(options.before));
  ASSIGN_OR_RETURN(const exports::Document after, ReadExport(options.after));
  if (before.origin != after.origin) {
    return absl::InvalidArgumentError(
        Text("BEFORE: one is of the ledger ", OneLine(before.origin), ", the other of ", OneLine(after.origin)));
  }
  if (before.kind != after.kind || before.subject != after.subject) {
    return absl::InvalidArgumentError(Text("BEFORE: one is the ", before.kind, " of ", before.subject,
                                           ", the other the ", after.kind, " of ", after.subject));
  }
  const exports::Comparison comparison = exports::Compare(before, after);
  if (options.json) {
    std::cout << "{\"added\": " << ListOf(comparison.added) << ", \"removed\": " << ListOf(comparison.removed)
              << ", \"changed\": " << ListOf(comparison.changed)
              << ", \"gapsOpened\": " << JsonList(comparison.gaps_opened)
              << ", \"gapsClosed\": " << JsonList(comparison.gaps_closed)
              << ", \"rowsAdded\": " << JsonList(comparison.rows_added)
              << ", \"rowsRemoved\": " << JsonList(comparison.rows_removed)
              << ", \"reordered\": " << JsonBool(comparison.reordered) << "}\n";
  } else {
    PrintRecords("added  ", comparison.added);
    PrintRecords("removed", comparison.removed);
    PrintRecords("changed", comparison.changed);
    PrintLines(Bad("gap opened"), comparison.gaps_opened);
    PrintLines(Good("gap closed"), comparison.gaps_closed);
    PrintLines("said before", comparison.rows_removed);
    PrintLines("says now   ", comparison.rows_added);
    if (comparison.reordered) std::cout << "the same is said in another order\n";
    std::cout << "from " << before.tree_size << " to " << after.tree_size << " events: " << comparison.added.size()
              << " records added, " << comparison.removed.size() << " removed, " << comparison.changed.size()
              << " changed\n";
  }
  return comparison.same() ? kDone : kAnswerIsNo;
}

}  // namespace

void AddCompare(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("compare", "what changed from one export to another: records, gaps, and what its tables say");
  verb.footer(
      "Example: anamnesis compare dhf-2025 dhf-2026\n"
      "Reads both export.json and verifies neither: see verify. Exit status 1: they differ.");
  verb.add_option("BEFORE", options->before, "the directory of an export")->required();
  verb.add_option("AFTER", options->after, "the directory of a later export of the same, of the same ledger")
      ->required();
  verb.add_flag("--json", options->json, "one JSON document on stdout");
  SetAction(verb, [options] { return CompareExports(*options); });
}

}  // namespace anamnesis::cli
