#ifndef ANAMNESIS_LEDGER_QUERY_SOFTWARE_CHANGES_H_
#define ANAMNESIS_LEDGER_QUERY_SOFTWARE_CHANGES_H_

// What changed the software that tests are about. A change of an item is one of whatever contains it, and may be one of
// any of its parts (item_tree.h), whether those belong to what was asked about or not. Pure.

#include <map>
#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

class SoftwareChanges {
 public:
  // Both must outlive it.
  SoftwareChanges(Facts& facts, const ItemScope& scope);

  // The last change of what the result is about, wherever it stands; nullptr when nothing changed it. What doesn't say
  // which item it changes or tests may be about any of the scope. Fails as Facts does.
  StatusOr<const Fact*> LastConcerning(const Fact& result);

 private:
  StatusOr<const Fact*> LastOf(const std::string& item);
  StatusOr<const Fact*> LastNaming(const std::string& item);

  Facts& facts_;
  const ItemScope& scope_;
  // The last of the scope's changes; of each item's, "" being those that name none.
  const Fact* last_ = nullptr;
  std::map<std::string, const Fact*> last_of_;
  // The last change of each item with what contains it and its parts.
  std::map<std::string, const Fact*> concerning_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_SOFTWARE_CHANGES_H_
