#include "client/exports/sections.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "anamnesis/v1/signature.pb.h"
#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_erasure.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "client/exports/records.h"
#include "ledger/base/bytes.h"
#include "ledger/base/shortened.h"
#include "ledger/event/header.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/citation.h"
#include "ledger/query/events.h"
#include "ledger/query/message_fields.h"
#include "ledger/query/recording_gap.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

constexpr size_t kAboutMax = 4;
constexpr size_t kSaysMax = 4;
constexpr size_t kSaysBytesMax = 160;
constexpr size_t kKeyDigitsShown = 16;

std::string AboutText(const v1::EventHeader& header) {
  std::string about;
  int count = 0;
  for (const v1::EntityRef& ref : header.refs()) {
    if (count == kAboutMax) return Text(about, "\nand ", header.refs_size() - count, " more");
    about += Text(count++ == 0 ? "" : "\n", EntityKeyText(ref));
  }
  return about;
}

const google::protobuf::FieldDescriptor* SignatureField(const EventType* type) {
  return type == nullptr ? nullptr : type->body->FindFieldByName("signature");
}

Cited Unreadable(Cited cited) {
  cited.unreadable = true;
  cited.says = "could not be read by this version";
  return cited;
}

Cited CitedOf(const v1::LeafReference& leaf, const v1::Event& event) {
  Cited cited;
  cited.leaf = leaf;
  cited.written_latest = Timestamp(event.header().occurred_latest_us());
  cited.refs.assign(event.header().refs().begin(), event.header().refs().end());
  cited.stream = event.header().stream();
  if (event.has_seal()) cited.seal_key = event.seal().key_id();
  cited.about = AboutText(event.header());
  cited.erased = event.body_state() == v1::BODY_ERASED;
  if (cited.erased) cited.says = "the body is erased";
  const EventType* type = Vocabulary::Get().Find(event.header().type(), event.header().schema_version());
  if (cited.erased) return cited;
  if (type == nullptr) return Unreadable(std::move(cited));
  const StatusOr<std::unique_ptr<google::protobuf::Message>> body = ParseBody(*type, event.body().content());
  if (!body.ok()) return Unreadable(std::move(cited));
  const google::protobuf::FieldDescriptor* signature = SignatureField(type);
  cited.signed_by_person = signature != nullptr && (*body)->GetReflection()->HasField(**body, signature);
  size_t said = 0;
  for (const auto& [name, value] : FieldTextsOf(**body)) {
    if (said++ == kSaysMax) break;
    cited.says += Text(said == 1 ? "" : "; ", name, ": ", Shortened(value, kSaysBytesMax));
  }
  if (!event.header().rationale().empty()) {
    cited.says += Text(said == 0 ? "" : "; ", "because: ", Shortened(event.header().rationale(), kSaysBytesMax));
  }
  return cited;
}

std::string_view KindText(v1::RecordCorrected::Kind kind) {
  switch (kind) {
    case v1::RecordCorrected::RETRACTED:
      return "retracted";
    case v1::RecordCorrected::OCCURRED_AT:
      return "moved in time";
    case v1::RecordCorrected::ANNOTATED:
      return "annotated";
    default:
      return "corrected";
  }
}

void AddNoLongerCounts(const Cited& record, Cell& cell) {
  if (!record.void_effect) return;
  cell.text += Text("\nNo longer counts", record.corrected.empty() ? "" : ": ", record.corrected);
  cell.mark = Mark::kBad;
  cell.leaves = record.corrected_by;
}

// "retracted by person:ada: measured on the wrong build (leaf 7)".
void AddCorrection(std::string_view what, const v1::Agent& by, std::string_view rationale, uint64_t leaf, bool counts,
                   Cited& cited) {
  cited.corrected += Text(cited.corrected.empty() ? "" : "; ", what, " by ", AgentText(by),
                          rationale.empty() ? "" : Text(": ", rationale), " (leaf ", leaf,
                          counts ? ")" : "), which was itself taken back");
  cited.corrected_by.push_back(leaf);
}

bool IsFailureOfLedger(const Status& status) {
  return !absl::IsNotFound(status) && !absl::IsInvalidArgument(status) && !absl::IsFailedPrecondition(status) &&
         !absl::IsResourceExhausted(status);
}

