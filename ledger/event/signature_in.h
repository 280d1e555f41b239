#ifndef ANAMNESIS_LEDGER_EVENT_SIGNATURE_IN_H_
#define ANAMNESIS_LEDGER_EVENT_SIGNATURE_IN_H_

#include "anamnesis/v1/signature.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anamnesis {

// Where bodies of this type carry what a person signs with; nullptr for those that carry none.
const google::protobuf::FieldDescriptor* SignatureField(const google::protobuf::Descriptor& body);

// The signature that `body` carries, borrowed from it; nullptr when it carries none.
const v1::ElectronicSignature* SignatureIn(const google::protobuf::Message& body);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_SIGNATURE_IN_H_
