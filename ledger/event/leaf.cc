#include "ledger/event/leaf.h"

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"

namespace anamnesis {
namespace {

Status NotALeaf(std::string_view why) { return absl::InvalidArgumentError(Text("not a leaf: ", why)); }

StatusOr<SealView> ParseSeal(std::string_view bytes) {
  ByteReader reader(bytes);
  StatusOr<std::string_view> statement = reader.LengthPrefixed32();
  if (!statement.ok() || statement->size() > limits::kSealStatementBytesMax)
    return NotALeaf("bad seal statement length");
  if (reader.rest().size() != kSignatureBytes) return NotALeaf("bad signature length");
  return SealView{*statement, reader.rest()};
}

}  // namespace

std::string EncodeLeaf(Timestamp recorded, std::string_view header, const std::optional<SealView>& seal) {
  std::string leaf;
  const size_t seal_size = seal.has_value() ? 4 + seal->statement.size() + seal->signature.size() : 0;
  leaf.reserve(1 + 8 + 4 + header.size() + 4 + seal_size);
  leaf.push_back(kLeafVersion);
  AppendBigEndian64(leaf, static_cast<uint64_t>(recorded.us));
  AppendBigEndian32(leaf, static_cast<uint32_t>(header.size()));
  leaf.append(header);
  AppendBigEndian32(leaf, static_cast<uint32_t>(seal_size));
  if (seal.has_value()) {
    AppendBigEndian32(leaf, static_cast<uint32_t>(seal->statement.size()));
    leaf.append(seal->statement);
    leaf.append(seal->signature);
  }
  return leaf;
}

StatusOr<LeafView> ParseLeaf(std::string_view leaf) {
  if (leaf.size() > limits::kLeafBytesMax) return NotALeaf("longer than 65,535 bytes");
  if (leaf.empty() || leaf[0] != kLeafVersion) return NotALeaf("unknown version");
  ByteReader reader(leaf.substr(1));
  LeafView view;
  StatusOr<uint64_t> recorded = reader.BigEndian64();
  if (!recorded.ok()) return NotALeaf("truncated recorded-at");
  view.recorded = Timestamp(static_cast<int64_t>(*recorded));
  StatusOr<std::string_view> header = reader.LengthPrefixed32();
  if (!header.ok() || header->size() > limits::kHeaderBytesMax) return NotALeaf("bad header length");
  view.header = *header;
  StatusOr<std::string_view> seal = reader.LengthPrefixed32();
  if (!seal.ok() || !reader.empty()) return NotALeaf("bad seal length");
  if (!seal->empty()) {
    ASSIGN_OR_RETURN(view.seal, ParseSeal(*seal));
  }
  return view;
}

}  // namespace anamnesis
