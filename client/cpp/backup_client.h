#ifndef ANAMNESIS_CLIENT_CPP_BACKUP_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_BACKUP_CLIENT_H_

// Backups of a node as its operators see them: proto/anamnesis/v1/backup.proto as C++ calls, with the codes stated
// there, plus UNAVAILABLE when the node can't be reached. Safe for concurrent use.

#include <memory>
#include <string>
#include <string_view>

#include "anamnesis/v1/backup.pb.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

class BackupClient {
 public:
  virtual ~BackupClient() = default;
  // Waits as long as it takes.
  virtual StatusOr<v1::CreateBackupResponse> Create(const v1::CreateBackupRequest& request) = 0;
  virtual StatusOr<v1::BackupList> List() = 0;
  virtual StatusOr<v1::BackupList> Drop(const v1::DropBackupsRequest& request) = 0;
};

// `address` is the HOST:PORT of one node: each has its own backups. INVALID_ARGUMENT when it has not this form, or as
// LoadIdentity fails (channel.h); nothing is connected yet.
StatusOr<std::unique_ptr<BackupClient>> ConnectBackups(std::string_view address, const TlsFiles& tls = {});

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_BACKUP_CLIENT_H_
