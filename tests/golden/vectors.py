"""What each vector file holds. Every function returns one file's JSON document."""

from __future__ import annotations

from typing import Any

import cose
import dataset
import evidence
import key_history
import merkle
import note
import primitives as p
from events import EVENT_HEADER, SEAL_STATEMENT, Event, Run, Seal, event, leaf, run_root, seal_blob, seal_run
from examples import BASE_US, EXAMPLES, ref, sha256_of
from json_mapping import to_json
from made_examples import example_of
from rules import event_errors
from small_log import FOUNDER, ORIGIN, SEEDS, SmallLog
from wire import MessageType, Value, encode

LOG_SEED = p.seed(96)
WITNESS_SEED = p.seed(128)
WITNESS_NAME = "witness.example/w1"
COSIGNED_AT_S = 1_742_036_460


def hexes(values: list[bytes]) -> list[str]:
    return [value.hex() for value in values]


# merkle.json

INCLUSION_INDEXES: dict[int, list[int]] = {
    **{size: list(range(size)) for size in range(1, 9)},
    13: [0, 7, 8, 11, 12], 16: [0, 5, 15], 31: [0, 16, 30], 32: [0, 31], 33: [0, 31, 32], 64: [0, 21, 63],
    1000: [0, 511, 512, 767, 959, 992, 999],
}
CONSISTENCY_SIZES: list[tuple[int, int]] = [
    *[(old, new) for new in range(1, 9) for old in range(1, new + 1)],
    (6, 13), (8, 13), (12, 13), (1, 64), (31, 64), (32, 64), (63, 64), (32, 33), (33, 64),
    (1, 1000), (512, 1000), (700, 1000), (768, 1000), (999, 1000), (1000, 1000),
]


def pattern_leaf(index: int) -> bytes:
    """`index` bytes, each of which is index mod 256; so leaf 0 is empty."""
    return bytes([index % 256]) * index


def merkle_vectors() -> Value:
    hashes = [merkle.leaf_hash(pattern_leaf(index)) for index in range(1000)]
    return {
        "leaf_pattern": "leaf i is i bytes, each with the value i mod 256",
        "empty_root": merkle.root([]).hex(),
        "leaf_hashes": [{"name": f"leaf {i}", "index": i, "leaf": pattern_leaf(i).hex(), "hash": hashes[i].hex()}
                        for i in range(65)],
        "node_hashes": [{"name": f"node over leaves {i} and {i + 1}", "left": hashes[i].hex(),
                         "right": hashes[i + 1].hex(), "hash": merkle.node_hash(hashes[i], hashes[i + 1]).hex()}
                        for i in (0, 2, 4)],
        "roots": [{"name": f"size {n}", "size": n, "root": merkle.root(hashes[:n]).hex()}
                  for n in [*range(65), 1000]],
        "inclusion": [
            {"name": f"leaf {i} of {n}", "size": n, "index": i, "leaf_hash": hashes[i].hex(),
             "root": merkle.root(hashes[:n]).hex(), "path": hexes(merkle.inclusion(i, hashes[:n]))}
            for n, indexes in INCLUSION_INDEXES.items() for i in indexes],
        "consistency": [
            {"name": f"{old} to {new}", "old_size": old, "new_size": new, "old_root": merkle.root(hashes[:old]).hex(),
             "new_root": merkle.root(hashes[:new]).hex(), "path": hexes(merkle.consistency(old, hashes[:new]))}
            for old, new in CONSISTENCY_SIZES],
    }


# header.json


def minimal_header() -> Value:
    return {
        "event_id": p.uuid7(BASE_US, "minimal"), "stream": "person/p-0001", "stream_position": 1,
        "previous_header_digest": p.ZERO_DIGEST, "type": "role.withdrawn", "schema_version": 1,
        "occurred_earliest_us": BASE_US, "occurred_latest_us": BASE_US, "actor": {"kind": "person", "id": "p-0001"},
        "body_commitment": p.body_commitment(p.nonce("minimal"), b""),
    }


