#ifndef ANAMNESIS_LEDGER_QUERY_FACTS_H_
#define ANAMNESIS_LEDGER_QUERY_FACTS_H_

// Events as questions read them: over the first `size` leaves, with what corrections among those leave of each, found
// along the typed edges, and with a record of every leaf that an answer rests on. Cost follows the events asked for,
// never the log's length. Pure; not for concurrent use.

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/corrections.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

struct Fact {
  LoadedEvent event;
  Standing standing;

  const v1::EventHeader& header() const { return event.header.fields; }
  const std::string& type() const { return event.type->name(); }
  // The event still counts: it was neither retracted nor replaced.
  bool counts() const { return !standing.void_effect; }
  // When it happened, as last corrected.
  Timestamp earliest() const { return standing.earliest; }
  Timestamp latest() const { return standing.latest; }
  // The body as the message of one event type, or nullptr when it is another's or was erased.
  template <typename Body>
  const Body* body() const {
    return BodyAs<Body>(event.body.get());
  }
};

// How many events of one type about one entity are looked at.
inline constexpr size_t kTypedEventsMax = 10'000;
// How much a single question may read before it is RESOURCE_EXHAUSTED.
inline constexpr size_t kQuestionEventsMax = 200'000;

class Facts {
 public:
  // `rows` must outlive it. `size` is at most the log's. It reads `events_max` events at most.
  Facts(const RowReader& rows, TreeSize size, size_t events_max = kQuestionEventsMax)
      : rows_(rows), size_(size), events_max_(events_max) {}

  TreeSize size() const { return size_; }
  const RowReader& rows() const { return rows_; }

  // One event; it stays valid as long as this. NOT_FOUND: there is none below size. RESOURCE_EXHAUSTED: too many were
  // read already.
  StatusOr<const Fact*> At(LeafIndex index);

  // The events that refer to the entity, in log order: in `role`, or in any role when it is empty; to its version, or
  // to any version when that is empty. Retracted ones too. At most `limit`, from leaf `from` on.
  StatusOr<std::vector<LeafIndex>> About(const v1::EntityRef& entity, std::string_view role, size_t limit,
                                         LeafIndex from = LeafIndex(0)) const;

  // Whether any of the events refers to the entity, in whatever role: to its version, or to any when that is empty.
  // Costs nothing for how many do.
  StatusOr<bool> IsNamed(const v1::EntityRef& entity) const;

  // INVALID_ARGUMENT unless the entity has a kind and an id; NOT_FOUND, with the versions that there are, when no event
  // refers to it (without a version: to any version of it).
  Status CheckNamed(const v1::EntityRef& entity) const;

  // The events that refer to exactly this version, an empty one being a version of its own, in any role; in log order.
  // Retracted ones too. RESOURCE_EXHAUSTED: more than kQuestionEventsMax.
  StatusOr<std::vector<LeafIndex>> Naming(const v1::EntityRef& entity) const;

  // The events that define exactly this version, in log order, retracted and replaced ones too.
  StatusOr<std::vector<const Fact*>> AllDefinitions(const v1::EntityRef& entity);

  // Those that still count; and the last of them, or nullptr.
  StatusOr<std::vector<const Fact*>> Definitions(const v1::EntityRef& entity);
  StatusOr<const Fact*> Definition(const v1::EntityRef& entity);

  // The ids of a kind of which an event below size defines a version, ascending by bytes from after `after`. At most
  // `limit`.
  StatusOr<std::vector<std::string>> DefinedIds(std::string_view kind, std::string_view after, size_t limit) const;

  // The events of one type that still count and refer to the entity as About does.
  StatusOr<std::vector<const Fact*>> OfType(const v1::EntityRef& entity, std::string_view role, std::string_view type,
                                            size_t limit);

  // The events of a type that the gate reads (EventTypeOptions.gate_input) that still count and refer to exactly this
  // version, in any role: in log order, or the last `limit` with the newest first. Costs what it gives, whatever else
  // is recorded of the entity.
  StatusOr<std::vector<const Fact*>> Typed(const v1::EntityRef& entity, std::string_view type,
                                           size_t limit = kTypedEventsMax, bool newest_first = false);

  // The versions of an entity that any event below size names, ascending by bytes. At most `limit`.
  StatusOr<std::vector<std::string>> VersionsOf(std::string_view kind, std::string_view id, size_t limit) const;

  // The answer rests on this leaf.
  void Cite(LeafIndex index) { cited_.insert(index.value); }
  // The same, and what a reader needs to cite it: with the time that it was corrected to.
  StatusOr<v1::LeafReference> Reference(LeafIndex index);
  const std::set<uint64_t>& cited() const { return cited_; }
  // How many events it may read, and how many were read so far.
  size_t events_max() const { return events_max_; }
  size_t events_read() const { return loaded_.size(); }
  // Every leaf that was looked at, and those that decide what is left of it.
  std::set<uint64_t> looked_at() const;

 private:
  const RowReader& rows_;
  const TreeSize size_;
  const size_t events_max_;
  std::map<uint64_t, Fact> loaded_;
  std::set<uint64_t> cited_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_FACTS_H_
