#include <algorithm>
#include <deque>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/forks.h"
#include "ledger/query/item_history.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/edges.h"
#include "ledger/state/signatures.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

using Answer = v1::ClosureAuditAnswer;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr uint32_t kEventsMax = 10'000;
constexpr int kProblemsMax = 10'000;

// Kinds that some event type defines: a reference to another kind names something outside the ledger.
bool IsDefinable(std::string_view kind) {
  static const auto* kinds = [] {
    auto* found = new std::set<std::string, std::less<>>();
    for (const EventType* type : Vocabulary::Get().All()) {
      for (const v1::ReferenceRule& rule : type->options->refs()) {
        if (rule.defines()) found->insert(rule.kinds().begin(), rule.kinds().end());
      }
    }
    return found;
  }();
  return kinds->find(kind) != kinds->end();
}

// Whether a body states the digest anywhere.
bool States(const Message& message, const v1::ContentDigest& digest) {
  if (const auto* own = google::protobuf::DynamicCastToGenerated<v1::ContentDigest>(&message)) {
    return own->algorithm() == digest.algorithm() && own->value() == digest.value();
  }
  const google::protobuf::Reflection& values = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  values.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    const int count = field->is_repeated() ? values.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const Message& inner =
          field->is_repeated() ? values.GetRepeatedMessage(message, field, i) : values.GetMessage(message, field);
      if (States(inner, digest)) return true;
    }
  }
  return false;
}

class Audit {
 public:
  Audit(Facts& facts, size_t limit, Answer& answer) : facts_(facts), limit_(limit), answer_(answer) {}