Cell StateCell(v1::TraceAnswer::State state) {
  const bool linked = state == v1::TraceAnswer::LINKED;
  return {Words(v1::TraceAnswer::State_Name(state)), linked ? Mark::kGood : Mark::kBad, {}};
}

// --- Time ---

std::string GapText(int64_t us) {
  const int64_t seconds = us / 1'000'000;
  if (seconds < 0) return Text("-", -seconds, " s");
  if (seconds < 120) return Text(seconds, " s");
  if (seconds < 7200) return Text(seconds / 60, " min");
  if (seconds < 2 * 86'400) return Text(seconds / 3600, " h");
  return Text(seconds / 86'400, " d");
}

struct TypeTimes {
  uint64_t events = 0;
  std::map<std::string, uint64_t> judgements;
  std::array<uint64_t, kGapBins> recorded_after = {};
  // Recorded before the time until which they are said to have happened.
  uint64_t dated_later = 0;
};

// As the ledger counts them itself: a correction of the time can make the gap longer, and never shorter.
StatusOr<int64_t> GapOf(const Cited& record) {
  ASSIGN_OR_RETURN(const Timestamp recorded, FromProtoTime(record.leaf.recorded(), "recorded"));
  ASSIGN_OR_RETURN(const Timestamp latest, FromProtoTime(record.leaf.occurred_latest(), "occurred_latest"));
  return recorded.us - std::min(latest, record.written_latest).us;
}

Status CountGaps(const std::map<uint64_t, Cited>& records, std::map<std::string, TypeTimes>& types) {
  for (const auto& [leaf, record] : records) {
    if (record.void_effect) continue;
    ASSIGN_OR_RETURN(const int64_t gap, GapOf(record));
    TypeTimes& times = types[record.leaf.type()];
    ++(gap < 0 ? times.dated_later : times.recorded_after[GapBinOf(gap)]);
  }
  return OkStatus();
}

Status AddContemporaneityPages(const LedgerView& view, const std::map<uint64_t, Cited>& records, Section& section,
                               std::map<std::string, TypeTimes>& types, Table& table) {
  std::set<std::string> notes;
  // By stream, which of our records are in it.
  std::map<std::string, std::set<uint64_t>> streams;
  for (const auto& [leaf, record] : records) streams[record.stream].insert(leaf);
  uint64_t from = records.begin()->first;
  const uint64_t last = records.rbegin()->first;
  bool first = true;
  while (from <= last && (first || from != 0)) {
    v1::Question question;
    question.mutable_contemporaneity()->set_from(from);
    ASSIGN_OR_RETURN(const v1::Answer answer, view.Ask(std::move(question)));
    const v1::ContemporaneityAnswer& page = answer.contemporaneity();
    for (const std::string& note : answer.notes()) {
      if (notes.insert(note).second) section.paragraphs.push_back(Text("Note: ", note));
    }
    if (first && !page.has_policy()) {
      section.gaps.push_back(
          {"21 CFR 11.10(e)", "no contemporaneity policy is adopted, so nothing says which record is late", {}});
    }
    first = false;
    for (const v1::ContemporaneityAnswer::OfEvent& event : page.events()) {
      if (records.count(event.leaf().index()) == 0) continue;
      TypeTimes& times = types[event.leaf().type()];
      const std::string judgement = Text(Words(v1::ContemporaneityAnswer::Judgement_Name(event.judgement())),
                                         event.corrected() ? ", its time corrected since" : "");
      ++times.judgements[judgement];
      const bool late = event.judgement() == v1::ContemporaneityAnswer::LATE ||
                        event.judgement() == v1::ContemporaneityAnswer::FUTURE_DATED;
      if (!late) continue;
      table.rows.push_back({Cite(event.leaf().type(), event.leaf().index()),
                            {judgement, Mark::kBad, {}},
                            {OccurredText(event.leaf()), Mark::kNone, {}},
                            {GapText(event.gap_us()), Mark::kNone, {}},
                            {event.late_reason().empty() ? "no reason given" : event.late_reason(), Mark::kNone, {}}});
    }
    for (const v1::ContemporaneityAnswer::Burst& burst : page.bursts()) {
      // A burst is of one stream; leaves of others lie between its own.
      const std::set<uint64_t>& ours = streams[burst.stream()];
      const auto inside = ours.lower_bound(burst.first_leaf());
      if (inside == ours.end() || *inside > burst.last_leaf()) continue;
      section.gaps.push_back({"21 CFR 11.10(e)",
                              Text(burst.events(), " records of ", burst.stream(), " from leaf ", burst.first_leaf(),
                                   " to ", burst.last_leaf(), " happened over ", GapText(burst.occurred_spread_us()),
                                   " and were recorded within ", GapText(burst.recorded_spread_us()), ": back-filled"),
                              {}});
    }
    for (const v1::ContemporaneityAnswer::Conflict& conflict : page.conflicts()) {
      if (records.count(conflict.effect().index()) == 0) continue;
      section.gaps.push_back({"21 CFR 11.10(e)",
                              Text(conflict.effect().type(), " of leaf ", conflict.effect().index(),
                                   " is said to have ended before its cause, ", conflict.cause().type(), " of leaf ",
                                   conflict.cause().index(), ", began: one of the two times is wrong"),
                              {conflict.effect().index(), conflict.cause().index()}});
    }
    from = page.next();
  }
  return OkStatus();
}

Table GapTable(const std::map<std::string, TypeTimes>& types) {
  Table table = {"How many were recorded how long after they happened",
                 {"Type", "Up to 1 s", "1 min", "1 h", "24 h", "7 d", "30 d", "Later", "Dated later"},
                 {},
                 "There are no records."};
  for (const auto& [type, times] : types) {
    std::vector<Cell> row;
    row.push_back({type, Mark::kNone, {}});
    for (const uint64_t events : times.recorded_after) row.push_back({std::to_string(events), Mark::kNone, {}});
    row.push_back({std::to_string(times.dated_later), Mark::kNone, {}});
    table.rows.push_back(std::move(row));
  }
  return table;
}

// --- Signatures ---

class Names {
 public:
  explicit Names(const LedgerView& view) : view_(view) {}

  // The printed name of a person and the leaf that says so.
  StatusOr<Cell> Printed(const v1::Agent& agent) {
    const auto [place, added] = names_.try_emplace(AgentText(agent));
    if (!added) return place->second;
    v1::Question question;
    *question.mutable_status()->mutable_entity() = EntityOf(agent.kind(), agent.id());
    question.mutable_status()->set_limit(1);
    const StatusOr<v1::Answer> answer = view_.Ask(std::move(question));
    if (!answer.ok() && IsFailureOfLedger(answer.status())) return answer.status();
    place->second = {"not enrolled", Mark::kBad, {}};
    if (!answer.ok()) return place->second;
    for (const v1::StatusAnswer::Version& version : answer->status().versions()) {
      if (!version.has_defined()) continue;
      ASSIGN_OR_RETURN(const v1::Event event, view_.Event(version.defined().index()));
      v1::PersonEnrolled enrolled;
      if (!event.content().UnpackTo(&enrolled)) {
        place->second = Cite(event.body_state() == v1::BODY_ERASED ? "erased" : "-", event.index());
      } else {
        place->second = Cite(enrolled.printed_name(), event.index());
      }
    }
    return place->second;
  }

 private:
  const LedgerView& view_;
  std::map<std::string, Cell> names_;
};

Status AddSignature(const LedgerView& view, const Cited& record, Names& names, Table& table) {
  ASSIGN_OR_RETURN(const v1::Event event, view.Event(record.leaf.index()));
  const EventType* type = Vocabulary::Get().Find(event.header().type(), event.header().schema_version());
  ASSIGN_OR_RETURN(const auto body, ParseBody(*type, event.body().content()));
  const auto& signature =
      static_cast<const v1::ElectronicSignature&>(body->GetReflection()->GetMessage(*body, SignatureField(type)));
  std::string components;
  for (const int component : signature.components()) {
    components += Text(
        components.empty() ? "" : ", ",
        Words(v1::ElectronicSignature::Component_Name(static_cast<v1::ElectronicSignature::Component>(component))));
  }
  ASSIGN_OR_RETURN(Cell printed, names.Printed(event.header().actor()));
  Cell signed_at = {FormatTime(Timestamp(signature.signed_at_us())), Mark::kNone, {}};
  AddNoLongerCounts(record, signed_at);
  table.rows.push_back({Cite(record.leaf.type(), record.leaf.index(), record.void_effect ? Mark::kVoid : Mark::kNone),
                        {record.about, Mark::kNone, {}},
                        {AgentText(event.header().actor()), Mark::kNone, {}},
                        std::move(printed),
                        {Words(v1::ElectronicSignature::Meaning_Name(signature.meaning())), Mark::kNone, {}},
                        std::move(signed_at),
                        {components, Mark::kNone, {}}});
  return OkStatus();
}

// By what a record shows of who wrote it. A seal stands in the last record of its run.
StatusOr<Cell> SealCell(const LedgerView& view, const Cited& record) {
  if (record.stream == kLedgerStream) return Cell{"no seal: the ledger decided it by itself", Mark::kNone, {}};
  if (record.seal_key.empty()) return Cell{"the seal of its run, in a later record", Mark::kNone, {}};
  const std::string key = Text("key ", HexEncode(record.seal_key).substr(0, kKeyDigitsShown), "…");
  const StatusOr<v1::Credential> issued = view.IssueOf(record.seal_key);
  if (absl::IsNotFound(issued.status())) return Cell{Text(key, ", which no record names"), Mark::kBad, {}};
  RETURN_IF_ERROR(issued.status());
  return Cite(Text(key, " of ", AgentText(issued->holder())), issued->issued_index());
}

Status AddWriters(const LedgerView& view, const std::map<uint64_t, Cited>& records, Names& names, Section& section) {
  struct Writer {
    Cell sealed;
    uint64_t records = 0;
    uint64_t first = 0;
  };
  // By the writer and the key that sealed, or why none is told.
  std::map<std::pair<std::string, std::string>, Writer> writers;
  for (const auto& [leaf, record] : records) {
    const std::string sealed = record.stream == kLedgerStream ? record.stream : record.seal_key;
    Writer& writer = writers[{AgentText(record.leaf.actor()), sealed}];
    if (writer.records++ > 0) continue;
    writer.first = leaf;
    ASSIGN_OR_RETURN(writer.sealed, SealCell(view, record));
  }
  Table table = {"Who wrote the records",
                 {"Writer", "Printed name", "Records", "First", "Sealed with"},
                 {},
                 "There are no records."};
  for (auto& [name, writer] : writers) {
    const v1::LeafReference& first = records.at(writer.first).leaf;
    Cell printed = {"-", Mark::kNone, {}};
    if (first.actor().kind() == "person") {
      ASSIGN_OR_RETURN(printed, names.Printed(first.actor()));
    }
    table.rows.push_back({{name.first, Mark::kNone, {}},
                          std::move(printed),
                          {std::to_string(writer.records), Mark::kNone, {}},
                          Cite(first.type(), writer.first),
                          std::move(writer.sealed)});
  }
  section.tables.push_back(std::move(table));
  return OkStatus();
}

}  // namespace

// --- Records ---

StatusOr<std::map<uint64_t, Cited>> ReadCited(const LedgerView& view, const std::vector<v1::LeafReference>& leaves) {
  std::map<uint64_t, Cited> cited;
  // By the id of what they replace, the leaves of events of the same type.
  std::map<std::string, std::vector<uint64_t>> replacements;
  std::map<uint64_t, std::string> ids;
  for (const v1::LeafReference& leaf : leaves) {
    if (cited.count(leaf.index()) > 0) continue;
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf.index()));
    cited.emplace(leaf.index(), CitedOf(leaf, event));
    ids.emplace(leaf.index(), event.header().event_id());
    if (!event.header().corrects().empty() && leaf.type() != "record.corrected")
      replacements[event.header().corrects()].push_back(leaf.index());
  }
  // First which of them count: that is told of a replacement as well.
  for (auto& [leaf, one] : cited) {
    ASSIGN_OR_RETURN(const std::vector<Correction>* corrections, view.corrections().Of(ids.at(leaf)));
    if (corrections->empty() && replacements.count(ids.at(leaf)) == 0) continue;
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf));
    ASSIGN_OR_RETURN(const bool counts, view.corrections().Counts(event));
    one.void_effect = !counts;
  }
  for (auto& [leaf, one] : cited) {
    ASSIGN_OR_RETURN(const std::vector<Correction>* corrections, view.corrections().Of(ids.at(leaf)));
    for (const Correction& by : *corrections)
      AddCorrection(KindText(by.kind), by.actor, by.rationale, by.leaf, by.counts, one);
    for (const uint64_t by : replacements[ids.at(leaf)]) {
      const Cited& other = cited.at(by);
      AddCorrection("replaced", other.leaf.actor(), other.leaf.rationale(), by, !other.void_effect, one);
    }
  }
  return cited;
}

