// A network of machines on one kernel, for the fault tests: a network namespace for each machine, and one wire between
// them, which is this process. Every packet goes through it and can be cut off, lost, delayed, reordered or doubled,
// for each direction between two machines by itself. It needs neither netem nor a packet filter in the kernel, only TUN
// and CAP_NET_ADMIN with CAP_SYS_ADMIN, and leaves nothing behind: the namespaces have no names and end with the last
// process in them.
//
//   network NETWORK MACHINES
//
// NETWORK is three octets, such as 10.9.0; machine i of 1..MACHINES has address NETWORK.i.
//
// Says "machine I FD" for each (enter with `nsenter --net=/proc/PID/fd/FD`), then "ready". Takes lines on stdin, each
// answered by one line on stdout, and ends with its stdin:
//
//   link FROM TO DELAY-US JITTER-US LOSS-PPM DOUBLED-PPM    what happens to packets of one direction; answers "ok".
//                        Each is late by DELAY-US and up to JITTER-US more, so jitter reorders. 1000000 ppm: a cut.
//   counts               answers "counts PASSED DROPPED" since the last time

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <queue>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace anamnesis {
namespace {

constexpr int kMtu = 9000;
constexpr int kLoopbackMtu = 65536;
constexpr size_t kQueuedPacketsMax = 20000;
constexpr uint32_t kMillion = 1'000'000;
// Where an IPv4 header has the receiver's address.
constexpr size_t kDestinationAt = 16;
constexpr size_t kAddressBytes = 4;

[[noreturn]] void Fail(const std::string& what) {
  std::cerr << "network: " << what << ": " << std::strerror(errno) << "\n";
  std::exit(1);
}

void Check(bool done, const std::string& what) {
  if (!done) Fail(what);
}

// One namespace with a device that ends in this process.
struct Machine {
  int tun = -1;
  int name_space = -1;
};

void Configure(int control, const char* device, const std::string& address, const char* mask, int mtu) {
  ifreq request{};
  std::strcpy(request.ifr_name, device);
  const auto set = [&](const std::string& text, unsigned long what) {
    sockaddr_in parsed{};
    parsed.sin_family = AF_INET;
    Check(::inet_pton(AF_INET, text.c_str(), &parsed.sin_addr) == 1, text);
    std::memcpy(&request.ifr_addr, &parsed, sizeof(parsed));
    Check(::ioctl(control, what, &request) == 0, "setting " + text);
  };
  set(address, SIOCSIFADDR);
  set(mask, SIOCSIFNETMASK);
  request.ifr_mtu = mtu;
  Check(::ioctl(control, SIOCSIFMTU, &request) == 0, "setting the MTU");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  Check(::ioctl(control, SIOCSIFFLAGS, &request) == 0, std::string("bringing up ") + device);
}

// Leaves this process in the new namespace; the devices made before stay with it.
Machine MakeMachine(const std::string& address) {
  Check(::unshare(CLONE_NEWNET) == 0, "a network namespace");
  Machine machine;
  machine.name_space = ::open("/proc/self/ns/net", O_RDONLY);
  machine.tun = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  Check(machine.name_space >= 0 && machine.tun >= 0, "opening /dev/net/tun");
  ifreq request{};
  std::strcpy(request.ifr_name, "wire");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  Check(::ioctl(machine.tun, TUNSETIFF, &request) == 0, "a TUN device");
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  Configure(control, "lo", "127.0.0.1", "255.0.0.0", kLoopbackMtu);
  Configure(control, "wire", address, "255.255.255.0", kMtu);
  ::close(control);
  return machine;
}

struct Link {
  uint64_t delay_us = 0;
  uint64_t jitter_us = 0;
  uint32_t loss_ppm = 0;
  uint32_t doubled_ppm = 0;
};

struct Packet {
  uint64_t due_us = 0;
  // In the order of arrival, so that equal times do not reorder.
  uint64_t number = 0;
  size_t to = 0;
  std::string bytes;

  bool operator>(const Packet& other) const {
    return due_us != other.due_us ? due_us > other.due_us : number > other.number;
  }
};

uint64_t NowUs() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

class Wire {
 public:
  Wire(std::array<uint8_t, 3> network, std::vector<Machine> machines)
      : network_(network), machines_(std::move(machines)), links_(machines_.size() * machines_.size()) {}

  void Run() {
    std::vector<pollfd> polled;
    for (const Machine& machine : machines_) polled.push_back({machine.tun, POLLIN, 0});
    polled.push_back({STDIN_FILENO, POLLIN, 0});
    while (true) {
      const timespec wait = TimeToNext();
      const bool bounded = !waiting_.empty();
      const int ready = ::ppoll(polled.data(), polled.size(), bounded ? &wait : nullptr, nullptr);
      Check(ready >= 0 || errno == EINTR, "polling");
      for (size_t from = 0; ready > 0 && from < machines_.size(); ++from) {
        if (polled[from].revents != 0) TakePackets(from);
      }
      Deliver();
      if (ready > 0 && polled.back().revents != 0 && !TakeCommands()) return;
    }
  }

 private:
  Link& LinkOf(size_t from, size_t to) { return links_[from * machines_.size() + to]; }
  bool Happens(uint32_t ppm) { return ppm > 0 && random_() % kMillion < ppm; }

  timespec TimeToNext() const {
    const uint64_t now = NowUs();
    const uint64_t wait = waiting_.empty() || waiting_.top().due_us <= now ? 0 : waiting_.top().due_us - now;
    return {static_cast<time_t>(wait / kMillion), static_cast<long>(wait % kMillion * 1000)};
  }

  void TakePackets(size_t from) {
    std::array<char, kMtu> buffer;
    // Bounded, so that one machine does not keep the others waiting.
    for (int i = 0; i < 64; ++i) {
      const ssize_t size = ::read(machines_[from].tun, buffer.data(), buffer.size());
      if (size <= 0) return;
      TakePacket(from, std::string(buffer.data(), static_cast<size_t>(size)));
    }
  }

  void TakePacket(size_t from, std::string bytes) {
    const std::optional<size_t> to = Receiver(bytes);
    if (!to.has_value()) return;
    const Link& link = LinkOf(from, *to);
    if (Happens(link.loss_ppm) || waiting_.size() >= kQueuedPacketsMax) {
      ++dropped_;
      return;
    }
    const int copies = Happens(link.doubled_ppm) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const uint64_t jitter = link.jitter_us == 0 ? 0 : random_() % link.jitter_us;
      waiting_.push({NowUs() + link.delay_us + jitter, ++numbers_, *to, bytes});
    }
  }

  // nullopt for what is not between two machines, such as the kernel's IPv6 router solicitations.
  std::optional<size_t> Receiver(const std::string& bytes) const {
    if (bytes.size() < kDestinationAt + kAddressBytes || (static_cast<uint8_t>(bytes[0]) >> 4) != 4)
      return std::nullopt;
    std::array<uint8_t, kAddressBytes> to;
    std::memcpy(to.data(), &bytes[kDestinationAt], to.size());
    const bool here = std::equal(network_.begin(), network_.end(), to.begin());
    if (!here || to[3] == 0 || to[3] > machines_.size()) return std::nullopt;
    return to[3] - 1u;
  }

  void Deliver() {
    const uint64_t now = NowUs();
    while (!waiting_.empty() && waiting_.top().due_us <= now) {
      const Packet& next = waiting_.top();
      const ssize_t written = ::write(machines_[next.to].tun, next.bytes.data(), next.bytes.size());
      ++(written < 0 ? dropped_ : passed_);
      waiting_.pop();
    }
  }

  // False when stdin has ended.
  bool TakeCommands() {
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size <= 0) return false;
    unread_.append(buffer.data(), static_cast<size_t>(size));
    for (size_t end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n')) {
      std::cout << Answer(unread_.substr(0, end)) << std::endl;
      unread_.erase(0, end + 1);
    }
    return true;
  }

  std::string Answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "counts") {
      const std::string counts = "counts " + std::to_string(passed_) + " " + std::to_string(dropped_);
      passed_ = dropped_ = 0;
      return counts;
    }
    size_t from = 0;
    size_t to = 0;
    Link link;
    words >> from >> to >> link.delay_us >> link.jitter_us >> link.loss_ppm >> link.doubled_ppm;
    const bool known = from >= 1 && to >= 1 && from <= machines_.size() && to <= machines_.size();
    if (verb != "link" || words.fail() || !known) return "not understood: " + line;
    LinkOf(from - 1, to - 1) = link;
    return "ok";
  }

  const std::array<uint8_t, 3> network_;
  const std::vector<Machine> machines_;
  std::vector<Link> links_;
  std::priority_queue<Packet, std::vector<Packet>, std::greater<>> waiting_;
  std::mt19937_64 random_;
  uint64_t numbers_ = 0;
  uint64_t passed_ = 0;
  uint64_t dropped_ = 0;
  std::string unread_;
};

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  const int machines = argc == 3 ? std::atoi(argv[2]) : 0;
  in_addr parsed{};
  if (machines < 1 || machines > 250 || ::inet_pton(AF_INET, (std::string(argv[1]) + ".0").c_str(), &parsed) != 1) {
    std::cerr << "network NETWORK MACHINES, e.g. network 10.9.0 4\n";
    return 2;
  }
  std::array<uint8_t, 3> network;
  std::memcpy(network.data(), &parsed, network.size());
  std::vector<anamnesis::Machine> made;
  for (int i = 1; i <= machines; ++i) {
    made.push_back(anamnesis::MakeMachine(std::string(argv[1]) + "." + std::to_string(i)));
    std::cout << "machine " << i << " " << made.back().name_space << "\n";
  }
  std::cout << "ready" << std::endl;
  anamnesis::Wire(network, std::move(made)).Run();
  return 0;
}
