#include "ledger/note/policy.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

constexpr std::string_view kNone = "none";

Status Wrong(std::string_view reason) { return absl::InvalidArgumentError(std::string(reason)); }

std::vector<std::string_view> SplitAtBlanks(std::string_view line) {
  std::vector<std::string_view> items;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return items;
    line.remove_prefix(begin);
    const size_t length = std::min(line.find_first_of(" \t"), line.size());
    items.push_back(line.substr(0, length));
    line.remove_prefix(length);
  }
}

// Names that are defined so far, and those already in a group: a name counts in one way only.
struct Names {
  std::set<std::string, std::less<>> defined;
  std::set<std::string, std::less<>> grouped;

  Status Define(std::string_view name) {
    if (name == kNone) return Wrong("the name \"none\" is reserved");
    if (!defined.emplace(name).second) return Wrong(Text("the name \"", name, "\" is defined twice"));
    return OkStatus();
  }
  Status Group(std::string_view name) {
    if (!defined.contains(name)) return Wrong(Text("the name \"", name, "\" is not defined on a line before"));
    if (!grouped.emplace(name).second) return Wrong(Text("the name \"", name, "\" is a member of a group already"));
    return OkStatus();
  }
};

// Parses the key of a log or witness, which must have `type` and another public key than those in `others`.
template <typename Entry>
StatusOr<VerifierKey> ParseKey(std::string_view text, KeyType type, const std::vector<Entry>& others) {
  ASSIGN_OR_RETURN(VerifierKey key, VerifierKey::Parse(text));
  if (key.type() != type) {
    return Wrong(
        Text("a key of type ", static_cast<int>(type), " is needed here, not of type ", static_cast<int>(key.type())));
  }
  for (const Entry& other : others) {
    if (other.key.public_key() == key.public_key()) {
      return Wrong(Text("the public key of \"", key.name(), "\" is listed already, as \"", other.key.name(), "\""));
    }
  }
  return key;
}

template <typename Entry>
Status CheckCount(const std::vector<Entry>& entries) {
  if (entries.size() < limits::kPolicyLinesOfAKindMax) return OkStatus();
  return Wrong(Text("more than ", limits::kPolicyLinesOfAKindMax, " lines of this kind"));
}

StatusOr<Policy::Group> ParseGroup(std::span<const std::string_view> items, Names& names) {
  if (items.size() < 4) return Wrong("a group line is \"group <name> all|any|<k> <member>...\"");
  Policy::Group group{std::string(items[1]), 1, {items.begin() + 3, items.end()}};
  if (items[2] == "all") {
    group.threshold = group.members.size();
  } else if (items[2] != "any") {
    ASSIGN_OR_RETURN(group.threshold, ParseDecimal(items[2], "threshold"));
    if (group.threshold < 1 || group.threshold > group.members.size()) {
      return Wrong(Text("threshold ", group.threshold, " of ", group.members.size(), " members"));
    }
  }
  for (const std::string& member : group.members) RETURN_IF_ERROR(names.Group(member));
  RETURN_IF_ERROR(names.Define(group.name));
  return group;
}

}  // namespace

