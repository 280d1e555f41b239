#include "tests/golden/prepared_ledger.h"

#include <algorithm>

#include "ledger/base/check.h"
#include "ledger/state/entities.h"
#include "ledger/state/recorded_event.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool Defines(const v1::ReferenceRule& rule, std::string_view kind) {
  return rule.defines() && std::find(rule.kinds().begin(), rule.kinds().end(), kind) != rule.kinds().end();
}

struct Definer {
  const EventType* type;
  const v1::ReferenceRule* rule;
};

// The first type that defines entities of the kind and that a writer can write.
std::optional<Definer> DefinerOf(std::string_view kind, const std::set<std::string>& not_by) {
  for (const EventType* type : Vocabulary::Get().All()) {
    if (type->options->ledger_decided() || not_by.contains(type->name())) continue;
    for (const v1::ReferenceRule& rule : type->options->refs()) {
      if (Defines(rule, kind)) return Definer{type, &rule};
    }
  }
  return std::nullopt;
}

// A reference of the role to the entity, in place of the example's or beside it.
void Refer(EventDraft& draft, std::string_view role, const v1::EntityRef& entity) {
  v1::EntityRef* found = nullptr;
  for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
    if (ref.role() == role) found = &ref;
  }
  if (found == nullptr) found = draft.header.add_refs();
  found->set_role(std::string(role));
  found->set_kind(entity.kind());
  found->set_id(entity.id());
  if (!entity.version().empty()) found->set_version(entity.version());
}

std::string SuffixedId(const v1::EntityRef& ref, const std::string& suffix) { return ref.id() + suffix; }

template <typename Body>
Body* MutableAs(Message& body) {
  return body.GetDescriptor() == Body::descriptor() ? static_cast<Body*>(&body) : nullptr;
}

}  // namespace

EventDraft ExampleOf(const EventType& type) {
  static const auto* items = new nlohmann::json(ReadGolden("event_types.json"));
  for (const nlohmann::json& item : *items) {
    if (item["name"] != type.name() || item["schema_version"] != type.options->schema_version()) continue;
    v1::EventHeader header;
    CHECK(header.ParseFromString(Bytes(item["header_bytes"])));
    EventDraft draft;
    *draft.header.mutable_refs() = header.refs();
    draft.header.set_rationale(header.rationale());
    StatusOr<std::unique_ptr<Message>> body = ParseBody(type, Bytes(item["body_bytes"]));
    CHECK(body.ok());
    draft.body = *std::move(body);
    SetOccurred(draft, kTestStart, kTestStart);
    return draft;
  }
  CHECK(false);
  return {};
}

void SetCondition(Message& body, std::string_view conditions) {
  const size_t end = conditions.find('&');
  if (end != std::string_view::npos) SetCondition(body, conditions.substr(end + 1));
  const std::string_view condition = conditions.substr(0, end);
  const size_t equals = condition.find('=');
  const std::string value(condition.substr(equals + 1));
  std::string_view path = condition.substr(0, equals);
  Message* at = &body;
  for (size_t dot = path.find('.'); dot != path.npos; dot = path.find('.')) {
    const FieldDescriptor* field = at->GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
    CHECK(field != nullptr);
    at = at->GetReflection()->MutableMessage(at, field);
    path.remove_prefix(dot + 1);
  }
  const FieldDescriptor* field = at->GetDescriptor()->FindFieldByName(std::string(path));
  CHECK(field != nullptr);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
    at->GetReflection()->SetBool(at, field, value == "true");
    return;
  }
  CHECK(field->enum_type() != nullptr && field->enum_type()->FindValueByName(value) != nullptr);
  at->GetReflection()->SetEnum(at, field, field->enum_type()->FindValueByName(value));
}

std::shared_ptr<Message> CopyOfBody(const EventDraft& draft) {
  std::shared_ptr<Message> copy(draft.body->New());
  copy->CopyFrom(*draft.body);
  return copy;
}

PreparedLedger::PreparedLedger() {
  const auto append = [&](TestWriter& writer, const std::vector<EventDraft>& drafts) {
    const StatusOr<RunVerdict> verdict = AppendRun(writer.Write(drafts));
    CHECK(verdict.ok());
    position_ += drafts.size();
  };
  append(writer_, FoundingDrafts(writer_));
  std::vector<EventDraft> drafts = {EnrolPerson("p-0009"), IssueKey("person", "p-0009", other_.key().public_key())};
  for (int role = v1::ADMINISTRATOR + 1; v1::Role_IsValid(role); ++role) {
    drafts.push_back(GrantRole("p-0001", static_cast<v1::Role>(role)));
  }
  append(writer_, drafts);
}

