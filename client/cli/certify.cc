#include "client/certifier/certify.h"

#include <filesystem>
#include <iostream>
#include <system_error>

#include "client/cli/json_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/write.h"
#include "ledger/keys/key_file.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options {
  Common common;
  std::string stream;
  std::string artifact;
  std::string protocol;
  CertificationRequest request;
  uint64_t valid_days = 0;
  std::vector<std::string> runtime;
  SandboxSettings sandbox;
  uint64_t wall_seconds = 0;
  bool dry_run = false;
};

// Programs of this project are installed side by side.
std::string BesideThisProgram(std::string_view name) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

std::string SecondsText(std::chrono::microseconds duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return Text(ms / 1000, ".", std::string(3 - std::to_string(ms % 1000).size(), '0'), ms % 1000, " s");
}

void PrintText(const Certification& certification) {
  for (const IsolationAspect& aspect : certification.isolation.aspects) {
    const bool held = aspect.state == IsolationAspect::State::kHeld;
    std::cout << "isolation  " << aspect.name << ": " << (held ? Good("held") : Bad(std::string(NameOf(aspect.state))))
              << Dim(Text("  ", aspect.evidence)) << "\n";
  }
  if (!certification.environment.text.empty()) {
    std::cout << "environment  sha256:" << certification.environment.digest.hex() << "\n";
  }
  for (const CaseReport& report : certification.cases) {
    const bool passed = report.verdict.result == v1::TestRunCompleted::PASS;
    std::cout << "test case  " << report.test_case.name.text() << ": "
              << (passed ? Good("pass") : Bad(v1::TestRunCompleted::Result_Name(report.verdict.result)))
              << Dim(Text("  ", SecondsText(report.duration))) << "\n";
    for (const std::string& control : report.test_case.description.risk_controls()) {
      std::cout << "  exercises " << control << "\n";
    }
    for (const v1::Metric& metric : report.verdict.metrics) {
      std::cout << "  " << metric.name() << (metric.subgroup().empty() ? "" : Text(" of ", metric.subgroup())) << " = "
                << QuantityText(metric.value(), metric.unit()) << " (n=" << metric.n() << ")\n";
    }
  }
  std::cout << (certification.issued ? Good(Text("certified: ", certification.certification)) : Bad("refused")) << "\n";
  for (const std::string& reason : certification.reasons) std::cout << "  " << reason << "\n";
}

std::string CaseJson(const CaseReport& report) {
  const auto& controls = report.test_case.description.risk_controls();
  return Text("{\"testCase\": ", Quoted(report.test_case.name.text()), ", \"result\": \"",
              v1::TestRunCompleted::Result_Name(report.verdict.result),
              "\", \"microseconds\": ", report.duration.count(), ", \"riskControls\": ", JsonList(controls),
              ", \"reasons\": ", JsonList(report.verdict.reasons), "}");
}

void PrintJson(const Certification& certification, const std::vector<Appended>& appended) {
  std::string isolation, cases, leaves;
  for (const IsolationAspect& aspect : certification.isolation.aspects) {
    isolation += Text(isolation.empty() ? "" : ", ", "{\"aspect\": ", Quoted(aspect.name), ", \"state\": \"",
                      NameOf(aspect.state), "\", \"evidence\": ", Quoted(aspect.evidence), "}");
  }
  for (const CaseReport& report : certification.cases) cases += Text(cases.empty() ? "" : ", ", CaseJson(report));
  for (const Appended& event : appended) leaves += Text(leaves.empty() ? "" : ", ", event.index.value);
  std::cout << "{\"issued\": " << (certification.issued ? "true" : "false")
            << ", \"certification\": " << Quoted(certification.certification)
            << ", \"sandboxRun\": " << Quoted(certification.sandbox_run) << ", \"safetyClass\": \""
            << v1::SoftwareSafetyClass_Name(certification.safety_class)
            << "\", \"reasons\": " << JsonList(certification.reasons) << ", \"environmentDigest\": \""
            << (certification.environment.text.empty() ? "" : certification.environment.digest.hex())
            << "\", \"isolation\": [" << isolation << "], \"cases\": [" << cases << "], \"leaves\": [" << leaves
            << "]}\n";
}

