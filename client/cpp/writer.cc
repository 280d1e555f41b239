#include "client/cpp/writer.h"

#include <array>
#include <span>
#include <thread>
#include <utility>

#include "client/cpp/append_progress.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"
#include "ledger/event/signature_in.h"
#include "ledger/keys/random.h"

namespace anamnesis {
namespace {

// The outcome is unknown, or the ledger asks to come back. Sending the same bytes again is right in both cases: ids
// make it idempotent.
bool IsWorthRetrying(const Status& status) {
  return IsUndecided(status) || absl::IsAborted(status) || absl::IsResourceExhausted(status);
}

// The ledger has decided on the run. Whoever can't be reached, or lets nobody in, has not.
bool IsVerdict(const Status& refused) { return RefusalDetailOf(refused).has_value(); }

// What was answered is not understood, so that nobody knows what was done.
Status NotUnderstood(std::string_view answer) {
  return absl::UnknownError(Text("outcome unknown: the ledger ", answer));
}

// The builder refuses an event because the run is full, not because of the event.
bool IsRunFull(const Status& status) {
  const auto detail = RefusalDetailOf(status);
  return detail.has_value() && detail->reason() == v1::OVER_LIMIT &&
         (detail->field() == "run" || detail->field() == "run.headers");
}

template <size_t kSize>
std::array<uint8_t, kSize> Random() {
  std::array<uint8_t, kSize> bytes;
  FillRandom(bytes);
  return bytes;
}

// A refusal of a run that begins with this draft.
Status OfRunFrom(size_t first_draft, const Status& status) {
  const auto detail = RefusalDetailOf(status);
  return detail.has_value() ? AtPlace(status, 0, first_draft + detail->event_index()) : status;
}

StatusOr<std::vector<EventId>> IdsOf(const v1::Run& run) {
  std::vector<EventId> ids;
  for (const std::string& header : run.headers()) {
    ASSIGN_OR_RETURN(const ParsedHeader parsed, ParseHeader(header));
    ids.push_back(parsed.event_id);
  }
  return ids;
}

std::vector<Appended> PlacesOf(const std::vector<EventId>& ids, const v1::RunResult& result) {
  std::vector<Appended> places;
  for (size_t i = 0; i < ids.size(); ++i) {
    const int at = static_cast<int>(i);
    places.push_back({ids[i], LeafIndex(result.indexes(at)), Timestamp(result.recorded_us(at)), {}});
  }
  for (const v1::EventFinding& finding : result.findings()) {
    if (finding.event_index() < places.size()) places[finding.event_index()].findings.push_back(finding.finding());
  }
  return places;
}

}  // namespace

StreamWriter::StreamWriter(LedgerClient& client, const NamedKey& key, std::string stream, RetryPolicy retry)
    : client_(client), key_(key), stream_(std::move(stream)), retry_(std::move(retry)) {}

StatusOr<std::unique_ptr<StreamWriter>> StreamWriter::Open(LedgerClient& client, const NamedKey& key,
                                                           std::string stream, RetryPolicy retry,
                                                           const std::string& outbox) {
  std::unique_ptr<StreamWriter> writer(new StreamWriter(client, key, std::move(stream), std::move(retry)));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client.GetStatus());
  writer->origin_ = status.origin();
  v1::GetCredentialRequest request;
  request.set_public_key(key.key.public_key().bytes());
  StatusOr<v1::Credential> credential = client.GetCredential(request);
  if (credential.status().code() == absl::StatusCode::kNotFound) {
    return absl::FailedPreconditionError(Text("the ledger ", writer->origin_, " has no credential for key ",
                                              key.key.public_key().hex(), " (", key.name,
                                              "); an administrator must issue one"));
  }
  if (!credential.ok()) return credential.status();
  writer->actor_ = credential->holder();
  if (writer->stream_.empty()) writer->stream_ = Text(writer->actor_.kind(), "/", writer->actor_.id());
  if (!outbox.empty()) {
    ASSIGN_OR_RETURN(writer->outbox_, Outbox::Open(outbox, writer->origin_, writer->stream_));
    RETURN_IF_ERROR(writer->SendKept());
  }
  RETURN_IF_ERROR(writer->Refresh());
  return writer;
}

