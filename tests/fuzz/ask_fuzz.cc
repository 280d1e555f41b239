// QuestionService.Ask: every question, whatever it asks about, is answered from leaves that there are, or refused for
// what it lacks. On the story of the gate, in which most kinds of records occur.

#include <cstddef>
#include <cstdint>

#include "google/protobuf/stubs/logging.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/query/ask.h"
#include "tests/fuzz/calls.h"
#include "tests/support/gate_world.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

GateWorld& SharedWorld() {
  static GateWorld& world = *[] {
    google::protobuf::SetLogHandler(nullptr);
    auto* made = new GateWorld(GateStory());
    made->Record("1", "ICU-1", "US");
    made->Record("1", "ICU-2", "DE");
    return made;
  }();
  return world;
}

void Fuzz(const v1::Question& question) {
  GateWorld& world = SharedWorld();
  const uint64_t size = world.ledger().size().value;
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), kTestOrigin, world.ledger().size(), question, AskGate);
  if (!answer.ok()) {
    // What a question can be guilty of: never that the ledger is damaged or at a loss.
    const absl::StatusCode code = answer.status().code();
    const bool documented = code == absl::StatusCode::kInvalidArgument || code == absl::StatusCode::kNotFound ||
                            code == absl::StatusCode::kOutOfRange || code == absl::StatusCode::kResourceExhausted ||
                            code == absl::StatusCode::kFailedPrecondition;
    if (!documented) std::fprintf(stderr, "%s\n", answer.status().ToString().c_str());
    CHECK(documented && !answer.status().message().empty());
    return;
  }
  CHECK(answer->origin() == kTestOrigin);
  CHECK(answer->tree_size() == (question.known_size() == 0 ? size : question.known_size()));
  CHECK(answer->tree_size() <= size);
  for (int i = 0; i < answer->leaves_size(); ++i) {
    CHECK(answer->leaves(i) < answer->tree_size());
    CHECK(i == 0 || answer->leaves(i) > answer->leaves(i - 1));
  }
  CheckReadable(*answer);
  const StatusOr<v1::Answer> again = Ask(world.ledger().rows(), kTestOrigin, world.ledger().size(), question, AskGate);
  CHECK(again.ok() && again->SerializeAsString() == answer->SerializeAsString());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto question = anamnesis::ParseRequest<anamnesis::v1::Question>(data, size);
  if (question.has_value()) anamnesis::Fuzz(*question);
  return 0;
}
