#include "client/exports/verify.h"

#include <filesystem>
#include <fstream>
#include <functional>

#include "client/exports/content.h"
#include "client/exports/directory.h"
#include "client/exports/html.h"
#include "client/exports/json.h"
#include "client/exports/writer.h"
#include "gmock/gmock.h"
#include "ledger/crypto/sha256.h"
#include "ledger/note/cosignature.h"
#include "tests/client/exports/hours.h"
#include "tests/client/exports/projected_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis::exports {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr size_t kDocumentLeaf = 2;
// What the last leaf erases.
constexpr size_t kErasedLeaf = 4;

NamedKey Named(uint64_t seed) { return {"ada", KeyOfSeed(seed)}; }
// Ada's keys: for ever, until hour 2, and from hour 9 on; and one of which no record speaks.
const NamedKey& Good() {
  static const auto* key = new NamedKey(Named(11));
  return *key;
}
const NamedKey& Expired() {
  static const auto* key = new NamedKey(Named(12));
  return *key;
}
const NamedKey& Later() {
  static const auto* key = new NamedKey(Named(13));
  return *key;
}
const NamedKey& Strange() {
  static const auto* key = new NamedKey(Named(14));
  return *key;
}

EventDraft IssueTo(const NamedKey& key, int64_t hour, int64_t from_us, int64_t until_us) {
  return AtHour(IssueKey("person", "ada", key.key.public_key(), from_us, until_us), hour);
}

EventDraft ErasureOf(uint64_t leaf) {
  v1::SubjectDataErased body;
  body.add_erased_indexes(leaf);
  body.set_basis("Art. 17(1)(b)");
  body.set_authorised_by("eve");
  EventDraft draft = DraftWith(std::move(body), {"subject=subject:s"});
  draft.header.set_rationale("consent withdrawn");
  return draft;
}

// A directory with an export by Good of six leaves, made once, and copies of it that somebody signs anew.
class VerifyTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    root_ = new ScratchDirectory;
    ProjectedHistory history;
    history.Add(IssueTo(Good(), 0, 0, 0));
    history.Add(IssueTo(Expired(), 1, 0, Hour(2).us));
    history.Add(AtHour(ReferToDocument("a document"), 2));
    history.Add(IssueTo(Later(), 3, Hour(9).us, 0));
    history.Add(AtHour(ReferToDocument("another document"), 4));
    history.Add(AtHour(ErasureOf(kErasedLeaf), 5));
    ProjectedLedger ledger(history);
    const LedgerView view = ledger.View();
    log_key_ = new VerifierKey(VerifierKey::Parse(view.verifier_key()).value());
    ExportWriter writer = ExportWriter::Open(Whole()).value();
    Document document;
    document.kind = "design-history";
    document.title = "A title";
    document.subject = "software_item:a";
    document.sections = {{"data", "Data", "clause 8", {}, {}, {}}};
    document.sections[0].tables = {{"Records", {"Record", "State"}, {{{"a", Mark::kNone, {kDocumentLeaf}}, {}}}, ""}};
    written_ = new Status(writer.Finish(view, document, {1, 3, kErasedLeaf, 5}, Good()));
    for (const NamedKey* key : {&Expired(), &Later(), &Strange()}) {
      ExportWriter other = ExportWriter::Open(Text(Whole(), "-", refusals_.size())).value();
      Document same = document;
      refusals_.push_back(other.Finish(view, same, {}, *key));
    }
  }
  static void TearDownTestSuite() { delete root_; }

  void SetUp() override {
    ASSERT_TRUE(written_->ok()) << *written_;
    copy_ = Text(root_->path(), "/copy");
    CopyWhole();
  }

  void CopyWhole() const {
    fs::remove_all(copy_);
    fs::copy(Whole(), copy_, fs::copy_options::recursive);
  }

  static std::string Whole() { return Text(root_->path(), "/whole"); }
  std::string Read(std::string_view name) const { return ReadWhole(Text(copy_, "/", name), 1 << 20).value(); }
  void Write(std::string_view name, std::string_view bytes) const {
    std::ofstream(Text(copy_, "/", name), std::ios::binary) << bytes;
  }

  // The copy as whoever has `key` may sign it. A page is written of a document that can be one.
  void SignAnew(const std::function<void(Document&)>& change, const NamedKey& key = Good(), bool page = true) {
    Document document = ReadJson(Read("export.json")).value();
    if (change) change(document);
    Write("export.json", WriteJson(document));
    if (page) Write("index.html", WriteHtml(document));
    Write("signer.vkey", Text(VerifierKeyOf(key).Format(), "\n"));
    Manifest manifest = ReadManifest(Read("manifest.json")).value();
    for (auto& [name, entry] : manifest.files) entry = MeasureFile(Text(copy_, "/", name)).value();
    manifest.content_sha256 = ContentDigestOf(document);
    Write("manifest.json", WriteManifest(manifest));
    Write("manifest.sig", SignManifest(Read("manifest.json"), key));
  }
  StatusOr<VerifiedExport> Verify(std::vector<VerifierKey> keys = {}) const {
    Trust trust;
    trust.keys = std::move(keys);
    trust.keys.push_back(*log_key_);
    return VerifyDirectory(copy_, trust);
  }
  void ExpectRefused(std::string_view why) const {
    EXPECT_THAT(std::string(MessageOf(Verify().status())), HasSubstr(std::string(why)));
  }

  static ScratchDirectory* root_;
  static VerifierKey* log_key_;
  static Status* written_;
  // What came of exports by the other keys.
  static std::vector<Status> refusals_;
  std::string copy_;
};

