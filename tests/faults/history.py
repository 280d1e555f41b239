"""Checks what clients saw against the log that is left: a history of appends and reads with the times of their calls
and answers (history_lines.h), and every event of the ledger in its order. Pure: no clock, no files.

It holds when
* every acknowledged event is in the log, once, at the index and with the recorded time that were acknowledged;
* no event is there twice, the positions of each stream have no gap, and recorded times grow;
* an event that was refused is not there, and another has its place, which was sent before the refusal;
* an event whose append began after another was acknowledged comes after it in the log (linearizable appends);
* a node never answers one client with a smaller tree than before, all nodes have the same root at the same size, and no
  read shows what was not sent yet; a linearizable read shows all that was acknowledged, and all that any node had
  answered with, before it was asked.
"""

import bisect
import dataclasses

ACKNOWLEDGED = "acknowledged"
REFUSED = "refused"
UNKNOWN = "unknown"


@dataclasses.dataclass
class Append:
    """One event. `ended` is None while the outcome is unknown."""
    event: str
    stream: str
    position: int
    called: int
    outcome: str = UNKNOWN
    ended: int = None
    index: int = None
    recorded_us: int = None


@dataclasses.dataclass
class Read:
    """What a reader was answered by a node, by one call after the other."""
    reader: str
    node: str
    called: int
    ended: int
    size: int
    root: str
    linearizable: bool = False


@dataclasses.dataclass
class History:
    appends: list = dataclasses.field(default_factory=list)
    reads: list = dataclasses.field(default_factory=list)
    # (time, message)
    retries: list = dataclasses.field(default_factory=list)

    def acknowledged(self):
        return [append for append in self.appends if append.outcome == ACKNOWLEDGED]


def parse(client, stream, lines, history):
    """Adds what a load program wrote about one stream. Raises ValueError on lines that contradict each other."""
    appends = {}
    for line in lines:
        verb, *words = line.split(" ")
        if verb == "call":
            if words[1] in appends:
                raise ValueError(f"called twice: {line}")
            appends[words[1]] = Append(words[1], stream, int(words[2]), int(words[0]))
            history.appends.append(appends[words[1]])
        elif verb in ("ack", "refused"):
            append = appends.get(words[1])
            if append is None or append.ended is not None or append.position != int(words[2]):
                raise ValueError(f"an answer without its call: {line}")
            append.ended = int(words[0])
            append.outcome = ACKNOWLEDGED if verb == "ack" else REFUSED
            if verb == "ack":
                append.index, append.recorded_us = int(words[3]), int(words[4])
        elif verb in ("read", "linearizable"):
            history.reads.append(Read(client, words[2], int(words[0]), int(words[1]), int(words[3]), words[4],
                                      verb == "linearizable"))
        elif verb == "retry":
            history.retries.append((int(words[0]), " ".join(words[1:])))
        else:
            raise ValueError(f"unknown line: {line}")


@dataclasses.dataclass
class LogEvent:
    """An event of the log; its index is its place in the list."""
    event: str
    stream: str
    position: int
    recorded_us: int


def check(history, log):
    """Returns what is wrong, a sentence each; empty when the history holds."""
    wrong = _check_log(log)
    places = {}
    for index, event in enumerate(log):
        places.setdefault(event.event, index)
    wrong += _check_acknowledged(history, log, places)
    wrong += _check_refused(history, log, places)
    wrong += _check_order_of_appends(history, places)
    wrong += _check_reads(history, log, places)
    return wrong


def _check_log(log):
    wrong = []
    positions, seen = {}, {}
    for index, event in enumerate(log):
        if event.event in seen:
            wrong.append(f"event {event.event} is there twice, at {seen[event.event]} and {index}")
        seen[event.event] = index
        if event.position != positions.get(event.stream, 0) + 1:
            wrong.append(f"index {index}: position {event.position} of {event.stream} follows "
                         f"{positions.get(event.stream, 0)}")
        positions[event.stream] = event.position
        if index > 0 and event.recorded_us <= log[index - 1].recorded_us:
            wrong.append(f"index {index} was recorded at {event.recorded_us}, not after the one before it")
    return wrong


