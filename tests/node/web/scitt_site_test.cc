#include "node/web/scitt_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "ledger/cose/cbor.h"
#include "ledger/cose/cose_key.h"
#include "ledger/cose/cose_receipt.h"
#include "tests/node/checkpoint/witnessed_ledger.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using Line = WitnessedLedger::Line;

class ScittSiteTest : public testing::Test {
 protected:
  ScittSiteTest() {
    log_.AddWitness("a");
    EXPECT_TRUE(log_.Publish(Text(log_.log_line(), log_.LineOf("a"), "quorum a\n")).ok());
    EXPECT_TRUE(log_.Reaches(size()));
    Serve({true, nullptr});
  }

  uint64_t size() { return log_.ledger().tree_size(); }
  void Serve(WebAccess access) {
    site_ = std::make_unique<ScittSite>(log_.ledger(), log_.publisher(), std::move(access));
  }
  WebAnswer Get(std::string_view target, std::string_view method = "GET") {
    EXPECT_TRUE(ScittSite::Serves(target)) << target;
    return site_->Answer({method, target, "", std::nullopt});
  }
  v1::Event EventAt(uint64_t index) {
    v1::GetEventRequest request;
    request.set_index(index);
    return log_.ledger().GetEvent(request).value();
  }
  EventId IdAt(uint64_t index) { return EventId::FromBytes(EventAt(index).header().event_id()).value(); }

  // The title of an answer that says why not.
  static std::string Title(const WebAnswer& answer) {
    EXPECT_EQ(answer.content_type, "application/concise-problem-details+cbor");
    EXPECT_EQ(answer.cache_control, "no-store");
    CborReader reader(answer.body);
    EXPECT_TRUE(reader.Expect(CborKind::kMap, 2, "problem").ok());
    EXPECT_TRUE(reader.Expect(CborKind::kNegative, 0, "title").ok());
    const std::string title(reader.TextString("title").value());
    EXPECT_TRUE(reader.Expect(CborKind::kNegative, 1, "detail").ok());
    EXPECT_FALSE(reader.TextString("detail")->empty());
    EXPECT_TRUE(reader.End("problem").ok());
    return title;
  }

  WitnessedLedger log_{20};
  std::unique_ptr<ScittSite> site_;
};

TEST_F(ScittSiteTest, AReceiptByIndexAndByIdIsOverThePublishedCheckpoint) {
  const Checkpoint published = log_.publisher().Newest()->checkpoint;
  const VerifierKey key = log_.log_key();
  for (const uint64_t index : {uint64_t{0}, uint64_t{7}, size() - 1}) {
    const EventId id = IdAt(index);
    for (const std::string& name : {Text(index), id.text()}) {
      const WebAnswer answer = Get("/entries/" + name);
      ASSERT_EQ(answer.status, 200) << name;
      EXPECT_EQ(answer.content_type, "application/cose");
      EXPECT_EQ(answer.cache_control, "no-cache");
      const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(answer.body);
      ASSERT_TRUE(receipt.ok()) << receipt.status();
      const StatusOr<Checkpoint> checkpoint =
          VerifyCoseInclusion(*receipt, EventAt(index).leaf(), SubjectOfEvent(id), {&key, 1});
      ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
      EXPECT_EQ(*checkpoint, published);
    }
  }
}

TEST_F(ScittSiteTest, WhatIsNotPublishedYetIsToBeAskedAgain) {
  const uint64_t published = size();
  log_.Set("a", Line::kDown);
  log_.maker().GrowTo(published + 3);
  for (const std::string& name : {Text(published), IdAt(published).text()}) {
    const WebAnswer answer = Get("/entries/" + name);
    EXPECT_EQ(answer.status, 503) << name;
    EXPECT_EQ(answer.retry_after_seconds, 1);
    EXPECT_EQ(Title(answer), "Not Yet");
  }
  EXPECT_EQ(Get(Text("/entries/", published - 1)).status, 200);
  log_.Set("a", Line::kUp);
  ASSERT_TRUE(log_.Reaches(size()));
  EXPECT_EQ(Get(Text("/entries/", published)).status, 200);
}

