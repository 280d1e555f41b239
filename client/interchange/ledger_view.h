#ifndef ANAMNESIS_CLIENT_INTERCHANGE_LEDGER_VIEW_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_LEDGER_VIEW_H_

// A ledger as an export reads it: all of one document is as known over the same first leaves, and every leaf that it
// speaks of can be cited. Not safe for concurrent use.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/question.pb.h"
#include "client/cpp/corrections.h"
#include "client/cpp/ledger_client.h"
#include "google/protobuf/message.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis::interchange {

// When an event occurred as last corrected, and whether it still counts: it was neither retracted nor replaced.
struct Standing {
  bool counts = true;
  Timestamp earliest;
  Timestamp latest;
  // As an answer cites it.
  static StatusOr<Standing> Of(const v1::LeafReference& leaf, bool counts);
};

class LedgerView {
 public:
  // `client` must outlive it. `known_size` 0: all that the ledger has when it is first asked.
  LedgerView(LedgerClient& client, uint64_t known_size) : client_(client), size_(known_size) {}

  // Fixes origin and size. OUT_OF_RANGE: known_size is larger than the ledger. Call it before the others.
  Status Open();
  const std::string& origin() const { return origin_; }
  uint64_t size() const { return size_; }
  LedgerClient& client() { return client_; }

  // Fails as QuestionService.Ask does.
  StatusOr<v1::Answer> Ask(v1::Question question);
  // NOT_FOUND: no such event below size(). The result stays valid as long as this.
  StatusOr<const v1::Event*> At(uint64_t index);
  StatusOr<const v1::Event*> ById(std::string_view event_id);
  // By the history of the first entity that it refers to; of an event that refers to nothing, by the corrections of it.
  StatusOr<Standing> StandingOf(const v1::Event& event);
  // The events of a type that still count, and name the entity as what they are about: in log order.
  StatusOr<std::vector<const v1::Event*>> EventsAbout(const v1::EntityRef& entity, std::string_view type);

 private:
  StatusOr<const v1::Event*> Keep(StatusOr<v1::Event> event);

  LedgerClient& client_;
  uint64_t size_;
  std::string origin_;
  // Set by Open.
  std::optional<Corrections> corrections_;
  std::map<uint64_t, v1::Event> events_;
};

// The body as its type's message; nullptr when it was erased. DATA_LOSS when it is not what its type says.
StatusOr<std::unique_ptr<google::protobuf::Message>> BodyOf(const v1::Event& event);
// The time that stands in the header, where a correction has moved it; empty elsewhere.
std::string OccurredAsRecorded(const v1::Event& event, const Standing& standing);
// Whether the event's type declares the role as defining.
bool Defines(const v1::Event& event, std::string_view role);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_LEDGER_VIEW_H_
