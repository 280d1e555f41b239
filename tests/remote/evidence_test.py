"""Logs that lie, made of real ledgers and their own keys: detected by a client, a monitor or a witness, proven in one
file, and judged alike by the C++ and by the independent verifier. And what only looks like a lie: nobody is accused
(A96)."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "faults"))
import harness  # noqa: E402
import witness_test  # noqa: E402

FORGE = os.path.join(os.environ.get("ANAMNESIS_BUILD_DIR", "build/release"), "tests", "forge")
VERIFIER = os.path.join(ROOT, "client", "python", "anamnesis_verify.py")


class Ledger:
    """A ledger in a directory, and copies of it that go on by themselves with its keys."""

    def __init__(self, place, name, copy_of=None):
        self.place, self.dir = place, place.path(name)
        if copy_of is not None:
            shutil.copytree(copy_of.dir, self.dir)
        else:
            shutil.copytree(place.ledger, self.dir)
        self.key = harness.run_well("key", "show", os.path.join(self.dir, "checkpoint.key")).strip()

    @property
    def name(self):
        return f"file:{self.dir}"

    def append(self, title, events=1):
        lines = self.place.path("events.jsonl")
        with open(lines, "w") as file:
            for i in range(events):
                file.write(json.dumps({"stream": "person/ada", "type": "document.referenced",
                                       "refs": [f"document=document:{title}-{i}"],
                                       "body": {"title": title, "mediaType": "text/plain"}}) + "\n")
        done = harness.run_well("append", "--jsonl", lines, "--as", self.place.key, "--ledger", self.name, "--json")
        return [int(index) for index in json.loads(done)["indexes"]]

    def checkpoint(self, name):
        path = self.place.path(name)
        with open(path, "w") as file:
            file.write(harness.run_well("checkpoint", "--ledger", self.name))
        return path

    def receipt(self, index, name):
        path = self.place.path(name + ".tlog-proof")
        harness.run_well("receipt", index, "--out", path, "--ledger", self.name)
        return path


def compare(place, key, *things):
    """The exit status, the file of evidence and the judgement of the last comparison."""
    out = place.path("found.evidence")
    if os.path.exists(out):
        os.remove(out)
    done = harness.run("evidence", "compare", *things, "--key", key, "--out", out, "--json")
    harness.expect(done.returncode in (0, 1, 3), f"compare {things}: {done.returncode} {done.stderr}")
    last = json.loads(done.stdout)["comparisons"][-1]
    harness.expect(os.path.exists(out) == (done.returncode == 1), "evidence where there is none, or none where it is")
    harness.expect(last["contradiction"] == (done.returncode == 1), f"{last}")
    harness.expect(last["compared"] == (done.returncode != 3) == ("reason" not in last), f"{last}")
    return done.returncode, out, last


def judge(path, keys):
    """What both verifiers say of a file: (kind, signed by), or None when they prove nothing; they must agree."""
    given = [part for key in keys for part in ("--key", key)]
    ours = harness.run("evidence", "verify", path, *given, "--json")
    theirs = subprocess.run(["/usr/bin/python3", VERIFIER, "evidence", path, *given, "--json"], capture_output=True,
                            text=True, timeout=120)
    harness.expect(ours.returncode == theirs.returncode, f"{ours.stdout} {ours.stderr} {theirs.stdout} {theirs.stderr}")
    if ours.returncode != 0:
        return None
    one, other = json.loads(ours.stdout)["results"][0]["judgement"], json.loads(theirs.stdout)["results"][0]
    harness.expect((one["kind"], one["signedBy"]) == (other["kind"], other["signedBy"]), f"{one} {other}")
    return one["kind"], one["signedBy"]


def expect_proven(place, ledger, kind, *things):
    """That comparing these convicts the log's key, of this."""
    status, path, last = compare(place, ledger.key, *things)
    harness.expect(status == 1, f"{things}: no contradiction: {last}")
    harness.expect(judge(path, [ledger.key]) == (kind, [ledger.key]), f"{things}: {judge(path, [ledger.key])}")
    # Somebody else's key is not convicted, and a changed file convicts nobody.
    with open(path, "rb") as file:
        data = bytearray(file.read())
    at = data.index(b"| ", data.index(b"note\n")) + 2
    data[at] ^= 1
    with open(place.path("changed.evidence"), "wb") as file:
        file.write(data)
    harness.expect(judge(place.path("changed.evidence"), [ledger.key]) is None, "a changed file proves the same")
    return last


def expect_innocent(place, ledger, *things):
    status, _, last = compare(place, ledger.key, *things)
    harness.expect(status == 0, f"{things}: accused: {last}")


def expect_not_compared(place, ledger, why, *things):
    status, _, last = compare(place, ledger.key, *things)
    harness.expect(status == 3 and why in last["reason"], f"{things}: {status} {last}")


