#include "ledger/state/timeline.h"

#include <algorithm>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

using internal::TimelineLink;
using internal::TimelineNode;
using internal::TimelineRoot;

struct NodeKey {
  int64_t earliest_us;
  uint64_t source;
  friend auto operator<=>(const NodeKey&, const NodeKey&) = default;
};

// A child: its key and what the parent needs to know of its subtree.
struct Link {
  NodeKey key;
  std::optional<int64_t> uncertain_latest_us;
  friend bool operator==(const Link&, const Link&) = default;
};
using OptionalLink = std::optional<Link>;

struct Node {
  NodeKey key;
  int64_t latest_us;
  Effect effect;
  uint64_t evidence;
  OptionalLink left;
  OptionalLink right;

  TimelineEntry entry() const {
    return {Timestamp(key.earliest_us), LeafIndex(key.source), Timestamp(latest_us), effect, LeafIndex(evidence)};
  }
  Link link() const {
    std::optional<int64_t> uncertain;
    if (latest_us > key.earliest_us) uncertain = latest_us;
    for (const OptionalLink* child : {&left, &right}) {
      if (child->has_value()) uncertain = std::max(uncertain, (*child)->uncertain_latest_us);
    }
    return {key, uncertain};
  }
};

// SplitMix64: spreads consecutive log positions evenly, and the same on every replica.
uint64_t Priority(const NodeKey& key) {
  uint64_t z = key.source + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

bool Above(const NodeKey& a, const NodeKey& b) {
  const uint64_t pa = Priority(a);
  const uint64_t pb = Priority(b);
  return pa != pb ? pa > pb : a > b;
}

OptionalLink FromProto(bool present, const TimelineLink& proto) {
  if (!present) return std::nullopt;
  Link link{{proto.earliest_us(), proto.source()}, std::nullopt};
  if (proto.has_uncertain_latest_us()) link.uncertain_latest_us = proto.uncertain_latest_us();
  return link;
}

void ToProto(const Link& link, TimelineLink* proto) {
  proto->set_earliest_us(link.key.earliest_us);
  proto->set_source(link.key.source);
  if (link.uncertain_latest_us.has_value()) proto->set_uncertain_latest_us(*link.uncertain_latest_us);
}

std::string NodePrefix(std::string_view id, const NodeKey& key) {
  std::string prefix = Text("t", id, "n");
  AppendOrdered64(prefix, key.earliest_us);
  AppendBigEndian64(prefix, key.source);
  return prefix;
}

std::string RootPrefix(std::string_view id) { return Text("t", id, "r"); }

std::string WithVersion(std::string prefix, uint64_t version) {
  AppendBigEndian64(prefix, version);
  return prefix;
}

Status DamagedRow() { return absl::DataLossError("a timeline row is damaged; rebuild the projections"); }

// Reads nodes of one timeline as of a version (included).
class NodeFinder {
 public:
  NodeFinder(const RowFinder& rows, std::string_view id, uint64_t version) : rows_(rows), id_(id), version_(version) {}

  StatusOr<OptionalLink> Root() const {
    const std::string prefix = RootPrefix(id_);
    ASSIGN_OR_RETURN(const std::optional<Row> row,
                     rows_.LastAtOrBefore(Family::kTimelines, prefix, WithVersion(prefix, version_)));
    if (!row.has_value()) return OptionalLink();
    TimelineRoot root;
    if (!root.ParseFromString(row->value)) return DamagedRow();
    return FromProto(root.has_link(), root.link());
  }

  StatusOr<Node> Load(const NodeKey& key) const {
    const std::string prefix = NodePrefix(id_, key);
    ASSIGN_OR_RETURN(const std::optional<Row> row,
                     rows_.LastAtOrBefore(Family::kTimelines, prefix, WithVersion(prefix, version_)));
    TimelineNode proto;
    if (!row.has_value() || !proto.ParseFromString(row->value)) return DamagedRow();
    return Node{key,
                proto.latest_us(),
                static_cast<Effect>(proto.effect()),
                proto.evidence(),
                FromProto(proto.has_left(), proto.left()),
                FromProto(proto.has_right(), proto.right())};
  }

 private:
  const RowFinder& rows_;
  std::string_view id_;
  uint64_t version_;
};

// The treap's own algorithms over versioned rows.
class TreapEditor {
 public:
  TreapEditor(RowOverlay& rows, std::string_view id, uint64_t version)
      : rows_(rows), id_(id), version_(version), nodes_(rows, id, version) {}

  StatusOr<OptionalLink> Root() const { return nodes_.Root(); }

  void SaveRoot(const OptionalLink& link) {
    TimelineRoot root;
    if (link.has_value()) ToProto(*link, root.mutable_link());
    rows_.Put(Family::kTimelines, WithVersion(RootPrefix(id_), version_), root.SerializeAsString());
  }

  StatusOr<Link> Insert(const OptionalLink& at, Node& added) {
    if (at.has_value() && !Above(added.key, at->key)) {
      ASSIGN_OR_RETURN(Node node, nodes_.Load(at->key));
      OptionalLink& side = added.key < node.key ? node.left : node.right;
      ASSIGN_OR_RETURN(const Link child, Insert(side, added));
      return Update(node, side, child);
    }
    ASSIGN_OR_RETURN(std::tie(added.left, added.right), Split(at, added.key));
    Save(added);
    return added.link();
  }

  StatusOr<OptionalLink> Erase(const OptionalLink& at, const NodeKey& key) {
    if (!at.has_value()) return absl::InternalError("a timeline entry to remove is not there");
    ASSIGN_OR_RETURN(Node node, nodes_.Load(at->key));
    if (node.key == key) return Merge(node.left, node.right);
    OptionalLink& side = key < node.key ? node.left : node.right;
    ASSIGN_OR_RETURN(const OptionalLink child, Erase(side, key));
    return OptionalLink(Update(node, side, child));
  }

 private:
  using Halves = std::tuple<OptionalLink, OptionalLink>;

  // Nodes below `key`, and the rest.
  StatusOr<Halves> Split(const OptionalLink& at, const NodeKey& key) {
    if (!at.has_value()) return Halves();
    ASSIGN_OR_RETURN(Node node, nodes_.Load(at->key));
    OptionalLink low;
    OptionalLink high;
    if (node.key < key) {
      ASSIGN_OR_RETURN(std::tie(low, high), Split(node.right, key));
      return Halves(Update(node, node.right, low), high);
    }
    ASSIGN_OR_RETURN(std::tie(low, high), Split(node.left, key));
    return Halves(low, Update(node, node.left, high));
  }

  StatusOr<OptionalLink> Merge(const OptionalLink& low, const OptionalLink& high) {
    if (!low.has_value()) return high;
    if (!high.has_value()) return low;
    if (Above(low->key, high->key)) {
      ASSIGN_OR_RETURN(Node node, nodes_.Load(low->key));
      ASSIGN_OR_RETURN(const OptionalLink child, Merge(node.right, high));
      return OptionalLink(Update(node, node.right, child));
    }
    ASSIGN_OR_RETURN(Node node, nodes_.Load(high->key));
    ASSIGN_OR_RETURN(const OptionalLink child, Merge(low, node.left));
    return OptionalLink(Update(node, node.left, child));
  }

  // Sets a child and writes a new version of the node only when that changes it.
  Link Update(Node& node, OptionalLink& side, const OptionalLink& child) {
    if (side != child) {
      side = child;
      Save(node);
    }
    return node.link();
  }

  void Save(const Node& node) {
    TimelineNode proto;
    if (node.left.has_value()) ToProto(*node.left, proto.mutable_left());
    if (node.right.has_value()) ToProto(*node.right, proto.mutable_right());
    proto.set_latest_us(node.latest_us);
    proto.set_effect(static_cast<uint32_t>(node.effect));
    proto.set_evidence(node.evidence);
    rows_.Put(Family::kTimelines, WithVersion(NodePrefix(id_, node.key), version_), proto.SerializeAsString());
  }

  RowOverlay& rows_;
  std::string_view id_;
  uint64_t version_;
  NodeFinder nodes_;
};

// Walks from the greatest entry at or before `at` down to the first that certainly happened by then.
Status CollectRecent(const NodeFinder& nodes, const OptionalLink& at_link, Timestamp at, TimelineAnswer& answer) {
  if (!at_link.has_value() || answer.certain.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const Node node, nodes.Load(at_link->key));
  if (node.key.earliest_us > at.us) return CollectRecent(nodes, node.left, at, answer);
  RETURN_IF_ERROR(CollectRecent(nodes, node.right, at, answer));
  if (answer.certain.has_value()) return OkStatus();
  answer.candidates.push_back(node.entry());
  if (node.latest_us <= at.us) {
    answer.certain = node.entry();
    return OkStatus();
  }
  return CollectRecent(nodes, node.left, at, answer);
}

// Adds the uncertain entries before `certain` that may have happened after it.
Status CollectOverlapping(const NodeFinder& nodes, const OptionalLink& at_link, const TimelineEntry& certain,
                          std::vector<TimelineEntry>& candidates) {
  if (!at_link.has_value() || at_link->uncertain_latest_us.value_or(INT64_MIN) <= certain.earliest.us) {
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const Node node, nodes.Load(at_link->key));
  const TimelineEntry entry = node.entry();
  if (Before(entry, certain)) {
    if (entry.latest > certain.earliest) candidates.push_back(entry);
    RETURN_IF_ERROR(CollectOverlapping(nodes, node.right, certain, candidates));
  }
  return CollectOverlapping(nodes, node.left, certain, candidates);
}

}  // namespace

