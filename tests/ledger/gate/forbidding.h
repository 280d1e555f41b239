#ifndef ANAMNESIS_TESTS_LEDGER_GATE_FORBIDDING_H_
#define ANAMNESIS_TESTS_LEDGER_GATE_FORBIDDING_H_

// All that somebody can record against an artifact of the full story (full_story.h), one step each.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/gate/seal_key.h"
#include "tests/ledger/gate/full_story.h"

namespace anamnesis {

// An event that only forbids.
struct Forbidding {
  Step step;
  // Whether it denies what was decided about in the full story; some are about later acts only.
  bool denies = true;
};

template <typename Body>
Forbidding Forbids(const std::string& name, const std::string& writer, Body body,
                   const std::vector<std::string>& refs) {
  return {{name, writer, Because(DraftWith(std::move(body), refs))}};
}

template <typename Body>
Body Effective(Body body = {}) {
  body.set_effective_from_us(kTestStart.us);
  return body;
}

// The same test or evaluation once more, with another result.
template <typename Body>
Forbidding FailedAgain(const std::string& step) {
  Step again = StepOfStory(step);
  again.name = "failed-" + step;
  again.draft.header.mutable_refs(0)->set_id(again.name);
  Edit<Body>([](Body& body) { body.set_result(Body::FAIL); })(again.draft);
  return {again};
}

// Of one version or of all, some with a version of what has none: those are told afterwards, so that they are recorded.
inline void AddHolds(std::vector<Forbidding>& all) {
  int number = 0;
  for (const char* scope : {"artifact:shift@1",       "artifact:shift",
                            "software_item:alert",    "software_item:system",
                            "device_unit:ICU-1",      "soup:foundation@7.2",
                            "soup:foundation",        "envelope:threshold",
                            "envelope:threshold@1",   "baseline:base",
                            "release:app@1",          "release:app@2",
                            "model:base@2.3",         "sandbox_protocol:suite@1",
                            "certification:cert-1",   "software_item:alert@2",
                            "device_unit:ICU-1@1",    "site:boston@1",
                            "device_model:monitor@3", "certification:cert-1@2"}) {
    Forbidding hold =
        Forbids(Text("hold-", scope), "ada", v1::HoldPlaced(), {Text("hold=hold:h", ++number), Text("scope=", scope)});
    hold.step.draft.header.set_retrospective(std::string_view(scope).find('@') != std::string_view::npos);
    all.push_back(hold);
  }
  v1::FieldActionInitiated action;
  action.set_kind(v1::FieldActionInitiated::RECALL);
  action.set_scope_text("all");
  action.set_initiated_at_us(kTestStart.us);
  for (const char* scope : {"artifact:shift@1", "device_model:monitor", "device_unit:ICU-1", "release:app@2"}) {
    all.push_back(Forbids(Text("recall-", scope), "ada", action,
                          {Text("field_action=field_action:f", ++number), Text("scope=", scope)}));
  }
}

inline void AddProblems(std::vector<Forbidding>& all) {
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("the unit was off");
  int number = 0;
  for (const char* of : {"affected=software_item:alert", "affected=software_item:system", "affected=release:app@1",
                         "affected=soup:foundation@7.2", "unit=device_unit:ICU-1"}) {
    all.push_back(Forbids(Text("problem-", of), "ada", problem, {Text("problem=problem:p", ++number), of}));
  }
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  for (const char* in : {"artifact:shift@1", "soup:foundation@7.2", "release:app@2"}) {
    all.push_back(
        Forbids(Text("anomaly-", in), "ada", anomaly, {Text("anomaly=anomaly:a", ++number), Text("found_in=", in)}));
  }
}

inline void AddRevocations(std::vector<Forbidding>& all) {
  all.push_back(Forbids("revoke", "ada", v1::ArtifactRevoked(), {"artifact=artifact:shift@1"}));
  for (const char* certification : {"certification:cert-1", "certification:cert-1@1"}) {
    Forbidding withdrawn = Forbids(Text("withdraw-", certification), "carl", v1::CertificationWithdrawn(),
                                   {Text("certification=", certification)});
    withdrawn.step.draft.header.set_retrospective(std::string_view(certification).ends_with("@1"));
    all.push_back(withdrawn);
  }
  const std::vector<std::string> authorisation = {"authorisation=authorisation:K1@1"};
  all.push_back(Forbids("suspend", "rita", Effective<v1::AuthorisationSuspended>(), authorisation));
  all.push_back(Forbids("withdraw-authorisation", "rita", Effective<v1::AuthorisationWithdrawn>(), authorisation));
  v1::AuthorisationRestricted restricted;
  const Step granted = StepOfStory("clear-us");
  *restricted.mutable_terms() = static_cast<const v1::AuthorisationGranted&>(*granted.draft.body).terms();
  restricted.mutable_terms()->set_udi_di(0, "04099999999999");
  all.push_back(Forbids("restrict", "rita", Effective(restricted), authorisation));
  all.push_back(
      Forbids("withdraw-plan", "rita", Effective<v1::ChangePlanWithdrawn>(), {"change_plan=change_plan:pccp@1"}));
  all.push_back(Forbids("retire-envelope", "ada", v1::EnvelopeRetired(), {"envelope=envelope:threshold@1"}));
  all.push_back(
      Forbids("withdraw-delegation", "carl", Effective<v1::AuthorityWithdrawn>(), {"delegation=delegation:d1"}));
  v1::RoleWithdrawn role;
  role.set_role(v1::CERTIFIER);
  all.push_back(Forbids("withdraw-role", "ada", role, {"holder=person:carl"}));
  all.back().denies = false;
}

// Of keys by which the story was sealed.
inline void AddKeys(std::vector<Forbidding>& all) {
  GateWorld world(GateStory());
  Facts facts(world.ledger().rows(), world.ledger().size());
  for (const auto& [step, holder] :
       {std::pair{"certified", "software:certifier"}, std::pair{"delegation", "person:carl"},
        std::pair{"produced", "software:tuner"}, std::pair{"clear-us", "person:rita"}}) {
    const StatusOr<std::string> key = gate::SealKeyOf(facts, world.LeafOf(step));
    ASSERT_TRUE(key.ok());
    const std::vector<std::string> refs = {Text("holder=", holder)};
    v1::CredentialReportedLost lost;
    lost.set_public_key(*key);
    lost.set_lost_since_us(kTestStart.us);
    all.push_back(Forbids(Text("lost-", holder), "ada", lost, refs));
    v1::CredentialRevoked revoked;
    revoked.set_public_key(*key);
    all.push_back(Forbids(Text("revoked-", holder), "ada", Effective(revoked), refs));
    all.push_back(Forbids(Text("hold-key-", holder), "ada", v1::HoldPlaced(),
                          {Text("hold=hold:k-", step), Text("scope=credential:", HexEncode(*key))}));
    // Of the holds on keys those stand against it by which it was made or certified.
    all.back().denies = std::string_view(step) != "clear-us";
  }
}

inline void AddData(std::vector<Forbidding>& all) {
  v1::DatasetRecordWithdrawn withdrawn;
  withdrawn.set_basis("consent");
  v1::SubjectDataErased erased;
  erased.set_basis("Art. 17(1)(b)");
  erased.set_authorised_by("ada");
  for (const std::string dataset : {"new", "old"}) {
    all.push_back(
        Forbids("withdraw-of-" + dataset, "ada", withdrawn, {"dataset=dataset:" + dataset + "@1", "record=record:3"}));
    all.push_back(Forbids("erase-of-" + dataset, "ada", erased, {"dataset=dataset:" + dataset, "record=record:4"}));
  }
}

inline std::vector<Forbidding> ForbiddingSteps() {
  std::vector<Forbidding> all;
  AddHolds(all);
  AddProblems(all);
  AddRevocations(all);
  AddKeys(all);
  AddData(all);
  for (const char* step : {"run-unit", "run-system"}) all.push_back(FailedAgain<v1::TestRunCompleted>(step));
  for (const char* step : {"verify-implementation", "verify-effectiveness"}) {
    Forbidding failed = {StepOfStory(step)};
    failed.step.name = Text("failed-", step);
    Edit<v1::RiskControlVerified>([](auto& body) { body.set_result(v1::RiskControlVerified::FAIL); })(
        failed.step.draft);
    all.push_back(failed);
  }
  v1::ForkDetected fork;
  fork.set_stream("software/certifier");
  fork.set_position(3);
  fork.set_header_digest_here(Sha256("here").bytes());
  fork.set_header_digest_there(Sha256("there").bytes());
  fork.set_evidence("two headers");
  all.push_back(Forbids("fork", "eve", fork, {}));
  all.push_back(Forbids("decommission", "ada", v1::DeviceUnitDecommissioned(), {"unit=device_unit:ICU-1"}));
  return all;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_GATE_FORBIDDING_H_
