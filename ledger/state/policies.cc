#include "ledger/state/policies.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/state/corrections.h"
#include "ledger/state/place_in_time.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

std::string KindKey(char table, v1::PolicyAdopted::Kind kind) { return Text(table, static_cast<char>(kind)); }

constexpr std::string_view kThresholdsKey = "t";

// Documents that were read, by the digest of the header that commits to them, so that each is parsed once: they are the
// largest bodies there are, and every decision and every finding is held against one. Safe from any thread.
class ReadDocuments {
 public:
  static ReadDocuments& Get() {
    static auto* const documents = new ReadDocuments();
    return *documents;
  }

  std::shared_ptr<const v1::PolicyAdopted> Find(const Digest& header) {
    const std::lock_guard lock(mutex_);
    const auto found = by_header_.find(header);
    return found == by_header_.end() ? nullptr : found->second;
  }

  std::shared_ptr<const v1::PolicyAdopted> Keep(const Digest& header, v1::PolicyAdopted document) {
    auto kept = std::make_shared<const v1::PolicyAdopted>(std::move(document));
    const std::lock_guard lock(mutex_);
    // More than are ever in force at once; who goes through old ones reads them again.
    if (by_header_.size() >= kKept) by_header_.clear();
    by_header_[header] = kept;
    return kept;
  }

 private:
  static constexpr size_t kKept = 64;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<Digest, std::shared_ptr<const v1::PolicyAdopted>> by_header_;
};

StatusOr<std::optional<AdoptedPolicy>> LoadPolicy(const RowFinder& rows, LeafIndex index) {
  const std::string key = LeafKey(index);
  ASSIGN_OR_RETURN(const std::optional<std::string> leaf, rows.Get(Family::kLeaves, key));
  // Of the log: no rebuild would bring it back.
  if (!leaf.has_value()) return absl::DataLossError(Text("leaf ", index.value, ", a policy, is missing; run fsck"));
  ASSIGN_OR_RETURN(LoadedEvent event, ParseStoredEvent(index, *leaf, ""));
  if (event.type->body != v1::PolicyAdopted::descriptor()) {
    return ProjectionDamage("a policy row is damaged");
  }
  std::shared_ptr<const v1::PolicyAdopted> document = ReadDocuments::Get().Find(event.header.digest);
  if (document == nullptr) {
    ASSIGN_OR_RETURN(const std::optional<std::string> body, rows.Get(Family::kBodies, key));
    RETURN_IF_ERROR(ParseStoredBody(body.value_or(""), event));
    document = ReadDocuments::Get().Keep(event.header.digest, *BodyAs<v1::PolicyAdopted>(event.body.get()));
  }
  return std::optional<AdoptedPolicy>({index, *FindReference(event.header.fields, "policy"), std::move(document)});
}

StatusOr<LeafIndex> IndexIn(std::string_view value) {
  ByteReader reader(value);
  ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
  return LeafIndex(index);
}

// The adoption before one, if there is any.
StatusOr<std::optional<LeafIndex>> AdoptionBefore(const RowFinder& rows, v1::PolicyAdopted::Kind kind,
                                                  LeafIndex adoption) {
  const std::string prefix = KindKey('q', kind);
  ASSIGN_OR_RETURN(const std::optional<std::string> value,
                   rows.Get(Family::kEntities, Text(prefix, LeafKey(adoption))));
  if (value.has_value() && !value->empty()) {
    ASSIGN_OR_RETURN(const LeafIndex before, IndexIn(*value));
    return std::optional<LeafIndex>(before);
  }
  // The first of all; or a row from before they named one another.
  if (adoption.value == 0) return std::optional<LeafIndex>();
  ASSIGN_OR_RETURN(
      const std::optional<Row> row,
      rows.LastAtOrBefore(Family::kEntities, prefix, Text(prefix, LeafKey(LeafIndex(adoption.value - 1)))));
  if (!row.has_value()) return std::optional<LeafIndex>();
  ASSIGN_OR_RETURN(const LeafIndex before, IndexIn(std::string_view(row->key).substr(prefix.size())));
  return std::optional<LeafIndex>(before);
}

