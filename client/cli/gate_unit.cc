#include "client/cli/gate_unit.h"

#include <iostream>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/cli/event_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/question.h"
#include "client/cli/write.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/keys/key_file.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "ledger/state/configuration.h"
#include "ledger/state/stream.h"

namespace anamnesis::cli {

void AddUnitOptions(CLI::App& verb, UnitOptions& options) {
  verb.add_option("--stream", options.stream, "the writer's stream; default: device_unit/ and the unit");
  AddKeyOption(verb, options.common);
  AddLedgerOption(verb, options.common);
  AddWithinOption(verb, options.common);
  AddJsonOption(verb, options.common);
}

StatusOr<Appended> AppendAs(LedgerClient& client, const UnitOptions& options, const std::string& unit,
                            EventDraft draft) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  const std::string stream = options.stream.empty() ? StreamOfUnit(unit) : options.stream;
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(client, key, stream));
  const Timestamp now = WallClockNow();
  SetOccurred(draft, now, now);
  return writer->AppendOne(draft);
}

namespace {

struct RollbackOptions : UnitOptions {
  std::string unit;
  std::string surface;
  std::string to;
  std::string rationale;
  std::string decision;
};

// What runs on the surface, or on the only one that anything adapted runs on.
StatusOr<v1::StandingAnswer::Entry> FindRunning(LedgerClient& client, const RollbackOptions& options) {
  v1::Question question;
  question.mutable_standing()->set_unit(options.unit);
  question.mutable_standing()->set_all(true);
  ASSIGN_OR_RETURN(const v1::Answer answer, client.Ask(question));
  std::string surfaces;
  const v1::StandingAnswer::Entry* found = nullptr;
  int count = 0;
  for (const v1::StandingAnswer::Entry& entry : answer.standing().entries()) {
    surfaces += Text(surfaces.empty() ? "" : ", ", entry.surface());
    if (!options.surface.empty() && entry.surface() != options.surface) continue;
    found = &entry;
    ++count;
  }
  if (count == 1) return *found;
  if (count > 1) return absl::InvalidArgumentError(Text("--surface: is one of ", surfaces));
  return absl::NotFoundError(Text("no adapted artifact certainly runs on ", options.unit,
                                  options.surface.empty() ? "" : Text(", surface ", options.surface),
                                  surfaces.empty() ? "" : Text("; on it: ", surfaces)));
}

// What the gate would decide, with all that is recorded by now.
StatusOr<v1::GateDecided> AskGate(LedgerClient& client, const std::string& unit, const v1::EntityRef& artifact,
                                  const v1::EntityRef& fallback) {
  v1::Question question;
  question.mutable_consistency()->set_linearizable(true);
  v1::GateQuestion& gate = *question.mutable_gate();
  *gate.mutable_artifact() = artifact;
  gate.set_unit(unit);
  if (!fallback.id().empty()) *gate.mutable_rollback_target() = fallback;
  ASSIGN_OR_RETURN(const v1::Answer answer, client.Ask(question));
  return answer.gate().decision();
}

// The baseline that the unit stands on; without an id when that is not certain.
StatusOr<v1::EntityRef> BaselineOf(LedgerClient& client, const std::string& unit) {
  v1::GetConfigurationRequest request;
  request.set_unit(unit);
  *request.mutable_at() = ToProtoTime(WallClockNow());
  ASSIGN_OR_RETURN(const v1::ConfigurationAnswer answer, client.GetConfiguration(request));
  for (const v1::ConfigurationItem& item : answer.now_known().items()) {
    if (item.surface() == kBaselineSurface && item.has_item()) return item.item();
  }
  return v1::EntityRef();
}

// By the rule of the standing check (gate/standing.h, FallbackPasses): G20 is about what is restored, and an adapted
// artifact has to pass the gate itself, with the baseline below it.
Status CheckFallback(LedgerClient& client, const std::string& unit, const v1::EntityRef& artifact,
                     const v1::EntityRef& fallback) {
  const auto refuse = [&](std::string_view how, const v1::GateDecided::RuleResult& result) {
    return absl::FailedPreconditionError(
        Text("--to: the gate ", how, ": ", result.rule_id(), " ", result.note(), "; name another one with --to"));
  };
  ASSIGN_OR_RETURN(const v1::GateDecided decision, AskGate(client, unit, artifact, fallback));
  for (const auto& result : decision.results()) {
    if (result.rule_id() != "G20" || result.outcome() != v1::GateDecided::RuleResult::FAIL) continue;
    return refuse(Text("doesn't take ", EntityKeyText(fallback), " as a fallback"), result);
  }
  if (fallback.kind() != "artifact") return OkStatus();
  ASSIGN_OR_RETURN(const v1::EntityRef baseline, BaselineOf(client, unit));
  ASSIGN_OR_RETURN(const v1::GateDecided own, AskGate(client, unit, fallback, baseline));
  for (const auto& result : own.results()) {
    if (result.outcome() != v1::GateDecided::RuleResult::FAIL) continue;
    return refuse(Text("denies ", EntityKeyText(fallback), " itself"), result);
  }
  return OkStatus();
}

EventDraft RollbackDraft(const RollbackOptions& options, const v1::StandingAnswer::Entry& entry,
                         const v1::EntityRef& fallback) {
  EventDraft draft;
  // A baseline has nothing on the surface.
  const bool empties = fallback.kind() == "baseline";
  if (empties) {
    v1::ArtifactDeactivated body;
    body.set_surface(entry.surface());
    body.set_reason(entry.has_hold() ? v1::ArtifactDeactivated::HOLD : v1::ArtifactDeactivated::PLANNED);
    draft = DraftOf(std::move(body));
  } else {
    v1::ArtifactRolledBack body;
    body.set_surface(entry.surface());
    draft = DraftOf(std::move(body));
  }
  AddReference(draft, "unit", "device_unit", options.unit);
  AddReference(draft, "artifact", "artifact", entry.artifact().id(), entry.artifact().version());
  if (!empties) AddReference(draft, "restored", fallback.kind(), fallback.id(), fallback.version());
  if (!empties && !options.decision.empty()) AddReference(draft, "decision", "gate_decision", options.decision);
  draft.header.set_rationale(!options.rationale.empty()
                                 ? options.rationale
                                 : Text("as the ledger instructed at leaf ", entry.instruction().index()));
  return draft;
}

}  // namespace

