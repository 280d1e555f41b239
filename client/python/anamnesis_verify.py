#!/usr/bin/python3
"""Verifies what an Anamnesis ledger hands out, offline, sharing no code with the ledger: Python 3.9 and PyNaCl
(python3-nacl) are all that it needs, and one person can read it in one sitting.

    anamnesis_verify.py receipt activation.tlog-proof --key "acme-cardio.example/ledger+34af482e+ARdF..."
    anamnesis_verify.py receipt *.tlog-proof --policy policy.txt --json
    anamnesis_verify.py receipt activation.cose --key VKEY
    anamnesis_verify.py receipt 2026.tlog-proof --policy policy.txt --key-history keys.history
    anamnesis_verify.py checkpoint checkpoint.note --key VKEY
    anamnesis_verify.py consistency old.note add-checkpoint.txt --key VKEY
    anamnesis_verify.py dsse decision.dsse.json --key "ada+03a107bf+Ae..."
    anamnesis_verify.py export dhf-directory incident.tar --key VKEY
    anamnesis_verify.py log https://ledger.acme-cardio.example --key VKEY
    anamnesis_verify.py evidence fork.evidence --key VKEY

A receipt NAME.tlog-proof or NAME.cose needs NAME.leaf beside it; NAME.body is checked where it exists. VKEY is a
verifier key that you have from a source that you trust; give several --key, or a C2SP tlog-policy file with --policy.

Exit status: 0 all verified; 1 something is not; 2 wrong usage, key or policy, a file that isn't there, or no PyNaCl;
3 a log could not be reached.

"Format" below is the ledger's design text (format.md); C2SP is https://c2sp.org.
"""

import argparse
import base64
import datetime
import hashlib
import html
import http.client
import json
import os
import re
import ssl
import sys
import urllib.error
import urllib.request
from typing import NamedTuple, Optional

try:
    import nacl.bindings
    import nacl.exceptions
except ImportError:  # said once the command line is read, so that --help is there without it
    nacl = None

# Format section 2 ("Limits"), and what a verifier reads at most.
LEAF_MAX, HEADER_MAX, BODY_MAX, RUN_EVENTS_MAX, STATEMENT_MAX = 65535, 16 * 1024, 4 * 1024 * 1024, 4096, 1024
NOTE_MAX, SIGNATURES_MAX, PROOF_MAX, PATH_MAX, POLICY_MAX, POLICY_LINES_MAX = 1 << 20, 100, 1 << 21, 64, 1 << 20, 256
ENVELOPE_MAX, EXPORT_MAX, EVIDENCE_MAX, TILE_WIDTH, TIMEOUT_S = 16 << 20, 1 << 30, 4 << 20, 256, 30
HISTORY_MAX, HISTORY_ENTRIES_MAX = 16 << 20, 4096


class Refused(Exception):
    """What was given does not verify: exit status 1."""


class BadInput(Exception):
    """The question is wrong, not the answer: exit status 2."""


class Unreachable(Exception):
    """A log could not be read over the network: exit status 3."""


def need(holds, reason):
    if not holds:
        raise Refused(reason)


# --- Bytes and text ---------------------------------------------------------------------------------------------------


def read_file(path, limit):
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    need(len(data) <= limit, f"{path}: more than {limit} bytes")
    return data


def quoted(data):
    """Bytes from elsewhere, safe to print."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
    return '"' + "".join(c if c.isprintable() else "?" for c in text[:200]) + '"'


def from_base64(data, field):
    """RFC 4648 section 4 with padding; each byte string has exactly one spelling."""
    try:
        decoded = base64.b64decode(data, validate=True)
    except ValueError:
        decoded = None
    need(decoded is not None and base64.b64encode(decoded) == data, f"{field}: not base64 (RFC 4648 section 4, padded)")
    return decoded


def decimal(data, field):
    ok = re.fullmatch(rb"0|[1-9][0-9]{0,19}", data) is not None and int(data) < 1 << 64
    need(ok, f"{field}: not a decimal number of 64 bits without leading zeroes")
    return int(data)


def take_line(data, field):
    line, newline, rest = data.partition(b"\n")
    need(newline, f"{field}: the line is missing or cut off")
    return line, rest


def note_text(data):
    """The text of these bytes if they are UTF-8 without control characters but newline; else None."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if any(c < " " and c != "\n" for c in text) else text


def digest_of(data, field):
    need(len(data) == 32, f"{field}: {len(data)} bytes; a SHA-256 digest has 32")
    return data


def time_text(us):
    if not -2208988800000000 <= us < 7258118400000000:
        return f"{us} us"
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
    digits = "" if us % 1000000 == 0 else f".{us % 1000000:06}"[: 4 if us % 1000 == 0 else 7]
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + digits + "Z"


# --- Ed25519 (format section 3: "Ed25519 verification is pinned") -----------------------------------------------------

FIELD, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
Y8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
SMALL_ORDER = {0, 1, FIELD - 1, Y8, FIELD - Y8}  # the y of the eight points whose order divides 8


def ed25519_ok(key, message, signature):
    """libsodium's rule: S < L; A and R canonical and not of small order; the equation without the cofactor. libsodium
    checks all of it; the encodings are checked here too, so that the rule does not rest on how it was built."""
    if len(key) != 32 or len(signature) != 64 or int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    for point in (key, signature[:32]):
        y = int.from_bytes(point, "little") & (1 << 255) - 1
        if y >= FIELD or y in SMALL_ORDER:
            return False
    try:
        nacl.bindings.crypto_sign_open(signature + message, key)
    except (nacl.exceptions.CryptoError, ValueError, TypeError):
        return False
    return True


def check_ed25519_library():
    """A signature whose R has an added point of order 8: verifies with the cofactor and must not without. A library
    that takes it would disagree with the ledger's nodes."""
    if nacl is None:
        raise BadInput("PyNaCl isn't installed: `apt install python3-nacl`, or PyNaCl from PyPI")
    key = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
    wrong = bytes.fromhex("b73258be8955036ceb07e63dd3fd9d106f030fe3a86c1038029bac3999099"
                          "3d20b88c534d173ba11f26e26caa64ce5726bd1e9c9adf7ecfc6386c15a927b6803")
    if ed25519_ok(key, b"cofactor", wrong):
        raise BadInput("this PyNaCl's libsodium verifies Ed25519 with the cofactor; use one up to libsodium 1.0.20")


def pae(payload_type, payload):
    """DSSE's pre-authentication encoding (https://github.com/secure-systems-lab/dsse, protocol.md)."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(payload), payload)


# --- RFC 6962 tree and proofs (format section 4; algorithms of RFC 9162 section 2.1.3.2 and 2.1.4.2) ------------------


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of the complete subtrees from left to right, as a tree grows leaf by leaf."""

    def __init__(self):
        self.size, self.peaks = 0, []

    @classmethod
    def of(cls, hashes):
        tree = cls()
        for leaf in hashes:
            tree.append(leaf)
        return tree

    def append(self, leaf):
        self.size += 1
        size = self.size
        while size % 2 == 0:
            leaf, size = node_hash(self.peaks.pop(), leaf), size // 2
        self.peaks.append(leaf)

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of_inclusion(leaf, index, size, path):
    need(index < size, f"leaf {index} is not in a tree of size {size}")
    position, last, computed = index, size - 1, leaf
    for sibling in path:
        need(last != 0, f"proof: {len(path)} hashes are too many for leaf {index} of {size}")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    need(last == 0, f"proof: {len(path)} hashes are too few for leaf {index} of {size}")
    return computed


def check_inclusion(leaf, index, size, path, root):
    computed = root_of_inclusion(leaf, index, size, path)
    need(computed == root, f"the proof leads to root {computed.hex()}, not {root.hex()}")


def prefix_roots(old_size, new_size, path):
    """The roots of the first leaves and of all, rebuilt from one node (RFC 9162 section 2.1.4.2, whose first node is
    always in the path here, also where the old tree is complete)."""
    need(0 < old_size < new_size, "the first tree is not smaller than the second")
    need(path, "proof: no hashes")
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        need(last != 0, "proof: too many hashes for these sizes")
        if position & 1 or position == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, node)
        position, last = position >> 1, last >> 1
    need(last == 0, "proof: too few hashes for these sizes")
    return old, new


def check_consistency(old_size, new_size, path, old_root, new_root):
    """Size 0 is refused, as in RFC 6962; whoever takes it as a prefix of everything decides so before calling."""
    need(0 < old_size <= new_size, f"no consistency from size {old_size} to size {new_size}: 0 < old <= new is needed")
    if old_size == new_size:
        need(not path, "proof: equal sizes call for no hashes")
        need(old_root == new_root, "two roots for the same size")
        return
    if old_size & (old_size - 1) == 0:
        path = [old_root, *path]
    old, new = prefix_roots(old_size, new_size, path)
    need(old == old_root, f"the proof leads to old root {old.hex()}, not {old_root.hex()}")
    need(new == new_root, f"the proof leads to new root {new.hex()}, not {new_root.hex()}")


# --- Verifier keys, signed notes, cosignatures (format section 5; c2sp.org/signed-note, c2sp.org/tlog-cosignature) ----

ED25519, COSIGNATURE = 1, 4
SPACES = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}


class Key(NamedTuple):
    name: bytes
    id: bytes
    type: int
    public: bytes


def check_key_name(name):
    text = note_text(name)
    need(text and "+" not in text and not SPACES & set(text),
         f"key name {quoted(name)}: empty, not UTF-8, or with a blank, control character or \"+\"")


def parse_key(text):
    """`name+hex8(key id)+base64(type || public key)`, split on the first two `+`."""
    parts = text.split(b"+", 2)
    need(len(parts) == 3, f"verifier key {quoted(text)}: not <name>+<key id>+<base64>")
    name, key_id, blob = parts[0], parts[1], from_base64(parts[2], "verifier key")
    check_key_name(name)
    need(len(blob) == 33, f"verifier key: {len(blob)} bytes; a type and an Ed25519 key have 33")
    need(blob[0] in (ED25519, COSIGNATURE), f"verifier key: signature type {blob[0]} is not supported (1 or 4)")
    right = hashlib.sha256(name + b"\n" + blob).digest()[:4]
    need(key_id == right.hex().encode(), f"verifier key: the key id {quoted(key_id)} should be {right.hex()}")
    return Key(name, right, blob[0], blob[1:])


class Note(NamedTuple):
    text: bytes
    signatures: list  # of (name, key id, signature bytes)


def parse_note(data):
    """Text and signature lines, split at the last blank line. Verifies nothing."""
    need(len(data) <= NOTE_MAX, f"note: {len(data)} bytes; at most {NOTE_MAX}")
    need(note_text(data) is not None, "note: not UTF-8, or with control characters")
    blank = data.rfind(b"\n\n")
    need(blank >= 0, "note: no blank line before signatures")
    rest, signatures = data[blank + 2:], []
    need(rest, "note: no signatures")
    while rest:
        need(len(signatures) < SIGNATURES_MAX, f"note: more than {SIGNATURES_MAX} signatures")
        line, rest = take_line(rest, "note: signature")
        need(line.startswith("— ".encode()), "signature line: does not start with an em dash and a space")
        name, space, blob = line[4:].partition(b" ")
        need(space, 'signature line: not "name base64"')
        check_key_name(name)
        blob = from_base64(blob, "signature line")
        need(len(blob) > 4, "signature line: no signature after the key id")
        signatures.append((name, blob[:4], blob[4:]))
    return Note(data[:blank + 1], signatures)


def signature_ok(text, key, signature):
    if key.type == ED25519:
        return ed25519_ok(key.public, text, signature)
    seconds = int.from_bytes(signature[:8], "big")  # cosignature/v1: be64 seconds || signature
    if len(signature) != 72 or seconds >= 1 << 63:
        return False
    return ed25519_ok(key.public, b"cosignature/v1\ntime %d\n%s" % (seconds, text), signature[8:])


def verify_note(note, known):
    """The known keys that signed. Others' signatures are ignored; one of a known key that fails rejects the note."""
    verified = []
    for name, key_id, signature in note.signatures:
        found = {key for key in known if (key.name, key.id) == (name, key_id)}
        need(len(found) < 2, f"two known keys have the name {quoted(name)} and the same key id")
        for key in found:
            need(signature_ok(note.text, key, signature), f"the signature by known key {quoted(name)} is wrong")
            if key not in verified:
                verified.append(key)
    need(verified, "the note has no signature by a known key")
    return verified


# --- Checkpoints and policies (format section 5; c2sp.org/tlog-checkpoint, c2sp.org/tlog-policy) ----------------------


class Checkpoint(NamedTuple):
    origin: bytes
    size: int
    root: bytes

    def text(self):
        return f"checkpoint of {self.origin.decode()} over {self.size} events, root {self.root.hex()}"


def parse_checkpoint(text):
    origin, rest = take_line(text, "checkpoint: origin")
    need(0 < len(origin) <= 255, f"checkpoint: origin: {len(origin)} bytes; 1 to 255 are allowed")
    size, rest = take_line(rest, "checkpoint: size")
    root, rest = take_line(rest, "checkpoint: root")
    checkpoint = Checkpoint(origin, decimal(size, "checkpoint: size"),
                            digest_of(from_base64(root, "checkpoint: root"), "checkpoint: root"))
    while rest:
        extension, rest = take_line(rest, "checkpoint: extension line")
        need(extension, "checkpoint: extension line: empty")
    return checkpoint