// The last adoption of a kind, in force or not.
StatusOr<std::optional<LeafIndex>> LastAdoption(const RowFinder& rows, v1::PolicyAdopted::Kind kind) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, KindKey('p', kind)));
  if (!value.has_value()) return std::optional<LeafIndex>();
  ASSIGN_OR_RETURN(const LeafIndex last, IndexIn(*value));
  return std::optional<LeafIndex>(last);
}

// The newest adoption of a kind below `size` that was not taken back below it. Follows rows by their keys only, so that
// it sees those that the batch at hand has not stored yet.
StatusOr<std::optional<LeafIndex>> AdoptionInForce(const RowFinder& rows, v1::PolicyAdopted::Kind kind,
                                                   TreeSize size = TreeSize(UINT64_MAX)) {
  std::optional<LeafIndex> adoption;
  const EventBefore before = [&]() -> StatusOr<std::optional<LeafIndex>> {
    ASSIGN_OR_RETURN(adoption, adoption.has_value() ? AdoptionBefore(rows, kind, *adoption) : LastAdoption(rows, kind));
    return adoption;
  };
  return NewestCounting(rows, size, before);
}

StatusOr<std::optional<AdoptedPolicy>> LoadIfAny(const RowFinder& rows, const std::optional<LeafIndex>& adoption) {
  return adoption.has_value() ? LoadPolicy(rows, *adoption) : std::optional<AdoptedPolicy>();
}

}  // namespace

StatusOr<bool> HasPolicy(const RowFinder& rows, v1::PolicyAdopted::Kind kind) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> adoption, AdoptionInForce(rows, kind));
  return adoption.has_value();
}

StatusOr<std::optional<AdoptedPolicy>> PolicyInForce(const RowFinder& rows, v1::PolicyAdopted::Kind kind) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> adoption, AdoptionInForce(rows, kind));
  return LoadIfAny(rows, adoption);
}

StatusOr<std::optional<AdoptedPolicy>> PolicyInForceAt(const RowFinder& rows, v1::PolicyAdopted::Kind kind,
                                                       TreeSize size) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> adoption, AdoptionInForce(rows, kind, size));
  return LoadIfAny(rows, adoption);
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
  if (value->empty()) {
    ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> adopted,
                     PolicyInForce(rows, v1::PolicyAdopted::CONTEMPORANEITY));
    if (!adopted.has_value()) return std::optional<v1::ContemporaneityPolicy>();
    return std::optional<v1::ContemporaneityPolicy>(adopted->body->document().contemporaneity());
  }
  v1::ContemporaneityPolicy policy;
  if (!policy.ParseFromString(*value)) {
    return ProjectionDamage("the row of the contemporaneity policy is damaged");
  }
  return std::optional<v1::ContemporaneityPolicy>(std::move(policy));
}

StatusOr<v1::Consequence> ConsequenceInForce(const RowFinder& rows, std::string_view rule, v1::Consequence otherwise) {
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> profile, PolicyInForce(rows, v1::PolicyAdopted::PROCESS_PROFILE));
  if (!profile.has_value()) return otherwise;
  for (const v1::ProcessProfile::Override& change : profile->body->document().process_profile().overrides()) {
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
  if (!event.header->fields.corrects().empty()) {
    ASSIGN_OR_RETURN(const std::vector<LoadedEvent> corrected, CorrectedChain(rows, event));
    const bool policy = std::any_of(corrected.begin(), corrected.end(), [](const LoadedEvent& one) {
      return one.type->body == v1::PolicyAdopted::descriptor();
    });
    if (policy) rows.Put(Family::kEntities, std::string(kThresholdsKey), "");
  }
  const auto* body = BodyAs<v1::PolicyAdopted>(event.body);
  if (body == nullptr) return OkStatus();
  const std::string index = LeafKey(event.index);
  ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(Family::kEntities, KindKey('p', body->kind())));
  rows.Put(Family::kEntities, KindKey('p', body->kind()), index);
  rows.Put(Family::kEntities, Text(KindKey('q', body->kind()), index), before.value_or(""));
  if (body->document().has_contemporaneity()) {
    // Of one told afterwards nobody knows yet whether it is the newest: who asks next finds out.
    const bool told_afterwards = event.header->fields.retrospective();
    rows.Put(Family::kEntities, std::string(kThresholdsKey),
             told_afterwards ? "" : body->document().contemporaneity().SerializeAsString());
  }
  return OkStatus();
}

}  // namespace anamnesis
