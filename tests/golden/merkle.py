"""RFC 6962 section 2.1, as its recursive definition says it; slow and obvious."""

from __future__ import annotations

from primitives import sha256


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def root(hashes: list[bytes]) -> bytes:
    """MTH, over leaf hashes."""
    if not hashes:
        return sha256(b"")
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(root(hashes[:k]), root(hashes[k:]))


def inclusion(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]): the siblings from the leaf upward."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return inclusion(index, hashes[:k]) + [root(hashes[k:])]
    return inclusion(index - k, hashes[k:]) + [root(hashes[:k])]


def consistency(old_size: int, hashes: list[bytes]) -> list[bytes]:
    """PROOF(m, D[n]) for 0 < m <= n."""
    return subproof(old_size, hashes, True)


def subproof(m: int, hashes: list[bytes], complete: bool) -> list[bytes]:
    if m == len(hashes):
        return [] if complete else [root(hashes)]
    k = split(len(hashes))
    if m <= k:
        return subproof(m, hashes[:k], complete) + [root(hashes[k:])]
    return subproof(m - k, hashes[k:], False) + [root(hashes[:k])]
