#include "client/importers/spreadsheet.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "ledger/base/time.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr std::string_view kSheetImporter = "anamnesis import csv 1";
// The same, since ids are made from the note and the period too.
constexpr const char* kAllOfRow = "anamnesis import csv 2";

// A text in which "{COLUMN}" stands for a cell.
class Template {
 public:
  static StatusOr<Template> Parse(std::string_view field, std::string_view text,
                                  const std::map<std::string, size_t, std::less<>>& columns) {
    Template parsed;
    for (size_t place = 0; place < text.size();) {
      const size_t open = std::min(text.find('{', place), text.size());
      parsed.parts_.push_back({std::string(text.substr(place, open - place)), std::nullopt});
      if (open == text.size()) break;
      const size_t close = text.find('}', open);
      if (close == std::string_view::npos) {
        return absl::InvalidArgumentError(Text("mapping: ", field, ": \"", text, "\" has a { without a }"));
      }
      const std::string_view name = text.substr(open + 1, close - open - 1);
      const auto column = columns.find(name);
      if (column == columns.end()) {
        return absl::InvalidArgumentError(Text("mapping: ", field, ": there is no column \"", name, "\""));
      }
      parsed.parts_.push_back({"", column->second});
      place = close + 1;
    }
    return parsed;
  }

  // nullopt when it is made of nothing but empty cells.
  std::optional<std::string> Fill(const CsvTable::Row& row) const {
    std::string text;
    bool cells = false;
    bool filled = false;
    for (const Part& part : parts_) {
      const std::string& piece = part.column.has_value() ? row.cells[*part.column] : part.text;
      cells = cells || part.column.has_value();
      filled = filled || (part.column.has_value() && !piece.empty());
      text += piece;
    }
    return cells && !filled ? std::nullopt : std::optional<std::string>(std::move(text));
  }

 private:
  struct Part {
    std::string text;
    std::optional<size_t> column;
  };
  std::vector<Part> parts_;
};

std::string JsonString(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (byte < 0x20) {
      json += Text("\\u00", kHex[byte >> 4], kHex[byte & 15]);
    } else {
      json += c;
    }
  }
  return json + "\"";
}

// A reference without the version or the digest whose cell is empty.
std::string TidyReference(std::string text) {
  const size_t mark = text.rfind('#');
  const bool no_digest = mark != std::string::npos && (mark + 1 == text.size() || text.back() == ':');
  if (no_digest) text.resize(mark);
  const size_t at = text.rfind('@');
  const bool no_version = at != std::string::npos && (at + 1 == text.size() || text[at + 1] == '#');
  if (no_version) text.erase(at, 1);
  return text;
}

// The day from midnight to midnight in UTC.
std::string WholeDay(const std::string& day) { return Text(day, "T00:00:00Z/", day, "T23:59:59.999999Z"); }

bool IsDay(const std::string& text) {
  constexpr size_t kDateBytes = 10;
  return text.size() == kDateBytes;
}

// A day is the one of the place where the row was written: of `utc_offset`, such as "+02:00". Where nobody said which,
// it began somewhere 14 hours before it did in UTC, and ended somewhere 12 hours later.
StatusOr<std::string> Occurred(const std::string& text, const std::string& utc_offset) {
  constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
  constexpr int64_t kBeforeUs = 14 * kHourUs;
  constexpr int64_t kAfterUs = 12 * kHourUs;
  if (IsDay(text)) {
    const std::string zone = utc_offset.empty() ? "Z" : utc_offset;
    ASSIGN_OR_RETURN(Timestamp begin, ParseTime(Text(text, "T00:00:00", zone)));
    ASSIGN_OR_RETURN(Timestamp end, ParseTime(Text(text, "T23:59:59.999999", zone)));
    if (utc_offset.empty()) begin = Timestamp(begin.us - kBeforeUs);
    if (utc_offset.empty()) end = Timestamp(end.us + kAfterUs);
    return Text(FormatTime(begin), "/", FormatTime(end));
  }
  const size_t slash = text.find('/');
  RETURN_IF_ERROR(ParseTime(text.substr(0, slash)).status());
  if (slash != std::string::npos) RETURN_IF_ERROR(ParseTime(text.substr(slash + 1)).status());
  return text;
}

