// The certification and the people: G06, G14 to G16.

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/envelope/envelope.h"
#include "ledger/event/names.h"
#include "ledger/gate/closure.h"
#include "ledger/gate/held_authority.h"
#include "ledger/gate/measured.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/any_version.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/item_tree.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/test_results.h"
#include "ledger/state/signatures.h"

namespace anamnesis::gate {
namespace {

// The approved versions of the envelope before the one in force, the last first.
StatusOr<std::vector<const Fact*>> VersionsBefore(Subject& s, const EnvelopeInForce& envelope) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> versions, DefinitionsOfVersions(s.facts, *envelope.ref));
  std::erase_if(versions, [&](const Fact* fact) { return !RecordedEarlier(fact, envelope.approved); });
  std::sort(versions.begin(), versions.end(), [](const Fact* a, const Fact* b) { return RecordedEarlier(b, a); });
  return versions;
}

// Whether a person's own signature, which still holds, certified something within a version of the artifact's envelope:
// this one, or any of those recorded between two leaves.
StatusOr<bool> APersonCertified(Subject& s, const v1::EntityRef& envelope, const Fact* after = nullptr,
                                const Fact* before = nullptr) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> issued,
                   after == nullptr ? s.facts.Typed(Bare(envelope), "certification.issued")
                                    : TypedOfAnyVersion(s.facts, envelope, "certification.issued"));
  for (const Fact* fact : issued) {
    const auto* body = fact->body<v1::CertificationIssued>();
    if (!body->has_signature()) continue;
    if (after != nullptr && !(RecordedEarlier(after, fact) && RecordedEarlier(fact, before))) continue;
    const Fact* ended = nullptr;
    ASSIGN_OR_RETURN(const std::string why, WhyInactive(s.facts, *fact, *body, s.request.at, ended));
    if (why.empty()) return true;
  }
  return false;
}

// Whether an envelope in force is wider than one of its versions before, back to the last within which a person
// certified. So what one version opens stays open to people only, however little the next one takes back. A
// certification names the artifact's own envelope: it is within the version of an overlay that was the last then.
StatusOr<bool> IsWidened(Subject& s, const EnvelopeInForce& envelope) {
  const bool overlay = &envelope != &s.envelopes.front();
  ASSIGN_OR_RETURN(const std::vector<const Fact*> versions, VersionsBefore(s, envelope));
  const Fact* next = envelope.approved;
  for (const Fact* before : versions) {
    const auto* body = before->body<v1::EnvelopeApproved>();
    if (body == nullptr) continue;
    if (ChangeBetween(body->terms(), *envelope.terms) == v1::EnvelopeTerms::EXPANSION) return true;
    const v1::EntityRef& version = *FindReference(before->header(), "envelope");
    ASSIGN_OR_RETURN(const bool certified, overlay ? APersonCertified(s, *s.envelopes.front().ref, before, next)
                                                   : APersonCertified(s, version));
    if (certified) return false;
    next = before;
  }
  return false;
}

// Whether what is in force here lets through what no person has certified: the artifact's envelope, or any overlay.
StatusOr<bool> IsExpansion(Subject& s) {
  for (const EnvelopeInForce& envelope : s.envelopes) {
    ASSIGN_OR_RETURN(const bool widened, IsWidened(s, envelope));
    if (widened) return true;
  }
  return false;
}

// What a sandbox is apart from, whatever the protocol asks for.
constexpr std::array<std::string_view, 3> kAlwaysIsolated = {"clinical_path", "host", "network"};

class CertificationCheck {
 public:
  CertificationCheck(Subject& s, Judgement& j) : s_(s), j_(j), body_(*s.certification) {}

  Status Check() {
    j_.Rest(s_.certified);
    if (s_.produced != nullptr && s_.certified->event.index < s_.produced->event.index) {
      j_.Fail(Text("it is older than what is recorded of the artifact (leaf ", s_.produced->event.index.value, ")"));
    }
    if (s_.certified->header().retrospective()) j_.Fail("it was recorded from other records, after the fact");
    CheckState();
    RETURN_IF_ERROR(CheckNames());
    if (body_.safety_class() < s_.item_class.safety_class) {
      j_.Fail(Text("it is for ", v1::SoftwareSafetyClass_Name(body_.safety_class()), ", the item is ",
                   v1::SoftwareSafetyClass_Name(s_.item_class.safety_class)));
    }
    if (!body_.jurisdiction().empty() && !IsAmong(s_.jurisdictions, body_.jurisdiction())) {
      j_.Fail(Text("it is for ", body_.jurisdiction()));
    }
    RETURN_IF_ERROR(CheckSandboxRun());
    RETURN_IF_ERROR(CheckControls());
    return CheckSignature();
  }

