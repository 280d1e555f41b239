#ifndef ANAMNESIS_LEDGER_KEYS_KEY_FILE_H_
#define ANAMNESIS_LEDGER_KEYS_KEY_FILE_H_

// Signing keys as files, in the textual form of Go's sumdb/note, so that other tools of the transparency ecosystem can
// use them: one line "PRIVATE+KEY+<name>+<hex8 key id>+<base64(0x01 || seed)>". This room reads and writes files. Safe
// from any thread.

#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

struct NamedKey {
  std::string name;
  PrivateKey key;
};

// Makes a key from fresh randomness and writes it to a new file at `path`, readable by its owner only, synced with its
// directory before this returns. A file that exists is never overwritten.
// INVALID_ARGUMENT for a bad name (CheckKeyName); ALREADY_EXISTS when there is anything at `path`; NOT_FOUND when its
// directory does not exist; PERMISSION_DENIED when it may not be written to; INTERNAL when writing or syncing fails: no
// file is left then, unless the message says so.
StatusOr<NamedKey> NewKeyFile(const std::string& path, std::string_view name);

// Reads a key file; one newline at its end is allowed.
// NOT_FOUND when there is none; PERMISSION_DENIED when it may not be read; FAILED_PRECONDITION, with the remedy, when
// group or others have any right to it; INVALID_ARGUMENT, naming the file but no part of its content, when it is not a
// regular file in the form above or its key id does not belong to name and seed; INTERNAL when reading fails.
StatusOr<NamedKey> ReadKeyFile(const std::string& path);

// The line of a key file, without newline. The caller wipes it (WipeMemory).
std::string FormatPrivateKey(const NamedKey& key);
// The inverse. INVALID_ARGUMENT, without any part of the text.
StatusOr<NamedKey> ParsePrivateKey(std::string_view text);

// The public half, as it signs checkpoints (type 1).
VerifierKey VerifierKeyOf(const NamedKey& key);
// The public half, as it cosigns checkpoints of others (type 4).
VerifierKey CosignerKeyOf(const NamedKey& key);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_KEYS_KEY_FILE_H_
