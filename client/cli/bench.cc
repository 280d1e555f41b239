// The load generator behind every performance figure.

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <iostream>
#include <mutex>
#include <random>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/cli/bench_lives.h"
#include "client/cli/context.h"
#include "client/cli/question.h"
#include "client/cli/receipts.h"
#include "client/cpp/writer.h"
#include "ledger/event/refusal.h"
#include "ledger/query/events.h"

namespace anamnesis::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double Percentile(std::vector<double>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(part * static_cast<double>(sorted.size())))];
}

struct Figures {
  std::string what;
  uint64_t operations = 0;
  uint64_t errors = 0;
  double seconds = 0;
  double cpu_seconds = 0;
  std::vector<double> latencies_ms;
};

void Print(Figures& figures, std::string_view unit, bool json) {
  std::sort(figures.latencies_ms.begin(), figures.latencies_ms.end());
  const double rate = static_cast<double>(figures.operations) / figures.seconds;
  const double p50 = Percentile(figures.latencies_ms, 0.50);
  const double p99 = Percentile(figures.latencies_ms, 0.99);
  if (json) {
    std::cout << "{\"what\": \"" << figures.what << "\", \"" << unit << "_per_second\": " << rate
              << ", \"p50_ms\": " << p50 << ", \"p99_ms\": " << p99 << ", \"" << unit << "\": " << figures.operations
              << ", \"errors\": " << figures.errors << ", \"seconds\": " << figures.seconds
              << ", \"cpu_seconds\": " << figures.cpu_seconds << "}\n";
    return;
  }
  std::cout << figures.what << ": " << static_cast<uint64_t>(rate) << " " << unit << "/s, p50 " << p50 << " ms, p99 "
            << p99 << " ms, " << figures.operations << " " << unit << " in " << figures.seconds << " s, "
            << figures.errors << " errors, client CPU " << figures.cpu_seconds << " s\n";
}

struct Options {
  uint64_t run = 1;
  uint64_t inflight = 64;
  uint64_t body_bytes = 400;
  double seconds = 10;
  uint64_t events = 0;
  uint64_t queries = 2000;
  std::string unit = "BENCH-1";
  std::string artifact;
  std::string fallback;
  bool activations = false;
  bool lives = false;
  bool receipts = false;
  // Of 100 events of lives, how many more correct one.
  uint64_t corrections = 0;
  Common common;
};

// Makes runs of a stream of its own; one thread.
class RunSource {
 public:
  static StatusOr<std::unique_ptr<RunSource>> Make(const Options& options, const NamedKey& key, LedgerClient& client) {
    v1::GetCredentialRequest request;
    request.set_public_key(std::string(key.key.public_key().view()));
    ASSIGN_OR_RETURN(const v1::Credential credential, client.GetCredential(request));
    ASSIGN_OR_RETURN(const v1::LedgerStatus status, client.GetStatus());
    const std::string stream = Text("bench/", NewEventId().text());
    auto source = std::unique_ptr<RunSource>(new RunSource(
        options, key, RunBuilder(status.origin(), stream, credential.holder(), StreamPosition(0), Digest())));
    return source;
  }

  StatusOr<v1::Run> Next() {
    // What earlier runs recorded can be corrected.
    recorded_.insert(recorded_.end(), of_run_.begin(), of_run_.end());
    of_run_.clear();
    if (recorded_.size() > kRememberedMax) {
      recorded_.erase(recorded_.begin(), recorded_.end() - static_cast<ptrdiff_t>(kRememberedMax));
    }
    for (uint64_t i = 0; i < options_.run; ++i) {
      std::array<uint8_t, 10> random;
      for (uint8_t& byte : random) byte = static_cast<uint8_t>(random_());
      std::string nonce(32, '\0');
      for (char& byte : nonce) byte = static_cast<char>(random_());
      const Timestamp now = WallClockNow();
      const EventId id = EventId::MakeVersion7(static_cast<uint64_t>(now.us / 1000), random);
      RETURN_IF_ERROR(builder_.Add(Draft(now, id), id, nonce));
    }
    return builder_.Seal(key_.key, WallClockNow());
  }

