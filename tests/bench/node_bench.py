"""What one node does, beside what the processor does by itself in the same run: appends acknowledged when synced, in
runs of 1 and of 100; the same with and without a scrubber; the configuration in ledgers of more and more activations;
rebuild and fsck. A shared machine is
faster in one minute than in the next: the figures to go by are ratios to the signatures that one thread checks a
second, which is measured before each row.

  tests/bench/node_bench.py [SECONDS [EVENTS...]]   6 a turn of appends; 10000 100000 1000000; prints tables, then JSON

ANAMNESIS_BUILD_DIR and ANAMNESIS_BIN_DIR as for the tests; TMPDIR says on which disk."""

import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # pylint: disable=wrong-import-position

PRIMITIVES = os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests", "primitives_bench")
# (events a run, runs in flight)
LOADS = ((1, 64), (100, 16))
TURNS = 3
QUERIES = 40000
TICKS = os.sysconf("SC_CLK_TCK")


def command(*arguments):
    """What `anamnesis` prints; it may take longer than a test's command."""
    return subprocess.run([os.path.join(harness.BIN, "anamnesis"), *map(str, arguments)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def primitives(which="."):
    """Items a second of each primitive whose name has `which` in it."""
    printed = subprocess.run([PRIMITIVES, f"--benchmark_filter={which}", "--benchmark_format=json",
                              "--benchmark_min_time=0.3"], check=True, capture_output=True, text=True).stdout
    return {each["name"]: each["items_per_second"] for each in json.loads(printed)["benchmarks"]}


def checks_a_second():
    return primitives("Verify")["BM_Ed25519Verify"]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def stolen():
    """Ticks that the machine took from us, and all ticks so far."""
    with open("/proc/stat") as file:
        ticks = [int(each) for each in file.readline().split()[1:9]]
    return ticks[7], sum(ticks)


class Row:
    """Measures one row: `with`, then `done`."""

    def __init__(self, what):
        self.figures = {"what": what}

    def __enter__(self):
        self.figures["verify_per_s"] = checks_a_second()
        self.before = stolen()
        self.start = time.monotonic()
        return self

    def __exit__(self, *_):
        after = stolen()
        self.figures["seconds"] = time.monotonic() - self.start
        self.figures["stolen_percent"] = 100 * (after[0] - self.before[0]) / max(1, after[1] - self.before[1])

    def done(self, rate, note):
        self.figures["per_s"] = rate
        self.figures["to_verify"] = rate / self.figures["verify_per_s"]
        self.figures["note"] = note
        print(f"{self.figures['what']:<34}{rate:>12,.0f}/s{self.figures['to_verify']:>8.2f} of "
              f"{self.figures['verify_per_s']:>7,.0f}{self.figures['stolen_percent']:>6.0f} %  {note}", flush=True)
        return self.figures


def appends(seconds):
    rows = []
    with harness.Place() as place, harness.Node(place.ledger, place.dir) as node:
        for _ in range(TURNS):
            for run, in_flight in LOADS:
                with Row(f"append, runs of {run}, {in_flight} in flight") as row:
                    used = cpu_seconds(node.process.pid)
                    seen = json.loads(command("bench", "append", "--json", "--run", run, "--inflight", in_flight,
                                              "--seconds", seconds, "--as", place.key, "--ledger", node.address))
                    used = cpu_seconds(node.process.pid) - used
                harness.expect(seen["errors"] == 0, str(seen))
                rows.append(row.done(seen["events"] / seen["seconds"],
                                     f"p50 {seen['p50_ms']:.1f} ms, p99 {seen['p99_ms']:.1f} ms; node "
                                     f"{used * 1e6 / seen['events']:.0f} us of CPU an event, client "
                                     f"{seen['cpu_seconds'] * 1e6 / seen['events']:.0f}"))
        node.stop()
        rows += whole_log(place.ledger)
    return rows


def scrubbing(seconds):
    """What reading the log back in the background costs: processor time of a node that does nothing else, and appends
    by nodes that do and don't, in turn."""
    rows = []
    with harness.Place() as place:
        command("bench", "append", "--events", 100000, "--run", 100, "--inflight", 8, "--as", place.key, "--ledger",
                f"file:{place.ledger}")
        for _ in range(TURNS):
            for what, rate in (("no scrubber", ["--scrub-rate", "0"]), ("the scrubber", [])):
                with harness.Node(place.ledger, place.dir, rate) as node:
                    used = cpu_seconds(node.process.pid)
                    time.sleep(seconds)
                    idle = (cpu_seconds(node.process.pid) - used) / seconds
                    with Row(f"append, runs of 100, {what}") as row:
                        seen = json.loads(command("bench", "append", "--json", "--run", 100, "--inflight", 16,
                                                  "--seconds", seconds, "--as", place.key, "--ledger", node.address))
                    rows.append(row.done(seen["events"] / seen["seconds"],
                                         f"p99 {seen['p99_ms']:.1f} ms; idle, the node takes {100 * idle:.1f} % of a "
                                         "processor"))
    return rows


def whole_log(ledger):
    with Row("rebuild") as row:
        printed = command("rebuild", ledger)
    rebuilt = row.done(float(re.search(r"\((\d+) events/s\)", printed).group(1)), "of the runs above")
    with Row("fsck") as row:
        command("fsck", ledger)
    events = int(re.search(r"of (\d+) events", printed).group(1))
    return [rebuilt, row.done(events / row.figures["seconds"], f"{events:,} events, all bytes, chains, seals and rows")]


def configurations(sizes):
    rows = []
    for events in sizes:
        with harness.Place() as place:
            ledger = f"file:{place.ledger}"
            with Row(f"append, {events:,} activations") as row:
                command("bench", "append", "--activations", "--events", events, "--run", 100, "--inflight", 8, "--as",
                        place.key, "--ledger", ledger)
            rows.append(row.done(events / row.figures["seconds"], "of one surface, embedded"))
            with Row(f"config at {events:,}") as row:
                seen = json.loads(command("bench", "query", "--queries", QUERIES, "--json", "--ledger", ledger))
            rows.append(row.done(QUERIES / row.figures["seconds"],
                                 f"p50 {seen['p50_ms']:.3f} ms, p99 {seen['p99_ms']:.3f} ms"))
            with Row(f"rebuild of {events:,} activations") as row:
                printed = command("rebuild", place.ledger)
            rows.append(row.done(float(re.search(r"\((\d+) events/s\)", printed).group(1)), ""))
    return rows


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 6
    sizes = [int(each) for each in sys.argv[2:]] or [10000, 100000, 1000000]
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"), PRIMITIVES)
    alone = primitives()
    for name, rate in alone.items():
        print(f"{name:<34}{rate:>12,.0f}/s")
    print(f"{'':<34}{'':>14}{'to Ed25519Verify':>19}{'stolen':>8}")
    everything = appends(seconds) + scrubbing(seconds) + configurations(sizes)
    print(json.dumps({"primitives": alone, "rows": everything}))


if __name__ == "__main__":
    main()
