#include "client/importers/change_text.h"

#include <map>
#include <optional>
#include <set>

#include "client/importers/weight_files.h"

namespace anamnesis {
namespace {

using Weights = std::set<std::pair<std::string, std::string>>;

// Path and digest of each weight file; nullopt when they can't be told.
std::optional<Weights> WeightsOf(const BundleVersion& version) {
  Weights weights;
  std::set<std::string> listed;
  for (const WeightFact& weight : version.weights) {
    if (weight.hash_val.empty()) return std::nullopt;
    weights.insert({weight.path, weight.hash_val});
    listed.insert(weight.path);
  }
  for (const FileFact& file : version.files) {
    if (!IsWeightFile(file.path) || listed.count(file.path) != 0) continue;
    weights.insert({file.path, file.blob});
  }
  if (weights.empty()) return std::nullopt;
  return weights;
}

bool SameMetrics(const BundleVersion& before, const BundleVersion& after) {
  const auto sorted = [](const BundleVersion& version) {
    std::map<std::string, std::string> metrics;
    for (const MetricFact& metric : version.eval_metrics) metrics[metric.name] = metric.value.value_or("");
    return metrics;
  };
  return sorted(before) == sorted(after);
}

// E.g. "monai 0.9.0 to 1.0.0, fire added".
std::string PackageChanges(const BundleVersion& before, const BundleVersion& after) {
  const auto sorted = [](const BundleVersion& version) {
    std::map<std::string, std::string> packages;
    for (const PackageFact& package : version.packages) packages[package.name] = package.version;
    return packages;
  };
  const std::map<std::string, std::string> old_packages = sorted(before);
  const std::map<std::string, std::string> new_packages = sorted(after);
  std::string text;
  const auto add = [&](const std::string& change) { text += (text.empty() ? "" : ", ") + change; };
  for (const auto& [name, number] : new_packages) {
    const auto old = old_packages.find(name);
    if (old == old_packages.end()) {
      add(Text(name, " ", number, " added"));
    } else if (old->second != number) {
      add(Text(name, " ", old->second, " to ", number));
    }
  }
  for (const auto& [name, number] : old_packages) {
    if (new_packages.count(name) == 0) add(Text(name, " removed"));
  }
  return text;
}

std::string FileChanges(const BundleVersion& before, const BundleVersion& after) {
  std::map<std::string, std::string> old_files;
  for (const FileFact& file : before.files) old_files[file.path] = file.blob;
  size_t added = 0;
  size_t changed = 0;
  for (const FileFact& file : after.files) {
    const auto old = old_files.find(file.path);
    if (old == old_files.end()) {
      ++added;
      continue;
    }
    if (old->second != file.blob) ++changed;
    old_files.erase(old);
  }
  return Text("files: ", changed, " changed, ", added, " added, ", old_files.size(), " removed");
}

}  // namespace

SameWeights CompareWeights(const BundleVersion& before, const BundleVersion& after) {
  const std::optional<Weights> old_weights = WeightsOf(before);
  const std::optional<Weights> new_weights = WeightsOf(after);
  if (!old_weights.has_value() || !new_weights.has_value()) return SameWeights::kUnknown;
  return *old_weights == *new_weights ? SameWeights::kYes : SameWeights::kNo;
}

std::string ChangeText(const BundleVersion& before, const BundleVersion& after) {
  constexpr size_t kPackageTextMax = 2048;
  std::string text = Text("against ", before.version, ": ");
  switch (CompareWeights(before, after)) {
    case SameWeights::kYes:
      text += "weights unchanged";
      break;
    case SameWeights::kNo:
      text += "weights changed";
      break;
    case SameWeights::kUnknown:
      text += "weights not comparable (digests missing)";
      break;
  }
  if (!SameMetrics(before, after)) text += "; metrics changed";
  if (before.data_source != after.data_source) text += "; data source changed";
  if (before.data_type != after.data_type) text += "; data type changed";
  if (before.task != after.task) text += "; task changed";
  if (const std::string packages = PackageChanges(before, after); packages.size() > kPackageTextMax) {
    text += "; packages changed";
  } else if (!packages.empty()) {
    text += "; packages: " + packages;
  }
  return text + "; " + FileChanges(before, after);
}

}  // namespace anamnesis
