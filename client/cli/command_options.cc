#include "client/cli/command_options.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace anamnesis::cli {
namespace {

bool IsLetter(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }
bool IsCapital(char c) { return absl::ascii_isupper(static_cast<unsigned char>(c)); }
bool IsOfName(char c) { return IsLetter(c) || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '_'; }
// In names like "wandb.api-key".
bool JoinsNames(char c) { return c == '.' || c == '-'; }

// "HF_TOKEN", "wandb.api-key", "accessToken" and "APIKey2" in words, in small letters.
std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words(1);
  for (size_t i = 0; i < name.size(); ++i) {
    if (!IsLetter(name[i])) {
      words.emplace_back();
      continue;
    }
    const bool after_small = i > 0 && IsLetter(name[i - 1]) && !IsCapital(name[i - 1]);
    const bool before_small = i + 1 < name.size() && IsLetter(name[i + 1]) && !IsCapital(name[i + 1]);
    if (IsCapital(name[i]) && (after_small || before_small)) words.emplace_back();
    words.back() += absl::ascii_tolower(static_cast<unsigned char>(name[i]));
  }
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words;
}

bool EndsInOneOf(std::string_view word, const std::vector<std::string_view>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return word.ends_with(ending); });
}

// Also "hftoken" and "secretkey", which have no seam.
bool IsNamedLikeSecret(std::string_view name) {
  static const auto* words =
      new std::set<std::string, std::less<>>{"pwd", "pass", "auth", "authorization", "bearer", "cookie", "jwt"};
  static const auto* endings = new std::vector<std::string_view>{
      "password", "passwd", "passphrase", "passcode", "secret", "secrets", "token", "credential", "credentials"};
  static const auto* before_key = new std::vector<std::string_view>{"api",     "access",  "private",    "secret",
                                                                    "account", "signing", "encryption", "auth"};
  std::string previous;
  for (const std::string& word : WordsOf(name)) {
    if (words->count(word) > 0 || EndsInOneOf(word, *endings)) return true;
    if (word == "key" && EndsInOneOf(previous, *before_key)) return true;
    if (word.ends_with("key") && EndsInOneOf(word.substr(0, word.size() - 3), *before_key)) return true;
    previous = word;
  }
  return false;
}

// "https://user:password@host"; of the web also "https://token@host".
bool HoldsPassword(std::string_view value) {
  const size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view authority = value.substr(scheme + 3, value.find('/', scheme + 3) - scheme - 3);
  const size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return false;
  const bool of_web = value.substr(0, scheme).ends_with("http") || value.substr(0, scheme).ends_with("https");
  return of_web || authority.substr(0, at).find(':') != std::string_view::npos;
}

// The name that ends before `end`, perhaps in quotes or before blanks: in "a=1,api_key = 2" and {"api_key": 2}.
std::string_view NameBefore(std::string_view text, size_t end) {
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '"' || text[end - 1] == '\'')) --end;
  size_t begin = end;
  while (begin > 0 && (IsOfName(text[begin - 1]) || JoinsNames(text[begin - 1]))) --begin;
  return text.substr(begin, end - begin);
}

bool HoldsSecret(std::string_view value) {
  for (size_t at = value.find_first_of("=:"); at != std::string_view::npos; at = value.find_first_of("=:", at + 1)) {
    if (IsNamedLikeSecret(NameBefore(value, at))) return true;
  }
  return HoldsPassword(value);
}

// The NAME of NAME=VALUE, as env and Hydra ("+a.b=1", "~a.b=1") take it; empty for anything else.
std::string_view AssignedName(std::string_view argument) {
  const size_t equals = argument.find('=');
  if (equals == std::string_view::npos) return "";
  std::string_view name = argument.substr(0, equals);
  while (!name.empty() && (name[0] == '+' || name[0] == '~')) name.remove_prefix(1);
  return NameBefore(name, name.size()) == name ? name : std::string_view();
}

// "-0.5" is a number and no option.
bool IsOption(std::string_view argument) {
  double number = 0;
  return argument.size() > 1 && argument[0] == '-' && !absl::SimpleAtod(std::string(argument), &number);
}

