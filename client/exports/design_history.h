#ifndef ANAMNESIS_CLIENT_EXPORTS_DESIGN_HISTORY_H_
#define ANAMNESIS_CLIENT_EXPORTS_DESIGN_HISTORY_H_

// The design history of a software item, or of another entity whose records lead further, such as a model: what US law
// called the design history file and ISO 13485:2016 7.3.10 calls the design and development file.

#include <string_view>

#include "anamnesis/v1/event.pb.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// The section that holds records of the type; empty for what is only among the other records.
std::string_view DesignHistoryPartOf(std::string_view type);

// Without records, which the writer adds. NOT_FOUND: nothing is recorded of it.
StatusOr<Document> DesignHistory(const LedgerView& view, const v1::EntityRef& subject);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_DESIGN_HISTORY_H_
