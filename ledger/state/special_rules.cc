#include "ledger/state/special_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/state/adaptation_rules.h"
#include "ledger/state/closing_rules.h"
#include "ledger/state/dataset_rules.h"
#include "ledger/state/edges.h"
#include "ledger/state/entities.h"
#include "ledger/state/erasures.h"
#include "ledger/state/last_counting.h"
#include "ledger/state/place_in_time.h"
#include "ledger/state/policies.h"
#include "ledger/state/rule_case.h"
#include "ledger/state/software_items.h"
#include "ledger/state/training_parameters.h"

namespace anamnesis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

using Firmness = BrokenRule::Firmness;

BrokenRule& Add(const RuleCase& at, std::string_view rule, std::string_view field, v1::Consequence consequence,
                std::string_view clause, std::string_view message, std::string_view remedy) {
  return AddBroken(at.broken, {rule, field, consequence, clause, message, remedy});
}

Status CheckModel(const RuleCase& at, const v1::ModelRegistered& body) {
  if (!body.change_text().empty()) return OkStatus();
  v1::EntityRef any_version = *FindReference(at.header(), "model");
  any_version.clear_version();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> earlier, FindDefinition(at.rows, any_version));
  if (!earlier.has_value()) return OkStatus();
  Add(at, "CHANGE-TEXT", "body.change_text", v1::REFUSED, "IEC 62304 8.2.4",
      Text("model \"", any_version.id(), "\" has an earlier version at leaf ", earlier->value,
           ", and nothing says what changed"),
      "say what changed against the version before");
  return OkStatus();
}

Status CheckCode(const RuleCase& at, const v1::CodeRevisionRecorded& body) {
  if (!body.dirty()) return OkStatus();
  Add(at, "CODE-DIRTY", "body.dirty", v1::FINDING, "IEC 62304 8.1.1",
      Text("the work tree had changes that commit ", body.commit_id(), " does not hold"),
      "commit before training, and record that revision");
  return OkStatus();
}

constexpr std::string_view kClassLowered = "CLASS-LOWERED";

// Whether the event is told of a time before `other` was recorded, and so changes nothing that this says.
StatusOr<bool> IsBefore(const RuleCase& at, LeafIndex other) {
  if (!at.header().retrospective()) return false;
  ASSIGN_OR_RETURN(const std::optional<Placed> later, PlaceOf(at.rows, other));
  return later.has_value() && PlaceInTime(at.event, Timestamp(at.header().occurred_latest_us())) < later->place;
}

// A class in force, the item's own or its parent's, is lowered with a rationale only, by who may lower classes: told of
// a time before it was assigned, another class lowers nothing; told of a later one it would, whenever it is told.
Status CheckClass(const RuleCase& at, const v1::SafetyClassAssigned& body) {
  const std::string& item = FindReference(at.header(), "item")->id();
  ASSIGN_OR_RETURN(const ItemClass now, ClassOfItem(at.rows, item));
  if (now.assigned_to.empty() || body.safety_class() >= now.safety_class) return OkStatus();
  ASSIGN_OR_RETURN(const bool before, IsBefore(at, now.evidence));
  if (before && now.assigned_to == item) return OkStatus();
  Add(at, kClassLowered, "body.safety_class", v1::REFUSED, "IEC 62304 4.3",
      Text("item \"", item, "\" has a higher class since leaf ", now.evidence.value,
           now.assigned_to == item ? "" : Text(", that of \"", now.assigned_to, "\"")),
      "lower it with safety_class.lowered and a rationale")
      .firmness = Firmness::kToldAfterwardsToo;
  return OkStatus();
}