ScratchDirectory* VerifyTest::root_ = nullptr;
VerifierKey* VerifyTest::log_key_ = nullptr;
Status* VerifyTest::written_ = nullptr;
std::vector<Status> VerifyTest::refusals_;

TEST_F(VerifyTest, AnExportIsSignedByTheHolderOfAKey) {
  const StatusOr<VerifiedExport> verified = Verify();
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->signer, "person:ada, not checked for revocation");
  EXPECT_EQ(verified->told_otherwise, 0U);
  SignAnew(nullptr);
  EXPECT_TRUE(Verify().ok());
}

TEST_F(VerifyTest, ARowWithoutACellForEachColumnIsRefused) {
  const auto first_row = [](Document& document) -> std::vector<Cell>& {
    return document.sections[0].tables[0].rows[0];
  };
  SignAnew([&](Document& document) { first_row(document).pop_back(); }, Good(), /*page=*/false);
  ExpectRefused("export.json: has a table with a row that has not a cell for each column");
  CopyWhole();
  SignAnew([&](Document& document) { first_row(document).resize(3); }, Good(), /*page=*/false);
  ExpectRefused("export.json: has a table with a row that has not a cell for each column");
}

TEST_F(VerifyTest, NothingIsReadThatIsNotSigned) {
  SignAnew([](Document& document) { document.sections[0].tables[0].rows[0].clear(); }, Good(), /*page=*/false);
  Write("manifest.sig", SignManifest(Read("manifest.json"), Strange()));
  ExpectRefused("manifest.sig: ");
  CopyWhole();
  SignAnew(nullptr, Strange());
  ExpectRefused("manifest.sig: no record in this export says who holds the key");
}

TEST_F(VerifyTest, FieldsThatContradictTheBodyAreRefused) {
  const auto changed = [&](const std::function<void(std::vector<std::pair<std::string, std::string>>&)>& change) {
    SignAnew([&](Document& document) {
      for (Record& record : document.records) {
        if (record.leaf == kDocumentLeaf) change(record.fields);
      }
    });
    const StatusOr<VerifiedExport> verified = Verify();
    CopyWhole();
    return verified;
  };
  const std::string why = "record 2: its fields are not what its body and header say";
  for (const auto& change : std::vector<std::function<void(std::vector<std::pair<std::string, std::string>>&)>>{
           [](auto& fields) { fields.back().second += "!"; },
           [](auto& fields) { fields.front().second = "document:other"; }, [](auto& fields) { fields.pop_back(); },
           [](auto& fields) { fields.emplace_back("result", "PASS"); },
           // What one field says under another's name.
           [](auto& fields) { fields.back().first = fields.front().first; }, [](auto& fields) { fields.clear(); }}) {
    EXPECT_THAT(std::string(MessageOf(changed(change).status())), HasSubstr(why));
  }
  const StatusOr<VerifiedExport> renamed = changed([](auto& fields) { fields.back().first = "a word of old"; });
  ASSERT_TRUE(renamed.ok()) << renamed.status();
  EXPECT_EQ(renamed->told_otherwise, 1U);
  const StatusOr<VerifiedExport> unread = changed([](auto& fields) {
    const size_t of_header = 1;
    fields.resize(of_header);
    fields.emplace_back("content", "could not be read by this version");
  });
  ASSERT_TRUE(unread.ok()) << unread.status();
  EXPECT_EQ(unread->told_otherwise, 1U);
}