def full_header() -> Value:
    """Every field is set, including the optional one to 0."""
    return {
        **minimal_header(),
        "event_id": p.uuid7(BASE_US, "full"), "stream": "device_unit/ICU-7", "stream_position": 2**63 + 5,
        "previous_header_digest": p.sha256(b"previous"), "type": "artifact.activated", "schema_version": 2**32 - 1,
        "occurred_earliest_us": -2_208_988_800_000_000, "occurred_latest_us": -1, "valid_until_us": 0,
        "actor": {"kind": "device_unit", "id": "ICU-7"}, "role_grant": p.uuid7(BASE_US - 1_000_000, "grant"),
        "on_behalf_of": {"kind": "organisation", "id": "acme-cardio"},
        "causes": [p.uuid7(BASE_US - 2_000_000, "cause 1"), p.uuid7(BASE_US - 3_000_000, "cause 2")],
        "refs": [
            ref("unit", "device_unit", "ICU-7"),
            ref("artifact", "model", "ct-lung-segmentation", "2.1.0", sha256_of("model 2.1.0")),
            ref("rollback_target", "artifact", "old", "1", {"algorithm": "MD5", "value": bytes(16)}),
            ref("rollback_target", "artifact", "older", "0", {"algorithm": "SHA512", "value": bytes(range(64))}),
            ref("rollback_target", "artifact", "git", "a", {"algorithm": "GIT_SHA1", "value": bytes([255]) * 20}),
        ],
        "rationale": "Schwellwert nach oben: \u201e88 %\u201c \u2192 90 % \u2014 \u5fc3\u7535\u56fe \U0001fac0\n2.",
        "corrects": p.uuid7(BASE_US - 4_000_000, "corrects"), "late_reason": "r\u00e9seau coup\u00e9",
        "seen_tree_size": 2**40, "seen_root": p.sha256(b"seen"), "body_size": 4_194_304,
        "body_commitment": p.sha256(b"commitment"), "retrospective": True,
    }


def header_vectors() -> list[Value]:
    base = minimal_header()
    cases = {
        "empty": {},
        "minimal": base,
        "full": full_header(),
        "epoch": {**base, "occurred_earliest_us": 0, "occurred_latest_us": 0},
        "negative times": {**base, "occurred_earliest_us": -(2**63), "occurred_latest_us": -1},
        "largest times": {**base, "occurred_earliest_us": 2**63 - 1, "occurred_latest_us": 2**63 - 1},
        "valid until set": {**base, "valid_until_us": BASE_US + 1},
        "valid until set to 0": {**base, "valid_until_us": 0},
        "valid until negative": {**base, "valid_until_us": -1},
        "empty messages": {**base, "actor": {}, "on_behalf_of": {}, "refs": [{}, {"digest": {}}], "causes": [b""]},
        "two-byte lengths": {**base, "rationale": "r" * 128, "late_reason": "l" * 127, "stream_position": 128},
        "several refs": {**base, "refs": [ref("dataset", "dataset", f"d-{i}", str(i)) for i in range(5)]},
        "correction": {**base, "type": "record.corrected", "corrects": p.uuid7(BASE_US - 1, "x"), "rationale": "typo",
                       "role_grant": p.uuid7(BASE_US - 2, "y"), "retrospective": True},
    }
    return [header_case(name, fields) for name, fields in cases.items()]


def header_case(name: str, fields: Value) -> Value:
    serialized = encode(EVENT_HEADER, fields)
    return {"name": name, "header": to_json(EVENT_HEADER, fields), "serialized": serialized.hex(),
            "digest": p.sha256(serialized).hex()}


# body.json


