#ifndef ANAMNESIS_CLIENT_IMPORTERS_MONAI_H_
#define ANAMNESIS_CLIENT_IMPORTERS_MONAI_H_

// Brings the history of MONAI model bundles into a ledger, as retrospective events of one stream a bundle. Event ids
// are made from the facts, so that importing again adds nothing, a longer history adds what is new, and an import that
// broke off is finished by the next (deploy/decisions/0003-monai-import.md).

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/cpp/ledger_client.h"
#include "client/importers/bundle_version.h"
#include "ledger/base/status.h"
#include "ledger/keys/key_file.h"

namespace anamnesis {

struct ImportReport {
  uint64_t versions_read = 0;
  uint64_t bundles_read = 0;
  uint64_t events_added = 0;
  uint64_t events_already_there = 0;
  // Added, by event type.
  std::map<std::string, uint64_t> added_by_type;
  // In all versions read: digests of weights and archives that are MD5 or SHA-1, and weights and archives without a
  // digest. Git's own object ids are not counted.
  uint64_t weak_digests = 0;
  uint64_t missing_digests = 0;
  // Commits that changed a bundle and left its version as it was; only a Git history shows them.
  uint64_t silent_changes = 0;
  // What could not be read or recorded, and why; everything else was.
  std::vector<Unreadable> unreadable;
};

// Called after each version.
using ImportProgress = std::function<void(uint64_t versions_done, uint64_t versions)>;

// Reads what `path` is: a directory as a Git repository (monai_git.h), a file as extracted history (monai_jsonl.h).
// NOT_FOUND when there is nothing at `path`.
StatusOr<MonaiHistory> ReadMonaiHistory(const std::string& path);

// Appends what the ledger lacks of a history, oldest version first, one run a version, in streams of `key`'s holder.
// Fails where going on makes no sense: the ledger can't be reached or refuses this writer; what was appended until then
// stays, and importing again goes on from there. A version that breaks a rule of the vocabulary or a limit, or that
// defines what another stream defined with other content, becomes an entry of `unreadable`.
StatusOr<ImportReport> ImportHistory(LedgerClient& client, const NamedKey& key, MonaiHistory history,
                                     const ImportProgress& progress);

// Reads and appends.
StatusOr<ImportReport> ImportMonai(LedgerClient& client, const NamedKey& key, const std::string& path,
                                   const ImportProgress& progress);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_MONAI_H_
