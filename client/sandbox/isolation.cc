#include "client/sandbox/isolation.h"

#include <signal.h>

#include <algorithm>
#include <iterator>

#include "client/sandbox/file_descriptor.h"

namespace anamnesis {
namespace {

using State = IsolationAspect::State;
using End = SandboxOutcome::End;

constexpr const char* kProbe = "/probe";
constexpr uint64_t kProbeBytes = uint64_t{64} << 20;
constexpr int kKilled = 128 + SIGKILL;
constexpr uint64_t kSmallMemory = uint64_t{64} << 20;
constexpr std::chrono::milliseconds kShort(500);
// For probes that end by themselves, on a machine with much else to do.
constexpr std::chrono::seconds kPatience(120);

class Tester {
 public:
  Tester(const Sandbox& sandbox, const StagingDirectory& staging) : sandbox_(sandbox), staging_(staging) {}

  StatusOr<SandboxOutcome> Run(std::vector<std::string> attack, const SandboxLimits& limits) const {
    SandboxCommand command;
    command.arguments = {kProbe};
    command.arguments.insert(command.arguments.end(), attack.begin(), attack.end());
    command.inputs = {{Text(staging_.path(), kProbe), kProbe}};
    return sandbox_.Run(command, limits);
  }

  // The limits of the environment; a wall limit that doesn't end the probe before it is done.
  SandboxLimits Limits() const {
    SandboxLimits limits = sandbox_.settings().limits;
    limits.wall = std::max<std::chrono::milliseconds>(limits.wall, kPatience);
    return limits;
  }

  const Sandbox& sandbox() const { return sandbox_; }

