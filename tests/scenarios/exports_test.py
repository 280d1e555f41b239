"""Design histories and incident bundles end to end (A90, A91, A94, A101, A102, A105 to A107, A112): complete, what is
missing named, the same byte for byte when made again, verified offline, and no byte can be another one unnoticed."""

import base64
import datetime
import hashlib
import html.parser
import json
import os
import random
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import harness  # noqa: E402
from harness import expect  # noqa: E402

try:
    from nacl import signing
except ModuleNotFoundError:
    signing = None

DONE, NO, BAD_INPUT = 0, 1, 2
PYTHON_VERIFIER = os.path.join(HERE, "..", "..", "client", "python", "anamnesis_verify.py")
STEPS = os.path.join(HERE, "gate", "steps.py")
HOSTILE = "</bdi><script>alert('x')</script> & \"quoted\" \u202ereversed"
HOSTILE_SHOWN = HOSTILE.replace("\u202e", "\ufffd")  # what turns the text around it is not passed on
FLIPS = 500


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Manufacturer(harness.Place):
    """The ledger of the gate's scenario: a class C alert that adapts its threshold; one adaptation runs."""

    def __enter__(self):
        super().__enter__()
        self.where = ["--ledger", f"file:{self.ledger}"]
        for name in ("carl", "rita", "eve", "tuner", "certifier", "ICU-1", "ICU-2", "stranger"):
            harness.run_well("key", "new", "--out", self.path(f"{name}.key"), "--name", name)
        self.enrol("person", "carl", "--name", "Carl Certifier", "--role", "certifier")
        self.enrol("person", "rita", "--name", "Rita Regulatory", "--role", "regulatory_officer")
        self.enrol("person", "eve", "--name", "Eve <b>Engineer</b>")
        self.enrol("software", "tuner")
        self.enrol("software", "certifier", "--role", "verifier")
        for unit in ("ICU-1", "ICU-2"):
            self.enrol("device", unit)
        harness.run_well("role", "grant", "ada", "quality_officer", "--as", self.key, *self.where)
        harness.run_well("policy", "adopt", "--shipped", "--as", self.key, *self.where)
        for key, *part in (("ada", "organisation"), ("carl", "certifier_person"),
                           ("ada", "envelope", "threshold", "0.05"), ("ada", "envelope", "threshold-eu", "0.02", "EU"),
                           ("rita", "regulatory"), ("tuner", "produced", "1", "0.03"), ("certifier", "verified", "1")):
            self.record(key, *part)
        self.activate()
        self.vkey = harness.run_well("key", "show", os.path.join(self.ledger, "checkpoint.key")).split()[-1]
        return self

    def enrol(self, kind, name, *more):
        harness.run_well("enrol", kind, name, "--key", self.path(f"{name}.key"), "--as", self.key, *more, *self.where)

    def record(self, key, *part):
        lines = subprocess.run([STEPS, *part], env={**os.environ, "AT": now()}, check=True, capture_output=True).stdout
        path = self.path("lines.jsonl")
        with open(path, "wb") as file:
            file.write(lines)
        harness.run_well("append", "--jsonl", path, "--as", self.path(f"{key}.key"), *self.where)

    def append(self, kind, body, *refs, key="ada"):
        body_file = self.path("body.json")
        with open(body_file, "w") as file:
            json.dump(body, file)
        arguments = [argument for ref in refs for argument in ("--ref", ref)]
        said = harness.run_well("append", "--stream", f"person/{key}", "--type", kind, "--body", body_file, *arguments,
                                "--occurred-at", now(), "--as", self.path(f"{key}.key"), *self.where)
        return int(said.split()[0])

    def retract(self, event_id):
        line = {"stream": "person/rita", "type": "record.corrected", "occurred_at": now(), "corrects": event_id,
                "rationale": "reported twice", "body": {"kind": "RETRACTED"}}
        with open(self.path("retraction.jsonl"), "w") as file:
            file.write(json.dumps(line) + "\n")
        harness.run_well("append", "--jsonl", self.path("retraction.jsonl"), "--as", self.path("rita.key"), *self.where)

    def activate(self):
        harness.run_well("gate", "request", "shift@1", "--unit", "ICU-1", "--fallback", "baseline:base@5", "--as",
                         self.path("ICU-1.key"), *self.where)
        log = map(json.loads, harness.run_well("log", "--type", "gate.decided", "--json", *self.where).splitlines())
        decided = [line["event"] for line in log if "event" in line][-1]
        decision = [ref["id"] for ref in decided["header"]["refs"] if ref["role"] == "decision"][0]
        harness.run_well("gate", "activate", decision, "--as", self.path("ICU-1.key"), *self.where)

    def size(self):
        return int(json.loads(harness.run_well("status", "--json", *self.where))["treeSize"])

    def export(self, verb, subject, name, *more, where=None):
        out = self.path(name)
        harness.run_well(verb, subject, "--out", out, "--as", self.key, *(where or self.where), *more)
        return out

    def verify(self, path, key=None):
        return harness.run("verify", path, "--key", key or self.vkey)

    def python_verify(self, path):
        return subprocess.run(["/usr/bin/python3", "-B", PYTHON_VERIFIER, "export", path, "--key", self.vkey],
                              capture_output=True, text=True, timeout=300)


