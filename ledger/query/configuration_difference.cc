#include "ledger/query/configuration_difference.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ledger/event/names.h"
#include "ledger/query/circumstances.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/nonconformity.h"
#include "ledger/query/wording.h"
#include "ledger/state/corrections.h"

namespace anamnesis {
namespace {

// What a view says of one thing, and the events that it says so by.
struct Statement {
  std::string text;
  std::vector<const v1::LeafReference*> by;
};
using Statements = std::map<std::string, Statement>;

std::string EntityAndDigest(const v1::EntityRef& entity) {
  std::string text = entity.kind().empty() ? "unnamed item" : EntityText(entity);
  if (entity.has_digest()) text += Text(" ", DigestText(entity.digest()));
  return text;
}

// That something was put there anew without the gate's leave is a difference, though it is the same thing.
std::string WhichDidNotConform(const FindingList& findings) {
  return findings.empty() ? "" : Text(", which ", NonconformityText(findings));
}

// Of two things unknown for the same reason, each may be something else.
std::string UnknownText(const v1::ConfigurationItem& item) {
  std::string text = Text("unknown: ", item.unknown_because());
  std::string_view before = "; possibly ";
  for (const v1::Possibility& one : item.possibilities()) {
    const std::string what = one.has_item() ? EntityAndDigest(one.item())
                             : one.empty()  ? "nothing"
                                            : "something unrecorded";
    text += Text(before, what, WhichDidNotConform(one.nonconforming()));
    before = ", or ";
  }
  return text;
}

std::string ItemText(const v1::ConfigurationItem& item) {
  if (item.confidence() == v1::UNKNOWN) return UnknownText(item);
  if (!item.has_item()) return "nothing";
  std::string text = EntityAndDigest(item.item());
  if (item.confidence() == v1::ATTESTED) text += " (attested)";
  if (item.confidence() == v1::INFERRED) text += " (inferred from a measurement)";
  return text + WhichDidNotConform(item.nonconforming());
}

bool Measures(const v1::Attestation& attestation, const std::string& surface) {
  return std::any_of(attestation.measured().begin(), attestation.measured().end(),
                     [&](const v1::MeasuredSurface& measured) { return measured.surface() == surface; });
}

Statements OfSurfaces(const v1::Configuration& view) {
  Statements statements;
  for (const v1::ConfigurationItem& item : view.items()) {
    Statement& statement = statements[item.surface()];
    statement.text = ItemText(item);
    for (const v1::Possibility& possibility : item.possibilities()) statement.by.push_back(&possibility.since());
    if (item.has_since()) statement.by.push_back(&item.since());
    if (statement.by.empty()) statement.by.push_back(&view.unit_since());
    if (Measures(view.attestation(), item.surface())) statement.by.push_back(&view.attestation().leaf());
  }
  return statements;
}

Statements OfCircumstances(const v1::Configuration& view) {
  Statements statements;
  statements["unit"] = {UnitStateText(view.unit_state()), {&view.unit_since()}};
  for (CircumstanceText& each : InWords(view.circumstances())) {
    statements[each.what] = {std::move(each.text), std::move(each.by)};
  }
  // A release's identifier is the unit's from when it runs that release.
  for (const v1::Circumstances::Identifier& each : view.circumstances().identifiers()) {
    if (!each.has_release()) continue;
    for (const v1::ConfigurationItem& item : view.items()) {
      if (!item.has_item() || EntityKeyText(item.item()) != EntityKeyText(each.release())) continue;
      statements[Text("UDI-PI of ", EntityKeyText(each.release()))].by.push_back(&item.since());
    }
  }
  return statements;
}

// What a view says of what it doesn't mention.
Statement OfNoSurface() { return {"not known to exist", {}}; }
Statement OfNoCircumstance(const v1::Configuration& view) { return {"none", {&view.circumstances().placed()}}; }

// The leaves of a statement, and those that corrected them so far.
StatusOr<std::set<uint64_t>> LeavesOf(const RowReader& rows, const Statement& statement, TreeSize known) {
  std::set<uint64_t> leaves;
  std::vector<LeafIndex> open;
  for (const v1::LeafReference* leaf : statement.by) {
    if (!leaf->event_id().empty()) open.emplace_back(leaf->index());
  }
  while (!open.empty()) {
    const LeafIndex leaf = open.back();
    open.pop_back();
    if (leaf.value >= known.value || !leaves.insert(leaf.value).second) continue;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, leaf));
    open.insert(open.end(), correctors.begin(), correctors.end());
  }
  return leaves;
}