  Status Run(const v1::EntityRef& entity) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(entity, "", limit_ + 1));
    if (indexes.empty()) return absl::NotFoundError(Text("nothing is recorded of ", EntityKeyText(entity)));
    if (entity.kind() == "device_unit") streams_.insert(StreamOfUnit(entity.id()));
    for (const LeafIndex index : indexes) Enqueue(index);
    while (!queue_.empty()) {
      if (answer_.events_looked_at() == limit_ || answer_.problems_size() >= kProblemsMax) {
        answer_.set_cut_off(true);
        break;
      }
      const LeafIndex index = queue_.front();
      queue_.pop_front();
      RETURN_IF_ERROR(Look(index));
    }
    RETURN_IF_ERROR(AddForks());
    answer_.set_closed(answer_.problems().empty() && !answer_.cut_off());
    return OkStatus();
  }

 private:
  void Enqueue(LeafIndex index) {
    if (seen_.insert(index.value).second) queue_.push_back(index);
  }

  Status Add(Answer::Kind kind, const Fact& fact, const v1::EntityRef* reference, std::string text) {
    Answer::Problem& problem = *answer_.add_problems();
    problem.set_kind(kind);
    ASSIGN_OR_RETURN(*problem.mutable_leaf(), facts_.Reference(fact.event.index));
    if (reference != nullptr) *problem.mutable_reference() = *reference;
    problem.set_text(std::move(text));
    return OkStatus();
  }

  Status Look(LeafIndex index) {
    answer_.set_events_looked_at(answer_.events_looked_at() + 1);
    facts_.Cite(index);
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
    streams_.insert(fact->header().stream());
    if (!fact->counts()) return OkStatus();
    for (const v1::EntityRef& ref : fact->header().refs()) RETURN_IF_ERROR(LookAtReference(*fact, ref));
    for (const std::string& id : fact->header().causes()) {
      ASSIGN_OR_RETURN(const std::optional<LeafIndex> cause, FindEvent(facts_.rows(), id));
      if (cause.has_value() && cause->value < facts_.size().value) Enqueue(*cause);
    }
    RETURN_IF_ERROR(LookAtBody(*fact));
    if (fact->type() == "artifact.activated") RETURN_IF_ERROR(LookAtActivation(*fact));
    if (fact->type() == "configuration.attested") RETURN_IF_ERROR(LookAtMeasurement(*fact));
    ASSIGN_OR_RETURN(const std::vector<v1::Finding> findings, FindingsOf(facts_.rows(), index));
    for (const v1::Finding& finding : findings) {
      RETURN_IF_ERROR(Add(Answer::FINDING, *fact, nullptr, Text(finding.rule(), ": ", finding.message())));
    }
    return OkStatus();
  }

  Status LookAtReference(const Fact& fact, const v1::EntityRef& ref) {
    ASSIGN_OR_RETURN(const std::optional<const Fact*> definition, Definition(ref));
    if (!definition.has_value()) {
      if (!IsDefinable(ref.kind())) return OkStatus();
      return Add(Answer::DANGLING_REFERENCE, fact, &ref, Text("nothing defines ", EntityKeyText(ref)));
    }
    Enqueue((*definition)->event.index);
    if (!ref.has_digest() || *definition == &fact) return OkStatus();
    const v1::EntityRef* own = DefinedBy(**definition);
    const bool stated = (own != nullptr && own->has_digest() && States(own->digest(), ref.digest())) ||
                        ((*definition)->event.body != nullptr && States(*(*definition)->event.body, ref.digest()));
    if (stated) return OkStatus();
    return Add(Answer::UNRESOLVED_DIGEST, fact, &ref,
               Text("leaf ", (*definition)->event.index.value, ", which defines it, states no such digest"));
  }

  // The last event that defined the version; without a version the last that defined any.
  StatusOr<std::optional<const Fact*>> Definition(const v1::EntityRef& ref) {
    std::vector<std::string> versions = {ref.version()};
    if (ref.version().empty()) {
      ASSIGN_OR_RETURN(versions, facts_.VersionsOf(ref.kind(), ref.id(), limit_));
    }
    const Fact* last = nullptr;
    for (const std::string& version : versions) {
      ASSIGN_OR_RETURN(const std::optional<LeafIndex> index,
                       DefinitionOf(facts_.rows(), ref.kind(), ref.id(), version, facts_.size()));
      if (!index.has_value()) continue;
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(*index));
      if (fact->counts() && (last == nullptr || last->event.index < *index)) last = fact;
    }
    return last == nullptr ? std::optional<const Fact*>() : std::optional<const Fact*>(last);
  }

  Status LookAtBody(const Fact& fact) {
    if (fact.event.body == nullptr) {
      return Add(Answer::GAP, fact, nullptr, "its body was erased; the commitment to it remains");
    }
    const bool unsigned_act =
        fact.event.type->options->signature_required() && SignatureOf(fact.event.view()) == nullptr;
    return unsigned_act ? Add(Answer::UNSIGNED, fact, nullptr, "the act needs a person's signature and has none")
                        : OkStatus();
  }

  // Something ran: only rightly if it names a decision that allowed just this on just this unit.
  Status LookAtActivation(const Fact& fact) {
    const v1::EntityRef* decision = FindReference(fact.header(), "decision");
    if (decision == nullptr) {
      return Add(Answer::NON_CONFORMING_ACTIVATION, fact, nullptr, "it names no decision that allowed it");
    }
    ASSIGN_OR_RETURN(const std::optional<const Fact*> decided, Definition(*decision));
    // A decision that isn't there is dangling already.
    if (!decided.has_value()) return OkStatus();
    const auto* body = (*decided)->body<v1::GateDecided>();
    const auto same = [&](std::string_view role) {
      const v1::EntityRef* ours = FindReference(fact.header(), role);
      const v1::EntityRef* theirs = FindReference((*decided)->header(), role);
      return ours != nullptr && theirs != nullptr && NameOf(*ours) == NameOf(*theirs) &&
             ours->version() == theirs->version();
    };
    const bool allowed = body != nullptr && body->verdict() == v1::GateDecided::ALLOW && same("artifact") &&
                         same("unit") && (*decided)->event.index < fact.event.index;
    if (allowed) return OkStatus();
    return Add(Answer::NON_CONFORMING_ACTIVATION, fact, decision,
               Text("leaf ", (*decided)->event.index.value, " did not allow this artifact on this unit before"));
  }

  // What a unit measured is what is recorded, by all that is known now.
  Status LookAtMeasurement(const Fact& fact) {
    const v1::EntityRef* unit = FindReference(fact.header(), "unit");
    ASSIGN_OR_RETURN(const v1::Configuration view, RunningAt(facts_.rows(), unit->id(), fact.latest(), facts_.size()));
    if (view.attestation().leaf().index() != fact.event.index.value) return OkStatus();
    for (const v1::MeasuredSurface& measured : view.attestation().measured()) {
      if (measured.comparison() != v1::MeasuredSurface::DISAGREES) continue;
      RETURN_IF_ERROR(Add(Answer::FINDING, fact, unit,
                          Text("MEASURED-DIFFERS: ", DigestText(measured.digest()), " was measured on ",
                               measured.surface(), ", and something else is recorded")));
    }
    return OkStatus();
  }

  // A stream with two histories may hold something else than was looked at here.
  Status AddForks() {
    ASSIGN_OR_RETURN(const Forks forks, ForksOf(facts_, streams_));
    if (forks.cut_off) answer_.set_cut_off(true);
    for (const Fact* fork : forks.found) {
      RETURN_IF_ERROR(Add(Answer::FORK, *fork, nullptr, Text(ForkedText(*fork), " has two histories")));
    }
    return OkStatus();
  }

  Facts& facts_;
  const size_t limit_;
  Answer& answer_;
  // Of the events that were looked at.
  std::set<std::string> streams_;
  std::set<uint64_t> seen_;
  std::deque<LeafIndex> queue_;
};

}  // namespace

Status AnswerClosureAudit(Facts& facts, const v1::ClosureAuditQuestion& question, v1::Answer& answer) {
  const size_t limit = question.limit() == 0 ? kEventsMax : std::min(question.limit(), kEventsMax);
  return Audit(facts, limit, *answer.mutable_closure_audit()).Run(question.entity());
}

}  // namespace anamnesis
