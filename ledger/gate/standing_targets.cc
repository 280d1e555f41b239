#include "ledger/gate/standing_targets.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/subject.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/item_tree.h"
#include "ledger/state/edges.h"
#include "ledger/state/projection_damage.h"
#include "ledger/state/software_items.h"
#include "ledger/state/standing_rows.h"

namespace anamnesis::gate {
namespace {

// Dependencies are followed so far, as the rules do.
constexpr size_t kReachedMax = 1000;
constexpr size_t kRowsMax = 4096;
// More artifacts than this are not named one by one.
constexpr size_t kArtifactsMax = 10'000;

class Adder {
 public:
  Adder(Facts& facts, StandingTargets& targets) : facts_(facts), targets_(targets) {}

  // What the event is about.
  Status AddEvent(const Fact& fact) {
    if (fact.type() == "software_item.identified") RETURN_IF_ERROR(AddIdentified(fact));
    RETURN_IF_ERROR(AddReliedOn(fact));
    const auto by_type = ByType().find(fact.type());
    if (by_type != ByType().end()) {
      RETURN_IF_ERROR(AddRoles(fact, by_type->second));
      return fact.type().starts_with("risk_control.") ? AddContaining() : OkStatus();
    }
    if (fact.type() == "policy.adopted") {
      const auto* body = fact.body<v1::PolicyAdopted>();
      targets_.all |= body == nullptr || body->kind() == v1::PolicyAdopted::GATE ||
                      body->kind() == v1::PolicyAdopted::PROCESS_PROFILE;
    } else if (fact.type() == "fork.detected" || fact.type() == "sandbox_protocol.approved" ||
               fact.type() == "requirement.revised") {
      // It names a stream, not whom that is about; what was certified by an older protocol, or verified before, can be
      // anybody's.
      targets_.all = true;
    } else if (fact.type() == "release.approved" && FindReference(fact.header(), "baseline") != nullptr) {
      // What is placed against the release stands against units on the baseline from now on.
      targets_.all = true;
    } else if (fact.type() == "object.stored") {
      targets_.without_bytes = true;
    } else if (fact.type() != "record.corrected") {
      // A first definition can only supply what was missing.
      targets_.held = true;
    }
    return OkStatus();
  }

  // A correction can touch what the corrected events could.
  Status AddCorrected(const Fact& cause) {
    ASSIGN_OR_RETURN(const std::vector<LoadedEvent> chain, CorrectedChain(facts_.rows(), cause.event.view()));
    for (const LoadedEvent& corrected : chain) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(corrected.index));
      RETURN_IF_ERROR(AddEvent(*fact));
      RETURN_IF_ERROR(AddDefined(*fact));
    }
    return OkStatus();
  }

  // Whom it can touch that what the event defines is there no more.
  Status AddDefined(const Fact& fact) {
    ASSIGN_OR_RETURN(const bool relied_on, DefinesReliedOn(fact));
    const bool defines = relied_on || ByType().find(fact.type()) == ByType().end();
    // Of a run that names no artifact only the certifications that rest on it tell whose it is.
    const bool of_nobody = fact.type() == "test_run.completed" && FindReference(fact.header(), "verified") == nullptr;
    if ((defines && fact.type() != "record.corrected") || of_nobody) targets_.all = true;
    // Others may build on it.
    if (const v1::EntityRef* item = FindReference(fact.header(), "item"); item != nullptr) {
      targets_.items.insert(item->id());
    }
    return OkStatus();
  }

 private:
  using Roles = std::vector<std::string_view>;

