// note.json and keys.json.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/keys/key_file.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

std::string Str(const json& text) { return text.get<std::string>(); }

std::string Hex32(uint32_t value) {
  std::string bytes;
  AppendBigEndian32(bytes, value);
  return HexEncode(bytes);
}

Digest DigestOf(const json& hex) { return Digest::FromBytes(Bytes(hex)).value(); }

// What the checkpoints and the cosignature of note.json are verified with.
std::vector<VerifierKey> KnownKeys(const json& note) {
  return {VerifierKey::Parse(Str(note["verifier_key"])).value(),
          VerifierKey::Parse(Str(note["cosignature"]["verifier_key"])).value()};
}

TEST(GoldenNoteTest, CheckpointAndSignature) {
  const json note = ReadGolden("note.json");
  const Checkpoint checkpoint{Str(note["origin"]), TreeSize(note["size"]), DigestOf(note["root"])};
  EXPECT_EQ(FormatCheckpointText(checkpoint), Str(note["text"]));
  EXPECT_EQ(ParseCheckpointText(Str(note["text"])).value(), checkpoint);
  const PrivateKey key = KeyFromGolden(note["seed"]);
  const NoteSignature signature = SignNote(Str(note["text"]), checkpoint.origin, key);
  EXPECT_EQ(Hex32(signature.key_id), Str(note["key_id"]));
  EXPECT_EQ(FormatSignatureLine(signature), Str(note["note"]).substr(Str(note["text"]).size() + 1));
  EXPECT_EQ(FormatSignedNote({Str(note["text"]), {signature}}), Str(note["note"]));
  EXPECT_EQ(OpenCheckpoint(Str(note["note"]), KnownKeys(note)).value(), checkpoint);
  for (const json& item : note["checkpoints"]) {
    const Checkpoint other{Str(note["origin"]), TreeSize(item["size"]), DigestOf(item["root"])};
    EXPECT_EQ(FormatCheckpointText(other), Str(item["text"]));
    EXPECT_EQ(FormatSignedNote({Str(item["text"]), {SignNote(Str(item["text"]), other.origin, key)}}),
              Str(item["note"]));
    EXPECT_EQ(OpenCheckpoint(Str(item["note"]), KnownKeys(note)).value(), other);
  }
}

TEST(GoldenNoteTest, Cosignature) {
  const json note = ReadGolden("note.json");
  const json& item = note["cosignature"];
  const uint64_t seconds = item["time_s"];
  const std::string text = Str(note["text"]);
  EXPECT_EQ(CosignedMessage(text, seconds), Str(item["message"]));
  const NoteSignature cosignature = Cosign(text, Str(item["name"]), KeyFromGolden(item["seed"]), seconds);
  EXPECT_EQ(Hex32(cosignature.key_id), Str(item["key_id"]));
  const SignedNote both{text, {SignNote(text, Str(note["origin"]), KeyFromGolden(note["seed"])), cosignature}};
  EXPECT_EQ(FormatSignedNote(both), Str(item["note"]));
  const StatusOr<SignedNote> parsed = ParseSignedNote(Str(item["note"]));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, both);
  const StatusOr<std::vector<VerifierKey>> signers = VerifyNote(*parsed, KnownKeys(note));
  ASSERT_TRUE(signers.ok()) << signers.status();
  EXPECT_EQ(signers->size(), 2u);
  EXPECT_EQ(VerifyCosignature(text, cosignature, KnownKeys(note)[1]).value(), seconds);
}

TEST(GoldenNoteTest, ReceiptsVerifyAndAreWrittenAlike) {
  const json note = ReadGolden("note.json");
  for (const json& item : note["proofs"]) {
    SCOPED_TRACE(Str(item["name"]));
    const StatusOr<TlogProof> proof = ParseTlogProof(Str(item["tlog_proof"]));
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_EQ(proof->index.value, item["index"].get<uint64_t>());
    ASSERT_EQ(proof->hashes.size(), item["path"].size());
    for (size_t i = 0; i < proof->hashes.size(); ++i) EXPECT_EQ(proof->hashes[i].hex(), Str(item["path"][i]));
    EXPECT_EQ(FormatTlogProof(*proof), Str(item["tlog_proof"]));
    const StatusOr<Checkpoint> checkpoint = VerifyTlogProof(*proof, Bytes(item["leaf"]), KnownKeys(note));
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->size.value, item["size"].get<uint64_t>());
    EXPECT_FALSE(VerifyTlogProof(*proof, Bytes(item["leaf"]) + '\0', KnownKeys(note)).ok());
  }
}

TEST(GoldenNoteTest, RejectedNotesAreRejected) {
  const json note = ReadGolden("note.json");
  ASSERT_GE(note["rejected"].size(), 8u);
  for (const json& item : note["rejected"]) {
    EXPECT_FALSE(OpenCheckpoint(Str(item["note"]), KnownKeys(note)).ok()) << Str(item["name"]);
  }
}

TEST(GoldenKeysTest, KeyIdsVerifierKeysAndPrivateKeyTexts) {
  for (const json& item : ReadGolden("keys.json")) {
    const std::string name = Str(item["name"]);
    SCOPED_TRACE(name);
    const PrivateKey key = KeyFromGolden(item["seed"]);
    EXPECT_EQ(key.public_key().hex(), Str(item["public_key"]));
    EXPECT_EQ(Hex32(KeyId(name, KeyType::kEd25519, key.public_key())), Str(item["key_id"]));
    EXPECT_EQ(Hex32(KeyId(name, KeyType::kCosignature, key.public_key())), Str(item["cosignature_key_id"]));
    const NamedKey named{name, KeyFromGolden(item["seed"])};
    EXPECT_EQ(VerifierKeyOf(named).Format(), Str(item["verifier_key"]));
    EXPECT_EQ(CosignerKeyOf(named).Format(), Str(item["cosignature_verifier_key"]));
    EXPECT_EQ(FormatPrivateKey(named), Str(item["private_key"]));
    const StatusOr<NamedKey> parsed = ParsePrivateKey(Str(item["private_key"]));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->name, name);
    EXPECT_EQ(parsed->key.public_key(), key.public_key());
    EXPECT_EQ(VerifierKey::Parse(Str(item["verifier_key"])).value(), VerifierKeyOf(named));
  }
}

}  // namespace
}  // namespace anamnesis
