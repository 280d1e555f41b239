#include "ledger/query/device_model_at.h"

#include <algorithm>
#include <string_view>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/typed_facts.h"

namespace anamnesis {
namespace {

void Set(DeviceModelAt::Identifier& identifier, const std::string& value, const Fact& by) {
  if (!value.empty()) identifier = {value, &by};
}

// The events of a type about the model that had begun by then, the earliest first, without those from before it was
// registered: by when that happened, since a registration that was replaced later didn't happen later.
StatusOr<std::vector<const Fact*>> Since(Facts& facts, const v1::EntityRef& device_model, std::string_view type,
                                         const Fact& registered, Timestamp at) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> found, TypedOfEither(facts, device_model, type));
  std::erase_if(found,
                [&](const Fact* fact) { return fact->earliest() > at || fact->earliest() < registered.earliest(); });
  std::sort(found.begin(), found.end(), StandsEarlier);
  return found;
}

}  // namespace

StatusOr<DeviceModelAt> DeviceModelAsOf(Facts& facts, const v1::EntityRef& device_model, Timestamp at) {
  DeviceModelAt model;
  ASSIGN_OR_RETURN(model.registered, facts.Definition(Bare(device_model)));
  if (model.registered == nullptr) return model;
  const auto* body = model.registered->body<v1::DeviceModelRegistered>();
  model.name = body->name();
  model.named_by = model.registered;
  model.intended_purpose = body->intended_purpose();
  Set(model.udi_di, body->udi_di(), *model.registered);
  Set(model.basic_udi_di, body->basic_udi_di(), *model.registered);
  ASSIGN_OR_RETURN(model.revised, Since(facts, device_model, "device_model.revised", *model.registered, at));
  for (const Fact* fact : model.revised) {
    const auto* revision = fact->body<v1::DeviceModelRevised>();
    if (!revision->name().empty()) {
      model.name = revision->name();
      model.named_by = fact;
    }
    if (!revision->intended_purpose().empty()) model.intended_purpose = revision->intended_purpose();
    Set(model.udi_di, revision->udi_di(), *fact);
    Set(model.basic_udi_di, revision->basic_udi_di(), *fact);
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> assigned,
                   Since(facts, device_model, "udi.assigned", *model.registered, at));
  for (const Fact* fact : assigned) {
    const auto* assignment = fact->body<v1::UdiAssigned>();
    if (assignment->kind() == v1::UdiAssigned::UDI_DI) Set(model.udi_di, assignment->value(), *fact);
    if (assignment->kind() == v1::UdiAssigned::BASIC_UDI_DI) Set(model.basic_udi_di, assignment->value(), *fact);
  }
  return model;
}

}  // namespace anamnesis