std::string TimelineId(std::string_view unit, std::string_view surface) {
  return Sha256({unit, std::string_view("\0", 1), surface}).bytes().substr(0, 16);
}

TimelineWriter::TimelineWriter(RowOverlay& rows, std::string timeline_id, LeafIndex version)
    : rows_(rows), id_(std::move(timeline_id)), version_(version) {}

Status TimelineWriter::Insert(const TimelineEntry& entry) {
  TreapEditor editor(rows_, id_, version_.value);
  ASSIGN_OR_RETURN(const OptionalLink root, editor.Root());
  Node node{{entry.earliest.us, entry.source.value}, entry.latest.us, entry.effect, entry.evidence.value, {}, {}};
  ASSIGN_OR_RETURN(const Link new_root, editor.Insert(root, node));
  if (root != OptionalLink(new_root)) editor.SaveRoot(new_root);
  return OkStatus();
}

Status TimelineWriter::Erase(const TimelineEntry& entry) {
  TreapEditor editor(rows_, id_, version_.value);
  ASSIGN_OR_RETURN(const OptionalLink root, editor.Root());
  ASSIGN_OR_RETURN(const OptionalLink new_root, editor.Erase(root, {entry.earliest.us, entry.source.value}));
  if (root != new_root) editor.SaveRoot(new_root);
  return OkStatus();
}

