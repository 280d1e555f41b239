#include <algorithm>
#include <map>
#include <optional>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"

namespace anamnesis {
namespace {

using Answer = v1::CoverageAnswer;

// Between two times at which something changes; more are refused rather than answered slowly.
constexpr size_t kSegmentsMax = 20'000;

// Since when something is verified, and what shows it.
struct Verified {
  Timestamp since;
  uint64_t leaf = 0;
};

class Cover {
 public:
  Cover(Facts& facts, std::string unit, Timestamp from, Timestamp until, Answer& answer)
      : facts_(facts), unit_(std::move(unit)), from_(from), until_(until), answer_(answer) {}

  Status Fill() {
    ASSIGN_OR_RETURN(const std::set<int64_t> times, TimesOfChange());
    for (auto time = times.begin(); std::next(time) != times.end(); ++time) {
      RETURN_IF_ERROR(AddSegment(Timestamp(*time), Timestamp(*std::next(time))));
    }
    return OkStatus();
  }

 private:
  // Where the unit's configuration may change, with both ends of what is asked about.
  StatusOr<std::set<int64_t>> TimesOfChange() {
    v1::EntityRef unit;
    unit.set_kind("device_unit");
    unit.set_id(unit_);
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(unit, "unit", kQuestionEventsMax));
    if (indexes.empty()) return absl::NotFoundError(Text("coverage.unit: nothing is recorded of ", unit_));
    std::set<int64_t> times = {from_.us, until_.us};
    const auto add = [&](int64_t us) {
      if (us > from_.us && us < until_.us) times.insert(us);
    };
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts()) continue;
      add(fact->earliest().us);
      add(fact->latest().us);
      // An interval's last instant still belongs to it.
      add(fact->latest().us + 1);
      if (const auto* attested = fact->body<v1::ConfigurationAttested>()) {
        add(attested->covered_from_us());
        add(attested->covered_until_us());
      }
      if (times.size() > kSegmentsMax) {
        return absl::ResourceExhaustedError(
            Text("the unit's configuration changes more than ", kSegmentsMax, " times in it; ask for a shorter time"));
      }
    }
    return times;
  }

  Status AddSegment(Timestamp from, Timestamp until) {
    ASSIGN_OR_RETURN(const v1::Configuration configuration, ConfigurationAt(facts_.rows(), unit_, from, facts_.size()));
    for (const uint64_t leaf : configuration.leaves()) facts_.Cite(LeafIndex(leaf));
    switch (configuration.unit_state()) {
      case v1::UNIT_IN_SERVICE:
        return AddRunning(configuration, from, until);
      case v1::UNIT_DECOMMISSIONED:
        Add(from, until, Answer::NOT_OPERATING, configuration, "the unit is out of service");
        return OkStatus();
      default:
        Add(from, until, Answer::UNKNOWN, configuration, "it is not certain that the unit was in service");
        return OkStatus();
    }
  }

  Status AddRunning(const v1::Configuration& configuration, Timestamp from, Timestamp until) {
    bool runs = false;
    std::vector<uint64_t> evidence;
    std::optional<Timestamp> since = kTimestampMin;
    std::string unverified;
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (item.empty()) continue;
      runs = true;
      if (configuration.configuration_digest().empty() || !item.has_item()) continue;
      ASSIGN_OR_RETURN(const std::optional<Verified> verified, VerifiedSince(item.item()));
      if (!verified.has_value()) {
        // The ledger need not know what was measured.
        unverified = item.item().kind().empty() ? DigestText(item.item().digest()) : EntityKeyText(item.item());
        since = std::nullopt;
        break;
      }
      since = std::max(*since, verified->since);
      evidence.push_back(verified->leaf);
    }
    if (runs && configuration.configuration_digest().empty()) {
      Add(from, until, Answer::UNKNOWN, configuration, WhyUnknown(configuration));
    } else if (!runs) {
      Add(from, until, Answer::NOT_OPERATING, configuration, "nothing runs on it");
    } else if (!since.has_value() || *since >= until) {
      Add(from, until, Answer::UNVERIFIED, configuration,
          since.has_value() ? "verified only later" : Text("no passed verification of ", unverified));
    } else {
      const Timestamp begin = std::max(*since, from);
      if (begin > from) Add(from, begin, Answer::UNVERIFIED, configuration, "verified only later");
      Add(begin, until, Answer::VERIFIED, configuration, "", evidence);
    }
    return OkStatus();
  }

  static std::string WhyUnknown(const v1::Configuration& configuration) {
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.unknown_because().empty()) return Text(item.surface(), ": ", item.unknown_because());
    }
    return "what ran is not certain";
  }

  // The first passed test run, evaluation or certification of exactly this version.
  StatusOr<std::optional<Verified>> VerifiedSince(const v1::EntityRef& item) {
    const auto known = verified_.find(EntityKeyText(item));
    if (known != verified_.end()) return known->second;
    std::optional<Verified> first;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(item, "", kQuestionEventsMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts() || !Verifies(*fact, item)) continue;
      if (!first.has_value() || fact->latest() < first->since) first = Verified{fact->latest(), index.value};
    }
    verified_[EntityKeyText(item)] = first;
    return first;
  }

  static bool Verifies(const Fact& fact, const v1::EntityRef& item) {
    const auto names = [&](std::string_view role) {
      for (const v1::EntityRef& ref : fact.header().refs()) {
        if (ref.role() == role && ref.kind() == item.kind() && ref.id() == item.id() &&
            ref.version() == item.version()) {
          return true;
        }
      }
      return false;
    };
    if (const auto* run = fact.body<v1::TestRunCompleted>()) {
      return run->result() == v1::TestRunCompleted::PASS && names("verified");
    }
    if (const auto* evaluation = fact.body<v1::EvaluationCompleted>()) {
      return evaluation->result() == v1::EvaluationCompleted::PASS && names("model");
    }
    return fact.type() == "certification.issued" && names("artifact");
  }

  void Add(Timestamp from, Timestamp until, Answer::State state, const v1::Configuration& configuration,
           std::string text, const std::vector<uint64_t>& evidence = {}) {
    const int64_t us = until.us - from.us;
    if (state == Answer::VERIFIED) answer_.set_verified_us(answer_.verified_us() + us);
    if (state == Answer::UNVERIFIED) answer_.set_unverified_us(answer_.unverified_us() + us);
    if (state == Answer::UNKNOWN) answer_.set_unknown_us(answer_.unknown_us() + us);
    if (state == Answer::NOT_OPERATING) answer_.set_not_operating_us(answer_.not_operating_us() + us);
    for (const uint64_t leaf : evidence) facts_.Cite(LeafIndex(leaf));
    if (answer_.intervals_size() > 0) {
      Answer::Interval& last = *answer_.mutable_intervals(answer_.intervals_size() - 1);
      const bool same = last.state() == state && last.text() == text &&
                        last.configuration_digest() == configuration.configuration_digest();
      if (same) {
        *last.mutable_until() = ToProtoTime(until);
        return;
      }
    }
    Answer::Interval& interval = *answer_.add_intervals();
    *interval.mutable_from() = ToProtoTime(from);
    *interval.mutable_until() = ToProtoTime(until);
    interval.set_state(state);
    interval.set_configuration_digest(configuration.configuration_digest());
    interval.set_text(std::move(text));
    interval.mutable_verified_by()->Add(evidence.begin(), evidence.end());
  }

  Facts& facts_;
  const std::string unit_;
  const Timestamp from_;
  const Timestamp until_;
  Answer& answer_;
  std::map<std::string, std::optional<Verified>> verified_;
};

}  // namespace

Status AnswerCoverage(Facts& facts, const v1::CoverageQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp from, FromProtoTime(question.from(), "coverage.from"));
  ASSIGN_OR_RETURN(const Timestamp until, FromProtoTime(question.until(), "coverage.until"));
  if (from >= until) return absl::InvalidArgumentError("coverage.until: must be later than coverage.from");
  return Cover(facts, question.unit(), from, until, *answer.mutable_coverage()).Fill();
}

}  // namespace anamnesis
