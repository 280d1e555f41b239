#ifndef ANAMNESIS_NODE_SERVICE_OPEN_STREAMS_H_
#define ANAMNESIS_NODE_SERVICE_OPEN_STREAMS_H_

// The streaming calls that are open on a service, so that a node that stops can end them. A stream keeps itself alive
// until gRPC is done with it; here it is only known. Safe from any thread.

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "node/service/access.h"

namespace anamnesis {

class OpenStream {
 public:
  virtual ~OpenStream() = default;
  // Whose it is; nullopt without TLS.
  virtual const std::optional<v1::Agent>& caller() const = 0;
  // Ends the call as soon as what was begun is done. May be called more than once, and after the call's end.
  virtual void Drain() = 0;
};

class OpenStreams {
 public:
  void Add(const std::shared_ptr<OpenStream>& stream) {
    {
      const std::lock_guard lock(mutex_);
      streams_[stream.get()] = stream;
      if (!draining_) return;
    }
    stream->Drain();
  }

  void Remove(OpenStream* stream) {
    const std::lock_guard lock(mutex_);
    streams_.erase(stream);
  }

  // Those that are open now.
  std::vector<std::shared_ptr<OpenStream>> All() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<OpenStream>> all;
    for (const auto& [unused, weak] : streams_) {
      if (std::shared_ptr<OpenStream> stream = weak.lock()) all.push_back(std::move(stream));
    }
    return all;
  }

  // Drains those whose caller may not call `method` any more.
  void DrainRefused(const Access& access, std::string_view method) {
    for (const std::shared_ptr<OpenStream>& stream : All()) {
      if (!access.StillAllowed(stream->caller(), method)) stream->Drain();
    }
  }

  // Drains all streams, and from now on every new one.
  void Drain() {
    {
      const std::lock_guard lock(mutex_);
      draining_ = true;
    }
    for (const std::shared_ptr<OpenStream>& stream : All()) stream->Drain();
  }

 private:
  std::mutex mutex_;
  // Guarded by mutex_.
  absl::flat_hash_map<OpenStream*, std::weak_ptr<OpenStream>> streams_;
  bool draining_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_OPEN_STREAMS_H_