// Of records that no longer count, though nothing among them says why: what replaced them. It has their type, and may
// refer to something else.
Status AddReplacements(const LedgerView& view, const std::map<std::string, Cited*>& replaced) {
  std::set<std::string> types;
  for (const auto& [event_id, record] : replaced) types.insert(record->leaf.type());
  for (const std::string& type : types) {
    RETURN_IF_ERROR(VisitOfType(view.client(), type, view.tree_size(), [&](const v1::Event& event) {
      const auto found = replaced.find(event.header().corrects());
      if (found == replaced.end()) return OkStatus();
      ASSIGN_OR_RETURN(const bool counts, view.corrections().Counts(event));
      AddCorrection("replaced", event.header().actor(), event.header().rationale(), event.index(), counts,
                    *found->second);
      return OkStatus();
    }));
  }
  return OkStatus();
}

StatusOr<std::map<uint64_t, Cited>> ReadLeaves(const LedgerView& view, const std::set<uint64_t>& leaves) {
  std::vector<v1::LeafReference> references;
  for (const uint64_t leaf : leaves) {
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf));
    references.push_back(CitationOf(event));
  }
  ASSIGN_OR_RETURN(auto cited, ReadCited(view, references));
  std::map<std::string, Cited*> replaced;
  for (auto& [leaf, one] : cited) {
    if (!one.signed_by_person || one.void_effect) continue;
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf));
    ASSIGN_OR_RETURN(const bool counts, view.corrections().Counts(event));
    one.void_effect = !counts;
    if (!counts) replaced.emplace(event.header().event_id(), &one);
  }
  RETURN_IF_ERROR(AddReplacements(view, replaced));
  return cited;
}