StatusOr<Policy> Policy::Parse(std::string_view text) {
  if (text.size() > limits::kPolicyBytesMax) {
    return Wrong(Text("policy: ", text.size(), " bytes; at most ", limits::kPolicyBytesMax));
  }
  Policy policy;
  Names names;
  bool quorum_seen = false;
  auto parse_line = [&](std::span<const std::string_view> items) -> Status {
    const std::string_view kind = items[0];
    if (kind == "log") {
      if (items.size() < 2 || items.size() > 3) return Wrong("a log line is \"log <vkey> [<url>]\"");
      RETURN_IF_ERROR(CheckCount(policy.logs_));
      ASSIGN_OR_RETURN(VerifierKey key, ParseKey(items[1], KeyType::kEd25519, policy.logs_));
      policy.logs_.push_back({std::move(key), std::string(items.size() == 3 ? items[2] : "")});
    } else if (kind == "witness") {
      if (items.size() < 3 || items.size() > 4) return Wrong("a witness line is \"witness <name> <vkey> [<url>]\"");
      RETURN_IF_ERROR(CheckCount(policy.witnesses_));
      ASSIGN_OR_RETURN(VerifierKey key, ParseKey(items[2], KeyType::kCosignature, policy.witnesses_));
      RETURN_IF_ERROR(names.Define(items[1]));
      policy.witnesses_.push_back(
          {std::string(items[1]), std::move(key), std::string(items.size() == 4 ? items[3] : "")});
    } else if (kind == "group") {
      RETURN_IF_ERROR(CheckCount(policy.groups_));
      ASSIGN_OR_RETURN(Group group, ParseGroup(items, names));
      policy.groups_.push_back(std::move(group));
    } else if (kind == "quorum") {
      if (items.size() != 2) return Wrong("a quorum line is \"quorum <name>\"");
      if (std::exchange(quorum_seen, true)) return Wrong("a second quorum line");
      if (items[1] == kNone) return OkStatus();
      if (!names.defined.contains(items[1])) {
        return Wrong(Text("the name \"", items[1], "\" is not defined on a line before"));
      }
      policy.quorum_ = std::string(items[1]);
    } else {
      return Wrong(Text("\"", kind, "\" is none of log, witness, group, quorum"));
    }
    return OkStatus();
  };
  std::string_view rest = text;
  for (size_t number = 1; !rest.empty(); ++number) {
    ASSIGN_OR_RETURN(std::string_view line, TakeLine(rest, Text("policy: line ", number)));
    for (char c : line) {
      if ((static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7F) {
        return Wrong(Text("policy: line ", number, ": a control character"));
      }
    }
    const std::vector<std::string_view> items = SplitAtBlanks(line);
    if (items.empty() || items[0].starts_with('#')) continue;
    RETURN_IF_ERROR(WithContext(parse_line(items), Text("policy: line ", number)));
  }
  if (!quorum_seen) return Wrong("policy: no quorum line");
  return policy;
}

std::string Policy::Format() const {
  auto with_url = [](const std::string& url) { return url.empty() ? "" : Text(' ', url); };
  std::string text;
  for (const Log& log : logs_) text += Text("log ", log.key.Format(), with_url(log.url), '\n');
  for (const Witness& witness : witnesses_) {
    text += Text("witness ", witness.name, ' ', witness.key.Format(), with_url(witness.url), '\n');
  }
  for (const Group& group : groups_) {
    text += Text("group ", group.name, ' ', group.threshold);
    for (const std::string& member : group.members) text += Text(' ', member);
    text += '\n';
  }
  return text + Text("quorum ", quorum_.has_value() ? *quorum_ : kNone, '\n');
}

bool Policy::IsQuorum(const std::set<std::string>& witnesses) const {
  if (!quorum_.has_value()) return true;
  std::set<std::string> there = witnesses;
  // A group only has members from before it, so one pass settles all.
  for (const Group& group : groups_) {
    const auto count = std::count_if(group.members.begin(), group.members.end(),
                                     [&](const std::string& member) { return there.contains(member); });
    if (static_cast<size_t>(count) >= group.threshold) there.insert(group.name);
  }
  return there.contains(*quorum_);
}

Status Policy::Check(const SignedNote& note, std::span<const VerifierKey> more_logs) const {
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointText(note.text));
  std::vector<VerifierKey> known;
  for (const Log& log : logs_) known.push_back(log.key);
  for (const VerifierKey& key : more_logs) {
    if (std::find(known.begin(), known.end(), key) == known.end()) known.push_back(key);
  }
  for (const Witness& witness : witnesses_) known.push_back(witness.key);
  ASSIGN_OR_RETURN(std::vector<VerifierKey> verified, VerifyNote(note, known));
  const bool by_log = std::any_of(verified.begin(), verified.end(), [&](const VerifierKey& key) {
    return key.type() == KeyType::kEd25519 && key.name() == checkpoint.origin;
  });
  if (!by_log) {
    return absl::UnauthenticatedError(
        Text("the checkpoint of \"", checkpoint.origin, "\" is not signed by a log of the policy"));
  }
  std::set<std::string> witnessed;
  std::string names;
  for (const Witness& witness : witnesses_) {
    if (std::find(verified.begin(), verified.end(), witness.key) == verified.end()) continue;
    witnessed.insert(witness.name);
    names += Text(names.empty() ? "" : ", ", witness.name);
  }
  if (IsQuorum(witnessed)) return OkStatus();
  return absl::FailedPreconditionError(
      Text("below the quorum \"", *quorum_, "\": cosigned by ", names.empty() ? "no witness" : names));
}

StatusOr<Checkpoint> Policy::Open(std::string_view note, std::span<const VerifierKey> more_logs) const {
  ASSIGN_OR_RETURN(SignedNote parsed, ParseSignedNote(note));
  RETURN_IF_ERROR(Check(parsed, more_logs));
  return ParseCheckpointText(parsed.text);
}

}  // namespace anamnesis
