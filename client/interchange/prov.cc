#include "client/interchange/prov.h"

#include <algorithm>
#include <map>
#include <set>

#include "client/interchange/citation.h"
#include "client/interchange/names.h"
#include "ledger/base/bytes.h"

namespace anamnesis::interchange {
namespace {

// What a PROV agent is, by the kind of entity; "" for what is none.
std::string_view AgentTypeOf(std::string_view kind) {
  if (kind == "person") return "prov:Person";
  if (kind == "organisation") return "prov:Organization";
  if (kind == "software") return "prov:SoftwareAgent";
  return "";
}

constexpr std::string_view kActor = "actor";

Json Typed(std::string_view value, std::string_view type) {
  Json literal;
  literal["$"] = std::string(value);
  literal["type"] = std::string(type);
  return literal;
}
Json Name(std::string_view qualified) { return Typed(qualified, "prov:QUALIFIED_NAME"); }
Json Number(uint64_t value) { return Typed(std::to_string(value), "xsd:unsignedLong"); }

class Document {
 public:
  explicit Document(LedgerView& view) : view_(view) {
    parts_["prefix"]["anamnesis"] = "anamnesis:vocabulary/";
    parts_["prefix"]["ledger"] = LedgerUri(view.origin()) + "/";
  }

  void AddTree(const v1::LineageQuestion& question, bool depth_reached) {
    Json& tree = parts_["entity"][Text("ledger:tree/", view_.size())];
    tree["prov:type"] = Name("anamnesis:TreeHead");
    tree["anamnesis:origin"] = view_.origin();
    tree["anamnesis:treeSize"] = Number(view_.size());
    tree["anamnesis:lineageOf"] = Name("ledger:" + EntityPath(question.entity()));
    tree["anamnesis:direction"] = question.direction() == v1::LineageQuestion::UP ? "up" : "down";
    tree["anamnesis:moreBeyondDepth"] = Typed(depth_reached ? "true" : "false", "xsd:boolean");
  }

  Status AddEdge(const v1::LineageAnswer::Edge& edge) {
    ASSIGN_OR_RETURN(const v1::Event* event, view_.At(edge.leaf().index()));
    ASSIGN_OR_RETURN(const Standing standing, Standing::Of(edge.leaf(), true));
    const std::string activity = AddActivity(*event, standing);
    const std::string product = AddEntity(edge.product());
    const bool defined = Defines(*event, edge.product().role());
    // PROV lets an entity be generated once; a later record of the same adds to what is known of it.
    const bool generated = defined && generated_by_.emplace(product, event->index()).first->second == event->index();
    if (generated) {
      Json& relation = Relation("wasGeneratedBy", {product, activity});
      relation["prov:entity"] = product;
      relation["prov:activity"] = activity;
      relation["prov:time"] = FormatTime(standing.latest);
    } else {
      Influence(product, activity);
    }
    AddInput(edge, activity, generated ? product : "");
    return OkStatus();
  }

  std::string Finish() {
    Json json;
    // In the order in which a reader looks for them.
    for (const char* part : {"prefix", "entity", "activity", "agent", "wasGeneratedBy", "used", "wasDerivedFrom",
                             "wasAssociatedWith", "actedOnBehalfOf", "wasInfluencedBy"}) {
      if (!parts_[part].empty()) json[part] = parts_[part];
    }
    return DocumentText(json);
  }

 private:
  // A relation of these ends, made once.
  Json& Relation(const std::string& kind, const std::vector<std::string>& ends) {
    std::string key = kind;
    for (const std::string& end : ends) key += " " + end;
    const auto [place, is_new] = relations_.emplace(key, Text("_:r", relations_.size() + 1));
    return parts_[kind][place->second];
  }

  void Influence(const std::string& influencee, const std::string& influencer) {
    Json& relation = Relation("wasInfluencedBy", {influencee, influencer});
    relation["prov:influencee"] = influencee;
    relation["prov:influencer"] = influencer;
  }

  std::string AddEntity(const v1::EntityRef& ref) {
    const std::string name = "ledger:" + EntityPath(ref);
    Json& entity = parts_["entity"][name];
    entity["prov:type"] = Name("anamnesis:" + PercentEncoded(ref.kind()));
    entity["prov:label"] = Text(ref.kind(), " ", ref.id(), ref.version().empty() ? "" : "@", ref.version());
    if (ref.has_digest()) {
      entity[Text("anamnesis:", DigestSetName(ref.digest().algorithm(), false))] = HexEncode(ref.digest().value());
    }
    return name;
  }

  std::string AddAgent(const std::string& kind, const std::string& id) {
    const std::string name = Text("ledger:", PercentEncoded(kind), "/", PercentEncoded(id));
    Json& agent = parts_["agent"][name];
    const std::string_view type = AgentTypeOf(kind);
    agent["prov:type"] = Name(type.empty() ? "anamnesis:" + PercentEncoded(kind) : std::string(type));
    agent["prov:label"] = Text(kind, " ", id);
    return name;
  }

