#include <algorithm>
#include <charconv>
#include <iostream>
#include <vector>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/time_option.h"
#include "google/protobuf/util/message_differencer.h"
#include "ledger/base/bytes.h"
#include "ledger/query/circumstances.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/nonconformity.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options {
  std::string unit;
  std::string at;
  std::string known;
  std::string compare_at;
  std::string compare_known;
  bool all_files = false;
  Common common;
};

constexpr int kFilesShown = 12;

std::string ConfidenceText(v1::Confidence confidence) {
  switch (confidence) {
    case v1::ATTESTED:
      return Good("attested");
    case v1::RECORDED:
      return Good("recorded");
    case v1::INFERRED:
      return "inferred from a measurement";
    default:
      return Bad("UNKNOWN");
  }
}

bool IsBefore(const google::protobuf::Timestamp& one, const google::protobuf::Timestamp& other) {
  return std::pair(one.seconds(), one.nanos()) < std::pair(other.seconds(), other.nanos());
}

std::string ItemText(const v1::EntityRef& item) {
  std::string text = item.kind().empty() ? "an item that the ledger doesn't know" : EntityText(item);
  if (item.has_digest()) text += Text("  ", DigestText(item.digest()), IsWeak(item.digest()) ? " (weak digest)" : "");
  return text;
}

void PrintParts(std::string_view label, const google::protobuf::RepeatedPtrField<v1::ItemHistory::Part>& parts) {
  for (const auto& part : parts) {
    std::cout << "        " << label << EntityText(part.entity());
    if (!part.summary().empty()) std::cout << ": " << part.summary();
    std::cout << Dim(Text("  [leaf ", part.leaf().index(), "]")) << "\n";
  }
}

void PrintFiles(const v1::ItemHistory& history, bool all) {
  int shown = 0;
  for (const v1::FileDigest& file : history.files()) {
    if (!all && ++shown > kFilesShown) {
      std::cout << "        file        … and " << history.files_size() - kFilesShown << " more (--files)\n";
      return;
    }
    std::cout << "        file        " << file.path() << "  "
              << (file.missing() ? Bad("no digest was recorded") : DigestText(file.digest()))
              << (file.weak() && file.digest().algorithm() != v1::GIT_SHA1 ? " (weak digest)" : "") << "\n";
  }
}

void PrintHistory(const v1::ItemHistory& history, bool all_files) {
  PrintParts("model       ", history.models());
  PrintParts("artifact    ", history.artifacts());
  PrintFiles(history, all_files);
  PrintParts("trained in  ", history.training_runs());
  PrintParts("data        ", history.datasets());
  PrintParts("code        ", history.code());
  PrintParts("evaluated   ", history.evaluations());
  PrintParts("released    ", history.releases());
  std::string missing;
  for (const std::string& fact : history.missing()) missing += Text(missing.empty() ? "" : ", ", fact);
  if (!missing.empty()) std::cout << "        not recorded: " << missing << "\n";
}

void PrintNonconformity(const FindingList& findings) {
  if (!findings.empty()) std::cout << "        " << Bad(NonconformityText(findings)) << "\n";
}

void PrintItem(const v1::ConfigurationItem& item, bool all_files) {
  std::cout << "    " << Bold(item.surface()) << ": ";
  if (item.has_item()) {
    std::cout << ItemText(item.item());
  } else {
    std::cout << (item.empty() ? "nothing runs here" : "not known");
  }
  std::cout << "  [" << ConfidenceText(item.confidence()) << "]\n";
  if (!item.unknown_because().empty()) std::cout << "        because " << item.unknown_because() << "\n";
  for (const v1::Possibility& possibility : item.possibilities()) {
    std::cout << "        possibly "
              << (possibility.has_item() ? ItemText(possibility.item())
                  : possibility.empty()  ? "nothing"
                                         : "something unrecorded");
    if (!possibility.since().type().empty()) std::cout << Dim(Text("  [", CitationText(possibility.since()), "]"));
    std::cout << "\n";
    PrintNonconformity(possibility.nonconforming());
  }
  if (!item.since().type().empty()) {
    std::cout << "        since " << TimeText(item.since().occurred_earliest());
    if (TimeText(item.since().occurred_latest()) != TimeText(item.since().occurred_earliest())) {
      std::cout << " .. " << TimeText(item.since().occurred_latest());
    }
    std::cout << Dim(Text("  [", CitationText(item.since()), "]")) << "\n";
  }
  PrintNonconformity(item.nonconforming());
  PrintHistory(item.history(), all_files);
}

