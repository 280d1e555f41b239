#include "client/cli/artifact_text.h"

#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

std::string Cited(const v1::LeafReference& leaf) { return Dim(Text("  [", CitationText(leaf), "]")); }

void PrintLine(std::string_view name, std::string_view text) {
  std::cout << "  " << name << std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') << text << "\n";
}

void PrintDigest(std::string_view name, std::string_view sha256) {
  if (!sha256.empty()) PrintLine(name, Text("sha256:", HexEncode(sha256)));
}

std::string ParameterText(const v1::ArtifactProduced::Parameter& parameter) {
  std::string text = Text(parameter.dimension(), " ", parameter.value());
  if (!parameter.high().empty()) text += Text(" to ", parameter.high());
  for (const std::string& symbol : parameter.symbols()) text += Text(" ", symbol);
  return parameter.unit().empty() ? text : Text(text, " ", parameter.unit());
}

void PrintStructure(const v1::ArtifactAnswer& artifact) {
  const v1::ArtifactProduced& content = artifact.content();
  PrintDigest("bytes", artifact.sha256());
  PrintLine("kind", Text(Words(v1::ArtifactProduced::Kind_Name(content.kind())), " for ", content.surface(), ", ",
                         Words(v1::ArtifactProduced::Mode_Name(content.mode()))));
  for (const auto& parameter : content.parameters()) PrintLine("parameter", ParameterText(parameter));
  PrintDigest("baseline", content.baseline_digest());
  PrintDigest("substrate", content.substrate_digest());
  PrintDigest("local data", content.local_data_commitment());
  for (const v1::EntityRef& ref : artifact.bound()) PrintLine("bound to", ReferenceText(ref));
  PrintLine("produced", CitationText(artifact.produced()));
  const std::string& doubt = artifact.seal_doubtful_because();
  PrintLine("sealed by key", Text(HexEncode(artifact.seal_key()),
                                  doubt.empty() ? Good("  in force") : Bad(Text("  doubtful: it ", doubt))));
  PrintLine("kept", artifact.has_stored() ? CitationText(artifact.stored()) : "nothing recorded says where");
  if (artifact.has_revoked()) PrintLine("revoked", Bad(CitationText(artifact.revoked())));
}

void PrintCertification(const v1::ArtifactAnswer::Certification& entry) {
  if (!entry.has_certification()) {
    std::cout << "  " << Bad("refused") << Cited(entry.leaf()) << "\n";
    for (const std::string& reason : entry.reasons()) std::cout << "    " << reason << "\n";
  } else {
    std::cout << "  " << EntityKeyText(entry.certification()) << "  "
              << (entry.inactive_because().empty() ? Good("holds") : Bad(entry.inactive_because()))
              << Cited(entry.leaf()) << "\n";
  }
  for (const std::string& control : entry.controls()) std::cout << "    exercised risk control " << control << "\n";
  for (const auto& run : entry.test_runs()) {
    std::cout << "    test case " << run.test_case() << "  " << (run.passed() ? Good("passed") : Bad("did not pass"))
              << Cited(run.leaf()) << "\n";
  }
}

}  // namespace

void PrintArtifact(const v1::ArtifactAnswer& artifact) {
  const bool certified = artifact.verification() == v1::ArtifactAnswer::CERTIFIED;
  const std::string verification = Words(v1::ArtifactAnswer::Verification_Name(artifact.verification()));
  std::cout << Bold(EntityKeyText(artifact.artifact())) << "  " << (certified ? Good(verification) : Bad(verification))
            << "\n";
  PrintStructure(artifact);
  if (artifact.certifications_size() > 0) std::cout << "\nCertifications\n";
  for (const auto& entry : artifact.certifications()) PrintCertification(entry);
  if (artifact.decisions_size() > 0) std::cout << "\nDecisions of the gate\n";
  for (const auto& entry : artifact.decisions()) {
    std::string failed;
    for (const std::string& rule : entry.failed_rules()) failed += Text(failed.empty() ? "  by " : ", ", rule);
    std::cout << "  " << (entry.allowed() ? Good("allowed") : Bad("denied")) << " on unit " << entry.unit() << failed
              << Cited(entry.leaf()) << "\n";
  }
  if (artifact.activations_size() > 0) std::cout << "\nActivations\n";
  for (const auto& entry : artifact.activations()) {
    std::cout << "  unit " << entry.unit() << ", " << entry.surface() << Cited(entry.leaf()) << "\n";
  }
}

}  // namespace anamnesis::cli
