#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/safety_class.h"
#include "ledger/event/names.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string subject;
  std::string safety_class;
};

std::string Name(const v1::EntityRef& entity) { return entity.id().empty() ? "-" : EntityKeyText(entity); }

std::string Name(const v1::TraceAnswer& trace, uint32_t element) {
  const v1::TraceAnswer::Element& shown = trace.elements(static_cast<int>(element));
  return Text(Name(shown.entity()), shown.result().empty() ? "" : " ", shown.result());
}

void PrintCells(const v1::TraceAnswer& trace) {
  for (const v1::TraceAnswer::Cell& cell : trace.cells()) {
    const bool linked = cell.state() == v1::TraceAnswer::LINKED;
    const std::string state = Words(v1::TraceAnswer::State_Name(cell.state()));
    std::cout << "  " << Name(trace, cell.element()) << " -> " << cell.to_column() << ": "
              << (linked ? Good(state) : Bad(state));
    for (const uint32_t element : cell.linked()) std::cout << "  " << Name(trace, element);
    if (!cell.text().empty()) std::cout << "  (" << cell.text() << ")";
    std::cout << Dim(Text("  [", cell.clause(), "]")) << "\n";
  }
}

void Print(const v1::Answer& answer) {
  const v1::TraceAnswer& trace = answer.trace();
  std::cout << "safety class " << ClassText(trace.safety_class(), trace.levels()) << ", " << trace.elements_size()
            << " elements, " << trace.links_size()
            << " links: " << (trace.complete() ? Good("complete") : Bad("not complete")) << "\n";
  PrintCells(trace);
  for (const v1::TraceAnswer::Chain& chain : trace.chains()) {
    std::cout << "  chain " << Name(chain.hazardous_situation()) << " <- " << Name(chain.item()) << " <- "
              << Name(chain.cause()) << " <- " << Name(chain.control()) << ": "
              << (chain.missing_hop().empty() ? Good("complete") : Bad(chain.missing_hop())) << "\n";
  }
  for (const uint32_t orphan : trace.orphans()) {
    std::cout << "  " << Bad("no path to a requirement") << ": " << Name(trace, orphan) << "\n";
  }
  for (const v1::TraceAnswer::DependentControl& control : trace.dependent_controls()) {
    std::cout << "  " << Name(control.control()) << " relies on";
    for (const v1::EntityRef& entity : control.path()) std::cout << " " << Name(entity);
    std::cout << Dim(Text("  leaf ", control.leaf())) << "\n";
  }
}

}  // namespace

void AddTrace(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("trace", "from hazards over requirements, design and code to test results");
  verb.footer(
      "Example: anamnesis trace segmentation\n"
      "         anamnesis trace hazard:wrong-dose\n"
      "Exit status 1: a link that a clause asks for is missing or stale.");
  verb.add_option("SUBJECT", options->subject, "a software item's id, software_item:ID or hazard:ID")->required();
  verb.add_option("--class", options->safety_class, "A, B or C instead of the item's own class");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::TraceQuestion& trace = *question.mutable_trace();
    ASSIGN_OR_RETURN(*trace.mutable_subject(), ParseEntity("SUBJECT", options->subject, "software_item"));
    ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class, ParseSafetyClass("--class", options->safety_class));
    trace.set_safety_class(safety_class);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.trace().complete(); });
  });
}

}  // namespace anamnesis::cli
