// Users, tokens and certificates, with etcd's own enforcement behind them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "ledger/base/check.h"
#include "node/etcd/etcd_client.h"
#include "tests/node/etcd/etcd_process.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using namespace std::chrono_literals;

// root, and the user ledger, who may read and write below test/ only.
void EnableUsers(const EtcdCluster& etcd) {
  etcd.Control("user add root:rootpw");
  etcd.Control("role add root");
  etcd.Control("user grant-role root root");
  etcd.Control("role add ledger");
  etcd.Control("role grant-permission ledger --prefix=true readwrite test/");
  etcd.Control("user add ledger:secret");
  etcd.Control("user grant-role ledger ledger");
  etcd.Control("auth enable");
}

TEST(Security, UserLimitedToThePrefix) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  (void)etcd.Connect();
  EnableUsers(etcd);
  EtcdOptions options = etcd.Options();
  options.user = "ledger";
  options.password = "secret";
  const auto client = etcd.Connect(options);
  const auto put = client->Txn(EtcdTxn().IfAbsent("k").ThenPut("k", "v"));
  ASSERT_TRUE(put.ok()) << put.status();
  const auto watch = client->Watch("", put->revision);
  EXPECT_EQ((*watch)->Next(5s)->events.at(0).item.key, "k");
  const auto keeper = client->KeepLease(2s, nullptr);
  ASSERT_TRUE(keeper.ok()) << keeper.status();
  EXPECT_TRUE(client->AskAlarms().ok());

  EtcdOptions outside = options;
  outside.prefix = "elsewhere/";
  const auto stranger = EtcdClient::Connect(outside).value();
  EXPECT_EQ(stranger->Txn(EtcdTxn().ThenPut("k", "v")).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(stranger->Get("k").status().code(), absl::StatusCode::kPermissionDenied);
  const auto blind = stranger->Watch("", 1);
  EXPECT_EQ((*blind)->Next(5s).status().code(), absl::StatusCode::kPermissionDenied);

  EtcdOptions wrong = options;
  wrong.password = "guess";
  EXPECT_EQ(EtcdClient::Connect(wrong).value()->Txn(EtcdTxn().ThenPut("k", "v")).status().code(),
            absl::StatusCode::kPermissionDenied);
  EtcdOptions nobody = etcd.Options();
  EXPECT_EQ(EtcdClient::Connect(nobody).value()->Txn(EtcdTxn().ThenPut("k", "v")).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(client->Get("k")->mod_revision, put->revision) << "none of them wrote";
}

TEST(Security, TokensAreRenewed) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd({.arguments = {"--auth-token-ttl", "1"}});
  (void)etcd.Connect();
  EnableUsers(etcd);
  EtcdOptions options = etcd.Options();
  // The probes would keep the token alive.
  options.probe_interval = 60s;
  options.user = "ledger";
  options.password = "secret";
  const auto client = etcd.Connect(options);
  const auto watch = client->Watch("", 1);
  const int64_t first = client->Txn(EtcdTxn().ThenPut("k", "1"))->revision;
  EXPECT_EQ((*watch)->Next(5s)->revision, first);
  std::this_thread::sleep_for(3500ms);
  const auto second = client->Txn(EtcdTxn().ThenPut("k", "2"));
  ASSERT_TRUE(second.ok()) << second.status();
  // Any change of users makes older tokens stale, and a restart forgets them.
  etcd.Control("--user root:rootpw user add other:pw");
  EXPECT_TRUE(client->Txn(EtcdTxn().ThenPut("k", "3")).ok());
  etcd.Restart(0);
  StatusOr<EtcdTxnResult> third = absl::UnknownError("not yet");
  for (int i = 0; i < 5 && !third.ok(); ++i) third = client->Txn(EtcdTxn().ThenPut("k", "4"));
  ASSERT_TRUE(third.ok()) << third.status();
  int64_t reached = 0;
  for (int i = 0; i < 50 && reached < third->revision; ++i) {
    const auto batch = (*watch)->Next(200ms);
    if (batch.ok()) reached = batch->revision;
  }
  EXPECT_EQ(reached, third->revision);
}

TEST(Security, UserWithoutAuthenticationIsAnError) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  (void)etcd.Connect();
  EtcdOptions options = etcd.Options();
  options.user = "ledger";
  options.password = "secret";
  EXPECT_EQ(EtcdClient::Connect(options).value()->Get("k").status().code(), absl::StatusCode::kFailedPrecondition);
}

// A directory with a CA, a server's and a client's certificate, and another CA with a client of its own.
class Certificates {
 public:
  Certificates() {
    std::ofstream(File("ext")) << "subjectAltName=IP:127.0.0.1,DNS:localhost\n";
    for (const char* ca : {"ca", "other_ca"}) {
      Run(Text("openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ", ca, ".key -out ",
               ca, ".pem -days 2 -subj /CN=", ca));
    }
    Issue("server", "ca");
    Issue("client", "ca");
    Issue("stranger", "other_ca");
  }

  const std::string& directory() const { return directory_.path(); }
  std::string File(std::string_view name) const { return Text(directory(), "/", name); }

 private:
  void Issue(std::string_view name, std::string_view ca) const {
    Run(Text("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ", name, ".key -out ", name,
             ".csr -subj /CN=", name));
    Run(Text("openssl x509 -req -in ", name, ".csr -CA ", ca, ".pem -CAkey ", ca, ".key -CAcreateserial -out ", name,
             ".pem -days 2 -extfile ext"));
  }
  void Run(const std::string& command) const {
    CHECK(std::system(Text("cd ", directory(), " && ", command, " >/dev/null 2>&1").c_str()) == 0);
  }

  ScratchDirectory directory_;
};

TEST(Security, MutualTls) {
  ANAMNESIS_NEEDS_ETCD();
  if (std::system("command -v openssl >/dev/null 2>&1") != 0) GTEST_SKIP() << "no openssl program here";
  const Certificates certificates;
  const EtcdCluster etcd({.tls_directory = certificates.directory()});
  EtcdOptions options = etcd.Options();
  const auto with = [&](const char* ca, const char* own) {
    EtcdOptions changed = options;
    TlsFiles files{.ca = certificates.File(ca)};
    if (own != nullptr) {
      files.certificate = certificates.File(Text(own, ".pem"));
      files.key = certificates.File(Text(own, ".key"));
    }
    changed.tls = TlsIdentity::Load(files, [](std::string_view) {}).value();
    return changed;
  };
  const auto client = etcd.Connect(with("ca.pem", "client"));
  ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut("k", "v")).ok());
  const auto watch = client->Watch("", 1);
  EXPECT_EQ((*watch)->Next(5s)->events.size(), 1u);

  const std::pair<const char*, EtcdOptions> refused[] = {
      {"another CA's client", with("ca.pem", "stranger")},
      {"no client certificate", with("ca.pem", nullptr)},
      {"a server of a CA that is not trusted", with("other_ca.pem", "client")},
      {"no TLS at all", options},
  };
  for (auto [what, wrong] : refused) {
    wrong.call_timeout = 700ms;
    const Status status = EtcdClient::Connect(wrong).value()->Txn(EtcdTxn().ThenPut("intruder", "v")).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << what << ": " << status;
  }
  EXPECT_EQ(client->Get("intruder").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace anamnesis
