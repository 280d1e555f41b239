"""Logs that a test writes itself: tiles, checkpoints, receipts, leaves, by the plain definitions. Shares nothing with
the verifier under test or with the ledger."""

import base64
import hashlib
import json
import os
import struct

import nacl.bindings

ORIGIN = "written.example/log"
LOG_SEED, WITNESS_SEED, WRITER_SEED = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


def sign(seed, message):
    _, secret = nacl.bindings.crypto_sign_seed_keypair(seed)
    return nacl.bindings.crypto_sign(message, secret)[:64]


def public(seed):
    return nacl.bindings.crypto_sign_seed_keypair(seed)[0]


def key_id(name, seed, key_type=1):
    return hashlib.sha256(name.encode() + b"\n" + bytes([key_type]) + public(seed)).digest()[:4]


def verifier_key(name=ORIGIN, seed=LOG_SEED, key_type=1):
    blob = base64.b64encode(bytes([key_type]) + public(seed)).decode()
    return f"{name}+{key_id(name, seed, key_type).hex()}+{blob}"


def signature_line(name, seed, text):
    return f"— {name} {base64.b64encode(key_id(name, seed) + sign(seed, text.encode())).decode()}\n"


def cosignature_line(name, seed, text, seconds=1_742_036_460):
    signature = sign(seed, f"cosignature/v1\ntime {seconds}\n{text}".encode())
    blob = key_id(name, seed, 4) + struct.pack(">Q", seconds) + signature
    return f"— {name} {base64.b64encode(blob).decode()}\n"


# --- The tree: the recursive definition ---


def leaf_hash(leaf):
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(hashes):
    """RFC 6962 section 2.1."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(hashes[:split]) + root(hashes[split:])).digest()


def path(index, hashes):
    if len(hashes) < 2:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return [*path(index, hashes[:split]), root(hashes[split:])]
    return [*path(index - split, hashes[split:]), root(hashes[:split])]


def consistency(old_size, hashes, whole=True):
    if old_size == len(hashes):
        return [] if whole else [root(hashes)]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if old_size <= split:
        return [*consistency(old_size, hashes[:split], whole), root(hashes[split:])]
    return [*consistency(old_size - split, hashes[split:], False), root(hashes[:split])]


def checkpoint_text(hashes, origin=ORIGIN):
    return f"{origin}\n{len(hashes)}\n{base64.b64encode(root(hashes)).decode()}\n"


def checkpoint(hashes, origin=ORIGIN):
    text = checkpoint_text(hashes, origin)
    return f"{text}\n{signature_line(origin, LOG_SEED, text)}"


def base64_lines(hashes):
    return "".join(base64.b64encode(h).decode() + "\n" for h in hashes)


def tlog_proof(index, hashes, note):
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{base64_lines(path(index, hashes))}\n{note}"


# --- Tiles ---


def tile_path(number):
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join(groups)


def write(directory, name, data):
    full = os.path.join(directory, name)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "wb") as file:
        file.write(data)


def write_tiles(directory, leaves, note):
    """`note` as the checkpoint, and the tiles of these leaves, partial ones only where there is no full one."""
    def tiles(kind, items):
        for number in range(0, (len(items) + 255) // 256):
            part = items[256 * number:256 * number + 256]
            ending = "" if len(part) == 256 else f".p/{len(part)}"
            write(directory, f"tile/{kind}/{tile_path(number)}{ending}", b"".join(part))
    tiles("entries", [struct.pack(">H", len(leaf)) + leaf for leaf in leaves])
    level, hashes = 0, [leaf_hash(leaf) for leaf in leaves]
    while hashes:
        tiles(level, hashes)
        hashes = [root(hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    write(directory, "checkpoint", note.encode())


# --- Events ---


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def header(number, stream="person/ada", position=1, previous=bytes(32), type_name="model.defined",
           entity=("model", "model", "spleen"), body=b"abc"):
    agent = field(1, "person") + field(2, "ada")
    event_id = number.to_bytes(6, "big") + b"\x70\x00\x80" + bytes(7)
    ref = b"".join(field(1 + i, part) for i, part in enumerate(entity)) + field(4, "1.0")
    ref += field(5, field(1, 1) + field(2, bytes(range(32))))
    return b"".join([
        field(1, event_id), field(2, stream), field(3, position), field(4, previous), field(5, type_name),
        field(6, 1), field(7, 1_742_036_400_000_000), field(8, 1_742_036_400_000_001), field(10, agent),
        field(13, bytes(16)), field(14, ref), field(15, "because"), field(20, len(body)),
        field(21, hashlib.sha256(b"\x02" + bytes(32) + body).digest())])


def statement(headers, stream="person/ada", first=1, origin=ORIGIN):
    run_root = root([leaf_hash(h) for h in headers])
    return b"".join([field(1, origin), field(2, stream), field(3, first), field(4, len(headers)), field(5, run_root),
                     field(6, public(WRITER_SEED)), field(7, 1_742_036_400_000_002)])


def seal_of(statement_bytes):
    kind = b"application/vnd.anamnesis.seal.v1+protobuf"
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(statement_bytes), statement_bytes)
    return struct.pack(">I", len(statement_bytes)) + statement_bytes + sign(WRITER_SEED, message)


def leaf(header_bytes, seal=b"", recorded_us=1_742_036_400_000_100):
    return (b"\x01" + struct.pack(">q", recorded_us) + struct.pack(">I", len(header_bytes)) + header_bytes +
            struct.pack(">I", len(seal)) + seal)


def event_leaves(count, run=7):
    """Events of one stream in runs."""
    leaves, headers, previous, pending = [], [], bytes(32), []
    for position in range(1, count + 1):
        data = header(position, position=position, previous=previous)
        previous = hashlib.sha256(data).digest()
        pending.append(data)
        headers.append(data)
        last = len(pending) == run or position == count
        seal = seal_of(statement(pending, first=position - len(pending) + 1)) if last else b""
        leaves.append(leaf(data, seal, 1_742_036_400_000_100 + position))
        pending = [] if last else pending
    return leaves


def envelope(payload, seed=WRITER_SEED, payload_type="application/vnd.in-toto+json"):
    """DSSE."""
    kind = payload_type.encode()
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    return json.dumps({"payloadType": payload_type, "payload": base64.b64encode(payload).decode(),
                       "signatures": [{"keyid": public(seed).hex(),
                                       "sig": base64.b64encode(sign(seed, message)).decode()}]}, indent=2) + "\n"
