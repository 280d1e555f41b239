#!/usr/bin/python3
"""Writes the seeds of the fuzz targets operator_requests and recovery_requests. Needs protoc."""

from cluster_seeds import STAGED, V1, digest_of, encoded, literal, write

MEMBERS = 'members { incarnation: 1 voters { node: "a" } voters { node: "b" } voters { node: "c" } }'
REPORT = f'origin: "test.example/ledger" applied_revision: 5 {MEMBERS} applied {{ session: 7 number: 1 }}'
PLAN = f'plan {{ prefix_holders: "a" base_revision: 7 {MEMBERS} %s }}'
BATCH = f'batches {{ revision: 6 batch {{ {STAGED} }} holders: "b" }}'
# What a client of a later version might send.
LATER = b"\x7a\x03abc"


def operators():
    def put(name, kind, message, text):
        file = {"b": "backup", "l": "backup", "d": "backup", "c": "cluster", "m": "cluster", "s": "scrub"}
        write("operator_requests", name,
              kind.encode() + encoded(f"{V1}/{file.get(kind, 'witness')}.proto", f"anamnesis.v1.{message}", text))

    put("backup", "b", "CreateBackupRequest", "")
    put("backup_keep", "b", "CreateBackupRequest", "keep: 4294967295")
    put("backups", "l", "ListBackupsRequest", "")
    put("drop", "d", "DropBackupsRequest", "generations: 0 generations: 0")
    put("drop_erased", "d", "DropBackupsRequest", "holding_erased_bodies: true")
    put("drop_unknown", "d", "DropBackupsRequest", "generations: 4294967295")
    put("drop_all", "d", "DropBackupsRequest", "generations: 0 generations: 1 generations: 2")
    put("cluster", "c", "GetClusterStatusRequest", "")
    put("members", "m", "ChangeMembersRequest", 'change: REMOVED node { node: "b" } rationale: "why"')
    put("scrub", "s", "GetScrubStatusRequest", "")
    put("checkpoint", "w", "GetWitnessedCheckpointRequest", "tree_size_min: 5 wait: true")
    put("checkpoint_beyond", "w", "GetWitnessedCheckpointRequest", "tree_size_min: 18446744073709551615 wait: true")
    put("receipt", "r", "GetWitnessedReceiptRequest", "index: 33 wait: true")
    put("receipt_beyond", "r", "GetWitnessedReceiptRequest", "index: 18446744073709551615 wait: true")
    put("witnesses", "t", "GetWitnessStatusRequest", "")
    for kind in "blcst":
        write("operator_requests", f"later_{kind}", kind.encode() + LATER)


def recovery():
    def request(kind, message, text):
        if kind == "u":
            data = encoded("anamnesis/internal/catch_up.proto", "anamnesis.internal.CatchUpRequest", text)
        else:
            data = encoded(f"{V1}/recovery.proto", f"anamnesis.v1.{message}", text)
        return kind.encode() + len(data).to_bytes(2, "big") + data

    def put(name, *requests):
        write("recovery_requests", name, b"".join(request(*each) for each in requests))

    batch = encoded("anamnesis/internal/batch.proto", "anamnesis.internal.Batch", "proposed_us: 1")
    name = f"session: 7 number: 1 {digest_of(batch)} size_bytes: {len(batch)}"
    staged = ("p", "PutStagedRequest", f"name {{ {name} }} batch: {literal(batch)}")
    got = ("g", "GetStagedRequest", "session: 7 number: 1")
    asked = ("r", "GetReportRequest", "")
    put("report", asked)
    put("staged", staged, got, asked)
    put("not_staged", got)
    put("other_bytes", ("p", "PutStagedRequest", f'name {{ {STAGED} }} batch: "y"'))
    put("no_batch", ("p", "PutStagedRequest", f'name {{ {STAGED} }} batch: "x"'))
    put("no_digest", ("p", "PutStagedRequest", 'name { session: 7 number: 1 } batch: "x"'))
    put("plan", ("m", "MakePlanRequest", f'reports {{ node: "a" {REPORT} }} reports {{ node: "b" {REPORT} '
                                         f'staged {{ {STAGED} }} }} rationale: "why"'))
    put("no_rationale", ("m", "MakePlanRequest", ""))
    put("catch_up", ("c", "RecoveryCatchUpRequest", "revision: 9"))
    put("follow", staged, ("f", "FollowPlanRequest", PLAN % f'batches {{ revision: 6 batch {{ {name} }} }}'))
    put("follow_members", ("f", "FollowPlanRequest", PLAN % 'change: "\\010\\001"'))
    put("follow_without_batch", ("f", "FollowPlanRequest", PLAN % BATCH))
    put("follow_descending", ("f", "FollowPlanRequest", PLAN % (BATCH + " " + BATCH)))
    put("found", ("e", "FoundEtcdRequest", PLAN % BATCH))
    put("finish", ("d", "FinishRecoveryRequest", ""))
    here = 'origin: "test.example/ledger" node: "b"'
    put("copy", ("u", "", here))
    put("copy_rest", ("u", "", f"{here} tree_size: 80"), ("u", "", f"{here} tree_size: 87"))
    put("copy_beyond", ("u", "", f"{here} tree_size: 18446744073709551615"))
    put("copy_stranger", ("u", "", 'origin: "test.example/ledger" node: "z"'))
    put("copy_other", ("u", "", 'origin: "other.example" node: "b"'))


if __name__ == "__main__":
    operators()
    recovery()
