"""What the ledger itself costs in a cluster: `anamnesis bench append` against three nodes, and in the same run, turn by
turn, against three nodes that replicate the same bytes through the same code without looking into them (raw_node.cc),
and order records in etcd alone (etcd_load.cc). Three etcd members serve all, everything speaks TLS, and all share one
machine, so that the figures to go by are ratios of one round and CPU seconds an event, not events a second.

  tests/bench/replication_bench.py [ROUNDS [SECONDS]]     3 rounds of turns of 5 seconds; prints a table, then JSON

ANAMNESIS_BUILD_DIR and ANAMNESIS_BIN_DIR as for the tests."""

import json
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import cluster_test  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position

TESTS = os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests")
# (events a run, runs in flight)
LOADS = ((1, 1), (1, 64), (1, 256), (100, 16), (100, 64))
ETCD_IN_FLIGHT = (1, 64)
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class RawNodes:
    """Three raw_nodes with the certificates of a cluster's nodes, beside it."""

    def __init__(self, cluster):
        self.cluster = cluster
        first = cluster_test.free_ports()
        self.address = f"127.0.0.1:{first}"
        self.processes = []
        ids = [cluster.node_id(i) for i in range(3)]
        etcd = ",".join(f"127.0.0.1:{cluster.first + 9 + i}" for i in range(3))
        voters = ",".join(f"{ids[i]}=127.0.0.1:{first + 3 + i}" for i in range(3))
        pki = os.path.join(cluster.dir, "pki")
        ports = []
        for i, name in enumerate(ids):
            home = os.path.join(cluster.dir, f"raw{i}")
            os.mkdir(home)
            with open(os.path.join(home, "node-id"), "w") as file:
                file.write(name + "\n")
            ports.append(os.path.join(home, "port"))
            with open(os.path.join(home, "log"), "wb") as log:
                self.processes.append(subprocess.Popen(
                    [os.path.join(TESTS, "raw_node"), "--dir", home, "--listen", f"127.0.0.1:{first + i}",
                     "--port-file", ports[-1], "--etcd", etcd, "--etcd-prefix", "raw/",
                     "--peer-listen", f"127.0.0.1:{first + 3 + i}", "--found-with", voters,
                     "--tls-certificate", f"{pki}/node-{name}.crt", "--tls-key", f"{pki}/node-{name}.key",
                     "--tls-ca", f"{pki}/ca.crt", "--etcd-certificate", f"{pki}/etcd-client-{name}.crt",
                     "--etcd-key", f"{pki}/etcd-client-{name}.key", "--etcd-ca", f"{pki}/etcd-ca.crt"],
                    stdout=log, stderr=log))
        harness.wait_until(lambda: all(os.path.exists(port) for port in ports), "the raw nodes serve", self.log)

    def log(self):
        text = ""
        for i in range(3):
            with open(os.path.join(self.cluster.dir, f"raw{i}", "log"), errors="replace") as file:
                text += f"\n--- raw{i}\n" + file.read()[-1500:]
        return text

    def pids(self):
        return [process.pid for process in self.processes]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


