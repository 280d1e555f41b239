// AppendService.AppendStream: the input's submissions in one message to a client that reads as it goes, then one a
// message to a client that reads last. Each is answered once, in order, with its own sequence; a request over the limit
// ends the stream and nothing of it is written.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ledger/base/limits.h"
#include "tests/fuzz/appends.h"

namespace anamnesis {
namespace {

using Call = ExchangeCall<v1::AppendStreamRequest, v1::AppendStreamResponse>;

std::vector<v1::AppendVerdict> CheckStream(SmallLedger& ledger, const std::vector<v1::AppendStreamRequest>& requests,
                                           Call::Reader reader) {
  AppendWatch watch(ledger.ledger());
  std::vector<v1::AppendStreamResponse> responses;
  grpc::CallbackServerContext context;
  const grpc::Status status = Call().Run(ledger.append().AppendStream(&context), requests, reader, responses);
  CheckStatus(status, {grpc::StatusCode::INVALID_ARGUMENT});
  std::vector<const v1::AppendSubmission*> submissions;
  bool over_limit = false;
  for (const v1::AppendStreamRequest& request : requests) {
    over_limit = over_limit || static_cast<size_t>(request.submissions_size()) > limits::kRequestRunsMax ||
                 request.ByteSizeLong() > limits::kRequestBytesMax;
    if (over_limit) break;
    for (const v1::AppendSubmission& submission : request.submissions()) submissions.push_back(&submission);
  }
  CHECK(status.ok() == !over_limit);
  std::vector<v1::AppendVerdict> verdicts;
  for (v1::AppendStreamResponse& response : responses) {
    CHECK(response.verdicts_size() > 0);
    for (v1::AppendVerdict& verdict : *response.mutable_verdicts()) verdicts.push_back(std::move(verdict));
  }
  CHECK(verdicts.size() == submissions.size());
  for (size_t i = 0; i < verdicts.size(); ++i) {
    const v1::RunResult& result = verdicts[i].result();
    CHECK(verdicts[i].sequence() == submissions[i]->sequence());
    CHECK(result.indexes().empty() || *result.indexes().rbegin() < verdicts[i].tree_size());
    CHECK(verdicts[i].tree_size() <= ledger.ledger().tree_size());
    watch.Check(submissions[i]->run(), result, 0);
  }
  watch.CheckGrowth();
  return verdicts;
}

void Fuzz(v1::AppendStreamRequest request) {
  SmallLedger& ledger = GrowingLedger();
  for (v1::AppendSubmission& submission : *request.mutable_submissions()) {
    SealForFounder(ledger.ledger(), *submission.mutable_run());
  }
  const std::vector<v1::AppendVerdict> first = CheckStream(ledger, {request}, Call::Reader::kPrompt);
  std::vector<v1::AppendStreamRequest> singly;
  for (size_t i = 0; i < first.size(); ++i) {
    *singly.emplace_back().add_submissions() = request.submissions(static_cast<int>(i));
  }
  const std::vector<v1::AppendVerdict> second = CheckStream(ledger, singly, Call::Reader::kLast);
  for (size_t i = 0; i < first.size(); ++i) {
    if (first[i].result().has_refused()) continue;
    CHECK(second[i].result().already_recorded());
    for (int j = 0; j < first[i].result().indexes_size(); ++j) {
      CHECK(second[i].result().indexes(j) == first[i].result().indexes(j));
    }
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto request = anamnesis::ParseRequest<anamnesis::v1::AppendStreamRequest>(data, size);
  if (request.has_value()) anamnesis::Fuzz(*std::move(request));
  return 0;
}
