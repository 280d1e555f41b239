#ifndef ANAMNESIS_TESTS_CLIENT_FAKE_LEDGER_H_
#define ANAMNESIS_TESTS_CLIENT_FAKE_LEDGER_H_

// A ledger in memory for tests of clients: it keeps events by id, chains streams and checks what a writer must get
// right (header, body, commitment, vocabulary, chain, seal, writer). It can lose answers. Not safe for concurrent use.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"
#include "ledger/event/seal.h"
#include "ledger/event/vocabulary.h"
#include "ledger/keys/key_file.h"

namespace anamnesis {

inline NamedKey TestKey(char seed = 'k') {
  return {"importer.example", *PrivateKey::FromSeed(std::string(PrivateKey::kSeedSize, seed))};
}

class FakeLedger : public LedgerClient {
 public:
  struct Stored {
    v1::EventHeader header;
    Digest header_digest;
    v1::Body body;
    std::shared_ptr<const google::protobuf::Message> content;
  };

  // What an Append call does besides its work.
  struct Fault {
    Status status;
    // The events are written, and only the answer is lost.
    bool after_writing = false;
  };

  void Issue(const NamedKey& key, const std::string& holder) {
    v1::Credential& credential = credentials_[key.key.public_key().bytes()];
    credential.set_public_key(key.key.public_key().bytes());
    credential.mutable_holder()->set_kind("software");
    credential.mutable_holder()->set_id(holder);
  }

  const std::vector<Stored>& events() const { return events_; }
  std::vector<const Stored*> OfType(std::string_view type) const {
    std::vector<const Stored*> found;
    for (const Stored& event : events_) {
      if (event.header.type() == type) found.push_back(&event);
    }
    return found;
  }

  // Each Append takes the next of these.
  std::vector<Fault> faults;
  // At most this many events in one Read.
  uint64_t read_limit = 1000;
  size_t append_calls = 0;
  size_t read_calls = 0;
  size_t runs_written = 0;

  StatusOr<v1::AppendResponse> Append(const v1::AppendRequest& request) override {
    ++append_calls;
    std::optional<Fault> fault;
    if (!faults.empty()) {
      fault = faults.front();
      faults.erase(faults.begin());
    }
    if (fault.has_value() && !fault->after_writing) return fault->status;
    v1::AppendResponse response;
    for (const v1::Run& run : request.runs()) {
      v1::RunResult& result = *response.add_results();
      if (const Status status = AppendRun(run, result); !status.ok()) *result.mutable_refused() = ToRpcStatus(status);
    }
    if (fault.has_value()) return fault->status;
    return response;
  }

  StatusOr<v1::LedgerStatus> GetStatus() override {
    v1::LedgerStatus status;
    status.set_origin(kOrigin);
    status.set_tree_size(events_.size());
    return status;
  }

  StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) override {
    const auto found = credentials_.find(request.public_key());
    if (found == credentials_.end()) return absl::NotFoundError("no credential names this key");
    return found->second;
  }

  StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest& request) override {
    if (!IsStreamName(request.stream())) return absl::InvalidArgumentError("stream: is not a stream's name");
    v1::StreamHead head;
    head.set_stream(request.stream());
    head.set_digest(Digest().bytes());
    for (const Stored& event : events_) {
      if (event.header.stream() != request.stream()) continue;
      head.set_position(event.header.stream_position());
      head.set_digest(event.header_digest.bytes());
      *head.mutable_writer() = event.header.actor();
    }
    return head;
  }

  StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) override {
    const std::optional<size_t> index =
        request.has_index() ? std::optional<size_t>(request.index()) : IndexOf(request.event_id());
    if (!index.has_value() || *index >= events_.size()) return absl::NotFoundError("no such event");
    return EventAt(*index);
  }

  Status Read(const v1::ReadRequest& request, const OnRead& on_read) override {
    ++read_calls;
    uint64_t left = std::min(request.limit() == 0 ? 1000 : request.limit(), read_limit);
    for (size_t i = request.from(); i < events_.size() && left > 0; ++i) {
      if (events_[i].header.stream() != request.stream()) continue;
      --left;
      v1::ReadResponse response;
      *response.mutable_event() = EventAt(i);
      if (!on_read(response)) return OkStatus();
    }
    v1::ReadResponse response;
    response.mutable_caught_up()->set_tree_size(events_.size());
    on_read(response);
    return OkStatus();
  }

  StatusOr<std::unique_ptr<AppendChannel>> OpenAppendChannel(AppendChannel::OnResult) override { return NotHere(); }
  StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest&) override { return NotHere(); }
  // The history of an entity, with the times that its events have; no other question.
  StatusOr<v1::Answer> Ask(const v1::Question& question) override {
    if (!question.has_status()) return NotHere();
    v1::Answer answer;
    const v1::EntityRef& asked = question.status().entity();
    for (size_t i = question.status().from(); i < events_.size(); ++i) {
      const v1::EventHeader& header = events_[i].header;
      const bool named = std::any_of(header.refs().begin(), header.refs().end(), [&](const v1::EntityRef& ref) {
        return ref.kind() == asked.kind() && ref.id() == asked.id();
      });
      if (!named) continue;
      v1::LeafReference& leaf = *answer.mutable_status()->add_history()->mutable_leaf();
      leaf.set_index(i);
      SetTime(header.occurred_earliest_us(), *leaf.mutable_occurred_earliest());
      SetTime(header.occurred_latest_us(), *leaf.mutable_occurred_latest());
    }
    return answer;
  }
  StatusOr<v1::Checkpoint> GetCheckpoint() override { return NotHere(); }
  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest&) override { return NotHere(); }
  StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest&) override {
    return NotHere();
  }

 private:
  static constexpr char kOrigin[] = "fake.example/ledger";

  static Status NotHere() { return absl::UnimplementedError("the fake ledger has no such call"); }

  // After 1970.
  static void SetTime(int64_t us, google::protobuf::Timestamp& time) {
    time.set_seconds(us / 1'000'000);
    time.set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
  }

  v1::Event EventAt(size_t index) const {
    v1::Event event;
    event.set_index(index);
    *event.mutable_header() = events_[index].header;
    return event;
  }

  std::optional<size_t> IndexOf(std::string_view id) const {
    for (size_t i = 0; i < events_.size(); ++i) {
      if (events_[i].header.event_id() == id) return i;
    }
    return std::nullopt;
  }

  static StatusOr<Stored> CheckEvent(const std::string& bytes, const v1::Body& body) {
    ASSIGN_OR_RETURN(const ParsedHeader parsed, ParseHeader(bytes));
    const EventType* type = Vocabulary::Get().Find(parsed.fields.type(), parsed.fields.schema_version());
    if (type == nullptr) return Refuse(v1::UNKNOWN_TYPE, "header.type", "is unknown");
    RETURN_IF_ERROR(ValidateHeader(*type, parsed.fields));
    if (body.nonce().size() != 32 || BodyCommitment(body.nonce(), body.content()) != parsed.body_commitment) {
      return Refuse(v1::COMMITMENT_MISMATCH, "header.body_commitment", "does not commit to the body");
    }
    ASSIGN_OR_RETURN(std::shared_ptr<const google::protobuf::Message> content, ParseBody(*type, body.content()));
    return Stored{parsed.fields, parsed.digest, body, std::move(content)};
  }

  // Fills in `result` when all events of the run were there already.
  StatusOr<bool> IsRetry(const std::vector<Stored>& run, v1::RunResult& result) const {
    size_t there = 0;
    for (const Stored& event : run) {
      const std::optional<size_t> index = IndexOf(event.header.event_id());
      if (!index.has_value()) continue;
      if (events_[*index].header_digest != event.header_digest) {
        return Refuse(v1::EVENT_ID_TAKEN, "header.event_id", "is another event's");
      }
      ++there;
      AddPlace(*index, result);
    }
    if (there != 0 && there != run.size()) return Refuse(v1::CHAIN_BROKEN, "run", "is there in part");
    result.set_already_recorded(there != 0);
    return there != 0;
  }

  static void AddPlace(size_t index, v1::RunResult& result) {
    result.add_indexes(index);
    result.add_recorded_us(1700000000000000 + static_cast<int64_t>(index));
  }

  Status AppendRun(const v1::Run& run, v1::RunResult& result) {
    std::vector<Stored> stored;
    if (run.headers_size() == 0 || run.bodies_size() != run.headers_size()) {
      return Refuse(v1::MALFORMED, "run", "has no events or not a body for each");
    }
    for (int i = 0; i < run.headers_size(); ++i) {
      StatusOr<Stored> event = CheckEvent(run.headers(i), run.bodies(i));
      if (!event.ok()) return AtPlace(event.status(), 0, static_cast<size_t>(i));
      stored.push_back(*std::move(event));
    }
    const v1::EventHeader& first = stored.front().header;
    const std::vector<std::string_view> headers(run.headers().begin(), run.headers().end());
    ASSIGN_OR_RETURN(const ParsedSeal seal, VerifySeal({run.seal().statement(), run.seal().signature()}));
    RETURN_IF_ERROR(CheckSealFitsRun(seal, kOrigin, first.stream(), first.stream_position(), headers));
    ASSIGN_OR_RETURN(const bool retry, IsRetry(stored, result));
    if (retry) return OkStatus();
    RETURN_IF_ERROR(CheckChain(stored, seal));
    for (Stored& event : stored) {
      AddPlace(events_.size(), result);
      events_.push_back(std::move(event));
    }
    ++runs_written;
    return OkStatus();
  }

  Status CheckChain(const std::vector<Stored>& run, const ParsedSeal& seal) {
    const auto credential = credentials_.find(seal.key.bytes());
    if (credential == credentials_.end()) return Refuse(v1::KEY_UNKNOWN, "seal.key_id", "has no credential");
    v1::GetStreamHeadRequest request;
    request.set_stream(run.front().header.stream());
    ASSIGN_OR_RETURN(v1::StreamHead head, GetStreamHead(request));
    const v1::Agent& holder = credential->second.holder();
    if (head.has_writer() && head.writer().id() != holder.id()) {
      return Refuse(v1::NOT_THE_WRITER, "header.stream", "is another writer's");
    }
    for (const Stored& event : run) {
      if (event.header.actor().id() != holder.id()) return Refuse(v1::NOT_THE_WRITER, "header.actor", "is another");
      for (const std::string& cause : event.header.causes()) {
        const bool in_run =
            std::any_of(run.begin(), run.end(), [&](const Stored& other) { return other.header.event_id() == cause; });
        if (!in_run && !IndexOf(cause).has_value()) return Refuse(v1::REFERENCE_INVALID, "header.causes", "is unknown");
      }
      if (event.header.stream_position() != head.position() + 1 ||
          event.header.previous_header_digest() != head.digest()) {
        return Refuse(v1::CHAIN_BROKEN, "header.stream_position", "does not continue the stream");
      }
      head.set_position(head.position() + 1);
      head.set_digest(event.header_digest.bytes());
    }
    return OkStatus();
  }

  std::vector<Stored> events_;
  std::map<std::string, v1::Credential> credentials_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_CLIENT_FAKE_LEDGER_H_
