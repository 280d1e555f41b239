#ifndef ANAMNESIS_TESTS_CLIENT_EXPORTS_PROJECTED_LEDGER_H_
#define ANAMNESIS_TESTS_CLIENT_EXPORTS_PROJECTED_LEDGER_H_

// A projected history as a ledger that exports can be made of: it answers, cites and proves, and takes nothing in.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/cpp/ledger_client.h"
#include "client/exports/ledger_view.h"
#include "gtest/gtest.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/state/authority.h"
#include "tests/support/projected_history.h"

namespace anamnesis::exports {

class ProjectedLedger : public LedgerClient {
 public:
  // A read ends after `read_max` events, if that is not 0.
  explicit ProjectedLedger(const ProjectedHistory& history, uint64_t read_max = 0)
      : history_(history), read_max_(read_max) {}

  // Fails the test when it can't be opened.
  LedgerView View() {
    StatusOr<LedgerView> view = LedgerView::Open(*this, 0);
    EXPECT_TRUE(view.ok()) << view.status();
    return *std::move(view);
  }

  StatusOr<v1::LedgerStatus> GetStatus() override {
    v1::LedgerStatus status;
    status.set_origin(key_.name);
    status.set_tree_size(history_.size().value);
    status.set_verifier_key(VerifierKeyOf(key_).Format());
    return status;
  }
  StatusOr<v1::Event> GetEvent(const v1::GetEventRequest& request) override {
    ASSIGN_OR_RETURN(v1::Event event, ReadEvent(history_.rows(), LeafIndex(request.index()), true));
    if (erased_.count(request.index()) > 0) {
      event.clear_body();
      event.clear_content();
      event.set_body_state(v1::BODY_ERASED);
    }
    return event;
  }
  // A projected history erases nothing by itself.
  void Erase(LeafIndex index) { erased_.insert(index.value); }
  Status Read(const v1::ReadRequest& request, const OnRead& on_read) override {
    v1::ReadRequest bounded = request;
    if (read_max_ > 0) bounded.set_limit(read_max_);
    return ReadEvents(history_.rows(), history_.size(), bounded,
                      [&](const v1::ReadResponse& response) { return on_read(response); });
  }
  StatusOr<v1::ConfigurationAnswer> GetConfiguration(const v1::GetConfigurationRequest& request) override {
    return AnswerConfiguration(history_.rows(), key_.name, history_.size(), request);
  }
  // What the gate, which this room knows nothing of, computes again; of any other decision it knows nothing.
  void Replays(const std::string& decision, v1::GateReplayAnswer replay) { replays_[decision] = std::move(replay); }
  StatusOr<v1::Answer> Ask(const v1::Question& question) override {
    const auto replay = replays_.find(question.gate_replay().decision());
    if (question.has_gate_replay() && replay != replays_.end()) {
      v1::Answer answer;
      *answer.mutable_gate_replay() = replay->second;
      return answer;
    }
    return anamnesis::Ask(history_.rows(), key_.name, history_.size(), question);
  }
  StatusOr<v1::Receipt> GetReceipt(const v1::GetReceiptRequest& request) override {
    v1::Receipt receipt;
    std::vector<Digest> hashes;
    for (uint64_t i = 0; i < request.tree_size(); ++i) {
      ASSIGN_OR_RETURN(const v1::Event event, ReadEvent(history_.rows(), LeafIndex(i), false));
      hashes.push_back(LeafHash(event.leaf()));
    }
    ASSIGN_OR_RETURN(const v1::Event event, ReadEvent(history_.rows(), LeafIndex(request.index()), true));
    receipt.set_leaf(event.leaf());
    if (event.has_body()) *receipt.mutable_body() = event.body();
    const MemoryNodeReader tree(hashes);
    TlogProof proof;
    proof.index = LeafIndex(request.index());
    ASSIGN_OR_RETURN(proof.hashes, InclusionProof(tree, proof.index, TreeSize(request.tree_size())));
    const std::string text = FormatCheckpointText({key_.name, TreeSize(request.tree_size()), RootOfLeafHashes(hashes)});
    proof.checkpoint_note = FormatSignedNote({text, {SignNote(text, key_.name, key_.key)}});
    receipt.set_tlog_proof(FormatTlogProof(proof));
    return receipt;
  }
  StatusOr<v1::Credential> GetCredential(const v1::GetCredentialRequest& request) override {
    ASSIGN_OR_RETURN(const auto state, FindCredential(history_.rows(), request.public_key()));
    if (!state.has_value()) return absl::NotFoundError("no credential");
    v1::Credential credential;
    credential.set_public_key(request.public_key());
    *credential.mutable_holder() = state->holder();
    credential.set_issued_index(state->issued_index());
    if (state->has_revoked_index()) credential.set_revoked_index(state->revoked_index());
    return credential;
  }

  StatusOr<v1::AppendResponse> Append(const v1::AppendRequest&) override { return NotHere(); }
  StatusOr<std::unique_ptr<AppendChannel>> OpenAppendChannel(AppendChannel::OnResult) override { return NotHere(); }
  StatusOr<v1::StreamHead> GetStreamHead(const v1::GetStreamHeadRequest&) override { return NotHere(); }
  StatusOr<v1::Checkpoint> GetCheckpoint() override { return NotHere(); }
  StatusOr<v1::ConsistencyProof> GetConsistencyProof(const v1::GetConsistencyProofRequest&) override {
    return NotHere();
  }

 private:
  static Status NotHere() { return absl::UnimplementedError("a projected ledger has no such call"); }

  const ProjectedHistory& history_;
  const uint64_t read_max_;
  std::map<std::string, v1::GateReplayAnswer> replays_;
  std::set<uint64_t> erased_;
  const NamedKey key_ = {"test.example/ledger", *PrivateKey::FromSeed(std::string(PrivateKey::kSeedSize, 'k'))};
};

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_TESTS_CLIENT_EXPORTS_PROJECTED_LEDGER_H_
