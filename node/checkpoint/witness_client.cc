#include "node/checkpoint/witness_client.h"

#include <algorithm>
#include <utility>

#include "ledger/note/cosignature.h"

namespace anamnesis {
namespace {

// A witness that says another size each time is given up until later.
constexpr int kAttemptsAtOnce = 4;

// A body as a part of a line for the log.
std::string Shown(const std::string& body) { return body.substr(0, std::min<size_t>(body.find('\n'), 200)); }

}  // namespace

WitnessClient::WitnessClient(WitnessClientOptions options) : options_(std::move(options)), thread_([this] { Run(); }) {}

WitnessClient::~WitnessClient() {
  cancelled_ = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void WitnessClient::Offer(const PublishedCheckpoint& checkpoint) {
  {
    const std::lock_guard lock(mutex_);
    offered_ = checkpoint;
  }
  wake_.notify_all();
}

WitnessClient::State WitnessClient::state() const {
  const std::lock_guard lock(mutex_);
  return {options_.witness.name, options_.witness.url, cosigned_, failing_};
}

void WitnessClient::Run() {
  std::chrono::milliseconds backoff = options_.backoff_min;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || offered_.has_value(); });
    if (stopping_) return;
    const PublishedCheckpoint offered = *std::exchange(offered_, std::nullopt);
    lock.unlock();
    const Status asked = Ask(offered);
    if (!cancelled_) Note(asked);
    if (absl::IsFailedPrecondition(asked)) options_.on_overtaken(offered.checkpoint.size);
    lock.lock();
    // One that is ahead of us is asked again when there is more; everybody else about the same, unless there is more.
    if (asked.ok() || absl::IsFailedPrecondition(asked)) {
      backoff = options_.backoff_min;
      continue;
    }
    if (!offered_.has_value()) offered_ = offered;
    wake_.wait_for(lock, backoff, [this] { return stopping_; });
    backoff = std::min(backoff * 2, options_.backoff_max);
  }
}

void WitnessClient::Note(const Status& status) {
  const std::string failing = status.ok() ? "" : std::string(MessageOf(status));
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(failing_, failing);
  }
  if (failing.empty() == before.empty()) return;
  options_.log(
      Text("witness ", options_.witness.name, failing.empty() ? " cosigns again" : " does not cosign: ", failing));
}

Status WitnessClient::Ask(const PublishedCheckpoint& offered) {
  Status status = absl::UnavailableError("it was not asked");
  for (int attempt = 0; attempt < kAttemptsAtOnce && !cancelled_; ++attempt) {
    AddCheckpointRequest request{known_, {}, offered.note};
    if (known_.value > 0) {
      ASSIGN_OR_RETURN(request.proof, options_.prove(known_, offered.checkpoint.size));
    }
    ASSIGN_OR_RETURN(const AddCheckpointAnswer answer,
                     options_.post(options_.witness.url + "/add-checkpoint", FormatAddCheckpoint(request), cancelled_));
    status = TakeAnswer(offered, answer);
    // Only a conflict says something that helps at once.
    if (!absl::IsAborted(status)) return status;
  }
  return absl::UnavailableError(Text(MessageOf(status), ", again and again"));
}

Status WitnessClient::TakeAnswer(const PublishedCheckpoint& offered, const AddCheckpointAnswer& answer) {
  if (answer.status == 409) {
    const StatusOr<TreeSize> size = ParseConflictSize(answer.body);
    if (!size.ok()) return absl::UnavailableError(Text("409 without a size: ", MessageOf(size.status())));
    if (*size == known_ && known_ == offered.checkpoint.size) {
      return absl::UnavailableError(
          Text("it has cosigned ANOTHER tree of size ", size->value, " of this log: one of the two is forged"));
    }
    // Not taken over: whoever names a size that this ledger doesn't have must not be believed from then on.
    if (*size > offered.checkpoint.size) {
      return absl::FailedPreconditionError(Text("it has cosigned ", size->value, ", this node publishes ",
                                                offered.checkpoint.size.value, " and goes on with more"));
    }
    known_ = *size;
    return absl::AbortedError(Text("it has cosigned ", size->value));
  }
  if (answer.status != 200) {
    return absl::UnavailableError(Text("it answers ", answer.status, ": ", Shown(answer.body)));
  }
  ASSIGN_OR_RETURN(const std::vector<NoteSignature> signatures, ParseCosignatureLines(answer.body));
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(offered.note));
  for (const NoteSignature& signature : signatures) {
    if (!VerifyCosignature(note.text, signature, options_.witness.key).ok()) continue;
    known_ = offered.checkpoint.size;
    {
      const std::lock_guard lock(mutex_);
      cosigned_ = known_;
    }
    options_.on_cosignature(known_, signature);
    return OkStatus();
  }
  return absl::UnavailableError("its answer has no cosignature by the key that the policy names");
}

}  // namespace anamnesis
