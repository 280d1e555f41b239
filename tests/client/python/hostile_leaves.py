"""Leaves that no verifier may take: each rule of leaf, header and seal broken once, and sizes that promise too much."""

import struct

import written_log as w


def header_with(extra):
    return w.leaf(w.header(7) + extra)


LEAVES = {
    "empty": b"",
    "cut off": w.leaf(w.header(7))[:40],
    "longer than a leaf may be": b"\x01" + bytes(70000),
    "header length 2^32 - 1": b"\x01" + bytes(8) + b"\xff\xff\xff\xff" + bytes(100),
    "seal length 2^32 - 1": w.leaf(w.header(7))[:-4] + b"\xff\xff\xff\xff",
    "statement length 2^32 - 1": w.leaf(w.header(7), b"\xff\xff\xff\xff" + bytes(64)),
    "no statement": w.leaf(w.header(7), bytes(4) + bytes(64)),
    "varint without end": header_with(b"\x18" + b"\xff" * 5000),
    "tag without end": header_with(b"\xff" * 5000),
    "length without end": header_with(b"\x7a" + b"\xff" * 5000),
    "length 2^63": header_with(b"\x7a" + w.varint(1 << 63)),
    "length 2^31": header_with(b"\x7a" + w.varint(1 << 31)),
    "deep groups": header_with(b"\x0b" * 8000),
    "deep groups, ended": header_with(b"\x0b" * 4000 + b"\x0c" * 4000),
    "deep messages": header_with(b"\x52" * 8000),
    "field 0": header_with(b"\x02\x00"),
    "largest field": header_with(b"\xfa\xff\xff\xff\x0f\x00"),
    "references without end": w.leaf(w.header(7) + w.field(14, b"") * 4000),
    "causes without end": w.leaf(w.header(7) + w.field(13, b"") * 4000),
    "not UTF-8": header_with(w.field(15, b"\xff\xfe")),
    "event id of 15 bytes": header_with(w.field(1, w.header(7)[2:17])),
    "event id of version 4": header_with(w.field(1, bytes(6) + b"\x40\x00\x80" + bytes(7))),
    "body commitment of 31 bytes": header_with(w.field(21, bytes(31))),
    "previous digest of 33 bytes": header_with(w.field(4, bytes(33))),
    "no previous digest at position 2": header_with(w.field(3, 2)),
    "position 0": header_with(w.field(3, 0)),
    "stream with a blank": header_with(w.field(2, "person/a b")),
    "no stream": header_with(w.field(2, "")),
    "type with a line feed": header_with(w.field(5, "model\ndefined")),
    "occurred in 1899": header_with(w.field(7, 2**64 - 2208988800000001)),
    "ended before it began": header_with(w.field(8, 1)),
    "valid until before it began": header_with(w.field(9, 0)),
    "actor of no kind": header_with(w.field(10, w.field(1, "Person"))),
    "for nobody": header_with(w.field(12, b"")),
    "reference without a role": header_with(w.field(14, w.field(2, "model") + w.field(3, "m"))),
    "digest of an unknown algorithm": header_with(w.field(14, w.field(1, "model") + w.field(2, "model") + w.field(
        3, "m") + w.field(5, w.field(1, 6) + w.field(2, bytes(32))))),
    "digest of 31 bytes": header_with(w.field(14, w.field(1, "model") + w.field(2, "model") + w.field(
        3, "m") + w.field(5, w.field(1, 1) + w.field(2, bytes(31))))),
    "rationale of 4097 bytes": header_with(w.field(15, "r" * 4097)),
    "late reason of 1025 bytes": header_with(w.field(17, "r" * 1025)),
    "cause of 15 bytes": header_with(w.field(13, bytes(15))),
    "role grant of 17 bytes": header_with(w.field(11, bytes(17))),
    "correcting 1 byte": header_with(w.field(16, b"x")),
    "seen root without a size": header_with(w.field(19, bytes(32))),
    "seen size without a root": header_with(w.field(18, 5)),
    "body of 4 MiB and 1": header_with(w.field(20, (4 << 20) + 1)),
    "seal by a key of 31 bytes": w.leaf(w.header(7), w.seal_of(w.statement([w.header(7)]) + w.field(6, bytes(31)))),
    "statement of nothing but zeroes": w.leaf(w.header(7), struct.pack(">I", 1000) + bytes(1000) + bytes(64)),
    "run of 2^32 - 1": w.leaf(w.header(7), w.seal_of(w.statement([w.header(7)]) + w.field(4, 2**32 - 1))),
    "run from 2^64 - 1": w.leaf(w.header(7), w.seal_of(w.statement([w.header(7)]) + w.field(3, 2**64 - 1))),
    "recorded before time": w.leaf(w.header(7), b"\x00\x00\x00\x01", -2**63),
}
