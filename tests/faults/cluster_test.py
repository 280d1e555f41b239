"""Three nodes and three etcd members under load, of which one node or one etcd member at a time is killed and started
again: nothing that was acknowledged is lost, doubled or moved, and in the end all nodes hold the same.

ANAMNESIS_KILLS: how many (9). ANAMNESIS_SEED: of the moments and victims (1)."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import harness

CLUSTER = os.path.join(os.environ.get("ANAMNESIS_SOURCE_DIR", "."), "deploy", "cluster")
# deploy/cluster has 15; nodes that join have the others.
PORTS = 20


def free_ports():
    """The first of as many ports in a row that nobody has."""
    moments = random.Random()
    while True:
        first = moments.randrange(20000, 30000, PORTS)
        try:
            for port in range(first, first + PORTS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


class Cluster:
    """deploy/cluster in a temporary directory; `with` starts and removes it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="anamnesis-cluster-")
        self.first = free_ports()
        self.key = os.path.join(self.dir, "ada.key")
        self.address = ",".join(f"127.0.0.1:{self.first + i}" for i in range(3))
        pki = os.path.join(self.dir, "pki")
        # For every `anamnesis` and load client from here on.
        os.environ.update(ANAMNESIS_TLS_CERTIFICATE=f"{pki}/person-ada.crt", ANAMNESIS_TLS_KEY=f"{pki}/person-ada.key",
                          ANAMNESIS_TLS_CA=f"{pki}/ca.crt")

    def do(self, *arguments):
        environment = dict(os.environ, ANAMNESIS_CLUSTER_DIR=self.dir, ANAMNESIS_CLUSTER_PORT=str(self.first))
        done = subprocess.run([CLUSTER, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120)
        harness.expect(done.returncode == 0, f"deploy/cluster {arguments}: {done.stdout} {done.stderr} {self.logs()}")

    def node_id(self, i):
        with open(os.path.join(self.dir, f"node{i}", "node-id")) as file:
            return file.read().strip()

    def pid(self, name):
        with open(os.path.join(self.dir, name + ".pid")) as file:
            return int(file.read())

    def signal(self, name, number):
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    def kill(self, name):
        pid = self.signal(name, signal.SIGKILL)
        # Not our child: wait until its ports are free.
        deadline = time.monotonic() + 10
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    break
            time.sleep(0.01)

    def logs(self):
        text = ""
        for i in range(3):
            path = os.path.join(self.dir, f"node{i}.log")
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    text += f"\n--- node{i}\n" + file.read()[-1500:]
        return text

    def etcdctl(self, *arguments):
        pki = os.path.join(self.dir, "pki")
        who = f"{pki}/etcd-client-{self.node_id(0)}"
        environment = dict(os.environ, ETCDCTL_API="3", ETCDCTL_CACERT=f"{pki}/etcd-ca.crt", ETCDCTL_CERT=f"{who}.crt",
                           ETCDCTL_KEY=f"{who}.key", ETCDCTL_ENDPOINTS=f"127.0.0.1:{self.first + 9}")
        return subprocess.run(["etcdctl", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)

    def root(self, i):
        out = harness.run("status", "--json", "--ledger", f"127.0.0.1:{self.first + i}").stdout
        return out if '"root"' in out else None

    def size(self, i):
        return int(json.loads(self.root(i) or "{}").get("treeSize", 0))

    def wait_until_serves(self):
        """Until node 0 shows what it has, and so takes part."""
        harness.wait_until(lambda: self.size(0) > 0, "the cluster serves", self.logs)

    def __enter__(self):
        try:
            self.do("start")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, kind, value, traceback):
        for name in [f"{what}{i}" for what in ("node", "etcd") for i in range(3)]:
            try:
                self.signal(name, signal.SIGKILL)
            except (OSError, ValueError):
                pass
        if kind is not None and os.environ.get("ANAMNESIS_KEEP"):
            print(f"kept {self.dir}", flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def kill_and_restart(cluster, load, moments, kills):
    for number in range(kills):
        load.wait_for(moments.randrange(1, 100))
        time.sleep(0.05 * moments.random())
        what, which = moments.choice(("node", "etcd")), moments.randrange(3)
        print(f"kill {number + 1}: {what}{which}, {load.acknowledged()} events acknowledged", flush=True)
        cluster.kill(f"{what}{which}")
        if moments.random() < 0.5:
            # The others go on without it.
            load.wait_for(20)
        cluster.do(f"start-{what}", str(which))


def wait_until_equal(cluster, nodes=(0, 1, 2)):
    """A node may still be fetching what others acknowledged."""
    deadline = time.monotonic() + 60
    while True:
        roots = [cluster.root(i) for i in nodes]
        if roots[0] is not None and len(set(roots)) == 1:
            return
        harness.expect(time.monotonic() < deadline, f"the nodes don't come to hold the same: {roots} {cluster.logs()}")
        time.sleep(0.2)


def main():
    harness.need_programs(harness.LOAD, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    kills = int(os.environ.get("ANAMNESIS_KILLS", "9"))
    seed = int(os.environ.get("ANAMNESIS_SEED", "1"))
    started = time.monotonic()
    with Cluster() as cluster:
        with harness.Load(cluster, cluster, cluster.dir, clients=2, in_flight=8) as load:
            load.wait_for(50)
            try:
                kill_and_restart(cluster, load, random.Random(seed), kills)
                load.wait_for(50)
                load.finish()
            except AssertionError as failure:
                raise AssertionError(f"{failure} {cluster.logs()}") from failure
            wait_until_equal(cluster)
            cluster.do("stop")
            logs = [harness.read_log(f"file:{cluster.dir}/node{i}") for i in range(3)]
            harness.expect(logs[0] == logs[1] == logs[2], "the nodes hold different events")
            events = 0
            for i in range(3):
                events = harness.check_all(os.path.join(cluster.dir, f"node{i}"), load)
            retried = len(load.retries())
    print(f"seed {seed}: {kills} kills of nodes and etcd members, {events} events, {retried} retries, "
          f"{time.monotonic() - started:.0f} s: every acknowledged event is there once, on all nodes")


if __name__ == "__main__":
    sys.exit(main())
