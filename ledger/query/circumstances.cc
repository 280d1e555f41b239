#include "ledger/query/circumstances.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/citation.h"
#include "ledger/query/device_authorisations.h"
#include "ledger/query/device_model_at.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/typed_facts.h"
#include "ledger/query/unit_place.h"

namespace anamnesis {
namespace {

constexpr char kBasicUdiDi[] = "basic_udi_di";
constexpr char kUdiDi[] = "udi_di";
constexpr char kUdiPi[] = "udi_pi";

bool Runs(const v1::Configuration& view, const v1::EntityRef& release) {
  return std::any_of(view.items().begin(), view.items().end(), [&](const v1::ConfigurationItem& item) {
    return item.has_item() && item.item().kind() == release.kind() && item.item().id() == release.id() &&
           item.item().version() == release.version();
  });
}

class Builder {
 public:
  Builder(const RowReader& rows, std::string_view unit, Timestamp at, v1::Configuration& view)
      : facts_(rows, TreeSize(view.tree_size())), unit_(unit), at_(at), view_(view) {}

  Status Add() {
    ASSIGN_OR_RETURN(const UnitPlace place, PlaceOfUnit(facts_, unit_, at_));
    RETURN_IF_ERROR(AddPlace(place));
    RETURN_IF_ERROR(AddDeviceModel(place));
    RETURN_IF_ERROR(AddProductionIdentifiers(place));
    if (place.device_model != nullptr && !place.jurisdiction.empty()) RETURN_IF_ERROR(AddAuthorisations(place));
    for (const std::string& note : notes_) {
      const bool said = std::find(view_.notes().begin(), view_.notes().end(), note) != view_.notes().end();
      if (!said) view_.add_notes(note);
    }
    std::set<uint64_t> leaves(view_.leaves().begin(), view_.leaves().end());
    leaves.insert(facts_.cited().begin(), facts_.cited().end());
    view_.mutable_leaves()->Assign(leaves.begin(), leaves.end());
    return OkStatus();
  }

 private:
  Status Cite(const Fact* fact, v1::LeafReference& reference) {
    ASSIGN_OR_RETURN(reference, facts_.Reference(fact->event.index));
    if (!fact->standing.moved) return OkStatus();
    facts_.Cite(fact->standing.evidence);
    notes_.insert(CorrectedTimeNote(fact->event.index, fact->standing.evidence));
    return OkStatus();
  }

  Status AddPlace(const UnitPlace& place) {
    result_.set_jurisdiction(place.jurisdiction);
    if (place.site != nullptr) *result_.mutable_site() = Bare(*place.site);
    if (place.commissioned != nullptr) {
      result_.set_serial_number(place.commissioned->body<v1::DeviceUnitCommissioned>()->serial_number());
      RETURN_IF_ERROR(Cite(place.commissioned, *result_.mutable_commissioned()));
    }
    if (place.placed == nullptr) return OkStatus();
    if (place.uncertain) {
      notes_.insert(Text("where the unit was at that time is not certain: leaf ", place.placed->event.index.value,
                         " is what began last, and times overlap"));
    }
    return Cite(place.placed, *result_.mutable_placed());
  }

  Status AddIdentifier(std::string_view kind, const std::string& value, const Fact* by,
                       const v1::EntityRef* release = nullptr) {
    if (by == nullptr || value.empty()) return OkStatus();
    v1::Circumstances::Identifier& identifier = *result_.add_identifiers();
    identifier.set_kind(std::string(kind));
    identifier.set_value(value);
    if (release != nullptr) *identifier.mutable_release() = Bare(*release);
    return Cite(by, *identifier.mutable_leaf());
  }

