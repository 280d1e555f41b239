"""Protobuf's wire format, the part that the ledger signs: varints and length-delimited fields in number order.

Written from the encoding's public description, so that the golden bytes don't come from the library under test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Value = dict[str, Any]

VARINT = 0
LENGTH_DELIMITED = 2
INTEGER_RANGES = {"uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1)}


@dataclass(frozen=True)
class EnumType:
    name: str
    numbers: dict[str, int]


@dataclass
class Field:
    """One field. `kind` is bytes, string, bool, uint32, uint64, int64, enum or message; `type` is for the last two."""

    number: int
    name: str
    kind: str
    repeated: bool = False
    optional: bool = False
    type: Any = None
    rule: Value | None = None


@dataclass
class MessageType:
    name: str
    fields: list[Field]
    event: Value | None = None


def varint(number: int) -> bytes:
    """Base-128, low groups first; a negative int64 is its 64-bit two's complement, so always ten bytes."""
    number &= 2**64 - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def length_delimited(number: int, content: bytes) -> bytes:
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content


def integer(field: Field, value: Any) -> int:
    if field.kind == "bool":
        return int(bool(value))
    if field.kind == "enum":
        return field.type.numbers[value]
    low, high = INTEGER_RANGES[field.kind]
    if not low <= value <= high:
        raise ValueError(f"{field.name}: {value} is outside {field.kind}")
    return value


def content(field: Field, value: Any) -> bytes:
    if field.kind == "bytes":
        return bytes(value)
    if field.kind == "string":
        return value.encode("utf-8")
    return encode(field.type, value)


def is_default(field: Field, value: Any) -> bool:
    """Whether proto3 leaves a set field out: a message or an `optional` scalar never, other scalars when zero."""
    if field.kind == "message" or field.optional or field.repeated:
        return False
    if field.kind in ("bytes", "string"):
        return len(value) == 0
    return integer(field, value) == 0


def encode_one(field: Field, value: Any) -> bytes:
    if field.kind in ("bytes", "string", "message"):
        return length_delimited(field.number, content(field, value))
    return varint(field.number << 3 | VARINT) + varint(integer(field, value))


def encode(message: MessageType, value: Value) -> bytes:
    """The bytes of `value`, whose keys are field names; a key that is absent is a field that is not set."""
    unknown = set(value) - {field.name for field in message.fields}
    if unknown:
        raise ValueError(f"{message.name} has no field {sorted(unknown)}")
    out = b""
    for field in sorted(message.fields, key=lambda f: f.number):
        if field.name not in value or is_default(field, value[field.name]):
            continue
        elements = value[field.name] if field.repeated else [value[field.name]]
        if field.repeated and elements and field.kind not in ("bytes", "string", "message"):
            packed = b"".join(varint(integer(field, element)) for element in elements)
            out += length_delimited(field.number, packed)
            continue
        out += b"".join(encode_one(field, element) for element in elements)
    return out
