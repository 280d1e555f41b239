#!/usr/bin/python3
"""The Python verifier against the golden vectors: what is right verifies, each forgery does not."""

import base64
import json
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("ANAMNESIS_SOURCE_DIR", pathlib.Path(__file__).parents[3]))
VECTORS = ROOT / "tests" / "golden" / "vectors"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "client" / "python"))

try:
    import anamnesis_verify as v
except ModuleNotFoundError as missing:
    print(f"SKIPPED: {missing} (Debian: python3-nacl)")
    sys.exit(77)


def vectors(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))


def unhex(value):
    return [bytes.fromhex(item) for item in value] if isinstance(value, list) else bytes.fromhex(value)


def as_json(message, fields):
    """The protobuf JSON mapping of what is set."""
    out = {}
    for name, kind, *repeated in fields.values():
        if name not in message["present"]:
            continue
        first, *others = name.split("_")
        values = message[name] if repeated else [message[name]]
        if isinstance(kind, dict):
            values = [as_json(value, kind) for value in values]
        elif kind == "bytes":
            values = [base64.b64encode(value).decode() for value in values]
        elif name == "retrospective":
            values = [value == 1 for value in values]
        elif name == "algorithm":
            values = [["DIGEST_ALGORITHM_UNSPECIFIED", "SHA256", "SHA512", "GIT_SHA1", "SHA1", "MD5"][values[0]]]
        elif kind in ("uint64", "int64"):
            values = [str(value) for value in values]
        out[first + "".join(part.capitalize() for part in others)] = values if repeated else values[0]
    return out


