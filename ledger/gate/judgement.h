#ifndef ANAMNESIS_LEDGER_GATE_JUDGEMENT_H_
#define ANAMNESIS_LEDGER_GATE_JUDGEMENT_H_

// What one rule found. Private to the room.

#include <set>
#include <string>
#include <string_view>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
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
  // A reason not to allow it.
  void Fail(std::string_view why) { Note(why, Result::FAIL); }
  // It doesn't ask for anything here.
  void NotApplicable(std::string_view why) {
    if (outcome_ == Result::PASS) Note(why, Result::NOT_APPLICABLE);
  }
  bool failed() const { return outcome_ == Result::FAIL; }

  Result::Outcome outcome() const { return outcome_; }
  const std::string& note() const { return note_; }
  const std::set<uint64_t>& evidence() const { return evidence_; }

 private:
  void Note(std::string_view why, Result::Outcome outcome) {
    outcome_ = outcome;
    if (!note_.empty()) note_ += "; ";
    note_ += why;
  }

  Result::Outcome outcome_ = Result::PASS;
  std::string note_;
  std::set<uint64_t> evidence_;
};

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_JUDGEMENT_H_
