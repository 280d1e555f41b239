// Envelopes signed, read and checked, and what is refused.

#include "client/interchange/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/interchange/dsse.h"
#include "client/interchange/names.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::interchange {
namespace {

using testing::HasSubstr;

// Made with Python's cryptography: ECDSA on P-256 over the DSSE encoding of kStatement, as cosign signs.
constexpr char kP256[] = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ953D5iBvPcQMSLTgs3/8hcStmtP
L5o/0AHsFXgTbXZqx+fYJkLvrbwWywWEDncSqEu/cvvIl65L58K5dYZ8sw==
-----END PUBLIC KEY-----
)";
constexpr char kP384[] = R"(-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEtNaMFJQ/YWNZ3d/K1dML4AxqfpoqjMFj
Aths/lSffdwDHy1ijScVM7iThtkyCwqUDmKFpLvP+4vXbinpfZUGiTOBFwu9ScDd
gEJZShe7z8+AXmovxgOH90WOGIvnrwjr
-----END PUBLIC KEY-----
)";
constexpr char kStatement[] =
    R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"weights.pt","digest":{"sha256":)"
    R"("abababababababababababababababababababababababababababababababab"}}],)"
    R"("predicateType":"https://slsa.dev/provenance/v1","predicate":{}})";
constexpr char kP256Signature[] =
    "MEUCIQCK+62mXWftG9ZSF27g5sSzK3VaaR38whSAsFevMUvPwgIgJgNKDSkCTksPxmD32oqCXjE9U8sF121OVmEw8GdOLOs=";

NamedKey Ed25519Key(char seed) {
  return {"attestor.example", *PrivateKey::FromSeed(std::string(PrivateKey::kSeedSize, seed))};
}

AttestorKey PublicOf(const NamedKey& key) { return *AttestorKey::FromVerifierKey(VerifierKeyOf(key).Format()); }

std::string EnvelopeText(std::string_view payload, std::string_view type, std::string_view signature) {
  return Text(R"({"payloadType": ")", type, R"(", "payload": ")", Base64Encode(payload),
              R"(", "signatures": [{"keyid": "k", "sig": ")", signature, R"("}]})");
}

TEST(EvidenceTest, WhatOneKeySignsIsReadWithIt) {
  const NamedKey key = Ed25519Key('a');
  const std::string envelope = SignEnvelope(kInTotoPayloadType, kStatement, key);
  const StatusOr<Evidence> evidence = ReadEvidence(envelope, {PublicOf(Ed25519Key('b')), PublicOf(key)});
  ASSERT_TRUE(evidence.ok()) << evidence.status();
  EXPECT_EQ(evidence->predicate_type, "https://slsa.dev/provenance/v1");
  ASSERT_EQ(evidence->subjects.size(), 1u);
  EXPECT_EQ(evidence->subjects[0].name, "weights.pt");
  EXPECT_EQ(evidence->subjects[0].digests[0].algorithm, "sha256");
  EXPECT_EQ(evidence->payload_digest, Sha256(kStatement));
  EXPECT_EQ(evidence->envelope_digest, Sha256(envelope));
  EXPECT_EQ(evidence->fingerprint, "ed25519:" + key.key.public_key().hex());
}

TEST(EvidenceTest, EcdsaOnP256AsCosignSigns) {
  const std::vector<AttestorKey> keys = {*AttestorKey::FromPem(kP256, "cosign.pub")};
  const StatusOr<Evidence> evidence = ReadEvidence(EnvelopeText(kStatement, kInTotoPayloadType, kP256Signature), keys);
  ASSERT_TRUE(evidence.ok()) << evidence.status();
  EXPECT_EQ(evidence->signer, "cosign.pub");
  EXPECT_THAT(evidence->fingerprint, HasSubstr("ecdsa-p256:"));

  std::string other = kStatement;
  other[other.find("weights")] = 'W';
  EXPECT_TRUE(
      absl::IsUnauthenticated(ReadEvidence(EnvelopeText(other, kInTotoPayloadType, kP256Signature), keys).status()));
}

