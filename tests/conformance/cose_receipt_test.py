#!/usr/bin/python3
"""Third parties' programs read our COSE receipts: cbor2 decodes them, PyNaCl checks the signature, and the few lines
below follow RFC 9162 (2.1.3.2, 2.1.4.2) and RFC 9942. Nothing of ours is used but to make the receipts."""

import base64
import hashlib
import json
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))
import harness  # noqa: E402

try:
    import cbor2
    from nacl.exceptions import BadSignatureError
    from nacl.signing import VerifyKey
except ImportError:
    harness.skip("python3-cbor2 or python3-nacl isn't installed")

ALG, KID, CLAIMS, VDS, VDP = 1, 4, 15, 395, 396
ISSUER, SUBJECT = 1, 2
INCLUSION, CONSISTENCY = -1, -2
ED_DSA, RFC9162_SHA256 = -8, 1


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_inclusion(leaf, size, index, path):
    harness.expect(index < size, "the index is in the tree")
    first, last, root = index, size - 1, hashlib.sha256(b"\x00" + leaf).digest()
    for one in path:
        harness.expect(last != 0, "the path is not longer than the tree is deep")
        if first & 1 or first == last:
            root = node(one, root)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            root = node(root, one)
        first, last = first >> 1, last >> 1
    harness.expect(last == 0, "the path is as long as the tree is deep")
    return root


def root_of_consistency(old_size, size, path, old_root):
    path = [old_root, *path] if old_size & old_size - 1 == 0 else list(path)
    first, last = old_size - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old = new = path[0]
    for one in path[1:]:
        harness.expect(last != 0, "the path is not longer than the tree is deep")
        if first & 1 or first == last:
            old, new = node(one, old), node(one, new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new = node(new, one)
        first, last = first >> 1, last >> 1
    harness.expect(last == 0 and old == old_root, "the path leads to the old root")
    return new


class Verifier:
    def __init__(self, verifier_key):
        self.name, key_id, key = verifier_key.split("+", 2)
        self.key_id = bytes.fromhex(key_id)
        self.key = VerifyKey(base64.b64decode(key)[1:])

    def open(self, data, kind):
        """The proof, the claims, and a check of the signature over a root."""
        sign1 = cbor2.loads(data)
        harness.expect(sign1.tag == 18, "is tagged as COSE_Sign1")
        header, unprotected, payload, signature = sign1.value
        protected = cbor2.loads(header)
        harness.expect(protected[ALG] == ED_DSA and protected[VDS] == RFC9162_SHA256, f"{protected}")
        harness.expect(protected[KID] == self.key_id and protected[CLAIMS][ISSUER] == self.name, f"{protected}")
        harness.expect(payload is None, "the payload is detached")
        harness.expect(cbor2.dumps(cbor2.loads(data), canonical=True) == data, "is in the deterministic encoding")
        (proof,) = unprotected[VDP][kind]

        def check(root):
            self.key.verify(cbor2.dumps(["Signature1", header, b"", root]), signature)

        return cbor2.loads(proof), protected[CLAIMS], check


def check_inclusion(verifier, forms, event_id):
    (size, index, path), claims, check = verifier.open(base64.b64decode(forms["cose"]), INCLUSION)
    leaf = base64.b64decode(forms["receipt"]["leaf"])
    harness.expect(index == int(forms["receipt"]["index"]), "is of the leaf that was asked for")
    harness.expect(size == int(forms["receipt"]["treeSize"]) == claims["tree_size"], "signs the tree's size")
    harness.expect(claims[SUBJECT] == f"urn:uuid:{event_id}", f"is about {claims[SUBJECT]}, not {event_id}")
    root = root_of_inclusion(leaf, size, index, path)
    check(root)
    try:
        check(root_of_inclusion(leaf + b"\x00", size, index, path))
    except BadSignatureError:
        return root
    raise AssertionError("another leaf verifies")


def append(place, count):
    for number in range(count):
        body = place.path("body.json")
        with open(body, "w", encoding="utf-8") as file:
            json.dump({"title": "a title"}, file)
        harness.run_well("append", "--stream", "person/ada", "--type", "document.referenced", "--body", body, "--ref",
                         f"document=document:d-{os.urandom(4).hex()}-{number}", "--as", place.key, "--ledger",
                         f"file:{place.ledger}")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    with harness.Place() as place:
        verifier = Verifier(harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).strip())
        for _ in range(4):
            append(place, 3)
            ledger = ("--json", "--ledger", f"file:{place.ledger}")
            size = int(json.loads(harness.run_well("checkpoint", *ledger))["treeSize"])
            answer = json.loads(harness.run_well("receipt", *range(size), "--cose", *ledger))
            harness.expect(len(answer["receipts"]) == size, "one receipt a leaf")
            roots = set()
            for index, forms in enumerate(answer["receipts"]):
                event = json.loads(harness.run_well("show", index, *ledger))
                event_id = uuid.UUID(bytes=base64.b64decode(event["header"]["eventId"]))
                roots.add(check_inclusion(verifier, forms, event_id))
            harness.expect(len(roots) == 1, "all are under one root")
            text = answer["checkpoint"].split("\n")
            harness.expect(text[0] == verifier.name and base64.b64decode(text[2]) in roots, "which is the checkpoint's")
    vectors = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "vectors", "cose.json")
    with open(vectors, encoding="utf-8") as file:
        golden = json.load(file)
    verifier = Verifier(golden["verifier_key"])
    for case in golden["consistency"]:
        (old, new, path), claims, check = verifier.open(bytes.fromhex(case["receipt"]), CONSISTENCY)
        harness.expect((old, new) == (case["older_size"], case["size"]) and claims["tree_size"] == new, "the sizes")
        check(root_of_consistency(old, new, path, bytes.fromhex(case["older_root"])))
    print("cbor2 and PyNaCl verify our receipts")


if __name__ == "__main__":
    main()
