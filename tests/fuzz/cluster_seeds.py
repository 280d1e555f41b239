#!/usr/bin/python3
"""Writes the seeds of the fuzz targets cluster_records and peer_messages. Needs protoc."""

import hashlib
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "proto"
INTERNAL, V1 = "anamnesis/internal/peer.proto", "anamnesis/v1"


def encoded(file, message, text):
    return subprocess.run(["protoc", f"-I{PROTO}", f"--encode={message}", file], input=text.encode(), check=True,
                          stdout=subprocess.PIPE).stdout


def peer(text):
    return encoded(INTERNAL, "anamnesis.internal.PeerMessage", text)


def write(target, name, content):
    directory = HERE / "corpus" / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(content)


def literal(data):
    """Bytes in protobuf's text format."""
    return '"' + "".join(f"\\{byte:03o}" for byte in data) + '"'


def digest_of(data):
    return f"digest: {literal(hashlib.sha256(data).digest())}"


DIGEST = digest_of(b"x")
RECORD = f'session: 7 number: 1 {DIGEST} size_bytes: 1 proposer: "b"'
MEMBERS = ('incarnation: 1 voters { node: "a" address: "127.0.0.1:1" } voters { node: "b" address: "127.0.0.1:2" '
           'certificate_name: "host-b" } learners { node: "c" address: "127.0.0.1:3" } change: "\\010\\001"')
STAGED = f"session: 7 number: 1 {DIGEST} size_bytes: 1"


def records():
    def put(name, kind, content):
        write("cluster_records", name, kind.encode() + content)

    put("members", "m", encoded(INTERNAL, "anamnesis.internal.ClusterMembers", MEMBERS))
    put("order", "o", encoded(INTERNAL, "anamnesis.internal.OrderRecord", RECORD))
    put("order_key", "k", b"orders/0000000000000007/0000000000000001")
    for change, node in (("LEARNER_ADDED", 'node: "e" address: "127.0.0.1:9"'), ("PROMOTED", 'node: "d"'),
                         ("DEMOTED", 'node: "c"'), ("REMOVED", 'node: "b"'),
                         ("READDRESSED", 'node: "b" address: "127.0.0.1:9" certificate_name: "host-d"')):
        put(change.lower(), "c", encoded(f"{V1}/cluster.proto", "anamnesis.v1.ChangeMembersRequest",
                                         f'change: {change} node {{ {node} }} rationale: "why"'))
    members = 'members { incarnation: 1 voters { node: "a" } voters { node: "b" } voters { node: "c" } }'
    report = f'applied_revision: 5 {members} applied {{ session: 7 number: 1 }} staged {{ {STAGED} }}'
    put("plan", "p", encoded(f"{V1}/recovery.proto", "anamnesis.v1.RecoveryPlan",
                             f'prefix_revision: 5 prefix_holders: "a" batches {{ revision: 6 batch {{ {STAGED} }} '
                             f'holders: "b" }} base_revision: 7 {members}'))
    put("reports", "r", encoded(f"{V1}/recovery.proto", "anamnesis.v1.MakePlanRequest",
                                f'reports {{ node: "a" {report} }} reports {{ node: "b" {report} }} rationale: "why"'))


def messages():
    batch = encoded("anamnesis/internal/batch.proto", "anamnesis.internal.Batch", "proposed_us: 1")
    bytes_of = literal(batch)
    # Without a digest: the target puts the right one.
    store = f'store {{ record {{ session: 1 number: 1 proposer: "b" }} batch: {bytes_of} }}'
    state = f'revision: 1 {DIGEST} tree_size: 1 root: "{"r" * 32}"'
    seeds = {
        "store": [store, store],
        "store_other": [f'store {{ record {{ {RECORD} }} batch: "x" }}', 'store { batch: "?" }'],
        "acknowledged": [f"acknowledged {{ session: 2 number: 1 {DIGEST} }}", "acknowledged { }"],
        "fetch": [store, "fetch { session: 1 number: 1 }", "fetch { session: 9 number: 9 }"],
        "fetched": [f"fetched {{ session: 1 number: 1 batch: {bytes_of} }}", "fetched { session: 1 outcome: GONE }"],
        "applied": [f"applied {{ revision: 1 state {{ {state} }} }}", "applied { revision: 18446744073709551615 }"],
        "history": [f"digest_history {{ states {{ {state} }} states {{ {state} }} }}"],
    }
    for name, texts in seeds.items():
        parts = [peer(text) for text in texts]
        write("peer_messages", name, b"".join(len(part).to_bytes(2, "big") + part for part in parts))


if __name__ == "__main__":
    records()
    messages()
