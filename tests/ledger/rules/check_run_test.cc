// Admission with state, asked through a whole ledger in memory: a refused run must also leave nothing behind.

#include "ledger/rules/check_run.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "ledger/base/limits.h"
#include "ledger/crypto/sha256.h"
#include "ledger/state/recorded_event.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

// A ledger founded by `admin_`, in which `author_` and `device_` have keys.
class CheckRunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Accept(admin_.Write(FoundingDrafts(admin_)));
    Accept(admin_.Write({EnrolPerson("author"), IssueKey("person", "author", author_.key().public_key()),
                         IssueKey("device_unit", "ICU-7", device_.key().public_key())}));
  }

  RunVerdict Accept(const v1::Run& run) {
    const StatusOr<RunVerdict> verdict = ledger_.Append(run);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? *verdict : RunVerdict();
  }

  // Appends a run that must be refused, and checks that only the revision moved; or that all that was written is the
  // ledger's own record of the attempt.
  Status Refused(const v1::Run& run) {
    const auto without_applied = [&] {
      auto rows = AllRows(ledger_.rows());
      std::erase_if(rows, [](const auto& row) { return std::get<0>(row) == Family::kMeta; });
      return rows;
    };
    const auto rows = without_applied();
    const TreeSize size = ledger_.size();
    const Digest root = ledger_.state().frontier.Root();
    const Timestamp last = ledger_.state().last_recorded;
    const StatusOr<RunVerdict> verdict = ledger_.Append(run);
    EXPECT_FALSE(verdict.ok());
    if (ledger_.size() == size) {
      EXPECT_TRUE(without_applied() == rows) << "a refused run left rows";
      EXPECT_EQ(ledger_.state().frontier.Root(), root);
      EXPECT_EQ(ledger_.state().last_recorded, last);
    } else {
      ExpectAttemptRecorded(run, verdict.status(), size);
    }
    return verdict.status();
  }

  // Leaf `size` is the last one and records the refused run.
  void ExpectAttemptRecorded(const v1::Run& run, const Status& refusal, TreeSize size) {
    ASSERT_EQ(ledger_.size().value, size.value + 1);
    const StatusOr<LoadedEvent> own = LoadEvent(ledger_.rows(), LeafIndex(size.value));
    ASSERT_TRUE(own.ok()) << own.status();
    EXPECT_EQ(own->header.fields.stream(), "ledger");
    const auto* denied = BodyAs<v1::AccessDenied>(own->body.get());
    const auto* failed = BodyAs<v1::SignatureAttemptFailed>(own->body.get());
    ASSERT_TRUE(denied != nullptr || failed != nullptr);
    const int place = static_cast<int>(DetailOf(refusal).event_index());
    const std::string digest = Sha256(run.headers(place)).bytes();
    EXPECT_EQ(denied != nullptr ? denied->attempted_header_digest() : failed->attempted_header_digest(), digest);
    EXPECT_EQ(denied != nullptr ? denied->reason() : failed->reason(),
              v1::RefusalReason_Name(DetailOf(refusal).reason()));
    for (const auto& [family, key, value] : AllRows(ledger_.rows())) {
      if (family != Family::kEventIds) continue;
      for (const std::string& header : run.headers()) {
        v1::EventHeader parsed;
        ASSERT_TRUE(parsed.ParseFromString(header));
        // A refused retry's events may be there already; what is there must be from before.
        EXPECT_TRUE(key != parsed.event_id() || value < LeafKey(LeafIndex(size.value)));
      }
    }
  }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
  TestWriter author_{"person", "author", 2};
  TestWriter device_{"device_unit", "ICU-7", 3};
};

TEST_F(CheckRunTest, AppendsRunsOfWritersWithKeys) {
  EXPECT_EQ(ledger_.size(), TreeSize(6));
  const RunVerdict verdict = Accept(device_.Write({Commission("ICU-7"), Activate("ICU-7", "threshold", "m")}));
  EXPECT_FALSE(verdict.already_recorded);
  EXPECT_EQ(verdict.indexes, (std::vector{LeafIndex(6), LeafIndex(7)}));
  EXPECT_EQ(verdict.recorded[1].us, verdict.recorded[0].us + 1);
}

