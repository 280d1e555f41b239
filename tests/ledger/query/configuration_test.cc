// Where and as which device a unit ran what it ran, and what differs between two points of its history. What it ran is
// tested where its timelines are (tests/ledger/state, plain_fold_test.cc).

#include "ledger/query/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/support/projected_history.h"

namespace anamnesis {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

Timestamp Hour(int64_t hour) { return Timestamp(kTestStart.us + hour * kHour); }

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest() {
    v1::DeviceModelRegistered model;
    model.set_name("monitor");
    model.set_intended_purpose("alerts");
    model.set_basic_udi_di("0426B");
    model.set_udi_di("0426D1");
    registered_ = At(0, DraftWith(model, {"device_model=device_model:monitor"}));
    v1::DeviceUnitCommissioned unit;
    unit.set_serial_number("7");
    unit.set_udi_pi("(21)7");
    unit.set_jurisdiction("DE");
    commissioned_ = At(1, DraftWith(unit, {"unit=device_unit:ICU-7", "device_model=device_model:monitor",
                                           "site=site:north", "baseline=release:app@1"}));
  }

  LeafIndex At(int64_t hour, EventDraft draft) {
    SetOccurred(draft, Hour(hour), Hour(hour));
    return history_.Add(std::move(draft));
  }

  LeafIndex Move(int64_t hour, const std::string& jurisdiction) {
    v1::DeviceUnitRelocated body;
    body.set_jurisdiction(jurisdiction);
    return At(hour, DraftWith(body, {"unit=device_unit:ICU-7", "site=site:" + jurisdiction}));
  }

  static v1::AuthorisationTerms TermsOf(const std::string& jurisdiction, const std::string& number, int64_t hour) {
    v1::AuthorisationTerms terms;
    terms.set_jurisdiction(jurisdiction);
    terms.set_kind("510k");
    terms.set_number(number);
    terms.set_authority("authority");
    terms.set_regulatory_class("II");
    terms.set_valid_from_us(Hour(hour).us);
    return terms;
  }

  LeafIndex Grant(int64_t hour, const std::string& jurisdiction, const std::string& number) {
    v1::AuthorisationGranted body;
    *body.mutable_terms() = TermsOf(jurisdiction, number, hour);
    return At(hour,
              DraftWith(body, {"authorisation=authorisation:" + number + "@1", "device_model=device_model:monitor"}));
  }

  LeafIndex Assign(int64_t hour, v1::UdiAssigned::Kind kind, const std::string& value,
                   const std::vector<std::string>& refs) {
    v1::UdiAssigned body;
    body.set_kind(kind);
    body.set_value(value);
    return At(hour, DraftWith(body, refs));
  }

