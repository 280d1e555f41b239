#include "node/cluster/members_record.h"

#include "ledger/engine/clock.h"
#include "node/replication/members_change.h"

namespace anamnesis {
namespace {

using v1::ClusterMembersChanged;

// As the vocabulary says.
constexpr size_t kTextBytesMax = 255;
constexpr size_t kRationaleBytesMax = 4096;

Status CheckText(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return OkStatus();
  return absl::InvalidArgumentError(Text(field, ": ", text.size(), " bytes; at most ", bytes_max));
}

StatusOr<MembersChange> AskedChange(const v1::ChangeMembersRequest& request) {
  MembersChange asked;
  switch (request.change()) {
    case ClusterMembersChanged::LEARNER_ADDED:
      asked.kind = MembersChange::Kind::kAddLearner;
      break;
    case ClusterMembersChanged::PROMOTED:
      asked.kind = MembersChange::Kind::kPromote;
      break;
    case ClusterMembersChanged::DEMOTED:
      asked.kind = MembersChange::Kind::kDemote;
      break;
    case ClusterMembersChanged::REMOVED:
      asked.kind = MembersChange::Kind::kRemove;
      break;
    case ClusterMembersChanged::READDRESSED:
      asked.kind = MembersChange::Kind::kReaddress;
      break;
    default:
      return absl::InvalidArgumentError("change: ask for LEARNER_ADDED, PROMOTED, DEMOTED, REMOVED or READDRESSED");
  }
  const ClusterMembersChanged::Node& node = request.node();
  RETURN_IF_ERROR(CheckText("node.name", node.name(), kTextBytesMax));
  RETURN_IF_ERROR(CheckText("node.address", node.address(), kTextBytesMax));
  RETURN_IF_ERROR(CheckText("node.certificate_name", node.certificate_name(), kTextBytesMax));
  RETURN_IF_ERROR(CheckText("rationale", request.rationale(), kRationaleBytesMax));
  if (request.rationale().empty()) {
    return absl::InvalidArgumentError("rationale: say why, for the ledger's record of the change");
  }
  asked.member = FromProto(node);
  return asked;
}

}  // namespace

internal::ClusterMembersChange ChangeOf(ClusterMembersChanged::Change change, const NodeId& node,
                                        const v1::Agent& requested_by, std::string_view rationale) {
  internal::ClusterMembersChange proto;
  proto.set_change(change);
  proto.set_node(node);
  if (!requested_by.id().empty()) *proto.mutable_requested_by() = requested_by;
  proto.set_rationale(std::string(rationale));
  proto.set_changed_us(SystemClock().Now().us);
  return proto;
}

void ToProto(const Member& member, ClusterMembersChanged::Node& node) {
  node.set_node(member.node);
  node.set_name(member.name);
  node.set_address(member.address);
  node.set_certificate_name(member.certificate_name);
}

Member FromProto(const ClusterMembersChanged::Node& node) {
  return {node.node(), node.name(), node.address(), node.certificate_name()};
}

StatusOr<std::optional<Ordered::OwnEvent>> EventOf(const Members& members) {
  if (members.change.empty()) return std::optional<Ordered::OwnEvent>();
  internal::ClusterMembersChange change;
  if (!change.ParseFromString(members.change)) {
    return absl::InvalidArgumentError("members: what changed doesn't parse");
  }
  ClusterMembersChanged event;
  event.set_change(change.change());
  event.set_node(change.node());
  AddNodes(members, event);
  event.set_revision(members.revision.value);
  event.set_incarnation(members.incarnation);
  if (change.has_requested_by()) *event.mutable_requested_by() = change.requested_by();
  event.set_rationale(change.rationale());
  return std::optional(Ordered::OwnEvent{"cluster.members_changed", event.SerializeAsString(), change.changed_us()});
}

StatusOr<Members> NextMembers(const Members& current, const v1::ChangeMembersRequest& request,
                              const v1::Agent& requested_by, const absl::btree_map<NodeId, Revision>& durably_applied) {
  ASSIGN_OR_RETURN(const MembersChange change, AskedChange(request));
  ASSIGN_OR_RETURN(Members next, Changed(current, change, durably_applied));
  next.change = ChangeOf(request.change(), change.member.node, requested_by, request.rationale()).SerializeAsString();
  RETURN_IF_ERROR(CheckMembersChange(current, next, durably_applied));
  return next;
}

}  // namespace anamnesis
