#include "client/interchange/fhir.h"

#include <optional>

#include "gmock/gmock.h"
#include "tests/client/exports/hours.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::interchange {
namespace {

using exports::AtHour;
using testing::HasSubstr;
using testing::Not;

std::string UnitOf(LedgerClient& ledger) {
  LedgerView view(ledger, 0);
  EXPECT_TRUE(view.Open().ok());
  const StatusOr<std::string> bundle = FhirOfUnit(view, "CT-7", std::nullopt);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  return bundle.value_or("");
}

TEST(Fhir, AnAgentIsNoLocation) {
  EventDraft draft = AtHour(Commission("CT-7"), 0);
  draft.header.mutable_on_behalf_of()->set_kind("site");
  draft.header.mutable_on_behalf_of()->set_id("ward-3");
  ProjectedHistory history;
  history.Add(std::move(draft));
  exports::ProjectedLedger ledger(history);
  LedgerView view(ledger, 0);
  ASSERT_TRUE(view.Open().ok());
  const StatusOr<const v1::Event*> event = view.At(0);
  ASSERT_TRUE(event.ok()) << event.status();
  const StatusOr<std::string> bundle = FhirOfEvent(view, **event);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_THAT(*bundle, HasSubstr("site ward-3"));
  EXPECT_THAT(*bundle, Not(HasSubstr("Location")));
}

TEST(Fhir, AUnitIsWhereItWasMovedAndHasTheIdentifiersLastAssigned) {
  v1::DeviceModelRegistered model;
  model.set_name("CT");
  model.set_intended_purpose("imaging");
  model.set_udi_di("DI-1");
  model.set_issuing_entity("GS1");
  v1::DeviceModelRevised revised;
  revised.set_udi_di("DI-2");
  revised.set_name("CT plus");
  v1::DeviceUnitCommissioned unit;
  unit.set_serial_number("77");
  unit.set_udi_pi("PI-1");
  unit.set_jurisdiction("DE");
  v1::UdiAssigned assigned;
  assigned.set_kind(v1::UdiAssigned::UDI_PI);
  assigned.set_value("PI-2");
  v1::DeviceUnitRelocated moved;
  moved.set_jurisdiction("FR");
  EventDraft revision = DraftWith(std::move(revised), {"device_model=device_model:ct"});
  revision.header.set_rationale("a new purpose");
  ProjectedHistory history;
  history.Add(AtHour(DraftWith(std::move(model), {"device_model=device_model:ct"}), 0));
  history.Add(AtHour(DraftWith(std::move(unit), {"unit=device_unit:CT-7", "device_model=device_model:ct"}), 1));
  exports::ProjectedLedger ledger(history);
  for (const char* text : {"\"DE\"", "\"DI-1\"", "\"PI-1\"", "\"CT\"", "gs1-di", "\"77\""}) {
    EXPECT_THAT(UnitOf(ledger), HasSubstr(text));
  }
  history.Add(AtHour(std::move(revision), 2));
  history.Add(AtHour(DraftWith(std::move(assigned), {"unit=device_unit:CT-7"}), 3));
  history.Add(AtHour(DraftWith(std::move(moved), {"unit=device_unit:CT-7"}), 4));
  for (const char* text : {"\"FR\"", "\"DI-2\"", "\"PI-2\"", "\"CT plus\""}) {
    EXPECT_THAT(UnitOf(ledger), HasSubstr(text));
  }
  for (const char* text : {"\"DE\"", "\"DI-1\"", "\"PI-1\""}) EXPECT_THAT(UnitOf(ledger), Not(HasSubstr(text)));
}

}  // namespace
}  // namespace anamnesis::interchange
