#!/usr/bin/python3
"""`receipt` and `verify` in both forms, by the command line alone: one leaf, many under one checkpoint, and receipts
renewed under a newer one; on an embedded ledger and on a node. A ledger that was forked or cut off renews nothing."""

import base64
import hashlib
import json
import os
import shutil
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

DONE, NO, BAD_USAGE, NOT_REACHED = 0, 1, 2, 3
ENDINGS = (".tlog-proof", ".cose")


class Ledger:
    def __init__(self, place):
        self.place = place
        self.name = f"file:{place.ledger}"
        self.vkey = harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).strip()
        self.documents = 0

    def append(self, count=1, name=None):
        for _ in range(count):
            self.documents += 1
            path = self.place.path("body.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"title": f"title {self.documents}"}, file)
            harness.run_well("append", "--stream", "person/ada", "--type", "document.referenced", "--body", path,
                             "--ref", f"document=document:d-{self.documents}", "--as", self.place.key, "--ledger",
                             name or self.name)

    def receipt(self, *arguments, name=None):
        return harness.run("receipt", *arguments, "--ledger", name or self.name)

    def receipts(self, *arguments, name=None):
        done = self.receipt(*arguments, name=name)
        harness.expect(done.returncode == DONE, f"receipt {arguments}: {done.returncode} {done.stderr}")
        return done.stdout.split("\n")[:-1]

    def verified(self, *files, key=None):
        """The sizes of the checkpoints that receipts are under."""
        done = harness.run("verify", *files, "--key", key or self.vkey)
        harness.expect(done.returncode == DONE, f"verify {files}: {done.stdout} {done.stderr}")
        return [int(line.split(" over ")[1].split()[0]) for line in done.stdout.splitlines() if " over " in line]

    def refused(self, file, why, *options, status=NO):
        done = harness.run("verify", file, *(options or ("--key", self.vkey)))
        harness.expect(done.returncode == status and why in done.stdout, f"{file}: not \"{why}\": {done.stdout}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def check_one(ledger, name):
    for ending, options in zip(ENDINGS, ([], ["--cose"])):
        file = ledger.place.path("one" + ending)
        harness.expect(ledger.receipts(2, *options, "--out", file, name=name) == [file], "says where")
        ledger.verified(file)
        harness.expect(os.path.exists(ledger.place.path("one.body")), "the body is beside it")
        # With another leaf, another key, and a changed byte.
        leaf = read(ledger.place.path("one.leaf"))
        write(ledger.place.path("one.leaf"), leaf[:-1] + bytes([leaf[-1] ^ 1]))
        ledger.refused(file, "")
        write(ledger.place.path("one.leaf"), leaf)
        other = harness.run_well("key", "show", ledger.place.key).strip()
        ledger.refused(file, "", "--key", other)
        good = read(file)
        write(file, good[:-40] + bytes([good[-40] ^ 1]) + good[-39:])
        ledger.refused(file, "")
        write(file, good)
    policy = ledger.place.path("policy")
    write(policy, f"log {ledger.vkey}\nquorum none\n".encode())
    done = harness.run("verify", ledger.place.path("one.cose"), "--policy", policy)
    harness.expect(done.returncode == DONE, f"by policy: {done.stdout}")
    write(policy, f"log {ledger.vkey}\nwitness w {witness_key('w.example', bytes(range(32)))}\nquorum w\n".encode())
    ledger.refused(ledger.place.path("one.cose"), "cosignatures", "--policy", policy)
    event = json.loads(harness.run_well("show", 2, "--json", "--ledger", name))
    text = uuid_of(event["header"]["eventId"])
    by_id = ledger.place.path("by-id.cose")
    ledger.receipts(text, "--cose", "--out", by_id, name=name)
    ledger.verified(by_id)
    for leaf, status in ((10**9, NO), ("leaf", BAD_USAGE)):
        done = ledger.receipt(leaf, "--cose", name=name)
        harness.expect(done.returncode == status, f"{leaf}: {done.returncode} {done.stderr}")


def uuid_of(base64_text):
    return str(uuid.UUID(bytes=base64.b64decode(base64_text)))


def witness_key(name, public_key):
    """A C2SP verifier key for cosignatures; nothing is verified with it."""
    key_id = hashlib.sha256(name.encode() + b"\n\x04" + public_key).hexdigest()[:8]
    return f"{name}+{key_id}+{base64.b64encode(bytes([4]) + public_key).decode()}"


def check_many(ledger, name):
    for ending, options in zip(ENDINGS, ([], ["--cose"])):
        directory = ledger.place.path("many" + ending)
        files = ledger.receipts(0, 3, 1, *options, "--out", directory, name=name)
        harness.expect(files == [os.path.join(directory, leaf + ending) for leaf in ("0", "3", "1")], f"wrote {files}")
        harness.expect(len(set(ledger.verified(*files))) == 1, "are under several checkpoints")
    answer = json.loads(harness.run_well("receipt", 0, 1, "--cose", "--json", "--ledger", name))
    harness.expect(len(answer["receipts"]) == 2 and all(one["cose"] for one in answer["receipts"]), f"{answer}")
    for arguments in ([0, 1], [], [0, "--refresh", "x"]):
        done = ledger.receipt(*arguments, name=name)
        harness.expect(done.returncode == BAD_USAGE, f"{arguments}: {done.returncode}")
    done = ledger.receipt(*[0] * 257, "--out", ledger.place.path("too-many"), name=name)
    harness.expect(done.returncode == BAD_USAGE and "256" in done.stderr, f"257: {done.stderr}")


def check_refresh(ledger, name):
    files = [ledger.place.path("one" + ending) for ending in ENDINGS]
    old = {file: (read(file), size) for file, size in zip(files, ledger.verified(*files))}
    ledger.append(3, name)
    done = json.loads(harness.run_well("receipt", "--refresh", *files, "--key", ledger.vkey, "--json", "--ledger",
                                       name))
    sizes = ledger.verified(*files)
    harness.expect([int(one["to_size"]) for one in done["refreshed"]] == sizes, f"said {done}")
    for file, size in zip(files, sizes):
        harness.expect(size >= old[file][1] + 3 and read(file) != old[file][0], f"{file} is still under {size}")
        # The old one still verifies.
        renewed = read(file)
        write(file, old[file][0])
        ledger.verified(file)
        write(file, renewed)
    # Again, and without a key: the same receipts.
    before = [read(file) for file in files]
    ledger.receipts("--refresh", *files, name=name)
    harness.expect([read(file) for file in files] == before, "refreshing what is fresh changed it")


def check_consistency(ledger, name):
    """`checkpoint --consistency`: that the newest checkpoint continues an older one, as COSE has it."""
    old, out = ledger.place.path("old.note"), ledger.place.path("continued.cose")
    with open(old, "w", encoding="utf-8") as file:
        file.write(harness.run_well("checkpoint", "--ledger", name))

    def ask(*options):
        return harness.run("checkpoint", "--consistency", old, "--out", out, "--ledger", name, *options)

    done = ask()
    harness.expect(done.returncode == NO and "is the newest" in done.stderr, f"nothing new: {done}")
    harness.expect(not os.path.exists(out), "a receipt of nothing")
    ledger.append(3, name)
    said = json.loads(harness.run_well("checkpoint", "--consistency", old, "--out", out, "--key", ledger.vkey, "--json",
                                       "--ledger", name))
    sizes = ledger.verified(out)
    harness.expect([int(said["to_size"]), int(said["from_size"])] == sizes, f"{said} {sizes}")
    harness.expect(sizes[0] >= sizes[1] + 3, f"{sizes}")
    harness.expect(read(ledger.place.path("continued.older")) == read(old), "the older checkpoint is beside it")
    good = read(out)
    for at in range(0, len(good), 7):
        write(out, good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        # With the kind of statement changed it is for a leaf, which is not beside it.
        done = harness.run("verify", out, "--key", ledger.vkey)
        leaf_missing = done.returncode == BAD_USAGE and ".leaf: can't be read" in done.stdout
        harness.expect(done.returncode == NO or leaf_missing, f"byte {at} changed: {done.stdout}")
    write(out, good)
    ledger.refused(out, "", "--key", harness.run_well("key", "show", ledger.place.key).strip())
    policy = ledger.place.path("policy")
    write(policy, f"log {ledger.vkey}\nquorum none\n".encode())
    harness.expect(harness.run("verify", out, "--policy", policy).returncode == DONE, "by policy")
    # Another older checkpoint beside it, and none.
    write(ledger.place.path("continued.older"), harness.run_well("checkpoint", "--ledger", name).encode())
    ledger.refused(out, "size")
    os.remove(ledger.place.path("continued.older"))
    ledger.refused(out, "continued.older", status=BAD_USAGE)
    for arguments in (["--consistency", old], ["--out", out]):
        done = harness.run("checkpoint", *arguments, "--ledger", name)
        harness.expect(done.returncode == BAD_USAGE, f"{arguments}: {done}")


def check_fork(place):
    """A copy goes another way than the ledger that a receipt was taken from: it is found out, and nothing replaced."""
    ledger = Ledger(place)
    copy = place.path("copy")
    shutil.copytree(place.ledger, copy)
    ledger.append(2)
    note = place.path("kept.note")
    write(note, harness.run_well("checkpoint", "--ledger", ledger.name).encode())
    files = [place.path("kept" + ending) for ending in ENDINGS]
    for file, options in zip(files, ([], ["--cose"])):
        ledger.receipts(1, *options, "--out", file)
    before = [read(file) for file in files]
    short = ledger.receipt("--refresh", *files, name=f"file:{copy}")
    harness.expect(short.returncode == NOT_REACHED and "are asked for" in short.stderr, f"cut off: {short.stderr}")
    ledger.append(5, f"file:{copy}")
    forked = ledger.receipt("--refresh", *files, name=f"file:{copy}")
    harness.expect(forked.returncode == NO and "continue" in forked.stderr, f"forked: {forked.stderr}")
    harness.expect([read(file) for file in files] == before, "a receipt was replaced")
    forked = harness.run("checkpoint", "--consistency", note, "--out", place.path("continued"), "--ledger",
                         f"file:{copy}")
    harness.expect(forked.returncode == NO and "evidence" in forked.stderr, f"a fork continues: {forked}")
    harness.expect(not os.path.exists(place.path("continued.cose")), "a receipt of a fork")
    # A receipt that doesn't verify is not renewed either, and those beside it are left.
    write(files[1], before[1][:-1] + bytes([before[1][-1] ^ 1]))
    ledger.append()
    bad = ledger.receipt("--refresh", *files)
    harness.expect(bad.returncode == NO and files[1] in bad.stderr, f"changed: {bad.stderr}")
    harness.expect(read(files[0]) == before[0], "a receipt beside a bad one was replaced")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), os.path.join(harness.BIN, "anamnesisd"))
    for served in (False, True):
        with harness.Place() as place:
            ledger = Ledger(place)
            node = harness.Node(place.ledger, place.dir).start() if served else None
            name = node.address if served else ledger.name
            ledger.append(4, name)
            check_one(ledger, name)
            check_many(ledger, name)
            check_refresh(ledger, name)
            check_consistency(ledger, name)
            if served:
                node.stop()
    with harness.Place() as place:
        check_fork(place)
    print("receipts in both forms, many at once, renewed, and not from a forked ledger")


if __name__ == "__main__":
    main()
