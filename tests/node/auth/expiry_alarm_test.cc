#include "node/auth/expiry_alarm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kHourUs = 3'600'000'000;
constexpr int64_t kDayUs = 24 * kHourUs;
constexpr Timestamp kEnd(1'800'000'000'000'000);

Timestamp Before(int64_t us) { return Timestamp(kEnd.us - us); }

TEST(ExpiryWarnings, BeginThirtyDaysBefore) {
  const std::vector<ExpiringCertificate> one = {{"the certificate CN=n1", kEnd}};
  EXPECT_THAT(ExpiryWarnings(one, Before(30 * kDayUs)), IsEmpty());
  EXPECT_THAT(ExpiryWarnings(one, Before(30 * kDayUs - 1)),
              ElementsAre(HasSubstr("the certificate CN=n1 expires in 29 days, at 2027-01-15T08:00:00Z")));
  EXPECT_THAT(ExpiryWarnings(one, Before(5 * kHourUs)), ElementsAre(HasSubstr("expires in 5 hours")));
  EXPECT_THAT(ExpiryWarnings(one, Before(-1)), ElementsAre(HasSubstr("EXPIRED")));
}

TEST(ExpiryAlarm, IsRaisedAtEachStageAndThenHourly) {
  const std::vector<ExpiringCertificate> one = {{"c", kEnd}};
  ExpiryAlarm alarm;
  EXPECT_THAT(alarm.Due(one, Before(31 * kDayUs)), IsEmpty());
  for (const int64_t days : {29, 6}) {
    EXPECT_THAT(alarm.Due(one, Before(days * kDayUs)), SizeIs(1));
    EXPECT_THAT(alarm.Due(one, Before(days * kDayUs - kHourUs)), IsEmpty());
    EXPECT_THAT(alarm.Due(one, Before(days * kDayUs - 20 * kHourUs)), IsEmpty());
  }
  int said = 0;
  // Every minute of the last day and of the day after it.
  for (int64_t minute = 24 * 60 - 1; minute > -24 * 60; --minute) {
    said += static_cast<int>(alarm.Due(one, Before(minute * kHourUs / 60)).size());
  }
  EXPECT_EQ(said, 48);
}

TEST(ExpiryAlarm, ANodeThatStartsLateSaysItOnce) {
  ExpiryAlarm alarm;
  EXPECT_THAT(alarm.Due({{"c", kEnd}}, Before(2 * kDayUs)), SizeIs(1));
  EXPECT_THAT(alarm.Due({{"c", kEnd}}, Before(2 * kDayUs - 1)), IsEmpty());
}

TEST(ExpiryAlarm, OneThatTakesAnothersPlaceBeginsAnew) {
  ExpiryAlarm alarm;
  EXPECT_THAT(alarm.Due({{"c", kEnd}}, Before(kHourUs)), SizeIs(1));
  const ExpiringCertificate renewed{"c", Timestamp(kEnd.us + 90 * kDayUs)};
  EXPECT_THAT(alarm.Due({renewed}, Before(kHourUs)), IsEmpty());
  EXPECT_THAT(alarm.Due({renewed}, Timestamp(kEnd.us + 61 * kDayUs)), SizeIs(1));
  // Two with one name, as in a bundle of CAs, are two.
  EXPECT_THAT(alarm.Due({{"ca", kEnd}, {"ca", Timestamp(kEnd.us + 1)}}, Before(kDayUs / 2)), SizeIs(2));
}

}  // namespace
}  // namespace anamnesis
