#include "node/web/log_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/engine/tiles_out.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/cosignature.h"
#include "ledger/note/signed_note.h"
#include "tests/node/checkpoint/witnessed_ledger.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using Line = WitnessedLedger::Line;

constexpr char kAda[] = "spiffe://test.example/ledger/person/ada";

class LogSiteTest : public testing::Test {
 protected:
  LogSiteTest() {
    log_.AddWitness("a");
    EXPECT_TRUE(log_.Publish(Text(log_.log_line(), log_.LineOf("a"), "quorum a\n"), /*cosigns=*/true).ok());
    EXPECT_TRUE(log_.Reaches(size()));
    Serve({true, nullptr});
  }

  uint64_t size() { return log_.ledger().tree_size(); }
  void Serve(WebAccess access) {
    site_ = std::make_unique<LogSite>(log_.ledger(), log_.publisher(), *log_.own_witness(), std::move(access));
  }
  WebAnswer Get(std::string_view target, std::string_view method = "GET") {
    return site_->Answer({method, target, "", std::nullopt});
  }
  WebAnswer GetAs(std::optional<std::vector<std::string>> uris) {
    return site_->Answer({"GET", "/tile/0/000", "", std::move(uris)});
  }
  std::vector<std::string> Leaves() {
    std::vector<std::string> leaves;
    EXPECT_TRUE(log_.ledger()
                    .Read({},
                          [&](v1::ReadResponse item) {
                            if (item.has_event()) leaves.push_back(item.event().leaf());
                            return true;
                          })
                    .ok());
    return leaves;
  }

  WitnessedLedger log_{300};
  std::unique_ptr<LogSite> site_;
};

TEST_F(LogSiteTest, TheCheckpointIsTheWitnessedOneAndNeverCached) {
  const WebAnswer answer = Get("/checkpoint");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, log_.publisher().Newest()->note);
  EXPECT_EQ(answer.cache_control, "no-cache");
  EXPECT_EQ(answer.content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(Get("/checkpoint", "HEAD").status, 200);
}

TEST_F(LogSiteTest, TilesAreWhatTheLeavesMake) {
  const std::vector<std::string> leaves = Leaves();
  std::string hashes;
  std::string entries;
  for (size_t i = 0; i < 256; ++i) {
    hashes += LeafHash(leaves[i]).view();
    entries += {static_cast<char>(leaves[i].size() >> 8), static_cast<char>(leaves[i].size() & 0xFF)};
    entries += leaves[i];
  }
  WebAnswer full = Get("/tile/0/000");
  EXPECT_EQ(full.status, 200);
  EXPECT_EQ(full.body, hashes);
  EXPECT_EQ(full.content_type, "application/octet-stream");
  EXPECT_EQ(full.cache_control, "public, max-age=31536000, immutable");
  EXPECT_EQ(Get("/tile/entries/000").body, entries);
  // Of a full tile every beginning can be had too.
  EXPECT_EQ(Get("/tile/0/000.p/3").body, hashes.substr(0, 96));
  const uint64_t width = size() - 256;
  WebAnswer partial = Get(Text("/tile/0/001.p/", width));
  EXPECT_EQ(partial.status, 200);
  EXPECT_EQ(partial.cache_control, "public, max-age=60");
  std::string rest;
  for (size_t i = 256; i < leaves.size(); ++i) rest += LeafHash(leaves[i]).view();
  EXPECT_EQ(partial.body, rest);
  EXPECT_EQ(Get("/tile/1/000.p/1").body.size(), 32u);
}

TEST_F(LogSiteTest, NothingBeyondThePublishedSizeIsShown) {
  const uint64_t published = size();
  log_.Set("a", Line::kDown);
  log_.maker().GrowTo(published + 5);
  ASSERT_GT(size(), published);
  EXPECT_EQ(Get(Text("/tile/0/001.p/", published - 256)).status, 200);
  for (const uint64_t width : {published - 255, size() - 256}) {
    EXPECT_EQ(Get(Text("/tile/0/001.p/", width)).status, 404) << width;
    EXPECT_EQ(Get(Text("/tile/entries/001.p/", width)).status, 404) << width;
  }
  log_.Set("a", Line::kUp);
  ASSERT_TRUE(log_.Reaches(size()));
  EXPECT_EQ(Get(Text("/tile/0/001.p/", size() - 256)).status, 200);
}

