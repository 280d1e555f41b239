// Questions on the index against plain folds over all events, on random histories of everything with corrections and
// late records: each reference looks at every event again and knows of no index. Lineage, where, trace, contemporaneity
// and the configuration have references of their own (lineage_test.cc, where_test.cc, ask_trace_test.cc,
// ask_contemporaneity_test.cc, state/configuration_fold_test.cc).

#include <gmock/gmock.h>

#include <optional>

#include "absl/strings/str_format.h"
#include "ledger/event/names.h"
#include "ledger/query/known_rules.h"
#include "ledger/query/lineage_roles.h"
#include "ledger/state/broken_rules.h"
#include "tests/ledger/query/every_question.h"
#include "tests/ledger/query/plain_item.h"
#include "tests/ledger/query/plain_versions.h"
#include "tests/ledger/query/random_drafts.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

// --- One reference for each kind of question: whether the answer is what a plain look at `all` says ---

// NOT_FOUND is expected where nothing is there.
void CheckWhoKnew(const std::vector<Plain>& all, const v1::WhoKnewQuestion& question,
                  const StatusOr<v1::Answer>& answer) {
  std::vector<std::pair<std::string, uint64_t>> knowers;
  std::set<std::string> seen;
  std::optional<uint64_t> first;
  std::optional<uint64_t> later;
  const int64_t at = FromProtoTime(question.at(), "at")->us;
  for (const Plain& event : all) {
    if (!event.Names(question.entity())) continue;
    // Recorded one microsecond after the other (recorded_history.h).
    std::optional<uint64_t>& found = kTestStart.us + static_cast<int64_t>(event.index) <= at ? first : later;
    if (!found.has_value()) found = event.index;
  }
  ASSERT_EQ(answer.ok(), first.has_value() || later.has_value()) << answer.status();
  if (!answer.ok()) return;
  const v1::WhoKnewAnswer& found = answer->who_knew();
  EXPECT_EQ(found.known(), first.has_value());
  EXPECT_EQ(found.knowers_size(), first.has_value() ? 1 : 0);
  if (first.has_value()) {
    EXPECT_EQ(found.first_recorded().index(), *first);
  }
  EXPECT_EQ(found.has_first_recorded_later(), later.has_value());
  if (later.has_value()) {
    EXPECT_EQ(found.first_recorded_later().index(), *later);
  }
}

void CheckPolicy(const std::vector<Plain>& all, const v1::PolicyQuestion& question,
                 const StatusOr<v1::Answer>& answer) {
  std::optional<uint64_t> last;
  for (const Plain& event : all) {
    const auto* body = event.body<v1::PolicyAdopted>();
    if (event.counts && body != nullptr && body->kind() == question.kind()) last = event.index;
  }
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->policy().adopted(), last.has_value());
  if (last.has_value()) {
    EXPECT_EQ(answer->policy().adoption().index(), *last);
  }
}

// What the log's own rules said of each event when it came in, and here of rule EXISTS whether it was right: that no
// event before it, as they stood then, defines what it refers to.
class Findings {
 public:
  explicit Findings(const RecordedHistory& history) {
    for (uint64_t i = 0; i < history.size(); ++i) {
      const std::vector<Plain> before = AllEvents(history, i);
      const RecordedHistory::Event& event = history.events()[i];
      const v1::EventTypeOptions& options = event.draft.body->GetDescriptor()->options().GetExtension(v1::event);
      for (const v1::EntityRef& ref : event.draft.header.refs()) {
        for (const v1::ReferenceRule& rule : options.refs()) {
          if (rule.role() != ref.role() || rule.unrecorded() == v1::CONSEQUENCE_UNSPECIFIED) continue;
          v1::EntityRef whole = ref;
          whole.clear_version();
          const bool defined = std::any_of(before.begin(), before.end(), [&](const Plain& earlier) {
            return earlier.counts && (earlier.Defines(ref, ref.version().empty()) || earlier.Defines(whole, false));
          });
          if (!defined) unrecorded_.emplace(i, "EXISTS/" + rule.role());
        }
      }
    }
  }

