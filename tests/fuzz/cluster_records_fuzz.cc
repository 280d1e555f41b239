// What a node reads from etcd, and what operators and recoveries ask for: what can be parsed is written so that it is
// read again as the same, and every question about it has an answer. The first byte of the input says what it is.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/v1/cluster.pb.h"
#include "anamnesis/v1/recovery.pb.h"
#include "ledger/base/check.h"
#include "node/cluster/members_record.h"
#include "node/cluster/recovery_messages.h"
#include "node/cluster/wire.h"
#include "node/replication/members.h"
#include "node/replication/recovery.h"

namespace anamnesis {
namespace {

void CheckMembersValue(std::string_view bytes) {
  const StatusOr<Members> members = ParseMembers(bytes);
  if (!members.ok()) return;
  CHECK(ParseMembers(ToProto(*members).SerializeAsString()).value() == *members);
  (void)EventOf(*members);
  (void)CheckMembersChange(*members, *members, {});
}

void CheckOrderRecord(std::string_view bytes) {
  const StatusOr<OrderRecord> record = ParseOrderRecord(bytes);
  if (!record.ok()) return;
  CHECK(ParseOrderRecord(ToProto(*record).SerializeAsString()).value() == *record);
  CHECK(SessionOfOrderKey(OrderKey(record->id)) == record->id.session);
}

void CheckKey(std::string_view key) {
  const std::optional<SessionId> session = SessionOfOrderKey(key);
  CHECK(!session.has_value() || key.starts_with(OrderKeysOf(*session)));
}

void CheckChange(const std::string& bytes) {
  v1::ChangeMembersRequest request;
  if (!request.ParseFromString(bytes)) return;
  Members current;
  current.revision = Revision(3);
  current.incarnation = 1;
  for (const char* node : {"a", "b", "c"}) current.voters.push_back({node, "", "127.0.0.1:1", ""});
  current.learners.push_back({"d", "", "127.0.0.1:1", "host-d"});
  const Revision applied(9);
  const StatusOr<Members> next =
      NextMembers(current, request, {}, {{"a", applied}, {"b", applied}, {"c", applied}, {"d", applied}});
  if (!next.ok()) {
    CHECK(!next.status().message().empty());
    return;
  }
  CHECK(EventOf(*next).ok());
  CHECK(ParseMembers(ToProto(*next).SerializeAsString()).ok());
}

void CheckPlan(const std::string& bytes) {
  v1::RecoveryPlan proto;
  if (!proto.ParseFromString(bytes)) return;
  const StatusOr<RecoveryPlan> plan = FromProto(proto);
  if (plan.ok()) CHECK(FromProto(ToProto(*plan)).ok());
}

void CheckReports(const std::string& bytes) {
  v1::MakePlanRequest request;
  if (!request.ParseFromString(bytes)) return;
  std::vector<NodeReport> reports;
  for (const v1::RecoveryReport& one : request.reports()) {
    StatusOr<NodeReport> report = FromProto(one);
    if (report.ok()) reports.push_back(*std::move(report));
  }
  const StatusOr<RecoveryPlan> plan = PlanRecovery(reports);
  if (plan.ok()) CHECK(FromProto(ToProto(*plan)).ok());
}

void CheckRecord(std::string_view input) {
  if (input.empty()) return;
  const char kind = input.front();
  input.remove_prefix(1);
  switch (kind) {
    case 'm':
      return CheckMembersValue(input);
    case 'o':
      return CheckOrderRecord(input);
    case 'k':
      return CheckKey(input);
    case 'c':
      return CheckChange(std::string(input));
    case 'p':
      return CheckPlan(std::string(input));
    case 'r':
      return CheckReports(std::string(input));
    default:
      return;
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckRecord({reinterpret_cast<const char*>(data), size});
  return 0;
}
