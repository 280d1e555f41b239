#ifndef ANAMNESIS_NODE_APP_MEMBER_IDS_H_
#define ANAMNESIS_NODE_APP_MEMBER_IDS_H_

// The members as the cluster last said, asked about for every call of a node. Safe for concurrent use.

#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "node/replication/members.h"

namespace anamnesis {

class MemberIds {
 public:
  void Set(const Members& members) {
    const std::lock_guard lock(mutex_);
    members_ = members;
    ids_.clear();
    for (const Member* member : members.All()) ids_.insert(member->CertificateId());
  }
  bool Has(std::string_view id) const {
    const std::lock_guard lock(mutex_);
    return ids_.find(id) != ids_.end();
  }
  // Empty before the first.
  Members Get() const {
    const std::lock_guard lock(mutex_);
    return members_;
  }

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  Members members_;
  std::set<std::string, std::less<>> ids_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_MEMBER_IDS_H_