void PreparedLedger::FitToLedger(const EventType& type, EventDraft& draft) {
  const std::shared_ptr<Message> body = CopyOfBody(draft);
  const FieldDescriptor* field = body->GetDescriptor()->FindFieldByName("signature");
  const bool has_signature = field != nullptr && field->message_type() == v1::ElectronicSignature::descriptor() &&
                             body->GetReflection()->HasField(*body, field);
  if (has_signature) {
    auto& signature = static_cast<v1::ElectronicSignature&>(*body->GetReflection()->MutableMessage(body.get(), field));
    signature.set_signed_at_us(kTestStart.us);
    signature.clear_components();
    signature.add_components(v1::ElectronicSignature::KEY);
    signature.add_components(v1::ElectronicSignature::PASSPHRASE);
    signature.set_session_id(DerivedNonce("session", ++sessions_).substr(0, 16));
    signature.set_ordinal(1);
  }
  if (type.body != v1::AuthorityDelegated::descriptor() && type.body != v1::AuthorityWithdrawn::descriptor()) {
    // Only software acts under a delegation, and who names one acts under it.
    auto& refs = *draft.header.mutable_refs();
    refs.erase(
        std::remove_if(refs.begin(), refs.end(), [](const v1::EntityRef& ref) { return ref.role() == "delegation"; }),
        refs.end());
  }
  const v1::EntityRef* holder = FindReference(draft.header, "holder");
  const auto issued = [&] {
    const PublicKey key = KeyOfSeed(++keys_).public_key();
    Record(IssueKey(holder->kind(), holder->id(), key));
    return key.bytes();
  };
  if (auto* issue = MutableAs<v1::CredentialIssued>(*body)) {
    issue->set_public_key(KeyOfSeed(++keys_).public_key().bytes());
  } else if (auto* revoke = MutableAs<v1::CredentialRevoked>(*body)) {
    revoke->set_public_key(issued());
  } else if (auto* lost = MutableAs<v1::CredentialReportedLost>(*body)) {
    lost->set_public_key(issued());
  } else if (auto* rotate = MutableAs<v1::CredentialRotated>(*body)) {
    rotate->set_old_public_key(issued());
    rotate->set_new_public_key(KeyOfSeed(++keys_).public_key().bytes());
  } else if (auto* erase = MutableAs<v1::SubjectDataErased>(*body)) {
    erase->clear_erased_indexes();
    // The writer's own enrolment, which holds personal data.
    erase->add_erased_indexes(0);
  } else if (auto* test_run = MutableAs<v1::TestRunCompleted>(*body)) {
    // What was measured is what the example of a design says.
    const EventDraft design = ExampleOf(*Vocabulary::Get().FindNewest("design.approved"));
    *test_run->mutable_measured() = MutableAs<v1::DesignApproved>(*CopyOfBody(design))->content();
  } else if (auto* decision = MutableAs<v1::DecisionRecorded>(*body)) {
    // What the example of an annotation names.
    decision->add_options("deviation_approved");
    decision->set_choice("deviation_approved");
    const EventDraft annotation = ExampleOf(*Vocabulary::Get().FindNewest("annotation.completed"));
    Refer(draft, "about", *FindReference(annotation.header, "dataset"));
  } else if (auto* policy = MutableAs<v1::PolicyAdopted>(*body)) {
    policy->set_kind(v1::PolicyAdopted::CONTEMPORANEITY);
  } else if (type.body == v1::AuthorityDelegated::descriptor()) {
    v1::EntityRef from;
    from.set_kind(writer_.agent().kind());
    from.set_id(writer_.agent().id());
    Refer(draft, "from", from);
  } else if (type.body == v1::RecordCorrected::descriptor()) {
    Record(ReferToDocument(Text("to be corrected ", position_)));
    draft.header.set_corrects(writer_.LastId().bytes());
  }
  draft.body = body;
}

void PreparedLedger::Prepare(const EventType& type, EventDraft& draft, std::string_view but_rule) {
  FitToLedger(type, draft);
  std::set<std::string> not_by;
  for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
    for (const v1::ReferenceRule& rule : type.options->refs()) {
      if (rule.role() == ref.role() && rule.defines()) ref.set_id(SuffixedId(ref, suffix_));
    }
  }
  for (const v1::Precondition& rule : type.options->preconditions()) {
    if (rule.rule() == but_rule) {
      for (const std::string& event : rule.events()) not_by.insert(event.substr(0, event.find('?')));
      continue;
    }
    for (const v1::EntityRef& ref : draft.header.refs()) {
      if (ref.role() == rule.role()) Fulfil(rule, ref);
    }
  }
  for (const v1::ReferenceRule& rule : type.options->refs()) {
    if (rule.unrecorded() == v1::CONSEQUENCE_UNSPECIFIED) continue;
    for (const v1::EntityRef& ref : draft.header.refs()) {
      if (ref.role() == rule.role()) Define(ref, not_by);
    }
  }
}

