#include "client/interchange/names.h"

#include "ledger/base/ids.h"
#include "ledger/base/time.h"
#include "ledger/crypto/sha256.h"
#include "ledger/query/events.h"

namespace anamnesis::interchange {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string PercentEncoded(std::string_view text, std::string_view also) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c) || also.find(c) != std::string_view::npos) {
      encoded.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

std::string LedgerUri(std::string_view origin) { return "anamnesis:" + PercentEncoded(origin, "/"); }

std::string LeafUri(std::string_view origin, uint64_t index) { return Text(LedgerUri(origin), "/leaf/", index); }

std::string EntityPath(const v1::EntityRef& entity) {
  std::string path = Text(PercentEncoded(entity.kind()), "/", PercentEncoded(entity.id()));
  if (!entity.version().empty()) path += Text("@", PercentEncoded(entity.version()));
  return path;
}

std::string EntityUri(std::string_view origin, const v1::EntityRef& entity) {
  return Text(LedgerUri(origin), "/", EntityPath(entity));
}

std::string AgentUri(std::string_view origin, const v1::Agent& agent) {
  return Text(LedgerUri(origin), "/", PercentEncoded(agent.kind()), "/", PercentEncoded(agent.id()));
}

std::string EventIdText(std::string_view bytes) {
  const StatusOr<EventId> id = EventId::FromBytes(bytes);
  return id.ok() ? id->text() : "";
}

std::string DerivedUuid(std::string_view text) { return EventId::MakeVersion8(Sha256(text).view()).text(); }

std::string TimeText(const google::protobuf::Timestamp& time) {
  const StatusOr<Timestamp> parsed = FromProtoTime(time, "time");
  return parsed.ok() ? FormatTime(*parsed) : "";
}

std::string TimeText(int64_t us) { return FormatTime(Timestamp(us)); }

std::string DigestSetName(v1::DigestAlgorithm algorithm, bool of_file) {
  switch (algorithm) {
    case v1::SHA256:
      return "sha256";
    case v1::SHA512:
      return "sha512";
    case v1::SHA1:
      return "sha1";
    case v1::MD5:
      return "md5";
    case v1::GIT_SHA1:
      return of_file ? "gitBlob" : "gitObject";
    default:
      return "unknown";
  }
}

}  // namespace anamnesis::interchange
