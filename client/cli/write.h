#ifndef ANAMNESIS_CLIENT_CLI_WRITE_H_
#define ANAMNESIS_CLIENT_CLI_WRITE_H_

// What the verbs share that append a few events of a kind that they know themselves.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/signature.pb.h"
#include "client/cli/context.h"
#include "client/cpp/writer.h"

namespace anamnesis::cli {

struct WriteOptions {
  Common common;
  // Default: KIND/ID of the key's holder.
  std::string stream;
  std::string rationale;
  // 21 CFR 11.200(a)(1), as ElectronicSignature.Component.
  std::vector<std::string> signature_components;
};

// Adds --ledger, --as, --within, --json, --stream and --rationale; and --signed-with where the event is signed.
void AddWriteOptions(CLI::App& verb, WriteOptions& options, bool is_signed = false);

// The drafts as what happened now, with the options' rationale and a fresh id each.
std::vector<IdentifiedDraft> IdentifyNow(const WriteOptions& options, std::vector<EventDraft> drafts);

// Appends the drafts as one run, but each that carries a signature as its own, and reports them as Report does.
// Fails as connecting and StreamWriter do.
Status AppendAndReport(const WriteOptions& options, const std::vector<IdentifiedDraft>& drafts, v1::RunResult& all,
                       RetryPolicy retry = {});

// Appends the drafts as one run that happened now, prints each event's index, time, id and type, and what is amiss with
// it on stderr.
StatusOr<ExitStatus> AppendAndPrint(const WriteOptions& options, std::vector<EventDraft> drafts);

// Adds what was appended to `all`. Unless it is to be printed as JSON, prints each event's index, time, id and label,
// and what is amiss with it on stderr.
void Report(const Common& common, const std::vector<Appended>& appended,
            const std::function<std::string(size_t)>& label_of, v1::RunResult& all);

// A signature given now, the first of its session, with the components that the options name.
StatusOr<v1::ElectronicSignature> SignNow(const WriteOptions& options, v1::ElectronicSignature::Meaning meaning);

// The public key in "NAME+ID+BASE64" as `anamnesis key show` prints it, or in a key file. INVALID_ARGUMENT naming
// `option`.
StatusOr<std::string> PublicKeyOf(std::string_view option, const std::string& text);

// An RFC 3339 time in microseconds; 0 for an empty text.
StatusOr<int64_t> TimeOption(std::string_view option, const std::string& text);

// As the names of enum values are written: letters in upper case.
std::string Upper(std::string text);

// A draft of one event type.
template <typename Body>
EventDraft DraftOf(Body body) {
  EventDraft draft;
  draft.body = std::make_shared<Body>(std::move(body));
  return draft;
}

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_WRITE_H_
