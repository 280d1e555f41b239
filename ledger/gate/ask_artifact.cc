// What an artifact is and how it stands (A63, A66).

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/envelope/candidate.h"
#include "ledger/event/names.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/gate/seal_key.h"
#include "ledger/gate/subject.h"
#include "ledger/query/events.h"

namespace anamnesis {
namespace {

constexpr size_t kListedMax = 1000;

class ArtifactReport {
 public:
  ArtifactReport(Facts& facts, const Fact& produced, Timestamp now, v1::ArtifactAnswer& answer)
      : facts_(facts), produced_(produced), now_(now), answer_(answer) {}

  Status Fill() {
    const v1::EventHeader& header = produced_.header();
    *answer_.mutable_artifact() = *FindReference(header, "artifact");
    *answer_.mutable_content() = *produced_.body<v1::ArtifactProduced>();
    ASSIGN_OR_RETURN(*answer_.mutable_produced(), facts_.Reference(produced_.event.index));
    for (const v1::EntityRef& ref : header.refs()) {
      if (ref.role() != "artifact") *answer_.add_bound() = ref;
    }
    ASSIGN_OR_RETURN(*answer_.mutable_seal_key(), gate::SealKeyOf(facts_, produced_.event.index));
    const Fact* ended = nullptr;
    ASSIGN_OR_RETURN(*answer_.mutable_seal_doubtful_because(), gate::WhyKeyIsDoubtful(facts_, produced_, now_, &ended));
    RETURN_IF_ERROR(AddBytes());
    RETURN_IF_ERROR(AddCertifications());
    RETURN_IF_ERROR(AddDecisions());
    return AddActivations();
  }

 private:
  // What is recorded of exactly this version as its subject, in log order.
  StatusOr<std::vector<const Fact*>> Recorded(std::string_view type) {
    return facts_.OfType(Bare(answer_.artifact()), "artifact", type, kListedMax);
  }

  Status AddBytes() {
    answer_.set_sha256(DigestOfArtifact(answer_.artifact(), answer_.content()));
    if (!answer_.sha256().empty()) {
      ASSIGN_OR_RETURN(const Fact* stored, gate::StoredObject(facts_, answer_.sha256()));
      if (stored != nullptr) {
        ASSIGN_OR_RETURN(*answer_.mutable_stored(), facts_.Reference(stored->event.index));
      }
    }
    ASSIGN_OR_RETURN(const std::vector<const Fact*> revoked, Recorded("artifact.revoked"));
    if (revoked.empty()) return OkStatus();
    ASSIGN_OR_RETURN(*answer_.mutable_revoked(), facts_.Reference(revoked.back()->event.index));
    return OkStatus();
  }

  Status AddCertifications() {
    answer_.set_verification(v1::ArtifactAnswer::NOT_CERTIFIED);
    ASSIGN_OR_RETURN(std::vector<const Fact*> all, Recorded("certification.issued"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> refused, Recorded("certification.refused"));
    all.insert(all.end(), refused.begin(), refused.end());
    std::sort(all.begin(), all.end(), [](const Fact* a, const Fact* b) { return a->event.index < b->event.index; });
    bool issued = false, active = false;
    for (const Fact* fact : all) {
      v1::ArtifactAnswer::Certification& entry = *answer_.add_certifications();
      ASSIGN_OR_RETURN(*entry.mutable_leaf(), facts_.Reference(fact->event.index));
      RETURN_IF_ERROR(AddSandboxRun(*fact, entry));
      if (const auto* refusal = fact->body<v1::CertificationRefused>(); refusal != nullptr) {
        *entry.mutable_reasons() = refusal->reasons();
      }
      const auto* body = fact->body<v1::CertificationIssued>();
      if (body == nullptr) continue;
      issued = true;
      *entry.mutable_certification() = Bare(*FindReference(fact->header(), "certification"));
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (ref.role() == "control") entry.add_controls(ref.id());
      }
      const Fact* ended = nullptr;
      ASSIGN_OR_RETURN(*entry.mutable_inactive_because(), gate::WhyInactive(facts_, *fact, *body, now_, ended));
      active |= entry.inactive_because().empty();
    }
    if (active) {
      answer_.set_verification(v1::ArtifactAnswer::CERTIFIED);
    } else if (issued) {
      answer_.set_verification(v1::ArtifactAnswer::NO_LONGER_CERTIFIED);
    } else if (!refused.empty()) {
      answer_.set_verification(v1::ArtifactAnswer::REFUSED);
    }
    return OkStatus();
  }

