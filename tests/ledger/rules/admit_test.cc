#include "ledger/rules/admit.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>

#include "google/protobuf/stubs/logging.h"
#include "ledger/base/limits.h"
#include "ledger/event/header.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

v1::Run ThreeDocuments(TestWriter& writer) {
  return writer.Write({ReferToDocument("a"), ReferToDocument("b"), ReferToDocument("c")});
}

class AdmitRunTest : public ::testing::Test {
 protected:
  Status Admit(const v1::Run& run) { return AdmitRun(run, kTestOrigin).status(); }

  // The status after `change` to header `place`, sealed again so that only the change is wrong.
  Status AdmitChanged(int place, const std::function<void(v1::EventHeader&)>& change) {
    v1::Run run = ThreeDocuments(writer_);
    ChangeHeader(run, place, change);
    Reseal(run, writer_.key());
    return Admit(run);
  }

  // The status after a change to the body of event 1, with a header that commits to it.
  Status AdmitBody(const std::string& content) {
    v1::Run run = ThreeDocuments(writer_);
    run.mutable_bodies(1)->set_content(content);
    ChangeHeader(run, 1, [&](v1::EventHeader& header) {
      header.set_body_size(content.size());
      header.set_body_commitment(BodyCommitment(run.bodies(1).nonce(), content).bytes());
    });
    Reseal(run, writer_.key());
    return Admit(run);
  }

  TestWriter writer_{"person", "p", 1};
};

TEST_F(AdmitRunTest, AdmitsAndParsesARun) {
  const v1::Run run = ThreeDocuments(writer_);
  const StatusOr<AdmittedRun> admitted = AdmitRun(run, kTestOrigin);
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_EQ(admitted->events.size(), 3u);
  EXPECT_EQ(admitted->stream(), "person/p");
  EXPECT_EQ(admitted->first_position(), StreamPosition(1));
  EXPECT_EQ(admitted->bytes, RunBytes(run));
  EXPECT_EQ(admitted->seal.key, writer_.key().public_key());
  EXPECT_EQ(admitted->events[2].type->name(), "document.referenced");
}

TEST_F(AdmitRunTest, MalformedRuns) {
  ExpectRefused(Admit(v1::Run()), v1::MALFORMED, "run.headers", StatusCode::kInvalidArgument);
  v1::Run run = ThreeDocuments(writer_);
  run.mutable_bodies()->RemoveLast();
  ExpectRefused(Admit(run), v1::MALFORMED, "run.bodies", StatusCode::kInvalidArgument);
  run = ThreeDocuments(writer_);
  run.mutable_bodies(1)->set_nonce(std::string(31, 'n'));
  ExpectRefused(Admit(run), v1::MALFORMED, "body.nonce", StatusCode::kInvalidArgument);
  run = ThreeDocuments(writer_);
  run.set_headers(1, "\xff\xff\xff");
  ExpectRefused(Admit(run), v1::MALFORMED, "header", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(Admit(run)).event_index(), 1u);
}

