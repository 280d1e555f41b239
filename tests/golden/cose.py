"""COSE receipts (RFC 9942) over the small log, written by an encoder of its own: every head in its shortest form."""

from __future__ import annotations

import uuid
from typing import Any

import merkle
import note
import primitives as p
from small_log import ORIGIN, SmallLog
from wire import Value

LOG_SEED = p.seed(96)
OTHER_SEED = p.seed(160)
ED_DSA = -8
INCLUSION, CONSISTENCY = -1, -2


class Tag:
    def __init__(self, number: int, item: Any) -> None:
        self.number, self.item = number, item


class Raw(bytes):
    """Bytes that are put in as they are."""


def head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | 23 + size.bit_length()]) + number.to_bytes(size, "big")


def cbor(item: Any) -> bytes:
    if isinstance(item, Raw):
        return bytes(item)
    if item is None:
        return b"\xf6"
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    if isinstance(item, list):
        return head(4, len(item)) + b"".join(map(cbor, item))
    if isinstance(item, dict):
        entries = sorted((cbor(key), cbor(value)) for key, value in item.items())
        return head(5, len(entries)) + b"".join(key + value for key, value in entries)
    return head(6, item.number) + cbor(item.item)


def kid(key_seed: bytes = LOG_SEED, origin: str = ORIGIN) -> bytes:
    return note.key_id(origin, note.ED25519, p.public_key(key_seed))


def protected(subject: str, size: int) -> dict[Any, Any]:
    return {1: ED_DSA, 4: kid(), 15: {1: ORIGIN, 2: subject, "tree_size": size}, 395: 1}


def signed_bytes(header: bytes, root: bytes) -> bytes:
    return cbor(["Signature1", header, b"", root])


def receipt(header: Any, proof: Any, root: bytes, key_seed: bytes = LOG_SEED) -> list[Any]:
    """A COSE_Sign1's four items. `header` is a map, or the bytes of one."""
    encoded = header if isinstance(header, bytes) else cbor(header)
    return [encoded, {396: proof}, None, p.sign(key_seed, signed_bytes(encoded, root))]


def subject_of(log: SmallLog, index: int) -> str:
    return "urn:uuid:" + str(uuid.UUID(bytes=log.events[index].fields["event_id"]))


def inclusion_case(log: SmallLog, index: int, size: int) -> Value:
    subject, path = subject_of(log, index), merkle.inclusion(index, log.hashes[:size])
    header = protected(subject, size)
    items = receipt(header, {INCLUSION: [cbor([size, index, path])]}, log.root(size))
    return {"name": f"leaf {index} of {size}", "index": index, "size": size, "leaf": log.leaves[index].hex(),
            "subject": subject, "path": [one.hex() for one in path],
            "signed_bytes": signed_bytes(cbor(header), log.root(size)).hex(), "receipt": cbor(Tag(18, items)).hex()}


def consistency_case(log: SmallLog, older: int, size: int) -> Value:
    path = merkle.consistency(older, log.hashes[:size])
    items = receipt(protected(ORIGIN, size), {CONSISTENCY: [cbor([older, size, path])]}, log.root(size))
    return {"name": f"{older} to {size}", "older_size": older, "older_root": log.root(older).hex(), "size": size,
            "path": [one.hex() for one in path], "receipt": cbor(Tag(18, items)).hex()}


