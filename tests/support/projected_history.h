#ifndef ANAMNESIS_TESTS_SUPPORT_PROJECTED_HISTORY_H_
#define ANAMNESIS_TESTS_SUPPORT_PROJECTED_HISTORY_H_

// A log for tests of questions: each draft becomes a leaf and is projected, at a recorded time of the test's choice and
// without admission, so that a history may hold what a ledger would refuse.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/ids.h"
#include "ledger/store/store.h"
#include "tests/support/test_run.h"

namespace anamnesis {

// The draft of a body with references "ROLE=KIND:ID@VERSION" (as `anamnesis append --ref` takes them, without digests).
EventDraft WithRefs(EventDraft draft, const std::vector<std::string>& refs);
template <typename Body>
EventDraft DraftWith(Body body, const std::vector<std::string>& refs) {
  return WithRefs(Draft(std::move(body)), refs);
}

class ProjectedHistory {
 public:
  // The event's place. Recorded at its latest time of occurrence when `recorded` is not given.
  LeafIndex Add(EventDraft draft, Timestamp recorded = Timestamp(0), std::string_view writer = "ada");
  // From here on each event is sealed alone with the key, which must outlive this, for the ledger of this name; until
  // then none is.
  void SealWith(const PrivateKey& key, std::string origin);
  // Adds what takes the event away again.
  LeafIndex Retract(LeafIndex index);
  // What names the event in `corrects` and `causes`.
  static std::string IdOf(LeafIndex index);

  const Store& rows() const { return *store_; }
  TreeSize size() const { return TreeSize(count_); }

 private:
  std::unique_ptr<Store> store_ = MakeMemoryStore();
  uint64_t count_ = 0;
  const PrivateKey* seal_with_ = nullptr;
  std::string origin_ = "o";
  // By writer: the stream's length and last header.
  std::map<std::string, std::pair<uint64_t, Digest>, std::less<>> streams_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_PROJECTED_HISTORY_H_
