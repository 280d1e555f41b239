// anamnesis gate: ask the activation gate, activate on its decision, compute a decision again, and what of what runs it
// would not allow now.

#include <algorithm>
#include <iostream>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/cli/context.h"
#include "client/cli/embedded_client.h"
#include "client/cli/event_text.h"
#include "client/cli/gate_slice.h"
#include "client/cli/gate_text.h"
#include "client/cli/gate_unit.h"
#include "client/cli/option_checks.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "client/cli/write.h"
#include "client/cpp/writer.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/keys/key_file.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct RequestOptions {
  std::string artifact;
  std::string unit;
  std::string jurisdiction;
  std::string sha256;
  std::string fallback;
  std::string at;
};

void AddRequestOptions(CLI::App& verb, RequestOptions& options) {
  verb.add_option("ARTIFACT", options.artifact, "[artifact:]ID@VERSION")->required();
  verb.add_option("--unit", options.unit, "the unit that it would run on")->transform(UnitId())->required();
  verb.add_option("--fallback", options.fallback, "KIND:ID@VERSION of what runs again when it is taken back");
  verb.add_option("--sha256", options.sha256,
                  "of the bytes that would be activated, hexadecimal; default: as recorded");
  verb.add_option("--jurisdiction", options.jurisdiction, "ISO 3166-1 alpha-2; default: where the unit is")
      ->check(IsCountryCode());
}

StatusOr<v1::GateQuestion> ToQuestion(const RequestOptions& options) {
  v1::GateQuestion question;
  ASSIGN_OR_RETURN(*question.mutable_artifact(), ParseEntity("ARTIFACT", options.artifact, "artifact"));
  question.set_unit(options.unit);
  question.set_jurisdiction(options.jurisdiction);
  if (!options.sha256.empty()) {
    ASSIGN_OR_RETURN(*question.mutable_artifact_digest(), ParseSha256("--sha256", options.sha256));
  }
  if (!options.fallback.empty()) {
    ASSIGN_OR_RETURN(*question.mutable_rollback_target(), ParseEntity("--fallback", options.fallback, "baseline"));
  }
  if (!options.at.empty()) {
    ASSIGN_OR_RETURN(*question.mutable_at(), TimeOrNow("--at", options.at));
  }
  return question;
}

bool Allowed(const v1::GateDecided& decision) { return decision.verdict() == v1::GateDecided::ALLOW; }

void AddCheck(CLI::App& gate) {
  struct Options : QuestionOptions, RequestOptions {};
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand("check", "what the gate would decide; nothing is recorded");
  verb.footer("Example: anamnesis gate check shift@3 --unit ICU-7 --fallback baseline:base@5");
  AddRequestOptions(verb, *options);
  verb.add_option(
      "--at", options->at,
      "when (RFC 3339 with zone); default: now. What was recorded is known until the last event; --linearizable: "
      "until then");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    ASSIGN_OR_RETURN(*question.mutable_gate(), ToQuestion(*options));
    // Not by the clock of a node that may have stood still; what is embedded has ours.
    const bool remote = !options->common.ledger.starts_with(kFilePrefix);
    if (remote && options->at.empty()) *question.mutable_gate()->mutable_at() = ToProtoTime(WallClockNow());
    return AskAndPrint(
        *options, std::move(question),
        [](const v1::Answer& answer) { PrintDecision(answer.gate().asked(), answer.gate().decision()); },
        [](const v1::Answer& answer) { return Allowed(answer.gate().decision()); });
  });
}

// The recorded decision, which is there once `size` events are.
StatusOr<v1::Answer> FindDecision(LedgerClient& client, const std::string& decision, uint64_t size) {
  v1::Question question;
  question.mutable_gate_replay()->set_decision(decision);
  question.mutable_consistency()->set_tree_size_min(size);
  return client.Ask(question);
}

StatusOr<ExitStatus> PrintRecorded(const Common& common, const std::string& decision, const v1::Answer& answer) {
  const v1::GateReplayAnswer& replay = answer.gate_replay();
  if (common.json) {
    RETURN_IF_ERROR(PrintJson(answer));
  } else {
    std::cout << "decision " << Bold(decision) << "  " << Dim(Text("[", CitationText(replay.leaf()), "]")) << "\n";
    PrintDecision(replay.asked(), replay.recorded());
    std::cout << (replay.identical() ? Good("computed again over the same events: the same bytes")
                                     : Bad("computed again over the same events it is another decision"))
              << "\n";
    if (!replay.identical()) PrintDecision(replay.asked(), replay.computed());
  }
  return replay.identical() && Allowed(replay.recorded()) ? kDone : kAnswerIsNo;
}

