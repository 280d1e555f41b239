#ifndef ANAMNESIS_TESTS_REMOTE_SERVED_LEDGER_H_
#define ANAMNESIS_TESTS_REMOTE_SERVED_LEDGER_H_

// A ledger in a directory of its own, served in this process on a free port, and a client of it.

#include <memory>
#include <string>

#include "client/cpp/remote_client.h"
#include "gtest/gtest.h"
#include "ledger/engine/ledger.h"
#include "ledger/objects/object_store.h"
#include "node/service/node_server.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {

class ServedLedgerTest : public testing::Test {
 protected:
  static constexpr uint64_t kKeySeed = 1;

  void SetUp() override {
    const NamedKey founder{"ada", KeyOfSeed(kKeySeed)};
    const Status created = CreateLedger(dir_.path() + "/ledger", kTestOrigin, founder, Options());
    ASSERT_TRUE(created.ok()) << created.ToString();
    Serve();
    ASSERT_NO_FATAL_FAILURE(Connect());
    founded_ = ledger_->tree_size();
  }

  static LedgerOptions Options() {
    LedgerOptions options;
    options.store_memory_bytes = 16u << 20;
    return options;
  }

  void Serve() {
    auto ledger = Ledger::Open(dir_.path() + "/ledger", Options());
    ASSERT_TRUE(ledger.ok()) << ledger.status().ToString();
    ledger_ = *std::move(ledger);
    NodeServerOptions options;
    options.address = Text("127.0.0.1:", port_);
    options.workers = 2;
    auto objects = ObjectStore::Open(dir_.path() + "/objects");
    ASSERT_TRUE(objects.ok()) << objects.status().ToString();
    objects_ = *std::move(objects);
    options.objects = objects_.get();
    auto server = NodeServer::Start(*ledger_, options);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = *std::move(server);
    port_ = server_->port();
  }

  void StopServing() {
    server_.reset();
    ledger_.reset();
    objects_.reset();
  }

  std::string address() const { return Text("127.0.0.1:", port_); }

  void Connect() {
    auto client = ConnectRemote(address());
    ASSERT_TRUE(client.ok()) << client.status().ToString();
    client_ = *std::move(client);
  }

  // A writer of the founder's on a stream of its own.
  static TestWriter Writer(const std::string& stream) {
    return TestWriter("person", "ada", kKeySeed, kTestOrigin, stream);
  }

  // Appends one event and returns its index.
  uint64_t AppendOne(TestWriter& writer, std::string_view document = "a document") {
    v1::AppendRequest request;
    *request.add_runs() = writer.Write({ReferToDocument(document)});
    const auto response = client_->Append(request);
    EXPECT_TRUE(response.ok()) << response.status().ToString();
    if (!response.ok()) return 0;
    EXPECT_FALSE(response->results(0).has_refused()) << response->results(0).refused().message();
    return response->results(0).indexes_size() > 0 ? response->results(0).indexes(0) : 0;
  }

  ScratchDirectory dir_{ScratchDirectory::Where::kDisk};
  int port_ = 0;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<NodeServer> server_;
  std::unique_ptr<LedgerClient> client_;
  // The tree size after the founding run.
  uint64_t founded_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_REMOTE_SERVED_LEDGER_H_
