#ifndef ANAMNESIS_TESTS_GOLDEN_PREPARED_LEDGER_H_
#define ANAMNESIS_TESTS_GOLDEN_PREPARED_LEDGER_H_

// A ledger in which the golden example of any event type is accepted: whatever the type's annotations ask for before it
// is recorded first, from the examples of other types. Made from the annotations by reflection, so that a new type or
// rule needs nothing here.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/event/vocabulary.h"
#include "tests/support/test_run.h"

namespace anamnesis {

// The golden example of a type as a draft, with a signature that begins a session of its own where it has one, and what
// else must fit the ledger it is sent to: keys, leaves and events that the examples can only make up.
EventDraft ExampleOf(const EventType& type);

// Sets fields at paths with dots to the values of "PATH=VALUE", several joined by "&" (options.proto, Precondition).
void SetCondition(google::protobuf::Message& body, std::string_view conditions);
// A copy of the draft's body, to be changed.
std::shared_ptr<google::protobuf::Message> CopyOfBody(const EventDraft& draft);

class PreparedLedger {
 public:
  PreparedLedger();

  // Records what `draft`, of this type, needs before it, each as told after the fact, so that it needs nothing itself;
  // but not what the precondition `but_rule` asks for.
  void Prepare(const EventType& type, EventDraft& draft, std::string_view but_rule = "");

  // Replaces keys, leaves, events and signatures that the draft names by such as the ledger has, and has not yet.
  void FitToLedger(const EventType& type, EventDraft& draft);

  // The verdict on the draft as the next event of the writer who holds all roles; refused, it leaves no trace in the
  // writer's stream.
  StatusOr<RunVerdict> Append(const EventDraft& draft);
  // The same by a person with a key and no role.
  StatusOr<RunVerdict> AppendWithoutRoles(const EventDraft& draft);
  // Of any run that Write made.
  StatusOr<RunVerdict> AppendRun(const v1::Run& run);
  v1::Run Write(const EventDraft& draft);
  const TestWriter& writer() const { return writer_; }

  // A clean slate for ids: entities that examples define are named with this at the end, so that two types' examples
  // of one entity do not contradict each other.
  void set_suffix(std::string suffix) { suffix_ = std::move(suffix); }

  TestLedger& ledger() { return ledger_; }
  // Every batch so far, for another ledger.
  const std::vector<Batch>& batches() const { return batches_; }
  CommitBatch Commit(Batch batch);

 private:
  StatusOr<RunVerdict> AppendAs(TestWriter& writer, size_t& position, const EventDraft& draft);
  void Record(EventDraft draft);
  void Define(const v1::EntityRef& entity, const std::set<std::string>& not_by);
  void Fulfil(const v1::Precondition& rule, const v1::EntityRef& entity);

  TestLedger ledger_;
  TestWriter writer_{"person", "p-0001", 1};
  TestWriter other_{"person", "p-0009", 9};
  size_t position_ = 0;
  size_t other_position_ = 0;
  uint64_t sessions_ = 0;
  uint64_t keys_ = 100;
  std::string suffix_;
  std::vector<Batch> batches_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_GOLDEN_PREPARED_LEDGER_H_