 private:
  void CheckState() {
    const v1::CertifiedState& state = body_.state();
    if (state.artifact_digest() != s_.artifact_digest) j_.Fail("it is for other bytes of the artifact");
    if (state.baseline_digest() != s_.baseline_digest) j_.Fail("it is for another baseline than the unit's");
    if (state.substrate_digest() != s_.substrate_digest) j_.Fail("it is for another substrate than the unit's");
  }

  Status CheckNames() {
    const v1::EventHeader& header = s_.certified->header();
    const v1::EntityRef* envelope = FindReference(header, "envelope");
    if (s_.envelopes.empty() || !SameEntity(Bare(*envelope), Bare(*s_.envelopes.front().ref))) {
      j_.Fail(Text("it is for ", EntityKeyText(*envelope), ", which is not the artifact's envelope in force"));
    } else {
      CheckIsOlder(s_.envelopes.front().approved, *s_.certified);
      RETURN_IF_ERROR(CheckProtocol(*FindReference(header, "protocol")));
    }
    ASSIGN_OR_RETURN(const Fact* set, RiskControlSet(s_));
    if (set == nullptr) return OkStatus();
    const v1::EntityRef& current = *FindReference(set->header(), "set");
    const v1::EntityRef* named = FindReference(header, "risk_control_set");
    j_.Rest(set);
    if (named == nullptr || !SameEntity(Bare(*named), Bare(current))) {
      j_.Fail(Text("it is not for ", EntityKeyText(current), ", the current set of risk controls"));
    } else {
      CheckIsOlder(set, *s_.certified);
    }
    return OkStatus();
  }

  // The protocol is one that the envelope names: in the version that it names, or else in the newest.
  Status CheckProtocol(const v1::EntityRef& used) {
    bool named = false;
    bool names_any = false;
    for (const v1::EntityRef& ref : s_.envelopes.front().approved->header().refs()) {
      if (ref.role() != "protocol") continue;
      names_any = true;
      if (ref.id() != used.id()) continue;
      ASSIGN_OR_RETURN(const bool is_authorised, IsAuthorised(ref, used));
      named |= is_authorised;
    }
    if (!names_any) {
      j_.Fail("the envelope names no protocol to certify by");
    } else if (!named) {
      j_.Fail(Text("it is by ", EntityKeyText(used), ", which the envelope doesn't authorise"));
    }
    ASSIGN_OR_RETURN(protocol_, s_.facts.Definition(Bare(used)));
    if (protocol_ == nullptr) j_.Fail(Text(EntityKeyText(used), " is not approved"));
    j_.Rest(protocol_);
    return OkStatus();
  }

  StatusOr<bool> IsAuthorised(const v1::EntityRef& named, const v1::EntityRef& used) {
    if (!named.version().empty()) return named.version() == used.version();
    ASSIGN_OR_RETURN(const Fact* newest, NewestDefinition(s_.facts, named));
    return newest != nullptr && SameEntity(Bare(*FindReference(newest->header(), "protocol")), Bare(used));
  }

  Status CheckSandboxRun() {
    const auto* run = s_.sandbox_run == nullptr ? nullptr : s_.sandbox_run->body<v1::SandboxRunCompleted>();
    if (run == nullptr) {
      j_.Fail("the run in the sandbox that it rests on is not recorded");
      return OkStatus();
    }
    j_.Rest(s_.sandbox_run);
    const v1::EntityRef* artifact = FindReference(s_.sandbox_run->header(), "artifact");
    if (!SameEntity(Bare(*artifact), Bare(s_.request.artifact)))
      j_.Fail("the run in the sandbox was of another artifact");
    if (run->result() != v1::SandboxRunCompleted::PASS) j_.Fail("the run in the sandbox did not pass");
    const v1::EntityRef& by = *FindReference(s_.sandbox_run->header(), "protocol");
    if (!SameEntity(Bare(by), Bare(*FindReference(s_.certified->header(), "protocol")))) {
      j_.Fail(Text("the run in the sandbox was by ", EntityKeyText(by), ", not by the protocol that it names"));
    }
    if (!CountsFor(s_, *s_.sandbox_run)) {
      j_.Fail(Text("the run in the sandbox is older than what is recorded of the artifact (leaf ",
                   s_.produced->event.index.value, ")"));
    }
    CheckIsOlder(protocol_, *s_.sandbox_run);
    const auto* protocol = protocol_ == nullptr ? nullptr : protocol_->body<v1::SandboxProtocolApproved>();
    if (protocol == nullptr) return OkStatus();
    CheckIsolation(*run, *protocol);
    return CheckSuite(*protocol);
  }