// Nor does an item come to a lower class by being moved below another parent.
Status CheckDecomposed(const RuleCase& at, const v1::SoftwareItemDecomposed&) {
  const std::string& whole = FindReference(at.header(), "item")->id();
  ASSIGN_OR_RETURN(const ItemClass above, ClassOfItem(at.rows, whole));
  for (int i = 0; i < at.header().refs_size(); ++i) {
    const v1::EntityRef& part = at.header().refs(i);
    if (part.role() != "part" || part.id() == whole) continue;
    ASSIGN_OR_RETURN(const ItemClass now, ClassOfItem(at.rows, part.id()));
    const bool inherited = !now.assigned_to.empty() && now.assigned_to != part.id();
    if (!inherited || above.safety_class >= now.safety_class) continue;
    ASSIGN_OR_RETURN(const bool before, IsBefore(at, now.parts.front()));
    if (before) continue;
    Add(at, kClassLowered, Text("header.refs[", i, "]"), v1::REFUSED, "IEC 62304 4.3",
        Text("item \"", part.id(), "\" has a higher class from \"", now.assigned_to, "\" since leaf ",
             now.evidence.value),
        "assign it that class of its own first, or lower it with safety_class.lowered and a rationale")
        .firmness = Firmness::kToldAfterwardsToo;
  }
  return OkStatus();
}

// Who holds a role or acts for somebody from a time on that is over never does.
Status CheckStillAhead(const RuleCase& at, int64_t valid_until_us) {
  if (valid_until_us == 0 || valid_until_us > at.event.recorded.us || at.header().retrospective()) return OkStatus();
  Add(at, "ALREADY-OVER", "body.valid_until_us", v1::FINDING, "21 CFR 11.10(d)",
      Text("ended at ", FormatTime(Timestamp(valid_until_us)), ", before it was recorded, and gives nobody anything"),
      "give an end that lies ahead");
  return OkStatus();
}

Status CheckGranted(const RuleCase& at, const v1::RoleGranted& body) {
  return CheckStillAhead(at, body.valid_until_us());
}
Status CheckDelegated(const RuleCase& at, const v1::AuthorityDelegated& body) {
  return CheckStillAhead(at, body.valid_until_us());
}

Status CheckSplit(const RuleCase& at, const v1::SplitDefined& body) {
  if (body.overlapping_records() > 0 || body.overlapping_subjects() > 0) {
    Add(at, "SPLIT-OVERLAP", "body.overlapping_records", v1::FINDING, "IEC 62304 5.1.1",
        Text(body.overlapping_records(), " records and ", body.overlapping_subjects(),
             " subjects are in more than one part"),
        "split again by subject");
  } else if (!body.overlap_computed()) {
    Add(at, "SPLIT-OVERLAP-UNKNOWN", "body.overlap_computed", v1::FINDING, "IEC 62304 5.1.1",
        "nobody computed whether parts share records or subjects", "compute it: anamnesis dataset overlap");
  }
  return OkStatus();
}

Status CheckTraining(const RuleCase& at, const v1::TrainingRunStarted& body) {
  const std::string lacking = TrainingParametersLacking(body);
  if (lacking.empty()) return OkStatus();
  Add(at, "TRAINING-PARAMETERS", "body.hyperparameters", v1::FINDING, "IEC 62304 5.8.5", Text("lacks ", lacking),
      "record how the run was trained; give a value such as \"none\" where something was not used");
  return OkStatus();
}

Status CheckRequirement(const RuleCase& at, const v1::RequirementContent& content) {
  if (content.kind() != v1::RequirementContent::PERFORMANCE) return OkStatus();
  constexpr std::string_view kRule = "REQUIREMENT-ACCEPTANCE";
  constexpr std::string_view kClause = "IEC 62304 5.2.6";
  if (!content.has_acceptance()) {
    Add(at, kRule, "body.content.acceptance", v1::REFUSED, kClause,
        "a performance requirement that nothing can be held against can't be verified",
        "give metric, comparator, value and unit");
    return OkStatus();
  }
  const v1::AcceptanceCriterion& criterion = content.acceptance();
  constexpr std::array<std::string_view, 5> kComparators = {"<", "<=", "=", ">=", ">"};
  if (std::find(kComparators.begin(), kComparators.end(), criterion.comparator()) == kComparators.end()) {
    Add(at, kRule, "body.content.acceptance.comparator", v1::REFUSED, kClause,
        Text("nothing compares by \"", criterion.comparator(), "\""), "give one of <, <=, =, >= and >");
  }
  // A proportion has no unit; how sure it has to be is asked for then.
  if (criterion.unit().empty() && criterion.confidence().empty()) {
    Add(at, kRule, "body.content.acceptance.unit", v1::FINDING, kClause,
        Text("nothing says what ", criterion.value(), " is measured in, nor how sure it has to be"),
        "give the unit, or the confidence of a proportion");
  }
  return OkStatus();
}

