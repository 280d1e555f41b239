#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_EVENTS_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_EVENTS_H_

// A history as its events, each with what is left of it at some size: what references that know no index look at.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {

// An event as it counts at some size.
struct Plain {
  uint64_t index = 0;
  const RecordedHistory::Event* event = nullptr;
  bool counts = false;
  int64_t earliest = 0;
  int64_t latest = 0;

  const v1::EventHeader& header() const { return event->draft.header; }
  const std::string& type() const { return event->type; }
  template <typename Body>
  const Body* body() const {
    return dynamic_cast<const Body*>(event->draft.body.get());
  }
  bool Names(const v1::EntityRef& entity, std::string_view role = "") const {
    return std::any_of(header().refs().begin(), header().refs().end(), [&](const v1::EntityRef& ref) {
      return ref.kind() == entity.kind() && ref.id() == entity.id() && (role.empty() || ref.role() == role) &&
             (entity.version().empty() || ref.version() == entity.version());
    });
  }
  bool Defines(const v1::EntityRef& entity, bool any_version) const {
    const v1::EventTypeOptions& options = event->draft.body->GetDescriptor()->options().GetExtension(v1::event);
    for (const v1::EntityRef& ref : header().refs()) {
      for (const v1::ReferenceRule& rule : options.refs()) {
        if (rule.role() == ref.role() && rule.defines() && ref.kind() == entity.kind() && ref.id() == entity.id() &&
            (any_version || ref.version() == entity.version())) {
          return true;
        }
      }
    }
    return false;
  }
};

inline bool AnyNames(const std::vector<Plain>& all, const v1::EntityRef& entity) {
  return std::any_of(all.begin(), all.end(), [&](const Plain& event) { return event.Names(entity); });
}

inline std::vector<Plain> AllEvents(const RecordedHistory& history, uint64_t size) {
  std::vector<Plain> all;
  for (uint64_t i = 0; i < size; ++i) {
    const RecordedHistory::Event& event = history.events()[i];
    Plain plain{i, &event, history.Counts(i, size), event.draft.header.occurred_earliest_us(),
                event.draft.header.occurred_latest_us()};
    if (const std::optional<uint64_t> decider = history.DeciderOf(i, size); decider.has_value() && plain.counts) {
      const auto& moved = dynamic_cast<const v1::RecordCorrected&>(*history.events()[*decider].draft.body);
      plain.earliest = moved.occurred_earliest_us();
      plain.latest = moved.occurred_latest_us();
    }
    all.push_back(plain);
  }
  return all;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_EVENTS_H_
