#include "node/service/backup_service.h"

#include <utility>

namespace anamnesis {
namespace {

constexpr size_t kWorkers = 1;
constexpr size_t kWaitingMax = 8;

}  // namespace

BackupService::BackupService(const ServiceContext& context, std::string dir)
    : workers_(kWorkers, kWaitingMax),
      context_{context.ledger, workers_, context.failures, context.access},
      dir_(std::move(dir)) {}

Status BackupService::CheckDirectory() const {
  if (!dir_.empty()) return OkStatus();
  return absl::FailedPreconditionError("this node has no directory for backups; start it with --backups DIR");
}

grpc::ServerUnaryReactor* BackupService::CreateBackup(grpc::CallbackServerContext* call,
                                                      const v1::CreateBackupRequest* request,
                                                      v1::CreateBackupResponse* reply) {
  return AnswerOnWorker(context_, call, "CreateBackup", request, reply,
                        [this, call, request]() -> StatusOr<v1::CreateBackupResponse> {
                          RETURN_IF_ERROR(CheckDirectory());
                          return context_.ledger.CreateBackup(
                              dir_, *request, [this, call] { return !draining_ && !call->IsCancelled(); });
                        });
}

grpc::ServerUnaryReactor* BackupService::ListBackups(grpc::CallbackServerContext* call,
                                                     const v1::ListBackupsRequest* request, v1::BackupList* reply) {
  return AnswerOnWorker(context_, call, "ListBackups", request, reply, [this]() -> StatusOr<v1::BackupList> {
    RETURN_IF_ERROR(CheckDirectory());
    return context_.ledger.ListBackups(dir_);
  });
}

grpc::ServerUnaryReactor* BackupService::DropBackups(grpc::CallbackServerContext* call,
                                                     const v1::DropBackupsRequest* request, v1::BackupList* reply) {
  return AnswerOnWorker(context_, call, "DropBackups", request, reply, [this, request]() -> StatusOr<v1::BackupList> {
    RETURN_IF_ERROR(CheckDirectory());
    return context_.ledger.DropBackups(dir_, *request);
  });
}

}  // namespace anamnesis