// A UUIDv7 of when it happened, made from the texts. The n-th of equal rows has one of its own, the first the one that
// it would have alone.
EventId IdOf(const std::vector<std::string>& texts, const std::string& period, uint64_t equal_before) {
  std::string input;
  const auto add = [&input](std::string_view text) { input += Text(text.size(), ":", text); };
  for (const std::string& text : texts) add(text);
  if (equal_before > 0) add(Text("row ", equal_before + 1));
  const Digest digest = Sha256(input);
  std::array<uint8_t, 10> random;
  std::copy_n(digest.data(), random.size(), random.begin());
  const StatusOr<Timestamp> time = ParseTime(period.substr(0, period.find('/')));
  const bool known = time.ok() && time->us > 0;
  return EventId::MakeVersion7(known ? static_cast<uint64_t>(time->us) / 1000 : 0, random);
}

// Gives ids to the rows of one sheet.
class RowIds {
 public:
  void Give(SheetEvent& event) {
    std::vector<std::string> texts = {std::string(kSheetImporter), event.type, event.former_occurred_at,
                                      event.body_json};
    texts.insert(texts.end(), event.refs.begin(), event.refs.end());
    event.former_id = Next(texts, event.former_occurred_at, former_);
    texts.front() = kAllOfRow;
    texts.push_back(event.occurred_at);
    texts.push_back(event.note);
    event.id = Next(texts, event.occurred_at, all_);
  }

 private:
  // How many rows were equal so far, by the id that the first of them has.
  using Equal = std::map<EventId, uint64_t>;

  static EventId Next(const std::vector<std::string>& texts, const std::string& period, Equal& equal) {
    const uint64_t before = equal[IdOf(texts, period, 0)]++;
    return IdOf(texts, period, before);
  }

  Equal former_;
  Equal all_;
};

// What is done to each row.
class Mapping {
 public:
  static StatusOr<Mapping> Parse(std::string_view name, std::string_view text, const CsvTable& table) {
    StatusOr<Document> document = ParseJson(text);
    if (!document.ok()) return WithContext(document.status(), kMappingContext);
    Mapping mapping;
    mapping.name_ = std::string(name);
    for (size_t i = 0; i < table.columns.size(); ++i) mapping.columns_.emplace(table.columns[i], i);
    mapping.document_ = *std::move(document);
    for (const Document::Member& member : mapping.document_.members) {
      static constexpr std::array<std::string_view, 6> kKnown = {"type", "occurred_at", "utc_offset",
                                                                 "refs", "body",        "rationale"};
      if (std::find(kKnown.begin(), kKnown.end(), member.name) != kKnown.end()) continue;
      return absl::InvalidArgumentError(
          Text("mapping: \"", member.name, "\" is none of type, occurred_at, utc_offset, refs, body and rationale"));
    }
    for (const std::string_view field : {"type", "occurred_at"}) {
      const Document* value = mapping.document_.Find(field);
      if (value != nullptr && value->kind == Document::Kind::kString) continue;
      return absl::InvalidArgumentError(Text("mapping: ", field, ": must be a string"));
    }
    if (const Document* offset = mapping.document_.Find("utc_offset"); offset != nullptr) {
      mapping.utc_offset_ = offset->kind == Document::Kind::kString ? offset->text : "";
      if (mapping.utc_offset_.empty() || !ParseTime(Text("2000-01-01T00:00:00", mapping.utc_offset_)).ok())
        return absl::InvalidArgumentError("mapping: utc_offset: must be \"Z\" or like \"+02:00\"");
    }
    // Every template is looked at before the first row is.
    RETURN_IF_ERROR(mapping.Apply({0, std::vector<std::string>(table.columns.size(), "1")}, true).status());
    return mapping;
  }

