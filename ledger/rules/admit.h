#ifndef ANAMNESIS_LEDGER_RULES_ADMIT_H_
#define ANAMNESIS_LEDGER_RULES_ADMIT_H_

// Admission without state: everything about a run that can be checked from its own bytes. It is the expensive part
// (one signature check a run) and runs in parallel, before anything is ordered; a replica that receives a batch from
// another node runs it again before it stores the batch. What needs state is check_run.h's business. Pure; any thread.

#include <memory>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "google/protobuf/message.h"
#include "ledger/base/status.h"
#include "ledger/event/header.h"
#include "ledger/event/seal.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {

struct AdmittedEvent {
  ParsedHeader header;
  const EventType* type;
  std::unique_ptr<google::protobuf::Message> body;
};

// A run whose bytes are in order: parsed once, carried from here to commit.
struct AdmittedRun {
  v1::Run run;
  std::vector<AdmittedEvent> events;
  ParsedSeal seal;
  size_t bytes = 0;

  const std::string& stream() const { return events.front().header.fields.stream(); }
  StreamPosition first_position() const { return events.front().header.position(); }
};

// Takes the run over and checks limits, headers, chain within the run, commitments, schemas, references and seal.
// Refusals: MALFORMED, OVER_LIMIT, UNKNOWN_TYPE, SCHEMA, COMMITMENT_MISMATCH, CHAIN_BROKEN (within the run),
// SEAL_INVALID; each names the event's place in the run.
StatusOr<AdmittedRun> AdmitRun(v1::Run run, std::string_view origin);

// The run's size as limits count it: header, nonce and body bytes and the seal.
size_t RunBytes(const v1::Run& run);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_ADMIT_H_
