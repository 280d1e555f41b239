#include "ledger/envelope/envelope.h"

#include <gtest/gtest.h>

#include <random>

#include "ledger/envelope/candidate.h"

namespace anamnesis {
namespace {

using Dimension = v1::EnvelopeTerms::Dimension;

Dimension Interval(std::string_view low, std::string_view high, std::string_view name = "shift") {
  Dimension dimension;
  dimension.set_name(std::string(name));
  dimension.set_kind("interval");
  dimension.set_low(std::string(low));
  dimension.set_high(std::string(high));
  return dimension;
}

Dimension OfKind(std::string_view kind, std::initializer_list<const char*> symbols = {}, std::string_view high = "") {
  Dimension dimension;
  dimension.set_name("d");
  dimension.set_kind(std::string(kind));
  dimension.set_high(std::string(high));
  for (const char* symbol : symbols) dimension.add_symbols(symbol);
  return dimension;
}

v1::EnvelopeTerms Terms(std::initializer_list<Dimension> dimensions) {
  v1::EnvelopeTerms terms;
  for (const Dimension& dimension : dimensions) *terms.add_dimensions() = dimension;
  return terms;
}

v1::ArtifactProduced Produced(std::string_view dimension, std::string_view value) {
  v1::ArtifactProduced produced;
  v1::ArtifactProduced::Parameter& parameter = *produced.add_parameters();
  parameter.set_dimension(std::string(dimension));
  parameter.set_value(std::string(value));
  return produced;
}

ReportedArtifact Reported(const v1::ArtifactProduced& produced) {
  ReportedArtifact reported;
  reported.produced = &produced;
  reported.at = Timestamp(1'000'000'000'000);
  reported.activations = [](uint64_t, uint64_t) { return StatusOr<uint64_t>(0); };
  reported.sum_of_steps = [](std::string_view, std::string_view) -> StatusOr<StepSum> {
    return StepSum{"", "nobody knows"};
  };
  return reported;
}

// The reasons, joined.
std::string Why(const v1::EnvelopeTerms& terms, const ReportedArtifact& reported) {
  const StatusOr<std::vector<std::string>> reasons = WhyOutside(terms, reported);
  EXPECT_TRUE(reasons.ok()) << reasons.status();
  std::string text;
  for (const std::string& reason : *reasons) text += reason + "\n";
  return text;
}

std::string Why(const Dimension& dimension, const v1::ArtifactProduced& produced) {
  return Why(Terms({dimension}), Reported(produced));
}

TEST(Envelope, IntervalHoldsItsEnds) {
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), Produced("shift", "0.05")), "");
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), Produced("shift", "-5e-2")), "");
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), Produced("shift", "0.050001")), "shift: 0.050001 is not [-0.05, 0.05]\n");
  EXPECT_EQ(Why(Interval("", "0.05"), Produced("shift", "-1000")), "");
  Dimension millimetres = Interval("0", "1");
  millimetres.set_unit("mm");
  EXPECT_NE(Why(millimetres, Produced("shift", "0.5")), "") << "another unit is not inside";
}

// A70: what the artifact doesn't report and what the envelope doesn't name are outside.
TEST(Envelope, UnknownIsNeverInside) {
  EXPECT_EQ(Why(Interval("0", "1"), Produced("other", "0.5")), "shift: is not reported by the artifact\n");
  EXPECT_EQ(Why(Interval("0", "1"), Produced("shift", "")), "shift: no value is reported\n");
  const v1::EnvelopeTerms terms = Terms({Interval("0", "1")});
  EXPECT_EQ(Unnamed({&terms}, Produced("other", "0.5")), std::vector<std::string>{"other"});
  EXPECT_TRUE(Unnamed({&terms}, Produced("shift", "7")).empty());
}

