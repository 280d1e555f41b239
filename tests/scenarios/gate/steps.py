#!/usr/bin/python3
"""Events of the gate's scenario, as `anamnesis append --jsonl` takes them: steps.py PART [ARGUMENT...] prints those of
one writer, all at the time AT (RFC 3339; default: the scenario's). The digests are computed here as
proto/anamnesis/v1/vocabulary_device.proto and ledger/envelope/candidate.h say, by a program that shares nothing with
the ledger's."""

import base64
import datetime
import hashlib
import json
import os
import sys

TIME = os.environ.get("AT", "2026-03-02T08:00:00Z")
TIME_US = str(int(datetime.datetime.fromisoformat(TIME.replace("Z", "+00:00")).timestamp()) * 1_000_000)
YEAR_LATER_US = str(int(TIME_US) + 365 * 86_400 * 1_000_000)
PURPOSE = "Alerts on arrhythmia at the bedside"
UDI = "04012345678901"


def sha(*parts):
    return hashlib.sha256(b"".join(p if isinstance(p, bytes) else p.encode() for p in parts)).digest()


def b64(raw):
    return base64.b64encode(raw).decode()


BASELINE = sha("baseline 5")


def substrate(foundation):
    text = ""
    for field in ("soup", "foundation", foundation, "sha256:" + sha("foundation ", foundation).hex(), "runtime",
                  "onnxruntime", "1.17"):
        text += field + "\0"
    return sha(text)


def threshold_file(version):
    return os.path.join(f"artifact-{version}", "threshold.json")


def artifact_bytes(version):
    """Of the file that there is, or else a table's that nobody runs."""
    if os.path.exists(threshold_file(version)):
        with open(threshold_file(version), "rb") as file:
            return file.read()
    return f"threshold table {version}\n".encode()


def candidate(version, foundation):
    return sha("anamnesis.candidate.v1\0", sha(artifact_bytes(version)), BASELINE, substrate(foundation))


SESSIONS = 0


def signature():
    global SESSIONS
    SESSIONS += 1
    return {"meaning": "APPROVAL", "signedAtUs": TIME_US, "components": ["KEY", "PASSPHRASE"],
            "sessionId": b64(sha("session", str(SESSIONS), *sys.argv)[:16]), "ordinal": 1}


def records_of_suite():
    """What ../certify says of its suite. A scenario, which runs a copy of this file, has no need of it."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "certify"))
    import records
    return records


def event(stream, kind, refs, body=None, **more):
    print(json.dumps({"stream": stream, "type": kind, "refs": refs, "body": body or {}, "occurred_at": TIME, **more}))


def ada(kind, refs, body=None, **more):
    event("person/ada", kind, refs, body, **more)


def organisation(suite=""):
    """Items, baseline, units, controls, test cases; by the administrator. `suite`: the directory of a suite that can be
    run (../certify), instead of test cases that are only named."""
    item = {"name": "alert", "level": "ITEM", "trainability": "TRAINABLE"}
    ada("device_model.registered", ["device_model=device_model:monitor"],
        {"name": "Bedside monitor", "intendedPurpose": PURPOSE, "udiDi": UDI})
    ada("software_item.identified", ["item=software_item:alert", "device_model=device_model:monitor"], item)
    ada("safety_class.assigned", ["item=software_item:alert"], {"safetyClass": "SOFTWARE_SAFETY_CLASS_C"})
    ada("software_item.identified", ["item=software_item:gate", "governs=software_item:alert"],
        {"name": "gate", "level": "ITEM", "trainability": "FIXED"})
    ada("safety_class.assigned", ["item=software_item:gate"], {"safetyClass": "SOFTWARE_SAFETY_CLASS_C"})
    ada("adaptation_surface.identified", ["surface=adaptation_surface:alert-threshold", "item=software_item:alert"],
        {"kind": "THRESHOLD", "mutableBy": "the device itself", "surface": "alert_threshold"})
    soup = {"title": "foundation", "manufacturer": "maker", "designator": "7.2"}
    ada("soup.identified", ["soup=soup:foundation@7.2"], {"soup": soup})
    substrate_defined("1", "7.2")
    ada("baseline.established", ["baseline=baseline:base@5", "device_model=device_model:monitor",
                                 "member=software_item:alert"],
        {"baselineDigest": b64(BASELINE), "signature": signature()})
    for unit, country, site in (("ICU-1", "US", "boston"), ("ICU-2", "DE", "berlin")):
        ada("device_unit.commissioned", [f"unit=device_unit:{unit}", "device_model=device_model:monitor",
                                         f"site=site:{site}", "baseline=baseline:base@5"],
            {"serialNumber": unit, "jurisdiction": country})
        ada("substrate.installed", [f"unit=device_unit:{unit}", "substrate=substrate:icu@1"])
    records = records_of_suite() if suite else None
    controls = {name: name for name in records.CONTROLS} if suite else {"low-confidence": "alert on low confidence"}
    for control, text in controls.items():
        ada("risk_control.defined", [f"control=risk_control:{control}", "depends_on=software_item:alert"],
            {"content": {"kind": "PROTECTIVE_MEASURE", "text": text, "inSoftware": True}})
    ada("risk_control_set.versioned", ["set=risk_control_set:controls@1", "item=software_item:alert"] +
        [f"member=risk_control:{control}" for control in controls], {"setDigest": b64(sha("controls"))})
    if suite:
        for case in records.CASES:
            ada("test_case.approved", [f"test_case=test_case:{case}", "item=software_item:alert"],
                records.test_case(suite, case))
        return
    for case, level in (("unit", "UNIT"), ("integration", "INTEGRATION"), ("system", "SYSTEM")):
        ada("test_case.approved", [f"test_case=test_case:{case}@1", "item=software_item:alert"],
            {"level": level, "procedure": "run the suite", "expected": "as before"})


def substrate_defined(version, foundation):
    digest = sha("foundation ", foundation).hex()
    ada("substrate.defined",
        [f"substrate=substrate:icu@{version}", f"soup=soup:foundation@{foundation}#sha256:{digest}"],
        {"substrateDigest": b64(substrate(foundation)), "runtime": [{"name": "onnxruntime", "value": "1.17"}]})


def certifier_person(suite=""):
    """The protocol, and the delegation under which the certifier's software certifies. `suite`: as above."""
    if suite:
        records = records_of_suite()
        cases, body = list(records.CASES), records.protocol(signature())
    else:
        cases = ["unit@1", "integration@1", "system@1"]
        body = {"suites": [{"safetyClass": "SOFTWARE_SAFETY_CLASS_C", "testCases": cases}],
                "isolationRequirements": ["network", "clinical_path", "host"], "signature": signature()}
    event("person/carl", "sandbox_protocol.approved",
          ["protocol=sandbox_protocol:suite@1"] + [f"test_case=test_case:{case}" for case in cases], body)
    event("person/carl", "authority.delegated",
          ["delegation=delegation:d1", "from=person:carl", "to=software:certifier"],
          {"role": "CERTIFIER", "validUntilUs": YEAR_LATER_US, "signature": signature()})


