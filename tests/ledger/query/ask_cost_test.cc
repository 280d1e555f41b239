// What a question costs: rows read follow what it names, not the length of the log.

#include <functional>
#include <string>
#include <vector>

#include "ledger/query/events.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

// Counts every row that is read.
class CountingRows : public RowReader {
 public:
  explicit CountingRows(const RowReader& rows) : rows_(rows) {}

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    ++count_;
    return rows_.Get(family, key);
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    ++count_;
    return rows_.LastAtOrBefore(family, prefix, key);
  }
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    return rows_.Scan(family, prefix, from, Counted(visit));
  }
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    return rows_.ScanBackwards(family, prefix, from, Counted(visit));
  }

  size_t count() const { return count_; }

 private:
  Visitor Counted(const Visitor& visit) const {
    return [this, &visit](std::string_view key, std::string_view value) {
      ++count_;
      return visit(key, value);
    };
  }

  const RowReader& rows_;
  mutable size_t count_ = 0;
};

// A little of everything about X and ICU-7, and `others` records about other items and units.
void Fill(ProjectedHistory& history, int others) {
  AdoptProfile(history);
  AdoptShipped(history, v1::PolicyAdopted::REPORTING_CLOCK, "reporting_clocks");
  AdoptShipped(history, v1::PolicyAdopted::CONTEMPORANEITY, "contemporaneity");
  history.Add(Item("X"));
  history.Add(Requirement("R", "1", "X"));
  history.Add(TestCase("T", v1::SYSTEM, "X", {"requirement=requirement:R@1"}));
  history.Add(TestRunOf("run", "T", v1::SYSTEM, "X"));
  history.Add(Control("RC", {"depends_on=software_item:X"}));
  history.Add(Commission("ICU-7"));
  history.Add(Activate("ICU-7", "model", "m"));
  v1::IncidentRecorded incident;
  incident.set_harm(v1::IncidentRecorded::SERIOUS);
  incident.set_description("wrong alert");
  history.Add(DraftWith(std::move(incident), {"incident=incident:INC-7"}));
  v1::DatasetCurated curated;
  curated.set_source("Hospital A");
  history.Add(DraftWith(std::move(curated), {"dataset=dataset:d@1"}));
  for (int i = 0; i < others; ++i) {
    const std::string other = Text("other-", i);
    history.Add(Item(other));
    history.Add(Requirement(other, "1", other));
    history.Add(Code("1", other));
    history.Add(TestRunOf(other, "T" + other, v1::UNIT, other));
    history.Add(Commission(other));
    history.Add(Activate(other, "model", "m" + other));
  }
}

std::vector<v1::Question> Questions() {
  std::vector<v1::Question> all(8);
  SetEntity(*all[0].mutable_trace()->mutable_subject(), "software_item", "X");
  SetEntity(*all[1].mutable_completeness()->mutable_item(), "software_item", "X");
  SetEntity(*all[2].mutable_sequencing()->mutable_item(), "software_item", "X");
  SetEntity(*all[3].mutable_clocks()->mutable_incident(), "incident", "INC-7");
  *all[3].mutable_clocks()->mutable_at() = ToProtoTime(kTestStart);
  SetEntity(*all[4].mutable_specificity()->mutable_record(), "dataset", "d", "1");
  SetEntity(*all[5].mutable_contemporaneity()->mutable_entity(), "software_item", "X");
  all[6].mutable_coverage()->set_unit("ICU-7");
  *all[6].mutable_coverage()->mutable_from() = ToProtoTime(kTestStart);
  *all[6].mutable_coverage()->mutable_until() = ToProtoTime(Timestamp(kTestStart.us + 1'000'000));
  SetEntity(*all[7].mutable_closure_audit()->mutable_entity(), "device_unit", "ICU-7");
  return all;
}

TEST(AskCost, RowsReadDontGrowWithTheLog) {
  ProjectedHistory small;
  Fill(small, 10);
  ProjectedHistory large;
  Fill(large, 400);
  for (const v1::Question& question : Questions()) {
    const auto rows_read = [&](const ProjectedHistory& history) {
      const CountingRows rows(history.rows());
      const StatusOr<v1::Answer> answer = Ask(rows, "o", history.size(), question);
      EXPECT_TRUE(answer.ok()) << answer.status();
      return rows.count();
    };
    EXPECT_EQ(rows_read(large), rows_read(small)) << question.ShortDebugString();
  }
}

}  // namespace
}  // namespace anamnesis
