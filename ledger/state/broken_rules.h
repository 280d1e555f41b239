#ifndef ANAMNESIS_LEDGER_STATE_BROKEN_RULES_H_
#define ANAMNESIS_LEDGER_STATE_BROKEN_RULES_H_

// Which rules an event breaks at its place in the log: the vocabulary's annotations (options.proto), and the few rules
// that compare values (special_rules.h). One evaluation serves both its uses: admission refuses an event that breaks a
// rule whose consequence is REFUSED, and what was recorded all the same has the rest as its findings, the same on every
// replica and in every rebuild. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/errors.pb.h"
#include "anamnesis/v1/finding.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

struct BrokenRule {
  v1::Finding finding;
  // REFUSED or FINDING.
  v1::Consequence consequence = v1::FINDING;
  // What a refusal would be called.
  v1::RefusalReason reason = v1::RULE_BROKEN;
  // For ENTITY_TAKEN: what has it.
  std::optional<LeafIndex> existing;
  // What a refusal gives way to: it becomes a finding, or whatever a process profile says.
  enum class Firmness {
    // To a profile, to what was observed and to what is told afterwards.
    kUsual,
    // To what is told afterwards it doesn't: that would change what is, not what was.
    kToldAfterwardsToo,
    // To nothing: what is recorded against it has no meaning, or destroys what others rest on.
    kAlways,
  };
  Firmness firmness = Firmness::kUsual;
  // What the event, told afterwards, would change. Where the ledger has that since it happened, and the event is said
  // to have happened afterwards, nothing kept what the rule asks for from being recorded in its order: refused all the
  // same.
  std::optional<LeafIndex> since;
};

// A rule that code checks.
struct BrokenRuleText {
  std::string_view rule;
  std::string_view field;
  v1::Consequence consequence;
  std::string_view clause;
  std::string_view message;
  std::string_view remedy;
};
// Returns what was added; lives until the next is.
BrokenRule& AddBroken(std::vector<BrokenRule>& broken, const BrokenRuleText& text);

// In the order of the annotations. `rows` is the log before the event. Nothing here reads a body that can be erased.
StatusOr<std::vector<BrokenRule>> BrokenRules(const RecordedEvent& event, const RowFinder& rows);

// Whether two events of one type say the same, of the same entities: then the second contradicts nothing. False where a
// body was erased.
bool SaySame(const RecordedEvent& event, const LoadedEvent& earlier);

// Whether BrokenRules reads the bodies of this type.
bool RulesReadBody(const EventType& type);

// Rows of kFindings: be64 index -> Findings, for events with at least one.
void PutFindings(LeafIndex index, const std::vector<BrokenRule>& broken, RowOverlay& rows);
StatusOr<std::vector<v1::Finding>> FindingsOf(const RowFinder& rows, LeafIndex index);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_BROKEN_RULES_H_
