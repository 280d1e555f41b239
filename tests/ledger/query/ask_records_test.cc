// Which records belong to a software item, page by page.

#include <vector>

#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/drafts.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

std::vector<uint64_t> RecordsOf(const ProjectedHistory& history, const std::string& kind, const std::string& id,
                                uint32_t limit = 0) {
  std::vector<uint64_t> leaves;
  v1::Question question;
  v1::RecordsQuestion& records = *question.mutable_records();
  SetEntity(*records.mutable_subject(), kind, id);
  records.set_limit(limit);
  do {
    const v1::Answer answer = AskOf(history, question);
    for (const v1::LeafReference& leaf : answer.records().records()) leaves.push_back(leaf.index());
    EXPECT_LE(answer.records().records_size(), limit == 0 ? 1000 : static_cast<int>(limit));
    records.set_from(answer.records().next());
    EXPECT_TRUE(records.from() != 0 || answer.records().total() == leaves.size());
  } while (records.from() != 0);
  return leaves;
}

TEST(AskRecords, ThoseOfTheItemAndItsPartsWithoutOthers) {
  ProjectedHistory history;
  const uint64_t item = history.Add(Item("alert")).value;
  const uint64_t part = history.Add(Item("filter", {"parent=software_item:alert"})).value;
  history.Add(Item("other"));
  history.Add(Class("other", v1::SOFTWARE_SAFETY_CLASS_A));
  const uint64_t assigned = history.Add(Class("filter", v1::SOFTWARE_SAFETY_CLASS_B)).value;
  const LeafIndex retracted = history.Add(Class("alert", v1::SOFTWARE_SAFETY_CLASS_A));
  const LeafIndex retraction = history.Retract(retracted);
  // Neither what was taken back nor what took it back is gone; what corrects a correction neither.
  const LeafIndex annotation =
      history.Add(Correct(*EventId::FromBytes(ProjectedHistory::IdOf(retraction)), v1::RecordCorrected::ANNOTATED));
  const std::vector<uint64_t> all = {item, part, assigned, retracted.value, retraction.value, annotation.value};
  EXPECT_EQ(RecordsOf(history, "software_item", "alert"), all);
  EXPECT_EQ(RecordsOf(history, "software_item", "alert", 1), all);
  EXPECT_EQ(RecordsOf(history, "software_item", "alert", 2), all);
  EXPECT_EQ(RecordsOf(history, "software_item", "filter"), (std::vector<uint64_t>{part, assigned}));
}

TEST(AskRecords, WhatNothingNamesIsNotFound) {
  ProjectedHistory history;
  history.Add(Item("alert"));
  v1::Question question;
  SetEntity(*question.mutable_records()->mutable_subject(), "software_item", "nothing");
  EXPECT_TRUE(absl::IsNotFound(Ask(history.rows(), "o", history.size(), question).status()));
  question.mutable_records()->clear_subject();
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(history.rows(), "o", history.size(), question).status()));
}

}  // namespace
}  // namespace anamnesis
