// The only file that includes Boost, since it costs so much to compile.
#include "node/web/web_server.h"

#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <charconv>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "ledger/tls/certificate.h"
#include "ledger/tls/openssl_pointers.h"

namespace anamnesis {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

constexpr uint32_t kHeaderBytesMax = 8 * 1024;
constexpr std::chrono::seconds kHandshakeDeadline(10);
constexpr std::chrono::seconds kWriteDeadline(60);
constexpr std::chrono::seconds kCloseDeadline(5);
constexpr std::chrono::milliseconds kPause(100);
constexpr size_t kDrainedBytesMax = 4 << 20;
constexpr char kServerName[] = "anamnesisd";

// --- TLS ---

StatusOr<std::shared_ptr<asio::ssl::context>> MakeContext(const TlsFiles& files, bool certificate_needed) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code failed;
  const auto then = [&](auto call) {
    if (!failed) call();
  };
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  then([&] { context->use_certificate_chain_file(files.certificate, failed); });
  then([&] { context->use_private_key_file(files.key, asio::ssl::context::pem, failed); });
  then([&] { context->load_verify_file(files.ca, failed); });
  const int needed = certificate_needed ? asio::ssl::verify_fail_if_no_peer_cert : 0;
  then([&] { context->set_verify_mode(asio::ssl::verify_peer | needed, failed); });
  if (failed) return absl::InvalidArgumentError(Text("the files for TLS can't be used: ", failed.message()));
  // Clients that come back are looked at again.
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
  return context;
}

// The URIs in the certificate that the client has shown; the handshake has checked who signed it.
std::optional<std::vector<std::string>> UrisOf(SSL* connection) {
  const Certificate certificate(SSL_get_peer_certificate(connection));
  if (certificate == nullptr) return std::nullopt;
  const Bio memory(BIO_new(BIO_s_mem()));
  std::vector<std::string> none;
  if (memory == nullptr || PEM_write_bio_X509(memory.get(), certificate.get()) != 1) return none;
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  const StatusOr<std::vector<CertificateFacts>> facts =
      ReadCertificates(std::string_view(data, static_cast<size_t>(size)));
  return facts.ok() && !facts->empty() ? facts->front().uris : none;
}

// --- One connection ---