class Policy:
    """Logs, witnesses, groups and the quorum. A checkpoint below the quorum does not verify (format section 5)."""

    def __init__(self, text):
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, None
        self.defined, self.grouped, quorum_seen, counts, number = set(), set(), False, {}, 0
        while text:
            number += 1
            line, text = take_line(text, f"policy: line {number}")
            where = f"policy: line {number}:"
            need(not any((c < 0x20 and c != 9) or c == 0x7F for c in line), f"{where} a control character")
            items = [item for item in re.split(rb"[ \t]+", line) if item]
            if not items or items[0].startswith(b"#"):
                continue
            kind = items[0]
            counts[kind] = counts.get(kind, 0) + 1
            need(counts[kind] <= POLICY_LINES_MAX, f"{where} more than {POLICY_LINES_MAX} lines of this kind")
            if kind == b"log" and len(items) in (2, 3):
                self.logs.append(self.key(items[1], ED25519, self.logs, where))
            elif kind == b"witness" and len(items) in (3, 4):
                key = self.key(items[2], COSIGNATURE, self.witnesses.values(), where)
                self.define(items[1], where)
                self.witnesses[items[1]] = key
            elif kind == b"group" and len(items) >= 4:
                self.group(items[1], items[2], items[3:], where)
            elif kind == b"quorum" and len(items) == 2:
                need(not quorum_seen, f"{where} a second quorum line")
                quorum_seen = True
                need(items[1] in {b"none", *self.defined}, f"{where} {quoted(items[1])} is not defined before")
                self.quorum = None if items[1] == b"none" else items[1]
            else:
                raise Refused(f"{where} {quoted(kind)}: not a log, witness, group or quorum line with all its parts")
        need(quorum_seen, "policy: no quorum line")

    @staticmethod
    def key(text, key_type, others, where):
        key = parse_key(text)
        need(key.type == key_type, f"{where} a key of type {key_type} is needed here, not of type {key.type}")
        need(all(key.public != other.public for other in others), f"{where} the public key is listed already")
        return key

    def define(self, name, where):
        need(name != b"none", f'{where} the name "none" is reserved')
        need(name not in self.defined, f"{where} the name {quoted(name)} is defined twice")
        self.defined.add(name)

    def group(self, name, threshold, members, where):
        fixed = {b"all": len(members), b"any": 1}
        count = fixed[threshold] if threshold in fixed else decimal(threshold, f"{where} threshold")
        need(1 <= count <= len(members), f"{where} threshold {count} of {len(members)} members")
        for member in members:
            need(member in self.defined, f"{where} the name {quoted(member)} is not defined on a line before")
            need(member not in self.grouped, f"{where} the name {quoted(member)} is a member of a group already")
            self.grouped.add(member)
        self.define(name, where)
        self.groups[name] = (count, members)

    def check_quorum(self, verified):
        if self.quorum is None:
            return
        signed = {name for name, key in self.witnesses.items() if key in verified}
        names = ", ".join(sorted(quoted(name) for name in signed)) or "no witness"
        for name, (count, members) in self.groups.items():  # members come from lines before, so one pass settles all
            if sum(member in signed for member in members) >= count:
                signed.add(name)
        need(self.quorum in signed, f"below the quorum {quoted(self.quorum)}: cosigned by {names}")


class Trust:
    """What the caller trusts: verifier keys or a policy; with a key history also the ledger's keys of other times."""

    def __init__(self, keys, policy_file, history_file=None):
        self.custody = None
        try:
            self.policy = Policy(read_file(policy_file, POLICY_MAX)) if policy_file else None
            self.keys = [parse_key(os.fsencode(text.strip())) for text in keys]
        except Refused as error:
            raise BadInput(str(error)) from None
        if bool(self.keys) == bool(self.policy):
            raise BadInput("give either --key (the ledger's verifier key, from a source you trust) or --policy")
        if history_file:
            try:
                self.custody = Custody(read_file(history_file, HISTORY_MAX), self.keys or self.policy.logs)
            except Refused as error:
                raise Refused(f"{history_file}: {error}") from None

    def open(self, data):
        """The checkpoint in a note that is signed by its log (the key whose name is the origin) and, with a policy,
        cosigned as its quorum wants. Fails closed."""
        note = parse_note(data)
        if self.custody is not None and self.custody.signers(note):
            return self.custody.open(note, self.policy)
        known = self.keys if self.policy is None else [*self.policy.logs, *self.policy.witnesses.values()]
        verified = verify_note(note, known)
        checkpoint = parse_checkpoint(note.text)
        need(any(key.type == ED25519 and key.name == checkpoint.origin for key in verified),
             f"the checkpoint of {quoted(checkpoint.origin)} is not signed by its log")
        if self.policy is not None:
            self.policy.check_quorum(verified)
        return checkpoint

    def check_signed_alone(self, checkpoint, key_id, signed, signature):
        """The same of a signature by one key, without cosignatures, so that a policy with a quorum refuses it."""
        need(self.policy is None or self.policy.quorum is None, "the policy asks for cosignatures; COSE has none")
        known = list(self.keys if self.policy is None else self.policy.logs)
        if self.custody is not None:
            known += [key for key in self.custody.log_keys() if key not in known]
        keys = [key for key in known if (key.type, key.name, key.id) == (ED25519, checkpoint.origin, key_id)]
        need(any(ed25519_ok(key.public, signed, signature) for key in keys[:1]),
             f"the receipt of {quoted(checkpoint.origin)} is not signed by a key that is trusted over this root")
        if self.custody is not None and keys[0] in self.custody.log_keys():
            self.custody.check_counts(keys[0], checkpoint)


# --- Protobuf, just what these messages need (https://protobuf.dev/programming-guides/encoding) -----------------------

AGENT = {1: ("kind", "string"), 2: ("id", "string")}
DIGEST = {1: ("algorithm", "uint32"), 2: ("value", "bytes")}
REF = {1: ("role", "string"), 2: ("kind", "string"), 3: ("id", "string"), 4: ("version", "string"),
       5: ("digest", DIGEST)}
HEADER = {
    1: ("event_id", "bytes"), 2: ("stream", "string"), 3: ("stream_position", "uint64"),
    4: ("previous_header_digest", "bytes"), 5: ("type", "string"), 6: ("schema_version", "uint32"),
    7: ("occurred_earliest_us", "int64"), 8: ("occurred_latest_us", "int64"), 9: ("valid_until_us", "int64"),
    10: ("actor", AGENT), 11: ("role_grant", "bytes"), 12: ("on_behalf_of", AGENT), 13: ("causes", "bytes", "repeated"),
    14: ("refs", REF, "repeated"), 15: ("rationale", "string"), 16: ("corrects", "bytes"),
    17: ("late_reason", "string"), 18: ("seen_tree_size", "uint64"), 19: ("seen_root", "bytes"),
    20: ("body_size", "uint64"), 21: ("body_commitment", "bytes"), 22: ("retrospective", "uint64")}
STATEMENT = {1: ("origin", "string"), 2: ("stream", "string"), 3: ("first_position", "uint64"), 4: ("count", "uint32"),
             5: ("run_root", "bytes"), 6: ("key_id", "bytes"), 7: ("sealed_at_us", "int64")}
DEFAULTS = {"string": "", "bytes": b"", "uint64": 0, "uint32": 0, "int64": 0}


def varint(data, at, longest):
    value = 0
    for i in range(longest):
        need(at + i < len(data), "truncated")
        value |= (data[at + i] & 0x7F) << (7 * i)
        if data[at + i] < 0x80:
            return value & (1 << 64) - 1, at + i + 1
    raise Refused("a number is too long")


def parse_message(data, fields, message=None, others=False):
    """A dict with every field of the message: absent ones have protobuf's default, absent messages None. As protobuf
    has it the last value counts and messages merge; a field that is not known is refused, unless `others` may be there,
    and every group is."""
    if message is None:
        message = {name: [] if rest else DEFAULTS[kind] if isinstance(kind, str) else None
                   for name, kind, *rest in fields.values()}
        message["present"] = set()
    at = 0
    while at < len(data):
        tag, at = varint(data, at, 5)
        number, wire_type = (tag & 0xFFFFFFFF) >> 3, tag & 7
        need(number in fields or others, f"holds field {number}, which this version doesn't know")
        name, kind, *repeated = fields.get(number, (f"field {number}", None))
        packed = bool(repeated) and kind == "uint64"
        wire_types = (0, 2) if kind is None or packed else (0,) if kind in ("uint64", "uint32", "int64") else (2,)
        need(wire_type in wire_types, f"{name}: wire type {wire_type}")
        value, at = varint(data, at, 10 if wire_type == 0 else 5)
        if wire_type == 2:
            need(value <= len(data) - at, f"{name}: truncated")
            value, at = data[at:at + value], at + value
        if kind is None:
            continue
        if packed and wire_type == 2:
            place = 0
            while place < len(value):
                number, place = varint(value, place, 10)
                message[name].append(number)
            continue
        if kind == "uint32":
            value &= 0xFFFFFFFF
        elif kind == "int64":
            value -= (value >> 63) << 64
        elif kind == "string":
            need(valid_utf8(value), f"{name}: not UTF-8")
            value = value.decode("utf-8")
        elif isinstance(kind, dict):
            value = parse_message(value, kind, None if repeated else message[name])
        message["present"].add(name)
        if repeated:
            message[name].append(value)
        else:
            message[name] = value
    return message


def valid_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- Leaves, headers, seals (format sections 2 to 4; proto/anamnesis/v1/event.proto) ----------------------------------

DIGEST_BYTES = {1: 32, 2: 64, 3: 20, 4: 20, 5: 16}  # DigestAlgorithm


def check_string(field, text, limit, form=None):
    need(len(text.encode()) <= limit, f"header.{field}: {len(text.encode())} bytes; at most {limit}")
    if form == "symbol":
        need(re.fullmatch("[a-z0-9_]+", text), f"header.{field}: is not a symbol of a-z, 0-9 and _")
    elif form:
        need(text or form == "optional", f"header.{field}: is empty")
        need(not any(c < " " or c == "\x7f" for c in text), f"header.{field}: holds a control character")


def check_agent(field, agent):
    need(agent is not None, f"header.{field}: is missing")
    check_string(f"{field}.kind", agent["kind"], 64, "symbol")
    check_string(f"{field}.id", agent["id"], 255, "name")


def check_ref(i, ref):
    for part, limit, form in (("role", 64, "symbol"), ("kind", 64, "symbol"), ("id", 255, "name"),
                              ("version", 128, "optional")):
        check_string(f"refs[{i}].{part}", ref[part], limit, form)
    if ref["digest"] is not None:
        size = DIGEST_BYTES.get(ref["digest"]["algorithm"])
        need(size is not None, f"header.refs[{i}].digest: names no digest algorithm that this version knows")
        need(len(ref["digest"]["value"]) == size, f"header.refs[{i}].digest: {len(ref['digest']['value'])} bytes")


def check_times(header):
    first, last = header["occurred_earliest_us"], header["occurred_latest_us"]
    times = [("occurred_earliest_us", first), ("occurred_latest_us", last)]
    if "valid_until_us" in header["present"]:
        times.append(("valid_until_us", header["valid_until_us"]))
    for field, us in times:
        need(-2208988800000000 <= us < 7258118400000000, f"header.{field}: lies outside the years 1900 to 2199")
        need(us >= first, f"header.{field}: lies before occurred_earliest_us")


def parse_header(data):
    """Format section 2: the bytes as the writer made them, never a re-encoding."""
    need(len(data) <= HEADER_MAX, f"header: {len(data)} bytes; at most {HEADER_MAX}")
    try:
        header = parse_message(data, HEADER)
    except Refused as error:
        raise Refused(f"header: is not a protobuf EventHeader: {error}") from None
    event_id = header["event_id"]
    need(len(event_id) == 16 and event_id[8] & 0xC0 == 0x80 and event_id[6] >> 4 in (7, 8),
         "header.event_id: is not a UUID of version 7 (RFC 9562)")
    digest_of(header["previous_header_digest"], "header.previous_header_digest")
    digest_of(header["body_commitment"], "header.body_commitment")
    need(re.fullmatch(r"[A-Za-z0-9._/@:+-]{1,255}", header["stream"]),
         "header.stream: must be 1 to 255 characters of A-Z a-z 0-9 . _ / @ : + -")
    need(header["stream_position"] > 0, "header.stream_position: positions start at 1")
    need((header["stream_position"] == 1) == (header["previous_header_digest"] == bytes(32)),
         "header.previous_header_digest: must be 32 zero bytes at position 1 and only there")
    check_string("type", header["type"], 100, "name")
    check_times(header)
    check_agent("actor", header["actor"])
    if header["on_behalf_of"] is not None:
        check_agent("on_behalf_of", header["on_behalf_of"])
    need(len(header["refs"]) <= 256, f"header.refs: {len(header['refs'])}; at most 256")
    for i, ref in enumerate(header["refs"]):
        check_ref(i, ref)
    check_string("rationale", header["rationale"], 4096)
    check_string("late_reason", header["late_reason"], 1024)
    need(len(header["causes"]) <= 64, f"header.causes: {len(header['causes'])}; at most 64")
    ids = [("causes", cause) for cause in header["causes"]]
    ids += [(field, header[field]) for field in ("role_grant", "corrects") if header[field]]
    for field, value in ids:
        need(len(value) == 16, f"header.{field}: has {len(value)} bytes; an event id has 16")
    need(len(header["seen_root"]) == (32 if header["seen_tree_size"] else 0),
         "header.seen_root: must have 32 bytes when seen_tree_size is set, and be empty when it is not")
    need(header["body_size"] <= BODY_MAX, f"header.body_size: {header['body_size']}; at most {BODY_MAX}")
    return header