 private:
  const Sandbox& sandbox_;
  const StagingDirectory& staging_;
};

std::string FirstLine(const SandboxOutcome& outcome) {
  const std::string& text = outcome.output.empty() ? outcome.errors : outcome.output;
  return text.substr(0, std::min<size_t>(text.find('\n'), 512));
}

std::string Ending(const SandboxOutcome& outcome) {
  switch (outcome.end) {
    case End::kWallLimit:
      return "ended by the wall-clock limit";
    case End::kOutputLimit:
      return "ended by the output limit";
    case End::kExited:
      break;
  }
  return Text("ended with status ", outcome.exit_code);
}

// `held` with what the probe said, or how it ended.
IsolationAspect Judged(std::string_view name, const StatusOr<SandboxOutcome>& outcome, bool held) {
  if (!outcome.ok()) return {std::string(name), State::kFailed, std::string(MessageOf(outcome.status()))};
  std::string evidence = FirstLine(*outcome);
  if (evidence.empty() || outcome->end != End::kExited) evidence = Ending(*outcome);
  if (!outcome->all_ended) evidence += "; processes were left";
  return {std::string(name), held && outcome->all_ended ? State::kHeld : State::kFailed, evidence};
}

bool Exited(const StatusOr<SandboxOutcome>& outcome, std::initializer_list<int> codes) {
  return outcome.ok() && outcome->end == End::kExited &&
         std::find(codes.begin(), codes.end(), outcome->exit_code) != codes.end();
}

IsolationAspect Asked(const Tester& tester, std::string_view name, std::vector<std::string> attack) {
  const StatusOr<SandboxOutcome> outcome = tester.Run(std::move(attack), tester.Limits());
  return Judged(name, outcome, Exited(outcome, {0}));
}

IsolationAspect ClinicalPath(const Tester& tester, const IsolationAspect& network) {
  IsolationAspect devices = Asked(tester, "clinical_path", {"devices"});
  devices.evidence = Text("network: ", network.evidence, "; ", devices.evidence);
  if (network.state != State::kHeld) devices.state = State::kFailed;
  return devices;
}

IsolationAspect MemoryTotal(const Tester& tester) {
  const SandboxLimits& limits = tester.sandbox().settings().limits;
  if (!tester.sandbox().cgroup()) {
    return {
        "memory_total", State::kNotAvailable,
        Text("no cgroup (", tester.sandbox().why_no_cgroup(), "): the memory of all processes together is bounded by ",
             limits.processes, " processes times ", limits.address_space_bytes, " bytes only")};
  }
  SandboxLimits small = tester.Limits();
  small.memory_total_bytes = kSmallMemory;
  const StatusOr<SandboxOutcome> outcome = tester.Run({"memory_total", "4", Text(kSmallMemory / 2)}, small);
  IsolationAspect aspect = Judged("memory_total", outcome, Exited(outcome, {0, kKilled}));
  aspect.evidence = Text("cgroup version ", tester.sandbox().cgroup()->version, ", tried with ", kSmallMemory,
                         " bytes: ", aspect.evidence);
  return aspect;
}

IsolationAspect Processor(const Tester& tester) {
  SandboxLimits small = tester.Limits();
  small.cpu_seconds = 1;
  const StatusOr<SandboxOutcome> outcome = tester.Run({"loop"}, small);
  return Judged("cpu", outcome, Exited(outcome, {128 + SIGXCPU, kKilled}));
}

IsolationAspect WallClock(const Tester& tester) {
  SandboxLimits small = tester.Limits();
  small.wall = kShort;
  const StatusOr<SandboxOutcome> outcome = tester.Run({"wait"}, small);
  return Judged("wall_clock", outcome, outcome.ok() && outcome->end == End::kWallLimit);
}

IsolationAspect Descendants(const Tester& tester) {
  const StatusOr<SandboxOutcome> outcome = tester.Run({"leave"}, tester.Limits());
  IsolationAspect aspect = Judged("descendants", outcome, Exited(outcome, {0}) && outcome->output == "left\n");
  if (aspect.state == State::kHeld) aspect.evidence = "a child in a session of its own was killed with the run";
  return aspect;
}

IsolationAspect Output(const Tester& tester) {
  const StatusOr<SandboxOutcome> outcome = tester.Run({"output"}, tester.Limits());
  const uint64_t most = tester.sandbox().settings().limits.output_bytes;
  return Judged("output", outcome, outcome.ok() && outcome->end == End::kOutputLimit && outcome->output.size() <= most);
}

}  // namespace

bool IsIsolationAspect(std::string_view name) {
  return std::find(std::begin(kIsolationAspects), std::end(kIsolationAspects), name) != std::end(kIsolationAspects);
}

std::string_view NameOf(IsolationAspect::State state) {
  switch (state) {
    case State::kHeld:
      return "held";
    case State::kNotAvailable:
      return "not available";
    case State::kFailed:
      break;
  }
  return "failed";
}

const IsolationAspect* IsolationReport::Find(std::string_view name) const {
  const auto found =
      std::find_if(aspects.begin(), aspects.end(), [name](const IsolationAspect& one) { return one.name == name; });
  return found == aspects.end() ? nullptr : &*found;
}

Status IsolationReport::Check() const {
  std::string failed;
  for (const IsolationAspect& aspect : aspects) {
    if (aspect.state == State::kFailed) failed += Text(failed.empty() ? "" : "; ", aspect.name, ": ", aspect.evidence);
  }
  if (failed.empty()) return OkStatus();
  return absl::FailedPreconditionError(Text("the sandbox does not hold on this machine: ", failed));
}

StatusOr<IsolationReport> TestIsolation(const Sandbox& sandbox) {
  StatusOr<std::string> probe = ReadAll(sandbox.settings().probe, kProbeBytes);
  if (!probe.ok()) return WithContext(probe.status(), "the sandbox's self-test needs anamnesis-sandbox-probe");
  ASSIGN_OR_RETURN(const StagingDirectory staging, StagingDirectory::Make());
  RETURN_IF_ERROR(staging.AddFile(kProbe + 1, *probe, true));
  const Tester tester(sandbox, staging);
  // One run that does nothing tells a machine without a sandbox from one with a hole.
  RETURN_IF_ERROR(tester.Run({"leave"}, tester.Limits()).status());
  const SandboxLimits& limits = sandbox.settings().limits;
  IsolationReport report;
  const IsolationAspect network = Asked(tester, "network", {"network"});
  report.aspects = {
      network,
      ClinicalPath(tester, network),
      Asked(tester, "host", {"host"}),
      Asked(tester, "filesystem", {"filesystem"}),
      Asked(tester, "system_calls", {"system_calls"}),
      Asked(tester, "memory", {"memory", Text(limits.address_space_bytes)}),
      MemoryTotal(tester),
      Asked(tester, "processes", {"processes", Text(limits.processes)}),
      Asked(tester, "files", {"files", Text(limits.file_bytes), Text(limits.result_bytes), Text(limits.scratch_bytes)}),
      Processor(tester),
      WallClock(tester),
      Descendants(tester),
      Output(tester)};
  return report;
}

}  // namespace anamnesis
