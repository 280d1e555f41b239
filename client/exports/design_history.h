#ifndef ANAMNESIS_CLIENT_EXPORTS_DESIGN_HISTORY_H_
#define ANAMNESIS_CLIENT_EXPORTS_DESIGN_HISTORY_H_

// The design history of a software item, or of another entity whose records lead further, such as a model: what US law
// called the design history file and ISO 13485:2016 7.3.10 calls the design and development file.

#include "anamnesis/v1/event.pb.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// Without records, which the writer adds. NOT_FOUND: nothing is recorded of it.
StatusOr<Document> DesignHistory(const LedgerView& view, const v1::EntityRef& subject);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_DESIGN_HISTORY_H_
