// Who may hand in runs that somebody else sealed.

#include "node/service/access.h"

#include "gtest/gtest.h"
#include "tests/remote/served_ledger.h"

namespace anamnesis {
namespace {

class AccessTest : public ServedLedgerTest {};

TEST_F(AccessTest, WhoeverAsksWhatBecameOfARecordedRunIsNotRefused) {
  const Access access(*ledger_, true, [](std::string_view) { return false; });
  v1::Agent gateway;
  gateway.set_kind("service");
  gateway.set_id("gateway");
  TestWriter writer = Writer("notes/gateway");
  v1::AppendRequest request;
  *request.add_runs() = writer.Write({ReferToDocument("a")});
  EXPECT_EQ(access.CheckMayHandIn(gateway, request.runs(0)).code(), absl::StatusCode::kPermissionDenied);
  ASSERT_TRUE(client_->Append(request).ok());
  EXPECT_TRUE(access.CheckMayHandIn(gateway, request.runs(0)).ok());
  // The ledger has neither this run nor its beginning.
  EXPECT_EQ(access.CheckMayHandIn(gateway, writer.Write({ReferToDocument("b")})).code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace anamnesis
