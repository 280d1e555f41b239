#ifndef ANAMNESIS_LEDGER_EVENT_CONTENT_DIGEST_H_
#define ANAMNESIS_LEDGER_EVENT_CONTENT_DIGEST_H_

// Whether a ContentDigest can be one: of an algorithm that this version knows, with as many bytes as that makes. Pure.

#include <string>

#include "anamnesis/v1/event.pb.h"
#include "google/protobuf/message.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Why it can't, for a person to read; empty when it can.
std::string WhyNoDigest(const v1::ContentDigest& digest);

// Of every digest in a body. SCHEMA refusal naming the field. Asked of what comes in only: what older versions recorded
// without asking is in the log, and is read as it is.
Status CheckDigests(const google::protobuf::Message& body);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_CONTENT_DIGEST_H_
