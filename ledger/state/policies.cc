#include "ledger/state/policies.h"

#include <string>

#include "ledger/base/bytes.h"

namespace anamnesis {
namespace {

std::string KindKey(char table, v1::PolicyAdopted::Kind kind) { return Text(table, static_cast<char>(kind)); }

constexpr std::string_view kThresholdsKey = "t";

StatusOr<std::optional<AdoptedPolicy>> LoadPolicy(const RowFinder& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows, index));
  const auto* body = BodyAs<v1::PolicyAdopted>(event.body.get());
  if (body == nullptr) return absl::DataLossError("a policy row is damaged; rebuild the projections");
  return std::optional<AdoptedPolicy>({index, *FindReference(event.header.fields, "policy"), *body});
}

StatusOr<LeafIndex> IndexIn(std::string_view value) {
  ByteReader reader(value);
  ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
  return LeafIndex(index);
}

}  // namespace

StatusOr<bool> HasPolicy(const RowFinder& rows, v1::PolicyAdopted::Kind kind) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, KindKey('p', kind)));
  return value.has_value();
}

StatusOr<std::optional<AdoptedPolicy>> PolicyInForce(const RowFinder& rows, v1::PolicyAdopted::Kind kind) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, KindKey('p', kind)));
  if (!value.has_value()) return std::optional<AdoptedPolicy>();
  ASSIGN_OR_RETURN(const LeafIndex index, IndexIn(*value));
  return LoadPolicy(rows, index);
}

StatusOr<std::optional<AdoptedPolicy>> PolicyInForceAt(const RowFinder& rows, v1::PolicyAdopted::Kind kind,
                                                       TreeSize size) {
  if (size.value == 0) return std::optional<AdoptedPolicy>();
  const std::string prefix = KindKey('q', kind);
  ASSIGN_OR_RETURN(const std::optional<Row> row,
                   rows.LastAtOrBefore(Family::kEntities, prefix, Text(prefix, LeafKey(LeafIndex(size.value - 1)))));
  if (!row.has_value()) return std::optional<AdoptedPolicy>();
  ASSIGN_OR_RETURN(const LeafIndex index, IndexIn(std::string_view(row->key).substr(prefix.size())));
  return LoadPolicy(rows, index);
}

std::optional<uint64_t> LateAfterSeconds(const v1::ContemporaneityPolicy& policy, const EventType& type) {
  const v1::Timeliness timeliness =
      type.options->timeliness() == v1::TIMELINESS_UNSPECIFIED ? v1::HUMAN_RECORD : type.options->timeliness();
  std::optional<uint64_t> seconds;
  for (const v1::ContemporaneityPolicy::Threshold& threshold : policy.thresholds()) {
    if (threshold.type() == type.name()) return threshold.seconds();
    if (threshold.type().empty() && threshold.timeliness() == timeliness) seconds = threshold.seconds();
  }
  return seconds;
}

StatusOr<std::optional<v1::ContemporaneityPolicy>> ContemporaneityInForce(const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, kThresholdsKey));
  if (!value.has_value()) return std::optional<v1::ContemporaneityPolicy>();
  v1::ContemporaneityPolicy policy;
  if (!policy.ParseFromString(*value)) {
    return absl::DataLossError("the row of the contemporaneity policy is damaged; rebuild the projections");
  }
  return std::optional<v1::ContemporaneityPolicy>(std::move(policy));
}

StatusOr<v1::Consequence> ConsequenceInForce(const RowFinder& rows, std::string_view rule, v1::Consequence otherwise) {
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> profile, PolicyInForce(rows, v1::PolicyAdopted::PROCESS_PROFILE));
  if (!profile.has_value()) return otherwise;
  for (const v1::ProcessProfile::Override& change : profile->body.document().process_profile().overrides()) {
    if (change.rule_id() == rule) return change.consequence();
  }
  return otherwise;
}

bool IsDocumentOfKind(const v1::PolicyAdopted& policy) {
  const v1::PolicyDocument& document = policy.document();
  const int parts = document.has_gate() + document.has_retention() + document.has_contemporaneity() +
                    document.has_process_profile() + document.has_clause_map() + document.has_reporting_clocks();
  if (parts != 1) return false;
  switch (policy.kind()) {
    case v1::PolicyAdopted::GATE:
      return document.has_gate();
    case v1::PolicyAdopted::RETENTION:
      return document.has_retention();
    case v1::PolicyAdopted::CONTEMPORANEITY:
      return document.has_contemporaneity();
    case v1::PolicyAdopted::PROCESS_PROFILE:
      return document.has_process_profile();
    case v1::PolicyAdopted::CLAUSE_MAP:
      return document.has_clause_map();
    case v1::PolicyAdopted::REPORTING_CLOCK:
      return document.has_reporting_clocks();
    default:
      return false;
  }
}

Status FoldPolicies(const RecordedEvent& event, RowOverlay& rows) {
  const auto* body = BodyAs<v1::PolicyAdopted>(event.body);
  if (body == nullptr) return OkStatus();
  const std::string index = LeafKey(event.index);
  rows.Put(Family::kEntities, KindKey('p', body->kind()), index);
  rows.Put(Family::kEntities, Text(KindKey('q', body->kind()), index), "");
  if (body->document().has_contemporaneity()) {
    rows.Put(Family::kEntities, std::string(kThresholdsKey), body->document().contemporaneity().SerializeAsString());
  }
  return OkStatus();
}

}  // namespace anamnesis