 private:
  RunSource(const Options& options, const NamedKey& key, RunBuilder builder)
      : options_(options), key_(key), builder_(std::move(builder)), random_(std::random_device()()) {
    auto document = std::make_shared<v1::DocumentReferenced>();
    // The title takes up what is left of the wished body size.
    document->set_title("adaptation telemetry");
    document->set_media_type("application/octet-stream");
    const size_t base = document->ByteSizeLong() + 3;
    document->set_locator(std::string(options.body_bytes > base ? options.body_bytes - base : 1, 'x'));
    document_ = document;
  }

  EventDraft Draft(Timestamp now, const EventId& id) {
    if (options_.activations) return Activation(now);
    if (!options_.lives) return Document(now);
    if (!recorded_.empty() && random_() % 100 < options_.corrections) return Correction(now);
    of_run_.push_back(id);
    const uint64_t place = count_++;
    return LifeEvent(place / kLifeEvents, place % kLifeEvents, now);
  }

  // Moves an event of late in time by a moment: both the move and what it moved stay to be read.
  EventDraft Correction(Timestamp now) {
    auto moved = std::make_shared<v1::RecordCorrected>();
    moved->set_kind(v1::RecordCorrected::OCCURRED_AT);
    moved->set_occurred_earliest_us(now.us - 1);
    moved->set_occurred_latest_us(now.us);
    EventDraft draft;
    draft.body = moved;
    draft.header.set_rationale("the clock was wrong");
    draft.header.set_corrects(recorded_[random_() % recorded_.size()].bytes());
    SetOccurred(draft, now, now);
    return draft;
  }

  EventDraft Document(Timestamp now) {
    EventDraft draft;
    draft.body = document_;
    SetOccurred(draft, now, now);
    AddReference(draft, "document", "document", Text("telemetry-", count_++));
    AddReference(draft, "about", "device_unit", options_.unit);
    return draft;
  }

  EventDraft Activation(Timestamp now) {
    auto activated = std::make_shared<v1::ArtifactActivated>();
    activated->set_surface("alert_threshold");
    EventDraft draft;
    draft.body = activated;
    SetOccurred(draft, now, now);
    AddReference(draft, "unit", "device_unit", options_.unit);
    AddReference(draft, "artifact", "artifact", "threshold", std::to_string(count_++));
    return draft;
  }

  const Options options_;
  const NamedKey& key_;
  RunBuilder builder_;
  std::mt19937_64 random_;
  std::shared_ptr<const google::protobuf::Message> document_;
  uint64_t count_ = 0;
  // Events of lives: of earlier runs, the newest last; and of the run that is being made.
  static constexpr size_t kRememberedMax = 200;
  std::vector<EventId> recorded_;
  std::vector<EventId> of_run_;
};

// Keeps a number of runs in flight on one channel and times each from its sending to its acknowledgement.
class AppendLoad {
 public:
  AppendLoad(const Options& options, LedgerClient& client, RunSource& source)
      : options_(options), client_(client), source_(source) {}

