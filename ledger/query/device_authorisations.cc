#include "ledger/query/device_authorisations.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "ledger/event/names.h"
#include "ledger/query/authorisation.h"
#include "ledger/query/typed_facts.h"

namespace anamnesis {
namespace {

std::string_view WhyNotInForce(AuthorisationState::Kind kind) {
  switch (kind) {
    case AuthorisationState::Kind::kInForce:
      return "";
    case AuthorisationState::Kind::kGrantedLater:
      return "was granted later only";
    case AuthorisationState::Kind::kValidLater:
      return "is valid later only";
    case AuthorisationState::Kind::kExpired:
      return "has expired";
    case AuthorisationState::Kind::kSuspended:
      return "is suspended";
    case AuthorisationState::Kind::kWithdrawn:
      return "is withdrawn";
  }
  return "";
}

StatusOr<DeviceAuthorisation> StateOf(Facts& facts, const Fact& granted, Timestamp at) {
  const v1::EntityRef ref = Bare(*FindReference(granted.header(), "authorisation"));
  std::vector<AuthorisationEntry> entries = {AuthorisationEntryOf(granted).value()};
  for (const std::string_view type : TypesAfterGrant()) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(ref, type));
    for (const Fact* fact : found) entries.push_back(AuthorisationEntryOf(*fact).value());
  }
  const AuthorisationState state = AuthorisationAt(entries, at);
  DeviceAuthorisation authorisation;
  authorisation.granted = &granted;
  authorisation.terms = state.terms->terms;
  ASSIGN_OR_RETURN(authorisation.terms_from, facts.At(LeafIndex(state.terms->leaf)));
  authorisation.inactive_because = WhyNotInForce(state.kind);
  authorisation.granted_later = entries.front().from > at;
  if (state.because != nullptr) {
    ASSIGN_OR_RETURN(authorisation.inactive_fact, facts.At(LeafIndex(state.because->leaf)));
  }
  if (state.changed_by != nullptr) {
    ASSIGN_OR_RETURN(authorisation.changed_by, facts.At(LeafIndex(state.changed_by->leaf)));
  }
  return authorisation;
}

}  // namespace

StatusOr<std::vector<DeviceAuthorisation>> AuthorisationsOf(Facts& facts, const v1::EntityRef& device_model,
                                                            const std::vector<std::string>& jurisdictions,
                                                            Timestamp at) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> granted, TypedOfEither(facts, device_model, "authorisation.granted"));
  std::vector<DeviceAuthorisation> authorisations;
  for (const Fact* fact : granted) {
    const v1::AuthorisationTerms& terms = fact->body<v1::AuthorisationGranted>()->terms();
    const bool here =
        std::find(jurisdictions.begin(), jurisdictions.end(), terms.jurisdiction()) != jurisdictions.end();
    if (!here) continue;
    ASSIGN_OR_RETURN(DeviceAuthorisation one, StateOf(facts, *fact, at));
    authorisations.push_back(std::move(one));
  }
  return authorisations;
}

}  // namespace anamnesis