  // The roles whose entities an event of a type can touch; every role where there is "*".
  static const std::map<std::string, Roles, std::less<>>& ByType() {
    static const auto* roles = new std::map<std::string, Roles, std::less<>>{
        {"device_unit.commissioned", {"unit"}},
        {"device_unit.decommissioned", {"unit"}},
        {"device_unit.relocated", {"unit"}},
        {"device_unit.serviced", {"unit"}},
        {"substrate.installed", {"unit"}},
        {"configuration.attested", {"unit"}},
        {"artifact.activated", {"unit"}},
        {"artifact.deactivated", {"unit"}},
        {"artifact.rolled_back", {"unit"}},
        {"artifact.produced", {"artifact"}},
        {"artifact.revoked", {"artifact"}},
        {"certification.issued", {"artifact"}},
        {"certification.withdrawn", {"certification"}},
        {"authority.withdrawn", {"delegation"}},
        {"sandbox_run.completed", {"artifact"}},
        {"evaluation.completed", {"model"}},
        {"test_run.completed", {"verified"}},
        {"risk_control.verified", {"verified"}},
        {"change.requested", {"change"}},
        {"change.approved", {"change"}},
        {"change.rejected", {"change"}},
        {"change.implemented", {"result"}},
        {"change.impact_analysed", {"affected"}},
        {"envelope.approved", {"item"}},
        {"envelope.retired", {"envelope"}},
        {"hold.placed", {"scope"}},
        {"hold.lifted", {"hold"}},
        {"field_action.initiated", {"scope"}},
        {"field_action.completed", {"field_action"}},
        {"anomaly.recorded", {"found_in"}},
        {"anomaly.evaluated", {"anomaly"}},
        {"problem.reported", {"affected", "unit"}},
        {"problem.investigated", {"problem"}},
        {"problem.closed", {"problem"}},
        {"problem.no_action_decided", {"problem"}},
        {"problem.reopened", {"problem"}},
        {"decision.recorded", {"about"}},
        {"device_model.registered", {"device_model"}},
        {"device_model.revised", {"device_model"}},
        {"udi.assigned", {"device_model", "unit"}},
        {"regulatory_commitment.declared", {"device_model"}},
        {"authorisation.granted", {"device_model"}},
        {"authorisation.supplemented", {"authorisation"}},
        {"authorisation.restricted", {"authorisation"}},
        {"authorisation.suspended", {"authorisation"}},
        {"authorisation.reinstated", {"authorisation"}},
        {"authorisation.withdrawn", {"authorisation"}},
        {"authorisation.condition_confirmed", {"authorisation"}},
        {"change_plan.authorised", {"authorisation"}},
        {"change_plan.amended", {"authorisation"}},
        {"change_plan.withdrawn", {"change_plan"}},
        {"risk_control.defined", {"control", "depends_on", "requirement"}},
        {"risk_control.revised", {"control", "depends_on", "requirement"}},
        {"risk_control_set.versioned", {"set", "item"}},
        {"software_item.identified", {"item", "parent", "depends_on", "governs"}},
        {"software_item.decomposed", {"item", "part"}},
        {"safety_class.assigned", {"item"}},
        {"safety_class.lowered", {"item"}},
        {"requirement.approved", {"item"}},
        {"credential.revoked", {"holder"}},
        {"credential.reported_lost", {"holder"}},
        {"dataset.curated", {"dataset"}},
        {"dataset.sealed", {"dataset"}},
        {"dataset.record_withdrawn", {"dataset"}},
        {"subject_data.erased", {"dataset"}},
        {"split.defined", {"dataset"}},
        {"training_run.started", {"training_run"}},
        {"model.registered", {"model"}},
        // SOUP is read as the substrate has it.
        {"soup.version_changed", {}},
        {"soup.identified", {"item"}},
    };
    return *roles;
  }