Status CheckReview(const RuleCase& at, const v1::ReviewHeld&) {
  ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class, ClassOfEvent(at.rows, at.header()));
  if (!AppliesFrom(v1::SAFETY_CLASS_C, safety_class)) return OkStatus();
  std::set<std::string> reviewers;
  for (const v1::EntityRef& ref : at.header().refs()) {
    if (ref.role() == "reviewer") reviewers.insert(ref.id());
  }
  for (const v1::EntityRef& ref : at.header().refs()) {
    if (ref.role() == "author") reviewers.erase(ref.id());
  }
  if (reviewers.size() >= 2) return OkStatus();
  Add(at, "REVIEW-INDEPENDENT", "header.refs", v1::FINDING, "IEC 62304 5.2.6",
      Text(reviewers.size(), " reviewers are not the author; class C asks for two"), "have it reviewed by two others");
  return OkStatus();
}

// What the design declares and the measurement contradicts; empty when they agree on all that both say.
std::string DesignDifferences(const v1::DesignContent& declared, const v1::DesignContent& measured) {
  std::string text;
  const auto differ = [&](std::string_view what, const auto& a, const auto& b) {
    if (a != b) text += Text(text.empty() ? "" : "; ", what, " is ", b, ", the design says ", a);
  };
  if (declared.parameter_count() > 0 && measured.parameter_count() > 0) {
    differ("parameter_count", declared.parameter_count(), measured.parameter_count());
  }
  if (!declared.input_shape().empty() && !measured.input_shape().empty()) {
    differ("input_shape", declared.input_shape(), measured.input_shape());
  }
  if (declared.layers().empty() || measured.layers().empty()) return text;
  differ("the number of layers", declared.layers_size(), measured.layers_size());
  for (int i = 0; i < std::min(declared.layers_size(), measured.layers_size()); ++i) {
    const v1::DesignContent::Layer& a = declared.layers(i);
    const v1::DesignContent::Layer& b = measured.layers(i);
    const std::string layer = Text("layer ", i, " \"", a.name(), "\": ");
    differ(layer + "name", a.name(), b.name());
    differ(layer + "kind", a.kind(), b.kind());
    differ(layer + "shape", a.shape(), b.shape());
    if (a.parameters() > 0 && b.parameters() > 0) differ(layer + "parameters", a.parameters(), b.parameters());
  }
  constexpr size_t kTextBytesMax = 1024;
  if (text.size() > kTextBytesMax) text = text.substr(0, kTextBytesMax) + " …";
  return text;
}

StatusOr<v1::DesignContent> DesignOf(const LoadedEvent& event) {
  if (const auto* approved = BodyAs<v1::DesignApproved>(event.body.get())) return approved->content();
  if (const auto* revised = BodyAs<v1::DesignRevised>(event.body.get())) return revised->content();
  return v1::DesignContent();
}

Status CheckMeasured(const RuleCase& at, const v1::TestRunCompleted& body) {
  const v1::EntityRef* design = FindReference(at.header(), "design");
  if (design == nullptr || !body.has_measured()) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(at.rows, *design));
  // Rule EXISTS/design says so.
  if (!index.has_value()) return OkStatus();
  StatusOr<LoadedEvent> event = LoadEvent(at.rows, *index);
  RETURN_IF_ERROR(event.status());
  ASSIGN_OR_RETURN(const v1::DesignContent declared, DesignOf(*event));
  const std::string differences = DesignDifferences(declared, body.measured());
  if (differences.empty()) return OkStatus();
  Add(at, "DESIGN-MISMATCH", "body.measured", body.result() == v1::TestRunCompleted::PASS ? v1::REFUSED : v1::FINDING,
      "IEC 62304 5.5.5", Text("the artifact is not what the design at leaf ", index->value, " says: ", differences),
      "record the run as failed, and change the artifact or revise the design")
      .since = *index;
  return OkStatus();
}

