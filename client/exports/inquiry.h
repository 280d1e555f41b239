#ifndef ANAMNESIS_CLIENT_EXPORTS_INQUIRY_H_
#define ANAMNESIS_CLIENT_EXPORTS_INQUIRY_H_

// An incident bundle while it is gathered: what later sections need of earlier ones, and the sections by what they
// tell.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/exports/incident.h"
#include "client/exports/unit_history.h"

namespace anamnesis::exports {

inline constexpr std::string_view kVigilance = "Regulation (EU) 2017/745 Art. 87; 21 CFR 803";

struct Inquiry {
  const LedgerView& view;
  const IncidentOptions& options;
  Document document;
  // Of the incident and its problems, by leaf.
  std::map<uint64_t, Cited> records;
  // The event that recorded it, among the records.
  const Cited* recorded = nullptr;
  Timestamp at;
  std::vector<v1::EntityRef> units;
  std::vector<v1::EntityRef> problems;
  // By unit.
  std::map<std::string, UnitHistory> histories;
  std::map<uint64_t, Cited> decisions;
  // What ran, by then's knowledge or now's; and by now's alone.
  std::map<std::string, v1::EntityRef> items;
  std::map<std::string, v1::EntityRef> now_items;
  std::map<std::string, v1::FileDigest> files;
  std::map<std::string, v1::EntityRef> software_items;
  // What is not recorded of the origin of what ran.
  std::vector<Gap> origin_gaps;
};

// The entity as a question takes it.
v1::EntityRef WithoutRole(v1::EntityRef entity);
std::vector<const Cited*> All(const std::map<uint64_t, Cited>& records);

// What a unit was running, as known then and now; how that came there; what it measured of itself. Adds to items, files
// and histories.
Status AddUnit(Inquiry& inquiry, const v1::EntityRef& unit);

// What ran was made of, its bytes, the risks of what is affected.
Status AddLineage(Inquiry& inquiry);
Status AddFiles(Inquiry& inquiry);
Status AddRisks(Inquiry& inquiry);

// Similar problems, other units, service, authorisations, reports.
Status AddSimilar(Inquiry& inquiry);
Status AddSiblings(Inquiry& inquiry);
void AddService(Inquiry& inquiry);
Status AddRegulatory(Inquiry& inquiry);
Status AddClocks(Inquiry& inquiry, const v1::EntityRef& incident);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_INQUIRY_H_
