#ifndef ANAMNESIS_CLIENT_CLI_KEY_ROTATION_H_
#define ANAMNESIS_CLIENT_CLI_KEY_ROTATION_H_

#include "CLI/CLI.hpp"

namespace anamnesis::cli {

// Adds the verbs of `key` for the keys of checkpoints: rotate, record, revoke, list and history.
void AddCheckpointKeyVerbs(CLI::App& key);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_KEY_ROTATION_H_