def rejected_cases(log: SmallLog) -> list[Value]:
    """Receipts of leaf 5 of 12 that a verifier with the ledger's key refuses; where it can be, it is signed."""
    index, size = 5, 12
    root, subject, path = log.root(size), subject_of(log, index), merkle.inclusion(index, log.hashes)
    header, whole = protected(subject, size), cbor([size, index, path])
    proof = {INCLUSION: [whole]}
    good = receipt(header, proof, root)
    found: dict[str, bytes] = {}

    def add(name: str, items: Any, tag: int | None = 18) -> None:
        found[name] = cbor(items) if tag is None else cbor(Tag(tag, items))

    def add_header(name: str, changed: Any) -> None:
        add(name, receipt(changed, proof, root))

    def add_proof(name: str, changed: Any) -> None:
        add(name, receipt(header, changed, root))

    encoded = cbor(header)
    add("no tag", good, None)
    add("tag of COSE_Sign", good, 98)
    add("three items", good[:3])
    add("five items", [*good, None])
    add("attached payload", [good[0], good[1], root, good[3]])
    add("empty payload", [good[0], good[1], b"", good[3]])
    add("undefined payload", [good[0], good[1], Raw(b"\xf7"), good[3]])
    add("signature cut", [*good[:3], good[3][:-1]])
    add("signature of nothing", [*good[:3], bytes(64)])
    add("unprotected header with another label", [good[0], {396: proof, 4: kid()}, None, good[3]])
    add("unprotected header empty", [good[0], {}, None, good[3]])
    add("unprotected label of receipts", [good[0], {394: proof}, None, good[3]])
    add("protected header not a string", [header, *good[1:]])
    add("protected header empty", receipt(b"", proof, root))
    add("protected header with an end", receipt(encoded + b"\x00", proof, root))
    add("signed by another key", receipt(header, proof, root, OTHER_SEED))
    add("signed over another root", receipt(header, proof, log.root(11)))
    add("signed with another context",
        [*good[:3], p.sign(LOG_SEED, cbor(["CounterSignature", good[0], b"", root]))])
    add("signed with external data", [*good[:3], p.sign(LOG_SEED, cbor(["Signature1", good[0], b"x", root]))])
    add_header("ES256", {**header, 1: -7})
    add_header("Ed25519 by its own number", {**header, 1: -19})
    add_header("alg as text", {**header, 1: "EdDSA"})
    add_header("no kid", {key: value for key, value in header.items() if key != 4})
    add_header("kid of five bytes", {**header, 4: kid() + b"\x00"})
    add_header("kid of another key", {**header, 4: kid(OTHER_SEED)})
    add_header("another structure", {**header, 395: 2})
    add_header("critical and unknown", {**header, 2: [1000], 1000: 1})
    add_header("critical and known", {**header, 2: [1]})
    add_header("unknown label", {**header, 1000: 1})
    add_header("content type", {**header, 3: 60})
    add_header("no claims", {key: value for key, value in header.items() if key != 15})
    claims = header[15]
    add_header("no subject", {**header, 15: {1: ORIGIN, "tree_size": size}})
    add_header("no tree size", {**header, 15: {1: ORIGIN, 2: subject}})
    add_header("another origin", {**header, 15: {**claims, 1: "other.example/ledger"}})
    add_header("another origin with its own key id",
               {**header, 4: kid(LOG_SEED, "other.example/ledger"), 15: {**claims, 1: "other.example/ledger"}})
    add_header("another subject", {**header, 15: {**claims, 2: subject_of(log, 4)}})
    add_header("another tree size", {**header, 15: {**claims, "tree_size": 11}})
    add_header("issued at", {**header, 15: {**claims, 6: 1}})
    add_header("origin as bytes", {**header, 15: {**claims, 1: ORIGIN.encode()}})
    add_header("origin empty", {**header, 15: {**claims, 1: ""}})
    add_header("origin with a newline", {**header, 15: {**claims, 1: ORIGIN + "\n"}})
    add_header("origin not UTF-8", {**header, 15: {**claims, 1: Raw(b"\x62\xc3\x28")}})
    add_header("origin of 256 bytes", {**header, 15: {**claims, 1: "o" * 256}})
    add_header("subject of 256 bytes", {**header, 15: {**claims, 2: "s" * 256}})
    add_header("tree size negative", {**header, 15: {**claims, "tree_size": -1}})
    add_header("tree size in nine bytes", {**header, 15: {**claims, "tree_size": Raw(b"\x1b" + p.be64(size))}})
    entries = [cbor(key) + cbor(value) for key, value in header.items()]
    add_header("labels in another order", b"\xa4" + entries[0] + entries[1] + entries[3] + entries[2])
    add_header("alg twice", b"\xa5" + entries[0] + b"".join(entries))
    add_header("claims twice", b"\xa5" + b"".join(entries[:3]) + b"".join(entries[2:]))
    add_header("map of indefinite length", b"\xbf" + b"".join(entries) + b"\xff")
    add_header("map's size in two bytes", b"\xb8\x04" + b"".join(entries))
    add_header("label in two bytes", b"\xa4\x18\x01" + entries[0][1:] + b"".join(entries[1:]))
    add_proof("no proof", {INCLUSION: []})
    add_proof("two proofs", {INCLUSION: [whole, whole]})
    add_proof("proof not a string", {INCLUSION: [[size, index, path]]})
    add_proof("both kinds", {INCLUSION: [whole], CONSISTENCY: [cbor([11, size, merkle.consistency(11, log.hashes)])]})
    add_proof("unknown kind", {-3: [whole]})
    add_proof("kind as a positive number", {1: [whole]})
    add_proof("inclusion as consistency", {CONSISTENCY: [whole]})
    add_proof("consistency instead", {CONSISTENCY: [cbor([11, size, merkle.consistency(11, log.hashes)])]})
    add_proof("size of the tree before", {INCLUSION: [cbor([11, index, path])]})
    add_proof("index beyond the tree", {INCLUSION: [cbor([size, size, path])]})
    add_proof("neighbour's index", {INCLUSION: [cbor([size, index - 1, path])]})
    add_proof("largest index", {INCLUSION: [cbor([size, 2**64 - 1, path])]})
    add_proof("path cut", {INCLUSION: [cbor([size, index, path[:-1]])]})
    add_proof("path longer", {INCLUSION: [cbor([size, index, [*path, bytes(32)]])]})
    add_proof("path of 65", {INCLUSION: [cbor([size, index, [bytes(32)] * 65])]})
    add_proof("path of 2^60", {INCLUSION: [b"\x83" + cbor(size) + cbor(index) + b"\x9b" + p.be64(2**60)]})
    add_proof("hash of 31 bytes", {INCLUSION: [cbor([size, index, [path[0][:-1], *path[1:]]])]})
    add_proof("hash as text", {INCLUSION: [cbor([size, index, [path[0].hex(), *path[1:]]])]})
    add_proof("path of indefinite length",
              {INCLUSION: [b"\x83" + cbor(size) + cbor(index) + b"\x9f" + b"".join(map(cbor, path)) + b"\xff"]})
    add_proof("two numbers", {INCLUSION: [cbor([size, index])]})
    add_proof("proof with an end", {INCLUSION: [whole + b"\xf6"]})
    right = cbor(Tag(18, good))
    found["empty"] = b""
    found["cut"] = right[:-1]
    found["with an end"] = right + b"\x00"
    found["twice"] = right + right
    found["tag twice"] = b"\xd2" + right
    found["tag in two bytes"] = b"\xd8\x12" + right[1:]
    found["array of indefinite length"] = b"\xd2\x9f" + right[2:] + b"\xff"
    found["protected header in chunks"] = b"\xd2\x84\x5f" + cbor(encoded) + b"\xff" + b"".join(map(cbor, good[1:]))
    found["nested a thousand deep"] = b"\xd2\x84" + b"\x81" * 1000
    found["string of 2^63 bytes"] = b"\xd2\x84\x5b" + p.be64(2**63) + right[4:]
    found["over the limit"] = right[:2] + cbor(bytes(5000)) + right[2:]
    return [{"name": name, "receipt": data.hex()} for name, data in found.items()]


def cose_vectors(log: SmallLog) -> Value:
    size = len(log.leaves)
    pairs = [(older, newer) for newer in (2, 3, 8, 11, 12) for older in range(1, newer)]
    return {
        "origin": ORIGIN, "seed": LOG_SEED.hex(), "key_id": kid().hex(),
        "verifier_key": note.verifier_key(ORIGIN, note.ED25519, p.public_key(LOG_SEED)),
        "inclusion": [inclusion_case(log, i, size) for i in range(size)]
        + [inclusion_case(log, 0, 1), inclusion_case(log, 2, 3)],
        "consistency": [consistency_case(log, older, newer) for older, newer in pairs],
        "rejected": {"index": 5, "subject": subject_of(log, 5), "leaf": log.leaves[5].hex(),
                     "receipts": rejected_cases(log)},
    }