void AddRequest(CLI::App& gate) {
  struct Options : UnitOptions, RequestOptions {};
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand("request", "ask for a decision, which the ledger records");
  verb.footer("Example: anamnesis gate request shift@3 --unit ICU-7 --fallback baseline:base@5 --as ICU-7.key");
  AddRequestOptions(verb, *options);
  AddUnitOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(v1::GateQuestion asked, ToQuestion(*options));
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    if (asked.jurisdiction().empty() || asked.artifact_digest().empty()) {
      v1::Question question;
      *question.mutable_gate() = asked;
      ASSIGN_OR_RETURN(const v1::Answer answer, client->Ask(question));
      asked = answer.gate().asked();
      if (asked.jurisdiction().empty()) {
        return absl::NotFoundError(Text("--jurisdiction: nothing recorded says where unit ", options->unit, " is"));
      }
      if (asked.artifact_digest().empty()) {
        return absl::NotFoundError(Text("--sha256: nothing recorded says which bytes ", options->artifact, " has"));
      }
    }
    v1::GateRequested body;
    body.set_jurisdiction(asked.jurisdiction());
    body.set_artifact_digest(asked.artifact_digest());
    EventDraft draft = DraftOf(std::move(body));
    AddReference(draft, "artifact", "artifact", asked.artifact().id(), asked.artifact().version());
    AddReference(draft, "unit", "device_unit", asked.unit());
    if (asked.has_rollback_target()) {
      const v1::EntityRef& target = asked.rollback_target();
      AddReference(draft, "rollback_target", target.kind(), target.id(), target.version());
    }
    ASSIGN_OR_RETURN(const Appended appended, AppendAs(*client, *options, options->unit, std::move(draft)));
    // The decision is the leaf after the request.
    ASSIGN_OR_RETURN(const v1::Answer answer, FindDecision(*client, appended.id.text(), appended.index.value + 2));
    return PrintRecorded(options->common, appended.id.text(), answer);
  });
}

void AddActivate(CLI::App& gate) {
  struct Options : UnitOptions {
    std::string decision;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand("activate", "record that the unit activated what a decision allows");
  verb.footer("Example: anamnesis gate activate 0197... --as ICU-7.key");
  verb.add_option("DECISION", options->decision, "the decision's id")->required();
  AddUnitOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const v1::Answer answer, FindDecision(*client, options->decision, 0));
    const v1::GateReplayAnswer& replay = answer.gate_replay();
    if (!Allowed(replay.recorded())) {
      return absl::FailedPreconditionError(Text("DECISION: the gate denied it (", FailedRules(replay.recorded()), ")"));
    }
    const int64_t until_us =
        replay.recorded().at_us() + static_cast<int64_t>(replay.recorded().time_to_live_s()) * 1'000'000;
    if (WallClockNow().us > until_us) {
      return absl::FailedPreconditionError(
          Text("DECISION: it held until ", FormatTime(Timestamp(until_us)), "; ask the gate again"));
    }
    v1::ArtifactActivated body;
    body.set_surface(replay.surface());
    body.set_previous_configuration_digest(replay.recorded().configuration_digest());
    EventDraft draft = DraftOf(std::move(body));
    const v1::GateQuestion& asked = replay.asked();
    AddReference(draft, "unit", "device_unit", asked.unit());
    AddReference(draft, "artifact", "artifact", asked.artifact().id(), asked.artifact().version());
    if (asked.rollback_target().kind() != "baseline" && asked.has_rollback_target()) {
      const v1::EntityRef& target = asked.rollback_target();
      AddReference(draft, "rollback_target", target.kind(), target.id(), target.version());
    }
    AddReference(draft, "decision", "gate_decision", options->decision);
    ASSIGN_OR_RETURN(const Appended appended, AppendAs(*client, *options, asked.unit(), std::move(draft)));
    v1::RunResult result;
    Report(
        options->common, {appended}, [](size_t) { return std::string("artifact.activated"); }, result);
    if (options->common.json) RETURN_IF_ERROR(PrintJson(result));
    return appended.findings.empty() ? kDone : kAnswerIsNo;
  });
}

void AddReplay(CLI::App& gate) {
  struct Options : QuestionOptions {
    std::string decision;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *gate.add_subcommand("replay", "compute a recorded decision again, over the events that it was made from");
  verb.footer("Example: anamnesis gate replay 0197...");
  verb.add_option("DECISION", options->decision, "the decision's id")->required();
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    question.mutable_gate_replay()->set_decision(options->decision);
    return AskAndPrint(
        *options, std::move(question),
        [&](const v1::Answer& answer) { static_cast<void>(PrintRecorded(Common(), options->decision, answer).ok()); },
        [](const v1::Answer& answer) { return answer.gate_replay().identical(); });
  });
}

