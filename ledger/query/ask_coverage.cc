#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/item_evidence.h"
#include "ledger/query/item_history.h"
#include "ledger/query/unit_changes.h"
#include "ledger/state/configuration.h"

namespace anamnesis {
namespace {

using Answer = v1::CoverageAnswer;

class Cover {
 public:
  Cover(Facts& facts, std::string unit, Timestamp from, Timestamp until, v1::Answer& answer)
      : facts_(facts),
        unit_(std::move(unit)),
        from_(from),
        until_(until),
        answer_(*answer.mutable_coverage()),
        notes_(*answer.mutable_notes()) {}

  Status Fill() {
    ASSIGN_OR_RETURN(std::set<Timestamp> times, TimesOfChange(facts_, unit_, from_, until_, "coverage.unit"));
    times.insert({from_, until_});
    ASSIGN_OR_RETURN(known_until_, RecordedAt(facts_.rows(), LeafIndex(facts_.size().value - 1)));
    if (from_ < known_until_ && known_until_ < until_) times.insert(known_until_);
    for (auto time = times.begin(); std::next(time) != times.end(); ++time) {
      RETURN_IF_ERROR(AddSegment(*time, *std::next(time)));
    }
    return OkStatus();
  }

 private:
  Status AddSegment(Timestamp from, Timestamp until) {
    ASSIGN_OR_RETURN(const v1::Configuration configuration, RunningAt(facts_.rows(), unit_, from, facts_.size()));
    for (const uint64_t leaf : configuration.leaves()) facts_.Cite(LeafIndex(leaf));
    if (from >= known_until_) {
      Add(from, until, Answer::UNKNOWN, configuration,
          Text("nothing is recorded of it yet: the last event of the ledger was recorded at ",
               FormatTime(known_until_)));
      return OkStatus();
    }
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
    const bool runs = std::any_of(configuration.items().begin(), configuration.items().end(),
                                  [](const v1::ConfigurationItem& item) { return !item.empty(); });
    if (runs && configuration.configuration_digest().empty()) {
      Add(from, until, Answer::UNKNOWN, configuration, WhyUnknown(configuration));
      return OkStatus();
    }
    if (!runs) {
      Add(from, until, Answer::NOT_OPERATING, configuration, "nothing runs on it");
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const Ground ground, GroundOf(configuration));
    std::set<int64_t> times = {from.us, until.us};
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.has_item()) continue;
      ASSIGN_OR_RETURN(const ItemEvidence* evidence, EvidenceOf(item.item()));
      const std::vector<Timestamp>& all = evidence->times();
      for (auto time = std::upper_bound(all.begin(), all.end(), from); time != all.end() && *time < until; ++time) {
        times.insert(time->us);
      }
    }
    for (auto time = times.begin(); std::next(time) != times.end(); ++time) {
      RETURN_IF_ERROR(AddJudged(configuration, ground, Timestamp(*time), Timestamp(*std::next(time))));
    }
    return OkStatus();
  }

