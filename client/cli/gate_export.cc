#include <iostream>

#include "absl/strings/escaping.h"
#include "client/cli/gate_slice.h"
#include "client/cli/gate_text.h"
#include "google/protobuf/struct.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/pae.h"
#include "ledger/crypto/sha256.h"
#include "ledger/keys/key_file.h"
#include "ledger/query/facts.h"

namespace anamnesis::cli {
namespace {

// in-toto's Statement v1 and DSSE's payload type for it; SLSA's Verification Summary (https://slsa.dev/spec/v1.0).
constexpr char kStatementType[] = "https://in-toto.io/Statement/v1";
constexpr char kPredicateType[] = "https://slsa.dev/verification_summary/v1";
constexpr char kPayloadType[] = "application/vnd.in-toto+json";

using google::protobuf::ListValue;
using google::protobuf::Struct;

Struct& ObjectIn(Struct& object, const std::string& name) {
  return *(*object.mutable_fields())[name].mutable_struct_value();
}
void Set(Struct& object, const std::string& name, const std::string& value) {
  (*object.mutable_fields())[name].set_string_value(value);
}
ListValue& ListIn(Struct& object, const std::string& name) {
  return *(*object.mutable_fields())[name].mutable_list_value();
}

// What the decision rests on, each leaf by the digest of its bytes.
Status AddInputs(LedgerClient& client, const v1::Answer& answer, ListValue& inputs) {
  std::set<uint64_t> leaves;
  for (const auto& result : answer.gate_replay().recorded().results()) {
    leaves.insert(result.evidence().begin(), result.evidence().end());
  }
  for (const uint64_t leaf : leaves) {
    v1::GetReceiptRequest request;
    request.set_index(leaf);
    ASSIGN_OR_RETURN(const v1::Receipt receipt, client.GetReceipt(request));
    Struct& input = *inputs.add_values()->mutable_struct_value();
    Set(input, "uri", Text("anamnesis:", answer.origin(), "/leaf/", leaf));
    Set(ObjectIn(input, "digest"), "sha256", Sha256(receipt.leaf()).hex());
  }
  return OkStatus();
}

StatusOr<std::string> StatementOf(LedgerClient& client, const v1::Answer& answer) {
  const v1::GateReplayAnswer& replay = answer.gate_replay();
  const v1::GateDecided& decision = replay.recorded();
  Struct statement;
  Set(statement, "_type", kStatementType);
  Set(statement, "predicateType", kPredicateType);
  Struct& subject = *ListIn(statement, "subject").add_values()->mutable_struct_value();
  Set(subject, "name", EntityKeyText(replay.asked().artifact()));
  Set(ObjectIn(subject, "digest"), "sha256", HexEncode(decision.artifact_digest()));
  Struct& predicate = ObjectIn(statement, "predicate");
  Set(ObjectIn(predicate, "verifier"), "id", Text("anamnesis:", answer.origin()));
  Set(predicate, "timeVerified", FormatTime(Timestamp(decision.at_us())));
  Set(predicate, "resourceUri",
      Text("anamnesis:", answer.origin(), "/device_unit/", replay.asked().unit(),
           "?jurisdiction=", decision.jurisdiction()));
  Set(ObjectIn(predicate, "policy"), "uri", Text("anamnesis:", answer.origin(), "/", decision.policy_version()));
  RETURN_IF_ERROR(AddInputs(client, answer, ListIn(predicate, "inputAttestations")));
  Set(predicate, "verificationResult", decision.verdict() == v1::GateDecided::ALLOW ? "PASSED" : "FAILED");
  for (const auto& result : decision.results()) {
    if (result.outcome() == v1::GateDecided::RuleResult::FAIL) continue;
    ListIn(predicate, "verifiedLevels").add_values()->set_string_value("ANAMNESIS_GATE_" + result.rule_id());
  }
  return ToJson(statement, false);
}

// DSSE (https://github.com/secure-systems-lab/dsse): the payload, and a signature over its encoding with its type.
StatusOr<std::string> EnvelopeOf(const std::string& payload, const NamedKey& key) {
  Struct envelope;
  const auto base64 = [](std::string_view bytes) {
    return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
  };
  Set(envelope, "payloadType", kPayloadType);
  Set(envelope, "payload", base64(payload));
  Struct& signature = *ListIn(envelope, "signatures").add_values()->mutable_struct_value();
  Set(signature, "keyid", HexEncode(key.key.public_key().view()));
  Set(signature, "sig", base64(key.key.Sign(DssePae(kPayloadType, payload)).view()));
  return ToJson(envelope, true);
}

}  // namespace

void AddExport(CLI::App& gate) {
  struct Options {
    Common common;
    std::string decision;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand(
      "export", "a decision as a SLSA Verification Summary: an in-toto Statement in DSSE, signed by the key given");
  verb.footer("Example: anamnesis gate export 0197... --as ada.key > decision.dsse.json");
  verb.add_option("DECISION", options->decision, "the decision's id")->required();
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options->common.key_file));
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    v1::Question question;
    question.mutable_gate_replay()->set_decision(options->decision);
    ASSIGN_OR_RETURN(const v1::Answer answer, client->Ask(question));
    if (!answer.gate_replay().identical()) {
      return absl::DataLossError("DECISION: computed again it is another decision; see gate replay");
    }
    ASSIGN_OR_RETURN(const std::string statement, StatementOf(*client, answer));
    ASSIGN_OR_RETURN(const std::string envelope, EnvelopeOf(statement, key));
    std::cout << envelope << "\n";
    return kDone;
  });
}

}  // namespace anamnesis::cli
