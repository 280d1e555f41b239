#include "ledger/engine/erasure_check.h"

#include "ledger/event/vocabulary.h"
#include "ledger/state/erasures.h"
#include "ledger/state/event_list.h"

namespace anamnesis {

Status CompareErasures(const RowReader& rows, TreeSize size, const std::function<void(LeafIndex)>& lost,
                       const std::function<void(LeafIndex)>& kept) {
  for (const EventType* type : Vocabulary::Get().All()) {
    if (!IsErasable(*type)) continue;
    Status failed;
    const auto compare = [&](LeafIndex index) -> Status {
      ASSIGN_OR_RETURN(const std::optional<std::string> body, rows.Get(Family::kBodies, LeafKey(index)));
      ASSIGN_OR_RETURN(const std::optional<LeafIndex> erased, FindErasure(rows, index));
      if (body.has_value() && erased.has_value()) kept(index);
      if (!body.has_value() && !erased.has_value()) lost(index);
      return OkStatus();
    };
    RETURN_IF_ERROR(VisitList(rows, Family::kTypeEvents, type->name(), LeafIndex(0), false, size, [&](LeafIndex index) {
      failed = compare(index);
      return failed.ok();
    }));
    RETURN_IF_ERROR(failed);
  }
  return OkStatus();
}

}  // namespace anamnesis
