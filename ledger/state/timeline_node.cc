#include "ledger/state/timeline_node.h"

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

// More than a log can fill, and little enough for a stack.
constexpr uint8_t kLevelsMax = 32;

constexpr uint64_t kEmpty = 0;
constexpr uint64_t kCertain = 1;
constexpr uint64_t kUncertain = 2;

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Negative differences are small numbers too.
uint64_t ZigZag(uint64_t difference) { return (difference << 1) ^ (0 - (difference >> 63)); }
uint64_t UnZigZag(uint64_t value) { return (value >> 1) ^ (0 - (value & 1)); }

uint64_t Bits(int64_t value) { return static_cast<uint64_t>(value); }

// Varints from the front of a value. After a failed read everything reads as 0.
class VarintReader {
 public:
  explicit VarintReader(std::string_view bytes) : at_(bytes.begin()), end_(bytes.end()) {}
  uint64_t Next() {
    // Most differences take one byte.
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    return NextLong();
  }
  bool done() const { return at_ == end_; }
  bool failed() const { return failed_; }

 private:
  uint64_t NextLong() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    at_ = end_;
    return 0;
  }

  std::string_view::const_iterator at_;
  std::string_view::const_iterator end_;
  bool failed_ = false;
};

// Keys are written as what they add to the key before.
void AppendKey(std::string& out, const TimelineKey& key, TimelineKey& last) {
  AppendVarint(out, Bits(key.earliest_us) - Bits(last.earliest_us));
  AppendVarint(out, ZigZag(key.source - last.source));
  last = key;
}

TimelineKey NextKey(VarintReader& reader, const TimelineKey& last) {
  const uint64_t earliest = Bits(last.earliest_us) + reader.Next();
  return {static_cast<int64_t>(earliest), last.source + UnZigZag(reader.Next())};
}

constexpr TimelineKey kZero = {0, 0};

std::string Encode(const TimelineNode& node) {
  std::string value;
  value.reserve(1 + 10 * node.entries.size() + 8 * node.children.size() + 16);
  value.push_back(static_cast<char>(node.level));
  TimelineKey last = kZero;
  for (const TimelineEntry& entry : node.entries) {
    AppendKey(value, KeyOf(entry), last);
    AppendVarint(value, Bits(entry.latest.us) - Bits(entry.earliest.us));
    AppendVarint(value, static_cast<uint64_t>(entry.effect));
    AppendVarint(value, entry.evidence.value - entry.source.value);
  }
  for (const TimelineChild& child : node.children) {
    AppendKey(value, child.first, last);
    if (child.uncertain_latest_us.has_value()) {
      AppendVarint(value, kUncertain);
      AppendVarint(value, Bits(*child.uncertain_latest_us) - Bits(child.first.earliest_us));
    } else {
      AppendVarint(value, child.empty ? kEmpty : kCertain);
    }
  }
  return value;
}

// Reads the elements; false when they are not what Encode can have written for the node's level.
bool DecodeEntries(VarintReader& reader, TimelineNode& node) {
  TimelineKey last = kZero;
  while (!reader.done()) {
    const TimelineKey key = NextKey(reader, last);
    const auto latest = static_cast<int64_t>(Bits(key.earliest_us) + reader.Next());
    const uint64_t effect = reader.Next();
    const uint64_t evidence = key.source + reader.Next();
    const bool in_order = node.entries.empty() ? key >= node.first : last < key;
    if (!in_order || latest < key.earliest_us || effect < static_cast<uint64_t>(Effect::kSet) ||
        effect > static_cast<uint64_t>(Effect::kMeasured)) {
      return false;
    }
    node.entries.push_back({Timestamp(key.earliest_us), LeafIndex(key.source), Timestamp(latest),
                            static_cast<Effect>(effect), LeafIndex(evidence)});
    last = key;
  }
  return !node.limit.has_value() || node.entries.empty() || last < *node.limit;
}

bool DecodeChildren(VarintReader& reader, TimelineNode& node) {
  TimelineKey last = kZero;
  while (!reader.done()) {
    TimelineChild child{NextKey(reader, last), false, std::nullopt};
    const uint64_t kind = reader.Next();
    const bool in_order = node.children.empty() ? child.first == node.first : last < child.first;
    if (!in_order || kind > kUncertain) return false;
    child.empty = kind == kEmpty;
    if (kind == kUncertain) {
      child.uncertain_latest_us = static_cast<int64_t>(Bits(child.first.earliest_us) + reader.Next());
    }
    node.children.push_back(child);
    last = child.first;
  }
  return !node.children.empty() && (!node.limit.has_value() || last < *node.limit);
}

