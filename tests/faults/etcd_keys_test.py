"""What a ledger keeps in etcd stays small: order keys are trimmed session by session and old revisions compacted while
thousands of batches are ordered, also when a node that is away can't say what it has applied, and the others were
restarted since. Whoever runs etcd may compact it too, while all nodes are down.

ANAMNESIS_BATCHES: how many are ordered (4000)."""

import json
import os
import re
import sys
import time
import types

import cluster_test
import harness

# Sessions so short that each node goes through many of them.
SESSION_BATCHES = 100
COMPACT_REVISIONS = 500
FAR_BEHIND_REVISIONS = 800
OPTIONS = ["--session-batches-max", str(SESSION_BATCHES), "--compact-revisions", str(COMPACT_REVISIONS),
           "--far-behind-revisions", str(FAR_BEHIND_REVISIONS)]
# Of each of three nodes: the session that goes on, the one before it, and what is ordered until all have said that they
# applied the end of that.
ORDERS_MAX = 3 * (2 * SESSION_BATCHES + 100)
# Besides: members, base, and of each node a session, a barrier and how far it trimmed.
OTHERS_MAX = 11


def keys(cluster, below):
    """How many there are, and etcd's revision."""
    done = cluster.etcdctl("get", below, "--prefix", "--keys-only", "--limit", "1", "--write-out", "json")
    harness.expect(done.returncode == 0, f"etcdctl: {done.stderr}")
    answer = json.loads(done.stdout)
    return int(answer.get("count", 0)), int(answer["header"]["revision"])


def store_bytes_in_use(cluster):
    done = cluster.etcdctl("endpoint", "status", "--write-out", "json")
    harness.expect(done.returncode == 0, f"etcdctl: {done.stderr}")
    return max(int(size) for size in re.findall(r'"dbSizeInUse":(\d+)', done.stdout))


def order(cluster, loads, batches, orders_max):
    """Waits until so many revisions were made, and looks all the time; returns the most order keys there were."""
    _, begin = keys(cluster, "anamnesis/orders/")
    most = 0
    deadline = time.monotonic() + 240
    while True:
        count, revision = keys(cluster, "anamnesis/orders/")
        harness.expect(count <= orders_max, f"{count} order keys, {orders_max} expected at most {cluster.logs()}")
        most = max(most, count)
        for load in loads:
            load.check_alive()
        if revision >= begin + batches:
            return most
        harness.expect(time.monotonic() < deadline, f"only {revision - begin} revisions {cluster.logs()}")
        time.sleep(0.05)


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd("etcdctl")
    batches = int(os.environ.get("ANAMNESIS_BATCHES", "4000"))
    os.environ["ANAMNESIS_CLUSTER_NODE_OPTIONS"] = " ".join(OPTIONS)
    started = time.monotonic()
    with cluster_test.Cluster() as cluster:
        # One run is one batch; each node has clients of its own.
        nodes = [types.SimpleNamespace(address=f"127.0.0.1:{cluster.first + i}") for i in range(3)]
        loads = [harness.Load(cluster, node, cluster.dir, clients=2, in_flight=1, pause_us=0, name=f"load{i}")
                 for i, node in enumerate(nodes)]
        order(cluster, loads, batches // 4, ORDERS_MAX)
        early = store_bytes_in_use(cluster)
        most = order(cluster, loads, batches // 2, ORDERS_MAX)
        late = store_bytes_in_use(cluster)
        # A node that is away holds up nothing for longer than it may be behind.
        loads.pop().finish()
        cluster.kill("node2")
        for i in range(2):
            cluster.do("stop-node", str(i))
            cluster.do("start-node", str(i))
        away = order(cluster, loads, max(batches // 4, 2 * FAR_BEHIND_REVISIONS), ORDERS_MAX + FAR_BEHIND_REVISIONS)
        cluster.do("start-node", "2")
        for load in loads:
            load.finish()
        cluster_test.wait_until_equal(cluster)
        all_keys, revision = keys(cluster, "anamnesis/")
        orders, _ = keys(cluster, "anamnesis/orders/")
        harness.expect(all_keys - orders <= OTHERS_MAX, f"{all_keys - orders} keys besides {orders} order keys")
        harness.expect(cluster.etcdctl("get", "nothing", "--rev", str(revision // 2)).returncode != 0,
                       f"nothing before revision {revision // 2} of {revision} is compacted")
        harness.expect(late < 2 * early + (1 << 20), f"etcd's store has grown from {early} to {late} bytes in use")
        # At a place that no node has applied, since nothing but the ends of sessions comes after the last batch.
        for i in range(3):
            cluster.do("stop-node", str(i))
        _, revision = keys(cluster, "anamnesis/")
        done = cluster.etcdctl("compact", str(revision))
        harness.expect(done.returncode == 0, f"etcdctl compact: {done.stderr}")
        for i in range(3):
            cluster.do("start-node", str(i))
        loads = [harness.Load(cluster, nodes[0], cluster.dir, clients=2, in_flight=1, pause_us=0, name="late")]
        order(cluster, loads, 20, ORDERS_MAX)
        loads[0].finish()
        cluster_test.wait_until_equal(cluster)
        cluster.do("stop")
    print(f"{revision} revisions, {most} order keys at most ({away} while a node was away), {all_keys} keys in the "
          f"end, {early >> 10} KiB in use early and {late >> 10} KiB late, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
