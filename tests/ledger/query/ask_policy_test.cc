// The shipped policy documents, and which document is in force.

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "ledger/event/vocabulary.h"
#include "ledger/query/event_pattern.h"
#include "ledger/state/policies.h"
#include "tests/ledger/query/asking.h"

namespace anamnesis {
namespace {

const std::map<std::string, v1::PolicyAdopted::Kind>& Shipped() {
  static const auto* shipped = new std::map<std::string, v1::PolicyAdopted::Kind>{
      {"process_profile_62304_2006_a1", v1::PolicyAdopted::PROCESS_PROFILE},
      {"clause_map", v1::PolicyAdopted::CLAUSE_MAP},
      {"contemporaneity", v1::PolicyAdopted::CONTEMPORANEITY},
      {"reporting_clocks", v1::PolicyAdopted::REPORTING_CLOCK},
      {"retention", v1::PolicyAdopted::RETENTION},
      {"gate", v1::PolicyAdopted::GATE}};
  return *shipped;
}

v1::ProcessProfile Profile() { return ReadPolicy("process_profile_62304_2006_a1").process_profile(); }

// Whether the descriptor has a field at the path.
bool HasPath(const google::protobuf::Descriptor& message, const std::string& path) {
  const size_t dot = path.find('.');
  const google::protobuf::FieldDescriptor* field = message.FindFieldByName(path.substr(0, dot));
  if (field == nullptr || dot == std::string::npos) return field != nullptr;
  return field->message_type() != nullptr && HasPath(*field->message_type(), path.substr(dot + 1));
}

void ExpectKnown(const std::string& text) {
  const EventPattern pattern = ParsePattern(text);
  const EventType* type = Vocabulary::Get().FindNewest(pattern.type);
  ASSERT_NE(type, nullptr) << text;
  for (const EventPattern::Condition& condition : pattern.conditions) {
    EXPECT_TRUE(HasPath(*type->body, condition.path)) << text;
  }
}

TEST(ShippedPolicies, EachIsAValidDocumentOfItsKind) {
  for (const auto& [file, kind] : Shipped()) {
    v1::PolicyAdopted adopted;
    adopted.set_kind(kind);
    *adopted.mutable_document() = ReadPolicy(file);
    adopted.set_title(file);
    EXPECT_TRUE(ValidateBody(adopted).ok()) << file << ": " << ValidateBody(adopted);
    EXPECT_TRUE(IsDocumentOfKind(adopted)) << file;
  }
}

TEST(ShippedPolicies, NameOnlyEventsAndFieldsOfTheVocabulary) {
  const auto profile = Profile();
  for (const v1::ProcessProfile::Evidence& evidence : profile.evidence()) {
    for (const std::string& text : evidence.events()) ExpectKnown(text);
    for (const std::string& text : evidence.when()) ExpectKnown(text);
    for (const std::string& text : evidence.before()) ExpectKnown(text);
  }
  const v1::PolicyDocument map = ReadPolicy("clause_map");
  for (const v1::ClauseMap::Mapping& mapping : map.clause_map().mappings()) {
    for (const std::string& text : mapping.events()) ExpectKnown(text);
  }
  const v1::PolicyDocument clocks = ReadPolicy("reporting_clocks");
  for (const v1::ReportingClocks::Clock& clock : clocks.reporting_clocks().clocks()) ExpectKnown(clock.starts());
}

// Table B.1: the clauses of each group, and the lowest class that has them.
TEST(ShippedPolicies, A35ProfileHasEveryClauseOfTheTableWithItsClasses) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"4.1 4.2 4.3 4.4 5.1.1 5.1.2 5.1.3 5.1.6 5.1.7 5.1.8 5.1.9 5.2.1 5.2.2 5.2.4 5.2.5 5.2.6 5.5.1 5.7.1 5.7.2 "
       "5.7.3 "
       "5.7.4 5.7.5 5.8.1 5.8.2 5.8.4 5.8.7 5.8.8 6.1 6.2.1.1 6.2.1.2 6.2.1.3 6.2.2 6.2.3 6.2.4 6.2.5 6.3.1 6.3.2 "
       "7.4.1 "
       "8.1.1 8.1.2 8.1.3 8.2.1 8.2.2 8.2.3 8.2.4 8.3 9.1 9.2 9.3 9.4 9.5 9.6 9.7 9.8",
       "ABC"},
      {"5.1.5 5.1.10 5.1.11 5.1.12 5.2.3 5.3.1 5.3.2 5.3.3 5.3.4 5.3.6 5.4.1 5.5.2 5.5.3 5.5.5 5.6.1 5.6.2 5.6.3 5.6.4 "
       "5.6.5 5.6.6 5.6.7 5.6.8 5.8.3 5.8.5 5.8.6 7.1.1 7.1.2 7.1.3 7.1.4 7.2.1 7.2.2 7.3.1 7.3.3 7.4.2 7.4.3",
       "BC"},
      {"5.1.4 5.3.5 5.4.2 5.4.3 5.4.4 5.5.4", "C"}};
  std::map<std::string, std::string> expected;
  for (const auto& [clauses, classes] : table) {
    std::istringstream words(clauses);
    for (std::string clause; words >> clause;) expected["IEC 62304 " + clause] = classes;
  }
  std::map<std::string, std::string> found;
  const auto profile = Profile();
  for (const v1::ProcessProfile::Evidence& evidence : profile.evidence()) {
    if (evidence.policy_only()) continue;
    // Each aspect of a control's verification is asked for on its own.
    const bool second = evidence.clause() == "IEC 62304 7.3.1" && found.count(evidence.clause()) > 0;
    EXPECT_TRUE(second || found.count(evidence.clause()) == 0u) << evidence.clause() << " twice";
    std::string& classes = found[evidence.clause()];
    classes.clear();
    for (const int one : evidence.classes()) classes += static_cast<char>('A' + one - v1::SOFTWARE_SAFETY_CLASS_A);
    EXPECT_TRUE(evidence.ledger_itself() || evidence.events_size() + evidence.plan_sections_size() > 0)
        << evidence.clause();
  }
  EXPECT_EQ(found, expected);
}

