#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/lineage_roles.h"

namespace anamnesis {
namespace {

constexpr uint32_t kDepthDefault = 16;
constexpr uint32_t kDepthMax = 64;
constexpr uint32_t kEdgesMax = 1000;

std::string KeyOf(const v1::EntityRef& entity) {
  return Text(entity.kind(), '\0', entity.id(), '\0', entity.version());
}

std::string NameOf(const v1::EntityRef& entity) { return Text(entity.kind(), '\0', entity.id()); }

// Whether the reference may mean the entity: the same version, or one of them does not say which.
bool MayMean(const v1::EntityRef& ref, const v1::EntityRef& entity) {
  return ref.kind() == entity.kind() && ref.id() == entity.id() &&
         (ref.version() == entity.version() || ref.version().empty() || entity.version().empty());
}

// Walks the closure breadth first and writes the edges [from, from + limit) of it.
class Walk {
 public:
  Walk(Facts& facts, const v1::LineageQuestion& question, v1::LineageAnswer& answer)
      : facts_(facts),
        up_(question.direction() == v1::LineageQuestion::UP),
        depth_max_(question.depth_max() == 0 ? kDepthDefault : std::min(question.depth_max(), kDepthMax)),
        from_(question.from()),
        limit_(question.limit() == 0 ? kEdgesMax : std::min(question.limit(), kEdgesMax)),
        answer_(answer) {}

  Status Run(const v1::EntityRef& start) {
    start_ = start;
    reached_.insert(KeyOf(start));
    Enqueue(start, 0);
    while (!waiting_.empty() && !full()) {
      const Node node = std::move(waiting_.front());
      waiting_.pop_front();
      RETURN_IF_ERROR(Expand(node));
    }
    if (full()) answer_.set_next(from_ + limit_);
    return OkStatus();
  }

 private:
  struct Node {
    v1::EntityRef entity;
    uint32_t depth;
  };
  bool full() const { return edges_ > from_ + limit_; }

  void Enqueue(const v1::EntityRef& entity, uint32_t depth) {
    if (!entity.version().empty()) with_version_.emplace(NameOf(entity), depth);
    if (expanded_.emplace(KeyOf(entity), depth).second) waiting_.push_back({entity, depth});
  }

  // Whether the walk comes to an edge by a version that its near reference does not state, or doesn't come to the
  // version that it does state. By all entities as near as the one that the edge was met from: they are all known by
  // then, and which of them came first depends on the order in which events arrived.
  bool VersionNotStated(const v1::EntityRef& near, uint32_t depth) const {
    // Who asks for any version gets each as it is.
    if (start_.version().empty() && NameOf(start_) == NameOf(near)) return false;
    const auto& known = near.version().empty() ? with_version_ : expanded_;
    const auto found = known.find(near.version().empty() ? NameOf(near) : KeyOf(near));
    const bool reached = found != known.end() && found->second <= depth;
    return near.version().empty() == reached;
  }

  // The events that refer to the entity, or to it without saying which version.
  StatusOr<std::vector<LeafIndex>> MayName(const v1::EntityRef& entity) {
    if (entity.version().empty()) {
      ASSIGN_OR_RETURN(std::vector<LeafIndex> all, facts_.About(entity, "", kQuestionEventsMax + 1));
      if (all.size() <= kQuestionEventsMax) return all;
      return absl::ResourceExhaustedError(Text("more than ", kQuestionEventsMax, " events refer to ",
                                               EntityKeyText(entity), "; ask for one version or a smaller depth"));
    }
    v1::EntityRef any = entity;
    any.clear_version();
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> exact, facts_.Naming(entity));
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> unstated, facts_.Naming(any));
    std::set<uint64_t> indexes;
    for (const std::vector<LeafIndex>* found : {&exact, &unstated}) {
      for (const LeafIndex index : *found) indexes.insert(index.value);
    }
    return std::vector<LeafIndex>(indexes.begin(), indexes.end());
  }