class Leaf(NamedTuple):
    recorded_us: int
    header_bytes: bytes
    header: dict
    statement: Optional[bytes]
    signature: Optional[bytes]


def take_prefixed(data, limit, what):
    """be32 length || bytes; the bytes and what follows them."""
    length = int.from_bytes(data[:4], "big")
    need(len(data) >= 4 and length <= limit and length <= len(data) - 4, f"not a leaf: bad {what} length")
    return data[4:4 + length], data[4 + length:]


def parse_leaf(data):
    """Format section 4: 0x01 || be64 recorded-at || be32 length || header || be32 length || seal."""
    need(len(data) <= LEAF_MAX, "not a leaf: longer than 65,535 bytes")
    need(data[:1] == b"\x01", "not a leaf: unknown version")
    need(len(data) >= 9, "not a leaf: truncated recorded-at")
    header, rest = take_prefixed(data[9:], HEADER_MAX, "header")
    seal, rest = take_prefixed(rest, LEAF_MAX, "seal")
    need(not rest, "not a leaf: bad seal length")
    statement = signature = None
    if seal:
        statement, signature = take_prefixed(seal, STATEMENT_MAX, "seal statement")
        need(len(signature) == 64, "not a leaf: bad signature length")
    return Leaf(int.from_bytes(data[1:9], "big", signed=True), header, parse_header(header), statement, signature)


def open_statement(data, signature):
    """A seal's statement, signed by the key that it names."""
    need(len(data) <= STATEMENT_MAX, f"seal.statement: {len(data)} bytes; at most {STATEMENT_MAX}")
    try:
        statement = parse_message(data, STATEMENT)
    except Refused as error:
        raise Refused(f"seal.statement: is not a protobuf SealStatement: {error}") from None
    digest_of(statement["run_root"], "seal.run_root")
    need(len(statement["key_id"]) == 32, "seal.key_id: an Ed25519 public key has 32 bytes")
    message = pae(b"application/vnd.anamnesis.seal.v1+protobuf", data)
    need(ed25519_ok(statement["key_id"], message, signature),
         f"seal.signature: does not verify with key {statement['key_id'].hex()}")
    return statement


def verify_seal(leaf, origin):
    """Format section 3: the statement in a run's last leaf, signed by the key that it names, for this ledger and
    stream, for a run that ends here."""
    statement = open_statement(leaf.statement, leaf.signature)
    need(statement["origin"].encode() == origin and statement["stream"] == leaf.header["stream"],
         "the seal is for another ledger or stream")
    need(statement["count"] > 0 and statement["first_position"] + statement["count"] - 1 ==
         leaf.header["stream_position"], f"seal.first_position: covers {statement['count']} events from position "
         f"{statement['first_position']}, and stands at position {leaf.header['stream_position']}")
    return statement


def check_run_root(statement, headers):
    """The RFC 6962 tree hash over the header bytes of the run."""
    need(len(headers) == statement["count"], f"seal.count: {statement['count']}; the run has {len(headers)} events")
    need(Tree.of(map(leaf_hash, headers)).root() == statement["run_root"],
         "seal.run_root: is not the tree hash of the run's headers")


def check_body(data, header, what):
    """Format section 2: SHA-256(0x02 || nonce[32] || body bytes) is the header's body commitment."""
    need(len(data) >= 32 and hashlib.sha256(b"\x02" + data).digest() == header["body_commitment"],
         f"{what}: is not the body that the leaf commits to")
    size = header["body_size"]
    need(len(data) - 32 == size, f"{what}: {len(data) - 32} bytes; the header says {size}")


# --- The keys of a ledger over the years (deploy/decisions/0024-checkpoint-keys.md) -----------------------------------

BOUNDS = {3: ("valid_from_us", "int64"), 4: ("valid_until_us", "int64")}
SCOPE = {1: ("items", "string", "repeated"), 2: ("class_max", "uint32"), 3: ("jurisdictions", "string", "repeated")}
AUTHORITY = {
    "credential.issued": {1: ("public_key", "bytes"), 2: ("purpose", "uint32"), **BOUNDS, 5: ("components", "bytes")},
    "credential.rotated": {1: ("old_public_key", "bytes"), 2: ("new_public_key", "bytes"),
                           3: ("old_key_until_us", "int64"), 4: ("valid_until_us", "int64")},
    "credential.revoked": {1: ("public_key", "bytes"), 2: ("from_us", "int64")},
    "credential.reported_lost": {1: ("public_key", "bytes"), 2: ("from_us", "int64")},
    "role.granted": {1: ("role", "uint32"), 2: ("valid_from_us", "int64"), 3: ("valid_until_us", "int64"),
                     4: ("scope", SCOPE)},
    "role.withdrawn": {1: ("role", "uint32")}}
SEAL, CHECKPOINT, ADMINISTRATOR = 1, 2, 1


class End:
    """What ended a key: the leaf, since when, whether it may be in other hands, and the size that lies before."""

    def __init__(self, leaf, from_us, revoked):
        self.leaf, self.from_us, self.revoked, self.size = leaf, from_us, revoked, 0

    def __str__(self):
        what = "revoked" if self.revoked else "rotated out"
        return f"was {what} (leaf {self.leaf}, from {time_text(self.from_us)} on)"


def in_force(bounds, at_us):
    return at_us >= bounds[0] and (not bounds[1] or at_us < bounds[1])


