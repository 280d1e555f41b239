#ifndef ANAMNESIS_TESTS_NODE_WEB_RAW_HTTP_H_
#define ANAMNESIS_TESTS_NODE_WEB_RAW_HTTP_H_

// A connection to a server on this machine over which any bytes can be sent.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/check.h"

namespace anamnesis {

class RawConnection {
 public:
  // To 127.0.0.1:PORT, from 127.0.0.`host`.
  explicit RawConnection(std::string_view address, uint32_t host = 1) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    CHECK(socket_ >= 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
    if (host != 1) CHECK(::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) == 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(std::string(address.substr(address.rfind(':') + 1)))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
  }
  ~RawConnection() { ::close(socket_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // False when the server has closed the connection.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Says that no more will come.
  void EndSending() { ::shutdown(socket_, SHUT_WR); }

  // Up to the end of the connection, or of the time.
  std::string ReadToEnd(std::chrono::seconds within = std::chrono::seconds(60)) {
    while (ReadMore(within)) {
    }
    return std::move(read_);
  }
  // One whole answer with a Content-Length; of HEAD, only its head. What was read so far at the connection's end.
  std::string ReadAnswer(bool only_head = false) {
    size_t whole = std::string::npos;
    while (true) {
      if (const size_t head = read_.find("\r\n\r\n"); head != std::string::npos && whole == std::string::npos) {
        const size_t length = read_.find("Content-Length: ");
        CHECK(length < head);
        whole = head + 4 + (only_head ? 0 : std::stoul(read_.substr(length + 16)));
      }
      if (read_.size() >= whole || !ReadMore(std::chrono::seconds(60))) break;
    }
    const std::string answer = read_.substr(0, whole);
    read_.erase(0, answer.size());
    return answer;
  }
  bool ended() const { return ended_; }

 private:
  // False at the end.
  bool ReadMore(std::chrono::seconds within) {
    pollfd ready{socket_, POLLIN, 0};
    int polled = 0;
    // A fuzzer has a timer that sends signals.
    do polled = ::poll(&ready, 1, static_cast<int>(within.count() * 1000));
    while (polled < 0 && errno == EINTR);
    if (polled <= 0) return false;
    char block[4096];
    const ssize_t count = ::recv(socket_, block, sizeof(block), 0);
    ended_ = count <= 0;
    if (!ended_) read_.append(block, static_cast<size_t>(count));
    return !ended_;
  }

  const int socket_;
  std::string read_;
  bool ended_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_NODE_WEB_RAW_HTTP_H_
