#include "ledger/base/bytes.h"
#include "ledger/query/ask.h"
#include "ledger/query/known_rules.h"
#include "ledger/state/broken_rules.h"

namespace anamnesis {
namespace {

constexpr uint32_t kFindingsEventsMax = 1000;

// Whether the event has findings that are asked for, and then adds them.
Status AddFindings(Facts& facts, const v1::FindingsQuestion& question, LeafIndex index, v1::FindingsAnswer& answer) {
  ASSIGN_OR_RETURN(const std::vector<v1::Finding> findings, FindingsOf(facts.rows(), index));
  v1::FindingsAnswer::OfEvent of_event;
  for (const v1::Finding& finding : findings) {
    if (question.rule().empty() || finding.rule() == question.rule()) *of_event.add_findings() = finding;
  }
  if (of_event.findings_size() == 0) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
  ASSIGN_OR_RETURN(*of_event.mutable_leaf(), facts.Reference(index));
  of_event.set_void_effect(!fact->counts());
  *answer.add_events() = std::move(of_event);
  return OkStatus();
}

// All leaves with findings from `from` on, at most `count`.
StatusOr<std::vector<LeafIndex>> LeavesWithFindings(const Facts& facts, uint64_t from, size_t count) {
  std::vector<LeafIndex> found;
  RETURN_IF_ERROR(
      facts.rows().Scan(Family::kFindings, "", LeafKey(LeafIndex(from)), [&](std::string_view key, std::string_view) {
        ByteReader reader(key);
        const StatusOr<uint64_t> index = reader.BigEndian64();
        if (!index.ok() || *index >= facts.size().value) return false;
        found.emplace_back(*index);
        return found.size() < count;
      }));
  return found;
}

}  // namespace

Status AnswerFindings(Facts& facts, const v1::FindingsQuestion& question, v1::Answer& answer) {
  const uint32_t limit = question.limit() == 0 ? kFindingsEventsMax : std::min(question.limit(), kFindingsEventsMax);
  v1::FindingsAnswer& filled = *answer.mutable_findings();
  if (!question.rule().empty() && !IsKnownRule(question.rule())) {
    return absl::InvalidArgumentError(Text("findings.rule: no rule is called \"", question.rule(), "\""));
  }
  if (question.has_entity()) {
    RETURN_IF_ERROR(facts.CheckNamed(question.entity()));
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     facts.About(question.entity(), "", kQuestionEventsMax + 1, LeafIndex(question.from())));
    for (size_t i = 0; i < indexes.size(); ++i) {
      if (i == kQuestionEventsMax || static_cast<uint32_t>(filled.events_size()) == limit) {
        filled.set_next(indexes[i].value);
        break;
      }
      RETURN_IF_ERROR(AddFindings(facts, question, indexes[i], filled));
    }
    return OkStatus();
  }
  uint64_t from = question.from();
  while (static_cast<uint32_t>(filled.events_size()) < limit) {
    const size_t wanted = limit - static_cast<uint32_t>(filled.events_size());
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, LeavesWithFindings(facts, from, wanted));
    for (const LeafIndex index : indexes) RETURN_IF_ERROR(AddFindings(facts, question, index, filled));
    if (indexes.size() < wanted) return OkStatus();
    from = indexes.back().value + 1;
  }
  filled.set_next(from);
  return OkStatus();
}

}  // namespace anamnesis
