#include <map>
#include <set>

#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/query/circumstances.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/nonconformity.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

StatusOr<v1::Configuration> ConfigurationKnown(Inquiry& inquiry, const UnitThen& one, bool then) {
  v1::GetConfigurationRequest request;
  request.set_unit(one.unit.id());
  *request.mutable_at() = ToProtoTime(one.at);
  // At its last event and later an export knows all that it has, whatever the ledger recorded since.
  if (then && one.at < inquiry.view.as_of()) {
    *request.mutable_known_time() = ToProtoTime(one.at);
  } else {
    request.set_known_size(inquiry.view.tree_size());
  }
  request.mutable_consistency()->set_tree_size_min(inquiry.view.tree_size());
  ASSIGN_OR_RETURN(const v1::ConfigurationAnswer answer, inquiry.view.client().GetConfiguration(request));
  return answer.now_known();
}

// What may have run, where it is not certain what did.
std::string PossibilitiesText(const v1::ConfigurationItem& item) {
  std::string text;
  for (const v1::Possibility& one : item.possibilities()) {
    const std::string what = one.has_item() ? Ran{one.item()}.name() : one.empty() ? "nothing" : "something unknown";
    text += Text(text.empty() ? "; possibly " : " or ", what);
    if (one.has_since()) text += Text(" (leaf ", one.since().index(), ")");
    if (!one.nonconforming().empty()) text += Text(", which ", NonconformityText(one.nonconforming()));
  }
  return text;
}

Cell ItemCell(const v1::Configuration& configuration, const std::string& surface) {
  for (const v1::ConfigurationItem& item : configuration.items()) {
    if (item.surface() != surface) continue;
    Cell cell;
    if (item.has_since()) cell.leaves.push_back(item.since().index());
    const std::string confidence = Text(" [", Words(v1::Confidence_Name(item.confidence())), "]");
    if (item.empty()) {
      cell.text = "nothing runs there" + confidence;
    } else if (!item.has_item()) {
      cell.text = Text("not known: ", item.unknown_because(), PossibilitiesText(item));
      cell.mark = Mark::kBad;
      for (const v1::Possibility& one : item.possibilities()) {
        if (one.has_since()) cell.leaves.push_back(one.since().index());
      }
    } else {
      const Ran ran = {item.item()};
      const bool digest = ran.known() && item.item().has_digest();
      cell.text = Text(ran.name(), digest ? Text(" ", DigestText(item.item().digest())) : "", confidence);
      if (!ran.known()) cell.mark = Mark::kBad;
      if (!item.nonconforming().empty()) {
        cell.text += Text("; what put it there ", NonconformityText(item.nonconforming()));
        cell.mark = Mark::kBad;
      }
    }
    return cell;
  }
  return {"nothing is known of it", Mark::kBad, {}};
}

void AddDigests(const v1::Configuration& then, const v1::Configuration& now, Section& section) {
  Table table = {"The two configurations", {"", "Unit", "Digest of the configuration", "Measured", "Rests on"}, {}, ""};
  for (const auto* one : {&then, &now}) {
    Cell measured = {"no measurement", Mark::kBad, {}};
    if (one->has_attestation()) {
      measured = Cite(one->attestation().covers_time() ? "covers that time" : "earlier than that time",
                      one->attestation().leaf().index(), one->attestation().covers_time() ? Mark::kGood : Mark::kNone);
    }
    Cell state = {Words(v1::UnitState_Name(one->unit_state())), Mark::kNone, {}};
    if (one->has_unit_since()) state.leaves.push_back(one->unit_since().index());
    table.rows.push_back(
        {{one == &then ? "as known then" : "as known now", Mark::kNone, {}},
         std::move(state),
         {one->configuration_digest().empty() ? "none: not every item is certain"
                                              : Text("sha256:", HexEncode(one->configuration_digest())),
          Mark::kNone,
          {}},
         std::move(measured),
         {"", Mark::kNone, {one->leaves().begin(), one->leaves().end()}}});
  }
  section.tables.push_back(std::move(table));
}

// The answer, for the first page: what ran on each surface.
void AddAnswer(Inquiry& inquiry, const UnitThen& one, const Table& surfaces) {
  std::string then;
  std::string now;
  for (const std::vector<Cell>& row : surfaces.rows) {
    then += Text(then.empty() ? "" : "\n", row[0].text, ": ", row[1].text);
    now += Text(now.empty() ? "" : "\n", row[0].text, ": ", row[2].text);
  }
  if (now.empty()) now = then = surfaces.when_empty;
  const auto add = [&](std::string_view known, std::string text) {
    const std::string ran = inquiry.times.size() == 1 ? " ran" : Text(" ran at ", FormatTime(one.at));
    inquiry.document.facts.emplace_back(Text(one.unit.id(), ran, ", as known ", known), std::move(text));
  };
  if (now == then) return add("then and now", std::move(now));
  add("now", std::move(now));
  add("then", std::move(then));
}

