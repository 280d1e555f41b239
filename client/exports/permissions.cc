#include "client/exports/permissions.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "ledger/event/vocabulary.h"
#include "ledger/query/authorisation.h"
#include "ledger/query/events.h"
#include "ledger/query/fact_of_event.h"
#include "ledger/query/facts.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/typed_facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

std::string TermsText(const v1::AuthorisationTerms& terms) {
  std::string text = Text(terms.jurisdiction(), ", ", terms.kind(), " ", terms.number(), " by ", terms.authority());
  if (terms.valid_until_us() != 0) text += Text(", valid until ", FormatTime(Timestamp(terms.valid_until_us())));
  return text;
}

std::string TermsText(const v1::ChangePlanTerms& terms) {
  std::string text = Text(terms.jurisdiction(), ", ", Words(v1::ChangePlanTerms::Instrument_Name(terms.instrument())));
  for (const v1::ChangePlanTerms::Modification& one : terms.modifications()) text += Text("; ", one.id());
  return text;
}

std::string TermsText(const v1::EnvelopeTerms& terms) {
  std::string text = terms.jurisdiction().empty() ? "everywhere" : terms.jurisdiction();
  if (!terms.site().empty()) text += Text(", at ", terms.site());
  return text;
}

const Permission::Change* LastAt(const std::vector<Permission::Change>& changes, Timestamp time) {
  const Permission::Change* last = nullptr;
  for (const Permission::Change& change : changes) {
    if (change.from > time) break;
    last = &change;
    if (change.final) break;
  }
  return last;
}

void SortByTime(std::vector<Permission::Change>& changes) {
  std::stable_sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
}

// --- Authorisations ---

using AuthorisationKind = AuthorisationState::Kind;

bool IsLaterOnly(AuthorisationKind kind) {
  return kind == AuthorisationKind::kGrantedLater || kind == AuthorisationKind::kValidLater;
}

std::string_view StateText(AuthorisationKind kind, std::optional<AuthorisationKind> before) {
  switch (kind) {
    case AuthorisationKind::kInForce:
      return before == AuthorisationKind::kSuspended ? "reinstated" : "in force";
    case AuthorisationKind::kGrantedLater:
    case AuthorisationKind::kValidLater:
      return "not in force, since its new terms begin later,";
    case AuthorisationKind::kExpired:
      return "expired";
    case AuthorisationKind::kSuspended:
      return "suspended";
    case AuthorisationKind::kWithdrawn:
      return "withdrawn";
  }
  return "";
}

// Which event made the state what it is from `time` on.
uint64_t LeafOf(const std::vector<AuthorisationEntry>& entries, const AuthorisationState& state, Timestamp time) {
  if (state.because != nullptr && state.kind != AuthorisationKind::kExpired) return state.because->leaf;
  for (const AuthorisationEntry& entry : entries) {
    const bool reinstated = entry.kind == AuthorisationEntry::Kind::kReinstated && entry.from == time;
    if (reinstated && state.kind == AuthorisationKind::kInForce) return entry.leaf;
  }
  return state.terms->leaf;
}

// What the gate would have said of it, from one turning point to the next.
void TellStates(const std::vector<AuthorisationEntry>& entries, const std::map<uint64_t, std::string>& texts,
                Permission& one) {
  std::optional<AuthorisationKind> before;
  for (const Timestamp time : TurningPointsOf(entries)) {
    const AuthorisationState state = AuthorisationAt(entries, time);
    const std::string& text = texts.at(state.terms->leaf);
    if (one.terms.empty() || one.terms.back().text != text) one.terms.push_back({time, text});
    const bool not_yet = !before.has_value() && IsLaterOnly(state.kind);
    if (not_yet || state.kind == before) continue;
    const bool final = state.kind == AuthorisationKind::kWithdrawn;
    one.changes.push_back({time, state.kind == AuthorisationKind::kInForce, std::string(StateText(state.kind, before)),
                           LeafOf(entries, state, time), final});
    before = state.kind;
  }
}

// --- What is recorded ---

// nullopt where this version knows no such event.
StatusOr<std::optional<Fact>> FactOf(const LedgerView& view, const Cited& record) {
  ASSIGN_OR_RETURN(const v1::Event event, view.Event(record.leaf.index()));
  ASSIGN_OR_RETURN(const Timestamp earliest, FromProtoTime(record.leaf.occurred_earliest(), "occurred_earliest"));
  ASSIGN_OR_RETURN(const Timestamp latest, FromProtoTime(record.leaf.occurred_latest(), "occurred_latest"));
  StatusOr<Fact> fact = FactOfEvent(event, earliest, latest);
  if (!fact.ok()) return std::optional<Fact>();
  return std::optional<Fact>(*std::move(fact));
}