StatusOr<std::map<uint64_t, Cited>> RecordsOf(const LedgerView& view, const v1::EntityRef& subject) {
  std::vector<v1::LeafReference> leaves;
  const Status visited = view.VisitRecords(subject, [&](const v1::LeafReference& leaf) { leaves.push_back(leaf); });
  if (!visited.ok() && !absl::IsNotFound(visited)) return visited;
  return ReadCited(view, leaves);
}

bool IsOfTypes(std::string_view type, const std::set<std::string_view>& types) {
  if (types.count(type) > 0) return true;
  const size_t dot = type.find('.');
  return dot != std::string_view::npos && types.count(type.substr(0, dot + 1)) > 0;
}

std::vector<const Cited*> AllOfTypes(const std::map<uint64_t, Cited>& records,
                                     const std::set<std::string_view>& types) {
  std::vector<const Cited*> found;
  for (const auto& [leaf, record] : records) {
    if (IsOfTypes(record.leaf.type(), types)) found.push_back(&record);
  }
  return found;
}

std::vector<const Cited*> OfTypes(const std::map<uint64_t, Cited>& records, const std::set<std::string_view>& types) {
  std::vector<const Cited*> found = AllOfTypes(records, types);
  std::erase_if(found, [](const Cited* record) { return record->void_effect; });
  return found;
}

