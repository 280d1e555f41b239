#include <algorithm>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <optional>
#include <thread>

#include "client/cli/context.h"
#include "client/cpp/channel.h"
#include "client/cpp/cluster_client.h"

namespace anamnesis::cli {
namespace {

using v1::ClusterMembersChanged;

constexpr std::chrono::milliseconds kLookAgain(300);
// What a learner may lack when it is asked to vote: it gets that while it is being promoted.
constexpr uint64_t kCaughtUpWithin = 100;

struct ClusterVerb {
  Common common;
  ClusterMembersChanged::Node node;
  std::string rationale;
  std::string replaced;
  bool as_voter = false;
  int wait_seconds = 600;
};

StatusOr<std::unique_ptr<ClusterClient>> ConnectToCluster(const Common& common) {
  if (common.ledger.starts_with("file:")) {
    return absl::InvalidArgumentError("--ledger: a file: ledger has no cluster; name the HOST:PORT of its nodes");
  }
  return ConnectCluster(common.ledger, common.tls);
}

// A node that is none of a cluster's has no such service.
Status WhyNoCluster(const Status& status, const std::string& address) {
  if (!absl::IsUnimplemented(status)) return status;
  return absl::FailedPreconditionError(Text(address, ": serves alone, not in a cluster; see `anamnesis status`"));
}

// ---- Changes

const v1::ClusterStatus::Member* FindMember(const v1::ClusterStatus& status, std::string_view node) {
  const auto found = std::find_if(status.members().begin(), status.members().end(),
                                  [&](const auto& member) { return member.node().node() == node; });
  return found == status.members().end() ? nullptr : &*found;
}

using Reached = std::function<bool(const v1::ClusterStatus&)>;

// Looks until a node says that it is so.
Status WaitUntil(ClusterClient& client, const ClusterVerb& verb, std::string_view what, const Reached& reached) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(verb.wait_seconds);
  bool said = false;
  while (true) {
    Status silent;
    for (size_t place = 0; place < client.addresses().size(); ++place) {
      const StatusOr<v1::ClusterStatus> status = client.GetStatus(place);
      if (status.ok() && reached(*status)) return OkStatus();
      if (!status.ok()) silent = status.status();
    }
    if (std::chrono::steady_clock::now() >= until) {
      return absl::DeadlineExceededError(Text("after ", verb.wait_seconds, " s still waiting until ", what,
                                              silent.ok() ? "" : Text(": ", MessageOf(silent))));
    }
    if (!std::exchange(said, true)) std::cerr << "waiting until " << what << "\n";
    std::this_thread::sleep_for(kLookAgain);
  }
}

// Makes the change and waits until a majority has it, so that the next one can be made. One that was made before is
// gone on from.
Status Change(ClusterClient& client, const ClusterVerb& verb, ClusterMembersChanged::Change change,
              const ClusterMembersChanged::Node& node) {
  v1::ChangeMembersRequest request;
  request.set_change(change);
  *request.mutable_node() = node;
  request.set_rationale(verb.rationale);
  const StatusOr<v1::ChangeMembersResponse> made = client.ChangeMembers(request);
  if (absl::IsAlreadyExists(made.status())) {
    std::cerr << MessageOf(made.status()) << "\n";
    return OkStatus();
  }
  if (!made.ok()) return WhyNoCluster(made.status(), verb.common.ledger);
  return WaitUntil(client, verb, "a majority of the voters has applied the change",
                   [&](const v1::ClusterStatus& status) { return status.settled_revision() >= made->revision(); });
}

Status WaitForCatchUp(ClusterClient& client, const ClusterVerb& verb, const std::string& node) {
  return WaitUntil(client, verb, Text("node ", node, " has caught up"), [&](const v1::ClusterStatus& status) {
    // A node lacks nothing by its own account, nor by that of one that may lack as much.
    const auto* teller = FindMember(status, status.node());
    if (status.node() == node || teller == nullptr || !teller->voter()) return false;
    const auto* member = FindMember(status, node);
    return member != nullptr && member->heard() &&
           member->applied_revision() + kCaughtUpWithin >= status.applied_revision();
  });
}

// What was ordered while a node was a member may lie on it alone until the others have applied past its leaving.
Status WaitUntilNotNeeded(ClusterClient& client, const ClusterVerb& verb, const std::string& node) {
  return WaitUntil(client, verb, Text("the voters have everything that node ", node, " may hold"),
                   [&](const v1::ClusterStatus& status) {
                     // One that does not know of its leaving yet says nothing about that.
                     if (FindMember(status, node) != nullptr) return false;
                     return std::all_of(status.members().begin(), status.members().end(), [&](const auto& member) {
                       return !member.voter() || member.applied_revision() >= status.members_revision();
                     });
                   });
}

Status Add(ClusterClient& client, const ClusterVerb& verb) {
  RETURN_IF_ERROR(Change(client, verb, ClusterMembersChanged::LEARNER_ADDED, verb.node));
  if (!verb.as_voter && verb.replaced.empty()) return OkStatus();
  const Status caught_up = WaitForCatchUp(client, verb, verb.node.node());
  if (!absl::IsDeadlineExceeded(caught_up)) return caught_up;
  return absl::DeadlineExceededError(
      Text(MessageOf(caught_up), "; it is a member now, which is recorded: start it with `anamnesisd --join`, see its ",
           "log, and give this command again, which goes on from here"));
}

// The node that is asked may not have heard yet how far the others are.
Status Promote(ClusterClient& client, const ClusterVerb& verb) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(verb.wait_seconds);
  while (true) {
    const Status promoted = Change(client, verb, ClusterMembersChanged::PROMOTED, verb.node);
    if (!absl::IsFailedPrecondition(promoted) || std::chrono::steady_clock::now() >= until) return promoted;
    std::this_thread::sleep_for(kLookAgain);
  }
}