def envelope(name, bound, jurisdiction=""):
    dimensions = [{"name": "threshold_shift", "kind": "interval", "low": "-" + bound, "high": bound}]
    if not jurisdiction:
        dimensions.append({"name": "threshold_total", "kind": "cumulative", "of": "threshold_shift", "high": "0.22"})
    ada("envelope.approved", [f"envelope=envelope:{name}@1", "item=software_item:alert", "anchor=baseline:base@5",
                              "risk_control_set=risk_control_set:controls@1", "protocol=sandbox_protocol:suite@1"],
        {"terms": {"dimensions": dimensions, "jurisdiction": jurisdiction, "udiRule": "none"},
         "signature": signature()})


def regulatory():
    def rita(kind, refs, body):
        event("person/rita", kind, refs, body)
    for jurisdiction, regime, regulatory_class, kind, number in (("US", "qmsr", "II", "510k", "K261234"),
                                                                 ("EU", "mdr", "IIb", "mdr_annex_ix", "NB-0123-77")):
        rita("regulatory_commitment.declared", ["device_model=device_model:monitor"],
             {"jurisdiction": jurisdiction, "regime": regime, "regulatoryClass": regulatory_class})
        rita("authorisation.granted", [f"authorisation=authorisation:{number}@1", "device_model=device_model:monitor"],
             {"terms": {"jurisdiction": jurisdiction, "kind": kind, "number": number, "authority": "authority",
                        "regulatoryClass": regulatory_class, "udiDi": [UDI], "intendedPurposeDigest": b64(sha(PURPOSE)),
                        "changeClassesAllowed": ["threshold_table"] if jurisdiction == "EU" else [],
                        "validFromUs": "1767225600000000"}})
    rita("change_plan.authorised", ["change_plan=change_plan:pccp@1", "authorisation=authorisation:K261234@1",
                                    "protocol=sandbox_protocol:suite@1"],
         {"terms": {"instrument": "US_PCCP", "jurisdiction": "US", "intendedPurposeDigest": b64(sha(PURPOSE)),
                    "modifications": [
             {"id": "m1", "text": "shift of the alert threshold", "changeClass": "threshold_table",
              "dimensions": ["threshold_shift"], "extent": "LOCAL", "mode": "AUTOMATIC",
              "dataManagement": ["local data of the unit's site"], "retraining": ["none: one number is set"],
              "performanceEvaluation": ["the suite for the item's class"],
              "updateProcedures": ["the gate, with the baseline as fallback"],
              "bounds": [{"dimension": "threshold_shift", "low": "-0.05", "high": "0.05"}]}]}})


