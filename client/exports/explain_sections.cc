#include "client/exports/explain_sections.h"

#include <set>
#include <utility>

#include "client/exports/records.h"
#include "ledger/event/names.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

using Explain = v1::ExplainAnswer;

// Which clause wants to know.
std::string_view ClauseOf(Explain::Section section) {
  switch (section) {
    case Explain::TRAINING:
    case Explain::CODE:
      return "IEC 62304 5.8.5";
    case Explain::EVALUATION:
      return "IEC 62304 5.7.5";
    default:
      return "IEC 62304 8.1.1; Regulation (EU) 2024/1689 Art. 10";
  }
}

// "annotators of dataset:a@1" as the fact and whose it is, so that all who lack one fact make one gap. The model
// itself, where nothing else is named.
std::pair<std::string, std::string> FactAndOwner(const std::string& missing, const std::string& model) {
  constexpr std::string_view kOf = " of ";
  const size_t of = missing.rfind(kOf);
  const bool named = of != std::string::npos && missing.find(':', of) != std::string::npos &&
                     missing.find(' ', of + kOf.size()) == std::string::npos;
  if (!named) return {missing, model};
  return {missing.substr(0, of), missing.substr(of + kOf.size())};
}

struct Explanations {
  Table table;
  // By section and what is missing: who lacks it.
  std::map<std::pair<Explain::Section, std::string>, std::set<std::string>> missing;
};

void AddPart(const std::string& model, const Explain::Part& part, Explanations& explanations) {
  Cell what;
  for (const Explain::Evidence& evidence : part.evidence()) {
    what.text += Text(what.text.empty() ? "" : "; ", EntityKeyText(evidence.entity()));
    what.leaves.push_back(evidence.leaf().index());
    int shown = 0;
    for (const v1::Metric& metric : evidence.metrics()) {
      if (++shown > 3) break;
      what.text += Text(" ", metric.name(), " ", QuantityText(metric.value(), metric.unit()));
    }
  }
  if (part.evidence().empty()) what = {"nothing is recorded", Mark::kBad, {}};
  explanations.table.rows.push_back(
      {{model, Mark::kNone, {}}, {Words(Explain::Section_Name(part.section())), Mark::kNone, {}}, std::move(what)});
  for (const std::string& missing : part.missing()) {
    auto [fact, owner] = FactAndOwner(missing, model);
    explanations.missing[{part.section(), std::move(fact)}].insert(std::move(owner));
  }
}

}  // namespace

Status AddExplanations(const LedgerView& view, const std::map<uint64_t, Cited>& records, Section& data,
                       Section& training, Section& verification) {
  const auto section_of = [&](Explain::Section part) -> Section* {
    switch (part) {
      case Explain::TRAINING:
      case Explain::CODE:
        return &training;
      case Explain::EVALUATION:
        return &verification;
      case Explain::RELEASE:
      case Explain::SECTION_UNSPECIFIED:
        return nullptr;
      default:
        return &data;
    }
  };
  std::map<Section*, Explanations> explanations;
  for (const auto& [leaf, record] : records) {
    if (record.leaf.type() != "model.registered" || record.refs.empty() || record.void_effect) continue;
    const v1::EntityRef& model = record.refs.front();
    v1::Question question;
    *question.mutable_explain()->mutable_entity() = model;
    question.mutable_explain()->mutable_entity()->clear_role();
    ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(view, std::move(question), "IEC 62304 5.8.5", training));
    for (const Explain::Part& part : answer.explain().parts()) {
      if (Section* section = section_of(part.section()); section != nullptr) {
        AddPart(EntityKeyText(model), part, explanations[section]);
      }
    }
  }
  for (auto& [section, explained] : explanations) {
    explained.table.title = "How each model version came about";
    explained.table.columns = {"Model", "Part", "What is recorded"};
    section->tables.insert(section->tables.begin(), std::move(explained.table));
    for (const auto& [what, models] : explained.missing) {
      section->gaps.push_back(
          {std::string(ClauseOf(what.first)),
           Text(Words(Explain::Section_Name(what.first)), ": ", what.second, " (", SomeOf(models), ")"),
           {}});
    }
  }
  return OkStatus();
}

}  // namespace anamnesis::exports
