#ifndef ANAMNESIS_LEDGER_QUERY_RECORDING_GAP_H_
#define ANAMNESIS_LEDGER_QUERY_RECORDING_GAP_H_

// The bins of histograms of how long after it happened an event was recorded. Pure.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace anamnesis {

// Upper ends; what is above is in one more.
inline constexpr std::array<int64_t, 6> kGapBinsUs = {1'000'000,      60'000'000,         3'600'000'000,
                                                      86'400'000'000, 7 * 86'400'000'000, 30 * 86'400'000'000};
inline constexpr size_t kGapBins = kGapBinsUs.size() + 1;

inline size_t GapBinOf(int64_t gap_us) {
  return static_cast<size_t>(std::lower_bound(kGapBinsUs.begin(), kGapBinsUs.end(), gap_us) - kGapBinsUs.begin());
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_RECORDING_GAP_H_
