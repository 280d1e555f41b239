#ifndef ANAMNESIS_CLIENT_PKI_PKI_DIRECTORY_H_
#define ANAMNESIS_CLIENT_PKI_PKI_DIRECTORY_H_

// A directory with a whole PKI for tests and trials:
//
//   ca.crt ca.key                        signs whom a ledger's nodes and clients are; ca.crt is what --tls-ca names
//   node-ID.crt node-ID.key              a node, with its hosts
//   person-ID.crt ...                    a person, software, device_unit, organisation or site
//   etcd-ca.crt etcd-ca.key              signs for etcd alone, so that no client of the ledger is one of etcd's
//   etcd-member-NAME.crt ...             a member of etcd, with its hosts
//   etcd-client-ID.crt ...               the node ID to etcd; its common name is ID
//
// Keys are readable by their owner only. Nothing that exists is overwritten but by a renewal.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/tls/agent_uri.h"

namespace anamnesis {

struct PkiPlan {
  std::string origin;
  // Nodes and etcd members with the DNS names and IP addresses under which they serve, at least one each.
  std::map<std::string, std::vector<std::string>> nodes;
  std::map<std::string, std::vector<std::string>> etcd_members;
  // All others.
  std::vector<v1::Agent> agents;
  int days = 90;
  int ca_days = 3650;
};

// Makes `directory` with everything in the plan, or adds what it names to one made before with the same origin's CA.
// ALREADY_EXISTS: one of the certificates is there. INVALID_ARGUMENT: a name can't be written in a certificate.
// INTERNAL: a file can't be read or written. Files made before a failure stay.
Status MakePki(const std::string& directory, const PkiPlan& plan);

// Gives `name` (a file's, without ending: "node-n1") a new key and a new certificate with the same names, for `days`.
// Each file is replaced as a whole. NOT_FOUND: there is no such certificate.
Status RenewCertificate(const std::string& directory, std::string_view name, int days);

// Gives the CA `name` ("ca" or "etcd-ca") a new key and certificate; NAME.crt then holds the new certificate and all
// from before, so that certificates of both are trusted until RemoveOldCa.
Status RenewCa(const std::string& directory, std::string_view name, int days);
// Leaves only the newest certificate in NAME.crt.
Status RemoveOldCa(const std::string& directory, std::string_view name);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_PKI_PKI_DIRECTORY_H_