def files_of(directory):
    found = {}
    for base, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, directory)] = file.read()
    return found


def document(directory):
    with open(os.path.join(directory, "export.json")) as file:
        return json.load(file)


class Values(html.parser.HTMLParser):
    """The texts of index.html, as a browser would see them."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.values, self.tags, self.open, self.title = [], set(), False, None

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        expect(not any(name.startswith("on") for name, _ in attributes), f"{tag} has a handler: {attributes}")
        if tag == "bdi":
            self.open, self.title = True, dict(attributes).get("title")
            self.values.append("" if self.title is None else self.title)

    def handle_data(self, data):
        if self.open and self.title is None:
            self.values[-1] += data

    def handle_endtag(self, tag):
        if tag == "bdi":
            self.open = False


def texts_of(export):
    """The same from export.json, in the order of reading."""
    yield from (export[name] for name in ("title", "subject", "origin", "root"))
    for fact in export["facts"]:
        yield from (fact["name"], fact["value"])
    for section in export["sections"]:
        yield from (section["title"], section["clauses"], *section["paragraphs"])
        for gap in section["gaps"]:
            yield from (gap["clause"], gap["text"], *map(str, gap["leaves"]))
        for table in section["tables"]:
            yield table["title"]
            if not table["rows"]:
                yield table["when_empty"]
                continue
            yield from table["columns"]
            for row in table["rows"]:
                for cell in row:
                    yield from (cell["text"], *map(str, cell.get("leaves", [])))
    for record in export["records"]:
        yield from (str(record["leaf"]), record["type"], record["occurred"], record["recorded"], record["actor"],
                    record["stream"], record["event_id"], record["leaf_sha256"], record["body_commitment"])
        for field in record["fields"]:
            yield from (field["name"], field["value"])


def check_content(directory):
    """A112: a browser and a program read the same, and the manifest says so."""
    values = Values()
    with open(os.path.join(directory, "index.html"), encoding="utf-8", newline="") as file:
        values.feed(file.read())
    foreign = values.tags & {"script", "img", "iframe", "link", "form", "object", "svg"}
    expect(not foreign, f"tags: {foreign}")
    export = document(directory)
    expect(values.values == list(texts_of(export)), "index.html and export.json differ")
    digest = hashlib.sha256("".join(text.replace("\n", "\n\n") + "\n." for text in values.values).encode()).hexdigest()
    with open(os.path.join(directory, "manifest.json")) as file:
        expect(json.load(file)["content_sha256"] == digest, "the manifest says another content")
    return export


def check_tampering(place, directory, flips):
    """No byte of any file can be another one; nothing can be missing or added."""
    names = sorted(files_of(directory))
    chance = random.Random(20260321)
    for number in range(flips):
        name = names[number % len(names)] if number < len(names) else chance.choice(names)
        path = os.path.join(directory, name)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            if not data:
                continue
            at = chance.randrange(len(data))
            bit = 1 << chance.randrange(8)
            file.seek(at)
            file.write(bytes([data[at] ^ bit]))
        done = place.verify(directory)
        expect(done.returncode == NO, f"{name}: byte {at} with bit {bit} flipped: {done.returncode} {done.stdout}")
        with open(path, "wb") as file:
            file.write(data)
    expect(place.verify(directory).returncode == DONE, "whole again")
    for name in ("manifest.json", "manifest.sig", "README.txt", "checkpoint", names[-1]):
        os.rename(os.path.join(directory, name), place.path("aside"))
        done = place.verify(directory)
        expect(done.returncode == NO and name in done.stdout, f"without {name}: {done.stdout}")
        os.rename(place.path("aside"), os.path.join(directory, name))
    extra = os.path.join(directory, "records", "extra")
    for make in (lambda: open(extra, "w").close(), lambda: os.symlink("/etc/hostname", extra)):
        make()
        expect(place.verify(directory).returncode == NO, "an extra file")
        os.remove(extra)


def signed_anew(place, directory, change):
    """A copy whose page is another one, signed by who signed the export."""
    changed = place.path("signed-anew")
    shutil.copytree(directory, changed)
    page = os.path.join(changed, "index.html")
    with open(page, encoding="utf-8", newline="") as file:
        before = file.read()
    after = change(before)
    expect(after != before, "nothing was changed")
    with open(page, "w", encoding="utf-8", newline="") as file:
        file.write(after)
    with open(os.path.join(changed, "manifest.json"), "rb") as file:
        manifest = file.read()
    digests = [hashlib.sha256(text.encode()).hexdigest().encode() for text in (before, after)]
    sizes = [b'{"path":"index.html","sha256":"%s","size":%d}' % (digest, len(text.encode()))
             for digest, text in zip(digests, (before, after))]
    expect(sizes[0] in manifest, "the manifest names the page in another form")
    manifest = manifest.replace(*sizes)
    with open(os.path.join(changed, "manifest.json"), "wb") as file:
        file.write(manifest)
    with open(place.key, encoding="utf-8") as file:
        seed = base64.b64decode(file.read().strip().split("+", 4)[4])[1:]
    text = f"anamnesis-export-manifest-v1\n{hashlib.sha256(manifest).hexdigest()}\n"
    with open(os.path.join(changed, "manifest.sig"), "r+", encoding="utf-8") as file:
        name, line = file.read().split("— ")[1].split(" ")
        blob = base64.b64decode(line)[:4] + signing.SigningKey(seed).sign(text.encode()).signature
        file.seek(0)
        file.write(f"{text}\n— {name} {base64.b64encode(blob).decode()}\n")
    return changed


def check_page(place, directory):
    """The page says nothing else than export.json, also where no text of the ledger stands; both programs say so."""
    done = place.python_verify(directory)
    expect(done.returncode == DONE, f"the Python verifier writes another page: {done.stdout} {done.stderr}")
    for change in (lambda page: page.replace("<h3>Missing", "<h3>Present", 1),
                   lambda page: page.replace("</body>", "<p>Approved.</p></body>"),
                   lambda page: page.replace("</style>", ".gaps { display: none }</style>"),
                   lambda page: page.replace('<div class="gaps">', '<div class="hex">', 1),
                   lambda page: page.replace("…</bdi>", "0…</bdi>", 1)):
        changed = signed_anew(place, directory, change)
        for verify in (place.verify, place.python_verify):
            done = verify(changed)
            expect(done.returncode == NO and "index.html: " in done.stdout, f"{done.returncode} {done.stdout}")
        shutil.rmtree(changed)


def check_design_history(place):
    place.append("problem.reported",
                 {"criticality": "SAFETY", "description": HOSTILE, "configurationUnknownBecause": "x"},
                 "problem=problem:P-1", "affected=software_item:alert")
    size = place.size()
    first = place.export("dhf", "alert", "dhf", "--archive")
    done = place.verify(first)
    expect(done.returncode == DONE and "signed by person:ada" in done.stdout, done.stdout + done.stderr)
    export = check_content(first)
    if signing is not None:
        check_page(place, first)
    else:
        print("no page was signed anew: python3-nacl is not installed", flush=True)
    titles = [section["title"] for section in export["sections"]]
    expect([title[0] for title in titles[:7]] == list("1234567"), titles)
    for id in ("plan", "trace", "contemporaneity", "adaptation", "clauses", "signatures", "redactions", "completeness",
               "order"):
        expect(id in [section["id"] for section in export["sections"]], f"no section {id}")
    records = {record["leaf"] for record in export["records"]}
    for section in export["sections"]:
        cited = {leaf for gap in section["gaps"] for leaf in gap["leaves"]}
        cited |= {leaf for table in section["tables"] for row in table["rows"] for cell in row
                  for leaf in cell.get("leaves", [])}
        expect(cited <= records, f"{section['id']} cites what has no record")
        expect(section["gaps"] or any(table["rows"] for table in section["tables"]) or
               all(table["when_empty"] for table in section["tables"]), f"{section['id']} is silently empty")
    # The item has no validation and no data: named, with who asks for it.
    for id in ("validation", "data"):
        gaps = [section["gaps"] for section in export["sections"] if section["id"] == id][0]
        expect(gaps and gaps[0]["clause"], f"no gap in {id}")
    register = [section for section in export["sections"] if section["id"] == "signatures"][0]
    signed = register["tables"][0]["rows"]
    expect({row[3]["text"] for row in signed} & {"Rita Regulatory", "Carl Certifier"}, f"register: {signed}")
    expect(any(HOSTILE_SHOWN in text for text in texts_of(export)), "the hostile text is there, as text")

    # The same later, from a ledger that grew, and from a node that serves it.
    place.append("problem.investigated", {"cause": "c", "outcome": "o"}, "problem=problem:P-1")
    again = place.export("dhf", "alert", "again", "--known-size", size, "--archive")
    expect(files_of(again) == files_of(first), "made again it differs")
    with open(first + ".tar", "rb") as one, open(again + ".tar", "rb") as two:
        expect(one.read() == two.read(), "the archives differ")
    with harness.Node(place.ledger, place.dir) as node:
        served = place.export("dhf", "alert", "served", "--known-size", size, where=["--ledger", node.address])
        node.stop()
    expect(files_of(served) == files_of(first), "served it differs")

    # What came since.
    newer = place.export("dhf", "alert", "newer")
    done = harness.run("compare", first, newer, "--json")
    compared = json.loads(done.stdout)
    expect(done.returncode == NO and "problem.investigated" in [one["type"] for one in compared["added"]], done.stdout)
    expect(not compared["removed"] and not compared["changed"], done.stdout)
    expect(harness.run("compare", first, again).returncode == DONE, "the same")

    # Others' keys, and archives.
    stranger = harness.run_well("key", "show", place.path("stranger.key")).split()[-1]
    expect(place.verify(first, stranger).returncode == NO, "another key")
    expect(place.verify(first + ".tar").returncode == DONE, place.verify(first + ".tar").stdout)
    done = harness.run("dhf", "alert", "--out", place.path("stranger"), "--as", place.path("stranger.key"),
                       *place.where)
    expect(done.returncode != DONE and "no credential" in done.stderr, done.stderr)
    done = harness.run("dhf", "alert", "--out", first, "--as", place.key, *place.where)
    expect(done.returncode == BAD_INPUT and "not empty" in done.stderr, done.stderr)
    done = harness.run("dhf", "nothing", "--out", place.path("nothing"), "--as", place.key, *place.where)
    expect(done.returncode == NO and not os.path.exists(place.path("nothing")), done.stderr)
    check_printed(place)
    return first


def check_printed(place):
    """--pdf: whatever becomes of the program that prints, the export is whole, and what it said is told."""
    for name, script, said in (("writes", 'printf "%%PDF" > "$2"', ""), ("absent", None, "is not installed"),
                               ("fails", 'echo "no such font" >&2\necho "on stdout"\nexit 3', "no such font"),
                               ("talks", 'yes "a warning" | head -n 100000 >&2\nexit 1', "a warning")):
        home = place.path(f"printer-{name}")
        os.mkdir(home)
        if script is not None:
            program = os.path.join(home, "weasyprint")
            with open(program, "w") as file:
                file.write(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
            os.chmod(program, 0o755)
        out = place.path(f"printed-{name}")
        done = harness.run("dhf", "alert", "--out", out, "--as", place.key, "--pdf", "--json", *place.where,
                           env={**os.environ, "PATH": home})
        expect(done.returncode == DONE and said in done.stderr and "on stdout" not in done.stdout,
               f"{name}: {done.returncode} {done.stdout} {done.stderr[:2000]}")
        expect(len(done.stderr) < 4000, f"{name}: {len(done.stderr)} bytes of what it printed")
        printed = out + ".pdf" if name == "writes" else None
        expect(json.loads(done.stdout)["pdf"] == printed and os.path.exists(out + ".pdf") == (printed is not None),
               f"{name}: {done.stdout}")
        expect(place.verify(out).returncode == DONE, f"{name}: the export is not whole")


def check_taken_back(place):
    """What was retracted stays in an export, struck through; both programs verify it and can compare it."""
    leaf = place.append("problem.reported",
                        {"criticality": "SAFETY", "description": "again", "configurationUnknownBecause": "x"},
                        "problem=problem:P-2", "affected=software_item:alert")
    before = place.export("dhf", "alert", "untouched")
    place.retract([record["event_id"] for record in document(before)["records"] if record["leaf"] == leaf][0])
    after = place.export("dhf", "alert", "taken-back")
    rows = [row for section in check_content(after)["sections"] for table in section["tables"] for row in table["rows"]]
    struck = [row for row in rows if row[0].get("mark") == "void"]
    expect([row[0]["leaves"] for row in struck] == [[leaf]], f"struck through: {struck}")
    for verify in (place.verify, place.python_verify):
        done = verify(after)
        expect(done.returncode == DONE, done.stdout + done.stderr)
    done = harness.run("compare", before, after, "--json")
    expect(done.returncode == NO and "record.corrected" in [one["type"] for one in json.loads(done.stdout)["added"]],
           done.stdout + done.stderr)


def check_incident(place):
    place.append("incident.recorded", {"harm": "SERIOUS", "description": HOSTILE}, "incident=incident:IR-1",
                 "unit=device_unit:ICU-1", "problem=problem:P-1")
    with open(place.path("table.txt"), "w") as file:
        file.write("threshold table 1\n")
    harness.run_well("object", "put", place.path("table.txt"), "--as", place.key, *place.where)
    out = place.export("incident", "IR-1", "bundle", "--archive")
    done = place.verify(out)
    expect(done.returncode == DONE, done.stdout)
    export = check_content(out)
    sections = {section["id"]: section for section in export["sections"]}
    for id in ("incident", "configuration-1", "activations-1", "attestations-1", "lineage", "files", "risk-alert",
               "similar", "siblings", "service", "orders", "regulatory", "clocks", "signatures", "redactions"):
        expect(id in sections, f"no section {id} in {sorted(sections)}")
    surfaces = {row[0]["text"]: row for row in sections["configuration-1"]["tables"][0]["rows"]}
    expect("artifact:shift@1" in surfaces["alert_threshold"][2]["text"], surfaces)
    activation = sections["activations-1"]["tables"][0]["rows"][-1]
    expect("allow" in activation[3]["text"] and "at the activation: in force" in activation[4]["text"], activation)
    expect(any("aware" in gap["text"] for gap in sections["incident"]["gaps"]), "nobody established awareness: a gap")
    bytes_of = sections["files"]["tables"][0]["rows"][0][3]["text"]
    with open(os.path.join(out, bytes_of)) as file:
        expect(file.read() == "threshold table 1\n", f"the bytes that ran: {bytes_of}")
    states, regulatory = sections["regulatory"]["tables"]
    expect(any(row[2]["text"].startswith("in force") for row in states["rows"]), states)
    regulatory = [row[0]["text"] for row in regulatory["rows"]]
    expect("authorisation.granted" in regulatory, regulatory)
    with open(out + ".tar", "rb") as file:
        archive = bytearray(file.read())
    chance = random.Random(7)
    for _ in range(40):
        at, bit = chance.randrange(len(archive)), 1 << chance.randrange(8)
        archive[at] ^= bit
        with open(place.path("flipped.tar"), "wb") as file:
            file.write(archive)
        archive[at] ^= bit
        done = place.verify(place.path("flipped.tar"))
        expect(done.returncode == NO, f"byte {at} of the archive: {done.returncode} {done.stdout}")
    check_bundled_verifier(place, out)
    check_reports(place)
    done = harness.run("incident", "IR-2", "--out", place.path("none"), "--as", place.key, *place.where)
    expect(done.returncode == NO and not os.path.exists(place.path("none")), done.stderr)


def check_bundled_verifier(place, bundle):
    """The program in the bundle is the one of this source, and is all that it takes beside Python and PyNaCl."""
    ours, bundled = PYTHON_VERIFIER, os.path.join(bundle, "anamnesis_verify.py")
    with open(ours, "rb") as one, open(bundled, "rb") as other:
        expect(one.read() == other.read(), "the bundle has another verifier")
    os.mkdir(place.path("elsewhere"))
    shutil.copytree(bundle, os.path.join(place.path("elsewhere"), "bundle"))
    done = subprocess.run(["/usr/bin/python3", "-B", "-I", "bundle/anamnesis_verify.py", "export", "bundle", "--key",
                           place.vkey], cwd=place.path("elsewhere"), capture_output=True, text=True, timeout=300)
    if signing is None:
        expect("nacl" in done.stderr, f"{done.stdout} {done.stderr}")
    else:
        expect(done.returncode == DONE, f"{done.stdout} {done.stderr}")


def check_who_sealed(place, bundle):
    """Both programs say of the same records that their seal is not shown."""
    shown = [json.loads(harness.run("verify", bundle, "--key", place.vkey, "--json").stdout)["results"][0]]
    if signing is not None:
        done = subprocess.run(["/usr/bin/python3", "-B", PYTHON_VERIFIER, "export", bundle, "--key", place.vkey,
                               "--json"], capture_output=True, text=True, timeout=300)
        shown.append(json.loads(done.stdout)["results"][0])
    records = document(bundle)["records"]
    for one in shown:
        expect(one["verified"] and 0 < one["sealsNotShown"] < len(records), f"{one} of {len(records)}")
        expect(one["sealsNotShown"] == shown[0]["sealsNotShown"], shown)


def check_decisions_again(place, bundle):
    """Without the ledger: each decision that the bundle tells is computed again from its own records."""
    export = document(bundle)
    records = {record["leaf"]: record for record in export["records"]}
    section = [section for section in export["sections"] if section["id"] == "activations-1"][0]
    activations, _, grounds = section["tables"]
    expect(grounds["rows"] and all(row[1]["leaves"] for row in grounds["rows"]), grounds)
    runs = [leaf for leaf in activations["rows"][-1][4]["leaves"] if records[leaf]["type"] == "sandbox_run.completed"]
    expect(runs, f"the certification cites no run: {activations['rows'][-1]}")
    for number, (decided, computed_from, evidence) in enumerate(grounds["rows"]):
        leaf = decided["leaves"][0]
        expect(set(evidence["leaves"]) <= records.keys(), f"evidence without a record: {evidence}")
        slice_dir = place.path(f"slice-{number}")
        os.mkdir(slice_dir)
        for one in (leaf, *computed_from["leaves"]):
            for ending in ("leaf", "body", "tlog-proof"):
                shutil.copy(os.path.join(bundle, "records", f"{one}.{ending}"), slice_dir)
        said = {field["name"]: field["value"] for field in records[leaf]["fields"]}
        arguments = ["gate", "verify", slice_dir, "--unit", "ICU-1", "--sha256", hexadecimal(said["artifact_digest"]),
                     "--configuration", hexadecimal(said["configuration_digest"]), "--at", records[leaf]["recorded"],
                     "--key", place.vkey, "--json"]
        done = harness.run(*arguments)
        expect(done.returncode == DONE and json.loads(done.stdout)["verified"], f"{done.stdout} {done.stderr}")
        os.remove(os.path.join(slice_dir, f"{max(computed_from['leaves'])}.tlog-proof"))
        expect(harness.run(*arguments).returncode != DONE, "a decision is the same without what it was computed from")


def hexadecimal(text):
    return text.split(":")[-1]


def check_late_record(place):
    """What becomes known after an export: the next one has another answer for now and the same for then, and the first
    is made again byte for byte. A body that was erased in between is all that then differs, and the export says so."""
    at = place.append("feedback.received", {"source": "patient", "channel": "letter", "text": "I am Erika Mustermann"},
                      "feedback=feedback:F-1", "unit=device_unit:ICU-2")
    ran = now()
    time.sleep(1.1)
    place.append("incident.recorded", {"harm": "SERIOUS", "description": "d"}, "incident=incident:IR-3",
                 "unit=device_unit:ICU-2", "problem=problem:P-1")
    size = place.size()
    first = place.export("incident", "IR-3", "before")
    answer = dict((fact["name"], fact["value"]) for fact in document(first)["facts"])
    expect("ICU-2 ran, as known then and now" in answer, f"one answer, at the top: {answer}")
    late = {"stream": "device_unit/ICU-2", "type": "artifact.activated", "occurred_at": ran,
            "late_reason": "network was down", "refs": ["unit=device_unit:ICU-2", "artifact=artifact:shift@1"],
            "body": {"surface": "alert_threshold"}}
    with open(place.path("late.jsonl"), "w") as file:
        file.write(json.dumps(late) + "\n")
    harness.run_well("append", "--jsonl", place.path("late.jsonl"), "--as", place.path("ICU-2.key"), *place.where)
    second = place.export("incident", "IR-3", "after")
    facts = dict((fact["name"], fact["value"]) for fact in check_content(second)["facts"])
    then, now_known = facts["ICU-2 ran, as known then"], facts["ICU-2 ran, as known now"]
    expect("artifact:shift@1" in now_known and "artifact:shift@1" not in then, f"{facts}")
    expect(then == answer["ICU-2 ran, as known then and now"] or "alert_threshold" in then, f"{then}")
    again = place.export("incident", "IR-3", "before-again", "--known-size", size)
    expect(files_of(again) == files_of(first), "a late record changed what was exported before it")
    expect(place.verify(first).returncode == place.verify(second).returncode == DONE, "both verify")

    # The letter is erased: the export that was made before still verifies; one made again tells what is gone.
    harness.run_well("erase", "--leaf", at, "--about", "subject:patient-1", "--basis",
                     "Art. 17(1)(b): consent withdrawn", "--authorised-by", "person:ada", "--rationale",
                     "asked for by letter", "--as", place.key, *place.where)
    erased = place.export("incident", "IR-3", "erased", "--known-size", size)
    done = place.verify(erased)
    expect(place.verify(first).returncode == DONE and done.returncode == DONE, done.stdout)
    texts = list(texts_of(check_content(erased)))
    expect(not any("Erika" in text for text in texts), "the erased letter is in an export")
    before, after = ({record["leaf"]: record["body"] for record in document(one)["records"]} for one in (first, erased))
    if at in before:
        expect(before[at] == "present" and after[at] == "erased", f"{before[at]} {after[at]}")
    expect(place.export("incident", "IR-3", "erased-again", "--known-size", size) and
           files_of(place.path("erased-again")) == files_of(erased), "made again it differs")


def check_reports(place):
    """A61, A102, A105, A106, A109: the other reports, in the same shape."""
    digest = {"algorithm": "SHA256", "value": base64.b64encode(b"ab" * 16).decode()}
    place.append("document.referenced", {"title": "Binder of 2019", "locator": "cabinet 3", "digest": digest},
                 "document=document:binder@1", "about=software_item:alert")
    wanted = {"risk-file": ["plan", "analysis", "evaluation", "controls", "verification", "residual", "benefit",
                            "review", "production", "trace"],
              "clause-index": ["completeness", "clauses"],
              "reviewer-questions": ["history", "verification-records", "configuration"],
              "device-file": ["description", "labelling", "specification", "production", "measuring", "installation",
                              "service", "authorisations"],
              "nb-package": ["plan", "architecture", "envelope", "protocol", "certifications", "trace", "glossary"],
              "pccp-draft": ["modifications", "protocol", "impact", "modification-trace"]}
    for kind, ids in wanted.items():
        out = place.path(kind)
        harness.run_well("report", kind, "alert", "--out", out, "--as", place.key, *place.where)
        done = place.verify(out)
        expect(done.returncode == DONE, done.stdout)
        sections = {section["id"]: section for section in check_content(out)["sections"]}
        for id in ids:
            expect(id in sections, f"{kind}: no section {id} in {sorted(sections)}")
    # A107: what is kept elsewhere stays there, by digest and place.
    elsewhere = document(place.path("reviewer-questions"))["sections"][0]["tables"][1]["rows"]
    expect("cabinet 3" in elsewhere[0][2]["text"] and "sha256:6162" in elsewhere[0][2]["text"], elsewhere)
    draft = document(place.path("pccp-draft"))
    modifications = draft["sections"][0]["tables"][0]["rows"]
    expect(modifications[0][0]["text"] == "threshold_shift" and "0.05" in modifications[0][1]["text"], modifications)
    done = harness.run("report", "other", "alert", "--out", place.path("other"), "--as", place.key, *place.where)
    expect(done.returncode == BAD_INPUT, done.stderr)


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"), os.path.join(harness.BIN, "anamnesisd"))
    with Manufacturer() as place:
        design_history = check_design_history(place)
        check_taken_back(place)
        check_incident(place)
        check_late_record(place)
        # Offline, and without the ledger.
        shutil.rmtree(place.ledger)
        bundle = place.path("bundle")
        check_who_sealed(place, bundle)
        check_decisions_again(place, bundle)
        check_tampering(place, design_history, FLIPS)
    print("A90 A91 A94 A101 A112: ok")


if __name__ == "__main__":
    main()
