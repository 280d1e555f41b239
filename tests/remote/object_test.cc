// Objects over gRPC: what a client puts is what it gets, whatever happens in between.

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "anamnesis/v1/object.grpc.pb.h"
#include "client/cpp/object_client.h"
#include "gmock/gmock.h"
#include "ledger/crypto/sha256.h"
#include "tests/remote/served_ledger.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

constexpr size_t kMebibyte = 1u << 20;

std::string BytesOf(size_t count) {
  std::string bytes(count, '\0');
  uint32_t state = static_cast<uint32_t>(count) + 7;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class StringSink : public ObjectSink {
 public:
  Status Write(std::string_view piece) override {
    bytes.append(piece);
    if (on_write) std::exchange(on_write, nullptr)();
    return outcome;
  }
  Status Restart() override {
    bytes.clear();
    ++restarts;
    return OkStatus();
  }

  std::string bytes;
  int restarts = 0;
  Status outcome;
  // Called once.
  std::function<void()> on_write;
};

class ObjectTest : public ServedLedgerTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ServedLedgerTest::SetUp());
    ConnectTo(address());
  }

  void ConnectTo(const std::string& addresses) {
    auto store = ConnectObjects(addresses, {{}, std::chrono::seconds(30)});
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }

  HashedFile FileWith(const std::string& bytes, const std::string& name = "file") {
    const std::string path = dir_.path() + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return HashFile(path).value();
  }

  // One call of Put with these messages.
  StatusOr<v1::PutObjectResponse> PutRaw(const std::vector<v1::PutObjectRequest>& messages) {
    const auto stub = v1::ObjectService::NewStub(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    v1::PutObjectResponse reply;
    const auto writer = stub->Put(&context, &reply);
    for (const v1::PutObjectRequest& message : messages) writer->Write(message);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    if (!status.ok()) return Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
    return reply;
  }
  static v1::PutObjectRequest Start(std::string_view sha256, uint64_t size, uint64_t offset = 0) {
    v1::PutObjectRequest message;
    message.mutable_start()->set_sha256(std::string(sha256));
    message.mutable_start()->set_size_bytes(size);
    message.mutable_start()->set_offset(offset);
    return message;
  }
  static v1::PutObjectRequest Chunk(const std::string& bytes) {
    v1::PutObjectRequest message;
    message.set_chunk(bytes);
    return message;
  }

  std::unique_ptr<ObjectClient> store_;
};

TEST_F(ObjectTest, WhatIsPutIsWhatIsGot) {
  for (const size_t size : {size_t{0}, size_t{1}, kMebibyte, 3 * kMebibyte + 5}) {
    const std::string bytes = BytesOf(size);
    const HashedFile file = FileWith(bytes);
    const Status put = store_->Put(0, file);
    ASSERT_TRUE(put.ok()) << put.ToString();
    EXPECT_TRUE(store_->Put(0, file).ok());
    EXPECT_TRUE(store_->Stat(0, file.digest, 0)->stored);
    EXPECT_EQ(store_->Verify(0, file.digest).value(), size);
    StringSink sink;
    const Status got = store_->Get(file.digest, sink);
    EXPECT_TRUE(got.ok()) << got.ToString();
    EXPECT_TRUE(sink.bytes == bytes);
  }
}

TEST_F(ObjectTest, WhatIsNotThereIsNotFound) {
  StringSink sink;
  EXPECT_TRUE(absl::IsNotFound(store_->Get(Sha256("nothing"), sink)));
  EXPECT_TRUE(absl::IsNotFound(store_->Verify(0, Sha256("nothing")).status()));
  EXPECT_FALSE(store_->Stat(0, Sha256("nothing"), 0)->stored);
}

TEST_F(ObjectTest, AnUploadGoesOnAfterTheNodeWasStartedAgain) {
  const std::string bytes = BytesOf(2 * kMebibyte);
  const HashedFile file = FileWith(bytes);
  const auto half = PutRaw({Start(file.digest.view(), file.size), Chunk(bytes.substr(0, kMebibyte))});
  ASSERT_TRUE(half.ok()) << half.status().ToString();
  EXPECT_FALSE(half->stored());
  EXPECT_EQ(half->bytes_there(), kMebibyte);
  StopServing();
  Serve();
  EXPECT_EQ(store_->Stat(0, file.digest, file.size)->bytes, kMebibyte);
  // Elsewhere than where it ended it is told where that is, and the rest is taken there.
  EXPECT_EQ(PutRaw({Start(file.digest.view(), file.size, 5)})->bytes_there(), kMebibyte);
  const auto rest = PutRaw({Start(file.digest.view(), file.size, kMebibyte), Chunk(bytes.substr(kMebibyte))});
  EXPECT_TRUE(rest->stored());
  StringSink sink;
  EXPECT_TRUE(store_->Get(file.digest, sink).ok());
  EXPECT_TRUE(sink.bytes == bytes);
}

