#include "client/cli/context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "client/cli/embedded_client.h"
#include "client/cli/option_checks.h"
#include "client/cli/plain_text.h"
#include "client/cpp/remote_client.h"
#include "client/exports/content.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/base/bytes.h"
#include "ledger/objects/file_io.h"

namespace anamnesis::cli {
namespace {

int last_exit_status = kDone;
bool last_verb_had_key = false;

std::string Styled(std::string_view code, std::string_view text) {
  return Coloured() ? Text("\x1b[", code, "m", text, "\x1b[0m") : std::string(text);
}

}  // namespace

void AddLedgerOption(CLI::App& verb, Common& common) {
  verb.add_option("--ledger", common.ledger,
                  "file:DIR (embedded) or HOST:PORT[,HOST:PORT...]; needed where ANAMNESIS_LEDGER isn't set, as "
                  "examples take it to be")
      ->envname("ANAMNESIS_LEDGER")
      ->required();
  AddTlsOptions(verb, common);
}

void AddTlsOptions(CLI::App& verb, Common& common) {
  verb.add_option("--tls-certificate", common.tls.certificate, "PEM file: who we are to the ledger's nodes")
      ->envname("ANAMNESIS_TLS_CERTIFICATE");
  verb.add_option("--tls-key", common.tls.key, "PEM file: the certificate's key")->envname("ANAMNESIS_TLS_KEY");
  verb.add_option("--tls-ca", common.tls.ca, "PEM file: the CAs that sign nodes' certificates")
      ->envname("ANAMNESIS_TLS_CA");
}

void AddKeyOption(CLI::App& verb, Common& common) {
  verb.add_option("--as", common.key_file, "the writer's key file")->required()->check(IsFileToRead());
}

void AddJsonOption(CLI::App& verb, Common& common) {
  verb.add_flag_function(
      "--json",
      [&common](int64_t count) {
        common.json = count > 0;
        if (common.json) WriteRawOutput();
      },
      "one JSON document on stdout");
}

void AddConsistencyOptions(CLI::App& verb, Common& common) {
  verb.add_flag_function(
      "--linearizable", [&common](int64_t) { common.consistency.set_linearizable(true); },
      "include everything that any node acknowledged before");
  verb.add_option_function<uint64_t>(
      "--tree-size-min", [&common](uint64_t size) { common.consistency.set_tree_size_min(size); },
      "answer at this size or a larger one; wait for it if need be");
}

void AddWithinOption(CLI::App& verb, Common& common) {
  verb.add_option_function<uint32_t>(
      "--within", [&common](uint32_t seconds) { common.append_within = std::chrono::seconds(seconds); },
      "go on for so many seconds while the outcome isn't known (default: 60)");
}

StatusOr<std::unique_ptr<LedgerClient>> Connect(const Common& common) {
  if (!common.ledger.starts_with(kFilePrefix)) {
    RemoteClientOptions remote;
    remote.consistency = common.consistency;
    remote.tls = common.tls;
    remote.append_within = common.append_within;
    remote.read_within = common.read_within;
    return ConnectRemote(common.ledger, std::move(remote));
  }
  LedgerOptions options;
  options.log = [](std::string_view line) { std::cerr << line << "\n"; };
  StatusOr<std::unique_ptr<LedgerClient>> client =
      OpenEmbedded(common.ledger.substr(kFilePrefix.size()), options, common.consistency);
  if (!client.ok()) return common.was_there ? NotReached(client.status()) : NotOpened(client.status());
  return client;
}

Status NotReached(const Status& why) { return absl::UnavailableError(Text(MessageOf(why))); }

Status NotOpened(const Status& why) {
  if (!absl::IsNotFound(why)) return NotReached(why);
  const bool is_none = MessageOf(why).starts_with("no ledger in");
  return absl::InvalidArgumentError(Text(MessageOf(why), is_none ? "; `anamnesis init` makes one" : ""));
}

void SetAction(CLI::App& verb, std::function<StatusOr<ExitStatus>()> run) {
  verb.callback([&verb, run = std::move(run)] {
    const CLI::Option* key = verb.get_option_no_throw("--as");
    last_verb_had_key = key != nullptr && key->count() > 0;
    const StatusOr<ExitStatus> result = run();
    if (result.ok()) {
      last_exit_status = *result;
    } else {
      const bool nested = verb.get_parent() != nullptr && verb.get_parent()->get_parent() != nullptr;
      std::cerr << "anamnesis " << (nested ? verb.get_parent()->get_name() + " " : "") << verb.get_name() << ": "
                << exports::CleanText(MessageOf(result.status())) << "\n";
      last_exit_status = ExitStatusOf(result.status());
    }
  });
}

int LastExitStatus() { return last_exit_status; }
bool LastVerbHadKey() { return last_verb_had_key; }

ExitStatus ExitStatusOf(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kDone;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kAnswerIsNo;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return kBadUsage;
    case absl::StatusCode::kUnknown:
      return kOutcomeUnknown;
    default:
      return kNotReached;
  }
}

StatusOr<std::string> ToJson(const google::protobuf::Message& message, bool indent) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indent;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError(Text("as JSON: ", status.ToString()));
  return json;
}

Status PrintJson(const google::protobuf::Message& message) {
  ASSIGN_OR_RETURN(const std::string json, ToJson(message, true));
  std::cout << json;
  if (json.empty() || json.back() != '\n') std::cout << "\n";
  return OkStatus();
}

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00" + HexEncode(std::string_view(&c, 1));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

bool Coloured() {
  static const bool coloured = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return coloured;
}

std::string Bold(std::string_view text) { return Styled("1", text); }
std::string Dim(std::string_view text) { return Styled("2", text); }
std::string Good(std::string_view text) { return Styled("32", text); }
std::string Bad(std::string_view text) { return Styled("31;1", text); }

StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& from = path == "-" ? std::cin : file;
  std::string bytes;
  std::array<char, 64 * 1024> block;
  // Reading by blocks sets the stream's state when it fails; its iterators throw instead.
  while (from.read(block.data(), block.size()) || from.gcount() > 0) {
    bytes.append(block.data(), static_cast<size_t>(from.gcount()));
    if (bytes.size() > bytes_max) {
      return absl::InvalidArgumentError(Text(path, ": has more than the ", bytes_max, " bytes that are read of it"));
    }
  }
  if (!from.eof() || from.bad()) return absl::InvalidArgumentError(Text(path, ": can't be read"));
  return bytes;
}

Status WriteFile(const std::string& path, std::string_view bytes, ReadableBy readers) {
  const bool is_private = readers == ReadableBy::kOwner;
  const StatusOr<Descriptor> file = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, is_private ? 0600 : 0666);
  // One that was there before, too.
  const bool readable_right = file.ok() && (!is_private || ::fchmod(file->get(), 0600) == 0);
  if (!readable_right || !WriteAll(file->get(), path, bytes).ok()) {
    return absl::InvalidArgumentError(Text(path, ": can't be written"));
  }
  return OkStatus();
}

}  // namespace anamnesis::cli
