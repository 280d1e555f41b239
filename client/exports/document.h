#ifndef ANAMNESIS_CLIENT_EXPORTS_DOCUMENT_H_
#define ANAMNESIS_CLIENT_EXPORTS_DOCUMENT_H_

// What an export says, once: export.json and index.html are both written from this and from nothing else, and are read
// back to the same content (content.h). Values; pure; safe from any thread. Every text in it is untrusted: a ledger's
// writers chose it.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace anamnesis::exports {

// What a reader should see in a cell at first sight.
// kVoid: a record that was retracted or replaced.
enum class Mark { kNone, kGood, kBad, kVoid };

struct Cell {
  std::string text;
  Mark mark = Mark::kNone;
  // The records that say so.
  std::vector<uint64_t> leaves;
};

struct Table {
  std::string title;
  std::vector<std::string> columns;
  // Each row has a cell for each column.
  std::vector<std::vector<Cell>> rows;
  // Said in place of a table without rows, so that nothing is silently empty.
  std::string when_empty;
};

// Something that should be there and isn't.
struct Gap {
  // What asks for it; may be a policy's name. Never empty.
  std::string clause;
  std::string text;
  std::vector<uint64_t> leaves;
};

struct Section {
  // Stable, for links and comparison, e.g. "risk".
  std::string id;
  std::string title;
  // The clauses that ask for what is in it.
  std::string clauses;
  std::vector<std::string> paragraphs;
  std::vector<Gap> gaps;
  std::vector<Table> tables;
};

enum class BodyPresence { kPresent, kErased };

// An event that the export cites, with what proves it in records/LEAF.*.
struct Record {
  uint64_t leaf = 0;
  std::string event_id;
  std::string type;
  std::string stream;
  std::string actor;
  std::string occurred;
  std::string recorded;
  // Lower-case hexadecimal: SHA-256 of the leaf's bytes, and what the leaf commits to of its body.
  std::string leaf_sha256;
  std::string body_commitment;
  BodyPresence body = BodyPresence::kPresent;
  // What it says: references, rationale and the fields of its body, by name.
  std::vector<std::pair<std::string, std::string>> fields;
};

struct Document {
  // "design-history", "incident-bundle".
  std::string kind;
  std::string title;
  // "KIND:ID".
  std::string subject;
  // The ledger, and the size at which everything was computed.
  std::string origin;
  uint64_t tree_size = 0;
  std::string root;
  // Name and value, for the title page.
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Section> sections;
  // Ascending by leaf; every leaf that is cited above is among them.
  std::vector<Record> records;
};

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_DOCUMENT_H_
