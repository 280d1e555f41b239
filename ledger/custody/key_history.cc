#include "ledger/custody/key_history.h"

#include <cstdint>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

constexpr std::string_view kFirstLine = "anamnesis-key-history@v1";
constexpr std::string_view kLeafPrefix = "leaf ";
constexpr std::string_view kOlder = "older";
constexpr std::string_view kCheckpoint = "checkpoint";
constexpr std::string_view kNoBody = "-";

std::string Line(std::string_view bytes) { return Text(Base64Encode(bytes), '\n'); }

std::string HashLines(const std::vector<Digest>& hashes) {
  std::string lines;
  for (const Digest& hash : hashes) lines += Line(hash.view());
  return lines + "\n";
}

// Reads the file line by line and knows where it is.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  StatusOr<KeyHistory> Read();

 private:
  StatusOr<std::string_view> Next() {
    ++line_;
    return TakeLine(rest_, Text("key history: line ", line_));
  }
  Status Wrong(std::string_view why) const {
    return absl::InvalidArgumentError(Text("key history: line ", line_, ": ", why));
  }
  StatusOr<std::string> Bytes(std::string_view line) const {
    StatusOr<std::string> bytes = Base64Decode(line);
    if (!bytes.ok()) return WithContext(bytes.status(), Text("key history: line ", line_));
    return bytes;
  }
  StatusOr<std::vector<Digest>> Hashes();
  Status ReadLeaf(std::string_view index);
  Status ReadOlder();

  std::string_view rest_;
  uint64_t line_ = 0;
  KeyHistory history_;
  // Of the last older checkpoint.
  std::pair<uint64_t, std::string> last_older_;
};

StatusOr<std::vector<Digest>> Reader::Hashes() {
  std::vector<Digest> hashes;
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view line, Next());
    if (line.empty()) return hashes;
    if (hashes.size() == limits::kProofHashesMax) return Wrong(Text("more than ", limits::kProofHashesMax, " hashes"));
    ASSIGN_OR_RETURN(const std::string bytes, Bytes(line));
    ASSIGN_OR_RETURN(hashes.emplace_back(), Digest::FromBytes(bytes, Text("key history: line ", line_)));
  }
}

Status Reader::ReadLeaf(std::string_view index) {
  KeyHistory::Leaf leaf;
  ASSIGN_OR_RETURN(leaf.index.value, ParseDecimal(index, Text("key history: line ", line_)));
  if (!history_.older.empty()) return Wrong("a leaf after older checkpoints");
  if (!history_.leaves.empty() && history_.leaves.back().index.value >= leaf.index.value) {
    return Wrong("leaves are not in the order of the log");
  }
  if (history_.leaves.size() == kKeyHistoryEntriesMax) return Wrong("too many leaves");
  ASSIGN_OR_RETURN(std::string_view line, Next());
  ASSIGN_OR_RETURN(leaf.leaf, Bytes(line));
  ASSIGN_OR_RETURN(line, Next());
  if (line != kNoBody) {
    ASSIGN_OR_RETURN(leaf.body, Bytes(line));
  }
  ASSIGN_OR_RETURN(leaf.hashes, Hashes());
  history_.leaves.push_back(std::move(leaf));
  return OkStatus();
}

Status Reader::ReadOlder() {
  KeyHistory::Older older;
  if (history_.older.size() == kKeyHistoryEntriesMax) return Wrong("too many older checkpoints");
  ASSIGN_OR_RETURN(const std::string_view line, Next());
  ASSIGN_OR_RETURN(older.note, Bytes(line));
  StatusOr<SignedNote> note = ParseSignedNote(older.note);
  if (!note.ok()) return WithContext(note.status(), Text("key history: line ", line_));
  const StatusOr<Checkpoint> checkpoint = ParseCheckpointText(note->text);
  if (!checkpoint.ok()) return WithContext(checkpoint.status(), Text("key history: line ", line_));
  std::pair<uint64_t, std::string> place(checkpoint->size.value, older.note);
  if (!history_.older.empty() && last_older_ >= place) return Wrong("older checkpoints are not in order");
  last_older_ = std::move(place);
  ASSIGN_OR_RETURN(older.hashes, Hashes());
  history_.older.push_back(std::move(older));
  return OkStatus();
}

StatusOr<KeyHistory> Reader::Read() {
  ASSIGN_OR_RETURN(std::string_view line, Next());
  if (line != kFirstLine) return Wrong(Text("is not \"", kFirstLine, "\""));
  while (true) {
    ASSIGN_OR_RETURN(line, Next());
    if (line == kCheckpoint) break;
    if (line.starts_with(kLeafPrefix)) {
      RETURN_IF_ERROR(ReadLeaf(line.substr(kLeafPrefix.size())));
    } else if (line == kOlder) {
      RETURN_IF_ERROR(ReadOlder());
    } else {
      return Wrong("neither a leaf nor a checkpoint begins here");
    }
  }
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(rest_));
  RETURN_IF_ERROR(ParseCheckpointText(note.text).status());
  history_.checkpoint_note = rest_;
  return std::move(history_);
}

}  // namespace

std::string FormatKeyHistory(const KeyHistory& history) {
  std::string bytes = Text(kFirstLine, '\n');
  for (const KeyHistory::Leaf& leaf : history.leaves) {
    bytes += Text(kLeafPrefix, leaf.index.value, '\n', Line(leaf.leaf),
                  leaf.body.has_value() ? Line(*leaf.body) : Text(kNoBody, '\n'), HashLines(leaf.hashes));
  }
  for (const KeyHistory::Older& older : history.older) {
    bytes += Text(kOlder, '\n', Line(older.note), HashLines(older.hashes));
  }
  return Text(bytes, kCheckpoint, '\n', history.checkpoint_note);
}

StatusOr<KeyHistory> ParseKeyHistory(std::string_view bytes) {
  if (bytes.size() > kKeyHistoryBytesMax) {
    return absl::InvalidArgumentError(Text("key history: ", bytes.size(), " bytes; at most ", kKeyHistoryBytesMax));
  }
  return Reader(bytes).Read();
}

}  // namespace anamnesis
