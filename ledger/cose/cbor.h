#ifndef ANAMNESIS_LEDGER_COSE_CBOR_H_
#define ANAMNESIS_LEDGER_COSE_CBOR_H_

// The part of CBOR (RFC 8949) that receipts are made of, in its deterministic encoding (section 4.2.1) only: whatever
// has another spelling is refused, so that bytes that verify can't be respelled. libcbor reads and writes the heads; it
// takes long and indefinite forms, which are found out here by writing each head again. Pure; safe for any input.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

enum class CborKind {
  kOther,     // floats, booleans and whatever else receipts have no use for
  kUnsigned,  // the number
  kNegative,  // -1 minus the number
  kBytes,     // a byte string of so many bytes, which follow
  kText,      // a text string of so many bytes, which follow
  kArray,     // so many items follow
  kMap,       // so many keys follow, each with its value
  kTag,       // one item follows
  kNull,
};

// The head of one item in its shortest form. Not for kOther.
std::string CborHead(CborKind kind, uint64_t value);
// A whole byte or text string.
std::string CborBytes(std::string_view bytes);
std::string CborText(std::string_view text);

// Reads items from the front of borrowed bytes. Every method is INVALID_ARGUMENT, naming `field`, when what comes next
// is not what it says in its only spelling; the reader is of no use then.
class CborReader {
 public:
  explicit CborReader(std::string_view bytes) : rest_(bytes) {}

  // A head with this very number: a label, a tag, the size of an array or a map. The only way to read a tag.
  Status Expect(CborKind kind, uint64_t value, std::string_view field);
  // A head with any number.
  StatusOr<uint64_t> Number(CborKind kind, std::string_view field);
  // A byte string's bytes, or a text string's, which are borrowed too and need not be UTF-8.
  StatusOr<std::string_view> Bytes(std::string_view field) { return String(CborKind::kBytes, field); }
  StatusOr<std::string_view> TextString(std::string_view field) { return String(CborKind::kText, field); }
  Status End(std::string_view field) const;

 private:
  struct Item {
    CborKind kind = CborKind::kOther;
    uint64_t value = 0;
    std::string_view string;
  };
  struct Callbacks;

  StatusOr<Item> Next(CborKind kind, std::string_view field);
  StatusOr<std::string_view> String(CborKind kind, std::string_view field);

  std::string_view rest_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COSE_CBOR_H_