Section SectionOf(const Part& part, const std::vector<const Cited*>& records) {
  Section section = {std::string(part.id), std::string(part.title), std::string(part.clauses), {}, {}, {}};
  const auto counts = [](const Cited* record) { return !record->void_effect; };
  if (records.empty()) {
    section.gaps.push_back({section.clauses, "nothing at all is recorded that belongs into this section", {}});
  } else if (std::none_of(records.begin(), records.end(), counts)) {
    section.gaps.push_back({section.clauses, "whatever was recorded of it was retracted or replaced", {}});
  }
  for (const Cited* record : records) {
    if (record->unreadable)
      section.gaps.push_back({section.clauses,
                              Text(record->leaf.type(), " of leaf ", record->leaf.index(),
                                   ": its content could not be read by this version; a newer one may"),
                              {record->leaf.index()}});
  }
  section.tables.push_back(RecordsTable("Records", records, "No record."));
  return section;
}

Table RecordsTable(std::string title, const std::vector<const Cited*>& records, std::string when_empty) {
  Table table = {std::move(title), {"Record", "About", "Says", "Occurred", "By"}, {}, std::move(when_empty)};
  for (const Cited* record : records) {
    const Mark mark = record->void_effect ? Mark::kVoid : Mark::kNone;
    const Mark says = record->erased || record->unreadable ? Mark::kBad : mark;
    table.rows.push_back({Cite(record->leaf.type(), record->leaf.index(), mark),
                          {record->about, mark, {}},
                          {record->says, says, {}},
                          OccurredCell(*record),
                          {AgentText(record->leaf.actor()), Mark::kNone, {}}});
  }
  return table;
}

