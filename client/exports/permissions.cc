#include "client/exports/permissions.h"

#include <algorithm>
#include <utility>

#include "ledger/event/names.h"
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

class Collector {
 public:
  explicit Collector(const LedgerView& view) : view_(view) {}

  Status Add(const Cited& record) {
    ASSIGN_OR_RETURN(const v1::Event event, view_.Event(record.leaf.index()));
    ASSIGN_OR_RETURN(occurred_, FromProtoTime(record.leaf.occurred_earliest(), "occurred_earliest"));
    leaf_ = record.leaf.index();
    const std::string& type = record.leaf.type();
    const auto ref = std::find_if(record.refs.begin(), record.refs.end(),
                                  [&](const v1::EntityRef& one) { return type.starts_with(one.role() + "."); });
    if (ref == record.refs.end()) return OkStatus();
    if (type.starts_with("authorisation.")) AddAuthorisation(event, *ref);
    if (type.starts_with("change_plan.")) AddPlan(event, *ref, record);
    if (type.starts_with("envelope.")) AddEnvelope(event, *ref);
    return OkStatus();
  }

  std::vector<Permission> Take() {
    for (Permission& one : found_) {
      std::stable_sort(one.changes.begin(), one.changes.end(),
                       [](const auto& a, const auto& b) { return a.from < b.from; });
    }
    HoldPlansToAuthorisations();
    return std::move(found_);
  }

 private:
  Permission* Find(const v1::EntityRef& entity, bool any_version = false) {
    const auto found = std::find_if(found_.rbegin(), found_.rend(), [&](const Permission& one) {
      return one.entity.kind() == entity.kind() && one.entity.id() == entity.id() &&
             (any_version || one.entity.version() == entity.version());
    });
    return found == found_.rend() ? nullptr : &*found;
  }

  Permission& Start(const v1::EntityRef& entity, Timestamp from) {
    Permission one;
    one.entity = entity;
    one.granted = leaf_;
    one.changes.push_back({from, true, "in force", leaf_, false});
    return found_.emplace_back(std::move(one));
  }

  // The last version before it is over.
  void Replace(const v1::EntityRef& entity) {
    for (Permission& one : found_) {
      if (one.entity.kind() != entity.kind() || one.entity.id() != entity.id()) continue;
      one.changes.push_back({occurred_, false, Text("replaced by version ", entity.version()), leaf_, true});
    }
  }

  enum class Kind { kForNow, kForGood, kResumes };

  void Change(const v1::EntityRef& entity, int64_t effective_from_us, std::string_view state, Kind kind) {
    Permission* one = Find(entity);
    if (one == nullptr) return;
    const Timestamp from = effective_from_us == 0 ? occurred_ : Timestamp(effective_from_us);
    one->changes.push_back({from, kind == Kind::kResumes, std::string(state), leaf_, kind == Kind::kForGood});
  }

  // A later end of validity takes the place of the one before.
  void SetTerms(Permission& one, const v1::AuthorisationTerms& terms) {
    one.terms = TermsText(terms);
    std::erase_if(one.changes, [](const auto& change) { return change.text == "expired"; });
    if (terms.valid_until_us() != 0)
      one.changes.push_back({Timestamp(terms.valid_until_us()), false, "expired", leaf_, false});
  }

  void AddAuthorisation(const v1::Event& event, const v1::EntityRef& ref) {
    v1::AuthorisationGranted granted;
    v1::AuthorisationSupplemented supplemented;
    v1::AuthorisationRestricted restricted;
    v1::AuthorisationSuspended suspended;
    v1::AuthorisationReinstated reinstated;
    v1::AuthorisationWithdrawn withdrawn;
    const auto& content = event.content();
    Permission* known = Find(ref);
    if (event.header().type() == "authorisation.granted") {
      const bool read = content.UnpackTo(&granted);
      Permission& one = Start(ref, read ? Timestamp(granted.terms().valid_from_us()) : occurred_);
      if (read) SetTerms(one, granted.terms());
    } else if (content.UnpackTo(&supplemented) && known != nullptr) {
      SetTerms(*known, supplemented.terms());
    } else if (content.UnpackTo(&restricted) && known != nullptr) {
      SetTerms(*known, restricted.terms());
      known->terms += Text("; restricted by leaf ", leaf_);
    } else if (content.UnpackTo(&suspended)) {
      Change(ref, suspended.effective_from_us(), "suspended", Kind::kForNow);
    } else if (content.UnpackTo(&reinstated)) {
      Change(ref, reinstated.effective_from_us(), "reinstated", Kind::kResumes);
    } else if (content.UnpackTo(&withdrawn)) {
      Change(ref, withdrawn.effective_from_us(), "withdrawn", Kind::kForGood);
    }
  }

