#include "ledger/query/named_records.h"

#include <algorithm>
#include <map>

#include "ledger/query/event_pattern.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

// Records of one thing, by when they were told: the earliest of each first.
struct Records {
  std::vector<const Fact*> as_it_happened;
  std::vector<const Fact*> told_afterwards;

  void Add(const Fact* fact) { (fact->header().retrospective() ? told_afterwards : as_it_happened).push_back(fact); }
  void Sort() {
    std::sort(as_it_happened.begin(), as_it_happened.end(), StandsEarlier);
    std::sort(told_afterwards.begin(), told_afterwards.end(), StandsEarlier);
  }
  // The first of each but `later`, which is no record of what it names itself.
  std::vector<const Fact*> FirstBeside(const Fact* later) const {
    std::vector<const Fact*> found;
    for (const std::vector<const Fact*>* told : {&as_it_happened, &told_afterwards}) {
      const auto first = std::find_if(told->begin(), told->end(), [&](const Fact* fact) { return fact != later; });
      if (first != told->end()) found.push_back(*first);
    }
    return found;
  }
};

// Of one entity: those of each version, and under no version all.
using RecordsByVersion = std::map<std::string, Records>;

}  // namespace

std::vector<NamedRecords> NamedRecordsOf(const ItemScope& scope, const v1::ProcessProfile::Evidence& line) {
  const EventPatterns earlier_patterns(line.events());
  const EventPatterns later_patterns(line.before());
  std::map<EntityName, RecordsByVersion> records;
  std::vector<const Fact*> later;
  for (const auto& [leaf, fact] : scope.events) {
    const v1::EntityRef* subject = SubjectOf(*fact);
    if (subject != nullptr && earlier_patterns.Match(*fact)) {
      RecordsByVersion& versions = records[NameOf(*subject)];
      versions[""].Add(fact);
      if (!subject->version().empty()) versions[subject->version()].Add(fact);
    }
    if (later_patterns.Match(*fact)) later.push_back(fact);
  }
  for (auto& [name, versions] : records) {
    for (auto& [version, of_version] : versions) of_version.Sort();
  }
  std::vector<NamedRecords> found;
  for (const Fact* fact : later) {
    for (const v1::EntityRef& ref : fact->header().refs()) {
      const auto known = records.find(NameOf(ref));
      if (known == records.end()) continue;
      const auto of_version = known->second.find(ref.version());
      const bool recorded = of_version != known->second.end();
      found.push_back({fact, ref, recorded ? of_version->second.FirstBeside(fact) : std::vector<const Fact*>()});
    }
  }
  return found;
}

}  // namespace anamnesis
