#include <algorithm>
#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string entity;
  bool up = false;
  bool down = false;
  uint32_t depth = 0;
  uint64_t from = 0;
  uint32_t limit = 0;
};

// Kind by kind, in the order in which they are met.
void PrintReached(const v1::LineageAnswer& lineage) {
  std::vector<std::pair<std::string, std::vector<const v1::EntityRef*>>> kinds;
  for (const v1::EntityRef& entity : lineage.reached()) {
    auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.first == entity.kind(); });
    if (kind == kinds.end()) kind = kinds.insert(kinds.end(), {entity.kind(), {}});
    kind->second.push_back(&entity);
  }
  if (!kinds.empty()) std::cout << "\nreaches\n";
  for (const auto& [kind, entities] : kinds) {
    std::cout << "  " << entities.size() << " " << kind << ":";
    for (const v1::EntityRef* entity : entities) {
      std::cout << " " << entity->id() << (entity->version().empty() ? "" : "@") << entity->version();
    }
    std::cout << "\n";
  }
}

void Print(const v1::LineageAnswer& lineage, bool up) {
  if (lineage.edges_size() == 0) std::cout << "nothing leads " << (up ? "further up" : "further down") << "\n";
  for (const v1::LineageAnswer::Edge& edge : lineage.edges()) {
    const v1::EntityRef& near = up ? edge.product() : edge.input();
    const v1::EntityRef& far = up ? edge.input() : edge.product();
    std::cout << std::string(2 * (edge.depth() - 1), ' ') << EntityKeyText(near) << (up ? "  <-  " : "  ->  ")
              << Bold(EntityKeyText(far))
              << Dim(Text("  as ", edge.input().role(), "  [leaf ", edge.leaf().index(), " ", edge.leaf().type(), "]"));
    if (edge.version_not_stated()) std::cout << "  (the record does not say which version)";
    std::cout << "\n";
  }
  PrintReached(lineage);
  if (lineage.depth_reached()) std::cout << "there is more further away: --depth\n";
  if (lineage.next() != 0) std::cout << "there is more: --from " << lineage.next() << "\n";
}

}  // namespace

void AddLineage(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("lineage", "what something was made of, or what became of it");
  verb.footer("Example: anamnesis lineage dataset:chest_ct@2.3 --down");
  verb.add_option("ENTITY", options->entity, "KIND:ID[@VERSION]; without a kind, a model")->required();
  CLI::Option* up = verb.add_flag("--up", options->up, "to data, code, SOUP and people");
  verb.add_flag("--down", options->down, "to models, artifacts, units and incidents")->excludes(up);
  verb.add_option("--depth", options->depth, "at most so many events far (16; the most is 64)");
  verb.add_option("--from", options->from, "only edges from here on");
  verb.add_option("--limit", options->limit, "at most so many edges (1,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (!options->up && !options->down) return absl::InvalidArgumentError("say --up or --down");
    v1::Question question;
    v1::LineageQuestion& lineage = *question.mutable_lineage();
    ASSIGN_OR_RETURN(*lineage.mutable_entity(), ParseEntity("ENTITY", options->entity, "model"));
    lineage.set_direction(options->up ? v1::LineageQuestion::UP : v1::LineageQuestion::DOWN);
    lineage.set_depth_max(options->depth);
    lineage.set_from(options->from);
    lineage.set_limit(options->limit);
    const bool up_wanted = options->up;
    return AskAndPrint(
        *options, std::move(question), [up_wanted](const v1::Answer& answer) { Print(answer.lineage(), up_wanted); },
        [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
