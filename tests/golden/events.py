"""Headers, seals and leaves (format.md sections 2 to 4).

The signed messages' field numbers are written out here, by hand: they are the format. `check_against_proto` fails when
event.proto no longer agrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import merkle
import primitives as p
from wire import EnumType, Field, MessageType, Value, encode

DIGEST_ALGORITHM = EnumType("DigestAlgorithm", {
    "DIGEST_ALGORITHM_UNSPECIFIED": 0, "SHA256": 1, "SHA512": 2, "GIT_SHA1": 3, "SHA1": 4, "MD5": 5,
})
AGENT = MessageType("Agent", [Field(1, "kind", "string"), Field(2, "id", "string")])
CONTENT_DIGEST = MessageType("ContentDigest", [
    Field(1, "algorithm", "enum", type=DIGEST_ALGORITHM), Field(2, "value", "bytes"),
])
ENTITY_REF = MessageType("EntityRef", [
    Field(1, "role", "string"), Field(2, "kind", "string"), Field(3, "id", "string"), Field(4, "version", "string"),
    Field(5, "digest", "message", type=CONTENT_DIGEST),
])
EVENT_HEADER = MessageType("EventHeader", [
    Field(1, "event_id", "bytes"),
    Field(2, "stream", "string"),
    Field(3, "stream_position", "uint64"),
    Field(4, "previous_header_digest", "bytes"),
    Field(5, "type", "string"),
    Field(6, "schema_version", "uint32"),
    Field(7, "occurred_earliest_us", "int64"),
    Field(8, "occurred_latest_us", "int64"),
    Field(9, "valid_until_us", "int64", optional=True),
    Field(10, "actor", "message", type=AGENT),
    Field(11, "role_grant", "bytes"),
    Field(12, "on_behalf_of", "message", type=AGENT),
    Field(13, "causes", "bytes", repeated=True),
    Field(14, "refs", "message", repeated=True, type=ENTITY_REF),
    Field(15, "rationale", "string"),
    Field(16, "corrects", "bytes"),
    Field(17, "late_reason", "string"),
    Field(18, "seen_tree_size", "uint64"),
    Field(19, "seen_root", "bytes"),
    Field(20, "body_size", "uint64"),
    Field(21, "body_commitment", "bytes"),
    Field(22, "retrospective", "bool"),
])
SEAL_STATEMENT = MessageType("SealStatement", [
    Field(1, "origin", "string"), Field(2, "stream", "string"), Field(3, "first_position", "uint64"),
    Field(4, "count", "uint32"), Field(5, "run_root", "bytes"), Field(6, "key_id", "bytes"),
    Field(7, "sealed_at_us", "int64"),
])
SIGNED = [AGENT, CONTENT_DIGEST, ENTITY_REF, EVENT_HEADER, SEAL_STATEMENT]


def shape(message: MessageType) -> list[tuple[object, ...]]:
    return [(f.number, f.name, f.kind, f.repeated, f.optional, f.type.name if f.type else "") for f in message.fields]


def check_against_proto(messages: dict[str, MessageType], formats: list[MessageType]) -> None:
    for ours in formats:
        if shape(ours) != shape(messages[ours.name]):
            raise ValueError(f"the .proto's {ours.name} is not the format's: its field numbers may never change")
    if DIGEST_ALGORITHM.numbers != messages["ContentDigest"].fields[0].type.numbers:
        raise ValueError("event.proto's DigestAlgorithm is not the format's")


@dataclass
class Event:
    """A header with its body. `fields` holds the header's fields by name."""

    fields: Value
    body: Value
    body_type: MessageType
    nonce: bytes

    @property
    def body_bytes(self) -> bytes:
        return encode(self.body_type, self.body)

    @property
    def header_bytes(self) -> bytes:
        return encode(EVENT_HEADER, self.fields)

    @property
    def header_digest(self) -> bytes:
        return p.sha256(self.header_bytes)


def event(body_type: MessageType, body: Value, nonce: bytes, fields: Value) -> Event:
    """Completes the header with type, schema version, body size and commitment."""
    option = body_type.event or {}
    content = encode(body_type, body)
    own = {"type": option["type"], "schema_version": option["schema_version"], "body_size": len(content),
           "body_commitment": p.body_commitment(nonce, content)}
    return Event({**fields, **own}, body, body_type, nonce)


@dataclass
class Seal:
    fields: Value
    signature: bytes

    @property
    def statement(self) -> bytes:
        return encode(SEAL_STATEMENT, self.fields)

    @property
    def pae(self) -> bytes:
        return p.pae(p.SEAL_PAYLOAD_TYPE, self.statement)


@dataclass
class Run:
    headers: list[bytes]
    seal: Seal
    events: list[Event] = field(default_factory=list)


def run_root(headers: list[bytes]) -> bytes:
    return merkle.root([merkle.leaf_hash(header) for header in headers])


def seal_run(origin: str, stream: str, first_position: int, headers: list[bytes], key_seed: bytes,
             sealed_at_us: int) -> Seal:
    fields = {"origin": origin, "stream": stream, "first_position": first_position, "count": len(headers),
              "run_root": run_root(headers), "key_id": p.public_key(key_seed), "sealed_at_us": sealed_at_us}
    statement = encode(SEAL_STATEMENT, fields)
    return Seal(fields, p.sign(key_seed, p.pae(p.SEAL_PAYLOAD_TYPE, statement)))


def seal_blob(seal: Seal | None) -> bytes:
    """The seal as a leaf holds it: empty but for the last leaf of a run."""
    if seal is None:
        return b""
    return p.be32(len(seal.statement)) + seal.statement + seal.signature


def leaf(recorded_at_us: int, header: bytes, seal: Seal | None) -> bytes:
    blob = seal_blob(seal)
    return b"\x01" + p.be64(recorded_at_us) + p.be32(len(header)) + header + p.be32(len(blob)) + blob