Status Remove(ClusterClient& client, const ClusterVerb& verb, const std::string& node) {
  ClusterMembersChanged::Node named;
  named.set_node(node);
  return Change(client, verb, ClusterMembersChanged::REMOVED, named);
}

// What became of the node.
ExitStatus Say(const ClusterVerb& verb, std::string_view now) {
  if (verb.common.json) {
    std::cout << "{\"node\": " << Quoted(verb.node.node()) << ", \"now\": " << Quoted(now) << "}\n";
  } else {
    std::cout << "node " << verb.node.node() << " " << now << "\n";
  }
  return kDone;
}

StatusOr<ExitStatus> RunAdd(const ClusterVerb& verb) {
  ASSIGN_OR_RETURN(const auto client, ConnectToCluster(verb.common));
  RETURN_IF_ERROR(Add(*client, verb));
  if (verb.as_voter) RETURN_IF_ERROR(Promote(*client, verb));
  return Say(verb, verb.as_voter ? "is a voter" : "is a learner");
}

StatusOr<ExitStatus> RunOne(const ClusterVerb& verb, ClusterMembersChanged::Change change, std::string_view now) {
  ASSIGN_OR_RETURN(const auto client, ConnectToCluster(verb.common));
  RETURN_IF_ERROR(Change(*client, verb, change, verb.node));
  return Say(verb, now);
}

StatusOr<ExitStatus> RunRemove(const ClusterVerb& verb) {
  ASSIGN_OR_RETURN(const auto client, ConnectToCluster(verb.common));
  RETURN_IF_ERROR(Remove(*client, verb, verb.node.node()));
  RETURN_IF_ERROR(WaitUntilNotNeeded(*client, verb, verb.node.node()));
  return Say(verb, "has left and is not needed any more: stop it");
}

// That the node to remove is a member, or that the new one is by a try before this one, which may have removed the
// other: a name that is mistaken for another leaves the dead node among the voters.
Status CheckReplaces(ClusterClient& client, const ClusterVerb& verb) {
  const StatusOr<v1::ClusterStatus> status = client.GetStatus();
  if (!status.ok()) return WhyNoCluster(status.status(), verb.common.ledger);
  if (FindMember(*status, verb.replaced) != nullptr) return OkStatus();
  if (FindMember(*status, verb.node.node()) != nullptr) {
    std::cerr << "node " << verb.replaced << " is no member; " << verb.node.node() << " is: going on from there\n";
    return OkStatus();
  }
  std::string members;
  for (const auto& member : status->members()) members += (members.empty() ? "" : ", ") + member.node().node();
  return absl::InvalidArgumentError(Text("DEAD: \"", verb.replaced, "\" is no member; members are ", members,
                                         "; a node that is to come beside them is added with `anamnesis cluster add`"));
}

// The new one first catches up, so that the voters are one fewer only for a moment.
StatusOr<ExitStatus> RunReplace(const ClusterVerb& verb) {
  ASSIGN_OR_RETURN(const auto client, ConnectToCluster(verb.common));
  RETURN_IF_ERROR(CheckReplaces(*client, verb));
  RETURN_IF_ERROR(Add(*client, verb));
  const Status removed = Remove(*client, verb, verb.replaced);
  // Gone by a try before this one.
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  RETURN_IF_ERROR(Promote(*client, verb));
  return Say(verb, Text("votes in place of ", verb.replaced));
}

