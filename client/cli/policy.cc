#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/shipped_policies.h"
#include "client/cli/write.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis::cli {
namespace {

struct AdoptOptions {
  std::string file;
  std::string version;
  std::string name;
  std::string title;
  std::string stream;
  bool shipped = false;
  Common common;
};

struct Adoption {
  std::string name;
  std::string version;
  v1::PolicyAdopted body;
};

StatusOr<Adoption> MakeAdoption(const AdoptOptions& options, const std::string& name, std::string_view source,
                                std::string_view json) {
  Adoption adoption;
  ASSIGN_OR_RETURN(*adoption.body.mutable_document(), ParsePolicyDocument(source, json));
  ASSIGN_OR_RETURN(const v1::PolicyAdopted::Kind kind, KindOfDocument(source, adoption.body.document()));
  adoption.body.set_kind(kind);
  adoption.name = options.name.empty() ? name : options.name;
  adoption.body.set_title(options.title.empty() ? adoption.name : options.title);
  // A version that can't be moved to other content: the start of the document's digest.
  adoption.version = options.version.empty() ? Sha256(adoption.body.document().SerializeAsString()).hex().substr(0, 16)
                                             : options.version;
  return adoption;
}

StatusOr<std::vector<Adoption>> ReadAdoptions(const AdoptOptions& options) {
  if (options.shipped == !options.file.empty()) {
    return absl::InvalidArgumentError("FILE: give one policy document, or --shipped for all that this program has");
  }
  std::vector<Adoption> adoptions;
  if (options.file.empty()) {
    for (const ShippedPolicy& policy : ShippedPolicies()) {
      ASSIGN_OR_RETURN(Adoption adoption, MakeAdoption(options, std::string(policy.name), policy.name, policy.json));
      adoptions.push_back(std::move(adoption));
    }
    return adoptions;
  }
  ASSIGN_OR_RETURN(const std::string json, ReadFile(options.file));
  const std::string name = std::filesystem::path(options.file).stem().string();
  ASSIGN_OR_RETURN(Adoption adoption, MakeAdoption(options, name, options.file, json));
  adoptions.push_back(std::move(adoption));
  return adoptions;
}

StatusOr<v1::Answer> AskForPolicy(LedgerClient& client, v1::PolicyAdopted::Kind kind) {
  v1::Question question;
  question.mutable_policy()->set_kind(kind);
  question.mutable_consistency()->set_linearizable(true);
  return client.Ask(question);
}

// The same name, version and content is in force already.
StatusOr<bool> IsInForce(LedgerClient& client, const Adoption& adoption) {
  ASSIGN_OR_RETURN(const v1::Answer answer, AskForPolicy(client, adoption.body.kind()));
  const v1::PolicyAnswer& policy = answer.policy();
  return policy.adopted() && policy.policy().id() == adoption.name && policy.policy().version() == adoption.version &&
         policy.document().SerializeAsString() == adoption.body.document().SerializeAsString();
}

EventDraft ToDraft(const Adoption& adoption) {
  EventDraft draft;
  draft.body = std::make_shared<v1::PolicyAdopted>(adoption.body);
  AddReference(draft, "policy", "policy", adoption.name, adoption.version);
  const Timestamp now = WallClockNow();
  SetOccurred(draft, now, now);
  return draft;
}

StatusOr<ExitStatus> Adopt(const AdoptOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Adoption> adoptions, ReadAdoptions(options));
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  std::vector<IdentifiedDraft> drafts;
  // Said when it is: whoever may not adopt them is told so, and not that they are.
  std::string adopted;
  for (const Adoption& adoption : adoptions) {
    ASSIGN_OR_RETURN(const bool in_force, IsInForce(*client, adoption));
    if (in_force) {
      std::cerr << adoption.name << "@" << adoption.version << " is in force already\n";
    } else {
      adopted += Text(adoption.name, "@", adoption.version, " is adopted\n");
      drafts.push_back({ToDraft(adoption), NewEventId()});
    }
  }
  v1::RunResult result;
  if (!drafts.empty()) {
    ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(*client, key, options.stream));
    ASSIGN_OR_RETURN(const std::vector<Appended> appended, writer->Append(drafts));
    std::cerr << adopted;
    Report(
        options.common, appended, [](size_t) { return "policy.adopted"; }, result);
  }
  if (options.common.json) RETURN_IF_ERROR(PrintJson(result));
  return kDone;
}

