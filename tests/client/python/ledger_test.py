#!/usr/bin/python3
"""The Python verifier and `anamnesis verify` agree: over a real ledger's receipts, over ten thousand of them with one
byte changed, and over leaves that were made to be read in two ways."""

import base64
import functools
import http.server
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("ANAMNESIS_SOURCE_DIR", os.path.join(HERE, "..", "..", ".."))
PROGRAM = os.path.join(ROOT, "client", "python", "anamnesis_verify.py")
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "client", "python"), os.path.join(ROOT, "tests", "faults"),
                os.path.join(ROOT, "tests", "client", "python")]
import harness  # noqa: E402
from harness import expect  # noqa: E402

try:
    import anamnesis_verify as v
    import written_log as w
    from hostile_leaves import LEAVES
except ModuleNotFoundError as missing:
    harness.skip(f"{missing} (Debian: python3-nacl)")

DONE, NO, BAD_INPUT, NOT_REACHED = 0, 1, 2, 3
CHANGES, CHANGES_SHOWN_TO_BOTH, CRAFTED = 10000, 600, 1500
EVENTS, TILE_CHANGES = 300, 300


def python(*arguments):
    done = subprocess.run(["/usr/bin/python3", "-B", PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=300)
    expect("Traceback" not in done.stderr, f"a traceback: {arguments}: {done.stderr}")
    return done


def verdicts(output):
    """File by file, whether it was verified."""
    found = {}
    for line in output.splitlines():
        for start, verdict in (("verified  ", True), ("NOT VERIFIED ", False)):
            if line.startswith(start):
                found[line[len(start):]] = verdict
    return found


def read(path):
    with open(path, "rb") as file:
        return file.read()


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


class Ledger(harness.Place):
    """A real ledger with runs of one and of many, and events of its own stream's writers."""

    def __enter__(self):
        super().__enter__()
        lines = []
        for i in range(EVENTS):
            stream = ("person/ada", "person/ada/notes")[i % 2]
            lines.append(json.dumps({"stream": stream, "type": "document.referenced", "body": {"title": f"Page {i}"},
                                     "refs": [f"document=document:page-{i}@1"]}))
        put(self.path("events.jsonl"), "\n".join(lines).encode() + b"\n")
        self.at = f"file:{self.ledger}"
        put(self.path("body.json"), b'{"title": "Procedure"}')
        for i in range(3):
            harness.run_well("append", "--ledger", self.at, "--as", self.key, "--stream", "person/ada", "--type",
                             "document.referenced", "--body", self.path("body.json"), "--ref",
                             f"document=document:sop-{i}@1")
        harness.run_well("append", "--ledger", self.at, "--as", self.key, "--jsonl", self.path("events.jsonl"))
        self.vkey = harness.run_well("key", "show", os.path.join(self.ledger, "checkpoint.key")).split()[-1]
        self.writer = harness.run_well("key", "show", self.key).split()[-1]
        self.leaves = []
        for line in harness.run_well("log", "--ledger", self.at, "--json").splitlines():
            if event := json.loads(line).get("event"):
                self.leaves.append(base64.b64decode(event["leaf"]))
        expect(len(self.leaves) > EVENTS, f"only {len(self.leaves)} leaves")
        self.checkpoint = harness.run_well("checkpoint", "--ledger", self.at)
        self.receipts = []
        for i in (0, 1, 5, 8, 9, 10, 100, len(self.leaves) - 1):
            self.receipts.append(self.path(f"r{i}.tlog-proof"))
            harness.run_well("receipt", i, "--out", self.receipts[-1], "--ledger", self.at)
        return self


def receipts_of_a_ledger(ledger):
    ours = harness.run("verify", *ledger.receipts, "--key", ledger.vkey)
    theirs = python("receipt", *ledger.receipts, "--key", ledger.vkey)
    expect((ours.returncode, theirs.returncode) == (DONE, DONE), f"{ours.stdout} {theirs.stdout}")
    expect(ours.stdout == theirs.stdout, f"two texts:\n{ours.stdout}\n{theirs.stdout}")
    expect("sealed by key" in ours.stdout and "the body is" in ours.stdout, ours.stdout)
    document = json.loads(python("receipt", *ledger.receipts, "--key", ledger.vkey, "--json").stdout)
    expect(document["verified"] and len(document["results"]) == len(ledger.receipts), document)
    ours = json.loads(harness.run("verify", *ledger.receipts, "--key", ledger.vkey, "--json").stdout)
    for result in [*ours["results"], *document["results"]]:
        del result["text"]
    expect(ours == document, f"two documents:\n{ours}\n{document}")
    put(ledger.path("c.note"), ledger.checkpoint.encode())
    ours = harness.run("verify", ledger.path("c.note"), "--key", ledger.vkey)
    theirs = python("checkpoint", ledger.path("c.note"), "--key", ledger.vkey)
    expect(ours.stdout == theirs.stdout and ours.returncode == theirs.returncode == DONE, f"{ours} {theirs}")


def bodies_that_cannot_be_read(ledger):
    """A body that is there and can't be read, or is of another length than its header says, is not left unchecked."""
    proof = ledger.receipts[3]
    body = proof[:-len(".tlog-proof")] + ".body"
    good = read(body)

    def refused(why):
        ours = harness.run("verify", proof, "--key", ledger.vkey)
        theirs = python("receipt", proof, "--key", ledger.vkey)
        expect((ours.returncode, theirs.returncode) == (NO, NO), f"{why}: {ours} {theirs}")

    os.remove(body)
    os.mkdir(body)
    refused("a directory")
    os.rmdir(body)
    os.symlink(ledger.path("nowhere"), body)
    refused("a link to nowhere")
    os.remove(body)
    if os.geteuid() != 0:
        put(body, good)
        os.chmod(body, 0)
        refused("without the right to read it")
        os.remove(body)
    ours = harness.run("verify", proof, "--key", ledger.vkey)
    expect(ours.returncode == DONE and "the body is" not in ours.stdout, f"without a body: {ours}")
    put(body, good)
    # The right bytes, of another length than the header says.
    for size, verdict in ((3, DONE), (4, NO), (2, NO)):
        leaf = w.leaf(w.header(7) + w.field(20, size))
        name = ledger.path(f"size-{size}")
        put(name + ".leaf", leaf)
        put(name + ".body", bytes(32) + b"abc")
        put(name + ".tlog-proof", w.tlog_proof(0, [w.leaf_hash(leaf)], w.checkpoint([w.leaf_hash(leaf)])).encode())
        ours = harness.run("verify", name + ".tlog-proof", "--key", w.verifier_key())
        theirs = python("receipt", name + ".tlog-proof", "--key", w.verifier_key())
        expect((ours.returncode, theirs.returncode) == (verdict, verdict), f"body_size {size}: {ours} {theirs}")
    # Of the receipt itself. What isn't there is bad input, beside what verifies and what doesn't.
    done = harness.run("verify", proof, ledger.path("nowhere.tlog-proof"), "--key", ledger.vkey, "--json")
    found = json.loads(done.stdout)
    expect(done.returncode == BAD_INPUT and [one["verified"] for one in found["results"]] == [True, False], done)
    os.rename(proof[:-len(".tlog-proof")] + ".leaf", ledger.path("away"))
    expect(harness.run("verify", proof, "--key", ledger.vkey).returncode == BAD_INPUT, "without its leaf")
    os.rename(ledger.path("away"), proof[:-len(".tlog-proof")] + ".leaf")
    os.mkdir(ledger.path("d.note"))
    expect(harness.run("verify", ledger.path("d.note"), "--key", ledger.vkey).returncode == NO, "a directory")


def changed_bytes(ledger, chance):
    """No receipt with one byte changed verifies, and the two programs agree on those that both are shown."""
    trust = v.Trust([ledger.vkey], None)
    originals = {}
    for proof in ledger.receipts:
        name = proof[:-len(".tlog-proof")]
        originals[proof] = {ending: read(name + ending) for ending in (".tlog-proof", ".leaf", ".body")
                            if os.path.exists(name + ending)}
    with tempfile.TemporaryDirectory(prefix="anamnesis-changed-") as directory:
        def name_of(proof, i=""):
            return os.path.join(directory, f"{i}{os.path.basename(proof)[:-len('.tlog-proof')]}")

        for proof, files in originals.items():
            for ending, data in files.items():
                put(name_of(proof) + ending, data)
        shown = []
        for i in range(CHANGES):
            proof = chance.choice(ledger.receipts)
            files = originals[proof]
            ending = chance.choice(list(files))
            at = chance.randrange(len(files[ending]))
            wrong = bytearray(files[ending])
            wrong[at] ^= chance.randrange(1, 256)
            put(name_of(proof) + ending, bytes(wrong))
            try:
                v.verify_receipt(name_of(proof) + ".tlog-proof", trust)
                raise AssertionError(f"{proof} verified with byte {at} of {ending} changed to {wrong[at]}")
            except v.Refused:
                put(name_of(proof) + ending, files[ending])
            if i < CHANGES_SHOWN_TO_BOTH:
                for other, data in {**files, ending: bytes(wrong)}.items():
                    put(name_of(proof, f"{i}-") + other, data)
                shown.append(name_of(proof, f"{i}-") + ".tlog-proof")
        for proof in ledger.receipts:
            v.verify_receipt(name_of(proof) + ".tlog-proof", trust)
        ours = harness.run("verify", *shown, "--key", ledger.vkey)
        expect(ours.returncode == NO, ours.stderr)
        expect(set(verdicts(ours.stdout).values()) == {False} and len(verdicts(ours.stdout)) == len(shown),
               f"anamnesis verify: {ours.stdout[:2000]}")


# --- Leaves made to be read in two ways ---


def mutated(chance, data):
    """A protobuf message with something strange done to it that may or may not matter."""
    data = bytearray(data)
    at = chance.randrange(len(data))
    what = chance.randrange(7)
    if what == 0:
        data[at] ^= 1 << chance.randrange(8)
    elif what == 1:
        data.insert(at, chance.randrange(256))
    elif what == 2:
        del data[at]
    elif what == 3:
        value = chance.choice([0, 1, 2**32, 2**64 - 1, b"", b"x", bytes(16), bytes(32)])
        data += w.field(chance.randrange(1, 26), value)
    elif what == 4:
        data += chance.choice([w.varint(1 << 3 | wire) for wire in (3, 4, 5, 6, 7)] + [b"\x00", b"\x80" * 9 + b"\x01"])
    elif what == 5:
        # A tag, number or length with more bytes than it needs.
        data += chance.choice([
            b"\x98\x00\x01", b"\x18\x81\x00", b"\x18" + b"\x81" * 9 + b"\x01", b"\x18" + b"\x81" * 10 + b"\x01",
            b"\x98\x80\x80\x80\x00\x01", b"\x98\x80\x80\x80\x80\x00\x01", b"\x7a\x81\x80\x80\x00x",
            b"\x7a\x81\x80\x80\x80\x00x", b"\x7a\xff\xff\xff\xff\x7f", b"\x7a\x02\xc0\xaf", b"\x7a\x03\xed\xa0\x80",
            b"\x7a\x01\x00", b"\x30" + b"\xff" * 9 + b"\x01"])
    else:
        data += data[:at]
    return bytes(data)


def crafted_leaf(chance):
    header = w.header(7)
    kind = chance.randrange(4)
    if kind == 0:
        return w.leaf(mutated(chance, header))
    statement = w.statement([header])
    if kind == 1:
        return w.leaf(header, w.seal_of(mutated(chance, statement)))
    if kind == 2:
        header = mutated(chance, header)
        return w.leaf(header, w.seal_of(w.statement([header])))
    return mutated(chance, w.leaf(header, w.seal_of(statement)))


def crafted_leaves(chance):
    """Every leaf stands properly in a signed log of its own, so that only reading it decides; the verdicts agree."""
    with tempfile.TemporaryDirectory(prefix="anamnesis-crafted-") as directory:
        header = w.header(7)
        statement = w.statement([header])
        right = [w.leaf(header, w.seal_of(statement)), w.leaf(header)]
        # Seals that stand in another leaf than the last of their run, or of no event, or for another place.
        wrong = [w.leaf(header, w.seal_of(statement + extra)) for extra in
                 (w.field(4, 3), w.field(4, 0), w.field(3, 2), w.field(3, 0) + w.field(4, 1),
                  w.field(1, "other.example"), w.field(2, "person/eve"), w.field(5, bytes(32)),
                  w.field(6, w.public(w.LOG_SEED)))]
        # A seal of no event, whose sum would wrap around to the leaf's position.
        last = w.header(7, position=2**64 - 1, previous=bytes(range(32)))
        wrong.append(w.leaf(last, w.seal_of(w.statement([last], first=0) + w.field(4, 0))))
        wrong += LEAVES.values()
        leaves = right + wrong
        leaves += [crafted_leaf(chance) for _ in range(CRAFTED)]
        shown = []
        for i, leaf in enumerate(leaves):
            name = os.path.join(directory, str(i))
            hashes = [w.leaf_hash(leaf)]
            put(name + ".leaf", leaf)
            put(name + ".tlog-proof", w.tlog_proof(0, hashes, w.checkpoint(hashes)).encode())
            shown.append(name + ".tlog-proof")
        ours = verdicts(harness.run("verify", *shown, "--key", w.verifier_key()).stdout)
        theirs = verdicts(python("receipt", *shown, "--key", w.verifier_key()).stdout)
        expect(len(ours) == len(theirs) == len(shown), f"{len(ours)} {len(theirs)} of {len(shown)}")
        for i in range(len(right + wrong)):
            expect(ours[shown[i]] == (i < len(right)), f"{i}: {ours[shown[i]]}: {leaves[i].hex()}")
        for i, file in enumerate(shown):
            expect(ours[file] == theirs[file], f"ours {ours[file]}, Python {theirs[file]}: {leaves[i].hex()}")
        counts = [sum(ours.values()), len(ours) - sum(ours.values())]
        print(f"crafted leaves: {counts[0]} verified, {counts[1]} not, no disagreement", flush=True)
        expect(min(counts) > CRAFTED // 20, f"one-sided: {counts}")


# --- Policies ---


def policies():
    """The same verdicts over notes with witnesses and policies of many kinds."""
    witnesses = [(f"witness-{i}.example", bytes([10 + i]) * 32) for i in range(40)]
    leaf = w.leaf(w.header(7))
    hashes = [w.leaf_hash(leaf)]
    text = w.checkpoint_text(hashes)
    lines = [f"log {w.verifier_key()} https://written.example\n"]
    lines += [f"witness w{i} {w.verifier_key(name, seed, 4)}\n" for i, (name, seed) in enumerate(witnesses)]
    head = "# comment\n\n" + "".join(lines)
    twenty = " ".join(f"w{i}" for i in range(20))
    policies_and_least = [
        (head + "quorum none\n", 0), (head + "quorum w0\n", 1), (head + f"group g 3 {twenty}\nquorum g\n", 3),
        (head + f"group g all {twenty}\nquorum g\n", 20), (head + f"group a any w0 w1\ngroup b 2 w2 w3\n"
                                                          "group c all a b\nquorum c\n", 4),
        (head + "".join(f"group g{i} any w{i}\n" for i in range(33)) + "quorum g32\n", 33)]
    wrong = [head, head + "quorum w99\n", head + "quorum w0\nquorum w0\n", head + "group g 3 w0 w1\nquorum g\n",
             head + "group g 0 w0\nquorum g\n", head + "group g any w0\ngroup h any w0\nquorum g\n", head + "quorum w0",
             head + "quorum w0\r\n", head + lines[1] + "quorum w0\n", head + "friend x\nquorum none\n", "quorum none\n"]
    with tempfile.TemporaryDirectory(prefix="anamnesis-policies-") as directory:
        for signed in (0, 1, 2, 3, 4, 19, 20, 33):
            name = os.path.join(directory, f"s{signed}")
            note = text + "\n" + w.signature_line(w.ORIGIN, w.LOG_SEED, text)
            note += "".join(w.cosignature_line(*witness, text) for witness in witnesses[:signed])
            put(name + ".leaf", leaf)
            put(name + ".tlog-proof", w.tlog_proof(0, hashes, note).encode())
        at = note.index("— witness-5.example ") + 40
        forged = note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1:]
        shutil.copy(name + ".leaf", os.path.join(directory, "forged.leaf"))
        put(os.path.join(directory, "forged.tlog-proof"), w.tlog_proof(0, hashes, forged).encode())
        files = sorted(os.path.join(directory, f) for f in os.listdir(directory) if f.endswith(".tlog-proof"))
        path = os.path.join(directory, "policy")
        for policy, least in policies_and_least:
            put(path, policy.encode())
            ours, theirs = harness.run("verify", *files, "--policy", path), python("receipt", *files, "--policy", path)
            expect(verdicts(ours.stdout) == verdicts(theirs.stdout), f"{policy}: {ours.stdout} {theirs.stdout}")
            for file, verdict in verdicts(theirs.stdout).items():
                name = os.path.basename(file)[:-len(".tlog-proof")]
                expect(verdict == (name != "forged" and int(name[1:]) >= least), f"{name}, least {least}: {verdict}")
        for policy in wrong:
            put(path, policy.encode())
            ours, theirs = harness.run("verify", *files, "--policy", path), python("receipt", *files, "--policy", path)
            expect(ours.returncode == theirs.returncode, f"{policy[-80:]}: {ours.returncode} {theirs.returncode}")
            expect(theirs.returncode in (NO, BAD_INPUT), f"{policy[-80:]}: {theirs.stdout}")


# --- Consistency, logs, DSSE ---


def consistency(chance):
    hashes = [w.leaf_hash(bytes([i])) for i in range(70)]
    with tempfile.TemporaryDirectory(prefix="anamnesis-consistency-") as directory:
        old, new = os.path.join(directory, "old"), os.path.join(directory, "new")
        for _ in range(60):
            to = chance.randrange(1, 71)
            size = chance.randrange(0, to + 1)
            proof = w.consistency(size, hashes[:to]) if size else []
            request = f"old {size}\n{w.base64_lines(proof)}\n{w.checkpoint(hashes[:to])}"
            put(old, w.checkpoint(hashes[:size]).encode())
            put(new, request.encode())
            trust = v.Trust([w.verifier_key()], None)
            v.verify_consistency(old, new, trust)
            for forged in (w.checkpoint(hashes[1:size + 1]), w.checkpoint(hashes[:size], "written.example/other")):
                put(old, forged.encode())
                try:
                    v.verify_consistency(old, new, trust)
                    expect(size == 0 and "other" not in forged, f"{size} of {to}: {forged}")
                except v.Refused:
                    pass
        put(old, w.checkpoint(hashes[:3]).encode())
        put(new, f"old 3\n{w.base64_lines(w.consistency(3, hashes[:9]))}\n{w.checkpoint(hashes[:9])}".encode())
        expect(python("consistency", old, new, "--key", w.verifier_key()).returncode == DONE, "consistency")
        put(old, w.checkpoint([*hashes[:2], bytes(32)]).encode())
        expect(python("consistency", old, new, "--key", w.verifier_key()).returncode == NO, "a fork")


def tiles_of_the_ledger(ledger, chance):
    """The real ledger's leaves as tiles, from a directory and over HTTP; any byte changed is found."""
    tiles = ledger.path("tiles")
    w.write_tiles(tiles, ledger.leaves, ledger.checkpoint)
    arguments = ("--key", ledger.vkey, "--writer-key", ledger.writer)
    done = python("log", tiles, *arguments)
    expect(done.returncode == DONE and f"{len(ledger.leaves)} events" in done.stdout, done.stdout)
    handler = functools.partial(QuietHandler, directory=tiles)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        done = python("log", url, *arguments, "--json")
        expect(done.returncode == DONE, done.stdout)
        found = json.loads(done.stdout)["results"][0]
        expect(found["treeSize"] == len(ledger.leaves) and list(found["sealsByKey"].values())[0] >= 6, found)
        server.shutdown()
    expect(python("log", url, *arguments).returncode == NOT_REACHED, "nobody serves there")
    other = python("log", tiles, "--key", ledger.vkey, "--writer-key", w.verifier_key())
    expect(other.returncode == NO and "which was not given" in other.stdout, other.stdout)
    trust = v.Trust([ledger.vkey], None)
    files = [os.path.join(where, name) for where, _, names in os.walk(tiles) for name in names]
    expect(len(files) == 6, files)
    for i in range(TILE_CHANGES):
        file = files[i % len(files)]
        data = read(file)
        at = chance.randrange(len(data))
        put(file, data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1:])
        try:
            v.verify_log(tiles, trust, [], [], chance.random() < 0.5)
            raise AssertionError(f"{file} byte {at} changed, and the log verified")
        except v.Refused:
            put(file, data)
    v.verify_log(tiles, trust, [], [], False)
    # A signed log whose leaves do not make a ledger: each rule of the stream or of seals is broken once.
    leaves = w.event_leaves(600)
    with tempfile.TemporaryDirectory(prefix="anamnesis-tiles-") as directory:
        trust = v.Trust([w.verifier_key()], None)
        for wrong, why in ((leaves, None), (leaves[:-1], "is not sealed"), ([leaves[0], *leaves], "not after"),
                           ([*leaves[:7], *leaves[14:]], "expected 8"), ([], None), (leaves[:256 // 7 * 7], None)):
            shutil.rmtree(directory)
            hashes = [w.leaf_hash(leaf) for leaf in wrong]
            w.write_tiles(directory, wrong, w.checkpoint(hashes))
            try:
                v.verify_log(directory, trust, [], [], False)
                expect(why is None, f"verified, though {why}")
            except v.Refused as error:
                expect(why is not None and why in str(error), f"{error}, not {why}")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def envelopes():
    payload = json.dumps({
        "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/verification_summary/v1",
        "subject": [{"name": "artifact shift@3", "digest": {"sha256": "00"}}],
        "predicate": {"verificationResult": "PASSED", "resourceUri": "anamnesis:x/device_unit/ICU-7",
                      "timeVerified": "2026-11-21T14:03:07Z"}}).encode()
    with tempfile.TemporaryDirectory(prefix="anamnesis-dsse-") as directory:
        path = os.path.join(directory, "e.json")
        good, key = w.envelope(payload), w.public(w.WRITER_SEED).hex()
        put(path, good.encode())
        done = python("dsse", path, "--key", key)
        expect(done.returncode == DONE and '"PASSED"' in done.stdout, done.stdout)
        expect(python("dsse", path, "--key", w.verifier_key("ada", w.WRITER_SEED)).returncode == DONE, "verifier key")
        expect(python("dsse", path, "--key", w.public(w.LOG_SEED).hex()).returncode == NO, "another's key")
        expect(python("dsse", path).returncode == BAD_INPUT, "no key")
        put(path + ".policy", f"log {w.verifier_key()}\nquorum none\n".encode())
        ours = harness.run("verify", path, "--policy", path + ".policy")
        expect(ours.returncode == BAD_INPUT, "a policy signs nothing")
        # By one of several keys, to both programs; what has a second signature is not what anamnesis writes.
        others = [w.verifier_key("ada", w.WRITER_SEED), w.verifier_key("eve", w.LOG_SEED)]
        for keys, verdict in ((others, DONE), (others[::-1], DONE), (others[1:], NO)):
            given = [part for key in keys for part in ("--key", key)]
            expect(python("dsse", path, *given).returncode == verdict, f"{keys}")
            ours = harness.run("verify", path, *given)
            expect(ours.returncode == verdict, f"{keys}: {ours.stdout}")
        twice = json.loads(good)
        twice["signatures"] *= 2
        put(path, (json.dumps(twice, indent=2) + "\n").encode())
        expect(python("dsse", path, "--key", key).returncode == NO, "two signatures")
        expect(harness.run("verify", path, *given).returncode == NO, "two signatures")
        for wrong in (good.replace("in-toto+json", "in-toto+jsoN"), good.replace('"sig": "', '"sig": "A'),
                      # What DSSE signs nothing of.
                      good.replace("\n", "\n "), good[:-1], json.dumps(json.loads(good)),
                      good.replace("keyid", "keyie"), good.replace('"keyid": "', '"keyid": "0'),
                      good.replace(key, w.public(w.LOG_SEED).hex()),
                      w.envelope(payload.replace(b"PASSED", b"FAILED"))[:-40] + good[-40:], "[" * 100000, "{}", "",
                      good.replace('"payload":', '"payload": "", "payload":'), w.envelope(b"{}"), w.envelope(b"\xff"),
                      good.replace('"payload": "', '"payload": "\\ud800'), w.envelope(payload, payload_type="text")):
            put(path, wrong.encode())
            done = python("dsse", path, "--key", key)
            expect(done.returncode == NO, f"{done.returncode} {wrong[:200]}")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    seed = int(os.environ.get("ANAMNESIS_SEED", "1"))
    print(f"seed {seed} (ANAMNESIS_SEED)", flush=True)
    chance = random.Random(seed)
    with Ledger() as ledger:
        for test, arguments in ((receipts_of_a_ledger, [ledger]), (bodies_that_cannot_be_read, [ledger]),
                                (changed_bytes, [ledger, chance]),
                                (crafted_leaves, [chance]), (policies, []), (consistency, [chance]),
                                (tiles_of_the_ledger, [ledger, chance]), (envelopes, [])):
            test(*arguments)
            print(f"passed {test.__name__}", flush=True)


if __name__ == "__main__":
    main()
