#include "ledger/query/ask.h"

#include <string>

namespace anamnesis {
namespace {

Status Fill(Facts& facts, const v1::Question& question, const OtherQuestions& others, v1::Answer& answer) {
  switch (question.about_case()) {
    case v1::Question::kFindings:
      return AnswerFindings(facts, question.findings(), answer);
    case v1::Question::kPolicy:
      return AnswerPolicy(facts, question.policy(), answer);
    case v1::Question::kTrace:
      return AnswerTrace(facts, question.trace(), answer);
    case v1::Question::kCompleteness:
      return AnswerCompleteness(facts, question.completeness(), answer);
    case v1::Question::kClauseIndex:
      return AnswerClauseIndex(facts, question.clause_index(), answer);
    case v1::Question::kContemporaneity:
      return AnswerContemporaneity(facts, question.contemporaneity(), answer);
    case v1::Question::kClocks:
      return AnswerClocks(facts, question.clocks(), answer);
    case v1::Question::kSpecificity:
      return AnswerSpecificity(facts, question.specificity(), answer);
    case v1::Question::kSequencing:
      return AnswerSequencing(facts, question.sequencing(), answer);
    case v1::Question::kClosureAudit:
      return AnswerClosureAudit(facts, question.closure_audit(), answer);
    case v1::Question::kCoverage:
      return AnswerCoverage(facts, question.coverage(), answer);
    case v1::Question::kRetention:
      return AnswerRetention(facts, question.retention(), answer);
    case v1::Question::kWhoKnew:
      return AnswerWhoKnew(facts, question.who_knew(), answer);
    case v1::Question::kRecords:
      return AnswerRecords(facts, question.records(), answer);
    case v1::Question::kErasureReport:
      return AnswerErasureReport(facts, question.erasure_report(), answer);
    case v1::Question::kTrainingRuns:
      return AnswerTrainingRuns(facts, question.training_runs(), answer);
    case v1::Question::kMonitoring:
      return AnswerMonitoring(facts, question.monitoring(), answer);
    case v1::Question::kExplain:
      return AnswerExplain(facts, question.explain(), answer);
    case v1::Question::kLineage:
      return AnswerLineage(facts, question.lineage(), answer);
    case v1::Question::kDiff:
      return AnswerDiff(facts, question.diff(), answer);
    case v1::Question::kWhere:
      return AnswerWhere(facts, question.where(), answer);
    case v1::Question::kStatus:
      return AnswerStatus(facts, question.status(), answer);
    case v1::Question::kLint:
      return AnswerLint(facts, question.lint(), answer);
    default:
      break;
  }
  if (others) {
    const std::optional<Status> answered = others(facts, question, answer);
    if (answered.has_value()) return *answered;
  }
  return absl::InvalidArgumentError("about: holds no question that this version knows");
}

}  // namespace

StatusOr<v1::Answer> Ask(const RowReader& rows, std::string_view origin, TreeSize size, const v1::Question& question,
                         const OtherQuestions& others) {
  if (question.known_size() > size.value) {
    return absl::OutOfRangeError(
        Text("known_size: ", question.known_size(), " is more than the ledger's ", size.value, " leaves"));
  }
  Facts facts(rows, question.known_size() == 0 ? size : TreeSize(question.known_size()));
  v1::Answer answer;
  answer.set_origin(std::string(origin));
  answer.set_tree_size(facts.size().value);
  answer.set_ledger_size(size.value);
  RETURN_IF_ERROR(Fill(facts, question, others, answer));
  for (const uint64_t leaf : facts.cited()) answer.add_leaves(leaf);
  return answer;
}

}  // namespace anamnesis