// Both ends of a range count, and only one parameter speaks for a dimension.
TEST(Envelope, RangesAndSecondParametersAreNotOverlooked) {
  v1::ArtifactProduced produced = Produced("shift", "0.01");
  produced.mutable_parameters(0)->set_high("0.04");
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), produced), "");
  produced.mutable_parameters(0)->set_high("0.9");
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), produced), "shift: 0.9 is not [-0.05, 0.05]\n");
  produced.mutable_parameters(0)->set_high("0");
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), produced), "shift: [0.01, 0] is no range\n");
  Dimension distance = OfKind("norm_delta", {}, "0.5");
  distance.set_norm("l2");
  v1::ArtifactProduced moved = Produced("d", "0.1");
  moved.mutable_parameters(0)->set_norm("l2");
  EXPECT_EQ(Why(distance, moved), "");
  moved.mutable_parameters(0)->set_high("0.6");
  EXPECT_EQ(Why(distance, moved), "d: 0.6 is not at most 0.5\n");

  v1::ArtifactProduced twice = Produced("shift", "0.01");
  *twice.add_parameters() = Produced("shift", "0.5").parameters(0);
  EXPECT_EQ(Why(Interval("-0.05", "0.05"), twice), "shift: is reported more than once\n");
}

TEST(Envelope, PartsThatMeanNothingToTheKindAreOutside) {
  v1::ArtifactProduced symbols = Produced("shift", "0.01");
  symbols.mutable_parameters(0)->add_symbols("a");
  EXPECT_EQ(Why(Interval("0", "1"), symbols),
            "shift: it reports symbols, which means nothing in a dimension of kind interval\n");
  v1::ArtifactProduced value = Produced("d", "7");
  value.mutable_parameters(0)->add_symbols("a");
  EXPECT_NE(Why(OfKind("set", {"a"}), value), "");
  EXPECT_NE(Why(OfKind("structure", {"a"}), value), "");
  v1::ArtifactProduced norm = Produced("shift", "0.5");
  norm.mutable_parameters(0)->set_norm("l2");
  EXPECT_NE(Why(Interval("0", "1"), norm), "");
  // Of a metric or a rate an artifact reports nothing, so they don't name what it moves.
  Dimension floor = OfKind("floor");
  floor.set_low("0.9");
  Dimension rate = OfKind("rate", {}, "3");
  rate.set_name("r");
  rate.set_per_period_s(60);
  const v1::EnvelopeTerms terms = Terms({floor, rate});
  v1::ArtifactProduced both = Produced("d", "7");
  *both.add_parameters() = Produced("r", "7").parameters(0);
  EXPECT_EQ(Unnamed({&terms}, both), (std::vector<std::string>{"d", "r"}));
}

TEST(Envelope, SymbolsMustBeAmongThoseAllowed) {
  v1::ArtifactProduced produced = Produced("d", "");
  EXPECT_NE(Why(OfKind("set", {"a", "b"}), produced), "") << "no symbols reported";
  EXPECT_EQ(Why(OfKind("structure", {"head.weight"}), produced), "") << "it changes nothing";
  produced.mutable_parameters(0)->add_symbols("a");
  EXPECT_EQ(Why(OfKind("set", {"a", "b"}), produced), "");
  EXPECT_EQ(Why(OfKind("structure", {"head.weight"}), produced), "d: \"a\" is not allowed\n");
}

TEST(Envelope, DistanceIsByTheNormNamed) {
  Dimension dimension = OfKind("norm_delta", {}, "0.5");
  dimension.set_norm("l2");
  v1::ArtifactProduced produced = Produced("d", "0.4");
  EXPECT_NE(Why(dimension, produced), "");
  produced.mutable_parameters(0)->set_norm("l2");
  EXPECT_EQ(Why(dimension, produced), "");
  produced.mutable_parameters(0)->set_value("0.6");
  EXPECT_EQ(Why(dimension, produced), "d: 0.6 is not at most 0.5\n");
}

TEST(Envelope, ADistanceHasNoSign) {
  Dimension delta = OfKind("norm_delta", {}, "0.1");
  delta.set_norm("l2");
  v1::ArtifactProduced produced = Produced("d", "-7");
  produced.mutable_parameters(0)->set_norm("l2");
  EXPECT_EQ(Why(Terms({delta}), Reported(produced)), "d: -7 is no distance\n");
  produced.mutable_parameters(0)->set_value("0.1");
  EXPECT_EQ(Why(Terms({delta}), Reported(produced)), "");
}

TEST(Envelope, WhatWasMeasuredBeforeShowsFailuresOnly) {
  Dimension floor = OfKind("floor");
  floor.set_name("sensitivity");
  floor.set_low("0.90");
  v1::Metric metric;
  metric.set_name("sensitivity");
  metric.set_value("0.95");
  const v1::ArtifactProduced produced;
  ReportedArtifact reported = Reported(produced);
  reported.metrics = {{&metric, false}};
  EXPECT_EQ(Why(Terms({floor}), reported), "sensitivity: no evaluation reports it\n");
  metric.set_value("0.85");
  EXPECT_EQ(Why(Terms({floor}), reported), "sensitivity: 0.85 is not at least 0.90\n");
}

