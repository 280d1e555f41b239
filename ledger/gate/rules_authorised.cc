// Which authorisation an adaptation rests on: G10 to G12 (leave.h).

#include <vector>

#include "ledger/gate/leave.h"
#include "ledger/gate/rules.h"

namespace anamnesis::gate {
namespace {

struct Judged {
  const Authorisation* authorisation = nullptr;
  AuthorisationJudged by;

  int failed() const { return by.change_control.failed() + by.change_plan.failed() + by.clearance.failed(); }
};

std::vector<Leave> LeavesOf(const Subject& s) {
  std::vector<Leave> leaves;
  for (const Authorisation& authorisation : s.authorisations) {
    const bool bounds_alone = AllowsChange(s, authorisation);
    const size_t before = leaves.size();
    for (const ChangePlan& plan : authorisation.plans) {
      if (plan.ended == nullptr || bounds_alone) leaves.push_back({&authorisation, &plan});
    }
    if (leaves.size() == before) leaves.push_back({&authorisation, nullptr});
  }
  if (leaves.empty()) leaves.emplace_back();
  return leaves;
}

StatusOr<Judged> JudgeBy(Subject& s, const Leave& leave) {
  Judged judged;
  judged.authorisation = leave.authorisation;
  Judgement& control = judged.by.change_control;
  Judgement& plan = judged.by.change_plan;
  Judgement& clearance = judged.by.clearance;
  RETURN_IF_ERROR(Settled(JudgeChangeControlBy(s, leave, control), control));
  RETURN_IF_ERROR(Settled(JudgeChangePlanBy(s, leave, plan), plan));
  RETURN_IF_ERROR(Settled(JudgeClearanceBy(s, leave, clearance), clearance));
  return judged;
}

// Where none passes, the rules that fail by the closest say what the others lack.
void AddOthers(const std::vector<Judged>& others, AuthorisationJudged& closest) {
  std::string text;
  std::set<uint64_t> evidence;
  for (const Judged& other : others) {
    const std::pair<std::string_view, const Judgement*> rules[] = {
        {"G10", &other.by.change_control}, {"G11", &other.by.change_plan}, {"G12", &other.by.clearance}};
    text += Text(text.empty() ? "" : "; ", "by ", other.authorisation->terms->number(), ": ");
    bool first = true;
    for (const auto& [id, judgement] : rules) {
      if (!judgement->failed()) continue;
      text += Text(first ? "" : ", ", id, " ", judgement->note());
      first = false;
      evidence.insert(judgement->evidence().begin(), judgement->evidence().end());
    }
  }
  if (text.empty()) return;
  for (Judgement* judgement : {&closest.change_control, &closest.change_plan, &closest.clearance}) {
    if (!judgement->failed()) continue;
    judgement->Fail(text);
    for (const uint64_t leaf : evidence) judgement->RestOn(leaf);
    return;
  }
}

StatusOr<AuthorisationJudged> JudgeByEach(Subject& s) {
  std::vector<Judged> all;
  size_t closest = 0;
  for (const Leave& leave : LeavesOf(s)) {
    ASSIGN_OR_RETURN(Judged judged, JudgeBy(s, leave));
    if (judged.failed() == 0) return std::move(judged.by);
    if (all.empty() || judged.failed() < all[closest].failed()) closest = all.size();
    all.push_back(std::move(judged));
  }
  AuthorisationJudged result = std::move(all[closest].by);
  all.erase(all.begin() + static_cast<ptrdiff_t>(closest));
  AddOthers(all, result);
  return result;
}

StatusOr<const AuthorisationJudged*> ByAuthorisation(Subject& s) {
  if (!s.judged_by_authorisation.has_value()) {
    ASSIGN_OR_RETURN(s.judged_by_authorisation, JudgeByEach(s));
  }
  return &*s.judged_by_authorisation;
}

}  // namespace

Status JudgeChangeControl(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const AuthorisationJudged* judged, ByAuthorisation(s));
  j = judged->change_control;
  return OkStatus();
}

Status JudgeChangePlan(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const AuthorisationJudged* judged, ByAuthorisation(s));
  j = judged->change_plan;
  return OkStatus();
}

Status JudgeClearance(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(const AuthorisationJudged* judged, ByAuthorisation(s));
  j = judged->clearance;
  return OkStatus();
}

}  // namespace anamnesis::gate
