#ifndef ANAMNESIS_CLIENT_CLI_BACKUP_H_
#define ANAMNESIS_CLIENT_CLI_BACKUP_H_

// The verbs that make and use backups (ledger/engine/backup.h).

#include "client/cli/context.h"

namespace anamnesis::cli {

void AddBackup(CLI::App& app);
void AddRestore(CLI::App& app);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_BACKUP_H_