// --- What runs ---

void PrintEntry(const v1::StandingAnswer::Entry& entry) {
  const bool allowed = Allowed(entry.now());
  std::cout << Bold(entry.unit()) << "  " << entry.surface() << ": " << EntityKeyText(entry.artifact()) << "  "
            << (allowed ? Good("allowed") : Bad(Text("denied now: ", FailedRules(entry.now()))))
            << Dim(Text("  [", CitationText(entry.since()), "]")) << "\n";
  for (const std::string& why : entry.nonconforming()) std::cout << "    did not conform: " << why << "\n";
  for (const auto& result : entry.now().results()) {
    if (result.outcome() != v1::GateDecided::RuleResult::FAIL) continue;
    std::cout << "    " << result.rule_id() << "  " << result.note() << Dim(Text("; ", result.supplied_by())) << "\n";
  }
  for (const v1::LeafReference& late : entry.late()) {
    std::cout << "    known since: " << CitationText(late) << "\n";
  }
  if (entry.has_exposed_from()) {
    std::cout << "    exposed from " << TimeText(entry.exposed_from()) << " until " << TimeText(entry.exposed_until())
              << ": lawful as known then, refused as known now\n";
  }
  const auto recorded = [](std::string_view what, bool there, const v1::LeafReference& leaf) {
    if (there) std::cout << "    " << what << ": " << CitationText(leaf) << "\n";
  };
  recorded("under hold by the ledger", entry.has_hold(), entry.hold());
  recorded("to be certified again", entry.has_recertification(), entry.recertification());
  recorded("known late", entry.has_late_knowledge(), entry.late_knowledge());
  if (entry.has_instruction()) {
    std::cout << "    by policy it is to be taken back to " << EntityKeyText(entry.fallback()) << ": "
              << CitationText(entry.instruction()) << "\n";
  }
}

// A certification that a SOUP change leaves to be done again: of no surface.
bool IsOfCertification(const v1::StandingAnswer::Entry& entry) { return entry.surface().empty(); }

void PrintCertification(const v1::StandingAnswer::Entry& entry) {
  std::cout << EntityKeyText(entry.artifact()) << "  " << (entry.unit().empty() ? "" : Text("on ", entry.unit(), ": "))
            << "stale" << Dim(Text("  [", CitationText(entry.since()), "]")) << "\n";
  for (const auto& result : entry.now().results()) std::cout << "    " << result.note() << "\n";
}

void PrintStanding(const v1::StandingAnswer& standing) {
  int count = 0;
  for (const v1::StandingAnswer::Entry& entry : standing.entries()) {
    // For `recertification list`.
    if (IsOfCertification(entry)) continue;
    PrintEntry(entry);
    ++count;
  }
  std::cout << standing.units() << " units looked at, " << count << " entries\n";
  if (standing.being_checked_size() > 0) {
    std::cout << "the ledger is still looking at what leaf " << standing.being_checked(0) << " touches\n";
  }
  if (!standing.next().empty()) std::cout << "there is more: --from " << standing.next() << "\n";
}

struct StandingOptions : QuestionOptions {
  std::string unit;
  std::string from;
  uint32_t limit = 0;
  bool all = false;
};

void AddStandingOptions(CLI::App& verb, StandingOptions& options) {
  verb.add_option("--unit", options.unit, "one unit; default: all")->transform(UnitId());
  verb.add_option("--from", options.from, "only units after this one");
  verb.add_option("--limit", options.limit, "at most so many units (100; the most is 1,000)");
  AddQuestionOptions(verb, options);
}

v1::Question StandingQuestionOf(const StandingOptions& options) {
  v1::Question question;
  question.mutable_standing()->set_unit(options.unit);
  question.mutable_standing()->set_from(options.from);
  question.mutable_standing()->set_limit(options.limit);
  question.mutable_standing()->set_all(options.all);
  return question;
}

bool AllStand(const v1::Answer& answer) {
  for (const v1::StandingAnswer::Entry& entry : answer.standing().entries()) {
    if (IsOfCertification(entry)) continue;
    if (!Allowed(entry.now()) || !entry.nonconforming().empty()) return false;
  }
  return true;
}

void AddStanding(CLI::App& gate) {
  auto options = std::make_shared<StandingOptions>();
  CLI::App& verb =
      *gate.add_subcommand("standing", "what runs that the gate would not allow now, or ran without its leave");
  verb.footer("Example: anamnesis gate standing --all");
  verb.add_flag("--all", options->all, "also what is allowed");
  AddStandingOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    return AskAndPrint(
        *options, StandingQuestionOf(*options), [](const v1::Answer& answer) { PrintStanding(answer.standing()); },
        AllStand);
  });
}

