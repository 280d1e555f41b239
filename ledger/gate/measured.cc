#include "ledger/gate/measured.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/envelope/candidate.h"
#include "ledger/event/names.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/test_results.h"

namespace anamnesis::gate {
namespace {

// The artifact's bytes as they were recorded when `measured` was: by the last of the records that its record takes the
// place of, directly or over others. nullopt when that can't be told.
StatusOr<std::optional<std::string>> BytesAsOf(Subject& s, const Fact& measured) {
  const Fact* produced = s.produced;
  while (RecordedEarlier(&measured, produced)) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> before, FindEvent(s.facts.rows(), produced->header().corrects()));
    if (!before.has_value() || produced->event.index <= *before) return std::optional<std::string>();
    ASSIGN_OR_RETURN(produced, s.facts.At(*before));
    if (produced->body<v1::ArtifactProduced>() == nullptr) return std::optional<std::string>();
  }
  const v1::EntityRef* artifact = FindReference(produced->header(), "artifact");
  if (artifact == nullptr) return std::optional<std::string>();
  return std::optional<std::string>(DigestOfArtifact(*artifact, *produced->body<v1::ArtifactProduced>()));
}

// Of the events of a type about the artifact, those of the bytes that it is recorded with now, by their places in time.
StatusOr<std::vector<const Fact*>> AboutArtifact(Subject& s, std::string_view type) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> all, s.facts.Typed(Bare(s.request.artifact), type));
  std::vector<const Fact*> found;
  for (const Fact* fact : all) {
    if (!HappenedBy(*fact, s.request.at)) continue;
    if (!CountsFor(s, *fact)) {
      ASSIGN_OR_RETURN(const std::optional<std::string> bytes, BytesAsOf(s, *fact));
      if (bytes.has_value() && *bytes != s.artifact_digest) continue;
    }
    found.push_back(fact);
  }
  std::sort(found.begin(), found.end(), StandsEarlier);
  return found;
}

}  // namespace

bool CountsFor(const Subject& s, const Fact& measured) {
  return s.produced == nullptr || !s.produced_anew || !RecordedEarlier(&measured, s.produced);
}

StatusOr<std::vector<const Fact*>> FailedTests(Subject& s) {
  const v1::EntityRef artifact = Bare(s.request.artifact);
  ASSIGN_OR_RETURN(std::vector<const Fact*> results, AboutArtifact(s, "test_run.completed"));
  std::erase_if(results, [&](const Fact* fact) {
    return fact->body<v1::TestRunCompleted>()->configuration_digest() != s.candidate;
  });
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluations, EvaluationsOf(s));
  results.insert(results.end(), evaluations.begin(), evaluations.end());
  std::erase_if(results, [&](const Fact* fact) { return !ResultFor(*fact, artifact).has_value(); });
  std::vector<const Fact*> failed;
  for (const auto& [test, last] : LastOfEachTest(results)) {
    if (!*ResultFor(*last, artifact)) failed.push_back(last);
  }
  return failed;
}

StatusOr<std::vector<const Fact*>> EvaluationsOf(Subject& s) { return AboutArtifact(s, "evaluation.completed"); }

StatusOr<MeasuredMetrics> MetricsOf(Subject& s, Judgement& j) {
  struct Measured {
    // All that the evaluation gives for it: one that contradicts itself counts by its worst.
    std::vector<const v1::Metric*> metrics;
    const Fact* by = nullptr;
  };
  std::map<std::tuple<std::string, std::string, std::string>, Measured> last;
  ASSIGN_OR_RETURN(const std::vector<const Fact*> evaluations, EvaluationsOf(s));
  for (const Fact* fact : evaluations) {
    for (const v1::Metric& metric : fact->body<v1::EvaluationCompleted>()->metrics()) {
      Measured& measured = last[{TestOf(*fact), metric.name(), metric.subgroup()}];
      if (measured.by != fact) measured = {{}, fact};
      measured.metrics.push_back(&metric);
    }
  }
  MeasuredMetrics metrics;
  for (const auto& [what, measured] : last) {
    for (const v1::Metric* metric : measured.metrics) metrics.push_back({metric, CountsFor(s, *measured.by)});
    j.Rest(measured.by);
  }
  return metrics;
}

}  // namespace anamnesis::gate
