#ifndef ANAMNESIS_CLIENT_DATASET_REDACT_H_
#define ANAMNESIS_CLIENT_DATASET_REDACT_H_

#include <cstdint>
#include <set>
#include <string>

#include "ledger/base/status.h"

namespace anamnesis {

struct Redaction {
  std::set<std::string, std::less<>> record_ids;
  // All members with one of these subject ids.
  std::set<std::string, std::less<>> subject_ids;
};

struct Redacted {
  // Members erased now, and those named by record id that had been erased before.
  uint64_t erased = 0;
  uint64_t erased_before = 0;
};

// Erases members from a member file: what is said of them and their nonces are destroyed, their sort keys and
// commitments stay, so that the root still verifies and nobody can open or test a guess of what they were. The file is
// verified whole first. A new file is written and takes the old one's place durably; only then the old one's bytes are
// overwritten. Until they are, the old one has the name PATH.erasing (where the file system can give a second name),
// and redacting the file again, whatever is to be erased, first overwrites what a call that was broken off left there.
// A disk that keeps what is overwritten (flash, snapshots, backups) needs erasing of its own.
//
// INVALID_ARGUMENT when an id is none, or `path` is a symbolic link. NOT_FOUND when a record is no member, or no member
// that is left names a subject: then nothing is erased. FAILED_PRECONDITION when the file has a second name, whose
// content would be lost, when something else is at PATH.erasing, or another process redacts it. DATA_LOSS when the file
// is damaged. INTERNAL when the old file could not be overwritten: the new one is in place then, and the message says
// so.
StatusOr<Redacted> RedactMemberFile(const std::string& path, const Redaction& redaction);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_REDACT_H_
