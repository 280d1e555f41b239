#ifndef ANAMNESIS_LEDGER_QUERY_LINEAGE_ROLES_H_
#define ANAMNESIS_LEDGER_QUERY_LINEAGE_ROLES_H_

// What an event's references are to each other: its products, which it is the record of, and its inputs, which they
// were made of or rest on. It follows from the vocabulary:
//
//   - the products are the references in roles that the type declares as defining; when the event has none of these,
//     those in the first role that the type declares and the event has. So a type's declaration starts with what its
//     events are about: a state change with its subject, an activation with the unit;
//   - all other references are inputs;
//   - what the rule gets wrong is listed, by type and role, in lineage_roles.cc. What was found out about something,
//   what
//     happened to it or came after it, it was not made of: such events have no inputs.
//
// tests/ledger/query/lineage_roles.txt says for every type what it comes to.
//
// A path does not lead through entities that stand for many things at once, such as persons, sites or software items:
// that one annotator worked on two datasets does not make one out of the other. Pure.

#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {

struct LineageInput {
  const v1::EntityRef* ref;
  // The path ends at it, whatever its kind.
  bool end = false;
};

// Borrowed from the header.
struct LineageRoles {
  std::vector<const v1::EntityRef*> products;
  std::vector<LineageInput> inputs;
};
LineageRoles LineageRolesOf(const EventType& type, const v1::EventHeader& header);

// Whether paths end at entities of this kind.
bool EndsLineage(std::string_view kind);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_LINEAGE_ROLES_H_