  StatusOr<Figures> Run() {
    ASSIGN_OR_RETURN(const std::unique_ptr<AppendChannel> channel,
                     client_.OpenAppendChannel([this](uint64_t sequence, const StatusOr<v1::RunResult>& result) {
                       OnResult(sequence, result);
                     }));
    const auto start = SteadyClock::now();
    const double cpu = CpuSeconds();
    uint64_t sent = 0;
    while (options_.events != 0 ? sent * options_.run < options_.events : SecondsSince(start) < options_.seconds) {
      ASSIGN_OR_RETURN(v1::Run run, source_.Next());
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return sent - answered_ < options_.inflight; });
        if (!first_error_.ok()) break;
        sent_at_.push_back(SteadyClock::now());
      }
      RETURN_IF_ERROR(channel->Submit(sent++, std::move(run)));
    }
    RETURN_IF_ERROR(channel->Finish());
    figures_.seconds = SecondsSince(start);
    figures_.cpu_seconds = CpuSeconds() - cpu;
    if (!first_error_.ok()) std::cerr << "first error: " << MessageOf(first_error_) << "\n";
    return std::move(figures_);
  }

 private:
  void OnResult(uint64_t sequence, const StatusOr<v1::RunResult>& result) {
    const auto now = SteadyClock::now();
    const std::lock_guard lock(mutex_);
    ++answered_;
    const Status status = result.ok() ? FromRpcStatus(result->refused()) : result.status();
    if (status.ok()) {
      figures_.operations += static_cast<uint64_t>(result->indexes_size());
      figures_.latencies_ms.push_back(std::chrono::duration<double, std::milli>(now - sent_at_[sequence]).count());
    } else {
      ++figures_.errors;
      if (first_error_.ok()) first_error_ = status;
    }
    room_.notify_one();
  }

  const Options& options_;
  LedgerClient& client_;
  RunSource& source_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<SteadyClock::time_point> sent_at_;
  uint64_t answered_ = 0;
  Status first_error_;
  Figures figures_;
};

StatusOr<ExitStatus> BenchAppend(const Options& options) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const std::unique_ptr<RunSource> source, RunSource::Make(options, key, *client));
  ASSIGN_OR_RETURN(Figures figures, AppendLoad(options, *client, *source).Run());
  figures.what = Text("append, runs of ", options.run, ", ", options.inflight, " in flight");
  Print(figures, "events", options.common.json);
  return figures.errors == 0 ? kDone : kNotReached;
}

// One run after another: how long until it is durable, until its last event has a receipt, and a witnessed one. Each is
// timed from the append.
StatusOr<ExitStatus> BenchReceipts(const Options& options) {
  constexpr std::chrono::seconds kWithin(60);
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(options.common));
  ASSIGN_OR_RETURN(const std::unique_ptr<RunSource> source, RunSource::Make(options, key, *client));
  ASSIGN_OR_RETURN(const v1::WitnessStatus status, witnesses->GetStatus());
  std::array<Figures, 3> figures;
  figures[0].what = "append to durable";
  figures[1].what = "append to receipt";
  figures[2].what = "append to witnessed receipt";
  const size_t kinds = status.has_witnessed_size() ? 3 : 2;
  const auto start = SteadyClock::now();
  const double cpu = CpuSeconds();
  uint64_t sent = 0;
  while (options.events != 0 ? sent * options.run < options.events : SecondsSince(start) < options.seconds) {
    v1::AppendRequest request;
    ASSIGN_OR_RETURN(*request.add_runs(), source->Next());
    ++sent;
    const auto begun = SteadyClock::now();
    const auto took = [&](Figures& of) {
      of.latencies_ms.push_back(SecondsSince(begun) * 1000);
      ++of.operations;
    };
    ASSIGN_OR_RETURN(const v1::AppendResponse appended, client->Append(request));
    RETURN_IF_ERROR(FromRpcStatus(appended.results(0).refused()));
    took(figures[0]);
    v1::GetReceiptRequest receipt;
    receipt.set_index(*appended.results(0).indexes().rbegin());
    RETURN_IF_ERROR(client->GetReceipt(receipt).status());
    took(figures[1]);
    if (kinds < 3) continue;
    RETURN_IF_ERROR(witnesses->GetReceipt(receipt.index(), kWithin).status());
    took(figures[2]);
  }
  for (size_t kind = 0; kind < kinds; ++kind) {
    figures[kind].seconds = SecondsSince(start);
    figures[kind].cpu_seconds = CpuSeconds() - cpu;
    Print(figures[kind], "runs", options.common.json);
  }
  return kDone;
}

