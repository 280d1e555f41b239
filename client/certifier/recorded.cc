#include "client/certifier/recorded.h"

#include <functional>

#include "anamnesis/v1/vocabulary_software.pb.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

constexpr uint64_t kPage = 1000;
// Items above items; the ledger's own fold stops there too.
constexpr int kItemDepthMax = 64;

// The newest event of the type that `wanted` takes.
StatusOr<std::optional<v1::Event>> FindNewest(LedgerClient& client, std::string_view type,
                                              const std::function<bool(const v1::Event&)>& wanted) {
  v1::ReadRequest request;
  request.set_direction(v1::ReadRequest::BACKWARDS);
  request.set_type(std::string(type));
  request.set_limit(kPage);
  request.set_include_bodies(true);
  for (;;) {
    std::optional<v1::Event> found;
    uint64_t count = 0, lowest = 0;
    RETURN_IF_ERROR(client.Read(request, [&](const v1::ReadResponse& response) {
      if (!response.has_event()) return true;
      ++count;
      lowest = response.event().index();
      if (!wanted(response.event())) return true;
      found = response.event();
      return false;
    }));
    if (found || count < kPage || lowest == 0) return found;
    request.set_from(lowest - 1);
  }
}

bool Refers(const v1::EventHeader& header, std::string_view role, std::string_view id, std::string_view version) {
  const v1::EntityRef* ref = FindReference(header, role);
  return ref != nullptr && ref->id() == id && ref->version() == version;
}

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

template <typename Body>
StatusOr<Recorded<Body>> FindDefinition(LedgerClient& client, std::string_view type, std::string_view role,
                                        const VersionedName& name) {
  ASSIGN_OR_RETURN(const std::optional<v1::Event> event, FindNewest(client, type, [&](const v1::Event& candidate) {
                     return Refers(candidate.header(), role, name.id, name.version);
                   }));
  if (!event) {
    return absl::NotFoundError(Text("no ", type, " of ", name.text(), " is recorded; record it before certifying"));
  }
  return Unpacked<Body>(*event, type);
}

// The class that was last assigned to the item itself.
StatusOr<v1::SoftwareSafetyClass> AssignedClass(LedgerClient& client, const std::string& item) {
  const auto of_item = [&](const v1::Event& event) { return Refers(event.header(), "item", item, ""); };
  ASSIGN_OR_RETURN(const std::optional<v1::Event> assigned, FindNewest(client, "safety_class.assigned", of_item));
  ASSIGN_OR_RETURN(const std::optional<v1::Event> lowered, FindNewest(client, "safety_class.lowered", of_item));
  if (lowered && (!assigned || assigned->index() < lowered->index())) {
    ASSIGN_OR_RETURN(const auto event, Unpacked<v1::SafetyClassLowered>(*lowered, "safety_class.lowered"));
    return event.body.safety_class();
  }
  if (!assigned) return v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  ASSIGN_OR_RETURN(const auto event, Unpacked<v1::SafetyClassAssigned>(*assigned, "safety_class.assigned"));
  return event.body.safety_class();
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
  return FindDefinition<v1::SandboxProtocolApproved>(client, "sandbox_protocol.approved", "protocol", name);
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
  std::string id = item;
  for (int depth = 0; !id.empty() && depth < kItemDepthMax; ++depth) {
    ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass assigned, AssignedClass(client, id));
    if (assigned != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED) return assigned;
    ASSIGN_OR_RETURN(const std::optional<v1::Event> identified,
                     FindNewest(client, "software_item.identified",
                                [&](const v1::Event& event) { return Refers(event.header(), "item", id, ""); }));
    const v1::EntityRef* parent = identified ? FindReference(identified->header(), "parent") : nullptr;
    id = parent == nullptr ? "" : parent->id();
  }
  return v1::SOFTWARE_SAFETY_CLASS_C;
}

}  // namespace anamnesis
