#include <filesystem>
#include <fstream>

#include "client/exports/archive.h"
#include "client/exports/directory.h"
#include "client/exports/manifest.h"
#include "gtest/gtest.h"
#include "ledger/crypto/sha256.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis::exports {
namespace {

namespace fs = std::filesystem;

NamedKey KeyOf(char seed) { return {"ada", *PrivateKey::FromSeed(std::string(PrivateKey::kSeedSize, seed))}; }

Manifest ExampleManifest() {
  Manifest manifest;
  manifest.kind = "design-history";
  manifest.subject = "software_item:a";
  manifest.origin = "acme.example/ledger";
  manifest.tree_size = 12;
  manifest.content_sha256 = Sha256("content");
  manifest.files = {{"a", {Sha256("a"), 1}}, {"records/1.leaf", {Sha256("bb"), 2}}};
  return manifest;
}

TEST(Manifest, IsReadInItsOneForm) {
  const std::string json = WriteManifest(ExampleManifest());
  const StatusOr<Manifest> read = ReadManifest(json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->files, ExampleManifest().files);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadManifest(json + "\n").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadManifest("{}").status()));
}

TEST(Manifest, IsSignedAsANote) {
  const std::string json = WriteManifest(ExampleManifest());
  const std::string signature = SignManifest(json, KeyOf('k'));
  const StatusOr<SignedNote> note = ReadManifestSignature(signature, json);
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_TRUE(VerifySignature(note->text, note->signatures[0], VerifierKeyOf(KeyOf('k'))).ok());
  EXPECT_FALSE(VerifySignature(note->text, note->signatures[0], VerifierKeyOf(KeyOf('l'))).ok());
  EXPECT_FALSE(ReadManifestSignature(signature, json + " ").ok());
}

TEST(Manifest, AnyByteOfTheSignatureThatIsAnotherFails) {
  const std::string json = WriteManifest(ExampleManifest());
  const std::string signature = SignManifest(json, KeyOf('k'));
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string other = signature;
    other[i] = static_cast<char>(other[i] ^ 0x04);
    const StatusOr<SignedNote> note = ReadManifestSignature(other, json);
    EXPECT_FALSE(note.ok() && VerifySignature(note->text, note->signatures[0], VerifierKeyOf(KeyOf('k'))).ok()) << i;
  }
}

class PackageTest : public testing::Test {
 protected:
  PackageTest() {
    fs::create_directories(Path("in/records"));
    Write("in/b", "b");
    Write("in/a", std::string(100'000, 'a'));
    Write("in/records/1.leaf", "");
  }

  std::string Path(const std::string& name) const { return root_.path() + "/" + name; }
  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(Path(name), std::ios::binary) << bytes;
  }

  ScratchDirectory root_{ScratchDirectory::Where::kDisk};
};

TEST_F(PackageTest, AnArchiveDependsOnNamesAndBytesAlone) {
  ASSERT_TRUE(PackArchive(Path("in"), Path("one.tar")).ok());
  fs::last_write_time(Path("in/a"), fs::file_time_type::clock::now() - std::chrono::hours(1000));
  fs::permissions(Path("in/b"), fs::perms::owner_all);
  ASSERT_TRUE(PackArchive(Path("in"), Path("two.tar")).ok());
  EXPECT_EQ(*ReadWhole(Path("one.tar"), 1 << 20), *ReadWhole(Path("two.tar"), 1 << 20));
  ASSERT_TRUE(UnpackArchive(Path("one.tar"), Path("out")).ok());
  EXPECT_EQ(*ListFiles(Path("out")), *ListFiles(Path("in")));
  EXPECT_EQ(*ReadWhole(Path("out/a"), 1 << 20), std::string(100'000, 'a'));
}

TEST_F(PackageTest, AnArchiveAlteredBetweenItsFilesIsNoticed) {
  fs::remove(Path("in/a"));
  ASSERT_TRUE(PackArchive(Path("in"), Path("one.tar")).ok());
  const std::string bytes = *ReadWhole(Path("one.tar"), 1 << 20);
  const std::string content = "b";
  size_t unpacked = 0;
  for (size_t i = 0; i < bytes.size(); i += 7) {
    std::string other = bytes;
    other[i] = static_cast<char>(other[i] ^ 0x10);
    Write("other.tar", other);
    fs::remove_all(Path("out"));
    const Status status = UnpackArchive(Path("other.tar"), Path("out"));
    if (!status.ok()) continue;
    // Only what is inside of a file may be another byte: the manifest is for that.
    ++unpacked;
    EXPECT_NE(*ReadWhole(Path("out/b"), 100), content) << i;
  }
  EXPECT_LE(unpacked, 1U);
}

TEST_F(PackageTest, NothingLeadsOut) {
  fs::create_symlink("/etc/passwd", Path("in/link"));
  EXPECT_TRUE(absl::IsInvalidArgument(ListFiles(Path("in")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(PackArchive(Path("in"), Path("one.tar"))));
}

}  // namespace
}  // namespace anamnesis::exports
