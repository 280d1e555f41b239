"""One valid example of every event type: references, body and what else its header needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import primitives as p
from wire import Value

DAY_US = 86_400_000_000
BASE_US = 1_742_032_800_000_000  # 2025-03-15T10:00:00Z


@dataclass
class Example:
    refs: list[Value]
    body: Value
    header: Value = field(default_factory=dict)


def ref(role: str, kind: str, entity: str, version: str = "", digest: Value | None = None) -> Value:
    value: Value = {"role": role, "kind": kind, "id": entity, "version": version}
    return value if digest is None else {**value, "digest": digest}


def sha256_of(text: str) -> Value:
    return {"algorithm": "SHA256", "value": p.sha256(text.encode())}


def file_record(path: str) -> Value:
    return {"path": path, "digest": sha256_of(path), "size_bytes": 1000 + len(path),
            "locator": f"https://store.example/{path}"}


def named(**values: str) -> list[Value]:
    return [{"name": name, "value": value} for name, value in values.items()]


UNIT = ref("unit", "device_unit", "ICU-7")
MODEL = ref("model", "model", "ct-lung-segmentation", "2.1.0", sha256_of("model 2.1.0"))
DATASET = ref("dataset", "dataset", "dataset_v2.2", "2.2", sha256_of("dataset 2.2"))
CODE = ref("code", "code_revision", "seg-train", "4f2a9c1")
RUN = ref("training_run", "training_run", "tr-0042")
HOLDER = ref("holder", "person", "p-0002")
DICE: Value = {"name": "dice", "value": "0.9312", "ci_low": "0.921", "ci_high": "9.41e-1", "n": 347,
               "subgroup": "age >= 65"}

AUTHORITY: dict[str, Example] = {
    "PersonEnrolled": Example(
        [ref("person", "person", "p-0002"), ref("organisation", "organisation", "acme-cardio")],
        {"printed_name": "Jos\u00e9 Garc\u00eda-M\u00fcller", "identity_check": "DOCUMENT",
         "qualifications": ["MSc biomedical engineering", "ISO 13485 lead auditor"]}),
    "CredentialIssued": Example(
        [HOLDER],
        {"public_key": p.public_key(p.seed(32)), "purpose": "SEAL", "valid_from_us": BASE_US,
         "valid_until_us": BASE_US + 365 * DAY_US}),
    "CredentialRevoked": Example(
        [HOLDER], {"public_key": p.public_key(p.seed(32)), "effective_from_us": BASE_US + DAY_US},
        {"rationale": "The key's token was lost."}),
    "RoleGranted": Example([HOLDER], {"role": "REVIEWER", "valid_from_us": BASE_US}),
    "RoleWithdrawn": Example([HOLDER], {"role": "REVIEWER"}, {"rationale": "Left the project."}),
}

DATA: dict[str, Example] = {
    "DatasetCurated": Example(
        [DATASET, ref("source", "site", "hospital-a"), ref("curator", "person", "p-0002")],
        {"source": "Hospital A, 2024-Q4, consecutive", "data_type": "dicom", "inclusion": ["adult", "chest CT"],
         "exclusion": [{"text": "motion artefacts", "excluded": 12}, {"text": "age < 18"}],
         "diversity_criteria": ["sex", "scanner vendor"], "records_in": 359, "records_out": 347,
         "missing": ["annotator_agreement"], "selection_rationale": "As in routine use."}),
    "DatasetSealed": Example(
        [DATASET, ref("parent", "dataset", "dataset_v2.1", "2.1")],
        {"records": 347, "subjects": 301, "manifest_root": p.sha256(b"manifest"), "schema_digest": sha256_of("schema"),
         "records_added": 40, "records_removed": 3}),
}

DEVICE: dict[str, Example] = {
    "DeviceModelRegistered": Example(
        [ref("device_model", "device_model", "vent-9"), ref("manufacturer", "organisation", "acme-cardio")],
        {"name": "Vent 9", "intended_purpose": "Ventilation of adults in intensive care.",
         "basic_udi_di": "0401234VENT9ZK", "udi_di": "04012345678901", "issuing_entity": "GS1", "implantable": True,
         "nomenclature": [{"system": "emdn", "code": "Z12030101"}, {"system": "gmdn", "code": "47244"}]}),
    "DeviceUnitCommissioned": Example(
        [UNIT, ref("device_model", "device_model", "vent-9"), ref("site", "site", "hospital-a"),
         ref("baseline", "release", "vent-9-software", "3.0.1")],
        {"serial_number": "SN-000417", "udi_pi": "(21)SN-000417(11)250301", "jurisdiction": "DE"}),
    "DeviceUnitDecommissioned": Example(
        [UNIT], {"disposition": "returned to the manufacturer"}, {"rationale": "End of service life."}),
    "DeviceUnitServiced": Example(
        [UNIT, ref("engineer", "person", "p-0003"), ref("baseline", "release", "vent-9-software", "3.0.1")],
        {"kind": "STORAGE_REPLACED", "storage": "NOT_PRESERVED", "parts": ["SSD 256 GB"],
         "configuration_digest_before": p.sha256(b"configuration"),
         "configuration_digest_after": p.sha256(b"bare configuration")}),
    "ConfigurationAttested": Example(
        [UNIT],
        {"measured": [{"surface": "segmentation_model", "digest": sha256_of("model 2.1.0")},
                      {"surface": "baseline", "digest": {"algorithm": "MD5", "value": bytes(range(16))}}],
         "method": "measured boot", "covered_from_us": BASE_US - DAY_US, "covered_until_us": BASE_US,
         "nonce": bytes(range(32))}),
    "ArtifactActivated": Example(
        [UNIT, ref("artifact", "model", "ct-lung-segmentation", "2.1.0", sha256_of("model 2.1.0")),
         ref("rollback_target", "model", "ct-lung-segmentation", "2.0.0")],
        {"surface": "segmentation_model", "previous_configuration_digest": p.sha256(b"configuration"),
         "new_configuration_digest": p.sha256(b"next configuration")}),
    "ArtifactDeactivated": Example(
        [UNIT, ref("artifact", "model", "ct-lung-segmentation", "2.1.0")],
        {"surface": "segmentation_model", "reason": "DRIFT",
         "new_configuration_digest": p.sha256(b"bare configuration")}, {"rationale": "Drift above the alarm limit."}),
}

MODEL_LIFE: dict[str, Example] = {
    "CodeRevisionRecorded": Example(
        [CODE, ref("repository", "repository", "git.example/seg-train")],
        {"vcs": "git", "commit_id": "4f2a9c1d" * 5, "tree_digest": {"algorithm": "GIT_SHA1", "value": bytes(range(20))},
         "dirty": True, "path_roles": ["src/=training"], "files": [file_record("src/train.py")]}),
    "TrainingRunStarted": Example(
        [RUN, DATASET, CODE, ref("parent_model", "model", "ct-lung-segmentation", "2.0.0"),
         ref("soup", "soup", "foundation-ct", "7.2")],
        {"purpose": "FINE_TUNE", "hyperparameters": named(learning_rate="1e-4", epochs="40"),
         "environment": named(torch="2.3.1"), "hardware": "2 x A100", "missing": ["early_stopping"]}),
    "TrainingRunCompleted": Example(
        [RUN],
        {"epochs_run": 37, "stop_reason": "early stopping", "metrics": [DICE], "outputs": [file_record("model.pt")],
         "wall_time_s": 86_400, "missing": ["seed"]}),
    "ModelRegistered": Example(
        [MODEL, RUN, DATASET, CODE, ref("previous_model", "model", "ct-lung-segmentation", "2.0.0")],
        {"change_text": "Trained on 40 more cases.", "task": "lung segmentation", "files": [file_record("model.pt")],
         "missing": ["intended_use"]}),
    "EvaluationCompleted": Example(
        [MODEL, DATASET, CODE],
        {"metrics": [DICE, {"name": "hd95", "value": "3.1", "unit": "mm"}, {"name": "bias", "value": "-2.5e-3"}],
         "thresholds": named(dice=">= 0.90"), "result": "PASS", "missing": ["test_environment"]}),
    "ReleaseApproved": Example(
        [ref("release", "release", "vent-9-software", "3.1.0"), MODEL, CODE,
         ref("evidence", "evaluation", "ev-0007"), ref("evidence", "document", "release-notes", "3.1.0")],
        {"archive": [file_record("vent-9-software-3.1.0.tar")], "residual_anomalies": ["AN-12: slow start"],
         "delivery_method": "signed update", "missing": ["build_environment"]}),
    "ArtifactProduced": Example(
        [ref("artifact", "artifact", "threshold-icu-7", "5", sha256_of("thresholds 5")), MODEL,
         ref("parent", "artifact", "threshold-icu-7", "4"), RUN, DATASET, CODE, UNIT,
         ref("producer", "software", "adapter")],
        {"kind": "THRESHOLD_TABLE", "mode": "CANDIDATE", "surface": "alert_threshold",
         "files": [file_record("thresholds.json"), {"path": "legacy.bin", "missing_digest": True}],
         "parameters": [{"dimension": "spo2_low", "value": "88", "unit": "%"},
                        {"dimension": "gain", "value": "-1.25e-2"}]}),
}

RECORD: dict[str, Example] = {
    "RecordCorrected": Example(
        [],
        {"kind": "OCCURRED_AT", "occurred_earliest_us": BASE_US - 2 * DAY_US, "occurred_latest_us": BASE_US - DAY_US,
         "changes": [{"field": "occurred", "was": "2025-03-15", "is": "2025-03-13/2025-03-14"}]},
        {"corrects": p.uuid7(BASE_US - DAY_US, "corrected"), "rationale": "The day was copied from the wrong line."}),
    "DocumentReferenced": Example(
        [ref("document", "document", "sop-017", "4"), ref("about", "device_model", "vent-9"),
         ref("about", "model", "ct-lung-segmentation", "2.1.0")],
        {"title": "SOP 017 \u2013 Release of models", "digest": {"algorithm": "SHA512", "value": bytes(range(64))},
         "media_type": "application/pdf", "locator": "https://dms.example/sop-017"}),
    "ClusterMembersChanged": Example(
        [],
        {"change": "PROMOTED", "node": "node-c", "voters": [
            {"node": "node-a", "name": "ward east", "address": "10.0.0.1:7430",
             "certificate_name": "spiffe://acme.example/ledger/node/node-a"},
            {"node": "node-c", "address": "10.0.0.3:7430"}],
         "learners": [{"node": "far-1", "address": "192.0.2.7:7430"}], "revision": 4711, "incarnation": 1,
         "requested_by": {"kind": "person", "id": "p-0001"}, "rationale": "replaces node-b, whose disk failed"}),
    "ClockAnomalyDetected": Example(
        [], {"proposed_us": BASE_US - 5_000_000, "last_recorded_us": BASE_US, "step_us": -5_000_000}),
}

SIGNATURE: Value = {"meaning": "APPROVAL", "signed_at_us": BASE_US, "components": ["KEY", "PASSPHRASE"],
                    "session_id": p.sha256(b"session")[:16], "ordinal": 1}
TERMS: Value = {
    "dimensions": [
        {"name": "threshold_shift", "kind": "interval", "low": "-0.05", "high": "0.05"},
        {"name": "threshold_total", "kind": "cumulative", "high": "0.22", "of": "threshold_shift"},
        {"name": "sensitivity", "kind": "floor", "low": "0.90", "subgroup": "age >= 65", "confidence": "lower"},
        {"name": "distance", "kind": "norm_delta", "high": "0.5", "norm": "l2"},
        {"name": "activations", "kind": "rate", "high": "3", "per_period_s": 86_400},
        {"name": "local_data", "kind": "data", "symbols": ["site"], "minimum": 100, "age_max_s": 604_800},
    ],
    "jurisdiction": "EU", "site": "hospital-a", "udi_rule": "new_pi", "declared_change": "CONTRACTION"}
OBJECT = p.sha256(b"the bytes of an object")


def substrate_digest(soup: list[tuple[str, str, bytes]], runtime: list[tuple[str, str]]) -> bytes:
    """As vocabulary_device.proto says."""
    text = b""
    for name, version, digest in sorted(soup):
        for part in ("soup", name, version, "sha256:" + digest.hex()):
            text += part.encode() + b"\0"
    for name, value in sorted(runtime):
        for part in ("runtime", name, value):
            text += part.encode() + b"\0"
    return p.sha256(text)


FOUNDATION = p.sha256(b"foundation 7.2")
ADAPTATION: dict[str, Example] = {
    "EnvelopeProposed": Example(
        [ref("envelope", "envelope", "example-envelope", "1.0"), ref("item", "software_item", "example-item"),
         ref("anchor", "baseline", "example-anchor", "1.0"),
         ref("risk_control_set", "risk_control_set", "example-risk_control_set", "1.0")], {"terms": TERMS}),
    "EnvelopeApproved": Example(
        [ref("envelope", "envelope", "example-envelope", "1.0"), ref("item", "software_item", "example-item"),
         ref("anchor", "baseline", "example-anchor", "1.0"),
         ref("risk_control_set", "risk_control_set", "example-risk_control_set", "1.0"),
         ref("requirement", "requirement", "example-requirement", "1.0"),
         ref("protocol", "sandbox_protocol", "example-protocol", "1.0")],
        {"terms": TERMS, "signature": SIGNATURE}),
    "SubstrateDefined": Example(
        [ref("substrate", "substrate", "icu", "1"),
         ref("soup", "soup", "foundation", "7.2", {"algorithm": "SHA256", "value": FOUNDATION})],
        {"substrate_digest": substrate_digest([("foundation", "7.2", FOUNDATION)], [("onnxruntime", "1.17")]),
         "runtime": named(onnxruntime="1.17")}),
    "ObjectStored": Example(
        [ref("object", "object", OBJECT.hex())],
        {"sha256": OBJECT, "size_bytes": 22, "location": "https://store.example/objects"}),
}

EXAMPLES: dict[str, Example] = {**AUTHORITY, **DATA, **DEVICE, **MODEL_LIFE, **RECORD, **ADAPTATION}