Cell OccurredCell(const Cited& record) {
  Cell cell = {Text(OccurredText(record.leaf), record.leaf.retrospective() ? " (retrospective)" : ""), Mark::kNone,
               record.corrected_by};
  AddNoLongerCounts(record, cell);
  if (!record.void_effect && !record.corrected.empty()) cell.text += Text("\n", record.corrected);
  return cell;
}

std::vector<v1::EntityRef> EntitiesOf(const std::map<uint64_t, Cited>& records, std::string_view role,
                                      std::string_view kind) {
  std::map<std::string, v1::EntityRef> entities;
  for (const auto& [leaf, record] : records) {
    if (record.void_effect) continue;
    for (const v1::EntityRef& ref : record.refs) {
      if (ref.kind() == kind && (role.empty() || ref.role() == role)) entities.emplace(EntityKeyText(ref), ref);
    }
  }
  std::vector<v1::EntityRef> list;
  for (auto& [name, entity] : entities) list.push_back(std::move(entity));
  return list;
}

StatusOr<v1::Answer> AskOrGap(const LedgerView& view, v1::Question question, std::string_view clause,
                              Section& section) {
  StatusOr<v1::Answer> answer = view.Ask(std::move(question));
  if (answer.ok()) {
    for (const std::string& note : answer->notes()) section.paragraphs.push_back(Text("Note: ", note));
    return answer;
  }
  if (IsFailureOfLedger(answer.status())) return answer.status();
  section.gaps.push_back({std::string(clause), std::string(MessageOf(answer.status())), {}});
  return v1::Answer();
}

// --- Sections ---