TEST(EvidenceTest, EveryFlippedBitOfThePayloadOrTheSignatureIsRefused) {
  const NamedKey key = Ed25519Key('a');
  const std::vector<AttestorKey> keys = {PublicOf(key)};
  const StatusOr<Envelope> envelope = ParseEnvelope(SignEnvelope(kInTotoPayloadType, kStatement, key));
  ASSERT_TRUE(envelope.ok()) << envelope.status();
  ASSERT_TRUE(VerifyEnvelope(*envelope, keys).ok());
  for (std::string Envelope::*part : {&Envelope::payload, &Envelope::payload_type}) {
    for (size_t i = 0; i < ((*envelope).*part).size(); ++i) {
      Envelope damaged = *envelope;
      (damaged.*part)[i] = static_cast<char>((damaged.*part)[i] ^ 1);
      EXPECT_TRUE(absl::IsUnauthenticated(VerifyEnvelope(damaged, keys).status())) << i;
    }
  }
  for (size_t i = 0; i < envelope->signatures[0].bytes.size(); ++i) {
    Envelope damaged = *envelope;
    damaged.signatures[0].bytes[i] = static_cast<char>(damaged.signatures[0].bytes[i] ^ 1);
    EXPECT_TRUE(absl::IsUnauthenticated(VerifyEnvelope(damaged, keys).status())) << i;
  }
}

TEST(EvidenceTest, OneGoodSignatureAmongOthersIsEnough) {
  const NamedKey key = Ed25519Key('a');
  StatusOr<Envelope> envelope = ParseEnvelope(SignEnvelope(kInTotoPayloadType, kStatement, key));
  ASSERT_TRUE(envelope.ok());
  envelope->signatures.insert(envelope->signatures.begin(), {"somebody", std::string(64, 'x')});
  EXPECT_TRUE(VerifyEnvelope(*envelope, {PublicOf(key)}).ok());
}

TEST(EvidenceTest, TheUrlSafeAlphabetIsRead) {
  const NamedKey key = Ed25519Key('c');
  std::string envelope = SignEnvelope(kInTotoPayloadType, kStatement, key);
  for (char& c : envelope) c = c == '+' ? '-' : c;
  // Only within base64: "/" is in the payload type too.
  const size_t sig = envelope.find("\"sig\"");
  for (size_t i = sig; i < envelope.size(); ++i) envelope[i] = envelope[i] == '/' ? '_' : envelope[i];
  const size_t type = envelope.find("in-toto-json");
  ASSERT_NE(type, std::string::npos);
  envelope.replace(type, 12, "in-toto+json");
  EXPECT_TRUE(ReadEvidence(envelope, {PublicOf(key)}).ok());
}

struct Refused {
  const char* what;
  std::string envelope;
  absl::StatusCode code;
  const char* reason;
};