// A certification that no longer is for the ground that the unit stands on.
bool NeedsRecertification(const v1::StandingAnswer::Entry& entry) {
  const auto& results = entry.now().results();
  return std::any_of(results.begin(), results.end(), [](const auto& result) {
    return result.outcome() == v1::GateDecided::RuleResult::FAIL &&
           (result.rule_id() == "G04" || result.rule_id() == "G06");
  });
}

}  // namespace

void AddGate(CLI::App& app) {
  CLI::App& gate = *app.add_subcommand("gate", "whether an artifact may run on a unit");
  gate.require_subcommand(1);
  AddCheck(gate);
  AddRequest(gate);
  AddActivate(gate);
  AddRollback(gate);
  AddReplay(gate);
  AddStanding(gate);
  AddSlice(gate);
  AddVerifySlice(gate);
  AddGateExport(gate);
}

void AddRecertification(CLI::App& app) {
  CLI::App& recertification = *app.add_subcommand("recertification", "certifications that no longer serve");
  recertification.require_subcommand(1);
  auto options = std::make_shared<StandingOptions>();
  CLI::App& verb = *recertification.add_subcommand(
      "list",
      "what runs whose certification is not for the ground it stands on, and what else a SOUP "
      "change leaves to be certified again");
  verb.footer("Example: anamnesis recertification list");
  AddStandingOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    return AskAndPrint(
        *options, StandingQuestionOf(*options),
        [](const v1::Answer& answer) {
          size_t count = 0;
          for (const v1::StandingAnswer::Entry& entry : answer.standing().entries()) {
            if (!NeedsRecertification(entry)) continue;
            IsOfCertification(entry) ? PrintCertification(entry) : PrintEntry(entry);
            ++count;
          }
          std::cout << count << " to certify again, of " << answer.standing().units() << " units looked at\n";
          if (!answer.standing().next().empty()) {
            std::cout << "there is more: --from " << answer.standing().next() << "\n";
          }
        },
        [](const v1::Answer& answer) {
          const auto& entries = answer.standing().entries();
          return std::none_of(entries.begin(), entries.end(), NeedsRecertification);
        });
  });
}

namespace {

void PrintSurface(const v1::AdoptionAnswer::Surface& surface) {
  std::string envelope = surface.has_envelope() ? EntityKeyText(surface.envelope()) : Bad("no envelope in force");
  if (surface.has_proposed_envelope()) {
    envelope += Text(", ", EntityKeyText(surface.proposed_envelope()), " is proposed");
  }
  std::cout << Bold(EntityKeyText(surface.surface())) << " (" << surface.name() << ") of "
            << EntityKeyText(surface.item()) << ", " << envelope << "\n"
            << "  kind          " << Words(v1::AdaptationSurfaceIdentified::Kind_Name(surface.kind())) << ", "
            << (surface.has_owner() ? Text("owned by ", EntityKeyText(surface.owner())) : "without an owner") << "\n";
  const auto line = [](std::string_view name, bool there, const v1::LeafReference& leaf) {
    std::cout << "  " << name << std::string(14 - name.size(), ' ')
              << (there ? Good("yes") + Dim(Text("  [", CitationText(leaf), "]")) : std::string("not yet")) << "\n";
  };
  line("inventoried", surface.has_inventoried(), surface.inventoried());
  line("instrumented", surface.has_instrumented(), surface.instrumented());
  line("sandboxed", surface.has_sandboxed(), surface.sandboxed());
  line("gated", surface.has_gated(), surface.gated());
  line("documented", surface.has_documented(), surface.documented());
}

}  // namespace

void AddAdoption(CLI::App& app) {
  CLI::App& adoption = *app.add_subcommand("adoption", "how far adaptation surfaces are on their way to the gate");
  adoption.require_subcommand(1);
  auto options = std::make_shared<QuestionOptions>();
  CLI::App& verb =
      *adoption.add_subcommand("status", "each surface: inventoried, instrumented, sandboxed, gated, documented");
  verb.footer("Example: anamnesis adoption status");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    question.mutable_adoption();
    return AskAndPrint(
        *options, std::move(question),
        [](const v1::Answer& answer) {
          for (const auto& surface : answer.adoption().surfaces()) PrintSurface(surface);
          if (answer.adoption().surfaces().empty()) {
            std::cout << "no adaptation surface is inventoried: append adaptation_surface.identified\n";
          }
        },
        [](const v1::Answer& answer) { return !answer.adoption().surfaces().empty(); });
  });
}

}  // namespace anamnesis::cli
