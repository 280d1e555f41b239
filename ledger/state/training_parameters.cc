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

// In lower case; a new word begins after anything that is neither letter nor digit, at a capital after a small one, and
// between letters and digits.
Words WordsOf(std::string_view name) {
  Words words;
  bool open = false;
  char before = '\0';
  for (const char c : name) {
    const bool part = IsLower(c) || IsUpper(c) || IsDigit(c);
    const bool begins = !open || (IsUpper(c) && IsLower(before)) || IsDigit(c) != IsDigit(before);
    if (part && begins) words.emplace_back();
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
  return IsOneOf(word, {"eval", "evaluate", "evaluation", "inference", "min", "minimum", "predict", "prediction",
                        "test", "val", "valid", "validate", "validation", "warmup"});
}

// Of how a learning rate or a batch changes or is treated.
bool IsOfTreatment(const std::string& word) {
  return IsOneOf(word, {"cooldown", "cycle",    "decay",    "drop",       "end",    "factor",   "final",
                        "find",     "finder",   "floor",    "gamma",      "growth", "lambda",   "mode",
                        "momentum", "monitor",  "mult",     "multiplier", "norm",   "patience", "plateau",
                        "policy",   "power",    "ramp",     "rampup",     "range",  "ratio",    "reduce",
                        "restart",  "restarts", "scale",    "scaling",    "sched",  "schedule", "scheduler",
                        "step",     "steps",    "strategy", "threshold",  "type",   "warm"});
}

// Which value of a quantity is meant.
bool IsWhichValue(const std::string& word) {
  return std::all_of(word.begin(), word.end(), IsDigit) ||
         IsOneOf(word, {"base", "init", "initial", "max", "maximum", "start", "total", "train", "training"});
}

// Where the words stand in the name; its size when they don't.
size_t Find(const Words& name, const Words& words) {
  return static_cast<size_t>(std::search(name.begin(), name.end(), words.begin(), words.end()) - name.begin());
}

struct Quantity {
  Words words;
  // Of what part it is may follow, such as "backbone" or "per_gpu", and not only which value of it.
  bool of_parts = false;
  // What comes before the words and makes them another quantity.
  Words not_after = {};
};

// Whether the name is that of the quantity itself: after the words nothing but which value of it or of what part it is,
// and before them neither what it is counted by nor anything that makes it another quantity.
bool IsQuantity(const Words& name, const Quantity& quantity) {
  const size_t place = Find(name, quantity.words);
  if (place == name.size()) return false;
  const auto at = name.begin() + static_cast<Words::difference_type>(place);
  if (place > 0 && IsOneOf(name[place - 1], {"every", "per"})) return false;
  const auto makes_another = [&](const std::string& word) {
    return IsOfSomethingElse(word) ||
           std::find(quantity.not_after.begin(), quantity.not_after.end(), word) != quantity.not_after.end();
  };
  const auto may_follow = [&](const std::string& word) {
    return quantity.of_parts ? !IsOfSomethingElse(word) && !IsOfTreatment(word) : IsWhichValue(word);
  };
  const auto behind = at + static_cast<Words::difference_type>(quantity.words.size());
  return std::none_of(name.begin(), at, makes_another) && std::all_of(behind, name.end(), may_follow);
}

struct Asked {
  std::string_view name;
  std::vector<Quantity> quantities;
  // Whatever follows: "early_stopping_patience".
  std::vector<Words> beginnings;
};

const std::vector<Asked>& AllAsked() {
  // Patience is that of early stopping, but where a scheduler has one of its own.
  static const Words kOfScheduler = {"learning", "lr",    "lron",     "plateau",  "rate",
                                     "reduce",   "sched", "schedule", "scheduler"};
  static const auto* asked = new std::vector<Asked>{
      {"learning_rate", {{{"learning", "rate"}, true}, {{"lr"}, true}, {{"learningrate"}, true}}, {}},
      {"batch_size", {{{"batch", "size"}, true}, {{"batch"}}, {{"batchsize"}, true}}, {}},
      {"epochs", {{{"epochs"}}, {{"max", "epoch"}}, {{"num", "epoch"}}, {{"total", "epoch"}}}, {}},
      {"early_stopping",
       {{{"patience"}, false, kOfScheduler}},
       {{"early", "stopping"}, {"early", "stop"}, {"earlystopping"}, {"earlystop"}}}};
  return *asked;
}

bool Says(const Words& name, const Asked& asked) {
  return std::any_of(asked.quantities.begin(), asked.quantities.end(),
                     [&](const Quantity& quantity) { return IsQuantity(name, quantity); }) ||
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