void AddRollback(CLI::App& gate) {
  auto options = std::make_shared<RollbackOptions>();
  CLI::App& verb = *gate.add_subcommand("rollback", "record that the unit took an artifact back to its fallback");
  verb.footer("Example: anamnesis gate rollback ICU-7 --as ICU-7.key");
  verb.add_option("UNIT", options->unit, "the unit")->transform(UnitId())->required();
  verb.add_option("--surface", options->surface, "where the artifact runs; default: the only one");
  verb.add_option("--to", options->to, "KIND:ID@VERSION of what runs again; default: what the activation named");
  verb.add_option("--decision", options->decision,
                  "the decision that allows what --to names; the activation's named fallback needs none");
  verb.add_option("--rationale", options->rationale, "why; default: what the ledger instructed");
  AddUnitOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const v1::StandingAnswer::Entry entry, FindRunning(*client, *options));
    if (options->rationale.empty() && !entry.has_instruction()) {
      return absl::InvalidArgumentError("--rationale: is required where the ledger instructed nothing");
    }
    v1::EntityRef fallback = entry.fallback();
    if (!options->to.empty()) {
      ASSIGN_OR_RETURN(fallback, ParseEntity("--to", options->to, "artifact"));
    }
    if (fallback.id().empty()) return absl::FailedPreconditionError("--to: is required; no fallback is recorded");
    RETURN_IF_ERROR(CheckFallback(*client, options->unit, entry.artifact(), fallback));
    EventDraft draft = RollbackDraft(*options, entry, fallback);
    const std::string type = fallback.kind() == "baseline" ? "artifact.deactivated" : "artifact.rolled_back";
    ASSIGN_OR_RETURN(const Appended appended, AppendAs(*client, *options, options->unit, std::move(draft)));
    v1::RunResult result;
    Report(
        options->common, {appended}, [&](size_t) { return type; }, result);
    if (options->common.json) RETURN_IF_ERROR(PrintJson(result));
    return appended.findings.empty() ? kDone : kAnswerIsNo;
  });
}

}  // namespace anamnesis::cli
