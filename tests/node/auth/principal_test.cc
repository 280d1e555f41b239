#include "node/auth/principal.h"

#include <gtest/gtest.h>

namespace anamnesis {
namespace {

constexpr std::string_view kOrigin = "acme.example/ledger";

TEST(Principal, IsTheAgentOfThisLedgerThatTheCertificateNames) {
  const StatusOr<v1::Agent> ada = PrincipalOfUris({"spiffe://acme.example/ledger/person/ada"}, kOrigin);
  ASSERT_TRUE(ada.ok()) << ada.status();
  EXPECT_EQ(ada->kind(), "person");
  EXPECT_EQ(ada->id(), "ada");
}

TEST(Principal, AnyOtherCertificateIsNobodys) {
  const std::vector<std::string> wrong[] = {
      {},
      {"spiffe://acme.example/ledger/person/ada", "spiffe://acme.example/ledger/person/bob"},
      {"spiffe://acme.example/ledger/person/ada", "spiffe://acme.example/ledger/person/ada"},
      {"spiffe://acme.example/person/ada"},
      {"spiffe://acme.example/ledger/ledger/person/ada"},
      {"spiffe://ACME.example/ledger/person/ada"},
      {"spiffe://other.example/ledger/person/ada"},
      {"spiffe://acme.example/ledger/person"},
      {"ada"},
  };
  for (const std::vector<std::string>& uris : wrong) {
    EXPECT_TRUE(absl::IsUnauthenticated(PrincipalOfUris(uris, kOrigin).status()))
        << (uris.empty() ? "none" : uris.front());
  }
}

}  // namespace
}  // namespace anamnesis