TEST_F(ObjectTest, APartOfOtherBytesDoesNotKeepTheRightOnesOut) {
  const HashedFile file = FileWith(BytesOf(3 * kMebibyte));
  ASSERT_TRUE(PutRaw({Start(file.digest.view(), file.size), Chunk("something else")}).ok());
  const Status put = store_->Put(0, file);
  EXPECT_TRUE(put.ok()) << put.ToString();
}

TEST_F(ObjectTest, WrongBytesAreNamedByBothDigests) {
  const Digest named = Sha256("right");
  const Status refused = PutRaw({Start(named.view(), 5), Chunk("wrong")}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused.ToString();
  EXPECT_THAT(refused.ToString(), HasSubstr(named.hex()));
  EXPECT_THAT(refused.ToString(), HasSubstr(Sha256("wrong").hex()));
  EXPECT_EQ(store_->Stat(0, named, 5)->bytes, 0u);
}

TEST_F(ObjectTest, MalformedUploadsAreRefused) {
  const std::string digest = Sha256("abc").bytes();
  const std::vector<std::vector<v1::PutObjectRequest>> malformed = {
      {},
      {v1::PutObjectRequest()},
      {Chunk("abc")},
      {Start(digest.substr(1), 3)},
      {Start(digest, 3, 4)},
      {Start(digest, 3), Chunk("")},
      {Start(digest, 3), Start(digest, 3)},
      {Start(digest, 3), Chunk("abcd")},
      {Start(digest, 2 * kMebibyte), Chunk(std::string(kMebibyte + 1, 'x'))},
      {Start(digest, uint64_t{1} << 60)},
  };
  for (size_t i = 0; i < malformed.size(); ++i) {
    const Status refused = PutRaw(malformed[i]).status();
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << i << ": " << refused.ToString();
  }
  EXPECT_TRUE(PutRaw({Start(digest, 3), Chunk("abc")})->stored());
}

TEST_F(ObjectTest, ManyClientsPutTheSameObjectAtOnce) {
  const HashedFile file = FileWith(BytesOf(8 * kMebibyte));
  std::vector<std::thread> threads;
  std::vector<Status> outcomes(3, absl::UnknownError("not run"));
  for (Status& outcome : outcomes) {
    threads.emplace_back([&, this] { outcome = (*ConnectObjects(address()))->Put(0, file); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Status& outcome : outcomes) EXPECT_TRUE(outcome.ok()) << outcome.ToString();
  EXPECT_EQ(store_->Verify(0, file.digest).value(), file.size);
}

TEST_F(ObjectTest, ADownloadGoesOnWhereItBroke) {
  const std::string bytes = BytesOf(24 * kMebibyte);
  const HashedFile file = FileWith(bytes);
  ASSERT_TRUE(store_->Put(0, file).ok());
  StringSink sink;
  std::thread restart;
  sink.on_write = [&] {
    StopServing();
    restart = std::thread([this] { Serve(); });
  };
  const Status got = store_->Get(file.digest, sink);
  restart.join();
  EXPECT_TRUE(got.ok()) << got.ToString();
  EXPECT_TRUE(sink.bytes == bytes);
  EXPECT_EQ(sink.restarts, 0);
}

TEST_F(ObjectTest, WhatTheSinkFailsWithEndsTheDownload) {
  const HashedFile file = FileWith(BytesOf(4 * kMebibyte));
  ASSERT_TRUE(store_->Put(0, file).ok());
  StringSink sink;
  sink.outcome = absl::ResourceExhaustedError("the disk is full");
  EXPECT_TRUE(absl::IsResourceExhausted(store_->Get(file.digest, sink)));
}

TEST_F(ObjectTest, DamageIsNamedAndMended) {
  const std::string bytes = BytesOf(2 * kMebibyte);
  const HashedFile file = FileWith(bytes);
  ASSERT_TRUE(store_->Put(0, file).ok());
  const std::string path = Text(dir_.path(), "/objects/", file.digest.hex().substr(0, 2), "/", file.digest.hex());
  ::chmod(path.c_str(), 0644);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(kMebibyte + 3).put('!');
  StringSink sink;
  const Status damaged = store_->Get(file.digest, sink);
  EXPECT_TRUE(absl::IsDataLoss(damaged)) << damaged.ToString();
  EXPECT_THAT(damaged.ToString(), HasSubstr(file.digest.hex()));
  EXPECT_THAT(damaged.ToString(), HasSubstr(address()));
  EXPECT_TRUE(absl::IsDataLoss(store_->Verify(0, file.digest).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->Verify(0, file.digest).status()));
  ASSERT_TRUE(store_->Put(0, file).ok());
  StringSink again;
  EXPECT_TRUE(store_->Get(file.digest, again).ok());
  EXPECT_TRUE(again.bytes == bytes);
}

}  // namespace
}  // namespace anamnesis
