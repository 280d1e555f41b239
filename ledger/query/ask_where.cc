#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <tuple>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/nonconformity.h"
#include "ledger/query/unit_place.h"
#include "ledger/state/configuration.h"
#include "ledger/state/event_list.h"
#include "ledger/state/timeline.h"

namespace anamnesis {
namespace {

using Place = v1::WhereAnswer::Place;

constexpr uint32_t kUnitsDefault = 100;
constexpr uint32_t kUnitsMax = 1000;
constexpr size_t kCarriersMax = 10'000;

// An event type and the role of what its product contains: where the product runs, that runs.
struct Containment {
  std::string_view type;
  std::string_view role;
  std::string_view product_role;
};
// What a model was trained with is not in it, so training_run.started is not here.
constexpr std::array kContainments = {
    Containment{"model.registered", "soup", "model"},      Containment{"artifact.produced", "model", "artifact"},
    Containment{"build.completed", "input", "build"},      Containment{"release.approved", "model", "release"},
    Containment{"release.approved", "build", "release"},   Containment{"release.approved", "baseline", "release"},
    Containment{"release.approved", "code", "release"},    Containment{"baseline.established", "member", "baseline"},
    Containment{"substrate.defined", "soup", "substrate"},
};
// The roles in which events put an item on a unit (ItemSetBy).
constexpr std::array<std::string_view, 4> kInstalledRoles = {"artifact", "baseline", "restored", "substrate"};
// Units measure themselves for ever; of all measurements so many of the newest are searched for what was asked about.
constexpr size_t kMeasurementsMax = 2'000;

// By (kind, id, version).
using EntityKey = std::tuple<std::string, std::string, std::string>;
EntityKey KeyOf(const v1::EntityRef& entity) { return {entity.kind(), entity.id(), entity.version()}; }

bool NamesExactly(const v1::EntityRef& ref, const v1::EntityRef& entity) { return KeyOf(ref) == KeyOf(entity); }

bool SameDigest(const v1::EntityRef& a, const v1::EntityRef& b) {
  return a.has_digest() && b.has_digest() && a.digest().algorithm() == b.digest().algorithm() &&
         a.digest().value() == b.digest().value();
}

// Whether something of this kind can be on a unit, or in what is.
bool CanRun(std::string_view kind) {
  for (const EventType* type : Vocabulary::Get().All()) {
    for (const v1::ReferenceRule& rule : type->options->refs()) {
      const auto holds = [&](const Containment& one) { return one.type == type->name() && one.role == rule.role(); };
      const bool followed =
          std::any_of(kContainments.begin(), kContainments.end(), holds) ||
          std::find(kInstalledRoles.begin(), kInstalledRoles.end(), rule.role()) != kInstalledRoles.end();
      if (followed && std::find(rule.kinds().begin(), rule.kinds().end(), kind) != rule.kinds().end()) return true;
    }
  }
  return false;
}

// An event that put an item on a surface of a unit, or the unit's own measurement that found it there.
struct Installed {
  const Fact* fact;
  v1::EntityRef item;
  std::string surface;
  bool version_not_stated;
  bool measured = false;
};

// What ended it: the next entry of the surface or of the whole unit.
StatusOr<std::optional<TimelineEntry>> EndOfInstallation(const RowReader& rows, std::string_view unit,
                                                         std::string_view surface, Timestamp began, LeafIndex source,
                                                         TreeSize size) {
  std::optional<TimelineEntry> end;
  const auto take = [&](const std::optional<TimelineEntry>& entry) {
    if (entry.has_value() && (!end.has_value() || Before(*entry, *end))) end = entry;
  };
  for (const std::string_view timeline : {surface, kWholeUnit}) {
    const std::string id = TimelineId(unit, timeline);
    ASSIGN_OR_RETURN(const std::optional<TimelineEntry> next, NextInTimeline(rows, id, began, size));
    take(next);
    // Another that began at the same time and has a later place in the log.
    ASSIGN_OR_RETURN(const TimelineAnswer then, AskTimeline(rows, id, began, size));
    for (const TimelineEntry& entry : then.candidates) {
      if (entry.earliest == began && source < entry.source) take(entry);
    }
  }
  return end;
}

class Finder {
 public:
  Finder(Facts& facts, v1::WhereAnswer& answer) : facts_(facts), answer_(answer) {}

  Status FindCarriers(const v1::EntityRef& entity);
  Status FindInstallations();
  // Units of which only their measurements say that they had it. False: there are more measurements than were looked
  // at.
  StatusOr<bool> FindMeasured();
  Status AddUnit(const std::string& unit, Timestamp at);
  const std::map<std::string, std::vector<Installed>>& units() const { return units_; }