TEST_F(AdmitRunTest, MalformedHeaderFields) {
  struct Case {
    std::string field;
    std::function<void(v1::EventHeader&)> change;
  };
  const Case cases[] = {
      {"header.event_id", [](v1::EventHeader& h) { h.set_event_id("short"); }},
      {"header.event_id",
       [](v1::EventHeader& h) { h.set_event_id(EventId::MakeVersion8(std::string(32, 'x')).bytes()); }},
      {"header.event_id", [](v1::EventHeader& h) { h.set_event_id(std::string(16, '\0')); }},
      {"header.stream", [](v1::EventHeader& h) { h.set_stream(""); }},
      {"header.stream", [](v1::EventHeader& h) { h.set_stream("a b"); }},
      {"header.stream", [](v1::EventHeader& h) { h.set_stream("ledger"); }},
      {"header.stream", [](v1::EventHeader& h) { h.set_stream(std::string(256, 's')); }},
      {"header.stream_position", [](v1::EventHeader& h) { h.set_stream_position(0); }},
      {"header.previous_header_digest", [](v1::EventHeader& h) { h.set_previous_header_digest("x"); }},
      {"header.previous_header_digest", [](v1::EventHeader& h) { h.set_previous_header_digest(std::string(32, 'x')); }},
      {"header.previous_header_digest", [](v1::EventHeader& h) { h.set_stream_position(2); }},
      {"header.body_commitment", [](v1::EventHeader& h) { h.set_body_commitment(""); }},
      {"header.type", [](v1::EventHeader& h) { h.set_type(""); }},
      {"header.occurred_earliest_us", [](v1::EventHeader& h) { h.set_occurred_earliest_us(kTimestampMin.us - 1); }},
      {"header.occurred_latest_us", [](v1::EventHeader& h) { h.set_occurred_latest_us(kTimestampLimit.us); }},
      {"header.occurred_latest_us", [](v1::EventHeader& h) { h.set_occurred_latest_us(h.occurred_earliest_us() - 1); }},
      {"header.valid_until_us", [](v1::EventHeader& h) { h.set_valid_until_us(h.occurred_earliest_us() - 1); }},
      {"header.actor.kind", [](v1::EventHeader& h) { h.mutable_actor()->set_kind("Person"); }},
      {"header.actor.id", [](v1::EventHeader& h) { h.mutable_actor()->set_id(""); }},
      {"header.actor.kind", [](v1::EventHeader& h) { h.clear_actor(); }},
      {"header.actor.id", [](v1::EventHeader& h) { h.mutable_actor()->set_id("a\nb"); }},
      {"header.on_behalf_of.kind", [](v1::EventHeader& h) { h.mutable_on_behalf_of(); }},
      {"header.role_grant", [](v1::EventHeader& h) { h.set_role_grant("x"); }},
      {"header.corrects", [](v1::EventHeader& h) { h.set_corrects(std::string(17, 'x')); }},
      {"header.causes[0]", [](v1::EventHeader& h) { h.add_causes(""); }},
      {"header.seen_root", [](v1::EventHeader& h) { h.set_seen_tree_size(3); }},
      {"header.seen_root", [](v1::EventHeader& h) { h.set_seen_root(std::string(32, 'r')); }},
      {"header.refs[0].id", [](v1::EventHeader& h) { h.mutable_refs(0)->set_id(""); }},
      {"header.refs[0].version", [](v1::EventHeader& h) { h.mutable_refs(0)->set_version("\x7f"); }},
      {"header.refs[0].digest", [](v1::EventHeader& h) { h.mutable_refs(0)->mutable_digest(); }},
      {"header.refs[0].digest",
       [](v1::EventHeader& h) {
         h.mutable_refs(0)->mutable_digest()->set_algorithm(v1::SHA256);
         h.mutable_refs(0)->mutable_digest()->set_value(std::string(31, 'd'));
       }},
      {"header", [](v1::EventHeader& h) { h.GetReflection()->MutableUnknownFields(&h)->AddVarint(1000, 1); }},
      {"header",
       [](v1::EventHeader& h) {
         v1::EntityRef& ref = *h.mutable_refs(0);
         ref.GetReflection()->MutableUnknownFields(&ref)->AddVarint(1000, 1);
       }},
      {"header",
       [](v1::EventHeader& h) {
         v1::Agent& actor = *h.mutable_actor();
         actor.GetReflection()->MutableUnknownFields(&actor)->AddVarint(1000, 1);
       }},
  };
  for (const Case& item : cases) {
    SCOPED_TRACE(item.field);
    writer_.RewindTo(0);
    const Status status = AdmitChanged(0, item.change);
    ExpectRefused(status, v1::MALFORMED, item.field, StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailOf(status).event_index(), 0u);
  }
}

