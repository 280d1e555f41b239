#include "client/cli/bench_lives.h"

#include <memory>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis::cli {
namespace {

// What one life's events are called and say.
class Life {
 public:
  Life(uint64_t number, Timestamp now) : name_(Text("life-", number)), now_(now) {}

  EventDraft Event(uint64_t place) const {
    switch (place) {
      case 0:
        return Item();
      case 1: {
        v1::SafetyClassAssigned body;
        body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_B);
        return Draft(std::move(body), {{"item", "software_item"}});
      }
      case 2: {
        v1::HazardIdentified body;
        body.set_description("wrong dose");
        return Draft(std::move(body), {{"hazard", "hazard"}, {"item", "software_item"}});
      }
      case 3: {
        v1::HazardousSituationIdentified body;
        body.set_description("missed alert");
        return Draft(std::move(body),
                     {{"hazardous_situation", "hazardous_situation"}, {"hazard", "hazard"}, {"item", "software_item"}});
      }
      case 4: {
        v1::RequirementApproved body;
        body.mutable_content()->set_kind(v1::RequirementContent::SAFETY);
        body.mutable_content()->set_text("alert on low confidence");
        return Draft(std::move(body), {{"requirement", "requirement", "1"}, {"item", "software_item"}});
      }
      case 5: {
        v1::RiskControlDefined body;
        body.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
        body.mutable_content()->set_in_software(true);
        body.mutable_content()->set_text("alert");
        return Draft(std::move(body), {{"control", "risk_control"},
                                       {"hazardous_situation", "hazardous_situation"},
                                       {"requirement", "requirement", "1"},
                                       {"depends_on", "software_item"}});
      }
      case 6: {
        v1::TestCaseApproved body;
        body.set_level(v1::SYSTEM);
        body.set_procedure("do");
        body.set_expected("done");
        return Draft(std::move(body),
                     {{"test_case", "test_case", "1"}, {"requirement", "requirement", "1"}, {"item", "software_item"}});
      }
      case 7: {
        v1::CodeRevisionRecorded body;
        body.set_vcs("git");
        body.set_commit_id(name_);
        *body.add_files() = File("train.py", "1");
        return Draft(std::move(body), {{"code", "code_revision", "1"}, {"item", "software_item"}});
      }
      case 8:
        return Curated("1", "");
      case 9: {
        v1::DatasetSealed body;
        body.set_records(347);
        body.set_manifest_root(Sha256(name_).bytes());
        return Draft(std::move(body), {{"dataset", "dataset", "1"}});
      }
      case 10:
        return Training("1", "");
      case 11: {
        v1::TrainingRunCompleted body;
        body.set_epochs_run(40);
        *body.add_metrics() = Metric("loss", "0.02");
        return Draft(std::move(body), {{"training_run", "training_run", "", "-1"}});
      }
      case 12:
        return Model("1", "");
      case 13:
        return Evaluation("1", "0.93");
      case 14: {
        v1::TestRunCompleted body;
        body.set_level(v1::SYSTEM);
        body.set_result(v1::TestRunCompleted::PASS);
        body.set_configuration_digest(Sha256(name_).bytes());
        body.set_test_configuration("bench");
        body.add_tools("ctest");
        return Draft(std::move(body), {{"test_run", "test_run"},
                                       {"test_case", "test_case", "1"},
                                       {"item", "software_item"},
                                       {"verified", "model", "1"},
                                       {"tester", "person"}});
      }
      case 15:
        return Curated("2", "1");
      case 16:
        return Training("2", "1");
      case 17:
        return Model("2", "1");
      case 18:
        return Evaluation("2", "0.94");
      case 19: {
        v1::DeviceUnitCommissioned body;
        body.set_serial_number(name_);
        body.set_jurisdiction("DE");
        return Draft(std::move(body), {{"unit", "device_unit"}, {"device_model", "device_model"}});
      }
      case 20:
        return Activation("1");
      case 21:
        return Activation("2");
      case 22: {
        v1::ProblemReported body;
        body.set_criticality(v1::ProblemReported::PERFORMANCE);
        body.set_description("slow");
        body.set_configuration_unknown_because("offline");
        return Draft(std::move(body), {{"problem", "problem"}, {"unit", "device_unit"}, {"affected", "model", "2"}});
      }
      default: {
        v1::IncidentRecorded body;
        body.set_harm(v1::IncidentRecorded::NEAR_MISS);
        body.set_description("missed alert");
        return Draft(std::move(body), {{"incident", "incident"}, {"unit", "device_unit"}, {"problem", "problem"}});
      }
    }
  }

 private:
  struct Ref {
    std::string_view role;
    std::string_view kind;
    std::string_view version = "";
    // After the life's name.
    std::string_view suffix = "";
  };

  template <typename Body>
  EventDraft Draft(Body body, const std::vector<Ref>& refs) const {
    EventDraft draft;
    draft.body = std::make_shared<Body>(std::move(body));
    SetOccurred(draft, now_, now_);
    for (const Ref& ref : refs) AddReference(draft, ref.role, ref.kind, Text(name_, ref.suffix), ref.version);
    return draft;
  }

  v1::FileRecord File(std::string_view path, std::string_view content) const {
    v1::FileRecord file;
    file.set_path(std::string(path));
    file.mutable_digest()->set_algorithm(v1::SHA256);
    file.mutable_digest()->set_value(Sha256({name_, path, content}).bytes());
    return file;
  }

