#include "client/cli/event_text.h"

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/cli/context.h"
#include "client/cli/plain_text.h"
#include "ledger/base/ids.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

std::string Padded(std::string text, size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

std::string Line(std::string_view label, std::string_view value) {
  return Text("  ", Padded(std::string(label), 14), OneLine(value), "\n");
}

}  // namespace

std::string ReferenceText(const v1::EntityRef& ref) {
  std::string text = Text(ref.role(), "=", ref.kind(), ":", ref.id());
  if (!ref.version().empty()) text += Text("@", ref.version());
  if (ref.has_digest()) text += Text("#", DigestText(ref.digest()));
  return text;
}

std::string EventLine(const v1::Event& event) {
  const v1::EventHeader& header = event.header();
  std::string entity;
  for (const v1::EntityRef& ref : header.refs()) {
    entity += Text(entity.empty() ? "" : ", ", EntityText(ref));
    if (entity.size() > 60) {
      entity = entity.substr(0, 60) + "…";
      break;
    }
  }
  return Text(Padded(std::to_string(event.index()), 7), Dim(TimeText(event.recorded())), "  ",
              Padded(header.type(), 26), Padded(header.stream(), 28), " ", entity);
}

std::string EventDetails(const v1::Event& event) {
  const v1::EventHeader& header = event.header();
  const StatusOr<EventId> id = EventId::FromBytes(header.event_id());
  std::string text = Bold(Text("leaf ", event.index(), "  ", header.type(), "\n"));
  text += Line("event id", id.ok() ? id->text() : "-");
  text +=
      Line("occurred", IntervalText(Timestamp(header.occurred_earliest_us()), Timestamp(header.occurred_latest_us())));
  text += Line("recorded", TimeText(event.recorded()));
  text += Line("stream", Text(header.stream(), " position ", header.stream_position()));
  text += Line("actor", AgentText(header.actor()));
  for (const v1::EntityRef& ref : header.refs()) text += Line("reference", ReferenceText(ref));
  for (const std::string& cause : header.causes()) text += Line("cause", EventId::FromBytes(cause)->text());
  if (!header.corrects().empty()) text += Line("corrects", EventId::FromBytes(header.corrects())->text());
  if (!header.rationale().empty()) text += Line("rationale", header.rationale());
  if (!header.late_reason().empty()) text += Line("late reason", header.late_reason());
  if (header.retrospective()) text += Line("retrospective", "yes");
  text += Line("commitment", Text(HexEncode(header.body_commitment()), " over ", header.body_size(), " bytes"));
  if (event.has_seal()) {
    const v1::SealStatement& seal = event.seal();
    text += Line("seal", Text("by key ", HexEncode(seal.key_id()), " over ", seal.count(), " event(s) from position ",
                              seal.first_position()));
  } else {
    text += Line("seal", header.stream() == "ledger" ? "none: decided by the ledger" : "in the last leaf of its run");
  }
  if (event.body_state() == v1::BODY_ERASED) text += Line("body", "erased");
  if (event.has_content()) {
    const StatusOr<std::string> json = ToJson(event.content(), true);
    text += Text("  body\n", json.ok() ? *json : std::string(MessageOf(json.status())), "\n");
  }
  return text;
}

std::string CitationText(const v1::LeafReference& leaf) {
  return Text("leaf ", leaf.index(), " ", leaf.type(), ", recorded ", TimeText(leaf.recorded()), " by ",
              AgentText(leaf.actor()), leaf.retrospective() ? ", retrospective" : "");
}

}  // namespace anamnesis::cli
