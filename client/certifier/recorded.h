#ifndef ANAMNESIS_CLIENT_CERTIFIER_RECORDED_H_
#define ANAMNESIS_CLIENT_CERTIFIER_RECORDED_H_

// What a certification needs of the ledger, asked of it through its API: the event that defines each thing and still
// counts, and the class of an item, as the gate will find them. It asks afresh each time; the ledger decides in the end
// whether what was read still holds. One thread.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/signature.pb.h"
#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"

namespace anamnesis {

template <typename Body>
struct Recorded {
  uint64_t index = 0;
  v1::EventHeader header;
  Body body;
};

// "ID@VERSION" of an entity.
struct VersionedName {
  std::string id;
  std::string version;

  // INVALID_ARGUMENT naming `field` unless both are there.
  static StatusOr<VersionedName> Parse(std::string_view field, std::string_view text);
  std::string text() const { return id + "@" + version; }
};

// Each is NOT_FOUND, saying what would have to be recorded first, when there is none, and FAILED_PRECONDITION when its
// body was erased.
StatusOr<Recorded<v1::SandboxProtocolApproved>> FindProtocol(LedgerClient& client, const VersionedName& name);
StatusOr<Recorded<v1::TestCaseApproved>> FindTestCase(LedgerClient& client, const VersionedName& name);
StatusOr<Recorded<v1::ArtifactProduced>> FindArtifact(LedgerClient& client, const VersionedName& name);
StatusOr<Recorded<v1::EnvelopeApproved>> FindEnvelope(LedgerClient& client, const VersionedName& name);

// The class of an item, or of the nearest item above it that has one; C for none and for an empty `item`.
StatusOr<v1::SoftwareSafetyClass> ClassOfItem(LedgerClient& client, const std::string& item);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CERTIFIER_RECORDED_H_
