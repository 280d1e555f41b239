#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_problem.pb.h"
#include "anamnesis/v1/vocabulary_software.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/lineage_roles.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/typed_facts.h"

namespace anamnesis {
namespace {

constexpr uint32_t kHistoryMax = 1000;
// Where more events than these name the entity, a page after the first one is of the history alone: to add up again
// with each page what all of them say would cost the square of them.
constexpr size_t kTotalsAgainMax = 10'000;
constexpr size_t kVersionsMax = 10'000;
constexpr uint64_t kUnitsMax = 1000;

// What can run on a unit.
constexpr std::array<std::string_view, 8> kDeployable = {"model", "artifact", "release",       "baseline",
                                                         "build", "soup",     "code_revision", "substrate"};

bool SameEntity(const v1::EntityRef& ref, const v1::EntityRef& entity) {
  return ref.kind() == entity.kind() && ref.id() == entity.id() &&
         (entity.version().empty() || ref.version() == entity.version());
}

// Whether the event changed the state of what it is about: it defines it, or nothing else that it could be about. An
// evaluation without an id of its own is about the model without changing it, and what runs on a unit is its
// configuration, not its state.
bool ChangesState(const Fact& fact, const v1::EntityRef& product) {
  if (product.kind() == "device_unit" && !fact.type().starts_with("device_unit.")) return false;
  bool any_defines = false;
  for (const v1::ReferenceRule& rule : fact.event.type->options->refs()) {
    if (rule.role() == product.role() && rule.defines()) return true;
    any_defines = any_defines || rule.defines();
  }
  return !any_defines;
}

// "approved" of "requirement.approved", where the first word says what it is about anyway.
std::string StateText(const Fact& fact, const v1::EntityRef& product) {
  const std::string& type = fact.type();
  const size_t dot = type.find('.');
  const std::string_view subject = std::string_view(type).substr(0, dot);
  const bool of_its_kind = std::string_view(product.kind()).starts_with(subject) || product.role() == subject;
  return of_its_kind && dot != std::string::npos ? type.substr(dot + 1) : type;
}

std::string TextOf(const Fact& fact) {
  if (const auto* body = fact.body<v1::ChangeRequested>()) return body->text();
  if (const auto* body = fact.body<v1::ProblemReported>()) return body->description();
  if (const auto* body = fact.body<v1::AnomalyRecorded>()) return body->description();
  return "";
}

// Whether `a` certainly stands before `b`: what was recorded after the fact has no place but its interval
// (PlaceInTime).
bool CertainlyEarlier(const Fact& a, const Fact& b) {
  const Timestamp from = b.header().retrospective() ? b.earliest() : b.event.recorded;
  return PlaceInTime(a) < std::pair(from, b.event.index);
}

// What an event made of what it is about.
struct StateChange {
  const Fact* fact = nullptr;
  std::string text;
};

bool StandsEarlierIn(const StateChange& a, const StateChange& b) { return StandsEarlier(a.fact, b.fact); }

// The last change that may have left it open; without a fact when it is certainly closed, or nothing changed it.
StateChange LastOpen(const std::vector<StateChange>& changes, const std::set<std::string>& closed) {
  StateChange last;
  for (const StateChange& change : changes) {
    if (closed.count(change.text) > 0) continue;
    const auto closes_it = [&](const StateChange& other) {
      return closed.count(other.text) > 0 && CertainlyEarlier(*change.fact, *other.fact);
    };
    if (std::any_of(changes.begin(), changes.end(), closes_it)) continue;
    if (last.fact == nullptr || StandsEarlierIn(last, change)) last = change;
  }
  return last;
}

class Accountant {
 public:
  Accountant(Facts& facts, const v1::StatusQuestion& question, v1::StatusAnswer& answer)
      : facts_(facts), question_(question), entity_(question.entity()), answer_(answer) {}

