// Who may write what, as commands: enrol, role, credential, delegate (21 CFR 11.10, 11.100, 11.300).

#include <algorithm>
#include <cctype>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/certifier/recorded.h"
#include "client/cli/option_checks.h"
#include "client/cli/safety_class.h"
#include "client/cli/write.h"

namespace anamnesis::cli {
namespace {

struct Options : WriteOptions {
  std::string id;
  std::string key;
  std::string old_key;
  std::string name;
  std::string identity_check = "VOUCHED";
  std::vector<std::string> roles;
  std::string role;
  std::string device_model;
  std::string serial;
  std::string jurisdiction;
  std::string site;
  std::string kind = "person";
  std::string from;
  std::string until;
  std::vector<std::string> items;
  std::string class_max;
  std::vector<std::string> jurisdictions;
  std::string to;
  uint32_t uses_max = 0;
  std::string envelope;
  std::string protocol;
};

// As a person writes them.
std::string RoleNames() {
  std::string names;
  for (int number = v1::Role_MIN + 1; number <= v1::Role_MAX; ++number) {
    std::string name = v1::Role_Name(static_cast<v1::Role>(number));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!name.empty()) names += Text(names.empty() ? "" : ", ", name);
  }
  return names;
}

StatusOr<v1::Role> RoleOf(std::string_view option, const std::string& name) {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  if (v1::Role_Parse(Upper(name), &role) && role != v1::ROLE_UNSPECIFIED) return role;
  return absl::InvalidArgumentError(Text(option, ": \"", name, "\" is no role; one of ", RoleNames()));
}

void AddScopeOptions(CLI::App& verb, Options& options) {
  verb.add_option("--item", options.items, "a software item that it covers, with what is below it; repeatable");
  verb.add_option("--class-max", options.class_max, "the highest safety class that it covers: A, B or C");
  verb.add_option("--jurisdiction", options.jurisdictions, "a jurisdiction that it covers; repeatable")
      ->check(IsCountryCode());
}

StatusOr<v1::Scope> ScopeOf(const Options& options) {
  v1::Scope scope;
  for (const std::string& item : options.items) scope.add_items(item);
  for (const std::string& jurisdiction : options.jurisdictions) scope.add_jurisdictions(jurisdiction);
  ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass class_max, ParseSafetyClass("--class-max", options.class_max));
  scope.set_class_max(class_max);
  return scope;
}

StatusOr<EventDraft> IssueKey(const std::string& kind, const std::string& id, const std::string& key) {
  v1::CredentialIssued body;
  ASSIGN_OR_RETURN(*body.mutable_public_key(), PublicKeyOf("--key", key));
  body.set_purpose(v1::CredentialIssued::SEAL);
  EventDraft draft = DraftOf(std::move(body));
  AddReference(draft, "holder", kind, id);
  return draft;
}

StatusOr<EventDraft> Grant(const std::string& kind, const std::string& id, const std::string& name,
                           const Options& options) {
  v1::RoleGranted body;
  ASSIGN_OR_RETURN(const v1::Role role, RoleOf("--role", name));
  body.set_role(role);
  ASSIGN_OR_RETURN(const int64_t from, TimeOption("--from", options.from));
  ASSIGN_OR_RETURN(const int64_t until, TimeOption("--until", options.until));
  body.set_valid_from_us(from);
  body.set_valid_until_us(until);
  ASSIGN_OR_RETURN(const v1::Scope scope, ScopeOf(options));
  if (scope.ByteSizeLong() > 0) *body.mutable_scope() = scope;
  EventDraft draft = DraftOf(std::move(body));
  AddReference(draft, "holder", kind, id);
  return draft;
}

