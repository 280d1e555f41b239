#include "ledger/tls/agent_uri.h"

#include <gtest/gtest.h>

namespace anamnesis {
namespace {

AgentUri Name(std::string origin, std::string_view kind, std::string_view id) {
  AgentUri name;
  name.origin = std::move(origin);
  name.agent.set_kind(std::string(kind));
  name.agent.set_id(std::string(id));
  return name;
}

TEST(AgentUri, IsReadAsItWasWritten) {
  for (const char* kind : {"person", "software", "device_unit", "organisation", "site", "node"}) {
    const StatusOr<std::string> uri = FormatAgentUri(Name("acme-cardio.example/ledger", kind, "ICU-7.b_1"));
    ASSERT_TRUE(uri.ok()) << uri.status();
    EXPECT_EQ(*uri, Text("spiffe://acme-cardio.example/ledger/", kind, "/ICU-7.b_1"));
    const StatusOr<AgentUri> read = ParseAgentUri(*uri);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->origin, "acme-cardio.example/ledger");
    EXPECT_EQ(read->agent.kind(), kind);
    EXPECT_EQ(read->agent.id(), "ICU-7.b_1");
  }
}

TEST(AgentUri, WhatHasAnotherFormNamesNobody) {
  for (const char* uri : {
           "",
           "spiffe://",
           "spiffe://person/ada",
           "spiffe:///person/ada",
           "spiffe://acme.example/person/",
           "spiffe://acme.example//ada",
           "spiffe://acme.example/patient/ada",
           "spiffe://acme.example/Person/ada",
           "spiffe://acme.example/person/ada/",
           "spiffe://acme.example//ledger/person/ada",
           "spiffe://acme.example/../person/ada",
           "spiffe://acme.example/person/..",
           "spiffe://acme.example/person/a%64a",
           "spiffe://acme.example/person/ada?x",
           "spiffe://acme.example/person/ada#x",
           "spiffe://acme.example:443/person/ada",
           "spiffe://user@acme.example/person/ada",
           "SPIFFE://acme.example/person/ada",
           "https://acme.example/person/ada",
           "acme.example/person/ada",
       }) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseAgentUri(uri).status())) << uri;
  }
  EXPECT_FALSE(ParseAgentUri("spiffe://acme.example/person/" + std::string(3000, 'a')).ok());
  EXPECT_FALSE(ParseAgentUri(std::string_view("spiffe://acme.example/person/ada\0b", 34)).ok());
}

TEST(AgentUri, IdsThatNoCertificateCanHaveAreRefused) {
  for (const char* id : {"", ".", "..", "a b", "a/b", "ä"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(FormatAgentUri(Name("acme.example", "person", id)).status())) << id;
  }
  EXPECT_FALSE(FormatAgentUri(Name("acme example", "person", "ada")).ok());
}

TEST(AgentUri, ACertificateNamesItsHolderOnce) {
  const std::string ada = "spiffe://acme.example/person/ada";
  EXPECT_TRUE(AgentOfUris({ada}).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(AgentOfUris({}).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(AgentOfUris({ada, ada}).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(AgentOfUris({ada, "https://acme.example"}).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(AgentOfUris({"https://acme.example"}).status()));
}

}  // namespace
}  // namespace anamnesis