  Status AddRoles(const Fact& fact, const Roles& roles) {
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (std::find(roles.begin(), roles.end(), ref.role()) == roles.end()) continue;
      // A unit's own identifier says nothing of its model.
      if (fact.type() == "udi.assigned" && ref.role() != "unit" && FindReference(fact.header(), "unit") != nullptr)
        continue;
      RETURN_IF_ERROR(AddEntity(ref, fact.type()));
    }
    return OkStatus();
  }

  // The entities that the events of a type named when they told of this one.
  Status AddOf(const v1::EntityRef& entity, std::string_view type, const Roles& roles) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> told, TypedOfEither(facts_, entity, type));
    for (const Fact* fact : told) RETURN_IF_ERROR(AddRoles(*fact, roles));
    return OkStatus();
  }

  // An artifact, and where it stands against those that were made from it, these too.
  Status AddArtifact(const v1::EntityRef& artifact, std::string_view type) {
    const bool with_children = type.starts_with("hold.") || type.starts_with("field_action.") ||
                               type == "artifact.revoked" || type == "decision.recorded";
    std::set<std::string> seen;
    std::deque<v1::EntityRef> waiting = {Bare(artifact)};
    while (!waiting.empty()) {
      const v1::EntityRef next = std::move(waiting.front());
      waiting.pop_front();
      targets_.artifacts.emplace(next.id(), next.version());
      if (!with_children || !seen.insert(EntityKeyText(next)).second) continue;
      if (seen.size() > kArtifactsMax) {
        targets_.all = true;
        return OkStatus();
      }
      ASSIGN_OR_RETURN(const std::vector<const Fact*> children,
                       facts_.OfType(next, "parent", "artifact.produced", kArtifactsMax));
      for (const Fact* child : children) waiting.push_back(Bare(*FindReference(child->header(), "artifact")));
    }
    return OkStatus();
  }

  Status AddEntity(const v1::EntityRef& ref, std::string_view type) {
    const std::string& kind = ref.kind();
    if (kind == "device_unit" && type.starts_with("credential.")) {
      // What it recorded of itself, what it produced; and where it has a role, whatever it recorded under that.
      targets_.units.insert(ref.id());
      targets_.producers.insert(Text(kind, ":", ref.id()));
      ASSIGN_OR_RETURN(const std::vector<const Fact*> roles, facts_.OfType(Bare(ref), "holder", "role.granted", 1));
      targets_.all |= !roles.empty();
    } else if (kind == "device_unit") {
      targets_.units.insert(ref.id());
    } else if (kind == "artifact") {
      if (!ref.version().empty()) return AddArtifact(ref, type);
      ASSIGN_OR_RETURN(const std::vector<std::string> versions, facts_.VersionsOf(kind, ref.id(), kArtifactsMax));
      targets_.all |= versions.size() >= kArtifactsMax;
      for (const std::string& version : versions) {
        v1::EntityRef one = Bare(ref);
        one.set_version(version);
        RETURN_IF_ERROR(AddArtifact(one, type));
      }
    } else if (kind == "software_item") {
      return Reach(ref);
    } else if (kind == "device_model") {
      targets_.device_models.insert(ref.id());
    } else if (kind == "certification" || kind == "delegation") {
      return AddOf(ref, "certification.issued", {"artifact"});
    } else if (kind == "envelope") {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> versions, DefinitionsOfVersions(facts_, ref));
      for (const Fact* fact : versions) RETURN_IF_ERROR(AddRoles(*fact, {"item"}));
    } else if (kind == "authorisation") {
      return AddOf(ref, "authorisation.granted", {"device_model"});
    } else if (kind == "change_plan") {
      RETURN_IF_ERROR(AddOf(ref, "change_plan.authorised", {"authorisation"}));
      return AddOf(ref, "change_plan.amended", {"authorisation"});
    } else if (kind == "problem") {
      return AddOf(ref, "problem.reported", {"affected", "unit"});
    } else if (kind == "anomaly") {
      return AddOf(ref, "anomaly.recorded", {"found_in"});
    } else if (kind == "change_request") {
      return AddOf(ref, "change.implemented", {"result"});
    } else if (kind == "hold") {
      return AddOf(ref, "hold.placed", {"scope"});
    } else if (kind == "field_action") {
      return AddOf(ref, "field_action.initiated", {"scope"});
    } else if (kind == "risk_control") {
      RETURN_IF_ERROR(AddOf(Bare(ref, true), "risk_control.defined", {"depends_on"}));
      return AddOf(Bare(ref, true), "risk_control.revised", {"depends_on"});
    } else if (kind == "risk_control_set") {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> versions, DefinitionsOfVersions(facts_, ref));
      for (const Fact* fact : versions) {
        RETURN_IF_ERROR(AddOf(*FindReference(fact->header(), "set"), "envelope.approved", {"item"}));
      }
    } else if (kind == "dataset" || kind == "training_run" || (kind == "model" && type == "model.registered")) {
      targets_.lineage = true;
    } else if (kind == "model" && (type.starts_with("evaluation.") || type.starts_with("test_run."))) {
      // The rules read what was tested of artifacts.
    } else if (type.starts_with("hold.") || type.starts_with("field_action.") || type.starts_with("credential.")) {
      targets_.all = true;
    } else if (type.starts_with("problem.") || type.starts_with("anomaly.")) {
      // Of what an artifact runs with: SOUP, a model.
      targets_.all = true;
    } else if (type.starts_with("risk_control.") && (ref.role() == "depends_on" || ref.role() == "requirement")) {
      return AddItemsOf(ref);
    }
    return OkStatus();
  }

  // A control that relies on a part is affected by what contains that.
  Status AddContaining() {
    const std::set<std::string> reached = reached_;
    for (const std::string& item : reached) {
      ASSIGN_OR_RETURN(const std::set<std::string> containing, ItemAndContaining(facts_, item));
      targets_.items.insert(containing.begin(), containing.end());
    }
    return OkStatus();
  }

  // An item that is identified anew changes what relies on it, wherever that is.
  Status AddIdentified(const Fact& fact) {
    const v1::EntityRef item = Bare(*FindReference(fact.header(), "item"), true);
    ASSIGN_OR_RETURN(const std::vector<const Fact*> definitions, facts_.Definitions(item));
    targets_.all |= definitions.size() > 1;
    return OkStatus();
  }

  // Such a definition changes what somebody relies on when it follows another; a first one only supplies what was
  // missing.
  Status AddReliedOn(const Fact& fact) {
    ASSIGN_OR_RETURN(const bool relied_on, DefinesReliedOn(fact));
    if (!relied_on) return OkStatus();
    ASSIGN_OR_RETURN(const bool follows, IsDefinedOtherwise(*DefinedBy(fact), fact));
    targets_.all |= follows;
    targets_.held |= !follows;
    return OkStatus();
  }

  // Whether risk controls, and be they anybody's, may rely on what it defines as that was last defined (closure.h).
  StatusOr<bool> DefinesReliedOn(const Fact& fact) {
    const v1::EntityRef* ref = DefinedBy(fact);
    if (ref == nullptr) return false;
    // Whatever version is named, the newest is meant.
    if (ref->kind() == "requirement") return true;
    if (ref->kind() != "soup" && ref->kind() != "model") return false;
    for (const bool any : {false, true}) {
      for (const std::string_view role : {"depends_on", "soup"}) {
        ASSIGN_OR_RETURN(
            const std::vector<LeafIndex> relying,
            ReferencesTo(facts_.rows(), ref->kind(), ref->id(), any ? "" : ref->version(), role, facts_.size(), 1));
        if (!relying.empty()) return true;
      }
    }
    return false;
  }

  // Whether another event defines a version of it.
  StatusOr<bool> IsDefinedOtherwise(const v1::EntityRef& ref, const Fact& fact) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> others, DefinitionsOfVersions(facts_, ref));
    if (std::any_of(others.begin(), others.end(), [&](const Fact* other) { return other != &fact; })) return true;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> same, facts_.Definitions(Bare(ref)));
    return same.size() > 1;
  }

  Status AddItemsOf(const v1::EntityRef& ref) {
    ASSIGN_OR_RETURN(const Fact* defined,
                     ref.version().empty() ? NewestDefinition(facts_, ref) : facts_.Definition(Bare(ref)));
    return defined == nullptr ? OkStatus() : AddRoles(*defined, {"item"});
  }

  // The item and what it depends on, and so on.
  Status Reach(const v1::EntityRef& item) {
    std::deque<v1::EntityRef> waiting = {Bare(item, true)};
    while (!waiting.empty() && reached_.size() < kReachedMax) {
      const v1::EntityRef next = std::move(waiting.front());
      waiting.pop_front();
      if (!reached_.insert(next.id()).second) continue;
      targets_.items.insert(next.id());
      ASSIGN_OR_RETURN(const Fact* identified, facts_.Definition(next));
      if (identified == nullptr) continue;
      for (const v1::EntityRef& ref : identified->header().refs()) {
        if (ref.kind() == "software_item" && (ref.role() == "depends_on" || ref.role() == "governs")) {
          waiting.push_back(Bare(ref, true));
        } else if (ref.role() == "depends_on") {
          RETURN_IF_ERROR(AddItemsOf(ref));
        }
      }
    }
    return OkStatus();
  }

  Facts& facts_;
  StandingTargets& targets_;
  std::set<std::string> reached_;
};

