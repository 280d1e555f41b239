#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_ASKING_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_ASKING_H_

// Questions put to a projected history.

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "ledger/query/ask.h"
#include "tests/support/projected_history.h"
#include "tests/support/shipped_policy.h"

namespace anamnesis {

inline LeafIndex AdoptShipped(ProjectedHistory& history, v1::PolicyAdopted::Kind kind, std::string_view file) {
  return history.Add(Adopt(kind, ReadPolicy(file)));
}
inline LeafIndex AdoptProfile(ProjectedHistory& history) {
  return AdoptShipped(history, v1::PolicyAdopted::PROCESS_PROFILE, "process_profile_62304_2006_a1");
}

// Fails the test, and gives an empty answer, when the question is refused. Every answer cites ascending leaves below
// its size.
inline v1::Answer AskOf(const ProjectedHistory& history, const v1::Question& question) {
  const StatusOr<v1::Answer> answer = Ask(history.rows(), "o", history.size(), question);
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return {};
  for (int i = 0; i < answer->leaves_size(); ++i) {
    EXPECT_LT(answer->leaves(i), answer->tree_size());
    EXPECT_TRUE(i == 0 || answer->leaves(i - 1) < answer->leaves(i));
  }
  return *answer;
}

inline bool Cites(const v1::Answer& answer, LeafIndex leaf) {
  return std::find(answer.leaves().begin(), answer.leaves().end(), leaf.value) != answer.leaves().end();
}

inline void SetEntity(v1::EntityRef& entity, std::string_view kind, std::string_view id,
                      std::string_view version = "") {
  entity.set_kind(std::string(kind));
  entity.set_id(std::string(id));
  entity.set_version(std::string(version));
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_ASKING_H_