class Bench:
    def __init__(self, cluster, raw, seconds):
        self.cluster, self.raw, self.seconds = cluster, raw, seconds
        self.nodes = {"ledger": [cluster.pid(f"node{i}") for i in range(3)], "raw": raw.pids()}
        self.etcd = [cluster.pid(f"etcd{i}") for i in range(3)]

    def append(self, path, run, in_flight, seconds=None):
        """One turn: what the client saw, and what nodes and etcd used of the CPU for it."""
        address = f"127.0.0.1:{self.cluster.first}" if path == "ledger" else self.raw.address
        nodes, etcd = cpu_seconds(self.nodes[path]), cpu_seconds(self.etcd)
        seen = json.loads(harness.run_well("bench", "append", "--json", "--run", run, "--inflight", in_flight,
                                           "--seconds", seconds or self.seconds, "--as", self.cluster.key,
                                           "--ledger", address))
        harness.expect(seen["errors"] == 0, f"{path}: {seen}")
        micro = 1e6 / seen["events"]
        return {"events_per_second": seen["events_per_second"], "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"],
                "node_us": (cpu_seconds(self.nodes[path]) - nodes) * micro,
                "etcd_us": (cpu_seconds(self.etcd) - etcd) * micro, "client_us": seen["cpu_seconds"] * micro}

    def order(self, in_flight):
        pki, node = os.path.join(self.cluster.dir, "pki"), self.cluster.node_id(0)
        endpoints = ",".join(f"127.0.0.1:{self.cluster.first + 9 + i}" for i in range(3))
        etcd = cpu_seconds(self.etcd)
        done = subprocess.run([os.path.join(TESTS, "etcd_load"), endpoints, "alone/", f"{pki}/etcd-client-{node}.crt",
                               f"{pki}/etcd-client-{node}.key", f"{pki}/etcd-ca.crt", str(in_flight),
                               str(self.seconds)], capture_output=True, text=True, timeout=300, check=False)
        harness.expect(done.returncode == 0, done.stderr)
        seen = json.loads(done.stdout)
        micro = 1e6 / seen["transactions"]
        return {"events_per_second": seen["per_second"], "p50_ms": seen["p50_ms"], "p99_ms": seen["p99_ms"],
                "node_us": 0.0, "etcd_us": (cpu_seconds(self.etcd) - etcd) * micro,
                "client_us": seen["cpu_seconds"] * micro}


def median(turns):
    return {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}


def row(what, figures):
    print(f"{what:42} {figures['events_per_second']:9.0f} {figures['p50_ms']:8.2f} {figures['p99_ms']:8.2f} "
          f"{figures['node_us']:9.1f} {figures['etcd_us']:9.1f} {figures['client_us']:10.1f}", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
    harness.need_programs(os.path.join(TESTS, "raw_node"), os.path.join(TESTS, "etcd_load"))
    harness.need_etcd()
    turns = {}
    with cluster_test.Cluster() as cluster, RawNodes(cluster) as raw:
        cluster.wait_until_serves()
        bench = Bench(cluster, raw, seconds)
        for path in bench.nodes:
            bench.append(path, 1, 1, seconds=2)
        for _ in range(rounds):
            for run, in_flight in LOADS:
                for path in ("ledger", "raw"):
                    turns.setdefault((path, run, in_flight), []).append(bench.append(path, run, in_flight))
            for in_flight in ETCD_IN_FLIGHT:
                turns.setdefault(("etcd", 0, in_flight), []).append(bench.order(in_flight))
    print(f"medians of {rounds} turns of {seconds:g} s; CPU in microseconds an event (etcd alone: a transaction), all "
          f"three nodes and all three members together, load average {os.getloadavg()[0]:.1f}")
    print(f"{'':42} {'per s':>9} {'p50 ms':>8} {'p99 ms':>8} {'nodes us':>9} {'etcd us':>9} {'client us':>10}")
    result = {"rounds": rounds, "seconds": seconds, "paths": [], "ledger_to_raw": []}
    for (path, run, in_flight), seen in turns.items():
        figures = median(seen)
        row(f"{path}, " + (f"runs of {run}, {in_flight} in flight" if run else f"{in_flight} in flight"), figures)
        result["paths"].append({"path": path, "run": run, "in_flight": in_flight, **figures})
    for run, in_flight in LOADS:
        pairs = list(zip(turns["ledger", run, in_flight], turns["raw", run, in_flight]))
        ratios = {name: statistics.median(one[name] / other[name] for one, other in pairs)
                  for name in ("events_per_second", "p50_ms", "node_us")}
        print(f"ledger to raw, runs of {run}, {in_flight} in flight: {ratios['events_per_second']:.2f} of the events a "
              f"second, {ratios['p50_ms']:.2f} of the latency, {ratios['node_us']:.2f} of the nodes' CPU an event")
        result["ledger_to_raw"].append({"run": run, "in_flight": in_flight, **ratios})
    print(json.dumps(result))


if __name__ == "__main__":
    sys.exit(main())
