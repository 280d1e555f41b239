#ifndef ANAMNESIS_CLIENT_INTERCHANGE_IN_TOTO_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_IN_TOTO_H_

// Events and decisions as in-toto Statements v1 (https://in-toto.io/Statement/v1), unsigned.
//
//   - A decision of the gate is a SLSA Verification Summary v1 about the artifact's bytes.
//   - model.registered, artifact.produced and build.completed are SLSA Provenance v1 about the files with a digest:
//   what
//     they were made of, and of a model how it was trained, as `explain` says it.
//   - test_run.completed, evaluation.completed and sandbox_run.completed are in-toto test-result v0.1 about what was
//     tested, where the record says PASS or FAIL and has a digest of it.
//   - Every other event, and those of the above that lack what is said there, have the predicate type
//     "anamnesis:predicate/event/v1" and are about the leaf's bytes: "event" has the header's facts, "body" is PRESENT
//     or ERASED, "fields" are the body's as names and values, without signatures and personal data.
//
// Every predicate has the member "anamnesis_ledger" (citation.h). An event that was retracted or replaced by the size
// asked for is always told in the last form, with "standing": "RETRACTED_OR_REPLACED".

#include <string>
#include <string_view>

#include "client/interchange/ledger_view.h"
#include "ledger/base/status.h"

namespace anamnesis::interchange {

inline constexpr std::string_view kStatementType = "https://in-toto.io/Statement/v1";
inline constexpr std::string_view kEventPredicate = "anamnesis:predicate/event/v1";

// `name`: a leaf's index, an event's id, or a decision's. One line of JSON. NOT_FOUND: there is none below the view's
// size. DATA_LOSS: a decision that is another one when it is computed again.
StatusOr<std::string> StatementOf(LedgerView& view, std::string_view name);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_IN_TOTO_H_