TEST_F(CheckRunTest, ChainBrokenSaysWhereTheStreamStands) {
  const v1::Run first = author_.Write({ReferToDocument("a")});
  const v1::Run second = author_.Write({ReferToDocument("b")});
  Status status = Refused(second);
  ExpectRefused(status, v1::CHAIN_BROKEN, "header.stream_position", StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailOf(status).stream(), "person/author");
  EXPECT_EQ(DetailOf(status).submitted_position(), 2u);
  EXPECT_EQ(DetailOf(status).head_position(), 0u);
  EXPECT_EQ(DetailOf(status).head_digest(), std::string(32, '\0'));
  Accept(first);
  Accept(second);

  // Right position, another previous header; and a position that is taken.
  author_.RewindTo(1);
  v1::Run other = author_.Write({ReferToDocument("c")});
  status = Refused(other);
  ExpectRefused(status, v1::CHAIN_BROKEN, "header.stream_position", StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailOf(status).head_position(), 2u);
  EXPECT_EQ(DetailOf(status).head_digest(), Sha256(second.headers(0)).bytes());
  ChangeHeader(other, 0, [](v1::EventHeader& header) { header.set_stream_position(3); });
  Reseal(other, author_.key());
  status = Refused(other);
  ExpectRefused(status, v1::CHAIN_BROKEN, "header.stream_position", StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailOf(status).submitted_position(), 3u);
  EXPECT_EQ(DetailOf(status).head_position(), 2u);
}

TEST_F(CheckRunTest, ARetryIsTheFirstPositions) {
  const v1::Run run = author_.Write({ReferToDocument("a"), ReferToDocument("b")});
  const RunVerdict first = Accept(run);
  Accept(author_.Write({ReferToDocument("c")}));
  const auto rows = AllRows(ledger_.rows());
  const RunVerdict again = Accept(run);
  EXPECT_TRUE(again.already_recorded);
  EXPECT_EQ(again.indexes, first.indexes);
  EXPECT_EQ(again.recorded, first.recorded);
  EXPECT_EQ(ledger_.size(), TreeSize(9));

  // A retry is answered even when the writer may not write any more.
  Accept(admin_.Write({RevokeKey("person", "author", author_.key().public_key())}));
  EXPECT_TRUE(Accept(run).already_recorded);
}

TEST_F(CheckRunTest, ARetryOfPartOfARunIsItsPlace) {
  const v1::Run run = author_.Write({ReferToDocument("a"), ReferToDocument("b"), ReferToDocument("c")});
  const RunVerdict first = Accept(run);
  v1::Run part;
  *part.add_headers() = run.headers(1);
  *part.add_bodies() = run.bodies(1);
  Reseal(part, author_.key());
  const RunVerdict again = Accept(part);
  EXPECT_TRUE(again.already_recorded);
  EXPECT_EQ(again.indexes, std::vector{first.indexes[1]});
}

TEST_F(CheckRunTest, ARunWithOldAndNewEventsIsRefused) {
  const v1::Run old = author_.Write({ReferToDocument("a"), ReferToDocument("b")});
  Accept(old);
  v1::Run run = author_.Write({ReferToDocument("c")});
  v1::Run mixed = old;
  *mixed.add_headers() = run.headers(0);
  *mixed.add_bodies() = run.bodies(0);
  Reseal(mixed, author_.key());
  const Status status = Refused(mixed);
  ExpectRefused(status, v1::CHAIN_BROKEN, "header.stream_position", StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailOf(status).submitted_position(), 1u);
  EXPECT_EQ(DetailOf(status).head_position(), 2u);
  Accept(run);
}

