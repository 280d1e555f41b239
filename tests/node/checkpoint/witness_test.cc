#include "node/checkpoint/witness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>

#include "ledger/base/limits.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/files.h"
#include "ledger/evidence/judge.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"
#include "node/checkpoint/witness_client.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

constexpr char kOrigin[] = "log.example/one";

PrivateKey KeyOf(char fill) { return PrivateKey::FromSeed(std::string(32, fill)).value(); }

// A clock that stands until it is moved on.
class SetClock : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(1'800'000'000'000'000 + us); }
  int64_t MonotonicUs() const override { return us; }
  int64_t us = 0;
};

// A log that anybody may fork, with a witness on disk.
class WitnessTest : public testing::Test {
 protected:
  WitnessTest() {
    for (int i = 0; i < 300; ++i) leaves_.push_back(LeafHash(Text("leaf ", i)));
    Open();
  }

  void Open() {
    WitnessOptions options{dir_.path() + "/witness", {"witness.example/w", KeyOf('w')}};
    WitnessedLog log{kOrigin, {log_key_}, {}};
    if (own_root_) log.own_root = own_root_;
    if (keys_now_) log.keys_now = keys_now_;
    options.clock = &clock_;
    options.logs.push_back(std::move(log));
    options.log = [this](std::string_view line) { said_ += Text(line, "\n"); };
    witness_.reset();
    StatusOr<std::unique_ptr<Witness>> opened = Witness::Open(std::move(options));
    ASSERT_TRUE(opened.ok()) << opened.status();
    witness_ = *std::move(opened);
  }

  Digest RootOf(uint64_t size) const { return RootOfLeafHashes(std::span(leaves_).first(size)); }
  std::string NoteOf(uint64_t size, const Digest& root, char key = 'l', const char* origin = kOrigin) const {
    SignedNote note{FormatCheckpointText({origin, TreeSize(size), root}), {}};
    note.signatures.push_back(SignNote(note.text, origin, KeyOf(key)));
    return FormatSignedNote(note);
  }
  std::vector<Digest> Proof(uint64_t from, uint64_t to) const {
    if (from == 0 || from > to) return {};
    return *ConsistencyProof(MemoryNodeReader(leaves_), TreeSize(from), TreeSize(to));
  }
  AddCheckpointAnswer Add(uint64_t old_size, uint64_t size) {
    return witness_->Add(FormatAddCheckpoint({TreeSize(old_size), Proof(old_size, size), NoteOf(size, RootOf(size))}));
  }

  // Where what was cosigned last is kept.
  std::string FileOfState() const {
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path() + "/witness")) {
      if (entry.path().extension().empty()) return entry.path().string();
    }
    return "";
  }

  ScratchDirectory dir_;
  std::vector<Digest> leaves_;
  const VerifierKey log_key_ = *VerifierKey::Make(kOrigin, KeyType::kEd25519, KeyOf('l').public_key());
  std::function<StatusOr<AuditedRoot>(TreeSize)> own_root_;
  std::function<StatusOr<std::vector<VerifierKey>>()> keys_now_;
  SetClock clock_;
  std::unique_ptr<Witness> witness_;
  std::string said_;
};

TEST_F(WitnessTest, CosignsWhatExtendsAndRemembersItAcrossRestarts) {
  const AddCheckpointAnswer first = Add(0, 100);
  ASSERT_EQ(first.status, 200) << first.body;
  const auto lines = ParseCosignatureLines(first.body);
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 1u);
  const std::string text = ParseSignedNote(NoteOf(100, RootOf(100)))->text;
  EXPECT_TRUE(VerifyCosignature(text, lines->front(), witness_->verifier_key()).ok());
  EXPECT_EQ(Add(100, 100).status, 200);
  EXPECT_EQ(Add(100, 257).status, 200);
  Open();
  EXPECT_EQ(witness_->LastCosigned(kOrigin)->size, TreeSize(257));
  const AddCheckpointAnswer conflict = Add(100, 300);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.content_type, "text/x.tlog.size");
  EXPECT_EQ(conflict.body, "257\n");
  EXPECT_EQ(Add(0, 300).status, 409);
  EXPECT_EQ(Add(257, 300).status, 200);
}