// Whether the reference says which one was tested or is released. A build is named with a version or without one.
bool IsTestedVersion(const v1::EntityRef& ref) {
  if (ref.kind() == "build") return true;
  static constexpr std::array<std::string_view, 4> kKinds = {"model", "baseline", "release", "code_revision"};
  return !ref.version().empty() && std::find(kKinds.begin(), kKinds.end(), ref.kind()) != kKinds.end();
}

bool IsSameVersion(const v1::EntityRef& a, const v1::EntityRef& b) {
  return a.kind() == b.kind() && a.id() == b.id() && a.version() == b.version();
}

// Whether both are versions of one thing. Each build has an id of its own, whatever it is a build of; two models or
// two repositories are no versions of each other.
bool AreVersionsOfOne(const v1::EntityRef& a, const v1::EntityRef& b) {
  return a.kind() == b.kind() && (a.kind() == "build" || a.id() == b.id());
}

// What a release and a test run have in common: versions, or only things of which each names other versions.
struct InCommon {
  bool version = false;
  bool thing = false;
};
InCommon CompareVersions(const v1::EventHeader& release, const v1::EventHeader& run) {
  InCommon common;
  for (const v1::EntityRef& released : release.refs()) {
    if (!IsTestedVersion(released)) continue;
    for (const v1::EntityRef& tested : run.refs()) {
      if (tested.role() != "verified" || !IsTestedVersion(tested)) continue;
      common.version = common.version || IsSameVersion(released, tested);
      common.thing = common.thing || AreVersionsOfOne(released, tested);
    }
  }
  return common;
}

// A test run of the item, such as `what` says, that verified something of the release; nullopt when there is none.
StatusOr<std::optional<LeafIndex>> FindRunOfRelease(const RuleCase& at, const v1::EntityRef& item,
                                                    std::string_view what) {
  const size_t mark = what.find('?');
  const auto verified_it = [&](const LoadedEvent& run) {
    const v1::EntityRef* tested = FindReference(run.header.fields, "item");
    return tested != nullptr && tested->id() == item.id() && BodyHas(run.body.get(), what.substr(mark + 1)) &&
           CompareVersions(at.header(), run.header.fields).version;
  };
  for (const v1::EntityRef& released : at.header().refs()) {
    if (!IsTestedVersion(released)) continue;
    const std::string prefix = TypedEdgesPrefix(released, what.substr(0, mark));
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> run,
                     LastCounting(at.rows, prefix, LastEdge(prefix), TreeSize(UINT64_MAX), verified_it));
    if (run.has_value()) return run;
  }
  return std::optional<LeafIndex>();
}

// That the item passed its tests says nothing of a version that they were not run on. Where runs and release name
// nothing that can be held against each other, people have to.
Status CheckReleased(const RuleCase& at, const v1::ReleaseApproved&) {
  const v1::EntityRef* item = FindReference(at.header(), "item");
  if (item == nullptr) return OkStatus();
  for (const v1::Precondition& rule : at.event.type->options->preconditions()) {
    const std::string& what = rule.events(0);
    if (!what.starts_with("test_run.completed")) continue;
    if (rule.from() != v1::SAFETY_CLASS_ALL) {
      ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class, ClassOfEvent(at.rows, at.header()));
      if (!AppliesFrom(rule.from(), safety_class)) continue;
    }
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> last, FindNaming(at.rows, what, rule.role(), *item, true));
    // The precondition says so.
    if (!last.has_value()) continue;
    ASSIGN_OR_RETURN(const LoadedEvent run, LoadEvent(at.rows, *last));
    const InCommon common = CompareVersions(at.header(), run.header.fields);
    if (common.version || !common.thing) continue;
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> other, FindRunOfRelease(at, *item, what));
    if (other.has_value()) continue;
    Add(at, "RELEASE-TESTED-VERSION", "header.refs", v1::REFUSED, rule.clause(),
        Text("the last ", what, " about software_item \"", item->id(), "\", at leaf ", last->value,
             ", verified other versions than are released"),
        "record the test runs that passed on what is released first")
        .since = *last;
  }
  return OkStatus();
}

