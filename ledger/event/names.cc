#include "ledger/event/names.h"

#include "ledger/base/status.h"

namespace anamnesis {

std::string AgentText(const v1::Agent& agent) { return Text(agent.kind(), ":", agent.id()); }

std::string EntityKeyText(const v1::EntityRef& entity) {
  return Text(entity.kind(), ":", entity.id(), entity.version().empty() ? "" : "@", entity.version());
}

}  // namespace anamnesis
