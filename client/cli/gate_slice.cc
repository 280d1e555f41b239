#include "client/cli/gate_slice.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <set>

#include "client/cli/gate_text.h"
#include "client/cli/json_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/receipts.h"
#include "client/cli/trust.h"
#include "client/cpp/writer.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/slice.h"

namespace anamnesis::cli {
namespace {

// "leaf-00000012", so that names are in the order of the log.
std::string NameOfLeaf(uint64_t index) {
  const std::string digits = Text(index);
  return Text("leaf-", std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0'), digits);
}

StatusOr<ExitStatus> WriteSlice(const Common& common, const std::string& decision, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  v1::Question question;
  question.mutable_gate_replay()->set_decision(decision);
  ASSIGN_OR_RETURN(const v1::Answer answer, client->Ask(question));
  const v1::GateReplayAnswer& replay = answer.gate_replay();
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::InvalidArgumentError(Text("--out: \"", directory, "\": ", error.message()));
  if (!std::filesystem::is_empty(directory, error)) {
    return absl::InvalidArgumentError(Text("--out: \"", directory, "\" is not empty"));
  }
  std::set<uint64_t> leaves(replay.slice().begin(), replay.slice().end());
  leaves.insert(replay.leaf().index());
  for (const uint64_t leaf : leaves) {
    RETURN_IF_ERROR(WriteReceipt(*client, leaf, Text(directory, "/", NameOfLeaf(leaf))).status());
  }
  if (common.json) {
    std::cout << "{\"decision\": " << Quoted(decision) << ", \"slice\": " << Quoted(directory)
              << ", \"leaves\": " << leaves.size() << "}\n";
  } else {
    std::cout << leaves.size() << " leaves with their proofs in " << directory << "\n";
  }
  return kDone;
}

// The receipts in the directory. INVALID_ARGUMENT when it can't be read or has none.
StatusOr<std::set<std::string>> ListSlice(const std::string& directory) {
  std::set<std::string> proofs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string path = entry.path().string();
    if (path.ends_with(kProofEnding)) proofs.insert(path);
  }
  if (error) return absl::InvalidArgumentError(Text("SLICE: \"", directory, "\": ", error.message()));
  if (proofs.empty()) return absl::InvalidArgumentError(Text("SLICE: \"", directory, "\": holds no receipts"));
  return proofs;
}

// The leaves, proven, in the order of the log: the records of an export, which a slice may be copied from, are named by
// their numbers alone.
StatusOr<std::vector<SliceLeaf>> ReadSlice(const std::set<std::string>& proofs, const Trust& trust) {
  std::vector<SliceLeaf> leaves;
  for (const std::string& proof : proofs) {
    StatusOr<CheckedReceipt> receipt = CheckReceipt(proof, trust);
    if (!receipt.ok()) return WithContext(receipt.status(), proof);
    const std::string base = proof.substr(0, proof.size() - kProofEnding.size());
    ASSIGN_OR_RETURN(std::string leaf, ReadFile(base + ".leaf"));
    ASSIGN_OR_RETURN(std::string body, ReadFile(base + ".body"));
    leaves.push_back({receipt->index, std::move(leaf), std::move(body)});
  }
  std::sort(leaves.begin(), leaves.end(), [](const SliceLeaf& a, const SliceLeaf& b) { return a.index < b.index; });
  return leaves;
}

// What a device knows of itself and of what it holds: a decision for anything else is none for it.
struct Device {
  std::string unit;
  std::string artifact_digest;
  std::string configuration_digest;
};

// What the decision is about that the device is not; empty when it is for the device.
std::string WhyNotFor(const Device& device, const SliceDecision& decision) {
  const v1::GateDecided& recorded = decision.recorded;
  if (decision.unit != device.unit) return Text("it is about unit ", decision.unit, ", not ", device.unit);
  if (recorded.artifact_digest() != device.artifact_digest) {
    return Text("it is about an artifact with sha256:", HexEncode(recorded.artifact_digest()));
  }
  if (recorded.configuration_digest() == device.configuration_digest) return "";
  return Text("it was made on another configuration, ", HexEncode(recorded.configuration_digest()));
}

Timestamp HoldsUntil(const v1::GateDecided& decision) {
  return Timestamp(decision.at_us() + static_cast<int64_t>(decision.time_to_live_s()) * 1'000'000);
}

// Why a device must not act on the decision; empty when it may.
std::vector<std::string> WhyNot(const SliceDecision& decision, const Device& device, Timestamp at) {
  std::vector<std::string> reasons;
  const v1::GateDecided& recorded = decision.recorded;
  const std::string not_for = WhyNotFor(device, decision);
  if (!not_for.empty()) reasons.push_back(Text("not for this device: ", not_for));
  if (!decision.identical) reasons.emplace_back("it is another decision than the one recorded");
  const Timestamp until = HoldsUntil(recorded);
  if (recorded.verdict() != v1::GateDecided::ALLOW) {
    reasons.push_back(Text("it denies the artifact: ", FailedRules(recorded)));
  } else if (at.us < recorded.at_us() || at > until) {
    reasons.push_back(Text("it holds until ", FormatTime(until), ", and it is ", FormatTime(at)));
  }
  return reasons;
}

void PrintVerified(const SliceDecision& decision, size_t leaves, const std::vector<std::string>& reasons) {
  v1::GateQuestion asked;
  *asked.mutable_artifact() = decision.artifact;
  asked.set_unit(decision.unit);
  PrintDecision(asked, decision.recorded);
  for (const std::string& reason : reasons) std::cout << Bad(reason) << "\n";
  if (!reasons.empty()) return;
  std::cout << Good(Text("verified: ", leaves,
                         " leaves are in the log, the decision follows from them, and it holds until ",
                         FormatTime(HoldsUntil(decision.recorded))))
            << "\n";
}

Status PrintVerifiedJson(const SliceDecision& decision, size_t leaves, const std::vector<std::string>& reasons) {
  ASSIGN_OR_RETURN(const std::string computed, ToJson(decision.computed, false));
  std::cout << "{\"verified\": " << JsonBool(reasons.empty()) << ", \"reasons\": " << JsonList(reasons)
            << ", \"leaves\": " << leaves << ", \"unit\": " << Quoted(decision.unit)
            << ", \"artifact\": " << Quoted(EntityKeyText(decision.artifact)) << ", \"holdsUntil\": \""
            << FormatTime(HoldsUntil(decision.recorded)) << "\", \"decision\": " << computed << "}\n";
  return OkStatus();
}

ExitStatus NotVerified(const Status& why, bool json) {
  if (json) {
    std::cout << "{\"verified\": false, \"reasons\": " << JsonList(std::vector<std::string>{Text(MessageOf(why))})
              << "}\n";
  } else {
    std::cout << Bad("NOT VERIFIED") << "  " << MessageOf(why) << "\n";
  }
  return kAnswerIsNo;
}

StatusOr<ExitStatus> VerifySlice(const std::string& directory, const TrustOptions& trusted, const Device& device,
                                 Timestamp at, bool json) {
  ASSIGN_OR_RETURN(const Trust trust, ReadTrust(trusted));
  ASSIGN_OR_RETURN(const std::set<std::string> proofs, ListSlice(directory));
  const StatusOr<std::vector<SliceLeaf>> leaves = ReadSlice(proofs, trust);
  if (!leaves.ok()) return NotVerified(leaves.status(), json);
  ASSIGN_OR_RETURN(const SliceDecision decision, DecideOnSlice(*leaves));
  const std::vector<std::string> reasons = WhyNot(decision, device, at);
  if (json) {
    RETURN_IF_ERROR(PrintVerifiedJson(decision, leaves->size(), reasons));
  } else {
    PrintVerified(decision, leaves->size(), reasons);
  }
  return reasons.empty() ? kDone : kAnswerIsNo;
}

}  // namespace

void AddSlice(CLI::App& gate) {
  struct Options {
    Common common;
    std::string decision;
    std::string out;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand("slice", "a decision with all that it takes to check it without the ledger");
  verb.footer("Example: anamnesis gate slice 0197... --out slice");
  verb.add_option("DECISION", options->decision, "the decision's id")->required();
  verb.add_option("--out", options->out, "a new directory")->required();
  AddLedgerOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return WriteSlice(options->common, options->decision, options->out); });
}

