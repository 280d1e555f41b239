"""Two nodes with a ledger each that witness one another, through the real programs: cosigned checkpoints and receipts,
a log over HTTP as third parties read it, and what a witness says to one who asks wrongly, rolls back or forks."""

import base64
import concurrent.futures
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time

import nacl.signing

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402
import tlog_reader  # noqa: E402

GO_CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tlog_client", "main.go")
GO_PATH = "/usr/share/gocode"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Log:
    """A ledger with a node that cosigns as itself."""

    def __init__(self, home, name):
        self.origin = f"{name}.example/ledger"
        self.home = os.path.join(home, name)
        os.makedirs(self.home)
        self.dir = os.path.join(self.home, "ledger")
        self.person = os.path.join(self.home, "ada.key")
        harness.run_well("key", "new", "--out", self.person, "--name", "ada")
        harness.run_well("init", self.dir, "--origin", self.origin, "--as", self.person)
        own = os.path.join(self.dir, "cosigner.key")
        harness.run_well("key", "new", "--out", own, "--name", f"{self.origin}/node/{name}")
        self.key = harness.run_well("key", "show", os.path.join(self.dir, "checkpoint.key")).strip()
        self.cosigner = harness.run_well("key", "show", "--cosigner", own).strip()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.node = None

    def witnessed_by(self, other):
        """The policy under which what `other` has cosigned counts; and the file that lets us cosign `other`."""
        self.policy = os.path.join(self.home, "policy")
        with open(self.policy, "w") as file:
            file.write(f"log {self.key}\nwitness w {other.cosigner} {other.url}\nquorum w\n")
        logs = os.path.join(self.home, "logs")
        with open(logs, "w") as file:
            file.write(f"log {other.key}\nquorum none\n")
        self.node = harness.Node(self.dir, self.home, [
            "--http-listen", self.url[len("http://"):], "--witness-policy", self.policy, "--witness-for", logs,
            "--checkpoint-interval", "0.1"])

    def append(self, events=1, *more):
        lines = os.path.join(self.home, "events.jsonl")
        with open(lines, "w") as file:
            for i in range(events):
                file.write(json.dumps({"stream": "person/ada", "type": "document.referenced",
                                       "refs": [f"document=document:d{i}"],
                                       "body": {"title": "t", "mediaType": "text/plain"}}) + "\n")
        done = harness.run("append", "--jsonl", lines, "--as", self.person, "--ledger", self.node.address, "--json",
                           *more)
        harness.expect(done.returncode == 0, f"append: {done.stderr}")
        return [int(index) for index in json.loads(done.stdout)["indexes"]], done.stderr

    def status(self):
        done = harness.run("checkpoint", "--status", "--json", "--ledger", self.node.address)
        return done.returncode, json.loads(done.stdout)

    def sign(self, size, root):
        """A checkpoint by the log's own key, whatever it says."""
        with open(os.path.join(self.dir, "checkpoint.key")) as file:
            key = nacl.signing.SigningKey(base64.b64decode(file.read().strip().split("+", 4)[4])[1:])
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        blob = bytes.fromhex(self.key.split("+")[1]) + key.sign(text.encode()).signature
        return f"{text}\n— {self.origin} {base64.b64encode(blob).decode()}\n"


def add_checkpoint(url, old, proof, note):
    body = f"old {old}\n" + "".join(line + "\n" for line in proof) + "\n" + note
    return tlog_reader.Log(url).status("add-checkpoint", body.encode())


