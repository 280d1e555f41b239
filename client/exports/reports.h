#ifndef ANAMNESIS_CLIENT_EXPORTS_REPORTS_H_
#define ANAMNESIS_CLIENT_EXPORTS_REPORTS_H_

// What else is asked for of a software item, in the same shape as its design history: the risk management file, the
// clause index, the draft of a change plan, the package for a Notified Body, and the three questions of a reviewer.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// "clause-index", "nb-package", "pccp-draft", "reviewer-questions", "risk-file".
std::vector<std::string> ReportKinds();

// Without records, which the writer adds. NOT_FOUND: nothing is recorded of it; INVALID_ARGUMENT: no such kind.
StatusOr<Document> Report(const LedgerView& view, std::string_view kind, const v1::EntityRef& subject);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_REPORTS_H_
