// A whole test PKI, and what a process does with its files while they change.

#include "client/pki/pki_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "client/pki/certificate_authority.h"
#include "ledger/tls/certificate.h"
#include "ledger/tls/tls_identity.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PkiDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    const Status made = MakePki(dir(), Plan());
    ASSERT_TRUE(made.ok()) << made;
  }

  static PkiPlan Plan() {
    PkiPlan plan;
    plan.origin = "acme.example/ledger";
    plan.nodes["n1"] = {"127.0.0.1", "localhost"};
    plan.etcd_members["e1"] = {"127.0.0.1"};
    v1::Agent ada;
    ada.set_kind("person");
    ada.set_id("ada");
    plan.agents = {ada};
    return plan;
  }

  std::string dir() const { return home_.path() + "/pki"; }
  std::string File(std::string_view name) const { return Text(dir(), "/", name); }
  std::string Content(std::string_view name) const {
    std::ifstream file(File(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(std::string_view name, std::string_view bytes) const {
    std::ofstream(File(name), std::ios::binary | std::ios::trunc) << bytes;
  }
  TlsFiles Node() const { return {File("node-n1.crt"), File("node-n1.key"), File("ca.crt")}; }

  ScratchDirectory home_;
};

// The log of an identity, waited for.
class Lines {
 public:
  TlsIdentity::Log Log() {
    return [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      all_ += Text(line, "\n");
    };
  }
  bool Say(std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      {
        const std::lock_guard lock(mutex_);
        const size_t found = all_.find(text);
        if (found != std::string::npos) {
          all_.erase(0, found + text.size());
          return true;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    const std::lock_guard lock(mutex_);
    ADD_FAILURE() << "\"" << text << "\" is not in: " << all_;
    return false;
  }

 private:
  std::mutex mutex_;
  std::string all_;
};

TEST_F(PkiDirectoryTest, HoldsWhatThePlanNames) {
  const auto node = ReadCertificates(Content("node-n1.crt"));
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_THAT(node->front().uris, ElementsAre("spiffe://acme.example/ledger/node/n1"));
  EXPECT_THAT(ReadCertificates(Content("person-ada.crt"))->front().uris,
              ElementsAre("spiffe://acme.example/ledger/person/ada"));
  for (const char* name : {"ca", "etcd-ca", "node-n1", "person-ada", "etcd-member-e1", "etcd-client-n1"}) {
    EXPECT_TRUE(CheckKeyBelongs(Content(Text(name, ".key")), Content(Text(name, ".crt"))).ok()) << name;
    struct stat info = {};
    ASSERT_EQ(::stat(File(Text(name, ".key")).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
  EXPECT_FALSE(CheckKeyBelongs(Content("person-ada.key"), Content("node-n1.crt")).ok());
}

TEST_F(PkiDirectoryTest, GrowsAndNeverOverwrites) {
  const std::string before = Content("node-n1.key");
  EXPECT_TRUE(absl::IsAlreadyExists(MakePki(dir(), Plan())));
  EXPECT_EQ(Content("node-n1.key"), before);
  PkiPlan more;
  more.origin = "acme.example/ledger";
  more.nodes["n2"] = {"node2.acme.example"};
  EXPECT_TRUE(MakePki(dir(), more).ok());
  EXPECT_TRUE(
      TlsIdentity::Load({File("node-n2.crt"), File("node-n2.key"), File("ca.crt")}, [](std::string_view) {}).ok());
  for (auto change : std::vector<void (*)(PkiPlan&)>{[](PkiPlan& plan) { plan.nodes["a/b"] = {"x"}; },
                                                     [](PkiPlan& plan) { plan.nodes["c"] = {"no host"}; },
                                                     [](PkiPlan& plan) {
                                                       plan.origin = "a b";
                                                       plan.nodes["d"] = {"x"};
                                                     },
                                                     [](PkiPlan& plan) { plan.etcd_members["../e"] = {"x"}; }}) {
    PkiPlan wrong = more;
    wrong.nodes.clear();
    change(wrong);
    EXPECT_TRUE(absl::IsInvalidArgument(MakePki(dir(), wrong)));
  }
}

TEST_F(PkiDirectoryTest, ARenewedCertificateHasTheSameNames) {
  const std::string key = Content("node-n1.key");
  ASSERT_TRUE(RenewCertificate(dir(), "node-n1", 7).ok());
  const CertificateFacts facts = ReadCertificates(Content("node-n1.crt"))->front();
  EXPECT_THAT(facts.uris, ElementsAre("spiffe://acme.example/ledger/node/n1"));
  EXPECT_NE(Content("node-n1.key"), key);
  EXPECT_NEAR(static_cast<double>(facts.not_after.us - facts.not_before.us) / 86'400e6, 7, 0.1);
  EXPECT_TRUE(absl::IsNotFound(RenewCertificate(dir(), "node-n9", 7)));
  EXPECT_TRUE(absl::IsInvalidArgument(RenewCertificate(dir(), "../pki/node-n1", 7)));
}

TEST_F(PkiDirectoryTest, ARenewedCaStandsBesideTheOldOne) {
  ASSERT_TRUE(RenewCa(dir(), "ca", 100).ok());
  EXPECT_EQ(ReadCertificates(Content("ca.crt"))->size(), 2u);
  ASSERT_TRUE(RenewCertificate(dir(), "node-n1", 7).ok());
  EXPECT_TRUE(CheckKeyBelongs(Content("ca.key"), Content("ca.crt")).ok());
  ASSERT_TRUE(RemoveOldCa(dir(), "ca").ok());
  EXPECT_THAT(ReadCertificates(Content("ca.crt"))->front().subject, HasSubstr("renewed"));
  EXPECT_EQ(ReadCertificates(Content("ca.crt"))->size(), 1u);
}

TEST_F(PkiDirectoryTest, FilesThatDoNotFitTogetherAreNoIdentity) {
  const auto load = [](const TlsFiles& files) { return TlsIdentity::Load(files, [](std::string_view) {}).status(); };
  EXPECT_TRUE(load(Node()).ok());
  EXPECT_TRUE(load({}).ok());
  TlsFiles wrong = Node();
  wrong.key = File("person-ada.key");
  EXPECT_TRUE(absl::IsInvalidArgument(load(wrong))) << load(wrong);
  wrong = Node();
  wrong.key.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(load(wrong)));
  wrong = Node();
  wrong.ca = File("missing.crt");
  EXPECT_TRUE(absl::IsNotFound(load(wrong)));
  wrong = Node();
  wrong.ca = File("ca.key");
  EXPECT_TRUE(absl::IsInvalidArgument(load(wrong)));
}

TEST_F(PkiDirectoryTest, AProcessTakesOverWhatFitsAndNothingElse) {
  Lines lines;
  const auto loaded = TlsIdentity::Load(Node(), lines.Log());
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const TlsIdentity& identity = **loaded;
  EXPECT_EQ(identity.Expiring().size(), 2u);
  const std::string certificate = Content("node-n1.crt");
  const std::string key = Content("node-n1.key");
  const Timestamp end = identity.Expiring().front().not_after;

  // Half a file, garbage, another's key, another's certificate, a file that is gone: the old ones stay.
  Write("node-n1.crt", certificate.substr(0, certificate.size() / 2));
  EXPECT_TRUE(lines.Say("is cut off"));
  Write("node-n1.crt", "garbage");
  EXPECT_TRUE(lines.Say("there is no certificate in it"));
  Write("node-n1.crt", certificate);
  EXPECT_TRUE(lines.Say("are used from now on"));
  Write("node-n1.key", Content("person-ada.key"));
  EXPECT_TRUE(lines.Say("stay in use: "));
  EXPECT_TRUE(lines.Say("the private key is not the certificate's"));
  Write("node-n1.crt", Content("person-ada.crt"));
  EXPECT_TRUE(lines.Say("names another than the one in use"));
  std::filesystem::remove(File("node-n1.crt"));
  EXPECT_TRUE(lines.Say("can't be read"));
  Write("ca.crt", Content("ca.crt") + Content("etcd-ca.crt").substr(0, 300));
  EXPECT_EQ(identity.Expiring().front().not_after, end);
  const uint64_t version = identity.version();

  // The pair as it was, its two files one after the other, with another CA; then with two.
  Write("ca.crt", Content("etcd-ca.crt"));
  Write("node-n1.key", key);
  Write("node-n1.crt", certificate);
  EXPECT_TRUE(lines.Say("are used from now on"));
  Write("ca.crt", Content("ca.crt") + Content("etcd-ca.crt"));
  EXPECT_TRUE(lines.Say("2 CA certificates"));
  EXPECT_GT(identity.version(), version);
  EXPECT_EQ(identity.Expiring().size(), 3u);
}

TEST(ReadCertificatesTest, ReadsAllOrNothing) {
  const auto ca = CertificateAuthority::Make("one", 1);
  ASSERT_TRUE(ca.ok());
  const std::string pem = ca->Pair()->certificate;
  EXPECT_EQ(ReadCertificates(Text("a comment\n", pem, "between\n", pem))->size(), 2u);
  EXPECT_EQ(ReadCertificates(pem)->front().subject, "CN=one");
  for (size_t size = 0; size + 2 < pem.size(); ++size) {
    EXPECT_FALSE(ReadCertificates(pem.substr(0, size)).ok()) << size;
    // A whole one before doesn't make up for it, once it is clear that another begins.
    if (size >= 27) {
      EXPECT_FALSE(ReadCertificates(pem + pem.substr(0, size)).ok()) << size;
    }
  }
}

}  // namespace
}  // namespace anamnesis