bool IsSame(const v1::EntityRef& a, const v1::EntityRef& b) { return a.kind() == b.kind() && a.id() == b.id(); }
bool IsSameVersion(const v1::EntityRef& a, const v1::EntityRef& b) {
  return IsSame(a, b) && VersionOf(a) == VersionOf(b);
}

// The order of the log says nothing here: what suspends an authorisation may stand before the record of the grant that
// counts, and an older version of a plan after a newer one. So all of it is read before anything is told of any.
class Collector {
 public:
  explicit Collector(const LedgerView& view) : view_(view) {}

  Status Add(const Cited& record) {
    ASSIGN_OR_RETURN(std::optional<Fact> fact, FactOf(view_, record));
    if (!fact.has_value()) return OkStatus();
    const v1::EntityRef* ref = FindReference(fact->header(), fact->type().substr(0, fact->type().find('.')));
    if (ref == nullptr) return OkStatus();
    const v1::EntityRef entity = *ref;
    told_.push_back({*std::move(fact), entity});
    return OkStatus();
  }

  std::vector<Permission> Take() {
    for (const Told& one : told_) {
      const std::string& type = one.fact.type();
      if (type == "authorisation.granted") AddAuthorisation(one);
      if (type == "change_plan.authorised" || type == "change_plan.amended") AddPlan(one);
      if (type == "envelope.approved") AddEnvelope(one);
    }
    for (Permission& one : found_) SortByTime(one.changes);
    for (const auto& [granted, authorisation] : authorisations_) {
      for (Permission& one : found_) {
        if (one.granted == granted) HoldToAuthorisation(authorisation, one);
      }
    }
    return std::move(found_);
  }

 private:
  struct Told {
    Fact fact;
    // What it is about.
    v1::EntityRef entity;

    uint64_t leaf() const { return fact.event.index.value; }
  };

  Permission& Start(const Told& told) {
    Permission& one = found_.emplace_back();
    one.entity = told.entity;
    one.granted = told.leaf();
    return one;
  }

  // --- Authorisations ---

  void AddAuthorisation(const Told& granted) {
    std::vector<AuthorisationEntry> entries = {AuthorisationEntryOf(granted.fact).value()};
    std::map<uint64_t, std::string> texts;
    for (const Told& one : told_) {
      const std::optional<AuthorisationEntry> entry = AuthorisationEntryOf(one.fact);
      if (!entry.has_value() || !IsSameVersion(one.entity, granted.entity)) continue;
      std::string& text = texts[one.leaf()];
      if (entry->terms != nullptr) text = TermsText(*entry->terms);
      if (one.fact.type() == "authorisation.restricted") text += Text("; restricted by leaf ", one.leaf());
      if (entry->kind != AuthorisationEntry::Kind::kGranted) entries.push_back(*entry);
    }
    TellStates(entries, texts, Start(granted));
  }

  // --- Versions of plans and of envelopes ---

  // A version, until what is recorded as a later one begins: when that was told says nothing.
  Permission& StartVersion(const Told& version, const std::set<std::string_view>& types) {
    Permission& one = Start(version);
    one.changes.push_back({version.fact.earliest(), true, "in force", version.leaf(), false});
    const Told* next = nullptr;
    const auto begins = [&](const Told& other) { return std::max(other.fact.earliest(), version.fact.earliest()); };
    for (const Told& other : told_) {
      const bool follows = types.count(other.fact.type()) > 0 && IsSame(other.entity, version.entity) &&
                           StandsEarlier(&version.fact, &other.fact);
      if (!follows || (next != nullptr && begins(*next) < begins(other))) continue;
      const bool sooner = next == nullptr || begins(other) < begins(*next);
      if (sooner || StandsEarlier(&next->fact, &other.fact)) next = &other;
    }
    if (next == nullptr) return one;
    one.changes.push_back(
        {begins(*next), false, Text("replaced by version ", next->entity.version()), next->leaf(), true});
    return one;
  }

