#include "ledger/query/item_scope.h"

#include <deque>

#include "ledger/event/names.h"
#include "ledger/query/item_tree.h"
#include "ledger/state/corrections.h"
#include "ledger/state/edges.h"

namespace anamnesis {
namespace {

// References that say what something relies on or comes after, so that the event is about the other end.
bool PointsElsewhere(std::string_view role) {
  static const auto* roles = new std::set<std::string_view>{"depends_on",   "element", "previous",  "previous_model",
                                                            "parent_model", "parent",  "successor", "rollback_target"};
  return roles->count(role) > 0;
}

// Kinds whose own records are followed once something of the item defines them.
bool IsFollowed(std::string_view kind) {
  static const auto* kinds = new std::set<std::string_view>{"requirement",
                                                            "architecture",
                                                            "design",
                                                            "code_revision",
                                                            "model",
                                                            "build",
                                                            "test_case",
                                                            "test_run",
                                                            "plan",
                                                            "review",
                                                            "decision",
                                                            "hazard",
                                                            "software_cause",
                                                            "hazardous_situation",
                                                            "risk_control",
                                                            "risk_control_set",
                                                            "release",
                                                            "baseline",
                                                            "artifact",
                                                            "envelope",
                                                            "sandbox_protocol",
                                                            "sandbox_run",
                                                            "certification",
                                                            "evaluation",
                                                            "validation",
                                                            "anomaly",
                                                            "problem",
                                                            "change_request",
                                                            "adaptation_surface",
                                                            "soup",
                                                            "training_run",
                                                            "incident",
                                                            "field_action",
                                                            "feedback",
                                                            "risk_file_update",
                                                            "data_requirement"};
  return kinds->count(kind) > 0;
}

// What a record names as made from: its events belong to the item too, but not what else was made from it.
bool IsMadeFrom(const Fact& fact, const v1::EntityRef& ref) {
  static const auto* types = new std::set<std::string_view>{"model.registered", "training_run.started",
                                                            "build.completed", "artifact.produced"};
  static const auto* kinds =
      new std::set<std::string_view>{"dataset", "training_run", "code_revision", "soup", "split", "transform"};
  return types->count(fact.type()) > 0 && kinds->count(ref.kind()) > 0;
}

class Collector {
 public:
  Collector(Facts& facts, ItemScope& scope) : facts_(facts), scope_(scope) {}

  Status Collect(const v1::EntityRef& subject) {
    if (subject.kind() == "software_item") {
      ASSIGN_OR_RETURN(scope_.items, ItemAndParts(facts_, subject.id()));
    }
    Follow(NameOf(subject));
    for (const std::string& item : scope_.items) Follow({"software_item", item});
    while (!queue_.empty()) {
      const EntityName entity = queue_.front();
      queue_.pop_front();
      RETURN_IF_ERROR(CollectEvents(entity, false));
    }
    for (const EntityName& entity : above_) RETURN_IF_ERROR(AddDefinitions(entity));
    for (const EntityName& entity : made_from_) {
      if (scope_.entities.insert(entity).second) RETURN_IF_ERROR(CollectEvents(entity, true));
    }
    return OkStatus();
  }

 private:
  void Follow(const EntityName& entity) {
    if (scope_.entities.insert(entity).second) queue_.push_back(entity);
  }

  // Names items, but none of ours.
  bool BelongsToOthers(const Fact& fact) const {
    if (scope_.items.empty()) return false;
    bool names_items = false;
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.kind() != "software_item" || PointsElsewhere(ref.role())) continue;
      if (scope_.items.count(ref.id()) > 0) return false;
      names_items = true;
    }
    return names_items;
  }

