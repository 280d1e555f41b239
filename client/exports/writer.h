#ifndef ANAMNESIS_CLIENT_EXPORTS_WRITER_H_
#define ANAMNESIS_CLIENT_EXPORTS_WRITER_H_

// Writes an export to a directory. One record is in memory at a time. Nothing says a directory is an export until its
// manifest is there, which is written last. One thread.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/file_tree.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "client/exports/manifest.h"
#include "client/exports/signer_keys.h"
#include "ledger/base/status.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::exports {

class ExportWriter {
 public:
  // INVALID_ARGUMENT: `dir` exists and is not an empty directory, so that nothing else ends up in the export.
  static StatusOr<ExportWriter> Open(const std::string& dir);

  // A file of the export. Fails as FileTree::Create.
  Status Add(std::string_view path, std::string_view bytes);
  // The object with this digest, as objects/<sha256>. Fails as ObjectClient::Get; NOT_FOUND and DATA_LOSS are
  // never of writing it.
  Status AddObject(ObjectClient& store, const Digest& digest);

  // Fills in the document's records from what it cites and `also`, with those that say whose keys sealed these, and
  // writes everything else: the records, the document in both forms, checkpoint, keys, policy, README.txt and the
  // signed manifest. FAILED_PRECONDITION: by these records nobody could tell who signed: the ledger knows no holder of
  // `signer`'s key, or it isn't in force. DATA_LOSS: the ledger proves a record under another root than the view's.
  Status Finish(const LedgerView& view, Document& document, const std::vector<uint64_t>& also, const NamedKey& signer);

  const Manifest& manifest() const { return manifest_; }

 private:
  explicit ExportWriter(FileTree tree) : tree_(std::move(tree)) {}

  // Who held the keys that sealed the records, with the records that say so.
  Status AddHoldersOfKeys(const LedgerView& view, Document& document);
  // What became of bodies that are gone, with the records that say so.
  Status AddRedactions(const LedgerView& view, Document& document);
  Status AddRecord(const LedgerView& view, uint64_t leaf, Document& document);

  FileTree tree_;
  Manifest manifest_;
  // What the records added so far say of keys, as a verifier will read it.
  SignerKeys keys_;
  // The public keys that sealed them.
  std::set<std::string> sealing_keys_;
};

// Names of files of a record: records/LEAF.leaf and so on.
std::string RecordPath(uint64_t leaf, std::string_view ending);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_WRITER_H_
