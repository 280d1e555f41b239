"""C2SP signed notes, checkpoints, cosignatures, keys and proofs as text."""

from __future__ import annotations

from primitives import b64, be64, public_key, sha256, sign

ED25519 = 0x01
COSIGNATURE_V1 = 0x04


def key_id(name: str, key_type: int, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([key_type]) + key)[:4]


def verifier_key(name: str, key_type: int, key: bytes) -> str:
    return f"{name}+{key_id(name, key_type, key).hex()}+{b64(bytes([key_type]) + key)}"


def private_key(name: str, key_seed: bytes) -> str:
    """The text that Go's sumdb/note calls a signer key."""
    return f"PRIVATE+KEY+{name}+{key_id(name, ED25519, public_key(key_seed)).hex()}+{b64(bytes([ED25519]) + key_seed)}"


def checkpoint_text(origin: str, size: int, root_hash: bytes) -> str:
    return f"{origin}\n{size}\n{b64(root_hash)}\n"


def signature_line(name: str, key: bytes, key_type: int, blob: bytes) -> str:
    return f"\u2014 {name} {b64(key_id(name, key_type, key) + blob)}\n"


def log_signature_line(name: str, key_seed: bytes, text: str) -> str:
    return signature_line(name, public_key(key_seed), ED25519, sign(key_seed, text.encode()))


def cosigned_message(unix_s: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {unix_s}\n{text}".encode()


def cosignature_line(name: str, key_seed: bytes, unix_s: int, text: str) -> str:
    blob = be64(unix_s) + sign(key_seed, cosigned_message(unix_s, text))
    return signature_line(name, public_key(key_seed), COSIGNATURE_V1, blob)


def signed_note(text: str, lines: list[str]) -> str:
    return text + "\n" + "".join(lines)


def tlog_proof(index: int, path: list[bytes], checkpoint_note: str) -> str:
    hashes = "".join(b64(h) + "\n" for h in path)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{checkpoint_note}"