  Status AddSandboxRun(const Fact& certification, v1::ArtifactAnswer::Certification& entry) {
    const v1::EntityRef* ref = FindReference(certification.header(), "sandbox_run");
    if (ref == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(const Fact* run, facts_.Definition(Bare(*ref)));
    if (run == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(*entry.mutable_sandbox_run(), facts_.Reference(run->event.index));
    for (const v1::EntityRef& of : run->header().refs()) {
      if (of.role() != "test_run") continue;
      ASSIGN_OR_RETURN(const Fact* test, facts_.Definition(Bare(of)));
      const auto* body = test == nullptr ? nullptr : test->body<v1::TestRunCompleted>();
      if (body == nullptr) continue;
      v1::ArtifactAnswer::TestRun& shown = *entry.add_test_runs();
      ASSIGN_OR_RETURN(*shown.mutable_leaf(), facts_.Reference(test->event.index));
      const v1::EntityRef& test_case = *FindReference(test->header(), "test_case");
      shown.set_test_case(Text(test_case.id(), "@", test_case.version()));
      shown.set_passed(body->result() == v1::TestRunCompleted::PASS);
    }
    return OkStatus();
  }

  Status AddDecisions() {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> decided, Recorded("gate.decided"));
    for (const Fact* fact : decided) {
      const auto* body = fact->body<v1::GateDecided>();
      if (body == nullptr) continue;
      v1::ArtifactAnswer::Decision& entry = *answer_.add_decisions();
      ASSIGN_OR_RETURN(*entry.mutable_leaf(), facts_.Reference(fact->event.index));
      if (const v1::EntityRef* unit = FindReference(fact->header(), "unit"); unit != nullptr)
        entry.set_unit(unit->id());
      entry.set_allowed(body->verdict() == v1::GateDecided::ALLOW);
      for (const auto& result : body->results()) {
        if (result.outcome() == v1::GateDecided::RuleResult::FAIL) entry.add_failed_rules(result.rule_id());
      }
    }
    return OkStatus();
  }

  Status AddActivations() {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> activated, Recorded("artifact.activated"));
    for (const Fact* fact : activated) {
      v1::ArtifactAnswer::Activation& entry = *answer_.add_activations();
      ASSIGN_OR_RETURN(*entry.mutable_leaf(), facts_.Reference(fact->event.index));
      if (const v1::EntityRef* unit = FindReference(fact->header(), "unit"); unit != nullptr)
        entry.set_unit(unit->id());
      if (const auto* body = fact->body<v1::ArtifactActivated>(); body != nullptr) entry.set_surface(body->surface());
    }
    return OkStatus();
  }

  Facts& facts_;
  const Fact& produced_;
  const Timestamp now_;
  v1::ArtifactAnswer& answer_;
};

}  // namespace

Status AnswerArtifact(Facts& facts, const v1::ArtifactQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(CheckArtifact("artifact", question.artifact()));
  RETURN_IF_ERROR(facts.CheckNamed(Bare(question.artifact())));
  ASSIGN_OR_RETURN(const Fact* produced, facts.Definition(Bare(question.artifact())));
  if (produced == nullptr || produced->body<v1::ArtifactProduced>() == nullptr) {
    return absl::NotFoundError(
        Text("artifact: no artifact.produced that can be read defines ", EntityKeyText(question.artifact())));
  }
  ASSIGN_OR_RETURN(const Timestamp now, RecordedAt(facts.rows(), LeafIndex(facts.size().value - 1)));
  return ArtifactReport(facts, *produced, now, *answer.mutable_artifact()).Fill();
}

}  // namespace anamnesis