  // What ends this version; where `any`, also what ends all of them.
  void End(std::string_view type, std::string_view state, bool any, Permission& one) const {
    for (const Told& end : told_) {
      const bool of_all = any && IsSame(end.entity, one.entity) && end.entity.version().empty();
      if (end.fact.type() != type || (!of_all && !IsSameVersion(end.entity, one.entity))) continue;
      one.changes.push_back({EffectiveFrom(end.fact), false, std::string(state), end.leaf(), true});
    }
  }

  // --- Plans ---

  void AddPlan(const Told& told) {
    Permission& one = StartVersion(told, {"change_plan.authorised", "change_plan.amended"});
    End("change_plan.withdrawn", "withdrawn", false, one);
    if (const auto* authorised = told.fact.body<v1::ChangePlanAuthorised>()) one.plan = authorised->terms();
    if (const auto* amended = told.fact.body<v1::ChangePlanAmended>()) one.plan = amended->terms();
    if (one.plan.has_value()) one.terms = {{told.fact.earliest(), TermsText(*one.plan)}};
    const v1::EntityRef* authorisation = FindReference(told.fact.header(), "authorisation");
    if (authorisation != nullptr) authorisations_[told.leaf()] = *authorisation;
  }

  // A plan is in force only while its authorisation is; where it names no version of that, while any version is.
  void HoldToAuthorisation(const v1::EntityRef& authorisation, Permission& plan) const {
    const Timestamp begin = plan.changes.front().from;
    std::vector<const Permission*> under;
    std::set<Timestamp> times = {begin};
    for (const Permission& one : found_) {
      if (one.entity.kind() != authorisation.kind() || one.entity.id() != authorisation.id()) continue;
      if (!authorisation.version().empty() && one.entity.version() != authorisation.version()) continue;
      under.push_back(&one);
      for (const Permission::Change& change : one.changes) {
        if (change.from > begin) times.insert(change.from);
      }
    }
    bool was_in_force = true;
    for (const Timestamp time : times) {
      const Permission::Change* state = nullptr;
      for (const Permission* one : under) {
        const Permission::Change* last = LastAt(one->changes, time);
        if (last != nullptr && (state == nullptr || !state->in_force)) state = last;
      }
      const bool in_force = state != nullptr && state->in_force;
      if (in_force && was_in_force) continue;
      was_in_force = in_force;
      std::string text = under.empty() ? "not recorded" : "not in force yet";
      if (state != nullptr) text = state->text;
      plan.changes.push_back(
          {time, in_force, Text("its authorisation is ", text), state == nullptr ? plan.granted : state->leaf, false});
    }
    SortByTime(plan.changes);
  }

  // --- Envelopes ---

  void AddEnvelope(const Told& told) {
    Permission& one = StartVersion(told, {"envelope.approved"});
    End("envelope.retired", "retired", true, one);
    for (const v1::EntityRef& other : told.fact.header().refs()) {
      if (other.role() == "protocol") one.protocols.push_back(other);
    }
    const auto* approved = told.fact.body<v1::EnvelopeApproved>();
    if (approved == nullptr) return;
    one.envelope = approved->terms();
    one.terms = {{told.fact.earliest(), TermsText(approved->terms())}};
  }

  const LedgerView& view_;
  // In log order; in place, since what is told of them borrows from them.
  std::deque<Told> told_;
  std::vector<Permission> found_;
  // By the leaf of the plan.
  std::map<uint64_t, v1::EntityRef> authorisations_;
};

}  // namespace

bool Permission::InForceAt(Timestamp time) const {
  const Permission::Change* last = LastAt(changes, time);
  return last != nullptr && last->in_force;
}

Cell Permission::StateCell(Timestamp time) const {
  const Permission::Change* last = LastAt(changes, time);
  if (last == nullptr) return {"not in force yet", Mark::kBad, {}};
  return {Text(last->text, " from ", FormatTime(last->from)), last->in_force ? Mark::kGood : Mark::kBad, {last->leaf}};
}

std::string Permission::TermsAt(Timestamp time) const {
  if (terms.empty()) return "";
  const Terms* last = &terms.front();
  for (const Terms& one : terms) {
    if (one.from <= time) last = &one;
  }
  return last->text;
}

StatusOr<std::vector<Permission>> PermissionsIn(const LedgerView& view, const std::map<uint64_t, Cited>& records) {
  Collector collector(view);
  for (const Cited* record : OfTypes(records, {"authorisation.", "change_plan.", "envelope."})) {
    RETURN_IF_ERROR(collector.Add(*record));
  }
  return collector.Take();
}

}  // namespace anamnesis::exports