class Custody:
    """The chain of custody of a ledger's checkpoint keys: the events that name and end them, each under the history's
    checkpoint, sealed by whom the events before made an administrator. A key that was rotated out counts for what lies
    before its end; one that was revoked only where something else also shows that it is of this ledger."""

    def __init__(self, data, trusted):
        leaves, older, note = self.parse(data)
        self.note = parse_note(note)
        self.head = parse_checkpoint(self.note.text)
        self.keys, self.ends, self.shown = {}, {}, [self.head]  # by public key: Key and End
        self.sealers, self.administrators, self.founders = {}, {}, 0
        self.ignored = {}  # public keys that an event names and that count for nothing, and why
        self.leaves = [self.read_leaf(*entry) for entry in leaves]
        for before, (_, after, *_) in zip(self.leaves, self.leaves[1:]):
            need(before[1].recorded_us < after.recorded_us, "key history: a leaf was recorded before one before it")
        self.older = [self.read_older(*entry) for entry in older]
        self.replay()
        for end in self.ends.values():
            end.size = max((index + 1 for index, leaf, _ in self.leaves if leaf.recorded_us < end.from_us), default=0)
        self.check_signed()
        self.check_trusted(trusted)

    @staticmethod
    def parse(data):
        need(len(data) <= HISTORY_MAX, f"key history: more than {HISTORY_MAX} bytes")
        line, rest = take_line(data, "key history: first line")
        need(line == b"anamnesis-key-history@v1", "key history: is none of version 1")
        leaves, older = [], []
        while True:
            line, rest = take_line(rest, "key history: entry")
            if line == b"checkpoint":
                return leaves, older, rest
            need(max(len(leaves), len(older)) < HISTORY_ENTRIES_MAX, "key history: too many entries")
            first, rest = take_line(rest, "key history: entry")
            first = from_base64(first, "key history: entry")
            if line.startswith(b"leaf "):
                index = decimal(line[5:], "key history: leaf")
                need(not older and (not leaves or leaves[-1][0] < index), "key history: not in the order of the log")
                body, rest = take_line(rest, "key history: body")
                body = None if body == b"-" else from_base64(body, "key history: body")
                hashes, rest = take_hashes(rest)
                leaves.append((index, first, body, hashes))
            else:
                need(line == b"older", "key history: neither a leaf nor a checkpoint begins here")
                place = (parse_checkpoint(parse_note(first).text).size, first)
                need(not older or older[-1][0] < place, "key history: older checkpoints are not in order")
                hashes, rest = take_hashes(rest)
                older.append((place, hashes))

    def read_leaf(self, index, data, body, hashes):
        what = f"key history: leaf {index}"
        try:
            check_inclusion(leaf_hash(data), index, self.head.size, hashes, self.head.root)
            leaf = parse_leaf(data)
            message = None
            if body is not None:
                check_body(body, leaf.header, "its body")
                if leaf.header["type"] in AUTHORITY:
                    need(leaf.header["schema_version"] == 1, "of a schema version that this program doesn't know")
                    need(sum(ref["role"] == "holder" for ref in leaf.header["refs"]) == 1, "names no single holder")
                    message = parse_message(body[32:], AUTHORITY[leaf.header["type"]])
        except Refused as error:
            raise Refused(f"{what}: {error}") from None
        return index, leaf, message

    def read_older(self, place, hashes):
        note = parse_note(place[1])
        checkpoint = parse_checkpoint(note.text)
        what = f"key history: the older checkpoint over {checkpoint.size} events"
        need(checkpoint.origin == self.head.origin, f"{what} is of {quoted(checkpoint.origin)}")
        try:
            check_consistency(checkpoint.size, self.head.size, hashes, checkpoint.root, self.head.root)
        except Refused as error:
            raise Refused(f"{what} is not shown to be continued: {error}") from None
        self.shown.append(checkpoint)
        return note, checkpoint

    def replay(self):
        run = []
        for place, (index, leaf, message) in enumerate(self.leaves):
            run.append((index, leaf, message))
            after = self.leaves[place + 1] if place + 1 < len(self.leaves) else None
            if leaf.statement is None and after is not None and after[0] == index + 1 and \
                    after[1].header["stream"] == leaf.header["stream"]:
                continue
            if any(message is not None for _, _, message in run):  # others only mark how far the log had come
                try:
                    self.replay_run(run)
                except Refused as error:
                    raise Refused(f"key history: leaf {index}: {error}") from None
            run = []
        need(self.founders, "key history: the founding run, from leaf 0 on, is missing")

    def replay_run(self, run):
        index, last = run[-1][:2]
        need(last.statement is not None, "the rest of its run is missing")
        statement = verify_seal(last, self.head.origin)
        check_run_root(statement, [leaf.header_bytes for _, leaf, _ in run])
        positions = [leaf.header["stream_position"] for _, leaf, _ in run]
        need(positions == list(range(statement["first_position"], positions[-1] + 1)), "its run has a gap")
        key = statement["key_id"]
        if run[0][0] == 0:
            self.check_founding(run, key)
        for index, leaf, message in run:
            if message is not None:
                why = self.why_unauthorised(index, leaf, key, run[0][1].recorded_us)
                self.apply(index, leaf, leaf.header["type"], message, why)

    def why_unauthorised(self, index, leaf, key, run_recorded_us):
        """Why the event is not shown to be an administrator's; empty when it is. It names nothing then, but what it
        ends has ended: that gives nobody anything."""
        actor = (leaf.header["actor"]["kind"], leaf.header["actor"]["id"])
        what = f"leaf {index}: {leaf.header['type']} by {actor[0]}:{actor[1]}"
        if key not in self.sealers:
            return f"{what}: nothing says whose the key is that sealed it, {key.hex()}"
        holder, bounds = self.sealers[key]
        if actor != holder:
            return f"{what} is sealed by another's key"
        if not in_force(bounds, run_recorded_us):
            return f"{what}: the key that sealed it was not in force"
        if not any(in_force(granted, leaf.recorded_us) for granted in self.administrators.get(actor, [])):
            return f"{what}, who was no administrator as far as the history shows"
        return ""

    @staticmethod
    def holder(leaf):
        ref = next((ref for ref in leaf.header["refs"] if ref["role"] == "holder"), {"kind": "", "id": ""})
        return ref["kind"], ref["id"]

    def check_founding(self, run, key):
        actors = {(leaf.header["actor"]["kind"], leaf.header["actor"]["id"]) for _, leaf, _ in run}
        need(len(actors) == 1, "the founding run has more than one actor")
        actor = actors.pop()
        own = [(leaf.header["type"], message) for _, leaf, message in run if message and self.holder(leaf) == actor]
        need(any(kind == "credential.issued" and message["public_key"] == key and message["purpose"] == SEAL
                 for kind, message in own)
             and any(kind == "role.granted" and message["role"] == ADMINISTRATOR for kind, message in own),
             "is no founding run of an administrator")
        self.founders, self.sealers[key], self.administrators[actor] = len(run), (actor, (0, 0)), [(0, 0)]

    def name(self, index, public, name):
        need(public not in self.keys, f"leaf {index}: names a key that was named before")
        need(len(public) == 32, f"leaf {index}: an Ed25519 public key has 32 bytes")
        self.keys[public] = self.key_of(public, name)

    def key_of(self, public, name):
        kind = ED25519 if name == self.head.origin else COSIGNATURE
        return parse_key(b"%s+%s+%s" % (
            name, hashlib.sha256(name + b"\n" + bytes([kind]) + public).hexdigest()[:8].encode(),
            base64.b64encode(bytes([kind]) + public)))

    def seals(self, index, public, holder, bounds):
        named = self.sealers.setdefault(public, (holder, bounds))
        need(named[0] == holder, f"leaf {index}: names a key that was named before")

    def end(self, index, public, from_us, revoked):
        if public in self.keys:
            end = self.ends.setdefault(public, End(index, from_us, revoked))
            if (revoked and not end.revoked) or (revoked == end.revoked and from_us < end.from_us):
                end.leaf = index
            end.revoked = end.revoked or revoked
            end.from_us = min(end.from_us, from_us)
            return
        if public in self.ignored and public not in self.sealers:
            return
        need(public in self.sealers, f"leaf {index}: ends a key that nothing before it names")
        holder, (start, until) = self.sealers[public]
        self.sealers[public] = holder, (start, min(until or from_us, from_us))

    def expire(self, index, public, until_us):
        """What isn't valid for ever ends as if it were rotated out then."""
        if until_us:
            self.end(index, public, until_us, False)

    def apply(self, index, leaf, kind, body, why):
        holder = self.holder(leaf)
        if kind == "credential.issued" and why:
            self.ignored.setdefault(body["public_key"], why)
        elif kind == "credential.issued" and body["purpose"] == SEAL:
            self.seals(index, body["public_key"], holder, (body["valid_from_us"], body["valid_until_us"]))
        elif kind == "credential.issued" and body["purpose"] == CHECKPOINT and holder[0] == "node":
            name = self.head.origin if holder[1] == "founding-node" else holder[1].encode()
            self.name(index, body["public_key"], name)
            self.expire(index, body["public_key"], body["valid_until_us"])
        elif kind == "credential.issued":
            self.ignored.setdefault(body["public_key"], f"leaf {index}: is no key of checkpoints of a node")
        elif kind == "credential.rotated":
            self.end(index, body["old_public_key"], body["old_key_until_us"] or leaf.recorded_us, False)
            if not why and body["old_public_key"] not in self.keys and body["old_public_key"] not in self.sealers:
                why = self.ignored[body["old_public_key"]]  # found by end(): whose it is was never shown
            if why:
                self.ignored.setdefault(body["new_public_key"], why)
            elif body["old_public_key"] in self.keys:
                self.name(index, body["new_public_key"], self.keys[body["old_public_key"]].name)
                self.expire(index, body["new_public_key"], body["valid_until_us"])
            else:
                need(body["new_public_key"] not in self.sealers, f"leaf {index}: names a key that was named before")
                self.seals(index, body["new_public_key"], self.sealers[body["old_public_key"]][0],
                           (leaf.recorded_us, body["valid_until_us"]))
        elif kind in ("credential.revoked", "credential.reported_lost"):
            self.end(index, body["public_key"], body["from_us"] or leaf.recorded_us, True)
        elif kind == "role.granted" and body["role"] == ADMINISTRATOR:
            scope = body["scope"] or {}
            limited = any(scope.get(name) for name in ("items", "class_max", "jurisdictions"))
            if not why and not limited:  # grants stand beside one another; who has limits names no keys
                self.administrators.setdefault(holder, []).append((body["valid_from_us"], body["valid_until_us"]))
        elif kind == "role.withdrawn" and body["role"] == ADMINISTRATOR:
            self.administrators.pop(holder, None)

    def log_keys(self):
        """Those that sign as the log, of any time."""
        return [key for key in self.keys.values() if key.type == ED25519]

    def signers(self, note):
        """The log's keys, of any time, whose signature stands there; all must verify."""
        logs = self.log_keys()
        if parse_checkpoint(note.text).origin != self.head.origin or \
                not any((key.name, key.id) == line[:2] for key in logs for line in note.signatures):
            return []
        return [key for key in verify_note(note, logs)]

    def lies_before(self, key, checkpoint):
        return key.public not in self.ends or checkpoint.size <= self.ends[key.public].size

    def check_signed(self):
        signers = self.signers(self.note)
        if not signers:
            reason = "is not signed by a key that it names"
            for public, why in self.ignored.items():
                key = self.key_of(public, self.head.origin)
                if any((key.name, key.id) == line[:2] for line in self.note.signatures):
                    reason = f"is signed by a key which counts for nothing: {why}"
            raise Refused(f"key history: the checkpoint {reason}")
        need(any(self.lies_before(key, self.head) and not (key.public in self.ends and self.ends[key.public].revoked)
                 for key in signers), "key history: the checkpoint is signed by a key that it says has ended")

    def check_trusted(self, trusted):
        reason = "none of the keys that you trust is named by the key history"
        for key in trusted:
            if key.type != ED25519 or self.keys.get(key.public) != key:
                continue
            reason = "nothing in the key history that counts is signed by the key that you trust"
            if key.public in self.ends and self.ends[key.public].revoked:
                reason = f"the key that you trust {self.ends[key.public]}; take a newer one from where you trust it"
                continue
            roots = [(self.note, self.head), *(one for one in self.older if one[1].size >= self.founders)]
            if any(self.lies_before(key, checkpoint) and key in self.signers(note) for note, checkpoint in roots):
                return
        raise Refused(reason)

    def punctual(self, note, policy, shown, before_us):
        """Without cosignatures given at or after that time, or when the witness's key had ended. They say themselves
        when they were given, so those of a key that was revoked count only for what is shown to be of this ledger."""
        lines = []
        for line in note.signatures:
            late = False
            for key in policy.witnesses.values():
                limits = [] if before_us is None else [before_us]
                if self.keys.get(key.public) == key and key.public in self.ends:
                    end = self.ends[key.public]
                    limits.append(end.from_us if shown or not end.revoked else 0)
                if line[:2] == (key.name, key.id):
                    seconds = int.from_bytes(line[2][:8], "big")  # open() has verified that it begins with its time
                    late = late or any(seconds >= limit // 1000000 for limit in limits)
            if not late:
                lines.append(line)
        return Note(note.text, lines)

    def check_counts(self, key, checkpoint):
        """That the signature of this checkpoint by a key of the history, which verified, counts."""
        end = self.ends.get(key.public)
        if not self.lies_before(key, checkpoint):
            raise Refused(f"its key {end}; that {checkpoint.size} events lie before is not shown, only {end.size}")
        if end is not None and end.revoked and checkpoint not in self.shown:
            raise Refused(f"its key {end} and may have signed anything; nothing shows this checkpoint to be of this "
                          "ledger: make the key history with --for RECEIPT, or refresh the receipt")

    def open(self, note, policy):
        checkpoint, reasons = parse_checkpoint(note.text), []
        if policy is not None:  # each line of a known key, also one that comes too late to count
            verify_note(note, [*self.log_keys(), *policy.witnesses.values()])
        for key in self.signers(note):
            before_us, shown = None, checkpoint in self.shown
            try:
                self.check_counts(key, checkpoint)
            except Refused as error:
                reasons.append(str(error))
                # Its witnesses may show that it was made before the key was in other hands.
                if not self.lies_before(key, checkpoint) or policy is None or policy.quorum is None:
                    continue
                before_us = self.ends[key.public].from_us
            try:
                if policy is not None:
                    known = [key, *policy.witnesses.values()]
                    policy.check_quorum(verify_note(self.punctual(note, policy, shown, before_us), known))
                return checkpoint
            except Refused as error:
                reasons.append(str(error))
        raise Refused("; ".join(reasons))


# --- Receipts (format section 5; c2sp.org/tlog-proof) -----------------------------------------------------------------


def take_hashes(rest):
    """Lines of base64 hashes up to the blank line."""
    hashes = []
    while True:
        line, rest = take_line(rest, "proof: blank line")
        if not line:
            return hashes, rest
        need(len(hashes) < PATH_MAX, f"proof: more than {PATH_MAX} hashes")
        field = f"proof: hash {len(hashes)}"
        hashes.append(digest_of(from_base64(line, field), field))


def parse_proof(data):
    """The index, the audit path and the checkpoint's note."""
    need(len(data) <= PROOF_MAX, f"proof: {len(data)} bytes; at most {PROOF_MAX}")
    line, rest = take_line(data, "proof: first line")
    need(line == b"c2sp.org/tlog-proof@v1", 'proof: does not start with the line "c2sp.org/tlog-proof@v1"')
    line, rest = take_line(rest, "proof: index")
    if line.startswith(b"extra "):
        need(from_base64(line[6:], "proof: extra"), "proof: extra: empty; the line is to be left out")
        line, rest = take_line(rest, "proof: index")
    need(line.startswith(b"index "), "proof: index: the line is missing")
    index = decimal(line[6:], "proof: index")
    hashes, note = take_hashes(rest)
    return index, hashes, note


def check_receipt(proof, data, body, trust, what):
    """That the leaf is under a trusted checkpoint, and what it says of itself holds. `body` is nonce and content, or
    None where it is not at hand. Returns what was found, the leaf and the checkpoint's note."""
    index, hashes, note = parse_proof(proof)
    checkpoint = trust.open(note)
    check_inclusion(leaf_hash(data), index, checkpoint.size, hashes, checkpoint.root)
    found, leaf = check_leaf(index, checkpoint, data, body, what)
    return found, leaf, note


def check_leaf(index, checkpoint, data, body, what):
    """What a leaf that is in the tree says of itself."""
    leaf = parse_leaf(data)
    header = leaf.header
    occurred = [time_text(header[field]) for field in ("occurred_earliest_us", "occurred_latest_us")]
    found = {"origin": checkpoint.origin.decode(), "index": index, "treeSize": checkpoint.size,
             "root": checkpoint.root.hex(), "type": header["type"], "stream": header["stream"],
             "occurred": occurred[0] if occurred[0] == occurred[1] else " .. ".join(occurred),
             "recorded": time_text(leaf.recorded_us)}
    found["text"] = (f"leaf {index} of {found['origin']} under its checkpoint over {checkpoint.size} events\n"
                     f"    {found['type']} of {found['stream']}, occurred {found['occurred']}, "
                     f"recorded {found['recorded']}")
    if leaf.statement is not None:
        statement = verify_seal(leaf, checkpoint.origin)
        if statement["count"] == 1:  # of a longer run, the other headers are not in a receipt
            check_run_root(statement, [leaf.header_bytes])
            found["sealedBy"] = statement["key_id"].hex()
            found["text"] += f"\n    sealed by key {found['sealedBy']}"
    if body is not None:
        check_body(body, header, what)
        found["bodyVerified"] = True
        found["text"] += "\n    the body is the one that was committed to"
    return found, leaf


class Cbor:
    """RFC 8949, the few kinds that a COSE receipt has, each number and length in its shortest form."""

    def __init__(self, data, what):
        self.data, self.what = data, what

    def take(self, size):
        need(size <= len(self.data), f"{self.what}: is cut off")
        taken, self.data = self.data[:size], self.data[size:]
        return taken

    def expect(self, data):
        need(self.take(len(data)) == data, f"{self.what}: another form than a receipt's")

    def number(self, kind=0):
        head = self.take(1)[0]
        need(head >> 5 == kind and head & 31 < 28, f"{self.what}: another kind of item than a receipt has there")
        value, size = head & 31, 0
        if value >= 24:
            size = 1 << value - 24
            value = int.from_bytes(self.take(size), "big")
            need(value >= {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size], f"{self.what}: not in its shortest form")
        return value

    def string(self, kind=2):
        return self.take(self.number(kind))

    def name(self):
        text = self.string(3)
        need(0 < len(text) <= 255 and note_text(text) is not None and b"\n" not in text, f"{self.what}: no name")
        return text

    def end(self):
        need(not self.data, f"{self.what}: bytes after its end")


def parse_cose(data):
    """RFC 9942, a COSE_Sign1 with a detached payload, the root: protected header, key id, origin, subject, size, index,
    hashes, signature."""
    outer = Cbor(data, "receipt")
    outer.expect(b"\xd2\x84")
    protected = outer.string()
    header = Cbor(protected, "receipt: protected header")
    header.expect(b"\xa4\x01\x27\x04\x44")  # alg EdDSA, kid of four bytes
    key_id = header.take(4)
    header.expect(b"\x0f\xa3\x01")  # CWT claims: issuer, subject, tree_size
    origin = header.name()
    header.expect(b"\x02")
    subject = header.name()
    header.expect(b"\x69tree_size")
    size = header.number()
    header.expect(b"\x19\x01\x8b\x01")  # vds RFC9162_SHA256
    header.end()
    outer.expect(b"\xa1\x19\x01\x8c\xa1\x20\x81")  # vdp, one proof of inclusion
    proof = Cbor(outer.string(), "receipt: proof")
    outer.expect(b"\xf6")
    signature = outer.string()
    outer.end()
    proof.expect(b"\x83")
    need(proof.number() == size, "receipt: the proof is for another size than the one that is signed")
    index, count = proof.number(), proof.number(4)
    need(count <= PATH_MAX, f"receipt: more than {PATH_MAX} hashes")
    hashes = [digest_of(proof.string(), "receipt: hash") for _ in range(count)]
    proof.end()
    return protected, key_id, origin, subject, size, index, hashes, signature


def check_cose(data, leaf, body, trust, what):
    """The same of a COSE receipt. It has no cosignatures, so a policy with a quorum refuses it."""
    protected, key_id, origin, subject, size, index, hashes, signature = parse_cose(data)
    checkpoint = Checkpoint(origin, size, root_of_inclusion(leaf_hash(leaf), index, size, hashes))
    length = b"\x58%c" % len(protected) if len(protected) < 256 else b"\x59" + len(protected).to_bytes(2, "big")
    signed = b"\x84\x6aSignature1" + length + protected + b"\x40\x58\x20" + checkpoint.root
    trust.check_signed_alone(checkpoint, key_id, signed, signature)
    found, parsed = check_leaf(index, checkpoint, leaf, body, what)
    event_id = parsed.header["event_id"].hex()
    named = "-".join((event_id[:8], event_id[8:12], event_id[12:16], event_id[16:20], event_id[20:]))
    need(subject == f"urn:uuid:{named}".encode(), f"the receipt is for {quoted(subject)}, the leaf is {named}")
    return found


def verify_receipt(path, trust):
    name, ending = os.path.splitext(path)
    need(ending in (".tlog-proof", ".cose"), f"{path}: is no receipt; give NAME.tlog-proof or NAME.cose")
    proof, leaf = read_file(path, PROOF_MAX), read_file(name + ".leaf", LEAF_MAX)
    body = read_file(name + ".body", BODY_MAX + 32) if os.path.lexists(name + ".body") else None
    if ending == ".cose":
        return check_cose(proof, leaf, body, trust, name + ".body")
    return check_receipt(proof, leaf, body, trust, name + ".body")[0]


def verify_checkpoint(path, trust):
    checkpoint = trust.open(read_file(path, NOTE_MAX))
    return {"origin": checkpoint.origin.decode(), "treeSize": checkpoint.size, "root": checkpoint.root.hex(),
            "text": checkpoint.text()}


def verify_consistency(old_path, new_path, trust):
    """Two checkpoints of one log, the second as the body of a tlog-witness request (format section 5): `old N`, the
    proof's hashes, a blank line, the new checkpoint."""
    old = trust.open(read_file(old_path, NOTE_MAX))
    line, rest = take_line(read_file(new_path, PROOF_MAX), "request: first line")
    need(line.startswith(b"old "), 'request: does not start with the line "old <size>"')
    need(decimal(line[4:], "request: old") == old.size, f"request: old: not {old.size}, the old checkpoint's size")
    hashes, note = take_hashes(rest)
    new = trust.open(note)
    need(old.origin == new.origin, f"two logs: {quoted(old.origin)} and {quoted(new.origin)}")
    if old.size == 0:  # the witness protocol's own case: everything extends the empty tree
        need(not hashes and old.root == Tree().root(), "consistency from size 0 has an empty proof and the empty root")
    else:
        check_consistency(old.size, new.size, hashes, old.root, new.root)
    return {"origin": new.origin.decode(), "oldTreeSize": old.size, "treeSize": new.size, "root": new.root.hex(),
            "text": f"{new.text()}\n    extends the one over {old.size} events"}


# --- Statements in DSSE (export in-toto, gate export: in-toto Statements v1) ------------------------------------------


def parse_json(data, what):
    def no_duplicates(pairs):
        need(len(dict(pairs)) == len(pairs), f"{what}: a name twice in one object")
        return dict(pairs)
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates)
    except (ValueError, RecursionError):
        raise Refused(f"{what}: not a JSON document") from None