 private:
  Status AddCarriersOf(const v1::EntityRef& entity, bool version_not_stated, std::deque<v1::EntityRef>& waiting);
  Status AddInstallationsOf(const v1::EntityRef& ref, const v1::EntityRef& item, bool version_not_stated);
  Status AddPeriod(const Installed& installed, const std::string& unit, Place& place);
  Status AddSite(const std::string& unit, Timestamp at, Place& place);
  void SetState(const v1::Configuration& configuration, bool measured, Place& place) const;
  StatusOr<std::map<std::string, v1::EntityRef>> DigestsOfItems();
  void AddMeasured(const Fact& fact, const std::map<std::string, v1::EntityRef>& by_digest);

  Facts& facts_;
  v1::WhereAnswer& answer_;
  std::map<EntityKey, v1::EntityRef> items_;
  std::map<std::string, std::vector<Installed>> units_;
};

Status Finder::FindCarriers(const v1::EntityRef& entity) {
  std::deque<v1::EntityRef> waiting;
  std::vector<std::string> versions = {entity.version()};
  if (entity.version().empty()) {
    ASSIGN_OR_RETURN(versions, facts_.VersionsOf(entity.kind(), entity.id(), kCarriersMax));
  }
  for (const std::string& version : versions) {
    v1::EntityRef item = entity;
    item.clear_role();
    item.clear_digest();
    item.set_version(version);
    items_[KeyOf(item)] = item;
    waiting.push_back(std::move(item));
  }
  while (!waiting.empty()) {
    const v1::EntityRef item = std::move(waiting.front());
    waiting.pop_front();
    RETURN_IF_ERROR(AddCarriersOf(item, false, waiting));
    if (item.version().empty()) continue;
    v1::EntityRef any = item;
    any.clear_version();
    RETURN_IF_ERROR(AddCarriersOf(any, true, waiting));
  }
  return OkStatus();
}

Status Finder::AddCarriersOf(const v1::EntityRef& entity, bool version_not_stated, std::deque<v1::EntityRef>& waiting) {
  for (const Containment& containment : kContainments) {
    // An empty version asks for all versions, so what names another is passed over.
    ASSIGN_OR_RETURN(const std::vector<const Fact*> facts,
                     facts_.OfType(entity, containment.role, containment.type, kQuestionEventsMax));
    for (const Fact* fact : facts) {
      const auto names = [&](const v1::EntityRef& ref) {
        return ref.role() == containment.role && NamesExactly(ref, entity);
      };
      const v1::EntityRef* product = FindReference(fact->header(), containment.product_role);
      if (product == nullptr || std::none_of(fact->header().refs().begin(), fact->header().refs().end(), names)) {
        continue;
      }
      v1::WhereAnswer::Carrier& carrier = *answer_.add_carriers();
      *carrier.mutable_entity() = *product;
      *carrier.mutable_contains() = entity;
      carrier.set_version_not_stated(version_not_stated);
      ASSIGN_OR_RETURN(*carrier.mutable_leaf(), facts_.Reference(fact->event.index));
      if (!items_.try_emplace(KeyOf(*product), *product).second) continue;
      if (items_.size() > kCarriersMax) {
        return absl::ResourceExhaustedError(
            Text("it is part of more than ", kCarriersMax, " others; ask for one of these"));
      }
      waiting.push_back(*product);
    }
  }
  return OkStatus();
}

Status Finder::FindInstallations() {
  for (const auto& [key, item] : items_) {
    RETURN_IF_ERROR(AddInstallationsOf(item, item, false));
    if (item.version().empty()) continue;
    v1::EntityRef any = item;
    any.clear_version();
    if (items_.count(KeyOf(any)) == 0) RETURN_IF_ERROR(AddInstallationsOf(any, item, true));
  }
  return OkStatus();
}

Status Finder::AddInstallationsOf(const v1::EntityRef& ref, const v1::EntityRef& item, bool version_not_stated) {
  for (const std::string_view role : kInstalledRoles) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(ref, role, kQuestionEventsMax + 1));
    if (indexes.size() > kQuestionEventsMax) {
      return absl::ResourceExhaustedError(Text("more than ", kQuestionEventsMax, " events install ", EntityKeyText(ref),
                                               "; ask for what it is part of"));
    }
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts()) continue;
      for (const ConfigurationEffect& effect : EffectsOf(fact->event.view())) {
        if (effect.effect != Effect::kSet) continue;
        const v1::EntityRef* set = ItemSetBy(fact->header(), effect.surface);
        if (set == nullptr || !NamesExactly(*set, ref)) continue;
        units_[effect.unit].push_back({fact, item, effect.surface, version_not_stated});
      }
    }
  }
  return OkStatus();
}

