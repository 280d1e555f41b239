"""A cluster of three machines on this one: each has a node of the ledger and an etcd member, and each of the two an
address (a network namespace) and a file system of its own; clients have another address. Packets go through one process
that cuts, loses and delays them (network.cc), the file systems are real and small, and the whole lies in namespaces of
processes and mounts of its own, so that nothing is left when the test ends or is killed."""

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import harness
import history

TESTS = os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests")
NETWORK = "10.9.0"
MACHINES = (1, 2, 3)
# Who has which address.
NODES, MEMBERS, CLIENTS = (1, 2, 3), (4, 5, 6), 7
NODE_PORT, PEER_PORT, ETCD_PORT, ETCD_PEER_PORT = 7420, 7421, 2379, 2380
LATE_SECONDS = 90
# anamnesisd's exit status.
CAN_NOT_SERVE = 3
CUT_PPM = 1000000
# Revisions of etcd, while a load goes on.
UNDER_WAY = 100


def isolate():
    """Starts this program again as the first process of namespaces of its own, unless it is. With it ends whatever it
    started, and its mounts."""
    if os.environ.get("ANAMNESIS_ISOLATED"):
        return
    if os.geteuid() != 0:
        harness.skip("only root may make network namespaces and mount file systems")
    inside = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    for what, probe in (("namespaces", ["true"]), ("a TUN device", ["test", "-w", "/dev/net/tun"])):
        if subprocess.run([*inside, "--net", *probe], capture_output=True, check=False).returncode != 0:
            harness.skip(f"{what} can't be made here")
    os.environ["ANAMNESIS_ISOLATED"] = "1"
    os.execvp("unshare", [*inside, sys.executable, "-B", *sys.argv])


