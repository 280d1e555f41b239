#include "client/dataset/manifest.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "client/dataset/line_reader.h"
#include "client/importers/document.h"
#include "ledger/base/bytes.h"

namespace anamnesis {
namespace {

constexpr std::string_view kRecordId = "record_id";
constexpr std::string_view kSubjectId = "subject_id";
constexpr std::string_view kSha256 = "sha256";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kHeaderRemedy = "the first line must be: record_id,subject_id,sha256";

// U+0020 and what Unicode has beside it: spaces of other widths, and those that have none.
constexpr std::string_view kBlanks[] = {" ",      "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
                                        "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200A", "\u200B", "\u2028",
                                        "\u2029", "\u202F", "\u205F", "\u2060", "\u3000", "\uFEFF"};

// Ids are compared byte by byte, and nobody sees what two with such ends differ in.
Status CheckEnds(std::string_view id, std::string_view field) {
  for (const std::string_view blank : kBlanks) {
    if (!id.starts_with(blank) && !id.ends_with(blank)) continue;
    return absl::InvalidArgumentError(Text(field, ": begins or ends with a blank; take it away"));
  }
  return OkStatus();
}

// The character that the byte at `at` begins, of text in UTF-8.
uint32_t CodePointAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(text[i])); };
  const uint32_t first = byte(at);
  if (first < 0xC0) return first;
  const size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  uint32_t code = first & (0x3FU >> more);
  for (size_t i = at + 1; i <= at + more && i < text.size(); ++i) code = code << 6 | (byte(i) & 0x3FU);
  return code;
}

bool IsUnseen(uint32_t code) {
  return code == 0xAD || code == 0x34F || code == 0x61C || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

bool IsCombining(uint32_t code) { return code >= 0x300 && code <= 0x36F; }

std::string CodePointText(uint32_t code) {
  const std::string bytes = {static_cast<char>(code >> 8 & 0xFF), static_cast<char>(code & 0xFF)};
  return Text("U+", HexEncode(bytes));
}

// One person's name that is typed on two machines would be two subjects.
Status CheckLooks(std::string_view id, std::string_view field) {
  for (size_t i = 0; i < id.size(); ++i) {
    const bool goes_on = (static_cast<uint8_t>(id[i]) & 0xC0U) == 0x80U;
    if (goes_on) continue;
    const uint32_t code = CodePointAt(id, i);
    if (IsUnseen(code)) {
      return absl::InvalidArgumentError(
          Text(field, ": has a character that nobody sees, ", CodePointText(code), "; take it away"));
    }
    if (IsCombining(code)) {
      return absl::InvalidArgumentError(Text(field, ": has an accent as a character of its own, ", CodePointText(code),
                                             "; write it and its letter as one character (Unicode NFC)"));
    }
  }
  return OkStatus();
}

StatusOr<Member> MakeMember(std::string record_id, std::string subject_id, std::string_view sha256) {
  Member member{std::move(record_id), std::move(subject_id), std::nullopt};
  if (!sha256.empty()) {
    const StatusOr<std::string> bytes = HexDecode(sha256);
    if (!bytes.ok() || bytes->size() != Digest::kSize) {
      return absl::InvalidArgumentError("sha256: is not a SHA-256 digest; give 64 hexadecimal digits, or nothing");
    }
    ASSIGN_OR_RETURN(member.content, Digest::FromBytes(*bytes, kSha256));
  }
  const Status good = CheckMember(member);
  if (!good.ok()) return absl::InvalidArgumentError(Text(MessageOf(good), "; give 1 to 255 bytes of plain text"));
  for (const auto& [id, field] : {std::pair(&member.record_id, kRecordId), std::pair(&member.subject_id, kSubjectId)}) {
    RETURN_IF_ERROR(CheckEnds(*id, field));
    RETURN_IF_ERROR(CheckLooks(*id, field));
  }
  return member;
}

// The next field of a CSV line, taken off its front with the comma after it.
StatusOr<std::string> TakeField(std::string_view& rest, bool& more) {
  std::string field;
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    while (true) {
      const size_t quote = rest.find('"');
      if (quote == std::string_view::npos) {
        return absl::InvalidArgumentError("a field's closing quote is missing; a field can't go over lines");
      }
      field.append(rest.substr(0, quote));
      rest.remove_prefix(quote + 1);
      if (!rest.starts_with('"')) break;
      field.push_back('"');
      rest.remove_prefix(1);
    }
    if (!rest.empty() && rest[0] != ',') {
      return absl::InvalidArgumentError("there is text after a field's closing quote; put a comma or double the quote");
    }
  } else {
    field = rest.substr(0, rest.find(','));
    rest.remove_prefix(field.size());
    if (field.find('"') != std::string::npos) {
      return absl::InvalidArgumentError("there is a quote in a field that doesn't begin with one; quote all of it");
    }
  }
  more = !rest.empty();
  if (more) rest.remove_prefix(1);
  return field;
}

StatusOr<std::vector<std::string>> SplitCsv(std::string_view line) {
  std::vector<std::string> fields;
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(std::string field, TakeField(line, more));
    fields.push_back(std::move(field));
  }
  return fields;
}

// A member of a JSON object as text; empty when it is absent or null.
StatusOr<std::string> JsonText(const Document& object, std::string_view name) {
  const Document* found = object.Find(name);
  if (found == nullptr || found->kind == Document::Kind::kNull) return std::string();
  if (found->kind != Document::Kind::kString) {
    return absl::InvalidArgumentError(Text(name, ": is not a string; put it in quotes"));
  }
  return found->text;
}