  void Check(const std::vector<Plain>& all, const v1::FindingsQuestion& question,
             const StatusOr<v1::Answer>& answer) const {
    ASSERT_EQ(answer.ok(), !question.has_entity() || AnyNames(all, question.entity())) << answer.status();
    if (!answer.ok()) return;
    std::multiset<std::pair<uint64_t, std::string>> expected;
    for (const auto& [index, rule] : unrecorded_) {
      if (index >= all.size()) continue;
      if (!question.has_entity() || all[index].Names(question.entity())) expected.emplace(index, rule);
    }
    std::multiset<std::pair<uint64_t, std::string>> found;
    for (const v1::FindingsAnswer::OfEvent& event : answer->findings().events()) {
      EXPECT_EQ(event.void_effect(), !all[event.leaf().index()].counts);
      for (const v1::Finding& finding : event.findings()) {
        EXPECT_TRUE(IsKnownRule(finding.rule())) << finding.rule();
        if (finding.rule().starts_with("EXISTS/")) found.emplace(event.leaf().index(), finding.rule());
      }
    }
    EXPECT_EQ(found, expected);
  }

 private:
  std::multiset<std::pair<uint64_t, std::string>> unrecorded_;
};

void CheckTrainingRuns(const std::vector<Plain>& all, const v1::TrainingRunsQuestion& question,
                       const StatusOr<v1::Answer>& answer) {
  ASSERT_EQ(answer.ok(), !question.has_about() || AnyNames(all, question.about())) << answer.status();
  if (!answer.ok()) return;
  const int64_t at = FromProtoTime(question.at(), "at")->us;
  std::map<uint64_t, v1::TrainingRunsAnswer::State> expected;
  for (const Plain& start : all) {
    const auto* body = start.body<v1::TrainingRunStarted>();
    if (body == nullptr || !start.counts || start.earliest > at) continue;
    if (question.has_about() && !start.Names(question.about())) continue;
    const v1::EntityRef& run = *FindReference(start.header(), "training_run");
    std::pair<int64_t, uint64_t> last = {-1, 0};
    v1::TrainingRunsAnswer::State state = body->expected_end_us() != 0 && at <= body->expected_end_us()
                                              ? v1::TrainingRunsAnswer::RUNNING
                                              : v1::TrainingRunsAnswer::UNACCOUNTED;
    for (const Plain& end : all) {
      const v1::TrainingRunsAnswer::State ended =
          end.type() == "training_run.completed" ? v1::TrainingRunsAnswer::COMPLETED
          : end.type() == "training_run.failed"  ? v1::TrainingRunsAnswer::FAILED
          : end.type() == "training_run.aborted" ? v1::TrainingRunsAnswer::ABORTED
                                                 : v1::TrainingRunsAnswer::STATE_UNSPECIFIED;
      if (ended == v1::TrainingRunsAnswer::STATE_UNSPECIFIED || !end.counts || end.earliest > at) continue;
      if (!end.Names(run, "training_run") || std::pair(end.earliest, end.index) < last) continue;
      last = {end.earliest, end.index};
      state = ended;
    }
    expected[start.index] = state;
  }
  std::map<uint64_t, v1::TrainingRunsAnswer::State> found;
  for (const v1::TrainingRunsAnswer::Run& run : answer->training_runs().runs()) {
    found[run.started().index()] = run.state();
  }
  EXPECT_EQ(found, expected);
}

// All events that name it, how many of each type, and the last event that defined each version.
void CheckStatus(const std::vector<Plain>& all, const v1::StatusQuestion& question,
                 const StatusOr<v1::Answer>& answer) {
  ASSERT_EQ(answer.ok(), AnyNames(all, question.entity())) << answer.status();
  if (!answer.ok()) return;
  std::map<std::string, std::pair<uint64_t, uint64_t>> counts;
  std::vector<uint64_t> history;
  std::map<std::string, std::optional<uint64_t>> versions;
  for (const Plain& event : all) {
    if (!event.Names(question.entity())) continue;
    history.push_back(event.index);
    ++counts[event.type()].first;
    counts[event.type()].second += event.counts ? 0 : 1;
    for (const v1::EntityRef& ref : event.header().refs()) {
      if (ref.kind() != question.entity().kind() || ref.id() != question.entity().id()) continue;
      std::optional<uint64_t>& defined = versions[ref.version()];
      if (event.counts && event.Defines(ref, false)) defined = event.index;
    }
  }
  const v1::StatusAnswer& found = answer->status();
  std::map<std::string, std::pair<uint64_t, uint64_t>> found_counts;
  for (const v1::StatusAnswer::Count& count : found.counts()) {
    found_counts[count.type()] = {count.events(), count.void_events()};
  }
  EXPECT_EQ(found_counts, counts);
  EXPECT_EQ(found.events(), history.size());
  std::vector<uint64_t> found_history;
  for (const v1::StatusAnswer::HistoryEvent& event : found.history()) {
    found_history.push_back(event.leaf().index());
    EXPECT_EQ(event.void_effect(), !all[event.leaf().index()].counts);
  }
  EXPECT_EQ(found_history, history);
  std::map<std::string, std::optional<uint64_t>> found_versions;
  for (const v1::StatusAnswer::Version& version : found.versions()) {
    found_versions[version.version()] = version.has_defined() ? std::optional(version.defined().index()) : std::nullopt;
  }
  EXPECT_EQ(found_versions, versions);
}