StatusOr<ExitStatus> RunCertify(Options& options) {
  CertificationRequest& request = options.request;
  ASSIGN_OR_RETURN(request.artifact, VersionedName::Parse("ARTIFACT", options.artifact));
  ASSIGN_OR_RETURN(request.protocol, VersionedName::Parse("--protocol", options.protocol));
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(*client, key, options.stream));
  request.certifier = writer->actor();
  request.valid_for = std::chrono::hours(24) * options.valid_days;
  options.sandbox.runtime = DefaultRuntime();
  for (const std::string& more : options.runtime) options.sandbox.runtime.push_back(more);
  options.sandbox.probe = BesideThisProgram("anamnesis-sandbox-probe");
  if (options.wall_seconds > 0) options.sandbox.limits.wall = std::chrono::seconds(options.wall_seconds);
  ASSIGN_OR_RETURN(const Certification certification, Certify(*client, request, options.sandbox, WallClockNow()));
  std::vector<Appended> appended;
  if (!options.dry_run) {
    std::vector<IdentifiedDraft> drafts;
    for (const EventDraft& draft : certification.drafts) drafts.push_back({draft, NewEventId()});
    StatusOr<std::vector<Appended>> done = writer->Append(drafts);
    if (!done.ok()) {
      // What was found is not lost with the refusal to record it.
      PrintText(certification);
      return done.status();
    }
    appended = *std::move(done);
  }
  if (options.common.json) {
    PrintJson(certification, appended);
  } else {
    PrintText(certification);
  }
  v1::RunResult all;
  const auto type_of = [&](size_t i) {
    return certification.drafts[i].body->GetDescriptor()->options().GetExtension(v1::event).type();
  };
  Report(options.common, appended, type_of, all);
  return certification.issued ? kDone : kAnswerIsNo;
}

}  // namespace

void AddCertify(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("certify", "runs the approved suite against an artifact in a sandbox, and records");
  verb.footer(
      "Example: anamnesis certify threshold@7 --protocol sandbox@1 --artifact-directory out --suite suite \\\n"
      "           --delegation d-1 --as certifier.key");
  verb.add_option("ARTIFACT", options->artifact, "ID@VERSION, as artifact.produced has it")->required();
  verb.add_option("--protocol", options->protocol, "ID@VERSION of the approved sandbox protocol")->required();
  verb.add_option("--artifact-directory", options->request.artifact_directory, "where the artifact's files are")
      ->required()
      ->check(IsDirectoryToRead());
  verb.add_option("--suite", options->request.suite_directory, "where the suite's files are")
      ->required()
      ->check(IsDirectoryToRead());
  verb.add_option("--delegation", options->request.delegation, "under which this key certifies")->required();
  verb.add_option("--envelope", options->request.envelope, "ID@VERSION; default: the artifact's");
  verb.add_option("--risk-control-set", options->request.risk_control_set, "ID@VERSION; default: the envelope's");
  verb.add_option("--jurisdiction", options->request.jurisdiction, "for one only, ISO 3166-1 alpha-2")
      ->check(IsCountryCode());
  options->request.process_profile = "IEC 62304:2006+A1:2015";
  verb.add_option("--process-profile", options->request.process_profile, "the process it was made under");
  verb.add_option("--valid-days", options->valid_days, "default: until withdrawn");
  verb.add_option("--runtime", options->runtime,
                  "a directory bound read-only beside /usr/bin and /usr/lib; repeatable");
  verb.add_option("--wall-seconds", options->wall_seconds, "the longest that one test case may take; default: 1200");
  verb.add_option("--memory-bytes", options->sandbox.limits.address_space_bytes, "the most memory of one process");
  verb.add_option("--memory-total-bytes", options->sandbox.limits.memory_total_bytes,
                  "of all, where there is a cgroup");
  verb.add_flag("--dry-run", options->dry_run, "append nothing");
  verb.add_option("--stream", options->stream, "default: KIND/ID of the key's holder");
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return RunCertify(*options); });
}

}  // namespace anamnesis::cli
