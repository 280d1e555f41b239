#include "client/importers/weight_files.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace anamnesis {
namespace {

constexpr std::array<std::string_view, 12> kEndings = {".pt", ".pth",  ".ts", ".onnx", ".ckpt",   ".safetensors",
                                                       ".h5", ".hdf5", ".pb", ".trt",  ".engine", ".bin"};
constexpr std::string_view kPointerVersion = "version https://git-lfs.github.com/spec/v1\n";

// The rest of the line that starts with `name` and a blank.
std::string_view Line(std::string_view text, std::string_view name) {
  const std::string start = Text("\n", name, " ");
  const size_t at = text.find(start);
  if (at == std::string_view::npos) return "";
  text.remove_prefix(at + start.size());
  return text.substr(0, text.find('\n'));
}

}  // namespace

bool IsWeightFile(std::string_view path) {
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view end) { return path.ends_with(end); });
}

std::optional<WeightFact> ParseLfsPointer(std::string_view path, std::string_view text) {
  if (!text.starts_with(kPointerVersion)) return std::nullopt;
  const std::string_view oid = Line(text, "oid");
  const size_t colon = oid.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  WeightFact weight;
  weight.path = std::string(path);
  weight.hash_type = std::string(oid.substr(0, colon));
  weight.hash_val = std::string(oid.substr(colon + 1));
  const std::string_view digits = Line(text, "size");
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error == std::errc() && end == digits.data() + digits.size()) weight.size_bytes = size;
  return weight;
}

}  // namespace anamnesis
