#!/usr/bin/python3
"""Nothing that is put before the Python verifier ends it in another way than "not verified", nor keeps it long."""

import base64
import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(os.environ.get("ANAMNESIS_SOURCE_DIR", pathlib.Path(__file__).parents[3]))
PROGRAM = ROOT / "client" / "python" / "anamnesis_verify.py"
sys.dont_write_bytecode = True
sys.path[:0] = [str(ROOT / "client" / "python"), str(ROOT / "tests" / "client" / "python")]

try:
    import anamnesis_verify as v
    import written_log as w
    from hostile_leaves import LEAVES
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-nacl)")
    sys.exit(77)

SECONDS_MAX = 100
RANDOM_INPUTS = 20000

NOTE = w.checkpoint([w.leaf_hash(b"")]).encode()
TEXT, SIGNATURE = NOTE.split(b"\n\n")


def signed(text):
    return f"{text}\n{w.signature_line(w.ORIGIN, w.LOG_SEED, text)}".encode()


SHORT_ROOT = signed(f"{w.ORIGIN}\n1\nAAAAAAAAAAAAAAAAAAAAAA==\n")
TWO_ORIGINS = signed(f"other.example/log\n1\n{w.base64_lines([bytes(32)])}")
EMPTY_EXTENSION = signed(f"{w.ORIGIN}\n1\n{w.base64_lines([bytes(32)])}\nx\n")
NOTES = {
    "empty": b"", "no signature": TEXT + b"\n\n", "only lines": b"\n" * 100000, "a megabyte of nothing": b"a" * 1000000,
    "more than a megabyte": NOTE + b"\n" * (1 << 20), "signatures without end": TEXT + b"\n\n" + SIGNATURE * 3000,
    "size of 100,000 digits": b"x\n" + b"9" * 100000 + b"\n\n" + SIGNATURE,
    "size 2^64": TEXT.replace(b"\n1\n", b"\n18446744073709551616\n") + b"\n\n" + SIGNATURE,
    "negative size": TEXT.replace(b"\n1\n", b"\n-1\n") + b"\n\n" + SIGNATURE,
    "not UTF-8": b"\xff" + NOTE, "surrogate": b"\xed\xa0\x80" + NOTE, "zero byte": NOTE.replace(b"\n1\n", b"\n1\x00\n"),
    "other dash": NOTE.replace("—".encode(), b"-"), "carriage return": NOTE.replace(b"\n", b"\r\n"),
    "blanks in base64": NOTE[:-3] + b" =\n", "unpadded": NOTE.rstrip(b"=\n") + b"\n",
    "signed control character": signed(f"{w.ORIGIN}\n1\n{w.base64_lines([bytes(32)])}\x01\n"),
    "root of 16 bytes": SHORT_ROOT, "two origins": TWO_ORIGINS, "empty extension": EMPTY_EXTENSION,
    "key id alone": TEXT + b"\n\n" + "— x AAAAAA==\n".encode(),
}


