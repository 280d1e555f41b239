#ifndef ANAMNESIS_LEDGER_STATE_TIMELINE_NODE_H_
#define ANAMNESIS_LEDGER_STATE_TIMELINE_NODE_H_

// The rows of kTimelines that hold the nodes of a timeline's tree (see timeline.h for what the tree is).
//
//   't' timeline id (16 bytes) 'r'                                              be64 version -> the root
//   't' timeline id (16 bytes) 'n' level (1 byte) first key (ordered64, be64)   be64 version -> another node
//
// A node is named by its level and the first key of the range that it is responsible for; the root is responsible for
// all keys. The newest row at or below a version is the node as it was then. A value is the level in one byte, then
// the node's elements in order, whose numbers are varints of what they add to the element before (sums wrap):
//
//   level 0, an entry:        earliest_us, source (zigzag), latest_us - earliest_us, effect, evidence - source
//   higher levels, a child:   first earliest_us, first source (zigzag), 0 empty | 1 all certain | 2 and then
//                             the greatest uncertain latest_us - first earliest_us

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/rows.h"
#include "ledger/state/timeline.h"

namespace anamnesis {

// An entry's place in order.
struct TimelineKey {
  int64_t earliest_us = INT64_MIN;
  uint64_t source = 0;
  friend auto operator<=>(const TimelineKey&, const TimelineKey&) = default;
};

// What a parent knows of a child.
struct TimelineChild {
  // Of the child's range, which ends where the next child's begins.
  TimelineKey first;
  // Whether there are entries in the subtree.
  bool empty = true;
  // The greatest latest_us of those that are uncertain (earliest < latest), when there are any.
  std::optional<int64_t> uncertain_latest_us;
  friend bool operator==(const TimelineChild&, const TimelineChild&) = default;
};

struct TimelineNode {
  // 0: `entries`; otherwise `children`, of which there is at least one.
  uint8_t level = 0;
  TimelineKey first;
  // The range's end, not included; none for the last node of a level.
  std::optional<TimelineKey> limit;
  std::vector<TimelineEntry> entries;
  std::vector<TimelineChild> children;

  // The child whose range has the key.
  size_t ChildOf(const TimelineKey& key) const;
  // The node as its parent knows it.
  TimelineChild Summary() const;
};

// How many bytes at the front of a key of kTimelines all rows of one node have in common, and all rows of a unit's
// surfaces (see configuration.cc): what reads look for, so storage can keep filters of them. 0 for any other key. A key
// that begins with these bytes has the same.
size_t TimelineGroupBytes(std::string_view key);

inline TimelineKey KeyOf(const TimelineEntry& entry) { return {entry.earliest.us, entry.source.value}; }

// Reads nodes of one timeline as of a version (included); both arguments are borrowed. Fails with DATA_LOSS when a row
// is missing, or is not one that can be in that place: a child is one level below its parent, and its elements are in
// order and within its range. So no walk that goes from parents to children can meet a node twice, whatever the rows.
class TimelineNodes {
 public:
  TimelineNodes(const RowFinder& rows, std::string_view timeline_id, uint64_t version)
      : rows_(rows), id_(timeline_id), version_(version) {}

  // An empty leaf when there is no row.
  StatusOr<TimelineNode> Root() const;
  StatusOr<TimelineNode> Child(const TimelineNode& parent, size_t child) const;

 private:
  const RowFinder& rows_;
  std::string_view id_;
  uint64_t version_;
};

// Writes the node as the root, or as a node below it.
void PutTimelineRoot(RowOverlay& rows, std::string_view timeline_id, uint64_t version, const TimelineNode& node);
void PutTimelineNode(RowOverlay& rows, std::string_view timeline_id, uint64_t version, const TimelineNode& node);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_TIMELINE_NODE_H_