class Network:
    """The wire between the machines; see network.cc."""

    def __init__(self):
        self.process = subprocess.Popen([os.path.join(TESTS, "network"), NETWORK, str(CLIENTS)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.namespaces = {}
        for line in self.process.stdout:
            if line == "ready\n":
                return
            _, machine, descriptor = line.split()
            self.namespaces[int(machine)] = f"/proc/{self.process.pid}/fd/{descriptor}"
        raise AssertionError("the network doesn't come up")

    def enter(self, host):
        """What is put before a command so that it runs at an address."""
        return ["nsenter", f"--net={self.namespaces[host]}"]

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def link(self, sender, receiver, delay_ms=0, jitter_ms=0, loss=0.0, doubled=0.0):
        """What becomes of packets in one direction; with nothing said they pass."""
        words = [sender, receiver, delay_ms * 1000, jitter_ms * 1000, int(loss * CUT_PPM), int(doubled * CUT_PPM)]
        answer = self.ask("link " + " ".join(map(str, words)))
        harness.expect(answer == "ok", answer)

    def cut(self, some, others, both_ways=True):
        """Nothing passes from `some` to `others`, and neither back unless one way is meant."""
        for one in some:
            for other in others:
                if one == other:
                    continue
                self.link(one, other, loss=1.0)
                if both_ways:
                    self.link(other, one, loss=1.0)

    def heal(self):
        for sender in range(1, CLIENTS + 1):
            for receiver in range(1, CLIENTS + 1):
                if sender != receiver:
                    self.link(sender, receiver)

    def counts(self):
        """Packets (passed, dropped) since the last time."""
        _, passed, dropped = self.ask("counts").split()
        return int(passed), int(dropped)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, home, name, mebibytes):
        self.image = os.path.join(home, name + ".img")
        self.path = os.path.join(home, name)
        self.ballast = os.path.join(self.path, "ballast")
        os.mkdir(self.path)
        with open(self.image, "wb") as file:
            file.truncate(mebibytes << 20)
        for command in (["mkfs.ext4", "-q", "-m", "0", self.image], ["mount", "-o", "loop", self.image, self.path]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                harness.skip(f"no file system of its own for {name}: {done.stderr.strip()}")

    def fill(self):
        """Takes the space to the last byte."""
        with open(self.ballast, "ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 16, 1 << 12):
                try:
                    while True:
                        os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, size)
                except OSError:
                    continue

    def free(self):
        if os.path.exists(self.ballast):
            os.remove(self.ballast)

    def device(self):
        """MAJOR:MINOR."""
        number = os.stat(self.path).st_dev
        return f"{os.major(number)}:{os.minor(number)}"


class SlowDisks:
    """Limits the writes of this process's children by a control group, of either version. Made before they are
    started."""
    ROOT = "/sys/fs/cgroup"

    def __init__(self, root=ROOT):
        first = os.path.join(root, "blkio")
        self.version = 1 if os.path.isdir(first) else 2
        self.root = first if self.version == 1 else root
        self.group = os.path.join(self.root, f"anamnesis-{os.getpid()}-{time.monotonic_ns()}")
        self.limit = os.path.join(self.group, "blkio.throttle.write_iops_device" if self.version == 1 else "io.max")
        try:
            self._remove_left()
            if self.version == 2:
                # Groups below get the controller only when it is handed on.
                self._write(os.path.join(self.root, "cgroup.subtree_control"), "+io")
            os.mkdir(self.group)
            self.there = os.path.exists(self.limit)
            self._write(os.path.join(self.group, "cgroup.procs"), "0")
        except OSError:
            self.there = False

    @staticmethod
    def _write(path, text):
        with open(path, "w") as file:
            file.write(text)

    def _remove_left(self):
        """Groups of tests that were killed are empty."""
        for name in os.listdir(self.root):
            if name.startswith("anamnesis-"):
                try:
                    os.rmdir(os.path.join(self.root, name))
                except OSError:
                    continue

    def set(self, disk, writes_per_second):
        """0: no limit."""
        self._write(self.limit, self.line(disk.device(), writes_per_second))

    def line(self, device, writes_per_second):
        """As the file of this version takes it."""
        if self.version == 1:
            return f"{device} {writes_per_second}"
        return f"{device} wiops={writes_per_second or 'max'}"


class Clock:
    """The wall clock of one program, which can be set to another time while it runs; see wall_clock.cc."""

    def __init__(self, path):
        self.path = path
        self.set(0)

    def set(self, ahead_seconds):
        with open(self.path, "r+b" if os.path.exists(self.path) else "wb") as file:
            file.write(struct.pack("<q", ahead_seconds * 1000000000))

    def environment(self):
        return {"LD_PRELOAD": os.path.join(TESTS, "libwall_clock.so"), "ANAMNESIS_WALL_CLOCK": self.path}


class Process:
    """A program on a machine that is started again and again."""

    def __init__(self, name, log):
        self.name = name
        self.log_file = log
        self.log_begins = 0
        self.process = None

    def spawn(self, command, environment=None):
        with open(self.log_file, "ab") as log:
            self.log_begins = log.tell()
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(environment or {})})

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def terminate(self):
        """Asks it to end; returns its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=LATE_SECONDS)

    def memory_mib(self):
        """What it has for itself: without files that it has mapped."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"RssAnon:\s+(\d+) kB", file.read()).group(1)) / 1024

    def log_since_start(self):
        with open(self.log_file, errors="replace") as file:
            file.seek(self.log_begins)
            return file.read()

    def log_tail(self, size=1000):
        with open(self.log_file, errors="replace") as file:
            return file.read()[-size:]


