#include "ledger/query/typed_facts.h"

#include <algorithm>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anamnesis {

v1::EntityRef Bare(const v1::EntityRef& ref, bool any) {
  v1::EntityRef bare;
  bare.set_kind(ref.kind());
  bare.set_id(ref.id());
  if (!any) bare.set_version(ref.version());
  return bare;
}

StatusOr<std::vector<const Fact*>> TypedOfEither(Facts& facts, const v1::EntityRef& ref, std::string_view type) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> found, facts.Typed(Bare(ref), type));
  if (ref.version().empty()) return found;
  ASSIGN_OR_RETURN(const std::vector<const Fact*> whole, facts.Typed(Bare(ref, true), type));
  found.insert(found.end(), whole.begin(), whole.end());
  std::sort(found.begin(), found.end(), [](const Fact* a, const Fact* b) { return a->event.index < b->event.index; });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

Timestamp EffectiveFrom(const Fact& fact) {
  const google::protobuf::Message* body = fact.event.body.get();
  const auto* field = body == nullptr ? nullptr : body->GetDescriptor()->FindFieldByName("effective_from_us");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_INT64) return fact.earliest();
  return EffectiveFrom(fact, body->GetReflection()->GetInt64(*body, field));
}

}  // namespace anamnesis