  static v1::Metric Metric(std::string_view name, std::string_view value) {
    v1::Metric metric;
    metric.set_name(std::string(name));
    metric.set_value(std::string(value));
    return metric;
  }

  EventDraft Item() const {
    v1::SoftwareItemIdentified body;
    body.set_name(name_);
    body.set_level(v1::SoftwareItemIdentified::ITEM);
    body.set_trainability(v1::SoftwareItemIdentified::TRAINABLE);
    return Draft(std::move(body), {{"item", "software_item"}});
  }

  EventDraft Curated(std::string_view version, std::string_view before) const {
    v1::DatasetCurated body;
    body.set_source("Hospital A");
    body.add_inclusion("adults over 18");
    body.add_exclusion()->set_text("motion artefacts");
    body.set_selection_rationale("the intended population");
    EventDraft draft = Draft(std::move(body), {{"dataset", "dataset", version}});
    if (!before.empty()) AddReference(draft, "source", "dataset", name_, before);
    return draft;
  }

  EventDraft Training(std::string_view version, std::string_view before) const {
    v1::TrainingRunStarted body;
    body.set_purpose(before.empty() ? v1::TrainingRunStarted::INITIAL : v1::TrainingRunStarted::FINE_TUNE);
    v1::NamedValue& rate = *body.add_hyperparameters();
    rate.set_name("learning_rate");
    rate.set_value(before.empty() ? "1e-3" : "1e-4");
    EventDraft draft = Draft(std::move(body), {{"dataset", "dataset", version}, {"code", "code_revision", "1"}});
    AddReference(draft, "training_run", "training_run", Text(name_, "-", version));
    if (!before.empty()) AddReference(draft, "parent_model", "model", name_, before);
    return draft;
  }

  EventDraft Model(std::string_view version, std::string_view before) const {
    v1::ModelRegistered body;
    body.set_change_text("as planned");
    body.set_task("segmentation");
    *body.add_files() = File("model.pt", version);
    EventDraft draft = Draft(std::move(body), {{"model", "model", version},
                                               {"dataset", "dataset", version},
                                               {"code", "code_revision", "1"},
                                               {"item", "software_item"}});
    AddReference(draft, "training_run", "training_run", Text(name_, "-", version));
    if (!before.empty()) AddReference(draft, "previous_model", "model", name_, before);
    return draft;
  }

  EventDraft Evaluation(std::string_view version, std::string_view dice) const {
    v1::EvaluationCompleted body;
    *body.add_metrics() = Metric("dice", dice);
    body.set_result(v1::EvaluationCompleted::PASS);
    return Draft(std::move(body), {{"model", "model", version}, {"dataset", "dataset", "1"}});
  }

  EventDraft Activation(std::string_view version) const {
    v1::ArtifactActivated body;
    body.set_surface("segmentation_model");
    return Draft(std::move(body), {{"unit", "device_unit"}, {"artifact", "model", version}});
  }

  const std::string name_;
  const Timestamp now_;
};

void Set(v1::EntityRef& entity, std::string_view kind, uint64_t number, std::string_view version = "") {
  entity.set_kind(std::string(kind));
  entity.set_id(Text("life-", number));
  entity.set_version(std::string(version));
}

}  // namespace

EventDraft LifeEvent(uint64_t number, uint64_t place, Timestamp now) {
  EventDraft draft = Life(number, now).Event(place);
  // Recorded as told afterwards: nothing is refused for what a benchmark leaves out.
  draft.header.set_retrospective(true);
  return draft;
}

std::vector<LifeQuestion> QuestionsAbout(uint64_t number) {
  constexpr uint32_t kHops = 3;
  std::vector<LifeQuestion> all;
  const auto add = [&](std::string_view name) -> v1::Question& {
    return all.emplace_back(LifeQuestion{name, v1::Question()}).question;
  };
  v1::LineageQuestion& up = *add("lineage up, 3 hops").mutable_lineage();
  Set(*up.mutable_entity(), "model", number, "2");
  up.set_direction(v1::LineageQuestion::UP);
  up.set_depth_max(kHops);
  v1::LineageQuestion& down = *add("lineage down, 3 hops").mutable_lineage();
  Set(*down.mutable_entity(), "dataset", number, "1");
  down.set_direction(v1::LineageQuestion::DOWN);
  down.set_depth_max(kHops);
  v1::DiffQuestion& diff = *add("diff").mutable_diff();
  Set(*diff.mutable_x(), "model", number, "1");
  Set(*diff.mutable_y(), "model", number, "2");
  Set(*add("trace").mutable_trace()->mutable_subject(), "software_item", number);
  Set(*add("completeness").mutable_completeness()->mutable_item(), "software_item", number);
  Set(*add("explain").mutable_explain()->mutable_entity(), "model", number, "2");
  Set(*add("where").mutable_where()->mutable_entity(), "model", number, "2");
  Set(*add("closure audit").mutable_closure_audit()->mutable_entity(), "device_unit", number);
  return all;
}

v1::Question WhetherThereIs(uint64_t number) {
  v1::Question question;
  Set(*question.mutable_status()->mutable_entity(), "incident", number);
  return question;
}

std::string LifeUnit(uint64_t number) { return Text("life-", number); }

}  // namespace anamnesis::cli