def check_witnessed(ours, other):
    indexes, said = ours.append(300, "--wait-witnessed", "60", "--receipt", ours.home)
    harness.expect("witnessed up to" in said, said)
    receipt = os.path.join(ours.home, f"{indexes[0]}.tlog-proof")
    harness.run_well("verify", receipt, "--policy", ours.policy)
    harness.run_well("verify", receipt, "--key", ours.key)
    note = harness.run_well("checkpoint", "--witnessed", "--ledger", ours.node.address)
    tlog_reader.verify_note(note, ours.key)
    _, seconds = tlog_reader.verify_note(note, other.cosigner)
    harness.expect(abs(seconds - time.time()) < 600, f"cosigned at {seconds}")
    path = os.path.join(ours.home, "checkpoint")
    with open(path, "w") as file:
        file.write(note)
    harness.run_well("verify", path, "--policy", ours.policy)
    # Without the cosignature, and with it under a policy that wants another witness, it is below the quorum.
    plain = os.path.join(ours.home, "plain")
    with open(plain, "w") as file:
        file.write(harness.run_well("checkpoint", "--ledger", ours.node.address))
    below = harness.run("verify", plain, "--policy", ours.policy)
    harness.expect(below.returncode == 1, f"a checkpoint that nobody witnessed passes: {below.stdout}")
    strict = os.path.join(ours.home, "strict")
    with open(strict, "w") as file:
        file.write(f"log {ours.key}\nwitness w {other.cosigner}\nwitness x {other_key(other)}\n"
                   "group g all w x\nquorum g\n")
    below = harness.run("verify", receipt, "--policy", strict)
    harness.expect(below.returncode == 1 and "NOT VERIFIED" in below.stdout, f"below the quorum: {below.stdout}")
    harness.run_well("receipt", indexes[-1], "--witnessed", "--wait", 30, "--ledger", ours.node.address, "--out",
                     os.path.join(ours.home, "last"))
    harness.run_well("verify", os.path.join(ours.home, "last.tlog-proof"), "--policy", ours.policy)
    code, status = ours.status()
    harness.expect(code == 0 and int(status["witnessedSize"]) > indexes[-1], f"{status}")
    check_refreshed(ours, other, os.path.join(ours.home, "last.tlog-proof"))


def check_refreshed(ours, other, receipt):
    """A witnessed receipt is only ever replaced by a witnessed one, by the policy as by the key."""
    def refresh(*options):
        return harness.run("receipt", "--refresh", receipt, "--ledger", ours.node.address, *options)

    for options in (("--policy", ours.policy), ("--key", ours.key), ()):
        with open(receipt, encoding="utf-8") as file:
            before = file.read()
        ours.append(1, "--wait-witnessed", "60")
        # The newest may miss the node's own cosignature for a moment, which only a policy says is not needed.
        done = refresh(*options)
        while options[:1] != ("--policy",) and done.returncode == 2 and "is cosigned by" in done.stderr:
            done = refresh(*options)
        harness.expect(done.returncode == 0, f"{options}: {done.returncode} {done.stderr}")
        with open(receipt, encoding="utf-8") as file:
            after = file.read()
        harness.expect(after != before and other.cosigner.split("+")[0] in after, f"{options}: {after}")
        harness.run_well("verify", receipt, "--policy", ours.policy)
    # One that nobody else witnesses: the witness of its line has never cosigned here.
    line = after.rpartition("\n\n")[2].split("\n")[-2]
    strange = after + line.replace(line.split(" ")[1], "witness.example/gone") + "\n"
    with open(receipt, "w", encoding="utf-8") as file:
        file.write(strange)
    done = refresh("--key", ours.key)
    harness.expect(done.returncode == 2 and "witness.example/gone" in done.stderr, f"{done.returncode} {done.stderr}")
    with open(receipt, encoding="utf-8") as file:
        harness.expect(file.read() == strange, "it was replaced")
    done = refresh("--policy", ours.policy)
    harness.expect(done.returncode == 0, f"the policy doesn't ask for it: {done.stderr}")
    cose = receipt.replace(".tlog-proof", ".cose")
    harness.run_well("receipt", 0, "--cose", "--out", cose, "--ledger", ours.node.address)
    done = harness.run("receipt", "--refresh", cose, "--witnessed", "--ledger", ours.node.address)
    harness.expect(done.returncode == 2 and "COSE has no cosignatures" in done.stderr, f"{done}")