TEST_F(CheckRunTest, AnEventIdIsTakenOnce) {
  Accept(author_.Write({ReferToDocument("a")}));
  v1::Run reused = author_.Write({ReferToDocument("b"), ReferToDocument("c")});
  ChangeHeader(reused, 1, [&](v1::EventHeader& header) { header.set_event_id(author_.IdAt(1).bytes()); });
  Reseal(reused, author_.key());
  Status status = Refused(reused);
  ExpectRefused(status, v1::EVENT_ID_TAKEN, "header.event_id", StatusCode::kAlreadyExists);
  EXPECT_EQ(DetailOf(status).existing_index(), 6u);
  EXPECT_EQ(DetailOf(status).event_index(), 1u);

  ChangeHeader(reused, 1, [&](v1::EventHeader& header) { header.set_event_id(author_.IdAt(2).bytes()); });
  Reseal(reused, author_.key());
  status = Refused(reused);
  ExpectRefused(status, v1::EVENT_ID_TAKEN, "header.event_id", StatusCode::kAlreadyExists);
  EXPECT_EQ(DetailOf(status).event_index(), 1u);
}

TEST_F(CheckRunTest, UnknownKeys) {
  TestWriter stranger("person", "author", 99, kTestOrigin, "person/author/laptop");
  const Status status = Refused(stranger.Write({ReferToDocument("a")}));
  ExpectRefused(status, v1::KEY_UNKNOWN, "seal.key_id", StatusCode::kUnauthenticated);
}

TEST_F(CheckRunTest, RevokedKeys) {
  Accept(author_.Write({ReferToDocument("a")}));
  Accept(admin_.Write({RevokeKey("person", "author", author_.key().public_key())}));
  const Status status = Refused(author_.Write({ReferToDocument("b")}));
  ExpectRefused(status, v1::KEY_NOT_VALID, "seal.key_id", StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(MessageOf(status)), ::testing::HasSubstr("revoked"));
}

TEST_F(CheckRunTest, AKeyRevokedFromATimeOnWorksUntilThen) {
  const int64_t from = ledger_.next_proposed().us + 10000000;
  Accept(admin_.Write({RevokeKey("person", "author", author_.key().public_key(), from)}));
  // A later revocation can't take an earlier one back.
  Accept(admin_.Write({RevokeKey("person", "author", author_.key().public_key(), from + 90000000)}));
  const v1::Run before = author_.Write({ReferToDocument("a")});
  ASSERT_TRUE(ledger_.AppendAt(Timestamp(from - 1), before).ok());
  const v1::Run after = author_.Write({ReferToDocument("b")});
  ExpectRefused(ledger_.AppendAt(Timestamp(from), after).status(), v1::KEY_NOT_VALID, "seal.key_id",
                StatusCode::kPermissionDenied);
}

TEST_F(CheckRunTest, KeysAreValidFromAndUntilRecordedTimes) {
  TestWriter limited("person", "author", 50, kTestOrigin, "limited");
  const int64_t from = kTestStart.us + 100000000;
  Accept(admin_.Write({IssueKey("person", "author", limited.key().public_key(), from, from + 1000)}));
  const v1::Run run = limited.Write({ReferToDocument("a")});
  const auto at = [&](int64_t us) { return ledger_.AppendAt(Timestamp(us), run).status(); };
  ExpectRefused(at(from - 1), v1::KEY_NOT_VALID, "seal.key_id", StatusCode::kPermissionDenied);
  ExpectRefused(at(from + 1000), v1::KEY_NOT_VALID, "seal.key_id", StatusCode::kPermissionDenied);
  EXPECT_TRUE(at(from).ok());
  const v1::Run last = limited.Write({ReferToDocument("b")});
  EXPECT_TRUE(ledger_.AppendAt(Timestamp(from + 999), last).ok());
}

TEST_F(CheckRunTest, CheckpointKeysDontSealEvents) {
  TestWriter node("node", "n1", 60);
  v1::CredentialIssued body;
  body.set_public_key(node.key().public_key().bytes());
  body.set_purpose(v1::CredentialIssued::CHECKPOINT);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "holder", "node", "n1");
  Accept(admin_.Write({draft}));
  ExpectRefused(Refused(node.Write({ReferToDocument("a")})), v1::KEY_NOT_VALID, "seal.key_id",
                StatusCode::kPermissionDenied);
}

