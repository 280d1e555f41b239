#!/usr/bin/python3
"""The Python verifier over exports, as deploy/decisions/0018-exports.md has them: whole ones verify, altered ones
never. The directories are written here, by hand; one more is by `anamnesis dhf`, where there is such a verb."""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("ANAMNESIS_SOURCE_DIR", pathlib.Path(__file__).parents[3]))
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / path) for path in ("client/python", "tests/client/python", "tests/faults")]
import harness  # noqa: E402

try:
    import anamnesis_verify as v
    import written_log as w
except ModuleNotFoundError as missing:
    harness.skip(f"{missing} (Debian: python3-nacl)")

NONCE = bytes(32)
CHANGES = 3000


KEY = w.public(w.WRITER_SEED)


def form(value):
    """RFC 8785 of strings and whole numbers."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


RECORDED_US = 1_742_036_400_000_100


def leaves_and_bodies(second, bounds, holder, key):
    """A log of four events; the first issues the credential of whoever signs the export, the last body is erased."""
    issued = w.field(1, key) + w.field(2, 1) + bounds + w.field(5, b"\x01\x02")
    kinds = ["credential.issued", second[0], "model.defined", "model.defined"]
    bodies = [issued, second[1], b"", b"erased"]
    leaves, previous = [], bytes(32)
    for i, (kind, body) in enumerate(zip(kinds, bodies)):
        entity = ("holder", "person", holder) if kind.startswith("credential") else ("model", "model", "m")
        header = w.header(i + 1, position=i + 1, previous=previous, type_name=kind, entity=entity, body=body)
        previous = hashlib.sha256(header).digest()
        leaves.append(w.leaf(header, w.seal_of(w.statement([header], first=i + 1)), RECORDED_US + i))
    return leaves, [NONCE + body for body in bodies[:-1]] + [None]


def record(index, kind, leaf, body):
    event_id = leaf[15:31].hex()
    header_size = int.from_bytes(leaf[9:13], "big")
    return {"leaf": index, "type": kind, "stream": "person/ada",
            "event_id": "-".join((event_id[:8], event_id[8:12], event_id[12:16], event_id[16:20], event_id[20:])),
            "actor": "person:ada", "occurred": "2025-03-15T11:00:00Z .. 2025-03-15T11:00:00.000001Z",
            "recorded": f"2025-03-15T11:00:00.00010{index}Z",
            "leaf_sha256": hashlib.sha256(leaf).hexdigest(), "body_commitment": leaf[13:13 + header_size][-32:].hex(),
            "body": "erased" if body is None else "present",
            "fields": [{"name": "why", "value": "because\nof \"<i>\""}]}


def content(document):
    """What a person reads of the document that this test makes, in order."""
    texts = ["A title", "model:m", w.ORIGIN, document["root"], "As of", "today", "Risk", "clause 7", "A paragraph",
             "7", "x", "2", "t", "c", "cell", "1", "3", "empty", "nothing"]
    for one in document["records"]:
        texts += [str(one["leaf"]), one["type"], one["occurred"], one["recorded"], one["actor"], one["stream"],
                  one["event_id"], one["leaf_sha256"], one["body_commitment"], "why", 'because\nof "<i>"']
    return texts


STYLE = (ROOT / "client" / "exports" / "html_style.h").read_text(encoding="utf-8")
STYLE = STYLE[STYLE.index('R"css(') + 6:STYLE.index(')css"')]


def page(document):
    """As the ledger's program writes it, which scenarios/exports_test.py compares; columns of any width."""
    text = "".join(v.page_of(document)).replace("<style></style>", f"<style>{STYLE}</style>")
    return text.replace("<col>", '<col style="width:100.0%">')


