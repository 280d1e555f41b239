#include "ledger/commit/roll_digest.h"

#include <string>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr std::string_view kDomain("anamnesis.state-digest.v1\0", 26);
// Rows are gathered, since most are small and a hasher is slow at small pieces.
constexpr size_t kGatheredBytes = 8192;

void AppendLengthPrefixed(std::string& out, std::string_view bytes) {
  AppendBigEndian32(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

bool IsOfTheTree(Family family) {
  return family == Family::kLeaves || family == Family::kBodies || family == Family::kTiles;
}

}  // namespace

Digest RollDigest(const Digest& previous, const StateDigest& next, Timestamp last_recorded, const Rows& written) {
  Sha256Hasher hasher;
  std::string gathered(kDomain);
  gathered.reserve(2 * kGatheredBytes);
  gathered.append(previous.view());
  AppendBigEndian64(gathered, next.revision.value);
  AppendBigEndian64(gathered, next.size.value);
  gathered.append(next.root.view());
  AppendOrdered64(gathered, last_recorded.us);
  // In the order in which they were put, which is the same on every node.
  for (const Row& row : written) {
    if (IsOfTheTree(row.family)) continue;
    AppendLengthPrefixed(gathered, FamilyName(row.family));
    AppendLengthPrefixed(gathered, row.key);
    AppendLengthPrefixed(gathered, row.value);
    if (gathered.size() < kGatheredBytes) continue;
    hasher.Update(gathered);
    gathered.clear();
  }
  hasher.Update(gathered);
  return hasher.Finish();
}

}  // namespace anamnesis
