#include "ledger/query/named_records.h"

#include <map>

#include "ledger/query/event_pattern.h"

namespace anamnesis {

std::vector<NamedRecords> NamedRecordsOf(const ItemScope& scope, const v1::ProcessProfile::Evidence& line) {
  const EventPatterns earlier_patterns(line.events());
  const EventPatterns later_patterns(line.before());
  std::map<EntityName, std::vector<const Fact*>> records;
  std::vector<const Fact*> later;
  for (const auto& [leaf, fact] : scope.events) {
    const v1::EntityRef* subject = SubjectOf(*fact);
    if (subject != nullptr && earlier_patterns.Match(*fact)) records[NameOf(*subject)].push_back(fact);
    if (later_patterns.Match(*fact)) later.push_back(fact);
  }
  std::vector<NamedRecords> found;
  for (const Fact* fact : later) {
    for (const v1::EntityRef& ref : fact->header().refs()) {
      const auto known = records.find(NameOf(ref));
      if (known == records.end()) continue;
      NamedRecords named = {fact, ref, {}};
      for (const Fact* record : known->second) {
        const bool same = ref.version().empty() || SubjectOf(*record)->version() == ref.version();
        if (same && record != fact) named.records.push_back(record);
      }
      found.push_back(std::move(named));
    }
  }
  return found;
}

}  // namespace anamnesis