  // What no run may reach is no matter of the protocol, which can ask for more.
  void CheckIsolation(const v1::SandboxRunCompleted& run, const v1::SandboxProtocolApproved& protocol) {
    std::set<std::string> aspects(kAlwaysIsolated.begin(), kAlwaysIsolated.end());
    aspects.insert(protocol.isolation_requirements().begin(), protocol.isolation_requirements().end());
    for (const std::string& aspect : aspects) {
      const auto says = [&](bool isolated) {
        return std::any_of(run.isolation().begin(), run.isolation().end(),
                           [&](const auto& each) { return each.aspect() == aspect && each.isolated() == isolated; });
      };
      if (says(false) || !says(true)) j_.Fail(Text("the sandbox is not attested to isolate ", aspect));
    }
  }

  // What was tested by or certified for stood as it stands now: a record that took the place of that, or one of the
  // same version that came later, nobody has looked at.
  void CheckIsOlder(const Fact* defined, const Fact& than) {
    if (defined == nullptr || RecordedEarlier(defined, &than)) return;
    j_.Rest(defined);
    j_.Fail(Text(EntityKeyText(Bare(*DefinedBy(*defined))), " was recorded anew (leaf ", defined->event.index.value,
                 ") after it served (leaf ", than.event.index.value, ")"));
  }