def _check_acknowledged(history, log, places):
    wrong = []
    for append in history.acknowledged():
        index = places.get(append.event)
        if index is None:
            wrong.append(f"event {append.event} was acknowledged at {append.index} and is lost")
            continue
        event = log[index]
        if index != append.index:
            wrong.append(f"event {append.event} was acknowledged at {append.index} and is at {index}")
        if (event.stream, event.position) != (append.stream, append.position):
            wrong.append(f"event {append.event} was sent to {append.stream}, position {append.position}, and is at "
                         f"{event.stream}, position {event.position}")
        if event.recorded_us != append.recorded_us:
            wrong.append(f"event {append.event} was acknowledged as recorded at {append.recorded_us} and was "
                         f"recorded at {event.recorded_us}")
    return wrong


def _check_refused(history, log, places):
    wrong = []
    holders = {(event.stream, event.position): event.event for event in log}
    calls = {append.event: append.called for append in history.appends}
    for append in history.appends:
        if append.outcome != REFUSED:
            continue
        if append.event in places:
            wrong.append(f"event {append.event} was refused and is at {places[append.event]}")
            continue
        holder = holders.get((append.stream, append.position))
        if holder is None:
            wrong.append(f"event {append.event} was refused and nothing else is at {append.stream}, position "
                         f"{append.position}")
        elif calls.get(holder, 0) > append.ended:
            wrong.append(f"event {append.event} was refused for {holder}, which was sent only later")
    return wrong


class _Latest:
    """The largest value among those with a time before a given one."""

    def __init__(self, timed):
        self.times, self.largest = [], []
        for time, value in sorted(timed):
            self.times.append(time)
            self.largest.append(max(value, self.largest[-1]) if self.largest else value)

    def before(self, time):
        place = bisect.bisect_left(self.times, time)
        return self.largest[place - 1] if place > 0 else None


def _check_order_of_appends(history, places):
    wrong = []
    latest = _Latest((append.ended, append.index) for append in history.acknowledged())
    for append in history.appends:
        index = places.get(append.event)
        before = latest.before(append.called)
        if index is not None and before is not None and index <= before:
            wrong.append(f"event {append.event} is at {index} and was sent after index {before} was acknowledged")
    return wrong


def _check_reads(history, log, places):
    wrong = []
    roots, last = {}, {}
    acknowledged = _Latest((append.ended, append.index) for append in history.acknowledged())
    shown = _Latest((read.ended, read.size) for read in history.reads)
    # The smallest index among what was called after a time, by negation.
    sent = _Latest((-append.called, -places[append.event]) for append in history.appends if append.event in places)
    for read in sorted(history.reads, key=lambda read: read.ended):
        who = f"{read.reader} at {read.node}"
        if read.size > len(log):
            wrong.append(f"{who} saw size {read.size}, the log has {len(log)}")
        before = last.get((read.reader, read.node))
        if before is not None and before.ended <= read.called and read.size < before.size:
            wrong.append(f"{who} saw size {before.size} and later {read.size}")
        last[read.reader, read.node] = read
        if roots.setdefault(read.size, read.root) != read.root:
            wrong.append(f"{who} saw another root at size {read.size} than others")
        unsent = sent.before(-read.ended)
        if unsent is not None and -unsent < read.size:
            wrong.append(f"{who} saw size {read.size} before index {-unsent} was sent")
        owed = acknowledged.before(read.called)
        if read.linearizable and owed is not None and read.size <= owed:
            wrong.append(f"{who} read linearizably size {read.size} after index {owed} was acknowledged")
        shown_before = shown.before(read.called)
        if read.linearizable and shown_before is not None and read.size < shown_before:
            wrong.append(f"{who} read linearizably size {read.size} after size {shown_before} was shown")
    return wrong


def longest_gap(times, begin, end):
    """The longest time without an event of the sorted `times` between `begin` and `end`, both ends included."""
    within = times[bisect.bisect_left(times, begin):bisect.bisect_right(times, end)]
    edges = [begin, *within, end]
    return max(late - early for early, late in zip(edges, edges[1:]))
