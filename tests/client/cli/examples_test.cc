// Every example in the help parses: it has what its verb requires, and nothing that there isn't. What the command line
// says stands, whatever the environment says.

#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "client/cli/verbs.h"
#include "gtest/gtest.h"

namespace anamnesis::cli {
namespace {

std::vector<CLI::App*> VerbsOf(CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void ForEachVerb(CLI::App& app, const std::function<void(CLI::App&)>& visit) {
  visit(app);
  for (CLI::App* const verb : VerbsOf(app)) ForEachVerb(*verb, visit);
}

// No file is looked for.
void Disarm(CLI::App& app) {
  for (CLI::Option* const option : app.get_options()) {
    try {
      for (int i = 0;; ++i) option->get_validator(i)->active(false);
    } catch (const CLI::OptionNotFound&) {
      continue;
    }
  }
}

bool IsExample(const std::string& line) {
  return line.starts_with("Example: ") || line.starts_with("Examples: ") || line.starts_with("         anamnesis ") ||
         line.starts_with("          anamnesis ");
}

// The commands of a footer, those that go over several lines in one.
std::vector<std::string> ExamplesIn(const std::string& footer) {
  std::istringstream lines(footer);
  std::vector<std::string> examples;
  std::string line;
  while (std::getline(lines, line)) {
    if (!IsExample(line)) continue;
    std::string command = line.substr(line.find("anamnesis"));
    while (command.ends_with('\\') && std::getline(lines, line)) {
      command.replace(command.size() - 1, 1, line.substr(line.find_first_not_of(' ')));
    }
    examples.push_back(command);
  }
  return examples;
}

// As a shell does, up to a comment, a pipe or a redirection, or up to three blanks, after which it goes on in words.
std::vector<std::string> WordsOf(const std::string& command) {
  std::vector<std::string> words;
  std::string word;
  char quote = '\0';
  bool begun = false;
  const auto end = [&] {
    if (begun) words.push_back(word);
    word.clear();
    begun = false;
  };
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (quote != '\0') {
      if (c == quote) {
        quote = '\0';
      } else {
        word += c;
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
      begun = true;
    } else if (c == '#' || c == '>' || c == '|' || c == ';') {
      break;
    } else if (c == ' ') {
      end();
      if (command.compare(i, 3, "   ") == 0) break;
    } else {
      word += c;
      begun = true;
    }
  }
  end();
  return words;
}

// What is wrong with a command; empty when nothing is. Nothing is done.
std::string WhyWrong(CLI::App& app, const std::vector<std::string>& words) {
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  // When all is parsed and before a verb acts. The verbs' own callbacks hold their options.
  app.parse_complete_callback([] { throw CLI::Success(); });
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::Success&) {
    return "";
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "it was done";
}

TEST(Examples, Parse) {
  ::setenv("ANAMNESIS_LEDGER", "file:ledger", 1);
  CLI::App app("", "anamnesis");
  AddVerbs(app);
  std::vector<std::string> examples;
  ForEachVerb(app, [&](CLI::App& verb) {
    Disarm(verb);
    const std::vector<std::string> found = ExamplesIn(verb.get_footer());
    if (VerbsOf(verb).empty()) EXPECT_FALSE(found.empty()) << verb.get_name() << " has no example";
    examples.insert(examples.end(), found.begin(), found.end());
  });
  EXPECT_GT(examples.size(), 90U);
  for (const std::string& example : examples) {
    EXPECT_EQ(WhyWrong(app, WordsOf(example)), "") << example;
  }
}

TEST(Examples, LeaveTheLedgerToTheEnvironment) {
  CLI::App app("", "anamnesis");
  AddVerbs(app);
  ForEachVerb(app, [](CLI::App& verb) {
    for (const std::string& example : ExamplesIn(verb.get_footer())) {
      // Unless it says something by it.
      const bool says_something =
          example.find(',') != std::string::npos || example.find("--backups") != std::string::npos;
      EXPECT_TRUE(says_something || example.find("--ledger") == std::string::npos) << example;
    }
  });
}

TEST(Counts, AreNotNegative) {
  ::setenv("ANAMNESIS_LEDGER", "file:ledger", 1);
  CLI::App app("", "anamnesis");
  AddVerbs(app);
  for (const std::string command : {"anamnesis log --from -1", "anamnesis log --limit -1",
                                    "anamnesis delegate d --to x --role r --until t --uses -1"}) {
    EXPECT_NE(WhyWrong(app, WordsOf(command)).find("negative"), std::string::npos) << command;
  }
}

// The options of a verb that the environment may stand in for.
std::vector<CLI::Option*> FromEnvironment(CLI::App& verb) {
  return verb.get_options([](const CLI::Option* option) { return !option->get_envname().empty(); });
}

// Calls the verb with each of these options given; how many there are.
size_t ExpectGivenStands(const std::vector<std::string>& path) {
  CLI::App app("", "anamnesis");
  AddVerbs(app);
  CLI::App* verb = &app;
  std::vector<std::string> words = {"anamnesis"};
  for (const std::string& name : path) {
    verb = verb->get_subcommand(name);
    words.push_back(name);
  }
  const std::vector<CLI::Option*> options = FromEnvironment(*verb);
  for (CLI::Option* const option : verb->get_options()) option->required(false);
  for (const CLI::Option* const option : options) words.insert(words.end(), {option->get_name(), "given"});
  EXPECT_EQ(WhyWrong(app, words), "");
  for (CLI::Option* const option : options) {
    // Taken from where the value is kept.
    EXPECT_EQ(option->capture_default_str()->get_default_str(), "given") << path.front() << " " << path.back();
  }
  return options.size();
}

// CLI11 2.1 gives what the environment says to verbs that weren't called, too: it must not take the place of what a
// sibling was given.
TEST(Environment, DoesNotStandAboveTheCommandLine) {
  CLI::App app("", "anamnesis");
  AddVerbs(app);
  std::vector<std::vector<std::string>> paths;
  const std::function<void(CLI::App&, std::vector<std::string>)> visit = [&](CLI::App& of,
                                                                             std::vector<std::string> path) {
    for (const CLI::Option* const option : FromEnvironment(of)) ::setenv(option->get_envname().c_str(), "other", 1);
    if (!FromEnvironment(of).empty()) paths.push_back(path);
    for (CLI::App* const verb : VerbsOf(of)) {
      path.push_back(verb->get_name());
      visit(*verb, path);
      path.pop_back();
    }
  };
  visit(app, {});
  size_t checked = 0;
  for (const std::vector<std::string>& path : paths) checked += ExpectGivenStands(path);
  EXPECT_GT(checked, 4 * 50U);
  for (const char* const name : {"ANAMNESIS_LEDGER", "ANAMNESIS_TLS_CERTIFICATE", "ANAMNESIS_TLS_KEY",
                                 "ANAMNESIS_TLS_CA", "ANAMNESIS_OBJECTS"}) {
    ::unsetenv(name);
  }
}

}  // namespace
}  // namespace anamnesis::cli
