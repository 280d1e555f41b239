#ifndef ANAMNESIS_CLIENT_EXPORTS_SECTIONS_H_
#define ANAMNESIS_CLIENT_EXPORTS_SECTIONS_H_

// Parts that more than one export has. Each asks the ledger at the view's size and tells the answer as tables and gaps;
// what could not be asked, because it is not recorded or nothing says what to hold it against, is a gap too. They fail
// only as the ledger does.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis::exports {

// An event as an export needs it again and again, without its body.
struct Cited {
  v1::LeafReference leaf;
  // Until when it happened, as written: `leaf` may have been corrected.
  Timestamp written_latest;
  std::vector<v1::EntityRef> refs;
  std::string stream;
  // The public key of the seal that stands in it; empty where none does.
  std::string seal_key;
  // What it refers to, and the first things that its body says, for a table.
  std::string about;
  std::string says;
  bool signed_by_person = false;
  bool erased = false;
  // Its body is there, and this version can't read it.
  bool unreadable = false;
  // It was retracted or replaced, and has no effect.
  bool void_effect = false;
  // What corrects it, in words, and by which leaves. The times of `leaf` are those that it was corrected to.
  std::string corrected;
  std::vector<uint64_t> corrected_by;
};

// The events by leaf. Reads each one.
StatusOr<std::map<uint64_t, Cited>> ReadCited(const LedgerView& view, const std::vector<v1::LeafReference>& leaves);

// The same for leaves of which nothing else is known; their times are as recorded, whatever corrects them. Of those
// that a person signed it is told what replaced them, though that is not among them.
StatusOr<std::map<uint64_t, Cited>> ReadLeaves(const LedgerView& view, const std::set<uint64_t>& leaves);

// What belongs to a subject (RecordsQuestion); empty when nothing is recorded of it.
StatusOr<std::map<uint64_t, Cited>> RecordsOf(const LedgerView& view, const v1::EntityRef& subject);

// Of those, the ones of these types that count: an exact name, or all that begin with one that ends in ".".
std::vector<const Cited*> OfTypes(const std::map<uint64_t, Cited>& records, const std::set<std::string_view>& types);
// With those that were retracted or replaced: for tables, which strike them through.
std::vector<const Cited*> AllOfTypes(const std::map<uint64_t, Cited>& records, const std::set<std::string_view>& types);
bool IsOfTypes(std::string_view type, const std::set<std::string_view>& types);

// A section that some types of records make up.
struct Part {
  std::string_view id;
  std::string_view title;
  std::string_view clauses;
  std::set<std::string_view> types;
  // Whose evidence it is, by the start of the clause's number in IEC 62304; may be empty.
  std::set<std::string_view> clause_starts = {};
};

// With a gap where there are no records that count, and for each that can't be read.
Section SectionOf(const Part& part, const std::vector<const Cited*>& records);

// One line a record: what, about what, when it happened and was recorded, by whom.
Table RecordsTable(std::string title, const std::vector<const Cited*>& records, std::string when_empty);

// When it happened, as last corrected, with what corrected it.
Cell OccurredCell(const Cited& record);

// Of the records that count: the ones whose role is `role`, distinct by name.
std::vector<v1::EntityRef> EntitiesOf(const std::map<uint64_t, Cited>& records, std::string_view role,
                                      std::string_view kind);

// An answer, or a gap that says why there is none when that is no failure of the ledger.
StatusOr<v1::Answer> AskOrGap(const LedgerView& view, v1::Question question, std::string_view clause, Section& section);

// Each of these is a section of its own.
StatusOr<Section> TraceSection(const LedgerView& view, const v1::EntityRef& item);
StatusOr<Section> ContemporaneitySection(const LedgerView& view, const std::map<uint64_t, Cited>& records);
StatusOr<Section> SignatureSection(const LedgerView& view, const std::map<uint64_t, Cited>& records);
// Which records serve which clauses, by the vocabulary.
Section ClauseSection(const std::map<uint64_t, Cited>& records);
// What became of bodies that are erased.
StatusOr<Section> RedactionSection(const LedgerView& view, const std::vector<Record>& records);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_SECTIONS_H_
