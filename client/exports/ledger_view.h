#ifndef ANAMNESIS_CLIENT_EXPORTS_LEDGER_VIEW_H_
#define ANAMNESIS_CLIENT_EXPORTS_LEDGER_VIEW_H_

// A ledger at one size: every question is asked, and every receipt drawn, over the same first leaves, so that an export
// made again later is the same while the ledger grows. Holds no events but what is said of corrections. One thread.

#include <functional>
#include <memory>
#include <string>

#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/question.pb.h"
#include "client/cpp/corrections.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/note/checkpoint.h"

namespace anamnesis::exports {

// How many records an export may hold.
inline constexpr size_t kRecordsMax = 50'000;

class LedgerView {
 public:
  // `client` must outlive it. `tree_size` 0: all that the ledger has now. OUT_OF_RANGE: it has not so many, or none.
  static StatusOr<LedgerView> Open(LedgerClient& client, uint64_t tree_size);

  const std::string& origin() const { return checkpoint_.origin; }
  uint64_t tree_size() const { return checkpoint_.size.value; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const std::string& checkpoint_note() const { return note_; }
  // The C2SP verifier key of the ledger's checkpoints.
  const std::string& verifier_key() const { return verifier_key_; }
  // When the last of the leaves was recorded: the time as of which the export speaks.
  Timestamp as_of() const { return as_of_; }
  LedgerClient& client() const { return *client_; }

  // Fails as QuestionService.Ask does.
  StatusOr<v1::Answer> Ask(v1::Question question) const;
  // With its body, where that is not erased. NOT_FOUND: there is none below the size.
  StatusOr<v1::Event> Event(uint64_t leaf) const;
  StatusOr<v1::Receipt> Receipt(uint64_t leaf) const;
  // The leaf by which the key got its holder, with the holder, whatever became of it since. NOT_FOUND: no leaf did.
  StatusOr<v1::Credential> IssueOf(std::string_view public_key) const;
  // The same, unless it was revoked below the size. NOT_FOUND.
  StatusOr<v1::Credential> CredentialOf(std::string_view public_key) const;
  // What corrections leave of its events.
  Corrections& corrections() const { return *corrections_; }
  // Every event that belongs to `subject` (RecordsQuestion). RESOURCE_EXHAUSTED beyond kRecordsMax.
  Status VisitRecords(const v1::EntityRef& subject, const std::function<void(const v1::LeafReference&)>& visit) const;

 private:
  LedgerView() = default;

  LedgerClient* client_ = nullptr;
  Checkpoint checkpoint_;
  std::string note_;
  std::string verifier_key_;
  Timestamp as_of_;
  std::unique_ptr<Corrections> corrections_;
};

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_LEDGER_VIEW_H_
