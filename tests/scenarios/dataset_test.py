"""Datasets with members through the command line: sealed in a ledger, listed, proven and verified offline, compared,
redacted (A02, A03, A50; golden scenarios D1 and D10)."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402
from harness import expect  # noqa: E402

IMAGES = 347
DONE, NO, BAD_INPUT, NOT_REACHED, NOT_KNOWN = 0, 1, 2, 3, 4


def manifest(path, images, content="image"):
    """Image i is of patient i // 2."""
    with open(path, "w") as file:
        file.write("record_id,subject_id,sha256\n")
        for i in images:
            file.write(f"img-{i:04},patient-{i // 2:03},{hashlib.sha256(f'{content} {i}'.encode()).hexdigest()}\n")
    return path


def flip(path, bit):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[bit // 8] ^= 1 << bit % 8
    bad = f"{path}.flipped"
    with open(bad, "wb") as file:
        file.write(data)
    return bad


class Hospital(harness.Place):
    """A ledger in which version 2.2 of Hospital A's images is sealed."""

    def __enter__(self):
        super().__enter__()
        self.members = self.path("v2.2.members")
        source = manifest(self.path("v2.2.csv"), range(IMAGES))
        self.curate("hospital-a@2.2")
        self.sealed = json.loads(harness.run_well(
            "dataset", "seal", "hospital-a@2.2", "--manifest", source, "--members", self.members, "--as", self.key,
            "--ledger", f"file:{self.ledger}", "--json"))
        self.receipt = self.path("sealed.tlog-proof")
        harness.run_well("receipt", self.sealed["index"], "--out", self.receipt, "--ledger", f"file:{self.ledger}")
        self.vkey = harness.run_well("key", "show", os.path.join(self.ledger, "checkpoint.key")).split()[-1]
        return self

    def curate(self, version):
        """What comes before a version is sealed: where its records came from, and why these."""
        body = self.path("curated.json")
        with open(body, "w") as file:
            json.dump({"inclusion": ["all consecutive images"], "exclusion": [{"text": "none: every image was taken"}],
                       "selectionRationale": "as in routine use"}, file)
        harness.run_well("append", "--stream", "person/ada", "--type", "dataset.curated", "--body", body, "--ref",
                         f"dataset=dataset:{version}", "--as", self.key, "--ledger", f"file:{self.ledger}")

    def verify(self, file, *arguments):
        return harness.run("dataset", "verify", file, "--receipt", self.receipt, "--key", self.vkey, *arguments)

    def prove(self, record, name):
        harness.run_well("dataset", "prove", record, "--members", self.members, "--out", self.path(name))
        return self.path(name)


def members_are_the_manifests(place):
    """A02: `members` prints exactly 347 ids; the whole file verifies against the sealed root."""
    printed = harness.run_well("dataset", "members", place.members).splitlines()
    expect(sorted(printed) == [f"img-{i:04}" for i in range(IMAGES)], "members: other ids than the manifest's")
    listed = json.loads(harness.run_well("dataset", "members", place.members, "--json"))
    expect({m["recordId"]: m["subjectId"] for m in listed["members"]} ==
           {f"img-{i:04}": f"patient-{i // 2:03}" for i in range(IMAGES)}, "members --json")
    sealed = place.sealed["sealed"]
    expect((sealed["records"], sealed["subjects"]) == ("347", "174"), f"sealed {sealed}")
    done = place.verify(place.members)
    expect(done.returncode == DONE and "347 of 347 members" in done.stdout, f"{done.stdout} {done.stderr}")
    done = place.verify(flip(place.members, 8 * 20000))
    expect(done.returncode == NO and "damaged" in done.stdout, f"a flipped bit of the member file: {done.stdout}")


def proofs_verify_offline(place):
    """A03: record 12 is a member, a foreign one is not, down from the checkpoint; with a flipped bit neither is."""
    member, absent = place.prove("img-0012", "member.proof"), place.prove("img-0347", "absent.proof")
    moved = place.ledger + ".away"
    os.rename(place.ledger, moved)
    with contextlib.ExitStack() as stack:
        stack.callback(os.rename, moved, place.ledger)
        done = place.verify(member)
        expect(done.returncode == DONE and "img-0012 is a member, of subject patient-006" in done.stdout, done.stdout)
        expect("hospital-a@2.2 as sealed in leaf" in done.stdout, f"the chain to the checkpoint: {done.stdout}")
        done = place.verify(absent)
        expect(done.returncode == DONE and "img-0347 is no member" in done.stdout, done.stdout)
        for proof in (member, absent):
            for bit in range(0, 8 * os.path.getsize(proof), 211):
                done = place.verify(flip(proof, bit))
                expect(done.returncode == NO and "NOT VERIFIED" in done.stdout, f"{proof} bit {bit}: {done.stdout}")
        for ending in ("tlog-proof", "leaf", "body"):
            file = place.receipt.replace("tlog-proof", ending)
            with open(file, "rb") as good:
                kept = good.read()
            os.replace(flip(file, 8 * (len(kept) // 2)), file)
            expect(place.verify(member).returncode == NO, f"a flipped bit of {file}")
            with open(file, "wb") as good:
                good.write(kept)
        expect(place.verify(member, "--record", "img-0013").returncode == NO, "a proof about another record")
        answer = json.loads(place.verify(member, "--record", "img-0012", "--json").stdout)
        expect(answer["verified"] and answer["isMember"] and answer["member"]["subjectId"] == "patient-006", answer)


def other_sources_of_trust(place):
    """The same by the sealed event's JSON and by its numbers; never by the root alone."""
    proof = place.prove("img-0012", "member.proof")
    sealed = place.path("sealed.json")
    with open(sealed, "w") as file:
        json.dump(place.sealed, file)
    harness.run_well("dataset", "verify", proof, "--sealed", sealed)
    with open(sealed, "w") as file:
        json.dump(place.sealed["sealed"], file)
    harness.run_well("dataset", "verify", proof, "--sealed", sealed)
    summary = json.loads(harness.run_well("dataset", "build", "--manifest", manifest(place.path("other.csv"), range(5)),
                                          "--members", place.path("other.members"), "--json"))
    expect(summary["records"] == "5", summary)
    text = harness.run_well("dataset", "build", "--manifest", place.path("other.csv"), "--members",
                            place.path("third.members"))
    root, salt = (line.split()[1] for line in text.splitlines()[1:3])
    third = place.path("third.proof")
    harness.run_well("dataset", "prove", "img-0003", "--members", place.path("third.members"), "--out", third)
    numbers = ("--root", root, "--records", "5", "--salt", salt)
    harness.run_well("dataset", "verify", third, *numbers)
    expect(harness.run("dataset", "verify", proof, *numbers).returncode == NO, "a proof of another dataset")
    for few in (numbers[:2], numbers[:4], (), (*numbers, "--sealed", sealed)):
        expect(harness.run("dataset", "verify", third, *few).returncode == BAD_INPUT, f"too few or too many: {few}")


def the_next_version(place):
    """Added and removed are counted into the sealed event, and diff names them."""
    newer = place.path("v2.3.members")
    place.curate("hospital-a@2.3")
    done = json.loads(harness.run_well(
        "dataset", "seal", "hospital-a@2.3", "--manifest", manifest(place.path("v2.3.csv"), range(3, IMAGES + 40)),
        "--members", newer, "--parent", "hospital-a@2.2", "--parent-members", place.members, "--as", place.key,
        "--ledger", f"file:{place.ledger}", "--json"))["sealed"]
    expect((done["recordsAdded"], done["recordsRemoved"]) == ("40", "3"), f"sealed {done}")
    text = harness.run_well("dataset", "diff", place.members, newer).splitlines()
    expect(text[:3] == ["- img-0000", "- img-0001", "- img-0002"] and text[3] == "+ img-0347", f"diff {text[:5]}")
    expect(text[-1] == "40 added, 3 removed, 0 changed; 344 in both", text[-1])
    difference = json.loads(harness.run_well("dataset", "diff", place.members, newer, "--limit", "5", "--json"))
    expect(len(difference["changes"]) == 5 and difference["changesLeftOut"] == "38", difference)
    # What it says of its parent can't be taken back, so it is only taken from the parent's own members.
    place.curate("hospital-a@2.4")
    for parent, file, why in (("hospital-a@2.2", newer, "is not what hospital-a@2.2 was sealed with"),
                              ("hospital-b@1", place.members, "no dataset.sealed of hospital-b@1")):
        refused = harness.run("dataset", "seal", "hospital-a@2.4", "--members", newer, "--parent", parent,
                              "--parent-members", file, "--as", place.key, "--ledger", f"file:{place.ledger}")
        expect(refused.returncode == BAD_INPUT and why in refused.stderr, f"{refused.returncode} {refused.stderr}")
    events = harness.run_well("log", "--type", "dataset.sealed", "--ledger", f"file:{place.ledger}", "--json")
    expect('"parent"' in events, f"the event names no parent: {events}")


def overlap_of_splits(place):
    """A50: the same record, and the same patient in another record."""
    for name, images in (("train", range(0, 200)), ("validate", range(200, 251)), ("test", range(251, 300))):
        harness.run_well("dataset", "build", "--manifest", manifest(place.path(name + ".csv"), images), "--members",
                         place.path(name))
    clean = harness.run("dataset", "overlap", place.path("train"), place.path("validate"), "--json")
    expect(clean.returncode == DONE and json.loads(clean.stdout)["sharedSubjects"] == "0", clean.stdout)
    leak = harness.run("dataset", "overlap", place.path("train"), place.path("validate"), place.path("test"))
    expect(leak.returncode == NO and "subject patient-125" in leak.stdout, leak.stdout)
    expect("share 0 records and 1 subjects" in leak.stdout, leak.stdout)
    # Where subjects aren't named, nothing found is not nothing shared.
    with open(place.path("nameless.csv"), "w") as file:
        file.write("record_id\nx-1\n")
    harness.run_well("dataset", "build", "--manifest", place.path("nameless.csv"), "--members", place.path("nameless"))
    unknown = harness.run("dataset", "overlap", place.path("train"), place.path("nameless"))
    expect(unknown.returncode == NOT_KNOWN and "is not known" in unknown.stdout, unknown.stdout)
    harness.run_well("dataset", "redact", place.path("train"), "--record", "img-0000")
    unknown = harness.run("dataset", "overlap", place.path("train"), place.path("validate"))
    expect(unknown.returncode == NOT_KNOWN and "are erased" in unknown.stdout, unknown.stdout)


def bad_input_is_named(place):
    """Line, field and remedy; nothing half-written; exit statuses."""
    bad, out = place.path("bad.csv"), place.path("bad.members")
    seal = ("dataset", "seal", "x@1", "--manifest", bad, "--members", out, "--as", place.key, "--ledger")
    ledger = f"file:{place.ledger}"
    for text, named in (("record_id,subject_id\na,b\n\"c,d\n", "line 3"), ("record_id\na\nb\na\n", "lines 2 and 4"),
                        ("id\na\n", "the first line must be"), ("record_id,sha256\na,00\n", "sha256")):
        with open(bad, "w") as file:
            file.write(text)
        done = harness.run(*seal, ledger)
        expect(done.returncode == BAD_INPUT and named in done.stderr, f"{text!r}: {done.returncode} {done.stderr}")
    manifest(bad, range(3))
    expect(harness.run(*seal, "file:/nowhere").returncode == BAD_INPUT, "a ledger that isn't there")
    empty = place.path("empty.csv")
    with open(empty, "w") as file:
        file.write("record_id\n")
    refused = harness.run("dataset", "seal", "x@1", "--manifest", empty, "--members", out, "--as", place.key,
                          "--ledger", ledger)
    expect(refused.returncode == BAD_INPUT and "records" in refused.stderr, f"no records: {refused.stderr}")
    left = [name for name in os.listdir(place.dir) if name.startswith("bad.members")]
    expect(left == [], f"left behind: {left}")
    expect(harness.run("dataset", "members", bad).returncode == BAD_INPUT, "no member file")
    expect(harness.run("dataset", "overlap", place.members).returncode == BAD_INPUT, "one file overlaps with nothing")
    expect(harness.run("dataset", "seal", "noversion", "--members", out, "--as", place.key, "--ledger",
                       ledger).returncode == BAD_INPUT, "no version")
    place.curate("x@1")
    place.curate("y@1")
    harness.run_well(*seal, ledger)
    done = harness.run(*seal, ledger)
    expect(done.returncode == BAD_INPUT and "never overwritten" in done.stderr, done.stderr)
    harness.run_well("dataset", "seal", "y@1", "--members", out, "--as", place.key, "--ledger", ledger)


def killed_while_building(place):
    """Nothing is left of a build that was killed, and nothing of it lay open meanwhile."""
    work = place.path("work")
    os.mkdir(work)
    fifo = place.path("fifo")
    os.mkfifo(fifo)
    build = subprocess.Popen([os.path.join(harness.BIN, "anamnesis"), "dataset", "build", "--manifest", fifo,
                              "--members", os.path.join(work, "members")])
    file = open(fifo, "w")
    try:
        file.write("record_id,subject_id,sha256\n")
        for i in range(600_000):  # More than is sorted in memory.
            file.write(f"img-{i:08},{hashlib.sha256(str(i).encode()).hexdigest()},{'00' * 32}\n")
        expect(os.listdir(work) == [], f"temporary files have names: {os.listdir(work)}")
    finally:
        build.send_signal(signal.SIGKILL)
        build.wait()
        with contextlib.suppress(BrokenPipeError):
            file.close()
    expect(os.listdir(work) == [], f"left behind: {os.listdir(work)}")


def erasure_of_a_subject(place):
    """D10: the root still verifies, the erased member can't be opened, others can, old proofs hold."""
    before = place.prove("img-0012", "before.proof")
    harness.run_well("dataset", "redact", place.members, "--subject", "patient-006")
    done = place.verify(place.members)
    expect(done.returncode == DONE and "345 of 347 members; the others are erased" in done.stdout, done.stdout)
    for record in ("img-0012", "img-0013"):
        done = harness.run("dataset", "prove", record, "--members", place.members, "--out", place.path("no.proof"))
        expect(done.returncode == NO and "erased" in done.stderr, f"{record}: {done.returncode} {done.stderr}")
    expect(not os.path.exists(place.path("no.proof")), "a proof of what is erased")
    expect(place.verify(before).returncode == DONE, "a proof made before the erasure")
    expect(place.verify(place.prove("img-0011", "after.proof")).returncode == DONE, "another member")
    expect(place.verify(place.prove("img-0347", "absent.proof")).returncode == DONE, "a foreign record")
    done = harness.run("dataset", "members", place.members)
    expect(len(done.stdout.splitlines()) == 345 and "2 more members are erased" in done.stderr, done.stderr)
    with open(place.members, "rb") as file:
        data = file.read()
    expect(b"patient-006" not in data and b"img-0012" not in data, "ids of the erased are left")
    expect(harness.run("dataset", "redact", place.members, "--subject", "patient-006").returncode == NO, "erased twice")
    expect(harness.run("dataset", "redact", place.members).returncode == BAD_INPUT, "nobody named")
    for empty in ("--subject", "--record"):
        expect(harness.run("dataset", "redact", place.members, empty, "").returncode == BAD_INPUT, f"{empty} of nobody")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    for check in (members_are_the_manifests, proofs_verify_offline, other_sources_of_trust, the_next_version,
                  overlap_of_splits, bad_input_is_named, killed_while_building, erasure_of_a_subject):
        with Hospital() as place:
            check(place)
        print(f"ok: {check.__name__}", flush=True)


if __name__ == "__main__":
    main()
