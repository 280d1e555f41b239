#include "ledger/query/message_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/ledger/query/drafts.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(MessageFieldsTest, ElementsAreNamedByWhatIdentifiesThem) {
  v1::DesignApproved design;
  design.mutable_content()->set_loss("dice");
  for (const char* name : {"conv1", "conv2"}) {
    v1::DesignContent::Layer& layer = *design.mutable_content()->add_layers();
    layer.set_name(name);
    layer.set_kind("conv");
    layer.set_parameters(9);
  }
  design.mutable_signature()->set_meaning(v1::ElectronicSignature::APPROVAL);
  EXPECT_THAT(FieldTextsOf(design),
              ElementsAre(Pair("content.layers[conv1].kind", "conv"), Pair("content.layers[conv1].parameters", "9"),
                          Pair("content.layers[conv2].kind", "conv"), Pair("content.layers[conv2].parameters", "9"),
                          Pair("content.loss", "dice")));
}

TEST(MessageFieldsTest, NothingThatIsSetIsLost) {
  v1::DatasetCurated dataset;
  dataset.add_inclusion("adults");
  dataset.add_inclusion("adults");
  dataset.add_exclusion()->set_text("paced");
  dataset.add_exclusion()->set_text("paced");
  const std::string text(100, 'x');
  dataset.add_exclusion()->set_text(text);
  dataset.mutable_exclusion(2)->set_excluded(3);
  dataset.set_period_from_us(kTestStart.us);
  dataset.set_sampling(v1::DataAcquired::CONSECUTIVE);
  const std::string shortened = Text("exclusion[", text.substr(0, 80), "]");
  EXPECT_THAT(FieldTextsOf(dataset),
              ElementsAre(Pair("inclusion[adults]", "adults"), Pair("inclusion[adults]#2", "adults"),
                          Pair("exclusion[paced]", "paced"), Pair("exclusion[paced]#2", "paced"),
                          Pair(Text(shortened, ".text"), text), Pair(Text(shortened, ".excluded"), "3"),
                          Pair("period_from", "2025-03-15T11:00:00Z"), Pair("sampling", "CONSECUTIVE")));
}

TEST(MessageFieldsTest, AKeyIsCutWhereACharacterBegins) {
  v1::DatasetCurated dataset;
  std::string text = "x";
  for (int i = 0; i < 60; ++i) text += "\xC3\xA4";
  dataset.add_inclusion(text);
  EXPECT_EQ(FieldTextsOf(dataset).at(0).first, Text("inclusion[", text.substr(0, 79), "]"));
}

TEST(MessageFieldsTest, PersonalDataIsLeftOut) {
  v1::FeedbackReceived feedback;
  feedback.set_text("Mrs N. fell");
  EXPECT_THAT(FieldTextsOf(feedback), IsEmpty());
}

}  // namespace
}  // namespace anamnesis
