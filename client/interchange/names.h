#ifndef ANAMNESIS_CLIENT_INTERCHANGE_NAMES_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_NAMES_H_

// How what is in a ledger is named outside of it. Every name is a URI that begins with "anamnesis:" and the ledger's
// origin; what can't stand in a URI is percent-encoded (RFC 3986), so that a hostile id is still one path segment.
// Pure; safe from any thread.

#include <string>
#include <string_view>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/ledger.pb.h"

namespace anamnesis::interchange {

// All but RFC 3986's unreserved characters and those of `also` as "%" and two hexadecimal digits.
std::string PercentEncoded(std::string_view text, std::string_view also = "");

// "anamnesis:ORIGIN".
std::string LedgerUri(std::string_view origin);
// "anamnesis:ORIGIN/leaf/12": the event that `receipt 12` proves.
std::string LeafUri(std::string_view origin, uint64_t index);
// "KIND/ID@VERSION": the last part of an entity's URI.
std::string EntityPath(const v1::EntityRef& entity);
std::string EntityUri(std::string_view origin, const v1::EntityRef& entity);
// As the entity "person:ada".
std::string AgentUri(std::string_view origin, const v1::Agent& agent);

// An event id in the 8-4-4-4-12 form; "" when the bytes are none.
std::string EventIdText(std::string_view bytes);
// A UUIDv8 that is the same for the same text.
std::string DerivedUuid(std::string_view text);
// RFC 3339; "" when it is out of range.
std::string TimeText(const google::protobuf::Timestamp& time);
std::string TimeText(int64_t us);

// What the algorithm is called in in-toto's DigestSet, for a digest of a file's bytes (`of_file`) or of something of
// which it isn't recorded what kind of Git object it is.
std::string DigestSetName(v1::DigestAlgorithm algorithm, bool of_file);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_NAMES_H_