void PreparedLedger::Define(const v1::EntityRef& entity, const std::set<std::string>& not_by) {
  if (FindDefinition(ledger_.rows(), entity)->has_value()) return;
  const std::optional<Definer> definer = DefinerOf(entity.kind(), not_by);
  if (!definer.has_value()) return;
  EventDraft draft = ExampleOf(*definer->type);
  FitToLedger(*definer->type, draft);
  v1::EntityRef defined = entity;
  if (defined.version().empty() && definer->rule->version_required()) defined.set_version("1.0");
  Refer(draft, definer->rule->role(), defined);
  Record(std::move(draft));
}

void PreparedLedger::Fulfil(const v1::Precondition& rule, const v1::EntityRef& entity) {
  const std::string& what = rule.events(0);
  const size_t mark = what.find('?');
  const EventType* type = Vocabulary::Get().FindNewest(what.substr(0, mark));
  CHECK(type != nullptr);
  EventDraft draft = ExampleOf(*type);
  FitToLedger(*type, draft);
  if (mark != std::string::npos) {
    const std::shared_ptr<Message> body = CopyOfBody(draft);
    SetCondition(*body, what.substr(mark + 1));
    draft.body = body;
  }
  const std::string& role = rule.as().empty() ? rule.role() : rule.as();
  v1::EntityRef named = entity;
  for (const v1::ReferenceRule& other : type->options->refs()) {
    const bool itself = other.role() == role;
    if (itself && other.version_required() && named.version().empty()) named.set_version("1.0");
    // What the event defines beside it is an entity of its own each time.
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.role() == other.role() && other.defines() && !itself) ref.set_id(Text(ref.id(), "-", position_, suffix_));
    }
  }
  Refer(draft, role, named);
  Record(std::move(draft));
}

void PreparedLedger::Record(EventDraft draft) {
  draft.header.set_retrospective(true);
  const StatusOr<RunVerdict> verdict = Append(draft);
  EXPECT_TRUE(verdict.ok()) << "while preparing: " << draft.body->GetDescriptor()->name() << " "
                            << draft.header.ShortDebugString() << " " << verdict.status();
}

StatusOr<RunVerdict> PreparedLedger::AppendAs(TestWriter& writer, size_t& position, const EventDraft& draft) {
  // What no writer could make.
  const v1::EventTypeOptions& options = draft.body->GetDescriptor()->options().GetExtension(v1::event);
  RETURN_IF_ERROR(ValidateBody(*draft.body));
  RETURN_IF_ERROR(ValidateHeader(*Vocabulary::Get().FindNewest(options.type()), draft.header));
  StatusOr<RunVerdict> verdict = AppendRun(writer.Write({draft}));
  if (verdict.ok()) {
    ++position;
  } else {
    writer.RewindTo(position);
  }
  return verdict;
}

StatusOr<RunVerdict> PreparedLedger::Append(const EventDraft& draft) { return AppendAs(writer_, position_, draft); }
StatusOr<RunVerdict> PreparedLedger::AppendWithoutRoles(const EventDraft& draft) {
  return AppendAs(other_, other_position_, draft);
}

v1::Run PreparedLedger::Write(const EventDraft& draft) {
  v1::Run run = writer_.Write({draft});
  writer_.RewindTo(position_);
  return run;
}

StatusOr<RunVerdict> PreparedLedger::AppendRun(const v1::Run& run) {
  StatusOr<AdmittedRun> admitted = AdmitRun(run, kTestOrigin);
  RETURN_IF_ERROR(admitted.status());
  Batch batch;
  batch.runs.push_back(std::make_shared<const AdmittedRun>(*std::move(admitted)));
  CommitBatch commit = Commit(std::move(batch));
  RETURN_IF_ERROR(commit.verdicts.at(0).status);
  return std::move(commit.verdicts[0]);
}

CommitBatch PreparedLedger::Commit(Batch batch) {
  // All in one second: no policy makes any of it late.
  batch.proposed = kTestStart;
  batches_.push_back(batch);
  return ledger_.Commit(batch);
}

}  // namespace anamnesis
