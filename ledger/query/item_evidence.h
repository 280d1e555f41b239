#ifndef ANAMNESIS_LEDGER_QUERY_ITEM_EVIDENCE_H_
#define ANAMNESIS_LEDGER_QUERY_ITEM_EVIDENCE_H_

// What shows that one version of an item was verified, and when: passed test runs and evaluations of it, and
// certifications of it for the ground that it runs on. Of each test the last result decides, from when it was recorded:
// nobody could know before. What is tested before it is certified goes into the certificate: from then on that alone
// says on what ground the item is verified and until when, unless a test fails after it. Pure.

#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// The digests of what a certificate needs around its artifact; empty where the unit has none.
struct Ground {
  std::string baseline;
  std::string substrate;
};

struct Verification {
  // What shows it; nullopt: nothing does.
  std::optional<LeafIndex> leaf;
  // By a certificate, which covers its ground too.
  bool certified = false;
};

class ItemEvidence {
 public:
  // Of exactly this version. Fails as Facts does; `facts` must outlive it.
  static StatusOr<ItemEvidence> Of(Facts& facts, const v1::EntityRef& item);

  // When what is said of the item may change, ascending.
  const std::vector<Timestamp>& times() const { return times_; }

  // Whether the item was known to be verified at a time.
  Verification At(Timestamp at, const Ground& ground) const;
  // Of an item that wasn't: what comes nearest to being enough; empty when nothing was ever recorded.
  std::string WhyNot(Timestamp at, const Ground& ground) const;

 private:
  // It holds in [from, until).
  struct Evidence {
    Timestamp from;
    Timestamp until = kTimestampLimit;
    const Fact* fact = nullptr;
    // Of a certificate: for what state, and why it ends.
    const v1::CertifiedState* state = nullptr;
    std::string ended_by;

    bool IsFor(const Ground& ground) const;
    bool IsKnown(Timestamp at) const { return fact->event.recorded <= at; }
    bool Holds(Timestamp at, const Ground& ground) const;
  };

  // The results of all tests as known from a time on.
  struct Results {
    Timestamp from;
    // One of those whose last result is that they passed, and the newest of those that failed; nullptr: there is none.
    const Fact* passed = nullptr;
    const Fact* failed = nullptr;
  };

  Status AddCertificate(Facts& facts, const Fact& fact, const v1::EntityRef& item);
  void AddResults(std::vector<const Fact*> tests);
  void Sort();
  bool IsCertified(Timestamp at) const;
  const Results* ResultsAt(Timestamp at) const;

  // By when it begins.
  std::vector<Evidence> evidence_;
  std::vector<Results> results_;
  std::vector<Timestamp> times_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ITEM_EVIDENCE_H_
