#include "client/exports/json.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

namespace anamnesis::exports {
namespace {

using Json = nlohmann::json;

constexpr const char* kMarks[] = {"", "good", "bad", "void"};
constexpr const char* kBodies[] = {"present", "erased"};

// --- Writing ---

Json Pairs(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Json list = Json::array();
  for (const auto& [name, value] : pairs) list.push_back({{"name", name}, {"value", value}});
  return list;
}

Json CellJson(const Cell& cell) {
  Json json = {{"text", cell.text}};
  if (cell.mark != Mark::kNone) json["mark"] = kMarks[static_cast<int>(cell.mark)];
  if (!cell.leaves.empty()) json["leaves"] = cell.leaves;
  return json;
}

Json TableJson(const Table& table) {
  Json rows = Json::array();
  for (const std::vector<Cell>& row : table.rows) {
    Json& cells = rows.emplace_back(Json::array());
    for (const Cell& cell : row) cells.push_back(CellJson(cell));
  }
  return {{"title", table.title}, {"columns", table.columns}, {"rows", rows}, {"when_empty", table.when_empty}};
}

Json SectionJson(const Section& section) {
  Json gaps = Json::array();
  for (const Gap& gap : section.gaps) {
    gaps.push_back({{"clause", gap.clause}, {"text", gap.text}, {"leaves", gap.leaves}});
  }
  Json tables = Json::array();
  for (const Table& table : section.tables) tables.push_back(TableJson(table));
  return {
      {"id", section.id}, {"title", section.title}, {"clauses", section.clauses}, {"paragraphs", section.paragraphs},
      {"gaps", gaps},     {"tables", tables}};
}

Json RecordJson(const Record& record) {
  return {{"leaf", record.leaf},
          {"event_id", record.event_id},
          {"type", record.type},
          {"stream", record.stream},
          {"actor", record.actor},
          {"occurred", record.occurred},
          {"recorded", record.recorded},
          {"leaf_sha256", record.leaf_sha256},
          {"body_commitment", record.body_commitment},
          {"body", kBodies[static_cast<int>(record.body)]},
          {"fields", Pairs(record.fields)}};
}

// --- Reading: what is absent or of another kind is left empty, and the comparison at the end finds it ---

// What a document must be for whoever writes it as a page: each row of a table has a cell for each column.
bool IsWhole(const Document& document) {
  for (const Section& section : document.sections) {
    for (const Table& table : section.tables) {
      for (const std::vector<Cell>& row : table.rows) {
        if (row.size() != table.columns.size()) return false;
      }
    }
  }
  return true;
}

std::string TextAt(const Json& json, const char* name) {
  const auto found = json.find(name);
  const std::string* text = found == json.end() ? nullptr : found->get_ptr<const std::string*>();
  return text == nullptr ? "" : *text;
}

uint64_t NumberOf(const Json& json) {
  const auto* number = json.get_ptr<const Json::number_unsigned_t*>();
  return number == nullptr ? 0 : *number;
}

uint64_t NumberAt(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found == json.end() ? 0 : NumberOf(*found);
}

// The elements of a list; none when there is no such list.
const Json& ListAt(const Json& json, const char* name) {
  static const auto* empty = new Json(Json::array());
  const auto found = json.find(name);
  return found == json.end() || !found->is_array() ? *empty : *found;
}

std::vector<uint64_t> LeavesAt(const Json& json) {
  std::vector<uint64_t> leaves;
  for (const Json& leaf : ListAt(json, "leaves")) leaves.push_back(NumberOf(leaf));
  return leaves;
}

std::vector<std::string> TextsAt(const Json& json, const char* name) {
  std::vector<std::string> texts;
  for (const Json& text : ListAt(json, name)) {
    const auto* one = text.get_ptr<const std::string*>();
    texts.push_back(one == nullptr ? "" : *one);
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> PairsAt(const Json& json, const char* name) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Json& pair : ListAt(json, name)) pairs.emplace_back(TextAt(pair, "name"), TextAt(pair, "value"));
  return pairs;
}

Mark MarkAt(const Json& json) {
  const auto* found = std::find(std::begin(kMarks), std::end(kMarks), TextAt(json, "mark"));
  return found == std::end(kMarks) ? Mark::kNone : static_cast<Mark>(found - std::begin(kMarks));
}

Table ReadTable(const Json& json) {
  Table table;
  table.title = TextAt(json, "title");
  table.columns = TextsAt(json, "columns");
  table.when_empty = TextAt(json, "when_empty");
  for (const Json& row : ListAt(json, "rows")) {
    std::vector<Cell>& cells = table.rows.emplace_back();
    if (!row.is_array()) continue;
    for (const Json& cell : row) {
      cells.push_back({TextAt(cell, "text"), MarkAt(cell), LeavesAt(cell)});
    }
  }
  return table;
}

Section ReadSection(const Json& json) {
  Section section;
  section.id = TextAt(json, "id");
  section.title = TextAt(json, "title");
  section.clauses = TextAt(json, "clauses");
  section.paragraphs = TextsAt(json, "paragraphs");
  for (const Json& gap : ListAt(json, "gaps")) {
    section.gaps.push_back({TextAt(gap, "clause"), TextAt(gap, "text"), LeavesAt(gap)});
  }
  for (const Json& table : ListAt(json, "tables")) section.tables.push_back(ReadTable(table));
  return section;
}

Record ReadRecord(const Json& json) {
  Record record;
  record.leaf = NumberAt(json, "leaf");
  record.event_id = TextAt(json, "event_id");
  record.type = TextAt(json, "type");
  record.stream = TextAt(json, "stream");
  record.actor = TextAt(json, "actor");
  record.occurred = TextAt(json, "occurred");
  record.recorded = TextAt(json, "recorded");
  record.leaf_sha256 = TextAt(json, "leaf_sha256");
  record.body_commitment = TextAt(json, "body_commitment");
  record.body = TextAt(json, "body") == "erased" ? BodyPresence::kErased : BodyPresence::kPresent;
  record.fields = PairsAt(json, "fields");
  return record;
}

}  // namespace

std::string WriteJson(const Document& document) {
  Json sections = Json::array();
  for (const Section& section : document.sections) sections.push_back(SectionJson(section));
  Json records = Json::array();
  for (const Record& record : document.records) records.push_back(RecordJson(record));
  const Json json = {{"format", std::string(kDocumentFormat)},
                     {"kind", document.kind},
                     {"title", document.title},
                     {"subject", document.subject},
                     {"origin", document.origin},
                     {"tree_size", document.tree_size},
                     {"root", document.root},
                     {"facts", Pairs(document.facts)},
                     {"sections", std::move(sections)},
                     {"records", std::move(records)}};
  // Names are ASCII and sorted by std::map, there are no fractions: what is written is RFC 8785's form.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

StatusOr<Document> ReadJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("is no JSON object");
  if (TextAt(json, "format") != kDocumentFormat) {
    return absl::InvalidArgumentError(Text("format is not \"", kDocumentFormat, "\""));
  }
  Document document;
  document.kind = TextAt(json, "kind");
  document.title = TextAt(json, "title");
  document.subject = TextAt(json, "subject");
  document.origin = TextAt(json, "origin");
  document.tree_size = NumberAt(json, "tree_size");
  document.root = TextAt(json, "root");
  document.facts = PairsAt(json, "facts");
  for (const Json& section : ListAt(json, "sections")) document.sections.push_back(ReadSection(section));
  for (const Json& record : ListAt(json, "records")) document.records.push_back(ReadRecord(record));
  if (!IsWhole(document))
    return absl::InvalidArgumentError("has a table with a row that has not a cell for each column");
  if (WriteJson(document) != text) return absl::InvalidArgumentError("is not in the one form that an export has");
  return document;
}

}  // namespace anamnesis::exports
