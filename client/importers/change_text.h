#ifndef ANAMNESIS_CLIENT_IMPORTERS_CHANGE_TEXT_H_
#define ANAMNESIS_CLIENT_IMPORTERS_CHANGE_TEXT_H_

// What changed from one version of a bundle to the next, computed from the facts of both, in one line. A version's own
// changelog is somebody's account of it; this is what the records show. Pure.

#include <string>

#include "client/importers/bundle_version.h"

namespace anamnesis {

// Whether two versions have the same weights. kUnknown when either lists none, or a digest is missing.
enum class SameWeights { kYes, kNo, kUnknown };
SameWeights CompareWeights(const BundleVersion& before, const BundleVersion& after);

// E.g. "against 0.3.6: weights unchanged; metrics changed; 2 files changed".
std::string ChangeText(const BundleVersion& before, const BundleVersion& after);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_CHANGE_TEXT_H_
