#include <utility>

#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"

namespace anamnesis::exports {
Status AddLineage(Inquiry& inquiry) {
  Section section = {"lineage", "5 What it was made of",        "IEC 62304 8.1.1, 8.3",
                     {},        std::move(inquiry.origin_gaps), {}};
  Table table = {"From what ran up to code, data and people",
                 {"Product", "Made from", "Distance", "Said by"},
                 {},
                 "Nothing that ran is known."};
  for (const auto& [name, item] : inquiry.items) {
    uint64_t from = 0;
    do {
      v1::Question question;
      *question.mutable_lineage()->mutable_entity() = item;
      question.mutable_lineage()->set_direction(v1::LineageQuestion::UP);
      question.mutable_lineage()->set_from(from);
      ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.3", section));
      for (const v1::LineageAnswer::Edge& edge : answer.lineage().edges()) {
        if (edge.input().kind() == "software_item")
          inquiry.software_items.emplace(edge.input().id(), WithoutRole(edge.input()));
        table.rows.push_back({{EntityKeyText(edge.product()), Mark::kNone, {}},
                              {EntityKeyText(edge.input()), Mark::kNone, {}},
                              {std::to_string(edge.depth()), Mark::kNone, {}},
                              Cite(edge.leaf().type(), edge.leaf().index())});
      }
      if (table.rows.size() > kRecordsMax)
        return absl::ResourceExhaustedError("the lineage of what ran is larger than an export");
      from = answer.lineage().next();
    } while (from != 0);
  }
  if (table.rows.empty()) section.gaps.push_back({"IEC 62304 8.3", "no lineage is recorded of what ran", {}});
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddFiles(Inquiry& inquiry) {
  Section section = {"files", "6 The bytes that ran", "IEC 62304 5.8.7, 8.3", {}, {}, {}};
  Table table = {"Files of what ran", {"File", "Digest", "Bytes"}, {}, "No files are recorded of what ran."};
  for (const auto& [path, file] : inquiry.files) {
    Cell bytes = {"only the digest: no SHA-256 was recorded", Mark::kBad, {}};
    const StatusOr<Digest> digest = Digest::FromBytes(file.digest().value());
    if (file.digest().algorithm() == v1::SHA256 && digest.ok()) {
      const Status included = inquiry.options.include ? inquiry.options.include(*digest) : absl::NotFoundError("");
      bytes = included.ok() ? Cell{Text("objects/", digest->hex()), Mark::kGood, {}}
                            : Cell{inquiry.options.include ? Text("only the digest: ", MessageOf(included))
                                                           : "only the digest: no object store was asked",
                                   Mark::kBad,
                                   {}};
    }
    if (bytes.mark == Mark::kBad) section.gaps.push_back({"IEC 62304 5.8.7", Text(path, ": ", bytes.text), {}});
    table.rows.push_back(
        {{path, Mark::kNone, {}},
         {file.missing() ? "none recorded" : DigestText(file.digest()), file.weak() ? Mark::kBad : Mark::kNone, {}},
         std::move(bytes)});
  }
  if (inquiry.files.empty()) section.gaps.push_back({"IEC 62304 5.8.7", "no files are recorded of what ran", {}});
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddRisks(Inquiry& inquiry) {
  for (const v1::EntityRef& affected : EntitiesOf(inquiry.records, "affected", "software_item")) {
    inquiry.software_items.emplace(affected.id(), WithoutRole(affected));
  }
  if (inquiry.software_items.empty()) {
    inquiry.document.sections.push_back(
        {"risk",
         "7 Risks of what is affected",
         "IEC 62304 7; ISO 14971:2019",
         {},
         {{"IEC 62304 7.1",
           "neither the problem nor what ran leads to a software item, so no risk is known to belong to it",
           {}}},
         {}});
    return OkStatus();
  }
  for (const auto& [id, item] : inquiry.software_items) {
    v1::EntityRef any = item;
    any.clear_version();
    ASSIGN_OR_RETURN(Section section, TraceSection(inquiry.view, any));
    section.id = Text("risk-", id);
    section.title = Text("7 Risks and trace of ", EntityKeyText(any));
    section.clauses = "IEC 62304 7; ISO 14971:2019";
    std::swap(section.tables.front(), section.tables.back());
    inquiry.document.sections.push_back(std::move(section));
  }
  return OkStatus();
}

}  // namespace anamnesis::exports
