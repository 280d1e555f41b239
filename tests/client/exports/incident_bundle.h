#ifndef ANAMNESIS_TESTS_CLIENT_EXPORTS_INCIDENT_BUNDLE_H_
#define ANAMNESIS_TESTS_CLIENT_EXPORTS_INCIDENT_BUNDLE_H_

// Histories of the unit ICU-7 and its incident IR-1, and the bundle that is made of one.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/incident.h"
#include "gtest/gtest.h"
#include "tests/client/exports/hours.h"
#include "tests/client/exports/projected_ledger.h"

namespace anamnesis::exports {

inline EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

inline v1::ContentDigest Sha256Filled(char fill) {
  v1::ContentDigest digest;
  digest.set_algorithm(v1::SHA256);
  digest.set_value(std::string(32, fill));
  return digest;
}

inline EventDraft Produced(const std::string& artifact, const std::string& path) {
  v1::ArtifactProduced body;
  body.set_kind(v1::ArtifactProduced::DELTA);
  body.set_mode(v1::ArtifactProduced::CANDIDATE);
  body.set_surface("threshold");
  v1::FileRecord& file = *body.add_files();
  file.set_path(path);
  *file.mutable_digest() = Sha256Filled(artifact[0]);
  EventDraft draft = DraftWith(std::move(body), {"model=model:base@1", "envelope=envelope:e@1"});
  const v1::ContentDigest digest = Sha256Filled(artifact[0]);
  AddReference(draft, "artifact", "artifact", artifact, "1", &digest);
  return draft;
}

inline EventDraft Activated(const std::string& artifact) {
  v1::ArtifactActivated body;
  body.set_surface("threshold");
  EventDraft draft = DraftWith(std::move(body), {"unit=device_unit:ICU-7"});
  const v1::ContentDigest digest = Sha256Filled(artifact[0]);
  AddReference(draft, "artifact", "artifact", artifact, "1", &digest);
  return draft;
}

inline EventDraft Measured(char fill) {
  v1::ConfigurationAttested body;
  body.set_method("hash");
  v1::MeasuredItem& item = *body.add_measured();
  item.set_surface("threshold");
  *item.mutable_digest() = Sha256Filled(fill);
  return DraftWith(std::move(body), {"unit=device_unit:ICU-7"});
}

inline EventDraft Incident() {
  v1::IncidentRecorded body;
  body.set_harm(v1::IncidentRecorded::SERIOUS);
  body.set_description("missed alert");
  return DraftWith(std::move(body), {"incident=incident:IR-1", "unit=device_unit:ICU-7"});
}

// ICU-7 in service from hour 0.
inline ProjectedHistory InService() {
  ProjectedHistory history;
  history.Add(AtHour(Commission("ICU-7"), 0));
  return history;
}

// What the gate computes again, by decision.
using Replays = std::map<std::string, v1::GateReplayAnswer>;

inline StatusOr<Document> BundleOf(const ProjectedHistory& history, const IncidentOptions& options = {},
                                   const Replays& replays = {}) {
  ProjectedLedger ledger(history);
  for (const auto& [decision, replay] : replays) ledger.Replays(decision, replay);
  const LedgerView view = ledger.View();
  v1::EntityRef incident;
  incident.set_kind("incident");
  incident.set_id("IR-1");
  return IncidentBundle(view, incident, options);
}

class Bundle {
 public:
  explicit Bundle(const ProjectedHistory& history, const IncidentOptions& options = {}, const Replays& replays = {}) {
    StatusOr<Document> document = BundleOf(history, options, replays);
    EXPECT_TRUE(document.ok()) << document.status();
    if (document.ok()) document_ = *std::move(document);
  }

  const Document& document() const { return document_; }
  const Section& At(const std::string& id) const {
    for (const Section& section : document_.sections) {
      if (section.id == id) return section;
    }
    ADD_FAILURE() << "no section " << id;
    static const Section none;
    return none;
  }
  // All of a section's tables, a line a row, cells divided by " | ".
  std::string Rows(const std::string& id) const {
    std::string text;
    for (const Table& table : At(id).tables) {
      if (table.rows.empty()) text += table.when_empty + "\n";
      for (const std::vector<Cell>& row : table.rows) {
        for (const Cell& cell : row) text += cell.text + " | ";
        text += "\n";
      }
    }
    return text;
  }
  std::string Gaps(const std::string& id) const {
    std::string text;
    for (const Gap& gap : At(id).gaps) text += gap.text + "\n";
    return text;
  }
  // The row whose first cell cites the leaf alone.
  const std::vector<Cell>* RowCiting(const std::string& id, LeafIndex leaf) const {
    for (const Table& table : At(id).tables) {
      for (const std::vector<Cell>& row : table.rows) {
        if (row[0].leaves == std::vector<uint64_t>{leaf.value}) return &row;
      }
    }
    return nullptr;
  }
  std::string Fact(const std::string& name) const {
    for (const auto& [one, value] : document_.facts) {
      if (one == name) return value;
    }
    return "";
  }

 private:
  Document document_;
};

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_TESTS_CLIENT_EXPORTS_INCIDENT_BUNDLE_H_