// The items whose facts the rules read about an artifact of this one.
StatusOr<std::set<std::string>> ItemsReadFor(Facts& facts, const std::string& item) {
  std::set<std::string> read;
  std::vector<std::string> from = {item};
  ASSIGN_OR_RETURN(const std::vector<const Fact*> naming,
                   facts.Typed(ToEntity({"software_item", item}), "software_item.identified"));
  for (const Fact* fact : naming) {
    for (const v1::EntityRef& ref : fact->header().refs()) {
      if (ref.role() == "governs" && ref.id() == item) from.push_back(FindReference(fact->header(), "item")->id());
    }
  }
  for (const std::string& each : from) {
    ASSIGN_OR_RETURN(const ItemPath above, ItemAndAbove(facts.rows(), each, facts.size()));
    read.insert(above.items.begin(), above.items.end());
    // Whether a class is handed down along it or not.
    ASSIGN_OR_RETURN(const std::set<std::string> containing, ItemAndContaining(facts, each));
    read.insert(containing.begin(), containing.end());
  }
  return read;
}

StatusOr<std::set<std::string>> AnyNamed(Facts& facts, std::string_view what) {
  std::set<std::string> named;
  const std::string prefix = Text(kStandingAnyRows, what);
  RETURN_IF_ERROR(
      facts.rows().Scan(Family::kEntities, prefix, prefix, [&](std::string_view key, std::string_view value) {
        if (!value.empty()) named.emplace(key.substr(prefix.size()));
        return true;
      }));
  return named;
}