class Comparison {
 public:
  Comparison(const RowReader& rows, const ViewPoint& then, const ViewPoint& now, v1::ConfigurationAnswer& answer)
      : rows_(rows), then_(then), now_(now), answer_(answer) {}

  using SetWhat = void (*)(const std::string& what, v1::ConfigurationDifference& difference);

  // `set_what` says in a difference what it is of; the last two stand for what a view says nothing of.
  Status Add(const Statements& then, const Statements& now, SetWhat set_what, const Statement& not_then,
             const Statement& not_now) {
    std::set<std::string> all;
    for (const auto& [what, statement] : then) all.insert(what);
    for (const auto& [what, statement] : now) all.insert(what);
    for (const std::string& what : all) {
      const auto then_found = then.find(what);
      const auto now_found = now.find(what);
      const Statement& then_says = then_found == then.end() ? not_then : then_found->second;
      const Statement& now_says = now_found == now.end() ? not_now : now_found->second;
      if (then_says.text == now_says.text) continue;
      v1::ConfigurationDifference& difference = *answer_.add_differences();
      set_what(what, difference);
      difference.set_then_text(then_says.text);
      difference.set_now_text(now_says.text);
      RETURN_IF_ERROR(AddReasons(then_says, now_says, difference));
    }
    return OkStatus();
  }

 private:
  // Of two states of knowledge: what was recorded after the smaller one. Of two times: what only the later one rests
  // on.
  Status AddReasons(const Statement& then_says, const Statement& now_says, v1::ConfigurationDifference& difference) {
    const uint64_t smaller = std::min(then_.known.value, now_.known.value);
    const TreeSize larger(std::max(then_.known.value, now_.known.value));
    ASSIGN_OR_RETURN(const std::set<uint64_t> then_leaves, LeavesOf(rows_, then_says, larger));
    ASSIGN_OR_RETURN(const std::set<uint64_t> now_leaves, LeavesOf(rows_, now_says, larger));
    std::set<uint64_t> because;
    for (const std::set<uint64_t>* leaves : {&then_leaves, &now_leaves}) {
      for (const uint64_t leaf : *leaves) {
        if (leaf >= smaller) because.insert(leaf);
      }
    }
    if (then_.at != now_.at) {
      const bool forward = then_.at < now_.at;
      const std::set<uint64_t>& earlier = forward ? then_leaves : now_leaves;
      for (const uint64_t leaf : forward ? now_leaves : then_leaves) {
        if (earlier.count(leaf) == 0) because.insert(leaf);
      }
    }
    for (const uint64_t leaf : because) {
      ASSIGN_OR_RETURN(*difference.add_because(), CiteEvent(rows_, LeafIndex(leaf)));
    }
    return OkStatus();
  }

  const RowReader& rows_;
  const ViewPoint then_;
  const ViewPoint now_;
  v1::ConfigurationAnswer& answer_;
};

}  // namespace

Status AddDifferences(const RowReader& rows, const ViewPoint& then, const ViewPoint& now,
                      v1::ConfigurationAnswer& answer) {
  Comparison comparison(rows, then, now, answer);
  const v1::Configuration& then_view = answer.then_known();
  const v1::Configuration& now_view = answer.now_known();
  RETURN_IF_ERROR(comparison.Add(
      OfSurfaces(then_view), OfSurfaces(now_view),
      [](const std::string& what, v1::ConfigurationDifference& difference) { difference.set_surface(what); },
      OfNoSurface(), OfNoSurface()));
  return comparison.Add(
      OfCircumstances(then_view), OfCircumstances(now_view),
      [](const std::string& what, v1::ConfigurationDifference& difference) { difference.set_circumstance(what); },
      OfNoCircumstance(then_view), OfNoCircumstance(now_view));
}

}  // namespace anamnesis