def member(value, name, kind, what):
    need(isinstance(value, dict) and isinstance(value.get(name), kind), f"{what}: {name}: missing or of the wrong kind")
    return value[name]


def public_key(text):
    """A verifier key, or a public key as 64 hexadecimal digits."""
    if re.fullmatch("[0-9a-f]{64}", text):
        return bytes.fromhex(text)
    try:
        return parse_key(os.fsencode(text.strip())).public
    except Refused as error:
        raise BadInput(str(error)) from None


def verify_dsse(path, keys):
    """One of the keys given must have signed, as with everything else that is verified here. DSSE signs neither white
    space nor key ids nor how many signatures there are, so the envelope has to be, to the byte, as anamnesis writes it:
    with one."""
    data = read_file(path, ENVELOPE_MAX)
    envelope = parse_json(data, "envelope")
    payload_type = member(envelope, "payloadType", str, "envelope")
    need(payload_type == "application/vnd.in-toto+json", f"envelope: payloadType {quoted(payload_type)}")
    payload = from_base64(member(envelope, "payload", str, "envelope").encode("utf-8", "replace"), "envelope: payload")
    message, signatures = pae(payload_type.encode(), payload), []
    for signature in member(envelope, "signatures", list, "envelope"):
        text = member(signature, "sig", str, "envelope: signature")
        signatures.append(from_base64(text.encode("utf-8", "replace"), "envelope: signature"))
    ids = [member(signature, "keyid", str, "envelope: signature") for signature in envelope["signatures"]]
    need(len(signatures) == 1, f"envelope: {len(signatures)} signatures; one by anamnesis has one")
    signers = [key for key in keys if ed25519_ok(key, message, signatures[0])]
    need(signers, f"no signature by {' or '.join(key.hex() for key in keys)}")
    signer = signers[0].hex()
    need(ids == [signer], f"the signature by key {signer} names another key")
    form = {"payloadType": payload_type, "payload": envelope["payload"],
            "signatures": [{"keyid": key_id, "sig": one["sig"]} for key_id, one in zip(ids, envelope["signatures"])]}
    need(data == (json.dumps(form, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace"),
         "envelope: altered where nothing is signed: white space, the order or the spelling of members")
    statement = parse_json(payload, "statement")
    need(member(statement, "_type", str, "statement") == "https://in-toto.io/Statement/v1", "statement: _type")
    predicate_type = member(statement, "predicateType", str, "statement")
    predicate = member(statement, "predicate", dict, "statement")
    subjects = [member(subject, "name", str, "subject") for subject in member(statement, "subject", list, "statement")]
    text = f"in-toto statement signed by {signer}\n    "
    if predicate_type == "https://slsa.dev/verification_summary/v1":  # a decision of the gate
        result = member(predicate, "verificationResult", str, "predicate")
        resource, verified_at = (member(predicate, name, str, "predicate") for name in ("resourceUri", "timeVerified"))
        names = ", ".join(map(quoted, subjects))
        text += f"{quoted(result)} for {names} on {quoted(resource)} at {quoted(verified_at)}"
    else:
        text += f"{quoted(predicate_type)} about {', '.join(map(quoted, subjects))}"
    return {"statement": statement, "signedBy": [signer], "text": text}


# --- Whole logs (format section 5; c2sp.org/tlog-tiles) ---------------------------------------------------------------


def tile_name(number):
    """Groups of three digits, all but the last prefixed with x: 1234067 is x001/x234/067."""
    name = f"{number % 1000:03}"
    while number >= 1000:
        number //= 1000
        name = f"x{number % 1000:03}/{name}"
    return name


class Source:
    """A tree of tiles in a directory or behind an http(s) URL."""

    def __init__(self, where, tls=None):
        self.where, self.remote, self.read_count, self.tls = where, re.match("https?://", where) is not None, 0, tls

    def fetch(self, name, limit):
        """The file's bytes, or None where there is none."""
        if not self.remote:
            path = os.path.join(self.where, name)
            return read_file(path, limit) if os.path.exists(path) else None
        try:
            with urllib.request.urlopen(f"{self.where.rstrip('/')}/{name}", timeout=TIMEOUT_S,
                                        context=self.tls) as answer:
                data = answer.read(limit + 1)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                return None
            raise Unreachable(f"{name}: the server answers {error.code}") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.where}: {name}: {error}") from None
        need(len(data) <= limit, f"{name}: more than {limit} bytes")
        return data

    def tile(self, kind, number, width, limit):
        """A tile or bundle of this width; a log may drop a partial one once the full one exists."""
        name = f"tile/{kind}/{tile_name(number)}"
        data = self.fetch(f"{name}.p/{width}", limit) if width < TILE_WIDTH else None
        data = self.fetch(name, limit) if data is None else data
        need(data is not None, f"{name}: is missing at width {width}")
        self.read_count += 1
        return data, name

    def entries(self, number, width):
        """The leaves of an entry bundle: (be16 length || leaf)*."""
        data, name = self.tile("entries", number, width, TILE_WIDTH * (LEAF_MAX + 2))
        at, leaves = 0, []
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at:at + 2], "big")
            need(at + 2 <= end <= len(data) and len(leaves) < TILE_WIDTH, f"{name}: is cut off or has too many entries")
            leaves.append(data[at + 2:end])
            at = end
        need(len(leaves) in (width, TILE_WIDTH), f"{name}: {len(leaves)} entries; {width} are needed")
        return leaves[:width]

    def check_tile(self, level, number, hashes):
        data, name = self.tile(level, number, len(hashes), TILE_WIDTH * 32)
        need(len(data) in (32 * len(hashes), 32 * TILE_WIDTH), f"{name}: {len(data)} bytes; hashes have 32 each")
        for i, computed in enumerate(hashes):
            what = f"leaf {number * TILE_WIDTH + i}" if level == 0 else f"entry {i}"
            need(data[32 * i:32 * i + 32] == computed, f"{name}: {what} is another than the one that the entries make")


def tls_context(ca, certificate, key):
    try:
        context = ssl.create_default_context(cafile=ca)
        if certificate or key:
            context.load_cert_chain(certificate or key, key)
    except OSError as error:
        raise BadInput(f"--tls-ca, --tls-certificate, --tls-key: {error.strerror or error}") from None
    return context


class TiledTree(Tree):
    """A tree that compares each tile with the source as soon as it is full, and at the end those that never were."""

    def __init__(self, source):
        super().__init__()
        self.source, self.levels = source, []

    def append(self, leaf):
        super().append(leaf)
        level = 0
        while leaf is not None:
            if level == len(self.levels):
                self.levels.append((0, []))
            number, hashes = self.levels[level]
            hashes.append(leaf)
            leaf = None
            if len(hashes) == TILE_WIDTH:
                self.source.check_tile(level, number, hashes)
                leaf, self.levels[level] = Tree.of(hashes).root(), (number + 1, [])
            level += 1

    def check_partial_tiles(self):
        for level, (number, hashes) in enumerate(self.levels):
            if hashes:
                self.source.check_tile(level, number, hashes)


class Events:
    """What holds for the leaves of a ledger from the first to the last (format sections 2 to 4)."""

    def __init__(self, origin, writer_keys):
        self.origin, self.writer_keys = origin, writer_keys
        self.count, self.recorded_us, self.ids, self.heads, self.run, self.keys = 0, None, set(), {}, [], {}

    def add(self, data):
        leaf = parse_leaf(data)
        header, stream = leaf.header, leaf.header["stream"]
        need(self.recorded_us is None or leaf.recorded_us > self.recorded_us, "recorded not after the leaf before it")
        need(header["event_id"] not in self.ids, "its event id is that of an earlier leaf")
        position, digest = self.heads.get(stream, (0, bytes(32)))
        need(header["stream_position"] == position + 1,
             f"stream {quoted(stream)} position {header['stream_position']}, expected {position + 1}")
        need(header["previous_header_digest"] == digest, f"stream {quoted(stream)}: the previous header is another")
        need(not self.run or self.run[-1].header["stream"] == stream, "the run of the leaf before it is not sealed")
        if stream == "ledger":
            self.check_own(leaf)
        else:
            self.add_to_run(leaf)
        self.recorded_us = leaf.recorded_us
        self.ids.add(header["event_id"])
        self.heads[stream] = (position + 1, hashlib.sha256(leaf.header_bytes).digest())
        self.count += 1

    def check_own(self, leaf):
        """Events of the stream `ledger` have no seal, and ids derived from origin and index."""
        need(leaf.statement is None, "an event of the ledger itself has a seal")
        seed = b"anamnesis.ledger-event.v1\x00" + self.origin + self.count.to_bytes(8, "big")
        derived = bytearray(hashlib.sha256(seed).digest()[:16])
        derived[6], derived[8] = derived[6] & 0x0F | 0x80, derived[8] & 0x3F | 0x80
        need(leaf.header["event_id"] == derived, "its event id is not the one that the ledger derives")

    def add_to_run(self, leaf):
        self.run.append(leaf)
        need(len(self.run) <= RUN_EVENTS_MAX, f"a run of more than {RUN_EVENTS_MAX} events")
        if leaf.statement is None:
            return
        statement = verify_seal(leaf, self.origin)
        check_run_root(statement, [event.header_bytes for event in self.run])
        key = statement["key_id"]
        need(not self.writer_keys or key in self.writer_keys, f"sealed by key {key.hex()}, which was not given")
        self.keys[key.hex()] = self.keys.get(key.hex(), 0) + 1
        self.run = []

    def finish(self):
        need(not self.run, f"the run from leaf {self.count - len(self.run)} on is not sealed")


def verify_log(where, trust, old_paths, writer_keys, tree_only, tls=None):
    """Recomputes the root of a whole log from its entries, compares every tile, and looks at every leaf: framing,
    header, time, stream chain, run and seal. Whether a key was entitled to seal stands in bodies, which are not in a
    log; --writer-key says which keys are expected."""
    source = Source(where, tls)
    note = source.fetch("checkpoint", NOTE_MAX)
    need(note is not None, "checkpoint: is missing")
    checkpoint = trust.open(note)
    older = {}
    for path in old_paths:
        old = trust.open(read_file(path, NOTE_MAX))
        need(old.origin == checkpoint.origin and old.size <= checkpoint.size, f"{path}: of another log, or newer")
        need(older.setdefault(old.size, old.root) == old.root, f"{path}: two roots for the size {old.size}")
    tree, events = TiledTree(source), Events(checkpoint.origin, writer_keys)
    while True:
        if tree.size in older:
            need(older[tree.size] == tree.root(), f"the old checkpoint over {tree.size} events has another root")
        if tree.size == checkpoint.size:
            break
        if tree.size % TILE_WIDTH == 0:
            number = tree.size // TILE_WIDTH
            entries = source.entries(number, min(TILE_WIDTH, checkpoint.size - tree.size))
        leaf = entries[tree.size % TILE_WIDTH]
        try:
            if not tree_only:
                events.add(leaf)
        except Refused as error:
            raise Refused(f"leaf {tree.size}: {error}") from None
        tree.append(leaf_hash(leaf))
    events.finish()
    tree.check_partial_tiles()
    need(tree.root() == checkpoint.root, f"the entries make root {tree.root().hex()}, not {checkpoint.root.hex()}")
    text = f"{checkpoint.text()}\n    recomputed from its entries; {source.read_count} tiles and bundles agree"
    if older:
        text += f"\n    extends {len(older)} older checkpoint(s)"
    if not tree_only:
        seals = sum(events.keys.values())
        text += f"\n    {events.count} events of {len(events.heads)} streams, {seals} seals by {len(events.keys)} keys"
    return {"origin": checkpoint.origin.decode(), "treeSize": checkpoint.size, "root": checkpoint.root.hex(),
            "files": source.read_count, "sealsByKey": events.keys, "text": text}