TEST_F(LogSiteTest, WhatIsNotThereIsNotFoundAndNotCached) {
  for (const char* target : {"",
                             "/",
                             "*",
                             "checkpoint",
                             "/checkpoint/",
                             "/checkpoint?x=1",
                             "/Checkpoint",
                             "/tile",
                             "/tile/",
                             "/tile/0",
                             "/tile/0/",
                             "/tile/0/0",
                             "/tile/0/1",
                             "/tile/0/000.p/0",
                             "/tile/0/000.p/256",
                             "/tile/0/000.p/257",
                             "/tile/0/000.p/01",
                             "/tile/0/000.p/-1",
                             "/tile/0/002",
                             "/tile/0/x000/000",
                             "/tile/1/000",
                             "/tile/1/000.p/2",
                             "/tile/2/000.p/1",
                             "/tile/64/000",
                             "/tile/entries/002",
                             "/tile/entries/000.p/",
                             "/tile/0/000?x",
                             "/tile/0/000#x",
                             "/tile/../checkpoint",
                             "/tile/0/%30%30%30",
                             "//tile/0/000",
                             "http://127.0.0.1/checkpoint",
                             "/tile/0/x999/x999/x999/x999/x999/x999/x999/999"}) {
    const WebAnswer answer = Get(target);
    EXPECT_EQ(answer.status, 404) << target;
    EXPECT_EQ(answer.cache_control, "no-store") << target;
  }
  EXPECT_EQ(Get(std::string_view("/tile/0/000\0", 12)).status, 404);
  EXPECT_EQ(Get(Text("/tile/0/", std::string(100000, '0'))).status, 404);
}

TEST_F(LogSiteTest, OtherMethodsAreNamed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""}) {
    for (const char* target : {"/checkpoint", "/tile/0/000"}) {
      const WebAnswer answer = Get(target, method);
      EXPECT_EQ(answer.status, 405) << method;
      EXPECT_EQ(answer.allow, "GET, HEAD");
    }
  }
  const WebAnswer answer = Get("/add-checkpoint");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.allow, "POST");
}

TEST_F(LogSiteTest, CosignsForWhoeverBringsTheLogsSignature) {
  // No certificate, and reading is for nobody.
  Serve({false, [](const auto&, auto) { return absl::PermissionDeniedError("nobody"); }});
  const std::string note = log_.publisher().Newest()->note;
  const auto add = [&](const std::string& body) {
    return site_->Answer({"POST", "/add-checkpoint", body, std::nullopt});
  };
  ASSERT_TRUE(WitnessedLedger::Holds([&] {
    const auto last = log_.own_witness()->LastCosigned(kTestOrigin);
    return last.has_value() && last->size.value == size();
  }));
  const uint64_t known = size();
  const WebAnswer cosigned = add(FormatAddCheckpoint({TreeSize(known), {}, note}));
  ASSERT_EQ(cosigned.status, 200) << cosigned.body;
  const auto lines = ParseCosignatureLines(cosigned.body);
  ASSERT_TRUE(lines.ok());
  EXPECT_TRUE(VerifyCosignature(ParseSignedNote(note)->text, lines->front(), log_.own_witness()->verifier_key()).ok());
  const WebAnswer conflict = add(FormatAddCheckpoint({TreeSize(0), {}, note}));
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.content_type, kTreeSizeContentType);
  EXPECT_EQ(conflict.body, Text(known, '\n'));
  EXPECT_EQ(add("nonsense").status, 400);
}

TEST_F(LogSiteTest, WhoMayNotReadEventsMayNotReadTiles) {
  std::vector<std::string> asked;
  Serve({false, [&](const std::vector<std::string>& uris, std::string_view method) -> Status {
           asked.push_back(Text(uris.empty() ? "nobody" : uris[0], " ", method));
           if (uris.empty()) return absl::UnauthenticatedError("names nobody");
           return uris[0] == kAda ? OkStatus() : absl::PermissionDeniedError("may not");
         }});
  const WebAnswer read = GetAs({{kAda}});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.cache_control, "private, max-age=31536000, immutable");
  EXPECT_EQ(GetAs({{"spiffe://test.example/ledger/person/mallory"}}).status, 403);
  EXPECT_EQ(GetAs(std::vector<std::string>()).status, 403);
  EXPECT_EQ(GetAs(std::nullopt).status, 403);
  EXPECT_THAT(asked[0], HasSubstr("/anamnesis.v1.ReadService/Read"));
  EXPECT_EQ(asked.size(), 3u);
  // That it can't be told is not for ever.
  Serve({false, [](const auto&, auto) { return absl::UnavailableError("not now"); }});
  EXPECT_EQ(GetAs({{kAda}}).status, 503);
}

TEST_F(LogSiteTest, BeforeAnythingIsPublishedThereIsNothing) {
  log_.Set("a", Line::kDown);
  log_.StopPublishing();
  ASSERT_TRUE(std::filesystem::remove(log_.file()));
  ASSERT_TRUE(log_.Publish(Text(log_.log_line(), log_.LineOf("a"), "quorum a\n"), /*cosigns=*/true).ok());
  Serve({true, nullptr});
  EXPECT_EQ(Get("/checkpoint").status, 404);
  EXPECT_EQ(Get("/tile/0/000").status, 404);
}

}  // namespace
}  // namespace anamnesis
