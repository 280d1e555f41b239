#include "node/etcd/outcome.h"

#include <gtest/gtest.h>

#include <limits>

#include "node/etcd/etcd_options.h"
#include "node/etcd/keys.h"

namespace anamnesis {
namespace {

using grpc::StatusCode;

TEST(Outcome, WritesThatAreCertainlyNotApplied) {
  struct Case {
    grpc::Status status;
    absl::StatusCode code;
    bool elsewhere;
    bool token;
  };
  const Case cases[] = {
      {{StatusCode::INVALID_ARGUMENT, "etcdserver: request is too large"},
       absl::StatusCode::kInvalidArgument,
       false,
       false},
      {{StatusCode::NOT_FOUND, "etcdserver: requested lease not found"}, absl::StatusCode::kNotFound, false, false},
      {{StatusCode::PERMISSION_DENIED, "etcdserver: permission denied"},
       absl::StatusCode::kPermissionDenied,
       false,
       false},
      // etcd 3.4 sends this one with the code UNKNOWN.
      {{StatusCode::UNKNOWN, "etcdserver: too many requests"}, absl::StatusCode::kResourceExhausted, false, false},
      {{StatusCode::UNAUTHENTICATED, "etcdserver: invalid auth token"},
       absl::StatusCode::kUnauthenticated,
       false,
       true},
      {{StatusCode::INVALID_ARGUMENT, "etcdserver: revision of auth store is old"},
       absl::StatusCode::kUnauthenticated,
       false,
       true},
      {{StatusCode::UNAVAILABLE, "etcdserver: no leader"}, absl::StatusCode::kUnavailable, true, false},
      {{StatusCode::UNAVAILABLE, "failed to connect to all addresses; last error: refused"},
       absl::StatusCode::kUnavailable,
       true,
       false},
  };
  for (const Case& c : cases) {
    const CallFailure failure = JudgeWrite(c.status, "a:1");
    EXPECT_EQ(failure.status.code(), c.code) << c.status.error_message();
    EXPECT_EQ(failure.try_elsewhere, c.elsewhere) << c.status.error_message();
    EXPECT_EQ(failure.token_refused, c.token) << c.status.error_message();
  }
}

TEST(Outcome, AllElseIsUnknownAndNotTriedAgain) {
  const grpc::Status statuses[] = {
      {StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded"},
      {StatusCode::UNAVAILABLE, "Socket closed"},
      {StatusCode::CANCELLED, ""},
      {StatusCode::UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure"},
      {StatusCode::UNAVAILABLE, "etcdserver: leader changed"},
      {StatusCode::UNAVAILABLE, "etcdserver: server stopped"},
      {StatusCode::RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"},
      {StatusCode::DATA_LOSS, "etcdserver: corrupt cluster"},
      {StatusCode::INVALID_ARGUMENT, "etcdserver: something new"},
      {StatusCode::NOT_FOUND, "requested lease not found"},
      {StatusCode::PERMISSION_DENIED, "a proxy says so"},
      {StatusCode::INTERNAL, "failed to connect to all addresses"},
  };
  for (const grpc::Status& status : statuses) {
    const CallFailure failure = JudgeWrite(status, "a:1");
    EXPECT_EQ(failure.status.code(), absl::StatusCode::kUnknown) << status.error_message();
    EXPECT_FALSE(failure.try_elsewhere || failure.token_refused) << status.error_message();
    EXPECT_NE(MessageOf(failure.status).find("outcome unknown"), std::string_view::npos);
  }
}

TEST(Outcome, ReadsGoElsewhere) {
  EXPECT_TRUE(JudgeRead({StatusCode::DEADLINE_EXCEEDED, "Deadline Exceeded"}, "a:1").try_elsewhere);
  EXPECT_TRUE(JudgeRead({StatusCode::UNAVAILABLE, "etcdserver: leader changed"}, "a:1").try_elsewhere);
  EXPECT_EQ(JudgeRead({StatusCode::DEADLINE_EXCEEDED, ""}, "a:1").status.code(), absl::StatusCode::kUnavailable);
  const CallFailure compacted =
      JudgeRead({StatusCode::OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"}, "a:1");
  EXPECT_EQ(compacted.status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_FALSE(compacted.try_elsewhere);
}

TEST(Outcome, WatchCancelReasons) {
  EXPECT_EQ(
      JudgeWatchCancel("rpc error: code = PermissionDenied desc = etcdserver: permission denied", "a:1").status.code(),
      absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(
      JudgeWatchCancel("rpc error: code = Unauthenticated desc = etcdserver: invalid auth token", "a:1").token_refused);
  EXPECT_EQ(JudgeWatchCancel("something else", "a:1").status.code(), absl::StatusCode::kUnavailable);
}

TEST(Options, AreChecked) {
  EtcdOptions good;
  good.endpoints = {"127.0.0.1:2379", "[::1]:2379", "localhost:1"};
  good.prefix = "p/";
  EXPECT_TRUE(CheckOptions(good).ok());
  const auto refused = [&](auto change) {
    EtcdOptions options = good;
    change(options);
    return CheckOptions(options).code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](EtcdOptions& o) { o.endpoints.clear(); }));
  for (const char* endpoint :
       {"etcd", "etcd:", ":2379", "http://127.0.0.1:2379", "::1:2379", "127.0.0.1:x", "", "10.0.0.1:2379"}) {
    EXPECT_TRUE(refused([&](EtcdOptions& o) { o.endpoints = {endpoint}; })) << endpoint;
  }
  EXPECT_TRUE(refused([](EtcdOptions& o) { o.prefix = ""; }));
  EXPECT_TRUE(refused([](EtcdOptions& o) { o.prefix = "p\xff"; }));
  EXPECT_TRUE(refused([](EtcdOptions& o) { o.password = "p"; }));
  EXPECT_TRUE(refused([](EtcdOptions& o) { o.call_timeout = std::chrono::milliseconds(0); }));
  EXPECT_FALSE(refused([](EtcdOptions& o) {
    o.endpoints = {"10.0.0.1:2379"};
    o.tls = TlsIdentity::Load({}, [](std::string_view) {}).value();
  }));
}

TEST(Keys, EndOfPrefix) {
  EXPECT_EQ(EndOfPrefix("a/"), "a0");
  EXPECT_EQ(EndOfPrefix("a\xff\xff"), "b");
  EXPECT_EQ(EndOfPrefix("\x7f"), "\x80");
}

}  // namespace
}  // namespace anamnesis
