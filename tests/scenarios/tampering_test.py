"""Golden scenario 9 over everything that is handed out: of receipts, statements, exports, tiles and notes random bytes
are changed, one at a time, and none verifies, neither by `anamnesis verify` nor by the independent verifier in Python.

    /usr/bin/python3 tests/scenarios/tampering_test.py [CHANGES [SEED]]     1000 and 1; 10000 before a release

One change in ten is no changed byte: one too many, one too few, an end cut off, two files in each other's place. What a
verifier reads and what it then says of an unchanged copy is checked before and after, so that no form is refused for
another reason."""

import collections
import http.client
import json
import os
import random
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("ANAMNESIS_SOURCE_DIR", os.path.join(HERE, "..", ".."))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(ROOT, "client", "python"), os.path.join(ROOT, "tests", "client", "python"),
                os.path.join(ROOT, "tests", "faults")]
import harness  # noqa: E402
from harness import expect  # noqa: E402

try:
    import anamnesis_verify as v
    import exports_test
    import written_log as w
except ModuleNotFoundError as missing:
    harness.skip(f"{missing} (Debian: python3-nacl)")

CHANGES, BATCH, LOG_EVENTS = 1000, 100, 300
WITNESS, WITNESS_SEED = "tamper.example/witness", bytes([7]) * 32


