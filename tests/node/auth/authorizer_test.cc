#include "node/auth/authorizer.h"

#include <gtest/gtest.h>

namespace anamnesis {
namespace {

Caller Agent(std::string_view kind, std::vector<v1::Role> roles = {}) {
  Caller caller;
  caller.agent.set_kind(std::string(kind));
  caller.agent.set_id("x");
  caller.roles = std::move(roles);
  return caller;
}

Caller Unknown(std::string_view kind) {
  Caller caller = Agent(kind, {v1::ADMINISTRATOR});
  caller.unknown_because = "its key was revoked";
  return caller;
}

const char* const kForAgents[] = {
    "/anamnesis.v1.AppendService/Append",
    "/anamnesis.v1.AppendService/AppendStream",
    "/anamnesis.v1.QueryService/GetConfiguration",
    "/anamnesis.v1.QuestionService/Ask",
    "/anamnesis.v1.ProofService/GetReceipt",
    "/anamnesis.v1.ProofService/GetCheckpoint",
    "/anamnesis.v1.WitnessService/GetWitnessedCheckpoint",
    "/anamnesis.v1.WitnessService/GetWitnessedReceipt",
    "/anamnesis.v1.ReceiptService/GetReceipts",
    "/anamnesis.v1.ObjectService/Put",
    "/anamnesis.v1.ObjectService/Get",
    "/anamnesis.v1.ObjectService/Stat",
    "/anamnesis.v1.ObjectService/Verify",
};
const char* const kForAllKnown[] = {
    "/anamnesis.v1.ReadService/Read",
    "/anamnesis.v1.ReadService/GetStatus",
    "/anamnesis.v1.WitnessService/GetWitnessStatus",
    "/anamnesis.v1.ScrubService/GetScrubStatus",
    "/anamnesis.v1.ClusterService/GetClusterStatus",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
};
const char* const kForAdministrators[] = {
    "/anamnesis.v1.ClusterService/ChangeMembers", "/anamnesis.v1.BackupService/CreateBackup",
    "/anamnesis.v1.BackupService/DropBackups", "/anamnesis.v1.ClusterService/WhateverComes"};
const char* const kForPeers[] = {"/anamnesis.internal.PeerService/Link", "/anamnesis.internal.CatchUpService/CatchUp"};
const char* const kForNobody[] = {
    "",
    "/",
    "anamnesis.v1.ReadService/Read",
    "/anamnesis.v1.ReadService",
    "/anamnesis.v1.ReadServiceX/Read",
    "/anamnesis.v1.ReadServic/Read",
    "//anamnesis.v1.ReadService/Read",
    "/anamnesis.internal.Secret/Read",
    "/grpc.channelz.v1.Channelz/GetServers",
};

bool Denied(const Caller& caller, const char* method) { return absl::IsPermissionDenied(Authorize(caller, method)); }

TEST(Authorizer, AnEnrolledAgentReadsAsksProvesAndAppends) {
  for (const char* kind : {"person", "software", "device_unit", "organisation", "site"}) {
    const Caller caller = Agent(kind);
    for (const char* method : kForAgents) EXPECT_TRUE(Authorize(caller, method).ok()) << kind << method;
    for (const char* method : kForAllKnown) EXPECT_TRUE(Authorize(caller, method).ok()) << kind << method;
    for (const char* method : kForAdministrators) EXPECT_TRUE(Denied(caller, method)) << kind << method;
    for (const char* method : kForPeers) EXPECT_TRUE(Denied(caller, method)) << kind << method;
    for (const char* method : kForNobody) EXPECT_TRUE(Denied(caller, method)) << kind << method;
  }
}

TEST(Authorizer, OnlyAnAdministratorChangesTheCluster) {
  const Caller administrator = Agent("person", {v1::AUTHOR, v1::ADMINISTRATOR});
  for (const char* method : kForAdministrators) EXPECT_TRUE(Authorize(administrator, method).ok()) << method;
  for (const char* method : kForPeers) EXPECT_TRUE(Denied(administrator, method)) << method;
  for (const char* method : kForNobody) EXPECT_TRUE(Denied(administrator, method)) << method;
  const Caller author = Agent("person", {v1::AUTHOR, v1::GATEWAY});
  for (const char* method : kForAdministrators) EXPECT_TRUE(Denied(author, method)) << method;
}

TEST(Authorizer, ANodeSpeaksWithNodesAndReads) {
  const Caller node = Agent("node");
  for (const char* method : kForPeers) EXPECT_TRUE(Authorize(node, method).ok()) << method;
  for (const char* method : kForAllKnown) EXPECT_TRUE(Authorize(node, method).ok()) << method;
  for (const char* method : kForAgents) EXPECT_TRUE(Denied(node, method)) << method;
  for (const char* method : kForAdministrators) EXPECT_TRUE(Denied(node, method)) << method;
  for (const char* method : kForNobody) EXPECT_TRUE(Denied(node, method)) << method;
}

TEST(Authorizer, WhomNobodyKnowsGetsNothing) {
  for (const char* kind : {"person", "software", "device_unit", "node", "", "patient"}) {
    const Caller caller = Unknown(kind);
    const auto refused = [&](const char* method) {
      const Status status = Authorize(caller, method);
      EXPECT_TRUE(absl::IsUnauthenticated(status)) << kind << method << status;
      EXPECT_NE(MessageOf(status).find("its key was revoked"), std::string_view::npos);
    };
    for (const char* method : kForAgents) refused(method);
    for (const char* method : kForAllKnown) refused(method);
    for (const char* method : kForAdministrators) refused(method);
    for (const char* method : kForPeers) refused(method);
    for (const char* method : kForNobody) refused(method);
  }
}

}  // namespace
}  // namespace anamnesis