void NoteItem(Inquiry& inquiry, const v1::EntityRef& item, bool possibly) {
  Ran ran = {item, possibly};
  ran.entity.clear_role();
  const auto [place, added] = inquiry.items.emplace(ran.name(), ran);
  place->second.possibly &= possibly;
}

// Everything that ran as known now, or may have run; and where that does not say what did.
void NoteItemsNow(Inquiry& inquiry, const v1::EntityRef& unit, const v1::Configuration& now) {
  for (const v1::ConfigurationItem& item : now.items()) {
    if (item.has_item()) NoteItem(inquiry, item.item(), false);
    for (const v1::Possibility& one : item.possibilities()) {
      if (one.has_item()) NoteItem(inquiry, one.item(), true);
    }
    const std::string where = Text(unit.id(), " ", item.surface(), ": ");
    if (!item.has_item() && !item.empty()) inquiry.uncertain.insert(where + item.unknown_because());
    if (item.has_item() && item.item().kind().empty())
      inquiry.uncertain.insert(Text(where, "the ledger knows nothing of ", Ran{item.item()}.name()));
  }
}

// What was taken to run then is looked into as well, whatever became known since.
void NoteItemsThen(Inquiry& inquiry, const v1::Configuration& then) {
  for (const v1::ConfigurationItem& item : then.items()) {
    if (item.has_item()) NoteItem(inquiry, item.item(), true);
    for (const v1::Possibility& one : item.possibilities()) {
      if (one.has_item()) NoteItem(inquiry, one.item(), true);
    }
  }
}

// Where the unit was, as which device, and what was allowed of it there, as known then and now.
void AddCircumstances(const v1::Configuration& then, const v1::Configuration& now, Section& section) {
  Table table = {"Where, and as which device",
                 {"", "As known then", "As known now"},
                 {},
                 "Nothing is recorded of where the unit was."};
  std::map<std::string, std::vector<Cell>> rows;
  std::vector<std::string> order;
  for (const auto* one : {&then, &now}) {
    for (const CircumstanceText& each : InWords(one->circumstances())) {
      const auto [row, added] = rows.emplace(each.what, std::vector<Cell>(2, Cell{"none", Mark::kNone, {}}));
      if (added) order.push_back(each.what);
      Cell& cell = row->second[one == &then ? 0 : 1];
      cell = {each.text, each.bad ? Mark::kBad : Mark::kNone, {}};
      for (const v1::LeafReference* leaf : each.by) cell.leaves.push_back(leaf->index());
    }
  }
  for (const std::string& what : order) {
    table.rows.push_back({{what, Mark::kNone, {}}, std::move(rows[what][0]), std::move(rows[what][1])});
  }
  section.tables.push_back(std::move(table));
}

