#include "client/cli/write.h"

#include <array>
#include <iostream>

#include "ledger/keys/key_file.h"
#include "ledger/keys/random.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis::cli {

void AddWriteOptions(CLI::App& verb, WriteOptions& options, bool is_signed) {
  verb.add_option("--rationale", options.rationale, "why");
  verb.add_option("--stream", options.stream, "the writer's stream; default: KIND/ID of the key's holder");
  if (is_signed) {
    verb.add_option("--signed-with", options.signature_components,
                    "what the signature is made of, at least two: key, passphrase, hardware_token, biometric, "
                    "identity_provider_login (21 CFR 11.200)")
        ->delimiter(',')
        ->required();
  }
  AddKeyOption(verb, options.common);
  AddLedgerOption(verb, options.common);
  AddWithinOption(verb, options.common);
  AddJsonOption(verb, options.common);
}

void Report(const Common& common, const std::vector<Appended>& appended,
            const std::function<std::string(size_t)>& label_of, v1::RunResult& all) {
  for (size_t i = 0; i < appended.size(); ++i) {
    const Appended& event = appended[i];
    if (!common.json) {
      std::cout << event.index.value << "  " << FormatTime(event.recorded) << "  " << event.id.text() << "  "
                << label_of(i) << "\n";
    }
    for (const v1::Finding& finding : event.findings) {
      v1::EventFinding& of_event = *all.add_findings();
      of_event.set_event_index(static_cast<uint32_t>(all.indexes_size()));
      *of_event.mutable_finding() = finding;
      if (common.json) continue;
      std::cerr << "finding at leaf " << event.index.value << ": " << finding.rule() << ": " << finding.message()
                << "; " << finding.remedy() << "\n";
    }
    all.add_indexes(event.index.value);
    all.add_recorded_us(event.recorded.us);
  }
}

std::vector<IdentifiedDraft> IdentifyNow(const WriteOptions& options, std::vector<EventDraft> drafts) {
  const Timestamp now = WallClockNow();
  std::vector<IdentifiedDraft> identified;
  for (EventDraft& draft : drafts) {
    SetOccurred(draft, now, now);
    if (!options.rationale.empty()) draft.header.set_rationale(options.rationale);
    identified.push_back({std::move(draft), NewEventId()});
  }
  return identified;
}

Status AppendAndReport(const WriteOptions& options, const std::vector<IdentifiedDraft>& drafts, v1::RunResult& all,
                       RetryPolicy retry) {
  retry.within = options.common.append_within;
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer,
                   StreamWriter::Open(*client, key, options.stream, std::move(retry)));
  ASSIGN_OR_RETURN(const std::vector<Appended> appended, writer->Append(drafts));
  const auto type_of = [&](size_t i) {
    return drafts[i].draft.body->GetDescriptor()->options().GetExtension(v1::event).type();
  };
  Report(options.common, appended, type_of, all);
  return OkStatus();
}

StatusOr<ExitStatus> AppendAndPrint(const WriteOptions& options, std::vector<EventDraft> drafts) {
  v1::RunResult all;
  RETURN_IF_ERROR(AppendAndReport(options, IdentifyNow(options, std::move(drafts)), all));
  if (options.common.json) RETURN_IF_ERROR(PrintJson(all));
  return kDone;
}

StatusOr<v1::ElectronicSignature> SignNow(const WriteOptions& options, v1::ElectronicSignature::Meaning meaning) {
  v1::ElectronicSignature signature;
  signature.set_meaning(meaning);
  signature.set_signed_at_us(WallClockNow().us);
  std::array<uint8_t, 16> session;
  FillRandom(session);
  signature.set_session_id(std::string(session.begin(), session.end()));
  signature.set_ordinal(1);
  for (const std::string& component_name : options.signature_components) {
    const std::string name = Upper(component_name);
    v1::ElectronicSignature::Component component = v1::ElectronicSignature::COMPONENT_UNSPECIFIED;
    if (!v1::ElectronicSignature::Component_Parse(name, &component)) {
      return absl::InvalidArgumentError(Text("--signed-with: \"", name,
                                             "\" is none of KEY, PASSPHRASE, HARDWARE_TOKEN, "
                                             "BIOMETRIC, IDENTITY_PROVIDER_LOGIN"));
    }
    signature.add_components(component);
  }
  return signature;
}

StatusOr<std::string> PublicKeyOf(std::string_view option, const std::string& text) {
  if (const StatusOr<VerifierKey> key = VerifierKey::Parse(text); key.ok()) return key->public_key().bytes();
  const StatusOr<NamedKey> file = ReadKeyFile(text);
  if (file.ok()) return VerifierKeyOf(*file).public_key().bytes();
  return absl::InvalidArgumentError(Text(
      option, ": \"", text,
      "\" is neither a verifier key as `anamnesis key show` prints it nor a key file: ", MessageOf(file.status())));
}

std::string Upper(std::string text) {
  for (char& letter : text) letter = static_cast<char>(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter);
  return text;
}

StatusOr<int64_t> TimeOption(std::string_view option, const std::string& text) {
  if (text.empty()) return int64_t{0};
  const StatusOr<Timestamp> time = ParseTime(text);
  if (!time.ok()) return WithContext(time.status(), option);
  return time->us;
}

}  // namespace anamnesis::cli