  // In which way the event is about the entity, if it is.
  static bool IsAbout(const Fact& fact, const EntityName& entity, bool made_from) {
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (NameOf(ref) != entity || PointsElsewhere(ref.role())) continue;
      if (!made_from) return true;
      const v1::EntityRef* defined = DefinedBy(fact);
      const bool own = fact.event.type->options->refs(0).role() == ref.role();
      if (own || (defined != nullptr && (defined->kind() == "annotation" || defined->kind() == "split"))) return true;
    }
    return false;
  }

  Status CollectEvents(const EntityName& entity, bool made_from) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(ToEntity(entity), "", kQuestionEventsMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!IsAbout(*fact, entity, made_from) || BelongsToOthers(*fact)) continue;
      (fact->counts() ? scope_.events : scope_.void_events).emplace(index.value, fact);
      if (!fact->counts()) continue;
      if (!made_from) RETURN_IF_ERROR(AddEntities(*fact));
    }
    return OkStatus();
  }

  Status AddEntities(const Fact& fact) {
    const v1::EntityRef* defined = DefinedBy(fact);
    if (defined != nullptr && IsFollowed(defined->kind())) Follow(NameOf(*defined));
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (IsMadeFrom(fact, ref)) made_from_.insert(NameOf(ref));
      if (fact.type() == "software_cause.identified" && ref.role() == "hazardous_situation") AddAbove(ref);
      if (fact.type() == "trace.linked" && IsFollowed(ref.kind())) RETURN_IF_ERROR(FollowUnlessOthers(ref));
    }
    return OkStatus();
  }

  // What a cause in the item contributes to: what else is known of the situation belongs to the item too, and of its
  // hazard only that it is there, whose other situations may have nothing to do with the item.
  void AddAbove(const v1::EntityRef& situation) {
    if (scope_.items.empty()) return;
    above_.insert(NameOf(situation));
    Follow(NameOf(situation));
  }

  // Whichever items it names.
  Status AddDefinitions(const EntityName& situation) {
    ASSIGN_OR_RETURN(const Fact* identified, AddDefinition(situation));
    if (identified == nullptr) return OkStatus();
    for (const v1::EntityRef& ref : identified->header().refs()) {
      if (ref.role() != "hazard") continue;
      scope_.entities.insert(NameOf(ref));
      RETURN_IF_ERROR(AddDefinition(NameOf(ref)).status());
    }
    return OkStatus();
  }

  StatusOr<const Fact*> AddDefinition(const EntityName& entity) {
    ASSIGN_OR_RETURN(const Fact* defined, facts_.Definition(ToEntity(entity)));
    if (defined != nullptr) scope_.events.emplace(defined->event.index.value, defined);
    return defined;
  }

  // The other end of a trace link may have been defined as another item's.
  Status FollowUnlessOthers(const v1::EntityRef& ref) {
    if (scope_.Has(NameOf(ref))) return OkStatus();
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> definition,
                     DefinitionOf(facts_.rows(), ref.kind(), ref.id(), ref.version(), facts_.size()));
    if (definition.has_value()) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(*definition));
      if (BelongsToOthers(*fact)) return OkStatus();
    }
    Follow(NameOf(ref));
    return OkStatus();
  }

  Facts& facts_;
  ItemScope& scope_;
  std::deque<EntityName> queue_;
  std::set<EntityName> made_from_;
  // Situations that causes in the item name.
  std::set<EntityName> above_;
};

// Adds what corrects the event. The ledger bounds how deep corrections nest.
Status AddCorrections(Facts& facts, LeafIndex corrected, std::map<uint64_t, const Fact*>& found) {
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(facts.rows(), corrected));
  for (const LeafIndex index : correctors) {
    if (index.value >= facts.size().value || found.count(index.value) > 0) continue;
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    found.emplace(index.value, fact);
    RETURN_IF_ERROR(AddCorrections(facts, index, found));
  }
  return OkStatus();
}

}  // namespace

EntityName NameOf(const v1::EntityRef& entity) { return {entity.kind(), entity.id()}; }

v1::EntityRef ToEntity(const EntityName& name) {
  v1::EntityRef entity;
  entity.set_kind(name.first);
  entity.set_id(name.second);
  return entity;
}

StatusOr<std::map<uint64_t, const Fact*>> CorrectionsOf(Facts& facts, const ItemScope& scope) {
  std::map<uint64_t, const Fact*> found;
  for (const auto* events : {&scope.events, &scope.void_events}) {
    for (const auto& [leaf, fact] : *events) RETURN_IF_ERROR(AddCorrections(facts, LeafIndex(leaf), found));
  }
  return found;
}

const v1::EntityRef* DefinedBy(const Fact& fact) {
  for (const v1::ReferenceRule& rule : fact.event.type->options->refs()) {
    if (rule.defines()) return FindReference(fact.header(), rule.role());
  }
  return nullptr;
}

const v1::EntityRef* SubjectOf(const Fact& fact) {
  if (fact.type() == "risk_control.revised") return FindReference(fact.header(), "control");
  return DefinedBy(fact);
}

StatusOr<ItemScope> ScopeOf(Facts& facts, const v1::EntityRef& subject) {
  if (subject.kind().empty() || subject.id().empty()) {
    return absl::InvalidArgumentError("the question names no entity: give its kind and id");
  }
  ItemScope scope;
  RETURN_IF_ERROR(Collector(facts, scope).Collect(subject));
  if (!scope.events.empty() || !scope.void_events.empty()) return scope;
  return absl::NotFoundError(
      Text("nothing is recorded of ", EntityKeyText(subject), " among the first ", facts.size().value, " leaves"));
}

}  // namespace anamnesis
