#!/usr/bin/python3
"""Events of the interchange scenario, as `anamnesis append --jsonl` takes them: steps.py PART prints those of one
writer. Digests are of the texts given here."""

import base64
import hashlib
import json
import sys

TIME = "2026-03-02T08:00:00Z"
WEIGHTS = "weights of spleen 1.0\n"
# As a careless or hostile writer might leave it behind.
HOSTILE = "</script><script>alert(1)</script>\" , \"role\": \"prov:Agent\" \\ \u202e \u0007"
HOSTILE_SITE = "site=site:hospital \"a\" <b>&/é%2F"


def digest(text, algorithm="sha256"):
    return hashlib.new(algorithm, text.encode()).digest()


def b64(raw):
    return base64.b64encode(raw).decode()


def content(text, algorithm="SHA256", name="sha256"):
    return {"algorithm": algorithm, "value": b64(digest(text, name))}


def event(stream, kind, refs, body=None, **more):
    print(json.dumps({"stream": stream, "type": kind, "refs": refs, "body": body or {}, "occurred_at": TIME, **more}))


def maker():
    stream = "person/ada"
    event(stream, "dataset.curated", ["dataset=dataset:ct@2.2", "curator=person:ada"],
          {"source": "Task09 from http://data.example/", "dataType": "nifti", "inclusion": ["adults"],
           "selectionRationale": HOSTILE, "recordsOut": "41"})
    event(stream, "code.revision_recorded", ["code=code_revision:training@1.4"],
          {"vcs": "git", "commitId": "a26f83404b3689e9473b90563ae874b959b849ed"})
    event(stream, "soup.identified", ["soup=soup:pytorch@2.4"],
          {"soup": {"title": "PyTorch", "manufacturer": "PyTorch Foundation", "designator": "2.4", "licence": "BSD-3",
                    "digest": content("pytorch"), "anomalyList": "https://pytorch.example/issues?state=open"}})
    event(stream, "training_run.started",
          ["training_run=training_run:run-1", "dataset=dataset:ct@2.2", "code=code_revision:training@1.4",
           "soup=soup:pytorch@2.4"],
          {"purpose": "INITIAL", "hyperparameters": [{"name": "learning_rate", "value": "0.0002"}],
           "environment": [{"name": "monai", "value": "1.3"}], "hardware": "one GPU"})
    event(stream, "model.registered",
          [f"model=model:spleen@1.0#sha256:{digest(WEIGHTS).hex()}", "training_run=training_run:run-1",
           "dataset=dataset:ct@2.2", "code=code_revision:training@1.4", "soup=soup:pytorch@2.4"],
          {"task": "segmentation of the spleen", "inputSchema": "CT volume",
           "files": [{"path": "model.pt", "digest": content(WEIGHTS), "sizeBytes": str(len(WEIGHTS)),
                      "locator": "https://models.example/spleen 1.0.pt"},
                     {"path": "label.json", "digest": content("labels", "MD5", "md5")},
                     {"path": "lost.txt", "missingDigest": True}]})
    event(stream, "evaluation.completed",
          [f"model=model:spleen@1.0#sha256:{digest(WEIGHTS).hex()}", "dataset=dataset:ct@2.2",
           "evaluation=evaluation:e-1"],
          {"metrics": [{"name": "mean_dice", "value": "0.960", "ciLow": "0.951", "ciHigh": "0.968", "n": "41"},
                       {"name": "mean_dice", "value": "0.93", "subgroup": "age 65 and older", "n": "12"}],
           "thresholds": [{"name": "mean_dice", "value": "0.95"}], "result": "PASS"})
    event(stream, "device_model.registered", ["device_model=device_model:ward-ct", "manufacturer=organisation:acme"],
          {"name": "Ward CT", "intendedPurpose": "Finds the spleen", "udiDi": "04012345678901", "issuingEntity": "GS1",
           "basicUdiDi": "4012345WARDCT"})
    event(stream, "device_unit.commissioned",
          ["unit=device_unit:CT-7", "device_model=device_model:ward-ct", HOSTILE_SITE],
          {"serialNumber": "SN-0007", "udiPi": "(21)SN-0007", "jurisdiction": "DE"})


def unit():
    event("device_unit/CT-7", "artifact.activated", ["unit=device_unit:CT-7", "artifact=model:spleen@1.0"],
          {"surface": "segmentation_model"}, rationale=HOSTILE)


globals()[sys.argv[1]]()
