#include "client/pki/pki_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "client/pki/certificate_authority.h"

namespace anamnesis {
namespace {

constexpr std::string_view kLedgerCa = "ca";
constexpr std::string_view kEtcdCa = "etcd-ca";
constexpr std::string_view kEndOfCertificate = "-----END CERTIFICATE-----\n";

std::string CertificatePath(const std::string& directory, std::string_view name) {
  return Text(directory, "/", name, ".crt");
}
std::string KeyPath(const std::string& directory, std::string_view name) { return Text(directory, "/", name, ".key"); }

Status ErrnoStatus(const std::string& path) {
  const int error = errno;
  const std::string message = Text(path, ": ", std::generic_category().message(error));
  return error == EEXIST ? absl::AlreadyExistsError(Text(message, "; it is not overwritten"))
                         : absl::InternalError(message);
}

StatusOr<std::string> Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file || bytes.empty()) return absl::NotFoundError(Text(path, ": can't be read, or is empty"));
  return bytes;
}

// A file that wasn't there before.
Status Create(const std::string& path, std::string_view bytes, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return ErrnoStatus(path);
  Status done;
  while (!bytes.empty() && done.ok()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) done = ErrnoStatus(path);
    if (written > 0) bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (done.ok() && ::fsync(fd) != 0) done = ErrnoStatus(path);
  ::close(fd);
  return done;
}

Status Replace(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  RETURN_IF_ERROR(Create(unfinished, bytes, mode));
  return ::rename(unfinished.c_str(), path.c_str()) == 0 ? OkStatus() : ErrnoStatus(path);
}

constexpr mode_t kPublic = 0644;
constexpr mode_t kSecret = 0600;

Status CreatePair(const std::string& directory, std::string_view name, const KeyPair& pair) {
  RETURN_IF_ERROR(Create(KeyPath(directory, name), pair.key, kSecret));
  return Create(CertificatePath(directory, name), pair.certificate, kPublic);
}

Status ReplacePair(const std::string& directory, std::string_view name, const KeyPair& pair) {
  RETURN_IF_ERROR(Replace(KeyPath(directory, name), pair.key, kSecret));
  return Replace(CertificatePath(directory, name), pair.certificate, kPublic);
}

StatusOr<CertificateAuthority> ReadCa(const std::string& directory, std::string_view name) {
  KeyPair pair;
  ASSIGN_OR_RETURN(pair.certificate, Read(CertificatePath(directory, name)));
  ASSIGN_OR_RETURN(pair.key, Read(KeyPath(directory, name)));
  StatusOr<CertificateAuthority> ca = CertificateAuthority::Parse(pair);
  if (!ca.ok()) return WithContext(ca.status(), CertificatePath(directory, name));
  return ca;
}

StatusOr<CertificateAuthority> ReadOrMakeCa(const std::string& directory, std::string_view name,
                                            std::string_view common_name, int days) {
  if (std::filesystem::exists(KeyPath(directory, name))) return ReadCa(directory, name);
  ASSIGN_OR_RETURN(CertificateAuthority ca, CertificateAuthority::Make(common_name, days));
  ASSIGN_OR_RETURN(const KeyPair pair, ca.Pair());
  RETURN_IF_ERROR(CreatePair(directory, name, pair));
  return ca;
}

Status CheckName(std::string_view what, const std::string& name) {
  return IsCertificateId(name)
             ? OkStatus()
             : absl::InvalidArgumentError(Text(what, " \"", name, "\" may only have A-Z a-z 0-9 . _ -"));
}

Status IssueAgent(const std::string& directory, const CertificateAuthority& ca, const PkiPlan& plan,
                  const v1::Agent& agent, const std::vector<std::string>& hosts) {
  CertificateRequest request{Text(agent.kind(), " ", agent.id()).substr(0, 64), {}, hosts};
  ASSIGN_OR_RETURN(const std::string uri, FormatAgentUri({plan.origin, agent}));
  request.uris.push_back(uri);
  ASSIGN_OR_RETURN(const KeyPair pair, ca.Issue(request, plan.days));
  return CreatePair(directory, Text(agent.kind(), "-", agent.id()), pair);
}