  void AddPlan(const v1::Event& event, const v1::EntityRef& ref, const Cited& record) {
    v1::ChangePlanWithdrawn withdrawn;
    if (event.content().UnpackTo(&withdrawn))
      return Change(ref, withdrawn.effective_from_us(), "withdrawn", Kind::kForGood);
    if (event.header().type() == "change_plan.withdrawn") return;
    Replace(ref);
    Permission& one = Start(ref, occurred_);
    v1::ChangePlanAuthorised authorised;
    v1::ChangePlanAmended amended;
    if (event.content().UnpackTo(&authorised)) one.plan = authorised.terms();
    if (event.content().UnpackTo(&amended)) one.plan = amended.terms();
    if (one.plan.has_value()) one.terms = TermsText(*one.plan);
    for (const v1::EntityRef& other : record.refs) {
      if (other.role() == "authorisation") authorisations_[leaf_] = other;
    }
  }

  void AddEnvelope(const v1::Event& event, const v1::EntityRef& ref) {
    v1::EnvelopeRetired retired;
    if (event.content().UnpackTo(&retired)) return Change(ref, retired.effective_from_us(), "retired", Kind::kForGood);
    if (event.header().type() != "envelope.approved") return;
    Replace(ref);
    Permission& one = Start(ref, occurred_);
    v1::EnvelopeApproved approved;
    if (!event.content().UnpackTo(&approved)) return;
    one.envelope = approved.terms();
    one.terms = TermsText(approved.terms());
  }

  void HoldPlansToAuthorisations() {
    for (Permission& plan : found_) {
      const auto ref = authorisations_.find(plan.granted);
      if (ref == authorisations_.end()) continue;
      const Permission* authorisation = Find(ref->second, ref->second.version().empty());
      if (authorisation == nullptr) continue;
      const Timestamp begin = plan.changes.front().from;
      for (const Permission::Change& change : authorisation->changes) {
        // What it was when the plan began holds from then on.
        const Timestamp from = std::max(change.from, begin);
        if (change.from <= begin && authorisation->InForceAt(begin)) continue;
        plan.changes.push_back(
            {from, change.in_force, Text("its authorisation is ", change.text), change.leaf, change.final});
      }
      std::stable_sort(plan.changes.begin(), plan.changes.end(),
                       [](const auto& a, const auto& b) { return a.from < b.from; });
    }
  }

  const LedgerView& view_;
  Timestamp occurred_;
  uint64_t leaf_ = 0;
  std::vector<Permission> found_;
  // By the leaf of the plan.
  std::map<uint64_t, v1::EntityRef> authorisations_;
};

const Permission::Change* LastAt(const std::vector<Permission::Change>& changes, Timestamp time) {
  const Permission::Change* last = nullptr;
  for (const Permission::Change& change : changes) {
    if (change.from > time) break;
    last = &change;
    if (change.final) break;
  }
  return last;
}

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

StatusOr<std::vector<Permission>> PermissionsIn(const LedgerView& view, const std::map<uint64_t, Cited>& records) {
  Collector collector(view);
  for (const Cited* record : OfTypes(records, {"authorisation.", "change_plan.", "envelope."})) {
    RETURN_IF_ERROR(collector.Add(*record));
  }
  return collector.Take();
}

}  // namespace anamnesis::exports
