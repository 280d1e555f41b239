// The HTTP server over TLS, asked by the client that asks witnesses: who connects, and as whom.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "client/pki/pki_directory.h"
#include "node/web/http_post.h"
#include "node/web/web_server.h"
#include "tests/node/web/raw_http.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::Not;

class WebTlsTest : public testing::Test {
 protected:
  void SetUp() override {
    PkiPlan plan;
    plan.origin = "acme.example/ledger";
    plan.nodes["n1"] = {"127.0.0.1", "localhost"};
    v1::Agent ada;
    ada.set_kind("person");
    ada.set_id("ada");
    plan.agents = {ada};
    // Two CAs that know nothing of each other.
    for (const char* pki : {"ours", "theirs"}) {
      const Status made = MakePki(Text(home_.path(), "/", pki), plan);
      ASSERT_TRUE(made.ok()) << made;
    }
  }

  TlsFiles Files(std::string_view pki, std::string_view name) const {
    const std::string dir = Text(home_.path(), "/", pki, "/");
    if (name.empty()) return {"", "", dir + "ca.crt"};
    return {Text(dir, name, ".crt"), Text(dir, name, ".key"), dir + "ca.crt"};
  }
  void Serve(bool certificate_needed) {
    WebServerOptions options;
    options.address = "127.0.0.1:0";
    options.files = Files("ours", "node-n1");
    options.certificate_needed = certificate_needed;
    options.tls = TlsIdentity::Load(options.files, [](std::string_view) {}).value();
    const auto answer = [](const WebRequest& request) {
      WebAnswer who;
      who.body = "nobody";
      if (request.certificate_uris.has_value()) who.body = request.certificate_uris->at(0);
      return who;
    };
    server_.reset();
    server_ = WebServer::Start(answer, std::move(options)).value();
  }
  // Who the server says that the holder of these files is.
  StatusOr<std::string> Ask(TlsFiles files, std::string_view host = "127.0.0.1") {
    const std::string url = Text("https://", host, server_->address().substr(server_->address().rfind(':')), "/");
    const std::atomic<bool> cancelled = false;
    ASSIGN_OR_RETURN(const AddCheckpointAnswer answer, MakeHttpPost(std::move(files))(url, "", cancelled));
    return answer.status == 200 ? StatusOr<std::string>(answer.body) : absl::InternalError(Text(answer.status));
  }

  static constexpr char kAda[] = "spiffe://acme.example/ledger/person/ada";
  ScratchDirectory home_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebTlsTest, ACertificateIsNeededUnlessEverybodyMayRead) {
  Serve(/*certificate_needed=*/true);
  EXPECT_EQ(Ask(Files("ours", "person-ada")).value(), kAda);
  EXPECT_EQ(Ask(Files("ours", "person-ada"), "localhost").value(), kAda);
  EXPECT_TRUE(absl::IsUnavailable(Ask(Files("ours", "")).status()));
  Serve(/*certificate_needed=*/false);
  EXPECT_EQ(Ask(Files("ours", "")).value(), "nobody");
  EXPECT_EQ(Ask(Files("ours", "person-ada")).value(), kAda);
}

TEST_F(WebTlsTest, ACertificateByAnotherCaIsWorseThanNone) {
  for (const bool needed : {true, false}) {
    Serve(needed);
    TlsFiles stranger = Files("theirs", "person-ada");
    stranger.ca = Files("ours", "").ca;
    EXPECT_TRUE(absl::IsUnavailable(Ask(stranger).status()));
    // And the server is believed by its CA alone.
    TlsFiles believes_another = Files("ours", "person-ada");
    believes_another.ca = Files("theirs", "").ca;
    EXPECT_TRUE(absl::IsUnavailable(Ask(believes_another).status()));
  }
}

TEST_F(WebTlsTest, WhoeverDoesNotSpeakTlsGetsNothing) {
  Serve(/*certificate_needed=*/false);
  for (const std::string_view bytes :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\x16\x03\x01\xff\xff\x01\x00\x00", 8)}) {
    RawConnection plain(server_->address());
    plain.Send(bytes);
    plain.EndSending();
    EXPECT_THAT(plain.ReadToEnd(), Not(HasSubstr("HTTP/1.1")));
    EXPECT_TRUE(plain.ended());
  }
  EXPECT_EQ(Ask(Files("ours", "")).value(), "nobody");
}

TEST_F(WebTlsTest, NewConnectionsGetTheFilesThatAreThereThen) {
  Serve(/*certificate_needed=*/true);
  ASSERT_TRUE(Ask(Files("ours", "person-ada")).ok());
  // The other CA's node takes this one's place; its clients connect from then on.
  for (const char* name : {"node-n1.crt", "node-n1.key", "ca.crt"}) {
    std::filesystem::copy_file(Text(home_.path(), "/theirs/", name), Text(home_.path(), "/ours/", name),
                               std::filesystem::copy_options::overwrite_existing);
  }
  bool taken_over = false;
  for (int i = 0; i < 600 && !taken_over; ++i) {
    taken_over = Ask(Files("theirs", "person-ada")).ok();
    if (!taken_over) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(taken_over);
}

}  // namespace
}  // namespace anamnesis