def expect_no_answer(key, why, *things):
    """What was given does not fit: that is no contradiction, and nothing is written."""
    said = harness.run("evidence", "compare", *things, "--key", key, "--out", "/nonexistent/evidence", "--json")
    harness.expect(said.returncode == 2 and why in said.stderr, f"{things}: {said.returncode} {said.stderr}")


def check_split_view(place, base):
    """A ledger was copied, and each copy goes on for itself, under one key."""
    one, other = Ledger(place, "one", base), Ledger(place, "other", base)
    differs = one.append("shown to one", 3)[0]
    other.append("shown to another", 3)
    last = expect_proven(place, one, "replaced-leaf", one.name, other.name)
    harness.expect(last["firstDifferent"] == str(differs), f"{last}, not {differs}")
    kept = one.checkpoint("kept-one"), other.checkpoint("kept-other")
    expect_proven(place, one, "split-view", *kept)
    expect_proven(place, one, "split-view", kept[0], other.name)
    expect_proven(place, one, "replaced-leaf", one.receipt(differs, "told"), other.name)
    # Before they part, they are one.
    expect_innocent(place, one, base.checkpoint("before"), other.name)
    expect_innocent(place, one, base.receipt(differs - 1, "before"), other.name)
    return one, other, differs


def check_over_the_network(place, one, other, differs):
    """The same, of two nodes, by a monitor that has only their addresses."""
    homes = [place.path(name) for name in ("node-one", "node-other")]
    for home in homes:
        os.makedirs(home)
    port = witness_test.free_port()
    with harness.Node(one.dir, homes[0], ["--http-listen", f"127.0.0.1:{port}"]) as node:
        with harness.Node(other.dir, homes[1]) as lying:
            last = expect_proven(place, one, "replaced-leaf", node.address, lying.address)
            harness.expect(last["firstDifferent"] == str(differs), f"{last}")
        # What it serves over HTTP, saved: here one tile of hashes is the whole log.
        tiles = place.path("tiles")
        deadline = time.monotonic() + 60
        while True:
            try:
                note = urllib.request.urlopen(f"http://127.0.0.1:{port}/checkpoint", timeout=30).read()
                break
            except urllib.error.URLError:
                harness.expect(time.monotonic() < deadline, "no checkpoint over HTTP")
                time.sleep(0.1)
        size = int(note.split(b"\n")[1])
        os.makedirs(os.path.join(tiles, "tile", "0", "000.p"))
        for name, data in (("checkpoint", note), (f"tile/0/000.p/{size}", None)):
            data = data or urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=30).read()
            with open(os.path.join(tiles, name), "wb") as file:
                file.write(data)
        expect_innocent(place, one, f"tiles:{tiles}", node.address)
    expect_proven(place, one, "replaced-leaf", f"tiles:{tiles}", other.name)


def check_rollback(place, base):
    """An older backup is put back with its key; first it only lacks something, then it goes on otherwise."""
    ledger = Ledger(place, "rolled-back", base)
    backup = Ledger(place, "backup", ledger)
    indexes = ledger.append("will be forgotten", 4)
    kept, receipt = ledger.checkpoint("kept-later"), ledger.receipt(indexes[1], "forgotten")
    restored = Ledger(place, "restored", backup)
    expect_innocent(place, ledger, ledger.name, restored.name)
    for thing in (kept, receipt):
        expect_not_compared(place, ledger, "has to catch up", thing, restored.name)
    # What was there goes on as before: nothing contradicts but what is missing, until something else takes its place.
    restored.append("instead", 9)
    expect_proven(place, ledger, "rewritten-history", kept, restored.name)
    expect_proven(place, ledger, "replaced-leaf", receipt, restored.name)
    expect_proven(place, ledger, "replaced-leaf", restored.name, ledger.name)


def check_rewrite(place, base):
    """A leader changes a leaf, builds the tree anew and signs it."""
    ledger = Ledger(place, "rewritten", base)
    index = ledger.append("as it was", 5)[2]
    kept, receipt = ledger.checkpoint("kept-before"), ledger.receipt(index, "as-it-was")
    done = subprocess.run([FORGE, "rewrite", ledger.dir, str(index)], capture_output=True, text=True, timeout=120)
    harness.expect(done.returncode == 0, done.stderr)
    expect_proven(place, ledger, "split-view", kept, ledger.name)
    expect_proven(place, ledger, "replaced-leaf", receipt, ledger.name)
    expect_innocent(place, ledger, base.checkpoint("before-rewrite"), ledger.name)


