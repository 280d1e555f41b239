"""Three nodes under load. One comes back with leaves changed on its disk: its scrubber finds them, fetches what is
right from the others and mends it while appends go on. Then it is stopped, damaged again, in rows and in a table file,
and `fsck --repair` mends it from another node. In the end all hold the same, and nothing acknowledged is lost."""

import json
import os
import random
import subprocess
import sys

import cluster_test
import harness

DAMAGE = os.path.join(os.path.dirname(harness.LOAD), "damage_leaf")
LEAVES = (3, 40, 41)


def damage(cluster, i, leaves):
    for leaf in leaves:
        done = subprocess.run([DAMAGE, os.path.join(cluster.dir, f"node{i}"), str(leaf)], check=False)
        harness.expect(done.returncode == 0, f"leaf {leaf} was not changed")


def damage_table(directory, source):
    """Changes a byte of the data in the largest table file, and says whether there was one."""
    tables = [entry.path for entry in os.scandir(os.path.join(directory, "db")) if entry.name.endswith(".sst")]
    if not tables:
        return False
    largest = max(tables, key=os.path.getsize)
    with open(largest, "r+b") as file:
        at = source.randrange(os.path.getsize(largest) // 3)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))
    return True


def scrub(cluster, i):
    done = harness.run("status", "--scrub", "--json", "--ledger", f"127.0.0.1:{cluster.first + i}")
    if not done.stdout:
        return {}
    return json.loads(done.stdout)[0].get("status", {})


def repair(directory, address):
    done = harness.run("fsck", directory, "--repair", "--from", address, "--json")
    harness.expect(done.returncode == 0, f"fsck --repair: {done.returncode} {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def scrubbed_while_running(cluster, load):
    cluster.do("stop-node", "1")
    damage(cluster, 1, LEAVES)
    cluster.do("start-node", "1")
    harness.wait_until(lambda: int(scrub(cluster, 1).get("mended", 0)) >= len(LEAVES), "the damage is mended",
                       cluster.logs, seconds=120)
    said = scrub(cluster, 1)
    harness.expect(int(said["found"]) == len(LEAVES) and not said.get("damaged"), f"the scrubber says {said}")
    load.wait_for(50)


def repaired_while_stopped(cluster, load):
    source = random.Random(1)
    directory = os.path.join(cluster.dir, "node1")
    peer = f"127.0.0.1:{cluster.first}"
    cluster.do("stop-node", "1")
    damage(cluster, 1, LEAVES)
    harness.expect(harness.run("fsck", directory).returncode == 1, "fsck finds nothing")
    report = repair(directory, peer)
    mended = sorted(int(one["leaf"]) for one in report["damage"] if one["mended"])
    harness.expect(mended == list(LEAVES), f"mended {report}")
    harness.expect(damage_table(directory, source), "there is no table file")
    report = repair(directory, peer)
    harness.expect(report["madeAnew"] and report["mended"], f"a damaged table: {report}")
    cluster.do("start-node", "1")
    load.wait_for(50)


def main():
    harness.need_programs(harness.LOAD, DAMAGE, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    with cluster_test.Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=4, pause_us=20000) as load:
            load.wait_for(200)
            # The load waits for a majority, which node1 may not be of.
            harness.wait_until(lambda: cluster.size(1) > max(LEAVES), "node1 has the leaves", cluster.logs)
            scrubbed_while_running(cluster, load)
            repaired_while_stopped(cluster, load)
            load.finish()
            cluster_test.wait_until_equal(cluster)
            cluster.do("stop")
            logs = [harness.read_log(f"file:{cluster.dir}/node{i}") for i in range(3)]
            harness.expect(all(log == logs[0] for log in logs), "the nodes hold different events")
            for i in range(3):
                events = harness.check_all(os.path.join(cluster.dir, f"node{i}"), load)
    print(f"{events} events on three nodes: one mended itself while it served, and was repaired from another")


if __name__ == "__main__":
    sys.exit(main())
