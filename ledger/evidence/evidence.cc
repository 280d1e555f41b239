#include "ledger/evidence/evidence.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

constexpr std::string_view kFirstLine = "anamnesis-evidence@v1";

struct KindText {
  std::string_view name;
  std::string_view meaning;
};

// In the order of the variant.
constexpr std::array<KindText, 4> kKinds = {{
    {"split-view", "# One log, one size, two roots."},
    {"rewritten-history", "# One log, two sizes: the smaller tree is no prefix of the larger one, as the proof shows."},
    {"replaced-leaf", "# One log, one index, two leaves, each under a tree that the log signed."},
    {"forked-stream", "# One place of a writer's stream, two events, both sealed with one key."},
}};

// --- Writing ---

std::string Line(std::string_view name, std::string_view value) { return Text(name, ' ', value, '\n'); }

// Of text that ends with a newline.
std::string Quote(std::string_view text) {
  std::string quoted;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    quoted += line.empty() ? "|\n" : Text("| ", line, '\n');
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return quoted;
}

std::string Format(const SignedTree& tree) { return Text(Line("key", tree.key), "note\n", Quote(tree.note)); }

std::string Format(const std::vector<Digest>& proof) {
  std::string text = "proof\n";
  for (const Digest& hash : proof) text += Line("|", Base64Encode(hash.view()));
  return text;
}

std::string Format(const ProvenLeaf& proven) {
  return Text(Format(proven.tree),
              proven.leaf.empty() ? Line("leaf-hash", Base64Encode(proven.leaf_hash.view()))
                                  : Line("leaf", Base64Encode(proven.leaf)),
              Format(proven.path));
}

std::string Format(const SealedHeader& sealed) {
  return Text(Line("header", Base64Encode(sealed.header)), Line("place", Text(sealed.place.value)), Format(sealed.path),
              Line("statement", Base64Encode(sealed.statement)), Line("signature", Base64Encode(sealed.signature)));
}

std::string Format(const SplitView& view) { return Text(Format(view.one), Format(view.other)); }

std::string Format(const RewrittenHistory& history) {
  return Text(Format(history.older), Format(history.newer), Format(history.proof));
}

std::string Format(const ReplacedLeaf& replaced) {
  return Text(Line("index", Text(replaced.index.value)), Format(replaced.one), Format(replaced.other));
}

std::string Format(const ForkedStream& fork) {
  return Text(Line("origin", fork.origin), Line("stream", fork.stream), Line("position", Text(fork.position.value)),
              Line("key", fork.key), Format(fork.one), Format(fork.other));
}

// --- Reading ---

