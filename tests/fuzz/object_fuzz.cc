// ObjectService: the messages of one upload, then what the store says about the object that they are of. The input is a
// list of PutObjectRequest, each after its length in two bytes.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "anamnesis/v1/object.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/objects/object_store.h"
#include "node/service/object_service.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

constexpr uint64_t kObjectBytesMax = 1 << 16;

struct Store {
  Store() {
    ObjectStoreOptions options;
    options.object_bytes_max = kObjectBytesMax;
    options.reserve_bytes = 0;
    StatusOr<std::unique_ptr<ObjectStore>> opened = ObjectStore::Open(SharedLedger().dir() + "/objects", options);
    CHECK(opened.ok());
    objects = *std::move(opened);
    service = std::make_unique<ObjectService>(SharedLedger().context(), *objects);
  }

  std::unique_ptr<ObjectStore> objects;
  std::unique_ptr<ObjectService> service;
};

std::vector<v1::PutObjectRequest> Parse(std::string_view input) {
  std::vector<v1::PutObjectRequest> requests;
  while (input.size() >= 2) {
    const size_t length = size_t{static_cast<uint8_t>(input[0])} << 8 | static_cast<uint8_t>(input[1]);
    input.remove_prefix(2);
    v1::PutObjectRequest request;
    if (!request.ParseFromString(std::string(input.substr(0, length)))) break;
    requests.push_back(std::move(request));
    input.remove_prefix(std::min(length, input.size()));
  }
  return requests;
}

// What was begun is either whole, with its digest, or says how much of it is there.
void CheckObject(Store& store, const v1::PutObjectRequest::Start& start) {
  v1::StatObjectRequest stat;
  stat.set_sha256(start.sha256());
  stat.set_size_bytes(start.size_bytes());
  const auto found = Ask(*store.service, &ObjectService::Stat, stat);
  CheckStatus(found.status, {grpc::StatusCode::INVALID_ARGUMENT});
  if (!found.status.ok()) {
    CHECK(start.sha256().size() != Digest::kSize);
    return;
  }
  CHECK(found.reply.bytes_there() <= start.size_bytes() && found.reply.size_bytes() <= kObjectBytesMax);
  v1::VerifyObjectRequest verify;
  verify.set_sha256(start.sha256());
  const auto verified = Ask(*store.service, &ObjectService::Verify, verify);
  CHECK(verified.status.ok() == found.reply.stored());
  v1::GetObjectRequest get;
  get.set_sha256(start.sha256());
  get.set_offset(start.offset());
  Sha256Hasher hasher;
  uint64_t size = start.offset();
  grpc::CallbackServerContext context;
  const grpc::Status got = WriteCall<v1::GetObjectResponse>().Run(store.service->Get(&context, &get),
                                                                  [&](const v1::GetObjectResponse& part) {
                                                                    hasher.Update(part.chunk());
                                                                    size += part.chunk().size();
                                                                    return true;
                                                                  });
  CheckStatus(got, {grpc::StatusCode::NOT_FOUND, grpc::StatusCode::OUT_OF_RANGE});
  CHECK(!got.ok() || found.reply.stored());
  if (got.ok() && start.offset() == 0) {
    CHECK(size == found.reply.size_bytes() && hasher.Finish().view() == start.sha256());
  }
}

void Fuzz(const std::vector<v1::PutObjectRequest>& requests) {
  static Store store;
  v1::PutObjectResponse reply;
  grpc::CallbackServerContext context;
  const grpc::Status status = ReadCall<v1::PutObjectRequest>().Run(store.service->Put(&context, &reply), requests);
  CheckStatus(status, {grpc::StatusCode::INVALID_ARGUMENT, grpc::StatusCode::RESOURCE_EXHAUSTED});
  if (requests.empty() || !requests[0].has_start()) {
    CHECK(!status.ok());
    return;
  }
  CHECK(!status.ok() || !reply.stored() || requests[0].start().sha256().size() == Digest::kSize);
  CheckObject(store, requests[0].start());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::Fuzz(anamnesis::Parse({reinterpret_cast<const char*>(data), size}));
  return 0;
}
