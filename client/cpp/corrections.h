#ifndef ANAMNESIS_CLIENT_CPP_CORRECTIONS_H_
#define ANAMNESIS_CLIENT_CPP_CORRECTIONS_H_

// Which events still count over the first leaves of a ledger, for whoever tells others what it holds. Not safe for
// concurrent use.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/question.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Every event of a type below `size`, with its body, in log order, however many there are. Fails as ReadService.Read
// does, or as `visit`.
Status VisitOfType(LedgerClient& client, std::string_view type, uint64_t size,
                   const std::function<Status(const v1::Event&)>& visit);

// A record.corrected.
struct Correction {
  uint64_t leaf = 0;
  // The event's own id.
  std::string event_id;
  // Unspecified where the body is erased.
  v1::RecordCorrected::Kind kind = v1::RecordCorrected::KIND_UNSPECIFIED;
  v1::Agent actor;
  std::string rationale;
  // It was not taken back itself.
  bool counts = true;
};

class Corrections {
 public:
  // Of the first `size` leaves. `client` must outlive it; it is asked when something is asked of this.
  Corrections(LedgerClient& client, uint64_t size) : client_(client), size_(size) {}

  // What record.corrected events say of the event with this id, in log order; all of them are read once. Stays valid as
  // long as this.
  StatusOr<const std::vector<Correction>*> Of(const std::string& event_id);
  // What the history of the first entity that it refers to says of the event: with its time as last corrected. Absent
  // where it refers to nothing.
  StatusOr<std::optional<v1::StatusAnswer::HistoryEvent>> HistoryEntry(const v1::Event& event);
  // Whether the event still counts, as status accounting says: it was neither retracted nor replaced. Of one that
  // refers to nothing, such as a correction, as the record.corrected events say.
  StatusOr<bool> Counts(const v1::Event& event);

 private:
  using ByCorrected = std::map<std::string, std::vector<Correction>>;

  StatusOr<const ByCorrected*> ReadAll();

  LedgerClient& client_;
  const uint64_t size_;
  // By the id of what they name; absent while nothing was read.
  std::optional<ByCorrected> by_corrected_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_CORRECTIONS_H_
