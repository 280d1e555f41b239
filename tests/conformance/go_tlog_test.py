#!/usr/bin/python3
"""Go's own packages for transparency logs accept our checkpoints, receipts and tiles, and nothing that was changed.

The program in third_party/go_tlog is built offline, from Debian's golang-golang-x-mod-dev and whichever Go there is
(golang-go). Exit status 77 (skipped, aloud) without them. third_party_test.sh asks newer libraries, which it downloads.
"""

import base64
import json
import os
import random
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(os.environ.get("ANAMNESIS_SOURCE_DIR", os.path.join(HERE, "..", "..")), "tests")
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TESTS, "faults"), os.path.join(TESTS, "client", "python")]
import harness  # noqa: E402
from harness import expect  # noqa: E402

try:
    import written_log as w
except ModuleNotFoundError as missing:
    harness.skip(f"{missing} (Debian: python3-nacl)")

GOPATH = "/usr/share/gocode"
TESSERA = os.path.join(os.environ.get("ANAMNESIS_SHARED_DIR", "/nowhere"), "vectors", "tessera", "testdata", "log")
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
ACCEPTED, REJECTED = 0, 1


def build(directory):
    go = shutil.which("go") or shutil.which("go", path="/usr/lib/go/bin:/usr/local/go/bin")
    if go is None:
        harness.skip("Go is not installed, so its packages can't be asked (Debian: golang-go)")
    if not os.path.isdir(os.path.join(GOPATH, "src", "golang.org", "x", "mod", "sumdb", "tlog")):
        harness.skip("golang.org/x/mod is not installed (Debian: golang-golang-x-mod-dev)")
    program = os.path.join(directory, "tlogverify")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": GOPATH, "GOFLAGS": "", "GOTOOLCHAIN": "local"}
    environment.setdefault("GOCACHE", os.path.join(directory, "cache"))
    source = os.path.join(TESTS, "conformance", "third_party", "go_tlog", "main.go")
    subprocess.run([go, "build", "-o", program, source], check=True, env=environment, timeout=600)
    print(subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout.strip(), flush=True)
    return program


class Go:
    def __init__(self, program):
        self.program = program

    def ask(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=300)
        expect(done.returncode in (ACCEPTED, REJECTED) and not done.stderr, f"{arguments}: {done.stderr}")
        return done

    def accepts(self, *arguments):
        done = self.ask(*arguments)
        expect(done.returncode == ACCEPTED and "accepted" in done.stdout, f"{arguments}: {done.stdout}")

    def rejects(self, *arguments):
        done = self.ask(*arguments)
        expect(done.returncode == REJECTED and "accepted" not in done.stdout, f"{arguments}: {done.stdout[:500]}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def changed(go, chance, files, arguments, count):
    """Each of `count` changes of one byte in one of the files is rejected; afterwards all is as it was."""
    for i in range(count):
        path = files[i % len(files)]
        data = read(path)
        at = chance.randrange(len(data))
        w.write("/", path, data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1:])
        go.rejects(*arguments)
        w.write("/", path, data)
    go.accepts(*arguments)


def golden_receipts(go, place):
    with open(os.path.join(TESTS, "golden", "vectors", "note.json"), encoding="utf-8") as file:
        golden = json.load(file)
    files = []
    for number, case in enumerate(golden["proofs"]):
        files.append(place.path(f"golden-{number}.tlog-proof"))
        w.write("/", files[-1], case["tlog_proof"].encode())
        w.write("/", place.path(f"golden-{number}.leaf"), bytes.fromhex(case["leaf"]))
    go.accepts("-key", golden["verifier_key"], "-receipt", *files)
    go.rejects("-key", w.verifier_key(), "-receipt", *files)


