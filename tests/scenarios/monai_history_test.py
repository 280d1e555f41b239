#!/usr/bin/python3
"""The real history of MONAI's bundles, imported: what the lints find is what a plain reading of the file finds, every
explanation names what bundles never record, and what led to the newest version is found down from its data.

Skipped where the history isn't at hand."""

import collections
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import harness  # noqa: E402

HISTORY = os.path.join(os.environ.get("ANAMNESIS_SHARED_DIR", os.path.join(HERE, "..", "..", "..", "shared")), "data",
                       "monai_history.jsonl")
# As client/importers/weight_files.cc has them.
WEIGHTS = (".pt", ".pth", ".ts", ".onnx", ".ckpt", ".safetensors", ".h5", ".hdf5", ".pb", ".trt", ".engine", ".bin")


def weights_of(row):
    """Hash by path; None where nothing tells the bytes."""
    blobs = {file["path"]: file["blob"] for file in row["files"]}
    hashes = {weight["path"]: weight.get("hash_val") or blobs.get(weight["path"]) for weight in row["weights"]}
    for path, blob in blobs.items():
        if path.endswith(WEIGHTS):
            hashes.setdefault(path, blob)
    return hashes


def same_weights(before, after):
    old, new = weights_of(before), weights_of(after)
    known = old and new and all(old.values()) and all(new.values())
    return known and sorted(old.values()) == sorted(new.values())


def metrics_of(row):
    return {name: str(value) for name, value in (row["eval_metrics"] or {}).items()}


def changed_files(before, after):
    old, new = ({file["path"]: file["blob"] for file in row["files"]} for row in (before, after))
    return [path for path in old.keys() | new.keys() if old.get(path) != new.get(path)]


def expected_lints(rows):
    by_version = {(row["bundle"], row["version"]): row for row in rows}
    found = collections.Counter()
    for row in rows:
        before = by_version.get((row["bundle"], row["prev_version"]))
        if before is None:
            continue
        old, new = metrics_of(before), metrics_of(row)
        moved = any(name in old and old[name] != new[name] for name in new)
        if same_weights(before, row) and moved:
            found["METRIC-CHANGED-WEIGHTS-SAME"] += 1
        facts = ("task", "data_source", "data_type", "packages")
        same = old == new and all(before[fact] == row[fact] for fact in facts)
        if same and len(changed_files(before, row)) <= 1 and weights_of(before) == weights_of(row):
            found["VERSION-ONLY"] += 1
    locators = collections.defaultdict(set)
    for row in rows:
        for weight in row["weights"]:
            if weight.get("hash_val"):
                locators[weight["url"]].add(weight["hash_val"])
    found["LOCATOR-TWO-DIGESTS"] = sum(len(hashes) - 1 for hashes in locators.values())
    found["VERSION-REUSED"] = len(rows) - len(by_version)
    return +found


def main():
    if not os.path.exists(HISTORY):
        harness.skip(f"{HISTORY} isn't here")
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    with open(HISTORY, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    with harness.Place() as place:
        ledger = f"file:{place.ledger}"
        harness.run("import", "monai", HISTORY, "--as", place.key, "--ledger", ledger)

        def ask(*arguments):
            return json.loads(harness.run_well(*arguments, "--ledger", ledger, "--json"))

        lint = ask("lint")["lint"]
        harness.expect(int(lint["versionsExamined"]) == len(rows), f"examined {lint['versionsExamined']} versions")
        found = collections.Counter(each["lint"] for each in lint["found"])
        plain = {name: count for name, count in found.items() if not name.startswith("DIGEST-")}
        expected = expected_lints(rows)
        harness.expect(plain == expected, f"lints {plain}, the file has {dict(expected)}")
        harness.expect(all(each["leaves"] for each in lint["found"]), "a lint without a leaf")

        newest = rows[-1]
        model = f"{newest['bundle']}@{newest['version']}"
        parts = {part["section"]: part for part in ask("explain", model)["explain"]["parts"]}
        for section in ("ANNOTATION", "PREPROCESSING"):
            harness.expect(not parts[section]["evidence"] and parts[section]["missing"], f"{model}: {section}")
        dataset = next(each["entity"] for each in parts["DATA"]["evidence"] if each["entity"]["kind"] == "dataset")
        down = ask("lineage", f"dataset:{dataset['id']}@{dataset['version']}", "--down")["lineage"]
        reached = {(each["kind"], each["id"], each["version"]) for each in down["reached"]}
        harness.expect(("model", newest["bundle"], newest["version"]) in reached, f"{model} is not below its data")
        print(f"{dict(found)} over {len(rows)} versions; {len(reached)} entities below {dataset['id']}")


if __name__ == "__main__":
    main()
