#include "client/interchange/evidence.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "client/importers/document.h"
#include "client/interchange/dsse.h"
#include "client/interchange/in_toto.h"
#include "ledger/base/bytes.h"
#include "ledger/base/shortened.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::interchange {
namespace {

constexpr std::string_view kStatementTypeBefore = "https://in-toto.io/Statement/v0.1";
// As vocabulary_record.proto has them.
constexpr size_t kTitleBytesMax = 1024;
constexpr size_t kLocatorBytesMax = 2048;
// The role of what a document is about.
constexpr std::string_view kAbout = "about";
// What leaves room for the rest of a title.
constexpr size_t kSubjectsInTitleBytes = 600;

bool IsText(const Document* value) { return value != nullptr && value->kind == Document::Kind::kString; }

StatusOr<Evidence::Subject> ReadSubject(const Document& item, size_t place) {
  Evidence::Subject subject;
  if (const Document* name = item.Find("name"); IsText(name)) subject.name = name->text;
  const Document* digests = item.Find("digest");
  if (digests != nullptr) {
    for (const Document::Member& member : digests->members) {
      if (IsText(&member.value)) subject.digests.push_back({member.name, member.value.text});
    }
  }
  if (!subject.digests.empty()) return subject;
  return absl::InvalidArgumentError(Text("subject[", place, "].digest: is missing; a Statement is about bytes"));
}

Status ReadStatement(std::string_view payload, Evidence& evidence) {
  ASSIGN_OR_RETURN(const Document statement, ParseJson(payload));
  const Document* type = statement.Find("_type");
  if (!IsText(type) || (type->text != kStatementType && type->text != kStatementTypeBefore)) {
    return absl::InvalidArgumentError(Text("payload._type: is not \"", kStatementType, "\""));
  }
  const Document* predicate = statement.Find("predicateType");
  if (!IsText(predicate) || predicate->text.empty()) {
    return absl::InvalidArgumentError("payload.predicateType: is missing");
  }
  evidence.predicate_type = predicate->text;
  const Document* subjects = statement.Find("subject");
  if (subjects == nullptr || subjects->items.empty() || subjects->items.size() > kSubjectsMax) {
    return absl::InvalidArgumentError(Text("payload.subject: must be a list of 1 to ", kSubjectsMax));
  }
  for (size_t i = 0; i < subjects->items.size(); ++i) {
    ASSIGN_OR_RETURN(Evidence::Subject subject, ReadSubject(subjects->items[i], i));
    evidence.subjects.push_back(std::move(subject));
  }
  return OkStatus();
}

std::string TitleOf(const Evidence& evidence) {
  std::string subjects;
  size_t told = 0;
  for (const Evidence::Subject& subject : evidence.subjects) {
    std::string text = Text(told == 0 ? "" : ", ", Shortened(subject.name, 100));
    for (const Evidence::Digested& digest : subject.digests) {
      text += Text(" ", Shortened(digest.algorithm, 20), ":", Shortened(digest.hex, 128));
    }
    if (told > 0 && subjects.size() + text.size() > kSubjectsInTitleBytes) break;
    subjects += Shortened(text, kSubjectsInTitleBytes);
    ++told;
  }
  if (told < evidence.subjects.size()) subjects += Text(" and ", evidence.subjects.size() - told, " more");
  return Shortened(Text("in-toto Statement ", Shortened(evidence.predicate_type, 150), " about ", subjects),
                   kTitleBytesMax - 8);
}

// --- What it is about ---

// The digest as in-toto's DigestSet would have it; only those that nobody can forge.
std::optional<Evidence::Digested> Strong(const v1::ContentDigest& digest) {
  if (digest.algorithm() == v1::SHA256) return Evidence::Digested{"sha256", HexEncode(digest.value())};
  if (digest.algorithm() == v1::SHA512) return Evidence::Digested{"sha512", HexEncode(digest.value())};
  return std::nullopt;
}

bool IsSubject(const Evidence& evidence, const v1::ContentDigest& digest) {
  const std::optional<Evidence::Digested> wanted = Strong(digest);
  if (!wanted.has_value()) return false;
  for (const Evidence::Subject& subject : evidence.subjects) {
    for (const Evidence::Digested& given : subject.digests) {
      std::string hex = given.hex;
      std::transform(hex.begin(), hex.end(), hex.begin(),
                     [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
      if (given.algorithm == wanted->algorithm && hex == wanted->hex) return true;
    }
  }
  return false;
}

// Digests of a message and of what is in it.
void CollectDigests(const google::protobuf::Message& message, std::vector<v1::ContentDigest>& found) {
  if (message.GetDescriptor() == v1::ContentDigest::descriptor()) {
    found.push_back(static_cast<const v1::ContentDigest&>(message));
    return;
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      CollectDigests(reflection.GetMessage(message, field), found);
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      CollectDigests(reflection.GetRepeatedMessage(message, field, i), found);
    }
  }
}

// What the ledger gives for the entity: the digest of its version, and those in the event that defines it.
StatusOr<std::vector<v1::ContentDigest>> RecordedDigests(LedgerView& view, const v1::EntityRef& entity) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = entity;
  question.mutable_status()->set_limit(1);
  ASSIGN_OR_RETURN(const v1::Answer answer, view.Ask(std::move(question)));
  std::vector<v1::ContentDigest> digests;
  for (const v1::StatusAnswer::Version& version : answer.status().versions()) {
    if (version.version() != entity.version()) continue;
    if (version.has_digest()) digests.push_back(version.digest());
    if (!version.has_defined()) continue;
    ASSIGN_OR_RETURN(const v1::Event* event, view.At(version.defined().index()));
    ASSIGN_OR_RETURN(const std::unique_ptr<google::protobuf::Message> body, BodyOf(*event));
    if (body != nullptr) CollectDigests(*body, digests);
  }
  return digests;
}

Status AddAbout(LedgerView& view, const Evidence& evidence, const v1::EntityRef& entity, EventDraft& draft) {
  ASSIGN_OR_RETURN(const std::vector<v1::ContentDigest> recorded, RecordedDigests(view, entity));
  for (const v1::ContentDigest& digest : recorded) {
    if (!IsSubject(evidence, digest)) continue;
    AddReference(draft, kAbout, entity.kind(), entity.id(), entity.version(), &digest);
    return OkStatus();
  }
  return absl::FailedPreconditionError(Text(
      "none of its ", evidence.subjects.size(), " subjects has a SHA-256 or SHA-512 ", "that the ledger gives for ",
      EntityKeyText(entity), ", for which it gives ", recorded.size(), " digests: it is about other bytes"));
}

}  // namespace