  void Associate(const std::string& activity, const std::string& agent, std::string_view role) {
    Json& relation = Relation("wasAssociatedWith", {activity, agent, std::string(role)});
    relation["prov:activity"] = activity;
    relation["prov:agent"] = agent;
    relation["prov:role"] = std::string(role);
  }

  std::string AddActivity(const v1::Event& event, const Standing& standing) {
    const v1::EventHeader& header = event.header();
    const std::string name = Text("ledger:leaf/", event.index());
    if (!activities_.insert(event.index()).second) return name;
    const Json citation = CitationOf(event);
    Json& activity = parts_["activity"][name];
    activity["prov:startTime"] = FormatTime(standing.earliest);
    activity["prov:endTime"] = FormatTime(standing.latest);
    activity["prov:type"] = Name("anamnesis:" + PercentEncoded(header.type()));
    activity["anamnesis:eventType"] = header.type();
    activity["anamnesis:leafIndex"] = Number(event.index());
    activity["anamnesis:eventId"] = citation["eventId"];
    activity["anamnesis:leafSha256"] = citation["leafSha256"];
    activity["anamnesis:recorded"] = Typed(TimeText(event.recorded()), "xsd:dateTime");
    SetText(activity, "anamnesis:occurredAsRecorded", OccurredAsRecorded(event, standing));
    if (header.retrospective()) activity["anamnesis:retrospective"] = Typed("true", "xsd:boolean");
    SetText(activity, "anamnesis:rationale", header.rationale());
    const std::string actor = AddAgent(header.actor().kind(), header.actor().id());
    Associate(name, actor, kActor);
    if (!header.has_on_behalf_of()) return name;
    const std::string responsible = AddAgent(header.on_behalf_of().kind(), header.on_behalf_of().id());
    Json& delegation = Relation("actedOnBehalfOf", {actor, responsible, name});
    delegation["prov:delegate"] = actor;
    delegation["prov:responsible"] = responsible;
    delegation["prov:activity"] = name;
    return name;
  }

  // `product` is empty unless this activity generated it.
  void AddInput(const v1::LineageAnswer::Edge& edge, const std::string& activity, const std::string& product) {
    const v1::EntityRef& input = edge.input();
    // The writer and whom it acted for are on the activity already.
    if (input.role() == kActor || input.role() == "on_behalf_of") return;
    if (!AgentTypeOf(input.kind()).empty()) {
      Associate(activity, AddAgent(input.kind(), input.id()), input.role());
      return;
    }
    const std::string entity = AddEntity(input);
    Json& usage = Relation("used", {activity, entity, input.role()});
    usage["prov:activity"] = activity;
    usage["prov:entity"] = entity;
    usage["prov:time"] = TimeText(edge.leaf().occurred_earliest());
    usage["prov:role"] = input.role();
    if (edge.version_not_stated()) usage["anamnesis:versionNotStated"] = Typed("true", "xsd:boolean");
    if (product.empty()) return;
    Json& derivation = Relation("wasDerivedFrom", {product, entity, activity});
    derivation["prov:generatedEntity"] = product;
    derivation["prov:usedEntity"] = entity;
    derivation["prov:activity"] = activity;
  }

  LedgerView& view_;
  // By the part of the document and the name in it.
  std::map<std::string, std::map<std::string, Json>> parts_;
  std::set<uint64_t> activities_;
  std::map<std::string, uint64_t> generated_by_;
  std::map<std::string, std::string> relations_;
};

}  // namespace

StatusOr<std::string> ProvOf(LedgerView& view, const v1::LineageQuestion& question) {
  Document document(view);
  std::vector<v1::LineageAnswer::Edge> edges;
  bool depth_reached = false;
  v1::Question page;
  *page.mutable_lineage() = question;
  do {
    ASSIGN_OR_RETURN(const v1::Answer answer, view.Ask(page));
    edges.insert(edges.end(), answer.lineage().edges().begin(), answer.lineage().edges().end());
    depth_reached |= answer.lineage().depth_reached();
    page.mutable_lineage()->set_from(answer.lineage().next());
  } while (page.lineage().from() != 0);
  // In log order, so that the first event that defines something is the one that generated it.
  std::stable_sort(edges.begin(), edges.end(),
                   [](const auto& a, const auto& b) { return a.leaf().index() < b.leaf().index(); });
  document.AddTree(question, depth_reached);
  for (const v1::LineageAnswer::Edge& edge : edges) RETURN_IF_ERROR(document.AddEdge(edge));
  return document.Finish();
}

}  // namespace anamnesis::interchange