// Asks for the unit's configuration at random times, as known at random sizes.
StatusOr<ExitStatus> BenchQuery(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
  v1::GetEventRequest first;
  first.set_index(0);
  ASSIGN_OR_RETURN(const v1::Event founding, client->GetEvent(first));
  ASSIGN_OR_RETURN(const Timestamp begin, FromProtoTime(founding.recorded(), "recorded"));
  ASSIGN_OR_RETURN(const Timestamp end, FromProtoTime(status.last_recorded(), "recorded"));
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int64_t> times(begin.us, end.us);
  std::uniform_int_distribution<uint64_t> sizes(1, status.tree_size());
  Figures figures;
  figures.what = Text("config at ", status.tree_size(), " events");
  const auto start = SteadyClock::now();
  const double cpu = CpuSeconds();
  for (uint64_t i = 0; i < options.queries; ++i) {
    v1::GetConfigurationRequest request;
    request.set_unit(options.unit);
    *request.mutable_at() = ToProtoTime(Timestamp(times(random)));
    request.set_known_size(sizes(random));
    const auto asked = SteadyClock::now();
    const StatusOr<v1::ConfigurationAnswer> answer = client->GetConfiguration(request);
    figures.latencies_ms.push_back(SecondsSince(asked) * 1000);
    ++(answer.ok() ? figures.operations : figures.errors);
  }
  figures.seconds = SecondsSince(start);
  figures.cpu_seconds = CpuSeconds() - cpu;
  Print(figures, "queries", options.common.json);
  return figures.errors == 0 ? kDone : kNotReached;
}