class Export:
    """Files by name; `sign` makes manifest.json and manifest.sig for them."""

    def __init__(self, second=("model.defined", b"abc"), bounds=b"", holder="ada", key=KEY):
        """`bounds`: the fields of the time for which `key`, the signer's and writer's, was issued to `holder`."""
        leaves, bodies = leaves_and_bodies(second, bounds, holder, key)
        kinds = ["credential.issued", second[0], "model.defined", "model.defined"]
        hashes = [w.leaf_hash(leaf) for leaf in leaves]
        note = w.checkpoint(hashes)
        self.document = {
            "format": "anamnesis-export-v1", "kind": "design-history", "title": "A title", "subject": "model:m",
            "origin": w.ORIGIN, "tree_size": 4, "root": w.root(hashes).hex(),
            "facts": [{"name": "As of", "value": "today"}],
            "sections": [{
                "id": "risk", "title": "Risk", "clauses": "clause 7", "paragraphs": ["A paragraph"],
                "gaps": [{"clause": "7", "text": "x", "leaves": [2]}],
                "tables": [{"title": "t", "columns": ["c"], "rows": [[{"text": "cell", "leaves": [1, 3]}]],
                            "when_empty": "none"},
                           {"title": "empty", "columns": ["c"], "rows": [], "when_empty": "nothing"}]}],
            "records": [record(i, *of) for i, of in enumerate(zip(kinds, leaves, bodies))]}
        texts = content(self.document)
        told = "".join(text.replace("\n", "\n\n") + "\n." for text in texts)
        self.content = hashlib.sha256(told.encode()).hexdigest()
        self.files = {"checkpoint": note.encode(), "index.html": page(self.document).encode(),
                      "README.txt": b"read me\n",
                      "signer.vkey": (w.verifier_key("ada", w.WRITER_SEED) + "\n").encode(),
                      "objects/" + hashlib.sha256(b"weights").hexdigest(): b"weights"}
        for i, (leaf, body) in enumerate(zip(leaves, bodies)):
            self.files[f"records/{i}.leaf"] = leaf
            self.files[f"records/{i}.tlog-proof"] = w.tlog_proof(i, hashes, note).encode()
            if body is not None:
                self.files[f"records/{i}.body"] = body

    def write(self, directory, seed=w.WRITER_SEED, name="ada", written=form, manifest=form):
        """`written` makes the bytes of export.json, `manifest` those of manifest.json."""
        files = {**self.files, "export.json": written(self.document)}
        manifest = manifest({
            "format": "anamnesis-export-manifest-v1", "kind": "design-history", "subject": "model:m",
            "origin": w.ORIGIN, "tree_size": 4, "content_sha256": self.content,
            "files": [{"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
                      for path, data in sorted(files.items())]})
        text = f"anamnesis-export-manifest-v1\n{hashlib.sha256(manifest).hexdigest()}\n"
        files["manifest.json"] = manifest
        files["manifest.sig"] = f"{text}\n{w.signature_line(name, seed, text)}".encode()
        for path, data in files.items():
            w.write(directory, path, data)
        return files


class Exports(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="anamnesis-export-")
        self.addCleanup(temporary.cleanup)
        self.directory = os.path.join(temporary.name, "export")
        self.trust = v.Trust([w.verifier_key()], None)

    def verify(self):
        return v.verify_export(self.directory, self.trust)

    def refused(self, why):
        with self.assertRaises(v.Refused) as caught:
            self.verify()
        self.assertIn(why, str(caught.exception))
        shutil.rmtree(self.directory)

    def test_whole(self):
        Export().write(self.directory)
        found = self.verify()
        self.assertEqual((found["signer"], found["records"], found["treeSize"]),
                         ("person:ada, not checked for revocation", 4, 4))
        self.assertIn("in the signer's words, not compared with the body", found["text"])
        self.assertEqual(v.main(["export", self.directory, "--key", w.verifier_key()]), 0)
        self.assertEqual(v.main(["export", self.directory, "--key", w.verifier_key("other.example/log")]), 1)

    def test_a_body_that_no_erasure_names(self):
        """Whoever signs can leave a body out and call it erased; only a record of the erasure shows that it was."""
        for second, unshown in ((("model.defined", b"abc"), 1),
                                (("subject_data.erased", w.field(1, b"\x07\x03")), 0),
                                (("subject_data.erased", w.field(1, 3)), 0),
                                (("subject_data.erased", w.field(1, b"\x02")), 1),
                                (("subject_data.erased", w.field(1, b"\x80")), 1),
                                (("model.defined", w.field(1, b"\x03")), 1)):
            Export(second=second).write(self.directory)
            found = self.verify()
            self.assertEqual(found["bodiesNotShownErased"], unshown, second)
            self.assertEqual("records without a body: 1" in found["text"], unshown == 1, second)
            shutil.rmtree(self.directory)

    def test_who_sealed(self):
        """A record that is sealed alone is sealed by its writer; where the records don't show it, it is counted."""
        ended = ("credential.revoked", w.field(1, KEY) + w.field(2, RECORDED_US + 2))
        # Leaf 1 ends the key that seals it, and leaf 2 is of the time at which another is ended.
        at_once = ("credential.rotated", w.field(1, KEY) + w.field(2, bytes(32)))
        for export, unshown in ((Export(), 0), (Export(key=w.public(w.WITNESS_SEED)), 4), (Export(second=ended), 1),
                                (Export(second=at_once), 2),
                                (Export(second=("credential.revoked", w.field(1, KEY))), 2),
                                (Export(bounds=w.field(3, RECORDED_US + 3)), 3)):
            export.write(self.directory, w.LOG_SEED, w.ORIGIN)
            found = self.verify()
            self.assertEqual(found["sealsNotShown"], unshown)
            self.assertEqual("whose seal is not shown" in found["text"], unshown > 0)
            shutil.rmtree(self.directory)
        Export(holder="eve").write(self.directory)
        self.refused('record 0: is of "person:ada", and sealed by "person:eve"')

    def test_no_quorum_is_met(self):
        Export().write(self.directory)
        policy = os.path.join(os.path.dirname(self.directory), "policy")
        witness = w.verifier_key("witness.example", w.WITNESS_SEED, 4)
        for quorum, met in (("none", True), ("w", False)):
            with open(policy, "w") as file:
                file.write(f"log {w.verifier_key()}\nwitness w {witness}\nquorum {quorum}\n")
            self.trust = v.Trust([], policy)
            if met:
                self.verify()
            else:
                self.refused("below the quorum")
                Export().write(self.directory)
                self.refused("an export carries no cosignatures: verify it with --key")

    def test_signed_by_a_trusted_key(self):
        export = Export()
        export.write(self.directory, w.LOG_SEED, w.ORIGIN)
        self.assertEqual(self.verify()["signer"], f"the trusted key {w.ORIGIN}")

    def test_each_changed_byte_is_found(self):
        chance = random.Random(1)
        files = Export().write(self.directory)
        for _ in range(CHANGES):
            name = chance.choice(list(files))
            data = files[name]
            at = chance.randrange(len(data))
            w.write(self.directory, name, data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1:])
            with self.assertRaises(v.Refused, msg=f"{name} byte {at}"):
                self.verify()
            w.write(self.directory, name, data)
        self.verify()

    def test_nothing_missing_nothing_added(self):
        for name in Export().write(self.directory):
            os.remove(os.path.join(self.directory, name))
            with self.assertRaises(v.Refused, msg=name):
                self.verify()
            Export().write(self.directory)
        w.write(self.directory, "records/9.leaf", b"")
        self.refused("is in no manifest")
        Export().write(self.directory)
        os.symlink("/etc", os.path.join(self.directory, "records", "etc"))
        self.refused("is no plain file")
        Export().write(self.directory)
        os.mkfifo(os.path.join(self.directory, "pipe"))
        self.refused("is no plain file")

    def test_signed_but_untrue(self):
        """Whoever signs can't cite what the ledger doesn't have."""
        def document(change):
            export = Export()
            change(export.document)
            export.write(self.directory)

        for field in ("type", "stream", "event_id", "actor", "occurred", "recorded", "leaf_sha256", "body_commitment"):
            document(lambda d, field=field: d["records"][1].update({field: "other"}))
            self.refused(f"record 1: its {field} is not what export.json cites")
        for change, why in (
                (lambda d: d["records"].pop(2), "leaf \"2\" is cited"),
                (lambda d: d["records"].append(d["records"][0]), "is cited twice"),
                (lambda d: d["records"][3].update(body="present"), "record 3: "),
                (lambda d: d["records"][1].update(body="erased"), "belongs to no record"),
                (lambda d: d["sections"][0]["gaps"][0].update(leaves=[7]), "leaf \"7\" is cited"),
                (lambda d: d["sections"][0]["gaps"][0].update(leaves=[{}]), "leaves: missing or of the wrong kind"),
                (lambda d: d.update(tree_size=5), "another tree_size"), (lambda d: d.update(root="00"), "root is not"),
                (lambda d: d.update(kind="incident-bundle"), "another kind"),
                (lambda d: d.update(records={}), "records: missing or of the wrong kind"),
                (lambda d: d.update(title="Another title"), "export.json: another content"),
                (lambda d: d["sections"][0].update(paragraphs=["x", "y"]), "export.json: another content"),
                (lambda d: d["sections"][0]["tables"][0]["rows"].append([]), "a row has not a cell for each column"),
                (lambda d: d["sections"][0]["tables"][0]["rows"][0].append({"text": "x"}), "a row has not a cell"),
                (lambda d: d["sections"][0]["tables"][0]["columns"].append("x"), "a row has not a cell for each"),
                (lambda d: d["sections"][0]["tables"][0]["rows"].append(7), "rows: missing or of the wrong kind"),
                (lambda d: d["sections"][0]["tables"][0].update(columns=[None]), "columns: missing"),
                (lambda d: d.update(facts=[[]]), "facts: holds what"),
                (lambda d: d.pop("sections"), "sections: missing"),
                (lambda d: d["records"][1].update(leaf=-1), "leaf: missing or of the wrong kind"),
                (lambda d: d["records"][1].update(leaf="../1"), "leaf: missing or of the wrong kind")):
            document(change)
            if why is None:
                self.verify()
                shutil.rmtree(self.directory)
            else:
                self.refused(why)

    def test_there_is_one_form(self):
        """What the C++ reader refuses because it would write other bytes."""
        def altered(change):
            def write(value):
                change(value)
                return form(value)
            return write

        def cell(document):
            return document["sections"][0]["tables"][0]["rows"][0][0]

        spaced = [lambda value: json.dumps(value, sort_keys=True).encode(), lambda value: form(value) + b"\n",
                  lambda value: json.dumps(value, separators=(",", ":")).encode(),
                  lambda value: form(value).replace(b"design-history", b"design\\u002dhistory")]
        for change, why in (
                (lambda d: d.update(more=1), "doesn't know"),
                (lambda d: d.update(format="anamnesis-export-v9"), "format"),
                (lambda d: d.update(tree_size=True), "tree_size: missing"), (lambda d: d.pop("format"), "format"),
                (lambda d: d.update(tree_size=4.0), "tree_size: missing"),
                (lambda d: d.update(tree_size=1 << 64), "tree_size: missing"),
                (lambda d: cell(d).update(mark="great"), "mark: missing"),
                (lambda d: cell(d).update(mark=""), "mark: missing"), (lambda d: cell(d).update(leaves=[]), "leaves: "),
                (lambda d: cell(d).update(leaves=[True]), "leaves: "),
                (lambda d: d["records"][1].pop("fields"), "fields"),
                (lambda d: d["records"][1].update(body="gone"), "body: missing")):
            Export().write(self.directory, written=altered(change))
            self.refused(why)
        for change, why in (
                (lambda m: m.update(more=1), "doesn't know"),
                (lambda m: m.update(format="anamnesis-export-v1"), "format"),
                (lambda m: m.update(tree_size=True), "tree_size: missing"), (lambda m: m.pop("format"), "format"),
                (lambda m: m["files"].reverse(), "not in order"),
                (lambda m: m["files"][0].update(mode=1), "doesn't know"),
                (lambda m: m["files"].append(m["files"][-1]), "not in order")):
            Export().write(self.directory, manifest=altered(change))
            self.refused(why)
        for written in spaced:
            Export().write(self.directory, written=written)
            self.refused("export.json: is not in the one form")
            Export().write(self.directory, manifest=written)
            self.refused("manifest.json: is not in the one form")

    def test_a_manifest_may_be_long(self):
        export = Export()
        limit, v.ENVELOPE_MAX = v.ENVELOPE_MAX, 1000
        self.addCleanup(setattr, v, "ENVELOPE_MAX", limit)
        export.write(self.directory)
        self.verify()

    def test_both_forms_say_the_same(self):
        page = Export().files["index.html"].decode()
        self.assertIn("<bdi>nothing</bdi>", page)
        digest = re.search('<bdi title="([^"]*)">([^<]*)</bdi>', page)
        pages = ["", "<bdi>" * 300000, '<bdi title="' * 300000, "<![x[" * 100, page + "<bdi>more</bdi>", page + " "]
        for old, new in (
                # Another text; another one shown than stands in the title; none shown; markup in a text.
                ("cell", "sell"), ("<bdi>x</bdi>", '<bdi title="x">no gaps</bdi>'),
                ("<bdi>x</bdi>", '<bdi title="x"></bdi>'), ("<bdi>x</bdi>", '<bdi title="">x</bdi>'),
                ("<bdi>x</bdi>", "<bdi><b>x</b></bdi>"), ("<bdi>cell</bdi>", "<bdi>&#99;ell</bdi>"),
                ("<bdi>cell</bdi>", "<bdi>cel&lscr;</bdi>"), *([(digest[2], digest[2][:-1])] if digest else []),
                # Beside the texts: in the template's own words, in what repeats them, in what isn't seen as text.
                ("Missing: 1 gap in", "Missing: 0 gaps in"), ("1 missing", ""), ("Records (4)", "Records (5)"),
                ('<h3>Missing</h3>', "<h3>Present</h3>"), ("its first 4 events", "its first 5 events"),
                ("</body>", "<p>Approved.</p></body>"), ("</ul>", "</ul><!-- -->"), ("<ul>", "<ul hidden>"),
                ('class="gaps"', 'class="hex"'), ("</style>", ".gaps { display: none }</style>"),
                ("<title>A title", "<title>Another title"), ('href="#leaf-2"', 'href="#leaf-3"'),
                ('<col style="width:100.0%">', ""), ('<td>', '<td class="good">')):
            self.assertIn(old, page)
            pages.append(page.replace(old, new, 1))
        for wrong in [*(page.encode() for page in pages), page.encode().replace(b"cell", b"\xff")]:
            other = Export()
            other.files["index.html"] = wrong
            other.write(self.directory)
            self.refused("index.html: ")

    def test_signer(self):
        Export().write(self.directory, w.WITNESS_SEED)
        self.refused("no signature by a known key")
        export = Export()
        export.files["signer.vkey"] = (w.verifier_key("ada", w.WITNESS_SEED) + "\n").encode()
        export.write(self.directory, w.WITNESS_SEED)
        self.refused("no record names the holder")
        export = Export()
        other = export.files["records/1.tlog-proof"].replace(b"index 1", b"index 2")
        export.files["records/1.tlog-proof"] = other
        export.write(self.directory)
        self.refused("record 1: ")
        export = Export()
        export.files["objects/00"] = b"weights"
        export.write(self.directory)
        self.refused("is another object")

    def test_a_key_that_a_record_ends(self):
        """Times may lie before 1970, from where on a key may have been in other hands."""
        year, until = 365 * 86_400_000_000, (1 << 64) - 1
        for kind, body in (("credential.revoked", w.field(1, KEY) + w.field(2, until)),
                           ("credential.revoked", w.field(1, KEY) + w.field(2, (1 << 64) - year)),
                           ("credential.revoked", w.field(1, KEY) + w.field(2, year)),
                           ("credential.revoked", w.field(1, KEY)),
                           ("credential.reported_lost", w.field(1, KEY) + w.field(2, until)),
                           ("credential.rotated", w.field(1, KEY) + w.field(2, bytes(32)) + w.field(3, until))):
            Export((kind, body)).write(self.directory)
            self.refused(f"the key that signed it was ended by {kind} of leaf 1")
        # Of a later version, with one field more; and from a time on after the export.
        Export(("credential.revoked", w.field(1, KEY) + w.field(2, 200 * year) + w.field(99, b"new"))).write(
            self.directory)
        self.assertEqual(self.verify()["signer"], "person:ada, not checked for revocation")

    def test_a_key_that_was_issued_for_a_time(self):
        """[from, until), against when the last of the four records was recorded."""
        last = RECORDED_US + 3
        for bounds, why in ((w.field(4, last), "expired, as credential.issued of leaf 0 says"),
                            (w.field(3, last + 1), "was not valid yet")):
            Export(bounds=bounds).write(self.directory)
            self.refused(f"the key that signed it {why}")
        Export(bounds=w.field(3, last) + w.field(4, last + 1)).write(self.directory)
        self.verify()
        # A key that came in place of another.
        shutil.rmtree(self.directory)
        for until, well in ((last, False), (last + 1, True)):
            rotated = w.field(1, bytes(32)) + w.field(2, KEY) + w.field(4, until)
            Export(("credential.rotated", rotated)).write(self.directory)
            if well:
                self.verify()
            else:
                self.refused("the key that signed it expired, as credential.rotated of leaf 1 says")

    def test_hostile_documents(self):
        for data in (b"[" * 900 + b"]" * 900, b"[" * 100000, b"{}", b"[]", b"null", b"1" * 5000, b'{"files": 1}',
                     b'{"files": [1]}', b'{"files": [{"path": "../x", "size": 1, "sha256": ""}]}'):
            Export().write(self.directory)
            w.write(self.directory, "manifest.json", data)
            text = f"anamnesis-export-manifest-v1\n{hashlib.sha256(data).hexdigest()}\n"
            w.write(self.directory, "manifest.sig", f"{text}\n{w.signature_line('ada', w.WRITER_SEED, text)}".encode())
            self.assertEqual(v.main(["export", self.directory, "--key", w.verifier_key()]), 1)
            shutil.rmtree(self.directory)
        export = Export()
        export.document["more"] = json.loads("[" * 400 + "]" * 400)
        export.write(self.directory)
        self.assertEqual(v.main(["export", self.directory, "--key", w.verifier_key()]), 1)
        self.assertEqual(v.main(["export", self.directory + "/nowhere", "--key", w.verifier_key()]), 2)


