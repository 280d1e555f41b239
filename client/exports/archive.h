#ifndef ANAMNESIS_CLIENT_EXPORTS_ARCHIVE_H_
#define ANAMNESIS_CLIENT_EXPORTS_ARCHIVE_H_

// An export as one tar file (POSIX ustar, by libarchive) that depends on nothing but the files' names and bytes:
// sorted, of nobody, without times. So an archive has one form, and one that isn't what packing its own files gives was
// altered.

#include <string>

#include "ledger/base/status.h"

namespace anamnesis::exports {

// Packs every file below `dir` into a file at `path`, which is there whole or not at all. INVALID_ARGUMENT: `dir` holds
// something that is neither a file nor a directory, or `path` can't be written.
Status PackArchive(const std::string& dir, const std::string& path);

// Unpacks into `dir`, which must be empty, and checks that packing what came out gives the same bytes.
// INVALID_ARGUMENT: it is no such archive or its names lead out of `dir`; UNAUTHENTICATED: it was altered between its
// files.
Status UnpackArchive(const std::string& path, const std::string& dir);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_ARCHIVE_H_
