#include <algorithm>
#include <utility>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_software.pb.h"
#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"

namespace anamnesis::exports {
namespace {

// As far as a question about lineage goes.
constexpr uint32_t kLineageDepthMax = 64;

// The event that defines exactly this version, and may list its files.
Status NoteDefinition(Inquiry& inquiry, const v1::EntityRef& entity) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = WithoutRole(entity);
  question.mutable_status()->set_limit(1);
  const StatusOr<v1::Answer> answer = inquiry.view.Ask(std::move(question));
  if (absl::IsNotFound(answer.status())) return OkStatus();
  RETURN_IF_ERROR(answer.status());
  for (const v1::StatusAnswer::Version& version : answer->status().versions()) {
    if (version.version() == entity.version() && version.has_defined())
      inquiry.made.emplace(EntityKeyText(entity), version.defined());
  }
  return OkStatus();
}

bool DefinesFiles(std::string_view type) {
  return type == "model.registered" || type == "artifact.produced" || type == "build.completed";
}

// What holds may name, among what something was made from.
bool IsHeldByItself(std::string_view kind) {
  return kind == "artifact" || kind == "model" || kind == "release" || kind == "baseline" || kind == "soup" ||
         kind == "envelope" || kind == "software_item" || kind == "sandbox_protocol";
}

void NoteEdge(Inquiry& inquiry, const std::string& item, const v1::LineageAnswer::Edge& edge) {
  // A reference without a version leads to whatever version was meant.
  for (const v1::EntityRef* one : {&edge.input(), &edge.product()}) inquiry.made_from[item].insert(EntityKeyText(*one));
  if (edge.input().kind() == "software_item")
    inquiry.software_items.emplace(edge.input().id(), WithoutRole(edge.input()));
  if (DefinesFiles(edge.leaf().type())) inquiry.made.emplace(EntityKeyText(edge.product()), edge.leaf());
  if (IsHeldByItself(edge.input().kind()))
    inquiry.scope.emplace(EntityKeyText(edge.input()), WithoutRole(edge.input()));
}

// --- Files ---

// The files that an event lists of what it defines.
StatusOr<std::vector<v1::FileRecord>> FilesOf(const LedgerView& view, const v1::LeafReference& definition) {
  ASSIGN_OR_RETURN(const v1::Event event, view.Event(definition.index()));
  v1::ModelRegistered model;
  v1::ArtifactProduced artifact;
  v1::BuildCompleted build;
  if (event.content().UnpackTo(&model)) return std::vector(model.files().begin(), model.files().end());
  if (event.content().UnpackTo(&artifact)) return std::vector(artifact.files().begin(), artifact.files().end());
  if (event.content().UnpackTo(&build)) return std::vector(build.outputs().begin(), build.outputs().end());
  return std::vector<v1::FileRecord>();
}

// Where the bytes with the digest are: in the export, or nowhere.
StatusOr<Cell> BytesCell(const Inquiry& inquiry, const v1::ContentDigest& recorded) {
  const StatusOr<Digest> digest = Digest::FromBytes(recorded.value());
  if (recorded.algorithm() != v1::SHA256 || !digest.ok())
    return Cell{"only the digest: no SHA-256 was recorded", Mark::kBad, {}};
  if (!inquiry.options.include) return Cell{"only the digest: no object store was asked", Mark::kBad, {}};
  const Status included = inquiry.options.include(*digest);
  // In words of our own: which store was asked, and how it says so, would make other bytes of the same ledger.
  if (absl::IsNotFound(included)) return Cell{"only the digest: no object store has it", Mark::kBad, {}};
  if (absl::IsDataLoss(included)) return Cell{"only the digest: what the object store has is damaged", Mark::kBad, {}};
  RETURN_IF_ERROR(WithContext(included, Text("object ", digest->hex())));
  return Cell{Text("objects/", digest->hex()), Mark::kGood, {}};
}

Status AddFile(const Inquiry& inquiry, const std::string& path, const std::string& owner, Cell whose,
               const v1::ContentDigest& digest, bool missing, Section& section, Table& table) {
  ASSIGN_OR_RETURN(Cell bytes, BytesCell(inquiry, digest));
  if (bytes.mark == Mark::kBad)
    section.gaps.push_back({"IEC 62304 5.8.7", Text(path, " of ", owner, ": ", bytes.text), {}});
  table.rows.push_back(
      {{path, Mark::kNone, {}},
       std::move(whose),
       {missing ? "none recorded" : DigestText(digest), !missing && IsWeak(digest) ? Mark::kBad : Mark::kNone, {}},
       std::move(bytes)});
  return OkStatus();
}

// That the files of one thing are listed says nothing of the others that ran.
void AddFileGaps(const Inquiry& inquiry, const std::set<std::string>& listed, Section& section) {
  const auto is_listed = [&](const std::string& name) { return listed.count(name) > 0; };
  for (const auto& [name, item] : inquiry.items) {
    if (!item.known()) continue;
    const auto from = inquiry.made_from.find(name);
    const bool leads_there =
        from != inquiry.made_from.end() && std::any_of(from->second.begin(), from->second.end(), is_listed);
    if (is_listed(name) || leads_there) continue;
    section.gaps.push_back(
        {"IEC 62304 5.8.7", Text(name, ": no files are recorded of it, nor of what it was made from"), {}});
  }
  if (inquiry.items.empty()) section.gaps.push_back({"IEC 62304 5.8.7", "no files are recorded of what ran", {}});
}

}  // namespace

