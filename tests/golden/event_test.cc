// header.json, body.json, seal.json, event_types.json and the framing in leaf.json.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ledger/crypto/pae.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/event/vocabulary.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

std::vector<Digest> Digests(const json& list) {
  std::vector<Digest> digests;
  for (const json& hex : list) digests.push_back(Digest::FromBytes(Bytes(hex)).value());
  return digests;
}

TEST(GoldenTest, HeadersSerialiseToTheSameBytesAndDigests) {
  const json cases = ReadGolden("header.json");
  ASSERT_GE(cases.size(), 13u);
  for (const json& item : cases) {
    SCOPED_TRACE(item["name"].get<std::string>());
    const auto header = FromJson<v1::EventHeader>(item["header"]);
    EXPECT_EQ(HexEncode(header.SerializeAsString()), item["serialized"].get<std::string>());
    EXPECT_EQ(Sha256(header.SerializeAsString()).hex(), item["digest"].get<std::string>());
    const StatusOr<ParsedHeader> parsed = ParseHeader(Bytes(item["serialized"]));
    if (!parsed.ok()) continue;
    EXPECT_EQ(parsed->digest.hex(), item["digest"].get<std::string>());
    EXPECT_EQ(parsed->fields.SerializeAsString(), header.SerializeAsString());
  }
}

TEST(GoldenTest, BodyCommitments) {
  const json cases = ReadGolden("body.json");
  ASSERT_FALSE(cases.empty());
  for (const json& item : cases) {
    EXPECT_EQ(BodyCommitment(Bytes(item["nonce"]), Bytes(item["body"])).hex(), item["commitment"].get<std::string>())
        << item["name"];
  }
}

TEST(GoldenTest, Seals) {
  const json cases = ReadGolden("seal.json");
  ASSERT_EQ(cases.size(), 5u);
  for (const json& item : cases) {
    SCOPED_TRACE(item["name"].get<std::string>());
    std::vector<std::string> owned;
    for (const json& header : item["headers"]) owned.push_back(Bytes(header));
    const std::vector<std::string_view> headers(owned.begin(), owned.end());
    const Digest root = RunRoot(headers);
    EXPECT_EQ(root.hex(), item["run_root"].get<std::string>());

    const auto statement = FromJson<v1::SealStatement>(item["statement_fields"]);
    EXPECT_EQ(HexEncode(statement.SerializeAsString()), item["statement"].get<std::string>());
    EXPECT_EQ(kSealPayloadType, item["payload_type"].get<std::string>());
    EXPECT_EQ(HexEncode(DssePae(kSealPayloadType, Bytes(item["statement"]))), item["pae"].get<std::string>());

    const PrivateKey key = KeyFromGolden(item["seed"]);
    EXPECT_EQ(key.public_key().hex(), item["public_key"].get<std::string>());
    const v1::Seal seal = MakeSeal(key, statement.origin(), statement.stream(), statement.first_position(), headers,
                                   Timestamp(statement.sealed_at_us()));
    EXPECT_EQ(HexEncode(seal.statement()), item["statement"].get<std::string>());
    EXPECT_EQ(HexEncode(seal.signature()), item["signature"].get<std::string>());

    const StatusOr<ParsedSeal> verified = VerifySeal({seal.statement(), seal.signature()});
    ASSERT_TRUE(verified.ok()) << verified.status();
    EXPECT_TRUE(
        CheckSealFitsRun(*verified, statement.origin(), statement.stream(), statement.first_position(), headers).ok());
    for (const json& path : item["paths"]) {
      const uint64_t index = path["index"];
      EXPECT_TRUE(VerifyInclusion(LeafHash(headers[index]), LeafIndex(index), TreeSize(headers.size()),
                                  Digests(path["path"]), root)
                      .ok())
          << index;
    }
  }
}

TEST(GoldenTest, LeafFraming) {
  for (const json& item : ReadGolden("leaf.json")["leaves"]) {
    SCOPED_TRACE(item["name"].get<std::string>());
    const std::string header = Bytes(item["header"]);
    const std::string statement = Bytes(item["statement"]);
    const std::string signature = Bytes(item["signature"]);
    std::optional<SealView> seal;
    if (!signature.empty()) seal = SealView{statement, signature};
    const Timestamp recorded(item["recorded_at_us"].get<int64_t>());
    const std::string leaf = EncodeLeaf(recorded, header, seal);
    EXPECT_EQ(HexEncode(leaf), item["leaf"].get<std::string>());
    EXPECT_EQ(LeafHash(leaf).hex(), item["leaf_hash"].get<std::string>());
    const StatusOr<LeafView> view = ParseLeaf(leaf);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->recorded, recorded);
    EXPECT_EQ(view->header, header);
    ASSERT_EQ(view->seal.has_value(), seal.has_value());
    if (seal.has_value()) {
      EXPECT_EQ(view->seal->statement, statement);
      EXPECT_EQ(view->seal->signature, signature);
    }
  }
}

TEST(GoldenTest, EveryEventTypeHasAGoldenThatParsesAndSerialisesToTheSameBytes) {
  std::set<std::pair<std::string, uint32_t>> seen;
  for (const json& item : ReadGolden("event_types.json")) {
    const std::string name = item["name"];
    const uint32_t version = item["schema_version"];
    SCOPED_TRACE(name);
    seen.insert({name, version});
    const EventType* type = Vocabulary::Get().Find(name, version);
    ASSERT_NE(type, nullptr);
    EXPECT_EQ(type->options->ledger_decided(), item["ledger_decided"].get<bool>());
    EXPECT_EQ(type->body->name(), item["body_message"].get<std::string>());

    const std::unique_ptr<google::protobuf::Message> from_json = NewBody(*type);
    const auto status = google::protobuf::util::JsonStringToMessage(item["body"].dump(), from_json.get());
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(HexEncode(from_json->SerializeAsString()), item["body_bytes"].get<std::string>());

    const StatusOr<std::unique_ptr<google::protobuf::Message>> body = ParseBody(*type, Bytes(item["body_bytes"]));
    ASSERT_TRUE(body.ok()) << body.status();
    EXPECT_EQ(HexEncode((*body)->SerializeAsString()), item["body_bytes"].get<std::string>());

    EXPECT_EQ(HexEncode(FromJson<v1::EventHeader>(item["header"]).SerializeAsString()),
              item["header_bytes"].get<std::string>());
    const StatusOr<ParsedHeader> header = ParseHeader(Bytes(item["header_bytes"]));
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->digest.hex(), item["header_digest"].get<std::string>());
    EXPECT_EQ(header->body_commitment, BodyCommitment(Bytes(item["nonce"]), Bytes(item["body_bytes"])));
    EXPECT_EQ(header->fields.body_size(), Bytes(item["body_bytes"]).size());
    const Status valid = ValidateHeader(*type, header->fields);
    EXPECT_TRUE(valid.ok()) << valid;
  }
  for (const EventType* type : Vocabulary::Get().All()) {
    EXPECT_TRUE(seen.contains({type->name(), type->options->schema_version()})) << type->name() << " has no golden";
  }
}

}  // namespace
}  // namespace anamnesis
