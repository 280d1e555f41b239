#ifndef ANAMNESIS_TESTS_SUPPORT_GATE_WORLD_H_
#define ANAMNESIS_TESTS_SUPPORT_GATE_WORLD_H_

// A ledger with real admission in which an adaptation of a class C item is produced, verified, certified and cleared in
// the US and the EU, as named steps: a test leaves steps out, changes them or adds some, and asks the gate.
//
// The story: unit ICU-1 in Boston, ICU-2 in Berlin, both of model "monitor" on baseline 5 and substrate 7.2. The item
// "alert" learns; "gate" governs it. Artifact shift@1 moves the threshold by +0.01. The change plan of the US covers
// +-0.05, the overlay of the EU +-0.02. software:tuner produces for person:eve, software:certifier certifies under a
// delegation of person:carl.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/decide.h"
#include "tests/support/projected_history.h"
#include "tests/support/test_run.h"

namespace anamnesis {

struct Step {
  std::string name;
  // "ada" (administrator), "carl" (certifier), "rita" (regulatory officer), "eve", "tuner", "certifier", "ICU-1",
  // "ICU-2".
  std::string writer;
  EventDraft draft;
};

class GateWorld {
 public:
  // Founds the ledger, then appends the steps in order, one run each.
  explicit GateWorld(const std::vector<Step>& steps,
                     std::unique_ptr<TestLedger> ledger = std::make_unique<TestLedger>());

  // Appends one more.
  StatusOr<RunVerdict> Do(const Step& step);
  // Appends many events of one writer, which must be accepted: as one run, but for what a person signs.
  void DoAll(const std::string& writer, const std::vector<EventDraft>& drafts);
  // The leaf of a step; fails the test when it was refused.
  LeafIndex LeafOf(const std::string& name) const;
  // The step that a leaf is of; empty for what the ledger or the founding recorded.
  std::string StepOf(uint64_t leaf) const;
  const std::map<std::string, Status>& refused() const { return refused_; }

  // A dry run of the artifact as of now.
  v1::GateDecided Ask(const std::string& artifact_version = "1", const std::string& unit = "ICU-1",
                      const std::string& jurisdiction = "US") const;
  v1::GateDecided Ask(const GateRequest& request) const;
  GateRequest Request(const std::string& artifact_version = "1", const std::string& unit = "ICU-1",
                      const std::string& jurisdiction = "US") const;
  // Records the request, by the unit, and gives the decision that the ledger recorded.
  v1::GateDecided Record(const std::string& artifact_version = "1", const std::string& unit = "ICU-1",
                         const std::string& jurisdiction = "US", const std::string& fallback = "baseline:base@5");
  // The id of the last recorded decision.
  const std::string& last_decision() const { return last_decision_; }

  TestLedger& ledger() { return *ledger_; }
  const TestLedger& ledger() const { return *ledger_; }
  Timestamp now() const;

 private:
  TestWriter& WriterOf(const std::string& name);

  std::unique_ptr<TestLedger> ledger_;
  std::map<std::string, std::unique_ptr<TestWriter>> writers_;
  std::map<std::string, LeafIndex> leaves_;
  std::map<uint64_t, std::string> steps_;
  std::map<std::string, Status> refused_;
  std::string last_decision_;
};

// The whole story, under the policies that ship.
std::vector<Step> GateStory();
// It without some steps.
std::vector<Step> Without(std::vector<Step> steps, const std::set<std::string>& names);
// It with a step's draft changed.
std::vector<Step> Changed(std::vector<Step> steps, const std::string& name,
                          const std::function<void(EventDraft&)>& change);
// Changes the body of a draft.
template <typename Body>
std::function<void(EventDraft&)> Edit(const std::function<void(Body&)>& change) {
  return [change](EventDraft& draft) {
    auto body = std::make_shared<Body>(static_cast<const Body&>(*draft.body));
    change(*body);
    draft.body = body;
  };
}

// The steps that produce, verify and certify one more artifact: `name`@version moved by `shift`. `substrate` is the
// digest that it is made for.
struct Adaptation {
  std::string version = "1";
  std::string shift = "0.01";
  std::string unit = "ICU-1";
  std::string substrate;
  std::string parent = "";
};
std::vector<Step> AdaptationSteps(const Adaptation& adaptation);

std::string ArtifactBytesDigest(const std::string& version);
std::string BaselineDigest();
// Of the foundation model's version ("7.2" or "7.3").
std::string SubstrateDigest(const std::string& foundation);
EventDraft DefineSubstrate(const std::string& version, const std::string& foundation);
EventDraft InstallSubstrate(const std::string& unit, const std::string& version);
v1::ElectronicSignature FreshSignature();

// "G05 G11": the rules that failed.
std::string Failed(const v1::GateDecided& decision);
// The note of a rule.
std::string NoteOf(const v1::GateDecided& decision, std::string_view rule);

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_GATE_WORLD_H_
