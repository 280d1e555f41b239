#include "ledger/state/project.h"

#include <algorithm>
#include <array>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/state/authority.h"
#include "ledger/state/configuration.h"
#include "ledger/state/edges.h"
#include "ledger/state/stream.h"

namespace anamnesis {

bool FoldsReadBody(const EventType& type) {
  static const std::array kRead = {
      v1::CredentialIssued::descriptor(),
      v1::CredentialRevoked::descriptor(),
      v1::RoleGranted::descriptor(),
      v1::RoleWithdrawn::descriptor(),
      v1::ArtifactActivated::descriptor(),
      v1::ArtifactDeactivated::descriptor(),
      v1::DeviceUnitCommissioned::descriptor(),
      v1::DeviceUnitDecommissioned::descriptor(),
      v1::DeviceUnitServiced::descriptor(),
      v1::ConfigurationAttested::descriptor(),
      v1::RecordCorrected::descriptor(),
  };
  return std::find(kRead.begin(), kRead.end(), type.body) != kRead.end();
}

Status Project(const RecordedEvent& event, RowOverlay& rows) {
  rows.Put(Family::kEventIds, event.header->event_id.bytes(), LeafKey(event.index));
  RETURN_IF_ERROR(FoldStream(event, rows));
  FoldEdges(event, rows);
  RETURN_IF_ERROR(FoldAuthority(event, rows));
  return FoldConfiguration(event, rows);
}

}  // namespace anamnesis
