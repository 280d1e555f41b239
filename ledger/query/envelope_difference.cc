#include "ledger/query/envelope_difference.h"

#include <map>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "ledger/envelope/envelope.h"
#include "ledger/query/message_fields.h"

namespace anamnesis {
namespace {

using Dimension = v1::EnvelopeTerms::Dimension;
using Facet = v1::DiffAnswer::Facet;

// By what they are called in an answer.
std::map<std::string, const Dimension*> ByPath(const v1::EnvelopeTerms& terms) {
  std::map<std::string, const Dimension*> by_path;
  for (const Dimension& dimension : terms.dimensions()) {
    const std::string subgroup = dimension.subgroup().empty() ? "" : Text(" [", dimension.subgroup(), "]");
    by_path[Text(dimension.name(), subgroup)] = &dimension;
  }
  return by_path;
}

// All that it says, on one line.
std::string DimensionText(const Dimension& dimension) {
  std::string text;
  for (const auto& [name, value] : FieldTextsOf(dimension)) {
    if (name == "name" || name == "subgroup") continue;
    text += Text(text.empty() ? "" : ", ", name, " ", value);
  }
  return text;
}

v1::DiffAnswer::Allows AllowsBy(Comparison comparison) {
  if (comparison == Comparison::kNarrower) return v1::DiffAnswer::LESS;
  return comparison == Comparison::kWider ? v1::DiffAnswer::MORE : v1::DiffAnswer::OTHER;
}

void AddChange(const std::string& path, const Dimension* x, const Dimension* y, v1::DiffAnswer::Allows allows,
               Facet& facet) {
  v1::DiffAnswer::Change& change = *facet.add_changes();
  change.set_path(path);
  if (x != nullptr) change.set_x(DimensionText(*x));
  if (y != nullptr) change.set_y(DimensionText(*y));
  change.set_allows(allows);
}

void AddDimensions(const v1::EnvelopeTerms& x, const v1::EnvelopeTerms& y, Facet& facet) {
  const std::map<std::string, const Dimension*> before = ByPath(x);
  const std::map<std::string, const Dimension*> after = ByPath(y);
  for (const auto& [path, dimension] : before) {
    const auto found = after.find(path);
    // An envelope asks for each of its dimensions: one that is gone is asked for no longer.
    if (found == after.end()) {
      AddChange(path, dimension, nullptr, v1::DiffAnswer::MORE, facet);
      continue;
    }
    const Comparison comparison = Compare(*dimension, *found->second);
    if (comparison == Comparison::kEqual) {
      facet.set_same(facet.same() + 1);
    } else {
      AddChange(path, dimension, found->second, AllowsBy(comparison), facet);
    }
  }
  for (const auto& [path, dimension] : after) {
    if (before.count(path) == 0) AddChange(path, nullptr, dimension, v1::DiffAnswer::LESS, facet);
  }
}

}  // namespace

bool AddEnvelopeFacet(const Fact& x, const Fact& y, v1::DiffAnswer& answer) {
  const auto* before = x.body<v1::EnvelopeApproved>();
  const auto* after = y.body<v1::EnvelopeApproved>();
  if (before == nullptr || after == nullptr) return false;
  Facet& facet = *answer.add_facets();
  facet.set_name("envelope");
  for (const v1::EnvelopeApproved* body : {before, after}) {
    const Status sound = CheckEnvelope(body->terms());
    if (!sound.ok()) facet.add_missing(std::string(sound.message()));
  }
  if (facet.missing_size() > 0) return false;
  AddDimensions(before->terms(), after->terms(), facet);
  answer.set_envelope_class(ChangeBetween(before->terms(), after->terms()));
  return facet.changes_size() > 0;
}

}  // namespace anamnesis
