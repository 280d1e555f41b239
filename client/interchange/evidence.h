#ifndef ANAMNESIS_CLIENT_INTERCHANGE_EVIDENCE_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_EVIDENCE_H_

// Attestations of others taken in: a DSSE envelope with an in-toto Statement, its signature checked by a key that the
// importer names, becomes a document.referenced event. Reading is pure and safe for any input.

#include <string>
#include <string_view>
#include <vector>

#include "client/interchange/attestor_key.h"
#include "client/interchange/ledger_view.h"
#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/event/run_builder.h"

namespace anamnesis::interchange {

// The kind and the beginning of the id of the documents that attestations are recorded as; the rest is the SHA-256 of
// the payload, so that one Statement is one document, however its envelope is written.
inline constexpr std::string_view kDocumentKind = "document";
inline constexpr std::string_view kDocumentPrefix = "in-toto/";
inline constexpr size_t kSubjectsMax = 10'000;

struct Evidence {
  struct Digested {
    std::string algorithm;
    std::string hex;
  };
  struct Subject {
    std::string name;
    std::vector<Digested> digests;
  };

  std::string predicate_type;
  std::vector<Subject> subjects;
  // Of the envelope's bytes, as they were read, and of the payload that is signed.
  Digest envelope_digest;
  Digest payload_digest;
  // Who signed: the name and the fingerprint of the key.
  std::string signer;
  std::string fingerprint;

  std::string document_id() const { return std::string(kDocumentPrefix) + payload_digest.hex(); }
};

// UNAUTHENTICATED, with the reason, when the envelope is not signed by one of `keys`. INVALID_ARGUMENT when it is none,
// when its payload is no in-toto Statement (v1, or v0.1 with the same members), or when a subject has no digest.
StatusOr<Evidence> ReadEvidence(std::string_view envelope, const std::vector<AttestorKey>& keys);

// The same of an envelope as SignEnvelope writes it, to the byte. DSSE signs neither white space nor the order of
// members nor a keyid, so an envelope with others is refused: whoever verifies what this program wrote may rely on
// every byte. UNAUTHENTICATED also for any other form, and for more signatures than one.
StatusOr<Evidence> ReadOwnEvidence(std::string_view envelope, const std::vector<AttestorKey>& keys);

// The event that records it; `source` is where it was found. It refers to each entity of `about` with the digest that
// both the Statement and the ledger give for it (SHA-256 or SHA-512). FAILED_PRECONDITION, naming the entity, when no
// subject has a digest that the ledger gives for it or its files: the Statement is then about other bytes.
StatusOr<EventDraft> EvidenceDraft(LedgerView& view, const Evidence& evidence, std::string_view source,
                                   const std::vector<v1::EntityRef>& about);

// Whether the ledger has the document, in an event that still counts, and in such events everything that the draft says
// that it is about.
StatusOr<bool> IsRecorded(LedgerView& view, const EventDraft& draft);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_EVIDENCE_H_
