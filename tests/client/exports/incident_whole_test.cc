// An incident bundle leaves nothing out without saying so: what was taken back, what nobody knows, what a store lost.

#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/content.h"
#include "client/exports/unit_history.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/exports/incident_bundle.h"

namespace anamnesis::exports {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(IncidentWhole, WhatWasTakenBackStaysAndTakesNobodysPlace) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Activated("e"), 1));
  const LeafIndex kept = history.Add(AtHour(Activated("a"), 2));
  const LeafIndex wrong = history.Add(AtHour(Activated("z"), 3));
  const LeafIndex measured = history.Add(AtHour(Measured('a'), 3));
  history.Add(AtHour(Incident(), 4));
  const LeafIndex retraction = history.Retract(wrong);
  history.Retract(measured);
  IncidentOptions options;
  options.activations = 1;
  const Bundle bundle(history, options);
  const std::vector<Cell>* row = bundle.RowCiting("activations-1", wrong);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ((*row)[0].mark, Mark::kVoid);
  EXPECT_THAT((*row)[2].text, HasSubstr("No longer counts: retracted by person:ada: was wrong"));
  EXPECT_THAT((*row)[2].leaves, ElementsAre(retraction.value));
  EXPECT_NE(bundle.RowCiting("activations-1", kept), nullptr);
  EXPECT_THAT(bundle.At("activations-1").paragraphs[0], HasSubstr("1 earlier one is left out"));
  EXPECT_THAT(bundle.Gaps("activations-1"), Not(HasSubstr(Text("leaf ", wrong.value))));
  ASSERT_NE(bundle.RowCiting("attestations-1", measured), nullptr);
  EXPECT_THAT(bundle.Gaps("attestations-1"), HasSubstr("no measurement by the unit confirms what ran"));
}

TEST(IncidentWhole, OriginIsToldAsFarAsAQuestionGoesAndNoFurtherInSilence) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "a.txt"), 0));
  history.Add(AtHour(Activated("a"), 1));
  history.Add(AtHour(Incident(), 2));
  const auto add_model = [&](const std::string& model, const std::string& parent) {
    history.Add(
        AtHour(DraftWith(v1::ModelRegistered(), {"model=model:" + model + "@1", "training_run=training_run:" + model,
                                                 "dataset=dataset:d@1", "code=code_revision:c"}),
               0));
    v1::TrainingRunStarted started;
    started.set_purpose(v1::TrainingRunStarted::INITIAL);
    history.Add(AtHour(
        DraftWith(std::move(started), {"training_run=training_run:" + model, "parent_model=model:" + parent + "@1",
                                       "dataset=dataset:d@1", "code=code_revision:c"}),
        0));
  };
  add_model("base", "m1");
  for (int i = 1; i < 10; ++i) add_model(Text("m", i), Text("m", i + 1));
  EXPECT_THAT(Bundle(history).Rows("lineage"), HasSubstr("model:m10@1 | 21 |"));
  EXPECT_THAT(Bundle(history).Gaps("lineage"), Not(HasSubstr("goes on")));
  for (int i = 10; i < 40; ++i) add_model(Text("m", i), Text("m", i + 1));
  EXPECT_THAT(Bundle(history).Gaps("lineage"), HasSubstr("artifact:a@1: its origin goes on beyond 64 steps"));
}

TEST(IncidentWhole, OnlyAnObjectThatIsNotThereIsAGapInTheSameWordsEverywhere) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "a.txt"), 0));
  history.Add(AtHour(Activated("a"), 1));
  history.Add(AtHour(Incident(), 2));
  Status said;
  IncidentOptions options;
  options.include = [&](const Digest&) { return said; };
  said = absl::NotFoundError("node-1:7420: isn't stored here");
  EXPECT_THAT(
      Bundle(history, options).Gaps("files"),
      AllOf(HasSubstr("a.txt of artifact:a@1: only the digest: no object store has it"), Not(HasSubstr("7420"))));
  said = absl::DataLossError("node-1:7420: its bytes have another SHA-256");
  EXPECT_THAT(Bundle(history, options).Gaps("files"),
              AllOf(HasSubstr("what the object store has is damaged"), Not(HasSubstr("7420"))));
  for (const Status& failed : {absl::UnavailableError("node-1:7420: no answer"), absl::InternalError("out: writing"),
                               absl::ResourceExhaustedError("out: writing: no space left")}) {
    said = failed;
    EXPECT_EQ(BundleOf(history, options).status().code(), failed.code());
  }
}

