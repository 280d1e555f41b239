"""What a copy costs those who append meanwhile: an empty node is taken into a loaded cluster, and appends are measured
in turns, with the copying node at work and with it stopped (SIGSTOP), so that both see the same machine. All share its
processors, the copying node too; in a real cluster it has a machine of its own, and only the node it copies from pays.

  tests/bench/copy_bench.py [EVENTS [SECONDS]]    of a ledger of 400,000 events, turns of 3 seconds, until it is copied;
                                                  prints a line a turn, then the ratios, then JSON

ANAMNESIS_BUILD_DIR and ANAMNESIS_BIN_DIR as for the tests."""

import json
import os
import signal
import statistics
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import catch_up_test  # pylint: disable=wrong-import-position
import cluster_test  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import replication_bench  # pylint: disable=wrong-import-position

# The copying node has a disk of its own, as far as there is one.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# (events a run, runs in flight)
LOADS = ((1, 64), (100, 16))
WANTED = 0.75


def append(cluster, run, in_flight, *until):
    nodes = [cluster.pid(f"node{i}") for i in range(3)]
    used = replication_bench.cpu_seconds(nodes)
    seen = json.loads(harness.run_well("bench", "append", "--json", "--run", run, "--inflight", in_flight, *until,
                                       "--as", cluster.key, "--ledger", f"127.0.0.1:{cluster.first}"))
    harness.expect(seen["errors"] == 0, str(seen))
    seen["node_us"] = (replication_bench.cpu_seconds(nodes) - used) * 1e6 / seen["events"]
    return seen


def copying(joined):
    """Whether the node is there and has not begun to serve its copy."""
    return joined.process.poll() is None and not catch_up_test.tree_size(joined.address)


def turns(cluster, joined, seconds):
    """Pairs of figures of one load: (with the copy, without)."""
    pairs = {load: [] for load in LOADS}
    number = 0
    while True:
        for load in LOADS:
            figures = {}
            # Alternately first, so that what grows with time favours neither.
            for at_work in ((True, False) if number % 2 else (False, True)):
                joined.process.send_signal(signal.SIGCONT if at_work else signal.SIGSTOP)
                figures[at_work] = append(cluster, *load, "--seconds", seconds)
            joined.process.send_signal(signal.SIGCONT)
            if not copying(joined):
                return pairs
            pairs[load].append((figures[True], figures[False]))
            with_copy, without = (figures[one]["events_per_second"] for one in (True, False))
            print(f"runs of {load[0]:3}: {with_copy:7.0f} events/s with the copy, {without:7.0f} without: "
                  f"{with_copy / without:.2f}", flush=True)
        number += 1


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 400000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3
    harness.need_etcd()
    result = {"events": events, "seconds": seconds, "loads": []}
    with cluster_test.Cluster() as cluster, tempfile.TemporaryDirectory(prefix="anamnesis-copy-", dir=MEMORY) as home:
        cluster.wait_until_serves()
        append(cluster, 100, 16, "--events", events)
        with catch_up_test.Joined(cluster, options=(), directory=home) as joined:
            began = time.monotonic()
            pairs = turns(cluster, joined, seconds)
            took = time.monotonic() - began
    for (run, in_flight), seen in pairs.items():
        harness.expect(seen, f"the copy ended before a turn of runs of {run} did; take a larger ledger")
        ratios = {name: statistics.median(one[name] / other[name] for one, other in seen)
                  for name in ("events_per_second", "p50_ms", "p99_ms", "node_us")}
        print(f"runs of {run}, {in_flight} in flight, {len(seen)} pairs of turns: with the copy "
              f"{ratios['events_per_second']:.2f} of the events a second ({WANTED} is wanted), "
              f"{ratios['p50_ms']:.2f} of the median latency, "
              f"{ratios['node_us']:.2f} of the CPU an event of the three nodes")
        result["loads"].append({"run": run, "in_flight": in_flight, "pairs": len(seen), **ratios})
    print(f"the copy was there after {took:.0f} s, half of the time at work")
    print(json.dumps({**result, "copy_seconds": took}))


if __name__ == "__main__":
    sys.exit(main())
