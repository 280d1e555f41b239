#!/usr/bin/python3
"""The real history of MONAI's bundles, imported: what differs between a version and the one before it, what the lints
find and what an explanation cites is what a plain reading of the file finds, and what bundles never record is named.
The newest version's design history can be exported, and verifies.

tests/data has a sample of it, which is always read; the whole where it is at hand."""

import collections
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))
import harness  # noqa: E402
from harness import expect  # noqa: E402

SAMPLE = os.path.join(HERE, "..", "data", "monai_sample.jsonl")
HISTORY = os.path.join(os.environ.get("ANAMNESIS_SHARED_DIR", os.path.join(HERE, "..", "..", "..", "shared")), "data",
                       "monai_history.jsonl")
# As client/importers/weight_files.cc has them.
WEIGHTS = (".pt", ".pth", ".ts", ".onnx", ".ckpt", ".safetensors", ".h5", ".hdf5", ".pb", ".trt", ".engine", ".bin")
# A weight file in Git that is smaller is a pointer to the weights (client/importers/weight_files.h).
POINTER_BYTES = 1024
# What the design history of one bundle may have for each record that it cites, and beside them.
FILES_A_RECORD, FILES_BESIDE = 3, 20
BYTES_A_RECORD, BYTES_BESIDE = 16 * 1024, 256 * 1024


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


def flat(value, name=""):
    """Numbers by their path: {"mean_dice": {"liver": 0.9}} has "mean_dice.liver"."""
    if isinstance(value, (dict, list)):
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        below = [flat(each, f"{name}.{key}" if name else str(key)) for key, each in parts]
        return {path: text for found in below for path, text in found.items()}
    return {} if value is None or not name else {name: str(value)}


def metrics_of(row):
    return flat(row["eval_metrics"])


def packages_of(row):
    packages = row["packages"] or {}
    found = {name: packages.get(f"{name}_version") for name in ("monai", "pytorch", "numpy")}
    for group in ("optional_packages_version", "required_packages_version"):
        found |= packages.get(group) or {}
    return {name: str(version) for name, version in found.items() if version is not None}


def files_of(row):
    return {file["path"]: file["blob"] for file in row["files"]}


def changed_files(before, after):
    return changes(files_of(before), files_of(after))


