#include "ledger/state/timeline.h"

#include <algorithm>
#include <cstddef>
#include <functional>

#include "ledger/crypto/sha256.h"
#include "ledger/state/timeline_node.h"

namespace anamnesis {
namespace {

template <typename Element>
std::vector<Element> TakeTail(std::vector<Element>& list, size_t keep) {
  std::vector<Element> tail(list.begin() + static_cast<ptrdiff_t>(keep), list.end());
  list.resize(keep);
  return tail;
}

// One change of a tree: whatever the change makes of a node is put as a row of its version.
class TreeEditor {
 public:
  TreeEditor(RowOverlay& rows, std::string_view id, uint64_t version, const TimelineShape& shape)
      : rows_(rows), id_(id), version_(version), shape_(shape), nodes_(rows, id, version) {}

  // Adds or removes one entry of a leaf; fails when the leaf doesn't allow it.
  using LeafChange = std::function<Status(std::vector<TimelineEntry>&)>;

  // Applies `change` to the leaf that has `key`.
  Status Change(const TimelineKey& key, const LeafChange& change) {
    ASSIGN_OR_RETURN(TimelineNode root, nodes_.Root());
    ASSIGN_OR_RETURN(const bool changed, ChangeBelow(root, key, change));
    const std::optional<TimelineNode> right = SplitOff(root);
    if (right.has_value()) {
      PutTimelineNode(rows_, id_, version_, root);
      PutTimelineNode(rows_, id_, version_, *right);
      TimelineNode above;
      above.level = static_cast<uint8_t>(root.level + 1);
      above.children = {root.Summary(), right->Summary()};
      PutTimelineRoot(rows_, id_, version_, above);
    } else if (changed) {
      PutTimelineRoot(rows_, id_, version_, root);
    }
    return OkStatus();
  }

 private:
  // Whether `node` itself changed; the caller puts it.
  StatusOr<bool> ChangeBelow(TimelineNode& node, const TimelineKey& key, const LeafChange& change) {
    if (node.level == 0) {
      RETURN_IF_ERROR(change(node.entries));
      return true;
    }
    const size_t at = node.ChildOf(key);
    ASSIGN_OR_RETURN(TimelineNode child, nodes_.Child(node, at));
    ASSIGN_OR_RETURN(const bool changed, ChangeBelow(child, key, change));
    if (!changed) return false;
    const std::optional<TimelineNode> right = SplitOff(child);
    PutTimelineNode(rows_, id_, version_, child);
    const TimelineChild summary = child.Summary();
    if (!right.has_value() && node.children[at] == summary) return false;
    node.children[at] = summary;
    if (right.has_value()) {
      PutTimelineNode(rows_, id_, version_, *right);
      node.children.insert(node.children.begin() + static_cast<ptrdiff_t>(at) + 1, right->Summary());
    }
    return true;
  }

  // Moves the upper part of a node that is over its size to a new one, which takes over that part of its range. The
  // last node of a level keeps all it may: most events are recorded in the order in which they happened, and then
  // every node but the last is full. Any other is halved.
  std::optional<TimelineNode> SplitOff(TimelineNode& node) const {
    const bool leaf = node.level == 0;
    const size_t size = leaf ? node.entries.size() : node.children.size();
    const size_t size_max = leaf ? shape_.entries_max : shape_.children_max;
    if (size <= size_max) return std::nullopt;
    const size_t keep = node.limit.has_value() ? size / 2 : size_max;
    TimelineNode right;
    right.level = node.level;
    right.limit = node.limit;
    if (leaf) {
      right.entries = TakeTail(node.entries, keep);
      right.first = KeyOf(right.entries.front());
    } else {
      right.children = TakeTail(node.children, keep);
      right.first = right.children.front().first;
    }
    node.limit = right.first;
    return right;
  }

