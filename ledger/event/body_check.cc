#include "ledger/event/body_check.h"

#include "ledger/base/status.h"

namespace anamnesis {

std::string WhyBodyIsWrong(const ParsedHeader& header, std::string_view body) {
  if (body.size() < kNonceBytes) return "its body is truncated";
  const std::string_view content = body.substr(kNonceBytes);
  if (content.size() != header.fields.body_size()) {
    return Text("its body has ", content.size(), " bytes, the header says ", header.fields.body_size());
  }
  const bool fits = BodyCommitment(body.substr(0, kNonceBytes), content) == header.body_commitment;
  return fits ? "" : "its body is not the one that the header commits to";
}

}  // namespace anamnesis
