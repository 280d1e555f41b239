#include "node/auth/expiry_alarm.h"

#include <utility>

namespace anamnesis {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;
constexpr int64_t kDayUs = 24 * kHourUs;
// The stage from which a warning comes again and again.
constexpr int kUrgent = 3;

// 0 while there is no need to say anything.
int StageOf(const ExpiringCertificate& certificate, Timestamp now) {
  const int64_t left_us = certificate.not_after.us - now.us;
  if (left_us < kDayUs) return kUrgent;
  if (left_us < 7 * kDayUs) return 2;
  return left_us < 30 * kDayUs ? 1 : 0;
}

std::string Warning(const ExpiringCertificate& certificate, Timestamp now) {
  const int64_t left_us = certificate.not_after.us - now.us;
  const std::string at = FormatTime(certificate.not_after);
  if (left_us < 0) return Text(certificate.what, " EXPIRED at ", at, "; new connections fail until it is replaced");
  const bool days = left_us >= kDayUs;
  return Text(certificate.what, " expires in ", left_us / (days ? kDayUs : kHourUs), days ? " days" : " hours", ", at ",
              at, "; replace the file, the node takes it over by itself");
}

}  // namespace

std::vector<std::string> ExpiryWarnings(const std::vector<ExpiringCertificate>& certificates, Timestamp now) {
  std::vector<std::string> warnings;
  for (const ExpiringCertificate& certificate : certificates) {
    if (StageOf(certificate, now) > 0) warnings.push_back(Warning(certificate, now));
  }
  return warnings;
}

std::vector<std::string> ExpiryAlarm::Due(const std::vector<ExpiringCertificate>& certificates, Timestamp now) {
  std::vector<std::string> due;
  std::map<std::pair<std::string, Timestamp>, Said> said;
  for (const ExpiringCertificate& certificate : certificates) {
    const std::pair key(certificate.what, certificate.not_after);
    Said last = said_[key];
    const int stage = StageOf(certificate, now);
    const bool again = stage == kUrgent && now.us - last.at.us >= kHourUs;
    if (stage > last.stage || again) {
      due.push_back(Warning(certificate, now));
      last = {stage, now};
    }
    said.emplace(key, last);
  }
  // Certificates that are gone are forgotten.
  said_ = std::move(said);
  return due;
}

}  // namespace anamnesis