class Machine:
    """One of the three: its addresses, its disks, its programs."""

    def __init__(self, cluster, number, node_disk_mib):
        self.cluster = cluster
        self.number = number
        self.node_host, self.etcd_host = NODES[number - 1], MEMBERS[number - 1]
        self.address = f"{NETWORK}.{self.node_host}:{NODE_PORT}"
        self.endpoint = f"{NETWORK}.{self.etcd_host}:{ETCD_PORT}"
        self.node_disk = Disk(cluster.dir, f"node{number}-disk", node_disk_mib)
        self.etcd_disk = Disk(cluster.dir, f"etcd{number}-disk", 512)
        self.ledger = os.path.join(self.node_disk.path, "ledger")
        self.etcd_data = os.path.join(self.etcd_disk.path, "data")
        self.node = Process(f"node{number}", os.path.join(cluster.dir, f"node{number}.log"))
        self.etcd = Process(f"etcd{number}", os.path.join(cluster.dir, f"etcd{number}.log"))
        self.clock = Clock(os.path.join(cluster.dir, f"clock{number}"))

    def start_etcd(self):
        urls = {number: f"https://{NETWORK}.{host}:{ETCD_PEER_PORT}" for number, host in zip(MACHINES, MEMBERS)}
        members = ",".join(f"etcd{number}={url}" for number, url in urls.items())
        pki, own = self.cluster.pki, f"etcd-member-etcd{self.number}"
        certificates = []
        for peer in ("", "peer-"):
            certificates += [f"--{peer}cert-file", pki(own + ".crt"), f"--{peer}key-file", pki(own + ".key"),
                             f"--{peer}trusted-ca-file", pki("etcd-ca.crt"), f"--{peer}client-cert-auth"]
        self.etcd.spawn([*self.cluster.network.enter(self.etcd_host), "etcd", "--name", f"etcd{self.number}",
                         "--data-dir", self.etcd_data,
                         "--logger", "zap", "--log-level", "warn",
                         "--listen-client-urls", f"https://{self.endpoint}",
                         "--advertise-client-urls", f"https://{self.endpoint}",
                         "--listen-peer-urls", urls[self.number],
                         "--initial-advertise-peer-urls", urls[self.number],
                         "--initial-cluster", members, "--initial-cluster-state", "new",
                         # As deploy/cluster has it.
                         "--heartbeat-interval", "50", "--election-timeout", "500", "--snapshot-count", "10000",
                         "--quota-backend-bytes", str(256 << 20), *certificates])

    def start_node(self, *more):
        machines, pki, own = self.cluster.machines.values(), self.cluster.pki, f"node{self.number}"
        voters = ",".join(f"node{machine.number}={NETWORK}.{machine.node_host}:{PEER_PORT}" for machine in machines)
        self.node.spawn([*self.cluster.network.enter(self.node_host), os.path.join(harness.BIN, "anamnesisd"),
                         "--dir", self.ledger, "--listen", self.address,
                         "--etcd", ",".join(machine.endpoint for machine in machines), "--etcd-prefix", "anamnesis/",
                         "--peer-listen", f"{NETWORK}.{self.node_host}:{PEER_PORT}", "--found-with", voters,
                         "--tls-certificate", pki(f"node-{own}.crt"), "--tls-key", pki(f"node-{own}.key"),
                         "--tls-ca", pki("ca.crt"), "--etcd-certificate", pki(f"etcd-client-{own}.crt"),
                         "--etcd-key", pki(f"etcd-client-{own}.key"), "--etcd-ca", pki("etcd-ca.crt"),
                         *self.cluster.node_options, *more], self.clock.environment())