TEST_F(WitnessTest, EveryWayToBeWrongHasItsStatus) {
  ASSERT_EQ(Add(0, 100).status, 200);
  EXPECT_EQ(witness_->Add("nonsense").status, 400);
  // The old size is beyond the new one.
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(101), {}, NoteOf(100, RootOf(100))})).status, 400);
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(100), {}, NoteOf(200, RootOf(200), 'x')})).status, 403);
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {}, NoteOf(9, RootOf(9), 'l', "other.example")})).status,
            404);
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(100), {}, NoteOf(200, RootOf(200))})).status, 422);
  std::vector<Digest> proof = Proof(100, 200);
  proof.back() = EmptyRoot();
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(100), proof, NoteOf(200, RootOf(200))})).status, 422);
  EXPECT_EQ(witness_->LastCosigned(kOrigin)->size, TreeSize(100));
  // None of this says that the log has forked: whoever passes checkpoints on can send bad proofs.
  EXPECT_EQ(witness_->State().front().fork_evidence, "");
}

TEST_F(WitnessTest, FromSizeZeroTheProofMustBeEmpty) {
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {EmptyRoot()}, NoteOf(5, RootOf(5))})).status, 422);
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {}, NoteOf(0, RootOf(1))})).status, 409);
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {}, NoteOf(0, EmptyRoot())})).status, 200);
  EXPECT_EQ(Add(0, 5).status, 200);
}

TEST_F(WitnessTest, AForkIsRefusedForGoodAndBothNotesAreKept) {
  ASSERT_EQ(Add(0, 100).status, 200);
  const std::string forged = NoteOf(100, LeafHash("another history"));
  for (int i = 0; i < 3; ++i) {
    const AddCheckpointAnswer answer = witness_->Add(FormatAddCheckpoint({TreeSize(100), {}, forged}));
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.body, "100\n");
    Open();
  }
  EXPECT_THAT(said_, HasSubstr("signed two trees of size 100"));
  const std::string path = witness_->State().front().fork_evidence;
  const StatusOr<std::string> evidence = ReadSmallFile(path);
  ASSERT_TRUE(evidence.ok()) << path;
  // It proves it to whoever has the log's key; with the witness's, that the witness didn't cosign both.
  const StatusOr<Judgement> judgement = JudgeFile(*evidence, std::vector{log_key_, witness_->verifier_key()});
  ASSERT_TRUE(judgement.ok()) << judgement.status();
  EXPECT_EQ(judgement->kind, "split-view");
  EXPECT_THAT(judgement->signed_by, testing::ElementsAre(log_key_.Format()));
  EXPECT_TRUE(judgement->cosigned_by.empty());
  // The history that was cosigned goes on.
  EXPECT_EQ(Add(100, 200).status, 200);
}

// A log that rewrote a leaf proves it itself, by a consistency proof in its new tree.
TEST_F(WitnessTest, ARewrittenHistoryConvictsItself) {
  for (const uint64_t cosigned : {100, 128}) {
    ASSERT_EQ(Add(witness_->State().front().cosigned.value, cosigned).status, 200);
    const std::vector<Digest> honest = leaves_;
    leaves_[7] = LeafHash("never happened");
    EXPECT_EQ(Add(cosigned, 200).status, 422);
    leaves_ = honest;
    const std::string path = witness_->State().front().fork_evidence;
    const StatusOr<std::string> evidence = ReadSmallFile(path);
    ASSERT_TRUE(evidence.ok()) << cosigned;
    const StatusOr<Judgement> judgement = JudgeFile(*evidence, std::vector{log_key_});
    ASSERT_TRUE(judgement.ok()) << judgement.status();
    EXPECT_EQ(judgement->kind, "rewritten-history");
    // From 128, a power of two, the proof doesn't show what the new tree has there; what is known already stays.
    EXPECT_THAT(judgement->proven.front(), HasSubstr("the tree of 100 leaves"));
  }
}