  Status AddDeviceModel(const UnitPlace& place) {
    if (place.device_model == nullptr) return OkStatus();
    *result_.mutable_device_model() = Bare(*place.device_model);
    ASSIGN_OR_RETURN(const DeviceModelAt model, DeviceModelAsOf(facts_, *place.device_model, at_));
    if (model.registered == nullptr) return OkStatus();
    facts_.Cite(model.registered->event.index);
    result_.set_device_name(model.name);
    RETURN_IF_ERROR(Cite(model.named_by, *result_.mutable_named_by()));
    RETURN_IF_ERROR(AddIdentifier(kBasicUdiDi, model.basic_udi_di.value, model.basic_udi_di.by));
    if (model.udi_di.by == nullptr) return OkStatus();
    RETURN_IF_ERROR(AddIdentifier(kUdiDi, model.udi_di.value, model.udi_di.by));
    if (model.udi_di.by != model.registered) return OkStatus();
    result_.mutable_identifiers()->rbegin()->set_issuing_entity(
        model.registered->body<v1::DeviceModelRegistered>()->issuing_entity());
    return OkStatus();
  }

  // Takes what assigns a UDI-PI to the entity and had happened by then: to it as it is, or as the carrier of a release
  // that it runs.
  Status TakeProductionIdentifiers(const v1::EntityRef& entity, const Fact*& of_unit,
                                   std::map<std::string, const Fact*>& of_releases) {
    ASSIGN_OR_RETURN(std::vector<const Fact*> assigned, TypedOfEither(facts_, entity, "udi.assigned"));
    std::sort(assigned.begin(), assigned.end(), StandsEarlier);
    for (const Fact* fact : assigned) {
      if (fact->earliest() > at_ || fact->body<v1::UdiAssigned>()->kind() != v1::UdiAssigned::UDI_PI) continue;
      const v1::EntityRef* unit = FindReference(fact->header(), "unit");
      if (unit != nullptr && unit->id() != unit_) continue;
      const v1::EntityRef* release = FindReference(fact->header(), "release");
      if (release == nullptr && unit != nullptr) of_unit = fact;
      if (release != nullptr && Runs(view_, *release)) of_releases[EntityKeyText(*release)] = fact;
    }
    return OkStatus();
  }

  // The unit's own, and those of the releases that it runs.
  Status AddProductionIdentifiers(const UnitPlace& place) {
    const Fact* of_unit = nullptr;
    std::map<std::string, const Fact*> of_releases;
    if (place.device_model != nullptr) {
      RETURN_IF_ERROR(TakeProductionIdentifiers(*place.device_model, of_unit, of_releases));
    }
    RETURN_IF_ERROR(TakeProductionIdentifiers(ToEntity({"device_unit", unit_}), of_unit, of_releases));
    const std::string at_first =
        place.commissioned == nullptr ? "" : place.commissioned->body<v1::DeviceUnitCommissioned>()->udi_pi();
    // One from before the unit was commissioned gives way to what was said then.
    const bool before = of_unit != nullptr && !at_first.empty() && of_unit->earliest() < place.commissioned->earliest();
    if (of_unit == nullptr || before) {
      RETURN_IF_ERROR(AddIdentifier(kUdiPi, at_first, place.commissioned));
    } else {
      RETURN_IF_ERROR(AddIdentifier(kUdiPi, of_unit->body<v1::UdiAssigned>()->value(), of_unit));
    }
    for (const auto& [release, fact] : of_releases) {
      RETURN_IF_ERROR(AddIdentifier(kUdiPi, fact->body<v1::UdiAssigned>()->value(), fact,
                                    FindReference(fact->header(), "release")));
    }
    return OkStatus();
  }

  Status AddAuthorisations(const UnitPlace& place) {
    std::vector<std::string> jurisdictions = {place.jurisdiction};
    ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                     PolicyInForceAt(facts_.rows(), v1::PolicyAdopted::GATE, facts_.size()));
    if (policy.has_value()) jurisdictions = WithLargerOnes(policy->body->document().gate(), place.jurisdiction);
    ASSIGN_OR_RETURN(const std::vector<DeviceAuthorisation> found,
                     AuthorisationsOf(facts_, *place.device_model, jurisdictions, at_));
    std::set<std::string> seen;
    for (const DeviceAuthorisation& one : found) {
      // Told twice it is one.
      const bool again = !seen.insert(EntityKeyText(*FindReference(one.granted->header(), "authorisation"))).second;
      if (one.granted_later || again) continue;
      const auto* grant = one.granted->body<v1::AuthorisationGranted>();
      if (policy.has_value() && grant->terms().jurisdiction() != place.jurisdiction) facts_.Cite(policy->index);
      RETURN_IF_ERROR(AddAuthorisation(one));
    }
    return OkStatus();
  }

