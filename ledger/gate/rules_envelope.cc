// What the adaptation may be: G05.

#include <algorithm>

#include "ledger/envelope/envelope.h"
#include "ledger/gate/measured.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/steps.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/edges.h"

namespace anamnesis::gate {
namespace {

// The activations of the unit in the period before the time of the decision, those that were taken back since too: the
// unit ran what it said that it ran, and taking the record back doesn't make room for more.
StatusOr<uint64_t> ActivationsWithin(Subject& s, uint64_t period_s, uint64_t enough) {
  if (s.request.restores) return uint64_t{0};
  const v1::EntityRef unit = ToEntity({"device_unit", s.request.unit});
  const int64_t begin = s.request.at.us - static_cast<int64_t>(std::min<uint64_t>(period_s, 1'000'000'000)) * 1'000'000;
  // Newest first. Records come late, so the walk goes on past those that are older, to where what was recorded before
  // the period begins: nothing is recorded before it happens.
  for (size_t step = 64; step < kTypedEventsMax; step *= 4) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     EventsOfType(s.facts.rows(), unit, "artifact.activated", s.facts.size(), step, true));
    uint64_t count = 0;
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, s.facts.At(index));
      if (fact->event.recorded.us <= begin) return count;
      const bool within = fact->latest().us > begin && fact->earliest() <= s.request.at;
      const v1::EntityRef* artifact = FindReference(fact->header(), "artifact");
      const bool is_of_what_runs = s.request.activated == fact->event.index;
      if (within && artifact->kind() == "artifact" && !is_of_what_runs) ++count;
      if (count >= enough) return count;
    }
    if (indexes.size() < step) return count;
  }
  // Too many to tell.
  return enough;
}

ReportedArtifact Reported(Subject& s) {
  ReportedArtifact reported;
  reported.produced = s.artifact;
  reported.at = s.request.at;
  reported.activations = [&s](uint64_t period_s, uint64_t enough) { return ActivationsWithin(s, period_s, enough); };
  return reported;
}

}  // namespace

Status JudgeEnvelope(Subject& s, Judgement& j) {
  if (s.produced == nullptr || s.envelopes.empty()) {
    j.Fail(s.produced == nullptr ? "the artifact is not recorded" : s.no_envelope_because);
    j.Rest(s.envelope_ended);
    return OkStatus();
  }
  j.Rest(s.produced);
  const auto* item = s.item_identified == nullptr ? nullptr : s.item_identified->body<v1::SoftwareItemIdentified>();
  if (item == nullptr || item->trainability() != v1::SoftwareItemIdentified::TRAINABLE) {
    j.Fail("the item is not identified as trainable, so it must not adapt");
  }
  j.Rest(s.item_identified);
  ReportedArtifact reported = Reported(s);
  const bool reads_metrics = std::any_of(s.envelopes.begin(), s.envelopes.end(), [](const EnvelopeInForce& envelope) {
    const auto& dimensions = envelope.terms->dimensions();
    return std::any_of(dimensions.begin(), dimensions.end(), [](const auto& dimension) {
      return dimension.kind() == "floor" || dimension.kind() == "ceiling";
    });
  });
  if (reads_metrics) {
    ASSIGN_OR_RETURN(reported.metrics, MetricsOf(s, j));
  }
  std::vector<const v1::EnvelopeTerms*> terms;
  for (const EnvelopeInForce& envelope : s.envelopes) {
    j.Rest(envelope.approved);
    terms.push_back(envelope.terms);
    reported.sum_of_steps = [&](std::string_view dimension, std::string_view unit) {
      return SumOfSteps(s, envelope, dimension, unit, j);
    };
    ASSIGN_OR_RETURN(const std::vector<std::string> reasons, WhyOutside(*envelope.terms, reported));
    for (const std::string& reason : reasons) j.Fail(Text("outside ", envelope.name, ": ", reason));
  }
  for (const std::string& dimension : Unnamed({terms.front()}, *s.artifact)) {
    j.Fail(Text("outside ", s.envelopes.front().name, ": it doesn't name ", dimension));
  }
  return OkStatus();
}

}  // namespace anamnesis::gate
