#ifndef ANAMNESIS_TESTS_CLIENT_EXPORTS_ITEM_RECORDS_H_
#define ANAMNESIS_TESTS_CLIENT_EXPORTS_ITEM_RECORDS_H_

// Records of the item software_item:alert, and what an export says of them.

#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/document.h"
#include "gtest/gtest.h"
#include "tests/client/exports/hours.h"
#include "tests/support/projected_history.h"

namespace anamnesis::exports {

inline v1::ElectronicSignature Signed() {
  v1::ElectronicSignature signature;
  signature.set_meaning(v1::ElectronicSignature::APPROVAL);
  signature.set_signed_at_us(kTestStart.us);
  signature.add_components(v1::ElectronicSignature::KEY);
  signature.add_components(v1::ElectronicSignature::PASSPHRASE);
  signature.set_session_id(std::string(16, 's'));
  signature.set_ordinal(1);
  return signature;
}

inline EventDraft Item() {
  v1::SoftwareItemIdentified body;
  body.set_name("alert");
  body.set_level(v1::SoftwareItemIdentified::ITEM);
  body.set_trainability(v1::SoftwareItemIdentified::TRAINABLE);
  return DraftWith(std::move(body), {"item=software_item:alert"});
}

inline EventDraft Tested(v1::TestRunCompleted::Result result) {
  v1::TestRunCompleted body;
  body.set_level(v1::UNIT);
  body.set_test_configuration("bench");
  body.add_tools("pytest 8");
  body.set_result(result);
  body.set_configuration_digest(std::string(32, 'c'));
  return DraftWith(std::move(body), {"test_run=test_run:T-1", "test_case=test_case:C@1", "item=software_item:alert",
                                     "tester=person:ada"});
}

inline EventDraft Envelope(const std::string& version, const std::string& high,
                           const std::vector<std::string>& more = {}) {
  v1::EnvelopeApproved body;
  v1::EnvelopeTerms::Dimension& dimension = *body.mutable_terms()->add_dimensions();
  dimension.set_name("shift");
  dimension.set_kind("interval");
  dimension.set_low("0");
  dimension.set_high(high);
  *body.mutable_signature() = Signed();
  std::vector<std::string> refs = {"envelope=envelope:e@" + version, "item=software_item:alert", "anchor=baseline:b@1"};
  refs.insert(refs.end(), more.begin(), more.end());
  return DraftWith(std::move(body), refs);
}

inline EventDraft Model() {
  v1::DeviceModelRegistered body;
  body.set_name("monitor");
  body.set_intended_purpose("alerts");
  return DraftWith(std::move(body), {"device_model=device_model:monitor"});
}

inline EventDraft Baseline() {
  v1::BaselineEstablished body;
  body.set_baseline_digest(std::string(32, 'b'));
  *body.mutable_signature() = Signed();
  return DraftWith(std::move(body),
                   {"baseline=baseline:b@1", "device_model=device_model:monitor", "member=software_item:alert"});
}

inline EventDraft Granted(int64_t valid_from = 0) {
  v1::AuthorisationGranted body;
  v1::AuthorisationTerms& terms = *body.mutable_terms();
  terms.set_jurisdiction("US");
  terms.set_kind("510k");
  terms.set_number("K1");
  terms.set_authority("FDA");
  terms.set_regulatory_class("II");
  terms.set_valid_from_us(Hour(valid_from).us);
  return DraftWith(std::move(body), {"authorisation=authorisation:a@1", "device_model=device_model:monitor"});
}

inline EventDraft Planned(const std::vector<std::string>& more = {}) {
  v1::ChangePlanAuthorised body;
  body.mutable_terms()->set_instrument(v1::ChangePlanTerms::US_PCCP);
  body.mutable_terms()->set_jurisdiction("US");
  v1::ChangePlanTerms::Modification& one = *body.mutable_terms()->add_modifications();
  one.set_id("m1");
  one.set_text("moves the threshold");
  one.set_change_class("threshold");
  one.add_dimensions("shift");
  one.set_extent(v1::ChangePlanTerms::Modification::GLOBAL);
  one.set_mode(v1::ChangePlanTerms::Modification::AUTOMATIC);
  one.add_retraining("as in 4.2");
  std::vector<std::string> refs = {"change_plan=change_plan:p@1", "authorisation=authorisation:a"};
  refs.insert(refs.end(), more.begin(), more.end());
  return DraftWith(std::move(body), refs);
}

inline v1::EntityRef Alert() {
  v1::EntityRef item;
  item.set_kind("software_item");
  item.set_id("alert");
  return item;
}

inline const Section& SectionAt(const Document& document, const std::string& id) {
  for (const Section& section : document.sections) {
    if (section.id == id) return section;
  }
  ADD_FAILURE() << "no section " << id;
  static const Section none;
  return none;
}

inline const std::vector<Cell>* RowCiting(const Section& section, uint64_t leaf) {
  for (const Table& table : section.tables) {
    for (const std::vector<Cell>& row : table.rows) {
      if (row[0].leaves == std::vector<uint64_t>{leaf}) return &row;
    }
  }
  return nullptr;
}

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_TESTS_CLIENT_EXPORTS_ITEM_RECORDS_H_
