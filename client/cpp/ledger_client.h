#ifndef ANAMNESIS_CLIENT_CPP_LEDGER_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_LEDGER_CLIENT_H_

// A ledger as its users see it: the API of proto/anamnesis/v1/ledger.proto as C++ calls, whatever is behind it. Two
// things are: a cluster over gRPC (remote_client.h), and a ledger embedded in the process
// (client/cli/embedded_client.h). Implementations are safe for concurrent use. Every call fails with the codes that
// ledger.proto states for it, plus UNAVAILABLE when the ledger can't be reached.

#include <functional>
#include <memory>
#include <string>

#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/question.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Many runs without waiting for each; see AppendService.AppendStream. One thread writes.
class AppendChannel {
 public:
  // Called once for each submitted run, in order, from another thread. The result's Status is UNKNOWN when the run may
  // have been recorded, UNAVAILABLE when it was not: send the same run again in both cases.
  using OnResult = std::function<void(uint64_t sequence, const StatusOr<v1::RunResult>& result)>;

  virtual ~AppendChannel() = default;
  // Sends a run; blocks while the ledger doesn't take more. `sequence` comes back in its result.
  virtual Status Submit(uint64_t sequence, v1::Run run) = 0;
  // Waits until every submitted run has its result, then closes. No Submit afterwards.
  virtual Status Finish() = 0;
};

class LedgerClient {
 public:
  // Called with each item; returns false to stop reading.
  using OnRead = std::function<bool(const v1::ReadResponse&)>;

  virtual ~LedgerClient() = default;

  // Goes on until every run has its verdict, or for a time that the implementation bounds. Then UNKNOWN, of the call or
  // in a run's result, says that the run may have been recorded, and that sending it again finds out; UNAVAILABLE says
  // that it was not. An unknown outcome has no other code.
  virtual StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) = 0;
  virtual StatusOr<std::unique_ptr<AppendChannel>> OpenAppendChannel(AppendChannel::OnResult on_result) = 0;
  virtual Status Read(const v1::ReadRequest& request, const OnRead& on_read) = 0;
  virtual StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) = 0;
  virtual StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest& request) = 0;
  virtual StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) = 0;
  virtual StatusOr<v1::LedgerStatus> GetStatus() = 0;
  virtual StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest& request) = 0;
  virtual StatusOr<v1::Answer> Ask(const v1::Question& question) = 0;
  virtual StatusOr<v1::Checkpoint> GetCheckpoint() = 0;
  virtual StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request) = 0;
  virtual StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest& request) = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_LEDGER_CLIENT_H_