class Form:
    """Something that is handed out: its files, and how each verifier is asked. `ours` is what `anamnesis verify`, or
    the other verb, is given, None where it has no such question; `theirs` takes the path and raises v.Refused."""

    def __init__(self, name, files, ours, theirs, trust, weight=1, verb=("verify",)):
        self.name, self.files, self.weight, self.verb = name, files, weight, verb
        self.ours, self.theirs, self.trust = ours, theirs, trust
        self.directory = None

    def keep(self, directory):
        """The files as they are, for links to them."""
        self.directory = directory
        for name, data in self.files.items():
            w.write(directory, name, data)

    def copy(self, directory, changed):
        for name in {**self.files, **changed}:
            path = os.path.join(directory, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if name not in changed:
                os.link(os.path.join(self.directory, name), path)
            else:
                w.write(directory, name, changed[name])


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tar_of(form_name, path, vkey):
    return Form(form_name, {"export.tar": read(path)}, "export.tar", None, ["--key", vkey])


def export_of(form_name, directory, vkey, trust):
    return Form(form_name, exports_test.files_of(directory), "", lambda path: v.verify_export(path, trust),
                ["--key", vkey], weight=2)


def tiles_of(place, vkey):
    """The whole log as a node serves it. The node cosigns its checkpoints, and whoever doesn't know its key has to
    ignore that line (c2sp.org/signed-note), whatever it says: so the policy asks for it."""
    size = place.size()
    names = ["checkpoint"]
    for kind in ("0", "entries"):
        names += [f"tile/{kind}/{number:03}" for number in range(size // 256)]
        names += [f"tile/{kind}/{size // 256:03}.p/{size % 256}"] if size % 256 else []
    names += [f"tile/1/000.p/{size // 256}"] if size >= 256 else []
    arguments = ["--http-listen", "127.0.0.1:0", "--http-port-file", place.path("http"), "--checkpoint-interval", "0.1"]
    with harness.Node(place.ledger, place.dir, arguments) as node:
        harness.wait_until(lambda: os.path.exists(place.path("http")), "the node serves tiles", node.log_tail)
        connection = http.client.HTTPConnection(read(place.path("http")).decode().strip(), timeout=30)
        files = {}

        def fetch(name):
            connection.request("GET", f"/{name}")
            answer = connection.getresponse()
            data = answer.read()
            return data if answer.status == 200 else b""

        cosigner = harness.run_well("key", "show", "--cosigner", os.path.join(place.ledger, "cosigner.key")).strip()
        cosigned = f"\u2014 {cosigner.split('+')[0]} ".encode()
        harness.wait_until(lambda: cosigned in fetch("checkpoint") and b"\n%d\n" % size in fetch("checkpoint"),
                           "the checkpoint is cosigned", node.log_tail)
        for name in names:
            files[name] = fetch(name)
            expect(files[name], f"{name} is not served")
        node.stop()
    policy = place.path("node.policy")
    w.write("/", policy, f"log {vkey}\nwitness node {cosigner}\nquorum node\n".encode())
    trust = v.Trust([], policy)
    return [Form("tiles, entry bundles and checkpoint over HTTP", files, None,
                 lambda path: v.verify_log(path, trust, [], [], False), [], weight=3),
            Form("checkpoint", {"checkpoint": files["checkpoint"]}, "checkpoint",
                 lambda path: v.verify_checkpoint(path, trust), ["--policy", policy])]


def receipts_of(place, vkey, leaves):
    """As tlog-proof, as COSE, and cosigned, under a policy that wants the witness."""
    trust = v.Trust([vkey], None)
    policy = place.path("policy")
    w.write("/", policy, f"log {vkey}\nwitness w {w.verifier_key(WITNESS, WITNESS_SEED, 4)}\nquorum w\n".encode())
    forms = []
    for leaf in leaves:
        name = place.path(f"receipt-{leaf}")
        harness.run_well("receipt", leaf, "--out", name, *place.where)
        harness.run_well("receipt", leaf, "--cose", "--out", name + "-cose", *place.where)
        bodies = {"r.leaf": read(name + ".leaf"), "r.body": read(name + ".body")}
        proof = read(name + ".tlog-proof")
        forms.append(Form(f"receipt {leaf}, tlog-proof", {"r.tlog-proof": proof, **bodies}, "r.tlog-proof",
                          lambda path: v.verify_receipt(path, trust), ["--key", vkey]))
        cose = read(name + "-cose.cose") if os.path.exists(name + "-cose.cose") else read(name + "-cose")
        forms.append(Form(f"receipt {leaf}, COSE", {"r.cose": cose, **bodies}, "r.cose",
                          lambda path: v.verify_receipt(path, trust), ["--key", vkey]))
        text = proof[proof.index(b"\n\n") + 2:].split(b"\n\n")[0].decode() + "\n"
        witnessed = proof + w.cosignature_line(WITNESS, WITNESS_SEED, text).encode()
        quorum = v.Trust([], policy)
        forms.append(Form(f"receipt {leaf}, cosigned", {"r.tlog-proof": witnessed, **bodies}, "r.tlog-proof",
                          lambda path, quorum=quorum: v.verify_receipt(path, quorum), ["--policy", policy]))
    return forms


def consistency_of(place, vkey, older):
    """That the checkpoint kept earlier is continued by today's. Python has no such question."""
    out = place.path("continued.cose")
    harness.run_well("checkpoint", "--consistency", older, "--out", out, "--key", vkey, *place.where)
    return [Form("consistency, COSE", {"c.cose": read(out), "c.older": read(out[:-len(".cose")] + ".older")}, "c.cose",
                 None, ["--key", vkey])]


def evidence_of():
    """What accuses a key: of two roots, and of two events in one place of a stream."""
    with open(os.path.join(ROOT, "tests", "golden", "vectors", "evidence.json"), encoding="utf-8") as file:
        cases = {case["name"]: case for case in json.load(file)["cases"]}
    forms = []
    for name in ("two roots", "two successors", "a receipt whose leaf was replaced"):
        case = cases[name]
        expect(case["proven"], f"{name} proves nothing")
        trusted = [part for key in case["trusted"] for part in ("--key", key)]
        trust = v.Trust(case["trusted"], None)
        forms.append(Form(f"evidence, {name}", {"e.evidence": case["text"].encode()}, "e.evidence",
                          lambda path, trust=trust: v.verify_evidence(path, trust), trusted,
                          verb=("evidence", "verify")))
    return forms


def statements_of(place, leaf):
    """in-toto in DSSE, of a decision by the gate and of an event."""
    signer = harness.run_well("key", "show", place.key).split()[-1]
    keys = [v.public_key(signer)]
    log = map(json.loads, harness.run_well("log", "--type", "gate.decided", "--json", *place.where).splitlines())
    header = [line["event"]["header"] for line in log if "event" in line][-1]
    decision = [ref["id"] for ref in header["refs"] if ref["role"] == "decision"][0]
    decided, event = place.path("decision.json"), place.path("statements")
    w.write("/", decided, harness.run_well("gate", "export", decision, "--as", place.key, *place.where).encode())
    w.write("/", event, harness.run_well("export", "in-toto", leaf, "--as", place.key, *place.where).encode())
    return [Form(f"in-toto statement of {what}", {"s.dsse.json": read(path)}, "s.dsse.json",
                 lambda name: v.verify_dsse(name, keys), ["--key", signer])
            for what, path in (("a decision", decided), ("an event", event))]


def forms_of(place):
    vkey, where = place.vkey, place.where
    trust = v.Trust([vkey], None)
    place.append("problem.reported", {"criticality": "SAFETY", "description": "d", "configurationUnknownBecause": "x"},
                 "problem=problem:P-1", "affected=software_item:alert")
    place.append("incident.recorded", {"harm": "SERIOUS", "description": "d"}, "incident=incident:IR-1",
                 "unit=device_unit:ICU-1", "problem=problem:P-1")
    older = place.path("older")
    w.write("/", older, harness.run_well("checkpoint", *where).encode())
    lines = [{"stream": "person/ada/notes", "type": "document.referenced", "body": {"title": f"Page {i}"},
              "refs": [f"document=document:page-{i}@1"]} for i in range(LOG_EVENTS)]
    w.write("/", place.path("events.jsonl"), "".join(json.dumps(line) + "\n" for line in lines).encode())
    harness.run_well("append", "--as", place.key, "--jsonl", place.path("events.jsonl"), *where)
    forms = []
    bundle = place.export("incident", "IR-1", "bundle", "--archive")
    history = place.export("dhf", "alert", "dhf", "--archive")
    for name, path in (("incident bundle", bundle), ("design history", history)):
        forms += [export_of(name, path, vkey, trust), tar_of(name + ", tar", path + ".tar", vkey)]
    for kind in ("risk-file", "clause-index", "nb-package", "pccp-draft", "reviewer-questions"):
        out = place.path(kind)
        harness.run_well("report", kind, "alert", "--out", out, "--as", place.key, *where)
        forms.append(export_of(f"report {kind}", out, vkey, trust))
    size = place.size()
    forms += receipts_of(place, vkey, [3, size - 1])
    forms += statements_of(place, 3) + consistency_of(place, vkey, older) + evidence_of()
    return forms + tiles_of(place, vkey)


def change(form, chance):
    """What is changed, in words, and the files that are other ones."""
    name = chance.choice(sorted(form.files))
    data = form.files[name]
    kind = chance.randrange(40)
    if kind == 0:
        at = chance.randrange(len(data) + 1)
        return f"{name}: a byte more at {at}", {name: data[:at] + bytes([chance.randrange(256)]) + data[at:]}
    if not data:
        return f"{name}: is no longer empty", {name: b"\n"}
    at = chance.randrange(len(data))
    if kind == 1:
        return f"{name}: byte {at} is left out", {name: data[:at] + data[at + 1:]}
    if kind == 2:
        return f"{name}: cut off at {at}", {name: data[:at]}
    other = chance.choice(sorted(form.files))
    if kind == 3 and form.files[other] != data:
        return f"{name} and {other} are exchanged", {name: form.files[other], other: data}
    byte = chance.randrange(1, 256) ^ data[at]
    return f"{name}: byte {at} is {byte} for {data[at]}", {name: data[:at] + bytes([byte]) + data[at + 1:]}


class Tampering:
    def __init__(self, place, forms):
        self.forms, self.base = forms, place.path("changed")
        self.counts, self.seconds = collections.Counter(), collections.Counter()
        for number, form in enumerate(forms):
            form.keep(place.path(f"kept-{number}"))

    def ask_theirs(self, form, path):
        """Whether the verifier in Python takes it."""
        target = os.path.join(path, form.ours or "")
        try:
            form.theirs(target.rstrip("/"))
            return True
        except v.Refused:
            return False

    def ask_ours(self, form, paths):
        """What `anamnesis verify` takes of these."""
        targets = [os.path.join(path, form.ours).rstrip("/") for path in paths]
        done = harness.run(*form.verb, *targets, *form.trust)
        verdicts = {}
        for line in done.stdout.splitlines():
            for start, verdict in (("verified  ", True), ("NOT VERIFIED ", False), ("PROVEN  ", True),
                                   ("NOT PROVEN ", False)):
                if line.startswith(start):
                    verdicts[line[len(start):]] = verdict
        expect(set(verdicts) == set(targets), f"{form.name}: {done.returncode} {done.stderr[:500]}")
        return [verdicts[target] for target in targets]

    def check_whole(self):
        for form in self.forms:
            expect(form.theirs is None or self.ask_theirs(form, form.directory), f"{form.name}: Python refuses it")
            expect(form.ours is None or self.ask_ours(form, [form.directory]) == [True], f"{form.name}: is refused")

    def check_changed(self, changes, chance):
        drawn = collections.Counter(chance.choices(range(len(self.forms)), [form.weight for form in self.forms],
                                                   k=changes))
        for number, count in sorted(drawn.items()):
            for first in range(0, count, BATCH):
                self.check_batch(self.forms[number], min(BATCH, count - first), chance)

    def check_batch(self, form, count, chance):
        told = {}
        for i in range(count):
            path = os.path.join(self.base, str(i))
            what, files = change(form, chance)
            form.copy(path, files)
            told[path] = what
        began = time.monotonic()
        for path, what in told.items():
            expect(form.theirs is None or not self.ask_theirs(form, path), f"{form.name} verifies in Python: {what}")
        self.seconds["Python"] += time.monotonic() - began
        began = time.monotonic()
        verdicts = self.ask_ours(form, list(told)) if form.ours is not None else []
        self.seconds["C++"] += time.monotonic() - began
        wrong = [what for what, verdict in zip(told.values(), verdicts) if verdict]
        expect(not wrong, f"{form.name} verifies: {wrong[:5]}")
        self.counts[form.name] += count
        shutil.rmtree(self.base)


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), os.path.join(harness.BIN, "anamnesisd"))
    changes = int(sys.argv[1]) if len(sys.argv) > 1 else CHANGES
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    began = time.monotonic()
    # Ten thousand changed copies are not worth a disk.
    with exports_test.Manufacturer("/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as place:
        tampering = Tampering(place, forms_of(place))
        print(f"{len(tampering.forms)} forms, made in {time.monotonic() - began:.1f} s; seed {seed}", flush=True)
        shutil.rmtree(place.ledger)
        tampering.check_whole()
        tampering.check_changed(changes, random.Random(seed))
        tampering.check_whole()
        for form in tampering.forms:
            asked = " and ".join(who for who, way in (("C++", form.ours), ("Python", form.theirs)) if way is not None)
            print(f"{tampering.counts[form.name]:6}  {form.name} ({sum(map(len, form.files.values()))} bytes): {asked}")
    took = ", ".join(f"{who} {seconds:.1f} s" for who, seconds in tampering.seconds.items())
    print(f"A91 A94: {changes} changes, none verifies ({took})")


if __name__ == "__main__":
    main()
