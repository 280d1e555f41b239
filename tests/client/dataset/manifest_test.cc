// What a manifest may look like, and that every bad line is named with its field and the remedy.

#include "client/dataset/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/dataset/dataset_fixture.h"

namespace anamnesis {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ManifestTest : public DatasetTest {
 protected:
  StatusOr<std::vector<Member>> Read(std::string_view text) const {
    std::vector<Member> members;
    RETURN_IF_ERROR(ReadManifest(Write("manifest", text), [&](uint64_t, const Member& member) {
      members.push_back(member);
      return OkStatus();
    }));
    return members;
  }
  std::string Problem(std::string_view text) const {
    const Status status = Read(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status << " for " << text;
    return std::string(MessageOf(status));
  }
  const Digest digest_ = Sha256("x");
};

TEST_F(ManifestTest, ReadsCsv) {
  EXPECT_THAT(*Read(Text("record_id,subject_id,sha256\nr1,s1,", digest_.hex(), "\nr2,,\n")),
              ElementsAre(Member{"r1", "s1", digest_}, Member{"r2", "", std::nullopt}));
  EXPECT_THAT(*Read("record_id\r\nr1\r\n\r\nr2"),
              ElementsAre(Member{"r1", "", std::nullopt}, Member{"r2", "", std::nullopt}));
  EXPECT_THAT(*Read("\xEF\xBB\xBFsubject_id,record_id\ns,r"), ElementsAre(Member{"r", "s", std::nullopt}));
  EXPECT_THAT(*Read("record_id,subject_id\n\"a,b\",\"say \"\"hi\"\"\"\n"),
              ElementsAre(Member{"a,b", "say \"hi\"", std::nullopt}));
  EXPECT_THAT(*Read("record_id\n"), ElementsAre());
  EXPECT_THAT(*Read(""), ElementsAre());
}

TEST_F(ManifestTest, ReadsJsonLines) {
  EXPECT_THAT(*Read(Text("{\"record_id\": \"r1\", \"subject_id\": \"s\\u0031\", \"sha256\": \"", digest_.hex(),
                         "\"}\n\n{\"record_id\": \"r2\", \"subject_id\": null}\n")),
              ElementsAre(Member{"r1", "s1", digest_}, Member{"r2", "", std::nullopt}));
}

TEST_F(ManifestTest, NamesLineFieldAndRemedy) {
  const std::string header = "record_id,subject_id,sha256\n";
  EXPECT_THAT(Problem(header + "r1,s1,\n,s2,\n"),
              AllOf(HasSubstr("line 3"), HasSubstr("record_id: is empty"), HasSubstr("give 1 to 255 bytes")));
  EXPECT_THAT(Problem(header + "r1,s1,abc\n"), AllOf(HasSubstr("line 2"), HasSubstr("sha256"), HasSubstr("64 hex")));
  EXPECT_THAT(Problem(header + "r1,s1\n"), AllOf(HasSubstr("line 2: has 2 fields; the header has 3")));
  EXPECT_THAT(Problem(header + std::string(256, 'r') + ",,\n"), HasSubstr("record_id: has 256 bytes; at most 255"));
  EXPECT_THAT(Problem(header + "\"r,,\n"), HasSubstr("closing quote is missing"));
  EXPECT_THAT(Problem(header + "\"r\"x,,\n"), HasSubstr("after a field's closing quote"));
  EXPECT_THAT(Problem(header + "r\"x,,\n"), HasSubstr("quote all of it"));
  EXPECT_THAT(Problem(header + "\xff,,\n"), HasSubstr("record_id: is not UTF-8"));
  EXPECT_THAT(Problem(header + std::string(20000, 'x') + "\n"), HasSubstr("line 2: has more than 16384 bytes"));
  EXPECT_THAT(Problem("record,subject\nr1,s1\n"),
              AllOf(HasSubstr("line 1: \"record\" is no column"), HasSubstr("must be: record_id,subject_id,sha256")));
  EXPECT_THAT(Problem("subject_id\ns\n"), HasSubstr("line 1: record_id: is missing"));
  EXPECT_THAT(Problem("record_id,record_id\n"), HasSubstr("is there twice"));
  EXPECT_THAT(Problem("{\"record_id\": 7}"), HasSubstr("line 1: record_id: is not a string; put it in quotes"));
  EXPECT_THAT(Problem("{\"record_id\": \"a\", \"record_id\": \"b\"}"), HasSubstr("record_id: is there twice"));
  EXPECT_THAT(Problem("{\"id\": \"a\"}"), HasSubstr("\"id\" is no field"));
  EXPECT_THAT(Problem("{\"subject_id\": \"a\"}"), HasSubstr("record_id: is empty"));
  EXPECT_THAT(Problem("{\"record_id\": \"a\"}\nb,c\n"), HasSubstr("line 2"));
}

TEST_F(ManifestTest, IdsHaveNoBlanksAtTheirEnds) {
  const std::string header = "record_id,subject_id\n";
  EXPECT_THAT(Problem(header + "r1, s-17\n"), HasSubstr("line 2: subject_id: begins or ends with a blank"));
  EXPECT_THAT(Problem(header + "r1 ,s-17\n"), HasSubstr("record_id: begins or ends with a blank"));
  EXPECT_THAT(Problem(header + "\"r1\",\"s-17\u00A0\"\n"), HasSubstr("subject_id: begins or ends with a blank"));
  EXPECT_THAT(Problem("{\"record_id\": \"\uFEFFr1\"}"), HasSubstr("record_id: begins or ends with a blank"));
  EXPECT_THAT(*Read(header + "r 1,s 17\n"), ElementsAre(Member{"r 1", "s 17", std::nullopt}));
}

TEST_F(ManifestTest, IdsThatLookTheSameAreTheSame) {
  const std::string header = "record_id,subject_id\n";
  EXPECT_THAT(
      Problem(header + "t1,Mu\u0308ller-001\n"),
      AllOf(HasSubstr("line 2: subject_id: has an accent as a character of its own, U+0308"), HasSubstr("NFC")));
  EXPECT_THAT(Problem(header + "t\u200B1,s\n"), HasSubstr("record_id: has a character that nobody sees, U+200b"));
  EXPECT_THAT(Problem(header + "t1,s\u00AD1\n"), HasSubstr("subject_id: has a character that nobody sees, U+00ad"));
  EXPECT_THAT(*Read(header + "\u00ED1,M\u00FCller \u65E5\u672D\n"),
              ElementsAre(Member{"\u00ED1", "M\u00FCller \u65E5\u672D", std::nullopt}));
}

TEST_F(ManifestTest, NamesAllBadLinesUpToABound) {
  std::string text = "record_id\n";
  for (int i = 0; i < 5; ++i) text += "good\n\"bad\n";
  EXPECT_THAT(Problem(text),
              AllOf(HasSubstr("line 3"), HasSubstr("line 5"), HasSubstr("line 11"), Not(HasSubstr("given up"))));
  for (int i = 0; i < 50; ++i) text += "\"bad\n";
  EXPECT_THAT(Problem(text), AllOf(HasSubstr("given up after line 26"), Not(HasSubstr("line 27"))));
}

TEST_F(ManifestTest, AnAbsentFileIsNamed) {
  const Status status = ReadManifest(Path("absent"), [](uint64_t, const Member&) { return OkStatus(); });
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("absent"));
}

}  // namespace
}  // namespace anamnesis
