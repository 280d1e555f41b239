#ifndef ANAMNESIS_CLIENT_CLI_BENCH_LIVES_H_
#define ANAMNESIS_CLIENT_CLI_BENCH_LIVES_H_

// Made-up life cycles for benchmarks, one after another: each of a software item with its risks, data, two model
// versions and a device unit that ran both, so that a question about any one of them has the same answer however many
// there are. Pure.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/time.h"
#include "ledger/event/run_builder.h"

namespace anamnesis::cli {

inline constexpr uint64_t kLifeEvents = 24;

// Event `place`, in [0, kLifeEvents), of life `number`, which happened at `now`.
EventDraft LifeEvent(uint64_t number, uint64_t place, Timestamp now);

// A question about a life, and what to call it.
struct LifeQuestion {
  std::string_view name;
  v1::Question question;
};
std::vector<LifeQuestion> QuestionsAbout(uint64_t number);
// Whether the ledger holds it: about its first event. And its unit.
v1::Question WhetherThereIs(uint64_t number);
std::string LifeUnit(uint64_t number);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_BENCH_LIVES_H_