def check_lagging(place, base):
    """A replica that is behind, in both directions, and a note of each."""
    ahead, behind = Ledger(place, "ahead", base), Ledger(place, "behind", base)
    ahead.append("not there yet", 5)
    for things in ((ahead.name, behind.name), (behind.name, ahead.name),
                   (behind.checkpoint("smaller"), ahead.name)):
        expect_innocent(place, ahead, *things)
    expect_not_compared(place, ahead, "has to catch up", ahead.checkpoint("larger"), behind.name)
    expect_not_compared(place, ahead, "alone", place.path("smaller"), place.path("larger"))
    expect_no_answer(harness.run_well("key", "show", place.key).strip(), "signature", ahead.name, behind.name)


def check_forked_stream(place, base):
    """Two programs with one key: the ledger keeps to the first, keeps evidence, and somebody records it."""
    ledger = Ledger(place, "forked", base)
    done = subprocess.run([FORGE, "fork", ledger.dir, place.key, "person/ada"], capture_output=True, text=True,
                          timeout=120)
    harness.expect(done.returncode == 1 and "would fork it" in done.stderr, done.stderr)
    harness.expect("FORKED STREAM" in done.stderr or os.path.isdir(os.path.join(ledger.dir, "evidence")), done.stderr)
    (name,) = os.listdir(os.path.join(ledger.dir, "evidence"))
    path = os.path.join(ledger.dir, "evidence", name)
    writer = harness.run_well("key", "show", place.key).strip()
    verdict = judge(path, [writer])
    harness.expect(verdict is not None and verdict[0] == "forked-stream", f"{verdict}")
    harness.expect(judge(path, [ledger.key]) is None, "the log is accused of what a writer did")
    refused = harness.run("evidence", "record", path, "--key", ledger.key, "--as", place.key, "--ledger", ledger.name)
    harness.expect(refused.returncode == 1, f"{refused.returncode} {refused.stderr}")
    harness.run_well("evidence", "record", path, "--key", writer, "--as", place.key, "--ledger", ledger.name)
    shown = harness.run_well("log", "--type", "fork.detected", "--ledger", ledger.name)
    index = re.search(r"^(\d+) ", shown, re.M).group(1)
    event = harness.run_well("show", index, "--ledger", ledger.name)
    harness.expect("anamnesis-evidence@v1" in event and "person/ada" in event, event)
    harness.run_well("fsck", ledger.dir)


def check_two_ledgers_one_stream(place, base):
    """A writer that seals two successors, each recorded by another copy of the ledger: its leaves alone prove it."""
    one, other = Ledger(place, "stream-one", base), Ledger(place, "stream-other", base)
    paths = []
    for ledger, title in ((one, "left"), (other, "right")):
        index = ledger.append(title)[0]
        paths.append(ledger.receipt(index, title)[:-len(".tlog-proof")] + ".leaf")
    writer = harness.run_well("key", "show", place.key).strip()
    status, path, _ = compare(place, writer, *paths)
    harness.expect(status == 1 and judge(path, [writer])[0] == "forked-stream", "the two leaves prove nothing")
    expect_innocent(place, one, paths[0], paths[0])
    later = one.receipt(one.append("later")[0], "later")[:-len(".tlog-proof")] + ".leaf"
    expect_not_compared(place, one, "two places", paths[0], later)


def check_witness(place):
    """A witness cosigned one history; a copy of the log asks it to cosign another."""
    log, witness = witness_test.Log(place.dir, "told"), witness_test.Log(place.dir, "watching")
    log.witnessed_by(witness)
    witness.witnessed_by(log)
    with witness.node:
        with log.node:
            log.append(5)
            # Not a power of two, from which a consistency proof would not show what the new tree has there.
            size = int(log.status()[1]["treeSize"])
            if size & (size - 1) == 0:
                log.append(1)
        backup = os.path.join(place.dir, "told-backup")
        shutil.copytree(log.dir, backup)
        with log.node:
            log.append(6, "--wait-witnessed", "60")
            size = int(log.status()[1]["treeSize"])
            if size & (size - 1) == 0:
                log.append(1, "--wait-witnessed", "60")
        shutil.rmtree(log.dir)
        shutil.move(backup, log.dir)
        with log.node:
            log.append(40)

            def convicted():
                _, status = witness.status()
                return next(one for one in status["logs"] if one["origin"] == log.origin)["forkEvidence"]
            harness.wait_until(convicted, "the witness has evidence", witness.node.log_tail)
            harness.expect(judge(convicted(), [log.key]) == ("rewritten-history", [log.key]), convicted())


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesisd"), FORGE)
    with harness.Place() as place:
        base = Ledger(place, "base")
        base.append("common", 20)
        one, other, differs = check_split_view(place, base)
        check_over_the_network(place, one, other, differs)
        check_rollback(place, base)
        check_rewrite(place, base)
        check_lagging(place, base)
        check_forked_stream(place, base)
        check_two_ledgers_one_stream(place, base)
        check_witness(place)


if __name__ == "__main__":
    sys.exit(main())