def other_key(log):
    """The verifier key of a witness that nobody is."""
    name = log.origin + "/nobody"
    public = bytes([4]) + bytes(nacl.signing.SigningKey(b"n" * 32).verify_key)
    key_id = hashlib.sha256(name.encode() + b"\n" + public).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(public).decode()}"


def check_tiles(log):
    reader = tlog_reader.Log(log.url)
    origin, size, _ = reader.check(log.key)
    harness.expect(origin == log.origin and size > 300, f"{origin} {size}")
    for path, why in ((f"tile/0/001.p/{size - 255}", "wider than the log"), ("tile/0/002.p/1", "beyond the log"),
                      ("tile/1/000.p/2", "a level that isn't full"), ("tile/entries/002.p/1", "beyond the log"),
                      ("tile/0/1", "another spelling"), ("tile/0/000.p/256", "another spelling"),
                      ("tile/0/000?x=1", "a query"), ("", "no path"), ("etc/passwd", "no such path")):
        status, headers, _ = reader.status(path)
        harness.expect(status == 404 and headers["Cache-Control"] == "no-store", f"{why}: {path}: {status}")
    full = reader.fetch("tile/0/000")[1]
    harness.expect("immutable" in full["Cache-Control"] and full["Content-Type"] == "application/octet-stream",
                   str(full))
    harness.expect(reader.fetch("checkpoint")[1]["Cache-Control"] == "no-cache", "the checkpoint is cached")
    harness.expect(reader.status("add-checkpoint")[0] == 405, "GET add-checkpoint")
    harness.expect(reader.status("checkpoint", b"x")[0] == 405, "POST checkpoint")
    return size


def check_third_party(log, size):
    """golang.org/x/mod/sumdb, as Debian packages it, reads our tiles and verifies our notes."""
    if shutil.which("go") is None or not os.path.isdir(os.path.join(GO_PATH, "src/golang.org/x/mod/sumdb/tlog")):
        print("no Go client was tried: golang-go and golang-golang-x-mod-dev are not installed", flush=True)
        return
    environment = dict(os.environ, GO111MODULE="off", GOPATH=GO_PATH, GOFLAGS="",
                       GOCACHE=os.path.join(log.home, "go-cache"))
    done = subprocess.run(["go", "run", GO_CLIENT, log.url, log.key], env=environment, capture_output=True, text=True,
                          timeout=300)
    harness.expect(done.returncode == 0 and f"{size} leaves" in done.stdout, f"{done.stdout} {done.stderr}")
    print(done.stdout.strip(), flush=True)


def check_conflicts(log, witness, size):
    note = tlog_reader.Log(log.url).fetch("checkpoint")[0].decode()
    status, headers, body = add_checkpoint(witness.url, 0, [], note)
    harness.expect((status, body) == (409, f"{size}\n".encode()) and headers["Content-Type"] == "text/x.tlog.size",
                   f"{status} {headers} {body}")
    harness.expect(add_checkpoint(witness.url, size, [], note)[0] == 200, "the same once more")
    harness.expect(add_checkpoint(witness.url, size + 1, [], note)[0] == 400, "old is larger")
    harness.expect(add_checkpoint(witness.url, size, [], note.replace(log.origin, "nobody.example"))[0] == 404, "404")
    text, _, line = note.rpartition("\n\n")
    other = text.replace(f"\n{size}\n", f"\n{size + 1}\n")
    harness.expect(add_checkpoint(witness.url, size, [], other + "\n\n" + line)[0] == 403, "another text")
    root = hashlib.sha256(b"forged").digest()
    harness.expect(add_checkpoint(witness.url, size, [], log.sign(size + 1, root))[0] == 422, "no proof")
    code, state = witness.status()
    harness.expect(code == 0, f"a bad proof is no fork: {state}")


