#include "ledger/gate/stale_certifications.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/renewed_facts.h"
#include "ledger/gate/subject.h"
#include "ledger/query/configuration.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/standing_rows.h"

namespace anamnesis::gate {
namespace {

constexpr size_t kSoupsMax = 10'000;
// Activations of an artifact among which a unit is looked for that still runs it.
constexpr size_t kActivationsMax = 100;
// Certifications that are looked at for one answer.
constexpr size_t kLookedAtMax = 20'000;

// A substrate that a change of SOUP left behind.
struct Ground {
  v1::EntityRef substrate;
  v1::EntityRef soup;
  const Fact* changed = nullptr;
};

class Search {
 public:
  Search(Facts& facts, Timestamp now, size_t max)
      : facts_(facts), of_each_(facts.rows(), facts.size(), kQuestionEventsMax), now_(now), max_(max) {}

  StatusOr<StaleCertifications> Run() {
    RETURN_IF_ERROR(FindGrounds());
    for (const auto& [digest, ground] : grounds_) RETURN_IF_ERROR(AddCertifiedOn(digest, ground));
    StaleCertifications found;
    found.more = more_ || running_.size() + idle_.size() > max_;
    for (std::vector<StaleCertification>* list : {&running_, &idle_}) {
      std::sort(list->begin(), list->end(), [](const auto& a, const auto& b) { return a.issued < b.issued; });
      const size_t fit = std::min(list->size(), max_ - found.list.size());
      std::move(list->begin(), list->begin() + static_cast<ptrdiff_t>(fit), std::back_inserter(found.list));
    }
    return found;
  }

 private:
  Status FindGrounds() {
    ASSIGN_OR_RETURN(const std::vector<std::string> ids, facts_.DefinedIds("soup", "", kSoupsMax));
    for (const std::string& id : ids) {
      ASSIGN_OR_RETURN(const std::vector<std::string> versions, facts_.VersionsOf("soup", id, kSoupsMax));
      for (const std::string& version : versions) {
        v1::EntityRef soup = ToEntity({"soup", id});
        soup.set_version(version);
        RETURN_IF_ERROR(AddSoup(soup));
      }
    }
    return OkStatus();
  }

