#ifndef ANAMNESIS_LEDGER_QUERY_EVENT_PATTERN_H_
#define ANAMNESIS_LEDGER_QUERY_EVENT_PATTERN_H_

// How policy documents name events: "TYPE", "TYPE?FIELD=VALUE", "TYPE?FIELD" for any value, several joined by "&".
// FIELD is a path with dots; of repeated fields one element must have the value. VALUE is an enum value's name, true,
// false, a number or text. Pure.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/query/facts.h"

namespace anamnesis {

struct EventPattern {
  struct Condition {
    std::string path;
    std::optional<std::string> value;
  };

  std::string type;
  std::vector<Condition> conditions;
};

EventPattern ParsePattern(std::string_view text);
// Whether an event is one of the pattern's. An erased body has no values.
bool Matches(const EventPattern& pattern, const Fact& fact);

// The first `count` events of the ledger that match, still count and pass `filter`, in log order. Walks the type's
// events up to there. RESOURCE_EXHAUSTED after kQuestionEventsMax of them.
StatusOr<std::vector<const Fact*>> FirstMatching(
    Facts& facts, const EventPattern& pattern, size_t count,
    const std::function<bool(const Fact&)>& filter = [](const Fact&) { return true; });

// Several, any of which may match.
class EventPatterns {
 public:
  template <typename Texts>
  explicit EventPatterns(const Texts& texts) {
    for (const std::string& text : texts) patterns_.push_back(ParsePattern(text));
  }
  bool Match(const Fact& fact) const;
  bool empty() const { return patterns_.empty(); }
  const std::vector<EventPattern>& all() const { return patterns_; }

 private:
  std::vector<EventPattern> patterns_;
};

// Whether the message has a value at the path: `value`, or any but the default. Part of Matches.
bool HasValue(const google::protobuf::Message& message, std::string_view path, const std::optional<std::string>& value);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_EVENT_PATTERN_H_
