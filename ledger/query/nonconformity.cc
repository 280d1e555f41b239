#include "ledger/query/nonconformity.h"

#include "ledger/state/broken_rules.h"

namespace anamnesis {

FindingList NonconformityIn(const FindingList& findings) {
  FindingList found;
  for (const v1::Finding& finding : findings) {
    if (finding.rule().starts_with("ACTIVATION-")) *found.Add() = finding;
  }
  return found;
}

StatusOr<FindingList> NonconformityOf(const RowFinder& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const std::vector<v1::Finding> findings, FindingsOf(rows, index));
  return NonconformityIn(FindingList(findings.begin(), findings.end()));
}

std::string FindingText(const v1::Finding& finding) { return Text(finding.field(), " ", finding.message()); }

std::string NonconformityText(const FindingList& findings) {
  std::string text;
  for (const v1::Finding& finding : findings) {
    text += Text(text.empty() ? "did not conform: " : "; ", FindingText(finding));
  }
  return text;
}

}  // namespace anamnesis
