// The order in which independent streams arrive does not change what is known: the same runs, interleaved otherwise,
// give the same answers to every question.

#include <gmock/gmock.h>

#include <random>

#include "ledger/query/configuration.h"
#include "tests/ledger/query/every_question.h"
#include "tests/ledger/query/random_drafts.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

using google::protobuf::Message;

constexpr Timestamp kRecorded{kTestStart.us + int64_t{3'600'000'000}};
// Times of RandomDrafts lie before this.
constexpr Timestamp kAt{1'100'000};
const std::vector<std::string>& Owners() {
  static const auto* owners = new std::vector<std::string>{"a", "b", "c"};
  return *owners;
}

// Rules about what came before an event: there the order matters, rightly, since the finding says what was known when
// the event was recorded.
bool IsAboutBefore(std::string_view rule) {
  static const auto* rules = [] {
    auto* names = new std::set<std::string, std::less<>>{
        "ANNOTATION-AGREEMENT", "ANNOTATION-DEVIATION",   "CHANGE-TEXT",   "CLOSE-CHANGE-LAST-VERIFIED",
        "CLOSE-LAST-VERIFIED",  "RELEASE-TESTED-VERSION", "SEAL-CRITERIA", "SEALED-ONCE"};
    for (const EventType* type : Vocabulary::Get().All()) {
      for (const v1::Precondition& before : type->options->preconditions()) names->insert(before.rule());
    }
    return names;
  }();
  return rule.starts_with("EXISTS/") || rule.starts_with("UNIQUE/") || rules->count(rule) > 0;
}

bool IsLeftOut(const Message& message) {
  if (const auto* finding = dynamic_cast<const v1::Finding*>(&message)) return IsAboutBefore(finding->rule());
  if (const auto* of_event = dynamic_cast<const v1::FindingsAnswer::OfEvent*>(&message)) {
    return std::all_of(of_event->findings().begin(), of_event->findings().end(),
                       [](const v1::Finding& finding) { return IsAboutBefore(finding.rule()); });
  }
  if (const auto* problem = dynamic_cast<const v1::ClosureAuditAnswer::Problem*>(&message)) {
    return problem->kind() == v1::ClosureAuditAnswer::FINDING &&
           IsAboutBefore(problem->text().substr(0, problem->text().find(':')));
  }
  return false;
}

// What rightly depends on the order of recording, taken out of an answer.
v1::Answer WithoutOrder(v1::Answer answer, bool of_item) {
  // Whoever recorded it first.
  if (answer.has_who_knew()) answer.mutable_who_knew()->clear_first_recorded();
  if (answer.has_findings()) answer.clear_leaves();
  // Of paths of one length the walk takes that which was recorded first, and with it the role in which it reaches an
  // entity.
  if (answer.has_lineage()) {
    for (v1::EntityRef& reached : *answer.mutable_lineage()->mutable_reached()) reached.clear_role();
  }
  // Over the whole ledger only the first records of each type are looked at, so that the question doesn't read the log.
  if (answer.has_clause_index() && !of_item) {
    answer.clear_leaves();
    for (v1::ClauseEvidence& evidence : *answer.mutable_clause_index()->mutable_clauses()) {
      const bool shown = evidence.evidence_size() > 0;
      evidence.clear_evidence();
      evidence.clear_state();
      evidence.set_text(shown ? "shown" : "");
    }
    answer.mutable_clause_index()->clear_missing();
  }
  return answer;
}

// The two texts from shortly before where they differ.
std::string Difference(const std::string& a, const std::string& b) {
  const size_t same = static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const size_t from = same < 200 ? 0 : same - 200;
  return Text("…", a.substr(from, 600), "…\n…", b.substr(from, 600), "…");
}

// Everything that a ledger has to say, by question.
std::map<std::string, std::string> AllAnswers(TestLedger& ledger, std::set<std::string>& answered) {
  PlacelessText::Names names;
  for (uint64_t i = 0; i < ledger.size().value; ++i) {
    names[i] = HexEncode(LoadEvent(ledger.rows(), LeafIndex(i))->header.event_id.view());
  }
  PlacelessText text(names, IsLeftOut);
  std::map<std::string, std::string> answers;
  for (const v1::Question& question : EveryQuestion(Owners(), kAt)) {
    const StatusOr<v1::Answer> answer = Ask(ledger.rows(), kTestOrigin, ledger.size(), question);
    if (answer.ok()) answered.insert(KindOf(question));
    answers[question.ShortDebugString()] =
        answer.ok() ? text.Of(WithoutOrder(*answer, question.clause_index().has_item())) : answer.status().ToString();
  }
  for (const std::string& owner : Owners()) {
    for (int i = 0; i < 3; ++i) {
      for (const int64_t us : {int64_t{200'000}, int64_t{500'000}, kAt.us}) {
        const std::string unit = Text(owner, "U", i);
        const StatusOr<v1::Configuration> configuration =
            ConfigurationAt(ledger.rows(), unit, Timestamp(us), ledger.size());
        EXPECT_TRUE(configuration.ok()) << configuration.status();
        if (configuration.ok()) answers[Text("configuration of ", unit, " at ", us)] = text.Of(*configuration);
      }
    }
  }
  return answers;
}

// Writers and what they wrote: `prologue` first, then the streams in any order of their runs.
class Streams {
 public:
  explicit Streams(uint64_t seed) : random_(seed) {
    Found();
    // A ledger that is only there to say which runs are accepted, and then they must be in any order.
    TestLedger ledger;
    for (const v1::Run& run : prologue_) EXPECT_TRUE(ledger.AppendAt(kRecorded, run).ok());
    for (size_t i = 0; i < Owners().size(); ++i) {
      generators_.emplace_back(seed * 100 + i, Owners()[i], Owners());
      streams_.emplace_back();
    }
    for (int step = 0; step < 220; ++step) Step(random_() % Owners().size(), ledger);
  }

  // Appends the prologue, and the streams as `random` merges them.
  void Fill(std::mt19937_64& random, TestLedger& ledger) const {
    for (const v1::Run& run : prologue_) ASSERT_TRUE(ledger.AppendAt(kRecorded, run).ok());
    std::vector<size_t> next(streams_.size());
    for (;;) {
      std::vector<size_t> left;
      for (size_t i = 0; i < next.size(); ++i) {
        if (next[i] < streams_[i].size()) left.push_back(i);
      }
      if (left.empty()) return;
      const size_t chosen = left[random() % left.size()];
      // Now and then all that one has, as of a site whose link was down.
      const size_t count = random() % 10 == 0 ? streams_[chosen].size() : 1;
      for (size_t n = 0; n < count && next[chosen] < streams_[chosen].size(); ++n) {
        const StatusOr<RunVerdict> verdict = ledger.AppendAt(kRecorded, streams_[chosen][next[chosen]++]);
        ASSERT_TRUE(verdict.ok()) << verdict.status();
      }
    }
  }

 private:
  void Found() {
    prologue_.push_back(admin_.Write(FoundingDrafts(admin_)));
    std::vector<EventDraft> drafts;
    for (size_t i = 0; i < Owners().size(); ++i) {
      writers_.emplace_back("person", Owners()[i], 10 + i);
      drafts.push_back(EnrolPerson(Owners()[i]));
      drafts.push_back(IssueKey("person", Owners()[i], writers_[i].key().public_key()));
      for (const v1::Role role : {v1::REGULATORY_OFFICER, v1::VERIFIER, v1::SERVICE_ENGINEER}) {
        drafts.push_back(GrantRole(Owners()[i], role));
      }
    }
    drafts.push_back(GrantRole("admin", v1::QUALITY_OFFICER));
    drafts.push_back(anamnesis::Item("X"));
    drafts.push_back(anamnesis::Item("Y", {"parent=software_item:X"}));
    drafts.push_back(Class("Y", v1::SOFTWARE_SAFETY_CLASS_B));
    drafts.push_back(Class("X", v1::SOFTWARE_SAFETY_CLASS_C));
    for (const auto& [kind, file] : {std::pair(v1::PolicyAdopted::PROCESS_PROFILE, "process_profile_62304_2006_a1"),
                                     std::pair(v1::PolicyAdopted::CONTEMPORANEITY, "contemporaneity"),
                                     std::pair(v1::PolicyAdopted::REPORTING_CLOCK, "reporting_clocks"),
                                     std::pair(v1::PolicyAdopted::RETENTION, "retention"),
                                     std::pair(v1::PolicyAdopted::CLAUSE_MAP, "clause_map")}) {
      drafts.push_back(Adopt(kind, ReadPolicy(file)));
    }
    prologue_.push_back(admin_.Write(drafts));
  }

  // One more run of a stream: a new event, or a correction of one of the stream's own. Those of others must be in the
  // ledger already, so a stream that corrects them depends on them.
  void Step(size_t writer, TestLedger& ledger) {
    RandomDrafts& drafts = generators_[writer];
    std::vector<Written>& written = written_[writer];
    Written event;
    if (!written.empty() && drafts.Below(100) < 25) {
      const Written& named = written[drafts.Below(written.size())];
      const Timestamp time(drafts.Time());
      const uint64_t kind = drafts.Below(3);
      if (kind == 0 && named.type != "record.corrected") {
        event.draft = drafts.Again(named.draft, named.type);
        event.draft.header.set_corrects(named.id.bytes());
      } else if (kind == 1) {
        event.draft = MoveInTime(named.id, time, time);
      } else {
        event.draft = Correct(named.id, v1::RecordCorrected::RETRACTED);
      }
    } else {
      event.draft = drafts.Anything();
    }
    const Timestamp time(drafts.Time());
    SetOccurred(event.draft, time, time);
    event.type = event.draft.body->GetDescriptor()->options().GetExtension(v1::event).type();
    const bool observed = event.draft.body->GetDescriptor()->options().GetExtension(v1::event).observation();
    // What rules refuse for what came before it depends on the order; what is told afterwards is recorded in any.
    event.draft.header.set_retrospective(!observed);
    v1::Run run = writers_[writer].Write({event.draft});
    const uint64_t position = written.size();
    // A version that the stream gave another content before.
    if (!ledger.AppendAt(kRecorded, run).ok()) {
      writers_[writer].RewindTo(position);
      return;
    }
    event.id = writers_[writer].LastId();
    written.push_back(std::move(event));
    streams_[writer].push_back(std::move(run));
  }

  struct Written {
    EventDraft draft;
    std::string type;
    EventId id;
  };

  std::mt19937_64 random_;
  TestWriter admin_{"person", "admin", 1};
  std::vector<TestWriter> writers_;
  std::vector<RandomDrafts> generators_;
  std::map<size_t, std::vector<Written>> written_;
  std::vector<v1::Run> prologue_;
  std::vector<std::vector<v1::Run>> streams_;
};

TEST(ArrivalOrderTest, IndependentStreamsSayTheSameInAnyOrder) {
  std::set<std::string> answered;
  for (uint64_t seed = 1; seed <= (kSanitized ? 1 : 4); ++seed) {
    const Streams streams(seed);
    std::map<std::string, std::string> expected;
    for (uint64_t order = 0; order < (kSanitized ? 2 : 3); ++order) {
      std::mt19937_64 random(seed * 1000 + order);
      TestLedger ledger;
      streams.Fill(random, ledger);
      const std::map<std::string, std::string> answers = AllAnswers(ledger, answered);
      if (order == 0) {
        expected = answers;
        EXPECT_GT(ledger.size().value, 180u);
        continue;
      }
      for (const auto& [question, answer] : answers) {
        const std::string& first = expected[question];
        EXPECT_TRUE(answer == first) << "seed " << seed << " order " << order << ", " << question << "\n"
                                     << Difference(first, answer);
      }
    }
  }
  EXPECT_EQ(answered, KindsOfQuestion());
}

}  // namespace
}  // namespace anamnesis