// Turns lines into members, whatever the format.
class ManifestParser {
 public:
  // Nothing for a line that holds no member: the header, an empty one.
  StatusOr<std::optional<Member>> Parse(const LineReader::Line& line) {
    std::string_view text = line.text;
    if (line.number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    if (line.too_long) {
      return absl::InvalidArgumentError(
          Text("has more than ", kManifestLineBytesMax, " bytes; give one record a line"));
    }
    if (text.find_first_not_of(" \t") == std::string_view::npos) return std::nullopt;
    if (!json_.has_value()) {
      json_ = text.starts_with('{');
      if (!*json_) {
        ASSIGN_OR_RETURN(columns_, ParseManifestHeader(text));
        return std::nullopt;
      }
    }
    if (*json_) {
      ASSIGN_OR_RETURN(Member member, ParseManifestJson(text));
      return member;
    }
    ASSIGN_OR_RETURN(Member member, ParseManifestCsv(text, columns_));
    return member;
  }

  // True when the header is bad, so that no other line can be read.
  bool Lost() const { return json_ == false && columns_.count == 0; }

 private:
  std::optional<bool> json_;
  ManifestColumns columns_;
};

}  // namespace

StatusOr<ManifestColumns> ParseManifestHeader(std::string_view line) {
  const StatusOr<std::vector<std::string>> names = SplitCsv(line);
  if (!names.ok()) return absl::InvalidArgumentError(Text(MessageOf(names.status()), "; ", kHeaderRemedy));
  const size_t count = names->size();
  ManifestColumns columns{count, count, count, count};
  for (size_t i = 0; i < count; ++i) {
    const std::string& name = (*names)[i];
    size_t* column = name == kRecordId    ? &columns.record_id
                     : name == kSubjectId ? &columns.subject_id
                     : name == kSha256    ? &columns.sha256
                                          : nullptr;
    if (column == nullptr) {
      return absl::InvalidArgumentError(
          Text("\"", IsUtf8(name) ? name.substr(0, 64) : "?", "\" is no column of a manifest; ", kHeaderRemedy));
    }
    if (*column != count) return absl::InvalidArgumentError(Text(name, ": is there twice; ", kHeaderRemedy));
    *column = i;
  }
  if (columns.record_id == count) return absl::InvalidArgumentError(Text("record_id: is missing; ", kHeaderRemedy));
  return columns;
}

StatusOr<Member> ParseManifestCsv(std::string_view line, const ManifestColumns& columns) {
  ASSIGN_OR_RETURN(std::vector<std::string> fields, SplitCsv(line));
  if (fields.size() != columns.count) {
    return absl::InvalidArgumentError(
        Text("has ", fields.size(), " fields; the header has ", columns.count, " (quote a field with a comma in it)"));
  }
  const auto take = [&](size_t column) { return column < fields.size() ? std::move(fields[column]) : std::string(); };
  return MakeMember(take(columns.record_id), take(columns.subject_id), take(columns.sha256));
}

StatusOr<Member> ParseManifestJson(std::string_view line) {
  ASSIGN_OR_RETURN(const Document object, ParseJson(line));
  if (object.kind != Document::Kind::kMap) {
    return absl::InvalidArgumentError("is not a JSON object; write {\"record_id\": \"...\"} on one line");
  }
  std::array<int, 3> seen{};
  for (const Document::Member& field : object.members) {
    constexpr std::array<std::string_view, 3> kNames = {kRecordId, kSubjectId, kSha256};
    const auto* found = std::find(kNames.begin(), kNames.end(), field.name);
    if (found == kNames.end()) {
      return absl::InvalidArgumentError(
          Text("\"", field.name.substr(0, 64), "\" is no field of a manifest: record_id, subject_id, sha256 are"));
    }
    if (++seen[static_cast<size_t>(found - kNames.begin())] > 1) {
      return absl::InvalidArgumentError(Text(field.name, ": is there twice; leave one"));
    }
  }
  ASSIGN_OR_RETURN(std::string record_id, JsonText(object, kRecordId));
  ASSIGN_OR_RETURN(std::string subject_id, JsonText(object, kSubjectId));
  ASSIGN_OR_RETURN(const std::string sha256, JsonText(object, kSha256));
  return MakeMember(std::move(record_id), std::move(subject_id), sha256);
}

Status ReadManifest(const std::string& path, const OnMember& on_member) {
  ASSIGN_OR_RETURN(File file, File::Open(path));
  const std::string name = file.path();
  LineReader lines(std::move(file), kManifestLineBytesMax);
  ManifestParser parser;
  std::vector<std::string> problems;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<LineReader::Line> line, lines.Next());
    if (!line.has_value()) break;
    const StatusOr<std::optional<Member>> member = parser.Parse(*line);
    if (!member.ok()) {
      problems.push_back(Text(name, " line ", line->number, ": ", MessageOf(member.status())));
      if (parser.Lost()) break;
      if (problems.size() == kManifestProblemsMax) {
        problems.push_back(Text(name, ": there may be more; reading was given up after line ", line->number));
        break;
      }
    } else if (member->has_value() && problems.empty()) {
      RETURN_IF_ERROR(on_member(line->number, **member));
    }
  }
  if (problems.empty()) return OkStatus();
  std::string message;
  for (const std::string& problem : problems) message += (message.empty() ? "" : "\n") + problem;
  return absl::InvalidArgumentError(message);
}

}  // namespace anamnesis
