// Any bytes over a connection to the HTTP server: it answers what it can read, says 4xx of what it can't, closes, and
// goes on serving others.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/base/check.h"
#include "node/web/web_server.h"
#include "tests/node/web/raw_http.h"

namespace anamnesis {
namespace {

constexpr size_t kBodyBytesMax = 1000;
constexpr size_t kHeadBytesMax = 8 * 1024;

std::unique_ptr<WebServer> Start() {
  WebServerOptions options;
  options.address = "127.0.0.1:0";
  options.threads = 1;
  options.body_bytes_max = kBodyBytesMax;
  const auto answer = [](const WebRequest& request) {
    CHECK(request.body.size() <= kBodyBytesMax && request.target.size() + request.method.size() <= kHeadBytesMax);
    CHECK(!request.certificate_uris.has_value());
    WebAnswer answer;
    answer.body = "well\n";
    return answer;
  };
  return WebServer::Start(answer, std::move(options)).value();
}

void Fuzz(std::string_view bytes) {
  static const std::unique_ptr<WebServer> started = Start();
  WebServer& server = *started;
  RawConnection connection(server.address());
  connection.Send(bytes);
  connection.EndSending();
  const std::string answers = connection.ReadToEnd(std::chrono::seconds(10));
  CHECK(connection.ended());
  CHECK(answers.empty() || answers.starts_with("HTTP/1.1 200 OK\r\n") || answers.starts_with("HTTP/1.1 4"));
  static int asked = 0;
  if (++asked % 64 != 1) return;
  RawConnection other(server.address());
  other.Send("GET / HTTP/1.1\r\n\r\n");
  CHECK(other.ReadAnswer().ends_with("\r\n\r\nwell\n"));
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
