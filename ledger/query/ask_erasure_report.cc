#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
// On one page, of all its acts together.
constexpr size_t kBodiesMax = 5000;

// In log order.
struct Acts {
  std::vector<LeafIndex> found;
  // Where to go on; 0 when these are all.
  uint64_t next = 0;
};

// The first acts from a leaf on and below `until`, at most `limit` and one more, with which the next page begins.
StatusOr<Acts> ActsFrom(Facts& facts, uint64_t from, TreeSize until, size_t limit,
                        const std::function<bool(LeafIndex)>& is_wanted) {
  std::set<uint64_t> first;
  for (const std::string_view type : kActs) {
    size_t found = 0;
    RETURN_IF_ERROR(
        VisitList(facts.rows(), Family::kTypeEvents, type, LeafIndex(from), false, until, [&](LeafIndex index) {
          if (!is_wanted(index)) return true;
          first.insert(index.value);
          return ++found <= limit;
        }));
  }
  Acts acts;
  for (const uint64_t index : first) {
    if (acts.found.size() == limit) {
      acts.next = index;
      break;
    }
    acts.found.emplace_back(index);
  }
  return acts;
}

StatusOr<Acts> ActsAbout(Facts& facts, const v1::EntityRef& about, uint64_t from, size_t limit) {
  RETURN_IF_ERROR(facts.CheckNamed(about));
  ASSIGN_OR_RETURN(std::vector<LeafIndex> naming, facts.About(about, "", facts.events_max() + 1, LeafIndex(from)));
  TreeSize until = facts.size();
  // Something named so often is gone through in parts.
  const bool in_parts = naming.size() > facts.events_max();
  if (in_parts) until = TreeSize(naming.back().value);
  if (naming.empty()) return Acts();
  const auto names_it = [&](LeafIndex index) { return std::binary_search(naming.begin(), naming.end(), index); };
  ASSIGN_OR_RETURN(Acts acts, ActsFrom(facts, naming.front().value, until, limit, names_it));
  if (in_parts && acts.next == 0) acts.next = until.value;
  return acts;
}

StatusOr<Acts> ActsOf(Facts& facts, const v1::ErasureReportQuestion& question) {
  const size_t limit = question.limit() == 0 ? kActsMax : std::min(question.limit(), kActsMax);
  if (question.has_about()) return ActsAbout(facts, question.about(), question.from(), limit);
  return ActsFrom(facts, question.from(), facts.size(), limit, [](LeafIndex) { return true; });
}

// In order of the leaves: an act may name one twice.
std::set<uint64_t> BodiesOf(const Fact& fact) {
  std::set<uint64_t> bodies;
  for (const LeafIndex index : ErasedBy(fact.event.view())) bodies.insert(index.value);
  return bodies;
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
  Report(Facts& facts, v1::Answer& answer) : facts_(facts), notes_(answer), answer_(*answer.mutable_erasure_report()) {}

  // False when the page has no room for the act's bodies beside those of the acts before it.
  StatusOr<bool> Add(const Fact& fact) {
    if (const auto* erased = fact.body<v1::SubjectDataErased>()) {
      const std::set<uint64_t> bodies = BodiesOf(fact);
      if (listed_ > 0 && listed_ + bodies.size() > kBodiesMax) return false;
      RETURN_IF_ERROR(AddErasure(fact, *erased, bodies));
    } else if (const auto* refused = fact.body<v1::ErasureRefused>()) {
      RETURN_IF_ERROR(AddRefusal(fact, *refused));
    }
    return true;
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
  Status AddErasure(const Fact& fact, const v1::SubjectDataErased& body, const std::set<uint64_t>& bodies) {
    Answer::Erasure& act = *answer_.add_erasures();
    ASSIGN_OR_RETURN(*act.mutable_leaf(), facts_.Reference(fact.event.index));
    AddNamed(fact, act);
    act.set_basis(body.basis());
    act.set_authorised_by(body.authorised_by());
    act.set_downstream_digest(body.downstream_digest());
    act.set_void_effect(!fact.counts());
    const std::string subject = act.has_subject() ? EntityKeyText(act.subject()) : "";
    if (act.has_subject()) subjects_.emplace(subject, act.subject());
    size_t listed_of_it = 0;
    for (const uint64_t leaf : bodies) {
      if (listed_of_it == kBodiesMax) {
        notes_.add_notes(Text("leaf ", fact.event.index.value, " erased ", bodies.size(), " bodies; the first ",
                              kBodiesMax, " are listed and counted here, and the event itself names them all"));
        break;
      }
      RETURN_IF_ERROR(AddBody(LeafIndex(leaf), subject, *act.add_bodies()));
      ++listed_of_it;
    }
    listed_ += listed_of_it;
    return OkStatus();
  }

  Status AddBody(LeafIndex index, const std::string& subject, Answer::Body& erased) {
    ASSIGN_OR_RETURN(const Fact* gone, facts_.At(index));
    ASSIGN_OR_RETURN(*erased.mutable_leaf(), facts_.Reference(index));
    erased.set_retention(gone->event.type->options->retention());
    erased.set_commitment(gone->header().body_commitment());
    // What a second act names again was gone already.
    if (counted_.insert(index.value).second) ++counts_[{erased.retention(), subject}];
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
  v1::Answer& notes_;
  Answer& answer_;
  // Bodies on the page.
  size_t listed_ = 0;
  // By retention class and subject.
  std::map<std::pair<v1::RetentionClass, std::string>, uint64_t> counts_;
  std::map<std::string, v1::EntityRef> subjects_;
  std::set<uint64_t> counted_;
};

}  // namespace

Status AnswerErasureReport(Facts& facts, const v1::ErasureReportQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Acts acts, ActsOf(facts, question));
  Report report(facts, answer);
  uint64_t next = acts.next;
  for (const LeafIndex act : acts.found) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(act));
    ASSIGN_OR_RETURN(const bool added, report.Add(*fact));
    if (added) continue;
    next = act.value;
    break;
  }
  answer.mutable_erasure_report()->set_next(next);
  report.AddCounts();
  return OkStatus();
}

}  // namespace anamnesis
