// What Statements say of events, and others' Statements as evidence in a ledger.

#include "client/interchange/in_toto.h"

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/interchange/evidence.h"
#include "gmock/gmock.h"
#include "ledger/base/bytes.h"
#include "tests/client/exports/hours.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::interchange {
namespace {

using exports::AtHour;
using exports::ProjectedLedger;
using testing::HasSubstr;

v1::ContentDigest Filled(char fill) {
  v1::ContentDigest digest;
  digest.set_algorithm(v1::SHA256);
  digest.set_value(std::string(32, fill));
  return digest;
}

EventDraft RegisteredModel() {
  v1::ModelRegistered body;
  *body.add_files()->mutable_digest() = Filled('w');
  body.mutable_files(0)->set_path("weights.pt");
  body.add_files()->set_path("weights.onnx");
  body.mutable_files(1)->set_missing_digest(true);
  return DraftWith(std::move(body), {"model=model:spleen@1", "training_run=training_run:t@1", "dataset=dataset:d@1",
                                     "code=code_revision:c@1"});
}

TEST(InToto, FilesWithoutADigestAreNamed) {
  ProjectedHistory history;
  history.Add(AtHour(RegisteredModel(), 0));
  ProjectedLedger ledger(history);
  LedgerView view(ledger, 0);
  ASSERT_TRUE(view.Open().ok());
  const StatusOr<std::string> statement = StatementOf(view, "0");
  ASSERT_TRUE(statement.ok()) << statement.status();
  EXPECT_THAT(*statement, HasSubstr("\"subject\":[{\"name\":\"weights.pt\""));
  EXPECT_THAT(*statement, HasSubstr("\"filesWithoutDigest\":[\"weights.onnx\"]"));
}

// A Statement about what `fill` fills.
Evidence EvidenceAbout(char fill) {
  Evidence evidence;
  evidence.predicate_type = "https://slsa.dev/provenance/v1";
  evidence.subjects = {{"weights.pt", {{"sha256", HexEncode(std::string(32, fill))}}}};
  return evidence;
}

v1::EntityRef Spleen() {
  v1::EntityRef model;
  model.set_kind("model");
  model.set_id("spleen");
  model.set_version("1");
  return model;
}

TEST(Evidence, WhatItIsAboutIsCheckedAndAddedWhenItWasRecordedWithout) {
  ProjectedHistory history;
  history.Add(AtHour(RegisteredModel(), 0));
  const auto is_recorded = [&](char fill, const std::vector<v1::EntityRef>& about, bool add) -> StatusOr<bool> {
    ProjectedLedger ledger(history);
    LedgerView view(ledger, 0);
    RETURN_IF_ERROR(view.Open());
    ASSIGN_OR_RETURN(const EventDraft draft, EvidenceDraft(view, EvidenceAbout(fill), "a.json", about));
    ASSIGN_OR_RETURN(const bool recorded, IsRecorded(view, draft));
    if (add) history.Add(AtHour(draft, 1));
    return recorded;
  };
  EXPECT_FALSE(is_recorded('w', {}, true).value());
  EXPECT_TRUE(is_recorded('w', {}, false).value());
  EXPECT_FALSE(is_recorded('w', {Spleen()}, true).value());
  EXPECT_TRUE(is_recorded('w', {Spleen()}, false).value());
  EXPECT_TRUE(is_recorded('w', {}, false).value());
  EXPECT_TRUE(absl::IsFailedPrecondition(is_recorded('x', {Spleen()}, false).status()));
}

}  // namespace
}  // namespace anamnesis::interchange