// ---- Status

void PrintMembers(const v1::ClusterStatus& status) {
  for (const v1::ClusterStatus::Member& member : status.members()) {
    const uint64_t has = member.applied_revision();
    std::cout << "    " << std::left << std::setw(20) << member.node().node() << std::setw(9)
              << (member.voter() ? "voter" : "learner") << std::setw(22) << member.node().address()
              << (member.heard() ? Good("heard") : Bad("silent")) << ", applied " << has;
    if (has < status.applied_revision()) std::cout << ", " << status.applied_revision() - has << " behind";
    if (!member.node().name().empty()) std::cout << "  " << Dim(member.node().name());
    std::cout << "\n";
  }
}

void PrintEtcd(const v1::ClusterStatus& status) {
  for (const v1::ClusterStatus::EtcdEndpoint& etcd : status.etcd()) {
    std::cout << "    " << std::left << std::setw(29) << etcd.address();
    if (!etcd.problem().empty()) {
      std::cout << Bad(etcd.problem()) << "\n";
      continue;
    }
    std::cout << Good("answers") << ", " << etcd.version() << ", " << (etcd.store_bytes_in_use() >> 10) << " of "
              << (etcd.store_bytes() >> 10) << " KiB in use" << (etcd.leader() ? ", leader" : "")
              << (etcd.no_space() ? Bad(", NOSPACE: takes nothing more") : "")
              << (etcd.corrupt() ? Bad(", CORRUPT: its members' stores differ") : "") << "\n";
  }
}

void PrintStatus(const std::string& address, const v1::ClusterStatus& status) {
  std::cout << Bold(address) << "  node " << status.node() << " of " << status.origin();
  if (status.incarnation() > 0) std::cout << ", recovered " << status.incarnation() << " times";
  std::cout << "\n  order: seen to " << status.watched_revision() << ", applied " << status.applied_revision()
            << ", by a majority " << status.settled_revision() << "\n  "
            << (status.refusing().empty() ? Good("orders batches") : Bad(Text("orders nothing: ", status.refusing())))
            << "\n  members, since " << status.members_revision() << ":\n";
  PrintMembers(status);
  std::cout << "  etcd:\n";
  PrintEtcd(status);
  for (const std::string& warning : status.warnings()) std::cout << "  " << Bad(warning) << "\n";
}

StatusOr<ExitStatus> RunStatus(const ClusterVerb& verb) {
  ASSIGN_OR_RETURN(const auto client, ConnectToCluster(verb.common));
  Status first_failure;
  std::string json;
  for (size_t place = 0; place < client->addresses().size(); ++place) {
    const std::string& address = client->addresses()[place];
    const StatusOr<v1::ClusterStatus> status = client->GetStatus(place);
    if (!status.ok()) {
      const Status why = WhyNoCluster(status.status(), address);
      if (first_failure.ok()) first_failure = why;
      if (!verb.common.json) std::cout << Bold(address) << "  " << Bad(MessageOf(why)) << "\n";
      continue;
    }
    if (!verb.common.json) {
      PrintStatus(address, *status);
      continue;
    }
    ASSIGN_OR_RETURN(const std::string one, ToJson(*status, false));
    json += Text(json.empty() ? "" : ",", one);
  }
  if (verb.common.json) std::cout << "{\"nodes\":[" << json << "]}\n";
  return ExitStatusOf(first_failure);
}

// ---- The command line

using Run = std::function<StatusOr<ExitStatus>(const ClusterVerb&)>;

CLI::App& AddVerb(CLI::App& cluster, const char* name, const char* help, const char* example, const Run& run,
                  const std::function<void(CLI::App&, ClusterVerb&)>& options) {
  const auto verb = std::make_shared<ClusterVerb>();
  CLI::App& app = *cluster.add_subcommand(name, help);
  app.footer(Text("Example: anamnesis cluster ", example));
  AddLedgerOption(app, verb->common);
  options(app, *verb);
  SetAction(app, [verb, run] { return run(*verb); });
  return app;
}

void AddNodeOption(CLI::App& app, ClusterVerb& verb) {
  app.add_option_function<std::string>(
         "NODE", [&verb](const std::string& node) { verb.node.set_node(node); }, "its id, in DIR/node-id")
      ->required();
}

