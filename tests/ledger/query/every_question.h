#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_EVERY_QUESTION_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_EVERY_QUESTION_H_

// Every kind of question about the things that RandomDrafts writes of; and answers in a form that does not depend on
// where in the log their events came to lie.

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "anamnesis/v1/question.pb.h"
#include "google/protobuf/text_format.h"
#include "ledger/base/bytes.h"
#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"

namespace anamnesis {

// At least one of each kind, of things whose ids begin with any of `owners`. As of `at` where a question is of a time.
inline std::vector<v1::Question> EveryQuestion(const std::vector<std::string>& owners, Timestamp at) {
  std::vector<v1::Question> all;
  const auto time = ToProtoTime(at);
  for (int kind = 1; kind <= 6; ++kind) {
    all.emplace_back().mutable_policy()->set_kind(static_cast<v1::PolicyAdopted::Kind>(kind));
  }
  all.emplace_back().mutable_findings();
  all.emplace_back().mutable_contemporaneity()->set_all(true);
  all.emplace_back().mutable_clause_index();
  *all.emplace_back().mutable_training_runs()->mutable_at() = time;
  all.emplace_back().mutable_lint();
  all.emplace_back().mutable_erasure_report();
  for (const char* item : {"X", "Y"}) {
    SetEntity(*all.emplace_back().mutable_trace()->mutable_subject(), "software_item", item);
    SetEntity(*all.emplace_back().mutable_completeness()->mutable_item(), "software_item", item);
    SetEntity(*all.emplace_back().mutable_clause_index()->mutable_item(), "software_item", item);
    SetEntity(*all.emplace_back().mutable_sequencing()->mutable_item(), "software_item", item);
    SetEntity(*all.emplace_back().mutable_closure_audit()->mutable_entity(), "software_item", item);
    SetEntity(*all.emplace_back().mutable_findings()->mutable_entity(), "software_item", item);
    SetEntity(*all.emplace_back().mutable_records()->mutable_subject(), "software_item", item);
  }
  v1::RetentionQuestion& retention = *all.emplace_back().mutable_retention();
  SetEntity(*retention.mutable_device_model(), "device_model", "monitor");
  *retention.mutable_at() = time;
  for (const char* version : {"1", "2"}) {
    SetEntity(*all.emplace_back().mutable_where()->mutable_entity(), "model", "m", version);
    *all.back().mutable_where()->mutable_at() = time;
  }
  for (const std::string& owner : owners) {
    for (int i = 0; i < 3; ++i) {
      const std::string x = Text(owner, "x", i);
      const std::string unit = Text(owner, "U", i);
      SetEntity(*all.emplace_back().mutable_explain()->mutable_entity(), "model", x, "1");
      for (const auto direction : {v1::LineageQuestion::UP, v1::LineageQuestion::DOWN}) {
        for (const char* kind : {"dataset", "model", "artifact", "training_run"}) {
          v1::LineageQuestion& lineage = *all.emplace_back().mutable_lineage();
          SetEntity(*lineage.mutable_entity(), kind, x);
          lineage.set_direction(direction);
          lineage.set_depth_max(64);
        }
      }
      for (const char* kind : {"model", "dataset"}) {
        v1::DiffQuestion& diff = *all.emplace_back().mutable_diff();
        SetEntity(*diff.mutable_x(), kind, x, "1");
        SetEntity(*diff.mutable_y(), kind, x, "2");
      }
      for (const char* kind :
           {"model", "dataset", "artifact", "problem", "change_request", "incident", "device_unit"}) {
        SetEntity(*all.emplace_back().mutable_status()->mutable_entity(), kind, x);
        v1::WhoKnewQuestion& who_knew = *all.emplace_back().mutable_who_knew();
        SetEntity(*who_knew.mutable_entity(), kind, x);
        *who_knew.mutable_at() = ToProtoTime(Timestamp(kTestStart.us + int64_t{86'400'000'000}));
        SetEntity(*all.emplace_back().mutable_findings()->mutable_entity(), kind, x);
        SetEntity(*all.emplace_back().mutable_records()->mutable_subject(), kind, x);
      }
      SetEntity(*all.emplace_back().mutable_lint()->mutable_entity(), "model", x);
      SetEntity(*all.emplace_back().mutable_erasure_report()->mutable_about(), "subject", x);
      for (const char* version : {"1", "2"}) {
        SetEntity(*all.emplace_back().mutable_specificity()->mutable_record(), "dataset", x, version);
      }
      SetEntity(*all.emplace_back().mutable_contemporaneity()->mutable_entity(), "model", x);
      SetEntity(*all.emplace_back().mutable_closure_audit()->mutable_entity(), "device_unit", unit);
      v1::TrainingRunsQuestion& runs = *all.emplace_back().mutable_training_runs();
      SetEntity(*runs.mutable_about(), "dataset", x);
      *runs.mutable_at() = time;
      v1::ClocksQuestion& clocks = *all.emplace_back().mutable_clocks();
      SetEntity(*clocks.mutable_incident(), "incident", x);
      *clocks.mutable_at() = time;
      v1::CoverageQuestion& coverage = *all.emplace_back().mutable_coverage();
      coverage.set_unit(unit);
      *coverage.mutable_from() = ToProtoTime(Timestamp(0));
      *coverage.mutable_until() = time;
      v1::MonitoringQuestion& monitoring = *all.emplace_back().mutable_monitoring();
      monitoring.set_unit(unit);
      *monitoring.mutable_at() = time;
    }
  }
  return all;
}

// Which kinds of question there are, and which of them `asked` holds.
// Those that ledger/query answers; those of the gate are held against the same in tests/ledger/gate.
inline std::set<std::string> KindsOfQuestion() {
  std::set<std::string> kinds;
  const auto* about = v1::Question::descriptor()->FindOneofByName("about");
  for (int i = 0; i < about->field_count(); ++i) {
    const auto& field = *about->field(i);
    if (field.message_type()->file()->name() != "anamnesis/v1/question_gate.proto") kinds.insert(field.name());
  }
  return kinds;
}
inline std::string KindOf(const v1::Question& question) {
  const auto* about = v1::Question::descriptor()->FindOneofByName("about");
  const auto* field = question.GetReflection()->GetOneofFieldDescriptor(question, about);
  return field == nullptr ? "" : field->name();
}

// Answers as text that is the same wherever their events lie in the log: leaves are named by event, recorded times and
// what is measured against them are left out, and what is listed in log order is listed in order of text.
class PlacelessText {
 public:
  // Leaf -> event.
  using Names = std::map<uint64_t, std::string>;
  // Whether a message inside the answer is left out.
  using LeftOut = std::function<bool(const google::protobuf::Message&)>;

  PlacelessText(const Names& names, LeftOut left_out) : names_(names), left_out_(std::move(left_out)) {}

  std::string Of(const v1::Answer& answer) {
    trace_ = answer.has_trace() ? &answer.trace() : nullptr;
    return OfMessage(answer);
  }
  std::string Of(const v1::Configuration& configuration) {
    trace_ = nullptr;
    return OfMessage(configuration);
  }

 private:
  using Field = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;

  std::string OfMessage(const Message& message) {
    const bool reference = message.GetDescriptor() == v1::LeafReference::descriptor();
    std::vector<const Field*> fields;
    message.GetReflection()->ListFields(message, &fields);
    std::string text = "{";
    for (const Field* field : fields) {
      static const auto* left_out = new std::set<std::string>{
          "anamnesis.v1.LeafReference.index", "anamnesis.v1.LeafReference.recorded", "anamnesis.v1.Configuration.known",
          "anamnesis.v1.ContemporaneityAnswer.OfEvent.gap_us",
          "anamnesis.v1.ContemporaneityAnswer.Burst.recorded_spread_us"};
      if (left_out->count(field->full_name()) > 0) continue;
      if (reference && field->name() == "event_id") {
        text += Text(" event=", HexEncode(static_cast<const v1::LeafReference&>(message).event_id()));
        continue;
      }
      std::vector<std::string> values;
      const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        std::string value = OfValue(message, *field, i);
        if (!value.empty()) values.push_back(std::move(value));
      }
      std::sort(values.begin(), values.end());
      for (const std::string& value : values) text += Text(" ", field->name(), "=", value);
    }
    return text + "}";
  }

  std::string OfValue(const Message& message, const Field& field, int i) {
    const auto& reflection = *message.GetReflection();
    if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
      const Message& inner = field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, i)
                                                 : reflection.GetMessage(message, &field);
      return left_out_(inner) ? "" : OfMessage(inner);
    }
    if (field.cpp_type() == Field::CPPTYPE_STRING && field.type() == Field::TYPE_STRING) {
      return NameLeaves(field.is_repeated() ? reflection.GetRepeatedString(message, &field, i)
                                            : reflection.GetString(message, &field));
    }
    if (field.cpp_type() == Field::CPPTYPE_UINT64 || field.cpp_type() == Field::CPPTYPE_UINT32) {
      const uint64_t number = field.cpp_type() == Field::CPPTYPE_UINT64
                                  ? (field.is_repeated() ? reflection.GetRepeatedUInt64(message, &field, i)
                                                         : reflection.GetUInt64(message, &field))
                                  : (field.is_repeated() ? reflection.GetRepeatedUInt32(message, &field, i)
                                                         : reflection.GetUInt32(message, &field));
      return OfNumber(field, number);
    }
    std::string value;
    google::protobuf::TextFormat::PrintFieldValueToString(message, &field, field.is_repeated() ? i : -1, &value);
    return value;
  }

  std::string OfNumber(const Field& field, uint64_t number) {
    static const auto* leaves = new std::set<std::string>{
        "leaves",     "leaf",     "implementation_verified", "effectiveness_verified", "plan_leaf", "verified_by",
        "first_leaf", "last_leaf"};
    static const auto* elements = new std::set<std::string>{"element", "from", "to", "linked", "orphans"};
    if (leaves->count(field.name()) > 0) return names_.at(number);
    if (trace_ != nullptr && elements->count(field.name()) > 0) {
      return OfMessage(trace_->elements(static_cast<int>(number)));
    }
    return std::to_string(number);
  }

  // "leaf 12" by the event's name.
  std::string NameLeaves(const std::string& text) const {
    std::string named;
    size_t at = 0;
    for (size_t found = text.find("leaf "); found != text.npos; found = text.find("leaf ", at)) {
      size_t end = found + 5;
      while (end < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) ++end;
      named += text.substr(at, found + 5 - at);
      if (end > found + 5) named += names_.at(std::stoull(text.substr(found + 5, end - found - 5)));
      at = end;
    }
    return named + text.substr(at);
  }

  const Names& names_;
  const LeftOut left_out_;
  const v1::TraceAnswer* trace_ = nullptr;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_EVERY_QUESTION_H_
