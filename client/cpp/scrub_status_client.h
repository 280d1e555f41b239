#ifndef ANAMNESIS_CLIENT_CPP_SCRUB_STATUS_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_SCRUB_STATUS_CLIENT_H_

// What a node's scrubber says of that node's disk.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/v1/scrub.pb.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// Asks each of HOST:PORT[,HOST:PORT...] once: each has a disk of its own. INVALID_ARGUMENT: the addresses or files are
// wrong. What each answers, or why it doesn't, is with its address; UNIMPLEMENTED: its scrubber is turned off.
StatusOr<std::vector<std::pair<std::string, StatusOr<v1::ScrubStatus>>>> AskScrubbers(std::string_view addresses,
                                                                                      const TlsFiles& tls);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_SCRUB_STATUS_CLIENT_H_