// By DigestText, what has it: as its definition says, or what put it on a unit or into another.
StatusOr<std::map<std::string, v1::EntityRef>> Finder::DigestsOfItems() {
  std::map<std::string, v1::EntityRef> by_digest;
  const auto add = [&](const v1::EntityRef& item, const v1::EntityRef& named) {
    if (!named.has_digest()) return;
    v1::EntityRef& one = by_digest.try_emplace(DigestText(named.digest()), item).first->second;
    *one.mutable_digest() = named.digest();
  };
  for (const auto& [key, item] : items_) {
    add(item, item);
    ASSIGN_OR_RETURN(const std::vector<const Fact*> definitions, facts_.Definitions(item));
    for (const Fact* definition : definitions) {
      for (const v1::EntityRef& ref : definition->header().refs()) {
        if (NamesExactly(ref, item)) add(item, ref);
      }
    }
  }
  for (const auto& [unit, installations] : units_) {
    for (const Installed& installed : installations) {
      for (const v1::EntityRef& ref : installed.fact->header().refs()) {
        if (NamesExactly(ref, installed.item)) add(installed.item, ref);
      }
    }
  }
  return by_digest;
}

void Finder::AddMeasured(const Fact& fact, const std::map<std::string, v1::EntityRef>& by_digest) {
  const v1::EntityRef* unit = FindReference(fact.header(), "unit");
  const auto* body = fact.body<v1::ConfigurationAttested>();
  if (unit == nullptr || body == nullptr) return;
  for (const v1::MeasuredItem& measured : body->measured()) {
    const auto item = by_digest.find(DigestText(measured.digest()));
    if (item == by_digest.end()) continue;
    std::vector<Installed>& known = units_[unit->id()];
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const Installed& one) {
      return one.surface == measured.surface() && NamesExactly(one.item, item->second);
    });
    if (!is_known) known.push_back({&fact, item->second, measured.surface(), false, true});
  }
}

StatusOr<bool> Finder::FindMeasured() {
  ASSIGN_OR_RETURN(const auto by_digest, DigestsOfItems());
  if (by_digest.empty() || facts_.size().value == 0) return true;
  std::vector<LeafIndex> measurements;
  RETURN_IF_ERROR(VisitList(facts_.rows(), Family::kTypeEvents, "configuration.attested",
                            LeafIndex(facts_.size().value - 1), true, facts_.size(), [&](LeafIndex index) {
                              measurements.push_back(index);
                              return measurements.size() <= kMeasurementsMax;
                            }));
  const bool all = measurements.size() <= kMeasurementsMax;
  if (!all) measurements.pop_back();
  for (const LeafIndex index : measurements) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
    if (fact->counts()) AddMeasured(*fact, by_digest);
  }
  return all;
}

Status Finder::AddPeriod(const Installed& installed, const std::string& unit, Place& place) {
  const Fact& fact = *installed.fact;
  v1::WhereAnswer::Period& period = *place.add_periods();
  *period.mutable_began_earliest() = ToProtoTime(fact.earliest());
  *period.mutable_began_latest() = ToProtoTime(fact.latest());
  ASSIGN_OR_RETURN(*period.mutable_began(), facts_.Reference(fact.event.index));
  ASSIGN_OR_RETURN(*period.mutable_nonconforming(), NonconformityOf(facts_.rows(), fact.event.index));
  ASSIGN_OR_RETURN(
      const std::optional<TimelineEntry> end,
      EndOfInstallation(facts_.rows(), unit, installed.surface, fact.earliest(), fact.event.index, facts_.size()));
  if (!end.has_value()) return OkStatus();
  *period.mutable_ended_earliest() = ToProtoTime(end->earliest);
  *period.mutable_ended_latest() = ToProtoTime(end->latest);
  ASSIGN_OR_RETURN(*period.mutable_ended(), facts_.Reference(end->source));
  return OkStatus();
}

Status Finder::AddSite(const std::string& unit, Timestamp at, Place& place) {
  ASSIGN_OR_RETURN(const UnitPlace found, PlaceOfUnit(facts_, unit, at));
  if (found.placed == nullptr) return OkStatus();
  if (found.site != nullptr) place.set_site(found.site->id());
  place.set_jurisdiction(found.jurisdiction);
  facts_.Cite(found.placed->event.index);
  return OkStatus();
}