class Cluster:
    """Three machines; `with` founds the ledger, starts everything and ends it. Without `session_ttl`, in seconds, the
    nodes' is the one that they are shipped with; so with `store_mib`, what their stores may take of memory."""

    def __init__(self, session_ttl=10, node_disk_mib=1024, store_mib=None):
        self.session_ttl = session_ttl
        self.node_options = () if session_ttl is None else ("--session-ttl", str(session_ttl))
        if store_mib is not None:
            self.node_options += ("--memory", str(store_mib))
        self.dir = tempfile.mkdtemp(prefix="anamnesis-machines-")
        self.slow_disks = SlowDisks()
        self.network = Network()
        self.machines = {number: Machine(self, number, node_disk_mib) for number in MACHINES}
        self.key = os.path.join(self.dir, "ada.key")
        self.loads = []
        # For every `anamnesis` and load client from here on.
        os.environ.update(ANAMNESIS_TLS_CERTIFICATE=self.pki("person-ada.crt"),
                          ANAMNESIS_TLS_KEY=self.pki("person-ada.key"), ANAMNESIS_TLS_CA=self.pki("ca.crt"))

    def pki(self, name=""):
        """A file of the test PKI."""
        return os.path.join(self.dir, "pki", name)

    def make_certificates(self, directory):
        """Those of all nodes, members and clients that are not in `directory` yet; the CAs in it sign them."""
        names = ["--person", "ada"]
        for machine in self.machines.values():
            names += ["--node", f"node{machine.number}={NETWORK}.{machine.node_host}"]
            names += ["--etcd", f"etcd{machine.number}={NETWORK}.{machine.etcd_host}"]
        harness.run_well("pki", "new", directory, "--origin", harness.ORIGIN, *names)

    def __enter__(self):
        harness.run_well("key", "new", "--out", self.key, "--name", "ada")
        founding = os.path.join(self.dir, "founding")
        harness.run_well("init", founding, "--origin", harness.ORIGIN, "--as", self.key)
        self.make_certificates(self.pki())
        for machine in self.machines.values():
            # Every node begins with the same founding events.
            shutil.copytree(founding, machine.ledger)
            with open(os.path.join(machine.ledger, "node-id"), "w") as file:
                file.write(f"node{machine.number}\n")
        for machine in self.machines.values():
            machine.start_etcd()
        for machine in self.machines.values():
            machine.start_node()
        for machine in self.machines.values():
            self.wait_until_serves(machine)
        return self

    def __exit__(self, kind, value, traceback):
        for process in self.processes():
            if process.running():
                process.kill()
        self.network.close()
        for machine in self.machines.values():
            for disk in (machine.node_disk, machine.etcd_disk):
                subprocess.run(["umount", "-l", disk.path], check=False)
        if kind is not None and kind is not SystemExit and os.environ.get("ANAMNESIS_KEEP"):
            print(f"kept {self.dir}", flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def processes(self):
        return [process for machine in self.machines.values() for process in (machine.node, machine.etcd)]

    def addresses(self, first):
        """All nodes, from one on."""
        return ",".join(self.machines[(first + i - 1) % 3 + 1].address for i in range(3))

    def status(self, machine, environment=None):
        """What the node says of itself, or None."""
        done = subprocess.run([*self.network.enter(CLIENTS), os.path.join(harness.BIN, "anamnesis"), "status", "--json",
                               "--ledger", machine.address], capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, **(environment or {})})
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_until(self, holds, what, seconds=LATE_SECONDS):
        deadline = time.monotonic() + seconds
        while not holds():
            harness.expect(time.monotonic() < deadline, f"{what}: not in {seconds} s{self.logs()}")
            time.sleep(0.1)

    def wait_until_serves(self, machine):
        """Until the node answers and takes appends. One that ended since it could not serve is started again, as a
        supervisor does: for a while there may be no etcd to be reached."""
        def serves():
            if not machine.node.running():
                harness.expect(machine.node.process.returncode == CAN_NOT_SERVE,
                               f"{machine.node.name} has ended with {machine.node.process.returncode}{self.logs()}")
                machine.start_node()
                return False
            status = self.status(machine)
            return status is not None and not status.get("refusingAppends")
        self.wait_until(serves, f"{machine.node.name} serves")

    def nodes_are_level(self):
        """Whether every node hears all of them, and none lacks more than what is under way."""
        for machine in self.machines.values():
            done = subprocess.run([*self.network.enter(CLIENTS), os.path.join(harness.BIN, "anamnesis"), "cluster",
                                   "status", "--json", "--ledger", machine.address],
                                  capture_output=True, text=True, timeout=60, check=False)
            if done.returncode != 0:
                return False
            status = json.loads(done.stdout)["nodes"][0]
            if not all(member.get("heard") and
                       int(member["appliedRevision"]) + UNDER_WAY >= int(status["watchedRevision"])
                       for member in status["members"]):
                return False
        return True

    def recover(self):
        """Takes the ledger to the etcd that is there, which knows nothing, over nodes started for it."""
        done = subprocess.run([*self.network.enter(CLIENTS), os.path.join(harness.BIN, "anamnesis"), "cluster",
                               "recover", "--rationale", "etcd is lost", "--wait", str(LATE_SECONDS),
                               "--ledger", self.addresses(1)],
                              capture_output=True, text=True, timeout=2 * LATE_SECONDS, check=False)
        harness.expect(done.returncode == 0,
                       f"recover: {done.returncode} {done.stdout} {done.stderr}{self.logs()}")

    def etcd_status(self):
        """What each member that answers says, with its endpoint."""
        command = [*self.network.enter(CLIENTS), "etcdctl", "--command-timeout", "3s", "--endpoints",
                   ",".join(machine.endpoint for machine in self.machines.values()), "--cacert",
                   self.pki("etcd-ca.crt"), "--cert", self.pki("etcd-client-node1.crt"), "--key",
                   self.pki("etcd-client-node1.key"), "endpoint", "status", "-w", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "ETCDCTL_API": "3"})
        return [(member["Endpoint"], member["Status"]) for member in json.loads(done.stdout or "[]")]

    def etcd_leader(self):
        """The machine whose member leads, or None."""
        for endpoint, status in self.etcd_status():
            if status.get("leader", 0) == status["header"]["member_id"]:
                return next(one for one in self.machines.values() if one.endpoint == endpoint)
        return None

    def etcd_is_level(self):
        """Whether all members answer, and none lacks more than what is under way."""
        applied = [status.get("raftAppliedIndex", 0) for _, status in self.etcd_status()]
        return len(applied) == len(self.machines) and max(applied) <= min(applied) + UNDER_WAY

    def wait_until_equal(self):
        """Until all nodes serve the same tree; returns its size. Nothing may be appended meanwhile."""
        seen = []

        def equal():
            seen[:] = [self.status(machine) for machine in self.machines.values()]
            return None not in seen and len({(status["treeSize"], status["root"]) for status in seen}) == 1
        try:
            self.wait_until(equal, "all nodes hold the same")
        except AssertionError as failure:
            raise AssertionError(f"{[(one or {}).get('treeSize') for one in seen]} {failure}") from failure
        return int(seen[0]["treeSize"])

    def stop(self):
        """Ends all nodes, then all members, in an orderly way."""
        for machine in self.machines.values():
            status = machine.node.terminate()
            harness.expect(status == 0, f"{machine.node.name} ended with {status}{self.logs()}")
        for machine in self.machines.values():
            machine.etcd.terminate()

    def more_load(self, **options):
        """Clients whose histories are checked with all others in the end."""
        self.loads.append(MachinesLoad(self, name=f"load{len(self.loads)}", **options))
        return self.loads[-1]

    def history(self):
        """Of all clients together."""
        seen = history.History()
        for load in self.loads:
            load.parse_into(seen)
        return seen

    def check(self):
        """Of the stopped cluster: every node holds the same events, sound, and they agree with what the clients saw."""
        logs = []
        for machine in self.machines.values():
            logs.append(harness.read_log("file:" + machine.ledger))
            harness.fsck(machine.ledger)
        roots = [json.loads(harness.run_well("status", "--json", "--ledger", "file:" + machine.ledger))["root"]
                 for machine in self.machines.values()]
        harness.expect(logs[0] == logs[1] == logs[2], f"the nodes hold different events: {[len(log) for log in logs]}")
        harness.expect(len(set(roots)) == 1, f"the nodes have different roots: {roots}")
        harness.check_history(self.history(), logs[0])
        return len(logs[0])

    def logs(self):
        return "".join(f"\n--- {process.name}\n{process.log_tail()}" for process in self.processes())


