#ifndef ANAMNESIS_NODE_SERVICE_BACKUP_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_BACKUP_SERVICE_H_

// anamnesis.v1.BackupService: backups of this node's ledger, in the directory that the node was started with. They run
// on a thread of their own, one at a time.

#include <atomic>
#include <string>

#include "anamnesis/v1/backup.grpc.pb.h"
#include "node/service/context.h"

namespace anamnesis {

class BackupService : public v1::BackupService::CallbackService {
 public:
  // `dir` is empty for a node without backups. The workers of `context` are not used.
  BackupService(const ServiceContext& context, std::string dir);

  grpc::ServerUnaryReactor* CreateBackup(grpc::CallbackServerContext* call, const v1::CreateBackupRequest* request,
                                         v1::CreateBackupResponse* reply) override;
  grpc::ServerUnaryReactor* ListBackups(grpc::CallbackServerContext* call, const v1::ListBackupsRequest* request,
                                        v1::BackupList* reply) override;
  grpc::ServerUnaryReactor* DropBackups(grpc::CallbackServerContext* call, const v1::DropBackupsRequest* request,
                                        v1::BackupList* reply) override;

  // The backup that is being made is given up, and none is begun.
  void Drain() { draining_ = true; }
  // Runs what was begun and nothing more. REQUIRES: no call is open.
  void StopWorkers() { workers_.Stop(); }

 private:
  Status CheckDirectory() const;

  WorkerPool workers_;
  const ServiceContext context_;
  const std::string dir_;
  std::atomic<bool> draining_{false};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_BACKUP_SERVICE_H_