TEST(ShippedPolicies, A35ClassAHasNothingOf53And54And56And71To73) {
  const auto profile = Profile();
  for (const v1::ProcessProfile::Evidence& evidence : profile.evidence()) {
    if (evidence.policy_only()) continue;
    for (const std::string_view clause : {"5.3.", "5.4.", "5.6.", "7.1.", "7.2.", "7.3."}) {
      if (evidence.clause().compare(0, 10 + clause.size(), Text("IEC 62304 ", clause)) != 0) continue;
      for (const int one : evidence.classes()) EXPECT_NE(one, v1::SOFTWARE_SAFETY_CLASS_A) << evidence.clause();
    }
  }
}

TEST(AskPolicy, TheLastAdoptedIsInForceAndEarlierOnesAreAsKnownThen) {
  ProjectedHistory history;
  v1::Question question;
  question.mutable_policy()->set_kind(v1::PolicyAdopted::GATE);
  history.Add(ReferToDocument("d"));
  const v1::Answer none = AskOf(history, question);
  EXPECT_FALSE(none.policy().adopted());
  ASSERT_EQ(none.notes_size(), 1);
  EXPECT_NE(none.notes(0).find("policy adopt"), std::string::npos);

  const v1::PolicyDocument document = ReadPolicy("gate");
  const LeafIndex first = history.Add(Adopt(v1::PolicyAdopted::GATE, document, "1"));
  const LeafIndex second = history.Add(Adopt(v1::PolicyAdopted::GATE, document, "2"));
  const v1::Answer now = AskOf(history, question);
  EXPECT_EQ(now.policy().policy().version(), "2");
  EXPECT_EQ(now.policy().adoption().index(), second.value);
  EXPECT_TRUE(Cites(now, second));
  EXPECT_EQ(now.policy().document().SerializeAsString(), document.SerializeAsString());
  question.set_known_size(second.value);
  EXPECT_EQ(AskOf(history, question).policy().adoption().index(), first.value);
  question.set_known_size(first.value);
  EXPECT_FALSE(AskOf(history, question).policy().adopted());
}

}  // namespace
}  // namespace anamnesis
