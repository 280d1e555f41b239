#ifndef ANAMNESIS_CLIENT_CLI_OPTION_CHECKS_H_
#define ANAMNESIS_CLIENT_CLI_OPTION_CHECKS_H_

// What values of options are checked for when the command line is parsed: so that a file that isn't there is wrong
// usage with every verb, before anything is done.

#include "CLI/CLI.hpp"

namespace anamnesis::cli {

// A file, or anything else but a directory, that this process may read.
CLI::Validator IsFileToRead();
// A directory that this process may read.
CLI::Validator IsDirectoryToRead();
// Either of them.
CLI::Validator IsPathToRead();
// The name of a file to make: its directory is there.
CLI::Validator IsFileToMake();
// Of the form of ISO 3166-1 alpha-2, which law's regions such as EU have too.
CLI::Validator IsCountryCode();
// A device unit's id, or device_unit:ID as events and answers name it, which it makes an id of: for transform().
CLI::Validator UnitId();

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_OPTION_CHECKS_H_
