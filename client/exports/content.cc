#include "client/exports/content.h"

#include <algorithm>
#include <utility>

#include "client/exports/html_text.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis::exports {
namespace {

// Hands over the parts of a document in the order of reading: what is a text by `text`, what is a leaf by `leaf`.
template <typename DocumentT, typename OnText, typename OnLeaf>
void Walk(DocumentT& document, const OnText& text, const OnLeaf& leaf) {
  const auto leaves = [&](auto& list) {
    for (auto& one : list) leaf(one);
  };
  text(document.title);
  text(document.subject);
  text(document.origin);
  text(document.root);
  for (auto& [name, value] : document.facts) {
    text(name);
    text(value);
  }
  for (auto& section : document.sections) {
    text(section.title);
    text(section.clauses);
    for (auto& paragraph : section.paragraphs) text(paragraph);
    for (auto& gap : section.gaps) {
      text(gap.clause);
      text(gap.text);
      leaves(gap.leaves);
    }
    for (auto& table : section.tables) {
      text(table.title);
      if (table.rows.empty()) {
        text(table.when_empty);
        continue;
      }
      for (auto& column : table.columns) text(column);
      for (auto& row : table.rows) {
        for (auto& cell : row) {
          text(cell.text);
          leaves(cell.leaves);
        }
      }
    }
  }
  for (auto& record : document.records) {
    leaf(record.leaf);
    for (auto* one : {&record.type, &record.occurred, &record.recorded, &record.actor, &record.stream, &record.event_id,
                      &record.leaf_sha256, &record.body_commitment}) {
      text(*one);
    }
    for (auto& [name, value] : record.fields) {
      text(name);
      text(value);
    }
  }
}

class ContentHasher {
 public:
  void Add(std::string_view text) {
    std::string line;
    for (const char c : text) line.append(c == '\n' ? 2 : 1, c);
    // "\n" alone ends a text; within it line feeds come in pairs.
    line += "\n.";
    hasher_.Update(line);
  }
  void Add(uint64_t leaf) { Add(std::to_string(leaf)); }
  Digest Finish() { return hasher_.Finish(); }

 private:
  Sha256Hasher hasher_;
};

bool IsControl(unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F; }

// How many bytes a character takes here that is not shown but does something to what is: controls, in UTF-8 those up to
// U+009F, and what turns the direction of the text around it (U+202A to U+202E, U+2066 to U+2069). 0: it is none.
size_t ActingBytes(std::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  if (IsControl(static_cast<unsigned char>(text[0]))) return 1;
  if (at(0) == 0xC2 && at(1) >= 0x80 && at(1) < 0xA0) return 2;
  const bool embeds = at(0) == 0xE2 && at(1) == 0x80 && at(2) >= 0xAA && at(2) <= 0xAE;
  const bool isolates = at(0) == 0xE2 && at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9;
  return embeds || isolates ? 3 : 0;
}

}  // namespace

void VisitTexts(Document& document, const std::function<void(std::string&)>& visit) {
  Walk(document, visit, [](uint64_t&) {});
}

std::string CleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const size_t acting = ActingBytes(text);
    if (acting == 0) {
      clean += text[0];
    } else {
      clean += "\xEF\xBF\xBD";
    }
    text.remove_prefix(std::max<size_t>(acting, 1));
  }
  return clean;
}

void CleanTexts(Document& document) {
  std::vector<Record> records = std::exchange(document.records, {});
  VisitTexts(document, [](std::string& text) { text = CleanText(text); });
  for (Record& record : records) {
    for (auto& [name, value] : record.fields) {
      name = CleanText(name);
      value = CleanText(value);
    }
  }
  document.records = std::move(records);
}

std::set<uint64_t> CitedLeaves(const Document& document) {
  std::set<uint64_t> leaves;
  for (const Section& section : document.sections) {
    for (const Gap& gap : section.gaps) leaves.insert(gap.leaves.begin(), gap.leaves.end());
    for (const Table& table : section.tables) {
      for (const std::vector<Cell>& row : table.rows) {
        for (const Cell& cell : row) leaves.insert(cell.leaves.begin(), cell.leaves.end());
      }
    }
  }
  return leaves;
}

Digest ContentDigestOf(const Document& document) {
  ContentHasher hasher;
  Walk(
      document, [&](const std::string& text) { hasher.Add(text); }, [&](uint64_t leaf) { hasher.Add(leaf); });
  return hasher.Finish();
}

StatusOr<Digest> ContentDigestOfHtml(std::string_view html) {
  ContentHasher hasher;
  RETURN_IF_ERROR(VisitHtmlValues(html, [&](const std::string& value) { hasher.Add(std::string_view(value)); }));
  return hasher.Finish();
}

}  // namespace anamnesis::exports
