#!/usr/bin/python3
"""The Python verifier against third parties' vectors: signatures, Merkle proofs, and another implementation's log."""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("ANAMNESIS_SOURCE_DIR", pathlib.Path(__file__).parents[3]))
VECTORS = pathlib.Path(os.environ.get("ANAMNESIS_SHARED_DIR", "/nowhere")) / "vectors"
TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "client" / "python"))

if not VECTORS.is_dir():
    print(f"SKIPPED: NOT TESTED: the third-party vectors are absent: {VECTORS}")
    sys.exit(77)
try:
    import anamnesis_verify as v
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-nacl)")
    sys.exit(77)


def verifies(function, *arguments):
    try:
        function(*arguments)
        return True
    except v.Refused:
        return False


class Ed25519(unittest.TestCase):
    def test_cctv(self):
        """The accepted set is the one that the C++ pins (tests/conformance/ed25519_vectors_test.cc)."""
        cases = json.loads((VECTORS / "ed25519/cctv_ed25519vectors.json").read_text())
        bits = ""
        for case in cases:
            key, message, signature = bytes.fromhex(case["key"]), case["msg"].encode(), bytes.fromhex(case["sig"])
            bits += "01"[v.ed25519_ok(key, message, signature)]
        self.assertEqual((len(bits), bits.count("1")), (914, 43))
        self.assertEqual(hashlib.sha256(bits.encode()).hexdigest(),
                         "9111cd3acbe211e15031707588bc9d68cb7b0c2d8f500fad1ebfedfc4362ffab")

    def test_own_checks_stand_without_the_library(self):
        """What is refused for its encoding is refused before libsodium is asked."""
        asked = []
        real = v.nacl.bindings.crypto_sign_open
        v.nacl.bindings.crypto_sign_open = lambda signed, key: asked.append(1)
        try:
            cases = json.loads((VECTORS / "ed25519/cctv_ed25519vectors.json").read_text())
            encodings = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R"}
            refused = [case for case in cases if encodings & set(case["flags"] or [])]
            self.assertGreater(len(refused), 500)
            for case in refused:
                self.assertFalse(v.ed25519_ok(bytes.fromhex(case["key"]), case["msg"].encode(),
                                              bytes.fromhex(case["sig"])), case)
            self.assertEqual(asked, [])
        finally:
            v.nacl.bindings.crypto_sign_open = real

    def test_wycheproof(self):
        counts = {True: 0, False: 0}
        for group in json.loads((VECTORS / "ed25519/wycheproof_ed25519_test.json").read_text())["testGroups"]:
            key = bytes.fromhex(group["publicKey"]["pk"])
            for case in group["tests"]:
                expected = case["result"] == "valid"
                found = v.ed25519_ok(key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
                self.assertEqual(found, expected, case)
                counts[expected] += 1
        self.assertEqual(counts, {True: 88, False: 63})


def digest(text):
    """As the C++ test: what is no hash is replaced by one, so that the verifier and not the parser has to tell."""
    data = base64.b64decode(text)
    return hashlib.sha256(data).digest() if data and len(data) != 32 else data


def run_case(check, case, *arguments):
    hashes = [digest(text) for text in case["proof"] or []]
    if any(not h for h in [*hashes, *(a for a in arguments if isinstance(a, bytes))]):
        return False
    return verifies(check, *[hashes if a is None else a for a in arguments])


class Merkle(unittest.TestCase):
    def run_all(self, kind, check):
        counts = {True: 0, False: 0, None: 0}
        for path in sorted((VECTORS / "merkle/testdata" / kind).rglob("*.json")):
            case = json.loads(path.read_text())
            found = check(case)
            if found is not None:
                self.assertEqual(found, not case["wantErr"], path)
            counts[found] += 1
        return counts

    def inclusion(self, case, index, size):
        if index < 0:
            return False
        return run_case(v.check_inclusion, case, digest(case["leafHash"]), index, size, None, digest(case["root"]))

    def test_inclusion(self):
        counts = self.run_all("inclusion", lambda case: self.inclusion(case, case["leafIdx"], case["treeSize"]))
        self.assertEqual(counts, {True: 6, False: 92, None: 0})

    def consistency(self, case, old, new):
        return run_case(v.check_consistency, case, old, new, None, digest(case["root1"]), digest(case["root2"]))

    def test_consistency(self):
        counts = self.run_all("consistency", lambda case: self.consistency(case, case["size1"], case["size2"]))
        self.assertEqual(counts, {True: 6, False: 92, None: 0})

    def test_subtree_inclusion(self):
        def check(case):
            start, end = case["start"], case["end"]
            width = 1 << max(end - start - 1, 0).bit_length()
            if not start < end or end - start > 1 << 63 or start % width:
                return False
            return self.inclusion(case, case["leafIdx"] - start, end - start)
        self.assertEqual(self.run_all("subtreeinclusion", check), {True: 12, False: 192, None: 0})

    def test_subtree_consistency(self):
        def check(case):
            ours = case["start"] == 0 and case["end"] > 0
            return self.consistency(case, case["end"], case["size"]) if ours else None
        self.assertEqual(self.run_all("subtreeconsistency", check), {True: 6, False: 85, None: 27})


class TesseraLog(unittest.TestCase):
    def setUp(self):
        self.log = VECTORS / "tessera/testdata/log"
        self.trust = v.Trust([TESSERA_KEY], None)

    def test_whole_log_at_every_size(self):
        for size in range(16):
            with self.subTest(size), tempfile.TemporaryDirectory() as directory:
                copy = pathlib.Path(directory, "log")
                shutil.copytree(self.log, copy)
                shutil.copy(self.log / f"checkpoint.{size}", copy / "checkpoint")
                older = [str(self.log / f"checkpoint.{n}") for n in range(size + 1)]
                found = v.verify_log(str(copy), self.trust, older, [], tree_only=True)
                self.assertEqual((found["treeSize"], found["origin"]), (size, "example.com/log/testdata"))

    def test_each_changed_byte_is_found(self):
        files = ("checkpoint", "tile/0/000.p/15", "tile/entries/000.p/15")
        with tempfile.TemporaryDirectory() as directory:
            for name in files:
                copy = pathlib.Path(directory, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.log / name, copy)
            for name in files:
                copy = pathlib.Path(directory, name)
                data = copy.read_bytes()
                for at in range(len(data)):
                    copy.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
                    self.assertFalse(verifies(v.verify_log, directory, self.trust, [], [], True), f"{name} byte {at}")
                copy.write_bytes(data)
            self.assertTrue(verifies(v.verify_log, directory, self.trust, [], [], True))

    def test_their_entries_are_no_events(self):
        self.assertFalse(verifies(v.verify_log, str(self.log), self.trust, [], [], False))

    def test_another_key(self):
        other = v.Trust(["sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"], None)
        self.assertFalse(verifies(v.verify_log, str(self.log), other, [], [], True))


if __name__ == "__main__":
    unittest.main()
