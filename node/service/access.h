#ifndef ANAMNESIS_NODE_SERVICE_ACCESS_H_
#define ANAMNESIS_NODE_SERVICE_ACCESS_H_

// Who calls, by certificate, and what the ledger lets them do. Safe from any thread.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "grpcpp/grpcpp.h"
#include "ledger/engine/ledger.h"
#include "node/auth/authorizer.h"

namespace anamnesis {

class Access {
 public:
  // Whether a node with this id in its certificate is a member of the cluster.
  using IsMember = std::function<bool(std::string_view certificate_name)>;

  // `ledger` outlives this. Not `over_tls`: callers show no certificate, and all may do everything.
  Access(const Ledger& ledger, bool over_tls, IsMember is_member);

  const std::string& origin() const { return origin_; }

  // Fails only when the ledger can't be read.
  StatusOr<Caller> Find(const v1::Agent& agent) const;
  // Who makes a call that goes on, so was found to be somebody; nullopt without TLS.
  std::optional<v1::Agent> CallerOf(const grpc::CallbackServerContext& call) const;
  // Whether `caller` may still make calls to `method`.
  bool StillAllowed(const std::optional<v1::Agent>& caller, std::string_view method) const;
  // NOT_THE_WRITER refusal when the run is sealed with another agent's key and `caller` doesn't hold the role GATEWAY.
  // What is wrong with the run otherwise is left to the ledger, and so is one that begins with a recorded event:
  // nothing of it can be recorded anew, and whoever handed it in while it might asks what became of it.
  Status CheckMayHandIn(const std::optional<v1::Agent>& caller, const v1::Run& run) const;

 private:
  StatusOr<bool> BeginsWithRecorded(const v1::Run& run) const;

  const Ledger& ledger_;
  const bool over_tls_;
  const IsMember is_member_;
  const std::string origin_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_ACCESS_H_
