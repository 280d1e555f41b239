#ifndef ANAMNESIS_CLIENT_EXPORTS_INQUIRY_H_
#define ANAMNESIS_CLIENT_EXPORTS_INQUIRY_H_

// An incident bundle while it is gathered: what later sections need of earlier ones, and the sections by what they
// tell.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/exports/certificates.h"
#include "client/exports/incident.h"
#include "client/exports/unit_history.h"

namespace anamnesis::exports {

inline constexpr std::string_view kVigilance = "Regulation (EU) 2017/745 Art. 87; 21 CFR 803";

// What ran on a unit at the time of the incident, or may have run there.
struct Ran {
  v1::EntityRef entity;
  // What is known now allows for other answers too, or it was taken to run there only then.
  bool possibly = false;

  // The ledger knows it by more than a digest, so that questions can be asked of it.
  bool known() const { return !entity.kind().empty(); }
  std::string name() const;
};

// What a bundle needs again of a decision that was computed again.
struct Replayed {
  // As a table tells it.
  Cell told;
  uint64_t leaf = 0;
  // The leaves that it was computed from, and those that its rules name.
  std::vector<uint64_t> slice;
  std::vector<uint64_t> evidence;
};

// A unit and a time for which it is told, since a record of the incident names both.
struct UnitThen {
  v1::EntityRef unit;
  Timestamp at;
};

struct Inquiry {
  Inquiry(const LedgerView& ledger, const IncidentOptions& asked) : view(ledger), options(asked) {}

  const LedgerView& view;
  const IncidentOptions& options;
  Document document;
  // Of the incident and its problems, by leaf.
  std::map<uint64_t, Cited> records;
  // The events that recorded it, among the records, in log order. Whoever has a key can record it once more, with
  // another unit and time: none of them is preferred.
  std::vector<const Cited*> recorded;
  // When it happened, by any of them; and the first of these.
  std::set<Timestamp> times;
  Timestamp at;
  std::vector<UnitThen> units;
  std::vector<v1::EntityRef> problems;
  // By unit and time, as told_name() has it.
  std::map<std::string, UnitHistory> histories;
  // What is told of similar problems, of orders, and of authorisations and plans.
  std::map<uint64_t, Cited> similar;
  std::map<uint64_t, Cited> orders;
  std::map<uint64_t, Cited> regulatory;
  // By then's knowledge or now's, by name.
  std::map<std::string, Ran> items;
  // Where it is not certain what ran, and why: what is found of the items may not be all.
  std::set<std::string> uncertain;
  // What ran and what it was made from, with the event that defines each and may list its files; by name.
  std::map<std::string, v1::LeafReference> made;
  // By name of what ran: the names of what it was made from, however far.
  std::map<std::string, std::set<std::string>> made_from;
  std::map<std::string, v1::EntityRef> software_items;
  // What holds and orders may name: what ran, what that was made from, its certificates and envelopes, models, sites.
  std::map<std::string, v1::EntityRef> scope;
  // By artifact.
  std::map<std::string, std::vector<Certificate>> certificates;
  // Of the unit that is told just now, by id: its decisions as computed again, nothing where the ledger has no such
  // one; and those whose grounds become records too. A unit may have very many, and of the others no grounds are kept.
  std::map<std::string, std::optional<Replayed>> decisions;
  std::set<std::string> with_grounds;
  // What is not recorded of the origin of what ran.
  std::vector<Gap> origin_gaps;

  // The unit's id, with the time where the incident is told for several.
  std::string told_name(const UnitThen& one) const;
  // The leaves of the events that recorded it.
  std::vector<uint64_t> recorded_by() const;
};

// The entity as a question takes it.
v1::EntityRef WithoutRole(v1::EntityRef entity);
std::vector<const Cited*> All(const std::map<uint64_t, Cited>& records);
// By when they happened.
std::vector<const Cited*> InOrderOfTime(const std::map<uint64_t, Cited>& records);
bool HappenedBefore(const Cited& one, const Cited& other);
// An empty table says nothing of what is not certain, and neither does a full one of the rest.
void SayUncertain(const Inquiry& inquiry, std::string_view clause, Section& section, Table& table);

// What a unit was running, as known then and now; how that came there; what it measured of itself. Adds to items, files
// and histories.
Status AddUnit(Inquiry& inquiry, const UnitThen& one);

// A decision of the gate, as it was recorded and as it is computed again.
StatusOr<Cell> DecisionCell(Inquiry& inquiry, const std::string& id, Section& section);
// In the place of a decision where an activation cites none, with the last one about the same artifact before it, of
// those that are told.
StatusOr<Cell> NoDecisionCell(Inquiry& inquiry, const UnitHistory& history, const Cited& activation, Section& section);
// Before any decision about a unit: chooses those whose grounds are told, the ones that AddDecisions tells and the
// first and last few that activations cite. A unit that adapts for years must not fill the bundle with what each rests
// on. How many that activations cite are left out.
size_t ChooseGrounds(Inquiry& inquiry, const UnitHistory& history);
// What the gate decided about the unit, also what led to no activation; and what the chosen ones rest on.
Status AddDecisions(Inquiry& inquiry, const v1::EntityRef& unit, const UnitHistory& history, size_t grounds_left_out,
                    Section& section);

// What ran was made of, its bytes, the risks of what is affected.
Status AddLineage(Inquiry& inquiry);
Status AddFiles(Inquiry& inquiry);
Status AddRisks(Inquiry& inquiry);

// Similar problems, other units, service, orders to stop, authorisations, reports.
Status AddSimilar(Inquiry& inquiry);
Status AddSiblings(Inquiry& inquiry);
void AddService(Inquiry& inquiry);
Status AddOrders(Inquiry& inquiry);
// The device models of the units.
std::vector<v1::EntityRef> ModelsOf(const Inquiry& inquiry);
Status AddRegulatory(Inquiry& inquiry);
Status AddClocks(Inquiry& inquiry, const v1::EntityRef& incident);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_INQUIRY_H_
