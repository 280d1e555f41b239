#!/usr/bin/python3
"""The real history of MONAI's bundles in the formats of others, read by what those formats say and held against the
file and the ledger: every relation of PROV has both its ends and nothing is generated twice, the bill of materials has
the file's digests and metrics, signatures and leaf digests are recomputed, references within a Bundle resolve.

CycloneDX's own JSON schema is asked too where it is at hand ($ANAMNESIS_SHARED_DIR/schemas/cyclonedx, with
python3-jsonschema). Skipped where the history isn't."""

import base64
import collections
import hashlib
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import harness  # noqa: E402
from harness import expect  # noqa: E402

try:
    from nacl.signing import VerifyKey
except ImportError:
    harness.skip("PyNaCl isn't here")

SHARED = os.environ.get("ANAMNESIS_SHARED_DIR", os.path.join(HERE, "..", "..", "..", "shared"))
HISTORY = os.path.join(SHARED, "data", "monai_history.jsonl")
SCHEMAS = os.path.join(SHARED, "schemas", "cyclonedx")
# What a relation of PROV-JSON is between, by the member of the document.
ENDS = {"used": {"prov:activity": "activity", "prov:entity": "entity"},
        "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
        "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity", "prov:activity": "activity"},
        "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent"},
        "actedOnBehalfOf": {"prov:delegate": "agent", "prov:responsible": "agent", "prov:activity": "activity"},
        "wasInfluencedBy": {"prov:influencee": "entity", "prov:influencer": "activity"}}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_prov(document, lineage):
    expect(set(document) <= {"prefix", "entity", "activity", "agent", *ENDS}, f"members {set(document)}")
    for kind, ends in ENDS.items():
        for name, relation in document.get(kind, {}).items():
            for member, part in ends.items():
                expect(relation[member] in document[part], f"{kind} {name}: {relation[member]} is no {part}")
    expect(not document["entity"].keys() & document["activity"].keys(), "an entity that is an activity")
    generated = collections.Counter(each["prov:entity"] for each in document.get("wasGeneratedBy", {}).values())
    expect(all(count == 1 for count in generated.values()), "something was generated twice")
    used = {(each["prov:activity"], each["prov:role"]) for each in document.get("used", {}).values()}
    used |= {(each["prov:activity"], each["prov:role"]) for each in document.get("wasAssociatedWith", {}).values()}
    for edge in lineage["edges"]:
        if edge["input"]["role"] != "on_behalf_of":
            wanted = (f"ledger:leaf/{edge['leaf']['index']}", edge["input"]["role"])
            expect(wanted in used, f"the edge {wanted} is not in the document")


def properties(thing, name):
    return [each["value"] for each in thing.get("properties", []) if each["name"] == f"anamnesis:{name}"]


def check_bom(bom, row, validator):
    if validator is not None:
        problems = [f"{list(each.path)}: {each.message[:200]}" for each in validator.iter_errors(bom)]
        expect(not problems, f"CycloneDX's schema says {problems[:5]}")
    model = bom["metadata"]["component"]
    expect((model["name"], model["version"]) == (row["bundle"], row["version"]), f"it is about {model['name']}")
    metrics = {each["type"]: each["value"] for each in
               model.get("modelCard", {}).get("quantitativeAnalysis", {}).get("performanceMetrics", [])}
    expect(metrics == {name: str(value) for name, value in (row["eval_metrics"] or {}).items()}, f"metrics {metrics}")
    files = {each["name"]: each for each in bom["components"] if each["type"] == "file"}
    for weight in row["weights"]:
        file = files[weight["path"]]
        digest = weight.get("hash_val")
        if digest and len(digest) == 32:
            expect({"alg": "MD5", "content": digest} in file["hashes"], f"{weight['path']}: {file}")
            expect(properties(file, "weakDigest"), f"{weight['path']}: its MD5 is not said to be weak")
    references = [model["bom-ref"], *(each["bom-ref"] for each in bom["components"])]
    expect(len(references) == len(set(references)), "a bom-ref that is used twice")
    expect(set(bom["dependencies"][0]["dependsOn"]) == set(references[1:]), "dependencies that are no components")
    expect(properties(model, "missing"), "a bundle of which nothing is missing")


def check_statement(envelope, key, ledger, place):
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    key.verify(b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload),
               base64.b64decode(envelope["signatures"][0]["sig"]))
    statement = json.loads(payload)
    expect(statement["_type"] == "https://in-toto.io/Statement/v1", statement["_type"])
    expect(all(each["digest"] for each in statement["subject"]) and statement["subject"], "a subject without digest")
    cited = statement["predicate"]["anamnesis_ledger"]
    for leaf in cited["leaves"]:
        proof = place.path(f"{leaf['index']}.tlog-proof")
        harness.run_well("receipt", leaf["index"], "--out", proof, "--ledger", ledger)
        with open(place.path(f"{leaf['index']}.leaf"), "rb") as file:
            expect(hashlib.sha256(file.read()).hexdigest() == leaf["leafSha256"], f"leaf {leaf['index']}: its digest")
    return statement