  RowOverlay& rows_;
  std::string_view id_;
  uint64_t version_;
  TimelineShape shape_;
  TimelineNodes nodes_;
};

// The first entry not before `key`.
auto NotBefore(std::vector<TimelineEntry>& entries, const TimelineKey& key) {
  return std::lower_bound(entries.begin(), entries.end(), key,
                          [](const TimelineEntry& entry, const TimelineKey& k) { return KeyOf(entry) < k; });
}
// The first entry after `key`.
auto After(const std::vector<TimelineEntry>& entries, const TimelineKey& key) {
  return std::upper_bound(entries.begin(), entries.end(), key,
                          [](const TimelineKey& k, const TimelineEntry& entry) { return k < KeyOf(entry); });
}

// The greatest key of time `at`.
TimelineKey LastOf(Timestamp at) { return {at.us, UINT64_MAX}; }

// Walks backwards from `at`: down to the first entry that certainly happened by `at`, and from there on only to
// uncertain entries that may have happened after that one. Candidates come in descending order.
Status CollectRecent(const TimelineNodes& nodes, const TimelineNode& node, Timestamp at, TimelineAnswer& answer) {
  const TimelineKey last = LastOf(at);
  if (node.level == 0) {
    for (auto it = After(node.entries, last); it != node.entries.begin();) {
      const TimelineEntry& entry = *--it;
      if (answer.certain.has_value() && entry.latest <= answer.certain->earliest) continue;
      answer.candidates.push_back(entry);
      if (!answer.certain.has_value() && entry.latest <= at) answer.certain = entry;
    }
    return OkStatus();
  }
  for (size_t i = node.ChildOf(last) + 1; i-- > 0;) {
    const TimelineChild& child = node.children[i];
    if (child.empty) continue;
    if (answer.certain.has_value() && child.uncertain_latest_us.value_or(INT64_MIN) <= answer.certain->earliest.us) {
      continue;
    }
    ASSIGN_OR_RETURN(const TimelineNode below, nodes.Child(node, i));
    RETURN_IF_ERROR(CollectRecent(nodes, below, at, answer));
  }
  return OkStatus();
}

StatusOr<std::optional<TimelineEntry>> FirstAfter(const TimelineNodes& nodes, const TimelineNode& node,
                                                  const TimelineKey& key) {
  std::optional<TimelineEntry> found;
  if (node.level == 0) {
    const auto after = After(node.entries, key);
    if (after != node.entries.end()) found = *after;
    return found;
  }
  for (size_t i = node.ChildOf(key); i < node.children.size() && !found.has_value(); ++i) {
    if (node.children[i].empty) continue;
    ASSIGN_OR_RETURN(const TimelineNode below, nodes.Child(node, i));
    ASSIGN_OR_RETURN(found, FirstAfter(nodes, below, key));
  }
  return found;
}

}  // namespace

std::string TimelineId(std::string_view unit, std::string_view surface) {
  return Sha256({unit, std::string_view("\0", 1), surface}).bytes().substr(0, 16);
}

TimelineWriter::TimelineWriter(RowOverlay& rows, std::string timeline_id, LeafIndex version, TimelineShape shape)
    : rows_(rows), id_(std::move(timeline_id)), version_(version), shape_(shape) {}

Status TimelineWriter::Insert(const TimelineEntry& entry) {
  const TimelineKey key = KeyOf(entry);
  return TreeEditor(rows_, id_, version_.value, shape_).Change(key, [&](std::vector<TimelineEntry>& entries) {
    const auto at = NotBefore(entries, key);
    if (at != entries.end() && KeyOf(*at) == key) return absl::InternalError("a timeline entry to add is there");
    entries.insert(at, entry);
    return OkStatus();
  });
}

Status TimelineWriter::Erase(const TimelineEntry& entry) {
  const TimelineKey key = KeyOf(entry);
  return TreeEditor(rows_, id_, version_.value, shape_).Change(key, [&](std::vector<TimelineEntry>& entries) {
    const auto at = NotBefore(entries, key);
    if (at == entries.end() || KeyOf(*at) != key) {
      return absl::InternalError("a timeline entry to remove is not there");
    }
    entries.erase(at);
    return OkStatus();
  });
}

StatusOr<TimelineAnswer> AskTimeline(const RowFinder& rows, std::string_view timeline_id, Timestamp at, TreeSize size) {
  TimelineAnswer answer;
  if (size.value == 0) return answer;
  const TimelineNodes nodes(rows, timeline_id, size.value - 1);
  ASSIGN_OR_RETURN(const TimelineNode root, nodes.Root());
  RETURN_IF_ERROR(CollectRecent(nodes, root, at, answer));
  std::reverse(answer.candidates.begin(), answer.candidates.end());
  return answer;
}

StatusOr<std::optional<TimelineEntry>> NextInTimeline(const RowFinder& rows, std::string_view timeline_id, Timestamp at,
                                                      TreeSize size) {
  if (size.value == 0) return std::optional<TimelineEntry>();
  const TimelineNodes nodes(rows, timeline_id, size.value - 1);
  ASSIGN_OR_RETURN(const TimelineNode root, nodes.Root());
  return FirstAfter(nodes, root, LastOf(at));
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