// Whoever sends a note says nothing by its size alone: nodes of a cluster that are slightly behind, and old notes.
TEST_F(WitnessTest, ALogThatStaysBehindIsSaidToBeRolledBackAndNotOneThatIsSlow) {
  constexpr int64_t kMinuteUs = 60'000'000;
  ASSERT_EQ(Add(0, 100).status, 200);
  for (uint64_t cosigned = 101; cosigned < 120; ++cosigned) {
    EXPECT_EQ(Add(0, 50).status, 409);
    clock_.us += 5 * kMinuteUs;
    EXPECT_EQ(Add(0, 51).status, 409);
    ASSERT_EQ(Add(cosigned - 1, cosigned).status, 200);
  }
  EXPECT_EQ(said_, "");
  EXPECT_EQ(witness_->State().front().rollback_evidence, "");
  EXPECT_EQ(witness_->State().front().refused, "");
  EXPECT_EQ(Add(0, 50).status, 409);
  clock_.us += 10 * kMinuteUs;
  // One line and one file, however many are sent.
  for (uint64_t size = 52; size < 80; ++size) EXPECT_EQ(Add(0, size).status, 409);
  EXPECT_THAT(said_, HasSubstr("size 52 after 119"));
  EXPECT_EQ(std::count(said_.begin(), said_.end(), '\n'), 1);
  EXPECT_THAT(ReadSmallFile(witness_->State().front().rollback_evidence).value(), HasSubstr(NoteOf(52, RootOf(52))));
  EXPECT_THAT(witness_->State().front().refused, HasSubstr("size 52 after 119"));
  EXPECT_EQ(witness_->LastCosigned(kOrigin)->size, TreeSize(119));
}

// The newest note is public: whoever sends it again doesn't make a log that was rolled back one that goes on.
TEST_F(WitnessTest, WhoSendsTheNewestNoteAgainIsAnsweredAndNothingElseChanges) {
  constexpr int64_t kMinuteUs = 60'000'000;
  ASSERT_EQ(Add(0, 100).status, 200);
  const std::string file = FileOfState();
  const std::string kept = ReadSmallFile(file).value();
  EXPECT_EQ(Add(0, 50).status, 409);
  for (int minutes = 0; minutes < 10; ++minutes) {
    clock_.us += kMinuteUs;
    EXPECT_EQ(Add(100, 100).status, 200);
  }
  EXPECT_EQ(ReadSmallFile(file).value(), kept);
  EXPECT_EQ(Add(0, 50).status, 409);
  EXPECT_THAT(witness_->State().front().refused, HasSubstr("size 50 after 100"));
  EXPECT_NE(witness_->State().front().rollback_evidence, "");
}

// A hundred lines are a note; with the witness's own it would be none any more, and the witness couldn't start again.
TEST_F(WitnessTest, ANoteFullOfOneSignatureIsKeptWithOneOfIt) {
  SignedNote note = ParseSignedNote(NoteOf(100, RootOf(100))).value();
  note.signatures.resize(limits::kNoteSignaturesMax, note.signatures.front());
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {}, FormatSignedNote(note)})).status, 200);
  Open();
  EXPECT_EQ(witness_->LastCosigned(kOrigin)->size, TreeSize(100));
  EXPECT_EQ(Add(100, 200).status, 200);
}

// So is one by as many keys as there can be lines.
TEST_F(WitnessTest, ANoteByAsManyKeysAsItCanHaveIsKeptWithRoomForTheWitness) {
  std::vector<VerifierKey> keys;
  SignedNote note{FormatCheckpointText({kOrigin, TreeSize(100), RootOf(100)}), {}};
  for (size_t i = 0; i < limits::kNoteSignaturesMax; ++i) {
    const PrivateKey key = KeyOf(static_cast<char>(i + 1));
    keys.push_back(*VerifierKey::Make(kOrigin, KeyType::kEd25519, key.public_key()));
    note.signatures.push_back(SignNote(note.text, kOrigin, key));
  }
  keys_now_ = [&keys] { return keys; };
  Open();
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {}, FormatSignedNote(note)})).status, 200);
  Open();
  EXPECT_EQ(witness_->LastCosigned(kOrigin)->size, TreeSize(100));
}

TEST_F(WitnessTest, TheKeysAreThoseOfNow) {
  std::vector<VerifierKey> keys = {log_key_};
  keys_now_ = [&keys] { return keys; };
  Open();
  EXPECT_EQ(Add(0, 100).status, 200);
  // Revoked meanwhile: whoever has it can't raise an alarm with it either.
  keys = {*VerifierKey::Make(kOrigin, KeyType::kEd25519, KeyOf('n').public_key())};
  EXPECT_EQ(Add(100, 200).status, 403);
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(100), {}, NoteOf(100, EmptyRoot())})).status, 403);
  EXPECT_EQ(witness_->State().front().fork_evidence, "");
  const std::string next = NoteOf(200, RootOf(200), 'n');
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(100), Proof(100, 200), next})).status, 200);
  keys_now_ = [] { return absl::DataLossError("a row is damaged"); };
  Open();
  EXPECT_EQ(Add(200, 300).status, 503);
}

