#ifndef ANAMNESIS_LEDGER_GATE_RULES_H_
#define ANAMNESIS_LEDGER_GATE_RULES_H_

// The rules G01 to G20 of domain.md C.5, each a function of the subject. Private to the room.

#include "ledger/base/status.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"

namespace anamnesis::gate {

// rules_unit.cc
Status JudgeKnown(Subject& s, Judgement& j);
Status JudgeIntegrity(Subject& s, Judgement& j);
Status JudgeBaseline(Subject& s, Judgement& j);
Status JudgeSubstrate(Subject& s, Judgement& j);
Status JudgeFallback(Subject& s, Judgement& j);
// rules_envelope.cc
Status JudgeEnvelope(Subject& s, Judgement& j);
// rules_certification.cc
Status JudgeCertification(Subject& s, Judgement& j);
Status JudgeSeparation(Subject& s, Judgement& j);
Status JudgeSignatures(Subject& s, Judgement& j);
Status JudgeGateClass(Subject& s, Judgement& j);
// rules_authorised.cc
Status JudgeChangeControl(Subject& s, Judgement& j);
Status JudgeChangePlan(Subject& s, Judgement& j);
Status JudgeClearance(Subject& s, Judgement& j);
// rules_controls.cc
Status JudgeRiskControls(Subject& s, Judgement& j);
// rules_evidence.cc
Status JudgeClassEvidence(Subject& s, Judgement& j);
Status JudgeAnomalies(Subject& s, Judgement& j);
Status JudgeDataLineage(Subject& s, Judgement& j);
// rules_regulatory.cc
Status JudgeNoHold(Subject& s, Judgement& j);
Status JudgeFreshness(Subject& s, Judgement& j);
Status JudgeIdentification(Subject& s, Judgement& j);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_RULES_H_