StatusOr<Evidence> ReadEvidence(std::string_view bytes, const std::vector<AttestorKey>& keys) {
  ASSIGN_OR_RETURN(const Envelope envelope, ParseEnvelope(bytes));
  // Nothing is read of a payload that nobody vouches for.
  ASSIGN_OR_RETURN(const AttestorKey* key, VerifyEnvelope(envelope, keys));
  if (envelope.payload_type != kInTotoPayloadType) {
    return absl::InvalidArgumentError(
        Text("payloadType: is \"", Shortened(envelope.payload_type, 100), "\", not \"", kInTotoPayloadType, "\""));
  }
  Evidence evidence;
  RETURN_IF_ERROR(ReadStatement(envelope.payload, evidence));
  evidence.envelope_digest = Sha256(bytes);
  evidence.payload_digest = Sha256(envelope.payload);
  evidence.signer = key->name();
  evidence.fingerprint = key->fingerprint();
  return evidence;
}

StatusOr<Evidence> ReadOwnEvidence(std::string_view envelope, const std::vector<AttestorKey>& keys) {
  ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(envelope, keys));
  ASSIGN_OR_RETURN(const Envelope parsed, ParseEnvelope(envelope));
  if (parsed.signatures.size() != 1) {
    return absl::UnauthenticatedError(
        Text("signatures: are ", parsed.signatures.size(), "; an envelope by anamnesis has one"));
  }
  if (evidence.fingerprint != "ed25519:" + parsed.signatures[0].key_id) {
    return absl::UnauthenticatedError("signatures[0].keyid: is not the key that signed");
  }
  if (FormatEnvelope(parsed) != envelope) {
    return absl::UnauthenticatedError(
        "is not in the form in which anamnesis writes an envelope: it was altered where "
        "nothing is signed (white space, the order or the spelling of members)");
  }
  return evidence;
}

StatusOr<EventDraft> EvidenceDraft(LedgerView& view, const Evidence& evidence, std::string_view source,
                                   const std::vector<v1::EntityRef>& about) {
  auto body = std::make_shared<v1::DocumentReferenced>();
  body->set_title(TitleOf(evidence));
  body->mutable_digest()->set_algorithm(v1::SHA256);
  body->mutable_digest()->set_value(evidence.envelope_digest.bytes());
  body->set_media_type("application/vnd.dsse.envelope.v1+json");
  body->set_locator(Shortened(source, kLocatorBytesMax - 8));
  v1::ContentDigest payload;
  payload.set_algorithm(v1::SHA256);
  payload.set_value(evidence.payload_digest.bytes());
  EventDraft draft;
  AddReference(draft, "document", kDocumentKind, evidence.document_id(), "", &payload);
  for (const v1::EntityRef& entity : about) RETURN_IF_ERROR(AddAbout(view, evidence, entity, draft));
  draft.header.set_rationale(Text("Signature by ", Shortened(evidence.signer, 255), " (", evidence.fingerprint,
                                  ") verified over the DSSE payload"));
  draft.body = std::move(body);
  return draft;
}

StatusOr<bool> IsRecorded(LedgerView& view, const EventDraft& draft) {
  v1::EntityRef document;
  document.set_kind(std::string(kDocumentKind));
  document.set_id(FindReference(draft.header, kDocumentKind)->id());
  std::set<std::string> lacking;
  for (const v1::EntityRef& ref : draft.header.refs()) {
    if (ref.role() == kAbout) lacking.insert(ref.SerializeAsString());
  }
  const StatusOr<std::vector<const v1::Event*>> recorded = view.EventsAbout(document, "document.referenced");
  if (absl::IsNotFound(recorded.status())) return false;
  RETURN_IF_ERROR(recorded.status());
  for (const v1::Event* event : *recorded) {
    for (const v1::EntityRef& ref : event->header().refs()) lacking.erase(ref.SerializeAsString());
  }
  return !recorded->empty() && lacking.empty();
}

}  // namespace anamnesis::interchange
