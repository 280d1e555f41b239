#ifndef ANAMNESIS_LEDGER_GATE_JUDGEMENT_H_
#define ANAMNESIS_LEDGER_GATE_JUDGEMENT_H_

// What one rule found. Private to the room.

#include <set>
#include <string>
#include <string_view>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis::gate {

using Result = v1::GateDecided::RuleResult;

class Judgement {
 public:
  // It rests on this fact.
  void Rest(const Fact* fact) {
    if (fact != nullptr) evidence_.insert(fact->event.index.value);
  }
  void RestOn(uint64_t leaf) { evidence_.insert(leaf); }
  // It is to be seen with the result, which doesn't rest on it: whoever recorded it, and in whichever stream, nothing
  // would be gained by taking it away.
  void List(const Fact& fact) { ListLeaf(fact.event.index.value); }
  void ListLeaf(uint64_t leaf) { listed_.insert(leaf); }
  // A reason not to allow it.
  void Fail(std::string_view why) {
    by_tests_alone_ = false;
    Note(why, Result::FAIL);
  }
  // A test of it failed: it may not be put to use. Of what was put to use before, people decide.
  void FailByTest(std::string_view why) { Note(why, Result::FAIL); }
  // The reasons of another and what it rests on, where that failed.
  void FailAs(const Judgement& other) {
    if (!other.failed()) return;
    Fail(other.note());
    evidence_.insert(other.evidence().begin(), other.evidence().end());
  }
  // Something to know of, which is no reason against it.
  void Mention(std::string_view what) { Note(what, outcome_); }
  // It doesn't ask for anything here.
  void NotApplicable(std::string_view why) {
    if (outcome_ == Result::PASS) Note(why, Result::NOT_APPLICABLE);
  }
  // It asks for something that nobody can evaluate.
  void FailToEvaluate(std::string_view why) {
    evaluated_ = false;
    Fail(why);
  }
  bool evaluated() const { return evaluated_; }
  bool failed() const { return outcome_ == Result::FAIL; }
  bool failed_by_tests_alone() const { return failed() && by_tests_alone_; }

  Result::Outcome outcome() const { return outcome_; }
  const std::string& note() const { return note_; }
  const std::set<uint64_t>& evidence() const { return evidence_; }
  const std::set<uint64_t>& listed() const { return listed_; }

 private:
  void Note(std::string_view why, Result::Outcome outcome) {
    outcome_ = outcome;
    if (!note_.empty()) note_ += "; ";
    note_ += why;
  }

  Result::Outcome outcome_ = Result::PASS;
  bool evaluated_ = true;
  bool by_tests_alone_ = true;
  std::string note_;
  std::set<uint64_t> evidence_;
  std::set<uint64_t> listed_;
};

// Whether what somebody recorded can't be decided on, rather than that rows can't be read: then the gate denies, and
// the ledger goes on.
inline bool IsOfWhatWasRecorded(const Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status) || absl::IsResourceExhausted(status);
}

// Takes such a failure as a reason to deny; others stay.
inline Status Settled(const Status& judged, Judgement& judgement) {
  if (judged.ok() || !IsOfWhatWasRecorded(judged)) return judged;
  judgement.FailToEvaluate(MessageOf(judged));
  return OkStatus();
}

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_JUDGEMENT_H_