TEST_F(AdmitRunTest, OverLimitNamesTheNumbers) {
  struct Case {
    std::string field;
    uint64_t limit;
    uint64_t value;
    std::function<void(v1::EventHeader&)> change;
  };
  const Case cases[] = {
      {"header.rationale", 4096, 4097, [](v1::EventHeader& h) { h.set_rationale(std::string(4097, 'r')); }},
      {"header.late_reason", 1024, 1025, [](v1::EventHeader& h) { h.set_late_reason(std::string(1025, 'r')); }},
      {"header.actor.id", 255, 256, [](v1::EventHeader& h) { h.mutable_actor()->set_id(std::string(256, 'a')); }},
      {"header.type", 100, 101, [](v1::EventHeader& h) { h.set_type(std::string(101, 't')); }},
      {"header.refs[0].id", 255, 256, [](v1::EventHeader& h) { h.mutable_refs(0)->set_id(std::string(256, 'a')); }},
      {"header.refs[0].version", 128, 129,
       [](v1::EventHeader& h) { h.mutable_refs(0)->set_version(std::string(129, 'a')); }},
      {"header.refs", 256, 257,
       [](v1::EventHeader& h) {
         while (h.refs_size() < 257) h.add_refs()->set_role("about");
       }},
      {"header.causes", 64, 65,
       [](v1::EventHeader& h) {
         while (h.causes_size() < 65) h.add_causes(std::string(16, 'c'));
       }},
      {"header.body_size", limits::kBodyBytesMax, limits::kBodyBytesMax + 1,
       [](v1::EventHeader& h) { h.set_body_size(limits::kBodyBytesMax + 1); }},
  };
  for (const Case& item : cases) {
    SCOPED_TRACE(item.field);
    writer_.RewindTo(0);
    const Status status = AdmitChanged(1, item.change);
    ExpectRefused(status, v1::OVER_LIMIT, item.field, StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailOf(status).limit(), item.limit);
    EXPECT_EQ(DetailOf(status).value(), item.value);
    EXPECT_EQ(DetailOf(status).event_index(), 1u);
  }
}

// A header of exactly 16 KiB is admitted, one byte more is not.
TEST_F(AdmitRunTest, HeaderLimit) {
  for (const size_t over : {0u, 1u}) {
    writer_.RewindTo(0);
    v1::Run run = ThreeDocuments(writer_);
    ChangeHeader(run, 0, [&](v1::EventHeader& header) {
      header.set_rationale(std::string(4000, 'r'));
      while (header.ByteSizeLong() < limits::kHeaderBytesMax - 300) {
        v1::EntityRef& ref = *header.add_refs();
        ref.set_role("about");
        ref.set_kind("dataset");
        ref.set_id(std::string(200, 'i'));
      }
      header.set_rationale(header.rationale() + "");
      header.set_late_reason("l");
      const size_t missing = limits::kHeaderBytesMax + over - header.ByteSizeLong();
      // Past 127 characters the length takes a second byte.
      header.set_late_reason(std::string(missing + 1 > 127 ? missing : missing + 1, 'l'));
      ASSERT_EQ(header.ByteSizeLong(), limits::kHeaderBytesMax + over);
    });
    Reseal(run, writer_.key());
    const Status status = Admit(run);
    if (over == 0) {
      EXPECT_TRUE(status.ok()) << status;
    } else {
      ExpectRefused(status, v1::OVER_LIMIT, "header", StatusCode::kInvalidArgument);
      EXPECT_EQ(DetailOf(status).limit(), 16384u);
      EXPECT_EQ(DetailOf(status).value(), 16385u);
    }
  }
}

TEST_F(AdmitRunTest, RunLimits) {
  std::vector<EventDraft> drafts(limits::kRunEventsMax, ReferToDocument("d"));
  v1::Run run = writer_.Write(drafts);
  EXPECT_TRUE(Admit(run).ok());
  run.add_headers(run.headers(0));
  *run.add_bodies() = run.bodies(0);
  const Status events = Admit(run);
  ExpectRefused(events, v1::OVER_LIMIT, "run.headers", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(events).limit(), 4096u);
  EXPECT_EQ(DetailOf(events).value(), 4097u);

  writer_.RewindTo(0);
  run = ThreeDocuments(writer_);
  for (int i = 0; i < 3; ++i) run.mutable_bodies(i)->set_content(std::string(3 << 20, 'b'));
  const Status bytes = Admit(run);
  ExpectRefused(bytes, v1::OVER_LIMIT, "run", StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailOf(bytes).limit(), 8u << 20);
  EXPECT_EQ(DetailOf(bytes).value(), RunBytes(run));

  writer_.RewindTo(0);
  run = ThreeDocuments(writer_);
  run.mutable_bodies(2)->set_content(std::string(limits::kBodyBytesMax + 1, 'b'));
  ExpectRefused(Admit(run), v1::OVER_LIMIT, "body.content", StatusCode::kInvalidArgument);
}

TEST_F(AdmitRunTest, UnknownTypes) {
  const auto unknown = [&](const Status& status) {
    ExpectRefused(status, v1::UNKNOWN_TYPE, "header.type", StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailOf(status).event_index(), 2u);
    writer_.RewindTo(0);
  };
  unknown(AdmitChanged(2, [](v1::EventHeader& h) { h.set_type("document.eaten"); }));
  unknown(AdmitChanged(2, [](v1::EventHeader& h) { h.set_schema_version(2); }));
  unknown(AdmitChanged(2, [](v1::EventHeader& h) { h.set_schema_version(0); }));
  // A type of the ledger's own.
  unknown(AdmitChanged(2, [](v1::EventHeader& h) { h.set_type("clock.anomaly_detected"); }));
}

