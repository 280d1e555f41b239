#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "anamnesis/v1/vocabulary_erasure.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/events.h"
#include "ledger/state/erasures.h"
#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

using Answer = v1::ErasureReportAnswer;

constexpr std::array<std::string_view, 2> kActs = {"subject_data.erased", "erasure.refused"};
constexpr uint32_t kActsMax = 1000;

// The acts from a leaf on, in log order: about something, or all. At most `limit`.
StatusOr<std::set<uint64_t>> ActsFrom(Facts& facts, const v1::ErasureReportQuestion& question, size_t limit) {
  std::set<uint64_t> acts;
  if (question.has_about()) {
    RETURN_IF_ERROR(facts.CheckNamed(question.about()));
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     facts.About(question.about(), "", kQuestionEventsMax, LeafIndex(question.from())));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
      if (std::find(kActs.begin(), kActs.end(), fact->type()) != kActs.end()) acts.insert(index.value);
      if (acts.size() == limit) break;
    }
    return acts;
  }
  for (const std::string_view type : kActs) {
    size_t found = 0;
    RETURN_IF_ERROR(VisitList(facts.rows(), Family::kTypeEvents, type, LeafIndex(question.from()), false, facts.size(),
                              [&](LeafIndex index) {
                                acts.insert(index.value);
                                return ++found < limit;
                              }));
  }
  return acts;
}

// Whose data it is, and where it lay.
template <typename Act>
void AddNamed(const Fact& fact, Act& act) {
  for (const v1::EntityRef& ref : fact.header().refs()) {
    if (ref.role() == "subject") {
      *act.mutable_subject() = ref;
    } else {
      *act.add_about() = ref;
    }
  }
}

class Report {
 public:
  Report(Facts& facts, Answer& answer) : facts_(facts), answer_(answer) {}

  Status Add(const Fact& fact) {
    if (const auto* erased = fact.body<v1::SubjectDataErased>()) return AddErasure(fact, *erased);
    if (const auto* refused = fact.body<v1::ErasureRefused>()) return AddRefusal(fact, *refused);
    return OkStatus();
  }

  void AddCounts() {
    for (const auto& [key, bodies] : counts_) {
      Answer::Count& count = *answer_.add_counts();
      count.set_retention(key.first);
      const auto subject = subjects_.find(key.second);
      if (subject != subjects_.end()) *count.mutable_subject() = subject->second;
      count.set_bodies(bodies);
    }
  }

 private:
  Status AddErasure(const Fact& fact, const v1::SubjectDataErased& body) {
    Answer::Erasure& act = *answer_.add_erasures();
    ASSIGN_OR_RETURN(*act.mutable_leaf(), facts_.Reference(fact.event.index));
    AddNamed(fact, act);
    act.set_basis(body.basis());
    act.set_authorised_by(body.authorised_by());
    act.set_downstream_digest(body.downstream_digest());
    act.set_void_effect(!fact.counts());
    const std::string subject = act.has_subject() ? EntityKeyText(act.subject()) : "";
    if (act.has_subject()) subjects_.emplace(subject, act.subject());
    for (const LeafIndex index : ErasedBy(fact.event.view())) {
      ASSIGN_OR_RETURN(const Fact* gone, facts_.At(index));
      Answer::Body& erased = *act.add_bodies();
      ASSIGN_OR_RETURN(*erased.mutable_leaf(), facts_.Reference(index));
      erased.set_retention(gone->event.type->options->retention());
      erased.set_commitment(gone->header().body_commitment());
      // What a second act names again was gone already.
      if (counted_.insert(index.value).second) ++counts_[{erased.retention(), subject}];
    }
    return OkStatus();
  }

  Status AddRefusal(const Fact& fact, const v1::ErasureRefused& body) {
    Answer::Refusal& act = *answer_.add_refusals();
    ASSIGN_OR_RETURN(*act.mutable_leaf(), facts_.Reference(fact.event.index));
    AddNamed(fact, act);
    act.set_ground(body.ground());
    *act.mutable_review_at() = ToProtoTime(Timestamp(body.review_at_us()));
    act.set_void_effect(!fact.counts());
    return OkStatus();
  }

  Facts& facts_;
  Answer& answer_;
  // By retention class and subject.
  std::map<std::pair<v1::RetentionClass, std::string>, uint64_t> counts_;
  std::map<std::string, v1::EntityRef> subjects_;
  std::set<uint64_t> counted_;
};

}  // namespace

Status AnswerErasureReport(Facts& facts, const v1::ErasureReportQuestion& question, v1::Answer& answer) {
  const uint32_t limit = question.limit() == 0 ? kActsMax : std::min(question.limit(), kActsMax);
  ASSIGN_OR_RETURN(const std::set<uint64_t> acts, ActsFrom(facts, question, limit + 1));
  Answer& filled = *answer.mutable_erasure_report();
  Report report(facts, filled);
  uint32_t listed = 0;
  for (const uint64_t act : acts) {
    if (listed++ == limit) {
      filled.set_next(act);
      break;
    }
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(LeafIndex(act)));
    RETURN_IF_ERROR(report.Add(*fact));
  }
  report.AddCounts();
  return OkStatus();
}

}  // namespace anamnesis
