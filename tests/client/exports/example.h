#ifndef ANAMNESIS_TESTS_CLIENT_EXPORTS_EXAMPLE_H_
#define ANAMNESIS_TESTS_CLIENT_EXPORTS_EXAMPLE_H_

#include "client/exports/document.h"

namespace anamnesis::exports {

// A document with something of everything, and texts that try to be more than texts.
inline Document Example() {
  Document document;
  document.kind = "design-history";
  document.title = "Design history of <script>alert(1)</script>";
  document.subject = "software_item:\"a\" & 'b'";
  document.origin = "acme.example/ledger";
  document.tree_size = 12;
  document.root = std::string(64, '4');
  document.facts = {{"Safety class", "C"}, {"\xE2\x80\xAEreversed", "line\nline"}};
  Section empty = {"data", "2 Data", "IEC 62304 8.1.1", {}, {{"IEC 62304 8.1.1", "nothing is recorded", {}}}, {}};
  empty.tables.push_back({"Records", {"Record"}, {}, "No record."});
  Section full = {"risk", "6 Risk", "ISO 14971", {"A paragraph."}, {{"IEC 62304 7.3.3", "</li> missing", {7}}}, {}};
  full.tables.push_back({"Controls",
                         {"Control", "State"},
                         {{{"<b>", Mark::kNone, {3, 7}}, {"stale", Mark::kBad, {}}},
                          {{"retracted", Mark::kVoid, {7}}, {"held", Mark::kGood, {}}}},
                         ""});
  document.sections = {empty, full};
  Record record;
  record.leaf = 3;
  record.event_id = "019aa6a0-0000-7000-8000-000000000001";
  record.type = "risk_control.defined";
  record.leaf_sha256 = std::string(64, 'a');
  record.body_commitment = std::string(64, 'b');
  record.fields = {{"text", "&lt;not a tag&gt;"}};
  document.records = {record};
  record.leaf = 7;
  record.body = BodyPresence::kErased;
  document.records.push_back(record);
  return document;
}

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_TESTS_CLIENT_EXPORTS_EXAMPLE_H_