TEST_F(AdmitRunTest, SchemaOfHeaderAndBody) {
  const auto refused = [&](const Status& status, const std::string& field) {
    ExpectRefused(status, v1::SCHEMA, field, StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailOf(status).event_index(), 1u);
    writer_.RewindTo(0);
  };
  refused(AdmitChanged(1, [](v1::EventHeader& h) { h.mutable_refs(0)->set_kind("dataset"); }), "header.refs[0].kind");
  refused(AdmitChanged(1, [](v1::EventHeader& h) { h.mutable_refs(0)->set_role("unit"); }), "header.refs");
  refused(AdmitChanged(1, [](v1::EventHeader& h) { h.clear_refs(); }), "header.refs");
  refused(AdmitBody(""), "body.title");
  refused(AdmitBody("\xff\xff"), "body");
  refused(AdmitBody(std::string("\x0a\x01t\x98\x3e\x01")), "body");
}

TEST_F(AdmitRunTest, CommitmentMismatch) {
  const auto refused = [&](v1::Run run, const std::string& field) {
    const Status status = Admit(run);
    ExpectRefused(status, v1::COMMITMENT_MISMATCH, field, StatusCode::kInvalidArgument);
    EXPECT_EQ(DetailOf(status).event_index(), 1u);
    writer_.RewindTo(0);
  };
  v1::Run run = ThreeDocuments(writer_);
  (*run.mutable_bodies(1)->mutable_content())[3] ^= 1;
  refused(run, "header.body_commitment");
  run = ThreeDocuments(writer_);
  (*run.mutable_bodies(1)->mutable_nonce())[0] ^= 1;
  refused(run, "header.body_commitment");
  run = ThreeDocuments(writer_);
  run.mutable_bodies(1)->mutable_content()->push_back('x');
  refused(run, "header.body_size");
  run = ThreeDocuments(writer_);
  run.mutable_bodies()->SwapElements(1, 2);
  refused(run, "header.body_commitment");
}

TEST_F(AdmitRunTest, ChainWithinTheRun) {
  v1::Run run = ThreeDocuments(writer_);
  run.mutable_headers()->SwapElements(1, 2);
  run.mutable_bodies()->SwapElements(1, 2);
  Reseal(run, writer_.key());
  const Status status = Admit(run);
  ExpectRefused(status, v1::CHAIN_BROKEN, "header.previous_header_digest", StatusCode::kFailedPrecondition);
  const v1::RefusalDetail detail = DetailOf(status);
  EXPECT_EQ(detail.event_index(), 1u);
  EXPECT_EQ(detail.stream(), "person/p");
  EXPECT_EQ(detail.submitted_position(), 3u);
  EXPECT_EQ(detail.head_position(), 1u);
  EXPECT_EQ(detail.head_digest(), ParseHeader(run.headers(0))->digest.bytes());

  writer_.RewindTo(0);
  const Status other_digest =
      AdmitChanged(2, [](v1::EventHeader& h) { h.set_previous_header_digest(std::string(32, 'd')); });
  ExpectRefused(other_digest, v1::CHAIN_BROKEN, "header.previous_header_digest", StatusCode::kFailedPrecondition);
  writer_.RewindTo(0);
  ExpectRefused(AdmitChanged(1, [](v1::EventHeader& h) { h.set_stream("other"); }), v1::MALFORMED, "header.stream",
                StatusCode::kInvalidArgument);
}