  v1::ConfigurationAnswer Ask(v1::GetConfigurationRequest request, int64_t hour) const {
    request.set_unit("ICU-7");
    *request.mutable_at() = ToProtoTime(Hour(hour));
    const StatusOr<v1::ConfigurationAnswer> answer =
        AnswerConfiguration(history_.rows(), "o", history_.size(), request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? *answer : v1::ConfigurationAnswer();
  }

  // As known now.
  v1::Configuration View(int64_t hour) const { return Ask({}, hour).now_known(); }

  // "udi_pi (21)7 [1]"
  static std::vector<std::string> Identifiers(const v1::Configuration& view) {
    std::vector<std::string> texts;
    for (const auto& each : view.circumstances().identifiers()) {
      texts.push_back(Text(each.kind(), " ", each.value(), " [", each.leaf().index(), "]"));
    }
    return texts;
  }
  // "K1", or "K1 is suspended"
  static std::vector<std::string> Authorisations(const v1::Configuration& view) {
    std::vector<std::string> texts;
    for (const auto& each : view.circumstances().authorisations()) {
      texts.push_back(Text(each.number(), each.inactive_because().empty() ? "" : " ", each.inactive_because()));
    }
    return texts;
  }
  // "site: north to US because of 2"
  static std::vector<std::string> Differences(const v1::ConfigurationAnswer& answer) {
    std::vector<std::string> texts;
    for (const v1::ConfigurationDifference& each : answer.differences()) {
      std::string text =
          Text(each.surface(), each.circumstance(), ": ", each.then_text(), " to ", each.now_text(), ";");
      for (const v1::LeafReference& leaf : each.because()) text += Text(" ", leaf.index());
      texts.push_back(std::move(text));
    }
    return texts;
  }

  ProjectedHistory history_;
  LeafIndex registered_;
  LeafIndex commissioned_;
};

TEST_F(ConfigurationTest, A90SaysWhereTheUnitWas) {
  const LeafIndex moved = Move(5, "US");
  EXPECT_FALSE(View(0).circumstances().has_placed());
  EXPECT_EQ(View(0).circumstances().jurisdiction(), "");
  const v1::Configuration before = View(4);
  EXPECT_EQ(before.circumstances().jurisdiction(), "DE");
  EXPECT_EQ(before.circumstances().site().id(), "north");
  EXPECT_EQ(before.circumstances().placed().index(), commissioned_.value);
  EXPECT_EQ(before.circumstances().device_model().id(), "monitor");
  const v1::Configuration after = View(5);
  EXPECT_EQ(after.circumstances().jurisdiction(), "US");
  EXPECT_EQ(after.circumstances().placed().index(), moved.value);
  EXPECT_THAT(after.leaves(), Contains(moved.value));
  EXPECT_THAT(after.notes(), IsEmpty());
}

TEST_F(ConfigurationTest, AMoveOfWhichNobodyKnowsWhenIsSaidToBeUncertain) {
  v1::DeviceUnitRelocated body;
  body.set_jurisdiction("US");
  EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-7"});
  SetOccurred(draft, Hour(3), Hour(6));
  history_.Add(std::move(draft));
  At(9, Commission("other"));
  EXPECT_THAT(View(2).notes(), IsEmpty());
  EXPECT_THAT(View(4).notes(), ElementsAre(HasSubstr("where the unit was at that time is not certain")));
  EXPECT_THAT(View(7).notes(), IsEmpty());
}

// A first commissioning that is told long after the second one is still the first.
TEST_F(ConfigurationTest, WhatIsToldLateStandsWhereItHappened) {
  v1::DeviceUnitCommissioned unit;
  unit.set_serial_number("7");
  unit.set_jurisdiction("FR");
  EventDraft draft = DraftWith(unit, {"unit=device_unit:ICU-7", "device_model=device_model:older"});
  SetOccurred(draft, Hour(-9), Hour(-9));
  history_.Add(std::move(draft), Hour(8));
  EXPECT_EQ(View(4).circumstances().device_model().id(), "monitor");
  EXPECT_EQ(View(4).circumstances().jurisdiction(), "DE");
  EXPECT_EQ(View(-3).circumstances().device_model().id(), "older");
}

TEST_F(ConfigurationTest, A89IdentifiersAreTheLastOfEachKind) {
  EXPECT_THAT(Identifiers(View(2)), ElementsAre("basic_udi_di 0426B [0]", "udi_di 0426D1 [0]", "udi_pi (21)7 [1]"));
  Assign(3, v1::UdiAssigned::UDI_DI, "0426D2", {"device_model=device_model:monitor"});
  Assign(4, v1::UdiAssigned::UDI_PI, "(21)7(10)B", {"unit=device_unit:ICU-7"});
  Assign(4, v1::UdiAssigned::UDI_PI, "(10)1.0", {"device_model=device_model:monitor", "release=release:app@1"});
  Assign(4, v1::UdiAssigned::UDI_PI, "(10)2.0", {"device_model=device_model:monitor", "release=release:app@2"});
  EXPECT_THAT(Identifiers(View(5)),
              ElementsAre("basic_udi_di 0426B [0]", "udi_di 0426D2 [2]", "udi_pi (21)7(10)B [3]", "udi_pi (10)1.0 [4]"))
      << "of a release that the unit doesn't run it has none";
  Assign(4, v1::UdiAssigned::UDI_PI, "(10)os3", {"device_model=device_model:monitor", "release=release:os@3"});
  Assign(4, v1::UdiAssigned::UDI_PI, "(10)os4", {"unit=device_unit:ICU-7", "release=release:os@4"});
  const LeafIndex runs = At(6, ActivateItem("ICU-7", "system", "release", "os", "3"));
  EXPECT_THAT(Identifiers(View(7)), ElementsAre("basic_udi_di 0426B [0]", "udi_di 0426D2 [2]", "udi_pi (21)7(10)B [3]",
                                                "udi_pi (10)1.0 [4]", "udi_pi (10)os3 [6]"));
  v1::GetConfigurationRequest request;
  *request.mutable_compare_at() = ToProtoTime(Hour(5));
  EXPECT_THAT(Differences(Ask(request, 7)), Contains(Text("UDI-PI of release:os@3: none to (10)os3; 6 ", runs.value)));
  EXPECT_THAT(Identifiers(View(2)), ElementsAre("basic_udi_di 0426B [0]", "udi_di 0426D1 [0]", "udi_pi (21)7 [1]"));
}

TEST_F(ConfigurationTest, A83AuthorisationsAreThoseOfThePlaceAtTheTime) {
  Grant(2, "DE", "DE1");
  Grant(2, "US", "K1");
  v1::AuthorisationSuspended suspended;
  suspended.set_effective_from_us(Hour(4).us);
  const LeafIndex stop = At(4, Rationale(DraftWith(suspended, {"authorisation=authorisation:DE1@1"})));
  Move(6, "US");
  EXPECT_THAT(Authorisations(View(1)), IsEmpty());
  EXPECT_THAT(Authorisations(View(3)), ElementsAre("DE1"));
  EXPECT_THAT(Authorisations(View(5)), ElementsAre("DE1 is suspended"));
  EXPECT_EQ(View(5).circumstances().authorisations(0).changed_by().index(), stop.value);
  EXPECT_THAT(View(5).leaves(), Contains(stop.value));
  EXPECT_THAT(Authorisations(View(7)), ElementsAre("K1"));
}

// Terms may come to be another jurisdiction's than the grant's, and no policy says what the larger ones are.
TEST_F(ConfigurationTest, AuthorisationsOfOtherTermsAreToldWithoutAPolicy) {
  Grant(2, "DE", "DE1");
  v1::AuthorisationSupplemented more;
  *more.mutable_terms() = TermsOf("EU", "DE1", 3);
  At(3, DraftWith(more, {"authorisation=authorisation:DE1@1"}));
  EXPECT_THAT(Authorisations(View(4)), ElementsAre("DE1"));
  EXPECT_EQ(View(4).circumstances().authorisations(0).jurisdiction(), "EU");
}

TEST_F(ConfigurationTest, WhatReinstatedAnAuthorisationIsAReason) {
  Grant(2, "DE", "DE1");
  v1::AuthorisationSuspended suspended;
  suspended.set_effective_from_us(Hour(4).us);
  At(4, Rationale(DraftWith(suspended, {"authorisation=authorisation:DE1@1"})));
  v1::AuthorisationReinstated reinstated;
  reinstated.set_effective_from_us(Hour(6).us);
  const LeafIndex again = At(6, Rationale(DraftWith(reinstated, {"authorisation=authorisation:DE1@1"})));
  EXPECT_THAT(View(7).leaves(), Contains(again.value));
  v1::GetConfigurationRequest request;
  *request.mutable_compare_at() = ToProtoTime(Hour(5));
  EXPECT_THAT(
      Differences(Ask(request, 7)),
      ElementsAre(Text("authorisation:DE1@1: DE 510k DE1 is suspended to DE 510k DE1 is in force; ", again.value)));
}

TEST_F(ConfigurationTest, ADeviceModelRevisedIsAnotherOneFromThen) {
  v1::DeviceModelRevised revised;
  revised.set_name("monitor plus");
  revised.set_udi_di("0426D2");
  const LeafIndex revision = At(3, Rationale(DraftWith(revised, {"device_model=device_model:monitor"})));
  v1::GetConfigurationRequest request;
  *request.mutable_compare_at() = ToProtoTime(Hour(2));
  EXPECT_THAT(Differences(Ask(request, 4)),
              ElementsAre(Text("UDI-DI: 0426D1 to 0426D2; ", revision.value),
                          Text("device model: monitor (monitor) to monitor (monitor plus); ", revision.value)));
}

// The registration is recorded anew for a misspelt name: it is as old as it was.
TEST_F(ConfigurationTest, ARecordMadeAnewTakesNoLaterIdentifierAway) {
  Assign(3, v1::UdiAssigned::UDI_DI, "0426D2", {"device_model=device_model:monitor"});
  v1::DeviceModelRegistered model;
  model.set_name("Monitor");
  model.set_intended_purpose("alerts");
  model.set_udi_di("0426D1");
  EventDraft anew = DraftWith(model, {"device_model=device_model:monitor"});
  SetOccurred(anew, Hour(0), Hour(0));
  anew.header.set_corrects(ProjectedHistory::IdOf(registered_));
  history_.Add(Rationale(std::move(anew)), Hour(8));
  EXPECT_EQ(View(5).circumstances().device_name(), "Monitor");
  EXPECT_THAT(Identifiers(View(5)), ElementsAre("udi_di 0426D2 [2]", "udi_pi (21)7 [1]"));
}

TEST_F(ConfigurationTest, ATimeThatWasCorrectedIsToldWithTheCorrection) {
  const LeafIndex moved = Move(5, "US");
  v1::RecordCorrected body;
  body.set_kind(v1::RecordCorrected::OCCURRED_AT);
  body.set_occurred_earliest_us(Hour(3).us);
  body.set_occurred_latest_us(Hour(3).us);
  EventDraft correction = Rationale(Draft(body));
  correction.header.set_corrects(ProjectedHistory::IdOf(moved));
  const LeafIndex corrected = At(9, std::move(correction));
  EXPECT_EQ(View(4).circumstances().jurisdiction(), "US");
  EXPECT_THAT(View(4).leaves(), Contains(corrected.value));
  EXPECT_THAT(View(4).notes(), Contains(HasSubstr(Text("that leaf ", corrected.value, " corrected it to"))));
}

TEST_F(ConfigurationTest, WhatDiffersBetweenTwoTimesIsSaidWithWhatChangedIt) {
  At(2, ActivateItem("ICU-7", "alert", "artifact", "shift", "1"));
  const LeafIndex moved = Move(4, "US");
  const LeafIndex second = At(5, ActivateItem("ICU-7", "alert", "artifact", "shift", "2"));
  At(9, Commission("other"));
  v1::GetConfigurationRequest request;
  *request.mutable_compare_at() = ToProtoTime(Hour(3));
  const v1::ConfigurationAnswer answer = Ask(request, 6);
  EXPECT_THAT(Differences(answer),
              ElementsAre(Text("alert: artifact shift@1 to artifact shift@2; ", second.value),
                          Text("jurisdiction: DE to US; ", moved.value), Text("site: north to US; ", moved.value)));
  EXPECT_EQ(answer.then_known().tree_size(), answer.now_known().tree_size());
  EXPECT_EQ(answer.compared_at().seconds(), Hour(3).us / 1'000'000);
  EXPECT_THAT(Differences(Ask(request, 3)), IsEmpty());
}

TEST_F(ConfigurationTest, A91WhatDiffersBetweenTwoStatesOfKnowledgeIsWhatWasRecordedBetween) {
  At(2, ActivateItem("ICU-7", "alert", "artifact", "shift", "1"));
  const uint64_t size = history_.size().value;
  EventDraft late = ActivateItem("ICU-7", "alert", "artifact", "shift", "2");
  SetOccurred(late, Hour(3), Hour(3));
  const LeafIndex told = history_.Add(late, Hour(8));
  const LeafIndex taken_back = history_.Retract(told);
  v1::GetConfigurationRequest request;
  request.set_known_size(told.value + 1);
  request.set_compare_known_size(size);
  const v1::ConfigurationAnswer answer = Ask(request, 4);
  EXPECT_THAT(Differences(answer), ElementsAre(Text("alert: artifact shift@1 to artifact shift@2; ", told.value)));
  request.set_compare_known_size(taken_back.value + 1);
  EXPECT_THAT(Differences(Ask(request, 4)),
              ElementsAre(Text("alert: artifact shift@1 to artifact shift@2; ", taken_back.value)))
      << "in either direction";
}

TEST_F(ConfigurationTest, WhatIsUnknownForTheSameReasonMayBeSomethingElse) {
  const auto activate = [&](std::string_view version) {
    EventDraft draft = ActivateItem("ICU-7", "alert", "artifact", "shift", version);
    SetOccurred(draft, Hour(2), Hour(4));
    return history_.Add(std::move(draft));
  };
  activate("1");
  activate("2");
  const uint64_t size = history_.size().value;
  const LeafIndex third = activate("3");
  v1::GetConfigurationRequest request;
  request.set_compare_known_size(size);
  const v1::ConfigurationAnswer answer = Ask(request, 5);
  EXPECT_THAT(answer.now_known().items(0).unknown_because(), HasSubstr("overlap"));
  const std::string unknown = Text("unknown: ", answer.now_known().items(0).unknown_because());
  EXPECT_THAT(
      Differences(answer),
      ElementsAre(Text("alert: ", unknown, "; possibly artifact shift@1, or artifact shift@2 to ", unknown,
                       "; possibly artifact shift@1, or artifact shift@2, or artifact shift@3; ", third.value)));
}

TEST_F(ConfigurationTest, TheSameThingPutThereWithoutTheGatesLeaveIsADifference) {
  AdoptShipped(history_, v1::PolicyAdopted::GATE, "gate");
  EventDraft imported = ActivateItem("ICU-7", "alert", "artifact", "shift", "1");
  imported.header.set_retrospective(true);
  SetOccurred(imported, Hour(2), Hour(2));
  history_.Add(imported, Hour(6), "importer");
  const LeafIndex claimed = At(7, ActivateItem("ICU-7", "alert", "artifact", "shift", "1"));
  v1::GetConfigurationRequest request;
  *request.mutable_compare_at() = ToProtoTime(Hour(3));
  const std::vector<std::string> differences = Differences(Ask(request, 8));
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_THAT(differences[0], HasSubstr("header.actor is person:ada"));
  EXPECT_THAT(differences[0], testing::EndsWith(Text("; ", claimed.value)));
}

TEST_F(ConfigurationTest, WhatWasKnownAtASizeIsToldTheSameWhateverIsRecordedSince) {
  const auto not_known_yet = Contains(HasSubstr("the last event known was recorded at"));
  v1::GetConfigurationRequest of_size;
  of_size.set_known_size(history_.size().value);
  v1::GetConfigurationRequest of_time;
  *of_time.mutable_known_time() = ToProtoTime(Hour(3));
  const std::string before = Ask(of_size, 3).SerializeAsString();
  EXPECT_THAT(Ask(of_size, 3).now_known().notes(), not_known_yet);
  EXPECT_THAT(Ask(of_time, 3).now_known().notes(), not_known_yet);
  At(5, Commission("other"));
  EXPECT_EQ(Ask(of_size, 3).SerializeAsString(), before);
  EXPECT_THAT(Ask(of_time, 3).now_known().notes(), IsEmpty()) << "whatever comes now was not known then";
  EXPECT_THAT(Ask(of_time, 4).now_known().notes(), not_known_yet);
}

TEST_F(ConfigurationTest, AComparisonWithWhatIsNotThereIsRefused) {
  v1::GetConfigurationRequest request;
  request.set_unit("ICU-7");
  *request.mutable_at() = ToProtoTime(Hour(1));
  request.set_compare_known_size(3);
  const Status refused = AnswerConfiguration(history_.rows(), "o", history_.size(), request).status();
  EXPECT_TRUE(absl::IsOutOfRange(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("compare_known_size: 3"));
}

// It would look like a unit that was not in service then.
TEST_F(ConfigurationTest, AUnitThatNobodyRecordedIsSaidToBeNone) {
  v1::GetConfigurationRequest request;
  request.set_unit("IC-U7");
  *request.mutable_at() = ToProtoTime(Hour(2));
  const auto answer = AnswerConfiguration(history_.rows(), "o", history_.size(), request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto said = Contains(HasSubstr("nothing is recorded of device_unit:IC-U7"));
  EXPECT_THAT(answer->now_known().notes(), said);
  EXPECT_THAT(answer->then_known().notes(), said);
  EXPECT_THAT(Ask({}, 0).now_known().notes(), testing::Not(Contains(HasSubstr("nothing is recorded"))))
      << "recorded, and not in service yet";
}

}  // namespace
}  // namespace anamnesis
