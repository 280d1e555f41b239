#ifndef ANAMNESIS_LEDGER_ENGINE_LAYOUT_H_
#define ANAMNESIS_LEDGER_ENGINE_LAYOUT_H_

// Where things are in a ledger's directory. Never change a name: ledgers exist.

#include <string>

#include "ledger/engine/files.h"

namespace anamnesis {

inline std::string DatabasePath(const std::string& dir) { return dir + "/db"; }
// The object store, unless it was placed elsewhere.
inline std::string ObjectsPath(const std::string& dir) { return dir + "/objects"; }
inline std::string CheckpointKeyPath(const std::string& dir) { return dir + "/checkpoint.key"; }
// The key that takes its place while it is being rotated.
inline std::string NextCheckpointKeyPath(const std::string& dir) { return dir + "/checkpoint.key.next"; }
// The last checkpoint by each set of keys before the next one signed: base64, one a line.
inline std::string HandoversPath(const std::string& dir) { return dir + "/checkpoint.handovers"; }
inline std::string CheckpointPath(const std::string& dir) { return dir + "/checkpoint"; }
// The newest checkpoint that had the cosignatures that the node's policy asks for.
inline std::string WitnessedCheckpointPath(const std::string& dir) { return dir + "/checkpoint.witnessed"; }
// The key of this node alone, with which it cosigns.
inline std::string CosignerKeyPath(const std::string& dir) { return dir + "/cosigner.key"; }
// What it cosigned last of each log.
inline std::string WitnessPath(const std::string& dir) { return dir + "/witness"; }
// How far the scrubber is (scrubber.h).
inline std::string ScrubPath(const std::string& dir) { return dir + "/scrub"; }
// What proves that a writer forked its stream (fork_keeper.h).
inline std::string EvidencePath(const std::string& dir) { return dir + "/evidence"; }
// Exists when projections were found damaged: the next open rebuilds them.
inline std::string DamagedProjectionsPath(const std::string& dir) { return dir + "/projections-damaged"; }

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_LAYOUT_H_
