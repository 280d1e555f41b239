#ifndef ANAMNESIS_LEDGER_QUERY_ASK_H_
#define ANAMNESIS_LEDGER_QUERY_ASK_H_

// QuestionService.Ask: every question is one function of (facts, question), which fills its part of the answer. Pure.

#include <functional>
#include <optional>
#include <string_view>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Answers questions of rooms above this one; nullopt when the question is none of theirs.
using OtherQuestions =
    std::function<std::optional<Status>(Facts& facts, const v1::Question& question, v1::Answer& answer)>;

// Answers over the first `size` leaves, or the question's known_size. Fails as question.proto says.
StatusOr<v1::Answer> Ask(const RowReader& rows, std::string_view origin, TreeSize size, const v1::Question& question,
                         const OtherQuestions& others = {});

// One each; `answer` holds what they have to say, and its notes may be added to. The leaves are taken from `facts`.
Status AnswerFindings(Facts& facts, const v1::FindingsQuestion& question, v1::Answer& answer);
Status AnswerPolicy(Facts& facts, const v1::PolicyQuestion& question, v1::Answer& answer);
Status AnswerTrace(Facts& facts, const v1::TraceQuestion& question, v1::Answer& answer);
Status AnswerCompleteness(Facts& facts, const v1::CompletenessQuestion& question, v1::Answer& answer);
Status AnswerClauseIndex(Facts& facts, const v1::ClauseIndexQuestion& question, v1::Answer& answer);
Status AnswerContemporaneity(Facts& facts, const v1::ContemporaneityQuestion& question, v1::Answer& answer);
Status AnswerClocks(Facts& facts, const v1::ClocksQuestion& question, v1::Answer& answer);
Status AnswerSpecificity(Facts& facts, const v1::SpecificityQuestion& question, v1::Answer& answer);
Status AnswerSequencing(Facts& facts, const v1::SequencingQuestion& question, v1::Answer& answer);
Status AnswerClosureAudit(Facts& facts, const v1::ClosureAuditQuestion& question, v1::Answer& answer);
Status AnswerCoverage(Facts& facts, const v1::CoverageQuestion& question, v1::Answer& answer);
Status AnswerRetention(Facts& facts, const v1::RetentionQuestion& question, v1::Answer& answer);
Status AnswerWhoKnew(Facts& facts, const v1::WhoKnewQuestion& question, v1::Answer& answer);
Status AnswerTrainingRuns(Facts& facts, const v1::TrainingRunsQuestion& question, v1::Answer& answer);
Status AnswerMonitoring(Facts& facts, const v1::MonitoringQuestion& question, v1::Answer& answer);
Status AnswerRecords(Facts& facts, const v1::RecordsQuestion& question, v1::Answer& answer);
Status AnswerErasureReport(Facts& facts, const v1::ErasureReportQuestion& question, v1::Answer& answer);
Status AnswerExplain(Facts& facts, const v1::ExplainQuestion& question, v1::Answer& answer);
Status AnswerLineage(Facts& facts, const v1::LineageQuestion& question, v1::Answer& answer);
Status AnswerDiff(Facts& facts, const v1::DiffQuestion& question, v1::Answer& answer);
Status AnswerWhere(Facts& facts, const v1::WhereQuestion& question, v1::Answer& answer);
Status AnswerStatus(Facts& facts, const v1::StatusQuestion& question, v1::Answer& answer);
Status AnswerLint(Facts& facts, const v1::LintQuestion& question, v1::Answer& answer);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ASK_H_
