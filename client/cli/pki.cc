#include <iostream>

#include "client/cli/context.h"
#include "client/pki/pki_directory.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kForTests =
    "THIS PKI IS FOR TESTS AND TRIALS: the keys of its CAs lie beside the certificates, unprotected. Use your own CA "
    "where it matters.\n";

struct Options {
  std::string directory;
  std::string origin;
  std::vector<std::string> nodes;
  std::vector<std::string> etcd_members;
  std::vector<std::pair<std::string, std::vector<std::string>>> agents = {
      {"person", {}}, {"software", {}}, {"device_unit", {}}, {"organisation", {}}, {"site", {}}};
  int days = 90;
  std::string name;
  bool drop_old = false;
};

// "ID=HOST[,HOST...]".
Status AddServer(std::string_view option, const std::string& text,
                 std::map<std::string, std::vector<std::string>>& servers) {
  const size_t equals = text.find('=');
  std::vector<std::string> hosts;
  for (size_t from = equals; from < text.size();) {
    const size_t comma = text.find(',', from + 1);
    hosts.push_back(text.substr(from + 1, comma == std::string::npos ? comma : comma - from - 1));
    from = comma;
  }
  if (hosts.empty()) {
    return absl::InvalidArgumentError(Text(option, ": \"", text, "\" is not ID=HOST[,HOST...]"));
  }
  if (!servers.emplace(text.substr(0, equals), std::move(hosts)).second) {
    return absl::InvalidArgumentError(Text(option, ": \"", text.substr(0, equals), "\" is named twice"));
  }
  return OkStatus();
}

StatusOr<ExitStatus> New(const Options& options) {
  PkiPlan plan;
  plan.origin = options.origin;
  plan.days = options.days;
  for (const std::string& node : options.nodes) RETURN_IF_ERROR(AddServer("--node", node, plan.nodes));
  for (const std::string& member : options.etcd_members) {
    RETURN_IF_ERROR(AddServer("--etcd", member, plan.etcd_members));
  }
  for (const auto& [kind, ids] : options.agents) {
    for (const std::string& id : ids) {
      v1::Agent agent;
      agent.set_kind(kind);
      agent.set_id(id);
      plan.agents.push_back(std::move(agent));
    }
  }
  std::cerr << kForTests;
  RETURN_IF_ERROR(MakePki(options.directory, plan));
  std::cout << "made certificates in " << options.directory << "\n";
  return kDone;
}

// A file that isn't there is wrong input: nobody was asked anything that has "no" for an answer.
Status OfInput(const Status& status) {
  return absl::IsNotFound(status) ? absl::InvalidArgumentError(Text(MessageOf(status))) : status;
}

StatusOr<ExitStatus> Renew(const Options& options) {
  std::cerr << kForTests;
  if (options.drop_old) {
    RETURN_IF_ERROR(OfInput(RemoveOldCa(options.directory, options.name)));
    std::cout << options.name << ".crt holds the newest CA only\n";
    return kDone;
  }
  RETURN_IF_ERROR(OfInput(RenewCertificate(options.directory, options.name, options.days)));
  std::cout << "renewed " << options.name << "\n";
  return kDone;
}

}  // namespace

void AddPki(CLI::App& app) {
  CLI::App& pki = *app.add_subcommand("pki", "makes certificates for tests and trials");
  pki.require_subcommand(1);
  auto options = std::make_shared<Options>();
  const auto add_common = [options](CLI::App& verb) {
    verb.add_option("DIR", options->directory, "the directory of the PKI")->required();
    verb.add_option("--days", options->days, "how long the certificates are valid")
        ->check(CLI::Range(1, 3650))
        ->capture_default_str();
  };

  CLI::App& make = *pki.add_subcommand("new", "makes a PKI, or adds to it; never overwrites");
  make.footer(
      "Example: anamnesis pki new pki --origin acme-cardio.example/ledger --node n1=node1.acme-cardio.example,10.0.0.1 "
      "--person ada --etcd e1=10.0.0.1");
  add_common(make);
  make.add_option("--origin", options->origin, "the ledger's origin, which is part of every name")->required();
  make.add_option("--node", options->nodes, "ID=HOST[,HOST...]: a node, by DIR/node-id, and where it serves");
  make.add_option("--etcd", options->etcd_members, "NAME=HOST[,HOST...]: a member of etcd");
  for (auto& [kind, ids] : options->agents) {
    make.add_option("--" + kind, ids, Text("ID: a ", kind, " that a credential of the ledger names"));
  }
  SetAction(make, [options] { return New(*options); });

  CLI::App& renew = *pki.add_subcommand("renew", "a new key and certificate with the same names");
  renew.footer(
      "Example: anamnesis pki renew pki node-n1; for a CA: renew pki ca, then every other, then renew pki ca "
      "--drop-old");
  add_common(renew);
  renew.add_option("NAME", options->name, "a file's name without .crt, e.g. person-ada, or ca")->required();
  renew.add_flag("--drop-old", options->drop_old, "of a CA: trust only the newest from now on");
  SetAction(renew, [options] { return Renew(*options); });
}

}  // namespace anamnesis::cli