  // Every test case of the protocol's suite for the class was run and passed, and none has failed since.
  Status CheckSuite(const v1::SandboxProtocolApproved& protocol) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> failed, FailedTests(s_));
    for (const Fact* fact : failed) {
      j_.Rest(fact);
      j_.FailByTest(FailureText(*fact));
    }
    std::set<std::string> passed;
    for (const v1::EntityRef& ref : s_.sandbox_run->header().refs()) {
      if (ref.role() != "test_run") continue;
      ASSIGN_OR_RETURN(const Fact* run, s_.facts.Definition(Bare(ref)));
      const auto* body = run == nullptr ? nullptr : run->body<v1::TestRunCompleted>();
      if (body == nullptr || body->result() != v1::TestRunCompleted::PASS) continue;
      if (body->configuration_digest() != s_.candidate || !CountsFor(s_, *run)) continue;
      const v1::EntityRef* test_case = FindReference(run->header(), "test_case");
      ASSIGN_OR_RETURN(const Fact* approved, s_.facts.Definition(Bare(*test_case)));
      if (approved == nullptr) continue;
      CheckIsOlder(approved, *run);
      passed.insert(Text(test_case->id(), "@", test_case->version()));
      j_.Rest(run);
    }
    bool found = false;
    for (const v1::SandboxProtocolApproved::Suite& suite : protocol.suites()) {
      if (suite.safety_class() != s_.item_class.safety_class) continue;
      found = true;
      for (const std::string& test_case : suite.test_cases()) {
        if (passed.count(test_case) == 0) {
          j_.Fail(
              Text("test case ", test_case, " of the protocol's suite did not pass on the candidate configuration"));
        }
      }
    }
    if (!found) j_.Fail("the protocol has no suite for the item's class");
    return OkStatus();
  }

  // Every control that the change can affect was exercised, in the run and with no failure there.
  Status CheckControls() {
    if (!s_.class_b_or_c()) return OkStatus();
    std::set<std::string> certified;
    for (const v1::EntityRef& ref : s_.certified->header().refs()) {
      if (ref.role() == "control") certified.insert(ref.id());
    }
    const auto* run = s_.sandbox_run == nullptr ? nullptr : s_.sandbox_run->body<v1::SandboxRunCompleted>();
    ASSIGN_OR_RETURN(const std::vector<AffectedControl> affected, AffectedControls(s_));
    for (const AffectedControl& each : affected) {
      if (certified.count(each.control.id()) == 0) {
        j_.Fail(Text("it doesn't cover ", EntityKeyText(each.control), ", which relies on what changes"));
      } else if (run != nullptr) {
        CheckExercised(*run, each.control);
      }
    }
    return OkStatus();
  }

  void CheckExercised(const v1::SandboxRunCompleted& run, const v1::EntityRef& control) {
    const auto& exercised = run.controls_exercised();
    if (std::find(exercised.begin(), exercised.end(), control.id()) == exercised.end()) {
      j_.Fail(Text("the run in the sandbox did not exercise ", EntityKeyText(control), ", which it names"));
    }
    for (const v1::SandboxRunCompleted::ControlResult& result : run.control_results()) {
      if (result.control() != control.id() || result.result() == v1::SandboxRunCompleted::PASS) continue;
      j_.Fail(Text(EntityKeyText(control), " did not pass in the run in the sandbox"));
    }
  }

  Status CheckSignature() {
    const Fact* ended = nullptr;
    ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s_.facts, *s_.certified, s_.request.at, &ended));
    if (!why.empty()) j_.Fail(Text("the certifier's key ", why));
    j_.Rest(ended);
    const v1::EntityRef* delegation = FindReference(s_.certified->header(), "delegation");
    if (delegation == nullptr && !body_.has_signature()) {
      j_.Fail("neither a person signed it, nor is it under a delegation");
      return OkStatus();
    }
    RETURN_IF_ERROR(CheckCertifier());
    if (delegation != nullptr) {
      ASSIGN_OR_RETURN(const Fact* delegated, s_.facts.Definition(Bare(*delegation)));
      j_.Rest(delegated);
    }
    if (body_.has_signature() || !s_.limits.has_value()) return OkStatus();
    if (s_.limits->human_certification()) j_.Fail("the policy asks for a person's own signature for this class");
    if (s_.limits->human_certification_of_expansions()) {
      ASSIGN_OR_RETURN(const bool expansion, IsExpansion(s_));
      if (expansion) j_.Fail("the envelope was expanded: the policy asks for a person's own signature");
    }
    return OkStatus();
  }

  // Who certified held the role for what it certifies.
  Status CheckCertifier() {
    Matter matter;
    if (s_.item != nullptr) matter.items.push_back(s_.item->id());
    matter.items_unknown = s_.item == nullptr;
    matter.safety_class = body_.safety_class();
    matter.jurisdictions.emplace();
    if (!body_.jurisdiction().empty()) matter.jurisdictions->push_back(body_.jurisdiction());
    ASSIGN_OR_RETURN(const std::string why, WhyNotOfCertifier(s_.facts, *s_.certified, matter));
    if (!why.empty()) j_.Fail(why);
    return OkStatus();
  }

  Subject& s_;
  Judgement& j_;
  const v1::CertificationIssued& body_;
  const Fact* protocol_ = nullptr;
};

// The people, or else the agents, behind an event: its writer, whom it acts for, and who delegated to it.
StatusOr<std::set<std::string>> Behind(Subject& s, const Fact& fact, Judgement& j) {
  std::set<std::string> behind;
  const v1::EventHeader& header = fact.header();
  const auto add = [&](std::string_view kind, std::string_view id) { behind.insert(Text(kind, ":", id)); };
  add(header.actor().kind(), header.actor().id());
  if (!header.on_behalf_of().id().empty()) add(header.on_behalf_of().kind(), header.on_behalf_of().id());
  if (const v1::EntityRef* producer = FindReference(header, "producer"); producer != nullptr) {
    add(producer->kind(), producer->id());
  }
  bool person = header.actor().kind() == "person" || header.on_behalf_of().kind() == "person";
  if (const v1::EntityRef* delegation = FindReference(header, "delegation"); delegation != nullptr) {
    ASSIGN_OR_RETURN(const Fact* delegated, s.facts.Definition(Bare(*delegation)));
    if (delegated != nullptr) {
      const v1::EntityRef& from = *FindReference(delegated->header(), "from");
      add(from.kind(), from.id());
      person = true;
    }
  }
  if (!person && header.actor().kind() == "software") {
    j.Fail(Text("nothing says for which person software:", header.actor().id(), " acts (leaf ", fact.event.index.value,
                ")"));
  }
  return behind;
}

