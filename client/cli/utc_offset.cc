#include "client/cli/utc_offset.h"

#include "ledger/base/time.h"

namespace anamnesis::cli {

StatusOr<int32_t> ParseUtcOffset(const std::string& text) {
  const bool has_form = text == "Z" || (text.size() == 6 && (text[0] == '+' || text[0] == '-'));
  const auto midnight = [](const std::string& zone) { return ParseTime(Text("2000-01-01T00:00:00", zone)); };
  const StatusOr<Timestamp> there = midnight(text);
  if (!has_form || !there.ok()) {
    return absl::InvalidArgumentError(
        Text("\"", text, "\" is neither Z nor hours and minutes east of UTC with a sign, such as +02:00"));
  }
  constexpr int64_t kMinuteUs = 60'000'000;
  return static_cast<int32_t>((midnight("Z")->us - there->us) / kMinuteUs);
}

void AddUtcOffsetOption(CLI::App& verb, int32_t& minutes, const std::string& help) {
  verb.add_option_function<std::string>(
          "--utc-offset",
          [&minutes](const std::string& text) {
            const StatusOr<int32_t> parsed = ParseUtcOffset(text);
            if (parsed.ok()) minutes = *parsed;
          },
          help)
      ->check(CLI::Validator(
          [](const std::string& text) {
            const StatusOr<int32_t> parsed = ParseUtcOffset(text);
            return parsed.ok() ? std::string() : std::string(MessageOf(parsed.status()));
          },
          ""));
}

}  // namespace anamnesis::cli
