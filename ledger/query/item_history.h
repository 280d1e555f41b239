#ifndef ANAMNESIS_LEDGER_QUERY_ITEM_HISTORY_H_
#define ANAMNESIS_LEDGER_QUERY_ITEM_HISTORY_H_

// What an item was made of: the model, its training run, data, code, evaluations and releases, each with the leaf that
// says so, found along the typed edges. What nothing is recorded of is named. Pure.

#include <set>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The history of `item` as known at `size`. Adds the leaves that it rests on to `leaves`.
StatusOr<v1::ItemHistory> HistoryOf(const RowReader& rows, const v1::EntityRef& item, TreeSize size,
                                    std::set<uint64_t>& leaves);

// "model spleen_ct_segmentation@0.1.0", and what a digest is, for a person: "sha256:ab12…", with all digits.
std::string EntityText(const v1::EntityRef& entity);
std::string DigestText(const v1::ContentDigest& digest);
// MD5 and SHA-1 in either use: no proof against a forger.
bool IsWeak(const v1::ContentDigest& digest);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ITEM_HISTORY_H_
