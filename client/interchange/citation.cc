#include "client/interchange/citation.h"

#include "client/interchange/names.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/query/message_fields.h"

namespace anamnesis::interchange {

Json CitationOf(const v1::Event& event) {
  Json citation;
  citation["index"] = event.index();
  citation["eventId"] = EventIdText(event.header().event_id());
  citation["type"] = event.header().type();
  citation["recorded"] = TimeText(event.recorded());
  citation["leafSha256"] = Sha256(event.leaf()).hex();
  return citation;
}

StatusOr<Json> Citations(LedgerView& view, const std::set<uint64_t>& leaves) {
  Json cited;
  cited["origin"] = view.origin();
  cited["treeSize"] = view.size();
  cited["leaves"] = Json::array();
  for (const uint64_t leaf : leaves) {
    ASSIGN_OR_RETURN(const v1::Event* event, view.At(leaf));
    cited["leaves"].push_back(CitationOf(*event));
  }
  return cited;
}

Json DigestSetOf(const v1::ContentDigest& digest, bool of_file) {
  Json set;
  set[DigestSetName(digest.algorithm(), of_file)] = HexEncode(digest.value());
  return set;
}

Json Sha256Set(std::string_view digest_bytes) {
  Json set;
  set["sha256"] = HexEncode(digest_bytes);
  return set;
}

Json DescriptorOf(std::string_view origin, const v1::EntityRef& entity) {
  Json descriptor;
  descriptor["name"] = EntityPath(entity);
  descriptor["uri"] = EntityUri(origin, entity);
  if (entity.has_digest()) descriptor["digest"] = DigestSetOf(entity.digest(), false);
  return descriptor;
}

Json FieldsOf(const google::protobuf::Message& body) {
  Json fields = Json::array();
  for (const auto& [name, value] : FieldTextsOf(body)) {
    Json field;
    field["name"] = name;
    field["value"] = value;
    fields.push_back(std::move(field));
  }
  return fields;
}

}  // namespace anamnesis::interchange
