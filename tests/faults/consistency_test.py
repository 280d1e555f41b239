"""Three nodes and three etcd members, writers and readers at all of them, while nodes are stopped for longer than they
may be missed, killed and ended: no read shows less than it must, nothing that was recorded is reported as a failure,
and nothing is recorded twice.

ANAMNESIS_ROUNDS: how often each (1). ANAMNESIS_SEED: of the victims (1)."""

import os
import random
import signal
import subprocess
import sys
import time

import cluster_test
import harness
import history

LOAD = os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests", "consistency_load")
# deploy/cluster's nodes have sessions of ten seconds.
LONGER_THAN_A_SESSION_SECONDS = 12


class Load:
    """consistency_load on a whole cluster."""

    def __init__(self, cluster, writers=3, readers=3):
        self.path = os.path.join(cluster.dir, "consistency.out")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([LOAD, cluster.address, cluster.key, "consistency", str(writers),
                                             str(readers)], stdout=out)

    def lines(self, kind):
        return [line.split(" ", 1)[1] for line in harness.lines_of(self.path) if line.startswith(kind + " ")]

    def reads(self):
        counts = self.lines("counts")
        return tuple(map(int, counts[-1].split())) if counts else (0, 0)

    def check(self):
        harness.expect(self.process.poll() is None, f"the load ended with {self.process.returncode}")
        harness.expect(not self.lines("stale"), f"stale: {self.lines('stale')[:3]}")

    def wait_for(self, acknowledged, reads, seconds=90):
        """Waits for so many more of both."""
        acknowledged += len(self.lines("ack"))
        reads += self.reads()[0]
        deadline = time.monotonic() + seconds
        while len(self.lines("ack")) < acknowledged or self.reads()[0] < reads:
            self.check()
            harness.expect(time.monotonic() < deadline, f"no progress: {len(self.lines('ack'))} of {acknowledged} "
                           f"acknowledged, {self.reads()} reads of {reads}, {self.lines('unknown')[-3:]}")
            time.sleep(0.05)

    def finish(self, seconds=90):
        self.process.send_signal(signal.SIGTERM)
        harness.expect(self.process.wait(timeout=seconds) == 0, "the load failed")
        harness.expect(not self.lines("stale"), f"stale: {self.lines('stale')[:3]}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def stop_and_continue(cluster, load, which):
    """The node sleeps past its session: when it wakes up it has missed what the others went on with."""
    print(f"node{which} sleeps", flush=True)
    cluster.signal(f"node{which}", signal.SIGSTOP)
    try:
        asleep_until = time.monotonic() + LONGER_THAN_A_SESSION_SECONDS
        load.wait_for(20, 0)
        while time.monotonic() < asleep_until:
            load.check()
            time.sleep(0.1)
    finally:
        cluster.signal(f"node{which}", signal.SIGCONT)
    load.wait_for(50, 50)


def stop_shortly(cluster, load, moments):
    """Short enough for the others to wait: what was asked meanwhile is answered by a node that is behind."""
    which = moments.randrange(3)
    cluster.signal(f"node{which}", signal.SIGSTOP)
    time.sleep(0.2 + moments.random())
    cluster.signal(f"node{which}", signal.SIGCONT)
    load.wait_for(5, 20)


def kill_and_start(cluster, load, which):
    print(f"node{which} is killed", flush=True)
    cluster.kill(f"node{which}")
    load.wait_for(20, 20)
    cluster.do("start-node", str(which))
    load.wait_for(20, 20)


def end_and_start(cluster, load, which):
    print(f"node{which} is ended", flush=True)
    pid = cluster.signal(f"node{which}", signal.SIGTERM)
    deadline = time.monotonic() + 30
    while not is_gone(pid):
        harness.expect(time.monotonic() < deadline, f"node{which} doesn't end")
        time.sleep(0.05)
    load.wait_for(20, 20)
    cluster.do("start-node", str(which))
    load.wait_for(20, 20)


def read_in_a_quiet_cluster(cluster):
    """Nothing is ordered any more, a node starts again: linearizable reads are answered, and at the same size."""
    cluster.kill("node0")
    cluster.do("start-node", "0")
    deadline = time.monotonic() + harness.START_SECONDS
    while harness.run("status", "--ledger", f"127.0.0.1:{cluster.first}").returncode != 0:
        harness.expect(time.monotonic() < deadline, "node0 doesn't serve")
        time.sleep(0.1)
    sizes = set()
    for which in range(3):
        address = f"127.0.0.1:{cluster.first + which}"
        out = harness.run_well("status", "--linearizable", "--json", "--ledger", address)
        sizes.add(next(line for line in out.splitlines() if '"treeSize"' in line))
    harness.expect(len(sizes) == 1, f"linearizable reads of a quiet ledger at {sizes}")


def check_cli(cluster):
    """What the command line says when a size isn't there, and when a cluster can't order."""
    late = harness.run("status", "--tree-size-min", str(1 << 40), "--ledger", f"127.0.0.1:{cluster.first}")
    harness.expect(late.returncode == 3 and "are asked for" in late.stderr, f"{late.returncode} {late.stderr}")
    for which in range(3):
        cluster.signal(f"etcd{which}", signal.SIGSTOP)
    try:
        cut_off = harness.run("status", "--linearizable", "--ledger", f"127.0.0.1:{cluster.first}")
        harness.expect(cut_off.returncode == 3, f"{cut_off.returncode} {cut_off.stdout} {cut_off.stderr}")
        # It answers what needs no order.
        harness.run_well("status", "--ledger", f"127.0.0.1:{cluster.first}")
        body = os.path.join(cluster.dir, "body.json")
        with open(body, "w") as file:
            file.write('{"title": "unknown"}')
        unknown = harness.run("append", "--stream", "consistency/unknown", "--type", "document.referenced", "--ref",
                              "document=document:d", "--body", body, "--as", cluster.key, "--within", "3", "--ledger",
                              f"127.0.0.1:{cluster.first}")
        harness.expect(unknown.returncode == 4 and "outcome unknown" in unknown.stderr and
                       "anamnesis show" in unknown.stderr, f"{unknown.returncode} {unknown.stderr}")
    finally:
        for which in range(3):
            cluster.signal(f"etcd{which}", signal.SIGCONT)


def check_history(cluster, load):
    logs = [harness.read_log(f"file:{cluster.dir}/node{i}") for i in range(3)]
    harness.expect(logs[0] == logs[1] == logs[2], "the nodes hold different events")
    wrong = history.check(history.History(), logs[0])
    harness.expect(not wrong, f"the log itself: {wrong[:5]}")
    places = {event.event: index for index, event in enumerate(logs[0])}
    for line in load.lines("ack"):
        index, identity, stream = line.split()
        harness.expect(places.get(identity) == int(index), f"{identity} of {stream} was acknowledged at {index}, is at "
                       f"{places.get(identity)}")
    for line in load.lines("failed"):
        harness.expect(line.split()[0] not in places, f"reported as a failure, and recorded: {line}")
    ours = sum(event.stream.startswith("consistency/") and not event.stream.endswith("unknown") for event in logs[0])
    known = len(load.lines("ack"))
    harness.expect(known <= ours <= known + len(load.lines("unknown")),
                   f"{ours} recorded, {known} acknowledged, {len(load.lines('unknown'))} unknown")


def main():
    harness.need_programs(LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    rounds = int(os.environ.get("ANAMNESIS_ROUNDS", "1"))
    moments = random.Random(int(os.environ.get("ANAMNESIS_SEED", "1")))
    started = time.monotonic()
    with cluster_test.Cluster() as cluster:
        with Load(cluster) as load:
            try:
                load.wait_for(50, 50)
                for _ in range(rounds):
                    for _ in range(3):
                        stop_shortly(cluster, load, moments)
                    stop_and_continue(cluster, load, moments.randrange(3))
                    kill_and_start(cluster, load, moments.randrange(3))
                    end_and_start(cluster, load, moments.randrange(3))
                load.finish()
                read_in_a_quiet_cluster(cluster)
                check_cli(cluster)
                cluster_test.wait_until_equal(cluster)
            except AssertionError as failure:
                raise AssertionError(f"{failure} {cluster.logs()}") from failure
            cluster.do("stop")
            check_history(cluster, load)
            answered, unavailable = load.reads()
            print(f"{len(load.lines('ack'))} acknowledged, {len(load.lines('failed'))} failed, "
                  f"{len(load.lines('unknown'))} unknown; {answered} linearizable reads, {unavailable} not answered; "
                  f"{time.monotonic() - started:.0f} s: no read was stale, nothing recorded was called a failure")


if __name__ == "__main__":
    sys.exit(main())