StatusOr<Section> TraceSection(const LedgerView& view, const v1::EntityRef& item) {
  Section section = {"trace", "Trace matrix", "IEC 62304 5.1.1 c), 5.7.4, 7.3.3", {}, {}, {}};
  v1::Question question;
  *question.mutable_trace()->mutable_subject() = item;
  ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(view, std::move(question), "IEC 62304 7.3.3", section));
  const v1::TraceAnswer& trace = answer.trace();
  const auto name = [&](uint32_t element) {
    const v1::TraceAnswer::Element& one = trace.elements(static_cast<int>(element));
    return Text(EntityKeyText(one.entity()), one.result().empty() ? "" : Text(" ", Words(one.result())));
  };
  Table cells = {"From each element to what it should lead to",
                 {"Element", "Leads to", "State", "Linked", "Asked for by"},
                 {},
                 "Nothing is recorded between which a trace could be drawn."};
  for (const v1::TraceAnswer::Cell& cell : trace.cells()) {
    std::string linked;
    for (const uint32_t other : cell.linked()) linked += Text(linked.empty() ? "" : ", ", name(other));
    if (linked.empty()) linked = "-";
    const v1::TraceAnswer::Element& element = trace.elements(static_cast<int>(cell.element()));
    const Cell from = element.has_leaf() ? Cite(name(cell.element()), element.leaf().index())
                                         : Cell{name(cell.element()), Mark::kNone, {}};
    cells.rows.push_back({from,
                          {Words(cell.to_column()), Mark::kNone, {}},
                          StateCell(cell.state()),
                          {linked, Mark::kNone, {}},
                          {cell.clause(), Mark::kNone, {}}});
    if (cell.state() == v1::TraceAnswer::LINKED) continue;
    section.gaps.push_back({cell.clause().empty() ? "the adopted process profile" : cell.clause(),
                            Text(name(cell.element()), " has no ", Words(cell.to_column()),
                                 " that holds: ", Words(v1::TraceAnswer::State_Name(cell.state())),
                                 cell.text().empty() ? "" : Text(" (", cell.text(), ")")),
                            from.leaves});
  }
  section.tables.push_back(std::move(cells));
  Table chains = {"From hazardous situations to verified controls (7.3.3)",
                  {"Hazardous situation", "Item", "Cause", "Control", "Chain"},
                  {},
                  "No hazardous situation is recorded of it."};
  for (const v1::TraceAnswer::Chain& chain : trace.chains()) {
    const auto cell = [](const v1::EntityRef& entity) {
      return Cell{entity.id().empty() ? "-" : EntityKeyText(entity), Mark::kNone, {}};
    };
    Cell state =
        chain.missing_hop().empty() ? Cell{"complete", Mark::kGood, {}} : Cell{chain.missing_hop(), Mark::kBad, {}};
    state.leaves.assign(chain.implementation_verified().begin(), chain.implementation_verified().end());
    state.leaves.insert(state.leaves.end(), chain.effectiveness_verified().begin(),
                        chain.effectiveness_verified().end());
    if (!chain.missing_hop().empty()) {
      section.gaps.push_back(
          {"IEC 62304 7.3.3",
           Text("the chain from ", EntityKeyText(chain.hazardous_situation()), ": ", chain.missing_hop()),
           {}});
    }
    chains.rows.push_back({cell(chain.hazardous_situation()), cell(chain.item()), cell(chain.cause()),
                           cell(chain.control()), std::move(state)});
  }
  section.tables.push_back(std::move(chains));
  for (const uint32_t orphan : trace.orphans()) {
    section.gaps.push_back({"IEC 62304 5.1.1 c)", Text(name(orphan), ": no path leads to a requirement"), {}});
  }
  return section;
}

StatusOr<Section> ContemporaneitySection(const LedgerView& view, const std::map<uint64_t, Cited>& records) {
  Section section = {"contemporaneity", "Contemporaneity", "21 CFR 11.10(e); ALCOA+", {}, {}, {}};
  section.paragraphs.push_back(
      "How long after it happened each record was made, judged by the adopted policy. Records made after the fact from "
      "others say so and are counted apart. It is counted from when it had happened at the latest, as written or as "
      "corrected, whichever makes it longer; what was recorded before that is dated later.");
  std::map<std::string, TypeTimes> types;
  // What was taken back is not judged.
  for (const auto& [leaf, record] : records) types[record.leaf.type()].events += record.void_effect ? 0 : 1;
  std::erase_if(types, [](const auto& type) { return type.second.events == 0; });
  Table late = {
      "Late or dated in the future", {"Record", "Judgement", "Occurred", "Recorded after", "Reason"}, {}, "None."};
  if (!records.empty()) RETURN_IF_ERROR(AddContemporaneityPages(view, records, section, types, late));
  RETURN_IF_ERROR(CountGaps(records, types));
  Table table = {"By type", {"Type", "Records", "On time", "Otherwise"}, {}, "There are no records."};
  for (const auto& [type, times] : types) {
    std::string others;
    uint64_t counted = 0;
    for (const auto& [judgement, events] : times.judgements) {
      others += Text(others.empty() ? "" : ", ", events, " ", judgement);
      counted += events;
    }
    table.rows.push_back({{type, Mark::kNone, {}},
                          {std::to_string(times.events), Mark::kNone, {}},
                          {std::to_string(times.events - std::min(times.events, counted)), Mark::kNone, {}},
                          {others.empty() ? "-" : others, Mark::kNone, {}}});
  }
  section.tables.push_back(std::move(table));
  section.tables.push_back(GapTable(types));
  section.tables.push_back(std::move(late));
  return section;
}