# --- Exports: design histories and incident bundles (anamnesis dhf, anamnesis incident) -------------------------------


TAR_SIZE_MAX = 8 << 30  # from here on ustar has no digits for a size


def tar_block(name, size, kind):
    """One header of POSIX ustar: nobody's, without times."""
    digits = b"%011o " % size if size < TAR_SIZE_MAX else b"%012o" % size
    digits = digits if len(digits) == 12 else b"\x80" + size.to_bytes(11, "big")
    start = name.ljust(100, b"\0") + b"000644 \0" + b"000000 \0" * 2 + digits + b"0" * 11 + b" "
    end = kind + bytes(100) + b"ustar\x0000" + bytes(64) + b"000000 \0" * 2 + bytes(167)
    return start + b"%06o\0 " % (sum(start + end) + 8 * ord(" ")) + end


def tar_header(name, size):
    """What `--archive` writes before a file: a ustar header; of a large file before that one of pax with its size."""
    if size < TAR_SIZE_MAX:
        return tar_block(name, size, b"0")
    directory, slash, base = name.rpartition(b"/")
    record = b" size=%d\n" % size
    record = b"%d%s" % (len(record) + 2, record)  # its length, two digits and all
    return (tar_block(directory + slash + b"PaxHeader/" + base, len(record), b"x") + record.ljust(512, b"\0")
            + tar_block(name, size, b"0"))


class Files:
    """An export's files by name: below a directory, where nothing is followed and nothing overlooked, or in a tar that
    has no byte but those that packing these files gives. It is read where it lies and never unpacked."""

    def __init__(self, path):
        self.places = {}  # name: the file that it is in, from where, and how many bytes at most
        try:
            (self.list_directory if os.path.isdir(path) else self.list_archive)(path)
        except OSError as error:
            raise Refused(f"{path}: can't be read: {error.strerror}") from None

    def list_directory(self, directory):
        def refuse(error):
            raise error

        for where, directories, names in os.walk(directory, onerror=refuse):
            for name in directories + names:
                path = os.path.join(where, name)
                plain = os.path.isfile(path) if name in names else os.path.isdir(path)
                need(plain and not os.path.islink(path), f"{path}: is no plain file or directory")
            for path in (os.path.join(where, name) for name in names):
                self.places[os.path.relpath(path, directory).replace(os.sep, "/")] = (path, 0, 1 << 62)

    def list_archive(self, path):
        last = b""
        with open(path, "rb") as file:
            while any(header := file.read(512)):
                size = re.fullmatch(rb"[0-7]{11} ", header[124:136])
                size = int(size[0], 8) if size else 0
                if header[156:157] == b"x":
                    header += file.read(1024)
                    size = re.match(rb"[0-9]{2} size=([1-9][0-9]{9,17})\n", header[512:])
                    size = int(size[1]) if size else 0
                name = header[-512:][:100].rstrip(b"\0")
                plain = last < name and note_text(name) and not {b"", b".", b".."} & set(name.split(b"/"))
                need(plain and header == tar_header(name, size), f"{path}: {quoted(name)}: not packed as an export is")
                last, self.places[name.decode()] = name, (path, file.tell(), size)
                file.seek(size, os.SEEK_CUR)
                need(file.read(-size % 512) == bytes(-size % 512), f"{path}: {quoted(name)}: is cut off or changed")
            need(header + file.read(513) == bytes(1024), f"{path}: does not end as an archive does")

    def blocks(self, name):
        need(name in self.places, f"{name}: can't be read: is missing")
        path, at, left = self.places[name]
        try:
            with open(path, "rb") as file:
                file.seek(at)
                while left and (block := file.read(min(left, 1 << 20))):
                    left -= len(block)
                    yield block
        except OSError as error:
            raise Refused(f"{path}: can't be read: {error.strerror}") from None

    def read(self, name, limit):
        data = bytearray()
        for block in self.blocks(name):
            data += block
            need(len(data) <= limit, f"{name}: more than {limit} bytes")
        return bytes(data)

    def digest(self, name):
        sha256, size = hashlib.sha256(), 0
        for block in self.blocks(name):
            sha256.update(block)
            size += len(block)
        return sha256.hexdigest(), size


# The members of manifest.json and export.json, as client/exports/{manifest,json}.cc write them: exactly these, of these
# kinds; a list of what stands in it; a set of the texts that there may be; with a question mark, only where not empty.
MANIFEST = {"format": {"anamnesis-export-manifest-v1"}, "kind": str, "subject": str, "origin": str, "tree_size": int,
            "content_sha256": str, "files": [{"path": str, "sha256": str, "size": int}]}
PAIRS = [{"name": str, "value": str}]
CELL = {"text": str, "mark?": {"good", "bad", "void"}, "leaves?": [int]}
TABLE = {"title": str, "columns": [str], "rows": [[CELL]], "when_empty": str}
SECTION = {"id": str, "title": str, "clauses": str, "paragraphs": [str],
           "gaps": [{"clause": str, "text": str, "leaves": [int]}], "tables": [TABLE]}
RECORD = {"leaf": int, "body": {"present", "erased"}, "fields": PAIRS,
          **dict.fromkeys(("event_id", "type", "stream", "actor", "occurred", "recorded", "leaf_sha256",
                           "body_commitment"), str)}
EXPORT = {"format": {"anamnesis-export-v1"}, "kind": str, "title": str, "subject": str, "origin": str, "tree_size": int,
          "root": str, "facts": PAIRS, "sections": [SECTION], "records": [RECORD]}


def check_form(value, form, where):
    """That the value has this form. Python takes True for 1, and a number for any other."""
    if isinstance(form, dict):
        names = {name.rstrip("?"): kind for name, kind in form.items()}
        need(type(value) is dict and value.keys() <= names.keys(), f"{where}: holds what this version doesn't know")
        for name, kind in form.items():
            name, optional = name.rstrip("?"), name.endswith("?")
            if name in value or not optional:
                need(name in value and (value[name] or not optional), f"{where}: {name}: missing or of the wrong kind")
                check_form(value[name], kind, f"{where}: {name}")
        return
    if isinstance(form, list):
        need(type(value) is list, f"{where}: missing or of the wrong kind")
        for item in value:
            check_form(item, form[0], where)
        return
    kind = str if isinstance(form, set) else form
    right = type(value) is kind and (kind is str or 0 <= value < 1 << 64)
    need(right and (not isinstance(form, set) or value in form), f"{where}: missing or of the wrong kind")


def parse_form(data, form, what):
    """What was signed is, to the byte, what the ledger's program writes (RFC 8785 of strings and whole numbers): two
    readers of it can't come to two opinions."""
    value = parse_json(data, what)
    check_form(value, form, what)
    form_bytes = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
    need(form_bytes == data, f"{what}: is not in the one form that it has")
    return value


def check_files(files, manifest):
    """What is there is what the manifest lists, byte for byte, and nothing else."""
    found, last = set(files.places) - {"manifest.json", "manifest.sig"}, b""
    for entry in manifest["files"]:
        name = entry["path"]
        need(last < name.encode("utf-8", "replace"), f"manifest.json: {name}: not in order")
        last = name.encode("utf-8", "replace")
        need(name in found, f"{name}: is missing, or listed twice")
        found.remove(name)
        need(files.digest(name) == (entry["sha256"], entry["size"]),
             f"{name}: is not the file that the manifest lists")
        need(not name.startswith("objects/") or name == f"objects/{entry['sha256']}", f"{name}: is another object")
    need(not found, f"{min(found, default='')}: is in no manifest")


# What records say of keys: the field of a key that begins, of one that ends, and of the time from which on that has
# ended, which is 0 for at once.
KEY_FIELDS = {"credential.issued": ("public_key", None, None),
              "credential.rotated": ("new_public_key", "old_public_key", "old_key_until_us"),
              "credential.revoked": (None, "public_key", "from_us"),
              "credential.reported_lost": (None, "public_key", "from_us")}


class Keys:
    """Whose keys an export's records say they are, and from when until when these may sign."""

    def __init__(self):
        self.holders, self.begins, self.ended, self.latest_us = {}, {}, {}, 0

    def note(self, leaf, index, body):
        kind = leaf.header["type"]
        self.latest_us = max(self.latest_us, leaf.recorded_us)
        holder = next((ref for ref in leaf.header["refs"] if ref["role"] == "holder"), None)
        if not holder or body is None or kind not in KEY_FIELDS:
            return
        begins, ends, until = KEY_FIELDS[kind]
        message = parse_message(body, AUTHORITY[kind], others=True)
        source = f"{kind} of leaf {index}"
        if begins:
            self.holders[message[begins]] = f"{holder['kind']}:{holder['id']}"
            self.begins[message[begins]] = message.get("valid_from_us", leaf.recorded_us)
            if message["valid_until_us"]:
                self.end(message[begins], message["valid_until_us"], f"expired, as {source} says")
        if ends:
            self.end(message[ends], message[until] or leaf.recorded_us, f"was ended by {source}")

    def end(self, public, from_us, how):
        self.ended.setdefault(public, []).append((from_us, how))

    def may_seal_at(self, public, at_us):
        """What ends a key at once is of the time at which the key ends, and is often sealed with it."""
        return self.begins[public] <= at_us and all(from_us >= at_us for from_us, _ in self.ended.get(public, []))

    def check_in_force(self, public):
        """When the last of the records was recorded: the export was made after that."""
        need(self.begins[public] <= self.latest_us, "the key that signed it was not valid yet")
        for from_us, how in self.ended.get(public, []):
            need(from_us > self.latest_us, f"the key that signed it {how}")


class Bodies:
    """The records without a body, and those that an erasure in the export names."""

    def __init__(self):
        self.without, self.erased = set(), set()

    def note(self, leaf, index, body):
        if body is None:
            self.without.add(index)
        elif leaf.header["type"] == "subject_data.erased":
            try:
                self.erased.update(parse_message(body, {1: ("erased_indexes", "uint64", True)}, others=True)
                                   ["erased_indexes"])
            except Refused:
                pass  # shows nothing

    def unexplained(self):
        return sorted(self.without - self.erased)


class Seals:
    """Which key sealed each record. Of those sealed in a run with others a receipt doesn't show it; what the ledger
    decided by itself has no seal."""

    def __init__(self):
        self.records = []

    def note(self, leaf, index, found):
        actor = leaf.header["actor"]
        if leaf.header["stream"] != "ledger":
            self.records.append((index, f"{actor['kind']}:{actor['id']}", leaf.recorded_us, found.get("sealedBy")))

    def not_shown(self, keys):
        """The records that are not shown to be sealed by who wrote them, once all that names keys was read."""
        unknown = []
        for index, actor, recorded_us, sealed_by in self.records:
            key = bytes.fromhex(sealed_by or "")
            holder = keys.holders.get(key)
            need(holder in (None, actor), f"record {index}: is of {quoted(actor)}, and sealed by {quoted(holder)}")
            if holder is None or not keys.may_seal_at(key, recorded_us):
                unknown.append(index)
        return unknown


def check_record(files, cited, trust, checkpoint_note, keys, bodies, seals):
    """One record that an export cites: its receipt holds, under the export's own checkpoint, and says what is cited."""
    index, present = cited["leaf"], cited["body"] == "present"
    name = f"records/{index}"
    body = files.read(name + ".body", BODY_MAX + 32) if present else None
    data = files.read(name + ".leaf", LEAF_MAX)
    found, leaf, note = check_receipt(files.read(name + ".tlog-proof", PROOF_MAX), data, body, trust, "its body")
    header = leaf.header
    need(found["index"] == index and note == checkpoint_note, "its receipt is for another leaf or checkpoint")
    event_id, actor = header["event_id"].hex(), header["actor"]
    event_id = "-".join((event_id[:8], event_id[8:12], event_id[12:16], event_id[16:20], event_id[20:]))
    bound = {"event_id": event_id, "actor": f"{actor['kind']}:{actor['id']}",
             "leaf_sha256": hashlib.sha256(data).hexdigest(), "body_commitment": header["body_commitment"].hex()}
    bound.update((field, found[field]) for field in ("type", "stream", "occurred", "recorded"))
    for field, value in bound.items():
        need(cited.get(field) == value, f"its {field} is not what export.json cites")
    for notes in (keys, bodies):
        notes.note(leaf, index, body[32:] if present else None)
    seals.note(leaf, index, found)
    return {name + ending for ending in (".leaf", ".tlog-proof", *([".body"] if present else []))}


