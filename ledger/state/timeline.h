#ifndef ANAMNESIS_LEDGER_STATE_TIMELINE_H_
#define ANAMNESIS_LEDGER_STATE_TIMELINE_H_

// A timeline holds what happened to one thing (a surface of a unit, or the unit as a whole), ordered by when it
// happened, and remembers what it held at every size of the ledger. So "what was it at valid time T, as known at tree
// size K" is answered without reading history: late records, corrections and retractions change the timeline from their
// own index on and leave the past versions as they were.
//
// It is a B+-tree whose nodes are rows with versions: reading a node as of size K takes the newest row of it written by
// an event below K (timeline_node.h has the format). Leaves hold the entries; a parent knows of each child where its
// range begins, whether it has entries, and how late its uncertain entries may be. Nodes are split when they are over
// their size and never joined: a leaf that corrections emptied stays and is passed over, and takes what comes into its
// range again. So the shape is a function of the events in their order, the same on every replica.
//
// An event writes the leaf that it changes, and those above it of which what they know changed: with ascending certain
// times one small row, and a parent once in kTimelineShape.entries_max events. A question reads one row a level, three
// up to half a million entries, and the leaves with further entries that may be the answer. Pure; the caller serialises
// writers.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// What an entry does to the thing. The numbers are on disk.
enum class Effect : uint8_t {
  kSet = 1,             // the source event's item runs on the surface
  kCleared = 2,         // nothing runs on the surface
  kInService = 3,       // unit: known, and every surface is empty
  kWiped = 4,           // unit: in service, and no surface is known
  kDecommissioned = 5,  // unit: out of service
  kMeasured = 6,        // unit: measured what it holds
};

struct TimelineEntry {
  // The event happened some time in [earliest, latest].
  Timestamp earliest;
  // The event that has the effect.
  LeafIndex source;
  Timestamp latest;
  Effect effect;
  // The event that last changed this entry: the source itself, or a correction of its time.
  LeafIndex evidence;

  friend auto operator<=>(const TimelineEntry&, const TimelineEntry&) = default;
};

// Order in time as far as it is certain: by earliest, and for equal times by place in the log.
inline bool Before(const TimelineEntry& a, const TimelineEntry& b) {
  return a.earliest != b.earliest ? a.earliest < b.earliest : a.source < b.source;
}

// Names a timeline within the family: 16 bytes. `surface` "" is the unit as a whole.
std::string TimelineId(std::string_view unit, std::string_view surface);

// How much a node holds. The larger, the fewer rows a question reads, and the more bytes an event writes; measured in
// deploy/decisions/0006-timelines.md. Part of the format: changing it needs a rebuild.
struct TimelineShape {
  size_t entries_max;
  size_t children_max;
};
inline constexpr TimelineShape kTimelineShape = {32, 128};

// Writes versions of one timeline. `rows` must outlive it; `version` is the index of the event being applied and must
// not be below any version written before. All writers of a timeline must be given the same shape. DATA_LOSS: rows of
// the timeline are damaged.
class TimelineWriter {
 public:
  TimelineWriter(RowOverlay& rows, std::string timeline_id, LeafIndex version, TimelineShape shape = kTimelineShape);
  // Adds an entry. INTERNAL when one with the same (earliest, source) is there.
  Status Insert(const TimelineEntry& entry);
  // Removes an entry that is there. INTERNAL when it isn't.
  Status Erase(const TimelineEntry& entry);

 private:
  RowOverlay& rows_;
  std::string id_;
  LeafIndex version_;
  TimelineShape shape_;
};

// The entries of a timeline that may be the last one at or before `at`, as known at `size`, in order. An entry is
// certainly followed by another when that one's earliest is not before its latest (for equal times: when it has the
// later place in the log); those that are certainly followed by one that certainly happened by `at` are left out. No
// entries: nothing known happened by then. The first entry may be the only certain one: see `certain`.
struct TimelineAnswer {
  std::vector<TimelineEntry> candidates;
  // The latest entry that certainly happened at or before `at`.
  std::optional<TimelineEntry> certain;
};
StatusOr<TimelineAnswer> AskTimeline(const RowFinder& rows, std::string_view timeline_id, Timestamp at, TreeSize size);

// The first entry with earliest after `at`, as known at `size`.
StatusOr<std::optional<TimelineEntry>> NextInTimeline(const RowFinder& rows, std::string_view timeline_id, Timestamp at,
                                                      TreeSize size);

// Merges the answers of several timelines of which the last entry wins, whichever timeline it is in: leaves only what
// is still possible. Later arguments win ties in (earliest, source).
TimelineAnswer MergeAnswers(const TimelineAnswer& whole, const TimelineAnswer& part);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_TIMELINE_H_