TEST_F(VerifyTest, ABodyThatNoErasureNamesIsCountedAsLeftOut) {
  ASSERT_EQ(Verify().value().bodies_not_shown_erased, std::set<uint64_t>());
  Manifest manifest = ReadManifest(Read("manifest.json")).value();
  const std::set<uint64_t> hidden = {kDocumentLeaf, kErasedLeaf};
  for (const uint64_t leaf : hidden) {
    manifest.files.erase(RecordPath(leaf, ".body"));
    fs::remove(Text(copy_, "/", RecordPath(leaf, ".body")));
  }
  Write("manifest.json", WriteManifest(manifest));
  SignAnew([&](Document& document) {
    for (Record& record : document.records) {
      if (hidden.count(record.leaf) == 0) continue;
      record.body = BodyPresence::kErased;
      record.fields.resize(1);
    }
  });
  const StatusOr<VerifiedExport> verified = Verify();
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->bodies_not_shown_erased, std::set<uint64_t>{kDocumentLeaf});
}

TEST_F(VerifyTest, AKeySignsOnlyWhileItIsInForce) {
  SignAnew(nullptr, Expired());
  ExpectRefused("the key that signed it expired, as credential.issued of leaf 1 says");
  SignAnew(nullptr, Later());
  ExpectRefused("the key that signed it is valid only from 2025-03-15T20:00:00Z on");
}

TEST_F(VerifyTest, NoExportIsMadeWithAKeyThatIsNotInForce) {
  ASSERT_EQ(refusals_.size(), 3U);
  for (const Status& refused : refusals_) EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(MessageOf(refusals_[0])), HasSubstr("expired, as credential.issued of leaf 1 says"));
  EXPECT_THAT(std::string(MessageOf(refusals_[1])), HasSubstr("is valid only from"));
}

// Neither verifier knows what was recorded after the last record that an export holds.
TEST_F(VerifyTest, NoExportIsMadeWithAKeyThatIsInForceOnlyAfterItsLastRecord) {
  ProjectedHistory history;
  history.Add(AtHour(ReferToDocument("a document"), 0));
  history.Add(IssueTo(Good(), 1, Hour(2).us, 0));
  history.Add(AtHour(ReferToDocument("another document"), 3));
  ProjectedLedger ledger(history);
  const LedgerView view = ledger.View();
  Document document;
  document.kind = "design-history";
  document.sections = {{"data", "Data", "clause 8", {}, {}, {}}};
  document.sections[0].tables = {{"Records", {"Record"}, {{{"a", Mark::kNone, {0}}}}, ""}};
  const auto make = [&](const std::vector<uint64_t>& also) {
    fs::remove_all(copy_);
    ExportWriter writer = ExportWriter::Open(copy_).value();
    Document same = document;
    return writer.Finish(view, same, also, Good());
  };
  const Status refused = make({});
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr(Text("whose last record is of ", FormatTime(Hour(1)),
                                                              ": the key that signed it is valid only")));
  EXPECT_FALSE(fs::exists(Text(copy_, "/manifest.json")));
  ASSERT_TRUE(make({2}).ok());
  EXPECT_EQ(Verify().value().signer, "person:ada, not checked for revocation");
}

