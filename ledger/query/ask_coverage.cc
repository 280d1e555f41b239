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
#include "ledger/query/item_history.h"
#include "ledger/state/configuration.h"

namespace anamnesis {
namespace {

using Answer = v1::CoverageAnswer;

// Between two times at which something changes; more are refused rather than answered slowly.
constexpr size_t kSegmentsMax = 20'000;

// Something that shows an item to be verified, and when it holds: [from, until). Nobody could know before it was
// recorded.
struct Evidence {
  Timestamp from;
  Timestamp until = kTimestampLimit;
  Timestamp recorded;
  uint64_t leaf = 0;
  // Of a certificate: on what ground it holds, and why it ends.
  const v1::CertifiedState* ground = nullptr;
  std::string ended_by;
};

// The digests of what a certificate needs around its artifact; empty where the unit has none.
struct Ground {
  std::string baseline;
  std::string substrate;

  bool Fits(const Evidence& evidence) const {
    return evidence.ground == nullptr ||
           (evidence.ground->baseline_digest() == baseline && evidence.ground->substrate_digest() == substrate);
  }
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
      ASSIGN_OR_RETURN(const std::vector<Evidence>* evidence, EvidenceOf(item.item()));
      for (const Evidence& one : *evidence) {
        for (const Timestamp time : {one.from, one.until, one.recorded}) {
          if (time > from && time < until) times.insert(time.us);
        }
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
    const v1::ConfigurationItem* unverified = nullptr;
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.has_item()) continue;
      ASSIGN_OR_RETURN(const std::vector<Evidence>* evidence, EvidenceOf(item.item()));
      const bool certificates_only = IsCertified(*evidence, from);
      const auto holds = std::find_if(evidence->begin(), evidence->end(), [&](const Evidence& one) {
        return one.from <= from && from < one.until && one.recorded <= from && ground.Fits(one) &&
               (one.ground != nullptr || !certificates_only);
      });
      if (holds != evidence->end()) {
        leaves.insert(holds->leaf);
        certified |= holds->ground != nullptr;
      } else if (unverified == nullptr || IsGround(*unverified)) {
        unverified = &item;
      }
    }
    // A certificate is for an artifact on its baseline and substrate, so that it covers these too.
    if (unverified == nullptr || (certified && IsGround(*unverified))) {
      Add(from, until, Answer::VERIFIED, configuration, "", {leaves.begin(), leaves.end()});
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::vector<Evidence>* evidence, EvidenceOf(unverified->item()));
    Add(from, until, Answer::UNVERIFIED, configuration, WhyUnverified(unverified->item(), *evidence, ground, from));
    return OkStatus();
  }

  // Whether a certificate of it was known by then. What is tested before it is certified goes into the certificate:
  // from then on that alone says on what ground it is verified, and until when.
  static bool IsCertified(const std::vector<Evidence>& evidence, Timestamp at) {
    return std::any_of(evidence.begin(), evidence.end(),
                       [&](const Evidence& one) { return one.ground != nullptr && one.recorded <= at; });
  }

  static bool IsGround(const v1::ConfigurationItem& item) {
    return item.surface() == kBaselineSurface || item.surface() == kSubstrateSurface;
  }

  // What comes nearest to being enough.
  static std::string WhyUnverified(const v1::EntityRef& item, const std::vector<Evidence>& evidence,
                                   const Ground& ground, Timestamp at) {
    std::string later;
    const bool certificates_only = IsCertified(evidence, at);
    // The last to begin comes first.
    for (auto place = evidence.rbegin(); place != evidence.rend(); ++place) {
      const Evidence& one = *place;
      if (one.ground == nullptr && certificates_only) continue;
      if (one.from > at) {
        later = "verified only later";
      } else if (one.until <= at) {
        return one.ended_by;
      } else if (!ground.Fits(one)) {
        return Text("the certification of leaf ", one.leaf, " is for another baseline or substrate");
      } else {
        return Text("verified by then, but recorded only later (leaf ", one.leaf, ")");
      }
    }
    if (!later.empty()) return later;
    // The ledger need not know what was measured.
    return Text("no passed verification of ", item.kind().empty() ? DigestText(item.digest()) : EntityKeyText(item));
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

  // The passed test runs and evaluations and the certifications of exactly this version. Stays valid as long as this.
  StatusOr<const std::vector<Evidence>*> EvidenceOf(const v1::EntityRef& item) {
    const std::string name = EntityKeyText(item);
    const auto known = evidence_.find(name);
    if (known != evidence_.end()) return &known->second;
    std::vector<Evidence> found;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(item, "", kQuestionEventsMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts() || !Verifies(*fact, item)) continue;
      Evidence one;
      one.from = fact->latest();
      one.recorded = fact->event.recorded;
      one.leaf = index.value;
      if (const auto* issued = fact->body<v1::CertificationIssued>())
        RETURN_IF_ERROR(BoundByCertificate(*fact, *issued, one));
      found.push_back(std::move(one));
    }
    std::sort(found.begin(), found.end(), [](const Evidence& a, const Evidence& b) {
      return std::pair(a.from, a.leaf) < std::pair(b.from, b.leaf);
    });
    return &evidence_.emplace(name, std::move(found)).first->second;
  }

  // From when it is valid until it expires or is withdrawn.
  Status BoundByCertificate(const Fact& fact, const v1::CertificationIssued& issued, Evidence& evidence) {
    evidence.ground = &issued.state();
    evidence.from = std::max(evidence.from, Timestamp(issued.valid_from_us()));
    if (issued.valid_until_us() != 0) {
      evidence.until = Timestamp(issued.valid_until_us());
      evidence.ended_by = Text("the certification of leaf ", evidence.leaf, " had expired");
    }
    const v1::EntityRef* certification = FindReference(fact.header(), "certification");
    if (certification == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<const Fact*> withdrawn,
                     facts_.OfType(*certification, "certification", "certification.withdrawn", kQuestionEventsMax));
    for (const Fact* end : withdrawn) {
      const auto* body = end->body<v1::CertificationWithdrawn>();
      const bool given = body != nullptr && body->effective_from_us() != 0;
      const Timestamp from = given ? Timestamp(body->effective_from_us()) : end->earliest();
      if (from >= evidence.until) continue;
      evidence.until = from;
      evidence.ended_by =
          Text("the certification of leaf ", evidence.leaf, " was withdrawn (leaf ", end->event.index.value, ")");
    }
    return OkStatus();
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
  // By item.
  std::map<std::string, std::vector<Evidence>> evidence_;
};

}  // namespace

Status AnswerCoverage(Facts& facts, const v1::CoverageQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp from, FromProtoTime(question.from(), "coverage.from"));
  ASSIGN_OR_RETURN(const Timestamp until, FromProtoTime(question.until(), "coverage.until"));
  if (from >= until) return absl::InvalidArgumentError("coverage.until: must be later than coverage.from");
  return Cover(facts, question.unit(), from, until, *answer.mutable_coverage()).Fill();
}

}  // namespace anamnesis
