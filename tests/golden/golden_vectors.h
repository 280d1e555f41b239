#ifndef ANAMNESIS_TESTS_GOLDEN_GOLDEN_VECTORS_H_
#define ANAMNESIS_TESTS_GOLDEN_GOLDEN_VECTORS_H_

// The vectors of this directory (README.md), read as JSON.

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/ed25519.h"
#include "tests/support/places.h"

namespace anamnesis {

inline nlohmann::json ReadGolden(std::string_view name) {
  std::ifstream file(SourcePath(Text("tests/golden/vectors/", name)));
  EXPECT_TRUE(file.is_open()) << name;
  return nlohmann::json::parse(file);
}

// The bytes of a hexadecimal member.
inline std::string Bytes(const nlohmann::json& hex) { return HexDecode(hex.get<std::string>()).value(); }

// A protobuf message from its JSON mapping.
template <typename M>
M FromJson(const nlohmann::json& json) {
  M message;
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &message);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << json.dump();
  return message;
}

inline PrivateKey KeyFromGolden(const nlohmann::json& seed) { return PrivateKey::FromSeed(Bytes(seed)).value(); }

// A run of the small log: its "events", "statement" and "signature".
inline v1::Run RunFromGolden(const nlohmann::json& json) {
  v1::Run run;
  for (const nlohmann::json& event : json["events"]) {
    run.add_headers(Bytes(event["header_bytes"]));
    v1::Body& body = *run.add_bodies();
    body.set_nonce(Bytes(event["nonce"]));
    body.set_content(Bytes(event["body_bytes"]));
  }
  run.mutable_seal()->set_statement(Bytes(json["statement"]));
  run.mutable_seal()->set_signature(Bytes(json["signature"]));
  return run;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_GOLDEN_GOLDEN_VECTORS_H_