def texts(json_value):
    if isinstance(json_value, dict):
        for each in json_value.values():
            yield from texts(each)
    elif isinstance(json_value, list):
        for each in json_value:
            yield from texts(each)
    else:
        yield json_value


def check_bundle(bundle):
    expect(bundle["resourceType"] == "Bundle" and bundle["type"] == "collection", "no Bundle")
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    expect(len(urls) == len(set(urls)), "a resource that is there twice")
    for entry in bundle["entry"]:
        expect(UUID.fullmatch(entry["resource"]["id"]), f"the id {entry['resource']['id']}")
        expect(all(text != "" for text in texts(entry)), f"an empty string in {entry['fullUrl']}")
        if entry["resource"]["resourceType"] == "Provenance":
            expect(entry["resource"]["target"] and entry["resource"]["agent"], "a Provenance without target or agent")
    references = re.findall(r'"reference": "(urn:uuid:[^"]*)"', json.dumps(bundle))
    expect(references and set(references) <= set(urls), "a reference to what isn't there")


def bom_validator():
    if not os.path.isdir(SCHEMAS):
        print(f"NOT TESTED: the bills of materials against CycloneDX's own schema, since {SCHEMAS} isn't here")
        return None
    import jsonschema  # pylint: disable=import-outside-toplevel
    store = {}
    for name in os.listdir(SCHEMAS):
        with open(os.path.join(SCHEMAS, name), encoding="utf-8") as file:
            schema = json.load(file)
        store[schema["$id"]] = schema
    main = next(schema for name, schema in store.items() if "bom-1.6" in name)
    return jsonschema.Draft7Validator(main, resolver=jsonschema.RefResolver(main["$id"], main, store=store))


def main():
    if not os.path.exists(HISTORY):
        harness.skip(f"{HISTORY} isn't here")
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    with open(HISTORY, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    validator = bom_validator()
    with harness.Place() as place:
        ledger = f"file:{place.ledger}"
        harness.run("import", "monai", HISTORY, "--as", place.key, "--ledger", ledger)

        def export(*arguments):
            return harness.run_well("export", *arguments, "--ledger", ledger)

        # The newest version of each of a dozen bundles, and every version of one of them.
        newest = {row["bundle"]: row for row in rows}
        chosen = list(newest.values())[:12] + [row for row in rows if row["bundle"] == rows[-1]["bundle"]][-4:]
        for row in chosen:
            model = f"{row['bundle']}@{row['version']}"
            text = export("cyclonedx", model)
            check_bom(json.loads(text), row, validator)
            expect(export("cyclonedx", model) == text, f"{model}: two exports differ")
        model = f"{rows[-1]['bundle']}@{rows[-1]['version']}"
        for direction, entity in (("--up", f"model:{model}"), ("--down", f"dataset:{rows[-1]['bundle']}")):
            answer = json.loads(harness.run_well("lineage", entity, direction, "--ledger", ledger, "--json"))
            check_prov(json.loads(export("prov", entity, direction)), answer["lineage"])

        vkey = harness.run_well("key", "show", place.key).split()[-1]
        key = VerifyKey(base64.b64decode(vkey.split("+", 2)[2])[1:])
        kinds = collections.Counter()
        for index in range(0, 40):
            statement = check_statement(json.loads(export("in-toto", index, "--as", place.key)), key, ledger, place)
            kinds[statement["predicateType"]] += 1
        expect(kinds["https://slsa.dev/provenance/v1"] > 0 and kinds["anamnesis:predicate/event/v1"] > 0, f"{kinds}")

        unit = place.path("unit.jsonl")
        with open(unit, "w", encoding="utf-8") as file:
            for kind, refs, body in (
                    ("device_unit.commissioned", ["unit=device_unit:SYNTHETIC-1"],
                     {"serialNumber": "1", "jurisdiction": "DE"}),
                    ("artifact.activated", ["unit=device_unit:SYNTHETIC-1", f"artifact=model:{model}"],
                     {"surface": "segmentation_model"})):
                refs = refs + (["device_model=device_model:synthetic"] if kind.startswith("device") else [])
                file.write(json.dumps({"stream": "person/ada", "type": kind, "refs": refs, "body": body}) + "\n")
        harness.run_well("append", "--jsonl", unit, "--as", place.key, "--ledger", ledger)
        bundle = json.loads(export("fhir", "SYNTHETIC-1"))
        check_bundle(bundle)
        device = bundle["entry"][0]["resource"]
        expect([each["value"] for each in device["version"]] == [f"model {model}"], f"runs {device['version']}")
        print(f"{len(chosen)} bills of materials ({'with' if validator else 'without'} CycloneDX's schema), "
              f"Statements {dict(kinds)}")


if __name__ == "__main__":
    main()
