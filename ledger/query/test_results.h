#ifndef ANAMNESIS_LEDGER_QUERY_TEST_RESULTS_H_
#define ANAMNESIS_LEDGER_QUERY_TEST_RESULTS_H_

// Results of tests: test runs, evaluations and verifications of risk controls. Of each test the last decides, so that
// one which passed hides no other that failed. Pure.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Whether a test of exactly this version of the item passed; nullopt for what is no result of one.
std::optional<bool> ResultFor(const Fact& fact, const v1::EntityRef& item);

// What makes two results ones of the same test, of which the later counts: the test case, in any version, or the
// version of the data that was evaluated on, since a version without the hard cases shows less; of a risk control's
// verification, the control and the aspect. All other events of one type are taken for one test.
std::string TestOf(const Fact& result);

// The last of the results of each test, by TestOf, by their places in time (place_in_time.h).
std::map<std::string, const Fact*> LastOfEachTest(const std::vector<const Fact*>& results);

// "test_case:unit@1 failed (leaf 12) and has not passed since".
std::string FailureText(const Fact& failed);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_TEST_RESULTS_H_