// How many connections are open, in all and by address. Safe from any thread.
class OpenConnections {
 public:
  // False, and nothing counted, when one more is too many.
  bool TryAdd(const std::string& address, const WebServerOptions& options) {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(address);
    const size_t before = found == by_address_.end() ? 0 : found->second;
    if (all_ >= options.connections_max || before >= options.connections_per_address_max) return false;
    ++by_address_[address];
    ++all_;
    return true;
  }
  void Remove(const std::string& address) {
    const std::lock_guard lock(mutex_);
    --all_;
    const auto found = by_address_.find(address);
    if (--found->second == 0) by_address_.erase(found);
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  size_t all_ = 0;
  std::map<std::string, size_t> by_address_;
};

struct Shared {
  WebServer::Handler handler;
  WebServerOptions options;
  OpenConnections connections;
};

// A place among the open connections.
class Place {
 public:
  // Null when there is none.
  static std::unique_ptr<Place> Take(std::shared_ptr<Shared> shared, std::string address) {
    auto place = std::unique_ptr<Place>(new Place(std::move(shared), std::move(address)));
    place->taken_ = place->shared_->connections.TryAdd(place->address_, place->shared_->options);
    return place->taken_ ? std::move(place) : nullptr;
  }
  ~Place() {
    if (taken_) shared_->connections.Remove(address_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  Place(std::shared_ptr<Shared> shared, std::string address)
      : shared_(std::move(shared)), address_(std::move(address)) {}

  const std::shared_ptr<Shared> shared_;
  const std::string address_;
  bool taken_ = false;
};

// Whose connections count together: an IPv4 address, or the network of an IPv6 one, of which its owner has many.
std::string AddressOf(const tcp::socket& socket) {
  error_code failed;
  const asio::ip::address address = socket.remote_endpoint(failed).address();
  if (failed || !address.is_v6() || address.to_v6().is_v4_mapped()) return address.to_string();
  const auto bytes = address.to_v6().to_bytes();
  constexpr size_t kNetworkBytes = 8;
  return std::string(bytes.begin(), bytes.begin() + kNetworkBytes);
}

template <typename Stream>
class Connection : public std::enable_shared_from_this<Connection<Stream>> {
 public:
  Connection(std::shared_ptr<Shared> shared, std::unique_ptr<Place> place, Stream stream,
             std::shared_ptr<asio::ssl::context> context)
      : shared_(std::move(shared)),
        place_(std::move(place)),
        context_(std::move(context)),
        stream_(std::move(stream)) {}

  void Start() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      beast::get_lowest_layer(stream_).expires_after(kHandshakeDeadline);
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](error_code failed) {
        if (failed) return;
        self->uris_ = UrisOf(self->stream_.native_handle());
        self->Read();
      });
    } else {
      Read();
    }
  }

 private:
  void Read() {
    parser_.emplace();
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(shared_->options.body_bytes_max);
    beast::get_lowest_layer(stream_).expires_after(shared_->options.request_within);
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](error_code failed, size_t) { self->OnRead(failed); });
  }

  void OnRead(error_code failed) {
    if (failed == http::error::body_limit) return Refuse(http::status::payload_too_large, "the body is too large");
    if (failed == http::error::header_limit) {
      return Refuse(http::status::request_header_fields_too_large, "the headers are too large");
    }
    if (failed == http::error::end_of_stream) return Close();
    // What isn't HTTP gets an answer; a connection that broke or was too slow doesn't.
    if (failed && failed.category() == make_error_code(http::error::bad_method).category()) {
      return Refuse(http::status::bad_request, failed.message());
    }
    if (failed) return;
    const http::request<http::string_body>& request = parser_->get();
    const auto view = [](beast::string_view text) { return std::string_view(text.data(), text.size()); };
    Write(shared_->handler({view(request.method_string()), view(request.target()), request.body(), uris_}),
          request.method() == http::verb::head, request.keep_alive() && !IsOld());
  }
  bool IsOld() const { return std::chrono::steady_clock::now() - opened_ >= shared_->options.connection_age_max; }

  void Refuse(http::status status, std::string_view why) {
    WebAnswer answer;
    answer.status = static_cast<int>(status);
    answer.body = Text(why, '\n');
    refused_ = true;
    Write(std::move(answer), false, false);
  }

  void Write(WebAnswer answer, bool only_head, bool keep_alive) {
    response_ = {};
    response_.version(11);
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::server, kServerName);
    response_.set(http::field::content_type, answer.content_type);
    response_.set(http::field::cache_control, answer.cache_control);
    response_.set("X-Content-Type-Options", "nosniff");
    if (answer.allow.has_value()) response_.set(http::field::allow, *answer.allow);
    if (answer.retry_after_seconds.has_value()) {
      response_.set(http::field::retry_after, std::to_string(*answer.retry_after_seconds));
    }
    response_.keep_alive(keep_alive);
    response_.content_length(answer.body.size());
    if (!only_head) response_.body() = std::move(answer.body);
    beast::get_lowest_layer(stream_).expires_after(kWriteDeadline);
    serializer_.emplace(response_);
    const auto written = [self = this->shared_from_this()](error_code failed, size_t) {
      if (failed) return;
      if (self->response_.keep_alive()) return self->Read();
      self->Close();
    };
    if (only_head) return http::async_write_header(stream_, *serializer_, written);
    http::async_write(stream_, *serializer_, written);
  }

  void Close() {
    beast::get_lowest_layer(stream_).expires_after(kCloseDeadline);
    if (refused_) {
      error_code ignored;
      beast::get_lowest_layer(stream_).socket().shutdown(tcp::socket::shutdown_send, ignored);
      return Drain();
    }
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_shutdown([self = this->shared_from_this()](error_code) {});
    } else {
      error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }
  }

  // Takes what the client still sends: closed with that unread, the answer could be lost on its way.
  void Drain() {
    beast::get_lowest_layer(stream_).async_read_some(
        asio::buffer(drained_), [self = this->shared_from_this()](error_code failed, size_t bytes) {
          self->drained_bytes_ += bytes;
          if (!failed && self->drained_bytes_ < kDrainedBytesMax) self->Drain();
        });
  }

  const std::shared_ptr<Shared> shared_;
  const std::unique_ptr<Place> place_;
  const std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
  // Outlives the stream that was made with it.
  const std::shared_ptr<asio::ssl::context> context_;
  Stream stream_;
  std::optional<std::vector<std::string>> uris_;
  beast::flat_buffer buffer_{kHeaderBytesMax + 64 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  bool refused_ = false;
  size_t drained_bytes_ = 0;
  std::array<char, 4096> drained_;
};

// --- All of them ---

class BeastServer : public WebServer {
 public:
  BeastServer(Handler handler, WebServerOptions options) : acceptor_(context_) {
    shared_->handler = std::move(handler);
    shared_->options = std::move(options);
  }
  ~BeastServer() override {
    context_.stop();
    for (std::thread& thread : threads_) thread.join();
  }