  Status AddSoup(const v1::EntityRef& soup) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> changes, facts_.Typed(soup, "soup.version_changed"));
    // The last one says whether this version is the one to use.
    if (changes.empty()) return OkStatus();
    const Fact* changed = changes.back();
    if (!SameEntity(*FindReference(changed->header(), "previous"), soup)) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<const Fact*> defined, facts_.Typed(soup, "substrate.defined"));
    for (const Fact* fact : defined) {
      const auto* body = fact->body<v1::SubstrateDefined>();
      if (body == nullptr) continue;
      grounds_.try_emplace(body->substrate_digest(),
                           Ground{Bare(*FindReference(fact->header(), "substrate")), soup, changed});
    }
    return OkStatus();
  }

  Status AddCertifiedOn(const std::string& digest, const Ground& ground) {
    std::vector<LeafIndex> issued;
    const size_t left = kLookedAtMax - looked_at_;
    const std::string prefix = Text(kCertifiedOnRows, digest);
    RETURN_IF_ERROR(
        facts_.rows().Scan(Family::kEntities, prefix, prefix, [&](std::string_view, std::string_view value) {
          ByteReader reader(value);
          const StatusOr<uint64_t> leaf = reader.BigEndian64();
          if (leaf.ok() && *leaf < facts_.size().value) issued.emplace_back(*leaf);
          return issued.size() <= left;
        }));
    looked_at_ += std::min(issued.size(), left);
    if (issued.size() > left) {
      issued.pop_back();
      more_ = true;
    }
    for (const LeafIndex leaf : issued) {
      // Nothing comes before these.
      if (running_.size() > max_) return OkStatus();
      RETURN_IF_ERROR(Add(leaf, ground));
    }
    return OkStatus();
  }

  Status Add(LeafIndex leaf, const Ground& ground) {
    Facts& facts = of_each_.Next();
    ASSIGN_OR_RETURN(const Fact* issued, facts.At(leaf));
    const v1::EntityRef artifact = Bare(*FindReference(issued->header(), "artifact"));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> activated,
                     facts.Typed(artifact, "artifact.activated", kActivationsMax, true));
    const bool idle_full = idle_.size() >= max_;
    if (activated.empty() && idle_full) {
      // There is no place for it, if it is one at all.
      more_ = true;
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const bool is_stale, IsStale(facts, *issued, artifact));
    if (!is_stale) return OkStatus();
    StaleCertification stale;
    ASSIGN_OR_RETURN(stale.runs_on, RunsOn(artifact, activated));
    stale.artifact = artifact;
    stale.issued = leaf;
    stale.changed = ground.changed->event.index;
    stale.why = Text(EntityKeyText(*FindReference(issued->header(), "certification")), " is for ",
                     EntityKeyText(ground.substrate), " with ", EntityKeyText(ground.soup), ", which was followed by ",
                     EntityKeyText(*FindReference(ground.changed->header(), "soup")), " (leaf ",
                     ground.changed->event.index.value, ")");
    if (!stale.runs_on.empty()) {
      running_.push_back(std::move(stale));
    } else if (!idle_full) {
      idle_.push_back(std::move(stale));
    } else {
      more_ = true;
    }
    return OkStatus();
  }

  // It holds, and the artifact is not certified on another ground that stands.
  StatusOr<bool> IsStale(Facts& facts, const Fact& issued, const v1::EntityRef& artifact) {
    ASSIGN_OR_RETURN(const bool holds, Holds(facts, issued));
    if (!holds) return false;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> others, facts.Typed(artifact, "certification.issued"));
    for (const Fact* other : others) {
      const auto* body = other->body<v1::CertificationIssued>();
      if (grounds_.count(body->state().substrate_digest()) > 0) continue;
      ASSIGN_OR_RETURN(const bool done_again, Holds(facts, *other));
      if (done_again) return false;
    }
    return true;
  }

  StatusOr<bool> Holds(Facts& facts, const Fact& issued) {
    if (!issued.counts()) return false;
    const Fact* ended = nullptr;
    const auto* body = issued.body<v1::CertificationIssued>();
    if (body == nullptr) return false;
    ASSIGN_OR_RETURN(const std::string why, WhyInactive(facts, issued, *body, now_, ended));
    return why.empty();
  }

  StatusOr<std::string> RunsOn(const v1::EntityRef& artifact, const std::vector<const Fact*>& activated) {
    for (const Fact* fact : activated) {
      const std::string& unit = FindReference(fact->header(), "unit")->id();
      ASSIGN_OR_RETURN(const v1::Configuration configuration,
                       ConfigurationAt(facts_.rows(), unit, now_, facts_.size()));
      const auto runs = [&](const v1::ConfigurationItem& item) {
        return item.has_item() && item.confidence() != v1::UNKNOWN && SameEntity(item.item(), artifact);
      };
      if (std::any_of(configuration.items().begin(), configuration.items().end(), runs)) return unit;
    }
    return std::string();
  }

  // For the grounds, and for one certification after another.
  Facts& facts_;
  RenewedFacts of_each_;
  const Timestamp now_;
  const size_t max_;
  // By digest.
  std::map<std::string, Ground> grounds_;
  size_t looked_at_ = 0;
  // Of artifacts that run somewhere, one too many at most, and of the others.
  std::vector<StaleCertification> running_;
  std::vector<StaleCertification> idle_;
  bool more_ = false;
};

}  // namespace

StatusOr<StaleCertifications> FindStaleCertifications(Facts& facts, Timestamp now, size_t max) {
  return Search(facts, now, max).Run();
}

}  // namespace anamnesis::gate