TEST_F(CheckRunTest, TheActorIsTheHolderOfTheKey) {
  v1::Run run = author_.Write({ReferToDocument("a"), ReferToDocument("b")});
  ChangeHeader(run, 1, [](v1::EventHeader& header) { header.mutable_actor()->set_id("admin"); });
  Reseal(run, author_.key());
  Status status = Refused(run);
  ExpectRefused(status, v1::NOT_THE_WRITER, "header.actor", StatusCode::kPermissionDenied);
  EXPECT_EQ(DetailOf(status).event_index(), 1u);
  author_.RewindTo(0);
  run = author_.Write({ReferToDocument("a")});
  ChangeHeader(run, 0, [](v1::EventHeader& header) { header.mutable_actor()->set_kind("software"); });
  Reseal(run, author_.key());
  ExpectRefused(Refused(run), v1::NOT_THE_WRITER, "header.actor", StatusCode::kPermissionDenied);
}

TEST_F(CheckRunTest, AStreamHasOneWriter) {
  Accept(device_.Write({Commission("ICU-7")}));
  v1::Run run = device_.Write({ReferToDocument("a")});
  ChangeHeader(run, 0, [](v1::EventHeader& header) { *header.mutable_actor() = MakeAgent("person", "author"); });
  Reseal(run, author_.key());
  ExpectRefused(Refused(run), v1::NOT_THE_WRITER, "header.stream", StatusCode::kPermissionDenied);
  // A second key of the same holder may go on.
  const PrivateKey second = KeyOfSeed(77);
  Accept(admin_.Write({IssueKey("device_unit", "ICU-7", second.public_key())}));
  device_.RewindTo(1);
  run = device_.Write({ReferToDocument("a")});
  Reseal(run, second);
  Accept(run);
}

TEST_F(CheckRunTest, RolesAreAskedForAndEndWhenWithdrawnOrExpired) {
  const auto enrol = [&](std::string_view id) { return author_.Write({EnrolPerson(id)}); };
  const Status status = Refused(author_.Write({ReferToDocument("d"), EnrolPerson("x")}));
  ExpectRefused(status, v1::ROLE_MISSING, "header.actor", StatusCode::kPermissionDenied);
  EXPECT_EQ(DetailOf(status).event_index(), 1u);
  author_.RewindTo(0);
  // Another role doesn't help.
  Accept(admin_.Write({GrantRole("author", v1::AUDITOR)}));
  ExpectRefused(Refused(enrol("x")), v1::ROLE_MISSING, "header.actor", StatusCode::kPermissionDenied);
  author_.RewindTo(0);
  Accept(admin_.Write({GrantRole("author", v1::ADMINISTRATOR)}));
  Accept(enrol("x"));
  Accept(admin_.Write({WithdrawRole("author", v1::ADMINISTRATOR)}));
  ExpectRefused(Refused(enrol("y")), v1::ROLE_MISSING, "header.actor", StatusCode::kPermissionDenied);
  author_.RewindTo(1);
  const int64_t until = ledger_.next_proposed().us + 50000000;
  Accept(admin_.Write({GrantRole("author", v1::ADMINISTRATOR, 0, until)}));
  Accept(enrol("y"));
  const v1::Run late = enrol("z");
  ExpectRefused(ledger_.AppendAt(Timestamp(until), late).status(), v1::ROLE_MISSING, "header.actor",
                StatusCode::kPermissionDenied);
}

TEST_F(CheckRunTest, ReferencesMustBeInTheLedgerOrEarlierInTheRun) {
  const auto with = [&](const std::function<void(v1::EventHeader&)>& change) {
    author_.RewindTo(0);
    EventDraft draft = ReferToDocument("a");
    change(draft.header);
    return author_.Write({ReferToDocument("first"), draft});
  };
  const std::string nowhere = DerivedId("nowhere", 1).bytes();
  Status status = Refused(with([&](v1::EventHeader& h) {
    h.add_causes(admin_.IdAt(1).bytes());
    h.add_causes(nowhere);
  }));
  ExpectRefused(status, v1::REFERENCE_INVALID, "header.causes[1]", StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailOf(status).event_index(), 1u);
  ExpectRefused(Refused(with([&](v1::EventHeader& h) { h.set_role_grant(nowhere); })), v1::REFERENCE_INVALID,
                "header.role_grant", StatusCode::kFailedPrecondition);
  ExpectRefused(Refused(with([&](v1::EventHeader& h) { h.set_corrects(nowhere); })), v1::REFERENCE_INVALID,
                "header.corrects", StatusCode::kFailedPrecondition);
  // The event itself, and one after it, are no causes.
  author_.RewindTo(0);
  v1::Run run = author_.Write({ReferToDocument("a"), ReferToDocument("b")});
  ChangeHeader(run, 0, [&](v1::EventHeader& h) { h.add_causes(author_.IdAt(2).bytes()); });
  Reseal(run, author_.key());
  ExpectRefused(Refused(run), v1::REFERENCE_INVALID, "header.causes[0]", StatusCode::kFailedPrecondition);

  author_.RewindTo(0);
  run = author_.Write({ReferToDocument("a"), ReferToDocument("b")});
  ChangeHeader(run, 1, [&](v1::EventHeader& h) { h.add_causes(author_.IdAt(1).bytes()); });
  Reseal(run, author_.key());
  Accept(run);
}

