"""Three machines in network namespaces under load and under faults: nodes and etcd members killed, partitions, lost and
late packets, stopped processes, full and slow disks, wrong clocks, etcd lost and recovered from. After each fault every
client makes progress again; in the end the histories of all clients hold against the log (history.py) and all nodes
hold the same.

ANAMNESIS_KILLS, ANAMNESIS_PARTITIONS, ANAMNESIS_OTHERS: how many of each group in faults.py (default: 6, 5, 8).
ANAMNESIS_FAULTS: only these, by name, comma-separated. ANAMNESIS_SEED: of the order, the victims and the moments (1).
ANAMNESIS_SESSION_TTL: seconds (2)."""

import collections
import itertools
import os
import random
import sys
import time

import faults
import harness
import machines


def planned(chance):
    """The faults in their order. Of each group every kind comes up before one comes up again."""
    counts = ((faults.KILLS, "ANAMNESIS_KILLS", 6), (faults.PARTITIONS, "ANAMNESIS_PARTITIONS", 5),
              (faults.OTHERS, "ANAMNESIS_OTHERS", 8))
    only = set(filter(None, os.environ.get("ANAMNESIS_FAULTS", "").split(",")))
    plan = []
    for group, variable, default in counts:
        kinds = [fault for fault in group if not only or fault.__name__ in only]
        rounds = (chance.sample(kinds, len(kinds)) for _ in itertools.count()) if kinds else ()
        plan += itertools.islice(itertools.chain.from_iterable(rounds), int(os.environ.get(variable, default)))
    chance.shuffle(plan)
    return plan


class Run:
    """One fault after the other, and for each how long clients had to wait."""

    def __init__(self, cluster, load, chance):
        self.cluster = cluster
        self.load = load
        self.chance = chance
        self.waits = collections.defaultdict(list)
        self.left_out = []

    def do(self, fault):
        if "slow" in fault.__name__ and not self.cluster.slow_disks.there:
            print(f"NOT RUN: {fault.__name__}: no control group limits writes here", flush=True)
            self.left_out.append(fault.__name__)
            return
        self.load.check_alive()
        began = time.monotonic_ns()
        with faults.Applied(fault, self.cluster, self.chance) as done:
            print(f"{done}; {self.load.acknowledged()} events acknowledged", flush=True)
            self.last_while(fault)
        healed = time.monotonic_ns()
        self.load.wait_for_each()
        for machine in self.cluster.machines.values():
            self.cluster.wait_until_serves(machine)
        together, alone = self.load.gaps(began, time.monotonic_ns())
        self.waits[fault.__name__].append((together, alone, (time.monotonic_ns() - healed) / 1e9))

    def last_while(self, fault):
        """How long the fault lasts: sometimes but a moment, sometimes longer than a session without its node."""
        seconds = self.chance.choice((0.05, 1.0, 2.5 * self.cluster.session_ttl))
        time.sleep(seconds)
        if fault in faults.SURVIVED:
            self.load.wait_for(20, machines.LATE_SECONDS)

    def report(self):
        print(f"{'fault':34} {'times':>5}  longest wait: of all, of one client; until all is well again", flush=True)
        for name, waits in sorted(self.waits.items()):
            together, alone, healing = (max(column) for column in zip(*waits))
            print(f"{name:34} {len(waits):5}  {together:6.1f} s {alone:6.1f} s {healing:6.1f} s", flush=True)


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    machines.isolate()
    seed = int(os.environ.get("ANAMNESIS_SEED", "1"))
    chance = random.Random(seed)
    plan = planned(chance)
    started = time.monotonic()
    with machines.Cluster(session_ttl=int(os.environ.get("ANAMNESIS_SESSION_TTL", "2"))) as cluster:
        with cluster.more_load() as load:
            load.wait_for_each()
            run = Run(cluster, load, chance)
            try:
                for fault in plan:
                    run.do(fault)
                load.wait_for(50)
                load.finish()
            except AssertionError as failure:
                raise AssertionError(f"{failure} {cluster.logs()}") from failure
        cluster.wait_until_equal()
        cluster.stop()
        run.report()
        events = cluster.check()
        seen = cluster.history()
    refused = len(seen.appends) - len(seen.acknowledged())
    left_out = f"; left out, since no control group limits writes here: {', '.join(run.left_out)}" \
        if run.left_out else ""
    linearizable = sum(read.linearizable for read in seen.reads)
    print(f"seed {seed}: {len(plan) - len(run.left_out)} faults, {events} events, {len(seen.acknowledged())} "
          f"acknowledged, {refused} lost a race, {len(seen.reads)} reads, {linearizable} of them linearizable, "
          f"{len(seen.retries)} retries, {time.monotonic() - started:.0f} s: the history holds, all nodes hold the same"
          f"{left_out}")


if __name__ == "__main__":
    sys.exit(main())
