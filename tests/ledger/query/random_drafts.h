#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_RANDOM_DRAFTS_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_RANDOM_DRAFTS_H_

// Drafts of random histories: of what models are made of, of units, of software items and of what goes wrong. Ids come
// from small pools, so that events are about the same things again and again, contradict each other and form cycles.

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {

// What each design type is the record of, by its role.
inline const std::map<std::string, std::string>& DesignTypes() {
  static const auto* roles = new std::map<std::string, std::string>{
      {"dataset.curated", "dataset"},    {"training_run.started", "training_run"},
      {"model.registered", "model"},     {"artifact.produced", "artifact"},
      {"artifact.activated", "unit"},    {"annotation.completed", "annotation"},
      {"incident.recorded", "incident"}, {"document.referenced", "document"},
      {"evaluation.completed", "model"}, {"device_unit.commissioned", "unit"},
  };
  return *roles;
}

class RandomDrafts {
 public:
  // What the drafts define has ids that begin with `own`, so that writers with different ones never define the same;
  // what they refer to begins with any of `others`.
  explicit RandomDrafts(uint64_t seed, std::string own = "", std::vector<std::string> others = {""})
      : random_(seed), own_(std::move(own)), others_(std::move(others)) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }
  // No time occurs twice.
  int64_t Time() { return 1 + static_cast<int64_t>(Below(1000)) * 1000 + static_cast<int64_t>(unique_++); }

  v1::EntityRef AnyEntity() {
    static constexpr std::string_view kKinds[] = {"dataset", "model", "artifact", "code_revision"};
    static constexpr std::string_view kUnversioned[] = {"training_run", "device_unit", "incident",
                                                        "annotation",   "document",    "person"};
    if (Below(3) == 0) return Entity(kUnversioned[Below(6)], Any());
    return Entity(kKinds[Below(4)], Any(), Version());
  }

  EventDraft Design() {
    auto type = DesignTypes().begin();
    std::advance(type, Below(DesignTypes().size()));
    return Make(type->first);
  }

  // Mostly activations of two versions of one model.
  EventDraft Unit() {
    static constexpr std::string_view kTypes[] = {"device_unit.commissioned", "device_unit.serviced",
                                                  "device_unit.decommissioned", "artifact.deactivated",
                                                  "artifact.activated"};
    return MakeOfUnit(kTypes[std::min<uint64_t>(Below(9), 4)]);
  }

  // About the software items X and Y.
  EventDraft Item() {
    static constexpr std::string_view kTypes[] = {
        "requirement.approved",  "test_case.approved",  "test_run.completed", "code.revision_recorded",
        "trace.linked",          "trace.withdrawn",     "hazard.identified",  "hazardous_situation.identified",
        "risk_control.verified", "risk_control.defined"};
    return MakeOfItem(kTypes[Below(std::size(kTypes))]);
  }

  // What follows on trainings, incidents, problems and changes.
  EventDraft Case() {
    static constexpr std::string_view kTypes[] = {
        "training_run.completed", "training_run.failed",  "incident.awareness_established",
        "vigilance.reported",     "dataset.sealed",       "data.acquired",
        "monitoring.recorded",    "problem.reported",     "problem.closed",
        "change.requested",       "change.rejected",      "anomaly.recorded",
        "device_unit.relocated",  "problem.investigated", "training_run.aborted",
        "erasure.refused"};
    return MakeOfCase(kTypes[Below(std::size(kTypes))]);
  }

  EventDraft Anything() {
    switch (Below(5)) {
      case 0:
        return Unit();
      case 1:
        return Item();
      case 2:
        return Case();
      default:
        return Design();
    }
  }

  // Another of the same type, to take the place of one.
  EventDraft Again(const EventDraft& draft, const std::string& type) {
    const bool of_unit =
        draft.header.refs(0).role() == "unit" && draft.header.refs(0).id().find('U') != std::string::npos;
    if (of_unit && type != "monitoring.recorded" && type != "device_unit.relocated") return MakeOfUnit(type);
    if (type == "code.revision_recorded" || DesignTypes().count(type) == 0) {
      EventDraft item = MakeOfItem(type);
      return item.body != nullptr ? item : MakeOfCase(type);
    }
    return Make(type);
  }

  // A correction of one of the events, as often as not of a late one: retracted, moved in time, or replaced.
  void Correct(RecordedHistory& history) {
    const uint64_t count = history.size();
    const uint64_t named = Below(2) == 0 ? count - 1 - Below(std::min<uint64_t>(count, 4)) : Below(count);
    const RecordedHistory::Event& event = history.events()[named];
    if (event.type == "policy.adopted" || event.type == "subject_data.erased") return;
    if (event.type != "record.corrected" && event.type != "fork.detected" && Below(3) == 0) {
      history.Add(Again(event.draft, event.type), named);
      return;
    }
    const Timestamp time(Time());
    history.Add(Below(2) == 0 ? MoveInTime(EventId(), time, time)
                              : anamnesis::Correct(EventId(), v1::RecordCorrected::RETRACTED),
                named);
  }

  EventDraft Make(const std::string& type) {
    EventDraft draft;
    if (type == "dataset.curated") {
      draft = CurateDataset(Own(), Version(), CuratedBody());
      for (uint64_t i = Below(3); i > 0; --i) AddReference(draft, "source", "dataset", Any(), MaybeVersion());
      if (Below(2) == 0) AddReference(draft, "curator", "person", Any());
    } else if (type == "training_run.started") {
      v1::TrainingRunStarted body;
      if (Below(2) == 0) body.set_expected_end_us(Time());
      draft = StartRun(Own(), std::move(body));
      for (uint64_t i = 1 + Below(2); i > 0; --i) AddReference(draft, "dataset", "dataset", Any(), MaybeVersion());
      AddReference(draft, "code", "code_revision", Any(), MaybeVersion());
      if (Below(2) == 0) AddReference(draft, "parent_model", "model", Any(), MaybeVersion());
    } else if (type == "model.registered") {
      v1::ModelRegistered body;
      if (Below(2) == 0) body.set_change_text(Text("change ", Below(3)));
      if (Below(2) == 0) {
        *body.add_files() = File("model.pt", Text("weights ", Below(3)), Below(2) == 0 ? Text("at/", Below(3)) : "");
      }
      draft = RegisterModel(Own(), Version(), std::move(body));
      AddReference(draft, "training_run", "training_run", Any());
      AddReference(draft, "dataset", "dataset", Any(), MaybeVersion());
      AddReference(draft, "code", "code_revision", Any(), MaybeVersion());
      if (Below(2) == 0) AddReference(draft, "previous_model", "model", Any(), Version());
    } else if (type == "artifact.produced") {
      draft = ProduceArtifact(Own(), Version());
      AddReference(draft, "model", "model", Any(), MaybeVersion());
      if (Below(2) == 0) AddReference(draft, "parent", "artifact", Any(), Version());
      if (Below(2) == 0) AddReference(draft, "unit", "device_unit", Any());
    } else if (type == "artifact.activated") {
      draft = ActivateItem(Any(), "threshold", Below(2) == 0 ? "artifact" : "model", Any(), MaybeVersion());
      if (Below(3) == 0) AddReference(draft, "rollback_target", "artifact", Any(), Version());
    } else if (type == "annotation.completed") {
      draft = CompleteAnnotation(Own(), Any(), Version(), Text(90 + Below(9)));
      AddReference(draft, "annotator", "person", Any());
    } else if (type == "incident.recorded") {
      draft = RecordIncident(Own(), Any());
    } else if (type == "document.referenced") {
      draft = ReferToDocument(Own());
      AddReference(draft, "about", Below(2) == 0 ? "model" : "dataset", Any(), MaybeVersion());
    } else if (type == "evaluation.completed") {
      v1::EvaluationCompleted body;
      *body.add_metrics() = MetricOf("dice", Text("0.9", Below(3)));
      draft = Evaluate(Any(), Version(), std::move(body));
      // Few, so that several writers measure the same thing on the same data.
      AddReference(draft, "dataset", "dataset", others_[0] + "x0", MaybeVersion());
    } else {
      draft = Commission(Own());
      if (Below(2) == 0) AddReference(draft, "baseline", "model", Any(), MaybeVersion());
    }
    return draft;
  }

  EventDraft MakeOfUnit(std::string_view type) {
    EventDraft draft;
    if (type == "device_unit.commissioned") {
      draft = Commission(Text(own_, "U", Below(3)));
      if (Below(2) == 0) AddReference(draft, "baseline", "model", "m", Version());
    } else if (type == "device_unit.serviced") {
      v1::DeviceUnitServiced body;
      body.set_kind(v1::DeviceUnitServiced::REPAIR);
      body.set_storage(v1::DeviceUnitServiced::NOT_PRESERVED);
      draft = Draft(std::move(body));
      AddReference(draft, "unit", "device_unit", AnyUnit());
      if (Below(2) == 0) AddReference(draft, "baseline", "model", "m", Version());
    } else if (type == "device_unit.decommissioned") {
      draft = Draft(v1::DeviceUnitDecommissioned());
      draft.header.set_rationale("scrapped");
      AddReference(draft, "unit", "device_unit", AnyUnit());
    } else if (type == "artifact.deactivated") {
      draft = Deactivate(AnyUnit(), Below(2) == 0 ? "threshold" : "rhythm");
    } else {
      draft = ActivateItem(AnyUnit(), Below(2) == 0 ? "threshold" : "rhythm", "model", "m", Version());
    }
    const Timestamp time(Time());
    SetOccurred(draft, time, time);
    return draft;
  }

  // An empty draft for a type that is none of Item's.
  EventDraft MakeOfItem(std::string_view type) {
    const std::string item = Below(2) == 0 ? "X" : "Y";
    if (type == "requirement.approved") return Requirement(Text(own_, "R", Below(3)), Version(), item);
    if (type == "test_case.approved") {
      return TestCase(Text(own_, "T", Below(3)), v1::SYSTEM, item,
                      {"requirement=requirement:" + AnyOther() + Text("R", Below(3), "@", Version())});
    }
    if (type == "test_run.completed") {
      return TestRunOf(Text(own_, "run", unique_++), AnyOther() + Text("T", Below(3)), v1::SYSTEM, item,
                       Below(3) == 0 ? v1::TestRunCompleted::FAIL : v1::TestRunCompleted::PASS);
    }
    if (type == "code.revision_recorded") return Code(Text(own_, "c", unique_++), item);
    if (type == "trace.linked" || type == "trace.withdrawn") {
      const std::string from = "test_case:" + own_ + Text("T", Below(3), "@1");
      const std::string to = "requirement:" + AnyOther() + Text("R", Below(3), "@1");
      return type == "trace.linked" ? Link(from, v1::VERIFIES, to) : Unlink(from, v1::VERIFIES, to);
    }
    if (type == "hazard.identified") return Hazard(Text(own_, "H", Below(2)), item);
    if (type == "hazardous_situation.identified") {
      return Situation(Text(own_, "S", Below(2)), AnyOther() + Text("H", Below(2)), item);
    }
    if (type == "risk_control.defined") {
      return anamnesis::Control(Text(own_, "RC", Below(2)),
                                {"hazardous_situation=hazardous_situation:" + AnyOther() + Text("S", Below(2)),
                                 "depends_on=software_item:" + item});
    }
    if (type == "risk_control.verified") {
      return Verified(AnyOther() + Text("RC", Below(2)), v1::RiskControlVerified::EFFECTIVENESS);
    }
    return {};
  }

  EventDraft MakeOfCase(std::string_view type) {
    if (type == "training_run.completed") {
      v1::TrainingRunCompleted body;
      body.set_epochs_run(Below(3));
      return About(std::move(body), "training_run", "training_run", Any());
    }
    if (type == "erasure.refused") {
      v1::ErasureRefused body;
      body.set_ground(v1::ErasureRefused::LEGAL_OBLIGATION);
      body.set_review_at_us(Time());
      return Rationale(About(std::move(body), "subject", "subject", Any()));
    }
    if (type == "training_run.aborted") {
      return Rationale(About(v1::TrainingRunAborted(), "training_run", "training_run", Any()));
    }
    if (type == "training_run.failed") {
      v1::TrainingRunFailed body;
      body.set_reason("out of memory");
      return About(std::move(body), "training_run", "training_run", Any());
    }
    if (type == "incident.awareness_established") {
      v1::IncidentAwarenessEstablished body;
      body.set_aware_at_us(Time());
      body.set_who("safety officer");
      body.set_remedial_action(Below(2) == 0);
      return About(std::move(body), "incident", "incident", Any());
    }
    if (type == "vigilance.reported") {
      v1::VigilanceReported body;
      body.set_kind(static_cast<v1::VigilanceReported::Kind>(1 + Below(5)));
      body.set_jurisdiction(Below(2) == 0 ? "EU" : "US");
      body.set_submitted_at_us(Time());
      body.set_reference("R-1");
      return About(std::move(body), "incident", "incident", Any());
    }
    if (type == "dataset.sealed") return SealDataset(Any(), Version(), 1 + Below(9), "members");
    if (type == "data.acquired") {
      v1::DataAcquired body;
      body.set_modality("CT");
      body.set_period_from_us(1);
      body.set_period_until_us(2);
      body.set_sampling(v1::DataAcquired::CONSECUTIVE);
      body.set_records(10);
      body.set_legal_basis("consent");
      EventDraft draft = About(std::move(body), "acquisition", "acquisition", Own());
      if (Below(2) == 0) AddReference(draft, "site", "site", "hospital-a");
      return draft;
    }
    if (type == "monitoring.recorded") {
      v1::MonitoringRecorded body;
      body.set_window_from_us(Time());
      body.set_window_until_us(body.window_from_us() + 5000);
      EventDraft draft = About(std::move(body), "unit", "device_unit", AnyUnit());
      if (Below(2) == 0) AddReference(draft, "model", "model", "m", Version());
      return draft;
    }
    if (type == "problem.reported") {
      v1::ProblemReported body;
      body.set_criticality(v1::ProblemReported::SAFETY);
      body.set_description("froze");
      EventDraft draft = About(std::move(body), "problem", "problem", Own());
      AddReference(draft, "affected", "model", Any(), Version());
      return draft;
    }
    if (type == "problem.investigated") {
      v1::ProblemInvestigated body;
      body.set_cause("overflow");
      body.set_outcome("a change");
      return About(std::move(body), "problem", "problem", Any());
    }
    if (type == "problem.closed") return Rationale(About(v1::ProblemClosed(), "problem", "problem", Any()));
    if (type == "change.requested") {
      v1::ChangeRequested body;
      body.set_text("a watchdog");
      EventDraft draft = Rationale(About(std::move(body), "change", "change_request", Own()));
      AddReference(draft, "item", "software_item", Below(2) == 0 ? "X" : "Y");
      return draft;
    }
    if (type == "change.rejected") return Rationale(About(v1::ChangeRejected(), "change", "change_request", Any()));
    if (type == "anomaly.recorded") {
      v1::AnomalyRecorded body;
      body.set_description("slow start");
      body.set_severity("minor");
      EventDraft draft = About(std::move(body), "anomaly", "anomaly", Own());
      AddReference(draft, "found_in", "model", Any(), Version());
      return draft;
    }
    v1::DeviceUnitRelocated body;
    body.set_jurisdiction(Below(2) == 0 ? "FR" : "US");
    return About(std::move(body), "unit", "device_unit", AnyUnit());
  }

  std::string Own() { return Text(own_, "x", Below(3)); }
  std::string Any() { return Text(AnyOther(), "x", Below(3)); }
  std::string AnyUnit() { return Text(AnyOther(), "U", Below(3)); }
  std::string Version() { return Text(1 + Below(2)); }
  // Where the vocabulary does not ask for a version, some writers leave it out.
  std::string MaybeVersion() { return Below(4) == 0 ? "" : Version(); }

 private:
  template <typename Body>
  static EventDraft About(Body body, std::string_view role, std::string_view kind, std::string_view id) {
    EventDraft draft = Draft(std::move(body));
    AddReference(draft, role, kind, id);
    return draft;
  }

  v1::DatasetCurated CuratedBody() {
    v1::DatasetCurated body;
    if (Below(2) == 0) body.add_inclusion(Below(2) == 0 ? "adults over 18" : "representative images");
    if (Below(2) == 0) body.set_records_out(1 + Below(9));
    return body;
  }

  std::string AnyOther() { return others_.size() == 1 ? others_[0] : others_[Below(others_.size())]; }

  std::mt19937_64 random_;
  const std::string own_;
  const std::vector<std::string> others_;
  uint64_t unique_ = 0;
};

// Of the only stream of a RecordedHistory, of another, of a unit's or of the log.
inline EventDraft Fork(RandomDrafts& drafts) {
  static constexpr const char* kStreams[] = {"s", "other", "device_unit/U0", ""};
  v1::ForkDetected body;
  body.set_stream(kStreams[drafts.Below(4)]);
  body.set_header_digest_here(std::string(32, 'h'));
  body.set_header_digest_there(std::string(32, 't'));
  body.set_evidence("two headers");
  return Draft(std::move(body));
}

// Names a leaf before it, or one that isn't there yet.
inline EventDraft EraseOneOf(RandomDrafts& drafts, uint64_t size) {
  v1::SubjectDataErased body;
  body.add_erased_indexes(drafts.Below(size + 5));
  body.set_basis("Art. 17(1)(b)");
  body.set_authorised_by("quality officer");
  EventDraft draft = Rationale(Draft(std::move(body)));
  AddReference(draft, "subject", "subject", drafts.Any());
  return draft;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_RANDOM_DRAFTS_H_