Status CheckDecision(const RuleCase& at, const v1::DecisionRecorded& body) {
  if (std::find(body.options().begin(), body.options().end(), body.choice()) != body.options().end()) return OkStatus();
  Add(at, "DECISION-OPTIONS", "body.choice", v1::FINDING, "IEC 62304 5.1.1",
      "the choice is none of the options that were considered", "name the choice as one of the options");
  return OkStatus();
}

using Regions = google::protobuf::RepeatedPtrField<v1::RetentionPolicy::Region>;

// What a policy says of which countries belong where, in no order.
std::set<std::pair<std::string, std::string>> Memberships(const Regions& regions) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (const v1::RetentionPolicy::Region& region : regions) {
    for (const std::string& member : region.members()) pairs.emplace(region.jurisdiction(), member);
  }
  return pairs;
}

const Regions& RegionsOf(const v1::PolicyAdopted& policy) {
  return policy.kind() == v1::PolicyAdopted::GATE ? policy.document().gate().regions()
                                                  : policy.document().retention().regions();
}

// The gate and the report on retention both ask in which larger jurisdiction a country lies.
Status CheckRegions(const RuleCase& at, const v1::PolicyAdopted& body) {
  const bool gate = body.kind() == v1::PolicyAdopted::GATE;
  if (!gate && body.kind() != v1::PolicyAdopted::RETENTION) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> other,
                   PolicyInForce(at.rows, gate ? v1::PolicyAdopted::RETENTION : v1::PolicyAdopted::GATE));
  if (!other.has_value() || Memberships(RegionsOf(body)) == Memberships(RegionsOf(*other->body))) return OkStatus();
  Add(at, "POLICY-REGIONS", gate ? "body.document.gate.regions" : "body.document.retention.regions", v1::FINDING,
      "IEC 62304 4.1",
      Text("says otherwise than ", EntityKeyText(other->name), " which countries belong to a larger jurisdiction"),
      "adopt both with the same regions");
  return OkStatus();
}

// Whether events of the type name units.
bool IsAboutUnits(const std::string& type) {
  const EventType* known = Vocabulary::Get().FindNewest(type);
  if (known == nullptr) return false;
  const auto& refs = known->options->refs();
  return std::any_of(refs.begin(), refs.end(), [](const v1::ReferenceRule& rule) {
    return std::find(rule.kinds().begin(), rule.kinds().end(), "device_unit") != rule.kinds().end();
  });
}

// A period of no length would keep nothing, and one that starts with what no unit has would begin too early.
void CheckPeriods(const RuleCase& at, const v1::RetentionPolicy& policy) {
  for (int i = 0; i < policy.periods_size(); ++i) {
    const v1::RetentionPolicy::Period& period = policy.periods(i);
    const std::string field = Text("body.document.retention.periods[", i, "]");
    if (period.years() == 0 && period.months() == 0) {
      Add(at, "POLICY-PERIOD", field, v1::REFUSED, "IEC 62304 4.1",
          Text("the period of ", period.source(), " has neither years nor months"), "say how long it is")
          .firmness = Firmness::kAlways;
    }
    if (period.starts().empty() || IsAboutUnits(period.starts())) continue;
    Add(at, "POLICY-PERIOD", Text(field, ".starts"), v1::REFUSED, "IEC 62304 4.1",
        Text("\"", period.starts(), "\" is no event type that names a device_unit, so the period of ", period.source(),
             " would start with the last placement"),
        "name a type such as incident.recorded, or leave starts out")
        .firmness = Firmness::kAlways;
  }
}