TEST(IncidentWhole, TheRegisterHoldsEveryRecordThatIsCited) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "a.txt"), 0));
  v1::CertificationIssued body;
  body.mutable_state()->set_artifact_digest(std::string(32, 'a'));
  body.mutable_state()->set_baseline_digest(std::string(32, 'b'));
  body.mutable_state()->set_substrate_digest(std::string(32, 's'));
  body.set_process_profile("p@1");
  body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  body.set_valid_from_us(Hour(1).us);
  body.mutable_signature()->set_meaning(v1::ElectronicSignature::APPROVAL);
  body.mutable_signature()->set_signed_at_us(Hour(1).us);
  body.mutable_signature()->add_components(v1::ElectronicSignature::KEY);
  body.mutable_signature()->set_session_id(std::string(16, 's'));
  body.mutable_signature()->set_ordinal(1);
  const std::vector<std::string> refs = {"certification=certification:c", "artifact=artifact:a@1",
                                         "sandbox_run=sandbox_run:r", "envelope=envelope:e@1",
                                         "protocol=sandbox_protocol:p@1"};
  const LeafIndex certified = history.Add(AtHour(DraftWith(std::move(body), refs), 1));
  history.Add(AtHour(Activated("a"), 2));
  history.Add(AtHour(Because(DraftWith(v1::ArtifactRevoked(), {"artifact=artifact:a@1"})), 3));
  history.Add(AtHour(Incident(), 4));
  const Bundle bundle(history);
  EXPECT_NE(bundle.RowCiting("signatures", certified), nullptr);
  Document others = bundle.document();
  std::erase_if(others.sections, [](const Section& section) { return section.id == "signatures"; });
  size_t written = 0;
  for (const std::vector<Cell>& row : bundle.At("signatures").tables[1].rows) written += std::stoul(row[2].text);
  EXPECT_EQ(written, CitedLeaves(others).size());
}

TEST(IncidentWhole, OneFileThatIsListedHidesNoItemWithoutAny) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "a.txt"), 0));
  history.Add(AtHour(Activated("a"), 1));
  v1::ArtifactActivated body;
  body.set_surface("display");
  history.Add(AtHour(DraftWith(std::move(body), {"unit=device_unit:ICU-7", "artifact=artifact:q@1"}), 1));
  history.Add(AtHour(Incident(), 2));
  const std::string gaps = Bundle(history).Gaps("files");
  EXPECT_THAT(gaps, HasSubstr("artifact:q@1: no files are recorded of it"));
  EXPECT_THAT(gaps, Not(HasSubstr("artifact:a@1: no files")));
}

TEST(IncidentWhole, ACorrectionThatWasTakenBackIsToldAsThat) {
  ProjectedHistory history = InService();
  const LeafIndex recorded = history.Add(AtHour(Incident(), 2));
  const LeafIndex retraction = history.Retract(recorded);
  const LeafIndex again = history.Retract(retraction);
  const Bundle bundle(history);
  EXPECT_THAT(bundle.At("incident").paragraphs,
              Contains(HasSubstr(Text("(leaf ", retraction.value, "), which was itself taken back"))));
  const std::vector<Cell>* row = bundle.RowCiting("incident", retraction);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ((*row)[0].mark, Mark::kVoid);
  EXPECT_EQ((*bundle.RowCiting("incident", recorded))[0].mark, Mark::kNone);
  EXPECT_EQ((*bundle.RowCiting("incident", again))[0].mark, Mark::kNone);
}

TEST(IncidentWhole, ARetractedIncidentIsToldStruckThrough) {
  ProjectedHistory history = InService();
  const LeafIndex recorded = history.Add(AtHour(Incident(), 2));
  history.Retract(recorded);
  const Bundle bundle(history);
  EXPECT_THAT(bundle.At("incident").paragraphs,
              Contains(HasSubstr("What recorded it no longer counts: retracted by person:ada")));
  const std::vector<Cell>* row = bundle.RowCiting("incident", recorded);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ((*row)[0].mark, Mark::kVoid);
  EXPECT_THAT(bundle.Fact("Happened"), HasSubstr("No longer counts"));
}

// --- Very many events ---

// Says of each unit's state what a ledger does where too many events name it.
class Crowded : public ProjectedLedger {
 public:
  using ProjectedLedger::ProjectedLedger;
  StatusOr<v1::Answer> Ask(const v1::Question& question) override {
    const v1::StatusQuestion& status = question.status();
    if (status.entity().kind() == "device_unit" && status.from() == 0)
      return absl::ResourceExhaustedError("more than 200000 events refer to it");
    return ProjectedLedger::Ask(question);
  }
};