void AddAdopt(CLI::App& policy) {
  auto options = std::make_shared<AdoptOptions>();
  CLI::App& verb = *policy.add_subcommand("adopt", "puts a policy document, or all shipped ones, in force");
  verb.footer(
      "Example: anamnesis policy adopt --shipped --as quality.key\n"
      "         anamnesis policy adopt profile.json --version 3 --as quality.key");
  verb.add_option("FILE", options->file, "the document in JSON; \"-\" is stdin");
  verb.add_flag("--shipped", options->shipped, "all documents that this program was built with");
  verb.add_option("--version", options->version, "the document's version; default: the start of its digest");
  verb.add_option("--name", options->name, "the policy's name; default: the file's");
  verb.add_option("--title", options->title, "default: the name");
  verb.add_option("--stream", options->stream, "the writer's stream; default: KIND/ID of the key's holder");
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() { return Adopt(*options); });
}

void AddShipped(CLI::App& policy) {
  auto name = std::make_shared<std::string>();
  CLI::App& verb = *policy.add_subcommand("shipped", "lists the documents of this program, or prints one");
  verb.footer("Example: anamnesis policy shipped process_profile_62304_2006_a1 > profile.json");
  verb.add_option("NAME", *name, "print this one");
  SetAction(verb, [name]() -> StatusOr<ExitStatus> {
    for (const ShippedPolicy& policy_file : ShippedPolicies()) {
      if (name->empty()) std::cout << policy_file.name << "\n";
      if (*name == policy_file.name) {
        std::cout << policy_file.json;
        return kDone;
      }
    }
    if (name->empty()) return kDone;
    return absl::NotFoundError(
        Text("NAME: \"", *name, "\" is no shipped policy; `anamnesis policy shipped` lists them"));
  });
}

StatusOr<v1::PolicyAdopted::Kind> ParseKind(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  v1::PolicyAdopted::Kind kind;
  if (v1::PolicyAdopted::Kind_Parse(text, &kind) && kind != v1::PolicyAdopted::KIND_UNSPECIFIED) return kind;
  return absl::InvalidArgumentError(
      Text("KIND: \"", text, "\" is none of gate, retention, contemporaneity, process_profile, clause_map and ",
           "reporting_clock"));
}

void PrintPolicy(const v1::Answer& answer) {
  const v1::PolicyAnswer& policy = answer.policy();
  if (!policy.adopted()) return;
  std::cout << Bold(Text(policy.policy().id(), "@", policy.policy().version())) << "  " << policy.title()
            << Dim(Text("  adopted at leaf ", policy.adoption().index())) << "\n";
  const StatusOr<std::string> json = ToJson(policy.document(), true);
  if (json.ok()) std::cout << *json;
}

void AddShowPolicy(CLI::App& policy) {
  struct Options : QuestionOptions {
    std::string kind;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *policy.add_subcommand("show", "the document of a kind that is in force");
  verb.footer("Example: anamnesis policy show process_profile");
  verb.add_option("KIND", options->kind,
                  "gate, retention, contemporaneity, process_profile, clause_map or reporting_clock")
      ->required();
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    ASSIGN_OR_RETURN(const v1::PolicyAdopted::Kind kind, ParseKind(options->kind));
    question.mutable_policy()->set_kind(kind);
    return AskAndPrint(*options, std::move(question), PrintPolicy,
                       [](const v1::Answer& answer) { return answer.policy().adopted(); });
  });
}

}  // namespace

void AddPolicy(CLI::App& app) {
  CLI::App& policy = *app.add_subcommand("policy", "the rules that are data: process profile, clocks, retention, ...");
  policy.require_subcommand(1);
  AddAdopt(policy);
  AddShipped(policy);
  AddShowPolicy(policy);
}

}  // namespace anamnesis::cli