Status StreamWriter::Refresh() {
  v1::GetStreamHeadRequest request;
  request.set_stream(stream_);
  ASSIGN_OR_RETURN(const v1::StreamHead head, client_.GetStreamHead(request));
  ASSIGN_OR_RETURN(head_digest_, Digest::FromBytes(head.digest(), "stream head digest"));
  head_ = StreamPosition(head.position());
  head_uncertain_ = false;
  return OkStatus();
}

StatusOr<std::vector<Appended>> StreamWriter::Append(const std::vector<IdentifiedDraft>& drafts,
                                                     const OnRecorded& on_recorded) {
  RETURN_IF_ERROR(SendKept());
  if (head_uncertain_) RETURN_IF_ERROR(Refresh());
  // All runs are built before the first is sent, so that a mistake in a late draft leaves nothing half written.
  ASSIGN_OR_RETURN(const std::vector<BuiltRun> runs, Build(drafts));
  if (outbox_ != nullptr && !runs.empty()) {
    v1::AppendRequest kept;
    for (const BuiltRun& built : runs) *kept.add_runs() = built.run;
    RETURN_IF_ERROR(outbox_->Put(std::move(kept)));
  }
  std::vector<Appended> places;
  for (const BuiltRun& built : runs) {
    const StatusOr<v1::RunResult> result = SendUntilKnown(built.run);
    if (!result.ok()) return Failed(places.size(), result.status());
    head_ = built.head;
    head_digest_ = built.head_digest;
    const std::vector<Appended> of_run = PlacesOf(built.ids, *result);
    if (on_recorded) on_recorded(of_run);
    places.insert(places.end(), of_run.begin(), of_run.end());
  }
  if (outbox_ != nullptr) outbox_->Clear();
  return places;
}

Status StreamWriter::Failed(size_t first_draft, const Status& why) {
  head_uncertain_ = true;
  if (outbox_ != nullptr && !IsVerdict(why)) {
    return absl::UnknownError(Text("kept in the outbox, to be sent again: ", MessageOf(why)));
  }
  if (outbox_ != nullptr) outbox_->Clear();
  return OfRunFrom(first_draft, why);
}

Status StreamWriter::SendKept() {
  if (outbox_ == nullptr || outbox_->empty()) return OkStatus();
  head_uncertain_ = true;
  for (const v1::Run& run : outbox_->unanswered().runs()) {
    const StatusOr<v1::RunResult> result = SendUntilKnown(run);
    if (!result.ok() && (!IsVerdict(result.status()) || SaysNothingOfBefore(result.status()))) {
      return absl::UnavailableError(Text("what is in the outbox can't be sent yet: ", MessageOf(result.status())));
    }
    if (!result.ok()) {
      ASSIGN_OR_RETURN(const std::string aside, outbox_->SetAside());
      return Status(result.status().code(), Text("what was in the outbox is refused, and set aside in ", aside, ": ",
                                                 MessageOf(result.status())));
    }
    ASSIGN_OR_RETURN(const std::vector<EventId> ids, IdsOf(run));
    const std::vector<Appended> of_run = PlacesOf(ids, *result);
    sent_before_.insert(sent_before_.end(), of_run.begin(), of_run.end());
  }
  outbox_->Clear();
  return OkStatus();
}

StatusOr<Appended> StreamWriter::AppendOne(const EventDraft& draft) {
  ASSIGN_OR_RETURN(const std::vector<Appended> places, Append({{draft, EventId()}}));
  return places.front();
}

