#ifndef ANAMNESIS_CLIENT_EXPORTS_UNIT_HISTORY_H_
#define ANAMNESIS_CLIENT_EXPORTS_UNIT_HISTORY_H_

#include <string_view>
#include <vector>

#include "client/exports/sections.h"

namespace anamnesis::exports {

// Of what names an entity, what an investigation looks at; all times are those of occurrence.
struct UnitHistory {
  // Activations, deactivations, rollbacks: at or before the incident the last few, and all after it.
  std::map<uint64_t, Cited> activations;
  // The last few measurements before it and the first few after it.
  std::map<uint64_t, Cited> attestations;
  // Service, installation, commissioning, relocation.
  std::map<uint64_t, Cited> service;
  // Problems, incidents and trends.
  std::map<uint64_t, Cited> problems;
  // Authorisations, plans, commitments.
  std::map<uint64_t, Cited> regulatory;
};

// Pages through everything that names the entity, holding only what is kept.
StatusOr<UnitHistory> HistoryOf(const LedgerView& view, const v1::EntityRef& entity, Timestamp at, size_t activations);

// Authorisations and change plans of device models, and what became of them.
StatusOr<std::map<uint64_t, Cited>> RegulatoryOf(const LedgerView& view, const std::vector<v1::EntityRef>& models,
                                                 Timestamp at);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_UNIT_HISTORY_H_