def golden_cosignature(go, chance, place):
    """Whoever cosigned a checkpoint is asked of Go's own Ed25519."""
    with open(os.path.join(TESTS, "golden", "vectors", "note.json"), encoding="utf-8") as file:
        golden = json.load(file)
    cosigned = golden["cosignature"]
    path = place.path("cosigned.note")
    arguments = ["-key", golden["verifier_key"], "-cosigner", cosigned["verifier_key"], "-checkpoint", path]
    w.write("/", path, golden["note"].encode())
    go.rejects(*arguments)
    w.write("/", path, cosigned["note"].encode())
    go.accepts(*arguments)
    text, signatures = cosigned["note"].encode().split(b"\n\n")
    line = next(line for line in signatures.split(b"\n") if cosigned["name"].encode() in line)
    blob = base64.b64decode(line.split(b" ")[2])
    for _ in range(40):
        at = chance.randrange(len(blob))
        other = base64.b64encode(blob[:at] + bytes([blob[at] ^ chance.randrange(1, 256)]) + blob[at + 1:])
        w.write("/", path, cosigned["note"].encode().replace(line, line.replace(line.split(b" ")[2], other)))
        go.rejects(*arguments)
    # On another checkpoint of the same log, whose own signature holds.
    for other in golden["checkpoints"]:
        if other["text"].encode() != text + b"\n":
            w.write("/", path, other["note"].encode() + line + b"\n")
            go.rejects(*arguments)


def a_ledger(go, chance, place):
    """A real ledger: its receipts, and its leaves as tiles."""
    lines = [{"stream": "person/ada", "type": "document.referenced", "body": {"title": f"Page {i}"},
              "refs": [f"document=document:page-{i}@1"]} for i in range(300)]
    w.write("/", place.path("events.jsonl"), "".join(json.dumps(line) + "\n" for line in lines).encode())
    at = f"file:{place.ledger}"
    harness.run_well("append", "--ledger", at, "--as", place.key, "--jsonl", place.path("events.jsonl"))
    key = harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).split()[-1]
    events = [json.loads(line).get("event") for line in harness.run_well("log", "--ledger", at, "--json").splitlines()]
    leaves = [base64.b64decode(event["leaf"]) for event in events if event]
    receipts = []
    for index in (0, 1, 100, 255, 256, len(leaves) - 1):
        receipts.append(place.path(f"r{index}.tlog-proof"))
        harness.run_well("receipt", index, "--out", receipts[-1], "--ledger", at)
    go.accepts("-key", key, "-receipt", *receipts)
    names = [receipts[3], receipts[3].replace(".tlog-proof", ".leaf")]
    changed(go, chance, names, ["-key", key, "-receipt", receipts[3]], 40)
    tiles = place.path("tiles")
    w.write_tiles(tiles, leaves, harness.run_well("checkpoint", "--ledger", at))
    go.accepts("-key", key, "-log", tiles)
    files = [os.path.join(where, name) for where, _, names in os.walk(tiles) for name in names]
    expect(len(files) == 6, files)
    changed(go, chance, files, ["-key", key, "-log", tiles], 60)


def sizes(go, place):
    """Tiles at the sizes where their shape changes."""
    for size in (1, 2, 255, 256, 257, 511, 512, 1000):
        leaves = [b"%d" % i for i in range(size)]
        directory = place.path(f"size-{size}")
        w.write_tiles(directory, leaves, w.checkpoint([w.leaf_hash(leaf) for leaf in leaves]))
        go.accepts("-key", w.verifier_key(), "-log", directory)


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    chance = random.Random(1)
    with harness.Place() as place:
        go = Go(build(place.dir))
        golden_receipts(go, place)
        print("passed: the golden receipts", flush=True)
        golden_cosignature(go, chance, place)
        print("passed: the golden cosignature", flush=True)
        a_ledger(go, chance, place)
        print("passed: a ledger's receipts and tiles", flush=True)
        sizes(go, place)
        print("passed: tiles of all shapes", flush=True)
        if os.path.isdir(TESSERA):
            go.accepts("-key", TESSERA_KEY, "-log", TESSERA)
            print("passed: another implementation's log", flush=True)
        else:
            print(f"NOT TESTED: the third-party vectors are absent: {TESSERA}", flush=True)


if __name__ == "__main__":
    main()
