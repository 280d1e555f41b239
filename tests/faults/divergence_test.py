"""Three nodes under load, of which one comes back with wrong projections: exactly that one stops serving, and says
since when and in what it differs. The others go on."""

import os
import re
import subprocess
import sys

import cluster_test
import harness

DAMAGE = os.path.join(os.path.dirname(harness.LOAD), "damage_projection")


def status(cluster, i):
    return harness.run("status", "--ledger", f"127.0.0.1:{cluster.first + i}")


def has_stopped_serving(answer):
    return answer.returncode != 0 and "another state" in answer.stderr


def how_all_are(cluster, load):
    """For a person who wants to know why nothing differs. Stops node 1."""
    said = [status(cluster, i) for i in range(3)]
    cluster.do("stop-node", "1")
    wrong = harness.run("fsck", os.path.join(cluster.dir, "node1"))
    return f"{said}, {load.acknowledged()} acknowledged: {cluster.logs()}; fsck: {wrong.stdout}"


def stop_and_damage(cluster):
    while True:
        cluster.do("stop-node", "1")
        done = subprocess.run([DAMAGE, os.path.join(cluster.dir, "node1")], check=False)
        if done.returncode != 3:
            break
        print("the log ended with the rows that are damaged: once more")
        cluster.do("start-node", "1")
        size = cluster.size(0)
        harness.wait_until(lambda: cluster.size(1) > size, "node1 goes on", cluster.logs)
    harness.expect(done.returncode == 0, "no row was changed")


def main():
    harness.need_programs(harness.LOAD, DAMAGE, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    with cluster_test.Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=4) as load:
            load.wait_for(50)
            # Only rows that events to come are added to show that they are damaged.
            harness.wait_until(lambda: cluster.size(1) > 30, "node1 has events of the load", cluster.logs)
            stop_and_damage(cluster)
            cluster.do("start-node", "1")
            harness.wait_until(lambda: has_stopped_serving(status(cluster, 1)), "node1 stops serving",
                               lambda: how_all_are(cluster, load), seconds=60)
            said = status(cluster, 1).stderr
            harness.expect("projections differ" in said, said)
            leaves = re.search(r"they differ at (\d+), leaves \[(\d+), (\d+)\)", said)
            harness.expect(leaves is not None and int(leaves[2]) < int(leaves[3]), said)
            for i in (0, 2):
                harness.expect(status(cluster, i).returncode == 0, f"node{i} doesn't serve: {cluster.logs()}")
            load.wait_for(100)
            load.finish()
            harness.expect("another state" in status(cluster, 1).stderr, "node1 serves again")
            cluster_test.wait_until_equal(cluster, (0, 2))
            cluster.do("stop")
            for i in (0, 2):
                harness.check_all(os.path.join(cluster.dir, f"node{i}"), load)
            wrong = harness.run("fsck", os.path.join(cluster.dir, "node1"))
            harness.expect(wrong.returncode == 1, f"fsck finds nothing wrong: {wrong.stdout}")
    print(f"the node with wrong projections stopped: {said.strip()}")


if __name__ == "__main__":
    sys.exit(main())
