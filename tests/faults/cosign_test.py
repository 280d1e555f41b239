"""Three nodes of one ledger that cosign checkpoints for one another: each only over what it has read back and verified
itself. One is killed and catches up; of another a leaf is altered on disk, and it refuses and says which."""

import json
import os
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "remote"))
os.environ["ANAMNESIS_CLUSTER_HTTP"] = "1"
import cluster_test  # noqa: E402
import harness  # noqa: E402
import tlog_reader  # noqa: E402

DAMAGE = os.path.join(os.path.dirname(harness.LOAD), "damage_leaf")


class CosigningCluster(cluster_test.Cluster):
    def node(self, i):
        return f"127.0.0.1:{self.first + i}"

    def status(self, i):
        done = harness.run("checkpoint", "--status", "--json", "--ledger", self.node(i))
        return done.returncode, json.loads(done.stdout) if done.stdout else {}

    def own(self, i):
        _, status = self.status(i)
        return next((log for log in status.get("logs", []) if log["origin"] == status["origin"]), {})

    def cosigners(self, i):
        """Whose cosignatures are on the checkpoint that node i publishes, verified, and its size."""
        done = harness.run("checkpoint", "--witnessed", "--ledger", self.node(i))
        if done.returncode != 0:
            return set(), 0
        signed = set()
        for k, key in enumerate(self.keys()):
            try:
                tlog_reader.verify_note(done.stdout, key)
                signed.add(k)
            except AssertionError:
                pass
        return signed, tlog_reader.parse_checkpoint(done.stdout)[1]

    def keys(self):
        with open(os.path.join(self.dir, "witness.policy")) as file:
            return [line.split()[2] for line in file if line.startswith("witness ")]

    def log_key(self):
        with open(os.path.join(self.dir, "witness.policy")) as file:
            return next(line.split()[1] for line in file if line.startswith("log "))

    def append(self, events):
        lines = os.path.join(self.dir, "events.jsonl")
        with open(lines, "w") as file:
            for i in range(events):
                file.write(json.dumps({"stream": "person/ada", "type": "document.referenced",
                                       "refs": [f"document=document:d{i}"],
                                       "body": {"title": "t", "mediaType": "text/plain"}}) + "\n")
        said = harness.run_well("append", "--jsonl", lines, "--as", self.key, "--ledger", self.address, "--json")
        return int(json.loads(said)["indexes"][-1]) + 1

    def reader(self, i, certificate):
        pki = os.path.join(self.dir, "pki")
        context = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        if certificate:
            context.load_cert_chain(f"{pki}/{certificate}.crt", f"{pki}/{certificate}.key")
        return tlog_reader.Log(f"https://127.0.0.1:{self.first + 12 + i}", context)

    def expect_cosigned(self, nodes, size, by):
        for i in nodes:
            harness.wait_until(lambda: self.cosigners(i)[1] >= size and self.cosigners(i)[0] >= by,
                               f"node{i}: {size} events cosigned by {by}",
                               lambda: f"{self.cosigners(i)} {self.status(i)} {self.logs()}", 90)


def check_access(cluster):
    reader = cluster.reader(0, "person-ada")
    reader.check(cluster.log_key())
    try:
        cluster.reader(0, None).fetch("checkpoint")
    except OSError:
        return
    raise AssertionError("a reader without a certificate is served")


def main():
    harness.need_programs(harness.LOAD, DAMAGE, os.path.join(harness.BIN, "anamnesisd"))
    harness.need_etcd()
    with CosigningCluster() as cluster:
        everybody = {0, 1, 2}
        size = cluster.append(300)
        cluster.expect_cosigned(everybody, size, everybody)
        check_access(cluster)
        policy = os.path.join(cluster.dir, "witness.policy")
        receipt = os.path.join(cluster.dir, "receipt.tlog-proof")
        harness.run_well("receipt", size - 1, "--witnessed", "--wait", 60, "--out", receipt, "--ledger",
                         cluster.address)
        harness.run_well("verify", receipt, "--policy", policy)

        # Two go on without the third, which catches up and cosigns again.
        cluster.kill("node2")
        size = cluster.append(200)
        cluster.expect_cosigned({0, 1}, size, {0, 1})
        harness.expect(2 not in cluster.cosigners(0)[0], "a killed node has cosigned")
        cluster.do("start-node", "2")
        size = cluster.append(10)
        cluster.expect_cosigned(everybody, size, everybody)

        # What lies on node1's disk and was not cosigned yet: it is given leaves while it doesn't cosign.
        cluster.do("stop-node", "1")
        cosigner = os.path.join(cluster.dir, "node1", "cosigner.key")
        environment = dict(os.environ)
        del os.environ["ANAMNESIS_CLUSTER_HTTP"]
        cluster.do("start-node", "1")
        size = cluster.append(50)
        harness.wait_until(lambda: f'"treeSize":"{size}"' in harness.run(
            "status", "--json", "--ledger", cluster.node(1)).stdout.replace(" ", ""), "node1 has everything")
        cluster.do("stop-node", "1")
        altered = size - 20
        done = subprocess.run([DAMAGE, os.path.join(cluster.dir, "node1"), str(altered)], check=False)
        harness.expect(done.returncode == 0 and os.path.exists(cosigner), "no leaf was altered")
        os.environ.update(environment)
        cluster.do("start-node", "1")
        size = cluster.append(5)
        cluster.expect_cosigned({0, 2}, size, {0, 2})
        harness.wait_until(lambda: cluster.own(1).get("refused"), "node1 refuses", lambda: str(cluster.status(1)))
        code, status = cluster.status(1)
        said = cluster.own(1)["refused"]
        harness.expect(code == 1 and f"leaf {altered}:" in said, f"{code} {status}")
        harness.expect(int(cluster.own(1)["cosignedSize"]) <= altered, f"{status}")
        with open(os.path.join(cluster.dir, "node1.log")) as log:
            harness.expect(f"DOES NOT COSIGN: leaf {altered}:" in log.read(), "the log says nothing")
        for _ in range(3):
            size = cluster.append(5)
            cluster.expect_cosigned({0, 2}, size, {0, 2})
            harness.expect(1 not in cluster.cosigners(0)[0], "a node with an altered leaf has cosigned")
        cluster.do("stop")
    print(f"node1 refused: {said}")


if __name__ == "__main__":
    sys.exit(main())
