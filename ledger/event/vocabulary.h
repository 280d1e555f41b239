#ifndef ANAMNESIS_LEDGER_EVENT_VOCABULARY_H_
#define ANAMNESIS_LEDGER_EVENT_VOCABULARY_H_

// The event types, as data: every message in the files that proto/anamnesis/v1/vocabulary.proto imports and that
// carries EventTypeOptions is one. Validation walks the options by reflection; there is no code for a single type here.
// Immutable after the first use; safe from any thread.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/options.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "ledger/base/status.h"

namespace anamnesis {

struct EventType {
  const v1::EventTypeOptions* options;
  const google::protobuf::Descriptor* body;

  const std::string& name() const { return options->type(); }
};

class Vocabulary {
 public:
  // The vocabulary compiled into this program.
  static const Vocabulary& Get();

  // The type, or nullptr when there is none of that name and schema version.
  const EventType* Find(std::string_view name, uint32_t schema_version) const;
  // The newest schema version of a type, or nullptr.
  const EventType* FindNewest(std::string_view name) const;
  // All types, by name.
  std::vector<const EventType*> All() const;
  // Whether things of this kind can have versions. Of others a version says nothing: "ICU-7@2" is ICU-7.
  bool HasVersions(std::string_view kind) const;

 private:
  Vocabulary();
  std::map<std::string, std::map<uint32_t, EventType>, std::less<>> types_;
};

// An empty body message of the type; the caller owns it.
std::unique_ptr<google::protobuf::Message> NewBody(const EventType& type);

// Parses `content` as the type's message and checks it against its field rules. SCHEMA refusal naming the field.
StatusOr<std::unique_ptr<google::protobuf::Message>> ParseBody(const EventType& type, std::string_view content);

// Checks a body message against its field rules. SCHEMA refusal naming the field.
Status ValidateBody(const google::protobuf::Message& body);

// Checks what the type asks of a header: reference roles, kinds, counts and versions, and a rationale where required.
// SCHEMA refusal naming the field.
Status ValidateHeader(const EventType& type, const v1::EventHeader& header);

// The first of the clauses that ask for such a record; empty where none does. Lives as long as the vocabulary.
std::string_view FirstClause(const EventType& type);

// `body` as the message of one event type, or nullptr when it is another's, or null.
template <typename Body>
const Body* BodyAs(const google::protobuf::Message* body) {
  if (body == nullptr || body->GetDescriptor() != Body::descriptor()) return nullptr;
  return static_cast<const Body*>(body);
}

// The version by which what a reference names is told from others of its kind and id; empty when the kind has none.
std::string_view VersionOf(const v1::EntityRef& entity);

// The first reference with this role, or nullptr.
const v1::EntityRef* FindReference(const v1::EventHeader& header, std::string_view role);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_VOCABULARY_H_
