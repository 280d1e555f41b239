#ifndef ANAMNESIS_LEDGER_EVENT_FIELD_PATH_H_
#define ANAMNESIS_LEDGER_EVENT_FIELD_PATH_H_

// Where in a message a check is. It is put into words only when something is refused: most events are not.

#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// On the stack of who checks: what it points to outlives it.
struct FieldPath {
  std::string_view name;
  const FieldPath* parent = nullptr;
  // Of an element of a repeated field; -1 for others.
  int index = -1;

  // As "body.metrics[2].value".
  std::string text() const {
    std::string text = parent == nullptr ? std::string(name) : Text(parent->text(), ".", name);
    return index < 0 ? text : Text(text, "[", index, "]");
  }
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_FIELD_PATH_H_