class Hostile(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.trust = v.Trust([w.verifier_key()], None)
        started = time.monotonic()
        self.addCleanup(lambda: self.assertLess(time.monotonic() - started, SECONDS_MAX))

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, data):
        pathlib.Path(self.path(name)).write_bytes(data)
        return self.path(name)

    def refused(self, function, *arguments):
        with self.assertRaises(v.Refused) as caught:
            function(*arguments)
        reason = str(caught.exception)
        self.assertNotIn("\n", reason)
        self.assertLess(len(reason), 1000)

    def run_program(self, *arguments):
        return subprocess.run(["/usr/bin/python3", "-B", PROGRAM, *arguments], capture_output=True, text=True,
                              timeout=SECONDS_MAX)

    def test_leaves_under_a_good_checkpoint(self):
        paths = []
        for number, (name, leaf) in enumerate(LEAVES.items()):
            hashes = [w.leaf_hash(leaf)]
            self.write(f"{number}.leaf", leaf)
            paths.append(self.write(f"{number}.tlog-proof", w.tlog_proof(0, hashes, w.checkpoint(hashes)).encode()))
            with self.subTest(name):
                self.refused(v.verify_receipt, paths[-1], self.trust)
        done = self.run_program("receipt", *paths, "--key", w.verifier_key())
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual(done.stdout.count("NOT VERIFIED"), len(LEAVES))

    def test_the_same_leaves_in_a_log(self):
        for name, leaf in LEAVES.items():
            if len(leaf) <= v.LEAF_MAX:
                with self.subTest(name):
                    w.write_tiles(self.path(name), [leaf], w.checkpoint([w.leaf_hash(leaf)]))
                    self.refused(v.verify_log, self.path(name), self.trust, [], [], False)

    def test_notes(self):
        paths = []
        for number, (name, note) in enumerate(NOTES.items()):
            with self.subTest(name):
                self.refused(self.trust.open, note)
            paths.append(self.write(f"{number}.note", note))
        done = self.run_program("checkpoint", *paths, "--key", w.verifier_key())
        self.assertEqual((done.returncode, done.stderr, done.stdout.count("NOT VERIFIED")), (1, "", len(NOTES)))

    def test_keys(self):
        for name in ("", "a b", "a\u2003b", "a\u00a0b", "a\nb", "a\tb", "a\x01b"):
            self.refused(v.parse_key, w.verifier_key(name).encode())
        for blob in (b"", b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x02" + bytes(32), b"\xff" + bytes(32)):
            key_id = hashlib.sha256(b"x\n" + blob).digest()[:4].hex()
            self.refused(v.parse_key, f"x+{key_id}+{base64.b64encode(blob).decode()}".encode())
        self.assertEqual(v.parse_key(w.verifier_key("ä.example/log").encode()).name.decode(), "ä.example/log")

    def test_proofs(self):
        leaf, line = w.leaf(w.header(7)), w.base64_lines([bytes(32)])
        self.write("p.leaf", leaf)
        good = w.tlog_proof(0, [w.leaf_hash(leaf)], w.checkpoint([w.leaf_hash(leaf)]))
        for wrong in ("", "c2sp.org/tlog-proof@v1\n", good.replace("index 0", "index 18446744073709551615"),
                      good.replace("index 0", "index 1"), good.replace("index 0", "index 00"),
                      good.replace("index 0", "index " + "9" * 100000), good.replace("index 0\n", f"index 0\n{line}"),
                      good.replace("index 0\n", "index 0\n" + line * 40000), good.replace("@v1", "@v2"),
                      good.replace("index 0", "extra \nindex 0"), good.replace("index 0", "extra A\nindex 0"),
                      good.replace("index 0", "index ٣"), good[:-1], good + "\n", good * 2, "\x00" * 3000000):
            with self.subTest(wrong[:60]):
                self.refused(v.verify_receipt, self.write("p.tlog-proof", wrong.encode()), self.trust)
        v.verify_receipt(self.write("p.tlog-proof", good.encode()), self.trust)
        os.remove(self.path("p.leaf"))
        self.refused(v.verify_receipt, self.path("p.tlog-proof"), self.trust)
        self.refused(v.verify_receipt, self.path("p.leaf"), self.trust)
        self.refused(v.verify_receipt, self.directory.name + "\x00.tlog-proof", self.trust)

    def test_bodies(self):
        leaf, body = w.leaf(w.header(7)), bytes(32) + b"abc"
        self.write("b.leaf", leaf)
        hashes = [w.leaf_hash(leaf)]
        proof = self.write("b.tlog-proof", w.tlog_proof(0, hashes, w.checkpoint(hashes)).encode())
        self.write("b.body", body)
        self.assertTrue(v.verify_receipt(proof, self.trust)["bodyVerified"])
        for wrong in (b"", bytes(31), bytes(32) + b"abd", body + b"x", bytes(5 << 20)):
            self.write("b.body", wrong)
            self.refused(v.verify_receipt, proof, self.trust)
        os.remove(self.path("b.body"))
        os.symlink("nowhere", self.path("b.body"))
        self.refused(v.verify_receipt, proof, self.trust)

    def test_logs(self):
        leaves = [w.leaf(w.header(i)) for i in range(3)]
        bundle = "tile/entries/000.p/3"
        for name, data in ((bundle, b""), (bundle, b"\xff"), (bundle, b"\xff\xff"), (bundle, b"\x00\x00" * 10**6),
                           (bundle, bytes(1 << 25)), ("tile/0/000.p/3", b""), ("tile/0/000.p/3", bytes(97)),
                           ("checkpoint", w.checkpoint([bytes(32)] * 700).encode())):
            w.write_tiles(self.path("log"), leaves, w.checkpoint([w.leaf_hash(leaf) for leaf in leaves]))
            v.verify_log(self.path("log"), self.trust, [], [], True)
            w.write(self.path("log"), name, data)
            self.refused(v.verify_log, self.path("log"), self.trust, [], [], True)
        self.refused(v.verify_log, self.path("nowhere"), self.trust, [], [], True)
        text = f"{w.ORIGIN}\n18446744073709551615\n{w.base64_lines([bytes(32)])}"
        note = f"{text}\n{w.signature_line(w.ORIGIN, w.LOG_SEED, text)}"
        w.write(self.path("log"), "checkpoint", note.encode())
        self.refused(v.verify_log, self.path("log"), self.trust, [], [], True)

    def test_random_bytes(self):
        chance = random.Random(1)
        good = [w.header(7), w.statement([w.header(7)]), w.leaf(w.header(7)), NOTE, TEXT + b"\n",
                w.tlog_proof(0, [w.leaf_hash(b"")], NOTE.decode()).encode(), w.verifier_key().encode(),
                f"log {w.verifier_key()}\nquorum none\n".encode(), b'{"a": [1, {"b": null}]}']
        readers = [v.parse_header, lambda data: v.parse_message(data, v.STATEMENT), v.parse_leaf, v.parse_note,
                   v.parse_checkpoint, v.parse_proof, v.parse_key, v.Policy, lambda data: v.parse_json(data, "x")]
        refused = 0
        for _ in range(RANDOM_INPUTS):
            which = chance.randrange(len(readers))
            data = bytearray(good[which] if chance.random() < 0.8 else chance.randbytes(chance.randrange(200)))
            for _ in range(chance.randrange(4)):
                at = chance.randrange(len(data) + 1)
                data[at:at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
            try:
                readers[which](bytes(data))
            except v.Refused:
                refused += 1
        self.assertGreater(refused, RANDOM_INPUTS // 4)

    def test_wrong_usage(self):
        note = self.write("c.note", NOTE)
        for arguments in ([], ["receipt"], ["checkpoint", note], ["checkpoint", note, "--key", "x"], ["friend", note],
                          ["checkpoint", note, "--key", w.verifier_key(), "--policy", note],
                          ["checkpoint", note, "--policy", self.path("nowhere")],
                          ["checkpoint", note, "--key", "\udcff+00000000+AA=="],
                          ["checkpoint", note, "--policy", note],
                          # What isn't there is no verdict.
                          ["checkpoint", self.path("nowhere"), "--key", w.verifier_key()],
                          ["receipt", self.path("nowhere.tlog-proof"), "--key", w.verifier_key()],
                          ["evidence", self.path("nowhere"), "--key", w.verifier_key()],
                          ["dsse", self.path("nowhere"), "--key", w.verifier_key()],
                          ["checkpoint", note, "--key", w.verifier_key(), "--key-history", self.path("nowhere")],
                          ["log", "127.0.0.1:1", "--key", w.verifier_key()]):
            with self.subTest(arguments):
                done = self.run_program(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertNotIn("Traceback", done.stderr)

    def test_without_its_library(self):
        note = self.write("c.note", NOTE)
        for status, arguments in ((0, ["--help"]), (2, ["checkpoint", note, "--key", w.verifier_key()])):
            # Without site, nothing is found but what comes with Python.
            done = subprocess.run(["/usr/bin/python3", "-S", "-B", PROGRAM, *arguments], capture_output=True, text=True,
                                  timeout=SECONDS_MAX, check=False)
            self.assertEqual((done.returncode, "Traceback" in done.stderr), (status, False), done)
            self.assertIn("python3-nacl", done.stdout + done.stderr)

    def test_output_stays_harmless(self):
        """What a signed but hostile log calls itself does not reach a terminal as control characters."""
        origin = "a\u009b2J\u202e.example"
        text = w.checkpoint_text([], origin)
        note = self.write("t.note", f"{text}\n{w.signature_line(origin, w.LOG_SEED, text)}".encode())
        environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict"}
        done = subprocess.run(["/usr/bin/python3", "-B", PROGRAM, "checkpoint", note, "--key", w.verifier_key(origin)],
                              capture_output=True, env=environment, timeout=SECONDS_MAX)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout.isascii() and b"\x1b" not in done.stdout, done.stdout)


if __name__ == "__main__":
    unittest.main()