TEST_F(CheckRunTest, CorrectionsNameFittingEventsFromBefore) {
  // An event of the same run is not settled yet.
  v1::Run run = author_.Write({ReferToDocument("a"), Correct(DerivedId("x", 0), v1::RecordCorrected::ANNOTATED)});
  ChangeHeader(run, 1, [&](v1::EventHeader& h) { h.set_corrects(author_.IdAt(1).bytes()); });
  Reseal(run, author_.key());
  ExpectRefused(Refused(run), v1::REFERENCE_INVALID, "header.corrects", StatusCode::kFailedPrecondition);
  author_.RewindTo(0);
  Accept(author_.Write({ReferToDocument("a")}));
  // Another type can't take its place, its own can.
  EventDraft draft = Activate("ICU-7", "s", "m");
  draft.header.set_corrects(author_.IdAt(1).bytes());
  ExpectRefused(Refused(author_.Write({draft})), v1::REFERENCE_INVALID, "header.corrects",
                StatusCode::kFailedPrecondition);
  author_.RewindTo(1);
  draft = ReferToDocument("a2");
  draft.header.set_corrects(author_.IdAt(1).bytes());
  Accept(author_.Write({draft}));
}

TEST_F(CheckRunTest, CorrectionsNestUpToTheLimit) {
  Accept(author_.Write({Activate("ICU-7", "s", "m")}));
  for (size_t depth = 1; depth < limits::kCorrectionDepthMax; ++depth) {
    Accept(author_.Write({Correct(author_.LastId(), v1::RecordCorrected::RETRACTED)}));
  }
  const Status status = Refused(author_.Write({Correct(author_.LastId(), v1::RecordCorrected::RETRACTED)}));
  ExpectRefused(status, v1::OVER_LIMIT, "header.corrects", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(status).limit(), 32u);
  EXPECT_EQ(DetailOf(status).value(), 33u);
}

TEST_F(CheckRunTest, CorrectionsOfOneEventUpToTheLimit) {
  Accept(author_.Write({ReferToDocument("a")}));
  std::vector<EventDraft> drafts(limits::kCorrectionsPerEventMax,
                                 Correct(author_.IdAt(1), v1::RecordCorrected::ANNOTATED));
  Accept(author_.Write(drafts));
  const Status status = Refused(author_.Write({drafts[0]}));
  ExpectRefused(status, v1::OVER_LIMIT, "header.corrects", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(status).limit(), 256u);
  EXPECT_EQ(DetailOf(status).value(), 257u);
}

// The limits hold for one run as they hold for many, or a run could make the ledger unable to fold it.
TEST_F(CheckRunTest, CorrectionsOfOneEventInOneRunUpToTheLimit) {
  Accept(author_.Write({ReferToDocument("a")}));
  std::vector<EventDraft> drafts(limits::kCorrectionsPerEventMax + 1,
                                 Correct(author_.IdAt(1), v1::RecordCorrected::ANNOTATED));
  ExpectRefused(Refused(author_.Write(drafts)), v1::OVER_LIMIT, "header.corrects", StatusCode::kInvalidArgument);
}