void AddEnrolPerson(CLI::App& enrol) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *enrol.add_subcommand("person", "a person with a key and roles");
  verb.footer("Example: anamnesis enrol person p-0002 --name \"Jo Smith\" --key jo.key --role reviewer --as ada.key");
  verb.add_option("ID", options->id, "a pseudonymous id, for ever this person's")->required();
  verb.add_option("--name", options->name, "the printed name; erasable")->required();
  verb.add_option("--key", options->key, "the person's verifier key, or key file")->required();
  verb.add_option("--identity-check", options->identity_check,
                  "self_declared, vouched, document or identity_provider; default: vouched");
  verb.add_option("--role", options->roles, Text("a role to grant: ", RoleNames(), "; repeatable"));
  verb.add_option("--until", options->until, "the roles' end");
  AddScopeOptions(verb, *options);
  AddWriteOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::PersonEnrolled body;
    body.set_printed_name(options->name);
    v1::PersonEnrolled::IdentityCheck check = v1::PersonEnrolled::IDENTITY_CHECK_UNSPECIFIED;
    if (!v1::PersonEnrolled::IdentityCheck_Parse(Upper(options->identity_check), &check)) {
      return absl::InvalidArgumentError(Text("--identity-check: \"", options->identity_check,
                                             "\" is none of self_declared, vouched, document, identity_provider"));
    }
    body.set_identity_check(check);
    std::vector<EventDraft> drafts = {DraftOf(std::move(body))};
    AddReference(drafts.back(), "person", "person", options->id);
    ASSIGN_OR_RETURN(drafts.emplace_back(), IssueKey("person", options->id, options->key));
    for (const std::string& role : options->roles) {
      ASSIGN_OR_RETURN(drafts.emplace_back(), Grant("person", options->id, role, *options));
    }
    return AppendAndPrint(*options, std::move(drafts));
  });
}

void AddEnrolDevice(CLI::App& enrol) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *enrol.add_subcommand("device", "a device unit with its key, ready to be commissioned");
  verb.footer("Example: anamnesis enrol device ICU-7 --key icu7.key --as ada.key");
  verb.add_option("ID", options->id, "the unit's id")->required();
  verb.add_option("--key", options->key, "the unit's verifier key, or key file")->required();
  verb.add_option("--device-model", options->device_model, "its model: commissions it too, as the writer");
  verb.add_option("--serial", options->serial, "its serial number");
  verb.add_option("--country", options->jurisdiction, "whose law applies, ISO 3166-1 alpha-2")->check(IsCountryCode());
  verb.add_option("--site", options->site, "where it stands");
  AddWriteOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    std::vector<EventDraft> drafts;
    ASSIGN_OR_RETURN(drafts.emplace_back(), IssueKey("device_unit", options->id, options->key));
    if (!options->device_model.empty()) {
      v1::DeviceUnitCommissioned body;
      body.set_serial_number(options->serial);
      body.set_jurisdiction(options->jurisdiction);
      EventDraft& draft = drafts.emplace_back(DraftOf(std::move(body)));
      AddReference(draft, "unit", "device_unit", options->id);
      AddReference(draft, "device_model", "device_model", options->device_model);
      if (!options->site.empty()) AddReference(draft, "site", "site", options->site);
    }
    return AppendAndPrint(*options, std::move(drafts));
  });
}

void AddEnrolOther(CLI::App& enrol, const char* kind, const char* what, const char* example) {
  auto options = std::make_shared<Options>();
  options->kind = kind;
  CLI::App& verb = *enrol.add_subcommand(kind, what);
  verb.footer(example);
  verb.add_option("ID", options->id, "its id")->required();
  verb.add_option("--key", options->key, "its verifier key, or key file")->required();
  verb.add_option("--role", options->roles, "a role to grant (software only); repeatable");
  AddScopeOptions(verb, *options);
  AddWriteOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    std::vector<EventDraft> drafts;
    ASSIGN_OR_RETURN(drafts.emplace_back(), IssueKey(options->kind, options->id, options->key));
    for (const std::string& role : options->roles) {
      ASSIGN_OR_RETURN(drafts.emplace_back(), Grant(options->kind, options->id, role, *options));
    }
    return AppendAndPrint(*options, std::move(drafts));
  });
}