TEST_F(WitnessTest, OfItsOwnLedgerItCosignsOnlyWhatItVerifiedItself) {
  uint64_t verified = 100;
  Status damaged;
  own_root_ = [&](TreeSize size) -> StatusOr<AuditedRoot> {
    RETURN_IF_ERROR(damaged);
    if (size.value > verified) return absl::OutOfRangeError("not yet");
    return AuditedRoot{RootOf(size.value)};
  };
  Open();
  EXPECT_EQ(Add(0, 100).status, 200);
  EXPECT_EQ(Add(100, 200).status, 503);
  verified = 200;
  EXPECT_EQ(Add(100, 200).status, 200);
  // Another node's smaller checkpoint of the same tree is nothing unusual.
  EXPECT_EQ(Add(0, 150).status, 409);
  EXPECT_EQ(witness_->State().front().refused, "");
  EXPECT_EQ(witness_->State().front().rollback_evidence, "");
  // One of another tree is.
  EXPECT_EQ(witness_->Add(FormatAddCheckpoint({TreeSize(0), {}, NoteOf(150, EmptyRoot())})).status, 409);
  EXPECT_NE(witness_->State().front().fork_evidence, "");
  verified = 300;
  damaged = absl::DataLossError("leaf 207: its bytes are others");
  EXPECT_EQ(Add(200, 300).status, 503);
  EXPECT_THAT(witness_->State().front().refused, HasSubstr("leaf 207"));
  EXPECT_TRUE(absl::IsDataLoss(witness_->CosignOwn(kOrigin, NoteOf(300, RootOf(300))).status()));
  damaged = OkStatus();
  EXPECT_TRUE(witness_->CosignOwn(kOrigin, NoteOf(300, RootOf(300))).ok());
  EXPECT_EQ(witness_->State().front().refused, "");
  EXPECT_TRUE(absl::IsAlreadyExists(witness_->CosignOwn(kOrigin, NoteOf(200, RootOf(200))).status()));
}

TEST_F(WitnessTest, AChangedStateFileIsNoState) {
  ASSERT_EQ(Add(0, 100).status, 200);
  std::string file;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path() + "/witness")) file = entry.path();
  ASSERT_TRUE(WriteSmallFile(file, NoteOf(3, RootOf(3))).ok());
  const StatusOr<std::unique_ptr<Witness>> opened = Witness::Open(
      {dir_.path() + "/witness", {"witness.example/w", KeyOf('w')}, {WitnessedLog{kOrigin, {log_key_}, {}}}});
  EXPECT_TRUE(absl::IsDataLoss(opened.status()));
}

TEST_F(WitnessTest, WhatCannotBeWrittenDownIsNotCosigned) {
  if (geteuid() == 0) {
    // Root writes anywhere: a directory in the file's place is in nobody's power.
    std::filesystem::remove_all(dir_.path() + "/witness");
    ASSERT_TRUE(WriteSmallFile(dir_.path() + "/witness", "a file").ok());
  } else {
    std::filesystem::permissions(dir_.path() + "/witness", std::filesystem::perms::owner_read);
  }
  EXPECT_EQ(Add(0, 100).status, 500);
  EXPECT_FALSE(witness_->LastCosigned(kOrigin).has_value());
}

// --- The client, against that witness ---

class WitnessClientTest : public WitnessTest {
 protected:
  void StartClient(HttpPost post) {
    WitnessClientOptions options{.witness = {"w", witness_->verifier_key(), "http://w"}, .post = std::move(post)};
    options.prove = [this](TreeSize from, TreeSize to) {
      return StatusOr<std::vector<Digest>>(Proof(from.value, to.value));
    };
    options.on_cosignature = [this](TreeSize size, const NoteSignature&) {
      const std::lock_guard lock(mutex_);
      cosigned_.push_back(size.value);
      changed_.notify_all();
    };
    options.backoff_min = std::chrono::milliseconds(10);
    client_ = std::make_unique<WitnessClient>(std::move(options));
  }
  HttpPost ToWitness() {
    return [this](const std::string& url, const std::string& body, const std::atomic<bool>&) {
      EXPECT_EQ(url, "http://w/add-checkpoint");
      const std::lock_guard lock(mutex_);
      ++posts_;
      return StatusOr<AddCheckpointAnswer>(witness_->Add(body));
    };
  }
  void Offer(uint64_t size) { client_->Offer({{kOrigin, TreeSize(size), RootOf(size)}, NoteOf(size, RootOf(size))}); }
  bool WaitFor(uint64_t size) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30),
                             [&] { return !cosigned_.empty() && cosigned_.back() == size; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> cosigned_;
  int posts_ = 0;
  std::unique_ptr<WitnessClient> client_;
};

