#include "ledger/cose/cbor.h"

#include <cbor.h>

#include <array>

#include "ledger/base/check.h"

namespace anamnesis {
namespace {

constexpr size_t kHeadBytesMax = 9;

std::string_view NameOf(CborKind kind) {
  switch (kind) {
    case CborKind::kUnsigned:
      return "an unsigned integer";
    case CborKind::kNegative:
      return "a negative integer";
    case CborKind::kBytes:
      return "a byte string";
    case CborKind::kText:
      return "a text string";
    case CborKind::kArray:
      return "an array";
    case CborKind::kMap:
      return "a map";
    case CborKind::kTag:
      return "a tag";
    case CborKind::kNull:
      return "null";
    case CborKind::kOther:
      break;
  }
  return "something else";
}

size_t EncodeHead(CborKind kind, uint64_t value, unsigned char* out, size_t size) {
  switch (kind) {
    case CborKind::kUnsigned:
      return cbor_encode_uint(value, out, size);
    case CborKind::kNegative:
      return cbor_encode_negint(value, out, size);
    case CborKind::kBytes:
      return cbor_encode_bytestring_start(value, out, size);
    case CborKind::kText:
      return cbor_encode_string_start(value, out, size);
    case CborKind::kArray:
      return cbor_encode_array_start(value, out, size);
    case CborKind::kMap:
      return cbor_encode_map_start(value, out, size);
    case CborKind::kTag:
      return cbor_encode_tag(value, out, size);
    case CborKind::kNull:
      return cbor_encode_null(out, size);
    case CborKind::kOther:
      break;
  }
  return 0;
}

}  // namespace

std::string CborHead(CborKind kind, uint64_t value) {
  std::array<unsigned char, kHeadBytesMax> head;
  const size_t size = EncodeHead(kind, value, head.data(), head.size());
  CHECK(size > 0);
  return {reinterpret_cast<const char*>(head.data()), size};
}

std::string CborBytes(std::string_view bytes) { return CborHead(CborKind::kBytes, bytes.size()).append(bytes); }
std::string CborText(std::string_view text) { return CborHead(CborKind::kText, text.size()).append(text); }

// What libcbor calls with what it finds; `context` is an Item. What has no function here leaves it at kOther.
struct CborReader::Callbacks {
  static void Set(void* context, CborKind kind, uint64_t value) { *static_cast<Item*>(context) = {kind, value, {}}; }
  static void SetString(void* context, CborKind kind, cbor_data data, uint64_t size) {
    *static_cast<Item*>(context) = {kind, size, {reinterpret_cast<const char*>(data), static_cast<size_t>(size)}};
  }

  static cbor_callbacks Make() {
    cbor_callbacks all = cbor_empty_callbacks;
    all.uint8 = [](void* c, uint8_t v) { Set(c, CborKind::kUnsigned, v); };
    all.uint16 = [](void* c, uint16_t v) { Set(c, CborKind::kUnsigned, v); };
    all.uint32 = [](void* c, uint32_t v) { Set(c, CborKind::kUnsigned, v); };
    all.uint64 = [](void* c, uint64_t v) { Set(c, CborKind::kUnsigned, v); };
    all.negint8 = [](void* c, uint8_t v) { Set(c, CborKind::kNegative, v); };
    all.negint16 = [](void* c, uint16_t v) { Set(c, CborKind::kNegative, v); };
    all.negint32 = [](void* c, uint32_t v) { Set(c, CborKind::kNegative, v); };
    all.negint64 = [](void* c, uint64_t v) { Set(c, CborKind::kNegative, v); };
    all.byte_string = [](void* c, cbor_data d, auto n) { SetString(c, CborKind::kBytes, d, n); };
    all.string = [](void* c, cbor_data d, auto n) { SetString(c, CborKind::kText, d, n); };
    all.array_start = [](void* c, auto n) { Set(c, CborKind::kArray, n); };
    all.map_start = [](void* c, auto n) { Set(c, CborKind::kMap, n); };
    all.null = [](void* c) { Set(c, CborKind::kNull, 0); };
    return all;
  }
};

StatusOr<CborReader::Item> CborReader::Next(CborKind kind, std::string_view field) {
  static const cbor_callbacks callbacks = Callbacks::Make();
  Item item;
  const cbor_decoder_result result =
      cbor_stream_decode(reinterpret_cast<cbor_data>(rest_.data()), rest_.size(), &callbacks, &item);
  if (result.status != CBOR_DECODER_FINISHED) {
    return absl::InvalidArgumentError(Text(field, ": is cut off or no CBOR; ", NameOf(kind), " is wanted"));
  }
  if (item.kind != kind) {
    return absl::InvalidArgumentError(Text(field, ": is ", NameOf(item.kind), "; ", NameOf(kind), " is wanted"));
  }
  const std::string_view whole = rest_.substr(0, result.read);
  if (whole.substr(0, whole.size() - item.string.size()) != CborHead(kind, item.value)) {
    return absl::InvalidArgumentError(Text(field, ": its length or number is not in its shortest form"));
  }
  rest_.remove_prefix(whole.size());
  return item;
}

Status CborReader::Expect(CborKind kind, uint64_t value, std::string_view field) {
  // There is one spelling, so it needn't be decoded; libcbor 0.8 doesn't decode COSE's tags.
  const std::string head = CborHead(kind, value);
  if (!rest_.starts_with(head)) {
    return absl::InvalidArgumentError(Text(field, ": is not ", NameOf(kind), " with ", value, " in its shortest form"));
  }
  rest_.remove_prefix(head.size());
  return OkStatus();
}

StatusOr<uint64_t> CborReader::Number(CborKind kind, std::string_view field) {
  ASSIGN_OR_RETURN(const Item item, Next(kind, field));
  return item.value;
}

StatusOr<std::string_view> CborReader::String(CborKind kind, std::string_view field) {
  ASSIGN_OR_RETURN(const Item item, Next(kind, field));
  return item.string;
}

Status CborReader::End(std::string_view field) const {
  if (rest_.empty()) return OkStatus();
  return absl::InvalidArgumentError(Text(field, ": ", rest_.size(), " bytes more than it should have"));
}

}  // namespace anamnesis
