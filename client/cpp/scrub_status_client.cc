#include "client/cpp/scrub_status_client.h"

#include <chrono>
#include <memory>

#include "anamnesis/v1/scrub.grpc.pb.h"
#include "client/cpp/channel.h"
#include "client/cpp/unary_call.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kAskDeadline(10);

}  // namespace

StatusOr<std::vector<std::pair<std::string, StatusOr<v1::ScrubStatus>>>> AskScrubbers(std::string_view addresses,
                                                                                      const TlsFiles& tls) {
  ASSIGN_OR_RETURN(const std::vector<std::string> split, SplitAddresses(addresses));
  ASSIGN_OR_RETURN(const ClientIdentity identity, LoadIdentity(tls));
  std::vector<std::pair<std::string, StatusOr<v1::ScrubStatus>>> answers;
  for (const std::string& address : split) {
    const std::unique_ptr<v1::ScrubService::Stub> stub = v1::ScrubService::NewStub(MakeChannel(address, identity));
    answers.emplace_back(address, CallOnce<v1::ScrubStatus>(address, *stub, &v1::ScrubService::Stub::GetScrubStatus,
                                                            v1::GetScrubStatusRequest(), kAskDeadline));
  }
  return answers;
}

}  // namespace anamnesis