// Whether all that was measured has changed since, as far as is known.
bool IsOutdated(const v1::Configuration& view) {
  const v1::Attestation& attestation = view.attestation();
  if (attestation.covers_time()) return false;
  return std::all_of(attestation.measured().begin(), attestation.measured().end(), [&](const auto& measured) {
    const auto item = std::find_if(view.items().begin(), view.items().end(),
                                   [&](const auto& one) { return one.surface() == measured.surface(); });
    return item != view.items().end() && item->has_since() &&
           IsBefore(attestation.leaf().occurred_latest(), item->since().occurred_latest());
  });
}

// What one event says on one line.
void PrintCircumstances(const v1::Circumstances& circumstances) {
  const std::vector<CircumstanceText> words = InWords(circumstances);
  for (size_t i = 0; i < words.size(); ++i) {
    const uint64_t leaf = words[i].by.back()->index();
    const bool begins = i == 0 || words[i - 1].by.back()->index() != leaf;
    const bool ends = i + 1 == words.size() || words[i + 1].by.back()->index() != leaf;
    std::cout << (begins ? "    " : ", ") << words[i].what << ": "
              << (words[i].bad ? Bad(words[i].text) : words[i].text);
    if (ends) std::cout << Dim(Text("  [leaf ", leaf, "]")) << "\n";
  }
}

void PrintView(std::string_view title, const v1::Configuration& view, bool all_files) {
  std::cout << "\n  " << Bold(title) << "  (the first " << view.tree_size() << " events";
  if (view.tree_size() > 0) std::cout << ", recorded until " << TimeText(view.known());
  std::cout << ")\n    unit: " << UnitStateText(view.unit_state());
  if (!view.unit_since().type().empty()) std::cout << Dim(Text("  [", CitationText(view.unit_since()), "]"));
  std::cout << "\n";
  PrintCircumstances(view.circumstances());
  for (const v1::ConfigurationItem& item : view.items()) PrintItem(item, all_files);
  if (view.has_attestation()) {
    std::cout << "    measured by the unit (" << view.attestation().method() << ") at "
              << TimeText(view.attestation().leaf().occurred_earliest())
              << (view.attestation().covers_time() ? ", covering the time asked about" : "")
              << (IsOutdated(view) ? ", before the last changes that are known" : "")
              << Dim(Text("  [leaf ", view.attestation().leaf().index(), "]")) << "\n";
  }
  for (const std::string& note : view.notes()) std::cout << "    note: " << note << "\n";
  if (!view.configuration_digest().empty()) {
    std::cout << "    configuration digest " << HexEncode(view.configuration_digest()) << "\n";
  }
  std::cout << "    rests on leaves";
  for (uint64_t leaf : view.leaves()) std::cout << " " << leaf;
  std::cout << "\n";
}

// Whether both say the same, apart from how many events they look at.
bool IsSameView(v1::Configuration then, v1::Configuration now) {
  for (v1::Configuration* view : {&then, &now}) {
    view->clear_tree_size();
    view->clear_known();
  }
  return google::protobuf::util::MessageDifferencer::Equals(then, now);
}

void PrintDifferences(const v1::ConfigurationAnswer& answer) {
  std::cout << "\n  " << Bold("Difference") << "\n";
  if (answer.differences_size() == 0) {
    std::cout << "    none: "
              << (answer.has_compared_at() ? "both are the same" : "what was known then is what is known now") << "\n";
  }
  for (const v1::ConfigurationDifference& difference : answer.differences()) {
    std::cout << "    " << (difference.circumstance().empty() ? difference.surface() : difference.circumstance())
              << "\n      then  " << difference.then_text() << "\n      now   " << difference.now_text() << "\n";
    for (const v1::LeafReference& leaf : difference.because()) {
      std::cout << "      because of " << CitationText(leaf) << "\n";
    }
  }
}

