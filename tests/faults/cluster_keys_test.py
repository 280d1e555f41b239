"""The nodes of a cluster, founded together with one key for the log, get keys of their own, one after the other, while
they serve and one is killed in between. Every receipt from before, from the overlap and from after verifies under the
first key and under each of the new ones, with the history of the keys; the nodes cosign for one another all along."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "remote"))
import cosign_test  # noqa: E402
import harness  # noqa: E402
import key_rotation_test  # noqa: E402
import machines  # noqa: E402

DAY = 86400
OVERLAP_DAYS = 30


class Keys:
    """The keys of the cluster's nodes, and receipts that are kept on the way."""

    def __init__(self, cluster, home):
        self.cluster = cluster
        self.home = home
        self.kept = []
        # What key_rotation_test.verify wants.
        self.said = []

    def run(self, *arguments):
        return harness.run(*arguments)

    def of_node(self, i, name="checkpoint.key"):
        return harness.run_well("key", "show", os.path.join(self.cluster.dir, f"node{i}", name)).strip()

    def rotate(self, i):
        harness.run_well("key", "rotate", "--dir", os.path.join(self.cluster.dir, f"node{i}"), "--overlap-days",
                         OVERLAP_DAYS, "--as", self.cluster.key, "--ledger", self.cluster.node(i))
        return self.of_node(i, "checkpoint.key.next")

    def keep(self, i, name):
        """A receipt of a new leaf by node i."""
        path = os.path.join(self.home, f"{name}-{i}.tlog-proof")
        size = self.cluster.append(3)
        harness.run_well("receipt", size - 1, "--out", path, "--tree-size-min", size, "--ledger",
                         self.cluster.node(i))
        self.kept.append(path)
        return path

    def start(self, i):
        self.cluster.do("start-node", str(i))
        harness.wait_until(lambda: harness.run("status", "--ledger", self.cluster.node(i)).returncode == 0,
                           f"node{i} serves", self.cluster.logs)

    def take_over(self, i, key):
        harness.wait_until(lambda: self.of_node(i) == key, f"node{i} signs with its new key only",
                           lambda: f"{self.cluster.append(1)} {self.cluster.logs()}", 90)


def check(cluster, keys):
    everybody = {0, 1, 2}
    cluster.expect_cosigned(everybody, cluster.append(30), everybody)
    first = cluster.log_key()
    harness.expect(all(keys.of_node(i) == first for i in everybody), "they were not founded with one key")
    keys.keep(0, "before")

    own = []
    for i in sorted(everybody):
        own.append(keys.rotate(i))
        if i == 1:
            cluster.kill("node1")
            keys.start(1)
        both = keys.keep(i, "overlap")
        for key in (first, own[i]):
            key_rotation_test.expect_verified(keys, [both], "--key", key)
    harness.expect(len({first, *own}) == 4, f"nodes share a key: {own}")
    cluster.expect_cosigned(everybody, cluster.append(5), everybody)

    keys.clock.set((OVERLAP_DAYS + 1) * DAY)
    for i in sorted(everybody):
        cluster.append(1)
        keys.take_over(i, own[i])
        after = keys.keep(i, "after")
        key_rotation_test.expect_verified(keys, [after], "--key", own[i])
        key_rotation_test.expect_refused(keys, "", [after], "--key", first)
    cluster.expect_cosigned(everybody, cluster.append(5), everybody)

    for i in sorted(everybody):
        history = os.path.join(keys.home, f"node{i}.history")
        harness.run_well("key", "history", "--dir", os.path.join(cluster.dir, f"node{i}"), "--out", history, "--ledger",
                         cluster.node(i), *(part for one in keys.kept for part in ("--for", one)))
        for key in (first, *own):
            key_rotation_test.expect_verified(keys, keys.kept, "--key", key, "--key-history", history)
    # A restart finds its key again.
    cluster.do("stop-node", "2")
    keys.start(2)
    key_rotation_test.expect_verified(keys, [keys.keep(2, "restarted")], "--key", own[2])
    cluster.do("stop")


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    with tempfile.TemporaryDirectory(prefix="anamnesis-keys-") as home:
        clock = machines.Clock(os.path.join(home, "clock"))
        os.environ.update(clock.environment())
        with cosign_test.CosigningCluster() as cluster:
            keys = Keys(cluster, home)
            keys.clock = clock
            check(cluster, keys)
            print(f"{len(keys.kept)} receipts under 4 keys")


if __name__ == "__main__":
    sys.exit(main())
