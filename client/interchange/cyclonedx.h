#ifndef ANAMNESIS_CLIENT_INTERCHANGE_CYCLONEDX_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_CYCLONEDX_H_

// A model or artifact as a CycloneDX 1.6 bill of materials (ML-BOM), from what `explain` says about it.
//
//   - metadata.component is the model ("machine-learning-model") with its model card and pedigree: code revisions as
//     commits, what it was trained on from as ancestors. A threshold table or a configuration is "data", without a
//     card.
//   - components are its files, the datasets ("data"), SOUP and the packages of the training environment ("library").
//
// A digest by Git is SHA-1 over Git's own framing, so it is no "SHA-1" here: of a file it is a SWHID, else a property.
// Digests by MD5 and SHA-1 are named as weak in a property. The serial number follows from ledger, entity and tree
// size, and the timestamp is when the last of the leaves was recorded: the same question gives the same bytes.
// Properties are in the namespace "anamnesis:": origin, treeSize, leaf (one for each leaf, "INDEX EVENT-ID TYPE"),
// missing (what is not recorded), digest:…, weakDigest and what else has no place of its own.

#include "client/interchange/ledger_view.h"
#include "ledger/base/status.h"

namespace anamnesis::interchange {

// Fails as QuestionService.Ask does with ExplainQuestion.
StatusOr<std::string> CycloneDxOf(LedgerView& view, const v1::EntityRef& entity);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_CYCLONEDX_H_
