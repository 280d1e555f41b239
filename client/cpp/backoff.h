#ifndef ANAMNESIS_CLIENT_CPP_BACKOFF_H_
#define ANAMNESIS_CLIENT_CPP_BACKOFF_H_

// How long to wait before something is tried again.

#include <chrono>

namespace anamnesis {

struct Backoff {
  // Before the second try; each further wait is twice as long, and up to half of each is left to chance, so that
  // clients that were cut off together don't come back together.
  std::chrono::milliseconds first_wait{100};
  std::chrono::milliseconds longest_wait{3000};

  // `next_try` is at least 2.
  std::chrono::milliseconds WaitBeforeTry(int next_try) const;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_BACKOFF_H_
