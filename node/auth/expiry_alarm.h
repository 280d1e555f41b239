#ifndef ANAMNESIS_NODE_AUTH_EXPIRY_ALARM_H_
#define ANAMNESIS_NODE_AUTH_EXPIRY_ALARM_H_

// Says that certificates are about to expire, early enough to do something, and then more and more often. Reads no
// clock.

#include <map>
#include <string>
#include <vector>

#include "ledger/base/time.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// One line for each certificate that has less than 30 days left, or none: "the certificate … expires in 6 days, at …".
std::vector<std::string> ExpiryWarnings(const std::vector<ExpiringCertificate>& certificates, Timestamp now);

// Used by one thread.
class ExpiryAlarm {
 public:
  // Those of ExpiryWarnings that are to be said now: when a certificate comes below 30 days, 7 days and 1 day, and then
  // once an hour, also after it has expired.
  std::vector<std::string> Due(const std::vector<ExpiringCertificate>& certificates, Timestamp now);

 private:
  struct Said {
    int stage = 0;
    Timestamp at;
  };
  // By certificate and end: one that takes another's place begins anew.
  std::map<std::pair<std::string, Timestamp>, Said> said_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_AUTH_EXPIRY_ALARM_H_
