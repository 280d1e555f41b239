#include "ledger/rules/check_correction.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/check_roles.h"

namespace anamnesis {
namespace {

// What forbids, or counts against something, and has no writer roles: anybody must be able to raise it
// (authority.withdrawn asks in check_authority.h), and not everybody to take it back.
constexpr std::array<std::string_view, 11> kForbidding = {
    "anomaly.recorded", "artifact.revoked",       "authority.withdrawn",      "change.rejected",
    "envelope.retired", "field_action.initiated", "dataset.record_withdrawn", "fork.detected",
    "hold.placed",      "problem.reopened",       "problem.reported"};

// A key that was reported lost is replaced, not found again, except by who issues keys.
constexpr std::string_view kLostKey = "credential.reported_lost";

bool ChangesState(const RecordedEvent& event) {
  const auto* correction = BodyAs<v1::RecordCorrected>(event.body);
  return correction == nullptr || correction->kind() != v1::RecordCorrected::ANNOTATED;
}

bool SameAgent(const v1::Agent& a, const v1::Agent& b) { return a.kind() == b.kind() && a.id() == b.id(); }

// Those who lift holds.
std::vector<v1::Role> LiftingRoles() { return WriterRoles(*Vocabulary::Get().FindNewest("hold.lifted")); }

// The roles that a type asks of who corrects it, whoever wrote it; empty: its own writer may.
std::vector<v1::Role> RolesAskedBy(const EventType& type) {
  if (type.name() == kLostKey) return {v1::ADMINISTRATOR};
  if (std::find(kForbidding.begin(), kForbidding.end(), type.name()) != kForbidding.end()) return LiftingRoles();
  return WriterRoles(type);
}

}  // namespace

Status CheckCorrection(const RecordedEvent& event, const LoadedEvent& corrected, const std::vector<LoadedEvent>& chain,
                       const RowFinder& rows) {
  if (!ChangesState(event)) return OkStatus();
  const LoadedEvent& first = chain.empty() ? corrected : chain.back();
  const v1::EventHeader& header = event.header->fields;
  if (first.type->options->ledger_decided()) {
    return Refuse(v1::ROLE_MISSING, "header.corrects",
                  Text("leaf ", first.index.value, " is a ", first.type->name(),
                       ", which the ledger decided itself; nobody takes that back, annotate it"));
  }
  const std::string what = Text("correcting a ", first.type->name());
  const Writer writer{header.actor(), event.recorded, FindReference(header, "delegation")};
  const std::vector<v1::Role> asked = RolesAskedBy(*first.type);
  if (!asked.empty()) return CheckRoles(writer, asked, first.view(), what, rows);
  // Nobody else's word is undone by who wrote it all.
  const auto own = [&](const LoadedEvent& each) { return SameAgent(each.header.fields.actor(), header.actor()); };
  if (own(corrected) && std::all_of(chain.begin(), chain.end(), own)) return OkStatus();
  return CheckRoles(writer, {v1::QUALITY_OFFICER, v1::ADMINISTRATOR}, first.view(), Text(what, " that others wrote"),
                    rows);
}

}  // namespace anamnesis
