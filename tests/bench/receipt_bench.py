"""How long an append takes to be durable, to have a receipt, and to have one that a witness has cosigned: one node
whose witness is another node with a ledger of its own, and three nodes with etcd that cosign for one another, all on
this machine.

  tests/bench/receipt_bench.py [SECONDS]     20 for each row; prints p50 and p99 in milliseconds

One node is measured alone and while clients append without pause. ANAMNESIS_BUILD_DIR and ANAMNESIS_BIN_DIR as for the
tests; TMPDIR says on which disk."""

import json
import os
import shutil
import sys

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "faults"), os.path.join(TESTS, "remote")]
import cosign_test  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import witness_test  # pylint: disable=wrong-import-position

INTERVALS = (0.05, 0.2, 1)


class Loaded:
    """What harness.Load wants to know of a ledger."""

    def __init__(self, log):
        self.key = log.person
        self.address = log.node.address


def measure(interval, seconds, loaded):
    with harness.Place() as place:
        log, witness = (witness_test.Log(place.dir, name) for name in ("one", "two"))
        log.witnessed_by(witness)
        witness.witnessed_by(log)
        log.node.arguments[log.node.arguments.index("--checkpoint-interval") + 1] = str(interval)
        with log.node, witness.node:
            bench = ("bench", "append", "--receipts", "--seconds", seconds, "--json", "--as", log.person, "--ledger",
                     log.node.address)
            if not loaded:
                printed = harness.run_well(*bench)
            else:
                with harness.Load(Loaded(log), Loaded(log), place.dir, clients=2, in_flight=64, pause_us=0) as load:
                    load.wait_for(100)
                    before = load.acknowledged()
                    printed = harness.run_well(*bench)
                    rate = (load.acknowledged() - before) / seconds
                    load.finish()
    besides = f"{rate:.0f} events/s besides" if loaded else "nothing besides"
    return {"interval": interval, "loaded": loaded, **told(f"checkpoints every {interval} s, {besides}", printed)}


def told(what, printed):
    """Prints what the bench measured, and gives it back by what was waited for."""
    figures = {line["what"]: line for line in map(json.loads, printed.splitlines())}
    cells = "   ".join(f"{name[len('append to '):]} {one['p50_ms']:.1f}/{one['p99_ms']:.1f}"
                       for name, one in figures.items())
    print(f"{what}: {cells}", flush=True)
    return figures


def measure_three(seconds):
    """Three nodes as deploy/cluster starts them: each batch on a majority, in order by etcd, cosigned by all."""
    with cosign_test.CosigningCluster() as cluster:
        everybody = {0, 1, 2}
        cluster.expect_cosigned(everybody, cluster.append(10), everybody)
        printed = harness.run_well("bench", "append", "--receipts", "--seconds", seconds, "--json", "--as", cluster.key,
                                   "--ledger", cluster.address)
        cluster.do("stop")
    return {"nodes": 3, **told("three nodes with etcd, nothing besides", printed)}


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"), harness.LOAD)
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    print("milliseconds, p50/p99")
    rows = [measure(interval, seconds, loaded) for loaded in (False, True) for interval in INTERVALS]
    if shutil.which("etcd") is None:
        print("three nodes: not measured, no etcd is installed")
    else:
        rows.append(measure_three(seconds))
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