// How many whole lives the ledger holds: those of one `bench append --lives`.
StatusOr<uint64_t> CountLives(LedgerClient& client, uint64_t tree_size) {
  uint64_t low = 0;
  uint64_t high = tree_size / kLifeEvents + 1;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    const StatusOr<v1::Answer> answer = client.Ask(WhetherThereIs(middle));
    if (!answer.ok() && !absl::IsNotFound(answer.status())) return answer.status();
    if (answer.ok()) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Asks so many times, one after another; the argument counts. Gives how often it failed.
uint64_t Measure(const Options& options, std::string what, const std::function<Status(uint64_t)>& ask) {
  Figures figures;
  figures.what = std::move(what);
  const auto start = SteadyClock::now();
  const double cpu = CpuSeconds();
  for (uint64_t i = 0; i < options.queries; ++i) {
    const auto asked = SteadyClock::now();
    const Status answered = ask(i);
    figures.latencies_ms.push_back(SecondsSince(asked) * 1000);
    ++(answered.ok() ? figures.operations : figures.errors);
    if (!answered.ok() && figures.errors == 1) std::cerr << "first error: " << MessageOf(answered) << "\n";
  }
  figures.seconds = SecondsSince(start);
  figures.cpu_seconds = CpuSeconds() - cpu;
  Print(figures, "queries", options.common.json);
  return figures.errors;
}

// Asks each kind of question about lives at random, one after another.
StatusOr<ExitStatus> BenchLives(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
  ASSIGN_OR_RETURN(const uint64_t lives, CountLives(*client, status.tree_size()));
  if (lives == 0) return absl::NotFoundError("the ledger holds no lives; make some with bench append --lives");
  std::mt19937_64 random(1);
  uint64_t errors = 0;
  const auto measure = [&](std::string_view name, const std::function<Status(uint64_t)>& ask) {
    const auto of_any = [&](uint64_t) { return ask(random() % lives); };
    errors += Measure(options, Text(name, " at ", status.tree_size(), " events"), of_any);
  };
  measure("config", [&](uint64_t life) {
    v1::GetConfigurationRequest request;
    request.set_unit(LifeUnit(life));
    *request.mutable_at() = status.last_recorded();
    return client->GetConfiguration(request).status();
  });
  for (size_t kind = 0; kind < QuestionsAbout(0).size(); ++kind) {
    measure(QuestionsAbout(0)[kind].name,
            [&](uint64_t life) { return client->Ask(QuestionsAbout(life)[kind].question).status(); });
  }
  return errors == 0 ? kDone : kNotReached;
}

// Asks the gate again and again whether the artifact may run on the unit: a dry run each time, whatever it decides.
StatusOr<ExitStatus> BenchGate(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
  v1::Question question;
  v1::GateQuestion& gate = *question.mutable_gate();
  ASSIGN_OR_RETURN(*gate.mutable_artifact(), ParseEntity("ARTIFACT", options.artifact, "artifact"));
  gate.set_unit(options.unit);
  if (!options.fallback.empty()) {
    ASSIGN_OR_RETURN(*gate.mutable_rollback_target(), ParseEntity("--fallback", options.fallback, "baseline"));
  }
  ASSIGN_OR_RETURN(const v1::Answer first, client->Ask(question));
  const bool allowed = first.gate().decision().verdict() == v1::GateDecided::ALLOW;
  const std::string what = Text("gate (", allowed ? "allow" : "deny", ") at ", status.tree_size(), " events");
  return Measure(options, what, [&](uint64_t) { return client->Ask(question).status(); }) == 0 ? kDone : kNotReached;
}

// --- Verbs ---

void AddAppendVerb(CLI::App& bench) {
  auto options = std::make_shared<Options>();
  CLI::App& append = *bench.add_subcommand("append", "events/s and latency, each run acknowledged when synced");
  append.footer("Example: anamnesis bench append --run 100 --inflight 16 --as ada.key");
  append.add_option("--run", options->run, "events a seal")->check(CLI::Range(1, 4096));
  append.add_option("--inflight", options->inflight, "runs under way at once")->check(CLI::Range(1, 1024));
  append.add_option("--body", options->body_bytes, "bytes of a body")->check(CLI::Range(32, 2000));
  append.add_option("--seconds", options->seconds, "how long");
  append.add_option("--events", options->events, "how many events, instead of --seconds");
  append.add_option("--unit", options->unit, "the device unit that the events are about");
  append.add_flag("--activations", options->activations, "artifact.activated on one surface of the unit");
  append.add_flag("--lives", options->lives,
                  "whole life cycles, each of an item, its models and a unit; by an administrator who is author and "
                  "verifier too");
  append.add_option("--corrections", options->corrections, "with --lives: percent of events that correct one")
      ->check(CLI::Range(0, 90));
  append.add_flag("--receipts", options->receipts,
                  "one run after another, and how long until it has a receipt, and a witnessed one");
  AddKeyOption(append, options->common);
  AddLedgerOption(append, options->common);
  AddJsonOption(append, options->common);
  SetAction(append, [options] { return options->receipts ? BenchReceipts(*options) : BenchAppend(*options); });
}

void AddQueryVerb(CLI::App& bench) {
  auto options = std::make_shared<Options>();
  CLI::App& query = *bench.add_subcommand("query", "config at random times, as known at random sizes");
  query.footer("Example: anamnesis bench query --unit ICU-7 --queries 2000");
  query.add_option("--unit", options->unit, "the device unit to ask about");
  query.add_option("--queries", options->queries, "how many");
  query.add_flag("--lives", options->lives, "each kind of question, about what bench append --lives made");
  AddLedgerOption(query, options->common);
  AddJsonOption(query, options->common);
  SetAction(query, [options] { return options->lives ? BenchLives(*options) : BenchQuery(*options); });
}

void AddGateVerb(CLI::App& bench) {
  auto options = std::make_shared<Options>();
  CLI::App& gate = *bench.add_subcommand("gate", "what the gate would decide, again and again; nothing is recorded");
  gate.footer("Example: anamnesis bench gate shift@3 --unit ICU-7 --fallback baseline:base@5");
  gate.add_option("ARTIFACT", options->artifact, "[artifact:]ID@VERSION")->required();
  gate.add_option("--unit", options->unit, "the unit that it would run on")->required();
  gate.add_option("--fallback", options->fallback, "KIND:ID@VERSION of what runs again when it is taken back");
  gate.add_option("--queries", options->queries, "how many");
  AddLedgerOption(gate, options->common);
  AddJsonOption(gate, options->common);
  SetAction(gate, [options] { return BenchGate(*options); });
}

}  // namespace

void AddBench(CLI::App& app) {
  CLI::App& bench = *app.add_subcommand("bench", "measures a ledger; run it on one made for the purpose");
  bench.require_subcommand(1);
  AddAppendVerb(bench);
  AddQueryVerb(bench);
  AddGateVerb(bench);
}

}  // namespace anamnesis::cli
