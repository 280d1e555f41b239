#include "ledger/state/training_parameters.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "ledger/base/bytes.h"

namespace anamnesis {
namespace {

using Words = std::vector<std::string>;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// In lower case; a new word begins after anything that is neither letter nor digit, and at a capital after a small one.
Words WordsOf(std::string_view name) {
  Words words;
  bool open = false;
  char before = '\0';
  for (const char c : name) {
    const bool part = IsLower(c) || IsUpper(c) || IsDigit(c);
    if (part && (!open || (IsUpper(c) && IsLower(before)))) words.emplace_back();
    if (part) words.back() += IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
    open = part;
    before = c;
  }
  return words;
}

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Of another phase than training, or of a bound that need not be reached.
bool IsOfSomethingElse(const std::string& word) {
  return IsOneOf(word,
                 {"eval", "evaluate", "evaluation", "min", "test", "val", "valid", "validate", "validation", "warmup"});
}

// Where the words stand in the name; its size when they don't.
size_t Find(const Words& name, const Words& words) {
  return static_cast<size_t>(std::search(name.begin(), name.end(), words.begin(), words.end()) - name.begin());
}

// Whether the name is that of the quantity itself: after the words nothing but which value of it, and before them
// neither what it is counted by nor anything that makes it another quantity.
bool IsQuantity(const Words& name, const Words& words) {
  const size_t place = Find(name, words);
  if (place == name.size()) return false;
  const auto at = name.begin() + static_cast<Words::difference_type>(place);
  if (place > 0 && IsOneOf(name[place - 1], {"every", "per"})) return false;
  return std::none_of(name.begin(), at, IsOfSomethingElse) &&
         std::all_of(at + static_cast<Words::difference_type>(words.size()), name.end(), [](const std::string& word) {
           return IsOneOf(word, {"0", "base", "init", "initial", "max", "maximum", "start", "total"});
         });
}

struct Asked {
  std::string_view name;
  std::vector<Words> quantities;
  // Whatever follows: "early_stopping_patience".
  std::vector<Words> beginnings;
};

const std::vector<Asked>& AllAsked() {
  static const auto* asked = new std::vector<Asked>{
      {"learning_rate", {{"learning", "rate"}, {"lr"}, {"learningrate"}}, {}},
      {"batch_size", {{"batch", "size"}, {"batch"}, {"batchsize"}}, {}},
      {"epochs", {{"epochs"}, {"max", "epoch"}, {"num", "epoch"}, {"total", "epoch"}}, {}},
      {"early_stopping", {}, {{"early", "stopping"}, {"early", "stop"}, {"earlystopping"}, {"earlystop"}}}};
  return *asked;
}

bool Says(const Words& name, const Asked& asked) {
  return std::any_of(asked.quantities.begin(), asked.quantities.end(),
                     [&](const Words& words) { return IsQuantity(name, words); }) ||
         std::any_of(asked.beginnings.begin(), asked.beginnings.end(),
                     [&](const Words& words) { return Find(name, words) < name.size(); });
}

}  // namespace

std::string TrainingParametersLacking(const v1::TrainingRunStarted& run) {
  std::vector<Words> names;
  for (const v1::NamedValue& value : run.hyperparameters()) names.push_back(WordsOf(value.name()));
  std::string lacking;
  for (const Asked& asked : AllAsked()) {
    const bool there = std::any_of(names.begin(), names.end(), [&](const Words& name) { return Says(name, asked); });
    if (!there) lacking += Text(lacking.empty() ? "" : ", ", asked.name);
  }
  return lacking;
}

}  // namespace anamnesis
