"""Three nodes and three etcd members under load. One node is down until the order has been compacted past it, starts
again and copies what it missed; then a fourth joins with an empty directory, and when the machine of another dies it
votes in its place. In the end all that are left hold the same."""

import json
import os
import signal
import subprocess
import sys
import time

import cluster_test
import harness

OPTIONS = ("--far-behind-revisions", "1000", "--compact-revisions", "50")
ORIGIN = "cluster.example/ledger"


def compacted_past(cluster, revision):
    """Whether etcd's history before `revision` is gone."""
    done = cluster.etcdctl("get", "nothing", "--rev", str(revision))
    return "has been compacted" in done.stderr


def revision(cluster):
    done = cluster.etcdctl("endpoint", "status", "--write-out", "json")
    harness.expect(done.returncode == 0, f"etcdctl: {done.stderr}")
    text = done.stdout
    return int(text.split('"revision":', 1)[1].split(",", 1)[0].rstrip("}"))


def log_of(cluster, name):
    with open(os.path.join(cluster.dir, name + ".log"), errors="replace") as file:
        return file.read()


def tree_size(address):
    done = harness.run("status", "--json", "--ledger", address)
    return int(json.loads(done.stdout)["treeSize"]) if done.returncode == 0 else None


def size_now(cluster):
    size = tree_size(f"127.0.0.1:{cluster.first}")
    harness.expect(size is not None, f"node0 doesn't answer: {cluster.logs()}")
    return size


def wait_until_caught_up(cluster, address, size):
    harness.wait_until(lambda: (tree_size(address) or 0) >= size, f"{size} events at {address}", cluster.logs,
                       seconds=120)


def miss_too_much(cluster, load):
    """Kills node 2 and starts it again when what it missed is gone from etcd."""
    missed = revision(cluster)
    cluster.kill("node2")
    load.wait_for(2500, seconds=180)
    harness.wait_until(lambda: compacted_past(cluster, missed + 1), "compaction", cluster.logs, seconds=120)
    cluster.do("start-node", "2")
    size = size_now(cluster)
    wait_until_caught_up(cluster, f"127.0.0.1:{cluster.first + 2}", size)
    harness.expect("the ledger is copied" in log_of(cluster, "node2"), f"node2 didn't copy: {cluster.logs()}")
    load.wait_for(100)


class Joined:
    """A node with an empty directory, taken in as a learner, or as a voter as soon as it has caught up. Its ports are
    `port` and the next, from the cluster's first."""

    def __init__(self, cluster, options=OPTIONS, directory=None, name="joined", port=12, voter=False):
        self.cluster = cluster
        self.name = name
        self.options = options
        self.dir = directory or os.path.join(cluster.dir, "node3")
        self.address = f"127.0.0.1:{cluster.first + port}"
        self.peer = f"127.0.0.1:{cluster.first + port + 1}"
        os.makedirs(self.dir, exist_ok=True)
        with open(os.path.join(self.dir, "node-id"), "w") as file:
            file.write(name + "\n")
        pki = os.path.join(cluster.dir, "pki")
        harness.run_well("pki", "new", pki, "--origin", ORIGIN, "--node", f"{name}=127.0.0.1,localhost")
        add = ["cluster", "add", name, "--address", self.peer, "--rationale", "one more site",
               "--ledger", cluster.address]
        if not voter:
            harness.run_well(*add)
            self.start()
            return
        # It catches up while it is waited for.
        with subprocess.Popen([os.path.join(harness.BIN, "anamnesis"), *add, "--voter"]) as adding:
            self.start()
            harness.expect(adding.wait(timeout=120) == 0, f"{name} doesn't become a voter: {self.log_tail()}")

    def start(self):
        pki, etcd = os.path.join(self.cluster.dir, "pki"), \
            ",".join(f"127.0.0.1:{self.cluster.first + 9 + i}" for i in range(3))
        with open(self.log_file(), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(harness.BIN, "anamnesisd"), "--dir", self.dir, "--listen", self.address, "--etcd", etcd,
                 "--etcd-prefix", "anamnesis/", "--peer-listen", self.peer, "--join", ORIGIN, *self.options,
                 "--tls-certificate", f"{pki}/node-{self.name}.crt", "--tls-key", f"{pki}/node-{self.name}.key",
                 "--tls-ca", f"{pki}/ca.crt", "--etcd-certificate", f"{pki}/etcd-client-{self.name}.crt",
                 "--etcd-key", f"{pki}/etcd-client-{self.name}.key", "--etcd-ca", f"{pki}/etcd-ca.crt"],
                stdout=subprocess.DEVNULL, stderr=log)

    def log_file(self):
        return os.path.join(self.cluster.dir, os.path.basename(self.dir) + ".log")

    def log_tail(self):
        with open(self.log_file(), errors="replace") as file:
            return file.read()[-2000:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        harness.expect(self.process.wait(timeout=60) == 0, f"{self.name} didn't stop well: {self.log_tail()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def replace_a_dead_machine(cluster, load, joined):
    cluster.kill("node1")
    load.wait_for(20)
    harness.run_well("cluster", "replace", cluster.node_id(1), "--with", "joined", "--address", joined.peer,
                     "--rationale", "its disk failed", "--ledger", cluster.address)
    status = json.loads(harness.run_well("cluster", "status", "--json", "--ledger", joined.address))["nodes"][0]
    voters = {member["node"]["node"] for member in status["members"] if member["voter"]}
    harness.expect(voters == {cluster.node_id(0), cluster.node_id(2), "joined"}, f"voters are {voters}")
    load.wait_for(100)


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd("etcdctl")
    os.environ["ANAMNESIS_CLUSTER_NODE_OPTIONS"] = " ".join(OPTIONS)
    started = time.monotonic()
    with cluster_test.Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=2, pause_us=20000) as load:
            load.wait_for(50)
            miss_too_much(cluster, load)
            with Joined(cluster) as joined:
                wait_until_caught_up(cluster, joined.address, size_now(cluster))
                load.wait_for(100)
                replace_a_dead_machine(cluster, load, joined)
                load.finish()
                size = size_now(cluster)
                for address in (joined.address, f"127.0.0.1:{cluster.first + 2}"):
                    wait_until_caught_up(cluster, address, size)
                joined.stop()
            cluster.do("stop")
            left = [0, 2, 3]
            logs = [harness.read_log(f"file:{cluster.dir}/node{i}") for i in left]
            harness.expect(all(log == logs[0] for log in logs), "the nodes hold different events")
            for i in left:
                events = harness.check_all(os.path.join(cluster.dir, f"node{i}"), load)
    print(f"{events} events on three nodes: one copied what it missed and one everything, "
          f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
