#include "node/cluster/wire.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace anamnesis {
namespace {

void AddMember(const Member& member, internal::ClusterMembers::Member* proto) {
  proto->set_node(member.node);
  proto->set_name(member.name);
  proto->set_address(member.address);
  proto->set_certificate_name(member.certificate_name);
}

Member FromProto(const internal::ClusterMembers::Member& proto) {
  return {proto.node(), proto.name(), proto.address(), proto.certificate_name()};
}

}  // namespace

std::string SessionKey(const NodeId& node) { return Text(kSessionsPrefix, node); }

std::string BarrierKey(const NodeId& node) { return Text(kBarriersPrefix, node); }

std::string OrderKeysOf(SessionId session) { return Text(kOrdersPrefix, absl::StrFormat("%016x", session.value), "/"); }

std::optional<SessionId> SessionOfOrderKey(std::string_view key) {
  const size_t end = key.find('/', kOrdersPrefix.size());
  if (!key.starts_with(kOrdersPrefix) || end == key.npos) return std::nullopt;
  uint64_t session = 0;
  const std::string digits(key.substr(kOrdersPrefix.size(), end - kOrdersPrefix.size()));
  if (!absl::SimpleHexAtoi(digits, &session)) return std::nullopt;
  // Written otherwise it would be another key.
  return key.starts_with(OrderKeysOf(SessionId(session))) ? std::optional(SessionId(session)) : std::nullopt;
}

std::string OrderKey(const BatchId& id) {
  return Text(OrderKeysOf(id.session), absl::StrFormat("%016x", id.number.value));
}

std::string TrimmedKey(Revision through) { return Text(kTrimmedPrefix, absl::StrFormat("%016x", through.value)); }

std::optional<Revision> RevisionOfTrimmedKey(std::string_view key) {
  uint64_t through = 0;
  if (!key.starts_with(kTrimmedPrefix)) return std::nullopt;
  if (!absl::SimpleHexAtoi(std::string(key.substr(kTrimmedPrefix.size())), &through)) return std::nullopt;
  return key == TrimmedKey(Revision(through)) ? std::optional(Revision(through)) : std::nullopt;
}

internal::OrderRecord ToProto(const OrderRecord& record) {
  internal::OrderRecord proto;
  proto.set_session(record.id.session.value);
  proto.set_number(record.id.number.value);
  proto.set_digest(record.digest.bytes());
  proto.set_size_bytes(record.size_bytes);
  proto.set_proposer(record.proposer);
  return proto;
}

StatusOr<OrderRecord> FromProto(const internal::OrderRecord& proto) {
  OrderRecord record;
  ASSIGN_OR_RETURN(record.digest, Digest::FromBytes(proto.digest()));
  record.id = {SessionId(proto.session()), BatchNumber(proto.number())};
  record.size_bytes = proto.size_bytes();
  record.proposer = proto.proposer();
  if (record.id.session.value == 0 || record.id.number.value == 0 || record.size_bytes == 0) {
    return absl::InvalidArgumentError("an order record lacks session, number or size");
  }
  return record;
}

StatusOr<OrderRecord> ParseOrderRecord(std::string_view bytes) {
  internal::OrderRecord proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("an order record doesn't parse");
  }
  return FromProto(proto);
}

void ToProto(const EtcdEndpointHealth& health, v1::ClusterStatus::EtcdEndpoint& endpoint) {
  endpoint.set_address(health.address);
  if (!health.status.ok()) endpoint.set_problem(std::string(MessageOf(health.status)));
  endpoint.set_version(health.version);
  endpoint.set_leader(health.is_leader);
  endpoint.set_store_bytes(health.store_bytes);
  endpoint.set_store_bytes_in_use(health.store_bytes_in_use);
  endpoint.set_no_space(health.no_space);
  endpoint.set_corrupt(health.corrupt);
}

internal::ClusterMembers ToProto(const Members& members) {
  internal::ClusterMembers proto;
  proto.set_incarnation(members.incarnation);
  proto.set_revision(members.revision.value);
  proto.set_change(members.change);
  proto.set_replaces(members.replaces.value);
  for (const Member& voter : members.voters) AddMember(voter, proto.add_voters());
  for (const Member& learner : members.learners) AddMember(learner, proto.add_learners());
  return proto;
}

StatusOr<Members> ParseMembers(std::string_view bytes) {
  internal::ClusterMembers proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("the cluster's members don't parse");
  }
  Members members;
  members.revision = Revision(proto.revision());
  members.incarnation = proto.incarnation();
  members.change = proto.change();
  members.replaces = Revision(proto.replaces());
  // Every node makes an event of it.
  if (!internal::ClusterMembersChange().ParseFromString(members.change)) {
    return absl::InvalidArgumentError("of the cluster's members, what changed doesn't parse");
  }
  for (const auto& voter : proto.voters()) members.voters.push_back(FromProto(voter));
  for (const auto& learner : proto.learners()) members.learners.push_back(FromProto(learner));
  return members;
}

}  // namespace anamnesis
