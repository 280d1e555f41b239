"""The history checker against histories made by hand: good ones pass, and each kind of violation is found."""

import unittest

import history
from history import ACKNOWLEDGED, REFUSED, Append, History, LogEvent, Read


def appended(event, stream, position, called, ended, index, recorded_us=None):
    return Append(event, stream, position, called, ACKNOWLEDGED, ended, index,
                  index + 1000 if recorded_us is None else recorded_us)


def logged(*events):
    """(event, stream, position) each, recorded at 1000 + index."""
    return [LogEvent(*event, 1000 + index) for index, event in enumerate(events)]


class Good(unittest.TestCase):
    def test_nothing(self):
        self.assertEqual(history.check(History(), []), [])

    def test_one_after_the_other(self):
        seen = History([appended("a", "s", 1, 10, 20, 0), appended("b", "s", 2, 30, 40, 1)])
        self.assertEqual(history.check(seen, logged(("a", "s", 1), ("b", "s", 2))), [])

    def test_at_the_same_time_any_order_will_do(self):
        seen = History([appended("a", "s", 1, 10, 40, 1), appended("b", "t", 1, 20, 30, 0)])
        self.assertEqual(history.check(seen, logged(("b", "t", 1), ("a", "s", 1))), [])

    def test_an_unknown_outcome_may_be_there_or_not(self):
        seen = History([Append("a", "s", 1, 10), appended("b", "t", 1, 20, 30, 0)])
        self.assertEqual(history.check(seen, logged(("b", "t", 1))), [])
        self.assertEqual(history.check(seen, logged(("b", "t", 1), ("a", "s", 1))), [])

    def test_a_lost_race(self):
        seen = History([appended("a", "s", 1, 10, 20, 0), Append("b", "s", 1, 11, REFUSED, 21)])
        self.assertEqual(history.check(seen, logged(("a", "s", 1))), [])

    def test_reads_of_a_growing_tree(self):
        seen = History([appended("a", "s", 1, 10, 20, 0), appended("b", "s", 2, 30, 40, 1)], [
            Read("r", "n1", 12, 25, 1, "root1", True), Read("r", "n1", 26, 35, 2, "root2"),
            # Another node may be behind, and so may one that is asked at the same time.
            Read("r", "n2", 50, 60, 1, "root1"), Read("r", "n1", 27, 36, 1, "root1")])
        self.assertEqual(history.check(seen, logged(("a", "s", 1), ("b", "s", 2))), [])


