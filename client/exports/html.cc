#include "client/exports/html.h"

#include "absl/strings/str_replace.h"
#include "client/exports/html_style.h"
#include "client/exports/html_table.h"
#include "client/exports/html_text.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {
namespace {

// Of each section so many gaps stand at the top; the rest is counted.
constexpr size_t kGapsAtTop = 4;

std::string GapsHtml(const Section& section) {
  if (section.gaps.empty()) return "";
  std::string html = "<div class=\"gaps\"><h3>Missing</h3><ul>\n";
  for (const Gap& gap : section.gaps) {
    html += Text("<li><span class=\"clause\">", HtmlValue(gap.clause), "</span>: ", HtmlValue(gap.text),
                 CitationsHtml(gap.leaves), "</li>\n");
  }
  return html + "</ul></div>\n";
}

std::string SectionHtml(const Section& section) {
  std::string html = Text("<section id=\"", EscapeHtml(section.id), "\">\n<h2>", HtmlValue(section.title), "</h2>\n");
  html += Text("<p class=\"clauses\">", HtmlValue(section.clauses), "</p>\n");
  for (const std::string& paragraph : section.paragraphs) html += Text("<p>", HtmlValue(paragraph), "</p>\n");
  html += GapsHtml(section);
  for (const Table& table : section.tables) html += TableHtml(table);
  return html + "</section>\n";
}

std::string ContentsHtml(const Document& document) {
  std::string html = "<nav>\n";
  for (const Section& section : document.sections) {
    html += Text("<a href=\"#", EscapeHtml(section.id), "\">", EscapeHtml(section.title));
    if (!section.gaps.empty()) html += Text(" <b>", section.gaps.size(), " missing</b>");
    html += "</a>\n";
  }
  return html + Text("<a href=\"#records\">Records (", document.records.size(), ")</a>\n</nav>\n");
}

std::string SummaryHtml(const Section& section) {
  std::string html = Text("<h4><a href=\"#", EscapeHtml(section.id), "\">", EscapeHtml(section.title),
                          "</a>: ", section.gaps.size(), "</h4><ul>\n");
  // One more is told, not counted.
  const size_t told = section.gaps.size() <= kGapsAtTop + 1 ? section.gaps.size() : kGapsAtTop;
  for (size_t i = 0; i < told; ++i) {
    html += Text("<li><span class=\"clause\">", EscapeHtml(section.gaps[i].clause),
                 "</span>: ", EscapeHtml(section.gaps[i].text), "</li>\n");
  }
  if (told < section.gaps.size()) {
    html += Text("<li><a href=\"#", EscapeHtml(section.id), "\">and ", section.gaps.size() - told,
                 " more in this section</a></li>\n");
  }
  return html + "</ul>\n";
}

// What stands here repeats what follows, so it is not content.
std::string MissingHtml(const Document& document) {
  size_t gaps = 0;
  size_t sections = 0;
  std::string summary;
  for (const Section& section : document.sections) {
    if (section.gaps.empty()) continue;
    gaps += section.gaps.size();
    ++sections;
    summary += SummaryHtml(section);
  }
  if (gaps == 0) return "<p class=\"nogaps\">Nothing that was asked for is missing.</p>\n";
  return Text("<div class=\"gaps\"><h3>Missing: ", gaps, gaps == 1 ? " gap" : " gaps", " in ", sections,
              sections == 1 ? " section" : " sections", "</h3>\n", summary, "</div>\n");
}

std::string RecordHtml(const Record& record) {
  std::string html = Text("<div class=\"record\" id=\"leaf-", record.leaf, "\"><h3>Leaf ",
                          HtmlValue(std::to_string(record.leaf)), ": ", HtmlValue(record.type), "</h3>\n<dl>");
  const auto row = [&](std::string_view name, const std::string& value) {
    html += Text("<div><dt>", name, "</dt> <dd>", value, "</dd></div>");
  };
  const auto hex = [](const std::string& value) {
    return Text("<span class=\"hex\">", WholeHtmlValue(value), "</span>");
  };
  row("occurred", HtmlValue(record.occurred));
  row("recorded", HtmlValue(record.recorded));
  row("by", Text(HtmlValue(record.actor), ", stream ", HtmlValue(record.stream)));
  row("event id", hex(record.event_id));
  row("SHA-256 of the leaf", hex(record.leaf_sha256));
  row(record.body == BodyPresence::kErased ? "body commitment; <span class=\"bad\">the body is erased</span>"
                                           : "body commitment",
      hex(record.body_commitment));
  for (const auto& [name, value] : record.fields)
    html += Text("<div><dt>", HtmlValue(name), "</dt> <dd>", WholeHtmlValue(value), "</dd></div>");
  return html + "</dl></div>\n";
}

}  // namespace

std::string WriteHtml(const Document& document) {
  std::string html = Text(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      EscapeHtml(document.title), "</title>\n<style>", kStyle, "</style>\n</head>\n<body>\n");
  html += Text("<p class=\"kind\">", EscapeHtml(absl::StrReplaceAll(document.kind, {{"-", " "}})), "</p>\n<h1>",
               HtmlValue(document.title), "</h1>\n");
  html += Text("<dl class=\"facts\"><dt>Subject</dt><dd>", HtmlValue(document.subject), "</dd><dt>Ledger</dt><dd>",
               HtmlValue(document.origin), "</dd><dt>Computed over</dt><dd>its first ", document.tree_size,
               " events</dd><dt>Merkle root</dt><dd>", WholeHtmlValue(document.root), "</dd>");
  for (const auto& [name, value] : document.facts) {
    html += Text("<dt>", HtmlValue(name), "</dt><dd>", HtmlValue(value), "</dd>");
  }
  html += Text("</dl>\n", ContentsHtml(document), MissingHtml(document));
  for (const Section& section : document.sections) html += SectionHtml(section);
  html +=
      "<section id=\"records\">\n<h2>Records</h2>\n"
      "<p>Every event that is cited above. Each one's bytes are in records/, with a receipt that proves them to be in "
      "the ledger; README.txt says how to check that.</p>\n";
  for (const Record& record : document.records) html += RecordHtml(record);
  html +=
      "</section>\n<p class=\"foot\">The same content, for machines, is in export.json; manifest.json lists every "
      "file, and manifest.sig signs it.</p>\n</body>\n</html>\n";
  return html;
}

}  // namespace anamnesis::exports