class MachinesLoad(harness.Load):
    """Clients of a cluster of machines, at the clients' address: some that append each to a stream of its own, through
    different nodes first, and some that contend for one stream and ask all nodes how they are (contend_load.cc)."""

    def __init__(self, cluster, appending=3, contending=2, in_flight=8, pause_us=10000, body_bytes=200, name="load"):
        enter = cluster.network.enter(CLIENTS)
        self.clients = []
        for number in range(appending):
            stream = f"{name}/{number}"
            command = [harness.LOAD, cluster.addresses(number + 1), cluster.key, stream, in_flight, pause_us,
                       body_bytes]
            self.clients.append(harness.Client(command, stream, os.path.join(cluster.dir, f"{name}-{number}"), enter))
        for number in range(contending):
            command = [os.path.join(TESTS, "contend_load"), cluster.addresses(number + 1), cluster.key,
                       f"{name}/contended", 30000]
            self.clients.append(harness.Client(command, f"{name}/contended",
                                               os.path.join(cluster.dir, f"{name}-contended-{number}"), enter))

    def wait_for_each(self, seconds=LATE_SECONDS):
        """Waits until every client had something acknowledged that it has not now."""
        self.acknowledged()
        before = [len(client.acks) for client in self.clients]
        deadline = time.monotonic() + seconds
        while any(len(client.acks) == count for client, count in zip(self.clients, before)):
            self.check_alive()
            late = [client.out for client, count in zip(self.clients, before) if len(client.acks) == count]
            harness.expect(time.monotonic() < deadline, f"no progress in {seconds} s of {late}: {self.retries()[-5:]}")
            time.sleep(0.05)
            self.acknowledged()

    def gaps(self, begin, end):
        """Between two times of time.monotonic_ns(), in seconds: the longest in which nobody was acknowledged anything,
        and the longest of any one client."""
        self.acknowledged()
        alone = max(history.longest_gap(client.acks, begin, end) for client in self.clients)
        together = history.longest_gap(sorted(ack for client in self.clients for ack in client.acks), begin, end)
        return together / 1e9, alone / 1e9
