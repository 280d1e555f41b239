#include "node/replication/sessions.h"

#include <algorithm>

namespace anamnesis {

void Sessions::Reset(Revision revision, absl::Span<const SessionId> live,
                     const absl::btree_set<SessionId>& of_interest) {
  known_ = revision;
  live_ = absl::btree_set<SessionId>(live.begin(), live.end());
  for (const SessionId session : of_interest) {
    if (HasEnded(session)) AddEnd(revision, session);
  }
}

void Sessions::Created(Revision revision) {
  if (revision > known_) live_.insert(SessionId(revision.value));
  Seen(revision);
}

void Sessions::Deleted(Revision revision, SessionId session) {
  if (revision > known_) live_.erase(session);
  AddEnd(revision, session);
  Seen(revision);
}

void Sessions::Seen(Revision revision) { known_ = std::max(known_, revision); }

bool Sessions::HasEnded(SessionId session) const { return session.value <= known_.value && !live_.contains(session); }

void Sessions::AddEnd(Revision revision, SessionId session) {
  to_collect_.emplace(revision, session);
  to_trim_.emplace(revision, session);
}

std::vector<SessionId> Sessions::TakeThrough(Ends& ends, Revision revision) {
  std::vector<SessionId> taken;
  while (!ends.empty() && ends.begin()->first <= revision) {
    taken.push_back(ends.begin()->second);
    ends.erase(ends.begin());
  }
  return taken;
}

}  // namespace anamnesis
