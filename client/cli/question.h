#ifndef ANAMNESIS_CLIENT_CLI_QUESTION_H_
#define ANAMNESIS_CLIENT_CLI_QUESTION_H_

// What the verbs share that ask a question of the life cycle (question.proto): the options --known-size, --ledger and
// --json, entities on the command line, and what every answer ends with.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "anamnesis/v1/question.pb.h"
#include "client/cli/context.h"

namespace anamnesis::cli {

struct QuestionOptions {
  Common common;
  uint64_t known_size = 0;
};

void AddQuestionOptions(CLI::App& verb, QuestionOptions& options);

// Asks, prints the answer as JSON or by `print` with its notes and leaves, and says which exit status that is:
// `found(answer)` false is "the answer is no".
StatusOr<ExitStatus> AskAndPrint(const QuestionOptions& options, v1::Question question,
                                 const std::function<void(const v1::Answer&)>& print,
                                 const std::function<bool(const v1::Answer&)>& found);

// "KIND:ID[@VERSION]"; without a kind it is `default_kind`. INVALID_ARGUMENT naming `argument`.
StatusOr<v1::EntityRef> ParseEntity(std::string_view argument, std::string_view text, std::string_view default_kind);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_QUESTION_H_
