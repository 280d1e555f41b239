#!/usr/bin/python3
"""Writes the seeds of the fuzz targets that take a request: tests/fuzz/corpus/TARGET/NAME.

Requests are written here in protobuf's text format; what they name (streams, units, keys) is in the ledger that
tests/fuzz/small_ledger.h makes. Runs without a seal are sealed by the target. Needs protoc and PyNaCl.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

HERE = Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto"
sys.path.insert(0, str(HERE.parent / "golden"))
import events  # noqa: E402
import primitives  # noqa: E402

ORIGIN = "test.example/ledger"
START_S = 1742036400
FOUNDER, REVOKED = (hashlib.sha256(b"key//%d" % seed).digest() for seed in (1, 2))
UNIT = 'refs { role: "unit" kind: "device_unit" id: "%s" } '
DEVICE_MODEL = 'refs { role: "device_model" kind: "device_model" id: "m" } '
MODEL = 'refs { role: "artifact" kind: "model" id: "m" version: "2" } '


def load():
    """The messages of the vocabulary and the services, by name."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "set"
        subprocess.run(["protoc", f"-I{PROTO}", "--include_imports", "-o", out, "anamnesis/v1/ledger.proto",
                        "anamnesis/v1/vocabulary.proto", "anamnesis/v1/question.proto",
                        "anamnesis/v1/object.proto", "anamnesis/v1/receipt.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return lambda name: factory.GetPrototype(pool.FindMessageTypeByName("anamnesis.v1." + name))


MESSAGE = load()


def made(name, text):
    return text_format.Parse(text, MESSAGE(name)())


def escaped(data):
    return text_format.text_encoding.CEscape(data, False)


def run(*drafts):
    """A run of (type, header's text, body's message, body's text) without what the target fills in."""
    whole = MESSAGE("Run")()
    for kind, header, body, content in drafts:
        whole.headers.append(made("EventHeader", f'type: "{kind}" {header}').SerializeToString())
        whole.bodies.add(content=made(body, content).SerializeToString())
    return whole


def sealed_run(stream, document):
    """One event as a writer sends it, complete and signed."""
    nonce = hashlib.sha256(document.encode()).digest()
    body = made("DocumentReferenced", f'title: "{document}"').SerializeToString()
    header = made("EventHeader", 'type: "document.referenced" schema_version: 1 actor { kind: "person" id: "ada" } '
                  f'refs {{ role: "document" kind: "document" id: "{document}" }}')
    header.event_id = primitives.uuid7(START_S * 10**6, document)
    header.stream, header.stream_position, header.previous_header_digest = stream, 1, bytes(32)
    header.occurred_earliest_us = header.occurred_latest_us = START_S * 10**6
    header.body_size, header.body_commitment = len(body), primitives.body_commitment(nonce, body)
    whole = MESSAGE("Run")(headers=[header.SerializeToString()])
    whole.bodies.add(nonce=nonce, content=body)
    seal = events.seal_run(ORIGIN, stream, 1, list(whole.headers), FOUNDER, START_S * 10**6)
    whole.seal.statement, whole.seal.signature = seal.statement, seal.signature
    return whole


def event_id(stream, number):
    """The id of the `number`th event that the founder wrote to `stream` (DerivedId in tests/support)."""
    name = f"{stream}{primitives.public_key(FOUNDER).hex()}"
    random = hashlib.sha256(f"id/{name}/{number}".encode()).digest()[:10]
    return primitives.with_version((START_S * 1000 + number).to_bytes(6, "big") + random, 7)


def document(name, header=""):
    return ("document.referenced", f'refs {{ role: "document" kind: "document" id: "{name}" }} {header}',
            "DocumentReferenced", 'title: "t"')


def activation(unit, header=""):
    return ("artifact.activated", UNIT % unit + MODEL + header, "ArtifactActivated", 'surface: "threshold"')


def runs():
    """By name: the runs of one request."""
    commission = ("device_unit.commissioned", UNIT % "ICU-9" + DEVICE_MODEL, "DeviceUnitCommissioned",
                  'serial_number: "9" jurisdiction: "DE"')
    enrol = ("person.enrolled", 'refs { role: "person" kind: "person" id: "eve" }', "PersonEnrolled",
             'printed_name: "Eve" identity_check: DOCUMENT')
    key = primitives.public_key(hashlib.sha256(b"another").digest())
    issue = ("credential.issued", 'refs { role: "holder" kind: "person" id: "ada" }', "CredentialIssued",
             f'public_key: "{escaped(key)}" purpose: SEAL')
    retract, retract_nothing = (
        ("record.corrected", f'rationale: "wrong" corrects: "{escaped(id)}"', "RecordCorrected", "kind: RETRACTED")
        for id in (event_id("units", 2), primitives.uuid7(0, "nothing")))
    forged = sealed_run("forged", "forged")
    forged.seal.signature = bytes(64)
    return {
        "signed": [sealed_run("signed", "signed")],
        "forged": [forged],
        "one": [run(document("one"))],
        "three_in_a_run": [run(document("a"), document("b"), document("c"))],
        "two_runs": [run(document("x", 'stream: "first"')), run(document("y", 'stream: "second"'))],
        "unit": [run(commission, activation("ICU-9"))],
        "late": [run(activation("ICU-1", f"occurred_earliest_us: {START_S - 100}000000 "
                                         f'occurred_latest_us: {START_S - 99}000000 late_reason: "no network"'))],
        "person": [run(enrol)],
        "credential": [run(issue)],
        "retracts": [run(retract)],
        "retracts_nothing": [run(retract_nothing)],
        "gap": [run(document("gap", "stream_position: 9"))],
        "empty_run": [MESSAGE("Run")()],
    }


def with_stream_sequences(runs_of_request):
    request = MESSAGE("AppendStreamRequest")()
    for number, one in enumerate(runs_of_request, 7):
        request.submissions.add(sequence=number, run=one)
    return request


REQUESTS = {
    "read": ("ReadRequest", {
        "everything": "",
        "bodies": "include_bodies: true limit: 3",
        "newest": "direction: BACKWARDS limit: 5",
        "stream": 'stream: "units" include_bodies: true',
        "type": 'type: "artifact.activated" direction: BACKWARDS',
        "from": "from: 64 limit: 64",
        "follow": "follow: true from: 80",
        "follow_limited": 'follow: true limit: 2 stream: "units"',
        "beyond": "from: 100000",
        "both": 'stream: "units" type: "artifact.activated"',
    }),
    "get_event": ("GetEventRequest", {
        "first": "index: 0", "some": "index: 20", "beyond": "index: 18446744073709551615",
        "id": f'event_id: "{escaped(event_id("units", 1))}"',
        "unknown_id": f'event_id: "{escaped(bytes(range(16)))}"', "short_id": 'event_id: "x"',
    }),
    "get_stream_head": ("GetStreamHeadRequest", {
        "units": 'stream: "units"', "founder": 'stream: "person/ada"', "none": 'stream: "nobody/wrote"', "empty": "",
    }),
    "get_credential": ("GetCredentialRequest", {
        "founder": f'public_key: "{escaped(primitives.public_key(FOUNDER))}"',
        "revoked": f'public_key: "{escaped(primitives.public_key(REVOKED))}"',
        "unknown": f'public_key: "{escaped(bytes(range(32)))}"', "empty": "",
    }),
    "get_configuration": ("GetConfigurationRequest", {
        "then_and_now": f'unit: "ICU-1" at {{ seconds: {START_S - 10} }}',
        "between": f'unit: "ICU-1" at {{ seconds: {START_S - 45} nanos: 500000000 }}',
        "known_time": f'unit: "ICU-1" at {{ seconds: {START_S} }} known_time {{ seconds: {START_S} nanos: 5000000 }}',
        "known_size": f'unit: "ICU-1" at {{ seconds: {START_S - 60} }} known_size: 14',
        "corrected": f'unit: "ICU-2" at {{ seconds: {START_S + 3600} }}',
        "unknown_unit": f'unit: "X" at {{ seconds: {START_S} }}',
        "too_large": f'unit: "ICU-1" at {{ seconds: {START_S} }} known_size: 1000000',
        "no_time": 'unit: "ICU-1"',
        "far_off": 'unit: "ICU-1" at { seconds: -9223372036854775808 nanos: -1 }',
        "compare_times": f'unit: "ICU-1" at {{ seconds: {START_S - 10} }} compare_at {{ seconds: {START_S - 60} }}',
        "compare_known": f'unit: "ICU-2" at {{ seconds: {START_S + 3600} }} known_size: 14 compare_known_size: 60',
        "compare_both": f'unit: "ICU-1" at {{ seconds: {START_S - 60} }} compare_at {{ seconds: {START_S} }} '
                        f'compare_known_time {{ seconds: {START_S} nanos: 5000000 }}',
        "compare_with_nothing": f'unit: "ICU-1" at {{ seconds: {START_S} }} compare_known_size: 0',
        "compare_too_large": f'unit: "ICU-1" at {{ seconds: {START_S} }} compare_known_size: 1000000',
        "compare_far_off": f'unit: "ICU-1" at {{ seconds: {START_S} }} compare_at {{ nanos: -1 }}',
    }),
    "get_receipt": ("GetReceiptRequest", {
        "first": "", "some": "index: 33", "last": "index: 86", "beyond": "index: 9223372036854775808",
    }),
    "get_receipts": ("GetReceiptsRequest", {
        "nothing": "", "both_forms": "indexes: 3 indexes: 86 include_cose: true include_bodies: true",
        "by_id": f'event_ids: "{escaped(event_id("people", 1))}" include_cose: true indexes: 0',
        "older": "older_sizes: 1 older_sizes: 64 older_sizes: 87 include_cose: true", "no_older": "older_sizes: 0",
        "larger": "older_sizes: 88", "beyond": "indexes: 18446744073709551615", "no_id": 'event_ids: "x"',
        "unknown_id": 'event_ids: "0123456789abcdef"', "too_many": "indexes: 0 " * 257,
    }),
    "get_consistency_proof": ("GetConsistencyProofRequest", {
        "grown": "from_size: 5 to_size: 64", "same": "from_size: 7 to_size: 7", "from_nothing": "to_size: 3",
        "backwards": "from_size: 9 to_size: 8", "beyond": "from_size: 1 to_size: 18446744073709551615",
    }),
}
ARTIFACT = '{ kind: "artifact" id: "shift" version: "1" }'
ITEM = '{ kind: "software_item" id: "alert" }'
AT = f"{{ seconds: {START_S + 60} }}"
# About the story of tests/support/gate_world.h.
QUESTIONS = {
    "findings": "findings { }", "policy": "policy { kind: GATE }", "trace": f"trace {{ subject {ITEM} }}",
    "completeness": f"completeness {{ item {ITEM} safety_class: SOFTWARE_SAFETY_CLASS_C }}",
    "clause_index": f'clause_index {{ clause: "IEC 62304 5.7.5" item {ITEM} }}',
    "clause_index_leaf": "clause_index { leaf: 30 }", "contemporaneity": "contemporaneity { all: true }",
    "specificity": 'specificity { record { kind: "test_run" id: "unit-1" } }',
    "clocks": f'clocks {{ incident {{ kind: "problem" id: "p" }} at {AT} utc_offset_minutes: 60 }}',
    "sequencing": f"sequencing {{ item {ITEM} }}", "closure_audit": f"closure_audit {{ entity {ITEM} limit: 10 }}",
    "coverage": f'coverage {{ unit: "ICU-1" from {{ seconds: {START_S} }} until {AT} }}',
    "retention": f'retention {{ device_model {{ kind: "device_model" id: "monitor" }} at {AT} }}',
    "erasure_report": 'erasure_report { about { kind: "subject" id: "s" } limit: 3 }',
    "who_knew": f"who_knew {{ entity {ITEM} at {AT} }}", "training_runs": f"training_runs {{ at {AT} }}",
    "monitoring": f'monitoring {{ unit: "ICU-1" at {AT} }}',
    "explain": 'explain { entity { kind: "model" id: "m" version: "1" } }',
    "lineage_up": f"lineage {{ direction: UP entity {ARTIFACT} }}",
    "lineage_down": 'lineage { direction: DOWN entity { kind: "soup" id: "foundation" version: "7.2" } }',
    "diff": f'diff {{ x {ARTIFACT} y {{ kind: "artifact" id: "shift" version: "2" }} }}',
    "where": f"where {{ entity {ARTIFACT} at {AT} }}",
    "status": 'status { entity { kind: "device_unit" id: "ICU-1" } }', "lint": "lint { }",
    "gate": f'gate {{ artifact {ARTIFACT} unit: "ICU-1" '
            f'rollback_target {{ kind: "baseline" id: "base" version: "5" }} }}',
    "gate_at": f'gate {{ artifact {ARTIFACT} unit: "ICU-2" jurisdiction: "DE" at {AT} }}',
    "gate_replay": 'gate_replay { decision: "x" }', "standing": "standing { all: true }", "adoption": "adoption { }",
    "artifact": f"artifact {{ artifact {ARTIFACT} }}", "known_size": "known_size: 20 standing { all: true }",
    "nothing": "", "too_large": "known_size: 100000 lint { }",
}
CONTENT = b"threshold table 1\n"
START = f'start {{ sha256: "{escaped(hashlib.sha256(CONTENT).digest())}" size_bytes: %d offset: %d }}'
CHUNK = f'chunk: "{escaped(CONTENT)}"'
UPLOADS = {
    "whole": [START % (18, 0), CHUNK], "in_two": [START % (18, 0), 'chunk: "threshold "', 'chunk: "table 1\\n"'],
    "begun": [START % (18, 0), 'chunk: "threshold "'], "resumed": [START % (18, 10), 'chunk: "table 1\\n"'],
    "other_bytes": [START % (3, 0), 'chunk: "abc"'], "too_many": [START % (4, 0), CHUNK], "no_start": [CHUNK],
    "too_large": [START % (1 << 40, 0)], "two_starts": [START % (18, 0)] * 2, "no_digest": ["start { size_bytes: 1 }"],
    "empty": ['start { sha256: "' + escaped(hashlib.sha256(b"").digest()) + '" }'], "nothing": [],
}
# Requests without fields: what a client of a later version might send.
LATER = {"empty": b"", "unknown_field": b"\x0a\x03abc\x10\x01"}


def uploads(*messages):
    """As object_fuzz.cc reads them."""
    encoded = [made("PutObjectRequest", text).SerializeToString() for text in messages]
    return b"".join(len(each).to_bytes(2, "big") + each for each in encoded)


def main():
    seeds = {target: {name: made(kind, text).SerializeToString() for name, text in texts.items()}
             for target, (kind, texts) in REQUESTS.items()}
    seeds["append"] = {name: MESSAGE("AppendRequest")(runs=one).SerializeToString() for name, one in runs().items()}
    seeds["append_stream"] = {name: with_stream_sequences(one).SerializeToString() for name, one in runs().items()}
    seeds["append"]["too_many"] = b"\x0a\x00" * 257
    seeds["append_stream"]["too_many"] = b"\x0a\x00" * 257
    seeds["ask"] = {name: made("Question", text).SerializeToString() for name, text in QUESTIONS.items()}
    seeds["object"] = {name: uploads(*messages) for name, messages in UPLOADS.items()}
    seeds["get_status"] = seeds["get_checkpoint"] = LATER
    for target, named in seeds.items():
        directory = HERE / "corpus" / target
        directory.mkdir(parents=True, exist_ok=True)
        for name, data in named.items():
            (directory / name).write_bytes(data)


if __name__ == "__main__":
    main()