void AddVerifySlice(CLI::App& gate) {
  struct Options {
    TrustOptions trust;
    Common common;
    std::string slice;
    std::string at;
    std::string unit;
    std::string sha256;
    std::string configuration;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand(
      "verify",
      "on a device, offline: that a slice is of the log, that the decision follows from it and holds, and is for this");
  verb.footer(
      "Example: anamnesis gate verify slice --unit ICU-7 --sha256 e3b0... --configuration 9f86... --key \"$(cat "
      "ledger.vkey)\"");
  verb.add_option("SLICE", options->slice,
                  "the directory that `gate slice` wrote, or copies of a bundle's records of it")
      ->required();
  verb.add_option("--unit", options->unit, "this device")->transform(UnitId())->required();
  verb.add_option("--sha256", options->sha256, "of the artifact's bytes that it holds, hexadecimal")->required();
  verb.add_option("--configuration", options->configuration,
                  "the digest of its configuration, hexadecimal (anamnesis config UNIT --at TIME)")
      ->required();
  verb.add_option("--at", options->at, "when (RFC 3339 with zone); default: now, by this machine's clock");
  AddTrustOptions(verb, options->trust);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    Timestamp at = WallClockNow();
    if (!options->at.empty()) {
      ASSIGN_OR_RETURN(at, ParseTime(options->at));
    }
    Device device{options->unit, "", ""};
    ASSIGN_OR_RETURN(device.artifact_digest, ParseSha256("--sha256", options->sha256));
    ASSIGN_OR_RETURN(device.configuration_digest, ParseSha256("--configuration", options->configuration));
    return VerifySlice(options->slice, options->trust, device, at, options->common.json);
  });
}

}  // namespace anamnesis::cli