  Status Expand(const Node& node) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, MayName(node.entity));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (!fact->counts()) continue;
      const LineageRoles roles = LineageRolesOf(*fact->event.type, fact->header());
      RETURN_IF_ERROR(up_ ? GoUp(node, *fact, roles) : GoDown(node, *fact, roles));
      if (full()) break;
    }
    return OkStatus();
  }

  Status GoUp(const Node& node, const Fact& fact, const LineageRoles& roles) {
    for (const v1::EntityRef* product : roles.products) {
      if (!MayMean(*product, node.entity)) continue;
      for (const LineageInput& input : roles.inputs) {
        RETURN_IF_ERROR(Add(node, fact, *product, *input.ref, input.end));
      }
      for (const auto& [role, agent] :
           {std::pair("actor", &fact.header().actor()), std::pair("on_behalf_of", &fact.header().on_behalf_of())}) {
        if (agent->id().empty() || (agent->kind() == product->kind() && agent->id() == product->id())) continue;
        v1::EntityRef ref;
        ref.set_role(role);
        ref.set_kind(agent->kind());
        ref.set_id(agent->id());
        RETURN_IF_ERROR(Add(node, fact, *product, ref, true));
      }
    }
    return OkStatus();
  }

  Status GoDown(const Node& node, const Fact& fact, const LineageRoles& roles) {
    for (const LineageInput& input : roles.inputs) {
      if (!MayMean(*input.ref, node.entity)) continue;
      for (const v1::EntityRef* product : roles.products) {
        RETURN_IF_ERROR(Add(node, fact, *product, *input.ref, input.end));
      }
    }
    return OkStatus();
  }

  Status Add(const Node& node, const Fact& fact, const v1::EntityRef& product, const v1::EntityRef& input, bool end) {
    const v1::EntityRef& near = up_ ? product : input;
    const v1::EntityRef& far = up_ ? input : product;
    if (node.depth == depth_max_) {
      answer_.set_depth_reached(true);
      return OkStatus();
    }
    // References without version are met from every version that they may mean.
    if (!seen_
             .insert({fact.event.index.value,
                      Text(product.role(), '\0', KeyOf(product), '\0', input.role(), '\0', KeyOf(input))})
             .second) {
      return OkStatus();
    }
    end = end || EndsLineage(far.kind());
    if (!end) Enqueue(far, node.depth + 1);
    const uint64_t place = edges_++;
    const bool first = reached_.insert(KeyOf(far)).second;
    if (place < from_ || place >= from_ + limit_) return OkStatus();
    if (first) *answer_.add_reached() = far;
    v1::LineageAnswer::Edge& edge = *answer_.add_edges();
    *edge.mutable_product() = product;
    *edge.mutable_input() = input;
    edge.set_depth(node.depth + 1);
    edge.set_end(end);
    edge.set_version_not_stated(VersionNotStated(near, node.depth));
    ASSIGN_OR_RETURN(*edge.mutable_leaf(), facts_.Reference(fact.event.index));
    return OkStatus();
  }

  Facts& facts_;
  const bool up_;
  const uint32_t depth_max_;
  const uint64_t from_;
  const uint64_t limit_;
  v1::LineageAnswer& answer_;
  std::deque<Node> waiting_;
  v1::EntityRef start_;
  // By the least depth at which each was reached.
  std::map<std::string, uint32_t> expanded_;
  // Of the names of those that were reached with a version.
  std::map<std::string, uint32_t> with_version_;
  std::set<std::string> reached_;
  std::set<std::pair<uint64_t, std::string>> seen_;
  uint64_t edges_ = 0;
};

}  // namespace

Status AnswerLineage(Facts& facts, const v1::LineageQuestion& question, v1::Answer& answer) {
  if (question.direction() == v1::LineageQuestion::DIRECTION_UNSPECIFIED) {
    return absl::InvalidArgumentError("direction: is required, UP or DOWN");
  }
  RETURN_IF_ERROR(facts.CheckNamed(question.entity()));
  return Walk(facts, question, *answer.mutable_lineage()).Run(question.entity());
}

}  // namespace anamnesis