def packed(files):
    """A tar of (name, bytes) pairs, in their order."""
    parts = (v.tar_header(name, len(data)) + data + bytes(-len(data) % 512) for name, data in files)
    return b"".join(parts) + bytes(1024)


class Archives(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="anamnesis-export-")
        self.addCleanup(temporary.cleanup)
        self.path = os.path.join(temporary.name, "export.tar")
        self.trust = v.Trust([w.verifier_key()], None)
        written = Export().write(os.path.join(temporary.name, "export"))
        self.files = sorted((name.encode(), data) for name, data in written.items())

    def verify(self, data):
        pathlib.Path(self.path).write_bytes(data)
        return v.verify_export(self.path, self.trust)

    def refused(self, data, why=""):
        with self.assertRaises(v.Refused) as caught:
            self.verify(data)
        self.assertIn(why, str(caught.exception))

    def test_whole(self):
        found = self.verify(packed(self.files))
        self.assertEqual((found["signer"], found["records"], found["treeSize"]),
                         ("person:ada, not checked for revocation", 4, 4))
        self.assertEqual(v.main(["export", self.path, "--key", w.verifier_key()]), 0)

    def test_each_changed_byte_and_each_cut_is_found(self):
        chance, whole = random.Random(1), packed(self.files)
        for _ in range(CHANGES // 3):
            at = chance.randrange(len(whole))
            self.refused(whole[:at] + bytes([whole[at] ^ chance.randrange(1, 256)]) + whole[at + 1:])
        for length in [*range(0, len(whole), 512), len(whole) - 1, len(whole) - 513]:
            self.refused(whole[:length])
        for more in (b"\0", bytes(512), whole):
            self.refused(whole + more, "does not end")

    def test_only_plain_files_in_order_that_stay_where_they_are(self):
        name, data = self.files[3]
        for other in (b"../x", b"/etc/passwd", b"a/../b", b"./x", b"a//b", b"a/", b"", b"\xff", b"a\x01", b"x" * 101):
            self.refused(packed(sorted([*self.files, (other, b"")])), "packed")
        self.refused(packed([*self.files, (b"zz", b"")]), "is in no manifest")
        self.refused(packed([*self.files, self.files[-1]]), "packed")
        self.refused(packed([self.files[1], self.files[0], *self.files[2:]]), "packed")
        self.refused(packed(self.files[1:]), "missing")
        for kind in b"123456gxLKS\0":
            header = bytearray(v.tar_header(name, len(data)))
            header[156] = kind
            header[148:156] = b"%06o\0 " % (sum(header[:148] + header[156:]) + 8 * 32)
            self.refused(packed(self.files[:3])[:-1024] + bytes(header) + packed(self.files[4:]), "packed")
        huge = v.tar_header(name, (1 << 33) - 1)
        self.refused(packed(self.files[:3])[:-1024] + huge + packed(self.files[4:]))
        self.refused(b"\x1f\x8b" + bytes(100), "packed")


    def test_a_large_file_has_its_size_in_a_header_of_pax(self):
        """As libarchive writes it; the content is a hole."""
        name = b"objects/" + b"ab" * 32
        for size, pax, digits, sums in ((8 << 30, b"19 size=8589934592\n", b"100000000000", (b"026724", b"024767")),
                                        (64 << 30, b"20 size=68719476736\n", b"\x80" + (64 << 30).to_bytes(11, "big"),
                                         (b"026725", b"024106"))):
            header = v.tar_header(name, size)
            self.assertEqual(header[:512].rstrip(b"\0")[:82], b"objects/PaxHeader/" + b"ab" * 32)
            self.assertEqual(header[512:1024], pax.ljust(512, b"\0"))
            self.assertEqual((header[124:136], header[156:157]), (b"%011o " % len(pax), b"x"))
            self.assertEqual((header[1024 + 124:1024 + 136], header[1024 + 156:1024 + 157]), (digits, b"0"))
            self.assertEqual((header[148:154], header[1024 + 148:1024 + 154]), sums)
            with open(self.path, "wb") as file:
                file.write(header)
                file.seek(size, os.SEEK_CUR)
                file.write(packed([(b"records/0.leaf", b"leaf")]))
            found = v.Files(self.path)
            self.assertEqual(found.places[name.decode()], (self.path, 1536, size))
            self.assertEqual(found.read("records/0.leaf", 10), b"leaf")
            with open(self.path, "r+b") as file:
                file.write(header.replace(pax, pax.replace(b"size=", b"Size=")))
            with self.assertRaises(v.Refused):
                v.Files(self.path)

    def test_no_other_header_of_pax(self):
        """A small file has none, and a large one no other than that."""
        name, data = self.files[3]
        record = b"11 size=%d\n" % 100
        small = v.tar_block(b"PaxHeader/" + name, len(record), b"x") + record.ljust(512, b"\0")
        small += v.tar_header(name, 100)
        self.refused(packed(self.files[:3])[:-1024] + small + packed(self.files[4:]), "packed")


class OfALedger(unittest.TestCase):
    def test_design_history(self):
        built = os.path.exists(os.path.join(harness.BIN, "anamnesis"))
        if not built or "anamnesis dhf [OPTIONS]" not in harness.run("dhf", "--help").stdout:
            self.skipTest("NOT TESTED: there is no `anamnesis dhf` in this build")
        with harness.Place() as place:
            ledger, export = f"file:{place.ledger}", place.path("dhf")
            harness.run_well("import", "monai", ROOT / "tests" / "data" / "monai_sample.jsonl", "--as", place.key,
                             "--ledger", ledger)
            events = [json.loads(line).get("event", {}) for line in
                      harness.run_well("log", "--ledger", ledger, "--json").splitlines()]
            models = [ref["id"] for event in events for ref in event.get("header", {}).get("refs", [])
                      if ref["kind"] == "model"]
            harness.run_well("dhf", f"model:{models[0]}", "--out", export, "--as", place.key, "--ledger", ledger)
            key = harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).split()[-1]
            trust, chance = v.Trust([key], None), random.Random(1)
            self.assertEqual(v.verify_export(export, trust)["signer"], "person:ada, not checked for revocation")
            ours = harness.run("verify", export, "--key", key)
            self.assertEqual(ours.returncode, 0, ours.stdout)
            files = [os.path.join(where, name) for where, _, names in os.walk(export) for name in names]
            for _ in range(CHANGES // 10):
                path = chance.choice(files)
                data = pathlib.Path(path).read_bytes()
                at = chance.randrange(len(data))
                pathlib.Path(path).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
                with self.assertRaises(v.Refused, msg=f"{path} byte {at}"):
                    v.verify_export(export, trust)
                pathlib.Path(path).write_bytes(data)
            v.verify_export(export, trust)
            # The same as one file, as `--archive` packs it.
            again = place.path("again")
            harness.run_well("dhf", f"model:{models[0]}", "--out", again, "--archive", "--as", place.key, "--ledger",
                             ledger)
            self.assertEqual(v.verify_export(again + ".tar", trust)["signer"], "person:ada, not checked for revocation")


if __name__ == "__main__":
    unittest.main()