Status CheckPolicy(const RuleCase& at, const v1::PolicyAdopted& body) {
  if (IsDocumentOfKind(body)) {
    CheckPeriods(at, body.document().retention());
    return CheckRegions(at, body);
  }
  Add(at, "POLICY-KIND", "body.document", v1::REFUSED, "IEC 62304 4.1",
      Text("must hold exactly the document of kind ", v1::PolicyAdopted::Kind_Name(body.kind())),
      "set that part of the document and no other")
      .firmness = Firmness::kAlways;
  return OkStatus();
}

// What is erased is gone for good, of what must be kept as of what need not: no profile and no time of telling makes
// this a finding.
Status CheckErased(const RuleCase& at, const v1::SubjectDataErased& body) {
  for (const uint64_t erased : body.erased_indexes()) {
    const LeafIndex index(erased);
    std::string why;
    if (index.value >= at.event.index.value) {
      why = "is not recorded";
    } else {
      ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(at.rows, index));
      if (!IsErasable(*event.type)) why = Text("is a ", event.type->name(), ", which is kept");
    }
    if (why.empty()) continue;
    Add(at, "ERASABLE", "body.erased_indexes", v1::REFUSED, "Regulation (EU) 2016/679 Art. 17(3)",
        Text("leaf ", index.value, " ", why),
        "erase bodies that hold personal data only; refuse the rest with erasure.refused")
        .firmness = Firmness::kAlways;
  }
  return OkStatus();
}

// The files that a body lists, wherever it lists them.
Status CheckFiles(const RuleCase& at) {
  const Message& body = *at.event.body;
  const Descriptor& descriptor = *body.GetDescriptor();
  for (int f = 0; f < descriptor.field_count(); ++f) {
    const FieldDescriptor& field = *descriptor.field(f);
    if (!field.is_repeated() || field.message_type() != v1::FileRecord::descriptor()) continue;
    for (int i = 0; i < body.GetReflection()->FieldSize(body, &field); ++i) {
      const auto& file = static_cast<const v1::FileRecord&>(body.GetReflection()->GetRepeatedMessage(body, &field, i));
      const v1::DigestAlgorithm algorithm = file.digest().algorithm();
      const bool weak = algorithm == v1::MD5 || algorithm == v1::SHA1 || algorithm == v1::GIT_SHA1;
      if (file.has_digest() && !weak) continue;
      Add(at, "WEAK-DIGEST", Text("body.", field.name(), "[", i, "]"), v1::FINDING, "IEC 62304 8.1.1",
          file.has_digest() ? Text("\"", file.path(), "\" is identified by ", v1::DigestAlgorithm_Name(algorithm),
                                   ", which can be forged")
                            : Text("\"", file.path(), "\" has no digest: nothing says which bytes were meant"),
          "record the file's SHA-256");
    }
  }
  return OkStatus();
}

bool ListsFiles(const Descriptor& body) {
  for (int f = 0; f < body.field_count(); ++f) {
    if (body.field(f)->is_repeated() && body.field(f)->message_type() == v1::FileRecord::descriptor()) return true;
  }
  return false;
}

std::string Period(uint64_t seconds) {
  if (seconds < 120) return Text(seconds, " s");
  if (seconds < 7200) return Text(seconds / 60, " min");
  if (seconds < 172800) return Text(seconds / 3600, " h");
  return Text(seconds / 86400, " days");
}

Status CheckTimes(const RuleCase& at) {
  if (at.event.type->options->ledger_decided()) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<v1::ContemporaneityPolicy> policy, ContemporaneityInForce(at.rows));
  if (!policy.has_value()) return OkStatus();
  constexpr int64_t kSecond = 1'000'000;
  const int64_t gap_us = at.event.recorded.us - at.header().occurred_latest_us();
  const std::optional<uint64_t> limit = LateAfterSeconds(*policy, *at.event.type);
  if (gap_us < -static_cast<int64_t>(policy->future_s()) * kSecond) {
    Add(at, "FUTURE", "header.occurred_latest_us", v1::FINDING, "21 CFR 11.10(e)",
        Text("is said to have happened ", Period(static_cast<uint64_t>(-gap_us / kSecond)), " after it was recorded"),
        "check the writer's clock");
  }
  if (!limit.has_value() || gap_us <= static_cast<int64_t>(*limit) * kSecond || at.header().retrospective()) {
    return OkStatus();
  }
  Add(at, "LATE", "header.occurred_latest_us", v1::FINDING, "21 CFR 11.10(e)",
      Text("was recorded ", Period(static_cast<uint64_t>(gap_us / kSecond)), " after it happened; ", Period(*limit),
           " are expected"),
      "record it when it happens");
  if (!at.header().late_reason().empty()) return OkStatus();
  Add(at, "LATE-REASON", "header.late_reason", v1::FINDING, "21 CFR 11.10(e)", "is late and doesn't say why",
      "give late_reason");
  return OkStatus();
}

