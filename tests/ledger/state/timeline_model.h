#ifndef ANAMNESIS_TESTS_LEDGER_STATE_TIMELINE_MODEL_H_
#define ANAMNESIS_TESTS_LEDGER_STATE_TIMELINE_MODEL_H_

// The answer of a timeline, straight from its definition in timeline.h.

#include <algorithm>
#include <string>
#include <vector>

#include "ledger/state/timeline.h"

namespace anamnesis {

inline std::string Show(const TimelineEntry& entry) {
  return Text("[", entry.earliest.us, ",", entry.latest.us, "]#", entry.source.value, "e",
              static_cast<int>(entry.effect), "/", entry.evidence.value);
}

inline std::string Show(const TimelineAnswer& answer) {
  std::string text;
  for (const TimelineEntry& entry : answer.candidates) text += Show(entry) + " ";
  return text + "certain " + (answer.certain.has_value() ? Show(*answer.certain) : "none");
}

inline bool Same(const TimelineAnswer& a, const TimelineAnswer& b) {
  return a.candidates == b.candidates && a.certain == b.certain;
}

// Whether `a` certainly happened before `b`, as timeline.h defines it.
inline bool CertainlyFollowed(const TimelineEntry& a, const TimelineEntry& b) {
  return b.earliest > a.latest || (b.earliest == a.latest && (b.earliest > a.earliest || b.source > a.source));
}

// The definition, read off: everything that may have happened by `at` and is not certainly followed by something that
// certainly happened by `at`.
inline TimelineAnswer BruteForce(const std::vector<TimelineEntry>& entries, Timestamp at) {
  TimelineAnswer answer;
  for (const TimelineEntry& entry : entries) {
    if (entry.earliest > at) continue;
    const bool followed = std::any_of(entries.begin(), entries.end(), [&](const TimelineEntry& other) {
      return other.latest <= at && other != entry && CertainlyFollowed(entry, other);
    });
    if (!followed) answer.candidates.push_back(entry);
    if (entry.latest <= at && (!answer.certain.has_value() || Before(*answer.certain, entry))) answer.certain = entry;
  }
  std::sort(answer.candidates.begin(), answer.candidates.end(), Before);
  return answer;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_STATE_TIMELINE_MODEL_H_
