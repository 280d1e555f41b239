#include "node/web/web_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ledger/base/check.h"
#include "node/web/http_post.h"
#include "tests/node/web/raw_http.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class WebServerTest : public testing::Test {
 protected:
  WebServerTest() {
    options_.address = "127.0.0.1:0";
    options_.log = [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      said_ += Text(line, "\n");
    };
    // Says back what it was asked, unless a test wants something else.
    handler_ = [](const WebRequest& request) {
      WebAnswer answer;
      answer.body = Text(request.method, " ", request.target, " ", request.body.size());
      return answer;
    };
  }
  // Before what the handler uses is gone.
  ~WebServerTest() override { server_.reset(); }

  void Start() {
    auto started = WebServer::Start(handler_, options_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  // What comes back for these bytes until the server closes, which it does by itself or once no more is sent.
  std::string Exchange(std::string_view bytes) {
    RawConnection connection(server_->address());
    connection.Send(bytes);
    connection.EndSending();
    return connection.ReadToEnd();
  }
  std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }

  std::mutex mutex_;
  // Guarded by mutex_.
  std::string said_;
  WebServerOptions options_;
  WebServer::Handler handler_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebServerTest, RequestsOfOneConnectionAreAnsweredInOrder) {
  Start();
  RawConnection connection(server_->address());
  ASSERT_TRUE(
      connection.Send("GET /one HTTP/1.1\r\nHost: x\r\n\r\nPOST /two?q HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"));
  EXPECT_THAT(connection.ReadAnswer(), HasSubstr("\r\n\r\nGET /one 0"));
  EXPECT_THAT(connection.ReadAnswer(), HasSubstr("\r\n\r\nPOST /two?q 3"));
  ASSERT_TRUE(connection.Send("HEAD /three HTTP/1.1\r\n\r\n"));
  const std::string head = connection.ReadAnswer(/*only_head=*/true);
  EXPECT_THAT(head, HasSubstr("Content-Length: 13\r\n"));
  // Nothing follows it: the next answer begins at once.
  ASSERT_TRUE(connection.Send("GET /four HTTP/1.1\r\nConnection: close\r\n\r\n"));
  const std::string last = connection.ReadToEnd();
  EXPECT_THAT(last, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(last, HasSubstr("GET /four 0"));
  EXPECT_TRUE(connection.ended());
}

TEST_F(WebServerTest, TheAnswersPartsAreItsHeaders) {
  handler_ = [](const WebRequest& request) {
    WebAnswer answer;
    answer.status = request.target == "/405" ? 405 : 503;
    answer.content_type = "application/cose";
    answer.cache_control = "no-cache";
    if (request.target == "/405") answer.allow = "GET, HEAD";
    if (request.target == "/503") answer.retry_after_seconds = 7;
    return answer;
  };
  Start();
  const std::string not_allowed = Exchange("GET /405 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(not_allowed, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(not_allowed, HasSubstr("\r\nContent-Type: application/cose\r\n"));
  EXPECT_THAT(not_allowed, HasSubstr("\r\nCache-Control: no-cache\r\n"));
  EXPECT_THAT(not_allowed, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(not_allowed, HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  EXPECT_THAT(not_allowed, Not(HasSubstr("Retry-After")));
  const std::string later = Exchange("GET /503 HTTP/1.1\r\n\r\n");
  EXPECT_THAT(later, HasSubstr("\r\nRetry-After: 7\r\n"));
  EXPECT_THAT(later, Not(HasSubstr("Allow")));
}

TEST_F(WebServerTest, WhatIsTooLargeIsRefusedAndTheConnectionEnds) {
  options_.body_bytes_max = 1000;
  Start();
  const std::string fits = Text("POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n", std::string(1000, 'x'));
  EXPECT_THAT(Exchange(fits), HasSubstr("POST / 1000"));
  // Known by its length before it is read, and found out while it is.
  EXPECT_THAT(Exchange(Text("POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", std::string(1001, 'x'))),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Exchange(Text("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n", std::string(2000, 'x'),
                            "\r\n0\r\n\r\n")),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(Exchange(Text("GET /", std::string(9000, 'x'), " HTTP/1.1\r\n\r\n")), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Exchange(Text("GET / HTTP/1.1\r\nX: ", std::string(9000, 'x'), "\r\n\r\n")), StartsWith("HTTP/1.1 431 "));
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 2000; ++i) many += Text("X-", i, ": y\r\n");
  EXPECT_THAT(Exchange(many + "\r\n"), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Exchange("GET /still HTTP/1.1\r\n\r\n"), HasSubstr("GET /still"));
}

TEST_F(WebServerTest, WhatIsNoHttpIsAnsweredWith400OrNotAtAll) {
  std::atomic<int> handled = 0;
  handler_ = [&](const WebRequest&) {
    ++handled;
    return WebAnswer();
  };
  Start();
  for (const std::string_view bytes :
       {std::string_view("\0\0\0\0\r\n\r\n", 8), std::string_view("GET\r\n\r\n"),
        std::string_view("GET / HTTP/9.9\r\n\r\n"), std::string_view("\x16\x03\x01\x02\x00\x01\x00", 7),
        std::string_view("G E T / HTTP/1.1\r\n\r\n"), std::string_view("POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"),
        std::string_view("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        std::string_view("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        std::string_view("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n"),
        std::string_view("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string_view("GET / HTTP/1.1\r\nno colon\r\n\r\n"), std::string_view("GET / HTTP/1.1\r\nA: b"),
        std::string_view("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), std::string_view("")}) {
    const std::string answer = Exchange(bytes);
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 413 "))
        << bytes << ": " << answer;
  }
  // Both say how long the body is: whoever is between could read it the other way.
  const std::string smuggled = Exchange(
      "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n");
  EXPECT_THAT(smuggled, Not(HasSubstr("200 OK")));
  EXPECT_EQ(handled, 0);
}

TEST_F(WebServerTest, ASlowRequestEndsAndSoDoesAnIdleConnection) {
  options_.request_within = std::chrono::milliseconds(300);
  Start();
  RawConnection idle(server_->address());
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_TRUE(idle.ended());
  // A byte now and then doesn't make the time longer.
  RawConnection slow(server_->address());
  const auto begun = std::chrono::steady_clock::now();
  const std::string_view request = "GET / HTTP/1.1\r\nX-Slowly: ";
  bool closed = false;
  for (size_t i = 0; !closed && std::chrono::steady_clock::now() < begun + std::chrono::seconds(60); ++i) {
    closed = !slow.Send(i < request.size() ? request.substr(i, 1) : "x");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(closed);
  EXPECT_THAT(Exchange("GET /still HTTP/1.1\r\n\r\n"), HasSubstr("GET /still"));
}

TEST_F(WebServerTest, ConnectionsBeyondTheMostAreClosedAndRoomIsMadeAgain) {
  options_.connections_max = 2;
  Start();
  auto one = std::make_unique<RawConnection>(server_->address());
  auto two = std::make_unique<RawConnection>(server_->address());
  for (RawConnection* each : {one.get(), two.get()}) {
    ASSERT_TRUE(each->Send("GET / HTTP/1.1\r\n\r\n"));
    ASSERT_THAT(each->ReadAnswer(), StartsWith("HTTP/1.1 200 "));
  }
  RawConnection third(server_->address());
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_TRUE(third.ended());
  one.reset();
  std::string answer;
  for (int i = 0; i < 600 && answer.empty(); ++i) {
    answer = Exchange("GET / HTTP/1.1\r\n\r\n");
    if (answer.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, OneAddressCantTakeTheConnectionsOfAll) {
  options_.connections_per_address_max = 2;
  Start();
  std::vector<std::unique_ptr<RawConnection>> idle;
  for (int i = 0; i < 2; ++i) {
    idle.push_back(std::make_unique<RawConnection>(server_->address()));
    ASSERT_TRUE(idle.back()->Send("GET / HTTP/1.1\r\n\r\n"));
    ASSERT_THAT(idle.back()->ReadAnswer(), StartsWith("HTTP/1.1 200 "));
  }
  RawConnection third(server_->address());
  EXPECT_EQ(third.ReadToEnd(), "");
  EXPECT_THAT(said(), HasSubstr("HTTP: a connection from 127.0.0.1 was closed: too many are open"));
  RawConnection other(server_->address(), 2);
  ASSERT_TRUE(other.Send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(other.ReadToEnd(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, AnOldConnectionEndsWithItsNextAnswer) {
  options_.connection_age_max = std::chrono::milliseconds(0);
  Start();
  RawConnection connection(server_->address());
  ASSERT_TRUE(connection.Send("GET / HTTP/1.1\r\n\r\n"));
  const std::string answer = connection.ReadToEnd();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_TRUE(connection.ended());
}

// Lets no descriptor be opened above those that are, but for one, as long as it lives.
class OneDescriptorMore {
 public:
  OneDescriptorMore() {
    CHECK(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest = ::socket(AF_INET, SOCK_STREAM, 0);
    CHECK(lowest >= 0);
    ::close(lowest);
    rlimit only = before_;
    only.rlim_cur = static_cast<rlim_t>(lowest) + 1;
    CHECK(::setrlimit(RLIMIT_NOFILE, &only) == 0);
  }
  ~OneDescriptorMore() { CHECK(::setrlimit(RLIMIT_NOFILE, &before_) == 0); }

 private:
  rlimit before_{};
};

TEST_F(WebServerTest, AcceptsAgainWhenThereAreDescriptorsAgain) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer itself needs descriptors, to look at an object's memory";
  Start();
  std::optional<RawConnection> connection;
  {
    const OneDescriptorMore only;
    // The kernel makes the connection; the server has no descriptor for it.
    connection.emplace(server_->address());
    EXPECT_TRUE(connection->Send("GET / HTTP/1.1\r\n\r\n"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_THAT(connection->ReadAnswer(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, AnExceptionEndsAConnectionAndNotTheProcess) {
  handler_ = [](const WebRequest& request) -> WebAnswer {
    if (request.target == "/throws") throw std::runtime_error("no memory, say");
    WebAnswer answer;
    answer.body = "well";
    return answer;
  };
  options_.threads = 1;
  Start();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Exchange("GET /throws HTTP/1.1\r\n\r\n"), "");
    EXPECT_THAT(Exchange("GET / HTTP/1.1\r\n\r\n"), HasSubstr("well"));
  }
  EXPECT_THAT(said(), HasSubstr("no memory, say"));
}

TEST_F(WebServerTest, SlowHandlersDoNotKeepOthersWaiting) {
  std::mutex mutex;
  std::condition_variable changed;
  int waiting = 0;
  bool go_on = false;
  handler_ = [&](const WebRequest& request) {
    if (request.target == "/slow") {
      std::unique_lock lock(mutex);
      ++waiting;
      changed.notify_all();
      changed.wait_for(lock, std::chrono::seconds(60), [&] { return go_on; });
    }
    return WebAnswer();
  };
  options_.threads = 4;
  Start();
  std::vector<std::unique_ptr<RawConnection>> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(std::make_unique<RawConnection>(server_->address()));
    ASSERT_TRUE(slow.back()->Send("GET /slow HTTP/1.1\r\n\r\n"));
  }
  {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return waiting == 3; }));
  }
  EXPECT_THAT(Exchange("GET /fast HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  {
    const std::lock_guard lock(mutex);
    go_on = true;
  }
  changed.notify_all();
  for (const auto& connection : slow) EXPECT_THAT(connection->ReadAnswer(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(WebServerTest, StartsAgainOnTheSamePortAtOnce) {
  for (int i = 0; i < 3; ++i) {
    Start();
    // The next one gets the port that the first took, while old connections to it linger.
    options_.address = server_->address();
    RawConnection open(server_->address());
    ASSERT_TRUE(open.Send("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_THAT(open.ReadAnswer(), StartsWith("HTTP/1.1 200 "));
    server_.reset();
    EXPECT_EQ(open.ReadToEnd(), "");
    EXPECT_TRUE(open.ended());
  }
}

TEST_F(WebServerTest, AddressesThatCanNotBeUsed) {
  Start();
  WebServerOptions taken = options_;
  taken.address = server_->address();
  EXPECT_TRUE(absl::IsUnavailable(WebServer::Start(handler_, taken).status()));
  for (const char* address : {"", "127.0.0.1", "127.0.0.1:", ":", "127.0.0.1:http", "127.0.0.1:99999", "no host:1"}) {
    options_.address = address;
    const Status status = WebServer::Start(handler_, options_).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address << ": " << status;
  }
}

// The client that asks witnesses, on this server.
TEST_F(WebServerTest, HttpPostGetsWhatIsAnswered) {
  handler_ = [](const WebRequest& request) {
    WebAnswer answer;
    if (request.target == "/large") answer.body = std::string(kAddCheckpointAnswerBytesMax + 1, 'x');
    if (request.target == "/redirect") answer.status = 302;
    if (request.target == "/echo") answer.body = Text(request.method, " ", request.body);
    if (request.target == "/conflict") answer.status = 409;
    return answer;
  };
  Start();
  const HttpPost post = MakeHttpPost({});
  const std::atomic<bool> cancelled = false;
  const std::string url = "http://" + server_->address();
  const StatusOr<AddCheckpointAnswer> echo = post(url + "/echo", "body\n", cancelled);
  ASSERT_TRUE(echo.ok()) << echo.status();
  EXPECT_EQ(echo->status, 200);
  EXPECT_EQ(echo->body, "POST body\n");
  EXPECT_EQ(post(url + "/conflict", "", cancelled)->status, 409);
  EXPECT_EQ(post(url + "/redirect", "", cancelled)->status, 302);
  EXPECT_TRUE(absl::IsUnavailable(post(url + "/large", "", cancelled).status()));
  EXPECT_TRUE(absl::IsUnavailable(post("file:///etc/passwd", "", cancelled).status()));
  EXPECT_TRUE(absl::IsUnavailable(post("nonsense", "", cancelled).status()));
  server_.reset();
  EXPECT_TRUE(absl::IsUnavailable(post(url + "/echo", "", cancelled).status()));
}

TEST_F(WebServerTest, HttpPostEndsSoonOnceItIsCancelled) {
  options_.address = "127.0.0.1:0";
  std::atomic<bool> asked = false;
  std::atomic<bool> cancelled = false;
  handler_ = [&](const WebRequest&) {
    asked = true;
    while (!cancelled) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::this_thread::sleep_for(std::chrono::seconds(3));
    return WebAnswer();
  };
  Start();
  std::thread cancels([&] {
    while (!asked) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    cancelled = true;
  });
  const HttpPost post = MakeHttpPost({});
  EXPECT_TRUE(absl::IsUnavailable(post("http://" + server_->address(), "", cancelled).status()));
  cancels.join();
}

}  // namespace
}  // namespace anamnesis