TEST_F(CheckRunTest, AKeyHasOneCredentialForEver) {
  const PublicKey key = author_.key().public_key();
  Status status = Refused(admin_.Write({IssueKey("person", "other", key)}));
  ExpectRefused(status, v1::ENTITY_TAKEN, "body.public_key", StatusCode::kAlreadyExists);
  admin_.RewindTo(6);
  Accept(admin_.Write({RevokeKey("person", "author", key)}));
  ExpectRefused(Refused(admin_.Write({IssueKey("person", "author", key)})), v1::ENTITY_TAKEN, "body.public_key",
                StatusCode::kAlreadyExists);
  admin_.RewindTo(7);
  const PublicKey fresh = KeyOfSeed(123).public_key();
  status = Refused(admin_.Write({IssueKey("person", "a", fresh), IssueKey("person", "b", fresh)}));
  ExpectRefused(status, v1::ENTITY_TAKEN, "body.public_key", StatusCode::kAlreadyExists);
  EXPECT_EQ(DetailOf(status).event_index(), 1u);
}

TEST_F(CheckRunTest, OnlyAnIssuedKeyIsRevoked) {
  ExpectRefused(Refused(admin_.Write({RevokeKey("person", "author", KeyOfSeed(9).public_key())})),
                v1::REFERENCE_INVALID, "body.public_key", StatusCode::kFailedPrecondition);
}

// --- Founding --------------------------------------------------------------------------------------------------------

class FoundingTest : public ::testing::Test {
 protected:
  Status Found(const std::vector<EventDraft>& drafts) {
    admin_.RewindTo(0);
    TestLedger ledger;
    const Status status = ledger.Append(admin_.Write(drafts)).status();
    EXPECT_EQ(ledger.size().value, status.ok() ? drafts.size() : 0u);
    return status;
  }
  TestWriter admin_{"person", "admin", 1};
};

TEST_F(FoundingTest, EveryPartOfTheFoundingRunIsNeeded) {
  const std::vector<EventDraft> all = FoundingDrafts(admin_);
  EXPECT_TRUE(Found(all).ok());
  EXPECT_TRUE(Found({all[2], all[1], all[0], ReferToDocument("charter")}).ok());
  const auto refused = [](const Status& status) {
    ExpectRefused(status, v1::NOT_FOUNDED, "run", StatusCode::kFailedPrecondition);
  };
  refused(Found({all[1], all[2]}));
  refused(Found({all[0], all[2]}));
  refused(Found({all[0], all[1]}));
  refused(Found({ReferToDocument("a")}));
  refused(Found({all[0], all[1], GrantRole("admin", v1::AUDITOR)}));
  refused(Found({all[0], all[1], GrantRole("other", v1::ADMINISTRATOR)}));
  refused(Found({EnrolPerson("other"), all[1], all[2]}));
  refused(Found({all[0], IssueKey("person", "admin", KeyOfSeed(2).public_key()), all[2]}));
  refused(Found({all[0], IssueKey("person", "other", admin_.key().public_key()), all[2]}));
  v1::CredentialIssued checkpoint;
  checkpoint.set_public_key(admin_.key().public_key().bytes());
  checkpoint.set_purpose(v1::CredentialIssued::CHECKPOINT);
  EventDraft draft = Draft(std::move(checkpoint));
  AddReference(draft, "holder", "person", "admin");
  refused(Found({all[0], draft, all[2]}));
}

TEST_F(FoundingTest, AFoundingRunHasOneActor) {
  v1::Run run = admin_.Write(FoundingDrafts(admin_));
  ChangeHeader(run, 2, [](v1::EventHeader& header) { header.mutable_actor()->set_id("other"); });
  Reseal(run, admin_.key());
  TestLedger ledger;
  ExpectRefused(ledger.Append(run).status(), v1::NOT_THE_WRITER, "header.actor", StatusCode::kPermissionDenied);
}

TEST_F(FoundingTest, ALedgerIsFoundedOnce) {
  TestLedger ledger;
  ASSERT_TRUE(ledger.Append(admin_.Write(FoundingDrafts(admin_))).ok());
  TestWriter usurper("person", "usurper", 5);
  ExpectRefused(ledger.Append(usurper.Write(FoundingDrafts(usurper))).status(), v1::KEY_UNKNOWN, "seal.key_id",
                StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace anamnesis