Status Decode(std::string_view value, TimelineNode& node) {
  VarintReader reader(value.substr(std::min<size_t>(1, value.size())));
  // As many as there can be: an entry has five varints, a child three or four.
  if (node.level == 0) {
    node.entries.reserve(value.size() / 5 + 1);
  } else {
    node.children.reserve(value.size() / 3 + 1);
  }
  const bool read = node.level == 0 ? DecodeEntries(reader, node) : DecodeChildren(reader, node);
  if (read && !reader.failed()) return OkStatus();
  return ProjectionDamage("a timeline row is damaged");
}

std::string RootPrefix(std::string_view id) { return Text("t", id, "r"); }

std::string NodePrefix(std::string_view id, uint8_t level, const TimelineKey& first) {
  std::string prefix;
  // With the version that comes after it.
  prefix.reserve(id.size() + 27);
  prefix.append("t").append(id).append("n");
  prefix.push_back(static_cast<char>(level));
  AppendOrdered64(prefix, first.earliest_us);
  AppendBigEndian64(prefix, first.source);
  return prefix;
}

std::string WithVersion(std::string prefix, uint64_t version) {
  AppendBigEndian64(prefix, version);
  return prefix;
}

}  // namespace

size_t TimelineGroupBytes(std::string_view key) {
  constexpr size_t kRootBytes = 1 + 16 + 1;
  constexpr size_t kNodeBytes = kRootBytes + 1 + 16;
  if (key.starts_with('s')) {
    const size_t end = key.find('\0');
    return end == std::string_view::npos ? 0 : end + 1;
  }
  if (!key.starts_with('t') || key.size() < kRootBytes) return 0;
  if (key[kRootBytes - 1] == 'r') return kRootBytes;
  return key[kRootBytes - 1] == 'n' && key.size() >= kNodeBytes ? kNodeBytes : 0;
}

size_t TimelineNode::ChildOf(const TimelineKey& key) const {
  const auto after = std::upper_bound(children.begin(), children.end(), key,
                                      [](const TimelineKey& k, const TimelineChild& child) { return k < child.first; });
  return after == children.begin() ? 0 : static_cast<size_t>(after - children.begin()) - 1;
}

TimelineChild TimelineNode::Summary() const {
  TimelineChild summary{first, true, std::nullopt};
  for (const TimelineEntry& entry : entries) {
    summary.empty = false;
    if (entry.latest > entry.earliest) {
      summary.uncertain_latest_us = std::max(summary.uncertain_latest_us, std::optional(entry.latest.us));
    }
  }
  for (const TimelineChild& child : children) {
    summary.empty = summary.empty && child.empty;
    summary.uncertain_latest_us = std::max(summary.uncertain_latest_us, child.uncertain_latest_us);
  }
  return summary;
}

StatusOr<TimelineNode> TimelineNodes::Root() const {
  const std::string prefix = RootPrefix(id_);
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   rows_.LastAtOrBefore(Family::kTimelines, prefix, WithVersion(prefix, version_)));
  TimelineNode node;
  if (!row.has_value()) return node;
  node.level = row->value.empty() ? kLevelsMax : static_cast<uint8_t>(row->value.front());
  if (node.level >= kLevelsMax) return ProjectionDamage("the root of a timeline is damaged");
  RETURN_IF_ERROR(Decode(row->value, node));
  return node;
}

StatusOr<TimelineNode> TimelineNodes::Child(const TimelineNode& parent, size_t child) const {
  TimelineNode node;
  node.level = static_cast<uint8_t>(parent.level - 1);
  node.first = parent.children[child].first;
  node.limit = child + 1 < parent.children.size() ? parent.children[child + 1].first : parent.limit;
  const std::string prefix = NodePrefix(id_, node.level, node.first);
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   rows_.LastAtOrBefore(Family::kTimelines, prefix, WithVersion(prefix, version_)));
  if (!row.has_value() || row->value.empty() || static_cast<uint8_t>(row->value.front()) != node.level) {
    return ProjectionDamage("a row of a timeline is missing");
  }
  RETURN_IF_ERROR(Decode(row->value, node));
  return node;
}

void PutTimelineRoot(RowOverlay& rows, std::string_view timeline_id, uint64_t version, const TimelineNode& node) {
  rows.Put(Family::kTimelines, WithVersion(RootPrefix(timeline_id), version), Encode(node));
}

void PutTimelineNode(RowOverlay& rows, std::string_view timeline_id, uint64_t version, const TimelineNode& node) {
  rows.Put(Family::kTimelines, WithVersion(NodePrefix(timeline_id, node.level, node.first), version), Encode(node));
}

}  // namespace anamnesis