Status AddLineage(Inquiry& inquiry) {
  Section section = {"lineage", "5 What it was made of",        "IEC 62304 8.1.1, 8.3",
                     {},        std::move(inquiry.origin_gaps), {}};
  Table table = {"From what ran up to code, data and people",
                 {"What ran", "Product", "Made from", "Distance", "Said by"},
                 {},
                 "Nothing that ran is known."};
  for (const auto& [name, item] : inquiry.items) {
    if (!item.known()) {
      section.gaps.push_back({"IEC 62304 8.3", Text(name, ": nothing is known of its origin"), {}});
      continue;
    }
    RETURN_IF_ERROR(NoteDefinition(inquiry, item.entity));
    inquiry.scope.emplace(name, WithoutRole(item.entity));
    bool cut_off = false;
    uint64_t from = 0;
    do {
      v1::Question question;
      *question.mutable_lineage()->mutable_entity() = WithoutRole(item.entity);
      question.mutable_lineage()->set_direction(v1::LineageQuestion::UP);
      question.mutable_lineage()->set_depth_max(kLineageDepthMax);
      question.mutable_lineage()->set_from(from);
      ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.3", section));
      for (const v1::LineageAnswer::Edge& edge : answer.lineage().edges()) {
        NoteEdge(inquiry, name, edge);
        table.rows.push_back({{Text(name, item.possibly ? ", possibly" : ""), Mark::kNone, {}},
                              {EntityKeyText(edge.product()), Mark::kNone, {}},
                              {EntityKeyText(edge.input()), Mark::kNone, {}},
                              {std::to_string(edge.depth()), Mark::kNone, {}},
                              Cite(edge.leaf().type(), edge.leaf().index())});
      }
      if (table.rows.size() > kRecordsMax)
        return absl::ResourceExhaustedError("the lineage of what ran is larger than an export");
      cut_off |= answer.lineage().depth_reached();
      from = answer.lineage().next();
    } while (from != 0);
    if (cut_off) {
      section.gaps.push_back(
          {"IEC 62304 8.3",
           Text(name, ": its origin goes on beyond ", kLineageDepthMax, " steps, and is not told further than that"),
           {}});
    }
  }
  if (table.rows.empty()) section.gaps.push_back({"IEC 62304 8.3", "no lineage is recorded of what ran", {}});
  SayUncertain(inquiry, "IEC 62304 8.3", section, table);
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddFiles(Inquiry& inquiry) {
  Section section = {"files", "6 The bytes that ran", "IEC 62304 5.8.7, 8.3", {}, {}, {}};
  Table table = {"Files of what ran and of what that was made from",
                 {"File", "Of", "Digest", "Bytes"},
                 {},
                 "No files are recorded of what ran."};
  for (const auto& [name, item] : inquiry.items) {
    if (item.known()) continue;
    RETURN_IF_ERROR(AddFile(inquiry, "measured by the unit", name, {"unknown; it ran", Mark::kBad, {}},
                            item.entity.digest(), false, section, table));
  }
  std::set<std::string> listed;
  for (const auto& [owner, definition] : inquiry.made) {
    const auto ran = inquiry.items.find(owner);
    const std::string_view how = ran == inquiry.items.end() ? "; what ran was made from it"
                                 : ran->second.possibly     ? "; it possibly ran"
                                                            : "; it ran";
    ASSIGN_OR_RETURN(const std::vector<v1::FileRecord> files, FilesOf(inquiry.view, definition));
    for (const v1::FileRecord& file : files) {
      RETURN_IF_ERROR(AddFile(inquiry, file.path(), owner, Cite(Text(owner, how), definition.index()), file.digest(),
                              !file.has_digest(), section, table));
    }
    if (!files.empty()) listed.insert(owner);
  }
  AddFileGaps(inquiry, listed, section);
  SayUncertain(inquiry, "IEC 62304 5.8.7", section, table);
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
