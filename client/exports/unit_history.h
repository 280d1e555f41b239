#ifndef ANAMNESIS_CLIENT_EXPORTS_UNIT_HISTORY_H_
#define ANAMNESIS_CLIENT_EXPORTS_UNIT_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "client/exports/sections.h"

namespace anamnesis::exports {

// Calls `visit` with every event that names the entity and counts, in log order.
Status VisitNaming(const LedgerView& view, const v1::EntityRef& entity,
                   const std::function<Status(const v1::LeafReference&)>& visit);

// How many problems that name something are told on either side of the time, and as many of what else names a unit:
// whoever has a key can record such events without end.
inline constexpr size_t kNearestMax = 2000;

// Where an investigation looks at what names a unit, or what ran on it.
enum class HistoryPart {
  // Activations, deactivations, rollbacks: the last few at or before the incident, and those after it.
  kActivations,
  // The last few measurements before it and the first few after it.
  kAttestations,
  // Service, installation, commissioning, relocation.
  kService,
  // Problems, incidents and trends: the nearest on either side.
  kProblems,
  // Authorisations, plans, commitments, field actions.
  kRegulatory,
  // What said that something must not run, or had to stop: holds, instructions, revocations, late knowledge.
  kOrders,
  // What else names it: keys, evidence, deliveries, and types that are newer than this list. The nearest on either
  // side.
  kOthers,
  // What the gate decided: the last few at or before the incident, and the first few after it.
  kDecisions,
  // Told by the decision that answers it: requests to the gate.
  kElsewhere,
};
HistoryPart HistoryPartOf(std::string_view type);

// What names an entity; all times are those of occurrence, as last corrected. What was retracted or replaced stays
// among it, marked so (Cited::void_effect).
struct UnitHistory {
  std::map<HistoryPart, std::map<uint64_t, Cited>> parts;
  // How many more there are, before those that are kept and after them.
  std::map<HistoryPart, size_t> left_out;

  const std::map<uint64_t, Cited>& of(HistoryPart part) const;
};

struct HistoryOptions {
  // Only of a unit are activations, decisions, measurements and others kept; what is not kept is not read.
  bool of_unit = false;
  // How many that count, at or before the time; of decisions as many after it.
  size_t activations = 0;
};

// Pages through everything that names the entity, holding only what is kept.
StatusOr<UnitHistory> HistoryOf(const LedgerView& view, const v1::EntityRef& entity, Timestamp at,
                                const HistoryOptions& options);

// Authorisations and change plans that these device models, authorisations and plans lead to, and what became of them.
StatusOr<std::map<uint64_t, Cited>> RegulatoryOf(const LedgerView& view, const std::vector<v1::EntityRef>& seeds,
                                                 Timestamp at);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_UNIT_HISTORY_H_