Status IssueNode(const std::string& directory, const CertificateAuthority& ca, const CertificateAuthority& etcd_ca,
                 const PkiPlan& plan, const std::string& id, const std::vector<std::string>& hosts) {
  v1::Agent agent;
  agent.set_kind(std::string(kNodeKind));
  agent.set_id(id);
  RETURN_IF_ERROR(IssueAgent(directory, ca, plan, agent, hosts));
  ASSIGN_OR_RETURN(const KeyPair pair, etcd_ca.Issue({id, {}, {}}, plan.days));
  return CreatePair(directory, Text("etcd-client-", id), pair);
}

}  // namespace

Status MakePki(const std::string& directory, const PkiPlan& plan) {
  for (const auto& [id, hosts] : plan.nodes) RETURN_IF_ERROR(CheckName("node", id));
  for (const auto& [name, hosts] : plan.etcd_members) RETURN_IF_ERROR(CheckName("etcd member", name));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return ErrnoStatus(directory);
  ASSIGN_OR_RETURN(const CertificateAuthority ca,
                   ReadOrMakeCa(directory, kLedgerCa, Text("test CA of ", plan.origin).substr(0, 64), plan.ca_days));
  ASSIGN_OR_RETURN(const CertificateAuthority etcd_ca,
                   ReadOrMakeCa(directory, kEtcdCa, "test CA of etcd", plan.ca_days));
  for (const auto& [id, hosts] : plan.nodes) RETURN_IF_ERROR(IssueNode(directory, ca, etcd_ca, plan, id, hosts));
  for (const v1::Agent& agent : plan.agents) RETURN_IF_ERROR(IssueAgent(directory, ca, plan, agent, {}));
  for (const auto& [name, hosts] : plan.etcd_members) {
    ASSIGN_OR_RETURN(const KeyPair pair, etcd_ca.Issue({name, {}, hosts}, plan.days));
    RETURN_IF_ERROR(CreatePair(directory, Text("etcd-member-", name), pair));
  }
  return OkStatus();
}

Status RenewCertificate(const std::string& directory, std::string_view name, int days) {
  if (name == kLedgerCa || name == kEtcdCa) return RenewCa(directory, name, days);
  RETURN_IF_ERROR(CheckName("certificate", std::string(name)));
  ASSIGN_OR_RETURN(const std::string before, Read(CertificatePath(directory, name)));
  ASSIGN_OR_RETURN(const CertificateAuthority ca, ReadCa(directory, name.starts_with("etcd-") ? kEtcdCa : kLedgerCa));
  ASSIGN_OR_RETURN(const KeyPair pair, ca.IssueAgain(before, days));
  return ReplacePair(directory, name, pair);
}

Status RenewCa(const std::string& directory, std::string_view name, int days) {
  ASSIGN_OR_RETURN(const std::string before, Read(CertificatePath(directory, name)));
  ASSIGN_OR_RETURN(const CertificateAuthority ca,
                   CertificateAuthority::Make(Text("test CA, renewed (", name, ")"), days));
  ASSIGN_OR_RETURN(KeyPair pair, ca.Pair());
  pair.certificate += before;
  return ReplacePair(directory, name, pair);
}

Status RemoveOldCa(const std::string& directory, std::string_view name) {
  ASSIGN_OR_RETURN(std::string bundle, Read(CertificatePath(directory, name)));
  const size_t end = bundle.find(kEndOfCertificate);
  if (end == std::string::npos)
    return absl::InvalidArgumentError(Text(CertificatePath(directory, name), ": malformed"));
  bundle.resize(end + kEndOfCertificate.size());
  return Replace(CertificatePath(directory, name), bundle, kPublic);
}

}  // namespace anamnesis