def cited_leaves(document):
    for section in document["sections"]:
        for gap in section["gaps"]:
            yield from gap["leaves"]
        for table in section["tables"]:
            for row in table["rows"]:
                for cell in row:
                    yield from cell.get("leaves", [])


def content_of_json(document):
    """The texts and cited leaves of export.json in the order in which a person reads them."""
    def texts(value, *names):
        return (value[name] for name in names)

    yield from texts(document, "title", "subject", "origin", "root")
    for fact in document["facts"]:
        yield from texts(fact, "name", "value")
    for section in document["sections"]:
        yield from texts(section, "title", "clauses")
        yield from section["paragraphs"]
        for gap in section["gaps"]:
            yield from texts(gap, "clause", "text")
            yield from map(str, gap["leaves"])
        for table in section["tables"]:
            yield from texts(table, "title", *([] if table["rows"] else ["when_empty"]))
            yield from table["columns"] if table["rows"] else []
            for row in table["rows"]:
                for cell in row:
                    yield cell["text"]
                    yield from map(str, cell.get("leaves", []))
    for record in document["records"]:
        yield str(record["leaf"])
        yield from texts(record, "type", "occurred", "recorded", "actor", "stream", "event_id", "leaf_sha256",
                         "body_commitment")
        for field in record["fields"]:
            yield from texts(field, "name", "value")


# How index.html looks, by the SHA-256 of its style sheets.
STYLES = {"041f017a31a2e181490c7e7aaebe5c5754cf70a2a46e1296c2f047a87e77b035"}


def escaped(text):
    return html.escape(text).replace("&#x27;", "&#39;")


def shortened(text):
    """With each long run of hexadecimal or base64 cut to its start."""
    def short(run):
        run = run[0]
        digits = sum(c in "0123456789" for c in run)
        return run[:12] + "…" if digits >= len(run) // 10 and "//" not in run else run
    return re.sub("[0-9a-zA-Z+/=]{32,}", short, text)


def whole_html(text):
    return f"<bdi>{escaped(text)}</bdi>"


def value_html(text):
    short = shortened(text)
    return whole_html(text) if short == text else f'<bdi title="{escaped(text)}">{escaped(short)}</bdi>'


def citations_html(leaves):
    links = "".join(f' <a href="#leaf-{leaf}">{value_html(str(leaf))}</a>' for leaf in leaves)
    return f' <span class="cite">leaf{links}</span>' if leaves else ""


def table_html(table):
    yield f"<h3>{value_html(table['title'])}</h3>\n"
    if not table["rows"]:
        yield f'<p class="none">{value_html(table["when_empty"])}</p>\n'
        return
    yield f'<div class="table"><table><colgroup>{"<col>" * len(table["columns"])}</colgroup><thead><tr>'
    yield "".join(f"<th>{value_html(column)}</th>" for column in table["columns"])
    yield "</tr></thead><tbody>\n"
    for row in table["rows"]:
        yield "<tr>"
        for cell in row:
            moment = re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^ ]{0,7}Z", cell["text"].encode(), re.S)
            classes = " ".join(filter(None, (cell.get("mark"), moment and "time")))
            yield f'<td class="{escaped(classes)}">' if classes else "<td>"
            yield f"{value_html(cell['text'])}{citations_html(cell.get('leaves', []))}</td>"
        yield "</tr>\n"
    yield "</tbody></table></div>\n"


def section_html(section):
    yield f'<section id="{escaped(section["id"])}">\n<h2>{value_html(section["title"])}</h2>\n'
    yield f'<p class="clauses">{value_html(section["clauses"])}</p>\n'
    yield "".join(f"<p>{value_html(paragraph)}</p>\n" for paragraph in section["paragraphs"])
    if section["gaps"]:
        yield '<div class="gaps"><h3>Missing</h3><ul>\n'
        for gap in section["gaps"]:
            yield f'<li><span class="clause">{value_html(gap["clause"])}</span>: {value_html(gap["text"])}'
            yield f"{citations_html(gap['leaves'])}</li>\n"
        yield "</ul></div>\n"
    for table in section["tables"]:
        yield from table_html(table)
    yield "</section>\n"


def navigation_html(document):
    yield "<nav>\n"
    for section in document["sections"]:
        missing = f" <b>{len(section['gaps'])} missing</b>" if section["gaps"] else ""
        yield f'<a href="#{escaped(section["id"])}">{escaped(section["title"])}{missing}</a>\n'
    yield f'<a href="#records">Records ({len(document["records"])})</a>\n</nav>\n'


def missing_html(document):
    """Of each section the first few gaps; they are told in whole where they stand."""
    lacking = [section for section in document["sections"] if section["gaps"]]
    gaps = sum(len(section["gaps"]) for section in lacking)
    if not gaps:
        yield '<p class="nogaps">Nothing that was asked for is missing.</p>\n'
        return
    yield f'<div class="gaps"><h3>Missing: {gaps} gap{"s" * (gaps > 1)} in '
    yield f'{len(lacking)} section{"s" * (len(lacking) > 1)}</h3>\n'
    for section in lacking:
        link, count = f'<a href="#{escaped(section["id"])}">', len(section["gaps"])
        told = count if count <= 5 else 4
        yield f"<h4>{link}{escaped(section['title'])}</a>: {count}</h4><ul>\n"
        for gap in section["gaps"][:told]:
            yield f'<li><span class="clause">{escaped(gap["clause"])}</span>: {escaped(gap["text"])}</li>\n'
        yield f"<li>{link}and {count - told} more in this section</a></li>\n" if told < count else ""
        yield "</ul>\n"
    yield "</div>\n"


def record_html(record):
    def hexadecimal(name):
        return f'<span class="hex">{whole_html(record[name])}</span>'
    yield f'<div class="record" id="leaf-{record["leaf"]}"><h3>Leaf {value_html(str(record["leaf"]))}: '
    yield f'{value_html(record["type"])}</h3>\n<dl>'
    erased = '; <span class="bad">the body is erased</span>' if record["body"] == "erased" else ""
    for name, value in (
            ("occurred", value_html(record["occurred"])), ("recorded", value_html(record["recorded"])),
            ("by", f"{value_html(record['actor'])}, stream {value_html(record['stream'])}"),
            ("event id", hexadecimal("event_id")), ("SHA-256 of the leaf", hexadecimal("leaf_sha256")),
            (f"body commitment{erased}", hexadecimal("body_commitment")),
            *((value_html(field["name"]), whole_html(field["value"])) for field in record["fields"])):
        yield f"<div><dt>{name}</dt> <dd>{value}</dd></div>"
    yield "</dl></div>\n"


def page_of(document):
    """index.html, but for its style sheet and the widths of columns."""
    yield ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv='
           '"Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">\n'
           '<meta name="viewport" content="width=device-width">\n'
           f'<title>{escaped(document["title"])}</title>\n<style></style>\n</head>\n<body>\n')
    yield f'<p class="kind">{escaped(document["kind"].replace("-", " "))}</p>\n'
    yield f'<h1>{value_html(document["title"])}</h1>\n'
    yield f'<dl class="facts"><dt>Subject</dt><dd>{value_html(document["subject"])}</dd><dt>Ledger</dt><dd>'
    yield f'{value_html(document["origin"])}</dd><dt>Computed over</dt><dd>its first {document["tree_size"]} events'
    yield f'</dd><dt>Merkle root</dt><dd>{whole_html(document["root"])}</dd>'
    for fact in document["facts"]:
        yield f"<dt>{value_html(fact['name'])}</dt><dd>{value_html(fact['value'])}</dd>"
    yield "</dl>\n"
    yield from navigation_html(document)
    yield from missing_html(document)
    for section in document["sections"]:
        yield from section_html(section)
    yield ('<section id="records">\n<h2>Records</h2>\n<p>Every event that is cited above. Each one\'s bytes are in '
           'records/, with a receipt that proves them to be in the ledger; README.txt says how to check that.</p>\n')
    for record in document["records"]:
        yield from record_html(record)
    yield ('</section>\n<p class="foot">The same content, for machines, is in export.json; manifest.json lists every '
           'file, and manifest.sig signs it.</p>\n</body>\n</html>\n')


def check_page(data, document):
    """The page for people says what export.json says, and nothing else: also its fixed texts, its marks, its markup."""
    try:
        text = data.decode("utf-8")
        style = re.search("<style>([^<]*)</style>", text)
        need(style and hashlib.sha256(style[1].encode()).hexdigest() in STYLES, "index.html: another style sheet")
        text = text.replace(style[0], "<style></style>", 1)
        text = re.sub(r'<col style="width:[0-9]{1,3}\.[0-9]%">', "<col>", text)
        right = text == "".join(page_of(document))
    except UnicodeError:
        raise Refused("index.html: not UTF-8") from None
    need(right, "index.html: another page than the one that export.json is written as")


def content_digest(values):
    """Each text with its line feeds doubled and ended by a single one and a full stop."""
    sha256 = hashlib.sha256()
    for value in values:
        sha256.update((value.replace("\n", "\n\n") + "\n.").encode("utf-8", "replace"))
    return sha256.hexdigest()


def verify_export(path, trust):
    """A directory or tar of manifest.json, manifest.sig, records/ (deploy/decisions/0018-exports.md): nothing missing,
    nothing added, every byte signed by a holder of a key that a record in it names (or by a key given), every record in
    the ledger, and the same content in index.html for people and in export.json for machines."""
    files = Files(path)
    manifest_bytes = files.read("manifest.json", EXPORT_MAX)
    signature = parse_note(files.read("manifest.sig", NOTE_MAX))
    digest = hashlib.sha256(manifest_bytes).hexdigest()
    need(signature.text == f"anamnesis-export-manifest-v1\n{digest}\n".encode(), "manifest.sig: signs another manifest")
    need(len(signature.signatures) == 1, "manifest.sig: is no note with exactly one signature")
    manifest = parse_form(manifest_bytes, MANIFEST, "manifest.json")
    check_files(files, manifest)
    export = parse_form(files.read("export.json", EXPORT_MAX), EXPORT, "export.json")
    for table in (table for section in export["sections"] for table in section["tables"]):
        need(all(len(row) == len(table["columns"]) for row in table["rows"]),
             f"export.json: {quoted(table['title'])}: a row has not a cell for each column")
    note = files.read("checkpoint", NOTE_MAX)
    try:
        checkpoint = trust.open(note)
    except Refused as error:
        none = "; an export carries no cosignatures: verify it with --key, or with a policy that has \"quorum none\""
        raise Refused(f"checkpoint: {error}{none if str(error).startswith('below the quorum') else ''}") from None
    stated = {"origin": checkpoint.origin.decode(), "tree_size": checkpoint.size, "root": checkpoint.root.hex()}
    for field in ("kind", "subject", "origin", "tree_size"):
        need(manifest[field] == export[field], f"export.json: another {field}")
    for field, value in stated.items():
        need(export[field] == value, f"export.json: {field} is not the checkpoint's")
    records, keys, bodies, seals, expected = {}, Keys(), Bodies(), Seals(), set()
    for cited in export["records"]:
        index = cited["leaf"]
        need(index not in records, f"record {index}: is cited twice")
        try:
            records[index] = check_record(files, cited, trust, note, keys, bodies, seals)
        except Refused as error:
            raise Refused(f"record {index}: {error}") from None
        expected |= records[index]
    for leaf in cited_leaves(export):
        need(leaf in records, f"leaf {quoted(leaf)} is cited and has no record")
    for name in (entry["path"] for entry in manifest["files"]):
        need(not name.startswith("records/") or name in expected, f"{name}: belongs to no record")
    unsealed = seals.not_shown(keys)
    need(content_digest(content_of_json(export)) == manifest["content_sha256"],
         "export.json: another content than the manifest's")
    check_page(files.read("index.html", EXPORT_MAX), export)
    signer = check_signer(files, signature, trust, keys)
    text = (f"{export['kind']} of {export['subject']} in {stated['origin']}, over its first {checkpoint.size} events\n"
            f"    {len(records)} records and {len(manifest['files']) + 2} files, signed by {signer}\n"
            "    what it says of a record's content is in the signer's words, not compared with the body, which is in "
            "records/ and proven")
    unexplained = bodies.unexplained()
    if unexplained:
        text += (f"\n    records without a body: {len(unexplained)}, of which the export does not show that they were "
                 f"erased: leaf {unexplained[0]}{' and others' if len(unexplained) > 1 else ''}")
    if unsealed:
        text += (f"\n    records whose seal is not shown here to be their writer's: {len(unsealed)}: leaf {unsealed[0]}"
                 f"{' and others' if len(unsealed) > 1 else ''}")
    return {"origin": stated["origin"], "treeSize": checkpoint.size, "root": stated["root"], "records": len(records),
            "files": len(manifest["files"]) + 2, "signer": signer, "bodiesNotShownErased": len(unexplained),
            "sealsNotShown": len(unsealed), "text": text}


def check_signer(files, signature, trust, keys):
    """Who signed the manifest: a key given, or the one in signer.vkey when a verified record names its holder."""
    for key in trust.keys:
        if signature.signatures[0][:2] == (key.name, key.id) and key.type == ED25519:
            verify_note(signature, [key])
            return f"the trusted key {key.name.decode()}"
    line, rest = take_line(files.read("signer.vkey", NOTE_MAX), "signer.vkey")
    need(not rest, "signer.vkey: more than one line")
    key = parse_key(line)
    verify_note(signature, [key])
    need(key.type == ED25519 and key.public in keys.holders, f"no record names the holder of key {quoted(key.name)}")
    keys.check_in_force(key.public)
    return f"{keys.holders[key.public]}, not checked for revocation"