TEST_F(ScittSiteTest, BeforeACheckpointIsPublishedThereAreNoReceipts) {
  log_.Set("a", Line::kDown);
  log_.StopPublishing();
  ASSERT_TRUE(std::filesystem::remove(log_.file()));
  ASSERT_TRUE(log_.Publish(Text(log_.log_line(), log_.LineOf("a"), "quorum a\n")).ok());
  Serve({true, nullptr});
  const WebAnswer answer = Get("/entries/0");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.retry_after_seconds, 1);
}

TEST_F(ScittSiteTest, EntriesThatAreNotThereOrNotNamed) {
  for (const std::string& name : {Text(size()), std::string("18446744073709551615"), DerivedId("nobody", 1).text()}) {
    const WebAnswer answer = Get("/entries/" + name);
    EXPECT_EQ(answer.status, 404) << name;
    EXPECT_EQ(Title(answer), "Not Found");
  }
  for (const char* name : {"", "00", "-1", "1x", "18446744073709551616", "1/", "1?x=1", "%31", "é", "urn:uuid:"}) {
    const WebAnswer answer = Get(Text("/entries/", name));
    EXPECT_EQ(answer.status, 400) << name;
    EXPECT_EQ(Title(answer), "Invalid locator") << name;
  }
}

TEST_F(ScittSiteTest, TheKeysVerifyTheReceipts) {
  const WebAnswer set = Get("/.well-known/scitt-keys");
  EXPECT_EQ(set.status, 200);
  EXPECT_EQ(set.content_type, "application/cbor");
  const VerifierKey key = log_.log_key();
  EXPECT_EQ(set.body, "\x81" + FormatCoseKey(key));
  const std::string one = absl::WebSafeBase64Escape(CoseKeyId(key));
  EXPECT_EQ(one.size(), 6u);
  EXPECT_EQ(Get("/.well-known/scitt-keys/" + one).body, FormatCoseKey(key));
  EXPECT_EQ(Get("/.well-known/scitt-keys/" + one, "HEAD").status, 200);
  for (const std::string& other : {std::string(), std::string("AAAAAA"), one + "==", one + "?"}) {
    const WebAnswer answer = Get("/.well-known/scitt-keys/" + other);
    EXPECT_EQ(answer.status, 404) << other;
    EXPECT_EQ(Title(answer), "No such key");
  }
}

TEST_F(ScittSiteTest, RegistrationIsRefusedForGood) {
  const WebAnswer answer = Get("/entries", "POST");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.allow, "");
  EXPECT_EQ(Title(answer), "Registration Is Over gRPC");
  for (const char* target : {"/entries/0", "/.well-known/scitt-keys"}) {
    const WebAnswer other = Get(target, "POST");
    EXPECT_EQ(other.status, 405);
    EXPECT_EQ(other.allow, "GET, HEAD");
    EXPECT_EQ(Title(other), "Method Not Allowed");
  }
}

TEST_F(ScittSiteTest, OnlyTheseTargetsAreItsBusiness) {
  for (const char* target : {"/", "/entriesx", "/entries.", "/.well-known/scitt-keysx", "/.well-known/", "/checkpoint",
                             "/tile/entries/000", "//entries/0", "/entries?x"}) {
    EXPECT_FALSE(ScittSite::Serves(target)) << target;
  }
}

TEST_F(ScittSiteTest, WhoMayAskForReceiptsOverGrpcMayAskHere) {
  std::vector<std::string> methods;
  Serve({false, [&](const std::vector<std::string>& uris, std::string_view method) -> Status {
           methods.emplace_back(method);
           return uris.size() == 1 ? OkStatus() : absl::PermissionDeniedError("may not");
         }});
  for (const char* target : {"/entries/0", "/.well-known/scitt-keys"}) {
    EXPECT_EQ(site_->Answer({"GET", target, "", {{"spiffe://test.example/ledger/person/ada"}}}).status, 200);
    const WebAnswer refused = site_->Answer({"GET", target, "", std::vector<std::string>()});
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(Title(refused), "Refused");
    EXPECT_EQ(site_->Answer({"GET", target, "", std::nullopt}).status, 403);
  }
  EXPECT_THAT(methods, testing::Each("/anamnesis.v1.ReceiptService/GetReceipts"));
  EXPECT_EQ(methods.size(), 4u);
}

}  // namespace
}  // namespace anamnesis
