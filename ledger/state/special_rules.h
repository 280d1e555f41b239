#ifndef ANAMNESIS_LEDGER_STATE_SPECIAL_RULES_H_
#define ANAMNESIS_LEDGER_STATE_SPECIAL_RULES_H_

// The rules that compare values and so can't be annotations:
//
//   CHANGE-TEXT           a model version after the first says what changed (domain A01; IEC 62304 8.2.4)
//   CODE-DIRTY            the code was not all in version control (A04; IEC 62304 8.1.1)
//   CLASS-LOWERED         a class, an item's own or its parent's, is lowered with safety_class.lowered, which asks for
//                         a rationale, and not by moving the item (IEC 62304 4.3)
//   ALREADY-OVER          a role or delegation that had ended when it was given (21 CFR 11.10(d))
//   SPLIT-OVERLAP         a record or subject is in more than one part of a split (A50)
//   SPLIT-OVERLAP-UNKNOWN nobody computed the overlap (A50)
//   TRAINING-PARAMETERS   learning rate, batch size, epochs and early stopping are named (A47)
//   RELEASE-TESTED-VERSION a release and the test runs that it rests on name the same versions, where both name
//                         versions of one model, baseline, release or repository, or builds (A31; IEC 62304 5.8.1)
//   REQUIREMENT-ACCEPTANCE a performance requirement has a metric, a comparator that compares and a value, and a unit
//                         or confidence (A21)
//   REVIEW-INDEPENDENT    a class C review has two reviewers that are not the author (A36)
//   DESIGN-MISMATCH       a test of an artifact that isn't what its detailed design says did not pass (A30)
//   DECISION-OPTIONS      the choice is one of the options considered (A37)
//   POLICY-KIND           a policy.adopted holds the document that its kind names
//   POLICY-PERIOD         a period of a retention policy has a length, and starts with a type of events about units
//   POLICY-REGIONS        the gate's policy and that on retention say the same of which countries belong where
//   ERASABLE              only recorded bodies of types with retention PERSONAL_DATA can be erased (GDPR Art. 17(3))
//   WEAK-DIGEST           a file is identified by MD5 or SHA-1, or not at all
//   LATE                  recorded later than the contemporaneity policy in force expects (A103, A104)
//   LATE-REASON           late and without a reason (A104)
//   FUTURE                said to have happened after it was recorded

#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Those of adaptation are in adaptation_rules.h, those of sealing datasets in dataset_rules.h, those of closing
// problems and changes in closing_rules.h.

// Adds what the event breaks to `broken`.
Status CheckSpecialRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken);
bool SpecialRulesReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_SPECIAL_RULES_H_