// Whether a unit was placed where a period holds.
bool PlainHolds(const v1::RetentionPolicy& policy, const std::string& jurisdiction,
                const std::map<std::string, int64_t>& placed) {
  if (jurisdiction.empty() || placed.contains(jurisdiction)) return true;
  for (const v1::RetentionPolicy::Region& region : policy.regions()) {
    if (region.jurisdiction() != jurisdiction) continue;
    for (const std::string& member : region.members()) {
      if (placed.contains(member)) return true;
    }
  }
  return false;
}

// Where units of the model were placed last, how many are in service, and until when that keeps what is recorded.
void CheckRetention(const std::vector<Plain>& all, const v1::RetentionQuestion& question,
                    const StatusOr<v1::Answer>& answer) {
  std::set<std::string> units;
  for (const Plain& event : all) {
    if (event.type() == "device_unit.commissioned" && event.counts &&
        event.Names(question.device_model(), "device_model")) {
      units.insert(FindReference(event.header(), "unit")->id());
    }
  }
  ASSERT_EQ(answer.ok(), !units.empty()) << answer.status();
  if (!answer.ok()) return;
  std::map<std::string, int64_t> placed;
  uint32_t in_service = 0;
  for (const std::string& unit : units) {
    std::pair<int64_t, uint64_t> latest = {INT64_MIN, 0};
    const int64_t at = FromProtoTime(question.at(), "at")->us;
    bool serves = false;
    for (const Plain& event : all) {
      if (!event.counts || !event.Names(Entity("device_unit", unit), "unit")) continue;
      const auto* commissioned = event.body<v1::DeviceUnitCommissioned>();
      const auto* relocated = event.body<v1::DeviceUnitRelocated>();
      const std::string jurisdiction = commissioned != nullptr ? commissioned->jurisdiction()
                                       : relocated != nullptr  ? relocated->jurisdiction()
                                                               : "";
      if (!jurisdiction.empty()) {
        placed[jurisdiction] = std::max(placed.try_emplace(jurisdiction, event.latest).first->second, event.latest);
      }
      const bool ends = event.type() == "device_unit.decommissioned";
      const bool begins = commissioned != nullptr || event.body<v1::DeviceUnitServiced>() != nullptr;
      if ((!begins && !ends) || event.latest > at || std::pair(event.latest, event.index) < latest) continue;
      latest = {event.latest, event.index};
      serves = !ends;
    }
    in_service += serves ? 1 : 0;
  }
  const v1::RetentionAnswer& retention = answer->retention();
  EXPECT_EQ(retention.units_in_service(), in_service);
  std::map<std::string, int64_t> found;
  for (const v1::RetentionAnswer::Placement& placement : retention.placements()) {
    found[placement.jurisdiction()] = all[placement.last().index()].latest;
  }
  EXPECT_EQ(found, placed);
  const v1::RetentionPolicy policy = ReadPolicy("retention").retention();
  int64_t longest = INT64_MIN;
  int periods = 0;
  for (const v1::RetentionPolicy::Period& period : policy.periods()) {
    if (!PlainHolds(policy, period.jurisdiction(), placed)) continue;
    ASSERT_LT(periods, retention.periods_size());
    const v1::RetentionAnswer::Period& one = retention.periods(periods++);
    int64_t start = INT64_MIN;
    for (const auto& [jurisdiction, latest] : placed) start = std::max(start, latest);
    for (const Plain& event : all) {
      const v1::EntityRef* unit = FindReference(event.header(), "unit");
      const bool starts =
          event.counts && event.type() == period.starts() && unit != nullptr && units.contains(unit->id());
      if (starts) start = std::max(start, event.latest);
    }
    EXPECT_EQ(all[one.start().index()].latest, start) << one.source();
    // The months of these histories are January and March, and no day is the last of one.
    const std::string day = FormatTime(Timestamp(start));
    const std::string until =
        absl::StrFormat("%04d-%02d-%02dT00:00:00Z", std::stoi(day.substr(0, 4)) + period.years(),
                        std::stoi(day.substr(5, 2)) + period.months(), std::stoi(day.substr(8, 2)) + 1);
    EXPECT_EQ(FromProtoTime(one.keep_until(), "keep_until")->us, ParseTime(until)->us) << one.source();
    longest = std::max(longest, ParseTime(until)->us);
  }
  EXPECT_EQ(retention.periods_size(), periods);
  EXPECT_EQ(retention.due(), FromProtoTime(question.at(), "at")->us >= longest && in_service == 0);
}

