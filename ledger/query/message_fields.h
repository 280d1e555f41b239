#ifndef ANAMNESIS_LEDGER_QUERY_MESSAGE_FIELDS_H_
#define ANAMNESIS_LEDGER_QUERY_MESSAGE_FIELDS_H_

// A message's fields as names and values for people and for comparison, by reflection: "content.text",
// "layers[conv1].shape", "hyperparameters[learning_rate]". Elements of lists are named by what identifies them (an id,
// a name, a path, the text itself), so that inserting one does not change the names of the others; by their number
// where nothing does. What is not set is left out, and so are signatures and fields that may hold personal data. Pure.

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"

namespace anamnesis {

// Names are unique; in the order of the fields.
using FieldTexts = std::vector<std::pair<std::string, std::string>>;
FieldTexts FieldTextsOf(const google::protobuf::Message& message);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_MESSAGE_FIELDS_H_