  Status Run() {
    ASSIGN_OR_RETURN(const bool history_alone, IsLaterPageOfMany());
    if (history_alone) return AddHistoryAlone();
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(entity_, "", kQuestionEventsMax + 1));
    if (indexes.size() > kQuestionEventsMax) {
      return absl::ResourceExhaustedError(
          Text("more than ", kQuestionEventsMax, " events refer to ", EntityKeyText(entity_), "; ask for one version"));
    }
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      RETURN_IF_ERROR(Account(*fact));
    }
    RETURN_IF_ERROR(CollectUnversioned());
    for (auto& [type, count] : counts_) *answer_.add_counts() = count;
    answer_.set_events(indexes.size());
    RETURN_IF_ERROR(AddVersions());
    RETURN_IF_ERROR(AddOpen(changes_, {"closed", "rejected"}, *answer_.mutable_open_changes()));
    RETURN_IF_ERROR(AddOpen(problems_, {"closed"}, *answer_.mutable_open_problems()));
    RETURN_IF_ERROR(AddOpen(anomalies_, {}, *answer_.mutable_open_anomalies()));
    return AddDeployment();
  }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  StatusOr<bool> IsLaterPageOfMany() const {
    if (question_.from() == 0) return false;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(entity_, "", kTotalsAgainMax + 1));
    return indexes.size() > kTotalsAgainMax;
  }

  // However many there are: also where the first page is refused because of that.
  Status AddHistoryAlone() {
    const size_t limit = HistoryLimit();
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     facts_.About(entity_, "", limit + 1, LeafIndex(question_.from())));
    for (size_t i = 0; i < indexes.size(); ++i) {
      if (i == limit) {
        answer_.set_next(indexes[i].value);
        break;
      }
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(indexes[i]));
      RETURN_IF_ERROR(AddHistory(*fact, IsAbout(LineageRolesOf(*fact->event.type, fact->header()))));
    }
    notes_.push_back(Text("more than ", kTotalsAgainMax, " events refer to ", EntityKeyText(entity_),
                          ": from a later leaf on only its history is told; ask without one for its state"));
    return OkStatus();
  }

  bool IsAbout(const LineageRoles& roles) const {
    return std::any_of(roles.products.begin(), roles.products.end(),
                       [&](const v1::EntityRef* ref) { return SameEntity(*ref, entity_); });
  }

  uint32_t HistoryLimit() const {
    return question_.limit() == 0 ? kHistoryMax : std::min(question_.limit(), kHistoryMax);
  }

  Status Account(const Fact& fact) {
    v1::StatusAnswer::Count& count = counts_[fact.type()];
    count.set_type(fact.type());
    count.set_events(count.events() + 1);
    if (!fact.counts()) count.set_void_events(count.void_events() + 1);
    const LineageRoles roles = LineageRolesOf(*fact.event.type, fact.header());
    RETURN_IF_ERROR(AddHistory(fact, IsAbout(roles)));
    if (!fact.counts()) return OkStatus();
    for (const v1::EntityRef* product : roles.products) {
      if (!SameEntity(*product, entity_) || !ChangesState(fact, *product)) continue;
      StateChange& state = states_[product->version()];
      if (state.fact == nullptr || StandsEarlier(state.fact, &fact)) state = {&fact, StateText(fact, *product)};
    }
    CollectOpen(fact);
    return OkStatus();
  }

  void CollectOpen(const Fact& fact) {
    Collect(fact, "change", "change.requested", "change.impact_analysed", changes_);
    Collect(fact, "problem", "problem.reported", "", problems_);
    Collect(fact, "anomaly", "anomaly.recorded", "", anomalies_);
  }

  // What names the entity without saying which version may be of the one that is asked about.
  Status CollectUnversioned() {
    if (entity_.version().empty()) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.Naming(Bare(entity_, true)));
    unversioned_ = true;
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (fact->counts()) CollectOpen(*fact);
    }
    return OkStatus();
  }

  Status AddHistory(const Fact& fact, bool about) {
    if (fact.event.index.value < question_.from() || answer_.next() != 0) return OkStatus();
    if (static_cast<uint32_t>(answer_.history_size()) == HistoryLimit()) {
      answer_.set_next(fact.event.index.value);
      return OkStatus();
    }
    v1::StatusAnswer::HistoryEvent& event = *answer_.add_history();
    ASSIGN_OR_RETURN(*event.mutable_leaf(), facts_.Reference(fact.event.index));
    event.set_about(about);
    event.set_void_effect(!fact.counts());
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (SameEntity(ref, entity_)) *event.add_named() = ref;
    }
    return OkStatus();
  }

  // Remembers what a change request, problem or anomaly that names the entity is.
  void Collect(const Fact& fact, std::string_view role, std::string_view type, std::string_view other_type,
               std::map<std::string, v1::EntityRef>& found) {
    if (fact.type() != type && fact.type() != other_type) return;
    const v1::EntityRef* ref = FindReference(fact.header(), role);
    if (ref == nullptr) return;
    const bool is_new = found.try_emplace(ref->id(), *ref).second;
    if (is_new && unversioned_) version_not_stated_.emplace(NameOf(*ref), fact.event.index);
  }

  Status AddVersions() {
    ASSIGN_OR_RETURN(std::vector<std::string> versions, facts_.VersionsOf(entity_.kind(), entity_.id(), kVersionsMax));
    if (!entity_.version().empty()) versions = {entity_.version()};
    for (const std::string& version : versions) {
      v1::EntityRef ref = entity_;
      ref.set_version(version);
      v1::StatusAnswer::Version& row = *answer_.add_versions();
      row.set_version(version);
      ASSIGN_OR_RETURN(const Fact* defined, facts_.Definition(ref));
      if (defined != nullptr) RETURN_IF_ERROR(DescribeVersion(ref, *defined, row));
      const auto state = states_.find(version);
      if (state == states_.end()) continue;
      row.set_state(state->second.text);
      ASSIGN_OR_RETURN(*row.mutable_state_leaf(), facts_.Reference(state->second.fact->event.index));
    }
    return OkStatus();
  }

  Status DescribeVersion(const v1::EntityRef& ref, const Fact& defined, v1::StatusAnswer::Version& row) {
    ASSIGN_OR_RETURN(*row.mutable_defined(), facts_.Reference(defined.event.index));
    for (const v1::EntityRef& named : defined.header().refs()) {
      if (SameEntity(named, ref) && named.version() == ref.version() && named.has_digest()) {
        *row.mutable_digest() = named.digest();
      }
    }
    if (const auto* body = defined.body<v1::ModelRegistered>()) row.set_change_text(body->change_text());
    if (const auto* body = defined.body<v1::SoupVersionChanged>()) row.set_change_text(body->change_text());
    if (row.change_text().empty()) row.set_change_text(defined.header().rationale());
    return OkStatus();
  }

  // Everything that changed the state of it.
  StatusOr<std::vector<StateChange>> ChangesOf(const v1::EntityRef& ref, std::string& text) {
    std::vector<StateChange> changes;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.Naming(ref));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts()) continue;
      if (text.empty()) text = TextOf(*fact);
      for (const v1::EntityRef* product : LineageRolesOf(*fact->event.type, fact->header()).products) {
        if (SameEntity(*product, ref) && ChangesState(*fact, *product)) {
          changes.push_back({fact, StateText(*fact, *product)});
        }
      }
    }
    return changes;
  }

  Status AddOpen(const std::map<std::string, v1::EntityRef>& found, const std::set<std::string>& closed,
                 google::protobuf::RepeatedPtrField<v1::StatusAnswer::OpenItem>& open) {
    for (const auto& [id, ref] : found) {
      std::string text;
      ASSIGN_OR_RETURN(const std::vector<StateChange> changes, ChangesOf(ref, text));
      const StateChange left = LastOpen(changes, closed);
      if (left.fact == nullptr) continue;
      v1::StatusAnswer::OpenItem& item = *open.Add();
      *item.mutable_entity() = ref;
      item.mutable_entity()->clear_role();
      item.set_state(left.text);
      item.set_text(text);
      ASSIGN_OR_RETURN(*item.mutable_leaf(), facts_.Reference(left.fact->event.index));
      NoteVersionNotStated(item.entity());
      const StateChange& last = *std::max_element(changes.begin(), changes.end(), StandsEarlierIn);
      if (last.fact == left.fact) continue;
      facts_.Cite(last.fact->event.index);
      notes_.push_back(Text(EntityKeyText(item.entity()), " is listed as open: it was ", last.text, " (leaf ",
                            last.fact->event.index.value, "), but records overlap in time, and ", left.text,
                            " may have come after"));
    }
    return OkStatus();
  }

  void NoteVersionNotStated(const v1::EntityRef& item) {
    const auto found = version_not_stated_.find(NameOf(item));
    if (found == version_not_stated_.end()) return;
    facts_.Cite(found->second);
    notes_.push_back(Text(EntityKeyText(item), " is listed though it names ", EntityKeyText(Bare(entity_, true)),
                          " without a version (leaf ", found->second.value, "): it may be of this one"));
  }

  Status AddDeployment() {
    if (std::find(kDeployable.begin(), kDeployable.end(), entity_.kind()) == kDeployable.end()) return OkStatus();
    v1::WhereQuestion where;
    *where.mutable_entity() = entity_;
    where.set_limit(kUnitsMax);
    v1::Answer found;
    RETURN_IF_ERROR(AnswerWhere(facts_, where, found));
    std::set<std::string> units;
    std::set<std::string> not_known;
    for (const v1::WhereAnswer::Place& place : found.where().places()) {
      if (place.state() == v1::WhereAnswer::RUNNING || place.state() == v1::WhereAnswer::POSSIBLY_RUNNING) {
        units.insert(place.unit());
      } else if (place.state() == v1::WhereAnswer::UNKNOWN_NOW) {
        not_known.insert(place.unit());
      }
    }
    for (const std::string& unit : units) answer_.add_deployed_on(unit);
    std::erase_if(not_known, [&](const std::string& unit) { return units.contains(unit); });
    if (!not_known.empty()) {
      notes_.push_back(Text("deployed_on: ", not_known.size(), " that had it, ", *not_known.begin(),
                            not_known.size() == 1 ? "," : " and others,",
                            " may have it still, since what they hold now is not known; ask where"));
    }
    for (const std::string& note : found.notes()) notes_.push_back(Text("deployed_on: ", note));
    if (!found.where().next().empty()) {
      notes_.push_back(Text("deployed_on: only the first ", kUnitsMax, " units were looked at; ask where"));
    }
    return OkStatus();
  }

  Facts& facts_;
  const v1::StatusQuestion& question_;
  v1::EntityRef entity_;
  v1::StatusAnswer& answer_;
  std::map<std::string, v1::StatusAnswer::Count> counts_;
  // By version.
  std::map<std::string, StateChange> states_;
  // By id.
  std::map<std::string, v1::EntityRef> changes_;
  std::map<std::string, v1::EntityRef> problems_;
  std::map<std::string, v1::EntityRef> anomalies_;
  // Those are being collected that name no version; and which change, problem or anomaly only does that, with its leaf.
  bool unversioned_ = false;
  std::map<EntityName, LeafIndex> version_not_stated_;
  std::vector<std::string> notes_;
};

}  // namespace

Status AnswerStatus(Facts& facts, const v1::StatusQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(facts.CheckNamed(question.entity()));
  Accountant accountant(facts, question, *answer.mutable_status());
  RETURN_IF_ERROR(accountant.Run());
  for (const std::string& note : accountant.notes()) answer.add_notes(note);
  return OkStatus();
}

}  // namespace anamnesis
