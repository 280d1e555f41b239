#include "ledger/state/project.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/state/adaptation_rules.h"
#include "ledger/state/authority.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/configuration.h"
#include "ledger/state/dataset_rules.h"
#include "ledger/state/delegations.h"
#include "ledger/state/edges.h"
#include "ledger/state/entities.h"
#include "ledger/state/erasures.h"
#include "ledger/state/policies.h"
#include "ledger/state/refused_attempts.h"
#include "ledger/state/signatures.h"
#include "ledger/state/software_items.h"
#include "ledger/state/standing_rows.h"
#include "ledger/state/standing_times.h"
#include "ledger/state/stream.h"

namespace anamnesis {

namespace {

// Whether a fold reads the bodies of this type, or the rules, or what is folded for them.
bool ReadsBody(const EventType& type) {
  static const std::array kRead = {
      v1::CredentialIssued::descriptor(),
      v1::CredentialRevoked::descriptor(),
      v1::RoleGranted::descriptor(),
      v1::RoleWithdrawn::descriptor(),
      v1::ArtifactActivated::descriptor(),
      v1::ArtifactDeactivated::descriptor(),
      v1::ArtifactRolledBack::descriptor(),
      v1::DeviceUnitCommissioned::descriptor(),
      v1::DeviceUnitDecommissioned::descriptor(),
      v1::DeviceUnitServiced::descriptor(),
      v1::ConfigurationAttested::descriptor(),
      v1::SubstrateInstalled::descriptor(),
      v1::RecordCorrected::descriptor(),
      v1::ForkDetected::descriptor(),
  };
  if (std::find(kRead.begin(), kRead.end(), type.body) != kRead.end()) return true;
  // Bodies that can be erased are never read.
  if (type.options->retention() == v1::PERSONAL_DATA) return false;
  return RulesReadBody(type) || ConditionsReadBody(type) || AuthorityReadsBody(type) || DelegationsReadBody(type) ||
         SignaturesReadBody(type) || RefusedAttemptsReadBody(type) || StandingRowsReadBody(type) ||
         StandingTimesReadBody(type) || type.body == v1::SafetyClassAssigned::descriptor() ||
         type.body == v1::SafetyClassLowered::descriptor();
}

}  // namespace

bool FoldsReadBody(const EventType& type) {
  // Asked of each event that is folded again.
  static const auto* const kRead = [] {
    auto* read = new std::unordered_set<const google::protobuf::Descriptor*>();
    for (const EventType* each : Vocabulary::Get().All()) {
      if (ReadsBody(*each)) read->insert(each->body);
    }
    return read;
  }();
  return kRead->contains(type.body);
}

Status Project(const RecordedEvent& event, RowOverlay& rows, const std::vector<BrokenRule>* broken) {
  if (broken != nullptr) {
    PutFindings(event.index, *broken, rows);
  } else {
    ASSIGN_OR_RETURN(const std::vector<BrokenRule> found, BrokenRules(event, rows));
    PutFindings(event.index, found, rows);
  }
  RETURN_IF_ERROR(FoldStream(event, rows));
  rows.Put(Family::kEventIds, event.header->event_id.bytes(), LeafKey(event.index));
  FoldEdges(event, rows);
  // With its corrections, by which the folds below tell what counts.
  RETURN_IF_ERROR(FoldConfiguration(event, rows));
  // Asks what was defined before this event.
  RETURN_IF_ERROR(FoldStandingRows(event, rows));
  FoldEntities(event, rows);
  RETURN_IF_ERROR(FoldSoftwareItems(event, rows));
  RETURN_IF_ERROR(FoldPolicies(event, rows));
  RETURN_IF_ERROR(FoldAgreement(event, rows));
  RETURN_IF_ERROR(FoldAdaptationSurfaces(event, rows));
  RETURN_IF_ERROR(FoldAuthority(event, rows));
  RETURN_IF_ERROR(FoldDelegations(event, rows));
  RETURN_IF_ERROR(FoldErasures(event, rows));
  RETURN_IF_ERROR(FoldSignatures(event, rows));
  RETURN_IF_ERROR(FoldRefusedAttempts(event, rows));
  return FoldStandingTimes(event, rows);
}

}  // namespace anamnesis