TEST_F(AdmitRunTest, SealsThatDontFit) {
  const auto refused = [&](const v1::Run& run, const std::string& field) {
    ExpectRefused(Admit(run), v1::SEAL_INVALID, field, StatusCode::kUnauthenticated);
  };
  const v1::Run good = ThreeDocuments(writer_);
  ASSERT_TRUE(Admit(good).ok());
  v1::Run run = good;
  (*run.mutable_seal()->mutable_signature())[5] ^= 1;
  refused(run, "seal.signature");
  run = good;
  run.mutable_seal()->mutable_signature()->pop_back();
  refused(run, "seal.signature");
  run = good;
  run.mutable_seal()->set_statement("\xff");
  refused(run, "seal.statement");
  run = good;
  Reseal(run, writer_.key(), "other.example/ledger");
  refused(run, "seal.origin");

  // Statements signed by the right key about something else.
  const std::vector<std::string_view> headers(good.headers().begin(), good.headers().end());
  const auto sealed = [&](std::string_view stream, uint64_t first, std::span<const std::string_view> what) {
    v1::Run changed = good;
    *changed.mutable_seal() = MakeSeal(writer_.key(), kTestOrigin, stream, first, what, kTestStart);
    return changed;
  };
  refused(sealed("person/q", 1, headers), "seal.stream");
  refused(sealed("person/p", 2, headers), "seal.first_position");
  refused(sealed("person/p", 1, std::span(headers).first(2)), "seal.first_position");
  const std::vector<std::string_view> swapped = {headers[0], headers[2], headers[1]};
  refused(sealed("person/p", 1, swapped), "seal.run_root");
}

TEST_F(AdmitRunTest, CorrectionsNeedWhatTheyCorrect) {
  TestWriter writer("person", "q", 2);
  EventDraft draft = Correct(DerivedId("x", 1), v1::RecordCorrected::RETRACTED);
  draft.header.clear_corrects();
  ExpectRefused(Admit(writer.Write({draft})), v1::SCHEMA, "header.corrects", StatusCode::kInvalidArgument);
  writer.RewindTo(0);
  draft = Correct(DerivedId("x", 1), v1::RecordCorrected::OCCURRED_AT);
  ExpectRefused(Admit(writer.Write({draft})), v1::SCHEMA, "body.occurred_earliest_us", StatusCode::kInvalidArgument);
  writer.RewindTo(0);
  draft = MoveInTime(DerivedId("x", 1), Timestamp(20), Timestamp(10));
  ExpectRefused(Admit(writer.Write({draft})), v1::SCHEMA, "body.occurred_latest_us", StatusCode::kInvalidArgument);
}

// Hostile bytes: whatever is done to a valid run, it is refused with a reason or, where the bytes happen to parse to
// the same run, admitted as the run that it was.
TEST_F(AdmitRunTest, MutatedRunsAreNeverAdmittedAsAnotherRun) {
  google::protobuf::SetLogHandler(nullptr);
  const v1::Run good = ThreeDocuments(writer_);
  const std::string bytes = good.SerializeAsString();
  const uint64_t seed = 20250315;
  std::mt19937_64 random(seed);
  size_t unparsed = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string mutated = bytes;
    for (uint64_t edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % mutated.size();
      switch (random() % 5) {
        case 0:
          mutated[at] = static_cast<char>(random());
          break;
        case 1:
          mutated[at] = static_cast<char>(mutated[at] ^ (1 << (random() % 8)));
          break;
        case 2:
          mutated.insert(at, 1 + random() % 4, static_cast<char>(random()));
          break;
        case 3:
          mutated.erase(at, 1 + random() % 8);
          break;
        default:
          mutated.insert(at, mutated, random() % mutated.size(), random() % 40);
      }
    }
    v1::Run run;
    if (!run.ParseFromString(mutated)) {
      ++unparsed;
      continue;
    }
    const StatusOr<AdmittedRun> admitted = AdmitRun(run, kTestOrigin);
    if (!admitted.ok()) {
      ASSERT_TRUE(RefusalDetailOf(admitted.status()).has_value()) << admitted.status() << " seed " << seed << " " << i;
      continue;
    }
    ASSERT_TRUE(std::equal(good.headers().begin(), good.headers().end(), run.headers().begin(), run.headers().end()))
        << "seed " << seed << " " << i;
    ASSERT_EQ(good.seal().statement(), run.seal().statement()) << "seed " << seed << " " << i;
    ASSERT_EQ(good.seal().signature(), run.seal().signature()) << "seed " << seed << " " << i;
    for (int b = 0; b < good.bodies_size(); ++b) {
      ASSERT_EQ(good.bodies(b).nonce() + good.bodies(b).content(), run.bodies(b).nonce() + run.bodies(b).content())
          << "seed " << seed << " " << i;
    }
  }
  // Most mutations must reach the checks behind the parser, or this tests protobuf only.
  EXPECT_LT(unparsed, 17000u);
}

}  // namespace
}  // namespace anamnesis
