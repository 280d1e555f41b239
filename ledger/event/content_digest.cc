#include "ledger/event/content_digest.h"

#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/event/field_path.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// 0 for an algorithm that this version doesn't know.
size_t BytesOf(v1::DigestAlgorithm algorithm) {
  switch (algorithm) {
    case v1::SHA256:
      return 32;
    case v1::SHA512:
      return 64;
    case v1::GIT_SHA1:
    case v1::SHA1:
      return 20;
    case v1::MD5:
      return 16;
    default:
      return 0;
  }
}

// Whether the bytes are what a reader of base64 makes of as many hexadecimal digits as `expected` bytes have.
bool WasHexadecimal(std::string_view value, size_t expected) {
  return value.size() * 2 == expected * 3 && HexDecode(Base64Encode(value)).ok();
}

Status CheckIn(const Message& message, const FieldPath& path) {
  if (message.GetDescriptor() == v1::ContentDigest::descriptor()) {
    const std::string why = WhyNoDigest(static_cast<const v1::ContentDigest&>(message));
    return why.empty() ? OkStatus() : Refuse(v1::SCHEMA, path.text(), why);
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      RETURN_IF_ERROR(CheckIn(reflection.GetMessage(message, field), {field->name(), &path}));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      RETURN_IF_ERROR(CheckIn(reflection.GetRepeatedMessage(message, field, i), {field->name(), &path, i}));
    }
  }
  return OkStatus();
}

}  // namespace

std::string WhyNoDigest(const v1::ContentDigest& digest) {
  const size_t expected = BytesOf(digest.algorithm());
  if (expected == 0) return "names no digest algorithm that this version knows";
  if (digest.value().size() == expected) return "";
  const std::string why =
      Text("has ", digest.value().size(), " bytes; ", v1::DigestAlgorithm_Name(digest.algorithm()), " has ", expected);
  if (!WasHexadecimal(digest.value(), expected)) return why;
  return Text(why, "; it looks hexadecimal, and is read as base64 here");
}

Status CheckDigests(const Message& body) { return CheckIn(body, {"body"}); }

}  // namespace anamnesis