def body_vectors() -> list[Value]:
    cases = {
        "empty": (bytes(32), b""),
        "empty with a nonce": (p.nonce("empty"), b""),
        "one zero byte": (bytes(32), b"\x00"),
        "text": (p.nonce("text"), b"body"),
        "all bytes": (bytes([255]) * 32, bytes(range(256))),
        "five blocks": (p.nonce("blocks"), bytes(range(64)) * 5),
    }
    return [{"name": name, "nonce": nonce.hex(), "body": body.hex(),
             "commitment": p.body_commitment(nonce, body).hex()} for name, (nonce, body) in cases.items()]


# seal.json


def chained_headers(stream: str, first: int, count: int, previous: bytes) -> list[bytes]:
    out: list[bytes] = []
    for position in range(first, first + count):
        at = BASE_US + position * 1000
        label = f"{stream}#{position}"
        fields = {**minimal_header(), "event_id": p.uuid7(at, label), "stream": stream, "stream_position": position,
                  "previous_header_digest": previous, "occurred_earliest_us": at, "occurred_latest_us": at,
                  "body_commitment": p.body_commitment(p.nonce(label), b"")}
        out.append(encode(EVENT_HEADER, fields))
        previous = p.sha256(out[-1])
    return out


def seal_vectors() -> list[Value]:
    out = []
    for count, first, key_seed, stream in [
        (1, 1, p.seed(0), "person/p-0001"), (2, 7, p.seed(32), "device_unit/ICU-7"),
        (3, 1, p.seed(0), "software/trainer-1"), (5, 1000, p.seed(64), "site/hospital-a"),
        (100, 1, p.seed(32), "device_unit/\u30e6\u30cb\u30c3\u30c8-1"),
    ]:
        previous = p.ZERO_DIGEST if first == 1 else p.sha256(b"the header before")
        headers = chained_headers(stream, first, count, previous)
        seal = seal_run(ORIGIN, stream, first, headers, key_seed, BASE_US + 1_000_000)
        out.append(seal_case(f"run of {count}", headers, key_seed, seal, previous))
    return out


