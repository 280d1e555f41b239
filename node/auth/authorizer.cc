#include "node/auth/authorizer.h"

#include <algorithm>
#include <array>

#include "ledger/event/names.h"
#include "ledger/tls/agent_uri.h"

namespace anamnesis {
namespace {

enum class Who {
  // Agents with a credential in force, and nodes of the cluster.
  kKnown,
  // Agents with a credential in force.
  kAgents,
  kAdministrators,
  // Nodes of the cluster.
  kMembers,
};

struct Rule {
  std::string_view service;
  // Empty: all that have no rule of their own before this one.
  std::string_view method;
  Who who;
};

constexpr std::array kRules = {
    Rule{"anamnesis.v1.AppendService", "", Who::kAgents},
    Rule{"anamnesis.v1.ReadService", "", Who::kKnown},
    Rule{"anamnesis.v1.QueryService", "", Who::kAgents},
    Rule{"anamnesis.v1.QuestionService", "", Who::kAgents},
    Rule{"anamnesis.v1.ProofService", "", Who::kAgents},
    Rule{"anamnesis.v1.WitnessService", "GetWitnessStatus", Who::kKnown},
    Rule{"anamnesis.v1.WitnessService", "", Who::kAgents},
    Rule{"anamnesis.v1.ScrubService", "GetScrubStatus", Who::kKnown},
    Rule{"anamnesis.v1.ReceiptService", "", Who::kAgents},
    Rule{"anamnesis.v1.ObjectService", "", Who::kAgents},
    Rule{"anamnesis.v1.ClusterService", "GetClusterStatus", Who::kKnown},
    Rule{"anamnesis.v1.ClusterService", "", Who::kAdministrators},
    Rule{"anamnesis.v1.BackupService", "", Who::kAdministrators},
    Rule{"anamnesis.v1.RecoveryService", "", Who::kAdministrators},
    Rule{"grpc.health.v1.Health", "", Who::kKnown},
    Rule{"grpc.reflection.v1.ServerReflection", "", Who::kKnown},
    Rule{"grpc.reflection.v1alpha.ServerReflection", "", Who::kKnown},
    Rule{"anamnesis.internal.PeerService", "", Who::kMembers},
    Rule{"anamnesis.internal.CatchUpService", "", Who::kMembers},
};

const Rule* FindRule(std::string_view path) {
  if (!path.starts_with('/')) return nullptr;
  const size_t slash = path.find('/', 1);
  if (slash == std::string_view::npos) return nullptr;
  const std::string_view service = path.substr(1, slash - 1);
  const std::string_view method = path.substr(slash + 1);
  const auto* const rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& one) {
    return one.service == service && (one.method.empty() || one.method == method);
  });
  return rule == kRules.end() ? nullptr : rule;
}

Status Denied(const Caller& caller, std::string_view method, std::string_view why) {
  return absl::PermissionDeniedError(Text(AgentText(caller.agent), " may not call ", method, ": ", why));
}

}  // namespace

bool HasRole(const Caller& caller, v1::Role role) {
  return std::find(caller.roles.begin(), caller.roles.end(), role) != caller.roles.end();
}

Status Authorize(const Caller& caller, std::string_view method) {
  const Rule* const rule = FindRule(method);
  const bool node = caller.agent.kind() == kNodeKind;
  if (!caller.unknown_because.empty()) {
    return absl::UnauthenticatedError(
        Text("nobody knows ", AgentText(caller.agent), " here: ", caller.unknown_because));
  }
  if (rule == nullptr) return Denied(caller, method, "there is no such call");
  switch (rule->who) {
    case Who::kKnown:
      return OkStatus();
    case Who::kAgents:
      return node ? Denied(caller, method, "it is not for nodes") : OkStatus();
    case Who::kAdministrators:
      return HasRole(caller, v1::ADMINISTRATOR) ? OkStatus()
                                                : Denied(caller, method, "it asks for the role ADMINISTRATOR");
    case Who::kMembers:
      return node ? OkStatus() : Denied(caller, method, "it is for nodes");
  }
  return Denied(caller, method, "no rule says that it may");
}

}  // namespace anamnesis
