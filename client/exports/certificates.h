#ifndef ANAMNESIS_CLIENT_EXPORTS_CERTIFICATES_H_
#define ANAMNESIS_CLIENT_EXPORTS_CERTIFICATES_H_

// What became of the certificates of an artifact: a withdrawal names the certificate alone, so that the artifact's own
// history knows nothing of it.

#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/exports/ledger_view.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis::exports {

struct Certificate {
  v1::LeafReference issued;
  // Of the event that issued it: the certification, the envelope and the protocol are among them.
  std::vector<v1::EntityRef> refs;
  std::string name;
  // What is recorded of the runs in the sandbox that it rests on.
  std::vector<v1::LeafReference> sandbox_runs;
  // [from, until); absent when it ends never, or its body is erased.
  Timestamp from;
  std::optional<Timestamp> until;
  // The first withdrawal that has effect.
  std::optional<v1::LeafReference> withdrawn;
  Timestamp withdrawn_from;

  bool InForceAt(Timestamp time) const;
  // "in force until 2026-05-01T00:00:00Z", "withdrawn since …", "expired …", "not issued yet".
  std::string StateAt(Timestamp time) const;
};

// Those that count, in log order.
StatusOr<std::vector<Certificate>> CertificatesOf(const LedgerView& view, const v1::EntityRef& artifact);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_CERTIFICATES_H_