  Status AddAuthorisation(const DeviceAuthorisation& one) {
    v1::Circumstances::Authorisation& authorisation = *result_.add_authorisations();
    *authorisation.mutable_authorisation() = Bare(*FindReference(one.granted->header(), "authorisation"));
    authorisation.set_jurisdiction(one.terms->jurisdiction());
    authorisation.set_kind(one.terms->kind());
    authorisation.set_number(one.terms->number());
    authorisation.set_inactive_because(one.inactive_because);
    RETURN_IF_ERROR(Cite(one.granted, *authorisation.mutable_granted()));
    if (one.terms_from != one.granted) RETURN_IF_ERROR(Cite(one.terms_from, *authorisation.mutable_terms_from()));
    return one.changed_by == nullptr ? OkStatus() : Cite(one.changed_by, *authorisation.mutable_changed_by());
  }

  Facts facts_;
  const std::string unit_;
  const Timestamp at_;
  v1::Configuration& view_;
  std::set<std::string> notes_;
  v1::Circumstances& result_ = *view_.mutable_circumstances();
};

}  // namespace

Status AddCircumstances(const RowReader& rows, std::string_view unit, Timestamp at, v1::Configuration& view) {
  const Status added = Builder(rows, unit, at, view).Add();
  if (!absl::IsResourceExhausted(added)) return added;
  // What ran is told all the same.
  view.clear_circumstances();
  view.add_notes(Text("where the unit was and what was allowed there is not told: ", std::string(added.message())));
  return OkStatus();
}

std::vector<CircumstanceText> InWords(const v1::Circumstances& circumstances) {
  std::vector<CircumstanceText> words;
  const auto add = [&](std::string what, std::string text, const v1::LeafReference& by) {
    if (!text.empty()) words.push_back({std::move(what), std::move(text), {&by}, false});
  };
  const std::string& name = circumstances.device_name();
  const v1::EntityRef& model = circumstances.device_model();
  add("jurisdiction", circumstances.jurisdiction(), circumstances.placed());
  add("site", circumstances.site().id(), circumstances.placed());
  if (circumstances.has_device_model()) {
    add("device model",
        Text(model.id(), model.version().empty() ? "" : "@", model.version(),
             name.empty() ? "" : Text(" (", name, ")")),
        circumstances.commissioned());
    if (circumstances.has_named_by()) words.back().by.insert(words.back().by.begin(), &circumstances.named_by());
  }
  add("serial number", circumstances.serial_number(), circumstances.commissioned());
  for (const v1::Circumstances::Identifier& each : circumstances.identifiers()) {
    const std::string_view kind = each.kind() == kBasicUdiDi ? "Basic UDI-DI"
                                  : each.kind() == kUdiDi    ? "UDI-DI"
                                                             : "UDI-PI";
    add(Text(kind, each.has_release() ? Text(" of ", EntityKeyText(each.release())) : ""), each.value(), each.leaf());
  }
  for (const v1::Circumstances::Authorisation& one : circumstances.authorisations()) {
    CircumstanceText& text = words.emplace_back();
    text.what = EntityKeyText(one.authorisation());
    text.bad = !one.inactive_because().empty();
    text.text = Text(one.jurisdiction(), " ", one.kind(), " ", one.number(), " ",
                     text.bad ? one.inactive_because() : "is in force");
    // It is listed because of where the unit was.
    text.by = {&circumstances.placed(), &one.granted()};
    if (one.has_terms_from()) text.by.push_back(&one.terms_from());
    if (one.has_changed_by()) text.by.push_back(&one.changed_by());
  }
  return words;
}

}  // namespace anamnesis