TEST_F(WitnessClientTest, LearnsFromAConflictWhatTheWitnessHas) {
  ASSERT_EQ(Add(0, 80).status, 200);
  StartClient(ToWitness());
  Offer(200);
  ASSERT_TRUE(WaitFor(200));
  // Once refused, once cosigned; from then on it knows.
  EXPECT_EQ(posts_, 2);
  Offer(300);
  ASSERT_TRUE(WaitFor(300));
  EXPECT_EQ(posts_, 3);
  EXPECT_EQ(client_->state().cosigned, TreeSize(300));
  client_.reset();
}

TEST_F(WitnessClientTest, GoesOnAfterFailuresAndSaysWhy) {
  std::atomic<int> failures = 0;
  const HttpPost witness = ToWitness();
  StartClient([&, witness](const std::string& url, const std::string& body,
                           const std::atomic<bool>& cancelled) -> StatusOr<AddCheckpointAnswer> {
    const int failed = failures++;
    if (failed == 0) return absl::UnavailableError("no route");
    if (failed == 1) return AddCheckpointAnswer{503, "text/plain", "not yet\n"};
    if (failed == 2) return AddCheckpointAnswer{200, "text/plain", "not a cosignature\n"};
    if (failed == 3) return AddCheckpointAnswer{409, "text/x.tlog.size", "many\n"};
    return witness(url, body, cancelled);
  });
  Offer(100);
  ASSERT_TRUE(WaitFor(100));
  client_.reset();
}

TEST_F(WitnessClientTest, AWitnessThatIsAheadIsAskedAgainWithMore) {
  ASSERT_EQ(Add(0, 200).status, 200);
  StartClient(ToWitness());
  Offer(150);
  while (client_->state().failing.empty()) usleep(1000);
  EXPECT_THAT(client_->state().failing, HasSubstr("it has cosigned 200"));
  Offer(250);
  ASSERT_TRUE(WaitFor(250));
  client_.reset();
}

// A size is only the witness's word: one that nobody has must not keep it from being asked about the next.
TEST_F(WitnessClientTest, AWitnessThatNamesASizeThatNobodyHasIsAskedAgainWithEachOffer) {
  std::atomic<int> lies = 0;
  const HttpPost witness = ToWitness();
  StartClient([&, witness](const std::string& url, const std::string& body, const std::atomic<bool>& cancelled) {
    if (lies++ < 2)
      return StatusOr<AddCheckpointAnswer>(AddCheckpointAnswer{409, "text/x.tlog.size", "9999999999999\n"});
    return witness(url, body, cancelled);
  });
  Offer(100);
  while (lies < 1 || client_->state().failing.empty()) usleep(1000);
  EXPECT_THAT(client_->state().failing, HasSubstr("it has cosigned 9999999999999"));
  Offer(101);
  while (lies < 2) usleep(1000);
  Offer(102);
  ASSERT_TRUE(WaitFor(102));
  EXPECT_EQ(client_->state().cosigned, TreeSize(102));
  client_.reset();
}

TEST_F(WitnessClientTest, ACosignatureByAnotherKeyIsNone) {
  std::atomic<int> posts = 0;
  StartClient([&](const std::string&, const std::string& body, const std::atomic<bool>&) {
    ++posts;
    const std::string text = ParseSignedNote(ParseAddCheckpoint(body)->note)->text;
    return StatusOr<AddCheckpointAnswer>(
        AddCheckpointAnswer{200, "text/plain", FormatSignatureLine(Cosign(text, "witness.example/w", KeyOf('x'), 1))});
  });
  Offer(100);
  while (posts < 3) usleep(1000);
  EXPECT_TRUE(cosigned_.empty());
  EXPECT_THAT(client_->state().failing, HasSubstr("no cosignature by the key"));
  client_.reset();
}

}  // namespace
}  // namespace anamnesis