void Finder::SetState(const v1::Configuration& configuration, bool measured, Place& place) const {
  // A measurement knows bytes, which two entities may share.
  const auto is_it = [&](const v1::EntityRef& ref) {
    return NamesExactly(ref, place.item()) || (measured && SameDigest(ref, place.item()));
  };
  place.set_state(v1::WhereAnswer::NOT_RUNNING);
  for (const v1::ConfigurationItem& item : configuration.items()) {
    if (item.surface() != place.surface()) continue;
    place.set_confidence(item.confidence());
    place.set_because(item.unknown_because());
    if (item.confidence() == v1::UNKNOWN) {
      const bool possible = std::any_of(
          item.possibilities().begin(), item.possibilities().end(),
          [&](const v1::Possibility& possibility) { return possibility.has_item() && is_it(possibility.item()); });
      place.set_state(possible ? v1::WhereAnswer::POSSIBLY_RUNNING : v1::WhereAnswer::UNKNOWN_NOW);
    } else if (item.has_item() && is_it(item.item())) {
      place.set_state(v1::WhereAnswer::RUNNING);
    } else if (item.has_item()) {
      *place.mutable_instead() = item.item();
    }
  }
}

Status Finder::AddUnit(const std::string& unit, Timestamp at) {
  ASSIGN_OR_RETURN(const v1::Configuration configuration, RunningAt(facts_.rows(), unit, at, facts_.size()));
  // What each item has on each surface, in the order of the items.
  std::map<std::pair<EntityKey, std::string>, std::vector<const Installed*>> by_place;
  for (const Installed& installed : units_.at(unit)) {
    v1::EntityRef item = installed.item;
    if (installed.version_not_stated) item.clear_version();
    by_place[{KeyOf(item), installed.surface}].push_back(&installed);
  }
  for (auto& [where, installations] : by_place) {
    Place& place = *answer_.add_places();
    place.set_unit(unit);
    place.set_surface(where.second);
    *place.mutable_item() = installations.front()->item;
    place.set_version_not_stated(installations.front()->version_not_stated);
    if (place.version_not_stated()) place.mutable_item()->clear_version();
    RETURN_IF_ERROR(AddSite(unit, at, place));
    SetState(configuration, installations.front()->measured, place);
    std::sort(installations.begin(), installations.end(), [](const Installed* a, const Installed* b) {
      return std::pair(a->fact->earliest(), a->fact->event.index) <
             std::pair(b->fact->earliest(), b->fact->event.index);
    });
    const Fact* last = nullptr;
    for (const Installed* installed : installations) {
      // One event for each of several versions that it may mean.
      if (installed->fact == last) continue;
      last = installed->fact;
      facts_.Cite(last->event.index);
      // When it came there, a measurement does not say.
      if (installed->measured) continue;
      RETURN_IF_ERROR(AddPeriod(*installed, unit, place));
    }
  }
  for (const uint64_t leaf : configuration.leaves()) facts_.Cite(LeafIndex(leaf));
  return OkStatus();
}

}  // namespace

Status AnswerWhere(Facts& facts, const v1::WhereQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(facts.CheckNamed(question.entity()));
  v1::WhereAnswer& filled = *answer.mutable_where();
  Timestamp at;
  if (question.has_at()) {
    ASSIGN_OR_RETURN(at, FromProtoTime(question.at(), "at"));
  } else {
    ASSIGN_OR_RETURN(at, RecordedAt(facts.rows(), LeafIndex(facts.size().value - 1)));
  }
  *filled.mutable_at() = ToProtoTime(at);
  Finder finder(facts, filled);
  RETURN_IF_ERROR(finder.FindCarriers(question.entity()));
  RETURN_IF_ERROR(finder.FindInstallations());
  ASSIGN_OR_RETURN(const bool all_measurements, finder.FindMeasured());
  if (!all_measurements) {
    answer.add_notes(
        Text("units of which nothing but their own measurements says that they had it are found only among "
             "the newest ",
             kMeasurementsMax, " measurements"));
  }
  if (!CanRun(question.entity().kind())) {
    answer.add_notes(Text("no record puts a ", question.entity().kind(),
                          " on a unit or into what runs there, so none is found by this question"));
  } else if (question.entity().kind() == "dataset") {
    answer.add_notes("what was trained with a dataset is not what it is in: lineage shows the models made from it");
  }
  filled.set_units(finder.units().size());
  const uint32_t limit = question.limit() == 0 ? kUnitsDefault : std::min(question.limit(), kUnitsMax);
  uint32_t added = 0;
  std::string last;
  for (const auto& [unit, installations] : finder.units()) {
    if (!question.from().empty() && unit <= question.from()) continue;
    if (added++ == limit) {
      filled.set_next(last);
      break;
    }
    RETURN_IF_ERROR(finder.AddUnit(unit, at));
    last = unit;
  }
  return OkStatus();
}

}  // namespace anamnesis
