"""How long an append takes to be durable, to have a receipt, and to have one that a witness has cosigned: one node
whose witness is another node with a ledger of its own, and three nodes with etcd that cosign for one another, all on
this machine.

  tests/bench/receipt_bench.py [SECONDS]     20 for each row; prints p50 and p99 in milliseconds

Both are measured alone and while clients append without pause, three nodes also while they append with pauses, each
time by several who wait for a receipt at once: p50 is the median of theirs, p99 the worst. ANAMNESIS_BUILD_DIR and
ANAMNESIS_BIN_DIR as for the tests; TMPDIR says on which disk."""

import concurrent.futures
import json
import os
import shutil
import statistics
import sys
import time

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "faults"), os.path.join(TESTS, "remote")]
import cosign_test  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import witness_test  # pylint: disable=wrong-import-position

INTERVALS = (0.05, 0.2, 1)
WAITING = 8


class Ledger:
    """What harness.Load wants to know of a ledger."""

    def __init__(self, key, address):
        self.key = key
        self.address = address


def probe(ledger, seconds):
    """How long those who wait have to wait, by what they wait for."""
    bench = ("bench", "append", "--receipts", "--seconds", seconds, "--json", "--as", ledger.key, "--ledger",
             ledger.address)
    with concurrent.futures.ThreadPoolExecutor(WAITING) as waiting:
        printed = list(waiting.map(lambda _: harness.run_well(*bench), range(WAITING)))
    each = [json.loads(line) for text in printed for line in text.splitlines()]
    figures = {}
    for name in dict.fromkeys(one["what"] for one in each):
        of = [one for one in each if one["what"] == name]
        figures[name] = {"p50_ms": statistics.median(one["p50_ms"] for one in of),
                         "p99_ms": max(one["p99_ms"] for one in of), "runs": sum(one["runs"] for one in of)}
    return figures


def measure(what, ledger, place, seconds, pause_us):
    """`pause_us`: of each of two clients after each event; None for no such clients."""
    if pause_us is not None:
        with harness.Load(ledger, ledger, place, clients=2, in_flight=64, pause_us=pause_us) as load:
            load.wait_for(2000)
            before, began = load.acknowledged(), time.monotonic()
            figures = probe(ledger, seconds)
            besides = f"{(load.acknowledged() - before) / (time.monotonic() - began):.0f} events/s besides"
            load.finish()
    else:
        figures, besides = probe(ledger, seconds), "nothing besides"
    cells = "   ".join(f"{name[len('append to '):]} {one['p50_ms']:.1f}/{one['p99_ms']:.1f}"
                       for name, one in figures.items())
    print(f"{what}, {besides}: {cells}   of {figures['append to receipt']['runs']}", flush=True)
    return figures


def measure_one(interval, seconds, pause_us):
    with harness.Place() as place:
        log, witness = (witness_test.Log(place.dir, name) for name in ("one", "two"))
        log.witnessed_by(witness)
        witness.witnessed_by(log)
        log.node.arguments[log.node.arguments.index("--checkpoint-interval") + 1] = str(interval)
        with log.node, witness.node:
            figures = measure(f"one node, checkpoints every {interval} s", Ledger(log.person, log.node.address),
                              place.dir, seconds, pause_us)
    return {"nodes": 1, "interval": interval, "pause_us": pause_us, **figures}


def measure_three(seconds, pause_us):
    """Three nodes as deploy/cluster starts them: each batch on a majority, in order by etcd, cosigned by all."""
    with cosign_test.CosigningCluster() as cluster, harness.Place() as place:
        everybody = {0, 1, 2}
        cluster.expect_cosigned(everybody, cluster.append(10), everybody)
        figures = measure("three nodes with etcd", Ledger(cluster.key, cluster.address), place.dir, seconds, pause_us)
        cluster.do("stop")
    return {"nodes": 3, "pause_us": pause_us, **figures}


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"), harness.LOAD)
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("milliseconds, p50/p99")
    rows = [measure_one(interval, seconds, pause_us) for pause_us in (None, 0) for interval in INTERVALS]
    if shutil.which("etcd") is None:
        print("three nodes: not measured, no etcd is installed")
    else:
        rows += [measure_three(seconds, pause_us) for pause_us in (None, 3000, 0)]
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
