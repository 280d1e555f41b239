#include "ledger/query/test_results.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_join.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/typed_facts.h"

namespace anamnesis {
namespace {

bool NamesExactly(const Fact& fact, std::string_view role, const v1::EntityRef& item) {
  const auto& refs = fact.header().refs();
  return std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
    return ref.role() == role && NameOf(ref) == NameOf(item) && ref.version() == item.version();
  });
}

}  // namespace

std::optional<bool> ResultFor(const Fact& fact, const v1::EntityRef& item) {
  if (const auto* run = fact.body<v1::TestRunCompleted>()) {
    const bool ended = run->result() == v1::TestRunCompleted::PASS || run->result() == v1::TestRunCompleted::FAIL;
    if (ended && NamesExactly(fact, "verified", item)) return run->result() == v1::TestRunCompleted::PASS;
  }
  if (const auto* evaluation = fact.body<v1::EvaluationCompleted>()) {
    const bool judged =
        evaluation->result() == v1::EvaluationCompleted::PASS || evaluation->result() == v1::EvaluationCompleted::FAIL;
    if (judged && NamesExactly(fact, "model", item)) return evaluation->result() == v1::EvaluationCompleted::PASS;
  }
  return std::nullopt;
}

std::string TestOf(const Fact& result) {
  std::set<std::string> names;
  const auto* verified = result.body<v1::RiskControlVerified>();
  if (verified != nullptr) names.insert(v1::RiskControlVerified::Aspect_Name(verified->aspect()));
  const bool of_control = result.type() == "risk_control.verified";
  for (const v1::EntityRef& ref : result.header().refs()) {
    const bool of_test = ref.role() == "test_case" || ref.role() == "dataset" || ref.role() == "split";
    if (!of_test && !(of_control && ref.role() == "control")) continue;
    const bool any_version = ref.role() != "dataset" && ref.role() != "split";
    names.insert(EntityKeyText(any_version ? ToEntity(NameOf(ref)) : Bare(ref)));
  }
  return Text(result.type(), " ", absl::StrJoin(names, " "));
}

std::map<std::string, const Fact*> LastOfEachTest(const std::vector<const Fact*>& results) {
  std::map<std::string, const Fact*> last;
  for (const Fact* result : results) {
    const Fact*& newest = last[TestOf(*result)];
    if (newest == nullptr || StandsEarlier(newest, result)) newest = result;
  }
  return last;
}

std::string FailureText(const Fact& failed) {
  const v1::EntityRef* test_case = FindReference(failed.header(), "test_case");
  return Text(test_case == nullptr ? "an evaluation" : EntityKeyText(*test_case), " failed (leaf ",
              failed.event.index.value, ") and has not passed since");
}

}  // namespace anamnesis
