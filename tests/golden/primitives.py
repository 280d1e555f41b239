"""Hashes, signatures and ids, named as format.md names them."""

from __future__ import annotations

import base64
import hashlib

from nacl.signing import SigningKey

ZERO_DIGEST = bytes(32)
SEAL_PAYLOAD_TYPE = b"application/vnd.anamnesis.seal.v1+protobuf"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def be16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def be32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def be64(number: int) -> bytes:
    """Two's complement for a negative number."""
    return (number & 2**64 - 1).to_bytes(8, "big")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def seed(start: int) -> bytes:
    """The 32 bytes that count up from `start`."""
    return bytes(range(start, start + 32))


def public_key(key_seed: bytes) -> bytes:
    return bytes(SigningKey(key_seed).verify_key)


def sign(key_seed: bytes, message: bytes) -> bytes:
    """Ed25519 as RFC 8032 defines it: deterministic, 64 bytes."""
    return bytes(SigningKey(key_seed).sign(message).signature)


def pae(payload_type: bytes, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(payload), payload)


def body_commitment(nonce: bytes, body: bytes) -> bytes:
    return sha256(b"\x02" + nonce + body)


def with_version(data: bytes, version: int) -> bytes:
    """A UUID of the first 16 bytes, with the version nibble and the variant bits 10 set."""
    uuid = bytearray(data[:16])
    uuid[6] = version << 4 | uuid[6] & 0x0F
    uuid[8] = 0x80 | uuid[8] & 0x3F
    return bytes(uuid)


def uuid7(unix_us: int, label: str) -> bytes:
    """A UUIDv7 of that millisecond whose random part is made from `label`."""
    return with_version((unix_us // 1000).to_bytes(6, "big") + sha256(b"golden event id " + label.encode())[:10], 7)


def nonce(label: str) -> bytes:
    """Golden only: a writer's nonce is random."""
    return sha256(b"golden nonce " + label.encode())


def ledger_event_id(origin: str, leaf_index: int) -> bytes:
    return with_version(sha256(b"anamnesis.ledger-event.v1\x00" + origin.encode() + be64(leaf_index)), 8)


def ledger_nonce(event_id: bytes) -> bytes:
    return sha256(b"anamnesis.ledger-nonce.v1\x00" + event_id)
