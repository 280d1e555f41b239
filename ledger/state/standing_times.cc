#include "ledger/state/standing_times.h"

#include <algorithm>
#include <set>

#include "anamnesis/v1/options.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/state/projection_damage.h"
#include "ledger/state/timeline.h"

namespace anamnesis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::string_view kRows = "ST";

// Of no unit: those have names.
const std::string& Times() {
  static const auto* id = new std::string(TimelineId("", "#standing"));
  return *id;
}

bool IsTime(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_INT64 && !field.is_repeated() &&
         field.options().GetExtension(v1::rule).format() == v1::TIME_US;
}

bool HasTimes(const Descriptor& type, std::set<const Descriptor*>& seen) {
  if (!seen.insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsTime(field)) return true;
    if (field.message_type() != nullptr && HasTimes(*field.message_type(), seen)) return true;
  }
  return false;
}

void CollectTimes(const Message& message, std::set<int64_t>& times) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsTime(*field)) {
      times.insert(reflection.GetInt64(message, field));
    } else if (field->message_type() == nullptr) {
      continue;
    } else if (!field->is_repeated()) {
      CollectTimes(reflection.GetMessage(message, field), times);
    } else {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        CollectTimes(reflection.GetRepeatedMessage(message, field, i), times);
      }
    }
  }
}

Status AddTime(const StandingTime& time, RowOverlay& rows) {
  rows.Put(Family::kEntities, Text(kRows, EncodeStandingTime(time)), "1");
  const TreeSize with_this(time.leaf.value + 1);
  ASSIGN_OR_RETURN(const std::optional<Timestamp> there, NextStandingTime(rows, Timestamp(time.at.us - 1), with_this));
  if (there == time.at) return OkStatus();
  return TimelineWriter(rows, Times(), time.leaf).Insert({time.at, time.leaf, time.at, Effect::kSet, time.leaf});
}

}  // namespace

bool CanChangeDecisions(const EventType& type) {
  // Beside those that are found by entity and type.
  static const auto* others = new std::set<std::string, std::less<>>{
      "artifact.deactivated",  "artifact.produced",        "artifact.rolled_back",
      "authority.delegated",   "baseline.established",     "configuration.attested",
      "dataset.curated",       "device_unit.serviced",     "model.registered",
      "policy.adopted",        "record.corrected",         "release.approved",
      "requirement.approved",  "requirement.revised",      "risk_control_set.versioned",
      "safety_class.assigned", "safety_class.lowered",     "sandbox_protocol.approved",
      "sandbox_run.completed", "software_item.decomposed", "soup.identified",
      "training_run.started",
  };
  return type.options->gate_input() || others->count(type.name()) > 0;
}

bool CanChangeDecisions(const v1::EventHeader& header, const EventType& type) {
  return !header.corrects().empty() || CanChangeDecisions(type);
}

std::string EncodeStandingTime(const StandingTime& time) {
  std::string bytes;
  AppendBigEndian64(bytes, static_cast<uint64_t>(time.at.us));
  AppendBigEndian64(bytes, time.leaf.value);
  return bytes;
}

StatusOr<StandingTime> DecodeStandingTime(std::string_view bytes) {
  ByteReader reader(bytes);
  StandingTime time;
  ASSIGN_OR_RETURN(const uint64_t at, reader.BigEndian64());
  ASSIGN_OR_RETURN(time.leaf.value, reader.BigEndian64());
  time.at.us = static_cast<int64_t>(at);
  if (!reader.empty()) return absl::InvalidArgumentError("a time of the standing check has 16 bytes");
  return time;
}

StatusOr<std::optional<Timestamp>> NextStandingTime(const RowFinder& rows, Timestamp after, TreeSize size) {
  ASSIGN_OR_RETURN(const std::optional<TimelineEntry> next, NextInTimeline(rows, Times(), after, size));
  if (!next.has_value()) return std::optional<Timestamp>();
  return std::optional<Timestamp>(next->earliest);
}

StatusOr<std::vector<StandingTime>> StandingTimesUntil(const RowReader& rows, const StandingTime& after,
                                                       Timestamp until, size_t max) {
  std::vector<StandingTime> found;
  Status parsed;
  // No time before 1970 is kept.
  const StandingTime from{std::max(after.at, Timestamp(0)), after.at.us < 0 ? LeafIndex(0) : after.leaf};
  const std::string first = Text(kRows, EncodeStandingTime(from), '\0');
  RETURN_IF_ERROR(rows.Scan(Family::kEntities, kRows, first, [&](std::string_view key, std::string_view) {
    const StatusOr<StandingTime> time = DecodeStandingTime(key.substr(kRows.size()));
    parsed = time.status();
    if (!parsed.ok() || time->at > until || found.size() >= max) return false;
    found.push_back(*time);
    return true;
  }));
  if (!parsed.ok()) return ProjectionDamage("a row of the times that are awaited is damaged");
  return found;
}

bool StandingTimesReadBody(const EventType& type) {
  // Bodies that can be erased are never read.
  if (type.options->retention() == v1::PERSONAL_DATA || !CanChangeDecisions(type)) return false;
  std::set<const Descriptor*> seen;
  return HasTimes(*type.body, seen);
}

std::vector<Timestamp> TimesAhead(const RecordedEvent& event) {
  std::vector<Timestamp> ahead;
  if (!CanChangeDecisions(*event.type)) return ahead;
  const v1::EventHeader& header = event.header->fields;
  std::set<int64_t> times = {header.occurred_earliest_us(), header.occurred_latest_us()};
  if (event.body != nullptr && StandingTimesReadBody(*event.type)) CollectTimes(*event.body, times);
  for (const int64_t us : times) {
    if (us > event.recorded.us && us > 0) ahead.emplace_back(us);
  }
  return ahead;
}

Status FoldStandingTimes(const RecordedEvent& event, RowOverlay& rows) {
  for (const Timestamp time : TimesAhead(event)) RETURN_IF_ERROR(AddTime({time, event.index}, rows));
  return OkStatus();
}

}  // namespace anamnesis