// The unit's events in order of time: what ran on each surface, without any plan that says how it is to be watched.
void CheckMonitoring(const std::vector<Plain>& all, const v1::MonitoringQuestion& question,
                     const StatusOr<v1::Answer>& answer) {
  const v1::EntityRef unit = Entity("device_unit", question.unit());
  const int64_t at = FromProtoTime(question.at(), "at")->us;
  std::vector<const Plain*> events;
  bool named = false;
  for (const Plain& event : all) {
    if (!event.Names(unit, "unit")) continue;
    named = true;
    if (event.counts && event.latest <= at) events.push_back(&event);
  }
  ASSERT_EQ(answer.ok(), named) << answer.status();
  if (!answer.ok()) return;
  // The last on each surface runs still, unless something took it away; a unit comes into service empty but for its
  // baseline.
  std::map<std::string, std::pair<std::string, uint64_t>> running;
  std::stable_sort(events.begin(), events.end(), [](const Plain* a, const Plain* b) { return a->latest < b->latest; });
  for (const Plain* event : events) {
    if (const auto* activated = event->body<v1::ArtifactActivated>()) {
      running[activated->surface()] = {EntityKeyText(*FindReference(event->header(), "artifact")), event->index};
    }
    if (const auto* stopped = event->body<v1::ArtifactDeactivated>()) running.erase(stopped->surface());
    const auto* serviced = event->body<v1::DeviceUnitServiced>();
    const bool wiped = serviced != nullptr && serviced->storage() == v1::DeviceUnitServiced::NOT_PRESERVED;
    if (wiped || event->type() == "device_unit.decommissioned" || event->type() == "device_unit.commissioned") {
      running.clear();
    }
    const v1::EntityRef* baseline = FindReference(event->header(), "baseline");
    if (baseline != nullptr) running["baseline"] = {EntityKeyText(*baseline), event->index};
  }
  std::set<std::string> things;
  Leaves rests_on;
  for (const auto& [surface, thing] : running) {
    things.insert(thing.first);
    rests_on.insert(thing.second);
  }
  EXPECT_EQ(answer->monitoring().active(), running.size());
  EXPECT_EQ(answer->monitoring().without_plan_size(), static_cast<int>(things.size()));
  // Beside them the windows of monitoring that ended by then.
  Leaves windows;
  for (const Plain& event : all) {
    const auto* body = event.body<v1::MonitoringRecorded>();
    if (body != nullptr && event.counts && event.Names(unit, "unit") && body->window_until_us() <= at) {
      windows.insert(event.index);
    }
  }
  EXPECT_EQ(static_cast<size_t>(answer->monitoring().windows_size()), windows.size());
  rests_on.insert(windows.begin(), windows.end());
  const Leaves cited = LeavesOf(*answer);
  for (const uint64_t leaf : rests_on) EXPECT_TRUE(cited.contains(leaf)) << leaf;
}