using Check = Status (*)(const RuleCase&);

template <typename Body, Status (*function)(const RuleCase&, const Body&)>
Status CheckOf(const RuleCase& at) {
  return function(at, static_cast<const Body&>(*at.event.body));
}

template <typename Body>
Status CheckContent(const RuleCase& at) {
  return CheckRequirement(at, static_cast<const Body&>(*at.event.body).content());
}

const std::unordered_map<const Descriptor*, Check>& Checks() {
  static const auto* checks = new std::unordered_map<const Descriptor*, Check>{
      {v1::ModelRegistered::descriptor(), CheckOf<v1::ModelRegistered, CheckModel>},
      {v1::CodeRevisionRecorded::descriptor(), CheckOf<v1::CodeRevisionRecorded, CheckCode>},
      {v1::SafetyClassAssigned::descriptor(), CheckOf<v1::SafetyClassAssigned, CheckClass>},
      {v1::SoftwareItemDecomposed::descriptor(), CheckOf<v1::SoftwareItemDecomposed, CheckDecomposed>},
      {v1::RoleGranted::descriptor(), CheckOf<v1::RoleGranted, CheckGranted>},
      {v1::AuthorityDelegated::descriptor(), CheckOf<v1::AuthorityDelegated, CheckDelegated>},
      {v1::ReleaseApproved::descriptor(), CheckOf<v1::ReleaseApproved, CheckReleased>},
      {v1::SplitDefined::descriptor(), CheckOf<v1::SplitDefined, CheckSplit>},
      {v1::TrainingRunStarted::descriptor(), CheckOf<v1::TrainingRunStarted, CheckTraining>},
      {v1::RequirementApproved::descriptor(), CheckContent<v1::RequirementApproved>},
      {v1::RequirementRevised::descriptor(), CheckContent<v1::RequirementRevised>},
      {v1::ReviewHeld::descriptor(), CheckOf<v1::ReviewHeld, CheckReview>},
      {v1::TestRunCompleted::descriptor(), CheckOf<v1::TestRunCompleted, CheckMeasured>},
      {v1::DecisionRecorded::descriptor(), CheckOf<v1::DecisionRecorded, CheckDecision>},
      {v1::PolicyAdopted::descriptor(), CheckOf<v1::PolicyAdopted, CheckPolicy>},
      {v1::SubjectDataErased::descriptor(), CheckOf<v1::SubjectDataErased, CheckErased>},
  };
  return *checks;
}

}  // namespace

Status CheckSpecialRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken) {
  const RuleCase at{event, rows, broken};
  if (event.body != nullptr) {
    const auto check = Checks().find(event.type->body);
    if (check != Checks().end()) RETURN_IF_ERROR(check->second(at));
    RETURN_IF_ERROR(CheckFiles(at));
    RETURN_IF_ERROR(CheckAdaptationRules(event, rows, broken));
    RETURN_IF_ERROR(CheckDatasetRules(event, rows, broken));
  }
  RETURN_IF_ERROR(CheckClosing(event, rows, broken));
  return CheckTimes(at);
}

bool SpecialRulesReadBody(const EventType& type) {
  return Checks().contains(type.body) || ListsFiles(*type.body) || AdaptationRulesReadBody(type) ||
         DatasetRulesReadBody(type);
}

}  // namespace anamnesis