class Golden(unittest.TestCase):
    def refused(self, function, *arguments):
        with self.assertRaises(v.Refused):
            function(*arguments)

    def keys(self, *texts):
        return v.Trust(texts, None)

    def judge(self, data, trusted):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return v.verify_evidence(file.name, self.keys(*trusted))

    def test_evidence(self):
        for case in vectors("evidence.json")["cases"]:
            data = case["text"].encode()
            with self.subTest(case["kind"], name=case["name"]):
                if not case["proven"]:
                    self.refused(self.judge, data, case["trusted"])
                    continue
                judged = self.judge(data, case["trusted"])
                self.assertEqual([judged["kind"], judged["signedBy"], judged["cosignedBy"]],
                                 [case["kind"], case["signed_by"], case["cosigned_by"]])
                # A byte can be another one only where it doesn't matter.
                for i in range(0, len(data), 3):
                    changed = data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1:]
                    try:
                        self.assertEqual(self.judge(changed, case["trusted"])["signedBy"], case["signed_by"])
                    except v.Refused:
                        pass

    def test_merkle(self):
        golden = vectors("merkle.json")
        for case in golden["leaf_hashes"]:
            self.assertEqual(v.leaf_hash(unhex(case["leaf"])).hex(), case["hash"])
        tree, roots = v.Tree(), {case["size"]: case["root"] for case in golden["roots"]}
        self.assertEqual(tree.root().hex(), golden["empty_root"])
        for size in range(1, 1001):
            tree.append(v.leaf_hash(bytes([(size - 1) % 256]) * (size - 1)))
            if size in roots:
                self.assertEqual(tree.root().hex(), roots[size])
        self.assertGreater(len(roots), 60)

    def test_cose(self):
        golden = vectors("cose.json")
        trust = self.keys(golden["verifier_key"])
        for case in golden["inclusion"]:
            found = v.check_cose(unhex(case["receipt"]), unhex(case["leaf"]), None, trust, "")
            self.assertEqual((found["index"], found["treeSize"]), (case["index"], case["size"]))
            self.refused(v.check_cose, unhex(case["receipt"]), unhex(case["leaf"]) + b"\x00", None, trust, "")
        for case in golden["rejected"]["receipts"]:
            with self.subTest(case["name"]):
                self.refused(v.check_cose, unhex(case["receipt"]), unhex(golden["rejected"]["leaf"]), None, trust, "")
        self.assertGreater(len(golden["rejected"]["receipts"]), 40)

    def test_inclusion(self):
        cases = vectors("merkle.json")["inclusion"]
        self.assertGreater(len(cases), 60)
        for case in cases:
            leaf, index, size, path, root = (unhex(case["leaf_hash"]), case["index"], case["size"], unhex(case["path"]),
                                             unhex(case["root"]))
            v.check_inclusion(leaf, index, size, path, root)
            self.refused(v.check_inclusion, leaf, index, size, [*path, root], root)
            # A longer path to a root that it does lead to.
            self.refused(v.check_inclusion, leaf, index, size, [*path, leaf], v.node_hash(leaf, root))
            self.refused(v.check_inclusion, leaf, index, size, [*path, leaf], v.node_hash(root, leaf))
            self.refused(v.check_inclusion, leaf, size, size, path, root)
            self.refused(v.check_inclusion, root if path else bytes(32), index, size, path, root)
            if path:
                self.refused(v.check_inclusion, leaf, index, size, path[:-1], root)
                self.refused(v.check_inclusion, leaf, index ^ 1, size, path, root)
                self.refused(v.check_inclusion, leaf, index, size, [*path[:-1], bytes(32)], root)

    def test_consistency(self):
        cases = vectors("merkle.json")["consistency"]
        self.assertGreater(len(cases), 40)
        for case in cases:
            old, new, path = case["old_size"], case["new_size"], unhex(case["path"])
            old_root, new_root = unhex(case["old_root"]), unhex(case["new_root"])
            v.check_consistency(old, new, path, old_root, new_root)
            self.refused(v.check_consistency, 0, new, path, old_root, new_root)
            self.refused(v.check_consistency, old, new, [*path, new_root], old_root, new_root)
            self.refused(v.check_consistency, old, new, [*path, new_root], v.node_hash(new_root, old_root),
                         v.node_hash(new_root, new_root))
            self.refused(v.check_consistency, old, new, path, bytes(32), new_root)
            self.refused(v.check_consistency, old, new, path, old_root, bytes(32))
            if old != new:
                self.refused(v.check_consistency, new, old, path, new_root, old_root)
            for i in range(len(path)):
                self.refused(v.check_consistency, old, new, path[:i] + path[i + 1:], old_root, new_root)

    def test_headers(self):
        """Every field that a header can have is read as it was written."""
        for case in vectors("header.json"):
            with self.subTest(case["name"]):
                header = v.parse_message(unhex(case["serialized"]), v.HEADER)
                self.assertEqual(as_json(header, v.HEADER), case["header"])

    def test_bodies(self):
        for case in vectors("body.json"):
            header = {"body_commitment": unhex(case["commitment"]), "body_size": len(unhex(case["body"]))}
            data = unhex(case["nonce"]) + unhex(case["body"])
            v.check_body(data, header, "body")
            self.refused(v.check_body, data + b"\x00", header, "body")
            self.refused(v.check_body, bytes([data[0] ^ 1]) + data[1:], header, "body")
            self.refused(v.check_body, data[:31], header, "body")

    def trust(self, keys, policy="", history=None):
        with tempfile.TemporaryDirectory() as place:
            paths = {}
            for name, text in (("policy", policy), ("history", history)):
                if text:
                    paths[name] = os.path.join(place, name)
                    pathlib.Path(paths[name]).write_text(text, encoding="utf-8")
            return v.Trust([] if policy else keys, paths.get("policy"), paths.get("history"))

    def test_key_histories(self):
        cases = vectors("key_history.json")["judged"]
        self.assertGreater(sum(not case["because"] for case in cases), 5)
        self.assertGreater(sum(bool(case["because"]) for case in cases), 20)
        for case in cases:
            with self.subTest(case["name"]):
                if case["because"]:
                    self.refused(self.trust, case["trusted"], "", case["history"])
                else:
                    self.trust(case["trusted"], "", case["history"])

    def test_notes_under_a_key_history(self):
        histories = vectors("key_history.json")
        self.assertGreater(len(histories["opened"]["notes"]), 20)
        for golden, case in ((golden, case) for golden in (histories["opened"], histories["opened_after_theft"])
                             for case in golden["notes"]):
            with self.subTest(case["name"]):
                trust = self.trust(golden["trusted"], case["policy"], golden["history"])
                if case["because"]:
                    self.refused(trust.open, case["note"].encode())
                else:
                    self.assertEqual(trust.open(case["note"].encode()).origin, b"acme-cardio.example/ledger")

    def test_cose_receipts_under_a_key_history(self):
        golden = vectors("key_history.json")["opened"]
        self.assertGreater(len(golden["receipts"]), 12)
        for case in golden["receipts"]:
            with self.subTest(case["name"]):
                trust = self.trust(case["trusted"], case["policy"], golden["history"])
                receipt, leaf = unhex(case["receipt"]), unhex(case["leaf"])
                if case["because"]:
                    self.refused(v.check_cose, receipt, leaf, None, trust, "")
                else:
                    self.assertEqual(v.check_cose(receipt, leaf, None, trust, "")["index"], 2)

    def test_changed_key_history(self):
        """No change of a byte makes a history verify that says something else. (Who signed an older checkpoint matters
        only where that is what the trust rests on.)"""
        golden = vectors("key_history.json")["opened"]
        history, trusted = golden["history"].encode(), [v.parse_key(golden["trusted"][0].encode())]

        def says(custody):
            ends = {key: str(end) for key, end in custody.ends.items()}
            return custody.keys, ends, custody.shown

        right, refusals = says(v.Custody(history, trusted)), 0
        for at in range(0, len(history), 37):
            try:
                changed = v.Custody(history[:at] + bytes([history[at] ^ 1]) + history[at + 1:], trusted)
            except v.Refused:
                refusals += 1
            else:
                self.assertEqual(says(changed), right)
        self.assertGreater(refusals, 200)

    def test_seals(self):
        for case in vectors("seal.json"):
            with self.subTest(case["name"]):
                headers, statement = unhex(case["headers"]), unhex(case["statement"])
                signature = unhex(case["signature"])
                self.assertEqual(v.pae(case["payload_type"].encode(), statement), unhex(case["pae"]))
                fields = case["statement_fields"]
                header = {"stream": fields["stream"],
                          "stream_position": int(fields["firstPosition"]) + len(headers) - 1}
                last = v.Leaf(0, headers[-1], header, statement, signature)
                origin = fields["origin"].encode()
                found = v.verify_seal(last, origin)
                v.check_run_root(found, headers)
                self.assertEqual(found["key_id"].hex(), case["public_key"])
                self.refused(v.verify_seal, last, origin + b"2")
                self.refused(v.verify_seal, last._replace(header={**header, "stream": "person/other"}), origin)
                self.refused(v.verify_seal, last._replace(header={**header, "stream_position": 10**6}), origin)
                self.refused(v.check_run_root, found, headers[1:])
                self.refused(v.check_run_root, found, [headers[-1] + b" ", *headers[1:]])
                for at in (0, 31, 32, 63):
                    wrong = bytearray(signature)
                    wrong[at] ^= 1
                    self.refused(v.verify_seal, last._replace(signature=bytes(wrong)), origin)
                for path in case["paths"]:
                    v.check_inclusion(v.leaf_hash(headers[path["index"]]), path["index"], len(headers),
                                      unhex(path["path"]), found["run_root"])

    def test_leaves(self):
        golden = vectors("leaf.json")
        for case in golden["leaves"]:
            with self.subTest(case["name"]):
                leaf = v.parse_leaf(unhex(case["leaf"]))
                self.assertEqual(leaf.recorded_us, case["recorded_at_us"])
                self.assertEqual(leaf.header_bytes.hex(), case["header"])
                self.assertEqual(leaf.statement or b"", unhex(case.get("statement") or ""))
                self.assertEqual(v.leaf_hash(unhex(case["leaf"])).hex(), case["leaf_hash"])

    def test_log(self):
        log = vectors("leaf.json")["log"]
        leaves = [unhex(case["leaf"]) for case in log["leaves"]]
        events = v.Events(log["origin"].encode(), [])
        tree = v.Tree()
        for case, leaf in zip(log["roots"], [*leaves, None]):
            self.assertEqual(tree.root().hex(), case["root"])
            if leaf is not None:
                events.add(leaf)
                tree.append(v.leaf_hash(leaf))
        events.finish()
        self.assertEqual(events.count, 12)
        # Without one, with one twice, or in another order it is no ledger.
        for wrong in ([*leaves[:4], *leaves[5:]], [*leaves[:4], leaves[3], *leaves[4:]], [*leaves[1:], leaves[0]],
                      leaves[:2]):
            events = v.Events(log["origin"].encode(), [])
            with self.assertRaises(v.Refused):
                for leaf in wrong:
                    events.add(leaf)
                events.finish()

    def test_ledger_decided(self):
        golden = vectors("ledger_decided.json")
        for case in golden["cases"]:
            with self.subTest(case["name"]):
                events = v.Events(golden["origin"].encode(), [])
                events.count = case["leaf_index"]
                if case["stream_position"] > 1:
                    events.heads["ledger"] = (case["stream_position"] - 1, unhex(case["previous_header_digest"]))
                events.add(unhex(case["leaf"]))
                header = v.parse_header(unhex(case["header_bytes"]))
                v.check_body(unhex(case["nonce"]) + unhex(case["body_bytes"]), header, "body")
                elsewhere = v.Events(golden["origin"].encode(), [])
                elsewhere.count = case["leaf_index"] + 1
                elsewhere.heads = {"ledger": (case["stream_position"] - 1, unhex(case["previous_header_digest"]))}
                self.refused(elsewhere.add, unhex(case["leaf"]))

    def test_keys(self):
        for case in vectors("keys.json"):
            for text, kind in ((case["verifier_key"], 1), (case["cosignature_verifier_key"], 4)):
                key = v.parse_key(text.encode())
                found = (key.name.decode(), key.type, key.public.hex())
                self.assertEqual(found, (case["name"], kind, case["public_key"]))
                for at in range(len(text.encode())):
                    wrong = bytearray(text.encode())
                    wrong[at] ^= 1
                    self.refused(v.parse_key, bytes(wrong))

    def test_notes(self):
        golden = vectors("note.json")
        log, witness = golden["verifier_key"], golden["cosignature"]["verifier_key"]
        self.assertEqual(v.parse_checkpoint(golden["text"].encode()).root.hex(), golden["root"])
        for case in golden["checkpoints"]:
            checkpoint = self.keys(log).open(case["note"].encode())
            self.assertEqual((checkpoint.size, checkpoint.root.hex()), (case["size"], case["root"]))
        self.keys(log, witness).open(golden["cosignature"]["note"].encode())
        self.refused(self.keys(witness).open, golden["cosignature"]["note"].encode())
        for case in golden["rejected"]:
            self.refused(self.keys(log, witness).open, case["note"].encode())

    def test_receipts(self):
        golden = vectors("note.json")
        log, witness = golden["verifier_key"], golden["cosignature"]["verifier_key"]
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "r.tlog-proof")
            policy = pathlib.Path(directory, "policy")
            policy.write_text(f"log {log}\nwitness w {witness}\nquorum w\n")
            for case in golden["proofs"]:
                path.write_text(case["tlog_proof"], encoding="utf-8")
                pathlib.Path(directory, "r.leaf").write_bytes(unhex(case["leaf"]))
                found = v.verify_receipt(str(path), self.keys(log))
                self.assertEqual((found["index"], found["treeSize"]), (case["index"], case["size"]))
                cosigned = golden["cosignature"]["line"].strip() in case["tlog_proof"]
                if cosigned:
                    v.verify_receipt(str(path), v.Trust([], str(policy)))
                else:
                    self.refused(v.verify_receipt, str(path), v.Trust([], str(policy)))


if __name__ == "__main__":
    unittest.main()
