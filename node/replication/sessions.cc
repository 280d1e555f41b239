#include "node/replication/sessions.h"

#include <algorithm>

namespace anamnesis {

void Sessions::Reset(Revision revision, absl::Span<const SessionId> live, absl::Span<const SessionId> staged,
                     absl::Span<const SessionId> ordering) {
  known_ = revision;
  live_ = absl::btree_set<SessionId>(live.begin(), live.end());
  for (const SessionId session : staged) {
    if (HasEnded(session)) to_collect_.emplace(revision, session);
  }
  for (const SessionId session : ordering) {
    if (HasEnded(session)) to_trim_.emplace(revision, session);
  }
}

void Sessions::Created(Revision revision) {
  if (revision > known_) live_.insert(SessionId(revision.value));
  Seen(revision);
}

void Sessions::Deleted(Revision revision, SessionId session) {
  if (revision > known_) live_.erase(session);
  to_collect_.emplace(revision, session);
  to_trim_.emplace(revision, session);
  Seen(revision);
}

void Sessions::Seen(Revision revision) { known_ = std::max(known_, revision); }

bool Sessions::HasEnded(SessionId session) const { return session.value <= known_.value && !live_.contains(session); }

std::vector<SessionId> Sessions::TakeThrough(Ends& ends, Revision revision) {
  std::vector<SessionId> taken;
  while (!ends.empty() && ends.begin()->first <= revision) {
    taken.push_back(ends.begin()->second);
    ends.erase(ends.begin());
  }
  return taken;
}

}  // namespace anamnesis
