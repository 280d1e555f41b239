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
inline std::string CheckpointPath(const std::string& dir) { return dir + "/checkpoint"; }
// Exists when projections were found damaged: the next open rebuilds them.
inline std::string DamagedProjectionsPath(const std::string& dir) { return dir + "/projections-damaged"; }

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_LAYOUT_H_