bool Names(const google::protobuf::RepeatedPtrField<std::string>& list, const std::set<std::string>& wanted) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& each) { return wanted.count(each) > 0; });
}

Status SettleByRows(Facts& facts, StandingTargets& targets) {
  ASSIGN_OR_RETURN(const std::set<std::string> unknown, AnyNamed(facts, "u"));
  targets.unknown = !unknown.empty();
  if (!targets.items.empty()) {
    ASSIGN_OR_RETURN(const std::set<std::string> adapted, AnyNamed(facts, "i"));
    const std::set<std::string> named = std::exchange(targets.items, {});
    for (const std::string& item : adapted) {
      ASSIGN_OR_RETURN(const std::set<std::string> read, ItemsReadFor(facts, item));
      if (std::any_of(read.begin(), read.end(), [&](const std::string& each) { return named.count(each) > 0; })) {
        targets.items.insert(item);
      }
    }
  }
  if (!targets.device_models.empty()) {
    ASSIGN_OR_RETURN(const std::set<std::string> used, AnyNamed(facts, "d"));
    std::erase_if(targets.device_models, [&](const std::string& each) { return used.count(each) == 0; });
  }
  if (targets.lineage) {
    ASSIGN_OR_RETURN(const std::set<std::string> any, AnyNamed(facts, "l"));
    targets.lineage = !any.empty();
  }
  return OkStatus();
}

class Finder {
 public:
  Finder(Facts& facts, const StandingTargets& targets, const std::string& after, size_t units_max)
      : facts_(facts), targets_(targets), after_(after), units_max_(units_max) {}

  StatusOr<FoundUnits> Find() {
    for (const auto& [id, version] : targets_.artifacts) {
      v1::EntityRef artifact = ToEntity({"artifact", id});
      artifact.set_version(version);
      RETURN_IF_ERROR(
          OfEdges(Text("0", id, '\0', version, '\0', "a"), TypedEdgesPrefix(artifact, "artifact.activated")));
      RETURN_IF_ERROR(OfEdges(Text("0", id, '\0', version, '\0', "r"), RoleEdgesPrefix(artifact, "restored")));
    }
    const bool by_row = targets_.all || targets_.unknown || !targets_.items.empty() ||
                        !targets_.device_models.empty() || !targets_.producers.empty() || targets_.lineage;
    if (by_row) RETURN_IF_ERROR(OfRows("1", kStandingUnitRows, true));
    if (targets_.held) RETURN_IF_ERROR(OfRows("2", kStandingHeldRows, false));
    if (targets_.without_bytes) RETURN_IF_ERROR(OfRows("3", kStandingWithoutBytesRows, false));
    if (!full_) found_.after.reset();
    for (const std::string& unit : targets_.units) found_.units.erase(unit);
    return std::move(found_);
  }

 private:
  bool Full() {
    full_ = full_ || found_.units.size() >= units_max_ || rows_seen_ >= kRowsMax;
    return full_;
  }