def produced(version, shift, foundation="7.2", parent="", mode="CANDIDATE", person="eve"):
    digest = sha(artifact_bytes(version))
    path = "threshold.json" if os.path.exists(threshold_file(version)) else "table.txt"
    refs = [f"artifact=artifact:shift@{version}", "unit=device_unit:ICU-1", "envelope=envelope:threshold@1",
            "item=software_item:alert", "surface=adaptation_surface:alert-threshold"]
    event("software/tuner", "artifact.produced", refs + ([f"parent=artifact:shift@{parent}"] if parent else []),
          {"kind": "THRESHOLD_TABLE", "mode": mode, "surface": "alert_threshold",
           "files": [{"path": path, "digest": {"algorithm": "SHA256", "value": b64(digest)}}],
           "parameters": [{"dimension": "threshold_shift", "value": shift}], "baselineDigest": b64(BASELINE),
           "substrateDigest": b64(substrate(foundation)), "localDataCommitment": b64(sha("local data")),
           "localDataRecords": "120"}, on_behalf_of=f"person:{person}")
    event("software/tuner", "object.stored", [f"object=object:{digest.hex()}"],
          {"sha256": b64(digest), "location": "objects"}, on_behalf_of=f"person:{person}")


def verified(version, foundation="7.2", without=""):
    """Test runs, controls, sandbox and certification, by the certifier's software."""
    def certifier(kind, refs, body):
        event("software/certifier", kind, refs, body)
    tested = b64(candidate(version, foundation))
    runs = []
    for case, level in (("unit", "UNIT"), ("integration", "INTEGRATION"), ("system", "SYSTEM")):
        body = {"level": level, "result": "PASS", "configurationDigest": tested, "testConfiguration": "sandbox",
                "tools": ["harness 1"]}
        if level == "UNIT":
            body["unitCriteria"] = ["boundaries"]
        certifier("test_run.completed", [f"test_run=test_run:{case}-{version}", f"test_case=test_case:{case}@1",
                                         "item=software_item:alert", f"verified=artifact:shift@{version}",
                                         "tester=software:certifier"], body)
        runs.append(f"test_run=test_run:{case}-{version}")
    for aspect in ("IMPLEMENTATION", "EFFECTIVENESS"):
        if aspect != without:
            certifier("risk_control.verified",
                      ["control=risk_control:low-confidence", f"verified=artifact:shift@{version}",
                       "tester=software:certifier"],
                      {"aspect": aspect, "result": "PASS", "configurationDigest": tested})
    certifier("sandbox_run.completed", [f"sandbox_run=sandbox_run:run-{version}", f"artifact=artifact:shift@{version}",
                                        "protocol=sandbox_protocol:suite@1"] + runs,
              {"environmentDigest": b64(sha("environment")), "result": "PASS", "controlsExercised": ["low-confidence"],
               "isolation": [{"aspect": a, "isolated": True} for a in ("network", "clinical_path", "host")]})
    certifier("certification.issued", [f"certification=certification:cert-{version}",
                                       f"artifact=artifact:shift@{version}",
                                       f"sandbox_run=sandbox_run:run-{version}", "envelope=envelope:threshold@1",
                                       "protocol=sandbox_protocol:suite@1",
                                       "risk_control_set=risk_control_set:controls@1",
                                       "delegation=delegation:d1", "control=risk_control:low-confidence"],
              {"state": {"artifactDigest": b64(sha(artifact_bytes(version))), "baselineDigest": b64(BASELINE),
                         "substrateDigest": b64(substrate(foundation))},
               "processProfile": "IEC 62304:2006+A1:2015", "safetyClass": "SOFTWARE_SAFETY_CLASS_C",
               "validFromUs": TIME_US})


def effectiveness(version, foundation="7.2"):
    event("software/certifier", "risk_control.verified",
          ["control=risk_control:low-confidence", f"verified=artifact:shift@{version}", "tester=software:certifier"],
          {"aspect": "EFFECTIVENESS", "result": "PASS", "configurationDigest": b64(candidate(version, foundation))})


def soup_update(unit):
    ada("soup.version_changed", ["soup=soup:foundation@7.3", "previous=soup:foundation@7.2"],
        {"soup": {"title": "foundation", "manufacturer": "maker", "designator": "7.3"}, "changeText": "new weights"})
    substrate_defined("2", "7.3")
    ada("substrate.installed", [f"unit=device_unit:{unit}", "substrate=substrate:icu@2"])


PARTS = {"organisation": organisation, "certifier_person": certifier_person, "envelope": envelope,
         "regulatory": regulatory, "produced": produced, "verified": verified, "effectiveness": effectiveness,
         "soup_update": soup_update}

if __name__ == "__main__":
    PARTS[sys.argv[1]](*sys.argv[2:])