// How serious, by the last record, and which reports of each jurisdiction there are.
void CheckClocks(const std::vector<Plain>& all, const v1::ClocksQuestion& question,
                 const StatusOr<v1::Answer>& answer) {
  Leaves cited;
  std::optional<uint64_t> incident;
  std::map<std::string, int64_t> first_report;
  const int64_t at = FromProtoTime(question.at(), "at")->us;
  for (const Plain& event : all) {
    if (!event.counts || !event.Names(question.incident(), "incident")) continue;
    cited.insert(event.index);
    if (event.type() == "incident.recorded") incident = event.index;
    const auto* report = event.body<v1::VigilanceReported>();
    if (report == nullptr || report->submitted_at_us() > at || report->kind() == v1::VigilanceReported::FOLLOW_UP)
      continue;
    int64_t& first = first_report.try_emplace(report->jurisdiction(), report->submitted_at_us()).first->second;
    first = std::min(first, report->submitted_at_us());
  }
  ASSERT_EQ(answer.ok(), !cited.empty()) << answer.status();
  if (!answer.ok()) return;
  EXPECT_EQ(answer->clocks().has_incident(), incident.has_value());
  if (incident.has_value()) {
    EXPECT_EQ(answer->clocks().incident().index(), *incident);
  }
  for (const uint64_t leaf : cited) EXPECT_TRUE(LeavesOf(*answer).contains(leaf)) << leaf;
  for (const v1::ClocksAnswer::Clock& clock : answer->clocks().clocks()) {
    // Near misses trigger only what could recur; any first report serves that. Each place has one law only in force at
    // the drafts' times.
    if (clock.trigger() != v1::ReportingClocks::COULD_RECUR || !clock.has_start()) continue;
    const auto first = first_report.find(clock.jurisdiction());
    EXPECT_EQ(clock.has_reported(), first != first_report.end()) << clock.ShortDebugString();
    if (clock.has_reported() && first != first_report.end()) {
      EXPECT_EQ(FromProtoTime(clock.reported(), "reported")->us, first->second);
    }
  }
}

// The last curation, sealing and annotation of the version that still count.
void CheckSpecificity(const std::vector<Plain>& all, const v1::SpecificityQuestion& question,
                      const StatusOr<v1::Answer>& answer) {
  if (question.record().version().empty()) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument);
    return;
  }
  const v1::DatasetCurated* curated = nullptr;
  const v1::EventHeader* curation = nullptr;
  bool sealed = false;
  std::string achieved;
  for (const Plain& event : all) {
    if (!event.counts || !event.Names(question.record(), "dataset")) continue;
    if (event.type() == "dataset.curated") {
      curated = event.body<v1::DatasetCurated>();
      curation = &event.header();
    }
    sealed = sealed || event.type() == "dataset.sealed";
    if (const auto* body = event.body<v1::AnnotationCompleted>()) achieved = body->achieved();
  }
  ASSERT_EQ(answer.ok(), curated != nullptr || sealed || !achieved.empty()) << answer.status();
  if (!answer.ok()) return;
  std::map<std::string, const v1::SpecificityAnswer::RequiredFact*> found;
  for (const v1::SpecificityAnswer::RequiredFact& fact : answer->specificity().facts()) found[fact.name()] = &fact;
  EXPECT_EQ(found["record_count"]->present(), sealed || (curated != nullptr && curated->records_out() > 0));
  EXPECT_EQ(found["curator"]->present(), curation != nullptr && FindReference(*curation, "curator") != nullptr);
  EXPECT_EQ(found["inclusion_criteria"]->present(),
            curated != nullptr && curated->inclusion_size() > 0 && curated->inclusion(0) == "adults over 18");
  EXPECT_EQ(found["agreement_achieved"]->present(), !achieved.empty());
  if (!achieved.empty()) {
    EXPECT_TRUE(found["agreement_achieved"]->text().starts_with(achieved + " "))
        << found["agreement_achieved"]->text() << " for " << achieved;
  }
}

