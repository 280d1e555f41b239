#include "node/cluster/recovery_messages.h"

#include "node/cluster/members_record.h"

namespace anamnesis {
namespace {

void ToProto(const Members& members, v1::RecoveryMembers& proto) {
  proto.set_revision(members.revision.value);
  proto.set_incarnation(members.incarnation);
  AddNodes(members, proto);
}

Members MembersOf(const v1::RecoveryMembers& proto) {
  Members members;
  members.revision = Revision(proto.revision());
  members.incarnation = proto.incarnation();
  for (const auto& voter : proto.voters()) members.voters.push_back(FromProto(voter));
  for (const auto& learner : proto.learners()) members.learners.push_back(FromProto(learner));
  return members;
}

}  // namespace

v1::StagedBatch ToProto(const StagedBatch& batch) {
  v1::StagedBatch proto;
  proto.set_session(batch.id.session.value);
  proto.set_number(batch.id.number.value);
  proto.set_digest(batch.digest.bytes());
  proto.set_size_bytes(batch.size_bytes);
  return proto;
}

StatusOr<StagedBatch> FromProto(const v1::StagedBatch& proto) {
  StagedBatch batch;
  batch.id = {SessionId(proto.session()), BatchNumber(proto.number())};
  ASSIGN_OR_RETURN(batch.digest, Digest::FromBytes(proto.digest()));
  batch.size_bytes = proto.size_bytes();
  if (proto.session() == 0 || proto.number() == 0) {
    return absl::InvalidArgumentError("batch: session and number count from 1");
  }
  return batch;
}

v1::RecoveryReport ToProto(const NodeReport& report) {
  v1::RecoveryReport proto;
  proto.set_node(report.node);
  proto.set_applied_revision(report.applied.value);
  ToProto(report.members, *proto.mutable_members());
  for (const auto& [session, number] : report.applied_numbers) {
    v1::StagedBatch& last = *proto.add_applied();
    last.set_session(session.value);
    last.set_number(number.value);
  }
  for (const StagedBatch& staged : report.staged) *proto.add_staged() = ToProto(staged);
  return proto;
}

StatusOr<NodeReport> FromProto(const v1::RecoveryReport& proto) {
  NodeReport report;
  report.node = proto.node();
  if (!IsNodeId(report.node))
    return absl::InvalidArgumentError(Text("report.node: \"", report.node, "\" is no node id"));
  report.applied = Revision(proto.applied_revision());
  report.members = MembersOf(proto.members());
  for (const v1::StagedBatch& last : proto.applied()) {
    report.applied_numbers[SessionId(last.session())] = BatchNumber(last.number());
  }
  for (const v1::StagedBatch& staged : proto.staged()) {
    ASSIGN_OR_RETURN(StagedBatch batch, FromProto(staged));
    report.staged.push_back(batch);
  }
  return report;
}

v1::RecoveryPlan ToProto(const RecoveryPlan& plan) {
  v1::RecoveryPlan proto;
  proto.set_prefix_revision(plan.prefix.value);
  for (const NodeId& node : plan.prefix_holders) proto.add_prefix_holders(node);
  for (const RecoveredBatch& batch : plan.batches) {
    v1::RecoveryPlan::Batch& one = *proto.add_batches();
    one.set_revision(batch.revision.value);
    *one.mutable_batch() = ToProto(batch.batch);
    for (const NodeId& node : batch.holders) one.add_holders(node);
  }
  proto.set_base_revision(plan.base.value);
  ToProto(plan.members, *proto.mutable_members());
  proto.set_change(plan.members.change);
  return proto;
}

StatusOr<RecoveryPlan> FromProto(const v1::RecoveryPlan& proto) {
  RecoveryPlan plan;
  plan.prefix = Revision(proto.prefix_revision());
  for (const std::string& node : proto.prefix_holders()) plan.prefix_holders.push_back(node);
  Revision last = plan.prefix;
  for (const v1::RecoveryPlan::Batch& one : proto.batches()) {
    RecoveredBatch batch;
    batch.revision = Revision(one.revision());
    ASSIGN_OR_RETURN(batch.batch, FromProto(one.batch()));
    for (const std::string& node : one.holders()) batch.holders.push_back(node);
    if (batch.revision <= last) return absl::InvalidArgumentError("plan.batches: their revisions don't ascend");
    last = batch.revision;
    plan.batches.push_back(std::move(batch));
  }
  plan.base = Revision(proto.base_revision());
  if (plan.base <= last) return absl::InvalidArgumentError("plan.base_revision: it is not above all batches");
  plan.members = MembersOf(proto.members());
  plan.members.revision = plan.base;
  plan.members.change = proto.change();
  return plan;
}

}  // namespace anamnesis