// Takes one line after the other.
class LineReader {
 public:
  explicit LineReader(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  // Whether the next line is about `name`.
  bool IsNext(std::string_view name) const { return rest_.starts_with(Text(name, ' ')); }

  StatusOr<std::string_view> Take() {
    ++number_;
    return TakeLine(rest_, Where());
  }

  Status TakeExactly(std::string_view expected) {
    ASSIGN_OR_RETURN(const std::string_view line, Take());
    if (line == expected) return OkStatus();
    return absl::InvalidArgumentError(Text(Where(), ": is not \"", expected, "\""));
  }

  // The value of a line "name value".
  StatusOr<std::string> Value(std::string_view name) {
    ASSIGN_OR_RETURN(const std::string_view line, Take());
    if (!line.starts_with(Text(name, ' '))) {
      return absl::InvalidArgumentError(Text(Where(), ": does not start with \"", name, " \""));
    }
    return std::string(line.substr(name.size() + 1));
  }

  StatusOr<std::string> Bytes(std::string_view name) {
    ASSIGN_OR_RETURN(const std::string value, Value(name));
    return WithPlace(Base64Decode(value));
  }

  StatusOr<uint64_t> Number(std::string_view name) {
    ASSIGN_OR_RETURN(const std::string value, Value(name));
    return ParseDecimal(value, Text(Where(), ": ", name));
  }

  StatusOr<Digest> Hash(std::string_view name) {
    ASSIGN_OR_RETURN(const std::string bytes, Bytes(name));
    return Digest::FromBytes(bytes, Text(Where(), ": ", name));
  }

  // A line of `name` and the quoted lines below it.
  StatusOr<std::string> Quoted(std::string_view name) {
    RETURN_IF_ERROR(TakeExactly(name));
    std::string text;
    while (rest_.starts_with('|')) {
      ASSIGN_OR_RETURN(const std::string_view line, Take());
      if (line.size() > 1 && line[1] != ' ') {
        return absl::InvalidArgumentError(Text(Where(), ": no blank after \"|\""));
      }
      text += Text(line.substr(std::min<size_t>(2, line.size())), '\n');
    }
    return text;
  }

  StatusOr<std::vector<Digest>> Proof() {
    RETURN_IF_ERROR(TakeExactly("proof"));
    std::vector<Digest> proof;
    while (IsNext("|")) {
      ASSIGN_OR_RETURN(const Digest hash, Hash("|"));
      if (proof.size() == limits::kProofHashesMax) {
        return absl::InvalidArgumentError(Text(Where(), ": more than ", limits::kProofHashesMax, " hashes"));
      }
      proof.push_back(hash);
    }
    return proof;
  }

 private:
  std::string Where() const { return Text("evidence: line ", number_); }

  template <typename T>
  StatusOr<T> WithPlace(StatusOr<T> result) const {
    if (result.ok()) return result;
    return WithContext(result.status(), Where());
  }

  std::string_view rest_;
  size_t number_ = 0;
};

StatusOr<SignedTree> ReadTree(LineReader& lines) {
  SignedTree tree;
  ASSIGN_OR_RETURN(tree.key, lines.Value("key"));
  ASSIGN_OR_RETURN(tree.note, lines.Quoted("note"));
  return tree;
}

StatusOr<ProvenLeaf> ReadProvenLeaf(LineReader& lines) {
  ProvenLeaf proven;
  ASSIGN_OR_RETURN(proven.tree, ReadTree(lines));
  if (lines.IsNext("leaf")) {
    ASSIGN_OR_RETURN(proven.leaf, lines.Bytes("leaf"));
    proven.leaf_hash = LeafHash(proven.leaf);
  } else {
    ASSIGN_OR_RETURN(proven.leaf_hash, lines.Hash("leaf-hash"));
  }
  ASSIGN_OR_RETURN(proven.path, lines.Proof());
  return proven;
}

StatusOr<SealedHeader> ReadSealedHeader(LineReader& lines) {
  SealedHeader sealed;
  ASSIGN_OR_RETURN(sealed.header, lines.Bytes("header"));
  ASSIGN_OR_RETURN(sealed.place.value, lines.Number("place"));
  ASSIGN_OR_RETURN(sealed.path, lines.Proof());
  ASSIGN_OR_RETURN(sealed.statement, lines.Bytes("statement"));
  ASSIGN_OR_RETURN(sealed.signature, lines.Bytes("signature"));
  return sealed;
}

StatusOr<Evidence> ReadSplitView(LineReader& lines) {
  SplitView view;
  ASSIGN_OR_RETURN(view.one, ReadTree(lines));
  ASSIGN_OR_RETURN(view.other, ReadTree(lines));
  return view;
}

StatusOr<Evidence> ReadRewrittenHistory(LineReader& lines) {
  RewrittenHistory history;
  ASSIGN_OR_RETURN(history.older, ReadTree(lines));
  ASSIGN_OR_RETURN(history.newer, ReadTree(lines));
  ASSIGN_OR_RETURN(history.proof, lines.Proof());
  return history;
}

StatusOr<Evidence> ReadReplacedLeaf(LineReader& lines) {
  ReplacedLeaf replaced;
  ASSIGN_OR_RETURN(replaced.index.value, lines.Number("index"));
  ASSIGN_OR_RETURN(replaced.one, ReadProvenLeaf(lines));
  ASSIGN_OR_RETURN(replaced.other, ReadProvenLeaf(lines));
  return replaced;
}

StatusOr<Evidence> ReadForkedStream(LineReader& lines) {
  ForkedStream fork;
  ASSIGN_OR_RETURN(fork.origin, lines.Value("origin"));
  ASSIGN_OR_RETURN(fork.stream, lines.Value("stream"));
  ASSIGN_OR_RETURN(fork.position.value, lines.Number("position"));
  ASSIGN_OR_RETURN(fork.key, lines.Value("key"));
  ASSIGN_OR_RETURN(fork.one, ReadSealedHeader(lines));
  ASSIGN_OR_RETURN(fork.other, ReadSealedHeader(lines));
  return fork;
}

constexpr std::array kReaders = {ReadSplitView, ReadRewrittenHistory, ReadReplacedLeaf, ReadForkedStream};
static_assert(kReaders.size() == kKinds.size() && kKinds.size() == std::variant_size_v<Evidence>);

}  // namespace

std::string_view EvidenceKind(const Evidence& evidence) { return kKinds[evidence.index()].name; }

std::string FormatEvidence(const Evidence& evidence) {
  const KindText& kind = kKinds[evidence.index()];
  return Text(kFirstLine, '\n', kind.name, '\n', kind.meaning, '\n',
              std::visit([](const auto& fact) { return Format(fact); }, evidence));
}

StatusOr<Evidence> ParseEvidence(std::string_view bytes) {
  if (bytes.size() > kEvidenceBytesMax) {
    return absl::InvalidArgumentError(Text("evidence: ", bytes.size(), " bytes; at most ", kEvidenceBytesMax));
  }
  LineReader lines(bytes);
  RETURN_IF_ERROR(lines.TakeExactly(kFirstLine));
  ASSIGN_OR_RETURN(const std::string_view name, lines.Take());
  for (size_t kind = 0; kind < kKinds.size(); ++kind) {
    if (name != kKinds[kind].name) continue;
    RETURN_IF_ERROR(lines.TakeExactly(kKinds[kind].meaning));
    ASSIGN_OR_RETURN(Evidence evidence, kReaders[kind](lines));
    if (!lines.empty()) return absl::InvalidArgumentError("evidence: goes on after its end");
    if (FormatEvidence(evidence) != bytes) return absl::InvalidArgumentError("evidence: not in its only spelling");
    return evidence;
  }
  return absl::InvalidArgumentError(Text("evidence: line 2: no kind of evidence that this version knows"));
}

}  // namespace anamnesis