TEST(IncidentWhole, AUnitThatTooManyEventsNameHasItsHistoryStill) {
  ProjectedHistory history;
  const LeafIndex first = history.Add(AtHour(Commission("ICU-1"), 0));
  const LeafIndex second = history.Add(AtHour(Commission("ICU-7"), 0));
  const LeafIndex last = history.Add(AtHour(Activated("a"), 1));
  Crowded ledger(history);
  const LedgerView view = ledger.View();
  const auto named = [&](const std::string& unit) -> StatusOr<std::vector<uint64_t>> {
    v1::EntityRef entity;
    entity.set_kind("device_unit");
    entity.set_id(unit);
    std::vector<uint64_t> leaves;
    RETURN_IF_ERROR(VisitNaming(view, entity, [&](const v1::LeafReference& leaf) {
      leaves.push_back(leaf.index());
      return OkStatus();
    }));
    return leaves;
  };
  const StatusOr<std::vector<uint64_t>> leaves = named("ICU-7");
  ASSERT_TRUE(leaves.ok()) << leaves.status();
  EXPECT_THAT(*leaves, ElementsAre(second.value, last.value));
  ASSERT_EQ(first.value, 0U);
  EXPECT_TRUE(absl::IsResourceExhausted(named("ICU-1").status())) << "its first event would be left out";
}

TEST(IncidentWhole, OfProblemsWithoutEndTheNearestAreTold) {
  ProjectedHistory history = InService();
  std::vector<LeafIndex> reported;
  // The record of the incident names the unit too.
  for (size_t i = 0; i < kNearestMax + 2; ++i) {
    v1::ProblemReported body;
    body.set_description("again");
    body.set_criticality(v1::ProblemReported::PERFORMANCE);
    body.set_configuration_unknown_because("not read");
    const int64_t hour = i < 3 ? 1 : 2;
    reported.push_back(history.Add(
        AtHour(DraftWith(std::move(body), {Text("problem=problem:P-", i), "unit=device_unit:ICU-7"}), hour)));
  }
  history.Add(AtHour(Incident(), 4));
  const Bundle bundle(history);
  EXPECT_EQ(bundle.At("similar").tables[0].rows.size(), kNearestMax - 1);
  EXPECT_EQ(bundle.RowCiting("similar", reported[2]), nullptr);
  EXPECT_NE(bundle.RowCiting("similar", reported[3]), nullptr);
  EXPECT_THAT(bundle.Gaps("similar"), HasSubstr("of what names ICU-7 here, the 2000 nearest before the incident and "
                                                "after it are told; 3 more are left out"));
}

// --- Authorisations ---

v1::AuthorisationTerms TermsUntil(int64_t from, int64_t until) {
  v1::AuthorisationTerms terms;
  terms.set_jurisdiction("EU");
  terms.set_kind("mdr_annex_ix");
  terms.set_number("G10");
  terms.set_authority("NB 0123");
  terms.set_regulatory_class("IIb");
  terms.set_valid_from_us(Hour(from).us);
  terms.set_valid_until_us(Hour(until).us);
  return terms;
}

TEST(IncidentWhole, AnEndOfValidityThatWasMovedLaterWasTheEndThen) {
  ProjectedHistory history = InService();
  v1::AuthorisationGranted granted;
  *granted.mutable_terms() = TermsUntil(0, 10);
  history.Add(AtHour(
      DraftWith(std::move(granted), {"authorisation=authorisation:a@1", "device_model=device_model:monitor"}), 0));
  history.Add(AtHour(Incident(), 20));
  v1::AuthorisationSupplemented supplemented;
  *supplemented.mutable_terms() = TermsUntil(30, 90);
  history.Add(AtHour(DraftWith(std::move(supplemented), {"authorisation=authorisation:a@1"}), 30));
  const Bundle bundle(history);
  const std::string rows = bundle.Rows("regulatory");
  EXPECT_THAT(rows, HasSubstr(Text("expired from ", FormatTime(Hour(10)), " | in force from ", FormatTime(Hour(30)))));
  EXPECT_THAT(rows,
              HasSubstr(Text("At the incident: EU, mdr_annex_ix G10 by NB 0123, valid until ", FormatTime(Hour(10)),
                             "\nNow: EU, mdr_annex_ix G10 by NB 0123, valid until ", FormatTime(Hour(90)))));
  EXPECT_THAT(bundle.Gaps("regulatory"), HasSubstr("no authorisation of the unit's device model was in force"));
}

}  // namespace
}  // namespace anamnesis::exports
