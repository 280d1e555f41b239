#include "ledger/event/signature_in.h"

namespace anamnesis {

const google::protobuf::FieldDescriptor* SignatureField(const google::protobuf::Descriptor& body) {
  const google::protobuf::FieldDescriptor* field = body.FindFieldByName("signature");
  const bool is_one =
      field != nullptr && !field->is_repeated() && field->message_type() == v1::ElectronicSignature::descriptor();
  return is_one ? field : nullptr;
}

const v1::ElectronicSignature* SignatureIn(const google::protobuf::Message& body) {
  const google::protobuf::FieldDescriptor* field = SignatureField(*body.GetDescriptor());
  if (field == nullptr || !body.GetReflection()->HasField(body, field)) return nullptr;
  return static_cast<const v1::ElectronicSignature*>(&body.GetReflection()->GetMessage(body, field));
}

}  // namespace anamnesis
