#ifndef ANAMNESIS_TESTS_SUPPORT_SANITIZED_H_
#define ANAMNESIS_TESTS_SUPPORT_SANITIZED_H_

// Whether a test runs with a sanitizer, where everything takes some ten times as long.

#include <algorithm>

namespace anamnesis {

#ifndef __has_feature
#define ANAMNESIS_HAS_FEATURE(feature) 0
#else
#define ANAMNESIS_HAS_FEATURE(feature) __has_feature(feature)
#endif
inline constexpr bool kThreadSanitized = ANAMNESIS_HAS_FEATURE(thread_sanitizer) != 0;
inline constexpr bool kSanitized = kThreadSanitized || ANAMNESIS_HAS_FEATURE(address_sanitizer) != 0;
#undef ANAMNESIS_HAS_FEATURE

// How often something is tried that goes through random or all cases: a tenth of `times` under a sanitizer, and at
// least `least`.
constexpr int Repeated(int times, int least = 1) { return kSanitized ? std::max(least, times / 10) : times; }

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_SANITIZED_H_
