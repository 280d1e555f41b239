#include "ledger/gate/stale_certifications.h"

#include <algorithm>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/subject.h"
#include "ledger/query/configuration.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/standing_rows.h"

namespace anamnesis::gate {
namespace {

constexpr size_t kSoupsMax = 10'000;
// Activations of an artifact among which a unit is looked for that still runs it.
constexpr size_t kActivationsMax = 100;

// A substrate that a change of SOUP left behind.
struct Ground {
  v1::EntityRef substrate;
  v1::EntityRef soup;
  const Fact* changed = nullptr;
};

class Search {
 public:
  Search(Facts& facts, Timestamp now) : facts_(facts), now_(now) {}

  StatusOr<StaleCertifications> Run() {
    RETURN_IF_ERROR(FindGrounds());
    for (const auto& [digest, ground] : grounds_) RETURN_IF_ERROR(AddCertifiedOn(digest, ground));
    std::stable_sort(found_.list.begin(), found_.list.end(), [](const auto& a, const auto& b) {
      return a.runs_on.empty() != b.runs_on.empty() ? b.runs_on.empty() : a.issued < b.issued;
    });
    return std::move(found_);
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
    const std::string prefix = Text(kCertifiedOnRows, digest);
    RETURN_IF_ERROR(
        facts_.rows().Scan(Family::kEntities, prefix, prefix, [&](std::string_view, std::string_view value) {
          ByteReader reader(value);
          const StatusOr<uint64_t> leaf = reader.BigEndian64();
          if (leaf.ok() && *leaf < facts_.size().value) issued.emplace_back(*leaf);
          return true;
        }));
    for (const LeafIndex leaf : issued) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(leaf));
      RETURN_IF_ERROR(Add(*fact, ground));
    }
    return OkStatus();
  }

  Status Add(const Fact& issued, const Ground& ground) {
    const v1::EntityRef artifact = Bare(*FindReference(issued.header(), "artifact"));
    ASSIGN_OR_RETURN(const bool holds, Holds(issued));
    if (!holds) return OkStatus();
    ASSIGN_OR_RETURN(const std::vector<const Fact*> others, facts_.Typed(artifact, "certification.issued"));
    for (const Fact* other : others) {
      const auto* body = other->body<v1::CertificationIssued>();
      if (grounds_.count(body->state().substrate_digest()) > 0) continue;
      ASSIGN_OR_RETURN(const bool done_again, Holds(*other));
      if (done_again) return OkStatus();
    }
    found_.more = found_.list.size() >= kStaleCertificationsMax;
    if (found_.more) return OkStatus();
    StaleCertification& stale = found_.list.emplace_back();
    stale.artifact = artifact;
    stale.issued = issued.event.index;
    stale.changed = ground.changed->event.index;
    stale.why = Text(EntityKeyText(*FindReference(issued.header(), "certification")), " is for ",
                     EntityKeyText(ground.substrate), " with ", EntityKeyText(ground.soup), ", which was followed by ",
                     EntityKeyText(*FindReference(ground.changed->header(), "soup")), " (leaf ",
                     ground.changed->event.index.value, ")");
    ASSIGN_OR_RETURN(stale.runs_on, RunsOn(artifact));
    return OkStatus();
  }

  StatusOr<bool> Holds(const Fact& issued) {
    if (!issued.counts()) return false;
    const Fact* ended = nullptr;
    const auto* body = issued.body<v1::CertificationIssued>();
    if (body == nullptr) return false;
    ASSIGN_OR_RETURN(const std::string why, WhyInactive(facts_, issued, *body, now_, ended));
    return why.empty();
  }

  StatusOr<std::string> RunsOn(const v1::EntityRef& artifact) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> activated,
                     facts_.Typed(artifact, "artifact.activated", kActivationsMax, true));
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

  Facts& facts_;
  const Timestamp now_;
  // By digest.
  std::map<std::string, Ground> grounds_;
  StaleCertifications found_;
};

}  // namespace

StatusOr<StaleCertifications> FindStaleCertifications(Facts& facts, Timestamp now) { return Search(facts, now).Run(); }

}  // namespace anamnesis::gate