StatusOr<Section> SignatureSection(const LedgerView& view, const std::map<uint64_t, Cited>& records) {
  Section section = {"signatures", "Signature register", "21 CFR 11.50, 11.70, 11.100", {}, {}, {}};
  section.paragraphs.push_back(
      "Writers seal their records with a key, each alone or several as a run, whose last record has the seal; what the "
      "ledger decides by itself has none. Each key is cited with the record that says whose it is: anamnesis verify "
      "holds the seal of a record that is sealed alone against that, and counts the others. Those below are signed by "
      "a person, with the meaning of the signature. The seal covers the record's content and cannot be moved.");
  Names names(view);
  Table table = {"Signed by persons",
                 {"Record", "About", "Signer", "Printed name", "Meaning", "Signed at", "Made of"},
                 {},
                 "No record is signed by a person."};
  for (const auto& [leaf, record] : records) {
    if (record.signed_by_person) RETURN_IF_ERROR(AddSignature(view, record, names, table));
    const EventType* type = Vocabulary::Get().FindNewest(record.leaf.type());
    const bool may_be_signed = type == nullptr || SignatureField(type) != nullptr;
    if (may_be_signed && (record.erased || record.unreadable))
      section.gaps.push_back({section.clauses,
                              Text(record.leaf.type(), " of leaf ", leaf, ": ", record.says,
                                   ", so whether a person signed it can't be told"),
                              {leaf}});
  }
  section.tables.push_back(std::move(table));
  RETURN_IF_ERROR(AddWriters(view, records, names, section));
  return section;
}

Section ClauseSection(const std::map<uint64_t, Cited>& records) {
  Section section = {
      "clauses", "Clause index", "IEC 62304, ISO 14971, 21 CFR 11 and others, as the vocabulary maps them", {}, {}, {}};
  std::map<std::string, std::vector<uint64_t>> clauses;
  for (const auto& [leaf, record] : records) {
    const EventType* type = Vocabulary::Get().FindNewest(record.leaf.type());
    if (type == nullptr || record.void_effect) continue;
    for (const std::string& clause : type->options->clauses()) clauses[clause].push_back(leaf);
  }
  // So many are linked from here; the rest are found by their type.
  constexpr size_t kLinked = 12;
  Table table = {"Which records serve which clause", {"Clause", "Records", "For example"}, {}, "There are no records."};
  for (auto& [clause, leaves] : clauses) {
    const size_t count = leaves.size();
    if (count > kLinked) leaves.resize(kLinked);
    table.rows.push_back(
        {{clause, Mark::kNone, {}}, {std::to_string(count), Mark::kNone, {}}, {"", Mark::kNone, std::move(leaves)}});
  }
  section.tables.push_back(std::move(table));
  return section;
}

StatusOr<Section> RedactionSection(const LedgerView& view, const std::vector<Record>& records) {
  Section section = {"redactions", "Redaction map", "Regulation (EU) 2016/679 Art. 17", {}, {}, {}};
  std::map<uint64_t, uint64_t> erased_by;
  RETURN_IF_ERROR(VisitOfType(view.client(), "subject_data.erased", view.tree_size(), [&](const v1::Event& event) {
    v1::SubjectDataErased erased;
    if (!event.content().UnpackTo(&erased)) return OkStatus();
    for (const uint64_t leaf : erased.erased_indexes()) erased_by.emplace(leaf, event.index());
    return OkStatus();
  }));
  Table table = {"Records whose body is erased",
                 {"Record", "Body commitment, which stays", "Erased by"},
                 {},
                 "None: every record that is cited here is whole."};
  for (const Record& record : records) {
    if (record.body != BodyPresence::kErased) continue;
    const auto by = erased_by.find(record.leaf);
    const bool before = by != erased_by.end();
    table.rows.push_back({Cite(record.type, record.leaf),
                          {record.body_commitment, Mark::kNone, {}},
                          before ? Cite("subject_data.erased", by->second)
                                 : Cell{"an event after the last one that this export covers", Mark::kNone, {}}});
  }
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace anamnesis::exports