TEST(Envelope, ArtifactIsOneOfItsFiles) {
  const auto sha256 = [](char byte) {
    v1::ContentDigest digest;
    digest.set_algorithm(v1::SHA256);
    digest.set_value(std::string(32, byte));
    return digest;
  };
  v1::ArtifactProduced produced;
  *produced.add_files()->mutable_digest() = sha256('a');
  v1::EntityRef reference;
  EXPECT_EQ(DigestOfArtifact(reference, produced), std::string(32, 'a'));
  *reference.mutable_digest() = sha256('b');
  EXPECT_EQ(DigestOfArtifact(reference, produced), "") << "bytes that nobody tests under that name";
  *produced.add_files()->mutable_digest() = sha256('b');
  EXPECT_EQ(DigestOfArtifact(reference, produced), std::string(32, 'b'));
  reference.clear_digest();
  EXPECT_EQ(DigestOfArtifact(reference, produced), "") << "any of two";
}

TEST(Envelope, FloorReadsTheBoundThatConfidenceNames) {
  Dimension floor = OfKind("floor");
  floor.set_name("sensitivity");
  floor.set_low("0.90");
  floor.set_subgroup("female");
  floor.set_confidence("lower");
  v1::Metric metric;
  metric.set_name("sensitivity");
  metric.set_value("0.93");
  metric.set_ci_low("0.89");
  const v1::ArtifactProduced produced;
  ReportedArtifact reported = Reported(produced);
  reported.metrics = {&metric};
  EXPECT_EQ(Why(Terms({floor}), reported), "sensitivity: no evaluation reports it of subgroup \"female\"\n");
  metric.set_subgroup("female");
  EXPECT_EQ(Why(Terms({floor}), reported), "sensitivity: 0.89 of subgroup \"female\" is not at least 0.90\n");
  metric.set_ci_low("0.905");
  EXPECT_EQ(Why(Terms({floor}), reported), "");
  floor.clear_confidence();
  metric.set_value("0.89");
  EXPECT_NE(Why(Terms({floor}), reported), "");
}

TEST(Envelope, EveryMeasurementOfAMetricHasToBeInside) {
  Dimension floor = OfKind("floor");
  floor.set_name("sensitivity");
  floor.set_low("0.90");
  v1::Metric better;
  better.set_name("sensitivity");
  better.set_value("0.95");
  v1::Metric worse = better;
  worse.set_value("0.85");
  const v1::ArtifactProduced produced;
  ReportedArtifact reported = Reported(produced);
  reported.metrics = {&better, &worse};
  EXPECT_EQ(Why(Terms({floor}), reported), "sensitivity: 0.85 is not at least 0.90\n");
  reported.metrics = {&worse, &better};
  EXPECT_EQ(Why(Terms({floor}), reported), "sensitivity: 0.85 is not at least 0.90\n");
}

TEST(Envelope, AMetricOutsideItsOwnIntervalIsOutside) {
  Dimension floor = OfKind("floor");
  floor.set_name("dice");
  floor.set_low("0.90");
  floor.set_confidence("lower");
  v1::Metric metric;
  metric.set_name("dice");
  metric.set_value("0.80");
  metric.set_ci_low("0.91");
  metric.set_ci_high("0.72");
  const v1::ArtifactProduced produced;
  ReportedArtifact reported = Reported(produced);
  reported.metrics = {&metric};
  EXPECT_EQ(Why(Terms({floor}), reported), "dice: 0.80 is not in its own interval, [0.91, 0.72]\n");
  metric.set_value("0.95");
  metric.set_ci_high("1e99999999999");
  EXPECT_NE(Why(Terms({floor}), reported), "") << "what can't be compared is not inside";
  metric.set_ci_high("0.97");
  EXPECT_EQ(Why(Terms({floor}), reported), "");
}