void AddCredentialVerb(CLI::App& credential, const char* name, const char* what) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *credential.add_subcommand(name, what);
  const std::string action = name;
  verb.footer(Text("Example: anamnesis credential ", name, " p-0002 --key jo.key",
                   action == "rotate" ? " --old-key jo-2025.key" : "", " --rationale \"...\" --as ada.key"));
  verb.add_option("HOLDER", options->id, "the holder's id")->required();
  verb.add_option("--kind", options->kind, "person, software, device_unit, organisation, site or node");
  verb.add_option("--key", options->key, "the verifier key, or key file")->required();
  if (action == "rotate") {
    verb.add_option("--old-key", options->old_key, "the key that it replaces")->required();
    verb.add_option("--old-key-until,--from", options->from,
                    "until when the old key may be used yet (RFC 3339); default: no longer. The new one may at once");
  } else if (action == "report-lost") {
    verb.add_option("--from", options->from, "since when it may be in other hands (RFC 3339); default: now");
  } else {
    verb.add_option(
        "--from", options->from,
        Text("from when on it ", action == "issue" ? "may be used" : "is refused", " (RFC 3339); default: at once"));
  }
  AddWriteOptions(verb, *options);
  SetAction(verb, [options, action]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::string key, PublicKeyOf("--key", options->key));
    ASSIGN_OR_RETURN(const int64_t from, TimeOption("--from", options->from));
    EventDraft draft;
    if (action == "issue") {
      v1::CredentialIssued body;
      body.set_public_key(key);
      body.set_purpose(v1::CredentialIssued::SEAL);
      body.set_valid_from_us(from);
      draft = DraftOf(std::move(body));
    } else if (action == "revoke") {
      v1::CredentialRevoked body;
      body.set_public_key(key);
      body.set_effective_from_us(from);
      draft = DraftOf(std::move(body));
    } else if (action == "report-lost") {
      v1::CredentialReportedLost body;
      body.set_public_key(key);
      body.set_lost_since_us(from);
      draft = DraftOf(std::move(body));
    } else {
      v1::CredentialRotated body;
      ASSIGN_OR_RETURN(*body.mutable_old_public_key(), PublicKeyOf("--old-key", options->old_key));
      body.set_new_public_key(key);
      body.set_old_key_until_us(from);
      draft = DraftOf(std::move(body));
    }
    AddReference(draft, "holder", options->kind, options->id);
    return AppendAndPrint(*options, {std::move(draft)});
  });
}

}  // namespace

void AddEnrol(CLI::App& app) {
  CLI::App& enrol = *app.add_subcommand("enrol", "people, devices, sites and software that may write");
  enrol.require_subcommand(1);
  AddEnrolPerson(enrol);
  AddEnrolDevice(enrol);
  AddEnrolOther(enrol, "site", "a site with its key",
                "Example: anamnesis enrol site hospital-a --key site.key --as ada.key");
  AddEnrolOther(enrol, "software", "a program with its key and roles",
                "Example: anamnesis enrol software pipeline-1 --key ci.key --as ada.key");
}