def check_fork(log, witness, size):
    root = hashlib.sha256(b"forged").digest()
    status, _, body = add_checkpoint(witness.url, size, [], log.sign(size, root))
    harness.expect((status, body) == (409, f"{size}\n".encode()), f"{status} {body}")
    status, _, _ = add_checkpoint(witness.url, 0, [], log.sign(7, root))
    harness.expect(status == 409, f"a smaller one: {status}")
    code, state = witness.status()
    seen = next(one for one in state["logs"] if one["origin"] == log.origin)
    # One that is smaller is no news by itself: only a log that stays behind is said to be rolled back.
    harness.expect(code == 1 and seen["forkEvidence"] and not seen["rollbackEvidence"], f"{code} {seen}")
    harness.expect("signed two trees" in witness.node.log(), witness.node.log_tail())
    judged = harness.run("evidence", "verify", seen["forkEvidence"], "--key", log.key, "--json")
    harness.expect(judged.returncode == 0, f"the evidence proves nothing: {judged.stdout} {judged.stderr}")
    judgement = json.loads(judged.stdout)["results"][0]["judgement"]
    harness.expect((judgement["kind"], judgement["signedBy"]) == ("split-view", [log.key]), f"{judgement}")


def check_hostile(log):
    host, port = log.url[len("http://"):].split(":")
    status, _, _ = tlog_reader.Log(log.url).status("add-checkpoint", b"x" * 300000)
    harness.expect(status == 413, f"a large body: {status}")
    for garbage in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n",
                    b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                    b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
                    b"POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n"):
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
            harness.expect(not answer or answer.startswith(b"HTTP/1.1 4"), f"{garbage[:30]}: {answer[:60]}")
    # Connections of one address that say nothing leave room for those of others.
    silent = [socket.create_connection((host, int(port)), timeout=30, source_address=("127.0.0.2", 0))
              for _ in range(300)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: tlog_reader.Log(log.url).status("checkpoint")[0], range(64)))
    harness.expect(got == [200] * 64, f"{got}")
    for one in silent:
        one.close()
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    for _ in range(3):
        connection.request("HEAD", "/checkpoint")
        answer = connection.getresponse()
        harness.expect(answer.status == 200 and answer.read() == b"", "HEAD")
    harness.expect(log.node.process.poll() is None, "the node ended")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"))
    with harness.Place() as place:
        one, two = Log(place.dir, "one"), Log(place.dir, "two")
        one.witnessed_by(two)
        two.witnessed_by(one)
        with one.node, two.node:
            check_witnessed(one, two)
            check_witnessed(two, one)
            size = check_tiles(one)
            check_third_party(one, size)
            check_conflicts(one, two, size)
            # What was cosigned and witnessed outlives the process.
            two.node.kill()
            two.node.start()
            check_conflicts(one, two, size)
            one.node.stop()
            one.node.start()
            harness.run_well("checkpoint", "--witnessed", "--ledger", one.node.address)
            one.append(5, "--wait-witnessed", "60")
            size = check_tiles(one)
            check_hostile(one)
            check_fork(one, two, size)
            two.node.kill()
            # Nobody witnesses any more: appends go on, and what waits for witnesses says so.
            indexes, _ = one.append(3)
            late = harness.run("receipt", indexes[0], "--witnessed", "--ledger", one.node.address)
            harness.expect(late.returncode == 3 and "not yet" in late.stderr, f"{late.returncode} {late.stderr}")
            harness.run_well("receipt", indexes[0], "--ledger", one.node.address)
            two.node.start()
            code, _ = two.status()
            harness.expect(code == 1, "the fork is forgotten")
            # The history that was cosigned goes on.
            harness.run_well("receipt", indexes[0], "--witnessed", "--wait", 90, "--ledger", one.node.address)


if __name__ == "__main__":
    sys.exit(main())
