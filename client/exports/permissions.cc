#include "client/exports/permissions.h"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "ledger/event/names.h"
#include "ledger/query/authorisation.h"
#include "ledger/query/events.h"
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

class Collector {
 public:
  explicit Collector(const LedgerView& view) : view_(view) {}

  Status Add(const Cited& record) {
    ASSIGN_OR_RETURN(const v1::Event event, view_.Event(record.leaf.index()));
    ASSIGN_OR_RETURN(occurred_, FromProtoTime(record.leaf.occurred_earliest(), "occurred_earliest"));
    ASSIGN_OR_RETURN(occurred_latest_, FromProtoTime(record.leaf.occurred_latest(), "occurred_latest"));
    leaf_ = record.leaf.index();
    const std::string& type = record.leaf.type();
    const auto ref = std::find_if(record.refs.begin(), record.refs.end(),
                                  [&](const v1::EntityRef& one) { return type.starts_with(one.role() + "."); });
    if (ref == record.refs.end()) return OkStatus();
    if (type.starts_with("authorisation.")) AddAuthorisation(event, *ref);
    if (type.starts_with("change_plan.")) AddPlan(event, *ref, record);
    if (type.starts_with("envelope.")) AddEnvelope(event, *ref, record);
    return OkStatus();
  }

  std::vector<Permission> Take() {
    for (const auto& [granted, entries] : entries_) {
      for (Permission& one : found_) {
        if (one.granted == granted) TellStates(entries, texts_, one);
      }
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
  Permission* Find(const v1::EntityRef& entity) {
    const auto found = std::find_if(found_.rbegin(), found_.rend(), [&](const Permission& one) {
      return one.entity.kind() == entity.kind() && one.entity.id() == entity.id() &&
             one.entity.version() == entity.version();
    });
    return found == found_.rend() ? nullptr : &*found;
  }

  Permission& Start(const v1::EntityRef& entity) {
    Permission& one = found_.emplace_back();
    one.entity = entity;
    one.granted = leaf_;
    return one;
  }

  // A new version, from when it happened; the last version before it is over.
  Permission& StartVersion(const v1::EntityRef& entity) {
    for (Permission& one : found_) {
      if (one.entity.kind() != entity.kind() || one.entity.id() != entity.id()) continue;
      one.changes.push_back({occurred_, false, Text("replaced by version ", entity.version()), leaf_, true});
    }
    Permission& one = Start(entity);
    one.changes.push_back({occurred_, true, "in force", leaf_, false});
    return one;
  }

  void End(const v1::EntityRef& entity, int64_t effective_from_us, std::string_view state) {
    Permission* one = Find(entity);
    if (one == nullptr) return;
    const Timestamp from = effective_from_us == 0 ? occurred_ : Timestamp(effective_from_us);
    one->changes.push_back({from, false, std::string(state), leaf_, true});
  }

  // --- Authorisations: what is recorded of each, judged when all of it is known ---

  template <typename Body>
  const v1::AuthorisationTerms* KeepTerms(const v1::Event& event) {
    Body body;
    texts_[leaf_];
    if (!event.content().UnpackTo(&body)) return nullptr;
    texts_[leaf_] = TermsText(body.terms());
    return &terms_.emplace_back(body.terms());
  }

  template <typename Body>
  Timestamp EffectiveFrom(const v1::Event& event) const {
    Body body;
    const bool given = event.content().UnpackTo(&body) && body.effective_from_us() != 0;
    return given ? Timestamp(body.effective_from_us()) : occurred_;
  }

  void AddAuthorisation(const v1::Event& event, const v1::EntityRef& ref) {
    using Kind = AuthorisationEntry::Kind;
    const std::string& type = event.header().type();
    if (type == "authorisation.granted") {
      Start(ref);
      entries_[leaf_] = {{Kind::kGranted, occurred_latest_, leaf_, KeepTerms<v1::AuthorisationGranted>(event)}};
      return;
    }
    const Permission* known = Find(ref);
    if (known == nullptr) return;
    std::vector<AuthorisationEntry>& entries = entries_[known->granted];
    if (type == "authorisation.supplemented") {
      entries.push_back({Kind::kTerms, occurred_, leaf_, KeepTerms<v1::AuthorisationSupplemented>(event)});
    } else if (type == "authorisation.restricted") {
      entries.push_back({Kind::kTerms, EffectiveFrom<v1::AuthorisationRestricted>(event), leaf_,
                         KeepTerms<v1::AuthorisationRestricted>(event)});
      texts_[leaf_] += Text("; restricted by leaf ", leaf_);
    } else if (type == "authorisation.suspended") {
      entries.push_back({Kind::kSuspended, EffectiveFrom<v1::AuthorisationSuspended>(event), leaf_, nullptr});
    } else if (type == "authorisation.reinstated") {
      entries.push_back({Kind::kReinstated, EffectiveFrom<v1::AuthorisationReinstated>(event), leaf_, nullptr});
    } else if (type == "authorisation.withdrawn") {
      entries.push_back({Kind::kWithdrawn, EffectiveFrom<v1::AuthorisationWithdrawn>(event), leaf_, nullptr});
    }
  }

  // --- Plans ---

  void AddPlan(const v1::Event& event, const v1::EntityRef& ref, const Cited& record) {
    if (event.header().type() == "change_plan.withdrawn")
      return End(ref, EffectiveFrom<v1::ChangePlanWithdrawn>(event).us, "withdrawn");
    Permission& one = StartVersion(ref);
    v1::ChangePlanAuthorised authorised;
    v1::ChangePlanAmended amended;
    if (event.content().UnpackTo(&authorised)) one.plan = authorised.terms();
    if (event.content().UnpackTo(&amended)) one.plan = amended.terms();
    if (one.plan.has_value()) one.terms = {{occurred_, TermsText(*one.plan)}};
    for (const v1::EntityRef& other : record.refs) {
      if (other.role() == "authorisation") authorisations_[leaf_] = other;
    }
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

  void AddEnvelope(const v1::Event& event, const v1::EntityRef& ref, const Cited& record) {
    if (event.header().type() == "envelope.retired")
      return End(ref, EffectiveFrom<v1::EnvelopeRetired>(event).us, "retired");
    if (event.header().type() != "envelope.approved") return;
    Permission& one = StartVersion(ref);
    for (const v1::EntityRef& other : record.refs) {
      if (other.role() == "protocol") one.protocols.push_back(other);
    }
    v1::EnvelopeApproved approved;
    if (!event.content().UnpackTo(&approved)) return;
    one.envelope = approved.terms();
    one.terms = {{occurred_, TermsText(approved.terms())}};
  }

  const LedgerView& view_;
  // Of the event that is being added.
  Timestamp occurred_;
  Timestamp occurred_latest_;
  uint64_t leaf_ = 0;
  std::vector<Permission> found_;
  // By the leaf of the plan.
  std::map<uint64_t, v1::EntityRef> authorisations_;
  // By the leaf of the grant.
  std::map<uint64_t, std::vector<AuthorisationEntry>> entries_;
  // What the entries point to, and in words, by leaf.
  std::deque<v1::AuthorisationTerms> terms_;
  std::map<uint64_t, std::string> texts_;
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
