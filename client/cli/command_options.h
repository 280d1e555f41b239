#ifndef ANAMNESIS_CLIENT_CLI_COMMAND_OPTIONS_H_
#define ANAMNESIS_CLIENT_CLI_COMMAND_OPTIONS_H_

// What a program was told on its command line, without the secrets among it: what is recorded is recorded for ever.
// Pure; safe from any thread.

#include <string>
#include <vector>

#include "client/cli/capture.h"

namespace anamnesis::cli {

// "--learning-rate 0.1", "-b 32", "--epochs=5" and "--amp" as learning_rate, b, epochs and amp ("true"); what is no
// option as argument_1, argument_2, and so on. Left out, and named as missing, is what is named like a secret: an
// option with the argument after it, whatever that is, a NAME=VALUE or NAME:VALUE wherever it stands, and a URL with a
// password. Of what a shell is given after -c, and of what follows that, only how many arguments there are. A secret
// that nothing names can't be told from other arguments.
CapturedTexts OptionsOf(const std::vector<std::string>& command);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_COMMAND_OPTIONS_H_
