#ifndef ANAMNESIS_LEDGER_STATE_ERASURES_H_
#define ANAMNESIS_LEDGER_STATE_ERASURES_H_

// Which bodies were erased (GDPR Art. 17), and by which event. The body and its nonce are gone from every replica, so
// that nobody can test a guess against the commitment; header, seal and leaf stay, so that every proof still verifies.
// A body that is missing without such an event is damage.
//
// Rows of kEntities: "z" || be64 erased index -> be64 index of the subject_data.erased.

#include <functional>
#include <optional>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// What erased the body of a leaf; nullopt when nothing did.
StatusOr<std::optional<LeafIndex>> FindErasure(const RowFinder& rows, LeafIndex index);

// Every erased leaf with what erased it, ascending.
Status ScanErasures(const RowReader& rows, const std::function<void(LeafIndex erased, LeafIndex by)>& visit);

// The leaves whose bodies the event erases; empty for other events. Those before it: nothing that comes later is gone
// before it is there. That they may be erased is admission's to say (rule ERASABLE).
std::vector<LeafIndex> ErasedBy(const RecordedEvent& event);

// Whether the body of `type` may be erased.
inline bool IsErasable(const EventType& type) { return type.options->retention() == v1::PERSONAL_DATA; }

Status FoldErasures(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_ERASURES_H_
