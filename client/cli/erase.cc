// Erasure of data about persons, as commands (GDPR Art. 17).

#include <algorithm>
#include <iostream>

#include "anamnesis/v1/vocabulary_erasure.pb.h"
#include "client/cli/question.h"
#include "client/cli/write.h"

namespace anamnesis::cli {
namespace {

struct Options : WriteOptions {
  std::vector<std::string> about;
  std::vector<uint64_t> indexes;
  std::string basis;
  std::string authorised_by;
  bool refuse = false;
  std::string ground;
  std::string review_at;
};

Status AddSubjects(const Options& options, EventDraft& draft) {
  for (const std::string& text : options.about) {
    ASSIGN_OR_RETURN(const v1::EntityRef entity, ParseEntity("--about", text, "subject"));
    if (entity.kind() != "subject" && entity.kind() != "record" && entity.kind() != "dataset") {
      return absl::InvalidArgumentError(Text("--about: ", text, " is neither a subject, a record nor a dataset"));
    }
    AddReference(draft, entity.kind(), entity.kind(), entity.id(), entity.version());
  }
  return OkStatus();
}

StatusOr<EventDraft> Refusal(const Options& options) {
  v1::ErasureRefused body;
  v1::ErasureRefused::Ground ground = v1::ErasureRefused::GROUND_UNSPECIFIED;
  if (!v1::ErasureRefused::Ground_Parse(options.ground, &ground)) {
    return absl::InvalidArgumentError(
        "--ground: one of FREEDOM_OF_EXPRESSION, LEGAL_OBLIGATION, PUBLIC_HEALTH, ARCHIVING_OR_RESEARCH, LEGAL_CLAIMS");
  }
  body.set_ground(ground);
  ASSIGN_OR_RETURN(const int64_t review_at, TimeOption("--review-at", options.review_at));
  body.set_review_at_us(review_at);
  return DraftOf(std::move(body));
}

StatusOr<EventDraft> Erasure(const Options& options) {
  if (options.indexes.empty() && options.about.empty()) {
    return absl::InvalidArgumentError("--leaf or --about: say what is to be erased");
  }
  v1::SubjectDataErased body;
  for (const uint64_t index : options.indexes) body.add_erased_indexes(index);
  body.set_basis(options.basis);
  body.set_authorised_by(options.authorised_by);
  return DraftOf(std::move(body));
}

}  // namespace

void AddErase(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("erase", "destroys bodies with data about a person, or records that it is refused");
  verb.footer(
      "Example: anamnesis erase --leaf 42 --about subject:s-17 --basis \"Art. 17(1)(b): consent withdrawn\" \\\n"
      "           --authorised-by dpo --rationale \"asked on 2026-11-20\" --as ada.key\n"
      "The commitment stays, so every proof still verifies; nobody can open it or test a guess against it. What models "
      "and\n"
      "units the data reached: anamnesis lineage subject:s-17 --down");
  verb.add_option("--leaf", options->indexes, "the leaf whose body goes; repeatable");
  verb.add_option("--about", options->about, "subject:ID, record:ID or dataset:ID@VERSION; repeatable");
  verb.add_option("--basis", options->basis, "the legal basis");
  verb.add_option("--authorised-by", options->authorised_by, "who decided");
  verb.add_flag("--refuse", options->refuse, "records that erasure is refused (Art. 17(3))");
  verb.add_option("--ground", options->ground, "with --refuse: e.g. LEGAL_OBLIGATION");
  verb.add_option("--review-at", options->review_at, "with --refuse: when it is looked at again");
  AddWriteOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(EventDraft draft, options->refuse ? Refusal(*options) : Erasure(*options));
    RETURN_IF_ERROR(AddSubjects(*options, draft));
    return AppendAndPrint(*options, {std::move(draft)});
  });
}

}  // namespace anamnesis::cli
