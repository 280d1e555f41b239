#include "client/exports/records.h"

#include <memory>
#include <utility>
#include <vector>

#include "client/exports/content.h"
#include "ledger/base/bytes.h"
#include "ledger/base/ids.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/message_fields.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

constexpr const char* kContent = "content";
constexpr const char* kUnread = "could not be read by this version";

using Fields = std::vector<std::pair<std::string, std::string>>;

bool IsUnread(const Fields& fields, size_t header_fields) {
  return fields.size() == header_fields + 1 && fields.back() == Fields::value_type(kContent, kUnread);
}

void AddFields(const v1::EventHeader& header, Record& record) {
  for (const v1::EntityRef& ref : header.refs()) {
    record.fields.emplace_back(Text("→ ", ref.role()),
                               Text(EntityKeyText(ref), ref.has_digest() ? Text(" ", DigestText(ref.digest())) : ""));
  }
  const auto add = [&](std::string name, const std::string& value) {
    if (!value.empty()) record.fields.emplace_back(std::move(name), value);
  };
  add("rationale", header.rationale());
  add("late because", header.late_reason());
  if (header.retrospective()) add("retrospective", "declared: made from other records after the fact");
  if (!header.corrects().empty()) add("corrects event", HexEncode(header.corrects()));
}

}  // namespace

v1::EntityRef EntityOf(std::string_view kind, std::string_view id) {
  v1::EntityRef entity;
  entity.set_kind(std::string(kind));
  entity.set_id(std::string(id));
  return entity;
}

std::string OccurredText(const v1::LeafReference& leaf) {
  const std::string earliest = TimeText(leaf.occurred_earliest());
  const std::string latest = TimeText(leaf.occurred_latest());
  return earliest == latest ? earliest : Text(earliest, " .. ", latest);
}

std::string SomeOf(const std::set<std::string>& names) {
  constexpr size_t kNamedMax = 3;
  std::string text;
  size_t count = 0;
  for (const std::string& name : names) {
    if (count++ == kNamedMax) return Text(text, " and ", names.size() - kNamedMax, " more");
    text += Text(text.empty() ? "" : ", ", name);
  }
  return text;
}

Cell Cite(std::string text, uint64_t leaf, Mark mark) { return {std::move(text), mark, {leaf}}; }

StatusOr<Record> RecordOf(uint64_t index, std::string_view leaf_bytes, std::optional<std::string_view> body_content) {
  ASSIGN_OR_RETURN(const LeafView leaf, ParseLeaf(leaf_bytes));
  ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(leaf.header));
  Record record;
  record.leaf = index;
  record.event_id = header.event_id.text();
  record.type = header.fields.type();
  record.stream = header.fields.stream();
  record.actor = AgentText(header.fields.actor());
  record.occurred = IntervalText(header.occurred_earliest(), header.occurred_latest());
  record.recorded = FormatTime(leaf.recorded);
  record.leaf_sha256 = Sha256(leaf_bytes).hex();
  record.body_commitment = header.body_commitment.hex();
  record.body = body_content.has_value() ? BodyPresence::kPresent : BodyPresence::kErased;
  AddFields(header.fields, record);
  const EventType* type = Vocabulary::Get().Find(record.type, header.fields.schema_version());
  if (!body_content.has_value()) return record;
  StatusOr<std::unique_ptr<google::protobuf::Message>> body = absl::NotFoundError("unknown type");
  if (type != nullptr) body = ParseBody(*type, *body_content);
  // Of a later version, or recorded before a rule was tightened: shown by its digests, and that it is.
  if (!body.ok()) {
    record.fields.emplace_back(kContent, kUnread);
    return record;
  }
  for (auto& field : FieldTextsOf(**body)) record.fields.push_back(std::move(field));
  return record;
}

Telling TellingOf(const Record& found, size_t header_fields, const Record& cited) {
  // Both: an older version may have let stand what this one takes out.
  Document told;
  told.records = {found, cited};
  CleanTexts(told);
  const Fields& ours = told.records[0].fields;
  const Fields& theirs = told.records[1].fields;
  if (ours == theirs) return Telling::kSame;
  const bool both_read = !IsUnread(ours, header_fields) && !IsUnread(theirs, header_fields);
  const size_t comparable = both_read ? ours.size() : header_fields;
  if (theirs.size() < comparable || (both_read && theirs.size() > comparable)) return Telling::kContradicts;
  std::set<std::string> names;
  for (const auto& [name, unused] : ours) names.insert(name);
  for (size_t i = 0; i < comparable; ++i) {
    if (theirs[i].second != ours[i].second) return Telling::kContradicts;
    // One name in the place of another that this version has as well is not another word for it.
    if (theirs[i].first != ours[i].first && names.contains(theirs[i].first)) return Telling::kContradicts;
  }
  return Telling::kOtherWords;
}

}  // namespace anamnesis::exports
