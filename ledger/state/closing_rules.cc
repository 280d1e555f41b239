#include "ledger/state/closing_rules.h"

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/v1/vocabulary_problem.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/state/edges.h"
#include "ledger/state/entities.h"
#include "ledger/state/last_counting.h"
#include "ledger/state/place_in_time.h"

namespace anamnesis {
namespace {

// How something is closed.
struct Closing {
  std::string_view rule;
  std::string_view clause;
  std::string_view role;
  // "TYPE?FIELD=VALUE".
  std::string_view verified;
  std::string_view ended_otherwise;
  // Empty: it never is.
  std::string_view reopened;
};
constexpr Closing kOfProblem = {
    "CLOSE-LAST-VERIFIED",       "IEC 62304 9.7",   "problem", "problem.verified?resolved=true",
    "problem.no_action_decided", "problem.reopened"};
constexpr Closing kOfChange = {"CLOSE-CHANGE-LAST-VERIFIED",    "IEC 62304 8.2.3", "change",
                               "change.verified?verified=true", "change.rejected", ""};

std::string_view TypeIn(std::string_view what) { return what.substr(0, what.find('?')); }

std::string RemedyOf(const Closing& closing, const v1::EventHeader& header) {
  const std::string remedy = Text("record ", closing.verified, " or ", closing.ended_otherwise, " first");
  if (header.retrospective()) return Text(remedy, "; or, where the closing came after that, say when it was");
  if (header.corrects().empty()) return remedy;
  return Text(remedy,
              "; or, where only the earlier closing is corrected, record the correction as retrospective, as of ",
              "when that was");
}

// Whether anything is recorded that settles it, whenever that was. Where nothing is, the precondition says so.
StatusOr<bool> IsSettledEver(const Closing& closing, const v1::EntityRef& entity, const RowFinder& rows) {
  for (const std::string_view what : {closing.verified, closing.ended_otherwise}) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> ended, FindNaming(rows, what, closing.role, entity, false));
    if (ended.has_value()) return true;
  }
  return false;
}

// What was verified once need not be any more: of the last verification the result counts, and none that came before it
// was reopened.
Status CheckClosed(const Closing& closing, const RecordedEvent& event, const RowFinder& rows,
                   std::vector<BrokenRule>& broken) {
  const v1::EventHeader& header = event.header->fields;
  const v1::EntityRef& entity = *FindReference(header, closing.role);
  const EventBefore before = EventsOfTypes(rows, RoleEdgesPrefix(entity, closing.role),
                                           {TypeIn(closing.verified), closing.ended_otherwise, closing.reopened});
  const Place here = PlaceInTime(event, Timestamp(header.occurred_latest_us()));
  ASSIGN_OR_RETURN(std::optional<LeafIndex> since, NewestCounting(rows, TreeSize(UINT64_MAX), before, here));
  std::string why = "nothing before then";
  if (since.has_value()) {
    ASSIGN_OR_RETURN(const LoadedEvent last, LoadEvent(rows, *since));
    const std::string& type = last.type->name();
    if (type == closing.ended_otherwise) return OkStatus();
    const std::string_view condition = closing.verified.substr(closing.verified.find('?') + 1);
    if (type != closing.reopened && BodyHas(last.body.get(), condition)) return OkStatus();
    why = Text("nothing since the ", type, " at leaf ", since->value);
  }
  ASSIGN_OR_RETURN(const bool settled_ever, IsSettledEver(closing, entity, rows));
  if (!settled_ever) return OkStatus();
  // Told as of before all of it: the precondition finds in the log what settled it later.
  if (!since.has_value()) {
    ASSIGN_OR_RETURN(since, FindDefinition(rows, entity));
  }
  AddBroken(broken,
            {closing.rule, "header.refs", v1::REFUSED, closing.clause,
             Text(why, " says that ", entity.kind(), " \"", entity.id(), "\" is settled"), RemedyOf(closing, header)})
      .since = since;
  return OkStatus();
}

}  // namespace

Status CheckClosing(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken) {
  if (event.type->body == v1::ProblemClosed::descriptor()) return CheckClosed(kOfProblem, event, rows, broken);
  if (event.type->body == v1::ChangeClosed::descriptor()) return CheckClosed(kOfChange, event, rows, broken);
  return OkStatus();
}

}  // namespace anamnesis
