#ifndef ANAMNESIS_NODE_WEB_WEB_SERVER_H_
#define ANAMNESIS_NODE_WEB_WEB_SERVER_H_

// HTTP/1.1 on one listening address, with TLS or without. Requests are bounded in size, time and number, and whatever
// comes in, the process goes on.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"
#include "node/web/web_call.h"

namespace anamnesis {

struct WebServerOptions {
  // HOST:PORT; port 0 takes a free one.
  std::string address;
  // Whose change says that the files below are to be read again. Null for no TLS: the caller sees to it that only this
  // machine can connect.
  std::shared_ptr<TlsIdentity> tls;
  TlsFiles files;
  // Whether a connection needs a certificate; one that is shown must be by a CA of `files` in any case.
  bool certificate_needed = true;
  // Threads that read, answer and write.
  size_t threads = 4;
  size_t connections_max = 256;
  // From one address, so that nobody alone can keep all others out.
  size_t connections_per_address_max = 64;
  // A connection ends with the first answer after that: who comes anew is looked at anew.
  std::chrono::milliseconds connection_age_max{600'000};
  // Of a request, in bytes, headers not included.
  size_t body_bytes_max = 256 * 1024;
  // From one request to the end of the next: also how long a connection may be idle.
  std::chrono::milliseconds request_within{30'000};
  // Gets one line for what an operator should know.
  std::function<void(std::string_view)> log = [](std::string_view) {};
};

class WebServer {
 public:
  // Called from the server's threads, several at a time.
  using Handler = std::function<WebAnswer(const WebRequest& request)>;

  // UNAVAILABLE: the address can't be listened on. INVALID_ARGUMENT: the address or the files for TLS can't be used.
  static StatusOr<std::unique_ptr<WebServer>> Start(Handler handler, WebServerOptions options);
  // Closes all connections, after the calls of the handler that are under way.
  virtual ~WebServer() = default;

  // HOST:PORT with the port that was taken.
  virtual const std::string& address() const = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_WEB_WEB_SERVER_H_
