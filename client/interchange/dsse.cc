#include "client/interchange/dsse.h"

#include <algorithm>

#include "client/importers/document.h"
#include "client/interchange/json.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/pae.h"

namespace anamnesis::interchange {
namespace {

// DSSE allows the standard and the URL-safe alphabet, and writers leave the padding of the latter out.
StatusOr<std::string> DecodeBase64(std::string text, std::string_view field) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text.push_back('=');
  StatusOr<std::string> bytes = Base64Decode(text);
  if (!bytes.ok()) return absl::InvalidArgumentError(Text(field, ": is not base64"));
  return bytes;
}

StatusOr<std::string> TextIn(const Document& object, std::string_view name, std::string_view field) {
  const Document* value = object.Find(name);
  if (value == nullptr || value->kind != Document::Kind::kString) {
    return absl::InvalidArgumentError(Text(field, ": is missing or no text; a DSSE envelope has it"));
  }
  return value->text;
}

StatusOr<Envelope::Signature> ParseSignature(const Document& item, size_t place) {
  const std::string field = Text("signatures[", place, "]");
  Envelope::Signature signature;
  ASSIGN_OR_RETURN(const std::string text, TextIn(item, "sig", field + ".sig"));
  ASSIGN_OR_RETURN(signature.bytes, DecodeBase64(text, field + ".sig"));
  if (const Document* id = item.Find("keyid"); id != nullptr) signature.key_id = id->text;
  return signature;
}

}  // namespace

std::string FormatEnvelope(const Envelope& envelope) {
  Json json;
  json["payloadType"] = envelope.payload_type;
  json["payload"] = Base64Encode(envelope.payload);
  json["signatures"] = Json::array();
  for (const Envelope::Signature& signature : envelope.signatures) {
    Json item;
    item["keyid"] = signature.key_id;
    item["sig"] = Base64Encode(signature.bytes);
    json["signatures"].push_back(std::move(item));
  }
  return DocumentText(json);
}

std::string SignEnvelope(std::string_view payload_type, std::string_view payload, const NamedKey& key) {
  const std::string signature(key.key.Sign(DssePae(payload_type, payload)).view());
  return FormatEnvelope({std::string(payload_type), std::string(payload), {{key.key.public_key().hex(), signature}}});
}

StatusOr<Envelope> ParseEnvelope(std::string_view json) {
  ASSIGN_OR_RETURN(const Document document, ParseJson(json));
  if (document.kind != Document::Kind::kMap) return absl::InvalidArgumentError("is no JSON object");
  if (document.Find("_type") != nullptr && document.Find("payload") == nullptr) {
    return absl::UnauthenticatedError(
        "is a bare Statement without a signature; only one in a DSSE envelope is evidence");
  }
  Envelope envelope;
  ASSIGN_OR_RETURN(envelope.payload_type, TextIn(document, "payloadType", "payloadType"));
  ASSIGN_OR_RETURN(const std::string payload, TextIn(document, "payload", "payload"));
  ASSIGN_OR_RETURN(envelope.payload, DecodeBase64(payload, "payload"));
  const Document* signatures = document.Find("signatures");
  if (signatures == nullptr || signatures->items.empty())
    return absl::UnauthenticatedError("signatures: there is none");
  if (signatures->items.size() > kEnvelopeSignaturesMax) {
    return absl::InvalidArgumentError(
        Text("signatures: are ", signatures->items.size(), "; at most ", kEnvelopeSignaturesMax, " are read"));
  }
  for (size_t i = 0; i < signatures->items.size(); ++i) {
    ASSIGN_OR_RETURN(Envelope::Signature signature, ParseSignature(signatures->items[i], i));
    envelope.signatures.push_back(std::move(signature));
  }
  return envelope;
}

StatusOr<const AttestorKey*> VerifyEnvelope(const Envelope& envelope, const std::vector<AttestorKey>& keys) {
  const std::string signed_bytes = DssePae(envelope.payload_type, envelope.payload);
  for (const AttestorKey& key : keys) {
    for (const Envelope::Signature& signature : envelope.signatures) {
      if (key.Verify(signed_bytes, signature.bytes).ok()) return &key;
    }
  }
  std::string known;
  for (const AttestorKey& key : keys) known += Text(known.empty() ? "" : ", ", key.name());
  std::string said;
  for (const Envelope::Signature& signature : envelope.signatures) {
    said += Text(said.empty() ? "" : ", ", signature.key_id.empty() ? "none" : "\"" + signature.key_id + "\"");
  }
  return absl::UnauthenticatedError(Text("none of its ", envelope.signatures.size(), " signatures is by ", known,
                                         " over this payload and type (keyids that it names: ", said, ")"));
}

}  // namespace anamnesis::interchange