// What runs is verified by nothing in these histories: a plain fold of where the unit stood at each instant.
void CheckCoverage(const std::vector<Plain>& all, const v1::CoverageQuestion& question,
                   const StatusOr<v1::Answer>& answer) {
  const v1::EntityRef unit = Entity("device_unit", question.unit());
  const int64_t from = FromProtoTime(question.from(), "from")->us;
  const int64_t until = FromProtoTime(question.until(), "until")->us;
  std::vector<const Plain*> service;
  bool named = false;
  for (const Plain& event : all) {
    if (!event.Names(unit, "unit")) continue;
    named = true;
    const bool states = event.type() == "device_unit.commissioned" || event.type() == "device_unit.serviced" ||
                        event.type() == "device_unit.decommissioned";
    if (event.counts && states) service.push_back(&event);
  }
  ASSERT_EQ(answer.ok(), named) << answer.status();
  if (!answer.ok()) return;
  const v1::CoverageAnswer& found = answer->coverage();
  EXPECT_EQ(found.verified_us() + found.unverified_us() + found.unknown_us() + found.not_operating_us(), until - from);
  EXPECT_EQ(found.verified_us(), 0);
  // Before it was first commissioned or serviced nothing is known.
  std::sort(service.begin(), service.end(), [](const Plain* a, const Plain* b) { return a->earliest < b->earliest; });
  for (const v1::CoverageAnswer::Interval& interval : found.intervals()) {
    const int64_t begin = FromProtoTime(interval.from(), "from")->us;
    const Plain* last = nullptr;
    for (const Plain* event : service) {
      if (event->earliest <= begin) last = event;
    }
    if (last == nullptr) {
      EXPECT_EQ(interval.state(), v1::CoverageAnswer::UNKNOWN) << begin;
    } else if (last->type() == "device_unit.decommissioned") {
      EXPECT_EQ(interval.state(), v1::CoverageAnswer::NOT_OPERATING) << begin;
    }
  }
}

// What each event's references rest on, and on what that rests: nothing of it may be undefined.
void CheckClosureAudit(const std::vector<Plain>& all, const v1::ClosureAuditQuestion& question,
                       const StatusOr<v1::Answer>& answer) {
  ASSERT_EQ(answer.ok(), AnyNames(all, question.entity())) << answer.status();
  if (!answer.ok()) return;
  static const auto* definable = [] {
    auto* kinds = new std::set<std::string>();
    for (const EventType* type : Vocabulary::Get().All()) {
      for (const v1::ReferenceRule& rule : type->options->refs()) {
        if (rule.defines()) kinds->insert(rule.kinds().begin(), rule.kinds().end());
      }
    }
    return kinds;
  }();
  Leaves reached;
  std::vector<uint64_t> queue;
  const auto enqueue = [&](uint64_t index) {
    if (reached.insert(index).second) queue.push_back(index);
  };
  for (const Plain& event : all) {
    if (event.Names(question.entity())) enqueue(event.index);
  }
  std::multiset<std::pair<uint64_t, std::string>> dangling;
  while (!queue.empty()) {
    const Plain& event = all[queue.back()];
    queue.pop_back();
    if (!event.counts) continue;
    for (const v1::EntityRef& ref : event.header().refs()) {
      std::optional<uint64_t> definition;
      for (const Plain& other : all) {
        if (other.counts && other.Defines(ref, ref.version().empty())) definition = other.index;
      }
      if (definition.has_value()) {
        enqueue(*definition);
      } else if (definable->count(ref.kind()) > 0) {
        dangling.emplace(event.index, EntityKeyText(ref));
      }
    }
  }
  const v1::ClosureAuditAnswer& found = answer->closure_audit();
  EXPECT_EQ(found.events_looked_at(), reached.size());
  std::multiset<std::pair<uint64_t, std::string>> found_dangling;
  for (const v1::ClosureAuditAnswer::Problem& problem : found.problems()) {
    if (problem.kind() != v1::ClosureAuditAnswer::DANGLING_REFERENCE) continue;
    found_dangling.emplace(problem.leaf().index(), EntityKeyText(problem.reference()));
  }
  EXPECT_EQ(found_dangling, dangling);
  // All events are of one stream.
  Leaves forks;
  Leaves found_forks;
  for (const Plain& event : all) {
    const auto* fork = event.body<v1::ForkDetected>();
    const bool own = fork != nullptr && (fork->stream().empty() || fork->stream() == "s" ||
                                         fork->stream() == question.entity().kind() + "/" + question.entity().id());
    if (own && event.counts) forks.insert(event.index);
  }
  for (const v1::ClosureAuditAnswer::Problem& problem : found.problems()) {
    if (problem.kind() == v1::ClosureAuditAnswer::FORK) found_forks.insert(problem.leaf().index());
  }
  EXPECT_EQ(found_forks, forks);
  EXPECT_EQ(found.closed(), found.problems().empty());
}

// --- An item's process (plain_item.h) ---

void CheckEvidence(const std::vector<Plain>& all, const v1::ClauseEvidence& found, const PlainScope* scope) {
  const std::optional<PlainVerdict> expected = JudgeLine(all, found.clause(), scope);
  ASSERT_TRUE(expected.has_value()) << "no such line: " << found.clause();
  EXPECT_EQ(found.state(), expected->state) << found.ShortDebugString();
  std::vector<uint64_t> leaves;
  for (const v1::LeafReference& leaf : found.evidence()) leaves.push_back(leaf.index());
  EXPECT_EQ(leaves, expected->evidence) << found.clause();
}