Status AddConfiguration(Inquiry& inquiry, const UnitThen& told) {
  const v1::EntityRef& unit = told.unit;
  ASSIGN_OR_RETURN(const v1::Configuration then, ConfigurationKnown(inquiry, told, true));
  ASSIGN_OR_RETURN(const v1::Configuration now, ConfigurationKnown(inquiry, told, false));
  Section section = {Text("configuration-", inquiry.histories.size() + 1),
                     Text("2 What ", inquiry.told_name(told), " was running"),
                     "IEC 62304 8.1.3, 8.3, 9.1",
                     {},
                     {},
                     {}};
  section.paragraphs.push_back(Text("At ", FormatTime(told.at),
                                    ". Known then: by what was recorded until that moment, ", then.tree_size(),
                                    " events. Known now: by all ", now.tree_size(), "."));
  std::set<std::string> surfaces;
  for (const auto* one : {&then, &now}) {
    for (const v1::ConfigurationItem& item : one->items()) surfaces.insert(item.surface());
  }
  Table table = {"As known then and as known now",
                 {"Surface", "As known then", "As known now", "Difference"},
                 {},
                 "Nothing is recorded that the unit ran."};
  if (surfaces.empty()) {
    const std::string nothing = Text("nothing is recorded that ", unit.id(), " ran at that time");
    section.gaps.push_back({"IEC 62304 8.1.3", nothing, {}});
    inquiry.uncertain.insert(nothing);
  }
  for (const std::string& surface : surfaces) {
    Cell was = ItemCell(then, surface);
    Cell is = ItemCell(now, surface);
    const bool same = was.text == is.text;
    if (is.mark == Mark::kBad) section.gaps.push_back({"IEC 62304 8.1.3", Text(surface, ": ", is.text), {}});
    table.rows.push_back({{surface, Mark::kNone, {}},
                          std::move(was),
                          std::move(is),
                          same ? Cell{"none", Mark::kNone, {}}
                               : Cell{"another answer now, from what was recorded later", Mark::kBad, {}}});
  }
  AddAnswer(inquiry, told, table);
  section.tables.push_back(std::move(table));
  AddCircumstances(then, now, section);
  for (const auto* one : {&then, &now}) {
    for (const std::string& note : one->notes())
      section.paragraphs.push_back(Text(one == &then ? "Then: " : "Now: ", note));
  }
  NoteItemsNow(inquiry, unit, now);
  NoteItemsThen(inquiry, then);
  for (const v1::ConfigurationItem& item : now.items()) {
    for (const std::string& missing : item.history().missing()) {
      inquiry.origin_gaps.push_back({"IEC 62304 8.3", Text(Ran{item.item()}.name(), ": not recorded: ", missing), {}});
    }
  }
  AddDigests(then, now, section);
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

// The certificates of what was activated, and what they were worth then and are worth now.
StatusOr<Cell> CertificationCell(Inquiry& inquiry, const v1::EntityRef& artifact, const Cited& activation,
                                 Section& section) {
  const std::string name = EntityKeyText(artifact);
  if (inquiry.certificates.count(name) == 0) {
    ASSIGN_OR_RETURN(inquiry.certificates[name], CertificatesOf(inquiry.view, artifact));
  }
  ASSIGN_OR_RETURN(const Timestamp activated, FromProtoTime(activation.leaf.occurred_earliest(), "occurred_earliest"));
  Cell cell = {"not certified", Mark::kBad, {}};
  for (const Certificate& one : inquiry.certificates[name]) {
    if (cell.leaves.empty()) cell.text.clear();
    cell.text += Text(cell.text.empty() ? "" : "\n", one.name, ", issued ", OccurredText(one.issued),
                      "; at the activation: ", one.StateAt(activated), "; now: ", one.StateAt(inquiry.view.as_of()));
    cell.leaves.push_back(one.issued.index());
    if (one.withdrawn.has_value()) cell.leaves.push_back(one.withdrawn->index());
    for (const v1::LeafReference& run : one.sandbox_runs) cell.leaves.push_back(run.index());
    if (one.sandbox_runs.empty()) cell.text += "; nothing is recorded of its run in the sandbox";
    if (one.InForceAt(activated)) cell.mark = Mark::kNone;
  }
  if (cell.mark == Mark::kBad && activation.leaf.type() == "artifact.activated") {
    section.gaps.push_back(
        {"IEC 62304 5.8.1",
         Text(name, ": no certification was in force when leaf ", activation.leaf.index(), " activated it"),
         {activation.leaf.index()}});
  }
  return cell;
}

// Nothing is asked of what no longer counts.
std::vector<Cell> VoidRow(const Cited& record) {
  return {Cite(record.leaf.type(), record.leaf.index(), Mark::kVoid),
          {record.about, Mark::kVoid, {}},
          OccurredCell(record),
          {"-", Mark::kNone, {}},
          {"-", Mark::kNone, {}}};
}

// By leaf, of what happened to the unit: why it did not conform. Empty when it did.
StatusOr<std::map<uint64_t, std::string>> NonconformityOn(Inquiry& inquiry, const v1::EntityRef& unit,
                                                          Section& section) {
  std::map<uint64_t, std::string> found;
  uint64_t from = 0;
  do {
    v1::Question question;
    *question.mutable_findings()->mutable_entity() = WithoutRole(unit);
    question.mutable_findings()->set_from(from);
    ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.2.1", section));
    for (const v1::FindingsAnswer::OfEvent& event : answer.findings().events()) {
      const FindingList nonconformity = NonconformityIn(event.findings());
      if (!nonconformity.empty()) found[event.leaf().index()] = NonconformityText(nonconformity);
    }
    from = answer.findings().next();
  } while (from != 0);
  return found;
}

// Whatever the decision that it cites says.
void SayNonconforming(const std::string& why, uint64_t leaf, Cell& decision, Section& section) {
  decision.text += Text(decision.text == "-" ? "" : "; ", why);
  decision.mark = Mark::kBad;
  section.gaps.push_back({"IEC 62304 8.2.1", Text("leaf ", leaf, " ", why), {leaf}});
}

// Each activation with the decision that it cites and what was certified.
Status AddActivations(Inquiry& inquiry, const UnitThen& one, const UnitHistory& history) {
  const v1::EntityRef& unit = one.unit;
  Section section = {Text("activations-", inquiry.histories.size() + 1),
                     Text("3 Activations on ", inquiry.told_name(one)),
                     "IEC 62304 8.2.1, 8.3",
                     {},
                     {},
                     {}};
  const size_t left_out = history.left_out.at(HistoryPart::kActivations);
  section.paragraphs.push_back(Text("The last ", inquiry.options.activations,
                                    " that happened at or before the incident, and those after it, in the order in "
                                    "which they happened; ",
                                    left_out, left_out == 1 ? " earlier one is" : " earlier ones are",
                                    " left out. What was retracted or replaced is struck through, among them."));
  Table table = {"Activations with their decisions and certifications",
                 {"Activation", "What", "Happened", "Decision", "Certified"},
                 {},
                 "No activation is recorded."};
  ASSIGN_OR_RETURN(const auto nonconformity, NonconformityOn(inquiry, unit, section));
  const size_t grounds_left_out = ChooseGrounds(inquiry, history);
  for (const Cited* record : InOrderOfTime(history.of(HistoryPart::kActivations))) {
    const uint64_t leaf = record->leaf.index();
    if (record->void_effect) {
      table.rows.push_back(VoidRow(*record));
      continue;
    }
    const auto why = nonconformity.find(leaf);
    Cell decision = {"-", Mark::kNone, {}};
    Cell certified = {"-", Mark::kNone, {}};
    for (const v1::EntityRef& ref : record->refs) {
      if (ref.role() == "decision") {
        ASSIGN_OR_RETURN(decision, DecisionCell(inquiry, ref.id(), section));
      }
      if (ref.role() == "artifact" && ref.kind() == "artifact") {
        ASSIGN_OR_RETURN(certified, CertificationCell(inquiry, WithoutRole(ref), *record, section));
      }
    }
    if (record->leaf.type() == "artifact.activated" && decision.leaves.empty() && decision.text == "-") {
      ASSIGN_OR_RETURN(decision, NoDecisionCell(inquiry, history, *record, section));
      if (why == nonconformity.end()) {
        section.gaps.push_back(
            {"IEC 62304 8.2.1", Text("the activation of leaf ", leaf, " cites no decision of the gate"), {leaf}});
      }
    }
    if (why != nonconformity.end()) SayNonconforming(why->second, leaf, decision, section);
    table.rows.push_back({Cite(record->leaf.type(), leaf),
                          {record->about, Mark::kNone, {}},
                          OccurredCell(*record),
                          std::move(decision),
                          std::move(certified)});
  }
  section.tables.push_back(std::move(table));
  RETURN_IF_ERROR(AddDecisions(inquiry, unit, history, grounds_left_out, section));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

}  // namespace

Status AddUnit(Inquiry& inquiry, const UnitThen& one) {
  const std::string name = inquiry.told_name(one);
  ASSIGN_OR_RETURN(UnitHistory history, HistoryOf(inquiry.view, one.unit, one.at, {true, inquiry.options.activations}));
  RETURN_IF_ERROR(AddConfiguration(inquiry, one));
  RETURN_IF_ERROR(AddActivations(inquiry, one, history));
  Section attestations = {Text("attestations-", inquiry.histories.size() + 1),
                          Text("4 Measurements around the incident: ", name),
                          "IEC 62304 8.3",
                          {},
                          {},
                          {}};
  const std::map<uint64_t, Cited>& measured = history.of(HistoryPart::kAttestations);
  if (const size_t left_out = history.left_out.at(HistoryPart::kAttestations); left_out > 0) {
    attestations.paragraphs.push_back(Text("The nearest to the incident; ", left_out, " more are left out."));
  }
  attestations.tables.push_back(
      RecordsTable("What the unit measured of itself", All(measured), "The unit measured nothing."));
  if (OfTypes(measured, {"configuration.attested"}).empty())
    attestations.gaps.push_back({"IEC 62304 8.3", "no measurement by the unit confirms what ran", {}});
  inquiry.document.sections.push_back(std::move(attestations));
  inquiry.histories.emplace(name, std::move(history));
  return OkStatus();
}

}  // namespace anamnesis::exports
