#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "ledger/query/nonconformity.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string entity;
  std::string at;
  std::string from;
  uint32_t limit = 0;
};

std::string TimesText(const google::protobuf::Timestamp& earliest, const google::protobuf::Timestamp& latest) {
  const std::string from = TimeText(earliest);
  const std::string to = TimeText(latest);
  return from == to ? from : Text(from, " .. ", to);
}

std::string StateText(const v1::WhereAnswer::Place& place) {
  switch (place.state()) {
    case v1::WhereAnswer::RUNNING:
      if (place.confidence() == v1::INFERRED) return Good("running, inferred from a measurement");
      return place.confidence() == v1::ATTESTED ? Good("running, attested") : Good("running");
    case v1::WhereAnswer::POSSIBLY_RUNNING:
      return Bad(Text("possibly running: ", place.because()));
    case v1::WhereAnswer::UNKNOWN_NOW:
      return Bad(Text("not known: ", place.because()));
    default:
      return place.has_instead() ? Text("no longer; ", EntityKeyText(place.instead()), " runs there")
                                 : "no longer; nothing runs there";
  }
}

void Print(const v1::WhereAnswer& where) {
  std::cout << "at " << TimeText(where.at()) << ", of " << where.units()
            << (where.units() == 1 ? " unit that had it\n" : " units that had it\n");
  for (const v1::WhereAnswer::Carrier& carrier : where.carriers()) {
    std::cout << "  it is in " << EntityKeyText(carrier.entity()) << Dim(Text("  [", CitationText(carrier.leaf()), "]"))
              << "\n";
  }
  for (const v1::WhereAnswer::Place& place : where.places()) {
    std::cout << Bold(place.unit());
    if (!place.site().empty()) std::cout << " at " << place.site();
    if (!place.jurisdiction().empty()) std::cout << " (" << place.jurisdiction() << ")";
    std::cout << "  " << place.surface() << ": " << EntityKeyText(place.item())
              << (place.version_not_stated() ? " (version not stated)" : "") << "  [" << StateText(place) << "]\n";
    for (const v1::WhereAnswer::Period& period : place.periods()) {
      std::cout << "    from " << TimesText(period.began_earliest(), period.began_latest());
      std::cout << " until " << (period.has_ended() ? TimesText(period.ended_earliest(), period.ended_latest()) : "now")
                << Dim(Text("  [leaf ", period.began().index(),
                            period.has_ended() ? Text(", ", period.ended().index(), " ", period.ended().type()) : "",
                            "]"))
                << "\n";
      if (!period.nonconforming().empty()) {
        std::cout << "      " << Bad(NonconformityText(period.nonconforming())) << "\n";
      }
    }
  }
  if (where.units() == 0) std::cout << "no unit ever had it\n";
  if (!where.next().empty()) std::cout << "there is more: --from " << where.next() << "\n";
}

}  // namespace

void AddWhere(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("where", "on which units something runs or ran");
  verb.footer("Example: anamnesis where spleen_ct_segmentation@0.2.0");
  verb.add_option("ENTITY", options->entity,
                  "KIND:ID[@VERSION] of a model, artifact, release, baseline, substrate or SOUP")
      ->required();
  verb.add_option("--at", options->at, "when (RFC 3339 with zone); default: when the last event was recorded");
  verb.add_option("--from", options->from, "only units after this one");
  verb.add_option("--limit", options->limit, "at most so many units (100; the most is 1,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::WhereQuestion& where = *question.mutable_where();
    ASSIGN_OR_RETURN(*where.mutable_entity(), ParseEntity("ENTITY", options->entity, "model"));
    if (!options->at.empty()) {
      ASSIGN_OR_RETURN(const Timestamp at, ParseTime(options->at));
      *where.mutable_at() = ToProtoTime(at);
    }
    where.set_from(options->from);
    where.set_limit(options->limit);
    return AskAndPrint(
        *options, std::move(question), [](const v1::Answer& answer) { Print(answer.where()); },
        [](const v1::Answer& answer) { return answer.where().units() > 0; });
  });
}

}  // namespace anamnesis::cli
