#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "ledger/base/decimal.h"
#include "ledger/envelope/envelope.h"
#include "ledger/envelope/kinds.h"

namespace anamnesis {
namespace {

using Dimension = v1::EnvelopeTerms::Dimension;

Comparison Both(Comparison a, Comparison b) {
  if (a == Comparison::kEqual) return b;
  if (b == Comparison::kEqual || a == b) return a;
  return Comparison::kIncomparable;
}

// Of an upper bound: a smaller one is narrower, none is the widest.
Comparison CompareUpper(std::string_view before, std::string_view after) {
  if (before.empty() || after.empty()) {
    if (before.empty() && after.empty()) return Comparison::kEqual;
    return after.empty() ? Comparison::kWider : Comparison::kNarrower;
  }
  const StatusOr<Decimal> b = Decimal::Parse(before);
  const StatusOr<Decimal> a = Decimal::Parse(after);
  if (!b.ok() || !a.ok()) return Comparison::kIncomparable;
  if (*a == *b) return Comparison::kEqual;
  return *a < *b ? Comparison::kNarrower : Comparison::kWider;
}

Comparison Mirrored(Comparison of_upper) {
  if (of_upper == Comparison::kNarrower) return Comparison::kWider;
  return of_upper == Comparison::kWider ? Comparison::kNarrower : of_upper;
}

Comparison CompareLower(std::string_view before, std::string_view after) {
  if (before.empty() || after.empty()) return CompareUpper(before, after);
  return Mirrored(CompareUpper(before, after));
}

Comparison CompareSets(const Dimension& before, const Dimension& after) {
  const std::set<std::string> b(before.symbols().begin(), before.symbols().end());
  const std::set<std::string> a(after.symbols().begin(), after.symbols().end());
  if (a == b) return Comparison::kEqual;
  // Without symbols a domain or a source of data is not restricted.
  if (!RequiresSymbols(before) && b.empty()) return Comparison::kNarrower;
  if (!RequiresSymbols(before) && a.empty()) return Comparison::kWider;
  if (std::includes(b.begin(), b.end(), a.begin(), a.end())) return Comparison::kNarrower;
  if (std::includes(a.begin(), a.end(), b.begin(), b.end())) return Comparison::kWider;
  return Comparison::kIncomparable;
}

// Fewer in a longer time is narrower.
Comparison CompareRates(const Dimension& before, const Dimension& after) {
  const Comparison count = CompareUpper(before.high(), after.high());
  if (before.per_period_s() == after.per_period_s()) return count;
  return Both(count, after.per_period_s() > before.per_period_s() ? Comparison::kNarrower : Comparison::kWider);
}

Comparison CompareNumbers(uint64_t before, uint64_t after, bool zero_is_unbounded) {
  if (before == after) return Comparison::kEqual;
  if (zero_is_unbounded && before == 0) return Comparison::kNarrower;
  if (zero_is_unbounded && after == 0) return Comparison::kWider;
  return after < before ? Comparison::kNarrower : Comparison::kWider;
}

using Key = std::pair<std::string, std::string>;

std::map<Key, const Dimension*> ByKey(const v1::EnvelopeTerms& terms) {
  std::map<Key, const Dimension*> by_key;
  for (const Dimension& dimension : terms.dimensions()) by_key[{dimension.name(), dimension.subgroup()}] = &dimension;
  return by_key;
}

}  // namespace

Comparison Compare(const Dimension& before, const Dimension& after) {
  const bool same_question = before.kind() == after.kind() && before.unit() == after.unit() &&
                             before.norm() == after.norm() && before.confidence() == after.confidence() &&
                             before.of() == after.of();
  if (!same_question) return Comparison::kIncomparable;
  if (before.kind() == "rate") return CompareRates(before, after);
  Comparison result = Both(CompareLower(before.low(), after.low()), CompareUpper(before.high(), after.high()));
  result = Both(result, CompareSets(before, after));
  result = Both(result, Mirrored(CompareNumbers(before.minimum(), after.minimum(), false)));
  return Both(result, CompareNumbers(before.age_max_s(), after.age_max_s(), true));
}

v1::EnvelopeTerms::ChangeClass ChangeBetween(const v1::EnvelopeTerms& before, const v1::EnvelopeTerms& after) {
  if (before.jurisdiction() != after.jurisdiction() || before.site() != after.site()) {
    return v1::EnvelopeTerms::EXPANSION;
  }
  const std::map<Key, const Dimension*> old_ones = ByKey(before);
  const std::map<Key, const Dimension*> new_ones = ByKey(after);
  bool narrower = false;
  for (const auto& [key, dimension] : old_ones) {
    const auto now = new_ones.find(key);
    if (now == new_ones.end()) return v1::EnvelopeTerms::EXPANSION;
    const Comparison comparison = Compare(*dimension, *now->second);
    if (comparison == Comparison::kWider || comparison == Comparison::kIncomparable) {
      return v1::EnvelopeTerms::EXPANSION;
    }
    narrower |= comparison == Comparison::kNarrower;
  }
  narrower |= new_ones.size() > old_ones.size();
  return narrower ? v1::EnvelopeTerms::CONTRACTION : v1::EnvelopeTerms::NONE;
}

}  // namespace anamnesis