StatusOr<TimelineAnswer> AskTimeline(const RowFinder& rows, std::string_view timeline_id, Timestamp at, TreeSize size) {
  TimelineAnswer answer;
  if (size.value == 0) return answer;
  const NodeFinder nodes(rows, timeline_id, size.value - 1);
  ASSIGN_OR_RETURN(const OptionalLink root, nodes.Root());
  RETURN_IF_ERROR(CollectRecent(nodes, root, at, answer));
  if (answer.certain.has_value()) {
    RETURN_IF_ERROR(CollectOverlapping(nodes, root, *answer.certain, answer.candidates));
  }
  std::sort(answer.candidates.begin(), answer.candidates.end(), Before);
  return answer;
}

StatusOr<std::optional<TimelineEntry>> NextInTimeline(const RowFinder& rows, std::string_view timeline_id, Timestamp at,
                                                      TreeSize size) {
  std::optional<TimelineEntry> next;
  if (size.value == 0) return next;
  const NodeFinder nodes(rows, timeline_id, size.value - 1);
  ASSIGN_OR_RETURN(OptionalLink link, nodes.Root());
  while (link.has_value()) {
    ASSIGN_OR_RETURN(const Node node, nodes.Load(link->key));
    if (node.key.earliest_us > at.us) {
      next = node.entry();
      link = node.left;
    } else {
      link = node.right;
    }
  }
  return next;
}

TimelineAnswer MergeAnswers(const TimelineAnswer& whole, const TimelineAnswer& part) {
  TimelineAnswer merged;
  // The part's entry wins a tie: a commissioning empties the unit, then sets its baseline.
  const bool part_wins =
      part.certain.has_value() && (!whole.certain.has_value() || !Before(*part.certain, *whole.certain));
  merged.certain = part_wins ? part.certain : whole.certain;
  const auto still_possible = [&](const TimelineEntry& entry, bool is_winner) {
    return !merged.certain.has_value() || is_winner || entry.latest > merged.certain->earliest;
  };
  for (const TimelineEntry& entry : whole.candidates) {
    if (still_possible(entry, !part_wins && entry == whole.certain)) merged.candidates.push_back(entry);
  }
  for (const TimelineEntry& entry : part.candidates) {
    if (still_possible(entry, part_wins && entry == part.certain)) merged.candidates.push_back(entry);
  }
  std::stable_sort(merged.candidates.begin(), merged.candidates.end(), Before);
  return merged;
}

}  // namespace anamnesis