void CheckCompleteness(const std::vector<Plain>& all, const v1::CompletenessQuestion& question,
                       const StatusOr<v1::Answer>& answer) {
  const PlainScope scope = ScopeOfItem(all, question.item().id());
  ASSERT_EQ(answer.ok(), scope.recorded) << answer.status();
  if (!answer.ok()) return;
  const v1::CompletenessAnswer& found = answer->completeness();
  EXPECT_EQ(found.evidence_size(), PlainProfile().process_profile().evidence_size());
  bool by_clause = true;
  bool by_policy = true;
  for (const v1::ClauseEvidence& evidence : found.evidence()) {
    CheckEvidence(all, evidence, &scope);
    by_clause = by_clause && evidence.state() != v1::MISSING_BY_CLAUSE;
    by_policy = by_policy && evidence.state() != v1::MISSING_BY_CLAUSE && evidence.state() != v1::MISSING_BY_POLICY;
  }
  EXPECT_EQ(found.complete_by_clause(), by_clause);
  EXPECT_EQ(found.complete_by_policy(), by_policy);
  // The requirements' kinds, each requirement once.
  std::set<std::string> requirements;
  for (const Plain* event : scope.events) {
    if (event->type() == "requirement.approved") {
      requirements.insert(FindReference(event->header(), "requirement")->id());
    }
  }
  uint64_t counted = 0;
  for (const v1::CompletenessAnswer::RequirementCount& count : found.requirements()) counted += count.requirements();
  EXPECT_EQ(counted, requirements.size());
}

void CheckClauseIndex(const std::vector<Plain>& all, const v1::ClauseIndexQuestion& question,
                      const StatusOr<v1::Answer>& answer) {
  std::optional<PlainScope> scope;
  if (question.has_item()) scope = ScopeOfItem(all, question.item().id());
  ASSERT_EQ(answer.ok(), !scope.has_value() || scope->recorded) << answer.status();
  if (!answer.ok()) return;
  std::vector<std::string> missing;
  for (const v1::ClauseEvidence& evidence : answer->clause_index().clauses()) {
    CheckEvidence(all, evidence, scope.has_value() ? &*scope : nullptr);
    const bool lacks = evidence.state() == v1::MISSING_BY_CLAUSE || evidence.state() == v1::MISSING_BY_POLICY;
    if (lacks) missing.push_back(evidence.clause());
  }
  EXPECT_EQ(answer->clause_index().clauses_size(), PlainProfile().process_profile().evidence_size());
  EXPECT_THAT(missing, testing::ElementsAreArray(answer->clause_index().missing()));
}

void CheckSequencing(const std::vector<Plain>& all, const v1::SequencingQuestion& question,
                     const StatusOr<v1::Answer>& answer) {
  const PlainScope scope = ScopeOfItem(all, question.item().id());
  ASSERT_EQ(answer.ok(), scope.recorded) << answer.status();
  if (!answer.ok()) return;
  std::multiset<PlainStep> found;
  uint32_t out_of_order = 0;
  for (const v1::SequencingAnswer::Step& step : answer->sequencing().steps()) {
    found.emplace(step.rule(), step.later().index(),
                  step.has_earlier() ? std::optional(step.earlier().index()) : std::nullopt, step.state());
    out_of_order += step.state() == v1::SequencingAnswer::IN_ORDER ? 0 : 1;
  }
  EXPECT_EQ(found, StepsOf(all, scope));
  EXPECT_EQ(answer->sequencing().out_of_order(), out_of_order);
}

// --- Random histories ---