  // No evidence begins or ends within [from, until).
  Status AddJudged(const v1::Configuration& configuration, const Ground& ground, Timestamp from, Timestamp until) {
    std::set<uint64_t> leaves;
    bool certified = false;
    std::vector<const v1::ConfigurationItem*> unverified;
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.has_item()) continue;
      ASSIGN_OR_RETURN(const ItemEvidence* evidence, EvidenceOf(item.item()));
      const Verification verification = evidence->At(from, ground);
      if (verification.leaf.has_value()) leaves.insert(verification.leaf->value);
      if (!verification.leaf.has_value()) unverified.push_back(&item);
      certified |= verification.certified;
    }
    const v1::ConfigurationItem* lacking = FirstLacking(unverified, !leaves.empty(), certified);
    if (lacking == nullptr) {
      if (!certified) AddNotes(!unverified.empty());
      Add(from, until, Answer::VERIFIED, configuration, "", {leaves.begin(), leaves.end()});
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const ItemEvidence* evidence, EvidenceOf(lacking->item()));
    std::string why = evidence->WhyNot(from, ground);
    if (why.empty()) {
      const v1::EntityRef& item = lacking->item();
      // The ledger need not know what was measured.
      why = Text("no passed verification of ", item.kind().empty() ? DigestText(item.digest()) : EntityKeyText(item));
    }
    Add(from, until, Answer::UNVERIFIED, configuration, std::move(why));
    return OkStatus();
  }

  // The first of the unverified items that needs evidence of its own, what runs before the ground that it runs on;
  // nullptr when none does. A certificate is for an artifact on its baseline and substrate, so that it covers these
  // too. Without one the substrate counts with what was verified to run on it: no record can say it of the substrate
  // itself.
  static const v1::ConfigurationItem* FirstLacking(const std::vector<const v1::ConfigurationItem*>& unverified,
                                                   bool any_verified, bool certified) {
    const v1::ConfigurationItem* ground = nullptr;
    for (const v1::ConfigurationItem* item : unverified) {
      const bool is_substrate = item->surface() == kSubstrateSurface;
      if (!is_substrate && item->surface() != kBaselineSurface) return item;
      const bool covered = certified || (is_substrate && any_verified);
      if (!covered && ground == nullptr) ground = item;
    }
    return ground;
  }

  // What the verdict that tests alone give doesn't say.
  void AddNotes(bool on_substrate) {
    if (!std::exchange(tests_noted_, true)) {
      notes_.Add(
          "a passed test of any level counts: whether the tests are those that the item's safety class asks for, "
          "completeness tells");
    }
    if (on_substrate && !std::exchange(substrate_noted_, true)) {
      notes_.Add("no test can be recorded of a substrate: without a certificate it counts with what runs on it");
    }
  }

  StatusOr<Ground> GroundOf(const v1::Configuration& configuration) {
    Ground ground;
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.has_item()) continue;
      std::string* digest = item.surface() == kBaselineSurface    ? &ground.baseline
                            : item.surface() == kSubstrateSurface ? &ground.substrate
                                                                  : nullptr;
      if (digest == nullptr) continue;
      if (item.item().digest().algorithm() == v1::SHA256) *digest = item.item().digest().value();
      ASSIGN_OR_RETURN(const Fact* defined, facts_.Definition(item.item()));
      if (defined == nullptr) continue;
      if (const auto* baseline = defined->body<v1::BaselineEstablished>()) *digest = baseline->baseline_digest();
      if (const auto* substrate = defined->body<v1::SubstrateDefined>()) *digest = substrate->substrate_digest();
    }
    return ground;
  }

  static std::string WhyUnknown(const v1::Configuration& configuration) {
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.unknown_because().empty()) return Text(item.surface(), ": ", item.unknown_because());
    }
    return "what ran is not certain";
  }

  // Stays valid as long as this.
  StatusOr<const ItemEvidence*> EvidenceOf(const v1::EntityRef& item) {
    const std::string name = EntityKeyText(item);
    const auto known = evidence_.find(name);
    if (known != evidence_.end()) return &known->second;
    ASSIGN_OR_RETURN(ItemEvidence found, ItemEvidence::Of(facts_, item));
    return &evidence_.emplace(name, std::move(found)).first->second;
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
      const bool same =
          last.state() == state && last.text() == text &&
          last.configuration_digest() == configuration.configuration_digest() &&
          std::equal(last.verified_by().begin(), last.verified_by().end(), evidence.begin(), evidence.end());
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
  // When the last event was recorded: of what comes after, everything can still be told.
  Timestamp known_until_;
  Answer& answer_;
  google::protobuf::RepeatedPtrField<std::string>& notes_;
  bool tests_noted_ = false;
  bool substrate_noted_ = false;
  // By item.
  std::map<std::string, ItemEvidence> evidence_;
};

}  // namespace

Status AnswerCoverage(Facts& facts, const v1::CoverageQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp from, FromProtoTime(question.from(), "coverage.from"));
  ASSIGN_OR_RETURN(const Timestamp until, FromProtoTime(question.until(), "coverage.until"));
  if (from >= until) return absl::InvalidArgumentError("coverage.until: must be later than coverage.from");
  return Cover(facts, question.unit(), from, until, answer).Fill();
}

}  // namespace anamnesis
