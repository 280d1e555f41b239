#include "node/cluster/etcd_members.h"

#include "absl/strings/numbers.h"
#include "node/cluster/wire.h"

namespace anamnesis {

EtcdTxn Founding(Revision base, const Members& members) {
  EtcdTxn txn;
  txn.IfAbsent(kMembersKey)
      .ThenPut(kBaseKey, Text(base.value))
      .ThenPut(TrimmedKey(base), "")
      .ThenPut(kMembersKey, ToProto(members).SerializeAsString())
      .ElseGet(kMembersKey);
  return txn;
}

StatusOr<Members> ReadMembers(EtcdClient& client, int64_t at) {
  EtcdRangeQuery query;
  query.prefix = std::string(kMembersKey);
  query.revision = at;
  ASSIGN_OR_RETURN(const EtcdRangeResult found, client.Range(query));
  if (found.items.empty()) return absl::NotFoundError("etcd holds no members of the ledger");
  ASSIGN_OR_RETURN(Members members, ParseMembers(found.items.front().value));
  members.revision = Revision(static_cast<uint64_t>(found.items.front().mod_revision));
  return members;
}

StatusOr<uint64_t> ReadBase(EtcdClient& client) {
  ASSIGN_OR_RETURN(const EtcdKeyValue base, client.Get(kBaseKey));
  uint64_t value = 0;
  if (absl::SimpleAtoi(base.value, &value)) return value;
  return absl::InvalidArgumentError(Text("etcd's key ", kBaseKey, " is \"", base.value, "\" and no number"));
}

}  // namespace anamnesis
