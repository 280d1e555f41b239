"""etcd is destroyed under load, with all its members' data, and the ledger taken to a new one: a node that starts again
as if nothing had happened refuses, `anamnesis cluster recover` brings all to one order, one node copies what it lacked,
and nothing that was acknowledged is lost or moved.

ANAMNESIS_SEED: of the moments (1)."""

import json
import os
import random
import shutil
import sys

import harness
from cluster_test import Cluster, wait_until_equal


def destroy_etcd(cluster):
    for i in range(3):
        cluster.kill(f"etcd{i}")
        shutil.rmtree(os.path.join(cluster.dir, f"etcd{i}"))


def copy_etcd(cluster):
    for i in range(3):
        cluster.do("stop-etcd", str(i))
    for i in range(3):
        shutil.copytree(os.path.join(cluster.dir, f"etcd{i}"), os.path.join(cluster.dir, f"etcd{i}.copy"))
        cluster.do("start-etcd", str(i))


def put_etcd_back(cluster):
    """As it was when it was copied."""
    destroy_etcd(cluster)
    for i in range(3):
        os.rename(os.path.join(cluster.dir, f"etcd{i}.copy"), os.path.join(cluster.dir, f"etcd{i}"))
        cluster.do("start-etcd", str(i))


def start_nodes(cluster, options, nodes=range(3)):
    os.environ["ANAMNESIS_CLUSTER_NODE_OPTIONS"] = options
    for i in nodes:
        cluster.do("start-node", str(i))
    del os.environ["ANAMNESIS_CLUSTER_NODE_OPTIONS"]


def has_ended(cluster, name):
    with open(os.path.join(cluster.dir, name + ".pid")) as file:
        path = f"/proc/{file.read().strip()}/stat"
    if not os.path.exists(path):
        return True
    with open(path) as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"


def refuses_a_new_etcd(cluster):
    """With the options that founded the cluster, and an etcd that knows nothing."""
    cluster.do("start-node", "0")
    harness.wait_until(lambda: has_ended(cluster, "node0"), "a node that finds an empty etcd ends")
    with open(os.path.join(cluster.dir, "node0.log")) as file:
        harness.expect("cluster recover" in file.read(), "it does not say what to do")


def recover(cluster, status=0, nodes=range(3)):
    addresses = ",".join(f"127.0.0.1:{cluster.first + i}" for i in nodes)
    done = harness.run("cluster", "recover", "--rationale", "its disks failed", "--ledger", addresses)
    harness.expect(done.returncode == status, f"recover: {done.returncode} {done.stdout} {done.stderr} "
                                              f"{cluster.logs()}")
    print(done.stderr + done.stdout, end="", flush=True)
    return done.stderr


def recorded_changes(cluster):
    log = harness.run_well("log", "--json", "--type", "cluster.members_changed", "--ledger", cluster.address)
    return sum('"event"' in line for line in log.splitlines())


def fenced_by_mistake(cluster):
    """Over their own etcd, which never was another's: the nodes go on in it, and nothing is recorded of it."""
    for i in range(3):
        cluster.do("stop-node", str(i))
    start_nodes(cluster, "--recover")
    recover(cluster)
    cluster.wait_until_serves()
    harness.expect(incarnations(cluster) == {"0"}, f"incarnations: {incarnations(cluster)}")
    harness.expect(recorded_changes(cluster) == 1, "more is recorded than who founded")


def refuses_an_etcd_put_back(cluster):
    """It would order other batches in the places of those that the nodes have applied since."""
    for i in range(3):
        cluster.kill(f"node{i}")
    put_etcd_back(cluster)
    start_nodes(cluster, "--recover")
    harness.expect("snapshot" in recover(cluster, status=2), "it does not say what is wrong with etcd")
    for i in range(3):
        harness.expect(os.path.exists(os.path.join(cluster.dir, f"node{i}", "fenced")), f"node{i} is fenced no more")
        cluster.do("stop-node", str(i))


def incarnations(cluster):
    status = json.loads(harness.run_well("cluster", "status", "--json", "--ledger", cluster.address))
    return {node["incarnation"] for node in status["nodes"]}


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    moments = random.Random(int(os.environ.get("ANAMNESIS_SEED", "1")))
    with Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=8) as load:
            load.wait_for(moments.randrange(50, 200))
            fenced_by_mistake(cluster)
            copy_etcd(cluster)
            load.wait_for(moments.randrange(50, 200), seconds=120)
            refuses_an_etcd_put_back(cluster)
            start_nodes(cluster, "--recover")
            destroy_etcd(cluster)
            for i in range(3):
                cluster.do("start-etcd", str(i))
            recover(cluster)
            load.wait_for(moments.randrange(50, 200), seconds=120)
            # One node is behind, and has to copy.
            cluster.kill("node2")
            load.wait_for(moments.randrange(100, 300))
            destroy_etcd(cluster)
            for i in range(2):
                cluster.kill(f"node{i}")
            for i in range(3):
                cluster.do("start-etcd", str(i))
            refuses_a_new_etcd(cluster)
            start_nodes(cluster, "--recover")
            recover(cluster)
            load.wait_for(100, seconds=120)
            # They are fenced no more, and a second recovery has nobody to lead.
            recover(cluster, status=2)
            # A recovery that broke off before its last steps: the etcd is theirs already, and that holds for one alone.
            cluster.do("stop-node", "1")
            start_nodes(cluster, "--recover", nodes=(1,))
            recover(cluster, nodes=(1,))
            load.wait_for(50, seconds=120)
            load.finish()
        wait_until_equal(cluster)
        harness.expect(incarnations(cluster) == {"2"}, f"incarnations: {incarnations(cluster)}")
        cluster.do("stop")
        logs = [harness.read_log(f"file:{cluster.dir}/node{i}") for i in range(3)]
        harness.expect(logs[0] == logs[1] == logs[2], "the nodes hold different events")
        for i in range(3):
            events = harness.check_all(os.path.join(cluster.dir, f"node{i}"), load)
        changes = harness.run_well("log", "--json", "--type", "cluster.members_changed",
                                   "--ledger", f"file:{cluster.dir}/node0")
        harness.expect('"header"' in changes, "the ledger does not record changes of its members")
    print(f"{events} events, {len(load.retries())} retries: every acknowledged event is there once, on all nodes")


if __name__ == "__main__":
    sys.exit(main())
