#include "client/certifier/recorded.h"

#include "anamnesis/v1/question.pb.h"

namespace anamnesis {
namespace {

template <typename Body>
StatusOr<Recorded<Body>> Unpacked(const v1::Event& event, std::string_view type) {
  Recorded<Body> recorded;
  recorded.index = event.index();
  recorded.header = event.header();
  if (event.body_state() != v1::BODY_PRESENT || !event.content().UnpackTo(&recorded.body)) {
    return absl::FailedPreconditionError(Text(type, " at leaf ", event.index(), " has no body any more"));
  }
  return recorded;
}

// The event that defines the version and still counts, by the ledger's own account of it.
template <typename Body>
StatusOr<Recorded<Body>> FindDefinition(LedgerClient& client, std::string_view type, std::string_view kind,
                                        const VersionedName& name) {
  v1::Question question;
  v1::EntityRef& entity = *question.mutable_status()->mutable_entity();
  entity.set_kind(std::string(kind));
  entity.set_id(name.id);
  entity.set_version(name.version);
  question.mutable_status()->set_limit(1);
  const StatusOr<v1::Answer> answer = client.Ask(question);
  if (!answer.ok() && !absl::IsNotFound(answer.status())) return answer.status();
  if (answer.ok()) {
    for (const v1::StatusAnswer::Version& version : answer->status().versions()) {
      if (version.version() != name.version || !version.has_defined()) continue;
      v1::GetEventRequest request;
      request.set_index(version.defined().index());
      ASSIGN_OR_RETURN(const v1::Event event, client.GetEvent(request));
      return Unpacked<Body>(event, type);
    }
  }
  return absl::NotFoundError(Text("no ", type, " of ", name.text(), " is recorded; record it before certifying"));
}

}  // namespace

StatusOr<VersionedName> VersionedName::Parse(std::string_view field, std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == text.size()) {
    return absl::InvalidArgumentError(Text(field, ": \"", text, "\" is not ID@VERSION"));
  }
  return VersionedName{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

StatusOr<Recorded<v1::SandboxProtocolApproved>> FindProtocol(LedgerClient& client, const VersionedName& name) {
  return FindDefinition<v1::SandboxProtocolApproved>(client, "sandbox_protocol.approved", "sandbox_protocol", name);
}

StatusOr<Recorded<v1::TestCaseApproved>> FindTestCase(LedgerClient& client, const VersionedName& name) {
  return FindDefinition<v1::TestCaseApproved>(client, "test_case.approved", "test_case", name);
}

StatusOr<Recorded<v1::ArtifactProduced>> FindArtifact(LedgerClient& client, const VersionedName& name) {
  return FindDefinition<v1::ArtifactProduced>(client, "artifact.produced", "artifact", name);
}

StatusOr<Recorded<v1::EnvelopeApproved>> FindEnvelope(LedgerClient& client, const VersionedName& name) {
  return FindDefinition<v1::EnvelopeApproved>(client, "envelope.approved", "envelope", name);
}

StatusOr<v1::SoftwareSafetyClass> ClassOfItem(LedgerClient& client, const std::string& item) {
  if (item.empty()) return v1::SOFTWARE_SAFETY_CLASS_C;
  v1::Question question;
  v1::EntityRef& entity = *question.mutable_completeness()->mutable_item();
  entity.set_kind("software_item");
  entity.set_id(item);
  const StatusOr<v1::Answer> answer = client.Ask(question);
  // Nothing names it, so nobody gave it a class.
  if (absl::IsNotFound(answer.status())) return v1::SOFTWARE_SAFETY_CLASS_C;
  RETURN_IF_ERROR(answer.status());
  return answer->completeness().safety_class();
}

}  // namespace anamnesis