TEST(Envelope, RateCountsTheActivationToCome) {
  Dimension rate = OfKind("rate", {}, "3");
  rate.set_per_period_s(86'400);
  const v1::ArtifactProduced produced;
  ReportedArtifact reported = Reported(produced);
  reported.activations = [](uint64_t period_s, uint64_t) -> StatusOr<uint64_t> { return period_s == 86'400 ? 2 : 99; };
  EXPECT_EQ(Why(Terms({rate}), reported), "");
  reported.activations = [](uint64_t, uint64_t) -> StatusOr<uint64_t> { return 3; };
  EXPECT_EQ(Why(Terms({rate}), reported), "d: this would be activation 4 in 86400 s; at most 3 are allowed\n");
}

TEST(Envelope, CumulativeDistanceIsThatOfTheSteps) {
  Dimension cumulative = OfKind("cumulative", {}, "0.22");
  cumulative.set_of("shift");
  v1::ArtifactProduced produced = Produced("shift", "0.01");
  ReportedArtifact reported = Reported(produced);
  EXPECT_NE(Why(Terms({cumulative}), reported), "") << "the chain is not complete";
  reported.sum_of_steps = [](std::string_view, std::string_view) -> StatusOr<StepSum> { return StepSum{"-0.22", ""}; };
  EXPECT_EQ(Why(Terms({cumulative}), reported), "");
  reported.sum_of_steps = [](std::string_view, std::string_view) -> StatusOr<StepSum> { return StepSum{"0.23", ""}; };
  EXPECT_EQ(Why(Terms({cumulative}), reported), "d: the distance from the anchor is 0.23, not at most 0.22\n");
  // What it reports itself must be the same.
  v1::ArtifactProduced::Parameter& own = *produced.add_parameters();
  own.set_dimension("d");
  own.set_value("0.1");
  EXPECT_EQ(Why(Terms({cumulative}), reported), "d: 0.1 is reported, the steps add up to 0.23\n");
}

TEST(Envelope, LocalDataMustBeEnoughAndFresh) {
  Dimension data = OfKind("data");
  data.set_minimum(100);
  data.set_age_max_s(3600);
  v1::ArtifactProduced produced;
  ReportedArtifact reported = Reported(produced);
  EXPECT_EQ(Why(Terms({data}), reported), "d: no local data is committed to\n");
  produced.set_local_data_commitment(std::string(32, 'c'));
  produced.set_local_data_records(99);
  EXPECT_EQ(Why(Terms({data}), reported), "d: 99 records are fewer than 100\n");
  produced.set_local_data_records(100);
  EXPECT_NE(Why(Terms({data}), reported), "") << "nothing says until when";
  produced.set_local_data_until_us(reported.at.us - int64_t{3601} * 1'000'000);
  EXPECT_NE(Why(Terms({data}), reported), "");
  produced.set_local_data_until_us(reported.at.us - int64_t{3600} * 1'000'000);
  EXPECT_EQ(Why(Terms({data}), reported), "");
  produced.set_local_data_until_us(reported.at.us);
  EXPECT_EQ(Why(Terms({data}), reported), "");
  produced.set_local_data_until_us(reported.at.us + 1);
  EXPECT_EQ(Why(Terms({data}), reported), "d: the data is said to be from after the time of the decision\n");
  data.clear_age_max_s();
  EXPECT_NE(Why(Terms({data}), reported), "");
}

TEST(Envelope, NothingIsInsideTermsThatNobodyCanEvaluate) {
  Dimension guess = Interval("0", "1");
  guess.set_kind("guess");
  EXPECT_NE(Why(guess, Produced("shift", "0.5")), "");
  EXPECT_NE(Why(Interval("", ""), Produced("shift", "0.5")), "");
}

TEST(Envelope, TermsAreCheckedByKind) {
  EXPECT_TRUE(CheckEnvelope(Terms({Interval("0", "1"), OfKind("set", {"a"})})).ok());
  const auto refused = [](const Dimension& dimension) {
    return std::string(MessageOf(CheckEnvelope(Terms({dimension}))));
  };
  EXPECT_EQ(refused(Interval("1", "0")),
            "dimension \"shift\", high: is less than low, so that nothing would be inside");
  EXPECT_NE(refused(Interval("", "")), "");
  EXPECT_NE(refused(OfKind("set")), "");
  EXPECT_NE(refused(OfKind("guess")), "");
  EXPECT_NE(refused(OfKind("interval", {"a"}, "1")), "") << "symbols mean nothing in an interval";
  EXPECT_NE(refused(OfKind("rate", {}, "3")), "") << "in which period?";
  EXPECT_NE(CheckEnvelope(Terms({Interval("0", "1"), Interval("0", "2")})).code(), absl::StatusCode::kOk);
}

// A73.
TEST(Envelope, A73ChangeClassIsComputed) {
  const v1::EnvelopeTerms before = Terms({Interval("-0.05", "0.05")});
  EXPECT_EQ(ChangeBetween(before, before), v1::EnvelopeTerms::NONE);
  EXPECT_EQ(ChangeBetween(before, Terms({Interval("-5e-2", "0.050")})), v1::EnvelopeTerms::NONE) << "the same numbers";
  EXPECT_EQ(ChangeBetween(before, Terms({Interval("-0.05", "0.04")})), v1::EnvelopeTerms::CONTRACTION);
  EXPECT_EQ(ChangeBetween(before, Terms({Interval("-0.05", "0.06")})), v1::EnvelopeTerms::EXPANSION);
  EXPECT_EQ(ChangeBetween(before, Terms({Interval("-0.04", "0.06")})), v1::EnvelopeTerms::EXPANSION) << "shifted";
  EXPECT_EQ(ChangeBetween(before, Terms({Interval("-0.05", "")})), v1::EnvelopeTerms::EXPANSION);
  EXPECT_EQ(ChangeBetween(before, Terms({})), v1::EnvelopeTerms::EXPANSION) << "a dimension is gone";
  EXPECT_EQ(ChangeBetween(before, Terms({Interval("-0.05", "0.05"), OfKind("set", {"a"})})),
            v1::EnvelopeTerms::CONTRACTION)
      << "one was added";
  v1::EnvelopeTerms elsewhere = before;
  elsewhere.set_jurisdiction("EU");
  EXPECT_EQ(ChangeBetween(before, elsewhere), v1::EnvelopeTerms::EXPANSION);
}

TEST(Envelope, RatesAreComparedByCountAndPeriod) {
  Dimension before = OfKind("rate", {}, "3");
  before.set_per_period_s(3600);
  Dimension after = before;
  after.set_per_period_s(7200);
  EXPECT_EQ(Compare(before, after), Comparison::kNarrower);
  after.set_high("6");
  EXPECT_EQ(Compare(before, after), Comparison::kIncomparable);
}

TEST(Envelope, SetsAreComparedAsSets) {
  EXPECT_EQ(Compare(OfKind("set", {"a", "b"}), OfKind("set", {"b", "a"})), Comparison::kEqual);
  EXPECT_EQ(Compare(OfKind("set", {"a", "b"}), OfKind("set", {"a"})), Comparison::kNarrower);
  EXPECT_EQ(Compare(OfKind("set", {"a"}), OfKind("set", {"b"})), Comparison::kIncomparable);
  EXPECT_EQ(Compare(OfKind("domain", {}, "5"), OfKind("domain", {"GE"}, "5")), Comparison::kNarrower)
      << "without symbols a domain takes any";
  EXPECT_EQ(Compare(OfKind("set", {"a"}), OfKind("structure", {"a"})), Comparison::kIncomparable);
}

// What a narrower envelope allows, the wider one allows; comparing the other way round mirrors.
TEST(Envelope, NarrowerAllowsNoMoreThanWider) {
  std::mt19937 random(7);
  const auto bound = [&](int from) { return Text(from + static_cast<int>(random() % 10)); };
  int narrower = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Dimension a = Interval(random() % 4 == 0 ? "" : bound(-10), bound(0));
    const Dimension b = Interval(random() % 4 == 0 ? "" : bound(-10), bound(0));
    const Comparison comparison = Compare(a, b);
    const Comparison back = Compare(b, a);
    const Comparison mirrored = comparison == Comparison::kNarrower ? Comparison::kWider
                                : comparison == Comparison::kWider  ? Comparison::kNarrower
                                                                    : comparison;
    EXPECT_EQ(back, mirrored);
    const v1::ArtifactProduced produced = Produced("shift", Text(static_cast<int>(random() % 24) - 12));
    const bool in_a = Why(a, produced).empty();
    const bool in_b = Why(b, produced).empty();
    if (comparison != Comparison::kNarrower && comparison != Comparison::kEqual) continue;
    ++narrower;
    EXPECT_TRUE(!in_b || in_a) << a.ShortDebugString() << " / " << b.ShortDebugString();
  }
  EXPECT_GT(narrower, 1000);
}

}  // namespace
}  // namespace anamnesis