// Once the view is open, a node that has taken over: it has a key of its own, and may have a log of its own.
class TakenOver : public ProjectedLedger {
 public:
  using ProjectedLedger::ProjectedLedger;

  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request) override {
    ASSIGN_OR_RETURN(v1::Receipt receipt, ProjectedLedger::GetReceipt(request));
    if (!taken_over) return receipt;
    ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(receipt.tlog_proof()));
    ASSIGN_OR_RETURN(SignedNote note, ParseSignedNote(proof.checkpoint_note));
    ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointText(note.text));
    if (forked) checkpoint.root = Sha256("another log");
    note.text = FormatCheckpointText(checkpoint);
    note.signatures = {SignNote(note.text, checkpoint.origin, KeyOfSeed(99))};
    proof.checkpoint_note = FormatSignedNote(note);
    receipt.set_tlog_proof(FormatTlogProof(proof));
    return receipt;
  }

  bool taken_over = false;
  bool forked = false;
};

TEST_F(VerifyTest, AnExportVerifiesWhicheverKeySignedWhileItWasMade) {
  ProjectedHistory history;
  history.Add(IssueTo(Good(), 0, 0, 0));
  history.Add(AtHour(ReferToDocument("a document"), 1));
  TakenOver ledger(history);
  const LedgerView view = ledger.View();
  ledger.taken_over = true;
  const auto make = [&] {
    fs::remove_all(copy_);
    Document document;
    document.kind = "design-history";
    document.sections = {{"data", "Data", "clause 8", {}, {}, {}}};
    document.sections[0].tables = {{"Records", {"Record"}, {{{"a", Mark::kNone, {1}}}}, ""}};
    ExportWriter writer = ExportWriter::Open(copy_).value();
    return writer.Finish(view, document, {}, Good());
  };
  const Status made = make();
  ASSERT_TRUE(made.ok()) << made;
  EXPECT_TRUE(Verify().ok()) << Verify().status();
  ledger.forked = true;
  const Status forked = make();
  EXPECT_TRUE(absl::IsDataLoss(forked)) << forked;
  EXPECT_THAT(std::string(MessageOf(forked)), HasSubstr(Sha256("another log").hex()));
  EXPECT_FALSE(fs::exists(Text(copy_, "/manifest.json")));
}

TEST_F(VerifyTest, NoQuorumIsMet) {
  const VerifierKey witness =
      VerifierKey::Make("witness.example", KeyType::kCosignature, Strange().key.public_key()).value();
  const auto verify = [&](std::string_view quorum) {
    Trust trust;
    trust.policy =
        Policy::Parse(Text("log ", log_key_->Format(), "\nwitness w ", witness.Format(), "\nquorum ", quorum, "\n"))
            .value();
    return VerifyDirectory(copy_, trust).status();
  };
  EXPECT_TRUE(verify("none").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(verify("w")));
  EXPECT_THAT(std::string(MessageOf(verify("w"))),
              HasSubstr("an export carries no cosignatures: verify it with --key"));
}

// Of a writer named `writer`, sealed with Good(), which is ada's, and signed with a key that the verifier trusts.
class SealsTest : public VerifyTest {
 protected:
  StatusOr<VerifiedExport> VerifySealedBy(std::string_view writer, const std::function<void(ProjectedHistory&)>& more,
                                          const NamedKey& signer = Good()) {
    ProjectedHistory history;
    history.SealWith(Good().key, std::string(log_key_->name()));
    history.Add(IssueTo(Good(), 0, 0, 0));
    history.Add(AtHour(ReferToDocument("not of the export"), 1));
    if (more) more(history);
    const LeafIndex cited = history.Add(AtHour(ReferToDocument("a document"), 3), Timestamp(0), writer);
    ProjectedLedger ledger(history);
    const LedgerView view = ledger.View();
    Document document;
    document.kind = "design-history";
    document.sections = {{"data", "Data", "clause 8", {}, {}, {}}};
    document.sections[0].tables = {{"Records", {"Record"}, {{{"a", Mark::kNone, {cited.value}}}}, ""}};
    fs::remove_all(copy_);
    ExportWriter made = ExportWriter::Open(copy_).value();
    RETURN_IF_ERROR(made.Finish(view, document, {}, signer));
    return Verify();
  }
};