StatusOr<std::vector<StreamWriter::BuiltRun>> StreamWriter::Build(const std::vector<IdentifiedDraft>& drafts) const {
  std::vector<BuiltRun> runs;
  RunBuilder builder(origin_, stream_, actor_, head_, head_digest_);
  std::vector<EventId> ids;
  const auto seal = [&] {
    BuiltRun built{builder.Seal(key_.key, WallClockNow()), std::exchange(ids, {}), builder.head(), Digest()};
    built.head_digest = Sha256(built.run.headers(built.run.headers_size() - 1));
    runs.push_back(std::move(built));
  };
  for (size_t i = 0; i < drafts.size(); ++i) {
    const EventId id = drafts[i].id == EventId() ? NewEventId() : drafts[i].id;
    const std::string nonce = NewNonce();
    // What a person signs is a run of its own.
    const bool alone = drafts[i].draft.body != nullptr && SignatureIn(*drafts[i].draft.body) != nullptr;
    if (alone && builder.event_count() > 0) seal();
    Status added = builder.Add(drafts[i].draft, id, nonce);
    if (IsRunFull(added) && builder.event_count() > 0) {
      seal();
      added = builder.Add(drafts[i].draft, id, nonce);
    }
    if (!added.ok()) return AtPlace(added, 0, i);
    ids.push_back(id);
    if (alone) seal();
  }
  if (builder.event_count() > 0) seal();
  return runs;
}

StatusOr<v1::RunResult> StreamWriter::SendUntilKnown(const v1::Run& run) {
  v1::AppendRequest request;
  *request.add_runs() = run;
  const auto give_up = std::chrono::steady_clock::now() + retry_.within;
  StatusOr<v1::RunResult> result = SendOnce(request);
  bool may_be_written = MayBeRecorded(result.status());
  for (int tries = 1; tries < retry_.tries && !result.ok() && IsWorthRetrying(result.status()); ++tries) {
    WaitBeforeTry(tries + 1);
    if (std::chrono::steady_clock::now() >= give_up) break;
    result = SendOnce(request);
    may_be_written |= MayBeRecorded(result.status());
  }
  if (result.ok() || !may_be_written || absl::IsUnknown(result.status())) return result;
  // That it could not be sent again says nothing about what was sent before.
  if (!IsWorthRetrying(result.status()) && !SaysNothingOfBefore(result.status())) return result;
  std::string_view why = MessageOf(result.status());
  if (why.starts_with(kNotRecorded)) why.remove_prefix(kNotRecorded.size());
  return absl::UnknownError(Text("outcome unknown: ", why, "; send the same run again"));
}

StatusOr<v1::RunResult> StreamWriter::SendOnce(const v1::AppendRequest& request) {
  ASSIGN_OR_RETURN(const v1::AppendResponse response, client_.Append(request));
  const int events = request.runs(0).headers_size();
  if (response.results_size() != 1) {
    return NotUnderstood(Text("answered one run with ", response.results_size(), " results"));
  }
  const v1::RunResult& result = response.results(0);
  if (result.has_refused()) {
    const Status refused = FromRpcStatus(result.refused());
    if (!refused.ok()) return refused;
    return NotUnderstood("refused a run with status OK");
  }
  if (result.indexes_size() != events || result.recorded_us_size() != events) {
    return NotUnderstood(Text("answered ", events, " events with ", result.indexes_size(), " indexes and ",
                              result.recorded_us_size(), " recorded times"));
  }
  return result;
}

void StreamWriter::WaitBeforeTry(int next_try) {
  const std::chrono::milliseconds wait = retry_.backoff.WaitBeforeTry(next_try);
  if (retry_.wait) {
    retry_.wait(wait);
  } else {
    std::this_thread::sleep_for(wait);
  }
}

Timestamp WallClockNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return Timestamp(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

EventId NewEventId() { return EventId::MakeVersion7(static_cast<uint64_t>(WallClockNow().us / 1000), Random<10>()); }

std::string NewNonce() {
  const auto bytes = Random<32>();
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace anamnesis
