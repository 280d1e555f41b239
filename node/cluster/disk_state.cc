#include "node/cluster/disk_state.h"

#include <optional>
#include <string>
#include <vector>

#include "node/cluster/wire.h"

namespace anamnesis {

StatusOr<NodeReport> ReadDisk(const Staging& staging, const NodeId& node, Revision applied) {
  NodeReport report;
  report.node = node;
  report.applied = applied;
  ASSIGN_OR_RETURN(const std::optional<std::string> note, staging.Note());
  if (note.has_value()) {
    ASSIGN_OR_RETURN(report.members, ParseMembers(*note));
  }
  ASSIGN_OR_RETURN(const std::vector<BatchName> last, staging.LastApplied());
  for (const BatchName& name : last) report.applied_numbers[SessionId(name.session)] = BatchNumber(name.number);
  ASSIGN_OR_RETURN(const std::vector<Staging::Staged> staged, staging.List());
  for (const Staging::Staged& one : staged) {
    report.staged.push_back({{SessionId(one.name.session), BatchNumber(one.name.number)}, one.digest, one.size});
  }
  return report;
}

}  // namespace anamnesis
