#ifndef ANAMNESIS_CLIENT_INTERCHANGE_CITATION_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_CITATION_H_

// What leads from an exported document back to the receipts, as JSON of one shape in every format that takes an object:
//
//   {"origin": "…", "treeSize": 124, "leaves": [{"index": 116, "eventId": "…", "type": "device_unit.commissioned",
//    "recorded": "…", "leafSha256": "…"}]}
//
// `anamnesis receipt INDEX` gives the proof of a leaf; leafSha256 is the SHA-256 of the leaf's bytes as in its .leaf
// file. Private to the room. Pure.

#include <set>
#include <vector>

#include "client/interchange/json.h"
#include "client/interchange/ledger_view.h"

namespace anamnesis::interchange {

Json CitationOf(const v1::Event& event);
// The events in the order of their indexes.
StatusOr<Json> Citations(LedgerView& view, const std::set<uint64_t>& leaves);

// A digest as in-toto's DigestSet.
Json DigestSetOf(const v1::ContentDigest& digest, bool of_file);
Json Sha256Set(std::string_view digest_bytes);
// An in-toto ResourceDescriptor of an entity.
Json DescriptorOf(std::string_view origin, const v1::EntityRef& entity);
// The body's fields as names and values, without signatures and personal data.
Json FieldsOf(const google::protobuf::Message& body);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_CITATION_H_
