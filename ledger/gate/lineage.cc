#include "ledger/gate/lineage.h"

#include <deque>
#include <set>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"

namespace anamnesis::gate {
namespace {

class Walk {
 public:
  Walk(Subject& s, Judgement& j) : s_(s), j_(j) {}

  Status OfArtifact() {
    ASSIGN_OR_RETURN(const ParentChain chain, ChainOfParents(s_));
    if (!chain.incomplete_because.empty()) j_.Fail(chain.incomplete_because);
    for (const Fact* produced : chain.productions) RETURN_IF_ERROR(AddArtifact(*produced));
    while (!models_.empty()) {
      const v1::EntityRef model = std::move(models_.front());
      models_.pop_front();
      if (!seen_.insert(EntityKeyText(model)).second) continue;
      if (seen_.size() > kParentsMax) {
        j_.Fail(Text("more than ", kParentsMax, " models were trained on from one another"));
        return OkStatus();
      }
      RETURN_IF_ERROR(AddModel(model));
    }
    return OkStatus();
  }

  std::vector<v1::EntityRef> Take() { return std::move(datasets_); }

 private:
  Status AddArtifact(const Fact& produced) {
    j_.Rest(&produced);
    const v1::EventHeader& header = produced.header();
    AddNamed(produced);
    RETURN_IF_ERROR(AddRun(produced));
    const bool from_records = FindReference(header, "dataset") != nullptr ||
                              FindReference(header, "training_run") != nullptr ||
                              FindReference(header, "model") != nullptr;
    // Local data stays at its site; the artifact commits to it.
    if (!from_records && produced.body<v1::ArtifactProduced>()->local_data_commitment().empty()) {
      const v1::EntityRef& artifact = *FindReference(header, "artifact");
      j_.Fail(Text(SameEntity(Bare(artifact), Bare(s_.request.artifact)) ? "the artifact" : EntityKeyText(artifact),
                   " names neither a dataset nor the local data that it was made from"));
    }
    return OkStatus();
  }

  // What a model was made from stands nowhere else than in its own records.
  Status AddModel(const v1::EntityRef& model) {
    const std::string name = EntityKeyText(model);
    ASSIGN_OR_RETURN(const Fact* registered, s_.facts.Definition(model));
    if (registered == nullptr) {
      j_.Fail(Text(name, " is not recorded"));
      return OkStatus();
    }
    j_.Rest(registered);
    const size_t before = datasets_.size();
    AddNamed(*registered);
    RETURN_IF_ERROR(AddRun(*registered));
    if (FindReference(registered->header(), "training_run") == nullptr) j_.Fail(Text(name, " names no training run"));
    if (datasets_.size() == before) j_.Fail(Text("nothing says on which dataset ", name, " was trained"));
    return OkStatus();
  }

  // The run that an event names.
  Status AddRun(const Fact& fact) {
    const v1::EntityRef* run = FindReference(fact.header(), "training_run");
    if (run == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(const Fact* started, s_.facts.Definition(Bare(*run)));
    if (started == nullptr) {
      j_.Fail(Text(EntityKeyText(*run), " is not recorded"));
      return OkStatus();
    }
    j_.Rest(started);
    AddNamed(*started);
    return OkStatus();
  }

  // The datasets that an event names, and the models that what it tells of was made from.
  void AddNamed(const Fact& fact) {
    const bool defines_model = fact.type() == "model.registered";
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.role() == "dataset") datasets_.push_back(ref);
      if (ref.role() == "parent_model" || (ref.role() == "model" && !defines_model)) models_.push_back(Bare(ref));
    }
  }

  Subject& s_;
  Judgement& j_;
  std::vector<v1::EntityRef> datasets_;
  std::deque<v1::EntityRef> models_;
  std::set<std::string> seen_;
};

}  // namespace

StatusOr<ParentChain> ChainOfParents(Subject& s) {
  ParentChain chain;
  v1::EntityRef name = Bare(s.request.artifact);
  std::set<uint64_t> seen;
  while (true) {
    ASSIGN_OR_RETURN(const Fact* fact, s.facts.Definition(name));
    const bool recorded = fact != nullptr && fact->body<v1::ArtifactProduced>() != nullptr;
    if (!recorded || seen.size() >= kParentsMax || !seen.insert(fact->event.index.value).second) {
      chain.incomplete_because = Text("the chain of parents is not complete: ", EntityKeyText(name),
                                      recorded ? " is too far back" : " is not recorded");
      return chain;
    }
    chain.productions.push_back(fact);
    const v1::EntityRef* parent = FindReference(fact->header(), "parent");
    if (parent == nullptr) return chain;
    name = Bare(*parent);
  }
}

StatusOr<std::vector<v1::EntityRef>> DatasetsBehind(Subject& s, Judgement& j) {
  Walk walk(s, j);
  RETURN_IF_ERROR(walk.OfArtifact());
  return walk.Take();
}

}  // namespace anamnesis::gate