void PrintAnswer(const v1::ConfigurationAnswer& answer, bool all_files) {
  std::cout << Bold(Text("What ", answer.unit(), " was running at ", TimeText(answer.at()))) << "  (ledger "
            << answer.origin() << ")\n";
  if (!answer.has_then_known()) return PrintView("As known", answer.now_known(), all_files);
  if (answer.has_compared_at()) {
    PrintView(Text("At ", TimeText(answer.compared_at())), answer.then_known(), all_files);
    PrintView(Text("At ", TimeText(answer.at())), answer.now_known(), all_files);
    return PrintDifferences(answer);
  }
  if (IsSameView(answer.then_known(), answer.now_known())) {
    const bool grown = answer.then_known().tree_size() < answer.now_known().tree_size();
    const std::string then =
        Text("As known then, over the first ", answer.then_known().tree_size(), " events, and now");
    PrintView(grown ? then : "As known then and now", answer.now_known(), all_files);
    return;
  }
  PrintView("As known then", answer.then_known(), all_files);
  PrintView("As known now", answer.now_known(), all_files);
  PrintDifferences(answer);
}

// A size or a time of `option`, as one of the two fields of a request that say what was known; nothing when it is
// empty.
Status SetKnown(std::string_view option, const std::string& text,
                void (v1::GetConfigurationRequest::*set_size)(uint64_t),
                google::protobuf::Timestamp* (v1::GetConfigurationRequest::*mutable_time)(),
                v1::GetConfigurationRequest& request) {
  if (text.empty()) return OkStatus();
  uint64_t size = 0;
  const char* end = text.data() + text.size();
  if (const auto parsed = std::from_chars(text.data(), end, size); parsed.ptr == end && parsed.ec == std::errc()) {
    (request.*set_size)(size);
    return OkStatus();
  }
  const StatusOr<Timestamp> time = ParseTime(text);
  if (!time.ok()) return WithContext(time.status(), Text(option, ": neither a number of events nor a time"));
  *(request.*mutable_time)() = ToProtoTime(*time);
  return OkStatus();
}

StatusOr<v1::GetConfigurationRequest> ToRequest(const Options& options) {
  using Request = v1::GetConfigurationRequest;
  Request request;
  request.set_unit(options.unit);
  ASSIGN_OR_RETURN(*request.mutable_at(), TimeOrNow("--at", options.at));
  RETURN_IF_ERROR(SetKnown("--known", options.known, &Request::set_known_size, &Request::mutable_known_time, request));
  if (!options.compare_at.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_compare_at(), TimeOrNow("--compare-at", options.compare_at));
  }
  RETURN_IF_ERROR(SetKnown("--compare-known", options.compare_known, &Request::set_compare_known_size,
                           &Request::mutable_compare_known_time, request));
  return request;
}

}  // namespace

void AddConfig(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("config", "what a unit was running at a time, as known then and as known now");
  verb.footer("Example: anamnesis config ICU-7 --at 2026-11-21T14:03:07Z");
  verb.add_option("UNIT", options->unit, "the device unit's id")->transform(UnitId())->required();
  verb.add_option("--at", options->at, "the time asked about (RFC 3339 with zone); default: now");
  verb.add_option("--known", options->known, "as known at a time, or over the first N events");
  verb.add_option("--compare-at", options->compare_at, "say what differs from another time (RFC 3339 with zone)");
  verb.add_option("--compare-known", options->compare_known,
                  "say what differs from what was known at a time, or over the first N events");
  verb.add_flag("--files", options->all_files, "list every file");
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const v1::GetConfigurationRequest request, ToRequest(*options));
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const v1::ConfigurationAnswer answer, client->GetConfiguration(request));
    if (options->common.json) {
      RETURN_IF_ERROR(PrintJson(answer));
    } else {
      PrintAnswer(answer, options->all_files);
    }
    return answer.now_known().unit_state() == v1::UNIT_UNKNOWN && answer.now_known().items_size() == 0 ? kAnswerIsNo
                                                                                                       : kDone;
  });
}

}  // namespace anamnesis::cli
