#include "client/importers/monai_jsonl.h"

#include <charconv>
#include <filesystem>
#include <fstream>

namespace anamnesis {
namespace {

// A size as text; false when it is no unsigned 64-bit integer.
bool ParseSize(std::string_view text, uint64_t& size) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  return error == std::errc() && end == text.data() + text.size();
}

StatusOr<FileFact> ReadFile(const Document& item) {
  FileFact file;
  ASSIGN_OR_RETURN(file.path, RequiredText(item, "path"));
  ASSIGN_OR_RETURN(file.blob, RequiredText(item, "blob"));
  ASSIGN_OR_RETURN(const std::string size, RequiredText(item, "size"));
  if (!ParseSize(size, file.size_bytes.emplace())) return absl::InvalidArgumentError("size: is no count of bytes");
  return file;
}

void ReadFiles(const Document* list, BundleVersion& version, std::vector<Unreadable>& unreadable) {
  if (list == nullptr) return;
  for (size_t i = 0; i < list->items.size(); ++i) {
    StatusOr<FileFact> file = ReadFile(list->items[i]);
    if (file.ok()) {
      version.files.push_back(*std::move(file));
    } else {
      unreadable.push_back({version.place, Text("files[", i, "].", MessageOf(file.status()))});
    }
  }
}

Status ReadRelease(const Document* released, BundleVersion& version) {
  if (released == nullptr || released->kind == Document::Kind::kNull) return OkStatus();
  ReleaseFact release;
  ASSIGN_OR_RETURN(release.date, RequiredText(*released, "date"));
  ASSIGN_OR_RETURN(const std::optional<std::string> checksum, OptionalText(*released, "checksum"));
  ASSIGN_OR_RETURN(const std::optional<std::string> source, OptionalText(*released, "source"));
  ASSIGN_OR_RETURN(const std::optional<std::string> commit, OptionalText(*released, "commit"));
  release.checksum = checksum.value_or("");
  release.source = source.value_or("");
  release.commit = commit.value_or("");
  version.releases.push_back(std::move(release));
  return OkStatus();
}

enum class LineEnd { kLine, kTooLong, kEndOfFile };

// The next line, without its end. A line over the bound is skipped to its end, so that it costs no memory.
LineEnd NextLine(std::istream& in, std::string& line) {
  line.clear();
  bool too_long = false;
  bool any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    if (c == '\n') break;
    too_long = too_long || line.size() >= kDocumentBytesMax;
    if (!too_long) line.push_back(static_cast<char>(c));
  }
  if (!any) return LineEnd::kEndOfFile;
  return too_long ? LineEnd::kTooLong : LineEnd::kLine;
}

void TakeLine(std::string_view line, size_t number, MonaiHistory& history) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
  const std::string place = Text("line ", number);
  StatusOr<BundleVersion> version = ParseMonaiLine(line, place, history.unreadable);
  if (version.ok()) {
    history.versions.push_back(*std::move(version));
  } else {
    history.unreadable.push_back({place, std::string(MessageOf(version.status()))});
  }
}

}  // namespace

StatusOr<BundleVersion> ParseMonaiLine(std::string_view line, std::string_view place,
                                       std::vector<Unreadable>& unreadable) {
  ASSIGN_OR_RETURN(const Document facts, ParseJson(line));
  if (facts.kind != Document::Kind::kMap) return absl::InvalidArgumentError("is not a JSON object");
  BundleVersion version;
  version.place = std::string(place);
  ASSIGN_OR_RETURN(version.bundle, RequiredText(facts, "bundle"));
  ASSIGN_OR_RETURN(version.version, RequiredText(facts, "version"));
  ASSIGN_OR_RETURN(version.prev_version, OptionalText(facts, "prev_version"));
  ASSIGN_OR_RETURN(version.commit, RequiredText(facts, "commit"));
  ASSIGN_OR_RETURN(version.commit_date, RequiredText(facts, "commit_date"));
  ASSIGN_OR_RETURN(const std::optional<std::string> author_date, OptionalText(facts, "author_date"));
  ASSIGN_OR_RETURN(const std::optional<std::string> tree, OptionalText(facts, "tree"));
  version.author_date = author_date.value_or(version.commit_date);
  version.tree = tree.value_or("");
  const Document* packages = facts.Find("packages");
  ReadMetadataFacts(facts, packages == nullptr ? Document() : *packages, version, unreadable);
  version.weights = ReadWeights(facts.Find("weights"), version.place, unreadable);
  ReadFiles(facts.Find("files"), version, unreadable);
  if (const Status released = ReadRelease(facts.Find("released"), version); !released.ok()) {
    unreadable.push_back({version.place, Text("released.", MessageOf(released))});
  }
  return version;
}

StatusOr<MonaiHistory> ReadMonaiJsonl(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(Text(path, ": can't be opened; give a readable file"));
  MonaiHistory history;
  history.source = std::filesystem::path(path).filename().string();
  std::string line;
  for (size_t number = 1;; ++number) {
    const LineEnd end = NextLine(in, line);
    if (end == LineEnd::kEndOfFile) break;
    if (number > kHistoryLinesMax) {
      return absl::InvalidArgumentError(Text(path, ": has more than ", kHistoryLinesMax, " lines; split it"));
    }
    if (end == LineEnd::kTooLong) {
      history.unreadable.push_back({Text("line ", number), Text("has more than ", kDocumentBytesMax, " bytes")});
      continue;
    }
    TakeLine(line, number, history);
  }
  if (in.bad()) return absl::UnknownError(Text(path, ": reading broke off; try again"));
  return history;
}

}  // namespace anamnesis