  // Without ids. `check` only looks at the templates.
  StatusOr<SheetEvent> Apply(const CsvTable::Row& row, bool check = false) const {
    SheetEvent event;
    event.line = row.line;
    ASSIGN_OR_RETURN(event.type, FillText("type", row));
    ASSIGN_OR_RETURN(const std::string occurred, FillText("occurred_at", row));
    ASSIGN_OR_RETURN(event.note, FillText("rationale", row));
    event.rationale = Text("imported from ", name_, event.note.empty() ? "" : ": ", event.note);
    if (const Document* refs = document_.Find("refs"); refs != nullptr) {
      for (const Document& ref : refs->items) {
        ASSIGN_OR_RETURN(const Template parsed, Template::Parse("refs", ref.text, columns_));
        if (std::optional<std::string> text = parsed.Fill(row); text.has_value()) {
          event.refs.push_back(TidyReference(*std::move(text)));
        }
      }
    }
    if (const Document* body = document_.Find("body"); body != nullptr) {
      ASSIGN_OR_RETURN(const std::optional<std::string> json, FillJson("body", *body, row));
      event.body_json = json.value_or("{}");
    }
    if (check) return event;
    if (occurred.empty()) return absl::InvalidArgumentError("occurred_at: nothing says when it happened");
    ASSIGN_OR_RETURN(event.occurred_at, Occurred(occurred, utc_offset_));
    event.former_occurred_at = IsDay(occurred) ? WholeDay(occurred) : occurred;
    return event;
  }

 private:
  StatusOr<std::string> FillText(std::string_view field, const CsvTable::Row& row) const {
    const Document* value = document_.Find(field);
    if (value == nullptr) return std::string();
    ASSIGN_OR_RETURN(const Template parsed, Template::Parse(field, value->text, columns_));
    return parsed.Fill(row).value_or("");
  }

  // The value with its templates filled, as JSON; nullopt when nothing is left of it. Strings stay strings, which
  // protobuf's JSON takes for numbers too.
  StatusOr<std::optional<std::string>> FillJson(std::string_view field, const Document& value,
                                                const CsvTable::Row& row) const {
    using Kind = Document::Kind;
    if (value.kind == Kind::kString) {
      ASSIGN_OR_RETURN(const Template parsed, Template::Parse(field, value.text, columns_));
      const std::optional<std::string> text = parsed.Fill(row);
      return text.has_value() ? std::optional<std::string>(JsonString(*text)) : std::nullopt;
    }
    if (value.kind != Kind::kList && value.kind != Kind::kMap) {
      return std::optional<std::string>(value.kind == Kind::kNull ? "null" : value.text);
    }
    std::string json;
    for (const Document& item : value.items) {
      ASSIGN_OR_RETURN(const std::optional<std::string> filled, FillJson(field, item, row));
      if (filled.has_value()) json += Text(json.empty() ? "" : ",", *filled);
    }
    for (const Document::Member& member : value.members) {
      ASSIGN_OR_RETURN(const std::optional<std::string> filled, FillJson(member.name, member.value, row));
      if (filled.has_value()) json += Text(json.empty() ? "" : ",", JsonString(member.name), ":", *filled);
    }
    if (json.empty()) return std::optional<std::string>();
    const bool list = value.kind == Kind::kList;
    return std::optional<std::string>(Text(list ? "[" : "{", json, list ? "]" : "}"));
  }

  std::string name_;
  std::string utc_offset_;
  std::map<std::string, size_t, std::less<>> columns_;
  Document document_;
};

}  // namespace

StatusOr<Sheet> ReadSheet(std::string_view name, std::string_view csv, std::string_view mapping) {
  ASSIGN_OR_RETURN(const CsvTable table, ParseCsv(csv));
  ASSIGN_OR_RETURN(const Mapping how, Mapping::Parse(name, mapping, table));
  Sheet sheet;
  RowIds ids;
  for (const CsvTable::Row& row : table.rows) {
    StatusOr<SheetEvent> event = how.Apply(row);
    if (event.ok()) {
      ids.Give(*event);
      sheet.events.push_back(*std::move(event));
    } else {
      sheet.unreadable.push_back({Text("line ", row.line), std::string(MessageOf(event.status()))});
    }
  }
  return sheet;
}

}  // namespace anamnesis
