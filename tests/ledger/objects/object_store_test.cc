#include "ledger/objects/object_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "ledger/crypto/sha256.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// Bytes that differ from place to place and from seed to seed.
std::string BytesOf(size_t count, uint32_t seed = 1) {
  std::string bytes(count, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class ObjectStoreTest : public testing::Test {
 protected:
  ObjectStoreTest() {
    options_.reserve_bytes = 0;
    Reopen();
  }

  void Reopen() {
    auto opened = ObjectStore::Open(dir(), options_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    store_ = *std::move(opened);
  }
  std::string dir() const { return directory_.path() + "/objects"; }
  std::string ObjectPath(const Digest& digest) const {
    return Text(dir(), "/", digest.hex().substr(0, 2), "/", digest.hex());
  }

  // Adds `bytes` from what is there on, in chunks.
  static Status PutAll(ObjectStore& store, const Digest& digest, const std::string& bytes, size_t chunk = 1000) {
    ASSIGN_OR_RETURN(ObjectState state, store.Append(digest, bytes.size(), 0, ""));
    while (!state.stored) {
      const std::string_view next = std::string_view(bytes).substr(state.bytes, chunk);
      ASSIGN_OR_RETURN(state, store.Append(digest, bytes.size(), state.bytes, next));
    }
    return OkStatus();
  }
  Digest Put(const std::string& bytes) {
    const Digest digest = Sha256(bytes);
    const Status put = PutAll(*store_, digest, bytes);
    EXPECT_TRUE(put.ok()) << put.ToString();
    return digest;
  }

  void ExpectStored(const Digest& digest, const std::string& bytes) {
    const ObjectState state = store_->Stat(digest).value();
    EXPECT_TRUE(state.stored);
    EXPECT_EQ(state.bytes, bytes.size());
    std::string read;
    while (true) {
      const std::string piece = store_->Read(digest, read.size(), 4096).value();
      if (piece.empty()) break;
      read += piece;
    }
    EXPECT_TRUE(read == bytes);
    EXPECT_EQ(store_->Verify(digest).value(), bytes.size());
  }

  ScratchDirectory directory_{ScratchDirectory::Where::kDisk};
  ObjectStoreOptions options_;
  std::unique_ptr<ObjectStore> store_;
};

TEST_F(ObjectStoreTest, WhatIsAddedInChunksIsReadBack) {
  for (const size_t size : {0u, 1u, 999u, 1000u, 1001u, 70000u}) {
    const std::string bytes = BytesOf(size);
    ExpectStored(Put(bytes), bytes);
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir() + "/partial"));
}

TEST_F(ObjectStoreTest, AnObjectIsAReadOnlyFileUnderItsName) {
  const Digest digest = Put("abc");
  EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  struct stat found {};
  ASSERT_EQ(::stat((dir() + "/ba/" + digest.hex()).c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0400u);
}

TEST_F(ObjectStoreTest, OnlyItsOwnerReadsAnything) {
  ASSERT_TRUE(store_->Append(Sha256("abcd"), 4, 0, "ab").ok());
  Put("abc");
  const mode_t everybody = S_IRWXG | S_IRWXO;
  struct stat found {};
  ASSERT_EQ(::stat(dir().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & everybody, 0u);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir())) {
    ASSERT_EQ(::stat(entry.path().c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & everybody, 0u) << entry.path();
  }
}

TEST_F(ObjectStoreTest, DirectoriesThatAreThereStayAsTheyAre) {
  const std::string above = directory_.path() + "/above";
  ASSERT_TRUE(MakeDirectoryAndParents(above + "/below/").ok());
  struct stat found {};
  ASSERT_EQ(::stat((above + "/below").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0700u);
  ASSERT_EQ(::chmod(above.c_str(), 0750), 0);
  ASSERT_TRUE(MakeDirectoryAndParents(above).ok());
  ASSERT_EQ(::stat(above.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0750u);
  std::ofstream(above + "/file") << "";
  EXPECT_FALSE(MakeDirectoryAndParents(above + "/file/below").ok());
}

TEST_F(ObjectStoreTest, NamesAreDigestsOnly) {
  const std::string good(64, 'a');
  EXPECT_EQ(ParseObjectName(good)->hex(), good);
  for (const std::string& name : {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
                                  "../" + std::string(61, 'a'), std::string(63, 'a') + "/", std::string(64, '\0')}) {
    EXPECT_EQ(ParseObjectName(name).status().code(), StatusCode::kInvalidArgument) << name;
  }
}

TEST_F(ObjectStoreTest, AnUploadGoesOnWhereItEnded) {
  const std::string bytes = BytesOf(5000);
  const Digest digest = Sha256(bytes);
  ASSERT_EQ(store_->Append(digest, 5000, 0, bytes.substr(0, 2000))->bytes, 2000u);
  Reopen();
  const ObjectState there = store_->Stat(digest, 5000).value();
  EXPECT_FALSE(there.stored);
  EXPECT_EQ(there.bytes, 2000u);
  // Not known under another size, and not read before it is whole.
  EXPECT_EQ(store_->Stat(digest, 5001)->bytes, 0u);
  EXPECT_EQ(store_->Read(digest, 0, 10).status().code(), StatusCode::kNotFound);
  for (const uint64_t wrong : {0u, 1999u, 2001u}) {
    const ObjectState state = store_->Append(digest, 5000, wrong, "xyz").value();
    EXPECT_FALSE(state.stored);
    EXPECT_EQ(state.bytes, 2000u);
  }
  EXPECT_TRUE(store_->Append(digest, 5000, 2000, bytes.substr(2000))->stored);
  ExpectStored(digest, bytes);
}

TEST_F(ObjectStoreTest, OtherBytesAreRefusedByBothDigestsAndRemoved) {
  const Digest named = Sha256("right");
  ASSERT_TRUE(store_->Append(named, 5, 0, "wro").ok());
  const Status refused = store_->Append(named, 5, 3, "ng").status();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr(named.hex()));
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr(Sha256("wrong").hex()));
  EXPECT_TRUE(std::filesystem::is_empty(dir() + "/partial"));
  EXPECT_FALSE(store_->Stat(named, 5)->stored);
  ASSERT_TRUE(PutAll(*store_, named, "right").ok());
  ExpectStored(named, "right");
}

TEST_F(ObjectStoreTest, LimitsAreNamed) {
  options_.object_bytes_max = 4000;
  options_.partials_max = 2;
  options_.partial_bytes_max = 5000;
  Reopen();
  const std::string bytes = BytesOf(4001);
  EXPECT_EQ(store_->Append(Sha256(bytes), 4001, 0, "").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Append(Sha256("x"), 1, 0, "xy").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Append(Sha256("x"), 1, 2, "").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Append(Sha256("x"), 1, std::numeric_limits<uint64_t>::max(), "x").status().code(),
            StatusCode::kInvalidArgument);
  // By announced bytes, then by number; an object that is finished makes room.
  ASSERT_TRUE(store_->Append(Sha256("a"), 3000, 0, "").ok());
  EXPECT_EQ(store_->Append(Sha256("b"), 3000, 0, "").status().code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(store_->Append(Sha256("bb"), 2, 0, "").ok());
  EXPECT_EQ(store_->Append(Sha256("c"), 1, 0, "").status().code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(store_->Append(Sha256("bb"), 2, 0, "bb")->stored);
  EXPECT_TRUE(store_->Append(Sha256("c"), 1, 0, "c")->stored);
}

TEST_F(ObjectStoreTest, AbandonedUploadsMakeRoomForOthers) {
  options_.partials_max = 1;
  Reopen();
  ASSERT_TRUE(store_->Append(Sha256("a"), 1, 0, "").ok());
  EXPECT_EQ(store_->Append(Sha256("b"), 1, 0, "").status().code(), StatusCode::kResourceExhausted);
  for (const auto& partial : std::filesystem::directory_iterator(dir() + "/partial")) {
    std::filesystem::last_write_time(partial, std::filesystem::file_time_type::clock::now() - std::chrono::hours(200));
  }
  EXPECT_TRUE(store_->Append(Sha256("b"), 1, 0, "b")->stored);
}

// One that reads all that is there before it goes on changes nothing for long.
TEST_F(ObjectStoreTest, AnUploadAtWorkIsNotAbandoned) {
  options_.partials_max = 1;
  Reopen();
  const Digest digest = Sha256("a");
  ASSERT_TRUE(store_->Append(digest, 1, 0, "").ok());
  const std::string path = Text(dir(), "/partial/", digest.hex(), ".1");
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(200));
  {
    const Descriptor other = OpenFile(path, O_RDWR).value();
    ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
    EXPECT_EQ(store_->Append(Sha256("b"), 1, 0, "b").status().code(), StatusCode::kResourceExhausted);
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(store_->Append(Sha256("b"), 1, 0, "b")->stored);
}

TEST_F(ObjectStoreTest, WhatIsKeptFreeIsKept) {
  options_.reserve_bytes = uint64_t{1} << 60;
  Reopen();
  const Status refused = store_->Append(Sha256("a"), 1, 0, "a").status();
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(MessageOf(refused)), HasSubstr("disk full"));
  EXPECT_TRUE(std::filesystem::is_empty(dir() + "/partial"));
}

TEST_F(ObjectStoreTest, AnUploadThatIsBeingWrittenIsLeftAlone) {
  const Digest digest = Sha256("abc");
  ASSERT_TRUE(store_->Append(digest, 3, 0, "a").ok());
  const Descriptor other = OpenFile(Text(dir(), "/partial/", digest.hex(), ".3"), O_RDWR).value();
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(store_->Append(digest, 3, 1, "bc").status().code(), StatusCode::kAborted);
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_TRUE(store_->Append(digest, 3, 1, "bc")->stored);
}

TEST_F(ObjectStoreTest, ReadsAreBoundedAndNamed) {
  const Digest digest = Put("abcdef");
  EXPECT_EQ(store_->Read(digest, 2, 3).value(), "cde");
  EXPECT_EQ(store_->Read(digest, 6, 3).value(), "");
  EXPECT_EQ(store_->Read(digest, 7, 3).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(store_->Read(Sha256("other"), 0, 3).status().code(), StatusCode::kNotFound);
  const std::string large = BytesOf(kObjectChunkBytesMax + 10);
  EXPECT_EQ(store_->Read(Put(large), 0, large.size())->size(), kObjectChunkBytesMax);
}

TEST_F(ObjectStoreTest, VerifyingEndsWhenNobodyWaitsForIt) {
  const std::string bytes = BytesOf(2 * kObjectChunkBytesMax);
  const Digest digest = Sha256(bytes);
  ASSERT_TRUE(PutAll(*store_, digest, bytes, kObjectChunkBytesMax).ok());
  size_t asked = 0;
  EXPECT_EQ(store_->Verify(digest, [&] { return ++asked == 2; }).status().code(), StatusCode::kCancelled);
  EXPECT_EQ(asked, 2u);
  EXPECT_EQ(store_->Verify(digest, [] { return false; }).value(), bytes.size());
}

TEST_F(ObjectStoreTest, DamageIsFoundNamedAndMended) {
  const std::string bytes = BytesOf(3000);
  const Digest digest = Put(bytes);
  ::chmod(ObjectPath(digest).c_str(), 0644);
  std::fstream(ObjectPath(digest), std::ios::in | std::ios::out | std::ios::binary).seekp(1234).put('!');
  const Status damaged = store_->Verify(digest).status();
  EXPECT_EQ(damaged.code(), StatusCode::kDataLoss);
  EXPECT_THAT(std::string(MessageOf(damaged)), HasSubstr(digest.hex()));
  EXPECT_TRUE(std::filesystem::exists(dir() + "/damaged/" + digest.hex()));
  EXPECT_EQ(store_->Verify(digest).status().code(), StatusCode::kNotFound);
  ExpectStored(Put(bytes), bytes);
}

TEST_F(ObjectStoreTest, ManyUploadsOfOneObjectAtOnceMakeOneObject) {
  const std::string bytes = BytesOf(400'000);
  const Digest digest = Sha256(bytes);
  std::vector<std::thread> threads;
  std::vector<Status> outcomes(4, absl::UnknownError("not run"));
  for (size_t i = 0; i < outcomes.size(); ++i) {
    threads.emplace_back([&, i] {
      // Each as another process would: with a store of its own.
      const auto store = ObjectStore::Open(dir(), options_);
      do {
        outcomes[i] = PutAll(**store, digest, bytes, 500 + 100 * i);
      } while (absl::IsAborted(outcomes[i]));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Status& outcome : outcomes) EXPECT_TRUE(outcome.ok()) << outcome.ToString();
  ExpectStored(digest, bytes);
  EXPECT_TRUE(std::filesystem::is_empty(dir() + "/partial"));
}

// Runs `work` in a process of its own and kills it at its system call number `stops`, counting beginnings and ends.
// False when it was over before.
enum class Killed { kYes, kNo, kNotTraced };
template <typename Work>
Killed KillAtSystemCall(int stops, const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    ::_exit(work() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (!WIFSTOPPED(status)) return Killed::kNotTraced;
  for (int i = 0; i < stops; ++i) {
    EXPECT_EQ(::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr), 0);
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) {
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
      return Killed::kNo;
    }
  }
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return Killed::kYes;
}

TEST_F(ObjectStoreTest, KilledAtAnySystemCallLeavesNoObjectOrARightOne) {
  int stored = 0;
  int unfinished = 0;
  for (int stops = 0;; ++stops) {
    const std::string bytes = BytesOf(2500, static_cast<uint32_t>(stops) + 100);
    const Digest digest = Sha256(bytes);
    const Killed killed = KillAtSystemCall(stops, [&] {
      const auto store = ObjectStore::Open(dir(), options_);
      return store.ok() && PutAll(**store, digest, bytes).ok();
    });
    if (killed == Killed::kNotTraced) GTEST_SKIP() << "this machine lets nobody trace a process";
    Reopen();
    const ObjectState left = store_->Stat(digest, bytes.size()).value();
    if (left.stored) {
      ++stored;
      ExpectStored(digest, bytes);
    } else {
      ++unfinished;
      EXPECT_LE(left.bytes, bytes.size());
    }
    // Whatever it left, the upload comes to its end.
    const Status put = PutAll(*store_, digest, bytes);
    ASSERT_TRUE(put.ok()) << "killed at " << stops << ": " << put.ToString();
    ExpectStored(digest, bytes);
    EXPECT_TRUE(std::filesystem::is_empty(dir() + "/partial"));
    if (killed == Killed::kNo) break;
    ASSERT_LT(stops, 2000);
  }
  EXPECT_GT(stored, 2);
  EXPECT_GT(unfinished, 20);
}

}  // namespace
}  // namespace anamnesis