class Violations(unittest.TestCase):
    def expect_one(self, seen, log, words):
        wrong = history.check(seen, log)
        self.assertEqual(len(wrong), 1, wrong)
        self.assertIn(words, wrong[0])

    def test_lost(self):
        self.expect_one(History([appended("a", "s", 1, 10, 20, 0)]), [], "is lost")

    def test_moved(self):
        seen = History([appended("a", "s", 1, 10, 20, 0, 1001)])
        self.expect_one(seen, logged(("x", "t", 1), ("a", "s", 1)), "was acknowledged at 0 and is at 1")

    def test_recorded_otherwise(self):
        self.expect_one(History([appended("a", "s", 1, 10, 20, 0, 999)]), logged(("a", "s", 1)), "recorded at 999")

    def test_in_another_stream(self):
        self.expect_one(History([appended("a", "s", 1, 10, 20, 0)]), logged(("a", "t", 1)), "was sent to s, position 1")

    def test_doubled(self):
        log = logged(("a", "s", 1), ("b", "s", 2), ("a", "s", 3))
        self.expect_one(History([appended("a", "s", 1, 10, 20, 0)]), log, "is there twice, at 0 and 2")

    def test_a_gap_in_a_stream(self):
        self.expect_one(History(), logged(("a", "s", 1), ("b", "s", 3)), "position 3 of s follows 1")

    def test_recorded_times_that_stand_still(self):
        log = [LogEvent("a", "s", 1, 7), LogEvent("b", "s", 2, 7)]
        self.expect_one(History(), log, "not after the one before")

    def test_order_against_time(self):
        seen = History([appended("a", "s", 1, 10, 20, 1), appended("b", "t", 1, 30, 40, 0)])
        self.expect_one(seen, logged(("b", "t", 1), ("a", "s", 1)), "is at 0 and was sent after index 1")

    def test_order_against_time_of_an_unknown_outcome(self):
        seen = History([appended("a", "s", 1, 10, 20, 1), Append("b", "t", 1, 30)])
        self.expect_one(seen, logged(("b", "t", 1), ("a", "s", 1)), "is at 0 and was sent after index 1")

    def test_refused_and_there(self):
        seen = History([Append("a", "s", 1, 10, REFUSED, 20)])
        self.expect_one(seen, logged(("a", "s", 1)), "was refused and is at 0")

    def test_refused_for_nothing(self):
        self.expect_one(History([Append("a", "s", 1, 10, REFUSED, 20)]), [], "nothing else is at s, position 1")

    def test_refused_for_what_came_later(self):
        seen = History([Append("a", "s", 1, 10, REFUSED, 20), appended("b", "s", 1, 30, 40, 0)])
        self.expect_one(seen, logged(("b", "s", 1)), "which was sent only later")

    def test_a_node_that_goes_back(self):
        seen = History([], [Read("r", "n", 1, 2, 1, "x"), Read("r", "n", 3, 4, 0, "y")])
        self.expect_one(seen, logged(("a", "s", 1)), "saw size 1 and later 0")

    def test_two_roots_at_one_size(self):
        seen = History([], [Read("r", "n", 1, 2, 1, "x"), Read("q", "m", 3, 4, 1, "y")])
        self.expect_one(seen, logged(("a", "s", 1)), "another root at size 1")

    def test_a_read_of_what_was_not_sent(self):
        seen = History([appended("a", "s", 1, 10, 20, 0)], [Read("r", "n", 1, 2, 1, "x")])
        self.expect_one(seen, logged(("a", "s", 1)), "before index 0 was sent")

    def test_a_read_of_more_than_there_is(self):
        self.expect_one(History([], [Read("r", "n", 1, 2, 3, "x")]), logged(("a", "s", 1)), "the log has 1")

    def test_a_linearizable_read_that_is_late(self):
        seen = History([appended("a", "s", 1, 10, 20, 0)], [Read("r", "n", 30, 40, 0, "x", True)])
        self.expect_one(seen, logged(("a", "s", 1)), "after index 0 was acknowledged")

    def test_a_linearizable_read_of_less_than_another_node_showed(self):
        seen = History([], [Read("r", "n", 1, 2, 1, "x"), Read("q", "m", 3, 4, 0, "y", True)])
        self.expect_one(seen, logged(("a", "s", 1)), "after size 1 was shown")


class Lines(unittest.TestCase):
    def parse(self, *lines):
        seen = History()
        history.parse("client", "s", lines, seen)
        return seen

    def test_what_load_programs_write(self):
        seen = self.parse("call 1 a 1", "call 2 b 2", "retry 3 no connection", "ack 4 a 1 7 1007",
                          "refused 5 b 2 CHAIN_BROKEN: the head", "read 6 8 node:1 9 abcd", "call 9 c 3")
        self.assertEqual(seen.appends[0], appended("a", "s", 1, 1, 4, 7))
        self.assertEqual(seen.appends[1], Append("b", "s", 2, 2, REFUSED, 5))
        self.assertEqual(seen.appends[2], Append("c", "s", 3, 9))
        self.assertEqual(seen.reads, [Read("client", "node:1", 6, 8, 9, "abcd")])
        seen = self.parse("linearizable 6 8 node:1 9 abcd")
        self.assertEqual(seen.reads, [Read("client", "node:1", 6, 8, 9, "abcd", True)])

    def test_retries(self):
        seen = self.parse("retry 3 no connection")
        self.assertEqual(seen.retries, [(3, "no connection")])

    def test_contradictions(self):
        for lines in (["ack 4 a 1 7 1007"], ["call 1 a 1", "call 2 a 1"], ["what 1"], ["call 1 a 1", "ack 2 a 2 0 0"],
                      ["call 1 a 1", "ack 2 a 1 0 0", "refused 3 a 1 no"]):
            with self.assertRaises(ValueError):
                self.parse(*lines)


class Gaps(unittest.TestCase):
    def test_the_longest(self):
        self.assertEqual(history.longest_gap([1, 2, 5, 6, 20], 2, 10), 4)
        self.assertEqual(history.longest_gap([1, 2, 5], 3, 4), 1)
        self.assertEqual(history.longest_gap([], 3, 10), 7)


if __name__ == "__main__":
    unittest.main()
