#include "ledger/keys/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "ledger/keys/random.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

// The key of the documentation of Go's sumdb/note.
constexpr std::string_view kGoKey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
constexpr std::string_view kGoVerifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
// Written by an independent program (Python with PyNaCl) from the seed bytes 0..31.
constexpr std::string_view kGoldenKey =
    "PRIVATE+KEY+example.com/golden+ec459b04+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

class KeyFileTest : public testing::Test {
 protected:
  std::string Path(std::string_view name = "key") const { return Text(directory_.path(), '/', name); }
  std::string Write(std::string_view content, mode_t mode = 0600) const {
    std::ofstream(Path(), std::ios::binary | std::ios::trunc) << content;
    EXPECT_EQ(chmod(Path().c_str(), mode), 0);
    return Path();
  }
  static std::string Content(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }

  ScratchDirectory directory_;
};

TEST_F(KeyFileTest, OthersKeysAreRead) {
  const NamedKey go = ReadKeyFile(Write(kGoKey)).value();
  EXPECT_EQ(go.name, "PeterNeumann");
  EXPECT_EQ(VerifierKeyOf(go).Format(), kGoVerifierKey);
  EXPECT_EQ(FormatPrivateKey(go), kGoKey);
  const NamedKey golden = ReadKeyFile(Write(Text(kGoldenKey, '\n'))).value();
  EXPECT_EQ(golden.key.seed()[31], 31);
  EXPECT_EQ(VerifierKeyOf(golden).Format(), "example.com/golden+ec459b04+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4");
  EXPECT_EQ(CosignerKeyOf(golden).type(), KeyType::kCosignature);
}

TEST_F(KeyFileTest, ANewKeyIsPrivateAndReadsBack) {
  const mode_t old_mask = umask(0);
  const StatusOr<NamedKey> made = NewKeyFile(Path(), "example.com/node-1");
  umask(old_mask);
  ASSERT_TRUE(made.ok()) << made.status();
  struct stat info;
  ASSERT_EQ(stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(Content(Path()), FormatPrivateKey(*made) + "\n");
  const NamedKey read = ReadKeyFile(Path()).value();
  EXPECT_EQ(read.name, "example.com/node-1");
  EXPECT_EQ(read.key.public_key(), made->key.public_key());
  EXPECT_TRUE(VerifyEd25519(made->key.public_key(), "m", read.key.Sign("m").view()).ok());
}

TEST_F(KeyFileTest, NothingIsEverOverwritten) {
  const std::string path = Write("precious");
  EXPECT_EQ(NewKeyFile(path, "n").status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Content(path), "precious");
  std::filesystem::create_symlink("nowhere", Path("link"));
  EXPECT_EQ(NewKeyFile(Path("link"), "n").status().code(), StatusCode::kAlreadyExists);
  EXPECT_FALSE(std::filesystem::exists(Path("nowhere")));
}

TEST_F(KeyFileTest, OfManyAtOnceOneWins) {
  std::vector<std::thread> threads;
  std::array<bool, 8> won{};
  for (size_t i = 0; i < won.size(); ++i) {
    threads.emplace_back([&, i] { won[i] = NewKeyFile(Path(), Text("n", i)).ok(); });
  }
  for (std::thread& thread : threads) thread.join();
  int winners = 0;
  for (size_t i = 0; i < won.size(); ++i) {
    if (!won[i]) continue;
    ++winners;
    EXPECT_EQ(ReadKeyFile(Path()).value().name, Text("n", i));
  }
  EXPECT_EQ(winners, 1);
}

TEST_F(KeyFileTest, BadPathsAndNames) {
  EXPECT_EQ(NewKeyFile(Path("no/such/directory"), "n").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(NewKeyFile("", "n").status().code(), StatusCode::kNotFound);
  for (std::string_view name : {"", "a b", "a+b", "a\nb"}) {
    EXPECT_EQ(NewKeyFile(Path(), name).status().code(), StatusCode::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(Path()));
  }
  EXPECT_EQ(ReadKeyFile(Path()).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(ReadKeyFile(directory_.path() + "/").status().code(), StatusCode::kInvalidArgument);
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadKeyFile(Path("pipe")).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(KeyFileTest, AKeyThatOthersCanReadIsRefusedWithTheRemedy) {
  for (mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601, 0666}) {
    const Status status = ReadKeyFile(Write(kGoKey, mode)).status();
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << mode;
    EXPECT_NE(MessageOf(status).find("chmod 600 " + Path()), std::string_view::npos) << status;
  }
  EXPECT_TRUE(ReadKeyFile(Write(kGoKey, 0400)).ok());
}

TEST_F(KeyFileTest, MalformedFilesAreNamedAndNotQuoted) {
  std::vector<std::string> bad = {"",
                                  "\n",
                                  "PRIVATE+KEY+",
                                  "PRIVATE+KEY+n+c74f20a3+",
                                  Text(kGoKey, "\n\n"),
                                  Text(kGoKey, "\r\n"),
                                  Text(' ', kGoKey),
                                  Text(kGoKey, kGoKey),
                                  std::string(5000, 'x'),
                                  std::string(kGoVerifierKey),
                                  "PRIVATE+KEY+PeterNeumann+C74F20A3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
                                  "PRIVATE+KEY+Peter Neumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
                                  "PRIVATE+KEY+PeterNeumann+c74f20a3+AoEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"};
  for (size_t i = 0; i < kGoKey.size(); ++i) {
    std::string changed(kGoKey);
    changed[i] = changed[i] == 'Q' ? 'R' : 'Q';
    bad.push_back(changed);
  }
  for (const std::string& content : bad) {
    const Status status = ReadKeyFile(Write(content)).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << content;
    EXPECT_NE(MessageOf(status).find(Path()), std::string_view::npos) << status;
    EXPECT_EQ(MessageOf(status).find("FGyNhPJ"), std::string_view::npos) << status;
  }
}

TEST(RandomTest, FillsAllOfItAnewEachTime) {
  std::set<std::vector<uint8_t>> seen;
  for (size_t size : {16, 16, 16, 1000}) {
    std::vector<uint8_t> bytes(size);
    FillRandom(bytes);
    EXPECT_TRUE(seen.insert(bytes).second);
  }
  // 100,000 bytes that stayed zero in some stretch of 16 would be a gap, not chance.
  std::vector<uint8_t> many(100000);
  FillRandom(many);
  int zeros = 0;
  for (uint8_t byte : many) {
    zeros = byte == 0 ? zeros + 1 : 0;
    ASSERT_LT(zeros, 16);
  }
  FillRandom({});
}

}  // namespace
}  // namespace anamnesis
