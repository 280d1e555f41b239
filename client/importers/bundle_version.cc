#include "client/importers/bundle_version.h"

namespace anamnesis {
namespace {

bool IsScalar(const Document& value) {
  return value.kind != Document::Kind::kList && value.kind != Document::Kind::kMap;
}

std::optional<std::string> TextOrNote(const Document& map, std::string_view name, std::string_view place,
                                      std::vector<Unreadable>& unreadable) {
  StatusOr<std::optional<std::string>> text = OptionalText(map, name);
  if (text.ok()) return *std::move(text);
  unreadable.push_back({std::string(place), std::string(MessageOf(text.status()))});
  return std::nullopt;
}

// {"mean_dice": {"central gland": 0.88}} becomes "mean_dice.central gland". The depth is bounded by the parser.
void FlattenMetrics(const Document& value, const std::string& name, std::vector<MetricFact>& metrics) {
  const auto below = [&](std::string_view part) { return name.empty() ? std::string(part) : Text(name, ".", part); };
  for (const Document::Member& member : value.members) FlattenMetrics(member.value, below(member.name), metrics);
  for (size_t i = 0; i < value.items.size(); ++i) FlattenMetrics(value.items[i], below(std::to_string(i)), metrics);
  // The whole being null says that no metrics were reported, which is not a metric of its own.
  if (!IsScalar(value) || name.empty()) return;
  const bool number = value.kind == Document::Kind::kNumber || value.kind == Document::Kind::kString;
  metrics.push_back({name, number ? std::optional<std::string>(value.text) : std::nullopt});
}

constexpr std::string_view kVersionSuffix = "_version";

// "monai_version": "0.9.0" names the package "monai".
void ReadPackages(const Document& map, BundleVersion& version, std::vector<Unreadable>& unreadable) {
  for (const std::string_view name : {"monai", "pytorch", "numpy"}) {
    const std::optional<std::string> text = TextOrNote(map, Text(name, kVersionSuffix), version.place, unreadable);
    if (text.has_value()) version.packages.push_back({std::string(name), *text});
  }
  for (const std::string_view group : {"optional_packages_version", "required_packages_version"}) {
    const Document* packages = map.Find(group);
    if (packages == nullptr || packages->kind == Document::Kind::kNull) continue;
    if (packages->kind != Document::Kind::kMap) {
      unreadable.push_back({version.place, Text(group, ": is not a map of packages and versions")});
      continue;
    }
    for (const Document::Member& member : packages->members) {
      const std::optional<std::string> text = TextOrNote(*packages, member.name, version.place, unreadable);
      if (text.has_value()) version.packages.push_back({member.name, *text});
    }
  }
}

}  // namespace

StatusOr<std::optional<std::string>> OptionalText(const Document& map, std::string_view name) {
  const Document* value = map.Find(name);
  if (value == nullptr || value->kind == Document::Kind::kNull) return std::optional<std::string>();
  if (!IsScalar(*value)) return absl::InvalidArgumentError(Text(name, ": is a list or a map; a text was expected"));
  return std::optional<std::string>(value->text);
}

StatusOr<std::string> RequiredText(const Document& map, std::string_view name) {
  ASSIGN_OR_RETURN(std::optional<std::string> text, OptionalText(map, name));
  if (!text.has_value() || text->empty()) return absl::InvalidArgumentError(Text(name, ": is missing"));
  return *std::move(text);
}

void ReadMetadataFacts(const Document& metadata, const Document& packages, BundleVersion& version,
                       std::vector<Unreadable>& unreadable) {
  version.task = TextOrNote(metadata, "task", version.place, unreadable);
  version.data_source = TextOrNote(metadata, "data_source", version.place, unreadable);
  version.data_type = TextOrNote(metadata, "data_type", version.place, unreadable);
  if (const Document* metrics = metadata.Find("eval_metrics"); metrics != nullptr) {
    if (IsScalar(*metrics) && metrics->kind != Document::Kind::kNull) {
      unreadable.push_back({version.place, "eval_metrics: is not a map of names and numbers"});
    }
    FlattenMetrics(*metrics, "", version.eval_metrics);
  }
  ReadPackages(packages, version, unreadable);
}

std::vector<WeightFact> ReadWeights(const Document* list, std::string_view place, std::vector<Unreadable>& unreadable) {
  std::vector<WeightFact> weights;
  if (list == nullptr || list->kind == Document::Kind::kNull) return weights;
  if (list->kind != Document::Kind::kList) {
    unreadable.push_back({std::string(place), "the list of large files: is not a list"});
    return weights;
  }
  for (const Document& item : list->items) {
    StatusOr<std::string> path = RequiredText(item, "path");
    if (!path.ok()) {
      unreadable.push_back({std::string(place), Text("large file ", weights.size(), ": ", MessageOf(path.status()))});
      continue;
    }
    WeightFact weight;
    weight.path = *std::move(path);
    weight.url = TextOrNote(item, "url", place, unreadable).value_or("");
    weight.hash_type = TextOrNote(item, "hash_type", place, unreadable).value_or("");
    weight.hash_val = TextOrNote(item, "hash_val", place, unreadable).value_or("");
    weights.push_back(std::move(weight));
  }
  return weights;
}

}  // namespace anamnesis
