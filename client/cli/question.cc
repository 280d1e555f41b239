#include "client/cli/question.h"

#include <iostream>

namespace anamnesis::cli {
namespace {

// More leaves than a person reads; --json has them all.
constexpr int kLeavesShownMax = 40;

void PrintEnd(const v1::Answer& answer) {
  for (const std::string& note : answer.notes()) std::cout << "note: " << note << "\n";
  std::cout << Dim(Text("ledger ", answer.origin(), ", computed over its first ", answer.tree_size(), " events"));
  if (answer.leaves_size() > 0) {
    std::string leaves;
    for (int i = 0; i < answer.leaves_size() && i < kLeavesShownMax; ++i) leaves += Text(" ", answer.leaves(i));
    if (answer.leaves_size() > kLeavesShownMax)
      leaves += Text(" and ", answer.leaves_size() - kLeavesShownMax, " more");
    std::cout << Dim(Text("; rests on leaves", leaves));
  }
  std::cout << "\n";
}

}  // namespace

void AddQuestionOptions(CLI::App& verb, QuestionOptions& options) {
  AddLedgerOption(verb, options.common);
  AddConsistencyOptions(verb, options.common);
  AddJsonOption(verb, options.common);
  verb.add_option("--known-size", options.known_size, "as known over the first N events; default: all");
}

StatusOr<ExitStatus> AskAndPrint(const QuestionOptions& options, v1::Question question,
                                 const std::function<void(const v1::Answer&)>& print,
                                 const std::function<bool(const v1::Answer&)>& found) {
  question.set_known_size(options.known_size);
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const v1::Answer answer, client->Ask(question));
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(answer));
  } else {
    print(answer);
    PrintEnd(answer);
  }
  return found(answer) ? kDone : kAnswerIsNo;
}

StatusOr<v1::EntityRef> ParseEntity(std::string_view argument, std::string_view text, std::string_view default_kind) {
  v1::EntityRef entity;
  const size_t colon = text.find(':');
  const size_t at = text.rfind('@');
  const bool has_kind = colon != std::string_view::npos && (at == std::string_view::npos || colon < at);
  entity.set_kind(std::string(has_kind ? text.substr(0, colon) : default_kind));
  if (has_kind) text.remove_prefix(colon + 1);
  const size_t version = text.rfind('@');
  entity.set_id(std::string(text.substr(0, version)));
  if (version != std::string_view::npos) entity.set_version(std::string(text.substr(version + 1)));
  const bool empty_version = version != std::string_view::npos && entity.version().empty();
  if (!entity.kind().empty() && !entity.id().empty() && !empty_version) return entity;
  return absl::InvalidArgumentError(
      Text(argument, ": \"", text, "\" is not KIND:ID or KIND:ID@VERSION, for example model:spleen_ct@0.1.0"));
}

}  // namespace anamnesis::cli
