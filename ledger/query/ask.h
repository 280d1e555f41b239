#ifndef ANAMNESIS_LEDGER_QUERY_ASK_H_
#define ANAMNESIS_LEDGER_QUERY_ASK_H_

// QuestionService.Ask: every question is one function of (facts, question), which fills its part of the answer. Pure.

#include <string_view>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Answers over the first `size` leaves, or the question's known_size. Fails as question.proto says.
StatusOr<v1::Answer> Ask(const RowReader& rows, std::string_view origin, TreeSize size, const v1::Question& question);

// One each; `answer` holds what they have to say, and its notes may be added to. The leaves are taken from `facts`.
Status AnswerFindings(Facts& facts, const v1::FindingsQuestion& question, v1::Answer& answer);
Status AnswerExplain(Facts& facts, const v1::ExplainQuestion& question, v1::Answer& answer);
Status AnswerLineage(Facts& facts, const v1::LineageQuestion& question, v1::Answer& answer);
Status AnswerDiff(Facts& facts, const v1::DiffQuestion& question, v1::Answer& answer);
Status AnswerWhere(Facts& facts, const v1::WhereQuestion& question, v1::Answer& answer);
Status AnswerStatus(Facts& facts, const v1::StatusQuestion& question, v1::Answer& answer);
Status AnswerLint(Facts& facts, const v1::LintQuestion& question, v1::Answer& answer);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ASK_H_
