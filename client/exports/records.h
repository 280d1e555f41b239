#ifndef ANAMNESIS_CLIENT_EXPORTS_RECORDS_H_
#define ANAMNESIS_CLIENT_EXPORTS_RECORDS_H_

// Events as the records of an export, and their names in words.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "anamnesis/v1/ledger.pb.h"
#include "client/exports/document.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// Without the version.
v1::EntityRef EntityOf(std::string_view kind, std::string_view id);
// An instant, or "earliest .. latest".
std::string OccurredText(const v1::LeafReference& leaf);

// The first few of many names, and how many more there are.
std::string SomeOf(const std::set<std::string>& names);

// A cell that cites one leaf.
Cell Cite(std::string text, uint64_t leaf, Mark mark = Mark::kNone);

// INVALID_ARGUMENT: the bytes are no leaf. `body_content` is the body without its nonce; absent when it was erased.
StatusOr<Record> RecordOf(uint64_t index, std::string_view leaf_bytes, std::optional<std::string_view> body_content);

// How an export tells what a record was read from.
enum class Telling {
  kSame,
  // Nothing else, but a field has a name that this version doesn't use in it, or only one of the two could read the
  // body.
  kOtherWords,
  kContradicts,
};
// `found` is what this version reads, its first `header_fields` from the header; `cited` is what the export says.
Telling TellingOf(const Record& found, size_t header_fields, const Record& cited);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_RECORDS_H_
