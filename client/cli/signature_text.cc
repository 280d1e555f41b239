#include "client/cli/signature_text.h"

#include <memory>

#include "anamnesis/v1/signature.pb.h"
#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "client/cli/event_text.h"
#include "ledger/base/time.h"
#include "ledger/event/names.h"
#include "ledger/event/signature_in.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

// The event's body; null when it isn't there or its type isn't known.
std::unique_ptr<google::protobuf::Message> BodyOf(const v1::Event& event) {
  const EventType* type = Vocabulary::Get().Find(event.header().type(), event.header().schema_version());
  if (type == nullptr || !event.has_body()) return nullptr;
  StatusOr<std::unique_ptr<google::protobuf::Message>> body = ParseBody(*type, event.body().content());
  return body.ok() ? *std::move(body) : nullptr;
}

StatusOr<std::string> PrintedNameOf(LedgerClient& client, const v1::Agent& signer) {
  v1::Question question;
  question.mutable_status()->mutable_entity()->set_kind(signer.kind());
  question.mutable_status()->mutable_entity()->set_id(signer.id());
  question.mutable_status()->set_limit(1);
  const StatusOr<v1::Answer> answer = client.Ask(question);
  if (absl::IsNotFound(answer.status())) return std::string("name not recorded");
  RETURN_IF_ERROR(answer.status());
  for (const v1::StatusAnswer::Version& version : answer->status().versions()) {
    if (!version.has_defined()) continue;
    v1::GetEventRequest request;
    request.set_index(version.defined().index());
    ASSIGN_OR_RETURN(const v1::Event enrolled, client.GetEvent(request));
    if (enrolled.body_state() == v1::BODY_ERASED) return std::string("name erased");
    const std::unique_ptr<google::protobuf::Message> body = BodyOf(enrolled);
    if (body != nullptr && body->GetDescriptor() == v1::PersonEnrolled::descriptor()) {
      return static_cast<const v1::PersonEnrolled&>(*body).printed_name();
    }
  }
  return std::string("name not recorded");
}

}  // namespace

StatusOr<std::string> SignatureText(LedgerClient& client, const v1::Event& event) {
  const std::unique_ptr<google::protobuf::Message> body = BodyOf(event);
  const v1::ElectronicSignature* signature = body == nullptr ? nullptr : SignatureIn(*body);
  if (signature == nullptr) return std::string();
  const v1::Agent& signer = event.header().actor();
  ASSIGN_OR_RETURN(const std::string name, PrintedNameOf(client, signer));
  return Text("  signed by     ", name, " (", AgentText(signer), ") at ",
              FormatTime(Timestamp(signature->signed_at_us())), ", meaning ",
              Words(v1::ElectronicSignature::Meaning_Name(signature->meaning())), "\n");
}

}  // namespace anamnesis::cli