def changes(old, new):
    return {name: (old.get(name), new.get(name)) for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def weight_digests_of(row):
    """Whether each weight file's bytes are known, by its path: by a hash that is listed, or by Git."""
    in_git = {file["path"] for file in row["files"] if file["size"] >= POINTER_BYTES}
    known = {weight["path"]: bool(weight.get("hash_val")) or weight["path"] in in_git for weight in row["weights"]}
    for file in row["files"]:
        if file["path"].endswith(WEIGHTS):
            known.setdefault(file["path"], file["path"] in in_git)
    return known


def expected_digest_lints(rows):
    """(lint, kind, bundle): how many of how many files, of each version. Every digest here is an MD5 or a SHA-1."""
    found = collections.Counter()
    for row in rows:
        known = weight_digests_of(row)
        released = [bool(row["released"]["checksum"])] if row["released"] else []
        for kind, digests in (("model", list(known.values())), ("release", released)):
            for lint, count in (("DIGEST-WEAK", sum(digests)), ("DIGEST-MISSING", len(digests) - sum(digests))):
                if count:
                    found[lint, kind, row["bundle"], f"{count} of {len(digests)} files"] += 1
    return found


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


def named(row):
    return f"{row['bundle']}@{row['version']}"


class Imported:
    """One file's history in a ledger of its own."""

    def __init__(self, place, path):
        with open(path, encoding="utf-8") as file:
            self.rows = [json.loads(line) for line in file]
        self.place, self.path = place, path
        self.where = ["--ledger", f"file:{place.ledger}"]
        self.vkey = harness.run_well("key", "show", os.path.join(place.ledger, "checkpoint.key")).strip()
        harness.run("import", "monai", path, "--as", place.key, *self.where)

    def ask(self, *arguments, well=True):
        done = (harness.run_well if well else harness.run)(*arguments, *self.where, "--json")
        return json.loads(done if well else done.stdout)

    def check_lints(self):
        lint = self.ask("lint")["lint"]
        expect(int(lint["versionsExamined"]) == len(self.rows), f"examined {lint['versionsExamined']} versions")
        found = collections.Counter(each["lint"] for each in lint["found"])
        plain = {name: count for name, count in found.items() if not name.startswith("DIGEST-")}
        expected = expected_lints(self.rows)
        expect(plain == expected, f"{self.path}: lints {plain}, the file has {dict(expected)}")
        expect(all(each["leaves"] for each in lint["found"]), "a lint without a leaf")
        digests = collections.Counter(
            (each["lint"], each["entity"]["kind"], each["entity"]["id"],
             each["message"].split(" are ")[0].split(" have ")[0])
            for each in lint["found"] if each["lint"].startswith("DIGEST-"))
        wanted = expected_digest_lints(self.rows)
        expect(digests == wanted, f"{self.path}: {digests - wanted} too many, {wanted - digests} too few")
        return found

    def check_diffs(self):
        """Each version against the one that the file calls its previous one."""
        by_version = {(row["bundle"], row["version"]): row for row in self.rows}
        seen = collections.Counter()
        for row in self.rows:
            before = by_version.get((row["bundle"], row["prev_version"]))
            if before is None:
                continue
            diff = self.ask("diff", f"model:{named(before)}", f"model:{named(row)}", well=False)["diff"]
            expect(diff["verdict"] == "DIFFERENT", f"{named(row)}: {diff['verdict']}")
            told = {facet["name"]: {change["path"]: (change.get("x") or None, change.get("y") or None)
                                    for change in facet["changes"]} for facet in diff["facets"]}
            expect(not any(int(facet["changesLeftOut"]) for facet in diff["facets"]), f"{named(row)}: changes left out")
            environment = {path[len("environment["):-1]: values for path, values in told["parameters"].items()
                           if path.startswith("environment[")}
            start, end = f"{row['bundle']}: files[", "].digest"
            files = {path[len(start):-len(end)]: tuple(value and value.replace("git-sha1:", "") for value in values)
                     for path, values in told["code"].items() if path.startswith(start) and path.endswith(end)}
            for what, got, plain in (("metrics", told["metrics"], changes(metrics_of(before), metrics_of(row))),
                                     ("packages", environment, changes(packages_of(before), packages_of(row))),
                                     ("files", files, changes(files_of(before), files_of(row)))):
                expect(got == plain, f"{named(row)}: {what} {got}, the file has {plain}")
                seen[what] += len(plain)
            seen["diffs"] += 1
        expect(all(seen[what] for what in ("diffs", "metrics", "packages", "files")), f"{self.path}: {seen}")
        return seen

    def check_explanations(self, rows):
        for row in rows:
            parts = {part["section"]: part for part in self.ask("explain", named(row))["explain"]["parts"]}
            for section in ("ANNOTATION", "PREPROCESSING"):
                expect(not parts[section]["evidence"] and parts[section]["missing"], f"{named(row)}: {section}")
            code = [each["entity"]["version"] for each in parts["CODE"]["evidence"]
                    if each["entity"]["kind"] == "code_revision"]
            expect(code == [row["commit"]], f"{named(row)}: {code}")
            metrics = {metric["name"]: metric["value"] for each in parts["EVALUATION"]["evidence"]
                       for metric in each["metrics"]}
            expect(metrics == metrics_of(row), f"{named(row)}: {metrics}")
            data = [field["value"] for each in parts["DATA"]["evidence"] for field in each["fields"]
                    if field["name"] == "source"]
            expect(data == ([row["data_source"]] if row["data_source"] else []), f"{named(row)}: {data}")

    def check_lineage(self, row):
        parts = {part["section"]: part for part in self.ask("explain", named(row))["explain"]["parts"]}
        dataset = next(each["entity"] for each in parts["DATA"]["evidence"] if each["entity"]["kind"] == "dataset")
        down = self.ask("lineage", f"dataset:{dataset['id']}@{dataset['version']}", "--down")["lineage"]
        reached = {(each["kind"], each["id"], each["version"]) for each in down["reached"]}
        expect(("model", row["bundle"], row["version"]) in reached, f"{named(row)} is not below its data")

    def check_design_history(self, row):
        """What a bundle's own history comes to as files, and that a verifier takes it."""
        out = self.place.path("dhf")
        harness.run_well("dhf", f"model:{named(row)}", "--out", out, "--as", self.place.key, *self.where)
        with open(os.path.join(out, "manifest.json"), encoding="utf-8") as file:
            files = {each["path"]: int(each["size"]) for each in json.load(file)["files"]}
        on_disk = {os.path.relpath(os.path.join(path, name), out): os.path.getsize(os.path.join(path, name))
                   for path, _, names in os.walk(out) for name in names}
        expect(files.items() <= on_disk.items(), f"{set(files.items()) - set(on_disk.items())} is not on disk")
        records = sum(name.endswith(".leaf") for name in files)
        # The seven sections rest on the five records of each version of the bundle and its releases.
        versions = sum(each["bundle"] == row["bundle"] for each in self.rows)
        expect(records >= 5 * versions, f"{records} records of {versions} versions")
        expect(len(on_disk) <= FILES_A_RECORD * records + FILES_BESIDE, f"{len(on_disk)} files for {records} records")
        total = sum(on_disk.values())
        expect(total <= BYTES_A_RECORD * records + BYTES_BESIDE, f"{total} bytes for {records} records")
        verified = harness.run_well("verify", out, "--key", self.vkey)
        expect(verified.startswith("verified") and f"{records} records" in verified, verified)
        record = os.path.join(out, next(name for name in sorted(files) if name.endswith(".leaf")))
        with open(record, "r+b") as file:
            first = file.read(1)
            file.seek(0)
            file.write(bytes([first[0] ^ 1]))
        spoilt = harness.run("verify", out, "--key", self.vkey)
        expect(spoilt.returncode == 1 and "NOT VERIFIED" in spoilt.stdout, f"{spoilt.returncode} {spoilt.stdout}")
        return f"{records} records in {len(on_disk)} files of {total} bytes"


def check(path, explained):
    with harness.Place() as place:
        imported = Imported(place, path)
        newest = imported.rows[-1]
        lints = imported.check_lints()
        seen = imported.check_diffs()
        imported.check_explanations(imported.rows[::explained])
        imported.check_lineage(newest)
        history = imported.check_design_history(newest)
        print(f"{os.path.basename(path)}: {dict(lints)} over {len(imported.rows)} versions; {dict(seen)}; "
              f"the design history of {named(newest)} has {history}")


def main():
    harness.need_programs(os.path.join(harness.BIN, "anamnesis"))
    check(SAMPLE, 1)
    if os.path.exists(HISTORY):
        check(HISTORY, 10)
    else:
        print(f"NOT TESTED: the whole history, since {HISTORY} isn't here")


if __name__ == "__main__":
    main()
