#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"

namespace anamnesis::exports {
namespace {

// Adds what a hold or an order may name beside what ran: what its certificates and envelopes are, models, items, sites.
Status AddScope(Inquiry& inquiry) {
  const auto add = [&](const v1::EntityRef& entity) {
    inquiry.scope.emplace(EntityKeyText(entity), WithoutRole(entity));
  };
  for (const auto& [name, item] : inquiry.items) {
    if (item.entity.kind() != "artifact") continue;
    if (inquiry.certificates.count(name) == 0) {
      ASSIGN_OR_RETURN(inquiry.certificates[name], CertificatesOf(inquiry.view, WithoutRole(item.entity)));
    }
    for (const Certificate& one : inquiry.certificates[name]) {
      for (const v1::EntityRef& ref : one.refs) {
        if (ref.kind() == "certification" || ref.kind() == "envelope" || ref.kind() == "sandbox_protocol") add(ref);
      }
    }
  }
  for (const auto& [id, item] : inquiry.software_items) add(EntityOf(item.kind(), item.id()));
  for (const v1::EntityRef& model : ModelsOf(inquiry)) add(EntityOf(model.kind(), model.id()));
  for (const auto& [unit, history] : inquiry.histories) {
    for (const v1::EntityRef& site : EntitiesOf(history.of(HistoryPart::kService), "", "site")) add(site);
  }
  return OkStatus();
}

}  // namespace

Status AddOrders(Inquiry& inquiry) {
  Section section = {"orders",
                     "11 Holds, orders to stop and late knowledge",
                     "IEC 62304 8.2.1, 9.3; Regulation (EU) 2017/745 Art. 89",
                     {},
                     {},
                     {}};
  RETURN_IF_ERROR(AddScope(inquiry));
  std::map<uint64_t, Cited>& orders = inquiry.orders;
  const auto add = [&](const UnitHistory& history) {
    orders.insert(history.of(HistoryPart::kOrders).begin(), history.of(HistoryPart::kOrders).end());
  };
  for (const auto& [unit, history] : inquiry.histories) add(history);
  for (const auto& [name, entity] : inquiry.scope) {
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(inquiry.view, entity, inquiry.at, {}));
    add(history);
  }
  // What lifts a hold names only the hold.
  for (const v1::EntityRef& hold : EntitiesOf(orders, "hold", "hold")) {
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(inquiry.view, EntityOf("hold", hold.id()), inquiry.at, {}));
    add(history);
  }
  Table table = RecordsTable(
      "What said that the unit, what ran, or what that rests on must not run, and what the ledger found later",
      All(orders), "None is recorded.");
  SayUncertain(inquiry, "IEC 62304 9.3", section, table);
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

}  // namespace anamnesis::exports
