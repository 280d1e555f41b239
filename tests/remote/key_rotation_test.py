"""Ten years of a ledger's checkpoint keys, through the real programs and with a clock that is set ahead: rotated while
the node serves, rotated again, restored on another machine, revoked as stolen and replaced. Every receipt that was kept
on the way verifies in one call, here and with the verifier in Python, from today's key as from the first one; what was
tampered with does not."""

import base64
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import nacl.signing

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402
import machines  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PYTHON_VERIFIER = os.path.join(ROOT, "client", "python", "anamnesis_verify.py")
DAY = 86400
YEAR = 365 * DAY
ORIGIN = "rotation.example/ledger"


class Years:
    """A ledger with a node, all under one clock."""

    def __init__(self, home):
        self.home = home
        self.clock = machines.Clock(os.path.join(home, "clock"))
        self.dir = os.path.join(home, "ledger")
        self.backups = os.path.join(home, "backups")
        self.person = os.path.join(home, "ada.key")
        self.said = []
        self.secrets = set()
        self.keys = []
        self.documents = 0
        self.days = 0
        self.node = None

    def run(self, *arguments):
        done = harness.run(*arguments, env={**os.environ, **self.clock.environment()})
        self.said += [done.stdout, done.stderr]
        return done

    def well(self, *arguments):
        done = self.run(*arguments)
        harness.expect(done.returncode == 0, f"anamnesis {arguments}: {done.returncode} {done.stderr}")
        return done.stdout

    def start(self):
        home = tempfile.mkdtemp(dir=self.home)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.http = f"127.0.0.1:{free.getsockname()[1]}"
        arguments = ["--backups", self.backups, "--checkpoint-interval", "0.1", "--http-listen", self.http]
        self.node = harness.Node(self.dir, home, arguments, env={**os.environ, **self.clock.environment()}).start()

    def stop(self):
        self.node.stop()
        self.said.append(self.node.log())

    def fetch(self, path, body=None):
        """Status and body of an answer over HTTP."""
        try:
            with urllib.request.urlopen(f"http://{self.http}{path}", body, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def on_node(self, *arguments):
        return self.well(*arguments, "--ledger", self.node.address)

    def pass_days(self, days):
        self.days += days
        self.clock.set(self.days * DAY)

    def append(self):
        self.documents += 1
        self.on_node("append", "--stream", "person/ada", "--type", "document.referenced", "--ref",
                     f"document=document:d{self.documents}", "--body", self.body(), "--as", self.person)
        return int(self.on_node("checkpoint").split("\n")[1]) - 1

    def body(self):
        path = os.path.join(self.home, "body.json")
        with open(path, "w") as file:
            file.write('{"title": "t", "mediaType": "text/plain"}')
        return path

    def keep(self, name):
        path = os.path.join(self.home, name + ".tlog-proof")
        self.on_node("receipt", self.append(), "--out", path)
        return path

    def export(self, name, *more):
        path = os.path.join(self.home, name)
        self.on_node("dhf", "document:d1", "--out", path, "--as", self.person, *more)
        return path

    def take_key(self, name="checkpoint.key"):
        """The verifier key of a key file; what is secret in it may appear nowhere."""
        path = os.path.join(self.dir, name)
        with open(path) as file:
            self.secrets.add(file.read().strip().split("+", 4)[4])
        self.keys.append(self.well("key", "show", path).strip())
        return self.keys[-1]

    def rotate(self, overlap_days):
        said = self.on_node("key", "rotate", "--dir", self.dir, "--overlap-days", overlap_days, "--as", self.person)
        harness.expect("credential." in said, said)

    def file(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w") as file:
            file.write(text)
        return path


def signatures(receipt):
    with open(receipt, encoding="utf-8") as file:
        return [line for line in file.read().split("\n") if line.startswith("— ")]


def python_verifier(*arguments, what="receipt"):
    return subprocess.run(["/usr/bin/python3", PYTHON_VERIFIER, what, *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


def verify(years, receipts, *trust):
    """Whether both verifiers take all of them, receipts or exports; they must agree."""
    ours = years.run("verify", *receipts, *trust)
    theirs = python_verifier(*receipts, *trust, what="export" if os.path.isdir(receipts[0]) else "receipt")
    years.said += [theirs.stdout, theirs.stderr]
    harness.expect((ours.returncode == 0) == (theirs.returncode == 0) and "Traceback" not in theirs.stderr,
                   f"the verifiers differ on {receipts} {trust}:\n{ours.stdout}{ours.stderr}\n"
                   f"{theirs.stdout}{theirs.stderr}")
    return ours.returncode == 0, ours.stdout + ours.stderr


def expect_verified(years, receipts, *trust):
    good, said = verify(years, receipts, *trust)
    harness.expect(good, f"{receipts} under {trust}: {said}")


def expect_refused(years, because, receipts, *trust):
    good, said = verify(years, receipts, *trust)
    harness.expect(not good and because in said, f"{receipts} under {trust}: not because of {because!r}: {said}")


def live(years):
    """The ten years; the receipts that were kept, by name."""
    kept = {}
    years.well("key", "new", "--out", years.person, "--name", "ada")
    years.well("init", years.dir, "--origin", ORIGIN, "--as", years.person)
    with open(years.person) as file:
        years.secrets.add(file.read().strip().split("+", 4)[4])
    first = years.take_key()
    years.start()
    kept["first"] = years.keep("first")
    exports = {"first": years.export("export-first")}
    size = int(years.on_node("checkpoint").split("\n")[1])

    years.pass_days(3 * 365)
    years.rotate(90)
    second = years.take_key("checkpoint.key.next")
    kept["overlap"] = years.keep("overlap")
    harness.expect(len(signatures(kept["overlap"])) == 2, "in the overlap both keys sign")
    expect_verified(years, [kept["overlap"]], "--key", first)
    expect_verified(years, [kept["overlap"]], "--key", second)
    again = years.run("key", "rotate", "--dir", years.dir, "--as", years.person, "--ledger", years.node.address)
    harness.expect(again.returncode == 2 and "a rotation is under way" in again.stderr, again.stderr)

    years.pass_days(91)
    kept["second"] = years.keep("second")
    harness.expect(len(signatures(kept["second"])) == 1, "after the overlap the old key doesn't sign")
    expect_refused(years, "", [kept["second"]], "--key", first)
    harness.expect(not os.path.exists(os.path.join(years.dir, "checkpoint.key.next")), "two keys are left")

    years.pass_days(3 * 365)
    years.rotate(0)
    kept["third"] = years.keep("third")
    third = years.take_key()
    harness.expect(len({first, second, third}) == 3, "a key came back")
    exports["third"] = years.export("export-third")
    again = years.export("export-again", "--known-size", size)
    check_made_again(years, exports["first"], again)

    years.on_node("backup", "create")
    years.stop()
    shutil.rmtree(years.dir)
    years.dir = os.path.join(years.home, "another-machine")
    years.well("restore", years.backups, "--to", years.dir)
    years.start()
    kept["restored"] = years.keep("restored")
    expect_verified(years, [kept["restored"]], "--key", third)

    years.pass_days(2 * 365)
    years.file("stolen.key", open(os.path.join(years.dir, "checkpoint.key")).read())
    now = years.on_node("log", "--type", "credential.rotated", "--json")
    harness.expect(now.count("credential.rotated") >= 2, now)
    years.on_node("key", "revoke", third, "--rationale", "the disk was stolen", "--as", years.person)
    refused = years.run("receipt", 4, "--ledger", years.node.address)
    harness.expect(refused.returncode != 0 and "was revoked" in refused.stderr and "key rotate" in refused.stderr,
                   f"a revoked key signs: {refused.stdout}{refused.stderr}")
    harness.wait_until(lambda: "may sign checkpoints" in years.node.log(), "the node says so", years.node.log_tail)
    check_stolen_over_http(years, third)
    years.rotate(30)
    kept["fourth"] = years.keep("fourth")
    harness.wait_until(lambda: years.fetch("/entries/0")[0] == 200, "receipts over HTTP again", years.node.log_tail)
    years.take_key("checkpoint.key")
    years.pass_days(2 * 365)
    kept["last"] = years.keep("last")
    return kept, exports


def content_of(export):
    with open(os.path.join(export, "manifest.json")) as file:
        return json.load(file)["content_sha256"]


def check_made_again(years, before, after):
    """Of the same size under another key: the same content, and other signatures."""
    compared = years.run("compare", before, after)
    harness.expect(compared.returncode == 0 and content_of(before) == content_of(after), compared.stdout)
    with open(os.path.join(before, "checkpoint")) as one, open(os.path.join(after, "checkpoint")) as other:
        one, other = one.read().split("\n\n"), other.read().split("\n\n")
    harness.expect(one[0] == other[0] and one[1] != other[1], f"the signatures: {one} {other}")


def check_exports(years, exports):
    """Exports outlive the keys of their checkpoints as receipts do."""
    first, _, third, fourth = years.keys
    history = os.path.join(years.home, "exports.history")
    notes = [os.path.join(export, "checkpoint") for export in exports.values()]
    years.on_node("key", "history", "--dir", years.dir, "--out", history,
                  *(part for note in notes for part in ("--for", note)))
    expect_verified(years, [exports["first"]], "--key", first)
    expect_refused(years, "", [exports["first"]], "--key", fourth)
    for key in (first, fourth):
        expect_verified(years, list(exports.values()), "--key", key, "--key-history", history)
    plain = years.file("plain-exports.history", years.on_node("key", "history"))
    expect_refused(years, "may have signed anything", [exports["third"]], "--key", fourth, "--key-history", plain)


def check_stolen_over_http(years, third):
    """A revoked key is not handed out as one to trust, though none other signs yet, and nobody is heard who has it."""
    status, keys = years.fetch("/.well-known/scitt-keys")
    harness.expect(status == 200 and keys and public_of(years.keys[0]) in keys and public_of(third) not in keys,
                   f"{status} {keys}")
    status, said = years.fetch("/entries/0")
    harness.expect(status == 503 and b"was revoked" in said, f"no reason: {status} {said}")
    size = int(years.fetch("/checkpoint")[1].split(b"\n")[1])
    forged = stolen_note(years, third, size)
    status, said = years.fetch("/add-checkpoint", f"old 0\n\n{forged}".encode())
    harness.expect(status == 403, f"the thief is heard: {status} {said}")
    code = years.run("checkpoint", "--status", "--ledger", years.node.address).returncode
    harness.expect(code == 0, "the thief raised an alarm")


def public_of(verifier_key):
    return base64.b64decode(verifier_key.split("+", 2)[2])[1:]


def stolen_note(years, third, size):
    """A checkpoint of a tree that never was."""
    with open(os.path.join(years.home, "stolen.key")) as file:
        key = nacl.signing.SigningKey(base64.b64decode(file.read().strip().split("+", 4)[4])[1:])
    text = f"{ORIGIN}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"
    blob = bytes.fromhex(third.split("+")[1]) + key.sign(text.encode()).signature
    return f"{text}\n— {ORIGIN} {base64.b64encode(blob).decode()}\n"


def check_custody(years, kept):
    first, _, third, fourth = years.keys
    stolen_ones = [kept["third"], kept["restored"]]
    history = os.path.join(years.home, "keys.history")
    years.on_node("key", "history", "--dir", years.dir, "--out", history,
                  *(part for one in stolen_ones for part in ("--for", one)))
    plain = years.file("plain.history", years.on_node("key", "history"))
    everything = list(kept.values())
    for name, key in (("today", fourth), ("the beginning", first)):
        policy = years.file(f"policy of {name}", f"log {key}\nquorum none\n")
        expect_verified(years, everything, "--policy", policy, "--key-history", history)
    expect_refused(years, "", [kept["first"]], "--key", fourth)
    expect_refused(years, "", [kept["last"]], "--key", first)
    expect_refused(years, "may have signed anything", [kept["third"]], "--key", fourth, "--key-history", plain)
    expect_verified(years, [kept["first"], kept["overlap"], kept["second"], kept["last"]], "--key", fourth,
                    "--key-history", plain)
    expect_refused(years, "make it with --for", [kept["last"]], "--key", first, "--key-history", plain)
    expect_refused(years, "was revoked", [kept["last"]], "--key", third, "--key-history", history)
    check_refreshed(years, kept, history)
    listed = years.on_node("key", "list")
    harness.expect(all(key in listed for key in years.keys) and "revoked" in listed and "rotated out" in listed, listed)
    check_stolen(years, third, fourth, history)
    check_tampering(years, everything, fourth, history)


def check_joined(years):
    """A node that joined has a key that no event names; both of its keys are revoked before one took over."""
    directory = os.path.join(years.home, "joined")
    os.makedirs(directory)
    years.well("key", "new", "--out", os.path.join(directory, "checkpoint.key"), "--name", ORIGIN)

    def rotate():
        years.on_node("key", "rotate", "--dir", directory, "--overlap-days", 10, "--as", years.person)
        return years.well("key", "show", os.path.join(directory, "checkpoint.key.next")).strip()

    def listed(key):
        return re.search(re.escape(key) + r"\n +(.*)", years.on_node("key", "list")).group(1)

    own = years.well("key", "show", os.path.join(directory, "checkpoint.key")).strip()
    next_key = rotate()
    harness.expect("rotated out" in listed(own) and "counts up to" not in listed(next_key), listed(own))
    for key in (own, next_key):
        years.on_node("key", "revoke", key, "--rationale", "the disk was stolen", "--as", years.person)
    third = rotate()
    harness.expect(third not in (own, next_key) and "revoked" in listed(next_key), listed(next_key))
    harness.expect("counts up to" not in listed(third), listed(third))


def check_cosigner_reported(years):
    """Who administers reports a node's key lost, and nobody else does."""
    ben, cosigner = (os.path.join(years.home, name) for name in ("ben.key", "cosigner.key"))
    name = f"{ORIGIN}/node/n9"
    years.well("key", "new", "--out", ben, "--name", "ben")
    years.well("key", "new", "--out", cosigner, "--name", name)
    years.on_node("key", "record", cosigner, "--as", years.person)
    years.on_node("enrol", "person", "ben", "--name", "Ben", "--key", ben, "--as", years.person)
    report = ("credential", "report-lost", name, "--kind", "node", "--key", cosigner, "--rationale", "left behind")
    for role in (None, "quality_officer"):
        if role:
            years.on_node("role", "grant", "ben", role, "--as", years.person)
        refused = years.run(*report, "--as", ben, "--ledger", years.node.address)
        harness.expect(refused.returncode == 1 and "doesn't hold ADMINISTRATOR" in refused.stderr, refused.stderr)
    years.on_node(*report, "--as", years.person)
    listed = years.on_node("key", "list")
    harness.expect(re.search(re.escape(name) + r"\+.*\n +cosigns, named by leaf \d+; revoked", listed), listed)
    years.on_node("key", "history", "--out", os.path.join(years.home, "after-the-report.history"))


def check_second_grant(years):
    """Who administers, and is granted it once more within limits, goes on without: a key that they name counts."""
    years.on_node("role", "grant", "ada", "administrator", "--item", "alert", "--as", years.person)
    directory = os.path.join(years.home, "joined-later")
    os.makedirs(directory)
    years.well("key", "new", "--out", os.path.join(directory, "checkpoint.key"), "--name", ORIGIN)
    years.on_node("key", "rotate", "--dir", directory, "--overlap-days", 10, "--as", years.person)
    history = os.path.join(years.home, "after-the-grant.history")
    years.on_node("key", "history", "--out", history)
    named = years.well("key", "show", os.path.join(directory, "checkpoint.key.next")).strip()
    harness.expect(named in years.on_node("key", "list"), f"{named} counts for nothing")


def check_refreshed(years, kept, history):
    """The key that the ledger names leads by its history, asked for or given, to what older keys signed."""
    for options in ((), ("--key-history", history)):
        for ending in (".tlog-proof", ".leaf", ".body"):
            shutil.copy(kept["second"][:-len(".tlog-proof")] + ending, years.file("renewed" + ending, ""))
        renewed = os.path.join(years.home, "renewed.tlog-proof")
        years.on_node("receipt", "--refresh", renewed, *options)
        expect_verified(years, [renewed], "--key", years.keys[-1])
    note = years.file("second.note", open(kept["second"], encoding="utf-8").read().split("\n\n", 1)[1])
    years.on_node("checkpoint", "--consistency", note, "--out", os.path.join(years.home, "continued.cose"),
                  "--key-history", history)


def check_stolen(years, third, fourth, history, because="was revoked"):
    """What a thief of the third key signs counts for nothing, of whatever size."""
    for size in (5, 9, 1000):
        note = years.file("stolen.note", stolen_note(years, third, size))
        ours = years.run("verify", note, "--key", fourth, "--key-history", history)
        refused = ours.returncode != 0 and because in ours.stdout + ours.stderr
        harness.expect(refused, f"{size} with {history}: {ours.stdout}{ours.stderr}")


def taken(years, receipts, *trust):
    """Which of the receipts are taken, by both verifiers."""
    return {receipt for receipt in receipts if verify(years, [receipt], *trust)[0]}


def check_tampering(years, receipts, key, history):
    dice = random.Random(24)
    whole = taken(years, receipts, "--key", key, "--key-history", history)
    harness.expect(whole == set(receipts), f"not taken: {set(receipts) - whole}")
    third = years.keys[2]
    refused = {older: set(receipts) - taken(years, receipts, "--key", older, "--key-history", history)
               for older in years.keys[:3]}
    harness.expect(refused[third], "a stolen key leads to nothing")

    def expect_no_more(path, what):
        """Never is more taken than with the whole history, nor what a thief signed."""
        verify(years, receipts, "--key", key, "--key-history", path)
        check_stolen(years, third, key, path, because="")
        for older, others in refused.items():
            more = taken(years, others, "--key", older, "--key-history", path)
            harness.expect(not more, f"{what}: from {older} it takes {more}")

    revocations = 0
    with open(history, "rb") as file:
        right = file.read()
    entries = right.split(b"\nleaf ")
    for number in range(1, len(entries)):
        cut = years.file("cut.history", b"\nleaf ".join(entries[:number] + entries[number + 1:]).decode())
        index, leaf, *_ = entries[number].split(b"\n")
        if b"credential.revoked" in base64.b64decode(leaf):
            # What nobody can tell (decision 0024): whoever makes a history can leave out the revocation.
            revocations += 1
            verify(years, receipts, "--key", key, "--key-history", cut)
            continue
        # Without a link, or without what shows how far the log had come, something is missed.
        expect_no_more(cut, f"without leaf {index.decode()}")
    harness.expect(revocations == 1, f"{revocations} revocations are in the history")
    turned = [entries[0], entries[2], entries[1], *entries[3:]]
    swapped = years.file("swapped.history", b"\nleaf ".join(turned).decode())
    expect_refused(years, "", receipts, "--key", key, "--key-history", swapped)
    for _ in range(12):
        at = dice.randrange(right.index(b"checkpoint\n"))
        path = os.path.join(years.home, "changed.history")
        with open(path, "wb") as file:
            file.write(right[:at] + bytes([right[at] ^ 1]) + right[at + 1:])
        expect_no_more(path, f"byte {at} changed")
    for receipt in receipts:
        with open(receipt, "rb") as file:
            proof = file.read()
        changed = os.path.join(years.home, "changed.tlog-proof")
        shutil.copy(receipt[:-len(".tlog-proof")] + ".leaf", os.path.join(years.home, "changed.leaf"))
        at = dice.randrange(proof.index(b"\n") + 1, len(proof) - 1)
        with open(changed, "wb") as file:
            file.write(proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1:])
        if len(signatures(receipt)) == 1:
            expect_refused(years, "", [changed], "--key", key, "--key-history", history)


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), os.path.join(harness.BIN, "anamnesisd"),
                          os.path.join(machines.TESTS, "libwall_clock.so"))
    home = tempfile.mkdtemp(prefix="anamnesis-rotation-")
    years = Years(home)
    try:
        kept, exports = live(years)
        check_custody(years, kept)
        check_exports(years, exports)
        check_joined(years)
        check_cosigner_reported(years)
        check_second_grant(years)
        years.stop()
        said = "".join(years.said)
        harness.expect(len(years.secrets) >= 5 and not any(secret in said for secret in years.secrets),
                       "a private key was printed")
        print(f"{len(kept)} receipts of ten years verify in one call")
    finally:
        if years.node is not None and years.node.process.poll() is None:
            years.node.kill()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
