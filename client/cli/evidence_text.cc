#include "client/cli/evidence_text.h"

#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {

void PrintEvidence(const v1::ClauseEvidence& evidence) {
  const std::string state = Words(v1::EvidenceState_Name(evidence.state()));
  const bool missing = evidence.state() == v1::MISSING_BY_CLAUSE || evidence.state() == v1::MISSING_BY_POLICY;
  std::cout << "  " << evidence.clause() << "  " << evidence.title() << ": "
            << (missing                           ? Bad(state)
                : evidence.state() == v1::PRESENT ? Good(state)
                                                  : Dim(state));
  if (!evidence.evidence().empty()) std::cout << (evidence.evidence_size() == 1 ? ", leaf" : ", leaves");
  for (const v1::LeafReference& leaf : evidence.evidence()) std::cout << " " << leaf.index();
  if (evidence.more()) std::cout << " and more";
  if (!evidence.text().empty()) std::cout << "  (" << evidence.text() << ")";
  for (int i = 0; i < evidence.other_standards_size(); ++i) {
    std::cout << Dim(Text(i == 0 ? "  also " : ", ", evidence.other_standards(i)));
  }
  std::cout << "\n";
}

}  // namespace anamnesis::cli
