#ifndef ANAMNESIS_TESTS_FAULTS_HISTORY_LINES_H_
#define ANAMNESIS_TESTS_FAULTS_HISTORY_LINES_H_

// What the load programs of the fault tests write about each operation, for tests/faults/history.py to check. Times are
// nanoseconds of CLOCK_MONOTONIC, which all processes of this machine share, whatever is done to their wall clocks.
//
//   call TIME EVENT-ID POSITION                        an append is about to be sent for the first time
//   ack TIME EVENT-ID POSITION INDEX RECORDED-US       it was acknowledged
//   refused TIME EVENT-ID POSITION MESSAGE             it was refused for good
//   retry TIME MESSAGE                                 something has to be sent again
//   read CALLED TIME NODE SIZE ROOT                    a node's status, asked for at CALLED and answered at TIME
//   linearizable CALLED TIME NODE SIZE ROOT            the same, asked for linearizably
//
// Each line is one write, so that a reader sees whole lines only and nothing waits in the process.

#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/escaping.h"
#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline uint64_t MonotonicNs() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

inline void PutLine(std::string line) {
  line.push_back('\n');
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
}

inline void PutCall(const EventId& id, uint64_t position) {
  PutLine(Text("call ", MonotonicNs(), " ", id.text(), " ", position));
}

inline void PutAcknowledged(const EventId& id, uint64_t position, uint64_t index, int64_t recorded_us) {
  PutLine(Text("ack ", MonotonicNs(), " ", id.text(), " ", position, " ", index, " ", recorded_us));
}

inline void PutRefused(const EventId& id, uint64_t position, const Status& why) {
  PutLine(Text("refused ", MonotonicNs(), " ", id.text(), " ", position, " ", MessageOf(why)));
}

inline void PutRead(bool linearizable, uint64_t called, const std::string& node, const v1::LedgerStatus& status) {
  PutLine(Text(linearizable ? "linearizable " : "read ", called, " ", MonotonicNs(), " ", node, " ", status.tree_size(),
               " ", absl::BytesToHexString(status.root())));
}

inline void PutRetry(const Status& why) { PutLine(Text("retry ", MonotonicNs(), " ", MessageOf(why))); }

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FAULTS_HISTORY_LINES_H_
