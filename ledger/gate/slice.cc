#include "ledger/gate/slice.h"

#include "ledger/event/body_check.h"
#include "ledger/gate/decide.h"
#include "ledger/query/facts.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/merged_rows.h"
#include "ledger/state/project.h"

namespace anamnesis {
namespace {

class NoRows : public RowReader {
 public:
  StatusOr<std::optional<std::string>> Get(Family, std::string_view) const override {
    return std::optional<std::string>();
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family, std::string_view, std::string_view) const override {
    return std::optional<Row>();
  }
  Status Scan(Family, std::string_view, std::string_view, const Visitor&) const override { return OkStatus(); }
  Status ScanBackwards(Family, std::string_view, std::string_view, const Visitor&) const override { return OkStatus(); }
};

// Wrong bytes are the giver's mistake, not damage of ours.
Status AsInput(const Status& status, LeafIndex index) {
  if (status.ok()) return status;
  return absl::InvalidArgumentError(Text("leaf ", index.value, " of the slice: ", MessageOf(status)));
}

}  // namespace

StatusOr<SliceDecision> DecideOnSlice(const std::vector<SliceLeaf>& leaves) {
  const NoRows none;
  RowOverlay rows(none);
  std::optional<LoadedEvent> decided;
  const std::vector<BrokenRule> no_findings;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const SliceLeaf& leaf = leaves[i];
    if (i > 0 && leaf.index <= leaves[i - 1].index) {
      return absl::InvalidArgumentError(Text("leaf ", leaf.index.value, " of the slice comes twice or out of order"));
    }
    StatusOr<LoadedEvent> event = ParseStoredEvent(leaf.index, leaf.leaf, leaf.body);
    if (!event.ok()) return AsInput(event.status(), leaf.index);
    if (!WhyBodyIsWrong(event->header, leaf.body).empty()) {
      return absl::InvalidArgumentError(
          Text("leaf ", leaf.index.value, " of the slice has another body than it commits to"));
    }
    if (i + 1 == leaves.size()) {
      decided = *std::move(event);
      break;
    }
    rows.Put(Family::kLeaves, LeafKey(leaf.index), leaf.leaf);
    rows.Put(Family::kBodies, LeafKey(leaf.index), leaf.body);
    RETURN_IF_ERROR(AsInput(Project(event->view(), rows, &no_findings), leaf.index));
  }
  const auto* recorded = decided.has_value() ? BodyAs<v1::GateDecided>(decided->body.get()) : nullptr;
  if (recorded == nullptr) return absl::InvalidArgumentError("the last leaf of a slice is a gate.decided");
  if (recorded->tree_size() > decided->index.value) {
    return absl::InvalidArgumentError("the decision says that it is over more leaves than stand before it");
  }
  SliceDecision decision;
  decision.recorded = *recorded;
  const GateRequest request = RequestOfDecision(decided->header.fields, *recorded);
  decision.artifact = request.artifact;
  decision.unit = request.unit;
  const MergedRows all(rows, none);
  Facts facts(all, TreeSize(recorded->tree_size()));
  ASSIGN_OR_RETURN(decision.computed, Decide(facts, request));
  decision.identical = decision.computed.SerializeAsString() == recorded->SerializeAsString();
  return decision;
}

}  // namespace anamnesis