// A name as `missing` takes it.
std::string Symbol(std::string_view name) {
  std::string symbol;
  for (const unsigned char c : name) symbol += absl::ascii_isalnum(c) ? absl::ascii_tolower(c) : '_';
  constexpr size_t kSymbolBytesMax = 100;
  return symbol.substr(0, kSymbolBytesMax);
}

void Withhold(std::string_view name, CapturedTexts& captured) {
  std::string missing = "withheld_" + Symbol(name);
  const bool known = std::find(captured.missing.begin(), captured.missing.end(), missing) != captured.missing.end();
  if (!known) captured.missing.push_back(std::move(missing));
}

void AddOption(std::string name, std::string value, CapturedTexts& captured) {
  if (IsNamedLikeSecret(name) || HoldsSecret(value)) return Withhold(name, captured);
  if (!name.empty()) captured.values.emplace_back(std::move(name), std::move(value));
}

bool IsShell(const std::string& argument) {
  static const auto* shells = new std::set<std::string>{"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh"};
  return shells->count(std::filesystem::path(argument).filename().string()) > 0;
}

// The place of the script that the shell at `shell` is given with -c; the command's end when it is given none so.
size_t ScriptOf(const std::vector<std::string>& command, size_t shell) {
  for (size_t i = shell + 1; i < command.size(); ++i) {
    const std::string& option = command[i];
    if (option.size() < 2 || (option[0] != '-' && option[0] != '+')) break;
    const bool is_long = option.starts_with("--");
    if (!is_long && option.find('c') != std::string::npos) return i + 1;
    // Those that take an argument.
    if (option == "--rcfile" || option == "--init-file" || (!is_long && (option.back() | 0x20) == 'o')) ++i;
  }
  return command.size();
}

// Takes what a command has after its program's name.
class CommandReader {
 public:
  explicit CommandReader(const std::vector<std::string>& command) : command_(command) {}

  CapturedTexts Read() {
    for (next_ = 0; next_ < command_.size();) {
      const std::string& argument = command_[next_++];
      if (EndsInScript(argument)) break;
      // The program itself is no argument.
      if (next_ == 1) continue;
      // What follows "--" may be another program's options.
      if (argument == "--") continue;
      if (IsOption(argument)) {
        TakeOption(argument);
      } else {
        TakeArgument(argument);
      }
    }
    return std::move(captured_);
  }

 private:
  // What a shell is told to do may hold anything.
  bool EndsInScript(const std::string& argument) {
    if (!IsShell(argument)) return false;
    const size_t script = ScriptOf(command_, next_ - 1);
    if (script >= command_.size()) return false;
    captured_.values.emplace_back("shell_arguments", Text(command_.size() - script));
    Withhold("shell_command", captured_);
    return true;
  }

  void TakeArgument(const std::string& argument) {
    const std::string number = Text("argument_", ++arguments_);
    const std::string_view name = AssignedName(argument);
    if (IsNamedLikeSecret(name)) return Withhold(name, captured_);
    AddOption(number, argument, captured_);
  }

  void TakeOption(const std::string& option) {
    const size_t equals = option.find('=');
    const size_t begin = option.starts_with("--") ? 2 : 1;
    std::string name = option.substr(begin, equals == std::string::npos ? equals : equals - begin);
    std::replace(name.begin(), name.end(), '-', '_');
    std::string value = "true";
    if (equals != std::string::npos) {
      value = option.substr(equals + 1);
    } else if (next_ < command_.size() && (!IsOption(command_[next_]) || IsNamedLikeSecret(name))) {
      // A secret may well begin like an option.
      value = command_[next_++];
    }
    AddOption(std::move(name), std::move(value), captured_);
  }

  const std::vector<std::string>& command_;
  size_t next_ = 0;
  size_t arguments_ = 0;
  CapturedTexts captured_;
};

}  // namespace

CapturedTexts OptionsOf(const std::vector<std::string>& command) { return CommandReader(command).Read(); }

}  // namespace anamnesis::cli
