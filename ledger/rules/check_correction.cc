#include "ledger/rules/check_correction.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_problem.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "anamnesis/v1/vocabulary_risk.pb.h"
#include "anamnesis/v1/vocabulary_software.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "ledger/event/refusal.h"
#include "ledger/rules/check_roles.h"

namespace anamnesis {
namespace {

// What forbids, or counts against something, and has no writer roles: anybody must be able to raise it
// (authority.withdrawn asks in check_authority.h), and not everybody to take it back.
constexpr std::array<std::string_view, 12> kForbidding = {
    "anomaly.recorded", "artifact.revoked",       "authority.withdrawn",      "change.rejected",
    "envelope.retired", "field_action.initiated", "dataset.record_withdrawn", "fork.detected",
    "hold.placed",      "problem.investigated",   "problem.reopened",         "problem.reported"};

// What failed once, first or by a correction, is no more to be taken back by who tested or verified it.
bool SaysItFailed(const LoadedEvent& event) {
  const auto* problem = BodyAs<v1::ProblemVerified>(event.body.get());
  const auto* change = BodyAs<v1::ChangeVerified>(event.body.get());
  if (problem != nullptr) return !problem->resolved();
  if (change != nullptr) return !change->verified();
  const auto* run = BodyAs<v1::TestRunCompleted>(event.body.get());
  const auto* evaluation = BodyAs<v1::EvaluationCompleted>(event.body.get());
  const auto* control = BodyAs<v1::RiskControlVerified>(event.body.get());
  if (control != nullptr) return control->result() == v1::RiskControlVerified::FAIL;
  return (run != nullptr && run->result() == v1::TestRunCompleted::FAIL) ||
         (evaluation != nullptr && evaluation->result() == v1::EvaluationCompleted::FAIL);
}

// A key that was reported lost is replaced, not found again, except by who issues keys.
constexpr std::string_view kLostKey = "credential.reported_lost";

// Who may lower a class says too what is to be made of one that was assigned: without it a lower one can be in force.
constexpr std::string_view kAssignedClass = "safety_class.assigned";

// What gave a key or a role, or took a role. Who may write what follows these in the order of the log and no
// correction: one that was accepted would say that somebody can do nothing any more who goes on. What undoes each.
struct Undone {
  std::string_view type;
  std::string_view by;
};
constexpr std::array<Undone, 4> kUndoneOtherwise = {
    {{"credential.issued", "end the key with credential.revoked (anamnesis credential revoke)"},
     {"credential.rotated", "end the key with credential.revoked (anamnesis credential revoke)"},
     {"role.granted", "end the role with role.withdrawn (anamnesis role withdraw) and grant what holds"},
     {"role.withdrawn", "grant the role again (anamnesis role grant)"}}};

// What puts an item below another gives it a class: without it, or with another, a lower one can be in force as well.
bool PlacesItem(const LoadedEvent& event) {
  return BodyAs<v1::SoftwareItemDecomposed>(event.body.get()) != nullptr ||
         (BodyAs<v1::SoftwareItemIdentified>(event.body.get()) != nullptr &&
          FindReference(event.header.fields, "parent") != nullptr);
}

bool MovesInTime(const RecordedEvent& event) {
  const auto* correction = BodyAs<v1::RecordCorrected>(event.body);
  return correction != nullptr && correction->kind() == v1::RecordCorrected::OCCURRED_AT;
}

// When it is said to have happened has no part in that, and is corrected as of everything else.
Status CheckNotOfAuthority(const RecordedEvent& event, const LoadedEvent& first) {
  if (MovesInTime(event)) return OkStatus();
  for (const Undone& undone : kUndoneOtherwise) {
    if (first.type->name() != undone.type) continue;
    return Refuse(v1::REFERENCE_INVALID, "header.corrects",
                  Text("leaf ", first.index.value, " is a ", undone.type,
                       ", which no correction takes back or replaces; ", undone.by, ", or annotate it"));
  }
  return OkStatus();
}

bool ChangesState(const RecordedEvent& event) {
  const auto* correction = BodyAs<v1::RecordCorrected>(event.body);
  return correction == nullptr || correction->kind() != v1::RecordCorrected::ANNOTATED;
}

bool SameAgent(const v1::Agent& a, const v1::Agent& b) { return a.kind() == b.kind() && a.id() == b.id(); }

// Those who lift holds.
std::vector<v1::Role> LiftingRoles() { return WriterRoles(*Vocabulary::Get().FindNewest("hold.lifted")); }

// What gives a delegation or withdraws it names it, and isn't done under it.
bool IsAboutDelegation(const RecordedEvent& event) {
  return BodyAs<v1::AuthorityDelegated>(event.body) != nullptr || BodyAs<v1::AuthorityWithdrawn>(event.body) != nullptr;
}

// The roles that an event asks of who corrects it, whoever wrote it; empty: its own writer may. `any` asks whether
// something holds of what is corrected, or of anything between that and the first: a record can be replaced by one that
// counts against something, and the first would count again without it.
std::vector<v1::Role> RolesAskedToCorrect(const LoadedEvent& first,
                                          const std::function<bool(bool (*)(const LoadedEvent&))>& any) {
  const std::string& type = first.type->name();
  if (type == kLostKey) return {v1::ADMINISTRATOR};
  if (type == kAssignedClass || any(PlacesItem)) {
    return WriterRoles(*Vocabulary::Get().FindNewest("safety_class.lowered"));
  }
  const bool forbids = std::find(kForbidding.begin(), kForbidding.end(), type) != kForbidding.end();
  return forbids || any(SaysItFailed) ? LiftingRoles() : RolesAskedOf(first.view());
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
  RETURN_IF_ERROR(CheckNotOfAuthority(event, first));
  const std::string what = Text("correcting a ", first.type->name());
  const Writer writer{header.actor(), event.recorded,
                      IsAboutDelegation(event) ? nullptr : FindReference(header, "delegation")};
  const auto any = [&](bool (*holds)(const LoadedEvent&)) {
    return holds(corrected) || std::any_of(chain.begin(), chain.end(), holds);
  };
  const std::vector<v1::Role> asked = RolesAskedToCorrect(first, any);
  if (!asked.empty()) return CheckRoles(writer, asked, first.view(), what, rows);
  // Nobody else's word is undone by who wrote it all.
  const auto own = [&](const LoadedEvent& each) { return SameAgent(each.header.fields.actor(), header.actor()); };
  if (own(corrected) && std::all_of(chain.begin(), chain.end(), own)) return OkStatus();
  return CheckRoles(writer, {v1::QUALITY_OFFICER, v1::ADMINISTRATOR}, first.view(), Text(what, " that others wrote"),
                    rows);
}

}  // namespace anamnesis
