#include "client/exports/html_text.h"

#include <array>
#include <utility>

namespace anamnesis::exports {
namespace {

constexpr std::array<std::pair<char, std::string_view>, 5> kReferences = {
    {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};

// A run of at least so many digest characters is shown by its first few.
constexpr size_t kLongRun = 32;
constexpr size_t kShownOfRun = 12;

bool IsDigestCharacter(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '/' || c == '=';
}

// A word of letters alone is no digest.
bool LooksLikeDigest(std::string_view run) {
  if (run.size() < kLongRun) return false;
  size_t digits = 0;
  for (const char c : run) digits += c >= '0' && c <= '9' ? 1U : 0U;
  return digits >= run.size() / 10 && run.find("//") == std::string_view::npos;
}

// Only what EscapeHtml writes.
StatusOr<std::string> Unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text[0] == '<' || text[0] == '>') return absl::InvalidArgumentError("markup in a text");
    if (text[0] != '&') {
      plain += text[0];
      text.remove_prefix(1);
      continue;
    }
    bool known = false;
    for (const auto& [character, reference] : kReferences) {
      if (!text.starts_with(reference)) continue;
      plain += character;
      text.remove_prefix(reference.size());
      known = true;
      break;
    }
    if (!known) return absl::InvalidArgumentError("an unknown character reference");
  }
  return plain;
}

}  // namespace

std::string ShortenedDigests(std::string_view text) {
  std::string shown;
  size_t i = 0;
  while (i < text.size()) {
    size_t end = i;
    while (end < text.size() && IsDigestCharacter(text[end])) ++end;
    const std::string_view run = text.substr(i, end - i);
    if (LooksLikeDigest(run)) {
      shown += Text(run.substr(0, kShownOfRun), "…");
    } else {
      shown += run;
    }
    if (end < text.size()) shown += text[end++];
    i = end;
  }
  return shown;
}

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    std::string_view reference;
    for (const auto& [character, written] : kReferences) {
      if (c == character) reference = written;
    }
    if (reference.empty()) {
      escaped += c;
    } else {
      escaped += reference;
    }
  }
  return escaped;
}

std::string HtmlValue(std::string_view text) {
  const std::string shown = ShortenedDigests(text);
  if (shown == text) return WholeHtmlValue(text);
  return Text("<bdi title=\"", EscapeHtml(text), "\">", EscapeHtml(shown), "</bdi>");
}

std::string WholeHtmlValue(std::string_view text) { return Text("<bdi>", EscapeHtml(text), "</bdi>"); }

Status VisitHtmlValues(std::string_view html, const std::function<void(const std::string&)>& visit) {
  constexpr std::string_view kOpen = "<bdi";
  constexpr std::string_view kTitle = " title=\"";
  for (size_t at = html.find(kOpen); at != std::string_view::npos; at = html.find(kOpen)) {
    html.remove_prefix(at + kOpen.size());
    std::string_view title;
    const bool whole = html.starts_with(">");
    if (!whole) {
      const size_t end = html.starts_with(kTitle) ? html.find('"', kTitle.size()) : std::string_view::npos;
      if (end == std::string_view::npos) return absl::InvalidArgumentError("a <bdi> that was not written by an export");
      title = html.substr(kTitle.size(), end - kTitle.size());
      html.remove_prefix(end + 1);
    }
    const size_t close = html.find("</bdi>");
    if (!html.starts_with(">") || close == std::string_view::npos) {
      return absl::InvalidArgumentError("a <bdi> that does not end");
    }
    ASSIGN_OR_RETURN(const std::string shown, Unescape(html.substr(1, close - 1)));
    ASSIGN_OR_RETURN(const std::string titled, Unescape(title));
    // Whoever reads the page sees what is shown.
    if (!whole && (shown == titled || shown != ShortenedDigests(titled))) {
      return absl::InvalidArgumentError("a <bdi> shows something else than its title");
    }
    visit(whole ? shown : titled);
    html.remove_prefix(close);
  }
  return OkStatus();
}

}  // namespace anamnesis::exports