class PlainFoldTest : public testing::Test {
 protected:
  // Of a history at one size; false for questions with a reference elsewhere.
  bool Check(const RecordedHistory& history, const std::vector<Plain>& all, const Findings& findings,
             const v1::Question& question) {
    const StatusOr<v1::Answer> answer = history.Ask(question);
    switch (question.about_case()) {
      case v1::Question::kWhoKnew:
        CheckWhoKnew(all, question.who_knew(), answer);
        return true;
      case v1::Question::kPolicy:
        CheckPolicy(all, question.policy(), answer);
        return true;
      case v1::Question::kFindings:
        findings.Check(all, question.findings(), answer);
        return true;
      case v1::Question::kTrainingRuns:
        CheckTrainingRuns(all, question.training_runs(), answer);
        return true;
      case v1::Question::kStatus:
        CheckStatus(all, question.status(), answer);
        return true;
      case v1::Question::kRetention:
        CheckRetention(all, question.retention(), answer);
        return true;
      case v1::Question::kMonitoring:
        CheckMonitoring(all, question.monitoring(), answer);
        return true;
      case v1::Question::kClocks:
        CheckClocks(all, question.clocks(), answer);
        return true;
      case v1::Question::kSpecificity:
        CheckSpecificity(all, question.specificity(), answer);
        return true;
      case v1::Question::kCoverage:
        CheckCoverage(all, question.coverage(), answer);
        return true;
      case v1::Question::kClosureAudit:
        CheckClosureAudit(all, question.closure_audit(), answer);
        return true;
      case v1::Question::kErasureReport:
        CheckErasureReport(all, question.erasure_report(), answer);
        return true;
      case v1::Question::kDiff:
        CheckDiff(all, question.diff(), answer);
        return true;
      case v1::Question::kExplain:
        CheckExplain(all, question.explain(), answer);
        return true;
      case v1::Question::kLint:
        CheckLint(all, question.lint(), answer);
        return true;
      case v1::Question::kCompleteness:
        CheckCompleteness(all, question.completeness(), answer);
        return true;
      case v1::Question::kClauseIndex:
        CheckClauseIndex(all, question.clause_index(), answer);
        return true;
      case v1::Question::kSequencing:
        CheckSequencing(all, question.sequencing(), answer);
        return true;
      default:
        return false;
    }
  }
};

TEST_F(PlainFoldTest, IndexAnswersEqualThePlainFoldForEveryQuestion) {
  // These have references of their own; records are of the same scope as the trace.
  std::set<std::string> checked = {"lineage", "where", "trace", "contemporaneity", "records"};
  for (uint64_t seed = 1; seed <= (kSanitized ? 3 : 12); ++seed) {
    RandomDrafts drafts(seed);
    RecordedHistory history;
    for (const auto& [kind, file] : {std::pair(v1::PolicyAdopted::REPORTING_CLOCK, "reporting_clocks"),
                                     std::pair(v1::PolicyAdopted::RETENTION, "retention")}) {
      history.Add(Adopt(kind, ReadPolicy(file)));
    }
    history.Add(Adopt(v1::PolicyAdopted::PROCESS_PROFILE, PlainProfile()));
    while (history.size() < 140) {
      if (history.size() > 5 && drafts.Below(100) < 25) {
        drafts.Correct(history);
        continue;
      }
      const uint64_t rare = drafts.Below(40);
      EventDraft draft = rare == 0 ? Fork(drafts) : rare <= 2 ? EraseOneOf(drafts, history.size()) : drafts.Anything();
      const Timestamp time(drafts.Time());
      SetOccurred(draft, time, time);
      history.Add(std::move(draft));
    }
    const Findings findings(history);
    for (uint64_t size = 20; size <= history.size(); size += 40) {
      const std::vector<Plain> all = AllEvents(history, size);
      std::vector<v1::Question> questions = EveryQuestion({""}, Timestamp(700'000));
      // Late enough for some periods of retention to be over.
      v1::RetentionQuestion& retention = *questions.emplace_back().mutable_retention();
      SetEntity(*retention.mutable_device_model(), "device_model", "monitor");
      *retention.mutable_at() = ToProtoTime(ParseTime("1972-06-01T00:00:00Z").value());
      *questions.emplace_back(questions.back()).mutable_retention()->mutable_at() =
          ToProtoTime(ParseTime("1980-01-02T00:00:00Z").value());
      for (v1::Question question : questions) {
        question.set_known_size(size);
        SCOPED_TRACE(Text("seed ", seed, ", ", question.ShortDebugString()));
        if (Check(history, all, findings, question)) checked.insert(KindOf(question));
        if (HasFailure()) return;
      }
    }
  }
  std::set<std::string> left;
  for (const std::string& kind : KindsOfQuestion()) {
    if (checked.count(kind) == 0) left.insert(kind);
  }
  EXPECT_THAT(left, testing::IsEmpty());
}

}  // namespace
}  // namespace anamnesis
