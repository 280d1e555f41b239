#include "client/exports/html_text.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"

namespace anamnesis::exports {
namespace {

std::vector<std::string> ValuesOf(const std::string& html) {
  std::vector<std::string> values;
  EXPECT_TRUE(VisitHtmlValues(html, [&](const std::string& value) { values.push_back(value); }).ok());
  return values;
}

TEST(HtmlText, WhatWritersChoseIsNeverMarkup) {
  for (const std::string hostile :
       {"<script>alert(1)</script>", "</bdi><script>alert(1)</script>", "\" onmouseover=\"alert(1)", "' onload='x",
        "&lt;b&gt;", "<bdi title=\"other\">", "&#39;&amp;amp;"}) {
    // Long enough that it is shown shortened, and so stands in an attribute as well.
    const std::string with_digest = hostile + " 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    for (const std::string& text : {hostile, with_digest}) {
      const std::string html = HtmlValue(text);
      EXPECT_EQ(html.find("<script"), std::string::npos) << html;
      // One tag opens and one closes, and the only quotes are the title's.
      EXPECT_EQ(std::count(html.begin(), html.end(), '<'), 2) << html;
      EXPECT_EQ(std::count(html.begin(), html.end(), '"'), text == hostile ? 0 : 2) << html;
      EXPECT_EQ(ValuesOf(html), std::vector<std::string>{text});
    }
  }
}

TEST(HtmlText, ADigestIsShownByItsStartAndKeptWhole) {
  const std::string digest = "sha256:43a4386b48bb6531efb859eb38dc5a490df3277e43a4386b48bb6531efb859eb";
  const std::string html = HtmlValue(digest);
  EXPECT_EQ(html, "<bdi title=\"" + digest + "\">sha256:43a4386b48bb…</bdi>");
  EXPECT_EQ(ValuesOf(html), std::vector<std::string>{digest});
  const std::string words = "Thequickbrownfoxjumpsoverthelazydogandrunsaway";
  EXPECT_EQ(HtmlValue(words), "<bdi>" + words + "</bdi>");
}

TEST(HtmlText, ValuesAreFoundInTheirOrder) {
  EXPECT_EQ(ValuesOf("<p>" + HtmlValue("a") + " is no value " + HtmlValue("b\nc") + WholeHtmlValue("") + "</p>"),
            (std::vector<std::string>{"a", "b\nc", ""}));
}

TEST(HtmlText, WhatIsShownIsTheTitleOrItsShortForm) {
  const std::string digest(64, 'a');
  const std::string title = "<bdi title=\"" + digest + "0000000\">";
  const auto nothing = [](const std::string&) {};
  EXPECT_TRUE(VisitHtmlValues(title + "aaaaaaaaaaaa…</bdi>", nothing).ok());
  for (const std::string& html :
       {title + "aaaaaaaaaaaab…</bdi>", title + "</bdi>", title + digest + "0000000</bdi>",
        std::string("<bdi title=\"3 gaps\">no gaps</bdi>"), std::string("<bdi title=\"\">no gaps</bdi>"),
        std::string("<bdi title=\"same\">same</bdi>"), std::string("<bdi title=\"\"></bdi>")}) {
    EXPECT_TRUE(absl::IsInvalidArgument(VisitHtmlValues(html, nothing))) << html;
  }
}

TEST(HtmlText, OtherMarkupIsRefused) {
  const auto nothing = [](const std::string&) {};
  for (const char* html :
       {"<bdi>a", "<bdi class=\"x\">a</bdi>", "<bdi title=\"a>b</bdi>", "<bdi>&copy;</bdi>", "<bdi",
        "<bdi>a<b>b</b></bdi>", "<bdi>a > b</bdi>", "<bdi>&#x27;</bdi>", "<bdi title=\"&#x27;\">'</bdi>"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(VisitHtmlValues(html, nothing))) << html;
  }
}

}  // namespace
}  // namespace anamnesis::exports
