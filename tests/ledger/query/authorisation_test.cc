#include "ledger/query/authorisation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace anamnesis {
namespace {

using Entry = AuthorisationEntry;
using Kind = AuthorisationEntry::Kind;
using State = AuthorisationState::Kind;

v1::AuthorisationTerms Terms(int64_t from, int64_t until) {
  v1::AuthorisationTerms terms;
  terms.set_valid_from_us(from);
  terms.set_valid_until_us(until);
  return terms;
}

State At(const std::vector<Entry>& entries, int64_t at) { return AuthorisationAt(entries, Timestamp(at)).kind; }

TEST(Authorisation, IsInForceFromItsGrantUntilItsEnd) {
  const v1::AuthorisationTerms terms = Terms(5, 20);
  const std::vector<Entry> entries = {{Kind::kGranted, Timestamp(10), 1, &terms}};
  EXPECT_EQ(At(entries, 9), State::kGrantedLater) << "whatever it is valid from";
  EXPECT_EQ(At(entries, 10), State::kInForce);
  EXPECT_EQ(At(entries, 19), State::kInForce);
  EXPECT_EQ(At(entries, 20), State::kExpired);
}

TEST(Authorisation, TermsHoldFromTheirOwnTimeOn) {
  const v1::AuthorisationTerms first = Terms(0, 10);
  const v1::AuthorisationTerms second = Terms(0, 50);
  const std::vector<Entry> entries = {{Kind::kGranted, Timestamp(0), 1, &first},
                                      {Kind::kTerms, Timestamp(30), 2, &second}};
  EXPECT_EQ(At(entries, 20), State::kExpired) << "the end was moved later only";
  EXPECT_EQ(AuthorisationAt(entries, Timestamp(20)).terms->leaf, 1U);
  EXPECT_EQ(At(entries, 30), State::kInForce);
  EXPECT_EQ(AuthorisationAt(entries, Timestamp(30)).terms->leaf, 2U);
}

TEST(Authorisation, AReinstatementRevivesNothingThatIsOver) {
  const v1::AuthorisationTerms terms = Terms(0, 10);
  std::vector<Entry> entries = {{Kind::kGranted, Timestamp(0), 1, &terms},
                                {Kind::kReinstated, Timestamp(12), 3, nullptr},
                                {Kind::kSuspended, Timestamp(5), 2, nullptr}};
  EXPECT_EQ(At(entries, 6), State::kSuspended);
  EXPECT_EQ(AuthorisationAt(entries, Timestamp(6)).because->leaf, 2U);
  EXPECT_EQ(At(entries, 12), State::kExpired);
  const v1::AuthorisationTerms endless = Terms(0, 0);
  entries[0].terms = &endless;
  EXPECT_EQ(At(entries, 12), State::kInForce);
  entries.push_back({Kind::kWithdrawn, Timestamp(8), 4, nullptr});
  EXPECT_EQ(At(entries, 12), State::kWithdrawn);
}

TEST(Authorisation, WithoutABodyNothingIsKnownOfItsEnd) {
  const std::vector<Entry> entries = {{Kind::kGranted, Timestamp(3), 1, nullptr},
                                      {Kind::kTerms, Timestamp(4), 2, nullptr}};
  EXPECT_EQ(At(entries, 2), State::kGrantedLater);
  EXPECT_EQ(At(entries, 9), State::kInForce);
  EXPECT_EQ(AuthorisationAt(entries, Timestamp(9)).terms->leaf, 1U);
}

TEST(Authorisation, TurnsOnlyAtItsTurningPoints) {
  const v1::AuthorisationTerms terms = Terms(2, 9);
  const std::vector<Entry> entries = {{Kind::kGranted, Timestamp(1), 1, &terms},
                                      {Kind::kSuspended, Timestamp(4), 2, nullptr},
                                      {Kind::kReinstated, Timestamp(6), 3, nullptr}};
  const std::vector<Timestamp> turns = TurningPointsOf(entries);
  for (int64_t at = 1; at < 12; ++at) {
    if (At(entries, at) == At(entries, at - 1)) continue;
    EXPECT_NE(std::find(turns.begin(), turns.end(), Timestamp(at)), turns.end()) << at;
  }
}

}  // namespace
}  // namespace anamnesis
