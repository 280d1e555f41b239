#ifndef ANAMNESIS_LEDGER_GATE_ASK_GATE_H_
#define ANAMNESIS_LEDGER_GATE_ASK_GATE_H_

// The questions of question_gate.proto. Pure.

#include <optional>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Answers if it is one of them (query/ask.h, OtherQuestions); fails as question_gate.proto says.
std::optional<Status> AskGate(Facts& facts, const v1::Question& question, v1::Answer& answer);

// With `complete`, all that was recorded by the time asked about is among the facts.
Status AnswerGate(Facts& facts, const v1::GateQuestion& question, bool complete, v1::Answer& answer);
Status AnswerGateReplay(Facts& facts, const v1::GateReplayQuestion& question, v1::Answer& answer);
Status AnswerStanding(Facts& facts, const v1::StandingQuestion& question, v1::Answer& answer);
Status AnswerAdoption(Facts& facts, const v1::AdoptionQuestion& question, v1::Answer& answer);
Status AnswerArtifact(Facts& facts, const v1::ArtifactQuestion& question, v1::Answer& answer);

// INVALID_ARGUMENT naming `field` unless it is a version of an artifact.
Status CheckArtifact(std::string_view field, const v1::EntityRef& artifact);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_GATE_ASK_GATE_H_