  // Calls `take` with the rows under the prefix. `stage` orders the ranges; "stage, row" is where to go on after.
  Status Walk(const std::string& stage, Family family, std::string_view prefix,
              const std::function<Status(std::string_view key, std::string_view value)>& take) {
    if (full_) return OkStatus();
    std::string from(prefix);
    const std::string first = Text(stage, '\1');
    if (after_.starts_with(first)) {
      from = Text(after_.substr(first.size()), '\0');
    } else if (first < after_) {
      return OkStatus();
    }
    Status taken;
    RETURN_IF_ERROR(facts_.rows().Scan(family, prefix, from, [&](std::string_view key, std::string_view value) {
      if (Full()) return false;
      ++rows_seen_;
      taken = take(key, value);
      found_.after = Text(first, key);
      return taken.ok();
    }));
    return taken;
  }

  Status OfEdges(const std::string& stage, const std::string& prefix) {
    return Walk(stage, Family::kEdges, prefix, [&](std::string_view key, std::string_view) -> Status {
      const std::optional<LeafIndex> index = EventOfEdge(prefix, key);
      if (!index.has_value() || index->value >= facts_.size().value) return OkStatus();
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(*index));
      if (const v1::EntityRef* unit = FindReference(fact->header(), "unit"); unit != nullptr) {
        found_.units.insert(unit->id());
      }
      return OkStatus();
    });
  }

  Status OfRows(const std::string& stage, std::string_view prefix, bool filter) {
    return Walk(stage, Family::kEntities, prefix, [&](std::string_view key, std::string_view value) -> Status {
      if (filter) {
        internal::StandingUnit unit;
        if (!unit.ParseFromString(std::string(value))) return ProjectionDamage("a unit's row is damaged");
        if (!Touches(unit)) return OkStatus();
      } else if (value.empty()) {
        return OkStatus();
      }
      found_.units.emplace(key.substr(prefix.size()));
      return OkStatus();
    });
  }

  bool Touches(const internal::StandingUnit& unit) const {
    return targets_.all || (targets_.unknown && unit.unknown()) || (targets_.lineage && unit.has_lineage()) ||
           Names(unit.items(), targets_.items) || Names(unit.device_models(), targets_.device_models) ||
           Names(unit.producers(), targets_.producers);
  }

  Facts& facts_;
  const StandingTargets& targets_;
  const std::string& after_;
  const size_t units_max_;
  FoundUnits found_;
  size_t rows_seen_ = 0;
  bool full_ = false;
};

}  // namespace

Status AddTargets(Facts& facts, const Fact& cause, StandingTargets& targets) {
  Adder adder(facts, targets);
  RETURN_IF_ERROR(adder.AddEvent(cause));
  return cause.header().corrects().empty() ? OkStatus() : adder.AddCorrected(cause);
}

Status AddTargetsByTime(Facts& facts, const Fact& cause, StandingTargets& targets) {
  RETURN_IF_ERROR(AddTargets(facts, cause, targets));
  return Adder(facts, targets).AddDefined(cause);
}

void StandingTargets::Merge(StandingTargets other) {
  artifacts.merge(other.artifacts);
  items.merge(other.items);
  device_models.merge(other.device_models);
  producers.merge(other.producers);
  lineage |= other.lineage;
  all |= other.all;
  held |= other.held;
  without_bytes |= other.without_bytes;
}

Status Settle(Facts& facts, StandingTargets& targets) {
  if (targets.all) return OkStatus();
  const bool by_row =
      !targets.items.empty() || !targets.device_models.empty() || !targets.producers.empty() || targets.lineage;
  if (!by_row) return OkStatus();
  ASSIGN_OR_RETURN(const std::set<std::string> corrected, AnyNamed(facts, "c"));
  if (!corrected.empty()) {
    targets.all = true;
    return OkStatus();
  }
  const Status settled = SettleByRows(facts, targets);
  if (settled.ok() || !IsOfWhatWasRecorded(settled)) return settled;
  // Too much is recorded of the items to say whom it touches.
  targets.all = true;
  return OkStatus();
}

StatusOr<FoundUnits> FindUnits(Facts& facts, const StandingTargets& targets, const std::string& after,
                               size_t units_max) {
  return Finder(facts, targets, after, units_max).Find();
}

}  // namespace anamnesis::gate