  Status Listen() {
    const WebServerOptions& options = shared_->options;
    // The resolver would take no port for 0, and one that is too large for another.
    const size_t colon = std::min(options.address.rfind(':'), options.address.size());
    const std::string port = options.address.substr(std::min(colon + 1, options.address.size()));
    uint16_t number = 0;
    const auto [end, wrong] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (colon == 0 || wrong != std::errc() || end != port.data() + port.size()) {
      return absl::InvalidArgumentError(Text(options.address, ": is not HOST:PORT"));
    }
    std::string host = options.address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    error_code failed;
    tcp::resolver resolver(context_);
    const auto found = resolver.resolve(host, port, tcp::resolver::passive | tcp::resolver::numeric_service, failed);
    if (failed) return absl::InvalidArgumentError(Text(options.address, ": ", failed.message()));
    const tcp::endpoint endpoint = found.begin()->endpoint();
    const auto then = [&](auto call) {
      if (!failed) call();
    };
    then([&] { acceptor_.open(endpoint.protocol(), failed); });
    then([&] { acceptor_.set_option(asio::socket_base::reuse_address(true), failed); });
    then([&] { acceptor_.bind(endpoint, failed); });
    then([&] { acceptor_.listen(asio::socket_base::max_listen_connections, failed); });
    if (failed) return absl::UnavailableError(Text("cannot listen on ", options.address, ": ", failed.message()));
    address_ = Text(options.address.substr(0, colon), ":", acceptor_.local_endpoint(failed).port());
    if (options.tls != nullptr) RETURN_IF_ERROR(RenewContext());
    Accept();
    for (size_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { Run(); });
    return OkStatus();
  }

  const std::string& address() const override { return address_; }

 private:
  // Something thrown, for lack of memory say, ends one connection and not the process.
  void Run() {
    while (!context_.stopped()) {
      try {
        context_.run();
      } catch (const std::exception& failed) {
        shared_->options.log(Text("HTTP: a connection ended: ", failed.what()));
      }
    }
  }

  Status RenewContext() {
    const uint64_t version = shared_->options.tls->version();
    if (tls_ != nullptr && version == version_) return OkStatus();
    StatusOr<std::shared_ptr<asio::ssl::context>> made =
        MakeContext(shared_->options.files, shared_->options.certificate_needed);
    RETURN_IF_ERROR(made.status());
    tls_ = *std::move(made);
    version_ = version;
    return OkStatus();
  }

  // One at a time, so that what it uses needs no lock.
  void Accept() {
    Surely([this] {
      acceptor_.async_accept(asio::make_strand(context_), [this](error_code failed, tcp::socket socket) {
        if (failed == asio::error::operation_aborted) return;
        if (failed) return AcceptLater();
        TryBegin(std::move(socket));
        Accept();
      });
    });
  }

  // No descriptor is free, say: not at once again.
  void AcceptLater() {
    Surely([this] {
      pause_.expires_after(kPause);
      pause_.async_wait([this](error_code) { Accept(); });
    });
  }

  // Until it doesn't throw, for lack of memory say: nobody else would begin to accept again.
  void Surely(const std::function<void()>& call) {
    while (!context_.stopped()) {
      try {
        return call();
      } catch (const std::exception&) {
        std::this_thread::sleep_for(kPause);
      }
    }
  }

  // What is thrown ends this connection, and not the accepting of others.
  void TryBegin(tcp::socket socket) {
    try {
      Begin(std::move(socket));
    } catch (const std::exception& failed) {
      shared_->options.log(Text("HTTP: a connection could not begin: ", failed.what()));
    }
  }

  void Begin(tcp::socket socket) {
    const std::string address = AddressOf(socket);
    std::unique_ptr<Place> place = Place::Take(shared_, address);
    SayWhetherFull(place == nullptr, socket);
    if (place == nullptr) return;
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (shared_->options.tls == nullptr) {
      std::make_shared<Connection<PlainStream>>(shared_, std::move(place), PlainStream(std::move(socket)), nullptr)
          ->Start();
      return;
    }
    // Files that don't fit together just now: with those that did.
    const std::string failing(MessageOf(RenewContext()));
    if (failing != std::exchange(renewal_fails_, failing) && !failing.empty()) shared_->options.log(failing);
    std::make_shared<Connection<TlsStream>>(shared_, std::move(place), TlsStream(PlainStream(std::move(socket)), *tls_),
                                            tls_)
        ->Start();
  }

  // One line for many that are turned away one after the other.
  void SayWhetherFull(bool full, const tcp::socket& socket) {
    if (std::exchange(full_, full) || !full) return;
    error_code failed;
    shared_->options.log(Text("HTTP: a connection from ", socket.remote_endpoint(failed).address().to_string(),
                              " was closed: too many are open, from there or in all"));
  }

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  asio::io_context context_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_{context_};
  std::string address_;
  std::shared_ptr<asio::ssl::context> tls_;
  uint64_t version_ = 0;
  std::string renewal_fails_;
  bool full_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

StatusOr<std::unique_ptr<WebServer>> WebServer::Start(Handler handler, WebServerOptions options) {
  auto server = std::make_unique<BeastServer>(std::move(handler), std::move(options));
  RETURN_IF_ERROR(server->Listen());
  return std::unique_ptr<WebServer>(std::move(server));
}

}  // namespace anamnesis