def seal_case(name: str, headers: list[bytes], key_seed: bytes, seal: Seal, previous: bytes) -> Value:
    hashes = [merkle.leaf_hash(header) for header in headers]
    shown = sorted({0, len(headers) // 2, len(headers) - 1})
    return {
        "name": name, "seed": key_seed.hex(), "public_key": p.public_key(key_seed).hex(),
        "previous_header_digest": previous.hex(), "headers": hexes(headers), "run_root": run_root(headers).hex(),
        "statement_fields": to_json(SEAL_STATEMENT, seal.fields), "statement": seal.statement.hex(),
        "payload_type": p.SEAL_PAYLOAD_TYPE.decode(), "pae": seal.pae.hex(), "signature": seal.signature.hex(),
        "paths": [{"index": i, "path": hexes(merkle.inclusion(i, hashes))} for i in shown],
    }


# leaf.json


def leaf_case(name: str, recorded_us: int, header: bytes, seal: Seal | None) -> Value:
    made = leaf(recorded_us, header, seal)
    return {"name": name, "recorded_at_us": recorded_us, "header": header.hex(),
            "statement": seal.statement.hex() if seal else "", "signature": seal.signature.hex() if seal else "",
            "seal": seal_blob(seal).hex(), "leaf": made.hex(), "leaf_hash": merkle.leaf_hash(made).hex()}


def leaf_cases() -> list[Value]:
    key, stream = SEEDS[FOUNDER], "/".join(FOUNDER)
    one, three = [chained_headers(stream, 1, count, p.ZERO_DIGEST) for count in (1, 3)]
    seal_of_one, seal_of_three = [seal_run(ORIGIN, stream, 1, headers, key, BASE_US) for headers in (one, three)]
    decided = encode(EVENT_HEADER, {**minimal_header(), "stream": "ledger"})
    return [
        leaf_case("run of one", BASE_US, one[0], seal_of_one),
        leaf_case("first of three", BASE_US + 1, three[0], None),
        leaf_case("middle of three", BASE_US + 2, three[1], None),
        leaf_case("last of three", BASE_US + 3, three[2], seal_of_three),
        leaf_case("decided by the ledger", BASE_US + 4, decided, None),
        leaf_case("recorded at 1", 1, one[0], seal_of_one),
    ]


def event_case(one: Event) -> Value:
    return {"header": to_json(EVENT_HEADER, one.fields), "header_bytes": one.header_bytes.hex(),
            "header_digest": one.header_digest.hex(), "body_message": one.body_type.name,
            "body": to_json(one.body_type, one.body), "body_bytes": one.body_bytes.hex(), "nonce": one.nonce.hex()}


def run_case(run: Run, key_seed: bytes) -> Value:
    return {"stream": run.seal.fields["stream"], "seed": key_seed.hex(),
            "statement_fields": to_json(SEAL_STATEMENT, run.seal.fields), "statement": run.seal.statement.hex(),
            "signature": run.seal.signature.hex(), "events": [event_case(one) for one in run.events]}


def run_seed(run: Run) -> bytes:
    kind, entity = run.seal.fields["stream"].split("/", 1)
    return SEEDS[(kind, entity)]


def leaf_vectors(log: SmallLog) -> Value:
    size = len(log.leaves)
    return {
        "leaves": leaf_cases(),
        "log": {
            "origin": ORIGIN,
            "batches": [{"proposed_us": batch.proposed_us, "first_index": batch.first_index,
                         "recorded_at_us": batch.recorded_us,
                         "runs": [run_case(run, run_seed(run)) for run in batch.runs]}
                        for batch in log.batches],
            "leaves": [{"index": i, "recorded_at_us": int.from_bytes(one[1:9], "big"), "leaf": one.hex(),
                        "leaf_hash": log.hashes[i].hex(), "sealed": log.seals[i] is not None}
                       for i, one in enumerate(log.leaves)],
            "roots": [{"size": n, "root": log.root(n).hex()} for n in range(size + 1)],
        },
    }


# ledger_decided.json


def decided(message: MessageType, index: int, recorded_us: int, position: int, previous: bytes, body: Value,
            refs: list[Value] | None = None) -> Event:
    event_id = p.ledger_event_id(ORIGIN, index)
    fields = {"event_id": event_id, "stream": "ledger", "stream_position": position,
              "previous_header_digest": previous, "occurred_earliest_us": recorded_us,
              "occurred_latest_us": recorded_us, "actor": {"kind": "organisation", "id": "ledger"}, "refs": refs or []}
    return event(message, body, p.ledger_nonce(event_id), fields)


def ledger_decided_vectors(log: SmallLog, messages: dict[str, MessageType]) -> Value:
    cases: list[Value] = []
    previous = p.ZERO_DIGEST
    last = log.last_recorded_us
    events: list[tuple[str, str, int, int, Value]] = [
        ("backwards", "ClockAnomalyDetected", 12, last + 1,
         {"proposed_us": last - 5_000_000, "last_recorded_us": last, "step_us": -5_000_000}),
        ("no step seen", "ClockAnomalyDetected", 20, last + 9,
         {"proposed_us": last - 1_000_000, "last_recorded_us": last + 8, "step_us": 0}),
        ("forwards", "ClockAnomalyDetected", 2**32 + 7, last + 3_600_000_000,
         {"proposed_us": last + 3_600_000_000, "last_recorded_us": last + 9, "step_us": 3_599_000_000}),
        ("members", "ClusterMembersChanged", 2**32 + 8, last + 3_600_000_001, EXAMPLES["ClusterMembersChanged"].body),
    ]
    for position, (name, message, index, recorded, body) in enumerate(events, start=1):
        made = decided(messages[message], index, recorded, position, previous, body)
        bytes_of_leaf = leaf(recorded, made.header_bytes, None)
        cases.append({"name": name, "leaf_index": index, "recorded_at_us": recorded, "stream_position": position,
                      "previous_header_digest": previous.hex(), "event_id": made.fields["event_id"].hex(),
                      **event_case(made), "body_commitment": made.fields["body_commitment"].hex(),
                      "leaf": bytes_of_leaf.hex(), "leaf_hash": merkle.leaf_hash(bytes_of_leaf).hex()})
        previous = made.header_digest
    return {"origin": ORIGIN, "cases": cases}


# event_types.json

NEEDS_ROLE_GRANT = p.uuid7(BASE_US - 1, "administrator")


def example_event(message: MessageType) -> Event:
    example = EXAMPLES.get(message.name) or example_of(message)
    option = message.event or {}
    label = f"example of {option['type']}"
    if option.get("ledger_decided"):
        return decided(message, 0, BASE_US, 1, p.ZERO_DIGEST, example.body, example.refs)
    fields: Value = {
        "event_id": p.uuid7(BASE_US, label), "stream": "person/p-0001", "stream_position": 1,
        "previous_header_digest": p.ZERO_DIGEST, "occurred_earliest_us": BASE_US, "occurred_latest_us": BASE_US,
        "actor": {"kind": "person", "id": "p-0001"}, "refs": example.refs, **example.header,
    }
    if option.get("writer_roles"):
        fields["role_grant"] = NEEDS_ROLE_GRANT
    return event(message, example.body, p.nonce(label), fields)


def event_type_vectors(messages: dict[str, MessageType]) -> list[Value]:
    annotated = [message for message in messages.values() if message.event is not None]
    unused = set(EXAMPLES) - {message.name for message in annotated}
    if unused:
        raise ValueError(f"examples.py has examples of no event type: {sorted(unused)}")
    return [event_type_case(message) for message in sorted(annotated, key=lambda m: (m.event or {})["type"])]


def event_type_case(message: MessageType) -> Value:
    made = example_event(message)
    option = message.event or {}
    errors = event_errors(message, made.fields, made.body)
    if errors:
        raise ValueError(f"the example of {option['type']} is not valid: {'; '.join(errors)}")
    return {"name": option["type"], "schema_version": option["schema_version"],
            "ledger_decided": option.get("ledger_decided", False), **event_case(made)}


# note.json and keys.json


def flipped(text: str, position: int) -> str:
    """The text with one base64 character changed."""
    return text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1:]


def note_vectors(log: SmallLog) -> Value:
    size = len(log.leaves)
    text = note.checkpoint_text(ORIGIN, size, log.root(size))
    log_line = note.log_signature_line(ORIGIN, LOG_SEED, text)
    witness_line = note.cosignature_line(WITNESS_NAME, WITNESS_SEED, COSIGNED_AT_S, text)
    signed, cosigned = note.signed_note(text, [log_line]), note.signed_note(text, [log_line, witness_line])
    checkpoints = [checkpoint_case(log, n) for n in [0, 1, 2, 3, 8, 11, 12]]
    return {
        "origin": ORIGIN, "seed": LOG_SEED.hex(), "public_key": p.public_key(LOG_SEED).hex(),
        "key_id": note.key_id(ORIGIN, note.ED25519, p.public_key(LOG_SEED)).hex(),
        "verifier_key": note.verifier_key(ORIGIN, note.ED25519, p.public_key(LOG_SEED)),
        "size": size, "root": log.root(size).hex(), "text": text, "signature_line": log_line, "note": signed,
        "cosignature": {
            "name": WITNESS_NAME, "seed": WITNESS_SEED.hex(), "public_key": p.public_key(WITNESS_SEED).hex(),
            "key_id": note.key_id(WITNESS_NAME, note.COSIGNATURE_V1, p.public_key(WITNESS_SEED)).hex(),
            "verifier_key": note.verifier_key(WITNESS_NAME, note.COSIGNATURE_V1, p.public_key(WITNESS_SEED)),
            "time_s": COSIGNED_AT_S, "message": note.cosigned_message(COSIGNED_AT_S, text).decode(),
            "line": witness_line, "note": cosigned,
        },
        "checkpoints": checkpoints,
        "proofs": [proof_case(log, i, size, cosigned) for i in range(size)]
        + [proof_case(log, 0, 1, checkpoints[1]["note"]), proof_case(log, 2, 3, checkpoints[3]["note"])],
        "rejected": rejected_notes(text, log_line, witness_line),
    }


def checkpoint_case(log: SmallLog, size: int) -> Value:
    text = note.checkpoint_text(ORIGIN, size, log.root(size))
    return {"size": size, "root": log.root(size).hex(), "text": text,
            "note": note.signed_note(text, [note.log_signature_line(ORIGIN, LOG_SEED, text)])}


def proof_case(log: SmallLog, index: int, size: int, checkpoint: str) -> Value:
    path = merkle.inclusion(index, log.hashes[:size])
    return {"name": f"leaf {index} of {size}", "index": index, "size": size, "leaf": log.leaves[index].hex(),
            "path": hexes(path), "tlog_proof": note.tlog_proof(index, path, checkpoint)}


def rejected_notes(text: str, log_line: str, witness_line: str) -> list[Value]:
    """Notes that a verifier who knows the log's and the witness's keys must refuse."""
    other_text = flipped(text, text.rindex("\n", 0, -1) + 5)
    stranger = note.log_signature_line(ORIGIN, WITNESS_SEED, text)
    return [
        {"name": "root changed", "note": note.signed_note(other_text, [log_line])},
        {"name": "size changed", "note": note.signed_note(text.replace("\n12\n", "\n13\n"), [log_line])},
        {"name": "signature changed", "note": note.signed_note(text, [flipped(log_line, len(log_line) - 20)])},
        {"name": "cosignature changed",
         "note": note.signed_note(text, [log_line, flipped(witness_line, len(witness_line) - 20)])},
        {"name": "unknown key only", "note": note.signed_note(text, [stranger])},
        {"name": "no signature", "note": note.signed_note(text, [])},
        {"name": "no blank line", "note": text + log_line},
        {"name": "last newline lost", "note": note.signed_note(text, [log_line])[:-1]},
    ]


def key_vectors() -> list[Value]:
    out = []
    for name, start in [(ORIGIN, 96), (WITNESS_NAME, 128), ("person/p-0001", 0), ("device_unit/ICU-7", 32),
                        ("software/trainer-1", 64)]:
        key_seed = p.seed(start)
        key = p.public_key(key_seed)
        out.append({
            "name": name, "seed": key_seed.hex(), "public_key": key.hex(),
            "private_key": note.private_key(name, key_seed),
            "key_id": note.key_id(name, note.ED25519, key).hex(),
            "verifier_key": note.verifier_key(name, note.ED25519, key),
            "cosignature_key_id": note.key_id(name, note.COSIGNATURE_V1, key).hex(),
            "cosignature_verifier_key": note.verifier_key(name, note.COSIGNATURE_V1, key),
        })
    return out


def all_vectors(messages: dict[str, MessageType]) -> dict[str, Any]:
    log = SmallLog(messages)
    return {
        "merkle.json": merkle_vectors(),
        "header.json": header_vectors(),
        "body.json": body_vectors(),
        "seal.json": seal_vectors(),
        "leaf.json": leaf_vectors(log),
        "note.json": note_vectors(log),
        "cose.json": cose.cose_vectors(log),
        "evidence.json": evidence.evidence_vectors(log),
        "event_types.json": event_type_vectors(messages),
        "ledger_decided.json": ledger_decided_vectors(log, messages),
        "keys.json": key_vectors(),
        "key_history.json": key_history.key_history_vectors(messages),
        "dataset.json": dataset.dataset_vectors(),
    }