TEST(EvidenceTest, RefusalsSayWhy) {
  const NamedKey key = Ed25519Key('a');
  const auto signed_text = [&](std::string_view payload) { return SignEnvelope(kInTotoPayloadType, payload, key); };
  const std::string no_digest =
      R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{}}],"predicateType":"p"})";
  const std::vector<Refused> all = {
      {"no JSON", "hello", absl::StatusCode::kInvalidArgument, "is not JSON"},
      {"a list", "[]", absl::StatusCode::kInvalidArgument, "no JSON object"},
      {"a bare Statement", kStatement, absl::StatusCode::kUnauthenticated, "without a signature"},
      {"unsigned", R"({"payloadType": "t", "payload": "", "signatures": []})", absl::StatusCode::kUnauthenticated,
       "there is none"},
      {"no signatures", R"({"payloadType": "t", "payload": ""})", absl::StatusCode::kUnauthenticated, "there is none"},
      {"not base64", R"({"payloadType": "t", "payload": "%%%", "signatures": [{"sig": ""}]})",
       absl::StatusCode::kInvalidArgument, "payload: is not base64"},
      {"another's", SignEnvelope(kInTotoPayloadType, kStatement, Ed25519Key('b')), absl::StatusCode::kUnauthenticated,
       "is by attestor.example"},
      {"another payload type", SignEnvelope("text/plain", kStatement, key), absl::StatusCode::kInvalidArgument,
       "payloadType"},
      {"no Statement", signed_text(R"({"_type": "https://example.com"})"), absl::StatusCode::kInvalidArgument, "_type"},
      {"no predicate type", signed_text(R"({"_type":"https://in-toto.io/Statement/v1"})"),
       absl::StatusCode::kInvalidArgument, "predicateType"},
      {"no subject", signed_text(R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"p","subject":[]})"),
       absl::StatusCode::kInvalidArgument, "payload.subject"},
      {"a subject without digest", signed_text(no_digest), absl::StatusCode::kInvalidArgument, "subject[0].digest"},
      {"no JSON inside", signed_text("hello"), absl::StatusCode::kInvalidArgument, "is not JSON"},
  };
  for (const Refused& refused : all) {
    const StatusOr<Evidence> evidence = ReadEvidence(refused.envelope, {PublicOf(key)});
    EXPECT_EQ(evidence.status().code(), refused.code) << refused.what << ": " << evidence.status();
    EXPECT_THAT(std::string(evidence.status().message()), HasSubstr(refused.reason)) << refused.what;
  }
  std::string many = R"({"payloadType": "t", "payload": "", "signatures": [{"sig": ""})";
  for (size_t i = 0; i < kEnvelopeSignaturesMax; ++i) many += R"(, {"sig": ""})";
  EXPECT_TRUE(absl::IsInvalidArgument(ParseEnvelope(many + "]}").status()));
}

TEST(AttestorKeyTest, OnlyThoseTwoKinds) {
  EXPECT_THAT(std::string(AttestorKey::FromPem(kP384, "big.pub").status().message()), HasSubstr("big.pub"));
  EXPECT_TRUE(absl::IsInvalidArgument(AttestorKey::FromPem("-----BEGIN", "cut.pub").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(AttestorKey::FromPem(std::string(20'000, 'x'), "large.pub").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(AttestorKey::FromVerifierKey("name+id").status()));
}

TEST(NamesTest, HostileIdsStayOneSegment) {
  v1::EntityRef entity;
  entity.set_kind("model");
  entity.set_id("../a b\"<script>/é@x\n");
  entity.set_version("1@2");
  EXPECT_EQ(EntityUri("acme.example/ledger", entity),
            "anamnesis:acme.example/ledger/model/..%2Fa%20b%22%3Cscript%3E%2F%C3%A9%40x%0A@1%402");
  EXPECT_EQ(LeafUri("acme.example/ledger", 12), "anamnesis:acme.example/ledger/leaf/12");
  EXPECT_EQ(DerivedUuid("x"), DerivedUuid("x"));
  EXPECT_NE(DerivedUuid("x"), DerivedUuid("y"));
}

TEST(EvidenceTest, OfOnesOwnEnvelopeEveryByteCounts) {
  const NamedKey key = Ed25519Key('a');
  const std::string envelope = SignEnvelope(kInTotoPayloadType, kStatement, key);
  ASSERT_TRUE(ReadOwnEvidence(envelope, {PublicOf(key)}).ok());
  for (size_t i = 0; i < envelope.size(); ++i) {
    for (const int mask : {0x01, 0x20}) {
      std::string other = envelope;
      other[i] = static_cast<char>(other[i] ^ mask);
      EXPECT_FALSE(ReadOwnEvidence(other, {PublicOf(key)}).ok()) << i << ": " << other;
    }
  }
  // What DSSE allows and nothing of it signs.
  const std::string bytes = ParseEnvelope(envelope)->signatures[0].bytes;
  const std::string compact = EnvelopeText(kStatement, kInTotoPayloadType, Base64Encode(bytes));
  EXPECT_TRUE(ReadEvidence(compact, {PublicOf(key)}).ok());
  EXPECT_THAT(ReadOwnEvidence(compact, {PublicOf(key)}).status().message(), HasSubstr("keyid"));
  EXPECT_THAT(ReadOwnEvidence(envelope + " ", {PublicOf(key)}).status().message(), HasSubstr("the form"));
}

}  // namespace
}  // namespace anamnesis::interchange