void AddRole(CLI::App& app) {
  CLI::App& role = *app.add_subcommand("role", "grants and withdraws roles");
  role.require_subcommand(1);
  for (const char* name : {"grant", "withdraw"}) {
    const bool grants = name[0] == 'g';
    auto options = std::make_shared<Options>();
    CLI::App& verb =
        *role.add_subcommand(name, grants ? "a role, within a scope and a time" : "a role, with a rationale");
    verb.footer(Text("Example: anamnesis role ", name, " p-0002 certifier --rationale \"...\" --as ada.key"));
    verb.add_option("HOLDER", options->id, "the holder's id")->required();
    verb.add_option("ROLE", options->role, RoleNames())->required();
    verb.add_option("--kind", options->kind, "person or software");
    if (grants) {
      verb.add_option("--from", options->from, "its begin (RFC 3339)");
      verb.add_option("--until", options->until, "its end (RFC 3339)");
      AddScopeOptions(verb, *options);
    }
    AddWriteOptions(verb, *options);
    SetAction(verb, [options, grants]() -> StatusOr<ExitStatus> {
      if (grants) {
        ASSIGN_OR_RETURN(EventDraft draft, Grant(options->kind, options->id, options->role, *options));
        return AppendAndPrint(*options, {std::move(draft)});
      }
      v1::RoleWithdrawn body;
      ASSIGN_OR_RETURN(const v1::Role withdrawn, RoleOf("ROLE", options->role));
      body.set_role(withdrawn);
      EventDraft draft = DraftOf(std::move(body));
      AddReference(draft, "holder", options->kind, options->id);
      return AppendAndPrint(*options, {std::move(draft)});
    });
  }
}

void AddCredential(CLI::App& app) {
  CLI::App& credential = *app.add_subcommand("credential", "issues, rotates and ends keys");
  credential.require_subcommand(1);
  AddCredentialVerb(credential, "issue", "a further key for somebody who is enrolled");
  AddCredentialVerb(credential, "rotate", "a new key in place of an old one");
  AddCredentialVerb(credential, "revoke", "a key, with a rationale");
  AddCredentialVerb(credential, "report-lost", "a key that may be in other hands, with a rationale");
}

void AddDelegate(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("delegate", "lets software act in a role of yours, within bounds");
  verb.footer(
      "Example: anamnesis delegate d-1 --to certifier-1 --role certifier --until 2027-01-01T00:00:00Z --uses 100 \\\n"
      "           --class-max C --signed-with key,hardware_token --as jo.key");
  verb.add_option("ID", options->id, "the delegation's id")->required();
  verb.add_option("--to", options->to, "the software's id")->required();
  verb.add_option("--role", options->role, "the role")->required();
  verb.add_option("--until", options->until, "its end (RFC 3339)")->required();
  verb.add_option("--uses", options->uses_max, "how many events may be written under it");
  verb.add_option("--envelope", options->envelope, "ID@VERSION; only for artifacts of this envelope");
  verb.add_option("--protocol", options->protocol, "ID@VERSION; only by this sandbox protocol");
  AddScopeOptions(verb, *options);
  AddWriteOptions(verb, *options, true);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options->common.key_file));
    v1::AuthorityDelegated body;
    ASSIGN_OR_RETURN(const v1::Role role, RoleOf("--role", options->role));
    body.set_role(role);
    ASSIGN_OR_RETURN(*body.mutable_scope(), ScopeOf(*options));
    body.set_uses_max(options->uses_max);
    ASSIGN_OR_RETURN(const int64_t until, TimeOption("--until", options->until));
    if (until <= WallClockNow().us) {
      return absl::InvalidArgumentError(Text("--until: ", options->until, " is past; nobody could act under it"));
    }
    body.set_valid_until_us(until);
    ASSIGN_OR_RETURN(*body.mutable_signature(), SignNow(*options, v1::ElectronicSignature::RESPONSIBILITY));
    EventDraft draft = DraftOf(std::move(body));
    AddReference(draft, "delegation", "delegation", options->id);
    AddReference(draft, "from", "person", key.name);
    AddReference(draft, "to", "software", options->to);
    if (!options->envelope.empty()) {
      ASSIGN_OR_RETURN(const VersionedName envelope, VersionedName::Parse("--envelope", options->envelope));
      AddReference(draft, "envelope", "envelope", envelope.id, envelope.version);
    }
    if (!options->protocol.empty()) {
      ASSIGN_OR_RETURN(const VersionedName protocol, VersionedName::Parse("--protocol", options->protocol));
      AddReference(draft, "protocol", "sandbox_protocol", protocol.id, protocol.version);
    }
    return AppendAndPrint(*options, {std::move(draft)});
  });
}

}  // namespace anamnesis::cli