// Fails where the key that sealed an event was in doubt by then.
Status JudgeSeal(Subject& s, const Fact& fact, Judgement& j) {
  const Fact* ended = nullptr;
  ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s.facts, fact, s.request.at, &ended));
  if (why.empty()) return OkStatus();
  j.Rest(&fact);
  j.Rest(ended);
  const v1::Agent& actor = fact.header().actor();
  j.Fail(Text("the key of ", actor.kind(), ":", actor.id(), " ", why));
  return OkStatus();
}

void ExpectApart(const std::set<std::string>& a, const std::set<std::string>& b, std::string_view what, Judgement& j) {
  for (const std::string& who : a) {
    if (b.count(who) > 0) j.Fail(Text(who, " is behind ", what));
  }
}

// Where nothing but the envelope approves what was produced within it (G10), it was not the producer who approved that.
Status ExpectApartFromStandingApproval(Subject& s, const std::set<std::string>& producer, Judgement& j) {
  if (s.envelopes.empty()) return OkStatus();
  const Fact& approved = *s.envelopes.front().approved;
  Judgement control;
  RETURN_IF_ERROR(JudgeChangeControl(s, control));
  if (control.evidence().count(approved.event.index.value) == 0) return OkStatus();
  j.Rest(&approved);
  ASSIGN_OR_RETURN(const std::set<std::string> approver, Behind(s, approved, j));
  ExpectApart(producer, approver, "the production and the approval of the envelope that stands for it", j);
  return OkStatus();
}

// Whether a rule can rest on it only because of who sealed it. What other units record of themselves is not: none of it
// decides about this one.
bool CountsByItsSeal(const Subject& s, const Fact& fact) {
  if (&fact == s.produced || &fact == s.certified) return false;  // G02 and G06 ask that of these.
  const v1::Agent& actor = fact.header().actor();
  return actor.kind() != "device_unit" || actor.id() == s.request.unit || SignatureOf(fact.event.view()) != nullptr ||
         !fact.event.type->options->writer_roles().empty();
}

// Nothing that a rule passes by was sealed with a key that somebody else may have had.
Status JudgeOtherSeals(Subject& s, const std::vector<const Fact*>& judged, Judgement& j) {
  std::set<uint64_t> leaves = s.passed_by;
  leaves.insert(s.policy->index.value);
  for (const Fact* fact : judged) leaves.erase(fact->event.index.value);
  std::map<std::pair<std::string, std::string>, bool> may_be_doubtful;
  for (const uint64_t leaf : leaves) {
    ASSIGN_OR_RETURN(const Fact* fact, s.facts.At(LeafIndex(leaf)));
    if (!CountsByItsSeal(s, *fact)) continue;
    const auto [found, is_new] =
        may_be_doubtful.try_emplace({fact->header().actor().kind(), fact->header().actor().id()}, false);
    if (is_new) {
      ASSIGN_OR_RETURN(found->second, HasEndedKeys(s.facts, *fact));
    }
    if (found->second) RETURN_IF_ERROR(JudgeSeal(s, *fact, j));
  }
  return OkStatus();
}

}  // namespace

Status JudgeCertification(Subject& s, Judgement& j) {
  if (s.certified == nullptr) {
    j.Fail(s.no_certification_because);
    j.Rest(s.certification_ended);
    return OkStatus();
  }
  return CertificationCheck(s, j).Check();
}