TEST_F(SealsTest, ARecordIsSealedByWhoWroteIt) {
  const StatusOr<VerifiedExport> ours = VerifySealedBy("ada", nullptr);
  ASSERT_TRUE(ours.ok()) << ours.status();
  EXPECT_THAT(ours->seals_not_shown, testing::IsEmpty());
  EXPECT_EQ(VerifySealedBy("eve", nullptr).status(),
            absl::UnauthenticatedError("record 2: is of person:eve, and sealed by person:ada"));
}

TEST_F(SealsTest, TheRecordsThatNameTheKeysOfSealsAreOfTheExport) {
  const NamedKey other = Named(15);
  const StatusOr<VerifiedExport> named = VerifySealedBy("eve", [&](ProjectedHistory& history) {
    history.Add(AtHour(IssueKey("person", "eve", other.key.public_key()), 2));
    history.SealWith(other.key, std::string(log_key_->name()));
  });
  ASSERT_TRUE(named.ok()) << named.status();
  EXPECT_THAT(named->seals_not_shown, testing::IsEmpty());
  std::vector<uint64_t> leaves;
  for (const Record& record : named->document.records) leaves.push_back(record.leaf);
  EXPECT_THAT(leaves, testing::ElementsAre(0, 2, 3));
}

// Whoever rotates a key has no other one to seal that with.
TEST_F(SealsTest, WhatEndsAKeyMayBeSealedWithIt) {
  const NamedKey next = Named(15);
  const StatusOr<VerifiedExport> rotated = VerifySealedBy(
      "ada",
      [&](ProjectedHistory& history) {
        v1::CredentialRotated body;
        body.set_old_public_key(Good().key.public_key().bytes());
        body.set_new_public_key(next.key.public_key().bytes());
        history.Add(AtHour(DraftWith(std::move(body), {"holder=person:ada"}), 2));
        history.SealWith(next.key, std::string(log_key_->name()));
      },
      next);
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  EXPECT_EQ(rotated->document.records.size(), 3U);
  EXPECT_THAT(rotated->seals_not_shown, testing::IsEmpty());
}

TEST_F(SealsTest, WhatAnEndedKeySealedIsCounted) {
  const StatusOr<VerifiedExport> sealed = VerifySealedBy(
      "ada",
      [&](ProjectedHistory& history) {
        v1::CredentialRotated body;
        body.set_old_public_key(Good().key.public_key().bytes());
        body.set_new_public_key(Strange().key.public_key().bytes());
        history.Add(AtHour(DraftWith(std::move(body), {"holder=person:ada"}), 2));
      },
      Strange());
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_THAT(sealed->seals_not_shown, testing::ElementsAre(3));
}

TEST_F(SealsTest, WhatIsNotShownToBeSealedByItsWriterIsCounted) {
  const auto by_strange = [&](ProjectedHistory& history) {
    history.SealWith(Strange().key, std::string(log_key_->name()));
  };
  const StatusOr<VerifiedExport> unnamed = VerifySealedBy("ada", by_strange);
  ASSERT_TRUE(unnamed.ok()) << unnamed.status();
  EXPECT_THAT(unnamed->seals_not_shown, testing::ElementsAre(2));
  CopyWhole();
  EXPECT_EQ(Verify().value().seals_not_shown.size(), Verify().value().document.records.size()) << "none has a seal";
}

TEST_F(VerifyTest, AKeyForCosignaturesSignsNoExport) {
  const VerifierKey cosigner = VerifierKey::Make("ada", KeyType::kCosignature, Good().key.public_key()).value();
  Write("signer.vkey", Text(cosigner.Format(), "\n"));
  Manifest manifest = ReadManifest(Read("manifest.json")).value();
  manifest.files["signer.vkey"] = MeasureFile(Text(copy_, "/signer.vkey")).value();
  Write("manifest.json", WriteManifest(manifest));
  SignedNote note = ReadManifestSignature(SignManifest(Read("manifest.json"), Good()), Read("manifest.json")).value();
  note.signatures = {Cosign(note.text, "ada", Good().key, 1)};
  Write("manifest.sig", FormatSignedNote(note));
  ExpectRefused("manifest.sig: ada is a key for cosignatures");
  EXPECT_FALSE(Verify({cosigner}).ok());
}

}  // namespace
}  // namespace anamnesis::exports