# --- Evidence that somebody signed two things that can't both be true (deploy/decisions/0023-equivocation.md) ---------

EVIDENCE = {
    b"split-view": b"# One log, one size, two roots.",
    b"rewritten-history":
        b"# One log, two sizes: the smaller tree is no prefix of the larger one, as the proof shows.",
    b"replaced-leaf": b"# One log, one index, two leaves, each under a tree that the log signed.",
    b"forked-stream": b"# One place of a writer's stream, two events, both sealed with one key."}


class Lines:
    """Takes one line of a file after the other."""

    def __init__(self, data):
        self.rest, self.number = data, 0

    def take(self):
        self.number += 1
        line, self.rest = take_line(self.rest, f"evidence: line {self.number}")
        return line

    def exactly(self, expected):
        need(self.take() == expected, f"evidence: line {self.number}: is not {quoted(expected)}")

    def value(self, name):
        line = self.take()
        need(line.startswith(name + b" "), f"evidence: line {self.number}: does not start with {quoted(name)}")
        return line[len(name) + 1:]

    def bytes(self, name):
        return from_base64(self.value(name), f"evidence: line {self.number}")

    def number_of(self, name):
        return decimal(self.value(name), f"evidence: line {self.number}")

    def digest(self, name):
        return digest_of(self.bytes(name), f"evidence: line {self.number}")

    def proof(self):
        self.exactly(b"proof")
        hashes = []
        while self.rest.startswith(b"| "):
            need(len(hashes) < PATH_MAX, f"evidence: line {self.number}: more than {PATH_MAX} hashes")
            hashes.append(self.digest(b"|"))
        return hashes

    def note(self):
        """Its lines stand after "| "; an empty one is just "|"."""
        self.exactly(b"note")
        text = b""
        while self.rest.startswith(b"|"):
            line = self.take()
            well = line == b"|" or (line[1:2] == b" " and len(line) > 2)
            need(well, f"evidence: line {self.number}: a bad quotation")
            text += line[2:] + b"\n"
        return text

    def end(self):
        need(not self.rest, "evidence: goes on after its end")


class SignedTree(NamedTuple):
    checkpoint: Checkpoint
    log_key: bytes  # the verifier key's text
    signers: list


def key_text(key):
    blob = base64.b64encode(bytes([key.type]) + key.public)
    return key.name + b"+" + key.id.hex().encode() + b"+" + blob


def signed_tree(lines, known):
    """A checkpoint signed by the key that the file names, which must be one of those given and the log's own."""
    name, data = lines.value(b"key"), lines.note()
    note = parse_note(data)
    signers = verify_note(note, known)
    checkpoint = parse_checkpoint(note.text)
    need(any(key.type == ED25519 and key.name == checkpoint.origin and key_text(key) == name for key in signers),
         f"the checkpoint of {quoted(checkpoint.origin)} is not signed by the key of that log which the file names")
    return SignedTree(checkpoint, name, signers)


def contradiction(one, other, fact):
    """Of two signed trees of one log, once it is clear that they can't both be true."""
    keys = list(dict.fromkeys((one.log_key.decode(), other.log_key.decode())))
    both = [key_text(key).decode() for key in one.signers if key.type == COSIGNATURE and key in other.signers]
    text = f"{' and '.join(keys)} signed both\n    {one.checkpoint.text()}\n    {other.checkpoint.text()}\n    {fact}"
    text += "".join(f"\n    cosigned both: {key}" for key in both)
    return {"origin": one.checkpoint.origin.decode(), "signedBy": keys, "cosignedBy": both, "text": text}


def judge_trees(kind, lines, known):
    one, other = signed_tree(lines, known), signed_tree(lines, known)
    path = lines.proof() if kind == b"rewritten-history" else None
    lines.end()
    a, b = one.checkpoint, other.checkpoint
    need(a.origin == b.origin, "proves nothing: these are trees of two logs")
    if path is None:
        need(a.size == b.size, "proves nothing: trees of two sizes; one may continue the other")
        need(a.root != b.root, "proves nothing: both are the same tree")
        return contradiction(one, other, "of the same size")
    prefix, whole = prefix_roots(a.size, b.size, path)
    need(whole == b.root, "the proof is not of the larger tree; anybody can make such a one")
    need(prefix != a.root, "proves nothing: the larger tree continues the smaller one")
    return contradiction(one, other, f"the first {a.size} leaves of the larger tree have the root {prefix.hex()}")


def judge_replaced_leaf(lines, known):
    index, trees, hashes = lines.number_of(b"index"), [], []
    for _ in range(2):
        tree = signed_tree(lines, known)
        if lines.rest.startswith(b"leaf "):
            leaf = lines.bytes(b"leaf")
            need(leaf, "evidence: an empty leaf")
            hashes.append(leaf_hash(leaf))
        else:
            hashes.append(lines.digest(b"leaf-hash"))
        check_inclusion(hashes[-1], index, tree.checkpoint.size, lines.proof(), tree.checkpoint.root)
        trees.append(tree)
    lines.end()
    need(trees[0].checkpoint.origin == trees[1].checkpoint.origin, "proves nothing: these are trees of two logs")
    need(hashes[0] != hashes[1], "proves nothing: the leaf is the same in both trees")
    one, other = (value.hex() for value in hashes)
    return contradiction(*trees, f"leaf {index} has the hash {one} in one and {other} in the other")


def judge_forked_stream(lines, known):
    origin, stream, position = lines.value(b"origin"), lines.value(b"stream"), lines.number_of(b"position")
    key, headers = lines.value(b"key"), []
    for _ in range(2):
        header_bytes, place, path = lines.bytes(b"header"), lines.number_of(b"place"), lines.proof()
        statement_bytes, signature = lines.bytes(b"statement"), lines.bytes(b"signature")
        header, statement = parse_header(header_bytes), open_statement(statement_bytes, signature)
        check_inclusion(leaf_hash(header_bytes), place, statement["count"], path, statement["run_root"])
        need(statement["stream"] == header["stream"] and statement["first_position"] + place ==
             header["stream_position"], "the seal is for another stream or place than the header")
        need((statement["origin"].encode(), statement["stream"].encode(), statement["key_id"].hex().encode()) ==
             (origin, stream, key), "the seal is for another ledger or stream, or by another key, than the file says")
        headers.append((header, hashlib.sha256(header_bytes).digest()))
    lines.end()
    need(any(one.type == ED25519 and one.public.hex().encode() == key for one in known),
         f"both are sealed with key {quoted(key)}, which is not one of those given")
    (one, one_digest), (other, other_digest) = headers
    need(one["stream_position"] == position, "the header is at another position than the file says")
    need(one_digest != other_digest, "proves nothing: both are the same event")
    need(one["stream_position"] == other["stream_position"] or
         (position > 1 and one["previous_header_digest"] == other["previous_header_digest"]),
         "proves nothing: the events are at two places of the stream")
    text = (f"key {key.decode()} sealed two events as number {position} of stream {stream.decode()} of "
            f"{origin.decode()}\n    {one['event_id'].hex()} ({one['type']}) and {other['event_id'].hex()} "
            f"({other['type']})\n    two programs with one key leave the same as an intention")
    return {"origin": origin.decode(), "stream": stream.decode(), "signedBy": [key.decode()], "cosignedBy": [],
            "text": text}


def verify_evidence(path, trust):
    """That what the file accuses a key of was signed with it, and can't be true. The keys must be among those given; a
    policy's quorum plays no part."""
    known = trust.keys if trust.policy is None else [*trust.policy.logs, *trust.policy.witnesses.values()]
    lines = Lines(read_file(path, EVIDENCE_MAX))
    lines.exactly(b"anamnesis-evidence@v1")
    kind = lines.take()
    need(kind in EVIDENCE, "evidence: line 2: no kind of evidence that this version knows")
    lines.exactly(EVIDENCE[kind])
    if kind == b"forked-stream":
        judged = judge_forked_stream(lines, known)
    elif kind == b"replaced-leaf":
        judged = judge_replaced_leaf(lines, known)
    else:
        judged = judge_trees(kind, lines, known)
    return {"kind": kind.decode(), **judged, "text": f"{kind.decode()}: {judged['text']}"}


# --- The command line -------------------------------------------------------------------------------------------------


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="anamnesis_verify.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(name, text, *positionals, policy=True):
        verb = verbs.add_parser(name, help=text, description=text)
        for positional, count in positionals:
            verb.add_argument(positional, nargs=count)
        verb.add_argument("--key", action="append", default=[], metavar="VKEY", help="a key that you trust; repeatable")
        if policy:
            verb.add_argument("--policy", metavar="FILE", help="a C2SP tlog-policy file instead of keys")
            verb.add_argument("--key-history", metavar="FILE",
                              help="what `anamnesis key history` wrote: leads to keys of other times")
        verb.add_argument("--json", action="store_true", help="one JSON document on stdout")
        return verb

    add("receipt", "NAME.tlog-proof or NAME.cose, with NAME.leaf and NAME.body", ("FILE", "+"))
    add("checkpoint", "signed checkpoints", ("FILE", "+"))
    add("consistency", "OLD, a checkpoint, and NEW, a tlog-witness request: old N, hashes, blank line, checkpoint",
        ("OLD", None), ("NEW", None))
    add("dsse", "what `anamnesis gate export` and `anamnesis export in-toto` wrote, signed by one of the keys given",
        ("FILE", "+"), policy=False)
    add("export", "what `anamnesis dhf` and `anamnesis incident` wrote: directories or .tar", ("PATH", "+"))
    add("evidence", "files that accuse a key of having signed two things that can't both be true", ("FILE", "+"))
    log = add("log", "a whole log of tiles, in a directory or at a URL, recomputed from its entries", ("WHERE", None))
    log.add_argument("--old", action="append", default=[], metavar="FILE", help="an older checkpoint; repeatable")
    log.add_argument("--writer-key", action="append", default=[], metavar="KEY", help="the only keys that may seal")
    log.add_argument("--tls-ca", metavar="FILE", help="who may have signed the server's certificate")
    log.add_argument("--tls-certificate", metavar="FILE", help="the certificate to show")
    log.add_argument("--tls-key", metavar="FILE", help="its key")
    log.add_argument("--tree-only", action="store_true", help="of any log: don't read the leaves as events")
    return parser.parse_args(arguments)


def check_given(options):
    """What isn't there is a wrong question; what is wrong with it is the answer."""
    one = [getattr(options, name, None) for name in ("OLD", "NEW", "key_history")]
    many = [path for name in ("FILE", "PATH", "old") for path in getattr(options, name, [])]
    for path in [*many, *filter(None, one)]:
        if not os.path.exists(path):
            raise BadInput(f"{path}: no such file or directory")
    where = getattr(options, "WHERE", None)
    if where is not None and not re.match("https?://", where) and not os.path.isdir(where):
        raise BadInput(f"WHERE: {where}: no such directory; a log at a URL begins with https:// or http://")


def questions(options):
    """(what is verified, function) pairs."""
    check_given(options)
    if options.verb == "dsse":
        keys = [public_key(text) for text in options.key]
        if not keys:
            raise BadInput("--key: give the verifier key, or the public key in hexadecimal, of who should have signed")
        return [(path, lambda path=path: verify_dsse(path, keys)) for path in options.FILE]
    trust = Trust(options.key, options.policy, options.key_history)
    if options.verb == "log":
        writers = [public_key(text) for text in options.writer_key]
        tls = tls_context(options.tls_ca, options.tls_certificate, options.tls_key)
        return [(options.WHERE, lambda: verify_log(options.WHERE, trust, options.old, writers, options.tree_only, tls))]
    if options.verb == "consistency":
        return [(options.NEW, lambda: verify_consistency(options.OLD, options.NEW, trust))]
    if options.verb == "export":
        return [(path, lambda path=path: verify_export(path, trust)) for path in options.PATH]
    verify = {"receipt": verify_receipt, "checkpoint": verify_checkpoint, "evidence": verify_evidence}[options.verb]
    return [(path, lambda path=path: verify(path, trust)) for path in options.FILE]


def answer(options, what, verify):
    """Verifies one thing, prints it unless --json, and returns the result and the exit status."""
    status = 0
    try:
        result = {"what": what, "verified": True, **verify()}
    except Refused as error:
        result, status = {"what": what, "verified": False, "text": str(error)}, 1
    except RecursionError:
        result, status = {"what": what, "verified": False, "text": "is nested too deeply"}, 1
    except Unreachable as error:
        result, status = {"what": what, "verified": False, "text": str(error)}, 3
    if not options.json:
        text = "".join(c if c.isprintable() or c == "\n" else "?" for c in f"{what}\n    {result['text']}")
        print("verified " if status == 0 else "NOT VERIFIED", text)
    return result, status


def main(arguments):
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    options = parse_arguments(arguments)
    try:
        check_ed25519_library()
        answers = [answer(options, what, verify) for what, verify in questions(options)]
    except BadInput as error:
        print(f"anamnesis_verify.py: {error}", file=sys.stderr)
        return 2
    except Refused as error:  # a key history that doesn't verify: nothing does
        print(f"NOT VERIFIED {error}", file=sys.stderr)
        return 1
    status = max(status for _, status in answers)
    if options.json:
        print(json.dumps({"verified": status == 0, "results": [result for result, _ in answers]}, indent=1))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