Status JudgeSeparation(Subject& s, Judgement& j) {
  if (s.produced == nullptr || s.certified == nullptr) {
    j.Fail(s.produced == nullptr ? "the artifact is not recorded" : s.no_certification_because);
    return OkStatus();
  }
  j.Rest(s.produced);
  j.Rest(s.certified);
  ASSIGN_OR_RETURN(const std::set<std::string> producer, Behind(s, *s.produced, j));
  ASSIGN_OR_RETURN(const std::set<std::string> certifier, Behind(s, *s.certified, j));
  ExpectApart(producer, certifier, "the production and the certification", j);
  RETURN_IF_ERROR(ExpectApartFromStandingApproval(s, producer, j));
  ASSIGN_OR_RETURN(const std::vector<const Fact*> implemented,
                   s.facts.Typed(Bare(s.request.artifact), "change.implemented"));
  for (const Fact* fact : implemented) {
    const v1::EntityRef change = Bare(*FindReference(fact->header(), "change"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> requested, s.facts.Typed(change, "change.requested"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> approved, s.facts.Typed(change, "change.approved"));
    for (const Fact* request : requested) {
      ASSIGN_OR_RETURN(std::set<std::string> author, Behind(s, *request, j));
      const v1::EntityRef* named = FindReference(request->header(), "author");
      if (named != nullptr) author.insert(Text(named->kind(), ":", named->id()));
      ExpectApart(author, certifier, "the change and its certification", j);
      for (const Fact* approval : approved) {
        ASSIGN_OR_RETURN(const std::set<std::string> approver, Behind(s, *approval, j));
        ExpectApart(author, approver, "the change and its approval", j);
      }
    }
  }
  return OkStatus();
}

Status JudgeSignatures(Subject& s, Judgement& j) {
  std::vector<const Fact*> signed_ones;
  for (const EnvelopeInForce& envelope : s.envelopes) signed_ones.push_back(envelope.approved);
  if (s.baseline_fact != nullptr && s.baseline_fact->body<v1::BaselineEstablished>() != nullptr) {
    signed_ones.push_back(s.baseline_fact);
  }
  if (s.certified != nullptr) {
    if (s.certification->has_signature()) signed_ones.push_back(s.certified);
    const v1::EntityRef* delegation = FindReference(s.certified->header(), "delegation");
    if (delegation != nullptr) {
      ASSIGN_OR_RETURN(const Fact* delegated, s.facts.Definition(Bare(*delegation)));
      if (delegated != nullptr) signed_ones.push_back(delegated);
    }
    ASSIGN_OR_RETURN(const Fact* protocol, s.facts.Definition(Bare(*FindReference(s.certified->header(), "protocol"))));
    if (protocol != nullptr) signed_ones.push_back(protocol);
  }
  for (const Fact* fact : signed_ones) {
    j.Rest(fact);
    if (fact->header().retrospective()) {
      j.Fail(Text("leaf ", fact->event.index.value,
                  " was recorded from other records: its signature is not one of 21 CFR 11"));
    }
    if (fact->header().actor().kind() != "person") {
      j.Fail(Text("leaf ", fact->event.index.value, " is not signed by a person"));
    }
    RETURN_IF_ERROR(JudgeSeal(s, *fact, j));
  }
  return JudgeOtherSeals(s, signed_ones, j);
}

Status JudgeGateClass(Subject& s, Judgement& j) {
  if (s.item == nullptr) {
    j.Fail("the artifact names no software item");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> facts,
                   s.facts.Typed(Bare(*s.item, true), "software_item.identified"));
  // What contains the item relies on it: a part may have been lowered, what it can harm was not.
  ASSIGN_OR_RETURN(const std::set<std::string> affected, ItemAndContaining(s.facts, s.item->id()));
  std::string highest_item = s.item->id();
  v1::SoftwareSafetyClass highest = s.item_class.safety_class;
  for (const std::string& id : affected) {
    ASSIGN_OR_RETURN(const ItemClass item_class, ClassOf(s.facts, id));
    if (item_class.safety_class <= highest) continue;
    highest = item_class.safety_class;
    highest_item = id;
  }
  size_t governing = 0;
  for (const Fact* fact : facts) {
    const auto& refs = fact->header().refs();
    const bool governs = std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
      return ref.role() == "governs" && ref.id() == s.item->id();
    });
    if (!governs) continue;
    ++governing;
    j.Rest(fact);
    const std::string& id = FindReference(fact->header(), "item")->id();
    ASSIGN_OR_RETURN(const ItemClass own, ClassOf(s.facts, id));
    if (own.safety_class < highest) {
      j.Fail(Text("software_item:", id, " governs the adaptation and is ",
                  v1::SoftwareSafetyClass_Name(own.safety_class), ", less than ",
                  highest_item == s.item->id() ? "the item" : Text("software_item:", highest_item), "'s ",
                  v1::SoftwareSafetyClass_Name(highest)));
    }
  }
  if (governing == 0) j.Fail("no adaptation manager, sandbox or gate is identified as governing the item");
  return OkStatus();
}

}  // namespace anamnesis::gate
