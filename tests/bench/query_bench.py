"""What questions cost as the log grows: `anamnesis bench query --lives` on embedded ledgers of more and more events,
plain and with one correction to every second event. Prints p50 and p99 in milliseconds of each question, and by how
much p50 grew from the smallest to the largest ledger.

  tests/bench/query_bench.py [EVENTS...]     10000 100000 1000000; prints tables, then JSON

ANAMNESIS_BUILD_DIR and ANAMNESIS_BIN_DIR as for the tests. A ledger of a million events takes about 2 GiB of disk while
it is measured, and some minutes to make."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # pylint: disable=wrong-import-position

QUERIES = 500
CORRECTIONS = (0, 50)


def bench(*arguments):
    """What `anamnesis bench` prints; it may take longer than a test's command."""
    command = [os.path.join(harness.BIN, "anamnesis"), "bench", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measure(events, corrections):
    """The questions' figures by name, on a new ledger."""
    with harness.Place() as place:
        ledger = f"file:{place.ledger}"
        for role in ("author", "verifier", "quality_officer"):
            harness.run_well("role", "grant", "ada", role, "--as", place.key, "--ledger", ledger)
        harness.run_well("policy", "adopt", "--shipped", "--as", place.key, "--ledger", ledger)
        bench("append", "--lives", "--events", events, "--corrections", corrections, "--run", 100, "--inflight", 8,
              "--as", place.key, "--ledger", ledger)
        printed = bench("query", "--lives", "--queries", QUERIES, "--json", "--ledger", ledger)
    lines = [json.loads(line) for line in printed.splitlines()]
    return {line["what"].rsplit(" at ", 1)[0]: line for line in lines}


def main():
    sizes = [int(argument) for argument in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    everything = []
    for corrections in CORRECTIONS:
        figures = []
        for events in sizes:
            figures.append(measure(events, corrections))
            everything.append({"events": events, "corrections": corrections, "questions": figures[-1]})
        print(f"{corrections} corrections to 100 events; ms p50/p99 of {QUERIES} queries, one at a time, embedded")
        print("question".ljust(24) + "".join(f"{events:>20}" for events in sizes) + f"{'growth of p50':>16}")
        for name in figures[0]:
            cells = [f"{of[name]['p50_ms']:.3f}/{of[name]['p99_ms']:.3f}" for of in figures]
            growth = figures[-1][name]["p50_ms"] / figures[0][name]["p50_ms"]
            print(name.ljust(24) + "".join(f"{cell:>20}" for cell in cells) + f"{growth:>15.2f}x", flush=True)
    print(json.dumps(everything))


if __name__ == "__main__":
    main()