void AddChangeOptions(CLI::App& app, ClusterVerb& verb) {
  app.add_option("--rationale", verb.rationale, "why, for the ledger's record of the change")->required();
  app.add_option("--wait", verb.wait_seconds, "seconds to wait for what the change waits for")->capture_default_str();
  AddJsonOption(app, verb.common);
}

CLI::Validator IsAddress() {
  return CLI::Validator(
      [](const std::string& text) {
        const StatusOr<std::vector<std::string>> split = SplitAddresses(text);
        const bool fits = split.ok() && split->size() == 1;
        return fits ? std::string() : Text("\"", text, "\" is not HOST:PORT, such as 10.0.0.4:7430");
      },
      "");
}

void AddPlaceOptions(CLI::App& app, ClusterVerb& verb) {
  app.add_option_function<std::string>(
         "--address", [&verb](const std::string& address) { verb.node.set_address(address); },
         "HOST:PORT where the other nodes reach it (its --peer-listen)")
      ->required()
      ->check(IsAddress());
  app.add_option_function<std::string>(
      "--name", [&verb](const std::string& name) { verb.node.set_name(name); }, "for people, e.g. the site");
  app.add_option_function<std::string>(
      "--certificate-name", [&verb](const std::string& name) { verb.node.set_certificate_name(name); },
      "the id in its certificate, when that is not its node id");
}

void AddOneNodeVerb(CLI::App& cluster, const char* name, const char* help, const char* example, const Run& run) {
  AddVerb(cluster, name, help, example, run, [](CLI::App& app, ClusterVerb& verb) {
    AddNodeOption(app, verb);
    AddChangeOptions(app, verb);
  });
}

}  // namespace

void AddCluster(CLI::App& app) {
  CLI::App& cluster = *app.add_subcommand("cluster", "the nodes that keep a ledger together");
  cluster.require_subcommand(1);
  AddVerb(cluster, "status", "what each node says of its cluster", "status --ledger a:7420,b:7420,c:7420", RunStatus,
          [](CLI::App& verb_app, ClusterVerb& verb) { AddJsonOption(verb_app, verb.common); });
  AddVerb(cluster, "add", "takes in a node, which then follows",
          "add node-d --address 10.0.0.4:7430 --voter --rationale 'fourth site'", RunAdd,
          [](CLI::App& verb_app, ClusterVerb& verb) {
            AddNodeOption(verb_app, verb);
            AddPlaceOptions(verb_app, verb);
            AddChangeOptions(verb_app, verb);
            verb_app.add_flag("--voter", verb.as_voter, "and makes it a voter when it has caught up");
          });
  AddOneNodeVerb(cluster, "promote", "makes a learner a voter", "promote node-d --rationale 'fourth site'",
                 [](const ClusterVerb& verb) { return RunOne(verb, ClusterMembersChanged::PROMOTED, "is a voter"); });
  AddOneNodeVerb(cluster, "demote", "makes a voter a learner", "demote node-b --rationale 'moves house'",
                 [](const ClusterVerb& verb) { return RunOne(verb, ClusterMembersChanged::DEMOTED, "is a learner"); });
  AddOneNodeVerb(cluster, "remove", "lets a node leave", "remove node-b --rationale 'site closed'", RunRemove);
  AddVerb(
      cluster, "readdress", "says where a node is now", "readdress node-b --address 10.0.0.9:7430 --rationale moved",
      [](const ClusterVerb& verb) { return RunOne(verb, ClusterMembersChanged::READDRESSED, "has moved"); },
      [](CLI::App& verb_app, ClusterVerb& verb) {
        AddNodeOption(verb_app, verb);
        AddPlaceOptions(verb_app, verb);
        AddChangeOptions(verb_app, verb);
      });
  AddRecover(cluster);
  AddVerb(cluster, "replace", "puts a new node in the place of one that is dead",
          "replace node-b --with node-e --address 10.0.0.5:7430 --rationale 'its disk failed'", RunReplace,
          [](CLI::App& verb_app, ClusterVerb& verb) {
            verb_app.add_option("DEAD", verb.replaced, "the node to remove")->required();
            verb_app
                .add_option_function<std::string>(
                    "--with", [&verb](const std::string& node) { verb.node.set_node(node); }, "the new node's id")
                ->required();
            AddPlaceOptions(verb_app, verb);
            AddChangeOptions(verb_app, verb);
          });
}

}  // namespace anamnesis::cli
